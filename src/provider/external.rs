//! A provider of somebody else: the program `authctl-provider-NAME` on PATH, spoken to in JSON. The protocol is described
//! in `docs/provider-programs.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::{Grant, Issue, Login};
use super::kind::Kind;
use super::logout::Revocation;
use super::refresh::{PreparedRefresh, RefreshOutcome};
use super::request::{IssueRequest, LoginRequest, TokenRequest};
use super::token_provider::{Need, TokenProvider};
use crate::binding::Binding;
use crate::name::ScopeSet;
use crate::oauth::answer::{EndpointError, Refusal};
use crate::oauth::{json, rotation};
use crate::ports::{ProcessError, Program};
use crate::schema::{Key, PassedOn, Problem, Section, Shape};
use crate::secret::{AccessToken, RefreshToken, SecretText};
use crate::store::record::{Record, TokenKey};
use crate::text::untrusted::{Untrusted, escaped};
use crate::token::{Life, TokenSet};

/// The version of the protocol.
const VERSION: u64 = 1;
/// What messages call the program.
const PROGRAM: &str = "provider program";
/// A user may have to be asked something.
const INTERACTIVE_TIMEOUT: Duration = Duration::from_secs(300);

/// The kind `external`.
pub const KIND: Kind = Kind {
    name: "external",
    alias: None,
    grants: &[],
    shorthand: None,
    about: "The program authctl-provider-NAME, which speaks a documented JSON protocol",
    keys: &[KEYS],
    open: true,
    variables: &[],
    runs_program: true,
    build,
};

/// Its own keys; all others are passed on to the program.
const KEYS: &[&Key] = &[
    &Key::new("program", Shape::Text, "NAME of the program authctl-provider-NAME on PATH")
        .required()
        .trusted(),
    &Key::new("timeout", Shape::Duration, "How long the program may run").or("30s"),
];

struct External {
    program: String,
    timeout: Duration,
    settings: BTreeMap<String, PassedOn>,
    domain: String,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let name = section.text("program").unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(fits) {
        let problem = section.problem("program", "must be a name of lower-case letters, digits and `-`");
        return Err(vec![
            problem.hint("program = \"NAME\" stands for the program authctl-provider-NAME on PATH"),
        ]);
    }
    Ok(Box::new(External {
        program: format!("authctl-provider-{name}"),
        timeout: section.duration("timeout").unwrap_or(Duration::from_secs(30)),
        settings: section.passed_on().clone(),
        domain: build.domain.clone(),
    }))
}

/// What a program says of itself.
struct Description {
    interactive: bool,
}

impl TokenProvider for External {
    fn needs(&self) -> Vec<Need> {
        vec![Need::Program(self.program.clone())]
    }

    /// The program and its settings: what was got with others is not handed out for these.
    fn binding(&self) -> Binding {
        let plain: Map<String, Value> = self
            .settings
            .iter()
            .filter_map(|(name, value)| match value {
                PassedOn::Plain(value) => Some((name.clone(), value.clone())),
                PassedOn::Secret(_) => None,
            })
            .collect();
        let settings = Binding::default().with("settings", Value::Object(plain).to_string()).fingerprint();
        Binding::default()
            .with("program", &self.program)
            .with("domain", &self.domain)
            .with("settings", settings)
    }

    fn keeps_tokens(&self) -> bool {
        true
    }

    fn token_key(&self, request: &TokenRequest) -> TokenKey {
        let scopes: Vec<String> = request.scopes.iter().flat_map(ScopeSet::iter).map(str::to_owned).collect();
        TokenKey::default()
            .with("scope", &scopes)
            .with("audience", &request.audience)
            .with("resource", &request.resource)
    }

    fn issue(&self, context: &Context<'_>, request: &IssueRequest<'_>) -> Result<Issue, ProviderError> {
        let message = self.wanted(request.wanted, false);
        Ok(Issue::Grant(Box::new(self.tokens(context, "issue", message, request.wanted, self.timeout)?)))
    }

    fn login(&self, context: &Context<'_>, request: &LoginRequest) -> Result<Login, ProviderError> {
        if !self.describe(context)?.interactive {
            return Err(ProviderError::NeedsNoLogin);
        }
        let wanted = TokenRequest { scopes: request.scopes.clone(), ..TokenRequest::default() };
        let message = self.wanted(&wanted, true);
        let limit = request.timeout.unwrap_or(INTERACTIVE_TIMEOUT);
        Ok(Login { grant: self.tokens(context, "issue", message, &wanted, limit)?, page: None, held: None })
    }

    fn prepare_refresh<'a>(
        &'a self,
        context: &'a Context<'a>,
        record: &Record,
        request: &TokenRequest,
    ) -> Result<Box<dyn PreparedRefresh + 'a>, ProviderError> {
        let mut message = self.wanted(request, false);
        let token = record.refresh_token.as_ref().ok_or(ProviderError::NotOffered("a refresh"))?;
        message.insert("refresh_token".to_owned(), token.expose().into());
        let input = self.input(context, "refresh", message)?;
        let requested_scopes = request.scopes.clone().unwrap_or_default();
        Ok(Box::new(ProgramRefresh { program: self, context, input, requested_scopes }))
    }

    fn revoke(&self, context: &Context<'_>, record: &Record) -> Vec<(&'static str, Revocation)> {
        let refresh =
            record.refresh_token.iter().map(|token| ("refresh token", "refresh_token", token.expose()));
        let access =
            record.tokens().map(|token| ("access token", "access_token", token.access_token.expose()));
        let revoke = |hint: &str, token: &str| {
            let message = Map::from_iter([
                ("token".to_owned(), token.into()),
                ("token_type_hint".to_owned(), hint.into()),
            ]);
            match self.converse(context, "revoke", message, self.timeout) {
                Ok(_) => Revocation::Revoked,
                Err(ProviderError::Token(error)) if error.is("not_supported") => Revocation::NotOffered,
                Err(error) => Revocation::Failed(error),
            }
        };
        refresh.chain(access).map(|(kind, hint, token)| (kind, revoke(hint, token))).collect()
    }
}

impl External {
    /// What a token is wanted for, as the protocol writes it.
    fn wanted(&self, request: &TokenRequest, interactive: bool) -> Map<String, Value> {
        let mut message = Map::from_iter([("interactive".to_owned(), interactive.into())]);
        if let Some(scopes) = &request.scopes {
            message.insert("scopes".to_owned(), scopes.iter().collect());
        }
        for (name, values) in [("audience", &request.audience), ("resource", &request.resource)] {
            if !values.is_empty() {
                message.insert(name.to_owned(), values.as_slice().into());
            }
        }
        message
    }

    fn describe(&self, context: &Context<'_>) -> Result<Description, ProviderError> {
        let answer = self.converse(context, "describe", Map::new(), self.timeout)?;
        Ok(Description { interactive: answer.get("interactive").is_some_and(|value| value == true) })
    }

    /// Runs the program for one action: a JSON object in, a JSON object out.
    fn converse(
        &self,
        context: &Context<'_>,
        action: &str,
        message: Map<String, Value>,
        timeout: Duration,
    ) -> Result<Map<String, Value>, ProviderError> {
        let input = self.input(context, action, message)?;
        self.read(&self.run(context, &input, timeout)?)
    }

    /// What the program reads: the message, with what every message says.
    fn input(
        &self,
        context: &Context<'_>,
        action: &str,
        mut message: Map<String, Value>,
    ) -> Result<SecretText, ProviderError> {
        let binding = self.binding();
        let mut settings = Map::new();
        for (name, value) in &self.settings {
            let value = match value {
                PassedOn::Plain(value) => value.clone(),
                PassedOn::Secret(source) => context.secrets(&binding).resolve(source)?.expose().into(),
            };
            settings.insert(name.clone(), value);
        }
        message.insert("version".to_owned(), VERSION.into());
        message.insert("action".to_owned(), action.into());
        message.insert("provider".to_owned(), context.name.as_str().into());
        message.insert("domain".to_owned(), self.domain.as_str().into());
        message.insert("config".to_owned(), settings.into());
        Ok(SecretText::new(format!("{}\n", Value::Object(message))))
    }

    fn run(
        &self,
        context: &Context<'_>,
        input: &SecretText,
        timeout: Duration,
    ) -> Result<SecretText, ProcessError> {
        let command = [self.program.clone()];
        let withheld = context.secret_variables;
        let program = Program { command: &command, timeout, withheld, input: Some(input) };
        context.system.processes.output(&program)
    }

    /// Reads what the program printed: an object of this version of the protocol, or its refusal.
    fn read(&self, printed: &SecretText) -> Result<Map<String, Value>, ProviderError> {
        let object = json::object(printed.expose().as_bytes())
            .map_err(|error| self.unusable(&format!("what it printed cannot be used: {error}")))?;
        // A later version may mean something else by the same words.
        if object.get("version").and_then(Value::as_u64) != Some(VERSION) {
            return Err(self.unusable(&format!("it does not speak version {VERSION} of the protocol")));
        }
        match object.get("error").and_then(Value::as_str) {
            None => Ok(object),
            Some(code) => Err(self.refusal(code, &object)),
        }
    }

    fn unusable(&self, reason: &str) -> ProviderError {
        ProviderError::Unusable(format!("{}: {reason}", self.program))
    }

    fn refusal(&self, code: &str, object: &Map<String, Value>) -> ProviderError {
        let description =
            object.get("error_description").and_then(Value::as_str).filter(|text| !text.is_empty());
        let said = || description.map_or_else(|| format!("{} said {code}", self.program), escaped);
        match code {
            "login_required" => ProviderError::LoginRequired(said()),
            "try_later" => ProviderError::TryLater(said()),
            _ => ProviderError::Token(EndpointError::Refused(Box::new(Refusal {
                endpoint: PROGRAM,
                code: code.to_owned(),
                description: description.map(Untrusted::new),
                interval: None,
            }))),
        }
    }

    /// Asks for tokens and reads them.
    fn tokens(
        &self,
        context: &Context<'_>,
        action: &str,
        message: Map<String, Value>,
        wanted: &TokenRequest,
        timeout: Duration,
    ) -> Result<Grant, ProviderError> {
        let object = self.converse(context, action, message, timeout)?;
        let tokens = self.token_set(&object, context.system.clock.now())?;
        Ok(self.grant(tokens, wanted.scopes.clone().unwrap_or_default()))
    }

    fn token_set(&self, object: &Map<String, Value>, now: Timestamp) -> Result<TokenSet, ProviderError> {
        let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let invalid = |name: &str| self.unusable(&format!("its `{name}` is no token"));
        let token = text("access_token").ok_or_else(|| self.unusable("it gave no `access_token`"))?;
        let token = AccessToken::parse(token).map_err(|_| invalid("access_token"))?;
        if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(self.unusable("its `token_type` is not Bearer"));
        }
        let expires_at = match (object.get("expires_in"), text("expires_at")) {
            (Some(seconds), _) => {
                let seconds =
                    seconds.as_i64().ok_or_else(|| self.unusable("its `expires_in` is no number"))?;
                now.checked_add(SignedDuration::from_secs(seconds)).ok()
            }
            (None, Some(end)) => {
                Some(end.parse::<Timestamp>().map_err(|_| self.unusable("its `expires_at` is no time"))?)
            }
            (None, None) => None,
        };
        let refresh_token = text("refresh_token")
            .map(|token| RefreshToken::parse(token).map_err(|_| invalid("refresh_token")))
            .transpose()?;
        let scope = text("scope").map(ScopeSet::lenient);
        let life = Life { obtained_at: now, expires_at };
        Ok(TokenSet { refresh_token, scope, ..TokenSet::lasting(token, life) })
    }

    fn grant(&self, tokens: TokenSet, requested_scopes: ScopeSet) -> Grant {
        Grant {
            tokens,
            binding: self.binding(),
            issuer: None,
            claims: None,
            requested_scopes,
            prover: None,
            certificate: None,
        }
    }
}

/// A refresh by the program, ready to be sent.
struct ProgramRefresh<'a> {
    program: &'a External,
    context: &'a Context<'a>,
    input: SecretText,
    requested_scopes: ScopeSet,
}

impl PreparedRefresh for ProgramRefresh<'_> {
    fn send(&self) -> RefreshOutcome {
        let printed = match self.program.run(self.context, &self.input, self.program.timeout) {
            Ok(printed) => printed,
            Err(error @ ProcessError::NotStarted { .. }) => return RefreshOutcome::NotSent(error.into()),
            Err(error) => return RefreshOutcome::Unknown(error.into()),
        };
        let now = self.context.system.clock.now();
        let tokens = self.program.read(&printed).and_then(|object| self.program.token_set(&object, now));
        let is_refusal = |problem: &ProviderError| match problem {
            ProviderError::Token(EndpointError::Refused(refusal)) => {
                refusal.code == "not_supported" || rotation::is_refusal(&refusal.code)
            }
            problem => matches!(problem, ProviderError::LoginRequired(_)),
        };
        RefreshOutcome::of(tokens, rotation::carried_by_output(printed.expose()), is_refusal)
    }

    fn judge(&self, tokens: TokenSet) -> Result<Grant, ProviderError> {
        Ok(self.program.grant(tokens, self.requested_scopes.clone()))
    }
}
