//! Where tokens are kept: records in and out, bound to where they may be sent, and which store an account is in. What finds,
//! saves and lists is one file, because index, records and locks are only right together.

pub mod accounts;
mod backend;
pub mod check;
mod error;
pub mod index;
pub mod keyring;
pub mod lock;
pub mod maintenance;
pub mod reach;
pub mod record;
mod rescue;
pub mod sealed;
mod secrets;
pub mod selection;
pub mod shared;

use std::cell::OnceCell;
use std::rc::Rc;

pub use self::backend::{Backend, Kept, Revision, StoreChoice, StoreKind, StoreSettings};
pub use self::error::StoreError;
use self::index::{Entry, Index};
use self::keyring::fault::KeyringFault;
use self::lock::Lock;
use self::reach::{Definitions, NewPart, Reach, Stored};
use self::record::{Record, RecordError, RecordName};
use crate::binding::Binding;
use crate::failpoint;
use crate::name::{AccountName, ProviderName};
use crate::os::private_file;
use crate::ports::{Folder, System};
use crate::store::shared::{Engine, EngineCredentials};

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
    credentials: Rc<dyn EngineCredentials + 'a>,
    definitions: Box<dyn Definitions + 'a>,
    engine: Rc<OnceCell<Rc<dyn Engine>>>,
}

impl<'a> TokenStore<'a> {
    /// The stores, as the configuration chooses among them.
    #[must_use]
    pub fn new(
        system: &'a System,
        settings: StoreSettings,
        credentials: Rc<dyn EngineCredentials + 'a>,
        definitions: Box<dyn Definitions + 'a>,
    ) -> Self {
        Self { system, choice: settings.choice, settings, credentials, definitions, engine: Rc::default() }
    }

    /// The same stores, where other definitions say what may be used.
    #[must_use]
    pub fn with_definitions(&self, definitions: Box<dyn Definitions + 'a>) -> Self {
        Self {
            system: self.system,
            choice: self.choice,
            settings: self.settings.clone(),
            credentials: Rc::clone(&self.credentials),
            definitions,
            engine: Rc::clone(&self.engine),
        }
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
        self.find_holding(None, provider, account, configured)
    }

    /// The same for whoever holds a lock already: what is brought home needs the record's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find_holding(
        &self,
        held: Option<&Lock>,
        provider: &ProviderName,
        account: Option<&AccountName>,
        configured: &Binding,
    ) -> Result<Lookup, StoreError> {
        let found = self.find_bound(held, provider, account, configured)?;
        let Lookup::Found(mut record, kind) = found else { return Ok(found) };
        let Some(part) = self.new_part(provider, &record) else { return Ok(Lookup::Found(record, kind)) };
        if !self.definitions.can_issue_again(provider) {
            return Err(Stored::Login.refused(provider, part));
        }
        // No user logged in for these tokens, so the definition in force gets its own.
        record.forget_tokens();
        record.reach = Some(self.reach(provider, kind));
        Ok(Lookup::Found(record, kind))
    }

    /// The part of the provider's definition that the record was not stored for.
    #[must_use]
    pub fn new_part(&self, provider: &ProviderName, record: &Record) -> Option<NewPart> {
        self.definitions.new_part(provider, record.reach.as_ref())
    }

    /// The destinations to record with a secret that is stored now.
    #[must_use]
    pub fn reach(&self, provider: &ProviderName, kind: StoreKind) -> Reach {
        self.definitions.reach(provider).recorded_in(kind)
    }

    /// Finds the record of an account that fits the configured binding, wherever the definition sends it.
    fn find_bound(
        &self,
        held: Option<&Lock>,
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
        let record = self.read_entry(held, provider, entry)?;
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
                    if found.as_ref().is_none_or(|(known, _)| known.age() < record.age()) {
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

    /// Reads a listed record. After a refresh whose end nobody knows, what it brought may lie elsewhere: then it is moved
    /// home.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read_entry(
        &self,
        held: Option<&Lock>,
        provider: &ProviderName,
        entry: &Entry,
    ) -> Result<Option<Record>, StoreError> {
        let name = entry.name(provider);
        let in_place = self.read_in_place(entry.store, &name, &entry.binding);
        if entry.in_flight.is_none() {
            return in_place;
        }
        match self.rescued(&name, &entry.binding)? {
            Some(rescued) if rescue::follows(&rescued, &in_place, entry.store) => {
                Ok(Some(self.bring_home(held, provider, rescued, entry.store, &in_place)))
            }
            _ => in_place,
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
        // Earlier versions did not record the reach. Only a definition that may use the record may supply it.
        if record.reach.is_none() {
            if record.generation == 0 {
                record.reach = Some(self.reach(provider, kind));
            } else if self.new_part(provider, record).is_none() {
                // This says nothing of the other providers that the definition in force may hand the tokens on to.
                record.reach = Some(self.reach(provider, kind).without_consumers());
            }
        }
        record.generation += 1;
        let name = record.name(provider);
        record.revision =
            self.backend(kind)?.write(&name, &record.binding, &record.encode(), &record.revision)?;
        failpoint::crash("written");
        self.update_index(provider, |index| index.put(Entry::of(record, kind)))?;
        // What could not be saved before is in this record, or of a session that it takes the place of.
        self.forget_rescued(&name);
        Ok(())
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
        self.forget_rescued(&name);
        self.update_index(provider, |index| index.take(&entry.account, &entry.binding))
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
        failpoint::fail("index")
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
