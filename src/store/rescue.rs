//! Rescues new tokens that could not be saved: the record goes to an encrypted file, and the next run moves it home
//! (F-ROT5).
//!
//! The server may have ended the old refresh token by then, so losing the new one would lose the session. The index
//! notes a refresh before it is sent; only records with such a note are looked for here.

use std::path::PathBuf;

use crate::binding::Binding;
use crate::failpoint;
use crate::name::ProviderName;
use crate::os::private_file;
use crate::ports::Folder;
use crate::store::error::StoreError;
use crate::store::kind::StoreKind;
use crate::store::lock::Lock;
use crate::store::record::{Record, RecordName};
use crate::store::revision::Revision;
use crate::store::sealed::cipher;
use crate::store::token_store::TokenStore;

const EXTENSION: &str = "rescued";

/// Where a rescued record may be: the usual folder first, then others that may be on another disk.
const FOLDERS: [Folder; 3] = [Folder::State, Folder::Data, Folder::Locks];

impl TokenStore<'_> {
    /// Seals a record that could not be saved into a file, in the first folder that can be written to. Returns
    /// [`StoreError::Rescued`], or `source` if there is no such folder.
    pub fn rescue(
        &self,
        provider: &ProviderName,
        record: &Record,
        kind: StoreKind,
        source: StoreError,
    ) -> StoreError {
        let name = record.name(provider);
        // If the whole record does not fit, the refresh token is enough to get the rest again.
        let mut short = record.clone();
        short.forget_all_but_the_refresh_token();
        for record in [record, &short] {
            for folder in FOLDERS {
                if self.rescue_into(folder, &name, record).is_ok() {
                    return StoreError::Rescued { store: kind, source: Box::new(source) };
                }
            }
        }
        source
    }

    fn rescue_into(&self, folder: Folder, name: &RecordName, record: &Record) -> Result<(), StoreError> {
        let path = self.rescue_path(folder, name)?;
        failpoint::fail("rescue")
            .map_err(|source| private_file::FileError::Io { path: path.display().to_string(), source })?;
        let key = self.sealed(self.sealed_kind())?.keys_or_new()?.current();
        let text = record.encode();
        let sealed =
            cipher::seal(&key, name, &record.binding, text.expose().as_bytes(), &*self.system.random);
        Ok(private_file::write(&path, &sealed)?)
    }

    /// An entry's rescued record, if there is one. One that cannot be read is an error.
    pub(super) fn rescued(&self, name: &RecordName, binding: &Binding) -> Result<Option<Record>, StoreError> {
        let mut newest: Option<Record> = None;
        for folder in FOLDERS {
            let Ok(path) = self.rescue_path(folder, name) else { continue };
            let Some(sealed) = private_file::read(&path)? else { continue };
            let place = path.display().to_string();
            let open = |kind| self.sealed(kind)?.open(name, binding, &sealed, &place);
            let text = match open(self.sealed_kind()) {
                // The configuration named another store when it was sealed.
                Err(StoreError::Corrupt { .. }) if self.sealed_kind() != StoreKind::File => {
                    open(StoreKind::File)?
                }
                text => text?,
            };
            let record = Record::decode(&text, name).map_err(|error| StoreError::corrupt(place, error))?;
            if newest.as_ref().is_none_or(|known| known.age() < record.age()) {
                newest = Some(record);
            }
        }
        Ok(newest)
    }

    pub(super) fn forget_rescued(&self, name: &RecordName) {
        for folder in FOLDERS {
            if let Ok(path) = self.rescue_path(folder, name) {
                let _ = private_file::remove(&path);
            }
        }
    }

    /// Moves a rescued record to its store. If it still cannot be saved there, the rescued one is used.
    pub(super) fn move_home(
        &self,
        held: Option<&Lock>,
        provider: &ProviderName,
        mut record: Record,
        kind: StoreKind,
        in_place: &Result<Option<Record>, StoreError>,
    ) -> Record {
        let name = record.name(provider);
        // The next save replaces the stored record.
        record.revision = match in_place {
            Ok(Some(present)) => present.revision.clone(),
            Ok(None) => Revision::Absent,
            Err(_) => Revision::Any,
        };
        let Ok(path) = self.backend(kind).and_then(|backend| backend.lock_path(&name)) else { return record };
        let taken;
        let lock = match held {
            Some(held) if held.is_at(&path) => held,
            // Two processes at once could wait for each other.
            Some(_) => return record,
            None => match self.lock(kind, &name) {
                Ok(lock) => {
                    taken = lock;
                    &taken
                }
                Err(_) => return record,
            },
        };
        let present = self.read(kind, &name, &record.binding);
        match present {
            // Another process was faster.
            Ok(Some(present)) if present.age() >= record.age() => return present,
            Ok(Some(present)) => record.revision = present.revision,
            Ok(None) => record.revision = Revision::Absent,
            // The failed write damaged it.
            Err(StoreError::Corrupt { .. }) => record.revision = Revision::Any,
            Err(_) => return record,
        }
        // The generation stays: it is the state that the refresh produced.
        record.generation -= 1;
        let saved = self.save(lock, provider, &mut record, kind);
        match saved {
            Ok(()) => self.system.prompter.note(&format_args!(
                "the tokens of `{provider}` that could not be saved last time are now in {kind}"
            )),
            Err(_) => record.generation = record.generation.max(1),
        }
        record
    }

    /// The rescued records that have not been moved home yet.
    pub fn rescued_files(&self) -> Vec<PathBuf> {
        let folder = |&folder| Some(self.system.paths.folder(folder).ok()?.join("rescued"));
        let files = FOLDERS.iter().filter_map(folder).filter_map(|folder| std::fs::read_dir(folder).ok());
        files.flatten().flatten().map(|file| file.path()).collect()
    }

    fn rescue_path(&self, folder: Folder, name: &RecordName) -> Result<PathBuf, StoreError> {
        Ok(self.system.paths.folder(folder)?.join("rescued").join(format!("{name}.{EXTENSION}")))
    }
}
