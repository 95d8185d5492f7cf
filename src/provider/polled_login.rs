//! Waits until the user has approved a login elsewhere: polls the token endpoint at the server's interval (RFC 8628
//! section 3.5, CIBA Core section 10.1).

use std::rc::Rc;
use std::time::Duration;

use super::browser::other_user_note;
use super::context::Context;
use super::error::ProviderError;
use super::grant::{Grant, Login};
use super::request::{LoginRequest, TokenRequest};
use crate::binding::Binding;
use crate::loopback::LinkServer;
use crate::name::ScopeSet;
use crate::oauth::answer::EndpointError;
use crate::oauth::dpop::Prover;
use crate::oauth::form::Form;
use crate::oauth::polling::{Next, Polling};
use crate::oauth::token_endpoint::TokenEndpoint;
use crate::ports::prompter::WaitReason;
use crate::ports::{Held, HttpError};
use crate::provider::client::{AuthenticationRequest, OAuthClient, Server, TokenCall};
use crate::secret::DeviceCode;
use crate::token::TokenSet;

/// How often signals and the browser are checked.
const SLICE: Duration = Duration::from_millis(50);

/// A login that the user completes on another device, while authctl polls the token endpoint.
pub struct PolledLogin<'a> {
    pub oauth: &'a OAuthClient,
    pub server: Server<'a>,
    /// Where the tokens may be sent.
    pub binding: Binding,
    pub endpoint: TokenEndpoint,
    pub scopes: ScopeSet,
    /// Proves the key that the tokens will be bound to.
    pub prover: Option<Rc<Prover>>,
}

/// The longest wait for the user's approval if the user sets no limit: a server's `expires_in` must not make authctl
/// wait for ever (F-DEV1).
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// What the token endpoint is polled with.
pub struct PollRequest<'a> {
    pub grant_type: &'a str,
    /// The name of the parameter that contains the code.
    pub parameter: &'a str,
    pub code: &'a DeviceCode,
    /// The code's lifetime.
    pub lifetime: Duration,
    /// The server's polling interval.
    pub interval: Option<Duration>,
    /// Serves the link that was opened in the browser, if there is one.
    pub link: Option<LinkServer>,
}

/// Handles signals and serves the link during a pause.
struct Pauses<'a> {
    context: &'a Context<'a>,
    held: &'a dyn Held,
    link: Option<LinkServer>,
    on_other_user: &'a dyn Fn(u32),
}

impl<'a> PolledLogin<'a> {
    /// Prepares a login, and reports whatever it lacks before the user is asked anything.
    pub fn prepare(
        oauth: &'a OAuthClient,
        context: &Context<'_>,
        request: &LoginRequest,
        endpoint: &str,
    ) -> Result<Self, ProviderError> {
        let scopes = request.scopes.clone().unwrap_or_else(|| oauth.scopes().clone());
        let mut needed = vec![endpoint, "token_endpoint"];
        if oauth.uses_openid(&scopes) && !oauth.signs_symmetrically() {
            needed.push("jwks_uri");
        }
        let server = oauth.server(context, &needed)?;
        let binding = server.binding()?;
        let endpoint = oauth.token_endpoint(context, &server, &binding)?;
        Ok(Self { oauth, server, binding, endpoint, scopes, prover: oauth.new_prover(context, None)? })
    }

    /// The parameters of the request that begins the login.
    pub fn form(&self, context: &Context<'_>) -> Result<Form, ProviderError> {
        let mut form = self.oauth.token_form(context, &TokenRequest::default())?;
        form.set("scope", &self.oauth.scope_text(&self.scopes));
        self.oauth.add_audience(&TokenRequest::default(), &mut form);
        Ok(form)
    }

    /// Waits for the user and gets the tokens.
    pub fn log_in(
        self,
        context: &Context<'_>,
        poll: PollRequest<'_>,
        timeout: Option<Duration>,
    ) -> Result<Login, ProviderError> {
        let mut form = self.oauth.token_form(context, &TokenRequest::default())?;
        form.set(poll.parameter, poll.code.expose());
        let limit = timeout.unwrap_or(LONGEST_WAIT).min(poll.lifetime);
        let pace = Polling::new(poll.interval, limit, context.system.clock.elapsed());
        let call = TokenCall {
            grant_type: poll.grant_type,
            form: &form,
            prover: self.prover.as_deref(),
            exchange: None,
        };
        let held = context.system.signals.hold();
        let pauses =
            Pauses { context, held: &*held, link: poll.link, on_other_user: &other_user_note(context) };
        let tokens = self.wait_for_tokens(context, &call, pace, limit, pauses)?;
        let asked = AuthenticationRequest {
            client_id: self.binding.get(Binding::CLIENT_ID),
            ..AuthenticationRequest::default()
        };
        let claims = self.oauth.validate_id_token(context, &self.server, &tokens, &asked)?;
        let grant = self.oauth.grant(context, &self.server, self.binding, tokens, self.scopes)?;
        Ok(Login { grant: Grant { claims, prover: self.prover, ..grant }, page: None, held: Some(held) })
    }

    /// Polls until there are tokens, the user declines, or the code expires.
    fn wait_for_tokens(
        &self,
        context: &Context<'_>,
        call: &TokenCall<'_>,
        mut pace: Polling,
        limit: Duration,
        mut pauses: Pauses<'_>,
    ) -> Result<TokenSet, ProviderError> {
        let clock = &context.system.clock;
        let _waiting = context.system.prompter.wait(WaitReason::Consent, Some(limit));
        let mut away = None;
        loop {
            match pace.next(clock.elapsed()) {
                Next::Ask(pause) => pauses.sleep(pause)?,
                Next::End(rest) => {
                    pauses.sleep(rest)?;
                    // The network error explains more than "not approved" if the server never responded.
                    return Err(away.unwrap_or(ProviderError::TimedOut(limit)));
                }
            }
            match self.oauth.request_tokens(context, &self.endpoint, call) {
                Ok(tokens) => return Ok(tokens),
                Err(ProviderError::Token(error)) if error.is("authorization_pending") => {
                    pace.pending();
                    away = None;
                }
                Err(ProviderError::Token(EndpointError::Refused(refusal))) if refusal.code == "slow_down" => {
                    pace.slow_down(refusal.interval);
                    away = None;
                }
                Err(error @ ProviderError::Token(EndpointError::TryLater { retry_after, .. })) => {
                    pace.unanswered(retry_after);
                    away = Some(error);
                }
                // A network error does not end a login (RFC 8628 section 3.5).
                Err(
                    error @ ProviderError::Http(
                        HttpError::NotSent { .. }
                        | HttpError::Untrusted { .. }
                        | HttpError::AnswerLost { .. },
                    ),
                ) => {
                    pace.unanswered(None);
                    away = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Pauses<'_> {
    /// Pauses, stops at Ctrl-C, and serves the browser meanwhile.
    fn sleep(&mut self, pause: Duration) -> Result<(), ProviderError> {
        let clock = &self.context.system.clock;
        let end = clock.elapsed().saturating_add(pause);
        loop {
            if let Some(signal) = self.held.caught() {
                return Err(ProviderError::Interrupted(signal));
            }
            if let Some(link) = &mut self.link {
                link.serve(self.context.system, self.on_other_user)?;
            }
            let left = end.saturating_sub(clock.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            clock.sleep(left.min(SLICE));
        }
    }
}
