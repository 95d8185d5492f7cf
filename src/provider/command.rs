//! A program that prints the token.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::{Grant, IssueOutcome};
use super::kind::Kind;
use super::request::IssueRequest;
use super::token_provider::{Requirement, TokenProvider};
use crate::binding::Binding;
use crate::name::ScopeSet;
use crate::oauth::json;
use crate::ports::Program;
use crate::schema::{Key, Problem, Section, Shape};
use crate::secret::{AccessToken, SecretText};
use crate::token::{Credential, Issued, Life, TokenSet};

pub const KIND: Kind = Kind {
    name: "command",
    alias: None,
    grants: &[],
    shorthand: Some("command"),
    about: "A program that prints the token",
    keys: &[&[
        &Key::new("command", Shape::Command, "The program and its arguments, without a shell").required().trusted(),
        &Key::new("format", Shape::Choice(&["text", "json"]), "The output format: only the token, or a JSON object").or("text"),
        &Key::new("field", Shape::Text, "The JSON member with the token").or("access_token"),
        &Key::new("expires_field", Shape::Text, "The JSON member with the expiry time, in RFC 3339 or Unix seconds; without it, the token is not cached").or("expires_at"),
        &Key::new("timeout", Shape::Duration, "The time limit for the program").or("30s"),
    ]],
    open: false,
    variables: &[],
    runs_program: true,
    build,
};

struct Command {
    command: Vec<String>,
    field: Option<String>,
    expires_field: String,
    timeout: Duration,
}

fn build(section: &Section, _: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    Ok(Box::new(Command {
        command: section.strings("command"),
        field: (section.text("format") == Some("json"))
            .then(|| section.text("field").unwrap_or("access_token").to_owned()),
        expires_field: section.text("expires_field").unwrap_or("expires_at").to_owned(),
        timeout: section.duration("timeout").unwrap_or(Duration::from_secs(30)),
    }))
}

impl TokenProvider for Command {
    fn requirements(&self) -> Vec<Requirement> {
        self.command.first().map(|program| Requirement::Program(program.clone())).into_iter().collect()
    }

    /// The command itself: a token from one program is not handed out if another one is configured.
    fn binding(&self) -> Binding {
        Binding::default().with("command", self.command.join("\u{1f}"))
    }

    /// Only if the output may contain an expiry time.
    fn keeps_tokens(&self) -> bool {
        self.field.is_some()
    }

    fn issue(&self, context: &Context<'_>, _: &IssueRequest<'_>) -> Result<IssueOutcome, ProviderError> {
        let withheld = BTreeSet::new();
        let program =
            Program { command: &self.command, timeout: self.timeout, withheld: &withheld, input: None };
        let printed = context.system.processes.output(&program)?;
        let now = context.system.clock.now();
        let Printed { token, expires_at } = self.read(&printed)?;
        match expires_at {
            Some(end) if end <= now => {
                Err(ProviderError::Unusable(format!("the program's token expired at {end}")))
            }
            Some(_) => Ok(IssueOutcome::Grant(Box::new(Grant {
                tokens: TokenSet::lasting(token, Life { obtained_at: now, expires_at }),
                binding: self.binding(),
                issuer: None,
                claims: None,
                requested_scopes: ScopeSet::default(),
                prover: None,
                certificate: None,
            }))),
            None => Ok(IssueOutcome::Immediate(Issued::lasting(Credential::Bearer(token)))),
        }
    }
}

struct Printed {
    token: AccessToken,
    expires_at: Option<Timestamp>,
}

impl Command {
    fn read(&self, printed: &SecretText) -> Result<Printed, ProviderError> {
        let unusable = |reason: String| {
            ProviderError::Unusable(format!("the program did not print a valid token: {reason}"))
        };
        let parse = |text: &str| AccessToken::parse(text).map_err(|error| unusable(error.to_string()));
        let Some(field) = &self.field else {
            return Ok(Printed { token: parse(printed.expose().trim())?, expires_at: None });
        };
        let object =
            json::object(printed.expose().trim().as_bytes()).map_err(|error| unusable(error.to_string()))?;
        let token = object
            .get(field)
            .and_then(Value::as_str)
            .ok_or_else(|| unusable(format!("it has no string `{field}`")))?;
        let expires_at = match object.get(&self.expires_field) {
            None | Some(Value::Null) => None,
            Some(end) => Some(
                time(end)
                    .ok_or_else(|| unusable(format!("its `{}` is not a valid time", self.expires_field)))?,
            ),
        };
        Ok(Printed { token: parse(token)?, expires_at })
    }
}

/// Parses a time in RFC 3339 or Unix seconds.
fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok().or_else(|| Timestamp::from_second(text.parse().ok()?).ok()),
        number => Timestamp::from_second(number.as_i64()?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_print() {
        let json = || Command {
            command: vec!["x".to_owned()],
            field: Some("access_token".to_owned()),
            expires_field: "expires_at".to_owned(),
            timeout: Duration::from_secs(1),
        };
        let text = || Command { field: None, ..json() };
        for (name, command, printed, want) in [
            ("text", text(), "tok\n", Some(("tok", None))),
            ("two lines", text(), "tok\nmore\n", None),
            ("nothing", text(), "\n", None),
            ("json", json(), r#"{"access_token":"tok"}"#, Some(("tok", None))),
            ("seconds", json(), r#"{"access_token":"tok","expires_at":1000}"#, Some(("tok", Some(1000)))),
            (
                "seconds in quotes",
                json(),
                r#"{"access_token":"tok","expires_at":"1000"}"#,
                Some(("tok", Some(1000))),
            ),
            (
                "RFC 3339",
                json(),
                r#"{"access_token":"tok","expires_at":"1970-01-01T00:16:40Z"}"#,
                Some(("tok", Some(1000))),
            ),
            ("no time", json(), r#"{"access_token":"tok","expires_at":"soon"}"#, None),
            ("no token", json(), r#"{"token":"tok"}"#, None),
            ("no json", json(), "tok", None),
        ] {
            let read = command.read(&SecretText::new(printed)).ok();
            let got =
                read.as_ref().map(|read| (read.token.expose(), read.expires_at.map(Timestamp::as_second)));
            assert_eq!(got, want, "{name}");
        }
    }
}
