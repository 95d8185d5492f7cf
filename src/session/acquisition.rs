//! The steps to one token: decided, then done, under the lock where something is renewed. They are
//! read together: what one leaves undone, the next relies on.

use super::Session;
use super::acquire::{AcquireError, Options, is_transient};
use super::inputs::Inputs;
use super::step::{Reason, Step, Want, id_token_suits, lasts, next_step};
use crate::binding::Binding;
use crate::config::Provider;
use crate::console::with_causes;
use crate::fault;
use crate::name::{AccountName, ScopeSet};
use crate::oauth::dpop::Prover;
use crate::ports::HttpError;
use crate::provider::input::Tokens;
use crate::provider::{Grant, Issue, IssueRequest, ProviderError, TokenRequest};
use crate::secret::{AccessToken, RefreshToken};
use crate::store::engine::LOCK_LIFE;
use crate::store::lock::Lock;
use crate::store::record::{Record, RecordName, StoredToken};
use crate::store::{Lookup, StoreError, StoreKind};
use crate::token::{Credential, Issued, TokenType};
use jiff::Timestamp;
use std::rc::Rc;
use std::time::Duration;

/// A lost answer is asked for again only when the first request was lost quickly: both together must end before those who
/// wait for the lock give up.
const LONGEST_BEFORE_RETRY: Duration = Duration::from_secs(20);

/// A machine that began to renew a record, and was cut off from the store, has what it got in its own rescue. It is left
/// this long to bring that home before another sends the old refresh token once more, which may end the session.
const PATIENCE: Duration = Duration::from_secs(600);

/// So often a record is changed under our hands before somebody must be told.
const MOST_CONFLICTS: u32 = 5;

/// A record with its place.
type Stored = (Record, StoreKind);

/// The getting of one token.
pub(super) struct Acquisition<'a> {
    session: &'a Session<'a>,
    provider: &'a Provider,
    account: Option<&'a AccountName>,
    request: TokenRequest,
    want: Want,
    binding: Binding,
    inputs: Inputs,
}

impl<'a> Acquisition<'a> {
    pub(super) fn new(
        session: &'a Session<'a>,
        provider: &'a Provider,
        options: &'a Options,
    ) -> Result<Self, AcquireError> {
        let request = provider.narrowing.narrow(options.request.clone());
        if options.id_token && !provider.source.is_interactive() {
            let source = ProviderError::NotOffered("an id token");
            return Err(AcquireError::Provider { name: provider.name.clone(), source });
        }
        let inputs = Inputs::look(session, provider, options.account.as_ref())?;
        let want = Want {
            key: inputs
                .identities
                .iter()
                .fold(provider.source.token_key(&request), |key, (role, identity)| {
                    key.with(role.name(), std::slice::from_ref(identity))
                }),
            scopes: request.scopes.clone(),
            early: provider.source.refresh_early(),
            min_ttl: options.min_ttl,
            renew: options.renew,
            id_token: options.id_token,
            interactive: provider.source.is_interactive(),
        };
        let binding = provider.source.binding();
        Ok(Self { session, provider, account: options.account.as_ref(), request, want, binding, inputs })
    }

    pub(super) fn run(&self) -> Result<Issued, AcquireError> {
        if self.request.scopes.as_ref().is_some_and(ScopeSet::is_empty) {
            return Err(AcquireError::NoScopes { project: self.provider.narrowing.scopes.is_some() });
        }
        if !self.provider.source.keeps_tokens() || self.inputs.ephemeral {
            let tokens = self.inputs.fetch(self.session)?;
            return match self.issue(None, &tokens)? {
                Issue::Immediate(issued) => self.checked(issued),
                Issue::Grant(grant) => self.checked(self.issued_of(&grant)?),
            };
        }
        let stored = self.find()?;
        match next_step(stored.as_ref().map(|(record, _)| record), &self.want, self.now()) {
            Step::Use => self.hand_out(stored),
            Step::LoginRequired(reason) => Err(self.login_required(reason)),
            Step::Refresh | Step::Issue => self.renew(stored),
        }
    }

    /// The stored token, if it is good as it is.
    pub(super) fn stored(&self) -> Result<Option<Issued>, AcquireError> {
        if self.request.scopes.as_ref().is_some_and(ScopeSet::is_empty) {
            return Ok(None);
        }
        let stored = self.find()?;
        let step = next_step(stored.as_ref().map(|(record, _)| record), &self.want, self.now());
        if step == Step::Use { self.hand_out(stored).map(Some) } else { Ok(None) }
    }

    /// Renews under the lock: whoever waited for it looks again first, and adopts what another process got (F-ROT1).
    fn renew(&self, before: Option<Stored>) -> Result<Issued, AcquireError> {
        // What the grant works with is got before the lock is taken: two chains cannot wait for each other.
        let tokens = match (&before, self.want.interactive) {
            (Some((record, _)), _) if record.refresh_token.is_some() => Tokens::default(),
            (_, true) => Tokens::default(),
            _ => self.inputs.fetch(self.session)?,
        };
        let store = &self.session.store;
        let (name, kind) = match &before {
            Some((record, kind)) => (record.name(&self.provider.name), *kind),
            None => {
                let account = self.account.cloned().unwrap_or_else(AccountName::unnamed);
                let name = RecordName::of_tokens(&self.provider.name, &account, &self.binding);
                let kind = store.place_of_account(&self.provider.name, &account, &name, false)?;
                (name, kind)
            }
        };
        let lock = store.lock(kind, &name)?;
        // The account is pinned: a login in between may have made another the default.
        let account = before.as_ref().map(|(record, _)| record.account.clone());
        let stored = self.find_account(account.as_ref().or(self.account))?;
        let generation = |stored: &Option<Stored>| stored.as_ref().map_or(0, |(record, _)| record.generation);
        let renewed_meanwhile = generation(&stored) > generation(&before);
        let want = Want { renew: self.want.renew && !renewed_meanwhile, ..self.want.clone() };
        match (next_step(stored.as_ref().map(|(record, _)| record), &want, self.now()), stored) {
            (Step::Use, stored) => self.hand_out(stored),
            (Step::LoginRequired(reason), _) => Err(self.login_required(reason)),
            (Step::Refresh, Some((record, kind))) => self.refresh(&lock, record, kind),
            (Step::Issue | Step::Refresh, stored) => self.issue_and_keep(&lock, stored, kind, &tokens),
        }
    }

    /// Refreshes and saves before anything is handed out. A signal that comes in between waits until the save is done:
    /// the server may have given a new refresh token and forgotten the old (F-ROT5).
    fn refresh(&self, lock: &Lock, mut record: Record, kind: StoreKind) -> Result<Issued, AcquireError> {
        let held = self.session.system.signals.hold();
        let context = self.session.context(&self.provider.name);
        let current = record.token(&self.want.key).filter(|token| token.life.is_valid(self.now())).cloned();
        let started = self.session.system.clock.elapsed();
        let interrupted = self.session.store.refresh_was_interrupted(&self.provider.name, &record);
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
            return match current {
                Some(token) if !self.want.renew && lasts(token.life.expires_at, &self.want, self.now()) => {
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
                if !matches!(&error, ProviderError::Http(HttpError::AnswerLost { .. })) && !interrupted {
                    // Nothing was rotated: there is nothing to explain later.
                    self.session.store.forget_refresh(&self.provider.name, &mut record, kind)?;
                }
                return match current {
                    // The provider is away for a moment, and the token is still good (F-429).
                    Some(token)
                        if !self.want.renew
                            && is_transient(&error)
                            && lasts(token.life.expires_at, &self.want, self.now()) =>
                    {
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
            Err(error @ StoreError::Conflict { .. }) => return Err(error.into()),
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
                Some(present) if self.is_usable(&present) => return Ok(Some(present)),
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
                None if self.is_usable(&record) => return self.hand_out(Some((record, kind))),
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

    fn issue_and_keep(
        &self,
        lock: &Lock,
        stored: Option<Stored>,
        kind: StoreKind,
        tokens: &Tokens,
    ) -> Result<Issued, AcquireError> {
        let grant = match self.issue(stored.as_ref().map(|(record, _)| record), tokens)? {
            Issue::Immediate(issued) => return self.checked(issued),
            Issue::Grant(grant) => *grant,
        };
        let account = self.account.cloned().unwrap_or_else(AccountName::unnamed);
        let fresh = || Record::new(&self.provider.name, account, grant.binding.clone(), self.now());
        let (mut record, kind) = match stored {
            Some((record, kind)) if record.binding == grant.binding => (record, kind),
            _ => (fresh(), kind),
        };
        let wider = self.adopt(&mut record, &grant);
        let (store, name) = (&self.session.store, &self.provider.name);
        let before = store.index(name)?;
        store.save(lock, name, &mut record, kind)?;
        store.forget_superseded(name, &record, kind, &self.binding, &before)?;
        match wider {
            Some(scopes) => Err(AcquireError::Wider(scopes)),
            None => self.hand_out(Some((record, kind))),
        }
    }

    /// Takes a grant into the record; the scopes that go beyond what was asked for, if any do.
    fn adopt(&self, record: &mut Record, grant: &Grant) -> Option<ScopeSet> {
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

    fn find(&self) -> Result<Option<Stored>, AcquireError> {
        self.find_account(self.account)
    }

    fn find_account(&self, account: Option<&AccountName>) -> Result<Option<Stored>, AcquireError> {
        match self.session.store.find(&self.provider.name, account, &self.binding)? {
            Lookup::Found(record, kind) => Ok(Some((*record, kind))),
            Lookup::Nothing => Ok(None),
            // A token that needs no user is simply issued anew for the new binding.
            Lookup::OtherBinding { .. } if !self.want.interactive => Ok(None),
            Lookup::OtherBinding { stored, .. } => {
                let difference = self.binding.differences(&stored).next().unwrap_or_default();
                let (label, configured, stored) = difference;
                Err(AcquireError::OtherBinding {
                    provider: self.provider.name.clone(),
                    difference: Box::new((label.to_owned(), configured.to_owned(), stored.to_owned())),
                })
            }
        }
    }

    fn issue(&self, stored: Option<&Record>, tokens: &Tokens) -> Result<Issue, AcquireError> {
        let context = self.session.context(&self.provider.name);
        let request = IssueRequest { wanted: &self.request, stored, tokens };
        self.provider.source.issue(&context, &request).map_err(|error| self.failed(error))
    }

    /// Hands out the stored token that was decided on.
    fn hand_out(&self, stored: Option<Stored>) -> Result<Issued, AcquireError> {
        let Some((record, _)) = stored else { return Err(self.login_required(Reason::NotLoggedIn)) };
        let Some(token) = record.token(&self.want.key) else {
            return Err(self.login_required(Reason::NotLoggedIn));
        };
        if self.want.id_token && record.id_token.is_none() {
            return Err(self.login_required(Reason::NoIdToken));
        }
        if self.want.id_token && !id_token_suits(&record, &self.want, self.now()) {
            return Err(self.login_required(Reason::IdTokenEnded));
        }
        self.tell_of_new_scopes(&record);
        self.checked(self.issued(&record, token)?)
    }

    /// The configuration may ask for more than the login did; the token that there is does not have it.
    fn tell_of_new_scopes(&self, record: &Record) {
        let missing = self.provider.source.scopes().difference(&record.requested_scopes);
        if self.want.interactive
            && self.request.scopes.is_none()
            && !missing.is_empty()
            && !record.requested_scopes.is_empty()
        {
            let command = format!("authctl login {}", self.provider.name);
            self.session.system.console.note(format_args!(
                "the configuration now asks for the scope {missing}, which this login did not: run `{command}` for it"
            ));
        }
    }

    fn issued(&self, record: &Record, token: &StoredToken) -> Result<Issued, AcquireError> {
        let context = self.session.context(&self.provider.name);
        let prover = match (token.token_type, self.provider.source.oauth()) {
            (TokenType::Dpop, Some(oauth)) if record.dpop_key.is_some() => {
                oauth.prover_of(&context, record).map_err(|error| self.failed(error))?
            }
            _ => None,
        };
        let credential = credential(&token.access_token, token.token_type, prover);
        Ok(Issued {
            credential: credential.ok_or_else(|| self.login_required(Reason::KeyLost))?,
            expires_at: token.life.expires_at,
            scopes: token.scopes.clone(),
            id_token: record.id_token.clone(),
        })
    }

    fn issued_of(&self, grant: &Grant) -> Result<Issued, AcquireError> {
        let tokens = &grant.tokens;
        let credential = credential(&tokens.access_token, tokens.token_type, grant.prover.clone());
        Ok(Issued {
            credential: credential.ok_or_else(|| self.login_required(Reason::KeyLost))?,
            expires_at: tokens.life.expires_at,
            scopes: tokens.scope.clone(),
            id_token: None,
        })
    }

    /// What is handed out lasts as long as was asked.
    fn checked(&self, issued: Issued) -> Result<Issued, AcquireError> {
        match (self.want.min_ttl, issued.expires_at) {
            (Some(wanted), Some(ends)) if !lasts(Some(ends), &self.want, self.now()) => {
                Err(AcquireError::TooShort { wanted, ends })
            }
            _ => Ok(issued),
        }
    }

    fn login_required(&self, source: Reason) -> AcquireError {
        AcquireError::LoginRequired { provider: self.provider.name.clone(), source }
    }

    fn failed(&self, source: ProviderError) -> AcquireError {
        AcquireError::Provider { name: self.provider.name.clone(), source }
    }

    fn now(&self) -> Timestamp {
        self.session.system.clock.now()
    }
}

/// The credential that a token is. `None` for one whose key is lost: it is good for nothing (J9).
pub(super) fn credential(
    token: &AccessToken,
    token_type: TokenType,
    prover: Option<Rc<Prover>>,
) -> Option<Credential> {
    Some(match token_type {
        TokenType::Bearer => Credential::Bearer(token.clone()),
        TokenType::Dpop => Credential::Dpop(token.clone(), prover?),
        TokenType::NotApplicable => Credential::Untyped(token.clone()),
    })
}
