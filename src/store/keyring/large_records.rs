//! Records that are too long for a keyring entry: they are sealed in a file, and the entry holds the file's key.
//!
//! Every write creates a new file with a new key and then replaces the entry: a reader sees the old record or the new
//! one, never a mixture.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::binding::Binding;
use crate::os::private_file;
use crate::ports::Random;
use crate::secret::SecretText;
use crate::store::error::StoreError;
use crate::store::record::RecordName;
use crate::store::sealed::cipher;
use crate::store::sealed::cipher::SealingKey;

/// The prefix of an entry that refers to a file.
const MAGIC: &str = "authctl overflow 1 ";
const ENDING: &str = "sealed";

pub(super) struct Overflow<'a> {
    folder: PathBuf,
    random: &'a dyn Random,
}

/// An entry's file and its key.
pub(super) struct Reference {
    id: String,
    key: SealingKey,
}

impl Reference {
    /// Parses an entry; `None` if it is a record itself.
    pub(super) fn parse(entry: &str) -> Option<Self> {
        let (id, key) = entry.strip_prefix(MAGIC)?.split_once(' ')?;
        let decoded = Zeroizing::new(STANDARD.decode(key.trim()).ok()?);
        let key: [u8; 32] = decoded.as_slice().try_into().ok()?;
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| Self { id: id.to_owned(), key: SealingKey::new(key) })
    }
}

impl<'a> Overflow<'a> {
    pub(super) fn new(folder: PathBuf, random: &'a dyn Random) -> Self {
        Self { folder, random }
    }

    fn path(&self, name: &RecordName, id: &str) -> PathBuf {
        self.folder.join(format!("{name}.{id}.{ENDING}"))
    }

    /// Writes a record to a new file, and returns the entry that refers to it.
    pub(super) fn write(
        &self,
        name: &RecordName,
        binding: &Binding,
        text: &SecretText,
    ) -> Result<SecretText, StoreError> {
        let mut key = SealingKey::new([0; 32]);
        self.random.fill(&mut *key);
        let mut id = [0_u8; 8];
        self.random.fill(&mut id);
        let id = base16ct::lower::encode_string(&id);
        let sealed = cipher::seal(&key, name, binding, text.expose().as_bytes(), self.random);
        private_file::write(&self.path(name, &id), &sealed)?;
        Ok(SecretText::new(format!("{MAGIC}{id} {}", STANDARD.encode(*key))))
    }

    pub(super) fn read(
        &self,
        name: &RecordName,
        binding: &Binding,
        reference: &Reference,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let sealed = self.sealed(name, reference)?;
        cipher::open(&reference.key, name, binding, &sealed)
            .map_err(|error| self.corrupt(name, reference, error))
    }

    /// The binding that an entry's file claims.
    pub(super) fn claimed_binding(
        &self,
        name: &RecordName,
        reference: &Reference,
    ) -> Result<Binding, StoreError> {
        let sealed = self.sealed(name, reference)?;
        cipher::claimed_binding(&sealed).map_err(|error| self.corrupt(name, reference, error))
    }

    fn sealed(&self, name: &RecordName, reference: &Reference) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let found = private_file::read(&self.path(name, &reference.id))?;
        found.ok_or_else(|| self.corrupt(name, reference, "the file does not exist"))
    }

    fn corrupt(&self, name: &RecordName, reference: &Reference, reason: impl ToString) -> StoreError {
        StoreError::corrupt(self.path(name, &reference.id).display().to_string(), reason)
    }

    /// Removes a record's files that no entry refers to any more: all except this entry's.
    pub(super) fn sweep(&self, name: &RecordName, entry: Option<&str>) {
        let current = entry.and_then(Reference::parse).map(|reference| self.path(name, &reference.id));
        let Ok(files) = std::fs::read_dir(&self.folder) else { return };
        let prefix = format!("{name}.");
        for path in files.filter_map(|file| Some(file.ok()?.path())) {
            let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_ours = file_name.starts_with(&prefix) && file_name.ends_with(&format!(".{ENDING}"));
            if is_ours && Some(&path) != current.as_ref() {
                // A file that stays is sealed with a key that is gone.
                let _ = private_file::remove(&path);
            }
        }
    }
}
