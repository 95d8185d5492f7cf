//! Refreshes a stored token under its lock, in the one order in which no crash and no odd answer loses the login: prepare,
//! note that the refresh token is about to be sent, send it, save the new one, and only then judge the rest (F-ROT1 to
//! F-ROT6, F-ROT10).

use crate::failpoint;
use crate::name::ScopeSet;
use crate::ports::{Held, HttpError};
use crate::provider::{Grant, PreparedRefresh, ProviderError, RefreshOutcome};
use crate::secret::RefreshToken;
use crate::session::acquire::AcquireError;
use crate::session::acquire::acquisition::Acquisition;
use crate::session::acquire::decision::{Reason, Step, Want, lasts, next_step};
use crate::store::index::Entry;
use crate::store::lock::Lock;
use crate::store::record::{Record, StoredToken};
use crate::store::shared::LOCK_LIFE;
use crate::store::{StoreError, StoreKind};
use crate::text::causes::with_causes;
use crate::token::{Issued, TokenSet};
use std::time::Duration;

/// A lost answer is asked for again only when the first request was lost quickly: both together must end before those who
/// wait for the lock give up.
const LONGEST_BEFORE_RETRY: Duration = Duration::from_secs(20);

/// A machine that began a refresh and was then cut off from the shared store has the result in its own rescue file. It has
/// this long to save it there before another machine sends the old refresh token again, which may end the session.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often another process may change a record during a save before that is an error.
const MOST_CONFLICTS: u32 = 5;

/// A record that is being refreshed, and the lock that prevents other refreshes.
struct Refreshing<'l> {
    lock: &'l Lock,
    record: Record,
    kind: StoreKind,
    /// The stored access token, if it is still good enough to hand out.
    lasting: Option<StoredToken>,
    /// An earlier refresh may already have replaced the refresh token.
    unresolved: bool,
}

/// What a save left in the store.
enum Saved {
    Ours,
    /// Another machine has refreshed the same login: its record counts.
    Theirs(Box<Record>),
}

impl Acquisition<'_> {
    /// Refreshes, and saves the result before anything is handed out. A signal waits until the save is done: the server may
    /// have replaced the refresh token.
    pub(crate) fn refresh(
        &self,
        lock: &Lock,
        record: Record,
        kind: StoreKind,
    ) -> Result<Issued, AcquireError> {
        let held = self.session.system.signals.hold();
        let started = self.session.system.clock.elapsed();
        let mut refreshing = self.start(lock, record, kind);
        if let (true, Some(token)) = (refreshing.unresolved, &refreshing.lasting) {
            // The refresh token is sent again only when no access token is left to lose (F-ROT6).
            return self.issued(&refreshing.record, token);
        }
        let context = self.session.context(&self.provider.name);
        let prepared = self.provider.source.prepare_refresh(&context, &refreshing.record, &self.request);
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.without_new_token(&refreshing, self.failed(error)),
        };
        if let Err(error) = self.note(&mut refreshing) {
            return self.not_noted(&refreshing, error);
        }
        failpoint::crash("noted");
        let may_repeat =
            || self.session.system.clock.elapsed().saturating_sub(started) < LONGEST_BEFORE_RETRY;
        let outcome = self.send(&*prepared, &mut refreshing, may_repeat);
        failpoint::crash("answered");
        match outcome {
            RefreshOutcome::Tokens(tokens) => self.take(&*prepared, refreshing, tokens, &*held),
            RefreshOutcome::RefreshTokenOnly(refresh_token, problem) => {
                self.take_refresh_token(refreshing, refresh_token, problem, &*held)
            }
            RefreshOutcome::Refused(ProviderError::Token(error)) if error.is("invalid_grant") => {
                self.rejected(refreshing)
            }
            RefreshOutcome::Refused(error) | RefreshOutcome::NotSent(error) => {
                self.settle(&mut refreshing);
                self.without_new_token(&refreshing, self.failed(error))
            }
            RefreshOutcome::Unknown(error) => {
                refreshing.unresolved = true;
                self.settle(&mut refreshing);
                self.without_new_token(&refreshing, self.failed(error))
            }
        }
    }

    fn start<'l>(&self, lock: &'l Lock, record: Record, kind: StoreKind) -> Refreshing<'l> {
        let lasting = self
            .valid_token(&record)
            .filter(|token| !self.want.renew && lasts(token.life.expires_at, &self.want, self.now()));
        let unresolved = self.session.store.refresh_is_unresolved(&self.provider.name, &record);
        Refreshing { lock, lasting: lasting.cloned(), unresolved, record, kind }
    }

    fn valid_token<'r>(&self, record: &'r Record) -> Option<&'r StoredToken> {
        record.token(&self.want.key).filter(|token| !token.refused && token.life.is_valid(self.now()))
    }

    /// Notes that the refresh token is about to be sent. What cannot be noted is not sent.
    fn note(&self, refreshing: &mut Refreshing<'_>) -> Result<(), AcquireError> {
        let (store, name) = (&self.session.store, &self.provider.name);
        match store.renewed_elsewhere(&refreshing.record)? {
            Some(since) if self.now().duration_since(since).unsigned_abs() < PATIENCE => {
                Err(AcquireError::RenewedElsewhere { provider: name.clone(), since })
            }
            _ => Ok(store.note_refresh(refreshing.lock, name, &mut refreshing.record, refreshing.kind)?),
        }
    }

    fn not_noted(&self, refreshing: &Refreshing<'_>, error: AcquireError) -> Result<Issued, AcquireError> {
        match error {
            AcquireError::Store(StoreError::Conflict { .. }) => {
                self.await_others(&refreshing.record, refreshing.kind)
            }
            // The other machine may still be at it.
            AcquireError::RenewedElsewhere { .. } if refreshing.lasting.is_none() => {
                self.await_others(&refreshing.record, refreshing.kind)
            }
            error => self.without_new_token(refreshing, error),
        }
    }

    /// Sends the refresh. A lost answer is asked for once more where no access token is left: the server may not have
    /// rotated yet, or still accept the old refresh token for a moment (F-ROT6).
    fn send(
        &self,
        prepared: &dyn PreparedRefresh,
        refreshing: &mut Refreshing<'_>,
        may_repeat: impl Fn() -> bool,
    ) -> RefreshOutcome {
        let outcome = prepared.send();
        let is_lost =
            matches!(&outcome, RefreshOutcome::Unknown(ProviderError::Http(HttpError::AnswerLost { .. })));
        if is_lost && self.valid_token(&refreshing.record).is_none() && may_repeat() {
            refreshing.unresolved = true;
            return prepared.send();
        }
        outcome
    }

    /// Notes how the refresh ended. A note that cannot be written only makes the next run more careful than it needs to be.
    fn settle(&self, refreshing: &mut Refreshing<'_>) {
        let (store, name) = (&self.session.store, &self.provider.name);
        let (record, kind) = (&mut refreshing.record, refreshing.kind);
        let _ = if refreshing.unresolved {
            store.leave_refresh_unresolved(name, record, kind)
        } else {
            store.forget_refresh(name, record, kind)
        };
    }

    /// Hands out the stored access token if it is still valid, and says why it was not refreshed.
    fn without_new_token(
        &self,
        refreshing: &Refreshing<'_>,
        error: AcquireError,
    ) -> Result<Issued, AcquireError> {
        let Some(token) = &refreshing.lasting else { return Err(error) };
        let reason = match &error {
            AcquireError::Provider { source, .. } => with_causes(source),
            error => with_causes(error),
        };
        self.session
            .system
            .prompter
            .note(&format_args!("could not refresh the token, which is still valid for now: {reason}"));
        self.issued(&refreshing.record, token)
    }

    /// Takes the tokens of an answer. Judging an id token may need the server's keys: the refresh token is saved first, so
    /// that neither the wait nor the verdict can lose it.
    fn take(
        &self,
        prepared: &dyn PreparedRefresh,
        mut refreshing: Refreshing<'_>,
        tokens: TokenSet,
        held: &dyn Held,
    ) -> Result<Issued, AcquireError> {
        let mut unsaved = tokens.refresh_token.clone();
        if tokens.id_token.is_some()
            && let Some(refresh_token) = unsaved.take()
            && let Saved::Theirs(record) = self.save_refresh_token(&mut refreshing, refresh_token)?
        {
            return self.hand_out(Some((*record, refreshing.kind)));
        }
        let grant = match (prepared.judge(tokens), unsaved.clone()) {
            (Ok(grant), _) => grant,
            (Err(problem), Some(refresh_token)) => {
                return self.take_refresh_token(refreshing, refresh_token, problem, held);
            }
            (Err(problem), None) => {
                self.settle(&mut refreshing);
                return self.without_new_token(&refreshing, self.failed(problem));
            }
        };
        let sent = refreshing.record.refresh_token.clone();
        refreshing.record.renewing = None;
        let wider = self.adopt(&mut refreshing.record, &grant);
        failpoint::crash("unsaved");
        if let Saved::Theirs(record) = self.save(&mut refreshing, sent.as_ref(), unsaved.is_some())? {
            return self.hand_out(Some((*record, refreshing.kind)));
        }
        failpoint::crash("saved");
        if let Some(signal) = held.caught() {
            return Err(AcquireError::Interrupted(signal));
        }
        match wider {
            Some(scopes) => Err(AcquireError::Wider(scopes)),
            None => self.hand_out(Some((refreshing.record, refreshing.kind))),
        }
    }

    /// Takes the refresh token of an answer whose access token cannot be used.
    fn take_refresh_token(
        &self,
        mut refreshing: Refreshing<'_>,
        refresh_token: RefreshToken,
        problem: ProviderError,
        held: &dyn Held,
    ) -> Result<Issued, AcquireError> {
        if let Saved::Theirs(record) = self.save_refresh_token(&mut refreshing, refresh_token)? {
            return self.hand_out(Some((*record, refreshing.kind)));
        }
        if let Some(signal) = held.caught() {
            return Err(AcquireError::Interrupted(signal));
        }
        self.without_new_token(&refreshing, self.failed(problem))
    }

    /// Saves a new refresh token by itself.
    fn save_refresh_token(
        &self,
        refreshing: &mut Refreshing<'_>,
        refresh_token: RefreshToken,
    ) -> Result<Saved, AcquireError> {
        let sent = refreshing.record.refresh_token.replace(refresh_token);
        refreshing.record.renewing = None;
        let saved = self.save(refreshing, sent.as_ref(), true)?;
        failpoint::crash("rotated");
        Ok(saved)
    }

    /// Saves the record. Where that fails and it holds a refresh token that is nowhere else, it goes into a rescue file
    /// (F-ROT5).
    fn save(
        &self,
        refreshing: &mut Refreshing<'_>,
        sent: Option<&RefreshToken>,
        rescue: bool,
    ) -> Result<Saved, AcquireError> {
        let kind = refreshing.kind;
        match self.save_or_adopt(refreshing.lock, &mut refreshing.record, kind, sent) {
            Ok(None) => Ok(Saved::Ours),
            Ok(Some(theirs)) => Ok(Saved::Theirs(Box::new(theirs))),
            // Another machine has the session now.
            Err(error @ StoreError::Conflict { .. }) if kind.is_shared() => Err(error.into()),
            Err(error) if !rescue => Err(error.into()),
            Err(error) => {
                Err(self.session.store.rescue(&self.provider.name, &refreshing.record, kind, error).into())
            }
        }
    }

    /// Saves what a refresh brought. Where another machine has changed the record meanwhile, what counts is whose refresh
    /// token is the newer: ours, if the record still has the one that was sent; else that machine refreshed too, and its
    /// record is used.
    fn save_or_adopt(
        &self,
        lock: &Lock,
        record: &mut Record,
        kind: StoreKind,
        sent: Option<&RefreshToken>,
    ) -> Result<Option<Record>, StoreError> {
        let store = &self.session.store;
        let same = |one: Option<&RefreshToken>, other: Option<&RefreshToken>| {
            one.map(RefreshToken::expose) == other.map(RefreshToken::expose)
        };
        let mut tries = 0;
        loop {
            let saved = store.save(lock, &self.provider.name, record, kind);
            let Err(StoreError::Conflict { place }) = saved else { return saved.map(|()| None) };
            tries += 1;
            match store.read(kind, &record.name(&self.provider.name), &record.binding)? {
                Some(present) if tries < MOST_CONFLICTS && same(present.refresh_token.as_ref(), sent) => {
                    record.revision = present.revision;
                    record.generation = record.generation.max(present.generation);
                }
                Some(present)
                    if self.is_usable(&present) && !present.is_of_another(record.subject.as_deref()) =>
                {
                    return Ok(Some(present));
                }
                _ => return Err(StoreError::Conflict { place }),
            }
        }
    }

    /// Another machine was faster and may be renewing the record just now: what it gets is used.
    fn await_others(&self, sent: &Record, kind: StoreKind) -> Result<Issued, AcquireError> {
        let clock = &self.session.system.clock;
        let end = clock.elapsed() + LOCK_LIFE;
        loop {
            let found = self.session.store.read(kind, &sent.name(&self.provider.name), &sent.binding)?;
            let Some(record) = found else { return Err(AcquireError::Gone(self.provider.name.clone())) };
            let renewing = record.renewing.as_ref().filter(|renewing| !renewing.unresolved);
            match renewing.map(|renewing| renewing.since) {
                None if self.is_usable(&record) && !record.is_of_another(sent.subject.as_deref()) => {
                    return self.hand_out(Some((record, kind)));
                }
                None => {
                    return Err(StoreError::Conflict {
                        place: format!("the login to {}", self.provider.name),
                    }
                    .into());
                }
                Some(since)
                    if clock.elapsed() >= end
                        || self.now().duration_since(since).unsigned_abs() >= LOCK_LIFE =>
                {
                    return Err(AcquireError::RenewedElsewhere {
                        provider: self.provider.name.clone(),
                        since,
                    });
                }
                Some(_) => clock.sleep(Duration::from_millis(300)),
            }
        }
    }

    /// Whether a record of another machine has what is asked for. That machine renewed it just now.
    fn is_usable(&self, record: &Record) -> bool {
        let want = Want { renew: false, ..self.want.clone() };
        next_step(Some(record), &want, self.now()) == Step::Use
    }

    /// `invalid_grant` deletes nothing: if another process or machine was faster, its record is used; else the user must log
    /// in (F-ROT2).
    fn rejected(&self, mut refreshing: Refreshing<'_>) -> Result<Issued, AcquireError> {
        let (store, name, kind) = (&self.session.store, &self.provider.name, refreshing.kind);
        let sent = &refreshing.record;
        if let Some(record) = store.read(kind, &sent.name(name), &sent.binding)?
            && record.generation != sent.generation
            && !record.is_of_another(sent.subject.as_deref())
            && next_step(Some(&record), &self.want, self.now()) == Step::Use
        {
            return self.hand_out(Some((record, kind)));
        }
        let reason = if refreshing.unresolved {
            Reason::Unresolved
        } else if store.is_put_back(name, sent, kind) {
            Reason::PutBack
        } else {
            Reason::Refused
        };
        self.settle(&mut refreshing);
        let sent = &refreshing.record;
        store.update_index(name, |index| {
            let of_record =
                |entry: &&mut Entry| entry.account == sent.account && entry.binding == sent.binding;
            if let Some(entry) = index.entries.iter_mut().find(of_record) {
                entry.login_needed = true;
            }
        })?;
        Err(self.login_required(reason))
    }

    /// Takes a grant into the record; the scopes that go beyond what was asked for, if any do.
    pub(crate) fn adopt(&self, record: &mut Record, grant: &Grant) -> Option<ScopeSet> {
        let tokens = &grant.tokens;
        // RFC 6749 section 6: a new refresh token takes the old one's place; where none comes, the old one stays.
        if let Some(refresh_token) = &tokens.refresh_token {
            record.refresh_token = Some(refresh_token.clone());
        }
        if grant.claims.is_some() {
            record.id_token.clone_from(&tokens.id_token);
        }
        record.keep_binding_of(grant.prover.as_deref(), grant.certificate.as_ref());
        record.issuer = grant.issuer.clone().or(record.issuer.take());
        let wider = match (&self.request.scopes, &tokens.scope) {
            (Some(asked), Some(granted)) if !granted.is_subset(asked) => Some(granted.difference(asked)),
            _ => None,
        };
        if wider.is_none() {
            let scopes = tokens
                .scope
                .clone()
                .or_else(|| self.request.scopes.clone())
                .or_else(|| record.granted_scopes.clone());
            if self.request.scopes.is_none() {
                record.requested_scopes = grant.requested_scopes.clone();
                record.granted_scopes = scopes.clone().or_else(|| Some(grant.requested_scopes.clone()));
            }
            let token = StoredToken::of(tokens, scopes);
            record.keep_token(&self.want.key, token);
        }
        wider
    }
}
