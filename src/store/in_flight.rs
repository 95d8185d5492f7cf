//! Notes about refreshes that were sent, with which the next run can explain what happened, and other machines know to
//! wait.

use jiff::Timestamp;

use crate::binding::Binding;
use crate::name::ProviderName;
use crate::os::{filesystem, open_files, private_file};
use crate::ports::Folder;
use crate::store::error::StoreError;
use crate::store::index::Entry;
use crate::store::kind::StoreKind;
use crate::store::lock::Lock;
use crate::store::record::{Record, Renewing};
use crate::store::token_store::TokenStore;

/// The space for a record, which rarely needs more. If files may not be this long, a refresh is not sent: the limit
/// applies to the whole process and would prevent a rescue as well.
const ROOM: u64 = 64 << 10;

/// The most files that a refresh has open at once: the client, its connection, the record, its key and the keyring.
const FILES_OF_REFRESH: usize = 12;

impl TokenStore<'_> {
    /// Notes that a refresh of this record is about to be sent: the next run can explain what happened to it, and looks
    /// for a rescued record. If the note cannot be written, nothing is sent. A shared store holds the note too, and its
    /// compare-and-swap decides which machine sends: [`StoreError::Conflict`] if another one was faster.
    pub fn note_refresh(
        &self,
        _: &Lock,
        provider: &ProviderName,
        record: &mut Record,
        kind: StoreKind,
    ) -> Result<(), StoreError> {
        self.check_limits()?;
        let mark = mark(record);
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

    /// Checks the limits that would prevent a refresh's result from being saved or rescued.
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

    /// Notes that the refresh was not sent, or that its response is known.
    pub fn forget_refresh(
        &self,
        provider: &ProviderName,
        record: &mut Record,
        kind: StoreKind,
    ) -> Result<(), StoreError> {
        self.set_in_flight(provider, record, None)?;
        if record.renewing.take().is_some() {
            match self.rewrite(provider, record, kind) {
                // Another machine has seen the note and changed the record.
                Err(StoreError::Conflict { .. }) => {}
                written => written?,
            }
        }
        Ok(())
    }

    /// Notes that a refresh's result will stay unknown, so that no other machine waits for this one.
    pub fn leave_refresh_unresolved(
        &self,
        provider: &ProviderName,
        record: &mut Record,
        kind: StoreKind,
    ) -> Result<(), StoreError> {
        let Some(renewing) = &mut record.renewing else { return Ok(()) };
        renewing.unresolved = true;
        match self.rewrite(provider, record, kind) {
            // Another machine has already changed the record.
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

    /// Since when another machine has been refreshing a record, if it has not reported a result.
    pub fn renewed_elsewhere(&self, record: &Record) -> Result<Option<Timestamp>, StoreError> {
        let Some(renewing) = &record.renewing else { return Ok(None) };
        let elsewhere =
            mark(record).as_ref() == Some(&renewing.mark) && renewing.machine != self.machine()?;
        Ok((elsewhere && !renewing.unresolved).then_some(renewing.since))
    }

    /// This machine's name among those that share a store; each home has its own.
    pub(crate) fn machine(&self) -> Result<String, StoreError> {
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

    /// Whether a refresh with this record's refresh token was already sent, from here or another machine that shares
    /// the store, and its result is unknown.
    pub fn refresh_is_unresolved(&self, provider: &ProviderName, record: &Record) -> bool {
        let Some(mark) = mark(record) else { return false };
        if record.renewing.as_ref().is_some_and(|renewing| renewing.unresolved && renewing.mark == mark) {
            return true;
        }
        let Ok(index) = self.index(provider) else { return false };
        let entry = index.entry(&record.account, &record.binding);
        entry.is_some_and(|entry| entry.in_flight.as_ref() == Some(&mark))
    }
}

/// Identifies the record's refresh token without revealing it.
fn mark(record: &Record) -> Option<String> {
    let token = record.refresh_token.as_ref()?;
    Some(Binding::default().with("refresh token", token.expose()).fingerprint())
}
