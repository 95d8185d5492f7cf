//! Records in sealed files, for machines without a keyring.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use zeroize::Zeroizing;

use super::key::{KeyFile, Keys};
use super::private_file::{self, FileError};
use super::record::RecordName;
use super::seal;
use super::{Backend, Kept, Revision, StoreError, StoreKind};
use crate::binding::Binding;
use crate::fault;
use crate::ports::Random;
use crate::secret::SecretText;

/// The ending of sealed records.
const ENDING: &str = "sealed";

/// Sealed files in one folder, their key in another.
pub struct FileBackend {
    folder: PathBuf,
    key: KeyFile,
    random: Rc<dyn Random>,
}

impl FileBackend {
    /// Sealed files in `folder`, with the keys of `key`, which are made when they are first needed.
    #[must_use]
    pub fn new(folder: PathBuf, key: KeyFile, random: Rc<dyn Random>) -> Self {
        Self { folder, key, random }
    }

    /// The key file.
    #[must_use]
    pub fn key(&self) -> &KeyFile {
        &self.key
    }

    fn path(&self, name: &RecordName) -> PathBuf {
        self.folder.join(format!("{name}.{ENDING}"))
    }

    /// The keys for a new record. New ones are made only where there is nothing yet that old ones sealed.
    pub(super) fn keys_or_new(&self) -> Result<Keys, StoreError> {
        if self.key.kept_as()?.is_none() && !self.names()?.is_empty() {
            return Err(StoreError::KeyMissing { path: self.key.place() });
        }
        self.key.keys_or_new()
    }

    /// Opens what was sealed with the current key or an earlier one.
    pub(super) fn open(
        &self,
        name: &RecordName,
        binding: &Binding,
        sealed: &[u8],
        place: &Path,
    ) -> Result<SecretText, StoreError> {
        let keys = self.key.keys()?.ok_or_else(|| StoreError::KeyMissing { path: self.key.place() })?;
        let corrupt = |reason: String| StoreError::Corrupt { place: place.display().to_string(), reason };
        let mut failure = None;
        for key in keys.iter() {
            match seal::open(&key, name, binding, sealed) {
                Ok(text) => {
                    let text =
                        std::str::from_utf8(&text).map_err(|_| corrupt("it is not UTF-8".to_owned()))?;
                    return Ok(SecretText::new(text));
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(corrupt(failure.map_or_else(String::new, |error| error.to_string())))
    }

    /// Seals every record anew with the current key.
    pub(super) fn reseal(&self, name: &RecordName) -> Result<(), StoreError> {
        let path = self.path(name);
        let Some(sealed) = self.sealed(&path)? else { return Ok(()) };
        let corrupt = |error: seal::SealError| StoreError::Corrupt {
            place: path.display().to_string(),
            reason: error.to_string(),
        };
        let binding = seal::claimed_binding(&sealed).map_err(corrupt)?;
        let text = self.open(name, &binding, &sealed, &path)?;
        self.write(name, &binding, &text, &Revision::Any).map(drop)
    }

    fn sealed(&self, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        if !self.folder.exists() {
            return Ok(None);
        }
        private_file::check_folder(&self.folder)?;
        Ok(private_file::read(path)?)
    }
}

impl Backend for FileBackend {
    fn kind(&self) -> StoreKind {
        StoreKind::File
    }

    fn read(&self, name: &RecordName, binding: &Binding) -> Result<Option<Kept>, StoreError> {
        let path = self.path(name);
        let Some(sealed) = self.sealed(&path)? else { return Ok(None) };
        let text = self.open(name, binding, &sealed, &path)?;
        Ok(Some(Kept { text, revision: Revision::of(&sealed) }))
    }

    fn write(
        &self,
        name: &RecordName,
        binding: &Binding,
        text: &SecretText,
        over: &Revision,
    ) -> Result<Revision, StoreError> {
        let path = self.path(name);
        if *over != Revision::Any {
            let present = self.sealed(&path)?.map_or(Revision::Absent, |sealed| Revision::of(&sealed));
            if !over.allows(&present) {
                return Err(StoreError::Conflict { place: path.display().to_string() });
            }
        }
        let sealed = seal::seal(
            &self.keys_or_new()?.current(),
            name,
            binding,
            text.expose().as_bytes(),
            &*self.random,
        );
        let full = |source| FileError::Io { path: path.display().to_string(), source };
        fault::fail("record").map_err(full)?;
        private_file::write(&path, &sealed)?;
        Ok(Revision::of(&sealed))
    }

    fn prepare(&self) -> Result<(), StoreError> {
        private_file::make_folder(&self.folder)?;
        self.keys_or_new().map(drop)
    }

    fn delete(&self, name: &RecordName) -> Result<bool, StoreError> {
        Ok(private_file::remove(&self.path(name))?)
    }

    fn names(&self) -> Result<Vec<RecordName>, StoreError> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => {
                return Err(FileError::Io { path: self.folder.display().to_string(), source }.into());
            }
        };
        let names = entries.filter_map(|entry| {
            let file_name = entry.ok()?.file_name().into_string().ok()?;
            RecordName::stored(file_name.strip_suffix(&format!(".{ENDING}"))?.to_owned())
        });
        Ok(names.collect())
    }

    fn claimed_binding(&self, name: &RecordName) -> Result<Option<Binding>, StoreError> {
        let path = self.path(name);
        let Some(sealed) = self.sealed(&path)? else { return Ok(None) };
        seal::claimed_binding(&sealed).map(Some).map_err(|error| StoreError::Corrupt {
            place: path.display().to_string(),
            reason: error.to_string(),
        })
    }
}
