//! The internet of the pages, on one loopback port: every host is both an authorization server and an API.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, json};

use crate::support::AuthorizationServer;
use crate::support::http::{Reply, Request, Server};

/// Every host at once.
pub struct Internet {
    /// Dropped first, so that the authorization server reports unexpected requests afterwards.
    proxy: Server,
    pub authority: String,
    #[allow(dead_code, reason = "examples/picture.rs changes what it answers")]
    pub server: Arc<AuthorizationServer>,
}

impl Internet {
    pub fn start() -> Self {
        let server = Arc::new(AuthorizationServer::start());
        server.set(|behaviour| {
            behaviour.device.insert("interval".to_owned(), 1.into());
            behaviour.registers = Some(Map::new());
            let offered = json!(["openid", "profile", "email", "offline_access"]);
            behaviour.metadata.insert("scopes_supported".to_owned(), offered);
        });
        let answering = Arc::clone(&server);
        let (proxy, authority) = Server::start_internet(move |request| answer(&answering, request));
        Self { proxy, authority, server }
    }

    pub fn url(&self) -> String {
        self.proxy.url()
    }
}

/// Paths of well-known providers, with the server's own paths.
const PATHS: [(&str, &str); 3] = [
    ("/login/oauth/authorize", "/authorize"),
    ("/login/oauth/access_token", "/token"),
    ("/login/device/code", "/device"),
];
/// The paths that the authorization server answers.
const OF_SERVER: [&str; 12] = [
    "/authorize",
    "/token",
    "/jwks",
    "/userinfo",
    "/revoke",
    "/introspect",
    "/par",
    "/device",
    "/enter",
    "/register",
    "/end-session",
    "/actions",
];

fn answer(server: &AuthorizationServer, request: &Request) -> Reply {
    let host = request.header("host").unwrap_or_default().to_owned();
    let mapped = PATHS.iter().find(|(path, _)| *path == request.path());
    let path = mapped.map_or(request.path(), |(_, path)| path);
    if host.starts_with("mcp.") && !path.starts_with("/.well-known/o") {
        return resource(request, &host);
    }
    if host.starts_with("mcp.") {
        let metadata = json!({
            "resource": format!("https://{host}/mcp"), "authorization_servers": ["https://login.example.com"],
            "scopes_supported": ["files:read"], "resource_name": "Files",
        });
        let is_it = path == "/.well-known/oauth-protected-resource/mcp";
        return if is_it { Reply::json(200, &metadata) } else { Reply::full(404, &[], "") };
    }
    if host.starts_with("sts.") {
        return assume_role(request);
    }
    if !OF_SERVER.contains(&path) && !path.starts_with("/.well-known/") && !path.starts_with("/register/") {
        return resource(request, &host);
    }
    // Every client is registered.
    let basic = request.header("authorization").and_then(|header| header.strip_prefix("Basic "));
    let pair = basic.and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
    let (id, secret) = match pair.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((id, secret)) => (Some(id.to_owned()), Some(secret.to_owned())),
        None => (request.parameter("client_id"), request.parameter("client_secret")),
    };
    server.set(|behaviour| {
        if let Some(id) = id {
            behaviour.client_id = id;
        }
        behaviour.client_secret = secret;
    });
    let target = request.target.replacen(request.path(), path, 1);
    server.answer(&Request { target, ..request.clone() })
}

/// An API. It accepts any token; the authorization server's own stories check tokens.
fn resource(request: &Request, host: &str) -> Reply {
    let Some(shown) = request.header("authorization").or(request.header("x-api-key")) else {
        let metadata = format!("https://{host}/.well-known/oauth-protected-resource/mcp");
        let challenge = match host.starts_with("mcp.") {
            true => format!("Bearer resource_metadata=\"{metadata}\", scope=\"files:read\""),
            false => "Basic realm=\"git\"".to_owned(),
        };
        return Reply::full(401, &[("www-authenticate", challenge.as_str())], "");
    };
    if request.target.contains("service=git-upload-pack") {
        assert!(shown.starts_with("Basic ") || shown.starts_with("Bearer "));
        let line = format!("{} capabilities^{{}}\0agent=git/2\n", "0".repeat(40));
        let text = format!("001e# service=git-upload-pack\n0000{:04x}{line}0000", line.len() + 4);
        return Reply::full(200, &[("content-type", "application/x-git-upload-pack-advertisement")], text);
    }
    Reply::json(200, &json!({ "login": "alice" }))
}

/// AWS's security token service.
fn assume_role(request: &Request) -> Reply {
    assert_eq!(request.parameter("Action").as_deref(), Some("AssumeRoleWithWebIdentity"));
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let text = format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult>\
         <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret-canary</SecretAccessKey>\
         <SessionToken>session-canary</SessionToken><Expiration>{end:.0}</Expiration></Credentials>\
         </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    );
    Reply::full(200, &[("content-type", "text/xml")], text)
}
