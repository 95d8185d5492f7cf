//! `authctl login URL`: with nothing configured, against an authorization server and a small server of the Model Context
//! Protocol. The ids C1 to C14 are those of its authorization's revisions 2025-06-18, 2025-11-25 and 2026-07-28.
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::browsers::Never;
use crate::support::http::{Reply, Server};
use crate::support::{AuthorizationServer, Sandbox};

/// A protected resource at `/mcp`, and what it says of itself.
pub struct Resource {
    server: Server,
    shared: Arc<Mutex<Says>>,
}

#[derive(Clone)]
struct Says {
    /// The `WWW-Authenticate` header of its 401.
    challenge: Option<String>,
    /// Its metadata by path, with `{self}` for its own URL.
    metadata: Vec<(String, Value)>,
}

impl Resource {
    /// A resource whose tokens the server gives, as the current revision has it.
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

#[test]
fn a_url_login_discovers_registers_and_logs_out() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    sandbox.run(&["token", &url]).fails(3).says(&format!("run `authctl login {url}`"));
    let login = sandbox.run(&["login", &url]).ok();
    assert!(login.stderr.contains("(`Files \\u{9b}31m`)"), "F-CTRL2: {login}");
    login.says(&format!("gets its tokens from {}", server.issuer())).says("Logged in to http://127.0.0.1");
    // What was asked for where.
    assert_eq!(
        authorization(&server, "scope").unwrap(),
        "files:read offline_access",
        "the challenge's, not all"
    );
    assert_eq!(authorization(&server, "resource").unwrap(), url, "C4");
    let exchange = server.requests_to("/token").last().unwrap().clone();
    assert_eq!(exchange.parameter("resource").unwrap(), url, "in the token request too");
    let registration: Value = serde_json::from_str(&server.requests_to("/register")[0].body).unwrap();
    assert_eq!(registration["application_type"], "native", "N8");
    assert_eq!(registration["redirect_uris"][0], authorization(&server, "redirect_uri").unwrap(), "G1");

    let token = sandbox.run(&["token", &url]).ok();
    assert!(server.accepts(token.text()));
    assert_eq!(sandbox.run(&["token", &format!("{url}/tool")]).ok(), token, "what is below it");
    assert_eq!(sandbox.run(&["token"]).ok(), token, "the only one");
    let header = format!("Authorization: Bearer {}\n", token.text());
    assert_eq!(sandbox.run(&["headers", &url]).ok().stdout, header, "C11");
    assert!(sandbox.run(&["status"]).ok().stdout.contains("127-0-0-1-"));
    sandbox.run(&["token", &server.issuer()]).fails(3);
    sandbox.run(&["token", &url.replace("/mcp", "/other")]).fails(3);

    // Another login uses the same client.
    sandbox.run(&["login", &url]).ok();
    assert_eq!(server.requests_to("/register").len(), 1, "G5");
    sandbox.run(&["token", &url, "--refresh"]).ok();
    let refresh = server.requests_to("/token").last().unwrap().clone();
    assert_eq!(refresh.parameter("resource").unwrap(), url, "S2");

    sandbox.run(&["logout", &url]).ok().says("The client that was registered for it is gone as well.");
    assert_eq!(server.requests_to("/register/1").len(), 1, "G3");
    sandbox.run(&["token", &url]).fails(3);
    assert!(!sandbox.files().iter().any(|(_, text)| String::from_utf8_lossy(text).contains("canary")));
}

#[test]
fn the_discovered_providers_file_holds_no_secret_f_leak3() {
    let (server, sandbox) = (registering(), empty());
    server.set(|behaviour| {
        behaviour.client_secret = Some("secret-canary".to_owned());
        behaviour
            .metadata
            .insert("token_endpoint_auth_methods_supported".to_owned(), json!(["client_secret_basic"]));
    });
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    sandbox.run(&["token", &resource.url(), "--refresh"]).ok();
    let discovered = std::fs::read_to_string(sandbox.path("state/learned.toml")).unwrap();
    assert!(discovered.contains("client_secret = { stored = true }"), "{discovered}");
    for (path, text) in sandbox.files() {
        assert!(!String::from_utf8_lossy(&text).contains("canary"), "{}", path.display());
    }
    assert!(!sandbox.run(&["config", "show"]).ok().stdout.contains("canary"));
}

#[test]
fn each_mcp_revision_finds_its_metadata() {
    let path = "/.well-known/oauth-protected-resource/mcp";
    let root = "/.well-known/oauth-protected-resource";
    // 2025-06-18: the challenge says where.
    let server = registering();
    let resource = Resource::of(&server);
    let elsewhere = format!("{}/meta", resource.server.url());
    let metadata = json!({ "resource": resource.url(), "authorization_servers": [server.issuer()] });
    resource.publish_nothing().publish("/meta", metadata.clone());
    resource.challenge(&format!("Bearer resource_metadata=\"{elsewhere}\""));
    empty().run(&["login", &resource.url()]).ok();
    assert!(!resource.paths().iter().any(|path| path.starts_with("/.well-known")), "{:?}", resource.paths());

    // 2025-11-25: without that, at its own well-known URL, then at its host's.
    let resource = Resource::of(&server);
    resource.no_challenge();
    empty().run(&["login", &resource.url()]).ok();
    assert_eq!(resource.paths(), ["/mcp", path]);
    let resource = Resource::of(&server);
    let metadata = json!({ "resource": resource.server.url(), "authorization_servers": [server.issuer()] });
    resource.challenge("Bearer").publish_nothing().publish(root, metadata);
    empty().run(&["login", &resource.url()]).ok();
    assert_eq!(resource.paths(), ["/mcp", path, root]);
    assert_eq!(
        authorization(&server, "resource").unwrap(),
        resource.server.url(),
        "what the metadata is about"
    );

    // 2025-03-26, which had no such metadata: the resource's host is the authorization server.
    let server = registering();
    let sandbox = empty();
    server.fault("/mcp/.well-known/openid-configuration", Reply::full(404, &[], ""));
    server.fault("/mcp", Reply::full(401, &[("www-authenticate", "Bearer scope=\"a\"")], ""));
    sandbox.run(&["login", &format!("{}/mcp", server.issuer())]).ok();
    assert_eq!(authorization(&server, "resource").unwrap(), format!("{}/mcp", server.issuer()));
    assert_eq!(authorization(&server, "scope").unwrap(), "a offline_access");
}

#[test]
fn a_resource_cannot_redirect_discovery_f_url5_f_ssrf() {
    for (name, metadata, says) in [
        (
            "another resource",
            json!({ "resource": "https://evil.example", "authorization_servers": ["{as}"] }),
            "`https://evil.example`, not about",
        ),
        (
            "a private address",
            json!({ "resource": "{self}", "authorization_servers": ["https://169.254.169.254/"] }),
            "not a public address",
        ),
        (
            "another private one",
            json!({ "resource": "{self}", "authorization_servers": ["https://[fd00::1]/"] }),
            "not a public address",
        ),
        (
            "no https",
            json!({ "resource": "{self}", "authorization_servers": ["http://as.example/"] }),
            "is not an https URL",
        ),
        (
            "F-URL2 a script",
            json!({ "resource": "{self}", "authorization_servers": ["javascript:alert(1)"] }),
            "is not",
        ),
        (
            "F-URL1 a command",
            json!({ "resource": "{self}", "authorization_servers": ["https://a.example/$(id)"] }),
            "does not belong in a URL",
        ),
        (
            "a query",
            json!({ "resource": "{self}", "authorization_servers": ["https://a.example/?x"] }),
            "does not belong in a URL",
        ),
        (
            "nobody",
            json!({ "resource": "{self}", "authorization_servers": [] }),
            "names no authorization server",
        ),
        (
            "a wrong type",
            json!({ "resource": "{self}", "authorization_servers": "{as}" }),
            "has no `authorization_servers`",
        ),
    ] {
        let (server, mut sandbox) = (registering(), empty());
        sandbox.system.browser = Arc::new(Never);
        let resource = Resource::of(&server);
        let text = metadata.to_string().replace("{self}", &resource.url()).replace("{as}", &server.issuer());
        resource.publish("/.well-known/oauth-protected-resource/mcp", serde_json::from_str(&text).unwrap());
        let before = sandbox.files();
        let output = sandbox.run(&["login", &resource.url()]).fails(1).says(says);
        assert!(output.stderr.contains("cannot be logged in to"), "{name}: {output}");
        assert_eq!(sandbox.files(), before, "{name}: nothing is noted");
        assert!(server.requests().is_empty(), "{name}");
    }
}

#[test]
fn a_challenge_can_only_point_to_allowed_hosts_f_ssrf_f_url5() {
    for (name, place) in [
        ("another host without TLS", "http://evil.example/meta"),
        ("a private address", "https://10.0.0.1/meta"),
        ("the machine itself by another name", "https://localhost:1/meta"),
        ("a file", "file:///etc/passwd"),
    ] {
        let (server, mut sandbox) = (registering(), empty());
        sandbox.system.browser = Arc::new(Never);
        let resource = Resource::of(&server);
        resource.challenge(&format!("Bearer resource_metadata=\"{place}\""));
        sandbox.run(&["login", &resource.url()]).fails(1).says("it names a URL that is not used");
        let _ = name;
    }
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    resource.challenge(&format!("Bearer resource_metadata=\"{}/nowhere\"", resource.server.url()));
    sandbox
        .run(&["login", &resource.url()])
        .fails(1)
        .says("there is no resource metadata at")
        .says("(status 404)");
}

#[test]
fn a_resource_whose_server_lacks_pkce_is_refused() {
    for methods in [Value::Null, json!([]), json!(["plain"])] {
        let (server, mut sandbox) = (registering(), empty());
        sandbox.system.browser = Arc::new(Never);
        server.set(|behaviour| {
            drop(behaviour.metadata.insert("code_challenge_methods_supported".to_owned(), methods))
        });
        let resource = Resource::of(&server);
        sandbox.run(&["login", &resource.url()]).fails(1).says("does not say that it checks PKCE (S256)");
        assert!(server.requests_to("/register").is_empty());
    }
}

#[test]
fn a_resources_metadata_must_name_its_own_issuer_f_url6() {
    let (server, mut sandbox) = (registering(), empty());
    sandbox.system.browser = Arc::new(Never);
    server.set(|behaviour| {
        drop(behaviour.metadata.insert("issuer".to_owned(), "https://other.example".into()))
    });
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).fails(1).says("is for the issuer");
    assert!(server.requests_to("/register").is_empty() && server.requests_to("/authorize").is_empty());
}

#[test]
fn a_client_metadata_document_is_preferred_to_registration() {
    let server = registering();
    let id = "https://app.example/authctl.json";
    server.set(|behaviour| {
        behaviour.client_id = id.to_owned();
        behaviour.metadata.insert("client_id_metadata_document_supported".to_owned(), true.into());
    });
    let resource = Resource::of(&server);
    let sandbox = Sandbox::new(&format!("store = \"file\"\nclient_id_metadata = \"{id}\"\n"));
    let document: Value = serde_json::from_str(&sandbox.run(&["client-metadata"]).ok().stdout).unwrap();
    assert_eq!(
        (&document["client_id"], &document["token_endpoint_auth_method"]),
        (&json!(id), &json!("none"))
    );
    assert_eq!(document["redirect_uris"][0], "http://127.0.0.1/callback");
    sandbox.run(&["login", &resource.url()]).ok();
    assert!(server.requests_to("/register").is_empty(), "C6");
    assert_eq!(authorization(&server, "client_id").unwrap(), id);
    // A server that takes none of them registers.
    let server = registering();
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 1);

    empty().run(&["client-metadata"]).fails(2).says("it is not known where");
    empty().run(&["client-metadata", "https://app.example"]).fails(2).says("has a path");
    let wrong = Sandbox::new("client_id_metadata = \"http://app.example/x\"\n");
    wrong.run(&["config", "check"]).fails(4).says("`client_id_metadata` cannot be used");
}

#[test]
fn without_registration_a_client_id_is_required() {
    let (server, sandbox) = (AuthorizationServer::start(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    sandbox
        .run(&["login", &url])
        .fails(4)
        .says("registers no clients by itself")
        .says(&format!("authctl login {url} --client-id ID"));
    sandbox.run(&["login", &url, "--client-id", "app"]).ok();
    sandbox.run(&["login", &url]).ok();
    // Another server than it was named for.
    let other = registering();
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": url, "authorization_servers": [other.issuer()] }),
    );
    sandbox.run(&["login", &url]).fails(4).says("was named for").says(&other.issuer());
    assert!(other.requests_to("/register").is_empty() && other.requests_to("/authorize").is_empty());
    sandbox.run(&["token", &url, "--refresh"]).ok();
    assert!(other.requests_to("/token").is_empty(), "what is stored is not for the other");
}

#[test]
fn a_new_issuer_gets_a_new_registration_and_no_old_secret() {
    let (first, second) = (registering(), registering());
    first.set(|behaviour| {
        behaviour.client_secret = Some("first-canary".to_owned());
        behaviour
            .metadata
            .insert("token_endpoint_auth_methods_supported".to_owned(), json!(["client_secret_basic"]));
    });
    let sandbox = empty();
    let resource = Resource::of(&first);
    sandbox.run(&["login", &resource.url()]).ok();
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": resource.url(), "authorization_servers": [second.issuer()] }),
    );
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(second.requests_to("/register").len(), 1);
    assert!(second.accepts(sandbox.run(&["token", &resource.url()]).ok().text()));
    for request in second.requests() {
        let all = format!("{}{:?}{}", request.target, request.headers, request.body);
        assert!(!all.contains("first-canary"), "{all}");
        assert!(request.header("authorization").is_none_or(|header| !header.starts_with("Basic")), "{all}");
    }
}

#[test]
fn step_up_requests_the_union_of_scopes() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    sandbox.run(&["login", &url]).ok();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"files:write\"";
    sandbox.run(&["login", &url, "--challenge", challenge]).ok();
    assert_eq!(authorization(&server, "scope").unwrap(), "files:read files:write offline_access");
    assert_eq!(server.requests_to("/register").len(), 1, "the same client");
    // A challenge that is none of that asks for what it says.
    sandbox.run(&["login", &url, "--challenge", "Bearer scope=\"files:write\""]).ok();
    assert_eq!(authorization(&server, "scope").unwrap(), "files:write offline_access");
    sandbox.run(&["login", "--challenge", challenge]).fails(2);
}

#[test]
fn a_client_is_registered_for_all_scopes() {
    let registered = |server: &AuthorizationServer| -> Vec<Value> {
        let bodies = server.requests_to("/register");
        bodies
            .iter()
            .map(|request| serde_json::from_str::<Value>(&request.body).unwrap()["scope"].clone())
            .collect()
    };
    // What a later login may need is named at once.
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(registered(&server), ["files:read files:write offline_access"]);
    assert_eq!(authorization(&server, "scope").unwrap(), "files:read offline_access", "and not asked for");
    // What no registration is for needs another one.
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"files:delete\"";
    sandbox.run(&["login", &resource.url(), "--challenge", challenge]).ok();
    let all = "files:delete files:read files:write offline_access";
    assert_eq!(registered(&server), ["files:read files:write offline_access", all]);
    sandbox.run(&["login", &resource.url(), "--scope", "files:delete"]).ok();
    assert_eq!(registered(&server).len(), 2);

    // A server that registers no scopes but its own chooses them itself, and is asked for any.
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    let refusal = json!({ "error": "invalid_client_metadata", "error_description": "scope" });
    server.fault("/register", Reply::json(400, &refusal));
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(registered(&server), [json!("files:read files:write offline_access"), Value::Null]);
    sandbox.run(&["login", &resource.url(), "--challenge", challenge]).ok();
    assert_eq!(registered(&server).len(), 2);
    // One that leaves some out is not asked again for them.
    let (server, sandbox) = (registering(), empty());
    server.set(|behaviour| behaviour.registers = json!({ "scope": "files:read" }).as_object().cloned());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(registered(&server).len(), 1);
}

#[test]
fn offline_access_is_requested_with_consent() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(authorization(&server, "prompt").unwrap(), "consent", "OpenID Connect Core section 11");
    let discovered = std::fs::read_to_string(sandbox.path("state/learned.toml")).unwrap();
    assert!(discovered.starts_with("# Written by authctl"), "{discovered}");
    // Without it nobody is asked more than they need to be.
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.registers = Some(serde_json::Map::new()));
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": resource.url(), "authorization_servers": [server.issuer()] }),
    );
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(authorization(&server, "prompt"), None);
}

#[test]
fn a_registration_the_server_forgot_is_replaced() {
    for (name, status, says) in [
        ("deleted", 204, "is gone as well"),
        (
            "gone, or managed with another token",
            401,
            "or does not take what its registration is managed with",
        ),
        ("in trouble", 503, "could not be deleted at the server"),
    ] {
        let (server, sandbox) = (registering(), empty());
        let resource = Resource::of(&server);
        sandbox.run(&["login", &resource.url()]).ok();
        server.fault("/register/1", Reply::full(status, &[], ""));
        let left = sandbox.run(&["logout", &resource.url()]).ok();
        assert!(left.stderr.contains(says), "{name}: {left}");
        sandbox.run(&["token", &resource.url()]).fails(3);
    }
}

#[test]
fn default_scopes_come_from_the_resource_not_the_server() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    resource.challenge("Bearer realm=\"x\"");
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(authorization(&server, "scope").unwrap(), "files:read files:write offline_access");
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": resource.url(), "authorization_servers": [server.issuer()], "scopes_supported": [] }),
    );
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(authorization(&server, "scope").unwrap(), "offline_access", "an empty list says nothing");
}

#[test]
fn an_openid_issuer_logs_a_person_in() {
    let (server, sandbox) = (registering(), empty());
    server.fault("/", Reply::full(200, &[("content-type", "text/html")], "hello"));
    sandbox.run(&["login", &server.issuer()]).ok().says("as alice");
    assert_eq!(authorization(&server, "scope").unwrap(), "offline_access openid");
    assert_eq!(authorization(&server, "resource"), None);
    assert!(sandbox.run(&["whoami", &server.issuer()]).ok().stdout.contains("alice"));
    sandbox.run(&["token", &server.issuer(), "--id-token"]).ok();
}

#[test]
fn what_is_no_server_says_so() {
    let nothing = Server::start(|_| Reply::full(404, &[], ""));
    let sandbox = empty();
    sandbox
        .run(&["login", &nothing.url()])
        .fails(1)
        .says("publishes no metadata")
        .says("authctl provider add");
    sandbox.run(&["login", "http://127.0.0.1:1/"]).fails(5).says("cannot reach 127.0.0.1:1");
    sandbox.run(&["login", "http://mcp.example/"]).fails(2).says("is not an https URL");
    sandbox.run(&["login", "mcp.example/x"]).fails(2).says("https://mcp.example/x");
    sandbox.run(&["login", "https://user:canary@mcp.example/"]).fails(2);
    assert!(sandbox.stores_nothing());
}

#[test]
fn registration_responses_are_handled() {
    for (name, members, status, says) in [
        (
            "another redirect URI",
            json!({ "redirect_uris": ["http://127.0.0.1:1/other"] }),
            1,
            "another redirect URI",
        ),
        ("no client", json!({ "client_id": null }), 1, "it has no client_id"),
        (
            "an unknown method",
            json!({ "token_endpoint_auth_method": "dance" }),
            1,
            "token_endpoint_auth_method is `dance`",
        ),
    ] {
        let (server, mut sandbox) = (registering(), empty());
        sandbox.system.browser = Arc::new(Never);
        server.set(|behaviour| behaviour.registers = members.as_object().cloned());
        let resource = Resource::of(&server);
        let output = sandbox.run(&["login", &resource.url()]).fails(status).says(says);
        assert!(output.stderr.contains("could not be registered"), "{name}: {output}");
    }
    for (error, status, says) in [
        ("invalid_redirect_uri", 1, "register an app there by hand"),
        ("invalid_client_metadata", 1, "`invalid_client_metadata`"),
        ("temporarily_unavailable", 5, "could not be registered"),
    ] {
        let (server, mut sandbox) = (registering(), empty());
        sandbox.system.browser = Arc::new(Never);
        // The first refusal may have been of the scopes.
        for _ in 0..2 {
            server.fault("/register", Reply::json(400, &json!({ "error": error })));
        }
        let resource = Resource::of(&server);
        sandbox.run(&["login", &resource.url()]).fails(status).says(says);
    }
}

#[test]
fn a_registration_with_a_taken_port_or_expired_secret_is_replaced() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    let redirect: url::Url = authorization(&server, "redirect_uri").unwrap().parse().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", redirect.port().unwrap())).unwrap();
    server.set(|behaviour| behaviour.client_id = "another-app".to_owned());
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 2);
    assert_ne!(authorization(&server, "redirect_uri").unwrap(), redirect.to_string());
    assert_eq!(server.requests_to("/register/1").len(), 1, "the one before is gone");
    drop(taken);
    sandbox.run(&["logout", &resource.url()]).ok();
    assert!(
        sandbox.stores_nothing(),
        "{:?}",
        sandbox.files().iter().map(|(path, _)| path).collect::<Vec<_>>()
    );

    server.set(|behaviour| {
        behaviour.client_secret = Some("secret-canary".to_owned());
        behaviour
            .metadata
            .insert("token_endpoint_auth_methods_supported".to_owned(), json!(["client_secret_basic"]));
        let ends = jiff::Timestamp::now().as_second() + 1000;
        behaviour.registers = json!({ "client_secret_expires_at": ends }).as_object().cloned();
    });
    let sandbox = empty();
    sandbox.run(&["login", &resource.url()]).ok();
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 3);
    sandbox.clock.advance(1001);
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 4, "G2");
}

/// The file of the discovered providers, and whether its token can be refreshed.
fn state(sandbox: &Sandbox, url: &str) -> (String, bool) {
    let discovered = sandbox.files().into_iter().find(|(path, _)| path.ends_with("learned.toml")).unwrap().1;
    (String::from_utf8(discovered).unwrap(), sandbox.run(&["token", url, "--refresh"]).status == 0)
}

#[test]
fn a_failed_login_leaves_the_previous_one_unchanged() {
    let (server, other, sandbox) = (registering(), registering(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    sandbox.run(&["login", &url]).ok();
    let before = state(&sandbox, &url);
    assert!(before.1);
    let refusal = || Reply::full(400, &[], r#"{"error":"invalid_grant"}"#);
    // The port of the registration is somebody else's, so that another client is registered.
    let redirect: url::Url = authorization(&server, "redirect_uri").unwrap().parse().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", redirect.port().unwrap())).unwrap();
    server.set(|behaviour| behaviour.client_id = "another-app".to_owned());
    server.fault("/token", refusal());
    sandbox.run(&["login", &url]).fails(1);
    assert_eq!(server.requests_to("/register").len(), 2);
    assert_eq!(server.requests_to("/register/1").len(), 1, "the new one is nobody's");
    server.set(|behaviour| behaviour.client_id = "app".to_owned());
    assert_eq!(state(&sandbox, &url), before);
    drop(taken);
    // The resource has another authorization server.
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": url, "authorization_servers": [other.issuer()] }),
    );
    other.fault("/token", refusal());
    sandbox.run(&["login", &url]).fails(1);
    assert_eq!(state(&sandbox, &url), before);
    other.fault("/register", Reply::full(500, &[], ""));
    sandbox.run(&["login", &url]);
    assert_eq!(state(&sandbox, &url), before);
}

#[test]
fn a_wrong_client_id_is_not_stored() {
    let (server, sandbox) = (AuthorizationServer::start(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    server.fault("/token", Reply::full(401, &[], r#"{"error":"invalid_client"}"#));
    server.set(|behaviour| behaviour.client_id = "slip".to_owned());
    sandbox.run(&["login", &url, "--client-id", "slip"]).fails(1);
    server.set(|behaviour| behaviour.client_id = "app".to_owned());
    sandbox.run(&["login", &url]).fails(4).says("--client-id ID");
    sandbox.run(&["login", &url, "--client-id", "app"]).ok();
    // The client of a provider that somebody configured is changed there.
    let configured = Sandbox::with_server(&server.domain());
    configured.run(&["login", "as", "--client-id", "other"]).fails(2).says("provider set as client_id=ID");
    assert!(!configured.files().iter().any(|(path, _)| path.ends_with("learned.toml")));
}

#[test]
fn one_registration_serves_two_resources_of_a_server() {
    let (server, sandbox) = (registering(), empty());
    let (one, other) = (Resource::of(&server), Resource::of(&server));
    sandbox.run(&["login", &one.url()]).ok();
    sandbox.run(&["login", &other.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 1);
    assert_ne!(sandbox.run(&["token", &one.url()]).ok(), sandbox.run(&["token", &other.url()]).ok(), "S4");
    sandbox.run(&["token"]).fails(2).says("several providers");
    sandbox.run(&["logout", &one.url()]).ok();
    assert!(server.requests_to("/register/1").is_empty(), "the other still needs it");
    sandbox.run(&["token", &other.url(), "--refresh"]).ok();
    sandbox.run(&["refresh", &other.url()]).ok().says(&format!("Renewed {}", other.url()));
    let logout = sandbox.run(&["logout", &other.url()]).ok();
    logout.says(&format!("Logged out of {}", other.url())).says("is gone as well");
    assert_eq!(server.requests_to("/register/1").len(), 1, "the last one ends it");
    assert!(sandbox.stores_nothing());
}

#[test]
fn a_configured_provider_goes_before_a_discovered_one() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    sandbox
        .configure("store = \"file\"\n[credentials.mine]\ndomain = \"mine.example\"\njwt = \"mine-token\"\n");
    assert_eq!(
        sandbox.run(&["token"]).ok().text(),
        "mine-token",
        "a discovered provider is selected by its URL"
    );
    assert_eq!(sandbox.run(&["token", "https://mine.example/x"]).ok().text(), "mine-token");
    sandbox.run(&["token", "https://mine.example:8443/x"]).fails(3);
    assert!(server.accepts(sandbox.run(&["token", &resource.url()]).ok().text()));
}

#[test]
fn a_configured_provider_without_a_client_is_registered_too() {
    let server = registering();
    let sandbox = Sandbox::new(&format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{}\"\nscheme = \"http\"\noauth.scopes = [\"openid\"]\n",
        server.domain()
    ));
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token", "--refresh"]).ok();
    sandbox.run(&["logout"]).ok();
    sandbox.run(&["login"]).ok();
    assert_eq!(server.requests_to("/register").len(), 1, "it outlives the login");
    // It ends with the provider, and is none by itself.
    let before = std::fs::read_to_string(sandbox.path("config/config.toml")).unwrap();
    sandbox.configure("store = \"file\"\n[credentials.b]\ndomain = \"b.example\"\njwt = \"static\"\n");
    sandbox.run(&["config", "check"]).ok();
    assert_eq!(sandbox.run(&["token"]).ok().text(), "static");
    sandbox.configure(&before);
    sandbox.run(&["provider", "remove", "as", "--logout"]).ok().says("is gone as well");
    assert_eq!(server.requests_to("/register/1").len(), 1, "G3");
    assert!(sandbox.stores_nothing());
    sandbox.configure(&before);
    sandbox.run(&["login"]).ok();
    // At another issuer it is nobody (MCP 2026-07-28).
    let other = registering();
    other.set(|behaviour| behaviour.client_id = "other".to_owned());
    sandbox.configure(&format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{}\"\nscheme = \"http\"\noauth.scopes = [\"openid\"]\n",
        other.domain()
    ));
    sandbox.run(&["token"]).fails(3);
    sandbox.run(&["login"]).ok();
    assert_eq!(other.requests_to("/register").len(), 1);
}

#[test]
fn a_file_that_others_could_write_is_not_used_f_sto2() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    crate::support::sandbox::set_mode(&sandbox.path("state/learned.toml"), 0o622);
    sandbox.run(&["token", &resource.url()]).fails(3).says("can be written by others, and is not used");
}

fn refuse_tokens(server: &AuthorizationServer) {
    server.fault("/token", Reply::full(400, &[], r#"{"error":"invalid_grant"}"#));
}

/// The file of the discovered providers, if it exists.
fn discovered(sandbox: &Sandbox) -> Option<String> {
    std::fs::read_to_string(sandbox.path("state/learned.toml")).ok()
}

fn registering_with_secrets() -> AuthorizationServer {
    let server = registering();
    server.set(|behaviour| {
        behaviour.client_secret = Some("secret-canary".to_owned());
        let methods = json!(["client_secret_basic"]);
        behaviour.metadata.insert("token_endpoint_auth_methods_supported".to_owned(), methods);
    });
    server
}

#[test]
fn a_registration_outlives_a_first_login_that_fails() {
    let (server, sandbox) = (registering_with_secrets(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    refuse_tokens(&server);
    sandbox.run(&["login", &url]).fails(1);
    assert_eq!(discovered(&sandbox), None, "nothing is configured");
    assert!(!sandbox.run(&["status"]).stdout.contains("127-0-0-1-"));
    sandbox.run(&["token", &url]).fails(3).says(&format!("run `authctl login {url}`"));
    sandbox.run(&["login", &url]).ok();
    assert_eq!(server.requests_to("/register").len(), 1, "the second login uses it");
    sandbox.run(&["token", &url, "--refresh"]).ok();
    for (path, text) in sandbox.files() {
        assert!(!String::from_utf8_lossy(&text).contains("canary"), "{}", path.display());
    }
    sandbox.run(&["logout", &url]).ok().says("is gone as well");
    assert_eq!(server.requests_to("/register/1").len(), 1);
    assert!(sandbox.stores_nothing(), "the note is gone too");
}

#[test]
fn logout_ends_the_registration_of_a_first_login_that_failed() {
    let (server, sandbox) = (registering_with_secrets(), empty());
    let resource = Resource::of(&server);
    refuse_tokens(&server);
    sandbox.run(&["login", &resource.url()]).fails(1);
    sandbox
        .run(&["logout", &resource.url()])
        .ok()
        .says(&format!("You were not logged in to {}", resource.url()))
        .says("is gone as well");
    assert_eq!(server.requests_to("/register/1").len(), 1);
    assert!(sandbox.stores_nothing());
    sandbox.run(&["logout", &resource.url()]).fails(3).says("no login is known");
    // For a configured provider it ends with the provider.
    let sandbox = Sandbox::new(&format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{}\"\nscheme = \"http\"\noauth.scopes = [\"openid\"]\n",
        server.domain()
    ));
    refuse_tokens(&server);
    sandbox.run(&["login"]).fails(1);
    sandbox.run(&["provider", "remove", "as"]).ok().says("is gone as well");
    assert!(sandbox.stores_nothing());
}

#[test]
fn a_noted_registration_that_cannot_be_used_is_ended_and_replaced() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    refuse_tokens(&server);
    sandbox.run(&["login", &resource.url()]).fails(1);
    let redirect: url::Url = authorization(&server, "redirect_uri").unwrap().parse().unwrap();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", redirect.port().unwrap())).unwrap();
    server.set(|behaviour| behaviour.client_id = "another-app".to_owned());
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 2);
    assert_eq!(server.requests_to("/register/1").len(), 1, "the first one is nobody's");
}

#[test]
fn a_login_that_fails_leaves_the_file_of_discovered_providers_alone() {
    let (server, other, sandbox) = (registering(), registering(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    sandbox.run(&["login", &url]).ok();
    let before = discovered(&sandbox);
    assert!(before.is_some());
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"files:write\"";
    refuse_tokens(&server);
    sandbox.run(&["login", &url, "--challenge", challenge]).fails(1);
    assert_eq!(discovered(&sandbox), before, "other scopes");
    refuse_tokens(&server);
    server.set(|behaviour| behaviour.client_id = "slip".to_owned());
    sandbox.run(&["login", &url, "--client-id", "slip"]).fails(1);
    server.set(|behaviour| behaviour.client_id = "app".to_owned());
    assert_eq!(discovered(&sandbox), before, "another client");
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": url, "authorization_servers": [other.issuer()] }),
    );
    refuse_tokens(&other);
    sandbox.run(&["login", &url]).fails(1);
    assert_eq!(discovered(&sandbox), before, "another authorization server");
    assert_eq!(other.requests_to("/register/1").len(), 1);
    sandbox.run(&["token", &url, "--refresh"]).ok();
    // A second login that succeeds changes nothing either.
    resource.publish(
        "/.well-known/oauth-protected-resource/mcp",
        json!({ "resource": url, "authorization_servers": [server.issuer()], "scopes_supported": ["files:read", "files:write"] }),
    );
    sandbox.run(&["login", &url]).ok();
    assert_eq!(discovered(&sandbox), before, "the same URL again");
    assert_eq!(server.requests_to("/register").len(), 1);
}

#[test]
fn what_authctl_notes_about_a_client_is_not_configuration() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    assert!(discovered(&sandbox).unwrap().contains("registered_with"));
    assert!(!sandbox.run(&["config", "show"]).ok().stdout.contains("registered_"));
    for key in ["registered_with", "registered_scopes", "registered_until"] {
        let sandbox = Sandbox::new(&format!(
            "[credentials.a]\ndomain = \"a.example\"\noauth = {{ client_id = \"a\", {key} = \"x\" }}\n"
        ));
        sandbox.run(&["config", "check"]).fails(4).says(&format!("has no key `{key}`"));
    }
}

#[test]
fn a_challenge_is_answered_for_a_configured_provider_too() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{0}\"\nscheme = \"http\"\nurl = \"http://{0}/mcp\"\n[credentials.as.oauth]\nclient_id = \"app\"\nscopes = [\"openid\", \"offline_access\"]\n",
        server.domain()
    ));
    let url = format!("{}/mcp", server.issuer());
    for (challenge, want) in [
        ("Bearer error=\"insufficient_scope\", scope=\"sudo\"", "offline_access openid sudo"),
        ("Bearer scope=\"sudo\"", "offline_access sudo"),
        ("Bearer error=\"invalid_token\"", "offline_access openid"),
    ] {
        for provider in [url.as_str(), "as"] {
            sandbox.run(&["login", provider, "--challenge", challenge]).ok();
            assert_eq!(authorization(&server, "scope").unwrap(), want, "{challenge}");
        }
    }
}
