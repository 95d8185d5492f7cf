//! Refreshes a stored token under its lock. The order of the steps is fixed, so that no crash and no unexpected
//! response loses the login: prepare, note that the refresh token is about to be sent, send it, classify the response,
//! save the new refresh token, and only then report (F-ROT1 to F-ROT6, F-ROT10).
//!
//! The file is long because that order can only be checked when all steps are read together.

use std::time::Duration;

use super::acquisition::Acquisition;
use super::adoption::Saved;
use super::decision::{Reason, lasts};
use super::error::AcquireError;
use crate::failpoint;
use crate::name::ScopeSet;
use crate::ports::{Held, HttpError};
use crate::provider::{PreparedRefresh, ProviderError, RefreshOutcome};
use crate::secret::RefreshToken;
use crate::store::index::Entry;
use crate::store::lock::Lock;
use crate::store::record::{Record, StoredToken};
use crate::store::{StoreError, StoreKind};
use crate::text::causes::with_causes;
use crate::token::{Issued, TokenSet};

/// A lost response is requested again only if the first request was lost quickly: both together must end before the
/// processes that wait for the lock give up.
const LONGEST_BEFORE_RETRY: Duration = Duration::from_secs(20);

/// A machine that loses its connection to the shared store during a refresh keeps the result in its own rescue file. It
/// has this long to save it before another machine sends the old refresh token again, which may end the session.
const PATIENCE: Duration = Duration::from_secs(600);

/// A record that is being refreshed, and the lock that prevents other refreshes.
struct Refreshing<'l> {
    lock: &'l Lock,
    record: Record,
    kind: StoreKind,
    /// When the refresh began, by the monotonic clock.
    started: Duration,
    /// The stored access token, if it is still good enough to hand out.
    lasting: Option<StoredToken>,
    /// Whether an earlier refresh may already have replaced the refresh token.
    unresolved: bool,
}

/// How a refresh ended. Everything that must be saved has been saved.
enum Ended {
    /// The record holds the new tokens, except for an access token with these scopes beyond the requested ones.
    NewTokens {
        wider: Option<ScopeSet>,
    },
    /// The record holds a new refresh token, but the access token that came with it cannot be used.
    NewRefreshToken(ProviderError),
    /// Another process or machine refreshed the login, and its record is used.
    Adopted(Box<Record>),
    NoNewToken(AcquireError),
}

impl Acquisition<'_> {
    /// Refreshes the record's token. Signals wait until the save is done, because the server may have replaced the
    /// refresh token.
    pub(super) fn refresh(
        &self,
        lock: &Lock,
        record: Record,
        kind: StoreKind,
    ) -> Result<Issued, AcquireError> {
        let held = self.session.system.signals.hold();
        let mut refreshing = self.begin(lock, record, kind);
        if let (true, Some(token)) = (refreshing.unresolved, &refreshing.lasting) {
            // The refresh token is sent again only if no valid access token is left to lose (F-ROT6).
            return self.issued(&refreshing.record, token);
        }
        let ended = self.replace_tokens(&mut refreshing)?;
        self.report(&refreshing, ended, &*held)
    }

    fn begin<'l>(&self, lock: &'l Lock, record: Record, kind: StoreKind) -> Refreshing<'l> {
        let lasting = self.valid_token(&record).filter(|token| {
            !self.requirements.force_refresh && lasts(token.life.expires_at, &self.requirements, self.now())
        });
        Refreshing {
            lock,
            lasting: lasting.cloned(),
            unresolved: self.session.store.refresh_is_unresolved(&self.provider.name, &record),
            record,
            kind,
            started: self.session.system.clock.elapsed(),
        }
    }

    /// Prepares, notes, sends, classifies and saves.
    fn replace_tokens(&self, refreshing: &mut Refreshing<'_>) -> Result<Ended, AcquireError> {
        let context = self.session.context(&self.provider.name);
        let prepared = self.provider.source.prepare_refresh(&context, &refreshing.record, &self.request);
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Ok(Ended::NoNewToken(self.failed(error))),
        };
        if let Err(error) = self.note(refreshing) {
            return self.not_noted(refreshing, error);
        }
        failpoint::crash("noted");
        let outcome = self.send(&*prepared, refreshing);
        failpoint::crash("answered");
        match outcome {
            RefreshOutcome::Tokens(tokens) => self.save_tokens(&*prepared, refreshing, tokens),
            RefreshOutcome::RefreshTokenOnly(refresh_token, problem) => {
                self.save_refresh_token_only(refreshing, refresh_token, problem)
            }
            RefreshOutcome::Refused(ProviderError::Token(error)) if error.is("invalid_grant") => {
                self.adopt_or_require_login(refreshing)
            }
            RefreshOutcome::Refused(error) | RefreshOutcome::NotSent(error) => {
                Ok(self.no_new_token(refreshing, error))
            }
            RefreshOutcome::Unknown(error) => {
                refreshing.unresolved = true;
                Ok(self.no_new_token(refreshing, error))
            }
        }
    }

    fn valid_token<'r>(&self, record: &'r Record) -> Option<&'r StoredToken> {
        record.token(&self.requirements.key).filter(|token| !token.refused && token.life.is_valid(self.now()))
    }

    /// Notes that the refresh token is about to be sent. If the note cannot be saved, nothing is sent.
    fn note(&self, refreshing: &mut Refreshing<'_>) -> Result<(), AcquireError> {
        let (store, name) = (&self.session.store, &self.provider.name);
        match store.renewed_elsewhere(&refreshing.record)? {
            Some(since) if self.now().duration_since(since).unsigned_abs() < PATIENCE => {
                Err(AcquireError::RefreshingElsewhere { provider: name.clone(), since })
            }
            _ => Ok(store.note_refresh(refreshing.lock, name, &mut refreshing.record, refreshing.kind)?),
        }
    }

    /// Handles a refresh that could not be noted, so that nothing was sent. If another machine is refreshing the login,
    /// its record is used.
    fn not_noted(&self, refreshing: &Refreshing<'_>, error: AcquireError) -> Result<Ended, AcquireError> {
        let others_refresh = match &error {
            AcquireError::Store(StoreError::Conflict { .. }) => true,
            AcquireError::RefreshingElsewhere { .. } => refreshing.lasting.is_none(),
            _ => false,
        };
        if !others_refresh {
            return Ok(Ended::NoNewToken(error));
        }
        Ok(Ended::Adopted(self.await_others(&refreshing.record, refreshing.kind)?))
    }

    /// Sends the refresh token. A lost response is requested once more if no valid access token is left: the server may
    /// not have replaced the refresh token yet, or may accept the old one for a moment (F-ROT6).
    fn send(&self, prepared: &dyn PreparedRefresh, refreshing: &mut Refreshing<'_>) -> RefreshOutcome {
        let outcome = prepared.send();
        let is_lost =
            matches!(&outcome, RefreshOutcome::Unknown(ProviderError::Http(HttpError::AnswerLost { .. })));
        let elapsed = self.session.system.clock.elapsed().saturating_sub(refreshing.started);
        if is_lost && self.valid_token(&refreshing.record).is_none() && elapsed < LONGEST_BEFORE_RETRY {
            refreshing.unresolved = true;
            return prepared.send();
        }
        outcome
    }

    /// Saves a response's tokens. Checking an ID token may require the server's keys: the refresh token is saved first,
    /// so that neither the wait nor the result can lose it.
    fn save_tokens(
        &self,
        prepared: &dyn PreparedRefresh,
        refreshing: &mut Refreshing<'_>,
        tokens: TokenSet,
    ) -> Result<Ended, AcquireError> {
        let mut unsaved = tokens.refresh_token.clone();
        if tokens.id_token.is_some()
            && let Some(refresh_token) = unsaved.take()
            && let Saved::Theirs(record) = self.save_refresh_token(refreshing, refresh_token)?
        {
            return Ok(Ended::Adopted(record));
        }
        let grant = match (prepared.judge(tokens), unsaved.clone()) {
            (Ok(grant), _) => grant,
            (Err(problem), Some(refresh_token)) => {
                return self.save_refresh_token_only(refreshing, refresh_token, problem);
            }
            (Err(problem), None) => return Ok(self.no_new_token(refreshing, problem)),
        };
        let sent = refreshing.record.refresh_token.clone();
        refreshing.record.renewing = None;
        let wider = self.apply_grant(&mut refreshing.record, &grant);
        failpoint::crash("unsaved");
        if let Saved::Theirs(record) = self.save(refreshing, sent.as_ref(), unsaved.is_some())? {
            return Ok(Ended::Adopted(record));
        }
        failpoint::crash("saved");
        Ok(Ended::NewTokens { wider })
    }

    /// Saves the refresh token of a response whose access token cannot be used.
    fn save_refresh_token_only(
        &self,
        refreshing: &mut Refreshing<'_>,
        refresh_token: RefreshToken,
        problem: ProviderError,
    ) -> Result<Ended, AcquireError> {
        Ok(match self.save_refresh_token(refreshing, refresh_token)? {
            Saved::Theirs(record) => Ended::Adopted(record),
            Saved::Ours => Ended::NewRefreshToken(problem),
        })
    }

    /// Saves a new refresh token before the rest of its response is judged.
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

    /// Saves the record. If that fails and the record holds a refresh token that is stored nowhere else, saves the
    /// record in a rescue file (F-ROT5).
    fn save(
        &self,
        refreshing: &mut Refreshing<'_>,
        sent: Option<&RefreshToken>,
        rescue: bool,
    ) -> Result<Saved, AcquireError> {
        let kind = refreshing.kind;
        match self.save_or_adopt(refreshing.lock, &mut refreshing.record, kind, sent) {
            Ok(saved) => Ok(saved),
            // Another machine owns the session now.
            Err(error @ StoreError::Conflict { .. }) if kind.is_shared() => Err(error.into()),
            Err(error) if !rescue => Err(error.into()),
            Err(error) => {
                Err(self.session.store.rescue(&self.provider.name, &refreshing.record, kind, error).into())
            }
        }
    }

    /// Handles `invalid_grant`, which deletes nothing: if another process or machine was faster, its record is used;
    /// otherwise the user must log in (F-ROT2).
    fn adopt_or_require_login(&self, refreshing: &mut Refreshing<'_>) -> Result<Ended, AcquireError> {
        let (store, name, kind) = (&self.session.store, &self.provider.name, refreshing.kind);
        let sent = &refreshing.record;
        if let Some(record) = self.refreshed_by_other(sent, kind)? {
            return Ok(Ended::Adopted(record));
        }
        let reason = if refreshing.unresolved {
            Reason::Unresolved
        } else if store.is_older_than_saved(name, sent, kind) {
            Reason::PutBack
        } else {
            Reason::Refused
        };
        self.note_result(refreshing);
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

    fn no_new_token(&self, refreshing: &mut Refreshing<'_>, error: ProviderError) -> Ended {
        self.note_result(refreshing);
        Ended::NoNewToken(self.failed(error))
    }

    /// Notes how the refresh ended. If the note cannot be written, the next refresh is only more careful than
    /// necessary.
    fn note_result(&self, refreshing: &mut Refreshing<'_>) {
        let (store, name) = (&self.session.store, &self.provider.name);
        let (record, kind) = (&mut refreshing.record, refreshing.kind);
        let _ = if refreshing.unresolved {
            store.leave_refresh_unresolved(name, record, kind)
        } else {
            store.forget_refresh(name, record, kind)
        };
    }

    fn report(
        &self,
        refreshing: &Refreshing<'_>,
        ended: Ended,
        held: &dyn Held,
    ) -> Result<Issued, AcquireError> {
        let is_saved = matches!(&ended, Ended::NewTokens { .. } | Ended::NewRefreshToken(_));
        if let (true, Some(signal)) = (is_saved, held.caught()) {
            return Err(AcquireError::Interrupted(signal));
        }
        match ended {
            Ended::NewTokens { wider: Some(scopes) } => Err(AcquireError::Wider(scopes)),
            Ended::NewTokens { wider: None } => self.hand_out(Some(&refreshing.record)),
            Ended::Adopted(record) => self.hand_out(Some(&record)),
            Ended::NewRefreshToken(problem) => self.without_new_token(refreshing, self.failed(problem)),
            Ended::NoNewToken(error) => self.without_new_token(refreshing, error),
        }
    }

    /// Hands out the stored access token if it is still valid, and reports why it was not refreshed.
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
}
