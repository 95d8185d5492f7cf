//! Protected resource metadata (RFC 9728), in which a resource names its authorization servers.

use serde_json::{Map, Value};
use url::Url;

use super::json;
use crate::name::ScopeSet;
use crate::text::untrusted::Untrusted;

/// Further authorization servers are ignored.
const MOST_SERVERS: usize = 16;

/// The metadata of the requested resource. Its URLs have not been checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// The resource's identifier, as it spells it.
    pub resource: String,
    /// The issuers of its authorization servers, in its order.
    pub authorization_servers: Vec<String>,
    /// The scopes that it supports.
    pub scopes: Option<ScopeSet>,
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceMetadataError {
    #[error("its resource metadata is not valid: {0}")]
    NotAnObject(#[from] json::NotAnObject),
    /// A member does not have the type that RFC 9728 section 2 requires.
    #[error("its resource metadata has no valid `{0}`")]
    WrongType(&'static str),
    /// It describes another resource: "the data contained in the response MUST NOT be used" (RFC 9728 section 3.3).
    #[error("its resource metadata is for {found}, not for {expected}")]
    OtherResource { expected: String, found: Untrusted },
}

impl ResourceMetadata {
    /// Parses a document about a resource (RFC 9728 section 3.3).
    pub fn parse(body: &[u8], resource: &Url) -> Result<Self, ResourceMetadataError> {
        let object: Map<String, Value> = json::object(body)?;
        let strings = |member: &'static str| match object.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => {
                let items = items.iter().map(|item| item.as_str().map(str::to_owned));
                items.collect::<Option<Vec<_>>>().map(Some).ok_or(ResourceMetadataError::WrongType(member))
            }
            Some(_) => Err(ResourceMetadataError::WrongType(member)),
        };
        let found = object.get("resource").and_then(Value::as_str);
        let found = found.ok_or(ResourceMetadataError::WrongType("resource"))?;
        if !is_same(found, resource) {
            let expected = resource.to_string();
            return Err(ResourceMetadataError::OtherResource { expected, found: Untrusted::new(found) });
        }
        let mut authorization_servers = strings("authorization_servers")?.unwrap_or_default();
        authorization_servers.truncate(MOST_SERVERS);
        let scopes = strings("scopes_supported")?.map(|scopes| ScopeSet::lenient(&scopes.join(" ")));
        Ok(Self {
            resource: found.to_owned(),
            authorization_servers,
            // An empty list means the same as none.
            scopes: scopes.filter(|scopes| !scopes.is_empty()),
            name: object.get("resource_name").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// A resource's canonical URI, without a fragment and without a slash that is the whole path (Model Context Protocol,
/// "Authorization").
pub fn canonical(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    let text = url.to_string();
    if url.path() == "/" && url.query().is_none() { text.trim_end_matches('/').to_owned() } else { text }
}

/// Whether an identifier equals a URL exactly. A URL without a path may be written with or without its slash: both are
/// the same URL (RFC 3986 section 6.2.3).
fn is_same(found: &str, resource: &Url) -> bool {
    let expected = resource.as_str();
    let is_bare = resource.path() == "/" && resource.query().is_none();
    found == expected || is_bare && expected.strip_suffix('/') == Some(found)
}

/// Where a resource's metadata may be: at its own well-known URL (RFC 9728 section 3.1) and, if the resource has a
/// path, at its host's. Each comes with the resource that the document must describe (MCP 2025-11-25).
pub fn candidates(resource: &Url) -> Vec<(Url, Url)> {
    let mut resource = resource.clone();
    resource.set_fragment(None);
    let at = |path: &str, query: Option<&str>| {
        let mut url = resource.clone();
        url.set_path(&format!("/.well-known/oauth-protected-resource{}", path.trim_end_matches('/')));
        url.set_query(query);
        url
    };
    let mut found = vec![(at(resource.path(), resource.query()), resource.clone())];
    if resource.path() != "/" || resource.query().is_some() {
        let mut root = resource.clone();
        root.set_path("/");
        root.set_query(None);
        found.push((at("", None), root));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn resource_urls_have_one_canonical_form() {
        for (text, want) in [
            ("https://MCP.example.com", "https://mcp.example.com"),
            ("https://mcp.example.com/", "https://mcp.example.com"),
            ("https://mcp.example.com:443/mcp", "https://mcp.example.com/mcp"),
            ("https://mcp.example.com/mcp/", "https://mcp.example.com/mcp/"),
            ("https://mcp.example.com/mcp#x", "https://mcp.example.com/mcp"),
            ("https://mcp.example.com/?a=b", "https://mcp.example.com/?a=b"),
        ] {
            assert_eq!(canonical(&url(text)), want, "{text}");
        }
    }

    #[test]
    fn resource_metadata_urls_are_built_from_the_path() {
        for (resource, want) in [
            ("https://a.b", &["https://a.b/.well-known/oauth-protected-resource"][..]),
            ("https://a.b/", &["https://a.b/.well-known/oauth-protected-resource"]),
            (
                "https://a.b/mcp/",
                &[
                    "https://a.b/.well-known/oauth-protected-resource/mcp",
                    "https://a.b/.well-known/oauth-protected-resource",
                ],
            ),
            (
                "https://a.b/r?k=v",
                &[
                    "https://a.b/.well-known/oauth-protected-resource/r?k=v",
                    "https://a.b/.well-known/oauth-protected-resource",
                ],
            ),
        ] {
            let found: Vec<String> =
                candidates(&url(resource)).iter().map(|(url, _)| url.to_string()).collect();
            assert_eq!(found, want, "{resource}");
        }
    }

    #[test]
    fn metadata_for_another_resource_is_rejected() {
        for (name, asked, found, usable) in [
            ("the same", "https://a.b/mcp", "https://a.b/mcp", true),
            ("no path, no slash", "https://a.b", "https://a.b", true),
            ("no path, a slash", "https://a.b/", "https://a.b/", true),
            ("two slashes", "https://a.b/", "https://a.b//", false),
            ("a path with a slash more", "https://a.b/mcp", "https://a.b/mcp/", false),
            ("its host alone", "https://a.b/mcp", "https://a.b", false),
            ("another path", "https://a.b/mcp", "https://a.b/other", false),
            ("another host", "https://a.b/mcp", "https://evil.example/mcp", false),
            ("another scheme", "https://a.b/mcp", "http://a.b/mcp", false),
            ("another case", "https://a.b/mcp", "https://a.b/MCP", false),
        ] {
            let body = serde_json::json!({ "resource": found }).to_string();
            assert_eq!(ResourceMetadata::parse(body.as_bytes(), &url(asked)).is_ok(), usable, "{name}");
        }
    }

    #[test]
    fn resource_metadata_types_are_checked() {
        let parse = |body: &str| ResourceMetadata::parse(body.as_bytes(), &url("https://a.b"));
        let full = parse(r#"{"resource":"https://a.b","authorization_servers":["https://as"],"scopes_supported":["a","b c","\u001b"],"resource_name":"N","x":1}"#).unwrap();
        assert_eq!(full.authorization_servers, ["https://as"]);
        assert_eq!(full.scopes.unwrap().to_string(), "a b c");
        assert_eq!(parse(r#"{"resource":"https://a.b","scopes_supported":[]}"#).unwrap().scopes, None, "C8");
        for body in [
            "{}",
            r#"{"resource":1}"#,
            r#"{"resource":"https://a.b","authorization_servers":"https://as"}"#,
            "[]",
            "",
        ] {
            assert!(parse(body).is_err(), "{body}");
        }
    }
}
