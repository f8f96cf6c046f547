//! Where files of exports lie: in the data directory, a directory an export, readable by the service alone.

use crate::platform::ids::{CompanyId, ExportId};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    fn draft(&self, company: CompanyId, export: ExportId) -> PathBuf {
        self.root.join(company.to_string()).join(format!("{export}.new"))
    }
    /// An empty directory to write into; what an earlier try left is gone.
    pub fn begin(&self, company: CompanyId, export: ExportId) -> io::Result<PathBuf> {
        self.discard(company, export);
        let draft = self.draft(company, export);
        make(&draft)?;
        Ok(draft)
    }
    /// Puts what was written in its place, whole. An export that is begun again after its files were there replaces them.
    pub fn keep(&self, company: CompanyId, export: ExportId) -> io::Result<()> {
        let place = self.place(company, export);
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::rename(self.draft(company, export), place)
    }
    /// Removes what was begun.
    pub fn discard(&self, company: CompanyId, export: ExportId) {
        let _ = fs::remove_dir_all(self.draft(company, export));
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
        let draft = shelf.begin(company, export).expect("a draft");
        fs::write(draft.join("a"), "half").expect("written");
        let draft = shelf.begin(company, export).expect("again");
        assert!(!draft.join("a").exists(), "what the first try left is gone");
        fs::write(draft.join("b"), "whole").expect("written");
        shelf.keep(company, export).expect("kept");
        assert_eq!(fs::read_to_string(shelf.place(company, export).join("b")).expect("there"), "whole");
        shelf.begin(company, export).expect("a draft");
        shelf.discard(company, export);
        shelf.sweep(Duration::from_secs(3600)).expect("swept");
        assert!(shelf.place(company, export).exists());
        shelf.sweep(Duration::ZERO).expect("swept");
        assert!(!shelf.place(company, export).exists());
        fs::remove_dir_all(&root).expect("removed");
    }
}
