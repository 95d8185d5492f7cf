//! Known servers' deviations from the standards: a closed list, mostly set by templates.

use crate::schema::{Key, Section, Shape};

pub const KEYS: &[&Key] = &[
    &Key::new(
        "request_style",
        Shape::Choice(&["form", "json"]),
        "The format of token requests: a form or JSON",
    )
    .or("form"),
    &Key::new(
        "plain_basic",
        Shape::Boolean,
        "Send the client ID and secret in HTTP Basic without form-encoding",
    )
    .or("false"),
    &Key::new(
        "missing_token_type",
        Shape::Boolean,
        "Accept a token response without `token_type` as a bearer token",
    )
    .or("false"),
    &Key::new(
        "token_endpoint_audience",
        Shape::Boolean,
        "Use the token endpoint as the audience of client assertions, as before 2025, instead of the issuer",
    )
    .or("false"),
    &Key::new("unbound_tokens", Shape::Boolean, "Accept a bearer token when a DPoP-bound one was requested")
        .or("false"),
    &Key::new("token_member", Shape::Text, "The JSON member of the token response that contains the tokens"),
    &Key::new("accept", Shape::Text, "The `Accept` header of token requests").or("application/json"),
    &Key::new("no_resource", Shape::Boolean, "Leave out the `resource` parameter").or("false"),
    &Key::new("scope_parameter", Shape::Text, "The name of the authorization request's scope parameter")
        .or("scope"),
    &Key::new("scope_separator", Shape::Text, "The separator between scopes in requests").or(" "),
    &Key::new(
        "granted_scope_separator",
        Shape::Text,
        "The separator between scopes in responses; by default the same as in requests",
    ),
    &Key::new(
        "tenant_issuer",
        Shape::Boolean,
        "Accept `{tenantid}` instead of a tenant in the metadata's issuer",
    )
    .or("false"),
    &Key::new("id_token_issuer", Shape::Text, "Another issuer that ID tokens may name"),
];

/// One server's deviations.
#[derive(Debug, Clone)]
pub struct Quirks {
    pub json_requests: bool,
    pub plain_basic: bool,
    pub missing_token_type: bool,
    /// Client assertions are addressed to the token endpoint, as RFC 7523 section 3 allowed.
    pub token_endpoint_audience: bool,
    pub unbound_tokens: bool,
    pub token_member: Option<String>,
    pub accept: String,
    /// The server rejects requests with RFC 8707's parameter.
    pub no_resource: bool,
    pub scope_parameter: String,
    pub scope_separator: String,
    pub granted_scope_separator: String,
    pub tenant_issuer: bool,
    pub id_token_issuer: Option<String>,
}

impl Quirks {
    /// Reads a `quirks` table; without one, the server follows the standards.
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
