//! The steps to one token: decide, then act, under the lock if the token is refreshed. Read them together, because each
//! step relies on the previous ones.

use jiff::Timestamp;

use super::decision::{Reason, Requirements, Step, next_step};
use super::error::AcquireError;
use super::request::AcquireRequest;
use super::subject::{AcquireToken, PendingSubjectTokens};
use crate::binding::Binding;
use crate::config::Provider;
use crate::name::{AccountName, ScopeSet};
use crate::provider::subject_token::SubjectTokens;
use crate::provider::{IssueOutcome, IssueRequest, ProviderError, TokenRequest};
use crate::session::provider_session::Session;
use crate::store::lock::Lock;
use crate::store::record::{Record, RecordName, TokenKey};
use crate::store::{Lookup, StoreKind};
use crate::token::Issued;

/// A record and the store that holds it.
type Stored = (Record, StoreKind);

/// The steps to one token, and what they need.
pub struct Acquisition<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) provider: &'a Provider,
    account: Option<&'a AccountName>,
    pub(super) request: TokenRequest,
    pub(super) requirements: Requirements,
    binding: Binding,
    subject_tokens: PendingSubjectTokens,
    /// Acquires another provider's token, which this provider exchanges.
    acquire: AcquireToken,
}

impl<'a> Acquisition<'a> {
    pub(super) fn new(
        session: &'a Session<'a>,
        provider: &'a Provider,
        options: &'a AcquireRequest,
        acquire: AcquireToken,
    ) -> Result<Self, AcquireError> {
        let request = provider.narrowing.narrow(options.request.clone());
        if options.id_token && !provider.source.is_interactive() {
            let source = ProviderError::NotOffered("an ID token");
            return Err(AcquireError::Provider { name: provider.name.clone(), source });
        }
        let subject_tokens =
            PendingSubjectTokens::identify(session, provider, options.account.as_ref(), acquire)?;
        let requirements = Requirements {
            key: key(provider, &request, &subject_tokens),
            scopes: request.scopes.clone(),
            refresh_early: provider.source.refresh_early(),
            min_ttl: options.min_ttl,
            force_refresh: options.force_refresh,
            id_token: options.id_token,
            interactive: provider.source.is_interactive(),
        };
        let binding = provider.source.binding();
        Ok(Self {
            session,
            provider,
            account: options.account.as_ref(),
            request,
            requirements,
            binding,
            subject_tokens,
            acquire,
        })
    }

    pub(super) fn run(&self) -> Result<Issued, AcquireError> {
        if self.request.scopes.as_ref().is_some_and(ScopeSet::is_empty) {
            return Err(AcquireError::NoScopes { project: self.provider.narrowing.scopes.is_some() });
        }
        if !self.provider.source.keeps_tokens() || self.subject_tokens.ephemeral {
            let tokens = self.subject_tokens.fetch(self.session)?;
            return match self.issue(None, &tokens)? {
                IssueOutcome::Immediate(issued) => self.checked(issued),
                IssueOutcome::Grant(grant) => self.checked(self.issued_of(&grant)?),
            };
        }
        let stored = self.find()?;
        let record = record_of(&stored);
        if let Some(record) = record
            && self.wants_all_that_was_granted(record)
        {
            return self.without_scopes()?.run();
        }
        match next_step(record, &self.requirements, self.now()) {
            Step::Use => self.hand_out(record),
            Step::LoginRequired(reason) => Err(self.login_required(reason)),
            Step::Refresh | Step::Issue => self.replace(stored),
        }
    }

    /// A request for exactly the granted scopes gets the login's own token. No second token is stored for it.
    fn wants_all_that_was_granted(&self, record: &Record) -> bool {
        self.requirements.interactive
            && self.request.scopes.is_some()
            && self.request.scopes == record.granted_scopes
    }

    fn without_scopes(&self) -> Result<Self, AcquireError> {
        let request = TokenRequest { scopes: None, ..self.request.clone() };
        let subject_tokens =
            PendingSubjectTokens::identify(self.session, self.provider, self.account, self.acquire)?;
        let key = key(self.provider, &request, &subject_tokens);
        let requirements = Requirements { key, scopes: None, ..self.requirements.clone() };
        Ok(Self { request, requirements, subject_tokens, binding: self.binding.clone(), ..*self })
    }

    /// The stored token, if it meets the requirements.
    pub(super) fn stored(&self) -> Result<Option<Issued>, AcquireError> {
        if self.request.scopes.as_ref().is_some_and(ScopeSet::is_empty) {
            return Ok(None);
        }
        let stored = self.find()?;
        let record = record_of(&stored);
        let step = next_step(record, &self.requirements, self.now());
        if step == Step::Use { self.hand_out(record).map(Some) } else { Ok(None) }
    }

    /// Replaces the token under the lock. A process that waited for the lock checks the store again first, and adopts
    /// another process's new token (F-ROT1).
    fn replace(&self, before: Option<Stored>) -> Result<Issued, AcquireError> {
        // Subject tokens are acquired before the lock is taken, so that two chains cannot wait for each other.
        let tokens = match (&before, self.requirements.interactive) {
            (Some((record, _)), _) if record.refresh_token.is_some() => SubjectTokens::default(),
            (_, true) => SubjectTokens::default(),
            _ => self.subject_tokens.fetch(self.session)?,
        };
        let store = &self.session.store;
        let (name, kind) = match &before {
            Some((record, kind)) => (record.name(&self.provider.name), *kind),
            None => {
                let account = self.account.cloned().unwrap_or_else(AccountName::unnamed);
                let name = RecordName::of_tokens(&self.provider.name, &account, &self.binding);
                let kind = store.store_for_account(&self.provider.name, &account, &name, false)?;
                (name, kind)
            }
        };
        let lock = store.lock(kind, &name)?;
        // The account is pinned, because another login may have changed the default account meanwhile.
        let account = before.as_ref().map(|(record, _)| record.account.clone());
        let stored = self.find_account(Some(&lock), account.as_ref().or(self.account))?;
        let generation = |stored: &Option<Stored>| stored.as_ref().map_or(0, |(record, _)| record.generation);
        let replaced_meanwhile = generation(&stored) > generation(&before);
        let force_refresh = self.requirements.force_refresh && !replaced_meanwhile;
        let requirements = Requirements { force_refresh, ..self.requirements.clone() };
        match (next_step(record_of(&stored), &requirements, self.now()), stored) {
            (Step::Use, stored) => self.hand_out(record_of(&stored)),
            (Step::LoginRequired(reason), _) => Err(self.login_required(reason)),
            (Step::Refresh, Some((record, kind))) => self.refresh(&lock, record, kind),
            (Step::Issue | Step::Refresh, stored) => self.issue_and_keep(&lock, stored, kind, &tokens),
        }
    }

    fn issue_and_keep(
        &self,
        lock: &Lock,
        stored: Option<Stored>,
        kind: StoreKind,
        tokens: &SubjectTokens,
    ) -> Result<Issued, AcquireError> {
        let grant = match self.issue(record_of(&stored), tokens)? {
            IssueOutcome::Immediate(issued) => return self.checked(issued),
            IssueOutcome::Grant(grant) => *grant,
        };
        let account = self.account.cloned().unwrap_or_else(AccountName::unnamed);
        let fresh = || Record::new(&self.provider.name, account, grant.binding.clone(), self.now());
        let (mut record, kind) = match stored {
            Some((record, kind)) if record.binding == grant.binding => (record, kind),
            _ => (fresh(), kind),
        };
        let wider = self.apply_grant(&mut record, &grant);
        let (store, name) = (&self.session.store, &self.provider.name);
        let before = store.index(name)?;
        store.save(lock, name, &mut record, kind)?;
        store.forget_superseded(name, &record, kind, &self.binding, &before)?;
        match wider {
            Some(scopes) => Err(AcquireError::Wider(scopes)),
            None => self.hand_out(Some(&record)),
        }
    }

    fn find(&self) -> Result<Option<Stored>, AcquireError> {
        self.find_account(None, self.account)
    }

    fn find_account(
        &self,
        held: Option<&Lock>,
        account: Option<&AccountName>,
    ) -> Result<Option<Stored>, AcquireError> {
        match self.session.store.find_with_lock(held, &self.provider.name, account, &self.binding)? {
            Lookup::Found(record, kind) => Ok(Some((*record, kind))),
            Lookup::Nothing => Ok(None),
            // A token that needs no user is simply issued again for the new binding.
            Lookup::OtherBinding { .. } if !self.requirements.interactive => Ok(None),
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

    fn issue(&self, stored: Option<&Record>, tokens: &SubjectTokens) -> Result<IssueOutcome, AcquireError> {
        let context = self.session.context(&self.provider.name);
        let request = IssueRequest { wanted: &self.request, stored, tokens };
        self.provider.source.issue(&context, &request).map_err(|error| self.failed(error))
    }

    pub(super) fn login_required(&self, source: Reason) -> AcquireError {
        AcquireError::LoginRequired {
            provider: self.provider.name.clone(),
            account: self.account.cloned(),
            source,
        }
    }

    pub(super) fn failed(&self, source: ProviderError) -> AcquireError {
        AcquireError::Provider { name: self.provider.name.clone(), source }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.session.system.clock.now()
    }
}

fn record_of(stored: &Option<Stored>) -> Option<&Record> {
    stored.as_ref().map(|(record, _)| record)
}

/// The key under which the store keeps the token for a request.
fn key(provider: &Provider, request: &TokenRequest, subject_tokens: &PendingSubjectTokens) -> TokenKey {
    subject_tokens.identities.iter().fold(provider.source.token_key(request), |key, (role, identity)| {
        key.with(role.name(), std::slice::from_ref(identity))
    })
}
