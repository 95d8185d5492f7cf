//! The file that holds a store's keys (format in `docs/store-format.md`).

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::binding::Binding;
use crate::os::private_file;
use crate::ports::System;
use crate::secret::SecretText;
use crate::store::bytes::Bytes;
use crate::store::error::StoreError;
use crate::store::revision::Revision;
use crate::store::sealed::cipher::{self, SealingKey};
use crate::store::sealed::key_copy::KeyCopy;
use crate::store::sealed::key_format::{
    KDF, Kdf, Keys, MOST, NOT_A_KEY, SALT, Stored, associated_data, derive, encode, parse,
};
use crate::store::sealed::key_source::{KeySource, printed};

pub struct KeyFile<'a> {
    system: &'a System,
    copy: KeyCopy,
    source: KeySource,
    remembered_for: Duration,
}

impl<'a> KeyFile<'a> {
    pub fn new(system: &'a System, path: PathBuf, source: KeySource, remembered_for: Duration) -> Self {
        let copy = KeyCopy { path, shared: None, revision: RefCell::default() };
        Self { system, copy, source, remembered_for }
    }

    /// The key file of a shared store. It is stored there as well if a passphrase or a program's key seals it; an
    /// unsealed key never leaves the machine.
    pub(crate) fn shared_in(mut self, shared: Rc<dyn Bytes>) -> Self {
        self.copy.shared = (self.source != KeySource::File).then_some(shared);
        self
    }

    /// Checks whether another machine has changed the keys; returns whether it did.
    pub(crate) fn update(&self) -> Result<bool, StoreError> {
        self.copy.update()
    }

    /// The shared keys' last known state; `None` if they are only on this machine.
    pub(crate) fn shared_revision(&self) -> Option<Revision> {
        self.copy.revision.borrow().clone()
    }

    pub(super) fn path(&self) -> &Path {
        &self.copy.path
    }

    pub(crate) fn location(&self) -> String {
        self.path().display().to_string()
    }

    fn corrupt(&self, reason: &str) -> StoreError {
        StoreError::corrupt(self.location(), reason)
    }

    /// The file's content; `None` if it does not exist.
    fn stored(&self) -> Result<Option<Stored>, StoreError> {
        self.copy.read()?.map(|bytes| parse(&bytes, &self.location())).transpose()
    }

    /// The key source that the file names.
    pub(crate) fn stored_source(&self) -> Result<Option<String>, StoreError> {
        Ok(self.stored()?.map(|stored| stored.source))
    }

    /// The keys; `None` before the first is made. [`StoreError::Locked`] if the passphrase was not entered, or too long
    /// ago; [`StoreError::OtherKeySource`] if the configuration has changed.
    pub fn keys(&self) -> Result<Option<Keys>, StoreError> {
        let Some(mut stored) = self.stored()? else { return Ok(None) };
        if stored.source != self.source.name()
            && self.update()?
            && let Some(changed) = self.stored()?
        {
            // Another machine has changed it.
            stored = changed;
        }
        if stored.source != self.source.name() {
            let (found, configured) = (stored.source, self.source.name());
            return Err(StoreError::OtherKeySource { found, configured });
        }
        match &self.source {
            KeySource::File => self.decoded(&stored).map(Some),
            KeySource::Passphrase => self.remembered().map(Some).ok_or(StoreError::Locked),
            KeySource::Command(command) => {
                let key = printed(&*self.system.processes, command)?;
                match self.opened(&stored, &key) {
                    // Another machine has changed it.
                    Err(StoreError::WrongKey) if self.update()? => match self.stored()? {
                        Some(changed) => self.opened(&changed, &key).map(Some),
                        None => Ok(None),
                    },
                    opened => opened.map(Some),
                }
            }
        }
    }

    /// The keys, or new ones. If they need a passphrase, it must already be set.
    pub fn keys_or_new(&self) -> Result<Keys, StoreError> {
        if let Some(keys) = self.keys()? {
            return Ok(keys);
        }
        let keys = Keys::new(&*self.system.random);
        let content = match &self.source {
            KeySource::Passphrase => return Err(StoreError::Locked),
            KeySource::File => self.plain(&keys),
            KeySource::Command(command) => {
                self.sealed(&keys, &printed(&*self.system.processes, command)?, None)
            }
        };
        self.copy.create(&content)?;
        // Another process may have been first: its keys count.
        self.keys()?.ok_or_else(|| StoreError::KeyMissing { path: self.location() })
    }

    /// Takes the passphrase of a store that has one, or the new one of a store that has none. The opened keys stay in
    /// the kernel's keyring for the configured time.
    pub fn unlock(&self, passphrase: &SecretText) -> Result<(), StoreError> {
        self.update()?;
        let keys = match self.stored()? {
            Some(stored) if stored.source == KeySource::Passphrase.name() => {
                self.opened(&stored, &self.derived(&stored, passphrase)?)?
            }
            Some(stored) => {
                let (found, configured) = (stored.source, KeySource::Passphrase.name());
                return Err(StoreError::OtherKeySource { found, configured });
            }
            None => {
                let keys = Keys::new(&*self.system.random);
                let content = self.sealed_by_passphrase(&keys, passphrase)?;
                self.copy.create(&content)?;
                return self.unlock(passphrase);
            }
        };
        self.remember(&keys)
    }

    /// Replaces the file's keys, sealed as the configuration now says. After an error the file is unchanged.
    pub(crate) fn replace(&self, keys: &Keys, passphrase: Option<&SecretText>) -> Result<(), StoreError> {
        let content = match (&self.source, passphrase) {
            (KeySource::File, _) => self.plain(keys),
            (KeySource::Command(command), _) => {
                self.sealed(keys, &printed(&*self.system.processes, command)?, None)
            }
            (KeySource::Passphrase, Some(passphrase)) => self.sealed_by_passphrase(keys, passphrase)?,
            (KeySource::Passphrase, None) => return Err(StoreError::Locked),
        };
        self.copy.replace(&content)?;
        if self.source == KeySource::Passphrase { self.remember(keys) } else { Ok(()) }
    }

    /// Opens the file's keys, whatever their source, to change the file. `command` is the program that has printed the
    /// key so far, if the configuration no longer names it.
    pub(crate) fn stored_keys(
        &self,
        passphrase: &mut dyn FnMut() -> Result<SecretText, StoreError>,
        command: Option<&[String]>,
    ) -> Result<Option<Keys>, StoreError> {
        let Some(stored) = self.stored()? else { return Ok(None) };
        match (stored.source.as_str(), &self.source) {
            ("file", _) => self.decoded(&stored).map(Some),
            ("passphrase", _) => match self.remembered() {
                Some(keys) => Ok(Some(keys)),
                None => {
                    let key = self.derived(&stored, &passphrase()?)?;
                    self.opened(&stored, &key).map(Some)
                }
            },
            ("command", source) => {
                let configured = match source {
                    KeySource::Command(configured) => Some(configured.as_slice()),
                    KeySource::File | KeySource::Passphrase => None,
                };
                let command = command.or(configured).ok_or(StoreError::OldProgramNeeded)?;
                self.opened(&stored, &printed(&*self.system.processes, command)?).map(Some)
            }
            _ => Err(StoreError::OtherKeySource { found: stored.source, configured: self.source.name() }),
        }
    }

    pub(crate) fn is_locked(&self) -> bool {
        matches!(self.keys(), Err(StoreError::Locked))
    }

    fn remembered(&self) -> Option<Keys> {
        self.system.kernel_keyring.read(&self.kernel_name()).and_then(Keys::parse)
    }

    fn remember(&self, keys: &Keys) -> Result<(), StoreError> {
        let remembered = self.system.kernel_keyring.keep(&self.kernel_name(), &keys.0, self.remembered_for);
        remembered.map_err(|error| StoreError::NoKernelKeyring(error.0))
    }

    /// The keys' name in the kernel's keyring, which is unique to this store.
    fn kernel_name(&self) -> String {
        // New keys have a new name, so remembered old ones do not open the new file.
        let content = private_file::read(self.path()).ok().flatten().unwrap_or_default();
        let digest = ring::digest::digest(&ring::digest::SHA256, &content);
        let content = base16ct::lower::encode_string(digest.as_ref());
        let file = Binding::default().with("key file", self.location()).with("content", content);
        format!("authctl:store:{}", file.fingerprint())
    }

    fn plain(&self, keys: &Keys) -> SecretText {
        let stored = Stored {
            source: KeySource::File.name().to_owned(),
            kdf: None,
            salt: None,
            keys: STANDARD.encode(&*keys.0),
        };
        encode(&stored)
    }

    fn sealed(&self, keys: &Keys, key: &SealingKey, kdf: Option<(Kdf, &[u8])>) -> SecretText {
        let source = if kdf.is_some() { KeySource::Passphrase.name() } else { "command" };
        let sealed = cipher::wrap(key, &associated_data(source), &keys.0, &*self.system.random);
        encode(&Stored {
            source: source.to_owned(),
            kdf: kdf.map(|(kdf, _)| kdf),
            salt: kdf.map(|(_, salt)| STANDARD.encode(salt)),
            keys: STANDARD.encode(sealed),
        })
    }

    fn sealed_by_passphrase(&self, keys: &Keys, passphrase: &SecretText) -> Result<SecretText, StoreError> {
        let mut salt = [0; SALT];
        self.system.random.fill(&mut salt);
        let key = derive(KDF, &salt, passphrase).ok_or_else(|| self.corrupt("its parameters are wrong"))?;
        Ok(self.sealed(keys, &key, Some((KDF, &salt))))
    }

    fn derived(&self, stored: &Stored, passphrase: &SecretText) -> Result<SealingKey, StoreError> {
        let salt = stored.salt.as_ref().and_then(|salt| STANDARD.decode(salt).ok());
        let (Some(kdf), Some(salt)) = (stored.kdf, salt) else {
            return Err(self.corrupt("it has no parameters"));
        };
        if kdf.memory_kib > MOST.memory_kib || kdf.passes > MOST.passes || kdf.lanes > MOST.lanes {
            return Err(self.corrupt("it requires too much memory or time"));
        }
        derive(kdf, &salt, passphrase).ok_or_else(|| self.corrupt("its parameters are wrong"))
    }

    fn decoded(&self, stored: &Stored) -> Result<Keys, StoreError> {
        let bytes = STANDARD.decode(&stored.keys).ok().map(Zeroizing::new);
        bytes.and_then(Keys::parse).ok_or_else(|| self.corrupt(NOT_A_KEY))
    }

    fn opened(&self, stored: &Stored, key: &SealingKey) -> Result<Keys, StoreError> {
        let sealed = STANDARD.decode(&stored.keys).map_err(|_| self.corrupt(NOT_A_KEY))?;
        let opened = cipher::unwrap(key, &associated_data(&stored.source), &sealed);
        let wrong = || match stored.source.as_str() {
            "passphrase" => StoreError::WrongPassphrase,
            _ => StoreError::WrongKey,
        };
        opened.and_then(Keys::parse).ok_or_else(wrong)
    }
}
