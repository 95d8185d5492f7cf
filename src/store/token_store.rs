//! The user's stores, and the index that lists their contents.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::failpoint;
use crate::name::ProviderName;
use crate::os::private_file;
use crate::ports::{Folder, System};
use crate::store::backend::Backend;
use crate::store::bytes::Bytes;
use crate::store::destinations::{Definitions, Destinations, NewPart};
use crate::store::error::StoreError;
use crate::store::index::Index;
use crate::store::keyring::KeyringBackend;
use crate::store::kind::{StoreChoice, StoreKind};
use crate::store::lock::{LONGEST_WAIT, Lock};
use crate::store::record::{Record, RecordName};
use crate::store::sealed::key_file::KeyFile;
use crate::store::sealed::key_source::KeySource;
use crate::store::sealed::{Sealed, SealedFolder};
use crate::store::settings::StoreSettings;
use crate::store::shared::{self, SharedCredentials};

/// The prefix of cached access tokens' names in the kernel's keyring.
pub const KERNEL_CACHE: &str = "authctl:token:";

/// Gets the shared store's credentials when they are first needed, because a program may have to run.
pub type GetCredentials<'a> = Rc<dyn Fn() -> Result<SharedCredentials, StoreError> + 'a>;

pub struct TokenStore<'a> {
    pub(super) system: &'a System,
    pub(super) settings: StoreSettings,
    pub(super) definitions: Box<dyn Definitions + 'a>,
    credentials: GetCredentials<'a>,
    /// The shared store, opened when it is first needed.
    shared: Rc<OnceCell<Rc<dyn Bytes>>>,
}

impl<'a> TokenStore<'a> {
    pub fn new(
        system: &'a System,
        settings: StoreSettings,
        credentials: GetCredentials<'a>,
        definitions: Box<dyn Definitions + 'a>,
    ) -> Self {
        Self { system, settings, credentials, definitions, shared: Rc::default() }
    }

    /// The same stores, with other definitions of providers.
    pub fn with_definitions(&self, definitions: Box<dyn Definitions + 'a>) -> Self {
        Self {
            system: self.system,
            settings: self.settings.clone(),
            credentials: Rc::clone(&self.credentials),
            definitions,
            shared: Rc::clone(&self.shared),
        }
    }

    /// The part of the provider's definition that the record was not stored for.
    pub fn new_part(&self, provider: &ProviderName, record: &Record) -> Option<NewPart> {
        self.definitions.new_part(provider, record.destinations.as_ref())
    }

    /// The destinations to record with a secret that is stored now.
    pub fn destinations(&self, provider: &ProviderName, kind: StoreKind) -> Destinations {
        self.definitions.destinations(provider).recorded_in(kind)
    }

    /// Locks a record: [`StoreError::LockTimeout`] after a minute.
    pub fn lock(&self, kind: StoreKind, name: &RecordName) -> Result<Lock, StoreError> {
        self.backend(kind)?.lock(name)
    }

    pub(super) fn backend(&self, kind: StoreKind) -> Result<Box<dyn Backend + '_>, StoreError> {
        Ok(match kind {
            StoreKind::Keyring => Box::new(KeyringBackend::open(self.system)?),
            _ => Box::new(self.sealed(kind)?),
        })
    }

    /// The backend of a kind; `None` if this session has no keyring and need not have one.
    pub(super) fn present(&self, kind: StoreKind) -> Result<Option<Box<dyn Backend + '_>>, StoreError> {
        self.unless_absent(self.backend(kind))
    }

    /// `None` if this session has no keyring and need not have one.
    pub(super) fn unless_absent<T>(&self, result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match result {
            Err(error) if error.is_keyring_absent() && self.settings.choice == StoreChoice::Auto => Ok(None),
            result => result.map(Some),
        }
    }

    /// Sealed records of a kind, with the configured key.
    pub(super) fn sealed(&self, kind: StoreKind) -> Result<Sealed<'a>, StoreError> {
        let system = self.system;
        let folder = system.paths.folder(Folder::Data)?;
        let StoreSettings { key, remembered_for, .. } = &self.settings;
        let key_file = |file: &str, source: &KeySource| {
            KeyFile::new(system, folder.join(file), source.clone(), *remembered_for)
        };
        if kind.is_shared() {
            let bytes = self.shared(kind)?;
            let key = key_file(&format!("{}.key", kind.name()), key).shared_in(Rc::clone(bytes));
            return Ok(Sealed { system, bytes: Rc::clone(bytes), key });
        }
        let key_file = |source| key_file("store.key", source);
        // Besides a shared store, files are only there to be moved to it: they are opened as they were sealed.
        let is_open = || {
            key_file(&KeySource::File).stored_source().is_ok_and(|source| source.as_deref() == Some("file"))
        };
        let source = if self.sealed_kind().is_shared() && is_open() { &KeySource::File } else { key };
        let bytes = Rc::new(SealedFolder(system.paths.folder(Folder::State)?));
        Ok(Sealed { system, bytes, key: key_file(source) })
    }

    /// The kind of sealed store that is configured, or the fallback.
    pub(super) fn sealed_kind(&self) -> StoreKind {
        match self.settings.choice {
            StoreChoice::Only(kind) if kind.is_shared() => kind,
            _ => StoreKind::File,
        }
    }

    fn shared(&self, kind: StoreKind) -> Result<&Rc<dyn Bytes>, StoreError> {
        let settings = self.settings.shared.as_ref().filter(|settings| settings.kind() == kind);
        let settings = settings.ok_or(match self.settings.withholds_token {
            true => StoreError::TokenWithheld,
            false => StoreError::NoSharedStore(kind),
        })?;
        if let Some(shared) = self.shared.get() {
            return Ok(shared);
        }
        let shared = shared::open(self.system, settings, (self.credentials)()?);
        Ok(self.shared.get_or_init(|| shared))
    }

    /// What is listed for a provider.
    pub fn index(&self, provider: &ProviderName) -> Result<Index, StoreError> {
        let bytes = private_file::read(&self.index_path(provider)?)?;
        Ok(bytes.and_then(|bytes| Index::decode(&bytes)).unwrap_or_default())
    }

    /// The providers with a list.
    pub fn listed(&self) -> Result<Vec<ProviderName>, StoreError> {
        let folder = self.system.paths.folder(Folder::State)?.join("index");
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
        let name = |entry: std::fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok();
        let mut names: Vec<ProviderName> = entries.filter_map(|entry| name(entry.ok()?)).collect();
        names.sort();
        Ok(names)
    }

    /// Changes what is listed for a provider, exclusively among all processes.
    pub fn update_index(
        &self,
        provider: &ProviderName,
        change: impl FnOnce(&mut Index),
    ) -> Result<(), StoreError> {
        let path = self.index_path(provider)?;
        let _lock = Lock::take(&path.with_extension("lock"), LONGEST_WAIT, &*self.system.clock)?;
        let mut index = self.index(provider)?;
        change(&mut index);
        failpoint::fail("index")
            .map_err(|source| private_file::FileError::Io { path: path.display().to_string(), source })?;
        let written = if index.entries.is_empty() {
            private_file::remove(&path).map(drop)
        } else {
            private_file::write(&path, &index.encode())
        };
        // Any change may select another token than the cached one.
        self.system.kernel_keyring.forget_all(KERNEL_CACHE);
        Ok(written?)
    }

    fn index_path(&self, provider: &ProviderName) -> Result<std::path::PathBuf, StoreError> {
        Ok(self.system.paths.folder(Folder::State)?.join("index").join(format!("{provider}.json")))
    }
}
