//! HTTP Basic authentication (RFC 7617).

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::IssueOutcome;
use super::kind::Kind;
use super::request::IssueRequest;
use super::token_provider::TokenProvider;
use crate::binding::Binding;
use crate::schema::{Key, Problem, SecretSource, Section, Shape};
use crate::secret::Password;
use crate::token::{Credential, Issued};

pub const KIND: Kind = Kind {
    name: "basic",
    alias: None,
    grants: &[],
    shorthand: None,
    about: "HTTP Basic: a user name and a password",
    keys: &[&[
        &Key::new("username", Shape::Text, "The user name").required().from_environment(),
        &Key::new("password", Shape::Secret, "The password").required().from_environment(),
    ]],
    open: false,
    variables: &[],
    runs_program: false,
    build,
};

struct Basic {
    username: String,
    password: SecretSource,
    domain: String,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let username = section.text("username").unwrap_or_default().to_owned();
    let Some(password) = section.secret("password") else {
        return Err(vec![section.problem("password", "is empty")]);
    };
    // RFC 7617 section 2: "a user-id containing a colon character is invalid".
    if username.contains(':') || username.chars().any(char::is_control) {
        return Err(vec![section.problem("username", "contains a colon or a control character")]);
    }
    Ok(Box::new(Basic { username, password, domain: build.domain.clone() }))
}

impl TokenProvider for Basic {
    fn binding(&self) -> Binding {
        Binding::default().with("domain", &self.domain).with("username", &self.username)
    }

    fn issue(&self, context: &Context<'_>, _: &IssueRequest<'_>) -> Result<IssueOutcome, ProviderError> {
        let binding = self.binding();
        let password = context.secrets(&binding).resolve(&self.password)?;
        if password.expose().chars().any(char::is_control) {
            return Err(ProviderError::Unusable("the password contains a control character".to_owned()));
        }
        let credential =
            Credential::Basic { username: self.username.clone(), password: Password::new(password.expose()) };
        Ok(IssueOutcome::Immediate(Issued::lasting(credential)))
    }
}
