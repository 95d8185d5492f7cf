//! Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0).

use serde_json::{Map, Value};
use url::Url;

use super::endpoint::Issuer;
use super::json;
use crate::text::untrusted::Untrusted;

/// The metadata members that are endpoint URLs. The configuration uses the same names as keys.
pub const ENDPOINTS: &[&str] = &[
    "authorization_endpoint",
    "token_endpoint",
    "device_authorization_endpoint",
    "userinfo_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "pushed_authorization_request_endpoint",
    "backchannel_authentication_endpoint",
    "end_session_endpoint",
    "registration_endpoint",
    "jwks_uri",
];

/// A server's metadata, with a verified issuer. Its URLs have not been checked yet.
#[derive(Debug, Clone, Default)]
pub struct Metadata(Map<String, Value>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("its metadata is not valid: {0}")]
    NotAnObject(#[from] json::NotAnObject),
    /// A member does not have the type that RFC 8414 section 2 requires.
    #[error("`{member}` in its metadata is not {expected}")]
    WrongType { member: String, expected: &'static str },
    /// It is for another issuer: "the data contained in the response MUST NOT be used" (RFC 8414 section 3.3).
    #[error("its metadata is for the issuer {found}, not {expected}")]
    IssuerMismatch { expected: String, found: Untrusted },
}

impl Metadata {
    /// Parses a document that was requested for `issuer`, and checks the issuer in it. A `derived` issuer, which the
    /// user did not write, may differ by a final `/`; with `tenant`, `{tenantid}` in the document stands for one path
    /// segment.
    pub fn parse(body: &[u8], issuer: &Issuer, derived: bool, tenant: bool) -> Result<Self, MetadataError> {
        let metadata = Self(json::object(body)?);
        for &member in ENDPOINTS {
            metadata.check(member, "a string", Value::is_string)?;
        }
        for member in [
            "token_endpoint_auth_methods_supported",
            "id_token_signing_alg_values_supported",
            "code_challenge_methods_supported",
            "scopes_supported",
        ] {
            let strings =
                |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
            metadata.check(member, "an array of strings", strings)?;
        }
        for member in [
            "authorization_response_iss_parameter_supported",
            "require_pushed_authorization_requests",
            "require_signed_request_object",
            "client_id_metadata_document_supported",
        ] {
            metadata.check(member, "true or false", Value::is_boolean)?;
        }
        metadata.check("mtls_endpoint_aliases", "an object", Value::is_object)?;
        let Some(found) = metadata.0.get("issuer").and_then(Value::as_str) else {
            return Err(MetadataError::WrongType { member: "issuer".to_owned(), expected: "a string" });
        };
        let expected = issuer.as_str();
        let same = found == expected
            || derived && without_slash(found) == without_slash(expected)
            || tenant && is_tenant_form(found, expected);
        if same {
            Ok(metadata)
        } else {
            Err(MetadataError::IssuerMismatch { expected: expected.to_owned(), found: Untrusted::new(found) })
        }
    }

    fn check(
        &self,
        member: &str,
        expected: &'static str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(), MetadataError> {
        match self.0.get(member) {
            None | Some(Value::Null) => Ok(()),
            Some(value) if fits(value) => Ok(()),
            Some(_) => Err(MetadataError::WrongType { member: member.to_owned(), expected }),
        }
    }

    pub fn text(&self, member: &str) -> Option<&str> {
        self.0.get(member).and_then(Value::as_str)
    }

    pub fn strings(&self, member: &str) -> Option<Vec<String>> {
        let items = self.0.get(member)?.as_array()?;
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
    }

    /// The endpoint for clients that present a certificate (RFC 8705 section 5).
    pub fn mtls_alias(&self, name: &str) -> Option<&str> {
        self.0.get("mtls_endpoint_aliases")?.get(name)?.as_str()
    }

    pub fn flag(&self, member: &str) -> bool {
        self.0.get(member).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The document's issuer, as the document spells it.
    pub fn issuer(&self) -> Option<&str> {
        self.text("issuer")
    }
}

/// The URLs where an issuer's metadata may be, in the order to try them: RFC 8414 section 3.1 with its own suffix and
/// OpenID's, then OpenID Connect Discovery section 4.
pub fn candidates(issuer: &Issuer) -> Vec<Url> {
    let path = issuer.url().path().trim_end_matches('/').to_owned();
    let at = |path: String| {
        let mut url = issuer.url().clone();
        url.set_path(&path);
        url
    };
    let mut urls = vec![
        at(format!("/.well-known/oauth-authorization-server{path}")),
        at(format!("/.well-known/openid-configuration{path}")),
    ];
    if !path.is_empty() {
        urls.push(at(format!("{path}/.well-known/openid-configuration")));
    }
    urls
}

fn without_slash(issuer: &str) -> &str {
    issuer.strip_suffix('/').unwrap_or(issuer)
}

/// Whether a document's issuer is the expected one with `{tenantid}` instead of one path segment, as in Microsoft
/// Entra's documents for `common` and `organizations`.
fn is_tenant_form(found: &str, expected: &str) -> bool {
    let (mut found, mut expected) = (found.split('/'), expected.split('/'));
    loop {
        match (found.next(), expected.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other || one == "{tenantid}" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Issuer {
        Issuer::configured(text).unwrap()
    }

    #[test]
    fn metadata_urls_are_tried_in_order() {
        for (text, want) in [
            (
                "https://a/t1",
                &[
                    "https://a/.well-known/oauth-authorization-server/t1",
                    "https://a/.well-known/openid-configuration/t1",
                    "https://a/t1/.well-known/openid-configuration",
                ][..],
            ),
            (
                "https://a/t1/",
                &[
                    "https://a/.well-known/oauth-authorization-server/t1",
                    "https://a/.well-known/openid-configuration/t1",
                    "https://a/t1/.well-known/openid-configuration",
                ],
            ),
            (
                "https://a",
                &[
                    "https://a/.well-known/oauth-authorization-server",
                    "https://a/.well-known/openid-configuration",
                ],
            ),
        ] {
            let urls: Vec<String> = candidates(&issuer(text)).iter().map(Url::to_string).collect();
            assert_eq!(urls, want, "{text}");
        }
    }

    #[test]
    fn the_issuer_must_match_the_request_f_url6() {
        for (name, expected, derived, tenant, found, usable) in [
            ("same", "https://a/t", false, false, "https://a/t", true),
            ("other host", "https://a", true, true, "https://b", false),
            ("other case", "https://a/t", true, false, "https://a/T", false),
            ("written, final slash", "https://a", false, false, "https://a/", false),
            ("derived, final slash", "https://a", true, false, "https://a/", true),
            ("derived, two slashes", "https://a", true, false, "https://a//", false),
            ("default port", "https://a", true, false, "https://a:443", false),
            ("tenant", "https://a/common/v2.0", false, true, "https://a/{tenantid}/v2.0", true),
            (
                "tenant without the quirk",
                "https://a/common/v2.0",
                false,
                false,
                "https://a/{tenantid}/v2.0",
                false,
            ),
            (
                "tenant on another host",
                "https://a/common/v2.0",
                false,
                true,
                "https://b/{tenantid}/v2.0",
                false,
            ),
        ] {
            let body = serde_json::json!({ "issuer": found }).to_string();
            let result = Metadata::parse(body.as_bytes(), &issuer(expected), derived, tenant);
            assert_eq!(result.is_ok(), usable, "{name}");
        }
    }

    #[test]
    fn wrong_types_are_named_and_unknown_metadata_is_ignored() {
        for (body, want) in [
            (r#"{"issuer":"https://a","x":[1],"token_endpoint":"https://a/t"}"#, None),
            (r#"{"issuer":"https://a","token_endpoint":null}"#, None),
            (r#"{"issuer":"https://a","token_endpoint":5}"#, Some("token_endpoint")),
            (
                r#"{"issuer":"https://a","token_endpoint_auth_methods_supported":"none"}"#,
                Some("token_endpoint_auth_methods_supported"),
            ),
            (r#"{"token_endpoint":"https://a/t"}"#, Some("issuer")),
            (r#"{"issuer":7}"#, Some("issuer")),
        ] {
            let member = match Metadata::parse(body.as_bytes(), &issuer("https://a"), false, false) {
                Ok(_) => None,
                Err(MetadataError::WrongType { member, .. }) => Some(member),
                Err(error) => panic!("{body}: {error}"),
            };
            assert_eq!(member.as_deref(), want, "{body}");
        }
    }
}
