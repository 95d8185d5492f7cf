//! A static bearer token.

use jiff::Timestamp;

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::IssueOutcome;
use super::kind::Kind;
use super::request::IssueRequest;
use super::token_provider::TokenProvider;
use crate::binding::Binding;
use crate::oauth::jwt;
use crate::schema::{Key, Problem, SecretSource, Section, Shape};
use crate::secret::AccessToken;
use crate::token::{Credential, Issued};

pub const KIND: Kind = Kind {
    name: "jwt",
    alias: None,
    grants: &[],
    shorthand: Some("jwt"),
    about: "A static bearer token",
    keys: &[&[&Key::new("jwt", Shape::Secret, "The token").required().from_environment()]],
    open: false,
    variables: &[],
    runs_program: false,
    build,
};

struct Jwt {
    token: SecretSource,
    domain: String,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let token = section.secret("jwt").ok_or_else(|| vec![section.problem("jwt", "is empty")])?;
    Ok(Box::new(Jwt { token, domain: build.domain.clone() }))
}

impl TokenProvider for Jwt {
    fn binding(&self) -> Binding {
        Binding::default().with("domain", &self.domain)
    }

    fn issue(&self, context: &Context<'_>, _: &IssueRequest<'_>) -> Result<IssueOutcome, ProviderError> {
        let binding = self.binding();
        let secret = context.secrets(&binding).resolve(&self.token)?;
        let token = AccessToken::parse(secret.expose()).map_err(|error| {
            ProviderError::Unusable(format!("the configured token is not valid: {error}"))
        })?;
        let expires_at = expiry(token.expose());
        match expires_at {
            Some(end) if end <= context.system.clock.now() => Err(ProviderError::Ended(end)),
            _ => Ok(IssueOutcome::Immediate(Issued {
                expires_at,
                ..Issued::lasting(Credential::Bearer(token))
            })),
        }
    }
}

/// The `exp` of a JWT (RFC 7519 section 4.1.4), without verification: it only informs the token's holder.
pub fn expiry(token: &str) -> Option<Timestamp> {
    Timestamp::from_second(jwt::Jwt::decode(token)?.claims.get("exp")?.as_i64()?).ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn the_expiry_of_a_jwt() {
        let jwt = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        for (token, want) in [
            (jwt(r#"{"exp":1000}"#), Some(1000)),
            (jwt(r#"{"sub":"x"}"#), None),
            (jwt(r#"{"exp":"soon"}"#), None),
            (jwt(r#"{"exp":9223372036854775807}"#), None),
            (jwt("["), None),
            ("opaque".to_owned(), None),
            ("a.b.c".to_owned(), None),
        ] {
            assert_eq!(expiry(&token).map(Timestamp::as_second), want, "{token}");
        }
    }
}
