//! The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).

use std::collections::BTreeMap;
use std::rc::Rc;

use url::Url;

use super::browser::wait_for_user;
use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::{Grant, Login};
use super::kind::Kind;
use super::logout::EndedSession;
use super::request::{BrowserChoice, LoginRequest, TokenRequest};
use super::token_provider::TokenProvider;
use super::{device_code, end_session};
use crate::binding::Binding;
use crate::loopback::{Listener, Outcome, RedirectUri};
use crate::name::ScopeSet;
use crate::oauth::authorization::{self, Pending, redirect_uri_text};
use crate::oauth::dpop::Prover;
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::form::Form;
use crate::oauth::id_token::IdTokenError;
use crate::oauth::redirect::AuthorizationError;
use crate::oauth::token_endpoint::TokenEndpoint;
use crate::oauth::{jar, par};
use crate::ports::prompter::WaitReason;
use crate::provider::client;
use crate::provider::client::{AuthenticationRequest, OAuthClient, Server, TokenCall};
use crate::schema::{Key, Problem, SecretSource, Section, Shape};
use crate::secret::AuthorizationCode;
use crate::store::record::Record;

/// Parameters that the protocol sets, so the configuration cannot.
const RESERVED: &[&str] = &[
    "client_secret",
    "state",
    "redirect_uri",
    "response_type",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "request",
    "request_uri",
];

pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grants: &["authorization_code"],
    shorthand: None,
    about: "OAuth 2.0 and OpenID Connect: the user logs in with a browser",
    keys: &[
        client::KEYS,
        &[
            &Key::new("redirect_uri", Shape::Text, "The redirect URI: http on 127.0.0.1, [::1] or localhost; without a port, any free one is used").or("http://127.0.0.1/callback"),
            &Key::new("post_logout_redirect_uri", Shape::Text, "The registered redirect URI for `logout --end-session`, in the same form as redirect_uri"),
            &Key::new("use_par", Shape::Boolean, "Push the request to the server first (PAR, RFC 9126); by default if the server requires it"),
            &Key::new("use_jar", Shape::Boolean, "Sign the request with the private key (JAR, RFC 9101); by default if the server requires it"),
            &Key::new("extra_params", Shape::Free, "Additional parameters for the authorization request"),
        ],
    ],
    open: false,
    variables: &[],
    runs_program: false,
    build,
};

struct AuthorizationCodeGrant {
    oauth: OAuthClient,
    redirect_uri: RedirectUri,
    return_uri: Option<RedirectUri>,
    extra_params: BTreeMap<String, SecretSource>,
    use_par: Option<bool>,
    use_jar: Option<bool>,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let oauth = OAuthClient::read(section, build);
    let mut problems = Vec::new();
    let mut uri = |key: &str| {
        let parsed = section.text(key).map(str::parse::<RedirectUri>).transpose();
        parsed.map_err(|error| problems.push(section.problem(key, &error.to_string()))).ok().flatten()
    };
    let redirect_uri = uri("redirect_uri").unwrap_or_default();
    let return_uri = uri("post_logout_redirect_uri");
    let extra_params = section.free("extra_params");
    for name in extra_params.keys().filter(|name| RESERVED.contains(&name.as_str())) {
        problems.push(
            section
                .problem("extra_params", &format!("cannot set `{name}`, because the protocol sets it"))
                .hiding_value(),
        );
    }
    match oauth {
        Ok(oauth) if problems.is_empty() => Ok(Box::new(AuthorizationCodeGrant {
            oauth,
            redirect_uri,
            return_uri,
            extra_params,
            use_par: section.flag("use_par"),
            use_jar: section.flag("use_jar"),
        })),
        oauth => {
            problems.extend(oauth.err().into_iter().flatten());
            Err(problems)
        }
    }
}

impl TokenProvider for AuthorizationCodeGrant {
    fn oauth(&self) -> Option<&OAuthClient> {
        Some(&self.oauth)
    }

    fn redirect_uri(&self) -> Option<&RedirectUri> {
        Some(&self.redirect_uri)
    }

    fn is_interactive(&self) -> bool {
        true
    }

    fn login(&self, context: &Context<'_>, request: &LoginRequest) -> Result<Login, ProviderError> {
        if request.device {
            return device_code::log_in(&self.oauth, context, request);
        }
        let scopes = request.scopes.clone().unwrap_or_else(|| self.oauth.scopes().clone());
        let mut needed = vec!["authorization_endpoint", "token_endpoint"];
        if self.oauth.uses_openid(&scopes) && !self.oauth.signs_symmetrically() {
            needed.push("jwks_uri");
        }
        let server = self.oauth.server(context, &needed)?;
        let binding = server.binding()?;
        // Reports whatever the exchange lacks before the user is sent to the browser.
        let endpoint = self.oauth.token_endpoint(context, &server, &binding)?;
        let prover = self.oauth.new_prover(context, None)?;
        if let Some(failure) = server.discovery_failure() {
            context.system.prompter.note(&format_args!(
                "the server's metadata is not available ({failure}), so authctl does not know whether the redirect must contain `iss`"
            ));
        }
        // authctl owns the port before the browser learns about it (F-CB14).
        let listener = Listener::bind(&self.redirect_uri)?;
        let pending = Pending::new(
            &*context.system.random,
            server.issuer_to_expect(),
            server.sends_issuer(),
            listener.redirect_uri().clone(),
        );
        let transaction = Transaction { server, endpoint, binding, scopes, pending, prover };
        let url = self.authorization_url(context, &transaction)?;
        let offers_codes = transaction.server.has("device_authorization_endpoint");
        let answer = wait_for_user(context, listener, &transaction.pending, &url, request, offers_codes)?;
        let code = match answer.outcome {
            Ok(code) => code,
            Err(error) => {
                let denied = matches!(error, AuthorizationError::Server { denied: true, .. });
                answer.page.show(if denied { Outcome::Refused } else { Outcome::Failed });
                return Err(error.into());
            }
        };
        let held = Some(context.system.signals.hold());
        let grant = self.exchange(context, transaction, &code)?;
        Ok(Login { grant, page: Some(answer.page), held })
    }

    fn end_session(
        &self,
        context: &Context<'_>,
        record: &Record,
        browser: &BrowserChoice,
    ) -> Result<EndedSession, ProviderError> {
        end_session::end(&self.oauth, self.return_uri.as_ref(), context, record, browser)
    }
}

impl AuthorizationCodeGrant {
    /// `max_age` from `extra_params`: the ID token must prove that the login is recent enough (OpenID Connect Core
    /// section 3.1.3.7).
    fn max_age(&self) -> Option<i64> {
        match self.extra_params.get("max_age")? {
            SecretSource::Literal(seconds) => seconds.expose().parse().ok(),
            _ => None,
        }
    }

    /// The authorization URL: with the request's parameters, or with the reference to a request that was pushed to the
    /// server first.
    fn authorization_url(
        &self,
        context: &Context<'_>,
        transaction: &Transaction<'_>,
    ) -> Result<Url, ProviderError> {
        let Transaction { server, binding, scopes, pending, prover, .. } = transaction;
        let endpoint = server.endpoint("authorization_endpoint")?;
        let mut form = Form::default();
        self.oauth.add_free(context, &self.extra_params, &mut form)?;
        form.set(&self.oauth.quirks.scope_parameter, &self.oauth.scope_text(scopes));
        let request = TokenRequest::default();
        self.oauth.add_audience(&request, &mut form);
        self.oauth.add_resource(&request, &mut form);
        if let Some(prover) = prover {
            // RFC 9449 section 10: nobody can use the code without the key.
            form.set("dpop_jkt", &prover.thumbprint());
        }
        let client_id = binding.get(Binding::CLIENT_ID).unwrap_or_default();
        let mut form = pending.parameters(client_id, &form, self.oauth.uses_openid(scopes));
        if self.use_jar.unwrap_or_else(|| server.says("require_signed_request_object")) {
            let key = self.oauth.request_object_key(context)?;
            let moment = context.system.moment();
            let object = jar::request_object(&form, client_id, &server.issuer(), &key, &moment)?;
            // RFC 9101 section 5: only "client_id" and "request", so that no parameter can contradict the request
            // object.
            form = Form::default();
            form.set("client_id", client_id);
            form.set("request", object.expose());
        }
        if self.use_par.unwrap_or_else(|| server.says("require_pushed_authorization_requests")) {
            let endpoint = "pushed_authorization_request_endpoint";
            let response = self.oauth.post(context, server, binding, endpoint, &form, prover.as_deref())?;
            let request_uri = par::response(&response)?;
            // RFC 9126 section 4.
            form = Form::default();
            form.set("client_id", client_id);
            form.set("request_uri", &request_uri);
        }
        let url = authorization::url(&endpoint, &form);
        // The complete URL is checked once more before it is opened and printed.
        EndpointUrl::configured(url.as_str())?;
        Ok(url)
    }

    /// Sends the code once: a code is valid for a single use (F-CB19).
    fn exchange(
        &self,
        context: &Context<'_>,
        transaction: Transaction<'_>,
        code: &AuthorizationCode,
    ) -> Result<Grant, ProviderError> {
        let Transaction { server, endpoint, binding, scopes, pending, prover } = transaction;
        let mut form = self.oauth.token_form(context, &TokenRequest::default())?;
        form.set("code", code.expose());
        // RFC 6749 section 4.1.3: "their values MUST be identical".
        form.set("redirect_uri", redirect_uri_text(&pending.expected.redirect_uri));
        form.set("code_verifier", pending.verifier.expose());
        let _waiting = context.system.prompter.wait(WaitReason::Tokens, None);
        let call = TokenCall {
            grant_type: "authorization_code",
            form: &form,
            prover: prover.as_deref(),
            exchange: None,
        };
        let tokens = self.oauth.request_tokens(context, &endpoint, &call)?;
        let openid = self.oauth.uses_openid(&scopes);
        let authentication = AuthenticationRequest {
            client_id: binding.get(Binding::CLIENT_ID),
            nonce: openid.then_some(&pending.nonce),
            max_age: self.max_age(),
        };
        let claims = self.oauth.validate_id_token(context, &server, &tokens, &authentication)?;
        if openid && claims.is_none() {
            return Err(IdTokenError::Missing("id_token").into());
        }
        let grant = self.oauth.grant(context, &server, binding, tokens, scopes)?;
        Ok(Grant { claims, prover, ..grant })
    }
}

/// A login in progress. The one exchange of its code consumes it.
struct Transaction<'a> {
    server: Server<'a>,
    endpoint: TokenEndpoint,
    binding: Binding,
    scopes: ScopeSet,
    pending: Pending,
    prover: Option<Rc<Prover>>,
}
