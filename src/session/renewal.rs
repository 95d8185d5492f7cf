//! The renewing of a stored token, under its lock: noted before it is sent, saved or adopted after it, and explained where it
//! was lost (F-ROT1 to F-ROT5).

use super::acquire::{AcquireError, is_transient};
use super::acquisition::Acquisition;
use super::step::{Reason, Step, Want, lasts, next_step};
use crate::console::with_causes;
use crate::fault;
use crate::name::ScopeSet;
use crate::ports::HttpError;
use crate::provider::{Grant, ProviderError};
use crate::secret::RefreshToken;
use crate::store::engine::LOCK_LIFE;
use crate::store::lock::Lock;
use crate::store::record::{Record, StoredToken};
use crate::store::{StoreError, StoreKind};
use crate::token::Issued;
use std::time::Duration;

/// A lost answer is asked for again only when the first request was lost quickly: both together must end before those who
/// wait for the lock give up.
const LONGEST_BEFORE_RETRY: Duration = Duration::from_secs(20);

/// A machine that began to renew a record, and was cut off from the store, has what it got in its own rescue. It is left
/// this long to bring that home before another sends the old refresh token once more, which may end the session.
const PATIENCE: Duration = Duration::from_secs(600);

/// So often a record is changed under our hands before somebody must be told.
const MOST_CONFLICTS: u32 = 5;

impl Acquisition<'_> {
    /// Refreshes and saves before anything is handed out. A signal that comes in between waits until the save is done:
    /// the server may have given a new refresh token and forgotten the old (F-ROT5).
    pub(super) fn refresh(
        &self,
        lock: &Lock,
        mut record: Record,
        kind: StoreKind,
    ) -> Result<Issued, AcquireError> {
        let held = self.session.system.signals.hold();
        let context = self.session.context(&self.provider.name);
        let current = record
            .token(&self.want.key)
            .filter(|token| !token.refused && token.life.is_valid(self.now()))
            .cloned();
        let started = self.session.system.clock.elapsed();
        let interrupted = self.session.store.refresh_was_interrupted(&self.provider.name, &record);
        let lasting = current
            .clone()
            .filter(|token| !self.want.renew && lasts(token.life.expires_at, &self.want, self.now()));
        if let (true, Some(token)) = (interrupted, &lasting) {
            // The one repetition of a request whose answer was lost waits until there is no token to lose (F-ROT6).
            return self.issued(&record, token);
        }
        let noted = match self.session.store.renewed_elsewhere(&record)? {
            Some(since) if self.now().duration_since(since).unsigned_abs() < PATIENCE => {
                Err(AcquireError::RenewedElsewhere { provider: self.provider.name.clone(), since })
            }
            _ => match self.session.store.note_refresh(lock, &self.provider.name, &mut record, kind) {
                Err(StoreError::Conflict { .. }) => return self.await_others(&record, kind),
                noted => noted.map_err(AcquireError::from),
            },
        };
        if let Err(error) = noted {
            // What cannot be saved is not asked for: the server would end the old refresh token for nothing.
            return match lasting {
                Some(token) => {
                    self.session
                        .system
                        .console
                        .note(format_args!("the token is not renewed: {}", with_causes(&error)));
                    self.issued(&record, &token)
                }
                // It may still be at it.
                _ if matches!(error, AcquireError::RenewedElsewhere { .. }) => {
                    self.await_others(&record, kind)
                }
                _ => Err(error),
            };
        }
        fault::crash("noted");
        let refresh = |record: &Record| self.provider.source.refresh(&context, record, &self.request);
        let mut answer = refresh(&record);
        let mut lost = false;
        let quick = || self.session.system.clock.elapsed().saturating_sub(started) < LONGEST_BEFORE_RETRY;
        if matches!(&answer, Err(ProviderError::Http(HttpError::AnswerLost { .. })))
            && current.is_none()
            && quick()
        {
            // The server may have rotated the token: the same request again, once, may be inside its grace (F-ROT6).
            lost = true;
            answer = refresh(&record);
        }
        fault::crash("answered");
        let grant = match answer {
            Ok(grant) => grant,
            Err(ProviderError::Token(error)) if error.is("invalid_grant") => {
                let reason = match (lost, interrupted) {
                    (true, _) => Reason::Lost,
                    (false, true) => Reason::Interrupted,
                    _ if self.session.store.is_put_back(&self.provider.name, &record, kind) => {
                        Reason::PutBack
                    }
                    _ => Reason::Refused,
                };
                return self.refused(&mut record, kind, reason);
            }
            Err(error) => {
                let sent_nothing = !matches!(&error, ProviderError::Http(HttpError::AnswerLost { .. }));
                if sent_nothing && !lost && !interrupted {
                    // Nothing was rotated: there is nothing to explain later.
                    self.session.store.forget_refresh(&self.provider.name, &mut record, kind)?;
                }
                return match lasting {
                    // The provider is away for a moment, and the token is still good (F-429).
                    Some(token) if is_transient(&error) => {
                        self.session.system.console.note(format_args!(
                            "the token could not be renewed yet: {}",
                            with_causes(&error)
                        ));
                        self.issued(&record, &token)
                    }
                    _ => Err(self.failed(error)),
                };
            }
        };
        let sent = record.refresh_token.clone();
        record.renewing = None;
        let wider = self.adopt(&mut record, &grant);
        fault::crash("unsaved");
        match self.save_or_adopt(lock, &mut record, kind, sent.as_ref()) {
            Ok(None) => {}
            Ok(Some(others)) => return self.hand_out(Some((others, kind))),
            // Another machine has the session now.
            Err(error @ StoreError::Conflict { .. }) if kind.is_shared() => return Err(error.into()),
            Err(error) => {
                return Err(self.session.store.rescue(&self.provider.name, &record, kind, error).into());
            }
        }
        fault::crash("saved");
        if let Some(signal) = held.caught() {
            return Err(AcquireError::Interrupted(signal));
        }
        if let Some(scopes) = wider {
            return Err(AcquireError::Wider(scopes));
        }
        if let Some(error) = grant.refused {
            return Err(self.failed(error.into()));
        }
        self.hand_out(Some((record, kind)))
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
            match record.renewing.as_ref().map(|renewing| renewing.since) {
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

    /// `invalid_grant` deletes nothing: if another process or machine was faster, its record is used; else the user is
    /// told (F-ROT2).
    fn refused(&self, sent: &mut Record, kind: StoreKind, reason: Reason) -> Result<Issued, AcquireError> {
        let store = &self.session.store;
        let name = &self.provider.name;
        if let Some(record) = store.read(kind, &sent.name(name), &sent.binding)?
            && record.generation != sent.generation
            && !record.is_of_another(sent.subject.as_deref())
            && next_step(Some(&record), &self.want, self.now()) == Step::Use
        {
            return self.hand_out(Some((record, kind)));
        }
        if sent.renewing.is_some() {
            // Every machine may know how this ended.
            store.forget_refresh(name, sent, kind)?;
        }
        store.update_index(name, |index| {
            let entry = index
                .entries
                .iter_mut()
                .find(|entry| entry.account == sent.account && entry.binding == sent.binding);
            if let Some(entry) = entry {
                entry.login_needed = true;
                if matches!(reason, Reason::Refused | Reason::PutBack) {
                    // How this refresh ended is known.
                    entry.in_flight = None;
                }
            }
        })?;
        Err(self.login_required(reason))
    }

    /// Takes a grant into the record; the scopes that go beyond what was asked for, if any do.
    pub(super) fn adopt(&self, record: &mut Record, grant: &Grant) -> Option<ScopeSet> {
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
        if wider.is_none() && grant.refused.is_none() {
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
