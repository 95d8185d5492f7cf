//! What known servers do otherwise than the standards say: a closed list, mostly set by templates.

use crate::schema::{Key, Section, Shape};

/// The keys of a `quirks` table.
pub const KEYS: &[&Key] = &[
    &Key::new(
        "request_style",
        Shape::Choice(&["form", "json"]),
        "Whether token requests are sent as a form or as JSON",
    )
    .or("form"),
    &Key::new("plain_basic", Shape::Boolean, "Client id and secret go into HTTP Basic without form-encoding")
        .or("false"),
    &Key::new("missing_token_type", Shape::Boolean, "A token answer without `token_type` is taken as bearer")
        .or("false"),
    &Key::new(
        "token_endpoint_audience",
        Shape::Boolean,
        "Client assertions name the token endpoint as their audience, as before 2025, in the place of the issuer",
    )
    .or("false"),
    &Key::new("unbound_tokens", Shape::Boolean, "A bearer token is taken where a bound one (DPoP) was asked for")
        .or("false"),
    &Key::new("token_member", Shape::Text, "The member of the token answer that holds the tokens"),
    &Key::new("accept", Shape::Text, "The `Accept` header of token requests").or("application/json"),
    &Key::new("no_resource", Shape::Boolean, "The `resource` parameter is left out").or("false"),
    &Key::new("scope_parameter", Shape::Text, "The name of the authorization request's scope parameter")
        .or("scope"),
    &Key::new("scope_separator", Shape::Text, "What stands between two scopes in requests").or(" "),
    &Key::new(
        "granted_scope_separator",
        Shape::Text,
        "What stands between two scopes in answers; by default as in requests",
    ),
    &Key::new("tenant_issuer", Shape::Boolean, "The metadata's issuer has `{tenantid}` in place of a tenant")
        .or("false"),
    &Key::new("id_token_issuer", Shape::Text, "Another issuer that its id tokens may name"),
];

/// The deviations of one server.
#[derive(Debug, Clone)]
pub struct Quirks {
    /// Token requests are JSON objects.
    pub json_requests: bool,
    /// HTTP Basic without the form-encoding of RFC 6749 section 2.3.1.
    pub plain_basic: bool,
    /// `token_type`, REQUIRED by RFC 6749 section 5.1, may be missing.
    pub missing_token_type: bool,
    /// Client assertions are for the token endpoint, as RFC 7523 section 3 allowed.
    pub token_endpoint_audience: bool,
    /// A bearer token may come where a key was shown.
    pub unbound_tokens: bool,
    /// The tokens are members of this member of the answer.
    pub token_member: Option<String>,
    /// The `Accept` header.
    pub accept: String,
    /// The server chokes on RFC 8707's parameter.
    pub no_resource: bool,
    /// The name of the `scope` parameter in the authorization request.
    pub scope_parameter: String,
    /// What stands between two scopes in requests.
    pub scope_separator: String,
    /// What stands between two scopes in answers.
    pub granted_scope_separator: String,
    /// `{tenantid}` stands in the metadata's issuer.
    pub tenant_issuer: bool,
    /// A second issuer of id tokens.
    pub id_token_issuer: Option<String>,
}

impl Quirks {
    /// Reads a `quirks` table; without one, the server does as the standards say.
    pub fn read(section: Option<&Section>) -> Self {
        let text = |key: &str| section.and_then(|section| section.text(key)).map(str::to_owned);
        let scope_separator = text("scope_separator").unwrap_or_else(|| " ".to_owned());
        let flag = |key: &str| section.and_then(|section| section.flag(key)).unwrap_or(false);
        Self {
            json_requests: text("request_style").as_deref() == Some("json"),
            plain_basic: flag("plain_basic"),
            missing_token_type: flag("missing_token_type"),
            token_endpoint_audience: flag("token_endpoint_audience"),
            unbound_tokens: flag("unbound_tokens"),
            token_member: text("token_member"),
            accept: text("accept").unwrap_or_else(|| "application/json".to_owned()),
            no_resource: flag("no_resource"),
            scope_parameter: text("scope_parameter").unwrap_or_else(|| "scope".to_owned()),
            granted_scope_separator: text("granted_scope_separator")
                .unwrap_or_else(|| scope_separator.clone()),
            scope_separator,
            tenant_issuer: flag("tenant_issuer"),
            id_token_issuer: text("id_token_issuer"),
        }
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self::read(None)
    }
}
