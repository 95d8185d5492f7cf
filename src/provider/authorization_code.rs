//! The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).

use std::collections::BTreeMap;

use url::Url;

use super::oauth::{self, OAuth, Presented, Server};
use super::{
    BrowserChoice, Context, Grant, Issue, Kind, Login, LoginRequest, Place, ProviderError, TokenProvider,
    TokenRequest,
};
use crate::binding::Binding;
use crate::console::{FAINT, HINT, STRONG, styled};
use crate::loopback::{Answer, Listener, Outcome, RedirectUri, Wait};
use crate::name::ScopeSet;
use crate::oauth::authorization::{AuthorizationError, Pending, redirect_uri_text};
use crate::oauth::endpoint::{EndpointUrl, authority};
use crate::oauth::form::Form;
use crate::oauth::id_token::IdTokenError;
use crate::oauth::token_endpoint::TokenEndpoint;
use crate::secret::AuthorizationCode;
use crate::setting::{Key, Problem, SecretSource, Section, Shape};

/// Parameters that are the protocol's own: a configuration cannot set them.
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

/// The grant `authorization_code`.
pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grant: Some("authorization_code"),
    shorthand: None,
    about: "OAuth 2.0 and OpenID Connect: the user logs in with a browser",
    keys: &[
        oauth::KEYS,
        &[
            &Key::new("redirect_uri", Shape::Text, "Where the browser returns: http on 127.0.0.1, [::1] or localhost; without a port, any free one").or("http://127.0.0.1/callback"),
            &Key::new("extra_params", Shape::Free, "Further parameters of the authorization request"),
        ],
    ],
    runs_program: false,
    build,
};

struct AuthorizationCodeGrant {
    oauth: OAuth,
    redirect_uri: RedirectUri,
    extra_params: BTreeMap<String, SecretSource>,
}

fn build(section: &Section<'_>, place: &Place) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let oauth = OAuth::read(section, place);
    let mut problems = Vec::new();
    let redirect_uri = section.text("redirect_uri").map_or_else(|| Ok(RedirectUri::default()), str::parse);
    let redirect_uri = redirect_uri.map_err(|error: crate::loopback::InvalidRedirectUri| {
        problems.push(section.problem("redirect_uri", &error.to_string()));
    });
    let extra_params = section.free("extra_params");
    for name in extra_params.keys().filter(|name| RESERVED.contains(&name.as_str())) {
        problems.push(
            section
                .problem("extra_params", &format!("cannot set `{name}`: it is the protocol's own"))
                .hiding_value(),
        );
    }
    match (oauth, redirect_uri) {
        (Ok(oauth), Ok(redirect_uri)) if problems.is_empty() => {
            Ok(Box::new(AuthorizationCodeGrant { oauth, redirect_uri, extra_params }))
        }
        (oauth, _) => {
            problems.extend(oauth.err().into_iter().flatten());
            Err(problems)
        }
    }
}

impl TokenProvider for AuthorizationCodeGrant {
    fn oauth(&self) -> Option<&OAuth> {
        Some(&self.oauth)
    }

    fn is_interactive(&self) -> bool {
        true
    }

    fn issue(&self, _: &Context<'_>, _: &TokenRequest) -> Result<Issue, ProviderError> {
        Err(ProviderError::NotOffered("tokens without a login"))
    }

    fn login(&self, context: &Context<'_>, request: &LoginRequest) -> Result<Login, ProviderError> {
        let scopes = request.scopes.clone().unwrap_or_else(|| self.oauth.scopes().clone());
        let mut needed = vec!["authorization_endpoint", "token_endpoint"];
        if self.oauth.uses_openid(&scopes) && !self.oauth.signs_symmetrically() {
            needed.push("jwks_uri");
        }
        let server = self.oauth.server(context, &needed)?;
        let binding = server.binding()?;
        // What is missing for the exchange is told before the user is sent to the browser.
        let endpoint = self.oauth.token_endpoint(context, &server, &binding)?;
        // The port is ours before the browser is told of it (N3, F-CB14).
        let listener = Listener::bind(&self.redirect_uri)?;
        let pending = Pending::new(
            &*context.system.random,
            server.issuer_to_expect(),
            server.sends_issuer(),
            listener.redirect_uri().clone(),
        );
        let url = self.authorization_url(context, &server, &binding, &pending, &scopes)?;
        let answer = wait_for_user(context, listener, &pending, &url, request)?;
        let code = match answer.code {
            Ok(code) => code,
            Err(error) => {
                let denied = matches!(error, AuthorizationError::Server { denied: true, .. });
                answer.page.show(if denied { Outcome::Refused } else { Outcome::Failed });
                return Err(error.into());
            }
        };
        let transaction = Transaction { server, endpoint, binding, scopes, pending };
        let grant = self.exchange(context, transaction, &code)?;
        Ok(Login { grant, page: answer.page })
    }
}

impl AuthorizationCodeGrant {
    /// `max_age` of the configured parameters: the id token must say that the login is no older (E9).
    fn max_age(&self) -> Option<i64> {
        match self.extra_params.get("max_age")? {
            SecretSource::Literal(seconds) => seconds.expose().parse().ok(),
            _ => None,
        }
    }

    fn authorization_url(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        binding: &Binding,
        pending: &Pending,
        scopes: &ScopeSet,
    ) -> Result<Url, ProviderError> {
        let endpoint = server.endpoint("authorization_endpoint")?;
        let mut form = Form::default();
        self.oauth.add_free(context, &self.extra_params, &mut form)?;
        form.set(&self.oauth.quirks.scope_parameter, &self.oauth.scope_text(scopes));
        let request = TokenRequest::default();
        for audience in self.oauth.audience(&request) {
            form.add("audience", audience);
        }
        self.oauth.add_resource(&request, &mut form);
        let client_id = binding.get(Binding::CLIENT_ID).unwrap_or_default();
        let url = pending.url(&endpoint, client_id, &form, self.oauth.uses_openid(scopes));
        // What is opened and printed passes the gate as a whole once more.
        EndpointUrl::configured(url.as_str())?;
        Ok(url)
    }

    /// Sends the code, once: a code is good for a single use (F-CB19).
    fn exchange(
        &self,
        context: &Context<'_>,
        transaction: Transaction<'_>,
        code: &AuthorizationCode,
    ) -> Result<Grant, ProviderError> {
        let Transaction { server, endpoint, binding, scopes, pending } = transaction;
        let mut form = self.oauth.token_form(context, &TokenRequest::default())?;
        form.set("code", code.expose());
        // RFC 6749 section 4.1.3: "their values MUST be identical".
        form.set("redirect_uri", redirect_uri_text(&pending.expected.redirect_uri));
        form.set("code_verifier", pending.verifier.expose());
        let _waiting = context.system.console.wait("Getting the tokens");
        let response = context.system.http.send(&endpoint.request("authorization_code", form))?;
        let tokens = endpoint.response(&response, context.system.clock.now())?;
        let openid = self.oauth.uses_openid(&scopes);
        let presented = Presented {
            client_id: binding.get(Binding::CLIENT_ID),
            nonce: openid.then_some(&pending.nonce),
            max_age: self.max_age(),
        };
        let claims = self.oauth.validate_id_token(context, &server, &tokens, &presented)?;
        if openid && claims.is_none() {
            return Err(IdTokenError::Missing("id_token").into());
        }
        Ok(Grant { tokens, issuer: Some(server.issuer()), binding, claims, requested_scopes: scopes })
    }
}

/// A login under way: used up by the one exchange of its code.
struct Transaction<'a> {
    server: Server<'a>,
    endpoint: TokenEndpoint,
    binding: Binding,
    scopes: ScopeSet,
    pending: Pending,
}

/// Sends the user to the URL and waits for the redirect, from the browser or pasted.
fn wait_for_user(
    context: &Context<'_>,
    listener: Listener,
    pending: &Pending,
    url: &Url,
    request: &LoginRequest,
) -> Result<Answer, ProviderError> {
    let system = context.system;
    let console = &system.console;
    let opened = open_browser(context, url, &request.browser);
    let redirect = listener.redirect_uri();
    console.say(format_args!(
        "Log in at {}, which then returns to {}.",
        styled(STRONG, authority(url)),
        styled(FAINT, redirect),
    ));
    let instruction =
        if opened { "If no browser opens, open this URL:" } else { "Open this URL in a browser:" };
    console.say(format_args!("{instruction}\n\n    {}\n", styled(HINT, url)));
    let may_paste = system.input.is_terminal();
    if may_paste && !opened {
        console.say("The browser is on another machine? Paste the address that it ends on here.");
    }
    let held = system.signals.hold();
    let _waiting =
        (opened || !may_paste).then(|| console.wait("Waiting for the browser (Ctrl-C ends it)")).flatten();
    let wait = Wait {
        limit: request.timeout,
        clock: &*system.clock,
        held: &*held,
        pasted: may_paste.then(|| system.input.lines()),
        on_wrong_paste: &|| console.note("that is not the address of this login; paste the whole address"),
    };
    let answer = listener.wait(&pending.expected, wait)?;
    if answer.ignored > 0 {
        console.note(format_args!(
            "{} other requests came to the login's port and were ignored",
            answer.ignored
        ));
    }
    Ok(answer)
}

/// Opens the browser, where one was asked for or could be seen; says whether it did.
fn open_browser(context: &Context<'_>, url: &Url, choice: &BrowserChoice) -> bool {
    let browser = &context.system.browser;
    let command = match choice {
        BrowserChoice::None => return false,
        BrowserChoice::Default if !browser.can_be_seen() => return false,
        BrowserChoice::Default => None,
        BrowserChoice::Command(command) => Some(command.as_str()),
    };
    match browser.open(url, command, &context.system.secret_variables) {
        Ok(()) => true,
        Err(error) => {
            context.system.console.note(error);
            false
        }
    }
}
