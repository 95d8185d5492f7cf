//! Dynamic client registration and its management (RFC 7591, RFC 7592), and client ID metadata documents
//! (draft-ietf-oauth-client-id-metadata-document).

use serde_json::{Map, Value, json};
use url::Url;

use super::answer::{self, EndpointError};
use super::client::AuthenticationMethod;
use super::endpoint::{EndpointUrl, UrlRefused};
use super::form::JSON;
use crate::name::ScopeSet;
use crate::ports::{HttpRequest, HttpResponse, Method, Transport};
use crate::secret::{AccessToken, ClientSecret, SecretText};
use crate::text::untrusted::Untrusted;
use jiff::Timestamp;

/// How we call ourselves to people, in the server's consent pages.
const CLIENT_NAME: &str = "authctl";
/// Where people read of us.
const CLIENT_URI: &str = "https://crates.io/crates/authctl";
/// The endpoint, in messages.
const ENDPOINT: &str = "registration endpoint";

/// What a server is told of the client (RFC 7591 section 2): a native application (OpenID Connect Registration section 2) whose browser returns to a loopback
/// address.
#[derive(Debug, Clone)]
pub struct ClientMetadata {
    /// Where the browser returns.
    pub redirect_uris: Vec<String>,
    /// The scopes that it may ask for.
    pub scope: Option<String>,
    /// How it authenticates.
    pub method: AuthenticationMethod,
}

impl ClientMetadata {
    /// The members, for a registration request or a metadata document.
    pub fn members(&self) -> Map<String, Value> {
        let mut members = json!({
            "client_name": CLIENT_NAME,
            "client_uri": CLIENT_URI,
            "application_type": "native",
            "redirect_uris": self.redirect_uris,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": self.method.name(),
        });
        if let Some(scope) = &self.scope {
            members["scope"] = scope.as_str().into();
        }
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// The client ID metadata document to host at a URL, which is the client's identifier.
    pub fn document(&self, client_id: &ClientIdUrl) -> Value {
        let mut members = self.members();
        members.insert("client_id".to_owned(), client_id.0.as_str().into());
        Value::Object(members)
    }

    /// The request that registers it (RFC 7591 section 3.1).
    pub fn request(&self, endpoint: &EndpointUrl, transport: &Transport) -> HttpRequest {
        let mut request = endpoint.request(Method::Post, transport);
        let body = Value::Object(self.members()).to_string();
        request.body = Some((JSON, SecretText::new(body)));
        request.headers.push(("accept", SecretText::new(JSON)));
        request
    }
}

/// The URL of a client ID metadata document, which is the client's identifier (OAuth Client ID Metadata Document section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdUrl(String);

/// A text that is no such URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClientId {
    /// It did not pass the gate.
    #[error(transparent)]
    Url(#[from] UrlRefused),
    /// It is one that the draft rules out.
    #[error(
        "the URL of a client ID metadata document is https and has a path, without `.` and `..` in it, and no query"
    )]
    Form,
}

impl std::str::FromStr for ClientIdUrl {
    type Err = InvalidClientId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Url = EndpointUrl::configured(text)?.url().clone();
        let dots = text.split('/').any(|segment| matches!(segment, "." | ".."));
        let fits = url.scheme() == "https"
            && url.path() != "/"
            && url.query().is_none()
            && !dots
            && url.as_str() == text;
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidClientId::Form) }
    }
}

impl ClientIdUrl {
    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A registered client (RFC 7591 section 3.2.1): what the server made of what it was told.
#[derive(Debug)]
pub struct Registration {
    /// The identifier.
    pub client_id: String,
    /// The secret, where one was issued.
    pub client_secret: Option<ClientSecret>,
    /// When the secret ends.
    pub secret_ends: Option<Timestamp>,
    /// How the client authenticates.
    pub method: Option<AuthenticationMethod>,
    /// Where its browser may return; as it was asked for where the server does not say.
    pub redirect_uris: Option<Vec<String>>,
    /// The scopes that it may ask for, where the server says so.
    pub scopes: Option<ScopeSet>,
    /// Where it is managed, and with what (RFC 7592).
    pub management: Option<Management>,
}

/// Where a registration is managed, and the token for it.
#[derive(Debug)]
pub struct Management {
    /// `registration_client_uri`; it has not passed the URL gate yet.
    pub uri: String,
    /// `registration_access_token`.
    pub token: AccessToken,
}

/// Reads the answer to a registration (RFC 7591 section 3.2.1).
///
/// # Errors
/// [`EndpointError`]: a refusal such as `invalid_redirect_uri` (MCP), or an answer that is none.
pub fn response(response: &HttpResponse) -> Result<Registration, EndpointError> {
    // The standard says 201; servers say 200 as well.
    let object = answer::object(ENDPOINT, response)?;
    let unusable = |reason: &str| answer::unusable(ENDPOINT, response, reason);
    let text = |member: &str| object.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let client_id = text("client_id").ok_or_else(|| unusable("it has no client_id"))?;
    if client_id.len() > 2048 || !client_id.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return Err(unusable("its client_id is not printable ASCII"));
    }
    let client_secret = text("client_secret").map(ClientSecret::parse).transpose();
    let client_secret = client_secret.map_err(|_| unusable("its client_secret is not printable ASCII"))?;
    // "REQUIRED if client_secret is issued"; 0 says that it does not end.
    let ends = object.get("client_secret_expires_at").and_then(Value::as_i64).filter(|&ends| ends > 0);
    let redirect_uris = object
        .get("redirect_uris")
        .and_then(Value::as_array)
        .map(|uris| uris.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>());
    let token = text("registration_access_token").map(AccessToken::parse).transpose();
    let token = token.map_err(|_| unusable("its registration_access_token is not printable ASCII"))?;
    let management = text("registration_client_uri").map(str::to_owned).zip(token);
    Ok(Registration {
        client_id: client_id.to_owned(),
        method: match text("token_endpoint_auth_method") {
            Some(name) => Some(AuthenticationMethod::named(name).ok_or_else(|| {
                unusable(&format!("its token_endpoint_auth_method is {}", Untrusted::new(name)))
            })?),
            None => None,
        },
        secret_ends: ends
            .and_then(|ends| Timestamp::from_second(ends).ok())
            .filter(|_| client_secret.is_some()),
        client_secret,
        redirect_uris,
        scopes: text("scope").map(ScopeSet::lenient),
        management: management.map(|(uri, token)| Management { uri, token }),
    })
}

/// The request that ends a registration (RFC 7592 section 2.3).
pub fn deletion(uri: &EndpointUrl, token: &AccessToken, transport: &Transport) -> HttpRequest {
    let mut request = uri.request(Method::Delete, transport);
    request.headers.push(("authorization", SecretText::new(format!("Bearer {}", token.expose()))));
    request
}

/// What became of a registration that was to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Deleted,
    /// The server knows no such client, or does not take the token: "401" is for both (RFC 7592 section 2.3).
    NotKnown,
    /// It may still be there.
    Failed,
}

impl End {
    /// Reads the answer to a deletion.
    pub fn of(response: &HttpResponse) -> Self {
        match response.status {
            200 | 204 => Self::Deleted,
            401 | 404 => Self::NotKnown,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> ClientMetadata {
        ClientMetadata {
            redirect_uris: vec!["http://127.0.0.1:4711/callback".to_owned()],
            scope: Some("a b".to_owned()),
            method: AuthenticationMethod::None,
        }
    }

    #[test]
    fn the_registration_request_describes_a_native_client() {
        let endpoint = EndpointUrl::configured("https://as.example/register").unwrap();
        let request = metadata().request(&endpoint, &Transport::default());
        let (media_type, body) = request.body.unwrap();
        assert_eq!(media_type, "application/json");
        let body: Value = serde_json::from_str(body.expose()).unwrap();
        for (member, want) in [
            ("redirect_uris", json!(["http://127.0.0.1:4711/callback"])),
            ("grant_types", json!(["authorization_code", "refresh_token"])),
            ("response_types", json!(["code"])),
            ("token_endpoint_auth_method", json!("none")),
            ("application_type", json!("native")),
            ("client_name", json!("authctl")),
            ("scope", json!("a b")),
        ] {
            assert_eq!(body[member], want, "{member}");
        }
        assert_eq!(body.get("client_id"), None);
    }

    #[test]
    fn the_client_metadata_document_is_complete() {
        let id: ClientIdUrl = "https://app.example/authctl.json".parse().unwrap();
        let document = metadata().document(&id);
        assert_eq!(document["client_id"], "https://app.example/authctl.json");
        assert_eq!(document["token_endpoint_auth_method"], "none");
        assert_eq!(document.get("client_secret"), None);
        for text in [
            "http://app.example/a",
            "https://app.example",
            "https://app.example/",
            "https://app.example/a/../b",
            "https://app.example/./b",
            "https://app.example/a#x",
            "https://user@app.example/a",
            "https://app.example/a?b",
            "https://APP.example/a",
            "http://127.0.0.1/a",
            "",
        ] {
            assert!(text.parse::<ClientIdUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_registration_response_overrides_the_request() {
        let read = |status: u16, body: Value| {
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            response(&HttpResponse { status, headers, body: body.to_string().into_bytes().into() })
        };
        let full = read(
            201,
            json!({
                "client_id": "abc", "client_secret": "s", "client_secret_expires_at": 1000,
                "token_endpoint_auth_method": "client_secret_post", "redirect_uris": ["http://127.0.0.1:1/x"],
                "registration_client_uri": "https://as/r/1", "registration_access_token": "t", "more": {},
            }),
        )
        .unwrap();
        assert_eq!(full.client_id, "abc");
        assert_eq!(full.method, Some(AuthenticationMethod::ClientSecretPost));
        assert_eq!(full.secret_ends.unwrap().as_second(), 1000);
        assert_eq!(full.redirect_uris.unwrap(), ["http://127.0.0.1:1/x"]);
        assert_eq!(full.management.unwrap().uri, "https://as/r/1");
        let lasting =
            read(201, json!({ "client_id": "a", "client_secret": "s", "client_secret_expires_at": 0 }));
        assert_eq!(lasting.unwrap().secret_ends, None);
        for (name, status, body) in [
            ("no client_id", 201, json!({})),
            ("an odd client_id", 201, json!({ "client_id": "a\n" })),
            ("an odd secret", 201, json!({ "client_id": "a", "client_secret": "a\u{1b}" })),
            ("an unknown method", 201, json!({ "client_id": "a", "token_endpoint_auth_method": "dance" })),
            ("G6", 400, json!({ "error": "invalid_redirect_uri" })),
        ] {
            assert!(read(status, body).is_err(), "{name}");
        }
    }
}
