//! Where tokens are kept: records in and out, bound to where they may be sent, and which store an account is in. The
//! whole of `TokenStore` is here, because index, records and locks are only right together.

pub mod accounts;
mod backend;
pub mod blobs;
pub mod engine;
pub mod etcd;
pub mod index;
pub mod key;
pub mod keyring;
pub mod lock;
pub mod maintenance;
pub mod overflow;
pub mod private_file;
pub mod record;
mod rescue;
pub mod seal;
pub mod sealed;
#[cfg(target_os = "linux")]
pub mod secret_service;
pub mod vault;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::rc::Rc;

pub use self::backend::{Backend, Kept, Revision, StoreChoice, StoreError, StoreKind, StoreSettings};
use self::blobs::{Blobs, Files, Shared};
use self::engine::{Engine, EngineCredentials};
use self::index::{Entry, Index};
use self::key::KeyFile;
use self::keyring::{KeyringBackend, KeyringFault};
use self::lock::Lock;
use self::overflow::Overflow;
use self::record::{Record, RecordError, RecordName};
use self::sealed::SealedBackend;
use crate::binding::Binding;
use crate::fault;
use crate::name::{AccountName, ProviderName};
use crate::ports::{Folder, System};
use crate::secret::SecretText;

/// What was found for an account.
#[derive(Debug)]
pub enum Lookup {
    /// Its record, and where it is.
    Found(Box<Record>, StoreKind),
    /// No record.
    Nothing,
    /// A record that is bound to something else than what is configured: it must not be used (F-BIND1).
    OtherBinding {
        /// The account.
        account: AccountName,
        /// What it is bound to.
        stored: Binding,
    },
}

/// What the names of cached access tokens in the kernel's keyring begin with.
pub const KERNEL_CACHE: &str = "authctl:token:";

/// The stores of this user.
pub struct TokenStore<'a> {
    system: &'a System,
    settings: StoreSettings,
    choice: StoreChoice,
    credentials: Box<dyn EngineCredentials + 'a>,
    engine: OnceCell<Rc<dyn Engine>>,
}

impl<'a> TokenStore<'a> {
    /// The stores, as the configuration chooses among them.
    #[must_use]
    pub fn new(
        system: &'a System,
        settings: StoreSettings,
        credentials: Box<dyn EngineCredentials + 'a>,
    ) -> Self {
        Self { system, choice: settings.choice, settings, credentials, engine: OnceCell::new() }
    }

    /// Finds the record of an account that fits the configured binding.
    ///
    /// # Errors
    /// [`StoreError`]. A store that cannot be read is never "nothing".
    pub fn find(
        &self,
        provider: &ProviderName,
        account: Option<&AccountName>,
        configured: &Binding,
    ) -> Result<Lookup, StoreError> {
        let index = self.index(provider)?;
        let Some(account) = index.account(account) else {
            return self.find_unlisted(provider, account, configured);
        };
        let Some(entry) = index.entry(account, configured) else {
            return match index.entries.iter().find(|entry| entry.account == *account) {
                Some(other) => {
                    Ok(Lookup::OtherBinding { account: account.clone(), stored: other.binding.clone() })
                }
                None => self.find_unlisted(provider, Some(account), configured),
            };
        };
        self.check_choice(entry)?;
        let record = self.read_entry(provider, entry)?;
        Ok(record.map_or(Lookup::Nothing, |record| Lookup::Found(Box::new(record), entry.store)))
    }

    /// Looks for records that the index does not list: it was lost, or another home's authctl made them. What is found
    /// is listed from now on.
    fn find_unlisted(
        &self,
        provider: &ProviderName,
        account: Option<&AccountName>,
        configured: &Binding,
    ) -> Result<Lookup, StoreError> {
        let mut other = None;
        let mut found: Option<(Record, StoreKind)> = None;
        for kind in self.kinds() {
            let Some(backend) = self.present(kind)? else { continue };
            let names = match backend.names() {
                Err(StoreError::Keyring(KeyringFault::Absent(_))) if self.choice == StoreChoice::Auto => {
                    continue;
                }
                names => names?,
            };
            for name in names.into_iter().filter(|name| name.is_tokens_of(provider)) {
                let claimed = backend.claimed_binding(&name)?.unwrap_or_default();
                let Some(record) = decode(&*backend, &name, &claimed)? else { continue };
                if account.is_some_and(|account| *account != record.account) {
                    continue;
                }
                if configured.fits(&record.binding) {
                    // Of two stores that both have it, the one that was written last is right.
                    let age = |record: &Record| (record.logged_in_at, record.generation);
                    if found.as_ref().is_none_or(|(known, _)| age(known) < age(&record)) {
                        found = Some((record, kind));
                    }
                    continue;
                }
                other = Some(Lookup::OtherBinding {
                    account: record.account.clone(),
                    stored: record.binding.clone(),
                });
            }
        }
        if let Some((record, kind)) = found {
            self.update_index(provider, |index| index.put(Entry::of(&record, kind)))?;
            return Ok(Lookup::Found(Box::new(record), kind));
        }
        Ok(other.unwrap_or(Lookup::Nothing))
    }

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
            if let Some(service) = keyring.as_any().downcast_ref::<secret_service::SecretService>() {
                let _waiting =
                    self.system.console.wait("Waiting for you to unlock the keyring (Ctrl-C ends it)");
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

    /// Reads a listed record. After a refresh whose end nobody knows, what it brought may lie elsewhere: then it is moved
    /// home.
    fn read_entry(&self, provider: &ProviderName, entry: &Entry) -> Result<Option<Record>, StoreError> {
        let name = entry.name(provider);
        let in_place = self.read_in_place(entry.store, &name, &entry.binding);
        if entry.in_flight.is_none() {
            return in_place;
        }
        let generation =
            in_place.as_ref().ok().and_then(Option::as_ref).map_or(0, |record| record.generation);
        match self.rescued(&name, &entry.binding, generation)? {
            Some(rescued) => Ok(Some(self.bring_home(provider, rescued, entry.store))),
            None => in_place,
        }
    }

    /// Whether a record is older than the last that was saved from here. Other machines count for themselves.
    #[must_use]
    pub fn is_put_back(&self, provider: &ProviderName, record: &Record, kind: StoreKind) -> bool {
        let Ok(index) = self.index(provider) else { return false };
        let entry = index.entry(&record.account, &record.binding);
        !kind.is_shared() && entry.is_some_and(|entry| entry.generation > record.generation)
    }

    /// Reads a record of a known place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(
        &self,
        kind: StoreKind,
        name: &RecordName,
        binding: &Binding,
    ) -> Result<Option<Record>, StoreError> {
        self.read_in_place(kind, name, binding)
    }

    fn read_in_place(
        &self,
        kind: StoreKind,
        name: &RecordName,
        binding: &Binding,
    ) -> Result<Option<Record>, StoreError> {
        decode(&*self.backend(kind)?, name, binding)
    }

    /// Saves a record, whose generation it counts up, and lists it. The caller holds the record's lock.
    ///
    /// # Errors
    /// [`StoreError`]; when it returns `Ok`, the record is on stable storage.
    pub fn save(
        &self,
        _: &Lock,
        provider: &ProviderName,
        record: &mut Record,
        kind: StoreKind,
    ) -> Result<(), StoreError> {
        record.generation += 1;
        let name = record.name(provider);
        record.revision =
            self.backend(kind)?.write(&name, &record.binding, &record.encode(), &record.revision)?;
        fault::crash("written");
        self.update_index(provider, |index| index.put(Entry::of(record, kind)))
    }

    /// Forgets what the saved record of a new grant takes the place of: the account's records that were listed before and
    /// that the configuration means as well, such as one of a token endpoint that has moved, or one in another store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_superseded(
        &self,
        provider: &ProviderName,
        record: &Record,
        kind: StoreKind,
        configured: &Binding,
        before: &Index,
    ) -> Result<(), StoreError> {
        let is_new = |entry: &Entry| entry.binding == record.binding && entry.store == kind;
        let superseded = before.entries.iter().filter(|entry| {
            entry.account == record.account && configured.fits(&entry.binding) && !is_new(entry)
        });
        for entry in superseded {
            let name = entry.name(provider);
            let _lock = self.lock(entry.store, &name)?;
            self.backend(entry.store)?.delete(&name)?;
            if entry.binding != record.binding {
                self.update_index(provider, |index| index.take(&entry.account, &entry.binding))?;
            }
        }
        Ok(())
    }

    /// Removes a record, from whatever store has a copy of it, and takes it off the list. The caller holds the record's
    /// lock.
    ///
    /// # Errors
    /// [`StoreError`], when it could not be removed from where it is listed.
    pub fn forget(&self, _: &Lock, provider: &ProviderName, entry: &Entry) -> Result<(), StoreError> {
        let name = entry.name(provider);
        self.backend(entry.store)?.delete(&name)?;
        for kind in self.kinds().into_iter().filter(|&kind| kind != entry.store) {
            if let Ok(Some(backend)) = self.present(kind) {
                // A copy that another version left; where it cannot be removed, it is not listed either.
                let _ = backend.delete(&name);
            }
        }
        self.update_index(provider, |index| index.take(&entry.account, &entry.binding))
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
        let folder = match kind {
            StoreKind::File => self.records_folder()?,
            _ => self.system.paths.folder(Folder::Locks)?,
        };
        let path = folder.join(format!("{name}.lock"));
        let lock = Lock::take(&path, lock::LONGEST_WAIT, &*self.system.clock)?;
        if !kind.is_shared() {
            return Ok(lock);
        }
        let engine = Rc::clone(self.engine(kind)?).lock(&format!("locks/{name}"), lock::LONGEST_WAIT)?;
        Ok(lock.with_engine(engine))
    }

    /// What is listed for a provider.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn index(&self, provider: &ProviderName) -> Result<Index, StoreError> {
        let bytes = private_file::read(&self.index_path(provider)?)?;
        Ok(bytes.and_then(|bytes| Index::decode(&bytes)).unwrap_or_default())
    }

    /// The providers for which something is listed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn listed(&self) -> Result<Vec<ProviderName>, StoreError> {
        let folder = self.system.paths.folder(Folder::State)?.join("index");
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
        let name = |entry: std::fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok();
        let mut names: Vec<ProviderName> = entries.filter_map(|entry| name(entry.ok()?)).collect();
        names.sort();
        Ok(names)
    }

    /// Changes what is listed for a provider, alone among all processes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn update_index(
        &self,
        provider: &ProviderName,
        change: impl FnOnce(&mut Index),
    ) -> Result<(), StoreError> {
        let path = self.index_path(provider)?;
        let _lock = Lock::take(&path.with_extension("lock"), lock::LONGEST_WAIT, &*self.system.clock)?;
        let mut index = self.index(provider)?;
        change(&mut index);
        fault::fail("index")
            .map_err(|source| private_file::FileError::Io { path: path.display().to_string(), source })?;
        let written = if index.entries.is_empty() {
            private_file::remove(&path).map(drop)
        } else {
            private_file::write(&path, &index.encode())
        };
        // Whatever changed, a cached token may not be the one that is meant now.
        self.system.kernel_keyring.forget_all(KERNEL_CACHE);
        Ok(written?)
    }

    /// Reads a configured secret that is kept in the store, from wherever it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn secret(&self, name: &RecordName, binding: &Binding) -> Result<Option<SecretText>, StoreError> {
        for kind in self.kinds() {
            let Some(backend) = self.present(kind)? else { continue };
            match backend.read(name, binding) {
                Err(StoreError::Keyring(KeyringFault::Absent(_))) if self.choice == StoreChoice::Auto => {}
                Ok(None) => {}
                found => return Ok(found?.map(|kept| kept.text)),
            }
        }
        Ok(None)
    }

    /// Keeps a configured secret; says in which store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_secret(
        &self,
        name: &RecordName,
        binding: &Binding,
        secret: &SecretText,
    ) -> Result<StoreKind, StoreError> {
        let kind = self.place_for(name, true)?;
        self.backend(kind)?.write(name, binding, secret, &Revision::Any)?;
        for other in self.kinds().into_iter().filter(|&other| other != kind) {
            if let Some(backend) = self.present(other)? {
                backend.delete(name)?;
            }
        }
        Ok(kind)
    }

    /// Removes a configured secret from every store; `false` when there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_secret(&self, name: &RecordName) -> Result<bool, StoreError> {
        let mut removed = false;
        for kind in self.kinds() {
            let Some(backend) = self.present(kind)? else { continue };
            match backend.delete(name) {
                Err(StoreError::Keyring(KeyringFault::Absent(_))) if self.choice == StoreChoice::Auto => {}
                deleted => removed |= deleted?,
            }
        }
        Ok(removed)
    }

    fn kinds(&self) -> Vec<StoreKind> {
        match self.choice {
            StoreChoice::Auto => vec![StoreKind::File, StoreKind::Keyring],
            StoreChoice::Only(kind) => vec![kind],
        }
    }

    /// The backend of a kind; `None` for a keyring that this session does not have, where that is no error.
    fn present(&self, kind: StoreKind) -> Result<Option<Box<dyn Backend>>, StoreError> {
        match self.backend(kind) {
            Err(StoreError::NoKeyring(_)) if self.choice == StoreChoice::Auto => Ok(None),
            backend => backend.map(Some),
        }
    }

    fn backend(&self, kind: StoreKind) -> Result<Box<dyn Backend>, StoreError> {
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
    fn sealed_kind(&self) -> StoreKind {
        match self.choice {
            StoreChoice::Only(kind) if kind.is_shared() => kind,
            _ => StoreKind::File,
        }
    }

    /// Sealed records of a kind, with the key that the configuration says.
    fn sealed(&self, kind: StoreKind) -> Result<SealedBackend, StoreError> {
        let folder = self.system.paths.folder(Folder::Data)?;
        let StoreSettings { key, remembered_for, .. } = self.settings.clone();
        let system = Rc::new(self.system.clone());
        let (blobs, key): (Box<dyn Blobs>, _) = if kind.is_shared() {
            let engine = self.engine(kind)?;
            let path = folder.join(format!("{}.key", kind.name()));
            let key = KeyFile::new(system, path, key, remembered_for).shared_by(Rc::clone(engine));
            (Box::new(Shared(Rc::clone(engine))), key)
        } else {
            let key = KeyFile::new(system, folder.join("store.key"), key, remembered_for);
            (Box::new(Files::new(self.records_folder()?)), key)
        };
        Ok(SealedBackend::new(blobs, key, self.system.random.clone()))
    }

    /// The shared engine, opened when it is first needed.
    fn engine(&self, kind: StoreKind) -> Result<&Rc<dyn Engine>, StoreError> {
        let settings = self.settings.engine.as_ref().filter(|settings| settings.kind() == kind);
        let settings = settings.ok_or(StoreError::NoEngine(kind))?;
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let engine = engine::open(self.system, settings, &*self.credentials)?;
        Ok(self.engine.get_or_init(|| engine))
    }

    fn records_folder(&self) -> Result<PathBuf, StoreError> {
        Ok(self.system.paths.folder(Folder::State)?.join("records"))
    }

    fn index_path(&self, provider: &ProviderName) -> Result<PathBuf, StoreError> {
        Ok(self.system.paths.folder(Folder::State)?.join("index").join(format!("{provider}.json")))
    }

    fn check_choice(&self, entry: &Entry) -> Result<(), StoreError> {
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

fn decode(backend: &dyn Backend, name: &RecordName, binding: &Binding) -> Result<Option<Record>, StoreError> {
    let Some(kept) = backend.read(name, binding)? else { return Ok(None) };
    let corrupt = |error: RecordError| {
        let place = format!("the record {name} in {}", backend.kind());
        StoreError::Corrupt { place, reason: error.to_string() }
    };
    let mut record = Record::decode(&kept.text, name).map_err(corrupt)?;
    record.revision = kept.revision;
    Ok(Some(record))
}
