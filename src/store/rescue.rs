//! What a refresh brought and could not be saved: kept in a sealed file, and moved home by the next run (F-ROT5).
//!
//! The server may have ended the old refresh token by then, so that losing the new one would lose the session. Before a
//! refresh is sent, the index notes it; only what is noted there is looked for here.

use std::path::PathBuf;

use super::index::Entry;
use super::record::{Record, RecordName, Renewing};
use super::{Revision, StoreError, StoreKind, TokenStore};
use crate::binding::Binding;
use crate::failpoint;
use crate::name::ProviderName;
use crate::os::filesystem;
use crate::os::open_files;
use crate::os::private_file;
use crate::ports::Folder;
use crate::store::lock::Lock;
use crate::store::sealed::cipher;
use jiff::Timestamp;

/// The ending of a rescued record.
const ENDING: &str = "rescued";

/// Where a rescued record may lie: the usual place first, and others that may be on another disk.
const FOLDERS: [Folder; 3] = [Folder::State, Folder::Data, Folder::Locks];

/// A record is rarely longer. Where files may not be this long, a refresh is not sent: the limit is the whole process's, and
/// what it keeps from being saved it also keeps from being rescued.
const ROOM: u64 = 64 << 10;

/// The most files that a refresh has open at once: the client, its connection, the record, its key and the keyring.
const FILES_OF_REFRESH: usize = 12;

impl TokenStore<'_> {
    /// Notes that a refresh of this record is about to be sent: the next run can explain what became of it, and knows that
    /// something may have to be brought home. Where not even that can be written, nothing is sent. In a shared store the
    /// record says so too, and the compare and swap of that write decides which machine it is that sends.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another machine was faster.
    pub fn note_refresh(
        &self,
        _: &Lock,
        provider: &ProviderName,
        record: &mut Record,
        kind: StoreKind,
    ) -> Result<(), StoreError> {
        self.check_limits()?;
        let mark = record.refresh_token.as_ref().map(|token| mark(token.expose()));
        let sent_before = self.refresh_is_unresolved(provider, record);
        self.set_in_flight(provider, record, mark.clone())?;
        if let Some(mark) = mark.filter(|_| kind.is_shared()) {
            let (machine, since) = (self.machine()?, self.system.clock.now());
            record.renewing = Some(Renewing { mark, machine, since, unresolved: false });
            let noted = self.rewrite(provider, record, kind);
            if noted.is_err() && !sent_before {
                self.set_in_flight(provider, record, None)?;
            }
            return noted;
        }
        Ok(())
    }

    /// Checks the limits that would keep the result of a refresh from being saved, and from being rescued as well.
    fn check_limits(&self) -> Result<(), StoreError> {
        let failed = |source| -> Result<(), StoreError> {
            let path = self.system.paths.folder(Folder::State)?.display().to_string();
            Err(private_file::FileError::Io { path, source }.into())
        };
        if let Some(longest) = filesystem::longest_file().filter(|&longest| longest < ROOM) {
            let reason = format!(
                "the limit on the size of a file (`ulimit -f`) is {longest} bytes, and a refresh needs {ROOM}"
            );
            return failed(std::io::Error::other(reason));
        }
        open_files::check_free(FILES_OF_REFRESH).or_else(failed)
    }

    /// Notes that the refresh was not sent, or that its answer is known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_refresh(
        &self,
        provider: &ProviderName,
        record: &mut Record,
        kind: StoreKind,
    ) -> Result<(), StoreError> {
        self.set_in_flight(provider, record, None)?;
        if record.renewing.take().is_some() {
            match self.rewrite(provider, record, kind) {
                // Whoever changed it has seen what we noted.
                Err(StoreError::Conflict { .. }) => {}
                written => written?,
            }
        }
        Ok(())
    }

    /// Notes that a refresh was sent and that its result will stay unknown: no other machine needs to wait for this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn leave_refresh_unresolved(
        &self,
        provider: &ProviderName,
        record: &mut Record,
        kind: StoreKind,
    ) -> Result<(), StoreError> {
        let Some(renewing) = &mut record.renewing else { return Ok(()) };
        renewing.unresolved = true;
        match self.rewrite(provider, record, kind) {
            // Another machine has gone on with the record.
            Err(StoreError::Conflict { .. }) => Ok(()),
            written => written,
        }
    }

    fn rewrite(
        &self,
        provider: &ProviderName,
        record: &mut Record,
        kind: StoreKind,
    ) -> Result<(), StoreError> {
        let name = record.name(provider);
        record.revision =
            self.backend(kind)?.write(&name, &record.binding, &record.encode(), &record.revision)?;
        Ok(())
    }

    /// Since when another machine has been renewing a record, if one has, and has not said how that ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn renewed_elsewhere(&self, record: &Record) -> Result<Option<Timestamp>, StoreError> {
        let Some(renewing) = &record.renewing else { return Ok(None) };
        let sent = record.refresh_token.as_ref().map(|token| mark(token.expose()));
        let elsewhere = sent.as_ref() == Some(&renewing.mark) && renewing.machine != self.machine()?;
        Ok((elsewhere && !renewing.unresolved).then_some(renewing.since))
    }

    /// The name of this machine among those that share a store, or rather of this home on it.
    fn machine(&self) -> Result<String, StoreError> {
        let path = self.system.paths.folder(Folder::State)?.join("machine");
        let mut bytes = [0; 16];
        self.system.random.fill(&mut bytes);
        let new = base16ct::lower::encode_string(&bytes);
        let known = match private_file::read(&path)? {
            Some(known) => known,
            None => {
                private_file::write_new(&path, new.as_bytes())?;
                private_file::read(&path)?.unwrap_or_default()
            }
        };
        Ok(String::from_utf8_lossy(&known).into_owned())
    }

    fn set_in_flight(
        &self,
        provider: &ProviderName,
        record: &Record,
        mark: Option<String>,
    ) -> Result<(), StoreError> {
        self.update_index(provider, |index| {
            let of_record =
                |entry: &&mut Entry| entry.account == record.account && entry.binding == record.binding;
            if let Some(entry) = index.entries.iter_mut().find(of_record) {
                entry.in_flight = mark;
            }
        })
    }

    /// Whether a refresh with this record's refresh token was sent before, from here or from a machine that shares the
    /// store, without its result being known.
    #[must_use]
    pub fn refresh_is_unresolved(&self, provider: &ProviderName, record: &Record) -> bool {
        let Some(mark) = record.refresh_token.as_ref().map(|token| mark(token.expose())) else {
            return false;
        };
        if record.renewing.as_ref().is_some_and(|renewing| renewing.unresolved && renewing.mark == mark) {
            return true;
        }
        let Ok(index) = self.index(provider) else { return false };
        let entry = index.entry(&record.account, &record.binding);
        entry.is_some_and(|entry| entry.in_flight.as_ref() == Some(&mark))
    }

    /// Keeps a record that could not be saved in its place, sealed, wherever that goes.
    ///
    /// # Errors
    /// [`StoreError::Rescued`] when it is kept; else why it is not, with the reason of before.
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

    /// The rescued record of an entry, if there is one.
    ///
    /// # Errors
    /// [`StoreError`], when there is one that cannot be read.
    pub(super) fn rescued(&self, name: &RecordName, binding: &Binding) -> Result<Option<Record>, StoreError> {
        let mut newest: Option<Record> = None;
        for folder in FOLDERS {
            let Ok(path) = self.rescue_path(folder, name) else { continue };
            let Some(sealed) = private_file::read(&path)? else { continue };
            let place = || path.display().to_string();
            let corrupt = |reason: String| StoreError::Corrupt { place: place(), reason };
            let open = |kind| self.sealed(kind)?.open(name, binding, &sealed, &place());
            let text = match open(self.sealed_kind()) {
                // The configuration named another store when it was sealed.
                Err(StoreError::Corrupt { .. }) if self.sealed_kind() != StoreKind::File => {
                    open(StoreKind::File)?
                }
                text => text?,
            };
            let record = Record::decode(&text, name).map_err(|error| corrupt(error.to_string()))?;
            if newest.as_ref().is_none_or(|known| known.age() < record.age()) {
                newest = Some(record);
            }
        }
        Ok(newest)
    }

    /// Removes what was rescued of a record.
    pub(super) fn forget_rescued(&self, name: &RecordName) {
        for folder in FOLDERS {
            if let Ok(path) = self.rescue_path(folder, name) {
                let _ = private_file::remove(&path);
            }
        }
    }

    /// Moves a rescued record to its place. Where that still does not go, it stays where it is, and is used all the same.
    pub(super) fn bring_home(
        &self,
        held: Option<&Lock>,
        provider: &ProviderName,
        mut record: Record,
        kind: StoreKind,
        in_place: &Result<Option<Record>, StoreError>,
    ) -> Record {
        let name = record.name(provider);
        // Whoever goes on with it writes over what is there.
        record.revision = match in_place {
            Ok(Some(present)) => present.revision.clone(),
            Ok(None) => Revision::Absent,
            Err(_) => Revision::Any,
        };
        let Ok(path) = self.lock_path(kind, &name) else { return record };
        let taken;
        let lock = match held {
            Some(held) if held.is_at(&path) => held,
            // Two at once could wait for each other.
            Some(_) => return record,
            None => match self.lock(kind, &name) {
                Ok(lock) => {
                    taken = lock;
                    &taken
                }
                Err(_) => return record,
            },
        };
        let present = self.read_in_place(kind, &name, &record.binding);
        match present {
            // Somebody was faster.
            Ok(Some(present)) if present.age() >= record.age() => return present,
            Ok(Some(present)) => record.revision = present.revision,
            Ok(None) => record.revision = Revision::Absent,
            // The write that failed left it in pieces.
            Err(StoreError::Corrupt { .. }) => record.revision = Revision::Any,
            Err(_) => return record,
        }
        // The generation stays: it is the state that the refresh made.
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

    /// Whether a rescued record has not come home yet.
    pub(super) fn anything_is_rescued(&self) -> bool {
        !self.waiting().is_empty()
    }

    /// The rescued records that have not come home yet.
    #[must_use]
    pub fn waiting(&self) -> Vec<PathBuf> {
        let folder = |&folder| Some(self.system.paths.folder(folder).ok()?.join("rescued"));
        let files = FOLDERS.iter().filter_map(folder).filter_map(|folder| std::fs::read_dir(folder).ok());
        files.flatten().flatten().map(|file| file.path()).collect()
    }

    fn rescue_path(&self, folder: Folder, name: &RecordName) -> Result<PathBuf, StoreError> {
        Ok(self.system.paths.folder(folder)?.join("rescued").join(format!("{name}.{ENDING}")))
    }
}

/// Whether a rescued record is a later state of the session in its place: never that of another login.
pub(super) fn follows(
    rescued: &Record,
    in_place: &Result<Option<Record>, StoreError>,
    kind: StoreKind,
) -> bool {
    match in_place {
        Ok(Some(present)) => {
            present.logged_in_at == rescued.logged_in_at && present.generation < rescued.generation
        }
        // Another machine may have logged out.
        Ok(None) => !kind.is_shared(),
        Err(_) => true,
    }
}

/// Stands for a refresh token without being one.
fn mark(refresh_token: &str) -> String {
    Binding::default().with("refresh token", refresh_token).fingerprint()
}
