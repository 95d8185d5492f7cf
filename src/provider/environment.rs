//! The hosting platform's token, read again for every use.

use std::path::PathBuf;

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::IssueOutcome;
use super::kind::Kind;
use super::request::IssueRequest;
use super::token_provider::{Requirement, TokenProvider};
use crate::oauth::json;
use crate::os::text_file::read_text;
use crate::schema::{Key, Problem, Section, Shape};
use crate::secret::{self, AccessToken, SecretText};
use crate::token::{Credential, Issued};

pub const APP_SERVICE_VARIABLE: &str = "APP_SERVICE_TS";

pub const KIND: Kind = Kind {
    name: "environment",
    alias: Some("app_service"),
    grants: &[],
    shorthand: None,
    about: "A token from the hosting platform, read again each time it is used",
    keys: &[&[
        &Key::new(
            "variable",
            Shape::Text,
            "The environment variable with the token; for `app_service`: APP_SERVICE_TS",
        ),
        &Key::new("file", Shape::Text, "The file with the token").trusted(),
        &Key::new("format", Shape::Choice(&["text", "json"]), "The format: only the token, or a JSON object")
            .or("text"),
        &Key::new("field", Shape::Text, "The JSON member with the token").or("access_token"),
    ]],
    open: false,
    variables: &[APP_SERVICE_VARIABLE],
    runs_program: false,
    build,
};

enum Source {
    Variable(String),
    File(PathBuf),
}

struct Environment {
    source: Source,
    field: Option<String>,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let source = match (section.text("variable"), section.text("file")) {
        (Some(_), Some(_)) => {
            return Err(vec![section.problem("file", "cannot be combined with `variable`")]);
        }
        (Some(variable), None) => Source::Variable(variable.to_owned()),
        (None, Some(_)) => Source::File(section.path("file", build.home.as_deref()).unwrap_or_default()),
        (None, None) if KIND.alias == Some(build.kind_name.as_str()) => {
            Source::Variable(APP_SERVICE_VARIABLE.to_owned())
        }
        (None, None) => {
            return Err(vec![section.problem("variable", "is missing").hint("set `variable` or `file`")]);
        }
    };
    let field = (section.text("format") == Some("json"))
        .then(|| section.text("field").unwrap_or("access_token").to_owned());
    Ok(Box::new(Environment { source, field }))
}

impl TokenProvider for Environment {
    fn requirements(&self) -> Vec<Requirement> {
        vec![match &self.source {
            Source::Variable(name) => Requirement::Variable(name.clone()),
            Source::File(path) => Requirement::File(path.clone()),
        }]
    }

    fn issue(&self, context: &Context<'_>, _: &IssueRequest<'_>) -> Result<IssueOutcome, ProviderError> {
        let text = match &self.source {
            Source::Variable(name) => {
                let value =
                    context.system.environment.variable(name).filter(|value| !value.trim().is_empty());
                value.ok_or_else(|| ProviderError::Unusable(format!("the platform did not set {name}")))?
            }
            Source::File(path) => read_text(path, secret::LONGEST as u64).map_err(|error| {
                ProviderError::Unusable(format!(
                    "cannot read the platform's token file {}: {error}",
                    path.display()
                ))
            })?,
        };
        let token = token_in(&SecretText::new(text), self.field.as_deref())?;
        let expires_at = super::jwt::expiry(token.expose());
        match expires_at {
            Some(end) if end <= context.system.clock.now() => {
                Err(ProviderError::Unusable(format!("the platform's token expired at {end}")))
            }
            _ => Ok(IssueOutcome::Immediate(Issued {
                expires_at,
                ..Issued::lasting(Credential::Bearer(token))
            })),
        }
    }
}

/// The token in a text: the text itself, or a member of a JSON object.
fn token_in(text: &SecretText, field: Option<&str>) -> Result<AccessToken, ProviderError> {
    let unusable = |reason: String| {
        ProviderError::Unusable(format!("the platform did not supply a valid token: {reason}"))
    };
    let token = match field {
        None => SecretText::new(text.expose().trim()),
        Some(field) => {
            let object =
                json::object(text.expose().as_bytes()).map_err(|error| unusable(error.to_string()))?;
            let member = object.get(field).and_then(serde_json::Value::as_str);
            SecretText::new(member.ok_or_else(|| unusable(format!("it has no string `{field}`")))?)
        }
    };
    AccessToken::parse(token.expose()).map_err(|error| unusable(error.to_string()))
}
