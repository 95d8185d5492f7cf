//! Static keys in headers of the user's choice.

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::IssueOutcome;
use super::kind::Kind;
use super::request::IssueRequest;
use super::token_provider::TokenProvider;
use crate::binding::Binding;
use crate::schema::{Key, Problem, SecretSource, Section, Shape};
use crate::token::{Credential, Issued, KeyHeader};

pub const KIND: Kind = Kind {
    name: "api_key",
    alias: None,
    grants: &[],
    shorthand: Some("key"),
    about: "Static keys in headers of your choice",
    keys: &[&[
        &Key::new("key", Shape::Secret, "The key").from_environment(),
        &Key::new("header", Shape::Text, "The header that carries the key").or("Authorization"),
        &Key::new(
            "prefix",
            Shape::Text,
            "The text before the key in the header; empty by default in headers other than Authorization",
        )
        .or("Bearer"),
        &Key::new("headers", Shape::Secrets, "Several headers with their keys, instead of `key`"),
    ]],
    open: false,
    variables: &[],
    runs_program: false,
    build,
};

struct ApiKey {
    headers: Vec<(String, String, SecretSource)>,
    domain: String,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut headers = Vec::new();
    match (section.secret("key"), section.has("headers")) {
        (Some(_), true) => problems.push(section.problem("headers", "cannot be combined with `key`")),
        (None, false) => problems.push(section.problem("key", "is missing").hint("set `key` or `headers`")),
        (Some(key), false) => {
            let name = section.text("header").unwrap_or("Authorization");
            // In Authorization, a key without a scheme would be invalid; other headers usually carry the key alone.
            let prefix = match section.text_or_empty("prefix") {
                Some(prefix) => prefix,
                None if name.eq_ignore_ascii_case("authorization") => "Bearer",
                None => "",
            };
            headers.push((name.to_owned(), prefix.to_owned(), key));
        }
        (None, true) => {
            headers.extend(section.free("headers").into_iter().map(|(name, key)| (name, String::new(), key)));
        }
    }
    for (name, prefix, _) in &headers {
        if !is_header_name(name) {
            let key = if section.has("headers") { "headers" } else { "header" };
            problems.push(section.problem(key, "has an invalid header name"));
        }
        if !prefix.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
            problems.push(section.problem("prefix", "contains a character that is invalid in a header"));
        }
    }
    let provider = ApiKey { headers, domain: build.domain.clone() };
    if problems.is_empty() { Ok(Box::new(provider)) } else { Err(problems) }
}

/// RFC 9110 section 5.6.2: a token.
fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

impl TokenProvider for ApiKey {
    fn binding(&self) -> Binding {
        Binding::default().with("domain", &self.domain)
    }

    fn issue(&self, context: &Context<'_>, _: &IssueRequest<'_>) -> Result<IssueOutcome, ProviderError> {
        let binding = self.binding();
        let mut headers = Vec::new();
        for (name, prefix, source) in &self.headers {
            let key = context.secrets(&binding).resolve(source)?;
            if !key.expose().bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
                return Err(ProviderError::Unusable(format!(
                    "the key for the header {name} contains a character that is invalid in a header"
                )));
            }
            headers.push(KeyHeader { name: name.clone(), prefix: prefix.clone(), key });
        }
        Ok(IssueOutcome::Immediate(Issued::lasting(Credential::Headers(headers))))
    }
}
