//! The provider program and its protocol: one JSON object in, one JSON object out.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::binding::Binding;
use crate::name::ScopeSet;
use crate::oauth::answer::{EndpointError, ErrorResponse};
use crate::oauth::json;
use crate::ports::{ProcessError, Program};
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::provider::grant::Grant;
use crate::schema::PassedOn;
use crate::secret::{AccessToken, RefreshToken, SecretText};
use crate::text::untrusted::{Untrusted, escaped};
use crate::token::{Life, TokenSet};

const VERSION: u64 = 1;
/// The program's name in messages.
const PROGRAM: &str = "provider program";

pub(super) struct ProviderProgram {
    pub(super) program: String,
    pub(super) timeout: Duration,
    pub(super) settings: BTreeMap<String, PassedOn>,
    pub(super) domain: String,
}

impl ProviderProgram {
    /// The program and its settings: tokens from others are not handed out for these.
    pub(super) fn definition(&self) -> Binding {
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

    /// Runs the program for one action: a JSON object in, a JSON object out.
    pub(super) fn converse(
        &self,
        context: &Context<'_>,
        action: &str,
        message: Map<String, Value>,
        timeout: Duration,
    ) -> Result<Map<String, Value>, ProviderError> {
        let input = self.input(context, action, message)?;
        self.read(&self.run(context, &input, timeout)?)
    }

    /// The program's input: the action's message, and what every message contains.
    pub(super) fn input(
        &self,
        context: &Context<'_>,
        action: &str,
        mut message: Map<String, Value>,
    ) -> Result<SecretText, ProviderError> {
        let binding = self.definition();
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

    pub(super) fn run(
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

    /// Parses the program's output: an object of this protocol version, or an error.
    pub(super) fn read(&self, printed: &SecretText) -> Result<Map<String, Value>, ProviderError> {
        let object = json::object(printed.expose().as_bytes())
            .map_err(|error| self.unusable(&format!("its output cannot be used: {error}")))?;
        // A later version may give the same words another meaning.
        if object.get("version").and_then(Value::as_u64) != Some(VERSION) {
            return Err(self.unusable(&format!("it does not use version {VERSION} of the protocol")));
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
        let said = || description.map_or_else(|| format!("{} reported {code}", self.program), escaped);
        match code {
            "login_required" => ProviderError::LoginRequired(said()),
            "try_later" => ProviderError::TryLater(said()),
            _ => ProviderError::Token(EndpointError::Refused(Box::new(ErrorResponse {
                endpoint: PROGRAM,
                code: code.to_owned(),
                description: description.map(Untrusted::new),
                interval: None,
            }))),
        }
    }

    pub(super) fn token_set(
        &self,
        object: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<TokenSet, ProviderError> {
        let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let invalid = |name: &str| self.unusable(&format!("its `{name}` is not a valid token"));
        let token = text("access_token").ok_or_else(|| self.unusable("its output has no `access_token`"))?;
        let token = AccessToken::parse(token).map_err(|_| invalid("access_token"))?;
        if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(self.unusable("its `token_type` is not Bearer"));
        }
        let expires_at = match (object.get("expires_in"), text("expires_at")) {
            (Some(seconds), _) => {
                let seconds =
                    seconds.as_i64().ok_or_else(|| self.unusable("its `expires_in` is not a number"))?;
                now.checked_add(SignedDuration::from_secs(seconds)).ok()
            }
            (None, Some(end)) => Some(
                end.parse::<Timestamp>()
                    .map_err(|_| self.unusable("its `expires_at` is not a valid time"))?,
            ),
            (None, None) => None,
        };
        let refresh_token = text("refresh_token")
            .map(|token| RefreshToken::parse(token).map_err(|_| invalid("refresh_token")))
            .transpose()?;
        let scope = text("scope").map(ScopeSet::lenient);
        let life = Life { obtained_at: now, expires_at };
        Ok(TokenSet { refresh_token, scope, ..TokenSet::lasting(token, life) })
    }

    pub(super) fn grant(&self, tokens: TokenSet, requested_scopes: ScopeSet) -> Grant {
        Grant {
            tokens,
            binding: self.definition(),
            issuer: None,
            claims: None,
            requested_scopes,
            prover: None,
            certificate: None,
        }
    }
}
