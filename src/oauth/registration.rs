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

/// The client's name in the server's consent pages.
const CLIENT_NAME: &str = "authctl";
/// The page that describes the client.
const CLIENT_URI: &str = "https://crates.io/crates/authctl";
const ENDPOINT: &str = "registration endpoint";

/// What a registration says about the client (RFC 7591 section 2): a native application (OpenID Connect Registration
/// section 2) whose browser returns to a loopback address.
#[derive(Debug, Clone)]
pub struct ClientMetadata {
    pub redirect_uris: Vec<String>,
    /// The scopes that the client may ask for.
    pub scope: Option<String>,
    /// How the client authenticates.
    pub method: AuthenticationMethod,
}

impl ClientMetadata {
    /// The members of a registration request or a metadata document.
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

    /// The client ID metadata document to host at the URL that is the client's identifier.
    pub fn document(&self, client_id: &ClientIdUrl) -> Value {
        let mut members = self.members();
        members.insert("client_id".to_owned(), client_id.0.as_str().into());
        Value::Object(members)
    }

    /// The registration request (RFC 7591 section 3.1).
    pub fn request(&self, endpoint: &EndpointUrl, transport: &Transport) -> HttpRequest {
        let mut request = endpoint.request(Method::Post, transport);
        let body = Value::Object(self.members()).to_string();
        request.body = Some((JSON, SecretText::new(body)));
        request.headers.push(("accept", SecretText::new(JSON)));
        request
    }
}

/// The URL of a client ID metadata document, which is also the client's identifier (OAuth Client ID Metadata Document
/// section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdUrl(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClientId {
    #[error(transparent)]
    Url(#[from] UrlRefused),
    /// The draft does not allow it.
    #[error(
        "the URL of a client ID metadata document must be https, have a path without `.` and `..`, and have no query"
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
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A registered client (RFC 7591 section 3.2.1). The server may have changed what was requested.
#[derive(Debug)]
pub struct Registration {
    pub client_id: String,
    pub client_secret: Option<ClientSecret>,
    /// When the secret expires.
    pub secret_ends: Option<Timestamp>,
    pub method: Option<AuthenticationMethod>,
    /// Where its browser may return; `None` if the server does not say, which means as requested.
    pub redirect_uris: Option<Vec<String>>,
    /// The scopes that it may ask for, if the server says so.
    pub scopes: Option<ScopeSet>,
    pub management: Option<Management>,
}

/// The URL for managing a registration, and its token (RFC 7592).
#[derive(Debug)]
pub struct Management {
    /// `registration_client_uri`, which has not been checked yet.
    pub uri: String,
    pub token: AccessToken,
}

/// Reads the response to a registration (RFC 7591 section 3.2.1).
pub fn response(response: &HttpResponse) -> Result<Registration, EndpointError> {
    // The standard says 201; some servers send 200.
    let object = answer::object(ENDPOINT, response)?;
    let unusable = |reason: &str| answer::unusable(ENDPOINT, response, reason);
    let text = |member: &str| object.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let client_id = text("client_id").ok_or_else(|| unusable("it has no client_id"))?;
    if client_id.len() > 2048 || !client_id.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return Err(unusable("its client_id is not printable ASCII"));
    }
    let client_secret = text("client_secret").map(ClientSecret::parse).transpose();
    let client_secret = client_secret.map_err(|_| unusable("its client_secret is not printable ASCII"))?;
    // "REQUIRED if client_secret is issued"; 0 means that it does not expire.
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

/// The request that deletes a registration (RFC 7592 section 2.3).
pub fn deletion(uri: &EndpointUrl, token: &AccessToken, transport: &Transport) -> HttpRequest {
    let mut request = uri.request(Method::Delete, transport);
    request.headers.push(("authorization", SecretText::new(format!("Bearer {}", token.expose()))));
    request
}

/// The result of deleting a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Deleted,
    /// The server does not know the client, or rejects the token: "401" means either (RFC 7592 section 2.3).
    NotKnown,
    /// The registration may still exist.
    Failed,
}

impl End {
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
