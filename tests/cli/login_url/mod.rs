//! `authctl login URL`: with nothing configured, against an authorization server and a small Model Context Protocol
//! server. The ids C1 to C14 are those of its authorization's revisions 2025-06-18, 2025-11-25 and 2026-07-28.

mod client;
mod failed_login;
mod hosts;
mod login;
mod metadata;
mod noted_registration;
mod registration;
mod responses;
mod scopes;
mod shared_registration;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::http::{Reply, Server};
use crate::support::{AuthorizationServer, Sandbox};

/// A protected resource at `/mcp`, and its metadata.
pub struct Resource {
    server: Server,
    shared: Arc<Mutex<Says>>,
}

impl Resource {
    /// A resource whose tokens the server issues, as in the current revision.
    pub fn of(server: &AuthorizationServer) -> Self {
        let shared = Arc::new(Mutex::new(Says { challenge: None, metadata: Vec::new() }));
        let says = Arc::clone(&shared);
        let this = Self {
            server: Server::start(move |request| {
                let says = says.lock().unwrap().clone();
                let found = says.metadata.iter().find(|(path, _)| path == request.path());
                match (found, request.path()) {
                    (Some((_, metadata)), _) => Reply::json(200, metadata),
                    (None, "/mcp" | "/mcp/tool") if request.header("authorization").is_none() => {
                        let headers: Vec<(&str, &str)> = says
                            .challenge
                            .iter()
                            .map(|challenge| ("www-authenticate", challenge.as_str()))
                            .collect();
                        Reply::full(401, &headers, "")
                    }
                    _ => Reply::full(404, &[], ""),
                }
            }),
            shared,
        };
        this.publish("/.well-known/oauth-protected-resource/mcp", json!({
            "resource": this.url(), "authorization_servers": [server.issuer()], "scopes_supported": ["files:read", "files:write"],
            "resource_name": "Files \u{9b}31m",
        }));
        this.challenge(&format!(
            "Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\", scope=\"files:read\"",
            this.server.url()
        ));
        this
    }

    pub fn url(&self) -> String {
        format!("{}/mcp", self.server.url())
    }

    fn challenge(&self, header: &str) -> &Self {
        self.shared.lock().unwrap().challenge = Some(header.to_owned());
        self
    }

    fn no_challenge(&self) -> &Self {
        self.shared.lock().unwrap().challenge = None;
        self
    }

    fn publish(&self, path: &str, metadata: Value) -> &Self {
        let mut says = self.shared.lock().unwrap();
        says.metadata.retain(|(known, _)| known != path);
        says.metadata.push((path.to_owned(), metadata));
        drop(says);
        self
    }

    fn publish_nothing(&self) -> &Self {
        self.shared.lock().unwrap().metadata.clear();
        self
    }

    fn paths(&self) -> Vec<String> {
        self.server.requests().iter().map(|request| request.path().to_owned()).collect()
    }
}

#[derive(Clone)]
struct Says {
    /// The `WWW-Authenticate` header of its 401.
    challenge: Option<String>,
    /// Its metadata by path, with `{self}` for its own URL.
    metadata: Vec<(String, Value)>,
}

pub fn registering() -> AuthorizationServer {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.registers = Some(serde_json::Map::new());
        behaviour.metadata.insert("scopes_supported".to_owned(), json!(["openid", "offline_access", "sudo"]));
    });
    server
}

fn empty() -> Sandbox {
    Sandbox::new("store = \"file\"\n")
}

/// The parameters of the last authorization request.
fn authorization(server: &AuthorizationServer, name: &str) -> Option<String> {
    server.requests_to("/authorize").last().unwrap().parameter(name)
}

fn refuse_tokens(server: &AuthorizationServer) {
    server.fault("/token", Reply::full(400, &[], r#"{"error":"invalid_grant"}"#));
}

/// The file of the discovered providers, if it exists.
fn discovered(sandbox: &Sandbox) -> Option<String> {
    std::fs::read_to_string(sandbox.path("state/learned.toml")).ok()
}
