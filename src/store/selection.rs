//! Which of the stores holds what, and what each of them is made of.

use std::path::PathBuf;
use std::rc::Rc;

use crate::binding::Binding;
use crate::name::{AccountName, ProviderName};
use crate::ports::Folder;
use crate::store::TokenStore;
use crate::store::backend::{Backend, StoreChoice, StoreKind, StoreSettings};
use crate::store::error::StoreError;
use crate::store::index::Entry;
use crate::store::keyring::large_records::Overflow;
use crate::store::keyring::{KeyringBackend, fault::KeyringFault};
use crate::store::lock::Lock;
use crate::store::record::RecordName;
use crate::store::sealed::SealedBackend;
use crate::store::sealed::blobs::{Blobs, Files, Shared};
use crate::store::sealed::key_source::{KeyFile, KeySource};
use crate::store::shared::Engine;

impl TokenStore<'_> {
    /// Which store a new record of an account goes to: where the account already is, so that there is never a second copy,
    /// else as [`Self::place_for`] says.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn place_of_account(
        &self,
        provider: &ProviderName,
        account: &AccountName,
        name: &RecordName,
        unlock: bool,
    ) -> Result<StoreKind, StoreError> {
        let index = self.index(provider)?;
        let listed = index.entries.iter().find(|entry| entry.account == *account).map(|entry| entry.store);
        match (self.choice, listed) {
            (StoreChoice::Auto, Some(StoreKind::File)) => Ok(StoreKind::File),
            (StoreChoice::Auto, Some(kind @ (StoreKind::Etcd | StoreKind::Vault))) => {
                Err(StoreError::NoEngine(kind))
            }
            (StoreChoice::Auto, Some(StoreKind::Keyring)) => {
                self.system.keyring.open()?;
                match self.place_for(name, unlock)? {
                    StoreKind::Keyring => Ok(StoreKind::Keyring),
                    // It is gone today, and what it holds is not: no second copy takes its place.
                    _ => Err(StoreError::Keyring(KeyringFault::Absent("no keyring service runs".to_owned()))),
                }
            }
            _ => self.place_for(name, unlock),
        }
    }

    /// Which store a new record of this name goes to. Where `unlock` is set and the keyring is locked, the user is asked.
    ///
    /// # Errors
    /// [`StoreError`]; a keyring that is there but cannot be used is never passed over.
    pub fn place_for(&self, name: &RecordName, unlock: bool) -> Result<StoreKind, StoreError> {
        if let StoreChoice::Only(kind) = self.choice
            && kind != StoreKind::Keyring
        {
            return Ok(kind);
        }
        let fallback = self.choice == StoreChoice::Auto;
        let Some(backend) = self.present(StoreKind::Keyring)? else { return Ok(StoreKind::File) };
        match backend.read(name, &Binding::default()) {
            Err(StoreError::Keyring(KeyringFault::Absent(_))) if fallback => Ok(StoreKind::File),
            Err(StoreError::Keyring(KeyringFault::Locked)) if unlock => {
                self.unlock_keyring()?;
                Ok(StoreKind::Keyring)
            }
            Err(StoreError::Corrupt { .. }) | Ok(_) => Ok(StoreKind::Keyring),
            Err(error) => Err(error),
        }
    }

    /// Asks the user to unlock the keyring, where it can be asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unlock_keyring(&self) -> Result<(), StoreError> {
        #[cfg(target_os = "linux")]
        {
            let keyring = self.system.keyring.open()?;
            if let Some(service) =
                keyring.as_any().downcast_ref::<crate::store::keyring::secret_service::SecretService>()
            {
                let _waiting =
                    self.system.prompter.wait(crate::ports::prompter::WaitReason::KeyringUnlock, None);
                service.unlock().map_err(|error| match error {
                    keyring_core::Error::NoStorageAccess(fault) => StoreError::Keyring(
                        fault
                            .downcast_ref()
                            .cloned()
                            .unwrap_or_else(|| KeyringFault::Failed(fault.to_string())),
                    ),
                    _ => StoreError::Keyring(KeyringFault::Failed("it did not unlock".to_owned())),
                })?;
            }
        }
        Ok(())
    }

    /// Prepares the store of a kind for a record, so that what would keep it from being saved is known beforehand.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn prepare(&self, kind: StoreKind, name: &RecordName) -> Result<(), StoreError> {
        self.backend(kind)?.prepare()?;
        self.lock(kind, name).map(drop)
    }

    /// Takes the lock of a record. It lies with the store: whoever shares the store shares the lock (F-ROT3).
    ///
    /// # Errors
    /// [`StoreError::LockTimeout`] after a minute.
    pub fn lock(&self, kind: StoreKind, name: &RecordName) -> Result<Lock, StoreError> {
        let lock =
            Lock::take(&self.lock_path(kind, name)?, crate::store::lock::LONGEST_WAIT, &*self.system.clock)?;
        if !kind.is_shared() {
            return Ok(lock);
        }
        let engine =
            Rc::clone(self.engine(kind)?).lock(&format!("locks/{name}"), crate::store::lock::LONGEST_WAIT)?;
        Ok(lock.with_engine(engine))
    }

    /// Takes the lock of a sealed store's keys.
    pub(crate) fn lock_keys(&self, kind: StoreKind) -> Result<Lock, StoreError> {
        let path = self.system.paths.folder(Folder::Data)?.join(format!("{}.key.lock", kind.name()));
        let lock = Lock::take(&path, crate::store::lock::LONGEST_WAIT, &*self.system.clock)?;
        if !kind.is_shared() {
            return Ok(lock);
        }
        let engine =
            Rc::clone(self.engine(kind)?).lock("locks/store.key", crate::store::lock::LONGEST_WAIT)?;
        Ok(lock.with_engine(engine))
    }

    /// Where the lock of a record lies. A move holds those of two stores.
    pub(crate) fn lock_path(&self, kind: StoreKind, name: &RecordName) -> Result<PathBuf, StoreError> {
        let folder = |folder| self.system.paths.folder(folder);
        Ok(match kind {
            StoreKind::File => self.records_folder()?.join(format!("{name}.lock")),
            StoreKind::Keyring => folder(Folder::Locks)?.join(format!("{name}.lock")),
            shared => folder(Folder::Locks)?.join(shared.name()).join(format!("{name}.lock")),
        })
    }

    pub(crate) fn kinds(&self) -> Vec<StoreKind> {
        match self.choice {
            StoreChoice::Auto => vec![StoreKind::File, StoreKind::Keyring],
            StoreChoice::Only(kind) => vec![kind],
        }
    }

    /// The backend of a kind; `None` for a keyring that this session does not have, where that is no error.
    pub(crate) fn present(&self, kind: StoreKind) -> Result<Option<Box<dyn Backend>>, StoreError> {
        match self.backend(kind) {
            Err(StoreError::NoKeyring(_)) if self.choice == StoreChoice::Auto => Ok(None),
            backend => backend.map(Some),
        }
    }

    pub(crate) fn backend(&self, kind: StoreKind) -> Result<Box<dyn Backend>, StoreError> {
        Ok(match kind {
            StoreKind::Keyring => {
                let folder = self.system.paths.folder(Folder::State)?.join("overflow");
                let overflow = Overflow::new(folder, self.system.random.clone());
                Box::new(KeyringBackend::new(self.system.keyring.open()?, overflow))
            }
            _ => Box::new(self.sealed(kind)?),
        })
    }

    /// The kind of sealed store that is configured, or that would be fallen back to.
    pub(crate) fn sealed_kind(&self) -> StoreKind {
        match self.choice {
            StoreChoice::Only(kind) if kind.is_shared() => kind,
            _ => StoreKind::File,
        }
    }

    /// Sealed records of a kind, with the key that the configuration says.
    pub(crate) fn sealed(&self, kind: StoreKind) -> Result<SealedBackend, StoreError> {
        let folder = self.system.paths.folder(Folder::Data)?;
        let StoreSettings { key, remembered_for, .. } = self.settings.clone();
        let system = Rc::new(self.system.clone());
        let (blobs, key): (Box<dyn Blobs>, _) = if kind.is_shared() {
            let engine = self.engine(kind)?;
            let path = folder.join(format!("{}.key", kind.name()));
            let key = KeyFile::new(system, path, key, remembered_for).shared_by(Rc::clone(engine));
            (Box::new(Shared(Rc::clone(engine))), key)
        } else {
            let key_file =
                |source| KeyFile::new(Rc::clone(&system), folder.join("store.key"), source, remembered_for);
            // Beside a shared store the files are what is moved there: they are opened as they were sealed.
            let lies_open =
                || key_file(KeySource::File).kept_as().is_ok_and(|kept| kept.as_deref() == Some("file"));
            let key = if self.sealed_kind().is_shared() && lies_open() { KeySource::File } else { key };
            let key = key_file(key);
            (Box::new(Files::new(self.records_folder()?)), key)
        };
        Ok(SealedBackend::new(blobs, key, self.system.random.clone()))
    }

    /// The shared engine, opened when it is first needed.
    fn engine(&self, kind: StoreKind) -> Result<&Rc<dyn Engine>, StoreError> {
        let settings = self.settings.engine.as_ref().filter(|settings| settings.kind() == kind);
        let settings = settings.ok_or(match self.settings.withholds_token {
            true => StoreError::TokenWithheld,
            false => StoreError::NoEngine(kind),
        })?;
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let engine = crate::store::shared::open(self.system, settings, &*self.credentials)?;
        Ok(self.engine.get_or_init(|| engine))
    }

    pub(crate) fn records_folder(&self) -> Result<PathBuf, StoreError> {
        Ok(self.system.paths.folder(Folder::State)?.join("records"))
    }

    pub(crate) fn index_path(&self, provider: &ProviderName) -> Result<PathBuf, StoreError> {
        Ok(self.system.paths.folder(Folder::State)?.join("index").join(format!("{provider}.json")))
    }

    pub(crate) fn check_choice(&self, entry: &Entry) -> Result<(), StoreError> {
        match self.choice {
            StoreChoice::Only(configured) if configured != entry.store => Err(StoreError::OtherStore {
                account: entry.account.clone(),
                actual: entry.store,
                configured,
            }),
            _ => Ok(()),
        }
    }
}
