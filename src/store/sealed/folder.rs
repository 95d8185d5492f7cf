//! Sealed bytes in a folder of files.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::os::private_file;
use crate::os::private_file::FileError;
use crate::store::bytes::{Bytes, RECORDS};
use crate::store::error::StoreError;
use crate::store::kind::StoreKind;
use crate::store::lock::SharedLock;
use crate::store::revision::{Revision, Versioned};

const EXTENSION: &str = ".sealed";

/// The folder; keys are paths in it.
pub(crate) struct SealedFolder(pub(crate) PathBuf);

impl SealedFolder {
    fn path(&self, key: &str) -> PathBuf {
        self.0.join(format!("{key}{EXTENSION}"))
    }
}

impl Bytes for SealedFolder {
    fn kind(&self) -> StoreKind {
        StoreKind::File
    }

    fn location(&self, key: &str) -> String {
        self.path(key).display().to_string()
    }

    fn read(&self, key: &str) -> Result<Option<Versioned<Zeroizing<Vec<u8>>>>, StoreError> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(Path::new("."));
        if !folder.exists() {
            return Ok(None);
        }
        private_file::check_folder(folder)?;
        let bytes = private_file::read(&path)?;
        Ok(bytes.map(|value| Versioned { revision: Revision::of(&value), value }))
    }

    fn write(&self, key: &str, bytes: &[u8], over: &Revision) -> Result<Revision, StoreError> {
        if *over != Revision::Any {
            let present = self.read(key)?.map_or(Revision::Absent, |stored| stored.revision);
            if !over.allows(&present) {
                return Err(StoreError::Conflict { place: self.location(key) });
            }
        }
        private_file::write(&self.path(key), bytes)?;
        Ok(Revision::of(bytes))
    }

    fn delete(&self, key: &str) -> Result<bool, StoreError> {
        Ok(private_file::remove(&self.path(key))?)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let folder = self.0.join(prefix.trim_end_matches('/'));
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => {
                return Err(FileError::Io { path: folder.display().to_string(), source }.into());
            }
        };
        let name = |entry: std::fs::DirEntry| entry.file_name().into_string().ok();
        let names = entries.filter_map(|entry| name(entry.ok()?));
        Ok(names.filter_map(|name| name.strip_suffix(EXTENSION).map(str::to_owned)).collect())
    }

    /// Only this machine uses the folder.
    fn lock(self: Rc<Self>, _: &str, _: Duration) -> Result<Option<SharedLock>, StoreError> {
        Ok(None)
    }

    fn prepare(&self) -> Result<(), StoreError> {
        Ok(private_file::make_folder(&self.0.join(RECORDS.trim_end_matches('/')))?)
    }
}
