//! The key of sealed records: where it comes from, and the file that keeps it (format in `docs/store-format.md`).

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::binding::Binding;
use crate::os::private_file;
use crate::ports::{Program, System};
use crate::secret::SecretText;
use crate::store::sealed::cipher;
use crate::store::sealed::cipher::SealingKey;
use crate::store::sealed::key_file::{
    KDF, Kdf, Keys, MOST, SALT, Stored, associated, derive, parse, written,
};
use crate::store::shared::Engine;
use crate::store::{Revision, StoreError};

/// A program that prints the key gets this long.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// Where the key of sealed records comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeySource {
    /// The key file itself: this protects copies of the records that lack it, and nothing more.
    #[default]
    File,
    /// A passphrase that the user types, kept in the kernel's keyring for a while.
    Passphrase,
    /// A program that prints 32 bytes in base64.
    Command(Vec<String>),
}

impl KeySource {
    /// The name, as the configuration and the key file have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Passphrase => "passphrase",
            Self::Command(_) => "command",
        }
    }
}

/// The file that keeps a store's keys.
pub struct KeyFile {
    system: Rc<System>,
    path: PathBuf,
    source: KeySource,
    remembered_for: Duration,
    /// Where other machines find the keys, sealed; the file is a copy then.
    engine: Option<Rc<dyn Engine>>,
    /// The state of the engine's that was seen last.
    seen: RefCell<Option<Revision>>,
}

/// The key of an engine under which the key file is.
const SHARED: &str = "store.key";

impl KeyFile {
    /// The key file of a store.
    #[must_use]
    pub fn new(system: Rc<System>, path: PathBuf, source: KeySource, remembered_for: Duration) -> Self {
        Self { system, path, source, remembered_for, engine: None, seen: RefCell::default() }
    }

    /// The key file of a store that several machines share. What a passphrase or a program's key seals is kept there as
    /// well; a key that lies open never leaves the machine.
    #[must_use]
    pub fn shared_by(self, engine: Rc<dyn Engine>) -> Self {
        let engine = (self.source != KeySource::File).then_some(engine);
        Self { engine, ..self }
    }

    /// Looks whether other machines have other keys by now; `true` when they do.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn fetch_anew(&self) -> Result<bool, StoreError> {
        let Some(engine) = &self.engine else { return Ok(false) };
        let Some(blob) = engine.get(SHARED)? else { return Ok(false) };
        *self.seen.borrow_mut() = Some(blob.revision);
        if private_file::read(&self.path)?.is_some_and(|known| *known == *blob.bytes) {
            return Ok(false);
        }
        // The copy may be the last good one: nothing takes its place that is no key, or one that anybody could have put
        // there.
        let place = format!("{SHARED} in {}", engine.kind());
        let stored = parse(&blob.bytes, &place)?;
        if stored.source == KeySource::File.name() {
            let reason = "it lies open, which no key of a shared store does".to_owned();
            return Err(StoreError::Corrupt { place, reason });
        }
        private_file::write(&self.path, &blob.bytes)?;
        Ok(true)
    }

    /// The state of the engine's keys that was seen last; `None` where they are on this machine alone.
    #[must_use]
    pub fn seen(&self) -> Option<Revision> {
        self.seen.borrow().clone()
    }

    /// The bytes of the file, or of what the engine has.
    fn bytes(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        match private_file::read(&self.path)? {
            None if self.fetch_anew()? => Ok(private_file::read(&self.path)?),
            bytes => Ok(bytes),
        }
    }

    /// Writes the first keys, unless somebody was faster.
    fn write_first(&self, content: &SecretText) -> Result<(), StoreError> {
        let bytes = content.expose().as_bytes();
        let Some(engine) = &self.engine else { return Ok(private_file::write_new(&self.path, bytes)?) };
        match engine.put(SHARED, bytes, &Revision::Absent) {
            Ok(_) => Ok(private_file::write(&self.path, bytes)?),
            Err(StoreError::Conflict { .. }) => self.fetch_anew().map(drop),
            Err(error) => Err(error),
        }
    }

    /// Replaces the keys.
    fn rewrite(&self, content: &SecretText) -> Result<(), StoreError> {
        let bytes = content.expose().as_bytes();
        if let Some(engine) = &self.engine {
            let over = self.seen.borrow().clone().unwrap_or_default();
            *self.seen.borrow_mut() = Some(engine.put(SHARED, bytes, &over)?);
        }
        Ok(private_file::write(&self.path, bytes)?)
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn corrupt(&self, reason: &str) -> StoreError {
        StoreError::Corrupt { place: self.place(), reason: reason.to_owned() }
    }

    /// The file's content; `None` when there is none.
    fn stored(&self) -> Result<Option<Stored>, StoreError> {
        self.bytes()?.map(|bytes| parse(&bytes, &self.place())).transpose()
    }

    /// The source that the file says its keys have.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn kept_as(&self) -> Result<Option<String>, StoreError> {
        Ok(self.stored()?.map(|stored| stored.source))
    }

    /// The keys; `None` when there are none yet.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when the passphrase was not given, or not lately; [`StoreError::OtherKeySource`] when the
    /// configuration has changed.
    pub fn keys(&self) -> Result<Option<Keys>, StoreError> {
        let Some(mut stored) = self.stored()? else { return Ok(None) };
        if stored.source != self.source.name()
            && self.fetch_anew()?
            && let Some(anew) = self.stored()?
        {
            // Another machine has changed it.
            stored = anew;
        }
        if stored.source != self.source.name() {
            let (found, configured) = (stored.source, self.source.name());
            return Err(StoreError::OtherKeySource { found, configured });
        }
        match &self.source {
            KeySource::File => self.decoded(&stored).map(Some),
            KeySource::Passphrase => {
                let kept = self.system.kernel_keyring.read(&self.kernel_name());
                kept.and_then(Keys::parse).map(Some).ok_or(StoreError::Locked)
            }
            KeySource::Command(command) => {
                let key = self.printed(command)?;
                match self.opened(&stored, &key) {
                    // Another machine has changed it.
                    Err(StoreError::WrongKey) if self.fetch_anew()? => match self.stored()? {
                        Some(anew) => self.opened(&anew, &key).map(Some),
                        None => Ok(None),
                    },
                    opened => opened.map(Some),
                }
            }
        }
    }

    /// The keys, or new ones. A passphrase must have been chosen before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keys_or_new(&self) -> Result<Keys, StoreError> {
        if let Some(keys) = self.keys()? {
            return Ok(keys);
        }
        let keys = Keys::new(&*self.system.random);
        let content = match &self.source {
            KeySource::Passphrase => return Err(StoreError::Locked),
            KeySource::File => self.plain(&keys),
            KeySource::Command(command) => self.sealed(&keys, &self.printed(command)?, None),
        };
        self.write_first(&content)?;
        // Another process may have been first: its keys hold.
        self.keys()?.ok_or_else(|| StoreError::KeyMissing { path: self.place() })
    }

    /// Takes the passphrase of a store that has one, or the new one of a store that has none: it is kept in the kernel's
    /// keyring from now on, for as long as the configuration says.
    ///
    /// # Errors
    /// [`StoreError::WrongPassphrase`]; [`StoreError::NoKernelKeyring`].
    pub fn unlock(&self, passphrase: &SecretText) -> Result<(), StoreError> {
        self.fetch_anew()?;
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
                self.write_first(&content)?;
                return self.unlock(passphrase);
            }
        };
        self.remember(&keys)
    }

    /// Keeps keys as the configuration now says, in the place of what the file has; `passphrase` where that is needed.
    ///
    /// # Errors
    /// [`StoreError`]; the file is as it was then.
    pub fn keep(&self, keys: &Keys, passphrase: Option<&SecretText>) -> Result<(), StoreError> {
        let content = match (&self.source, passphrase) {
            (KeySource::File, _) => self.plain(keys),
            (KeySource::Command(command), _) => self.sealed(keys, &self.printed(command)?, None),
            (KeySource::Passphrase, Some(passphrase)) => self.sealed_by_passphrase(keys, passphrase)?,
            (KeySource::Passphrase, None) => return Err(StoreError::Locked),
        };
        self.rewrite(&content)?;
        if self.source == KeySource::Passphrase { self.remember(keys) } else { Ok(()) }
    }

    /// Opens the file's keys whatever source they have: what a change of the source begins with. `command` printed the
    /// key so far, where the configuration no longer says so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keys_of_old(
        &self,
        passphrase: &mut dyn FnMut() -> Result<SecretText, StoreError>,
        command: Option<&[String]>,
    ) -> Result<Option<Keys>, StoreError> {
        let Some(stored) = self.stored()? else { return Ok(None) };
        match (stored.source.as_str(), &self.source) {
            ("file", _) => self.decoded(&stored).map(Some),
            ("passphrase", _) => {
                let kept = self.system.kernel_keyring.read(&self.kernel_name()).and_then(Keys::parse);
                match kept {
                    Some(keys) => Ok(Some(keys)),
                    None => {
                        let key = self.derived(&stored, &passphrase()?)?;
                        self.opened(&stored, &key).map(Some)
                    }
                }
            }
            ("command", source) => {
                let configured = match source {
                    KeySource::Command(configured) => Some(configured.as_slice()),
                    KeySource::File | KeySource::Passphrase => None,
                };
                let command = command.or(configured).ok_or(StoreError::OldProgramNeeded)?;
                self.opened(&stored, &self.printed(command)?).map(Some)
            }
            _ => Err(StoreError::OtherKeySource { found: stored.source, configured: self.source.name() }),
        }
    }

    /// Whether the keys can be had without asking anybody.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self.keys(), Err(StoreError::Locked))
    }

    fn remember(&self, keys: &Keys) -> Result<(), StoreError> {
        let kept = self.system.kernel_keyring.keep(&self.kernel_name(), &keys.0, self.remembered_for);
        kept.map_err(|error| StoreError::NoKernelKeyring(error.0))
    }

    /// The name of the keys in the kernel's keyring: of this store and no other.
    fn kernel_name(&self) -> String {
        // Other keys have another name: what is remembered of the old ones does not open the new.
        let content = private_file::read(&self.path).ok().flatten().unwrap_or_default();
        let digest = ring::digest::digest(&ring::digest::SHA256, &content);
        let content = base16ct::lower::encode_string(digest.as_ref());
        let file = Binding::default().with("key file", self.place()).with("content", content);
        format!("authctl:store:{}", file.fingerprint())
    }

    fn plain(&self, keys: &Keys) -> SecretText {
        let stored = Stored {
            source: KeySource::File.name().to_owned(),
            kdf: None,
            salt: None,
            keys: STANDARD.encode(&*keys.0),
        };
        written(&stored)
    }

    fn sealed(&self, keys: &Keys, key: &SealingKey, kdf: Option<(Kdf, &[u8])>) -> SecretText {
        let source = if kdf.is_some() { KeySource::Passphrase.name() } else { "command" };
        let sealed = cipher::wrap(key, &associated(source), &keys.0, &*self.system.random);
        written(&Stored {
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
            return Err(self.corrupt("it asks for more memory or time than any honest one"));
        }
        derive(kdf, &salt, passphrase).ok_or_else(|| self.corrupt("its parameters are wrong"))
    }

    fn decoded(&self, stored: &Stored) -> Result<Keys, StoreError> {
        let bytes = STANDARD.decode(&stored.keys).ok().map(Zeroizing::new);
        bytes.and_then(Keys::parse).ok_or_else(|| self.corrupt("it is no key of authctl"))
    }

    fn opened(&self, stored: &Stored, key: &SealingKey) -> Result<Keys, StoreError> {
        let sealed = STANDARD.decode(&stored.keys).map_err(|_| self.corrupt("it is no key of authctl"))?;
        let opened = cipher::unwrap(key, &associated(&stored.source), &sealed);
        let wrong = || match stored.source.as_str() {
            "passphrase" => StoreError::WrongPassphrase,
            _ => StoreError::WrongKey,
        };
        opened.and_then(Keys::parse).ok_or_else(wrong)
    }

    /// The key that the configured program prints.
    fn printed(&self, command: &[String]) -> Result<SealingKey, StoreError> {
        let withheld = std::collections::BTreeSet::new();
        let program = Program { command, timeout: COMMAND_TIMEOUT, withheld: &withheld, input: None };
        let text = self.system.processes.output(&program)?;
        let bytes = STANDARD.decode(text.expose().trim()).map(Zeroizing::new).unwrap_or_default();
        let key: Result<[u8; 32], _> = bytes.as_slice().try_into();
        key.map(SealingKey::new).map_err(|_| StoreError::NoKeyPrinted)
    }
}
