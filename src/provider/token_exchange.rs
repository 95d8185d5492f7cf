//! Token exchange (RFC 8693): exchanges an external token for one from this server. Also the extension grants whose
//! names are URIs (RFC 6749 section 4.5), because most of them are exchanges.

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::IssueOutcome;
use super::kind::{ANY_URN, Kind};
use super::request::{IssueRequest, TokenRequest};
use super::token_provider::TokenProvider;
use crate::binding::Binding;
use crate::oauth::answer::EndpointError;
use crate::oauth::form::Form;
use crate::oauth::token_endpoint::{Exchange, TokenEndpoint};
use crate::provider::client;
use crate::provider::client::{OAuthClient, Server, UserlessGrant};
use crate::provider::subject_token::{Role, SubjectToken, SubjectTokenSource};
use crate::schema::{Key, Problem, Section, Shape};
use crate::store::record::TokenKey;

/// RFC 8693 section 2.1.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

const KEYS: &[&Key] = &[
    &Key::new(
        "subject",
        Shape::Input,
        "The subject token, which says who the new token is for: { provider = \"NAME\", token = \"access_token\" }, { env = … }, { file = … }, { command = […] } or { stdin = true }",
    ).trusted(),
    &Key::new("subject_token_type", Shape::Text, "The subject token's type, as a URI; by default the type that authctl detects"),
    &Key::new("actor", Shape::Input, "The actor token, which says who acts for the subject, in the same form as `subject`").trusted(),
    &Key::new("actor_token_type", Shape::Text, "The actor token's type, as a URI"),
    &Key::new("requested_token_type", Shape::Text, "The requested token type, as a URI; by default the server decides"),
    &Key::new("connection", Shape::Text, "The connection whose token is requested, for servers with connections"),
    &Key::new("login_hint", Shape::Text, "The user whose token is requested, if the connection has several"),
];

pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grants: &["token_exchange", GRANT_TYPE],
    shorthand: None,
    about: "OAuth 2.0: an external token is exchanged for one from this server",
    keys: &[client::KEYS, KEYS],
    open: false,
    variables: &[],
    runs_program: false,
    build,
};

/// Every grant whose name is a URI.
pub const EXTENSION: Kind = Kind {
    grants: &[ANY_URN],
    about: "OAuth 2.0: an extension grant, with its parameters in token_params",
    build: build_extension,
    ..KIND
};

struct TokenExchange {
    oauth: OAuthClient,
    grant_type: String,
    subject_tokens: Vec<SubjectTokenSource>,
    types: [(Role, Option<String>); 2],
    requested: Option<String>,
    connection: Option<String>,
    login_hint: Option<String>,
    /// The response must name the issued token type: RFC 8693 section 2.2.1 requires that, but extension grants may
    /// not.
    must_say: bool,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    if !section.has("subject") {
        let problem = section.problem("subject", "is missing").hiding_value();
        return Err(vec![problem.hint(format!("subject: {}", KEYS[0].about))]);
    }
    let exchange = TokenExchange::read(section, build, GRANT_TYPE)?;
    Ok(Box::new(TokenExchange { must_say: true, ..exchange }))
}

fn build_extension(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let grant_type = section.text("grant_type").unwrap_or_default();
    Ok(Box::new(TokenExchange::read(section, build, grant_type)?))
}

/// The settings, besides the subject and the connection, that change the tokens of an exchange.
fn variant(section: &Section) -> Binding {
    let keys = ["subject_token_type", "actor_token_type", "requested_token_type", "login_hint"];
    let written = keys.iter().filter_map(|key| Some((*key, section.text(key)?)));
    written.fold(Binding::default(), |variant, (key, value)| variant.with(key, value))
}

impl TokenExchange {
    fn read(section: &Section, build: &BuildContext, grant_type: &str) -> Result<Self, Vec<Problem>> {
        let text = |key: &str| section.text(key).map(str::to_owned);
        let mut problems = Vec::new();
        let mut subject_tokens = Vec::new();
        for role in [Role::Subject, Role::Actor] {
            match SubjectTokenSource::read(section, role) {
                Ok(source) => subject_tokens.extend(source),
                Err(problem) => problems.push(problem),
            }
            let type_key = format!("{}_token_type", role.name());
            // RFC 8693 section 2.1: "MUST NOT be included when the actor_token parameter is not".
            if section.has(&type_key) && !section.has(role.name()) {
                problems.push(section.problem(&type_key, &format!("requires `{}`", role.name())));
            }
        }
        let oauth = OAuthClient::read(section, build);
        match oauth {
            Ok(oauth) if problems.is_empty() => Ok(Self {
                oauth: oauth.with_optional_client().without_user(grant_type, variant(section)),
                grant_type: grant_type.to_owned(),
                subject_tokens,
                types: [(Role::Subject, text("subject_token_type")), (Role::Actor, text("actor_token_type"))],
                requested: text("requested_token_type"),
                connection: text("connection"),
                login_hint: text("login_hint"),
                must_say: false,
            }),
            oauth => {
                problems.extend(oauth.err().into_iter().flatten());
                Err(problems)
            }
        }
    }

    /// Adds an external token with its type (RFC 8693 section 2.1).
    fn add(
        &self,
        form: &mut Form,
        role: Role,
        token: Option<&SubjectToken>,
        origin: &str,
    ) -> Result<(), ProviderError> {
        let Some(token) = token else { return Ok(()) };
        let written =
            self.types.iter().find(|(of, _)| *of == role).and_then(|(_, written)| written.as_deref());
        form.set(&format!("{}_token", role.name()), token.for_endpoint(origin)?);
        form.set(&format!("{}_token_type", role.name()), written.unwrap_or(token.token_type));
        Ok(())
    }
}

impl TokenProvider for TokenExchange {
    fn oauth(&self) -> Option<&OAuthClient> {
        Some(&self.oauth)
    }

    fn takes_connection(&self) -> bool {
        true
    }

    fn subject_tokens(&self) -> &[SubjectTokenSource] {
        &self.subject_tokens
    }

    fn token_key(&self, request: &TokenRequest) -> TokenKey {
        let connection = request.connection.as_ref().or(self.connection.as_ref());
        self.oauth.token_key(request).with("connection", connection.cloned().as_slice())
    }

    fn issue(
        &self,
        context: &Context<'_>,
        request: &IssueRequest<'_>,
    ) -> Result<IssueOutcome, ProviderError> {
        let fill = |_: &Server<'_>, endpoint: &TokenEndpoint, form: &mut Form| {
            let origin = endpoint.url().origin().ascii_serialization();
            self.add(form, Role::Subject, request.tokens.subject.as_ref(), &origin)?;
            self.add(form, Role::Actor, request.tokens.actor.as_ref(), &origin)?;
            let connection = request.wanted.connection.as_ref().or(self.connection.as_ref());
            for (name, value) in [
                ("requested_token_type", self.requested.as_ref()),
                ("connection", connection),
                ("login_hint", self.login_hint.as_ref()),
            ] {
                form.set(name, value.map_or("", String::as_str));
            }
            Ok(())
        };
        let exchange = Exchange { token_type: self.requested.as_deref(), must_say: self.must_say };
        let grant = UserlessGrant { grant_type: &self.grant_type, exchange: Some(exchange), fill: &fill };
        let shows_refresh_token =
            request.tokens.subject.as_ref().is_some_and(|token| token.only_to.is_some());
        self.oauth.issue(context, request, &grant).map_err(|error| match error {
            ProviderError::Token(error @ EndpointError::Refused(_)) | ProviderError::GrantRefused(error)
                if shows_refresh_token =>
            {
                ProviderError::SubjectRefused(error)
            }
            error => error,
        })
    }
}
