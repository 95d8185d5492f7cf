//! Records in sealed files, for machines without a keyring.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::private_file::{self, FileError};
use super::record::RecordName;
use super::seal::{self, SealingKey};
use super::{Backend, Kept, Revision, StoreError, StoreKind};
use crate::binding::Binding;
use crate::fault;
use crate::ports::Random;
use crate::secret::SecretText;

/// The ending of sealed records.
const ENDING: &str = "sealed";
/// The first line of the key file.
const KEY_MAGIC: &str = "authctl store key 1";

/// Sealed files in one folder, their key in another.
pub struct FileBackend {
    folder: PathBuf,
    key_file: PathBuf,
    random: Rc<dyn Random>,
}

impl FileBackend {
    /// Sealed files in `folder`, sealed with the key in `key_file`, which is made when it is first needed.
    #[must_use]
    pub fn new(folder: PathBuf, key_file: PathBuf, random: Rc<dyn Random>) -> Self {
        Self { folder, key_file, random }
    }

    fn path(&self, name: &RecordName) -> PathBuf {
        self.folder.join(format!("{name}.{ENDING}"))
    }

    /// The key, if there is one.
    pub(super) fn key(&self) -> Result<Option<SealingKey>, StoreError> {
        let Some(bytes) = private_file::read(&self.key_file)? else { return Ok(None) };
        let text = std::str::from_utf8(&bytes).ok();
        let encoded = text.and_then(|text| text.strip_prefix(KEY_MAGIC)).map(str::trim);
        let mut key = SealingKey::new([0; 32]);
        let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok()).map(Zeroizing::new);
        match decoded {
            Some(decoded) if decoded.len() == key.len() => key.copy_from_slice(&decoded),
            _ => {
                let place = self.key_file.display().to_string();
                return Err(StoreError::Corrupt { place, reason: "it is not a key of authctl".to_owned() });
            }
        }
        Ok(Some(key))
    }

    /// The key for a new record. A new one is made only where there is nothing yet that an old one sealed.
    pub(super) fn key_or_new(&self) -> Result<SealingKey, StoreError> {
        if let Some(key) = self.key()? {
            return Ok(key);
        }
        if !self.names()?.is_empty() {
            return Err(StoreError::KeyMissing { path: self.key_file.display().to_string() });
        }
        let mut key = SealingKey::new([0; 32]);
        self.random.fill(&mut *key);
        let text = Zeroizing::new(format!("{KEY_MAGIC}\n{}\n", STANDARD.encode(*key)));
        private_file::write_new(&self.key_file, text.as_bytes())?;
        // Another process may have been first: its key holds.
        self.key()?.ok_or_else(|| StoreError::KeyMissing { path: self.key_file.display().to_string() })
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
        let key = self
            .key()?
            .ok_or_else(|| StoreError::KeyMissing { path: self.key_file.display().to_string() })?;
        let corrupt = |reason: String| StoreError::Corrupt { place: path.display().to_string(), reason };
        let text = seal::open(&key, name, binding, &sealed).map_err(|error| corrupt(error.to_string()))?;
        let text = decode_text(&text).ok_or_else(|| corrupt("it is not UTF-8".to_owned()))?;
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
        let key = self.key_or_new()?;
        let sealed = seal::seal(&key, name, binding, text.expose().as_bytes(), &*self.random);
        let full = |source| FileError::Io { path: path.display().to_string(), source };
        fault::fail("record").map_err(full)?;
        private_file::write(&path, &sealed)?;
        Ok(Revision::of(&sealed))
    }

    fn prepare(&self) -> Result<(), StoreError> {
        private_file::make_folder(&self.folder)?;
        self.key_or_new().map(drop)
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

/// What was sealed, as text.
pub(super) fn decode_text(opened: &[u8]) -> Option<SecretText> {
    std::str::from_utf8(opened).ok().map(SecretText::new)
}
