//! Saves a refreshed record when other processes may refresh the same login. The newer refresh token wins, and the
//! other processes adopt its record.

use std::time::Duration;

use super::acquisition::Acquisition;
use super::decision::{Requirements, Step, next_step};
use super::error::AcquireError;
use crate::secret::RefreshToken;
use crate::store::lock::LOCK_LIFE;
use crate::store::lock::Lock;
use crate::store::record::Record;
use crate::store::{StoreError, StoreKind};

/// How often another process may change a record during a save before the save fails.
const MOST_CONFLICTS: u32 = 5;

/// How long to wait between two reads of a record that another machine is refreshing.
const PAUSE: Duration = Duration::from_millis(300);

/// Whose record the store holds after a save.
pub(super) enum Saved {
    Ours,
    /// Another machine has refreshed the same login, and its record is used.
    Theirs(Box<Record>),
}

impl Acquisition<'_> {
    /// Saves a refreshed record. If another machine has changed the record meanwhile, the newer refresh token wins:
    /// this machine's, if the stored record still has the one that was `sent`; otherwise the other machine's.
    pub(super) fn save_or_adopt(
        &self,
        lock: &Lock,
        record: &mut Record,
        kind: StoreKind,
        sent: Option<&RefreshToken>,
    ) -> Result<Saved, StoreError> {
        let store = &self.session.store;
        let mut tries = 0;
        loop {
            let saved = store.save(lock, &self.provider.name, record, kind);
            let Err(StoreError::Conflict { place }) = saved else { return saved.map(|()| Saved::Ours) };
            tries += 1;
            match store.read(kind, &record.name(&self.provider.name), &record.binding)? {
                Some(present) if tries < MOST_CONFLICTS && is_same(present.refresh_token.as_ref(), sent) => {
                    record.revision = present.revision;
                    record.generation = record.generation.max(present.generation);
                }
                Some(present) if self.may_adopt(&present, record) => {
                    return Ok(Saved::Theirs(Box::new(present)));
                }
                _ => return Err(StoreError::Conflict { place }),
            }
        }
    }

    /// Waits for another machine, which was faster and may still be refreshing the record, and returns its record.
    pub(super) fn await_others(&self, sent: &Record, kind: StoreKind) -> Result<Box<Record>, AcquireError> {
        let name = &self.provider.name;
        let clock = &self.session.system.clock;
        let end = clock.elapsed() + LOCK_LIFE;
        loop {
            let found = self.session.store.read(kind, &sent.name(name), &sent.binding)?;
            let Some(record) = found else { return Err(AcquireError::Gone(name.clone())) };
            let refreshing = record.renewing.as_ref().filter(|refreshing| !refreshing.unresolved);
            let Some(since) = refreshing.map(|refreshing| refreshing.since) else {
                if self.may_adopt(&record, sent) {
                    return Ok(Box::new(record));
                }
                return Err(StoreError::Conflict { place: format!("the login to {name}") }.into());
            };
            if clock.elapsed() >= end || self.now().duration_since(since).unsigned_abs() >= LOCK_LIFE {
                return Err(AcquireError::RefreshingElsewhere { provider: name.clone(), since });
            }
            clock.sleep(PAUSE);
        }
    }

    /// The record, if another process or machine has refreshed it since `sent` was read.
    pub(super) fn refreshed_by_other(
        &self,
        sent: &Record,
        kind: StoreKind,
    ) -> Result<Option<Box<Record>>, StoreError> {
        let record = self.session.store.read(kind, &sent.name(&self.provider.name), &sent.binding)?;
        let is_newer = |record: &Record| {
            record.generation != sent.generation
                && !record.is_of_another(sent.subject.as_deref())
                && next_step(Some(record), &self.requirements, self.now()) == Step::Use
        };
        Ok(record.filter(is_newer).map(Box::new))
    }

    /// Whether another machine's record can replace this one: it belongs to the same user, and its new token meets the
    /// requirements.
    fn may_adopt(&self, theirs: &Record, ours: &Record) -> bool {
        let requirements = Requirements { force_refresh: false, ..self.requirements.clone() };
        next_step(Some(theirs), &requirements, self.now()) == Step::Use
            && !theirs.is_of_another(ours.subject.as_deref())
    }
}

fn is_same(one: Option<&RefreshToken>, other: Option<&RefreshToken>) -> bool {
    one.map(RefreshToken::expose) == other.map(RefreshToken::expose)
}
