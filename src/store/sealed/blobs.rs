//! A place for sealed bytes: a folder of files, or an engine that several machines share.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use zeroize::Zeroizing;

use crate::failpoint;
use crate::os::private_file;
use crate::os::private_file::FileError;
use crate::store::record::RecordName;
use crate::store::shared::Engine;
use crate::store::{Revision, StoreError, StoreKind};

/// The ending of sealed records.
const ENDING: &str = "sealed";

/// Sealed bytes with their state.
#[derive(Debug, Clone)]
pub struct Blob {
    /// The bytes.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Their state.
    pub revision: Revision,
}

/// A place for sealed bytes.
pub trait Blobs {
    /// Its kind.
    fn kind(&self) -> StoreKind;
    /// Where the bytes of a name are, for messages.
    fn place(&self, name: &RecordName) -> String;
    /// Reads; `None` when there is nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&self, name: &RecordName) -> Result<Option<Blob>, StoreError>;
    /// Replaces the state `over`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is another state.
    fn put(&self, name: &RecordName, bytes: &[u8], over: &Revision) -> Result<Revision, StoreError>;
    /// Removes; `false` when there was nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn delete(&self, name: &RecordName) -> Result<bool, StoreError>;
    /// All names.
    ///
    /// # Errors
    /// [`StoreError`].
    fn names(&self) -> Result<Vec<RecordName>, StoreError>;
    /// Makes what the first bytes need, or finds out that they will not go.
    ///
    /// # Errors
    /// [`StoreError`].
    fn prepare(&self) -> Result<(), StoreError>;
}

/// Files in one folder.
pub struct Files(PathBuf);

impl Files {
    /// The files in a folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn path(&self, name: &RecordName) -> PathBuf {
        self.0.join(format!("{name}.{ENDING}"))
    }
}

fn io_error(path: &Path, source: std::io::Error) -> FileError {
    FileError::Io { path: path.display().to_string(), source }
}

impl Blobs for Files {
    fn kind(&self) -> StoreKind {
        StoreKind::File
    }

    fn place(&self, name: &RecordName) -> String {
        self.path(name).display().to_string()
    }

    fn get(&self, name: &RecordName) -> Result<Option<Blob>, StoreError> {
        if !self.0.exists() {
            return Ok(None);
        }
        private_file::check_folder(&self.0)?;
        let bytes = private_file::read(&self.path(name))?;
        Ok(bytes.map(|bytes| Blob { revision: Revision::of(&bytes), bytes }))
    }

    fn put(&self, name: &RecordName, bytes: &[u8], over: &Revision) -> Result<Revision, StoreError> {
        if *over != Revision::Any {
            let present = self.get(name)?.map_or(Revision::Absent, |blob| blob.revision);
            if !over.allows(&present) {
                return Err(StoreError::Conflict { place: self.place(name) });
            }
        }
        let path = self.path(name);
        failpoint::fail("record").map_err(|source| io_error(&path, source))?;
        private_file::write(&path, bytes)?;
        Ok(Revision::of(bytes))
    }

    fn delete(&self, name: &RecordName) -> Result<bool, StoreError> {
        Ok(private_file::remove(&self.path(name))?)
    }

    fn names(&self) -> Result<Vec<RecordName>, StoreError> {
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error(&self.0, error).into()),
        };
        let names = entries.filter_map(|entry| {
            let file_name = entry.ok()?.file_name().into_string().ok()?;
            RecordName::stored(file_name.strip_suffix(&format!(".{ENDING}"))?.to_owned())
        });
        Ok(names.collect())
    }

    fn prepare(&self) -> Result<(), StoreError> {
        Ok(private_file::make_folder(&self.0)?)
    }
}

/// The records of a shared engine.
pub struct Shared(pub Rc<dyn Engine>);

/// What the keys of records begin with.
const RECORDS: &str = "records/";

fn key(name: &RecordName) -> String {
    format!("{RECORDS}{name}")
}

impl Blobs for Shared {
    fn kind(&self) -> StoreKind {
        self.0.kind()
    }

    fn place(&self, name: &RecordName) -> String {
        format!("the record {name} in {}", self.0.kind())
    }

    fn get(&self, name: &RecordName) -> Result<Option<Blob>, StoreError> {
        self.0.get(&key(name))
    }

    fn put(&self, name: &RecordName, bytes: &[u8], over: &Revision) -> Result<Revision, StoreError> {
        failpoint::fail("record").map_err(|source| io_error(Path::new(&key(name)), source))?;
        self.0.put(&key(name), bytes, over)
    }

    fn delete(&self, name: &RecordName) -> Result<bool, StoreError> {
        self.0.delete(&key(name))
    }

    fn names(&self) -> Result<Vec<RecordName>, StoreError> {
        let keys = self.0.keys(RECORDS)?;
        Ok(keys.into_iter().filter_map(RecordName::stored).collect())
    }

    fn prepare(&self) -> Result<(), StoreError> {
        // An engine that cannot be reached, or that lets nobody in, is told before anything is lost with it.
        self.0.get("store.key").map(drop)
    }
}
