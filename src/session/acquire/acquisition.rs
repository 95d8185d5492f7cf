//! The steps to one token: decided, then done, under the lock where something is renewed. They are
//! read together: what one leaves undone, the next relies on.

use crate::binding::Binding;
use crate::config::Provider;
use crate::name::{AccountName, ScopeSet};
use crate::oauth::dpop::Prover;
use crate::provider::subject_token::Tokens;
use crate::provider::{Grant, Issue, IssueRequest, ProviderError, TokenRequest};
use crate::secret::AccessToken;
use crate::session::Session;
use crate::session::acquire::decision::{Reason, Step, Want, id_token_suits, lasts, next_step};
use crate::session::acquire::subject::Inputs;
use crate::session::acquire::{AcquireError, Options};
use crate::store::lock::Lock;
use crate::store::record::{Record, RecordName, StoredToken, TokenKey};
use crate::store::{Lookup, StoreKind};
use crate::token::{Credential, Issued, TokenType};
use jiff::Timestamp;
use std::rc::Rc;

/// A record with its place.
pub(crate) type Stored = (Record, StoreKind);

/// The getting of one token.
pub(crate) struct Acquisition<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) provider: &'a Provider,
    pub(crate) account: Option<&'a AccountName>,
    pub(crate) request: TokenRequest,
    pub(crate) want: Want,
    pub(crate) binding: Binding,
    pub(crate) inputs: Inputs,
}

impl<'a> Acquisition<'a> {
    pub(crate) fn new(
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
            key: key(provider, &request, &inputs),
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

    pub(crate) fn run(&self) -> Result<Issued, AcquireError> {
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
        if let Some((record, _)) = &stored
            && self.wants_all_that_was_granted(record)
        {
            return self.without_scopes()?.run();
        }
        match next_step(stored.as_ref().map(|(record, _)| record), &self.want, self.now()) {
            Step::Use => self.hand_out(stored),
            Step::LoginRequired(reason) => Err(self.login_required(reason)),
            Step::Refresh | Step::Issue => self.renew(stored),
        }
    }

    /// Whoever asks for just the scopes that the login was granted gets the login's own token, and no other one.
    fn wants_all_that_was_granted(&self, record: &Record) -> bool {
        self.want.interactive && self.request.scopes.is_some() && self.request.scopes == record.granted_scopes
    }

    fn without_scopes(&self) -> Result<Self, AcquireError> {
        let request = TokenRequest { scopes: None, ..self.request.clone() };
        let inputs = Inputs::look(self.session, self.provider, self.account)?;
        let want = Want { key: key(self.provider, &request, &inputs), scopes: None, ..self.want.clone() };
        Ok(Self { request, want, inputs, binding: self.binding.clone(), ..*self })
    }

    /// The stored token, if it is good as it is.
    pub(crate) fn stored(&self) -> Result<Option<Issued>, AcquireError> {
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
        let stored = self.find_account(Some(&lock), account.as_ref().or(self.account))?;
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

    fn find(&self) -> Result<Option<Stored>, AcquireError> {
        self.find_account(None, self.account)
    }

    fn find_account(
        &self,
        held: Option<&Lock>,
        account: Option<&AccountName>,
    ) -> Result<Option<Stored>, AcquireError> {
        match self.session.store.find_holding(held, &self.provider.name, account, &self.binding)? {
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
    pub(crate) fn hand_out(&self, stored: Option<Stored>) -> Result<Issued, AcquireError> {
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
            self.session.system.prompter.note(&format_args!(
                "the configuration now asks for the scope {missing}, which this login did not: run `{command}` for it"
            ));
        }
    }

    pub(crate) fn issued(&self, record: &Record, token: &StoredToken) -> Result<Issued, AcquireError> {
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

    pub(crate) fn login_required(&self, source: Reason) -> AcquireError {
        AcquireError::LoginRequired { provider: self.provider.name.clone(), source }
    }

    pub(crate) fn failed(&self, source: ProviderError) -> AcquireError {
        AcquireError::Provider { name: self.provider.name.clone(), source }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.session.system.clock.now()
    }
}

/// What the token of a request is kept under.
fn key(provider: &Provider, request: &TokenRequest, inputs: &Inputs) -> TokenKey {
    inputs.identities.iter().fold(provider.source.token_key(request), |key, (role, identity)| {
        key.with(role.name(), std::slice::from_ref(identity))
    })
}

/// The credential that a token is. `None` for one whose key is lost: it is good for nothing (J9).
pub(crate) fn credential(
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
