//! The newest head of each company, kept in a file beside the signing key.
//!
//! The database alone cannot tell that it was put back to an older copy, or cut at its end together with leaves
//! and heads: it would be whole. What is kept here is outside it.

use super::merkle::Hash;
use crate::platform::ids::CompanyId;
use crate::platform::text::hex;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use uuid::Uuid;

/// Size and root.
pub type Head = (u64, Hash);

/// The file: a line a company, `id size root`.
pub struct Kept {
    file: PathBuf,
    heads: Mutex<State>,
}

#[derive(Default)]
struct State {
    heads: BTreeMap<Uuid, Head>,
    fresh: bool,
}

impl Kept {
    pub fn open(directory: &Path) -> std::io::Result<Self> {
        let file = directory.join("audit.heads");
        let heads = read(&file)?;
        Ok(Self { file, heads: Mutex::new(State { heads, fresh: false }) })
    }

    /// The largest head ever seen of a company.
    pub fn of(&self, company: CompanyId) -> Option<Head> {
        self.heads.lock().ok()?.heads.get(&company.uuid()).copied()
    }

    /// Notes a head; written by [`Self::save`].
    pub fn note(&self, company: CompanyId, head: Head) {
        if let Ok(mut state) = self.heads.lock() {
            let old = state.heads.entry(company.uuid()).or_default();
            if head.0 > old.0 {
                *old = head;
                state.fresh = true;
            }
        }
    }

    /// Forgets a company's head: its history was cut on purpose, by a restore.
    pub fn forget(&self, company: CompanyId, head: Head) -> std::io::Result<()> {
        let lock = self.lock_file()?;
        let mut heads = read(&self.file)?;
        heads.insert(company.uuid(), head);
        self.write(&heads)?;
        if let Ok(mut state) = self.heads.lock() {
            state.heads = heads;
        }
        drop(lock);
        Ok(())
    }

    /// Writes what is new, whole or not at all. Another process may keep heads in the same file; of each company
    /// the larger stays.
    pub fn save(&self) -> std::io::Result<()> {
        let Ok(mut state) = self.heads.lock() else { return Ok(()) };
        if !state.fresh {
            return Ok(());
        }
        let lock = self.lock_file()?;
        for (company, head) in read(&self.file)? {
            let own = state.heads.entry(company).or_default();
            *own = if head.0 > own.0 { head } else { *own };
        }
        self.write(&state.heads)?;
        drop(lock);
        state.fresh = false;
        Ok(())
    }

    fn lock_file(&self) -> std::io::Result<File> {
        let lock = std::fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(self.file.with_extension("heads.lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    fn write(&self, heads: &BTreeMap<Uuid, Head>) -> std::io::Result<()> {
        let fresh = self.file.with_extension("heads.new");
        let out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        let mut lines = std::io::BufWriter::new(out);
        for (company, (size, root)) in heads {
            writeln!(lines, "{company} {size} {}", hex(root))?;
        }
        lines.into_inner()?.sync_all()?;
        std::fs::rename(fresh, &self.file)
    }
}

fn read(file: &Path) -> std::io::Result<BTreeMap<Uuid, Head>> {
    let text = match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        text => text?,
    };
    let head = |line: &str| {
        let mut words = line.split(' ');
        let company = words.next()?.parse().ok()?;
        let size = words.next()?.parse().ok()?;
        Some((company, (size, unhex(words.next()?)?)))
    };
    let invalid = || std::io::Error::new(std::io::ErrorKind::InvalidData, format!("{} is damaged", file.display()));
    text.lines().map(|line| head(line).ok_or_else(invalid)).collect()
}

/// 32 bytes from hexadecimal.
#[must_use]
pub fn unhex(text: &str) -> Option<Hash> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..32).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_head_stays_whoever_wrote_it() {
        let directory = std::env::temp_dir().join(format!("duebook-heads-{}", Uuid::new_v4()));
        std::fs::create_dir(&directory).expect("a directory");
        let (one, two) = (CompanyId::new(), CompanyId::new());
        let (first, second) = (Kept::open(&directory).expect("none yet"), Kept::open(&directory).expect("none yet"));
        first.note(one, (3, [3; 32]));
        first.note(two, (9, [9; 32]));
        first.save().expect("written");
        second.note(one, (5, [5; 32]));
        second.save().expect("written");
        first.note(one, (4, [4; 32]));
        first.save().expect("written");
        let read = Kept::open(&directory).expect("read");
        assert_eq!((read.of(one), read.of(two), read.of(CompanyId::new())), (Some((5, [5; 32])), Some((9, [9; 32])), None));
        read.forget(one, (2, [2; 32])).expect("written");
        assert_eq!(Kept::open(&directory).expect("read").of(one), Some((2, [2; 32])));
        std::fs::write(directory.join("audit.heads"), "nonsense\n").expect("written");
        assert!(Kept::open(&directory).is_err());
        std::fs::remove_dir_all(&directory).expect("removed");
    }
}
