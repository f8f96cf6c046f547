//! Where files of exports lie: in the data directory, a directory an export, readable by the service alone.

use crate::platform::ids::{CompanyId, ExportId};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

pub struct Shelf {
    root: PathBuf,
}

impl Shelf {
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let root = data_dir.join("exports");
        make(&root)?;
        Ok(Self { root })
    }
    /// The directory of an export that is done.
    #[must_use]
    pub fn place(&self, company: CompanyId, export: ExportId) -> PathBuf {
        self.root.join(company.to_string()).join(export.to_string())
    }
    /// An empty directory to write into, which no other try of the same export writes into; what earlier ones left is gone.
    pub fn begin(&self, company: CompanyId, export: ExportId) -> io::Result<Draft> {
        let place = self.place(company, export);
        let (of, stem) = (self.root.join(company.to_string()), format!("{export}."));
        make(&of)?;
        for left in fs::read_dir(&of)?.flatten().filter(|left| left.file_name().to_string_lossy().starts_with(&stem)) {
            let _ = fs::remove_dir_all(left.path());
        }
        let draft = of.join(format!("{stem}{}", Uuid::new_v4().simple()));
        make(&draft)?;
        Ok(Draft { directory: draft, place })
    }
    /// Removes what is older than this.
    pub fn sweep(&self, age: Duration) -> io::Result<()> {
        for company in fs::read_dir(&self.root)? {
            for export in fs::read_dir(company?.path())? {
                let export = export?;
                if export.metadata()?.modified()?.elapsed().is_ok_and(|old| old > age) {
                    fs::remove_dir_all(export.path())?;
                }
            }
        }
        Ok(())
    }
}

/// What is being written; it goes when it is dropped before it was kept.
pub struct Draft {
    directory: PathBuf,
    place: PathBuf,
}

impl Draft {
    /// Where to write.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
    /// Puts what was written in its place, whole; what an earlier try put there goes. Said again it changes nothing. Only who
    /// holds the lease of the job may say it, or the files are not those of the manifest.
    pub fn keep(&self) -> io::Result<()> {
        if self.directory.exists() {
            if self.place.exists() {
                fs::remove_dir_all(&self.place)?;
            }
            return fs::rename(&self.directory, &self.place);
        }
        if self.place.exists() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::NotFound)) }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn make(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_is_put_in_place_whole_or_goes() {
        let root = std::env::temp_dir().join(format!("duebook-shelf-{}", uuid::Uuid::new_v4()));
        let shelf = Shelf::open(&root).expect("a shelf");
        let (company, export) = (CompanyId::new(), ExportId::new());
        let slow = shelf.begin(company, export).expect("a draft");
        fs::write(slow.directory().join("a"), "half").expect("written");
        let draft = shelf.begin(company, export).expect("again");
        assert!(!slow.directory().exists() && slow.directory() != draft.directory(), "what the first try left is gone");
        fs::write(draft.directory().join("b"), "whole").expect("written");
        // The first one, which lost its lease, takes nothing of the second's along.
        drop(slow);
        draft.keep().expect("kept");
        draft.keep().expect("kept already");
        drop(draft);
        assert_eq!(fs::read_to_string(shelf.place(company, export).join("b")).expect("there"), "whole");
        drop(shelf.begin(company, export).expect("a draft"));
        assert_eq!(fs::read_dir(root.join("exports").join(company.to_string())).expect("listed").count(), 1);
        shelf.sweep(Duration::from_secs(3600)).expect("swept");
        assert!(shelf.place(company, export).exists());
        shelf.sweep(Duration::ZERO).expect("swept");
        assert!(!shelf.place(company, export).exists());
        fs::remove_dir_all(&root).expect("removed");
    }
}
