//! Work on the store as a whole: unlocking, moving everything to another store, new keys.

use super::index::Entry;
use super::record::RecordName;
use super::secrets::is_absent;
use super::{Backend, Kept, Revision, StoreChoice, StoreError, StoreKind, TokenStore, decode};
use crate::binding::Binding;
use crate::name::ProviderName;
use crate::secret::SecretText;
use crate::store::sealed::key_source::KeySource;

/// How the store stands. Nothing of it is secret.
#[derive(Debug)]
pub struct Survey {
    /// Which store is configured.
    pub choice: StoreChoice,
    /// Whether there is a keyring; `None` where none is looked for.
    pub keyring: Option<bool>,
    /// Where sealed files lie.
    pub records: String,
    /// The key file.
    pub key_file: String,
    /// How the key of sealed files is kept, where there is one.
    pub kept_as: Option<String>,
    /// Whether sealed files cannot be opened without a passphrase.
    pub locked: bool,
    /// How many accounts are in each store.
    pub accounts: Vec<(StoreKind, usize)>,
}

/// What was moved.
#[derive(Debug, Default)]
pub struct Moved {
    /// The accounts.
    pub accounts: Vec<(ProviderName, Entry)>,
    /// How many configured secrets.
    pub secrets: usize,
}

impl TokenStore<'_> {
    /// How the store stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn survey(&self) -> Result<Survey, StoreError> {
        let files = self.sealed(self.sealed_kind())?;
        let mut accounts: Vec<_> = self.reachable().into_iter().map(|kind| (kind, 0)).collect();
        for provider in self.listed()? {
            for entry in self.index(&provider)?.entries {
                accounts
                    .iter_mut()
                    .filter(|(kind, _)| *kind == entry.store)
                    .for_each(|(_, count)| *count += 1);
            }
        }
        Ok(Survey {
            choice: self.choice,
            keyring: matches!(self.choice, StoreChoice::Auto | StoreChoice::Only(StoreKind::Keyring))
                .then(|| self.system.keyring.open().is_ok()),
            records: match &self.settings.engine {
                Some(engine) => format!("{}, under {}", engine.kind(), engine.prefix),
                None => self.records_folder()?.display().to_string(),
            },
            key_file: files.key().place(),
            kept_as: files.key().kept_as()?,
            locked: files.key().is_locked(),
            accounts,
        })
    }

    /// Whether sealed files need a passphrase, and whether there is one already. `None` where they need none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn passphrase(&self) -> Result<Option<Passphrase>, StoreError> {
        if self.settings.key != KeySource::Passphrase {
            return Ok(None);
        }
        let key = self.sealed(self.sealed_kind())?;
        Ok(Some(match key.key().kept_as()? {
            None => Passphrase::ToBeChosen,
            Some(_) if key.key().is_locked() => Passphrase::Locked,
            Some(_) => Passphrase::Given,
        }))
    }

    /// Whether whoever has the files of this machine can open what is sealed.
    #[must_use]
    pub fn key_lies_open(&self) -> bool {
        self.settings.key == KeySource::File
    }

    /// Whether a new login of a provider is kept sealed with our key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn goes_to_sealed(&self, provider: &ProviderName) -> Result<bool, StoreError> {
        let index = self.index(provider)?;
        Ok(match (self.choice, index.entries.first()) {
            (StoreChoice::Only(kind), _) => kind != StoreKind::Keyring,
            (StoreChoice::Auto, Some(entry)) => entry.store == StoreKind::File,
            (StoreChoice::Auto, None) => self.system.keyring.open().is_err(),
        })
    }

    /// Unlocks sealed files with their passphrase, or chooses it where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unlock_files(&self, passphrase: &SecretText) -> Result<(), StoreError> {
        self.sealed(self.sealed_kind())?.key().unlock(passphrase)
    }

    /// Seals every record with a new key, and keeps that as the configuration says: also where it says something else than
    /// before. Whoever is in the middle of it when the machine stops can still open everything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rekey(
        &self,
        old_passphrase: &mut dyn FnMut() -> Result<SecretText, StoreError>,
        old_command: Option<&[String]>,
        new_passphrase: Option<&SecretText>,
    ) -> Result<usize, StoreError> {
        let files = self.sealed(self.sealed_kind())?;
        // Two at once would each drop the other's key.
        let _alone = self.lock_keys(files.kind())?;
        files.key().fetch_anew()?;
        let Some(old) = files.key().keys_of_old(old_passphrase, old_command)? else {
            return Ok(0);
        };
        // First the file has all keys, then the records are sealed with the new one, then that alone is left.
        let keys = old.followed_by_new(&*self.system.random);
        files.key().keep(&keys, new_passphrase)?;
        let ours = files.key().seen();
        let names = files.names()?;
        let reseal = |name| {
            let _lock = self.lock(files.kind(), name)?;
            files.reseal(name)
        };
        // One that cannot be opened keeps none of the others back; it keeps the old keys.
        let failures: Vec<StoreError> = names.iter().filter_map(|name| reseal(name).err()).collect();
        if let Some(error) = failures.into_iter().next() {
            return Err(error);
        }
        if files.key().seen() != ours {
            return Err(StoreError::Conflict { place: files.key().place() });
        }
        if !self.anything_is_rescued() {
            files.key().keep(&keys.current_alone(), new_passphrase)?;
        }
        Ok(names.len())
    }

    /// The kinds that this configuration reaches.
    fn reachable(&self) -> Vec<StoreKind> {
        let configured = self.settings.engine.as_ref().map(|engine| engine.kind());
        StoreKind::ALL.into_iter().filter(|kind| !kind.is_shared() || Some(*kind) == configured).collect()
    }

    /// Lists what other machines have put into a shared store.
    fn list_all(&self, kind: StoreKind) -> Result<(), StoreError> {
        let backend = self.backend(kind)?;
        for name in backend.names()? {
            let Some(provider) = name.provider() else { continue };
            let binding = backend.claimed_binding(&name)?.unwrap_or_default();
            if let Some(record) = decode(&*backend, &name, &binding)? {
                self.update_index(&provider, |index| {
                    // What is listed in another store is not this one.
                    if index.entry(&record.account, &record.binding).is_none() {
                        index.put(Entry::of(&record, kind));
                    }
                })?;
            }
        }
        Ok(())
    }

    /// Moves everything to one store, except for the providers that `stays` selects. Each record is written there and read back
    /// before it is deleted here.
    ///
    /// # Errors
    /// [`StoreError`]; what was not moved is where it was.
    pub fn move_all(
        &self,
        to: StoreKind,
        secrets: &[(RecordName, Binding)],
        stays: &dyn Fn(&ProviderName) -> bool,
    ) -> Result<Moved, StoreError> {
        let target = self.backend(to)?;
        target.prepare()?;
        let mut moved = Moved::default();
        for kind in self.reachable().into_iter().filter(|kind| *kind != to && kind.is_shared()) {
            self.list_all(kind)?;
        }
        for provider in self.listed()?.into_iter().filter(|provider| !stays(provider)) {
            for entry in self.index(&provider)?.entries.into_iter().filter(|entry| entry.store != to) {
                let name = entry.name(&provider);
                let lock = self.lock(entry.store, &name)?;
                let _other = self.lock(to, &name)?;
                // What was rescued belongs to the record; where it does not come home, nothing is moved.
                self.read_entry(Some(&lock), &provider, &entry)?;
                if self.rescued(&name, &entry.binding)?.is_some() {
                    return Err(StoreError::NotHome { place: name.to_string() });
                }
                if move_one(&*self.backend(entry.store)?, &*target, &name, &entry.binding)? {
                    let place = entry.clone();
                    self.update_index(&provider, |index| index.put(Entry { store: to, ..place }))?;
                    if let Err(error) = self.backend(entry.store).and_then(|source| source.delete(&name)) {
                        self.may_keep_old_copy(entry.store, &error);
                    }
                    moved.accounts.push((provider.clone(), entry));
                }
            }
        }
        for (name, binding) in secrets {
            for from in self.reachable().into_iter().filter(|from| *from != to) {
                let Ok(source) = self.backend(from) else { continue };
                let is_moved = match move_one(&*source, &*target, name, binding) {
                    Err(error) if is_absent(&error) => false,
                    // It does not need to move.
                    Err(error @ StoreError::Keyring(_)) if target.read(name, binding)?.is_some() => {
                        self.may_keep_old_copy(from, &error);
                        false
                    }
                    is_moved => is_moved?,
                };
                if is_moved {
                    moved.secrets += 1;
                    if let Err(error) = source.delete(name) {
                        self.may_keep_old_copy(from, &error);
                    }
                }
            }
        }
        Ok(moved)
    }
}

/// How a passphrase stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passphrase {
    /// There is none yet.
    ToBeChosen,
    /// It must be given.
    Locked,
    /// It is remembered.
    Given,
}

/// Copies a record, and checks that the copy is the same; `false` when there is none.
fn move_one(
    from: &dyn Backend,
    to: &dyn Backend,
    name: &RecordName,
    binding: &Binding,
) -> Result<bool, StoreError> {
    let Some(kept) = from.read(name, binding)? else { return Ok(false) };
    let is_same = |copy: &Kept| copy.text.expose() == kept.text.expose();
    match to.write(name, binding, &kept.text, &Revision::Absent) {
        // A move that was interrupted wrote it.
        Err(StoreError::Conflict { .. }) if to.read(name, binding)?.is_some_and(|copy| is_same(&copy)) => {}
        Err(StoreError::Conflict { .. }) => {
            return Err(StoreError::Occupied { place: format!("{name} in {}", to.kind()) });
        }
        Err(error @ StoreError::NotKept { .. }) => {
            // It was not there before.
            let _ = to.delete(name);
            return Err(error);
        }
        written => drop(written?),
    }
    let same = to.read(name, binding)?.is_some_and(|copy| is_same(&copy));
    if same { Ok(true) } else { Err(StoreError::NotKept { place: format!("{name} in {}", to.kind()) }) }
}
