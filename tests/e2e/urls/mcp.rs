//! Model Context Protocol servers for each revision of its authorization: they check the token's audience, issuer and scopes. The ids C1 to C14 are those of the revisions 2025-06-18, 2025-11-25 and 2026-07-28.

use serde_json::{Value, json};

use super::{last, login, silent};
use crate::interop::{Service, fed};
use crate::parts::{Ended, Home, OidcProvider};

const INITIALIZE: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"curl\",\"version\":\"1\"}}}";
const CALL: &str = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"note\"}}";

/// A server, its resource, and a home that knows neither.
struct Scene {
    server: OidcProvider,
    notes: Service,
    home: Home,
}

impl Scene {
    fn new(says: Value) -> Self {
        let server = OidcProvider::with(&json!({
            "registers": { "rotates": true }, "strictRedirect": true, "strictOffline": true,
        }));
        let notes = Service::start("mcp", &server, &says);
        Self { server, notes, home: Home::empty() }
    }

    fn url(&self) -> String {
        format!("{}/mcp", self.notes.origin)
    }

    #[track_caller]
    fn login(&self, arguments: &[&str]) -> Ended {
        let command = &mut login(&self.home, &[&[self.url().as_str()], arguments].concat());
        silent(&self.server, Ended::from(command.output().unwrap()))
    }

    /// Calls a method with `authctl curl`: returns the status, and the output with the headers.
    #[track_caller]
    fn call(&self, body: &str) -> (u16, Ended) {
        let ended = self.home.run(&["curl", &self.url(), "-sS", "-i", "--json", body]);
        let ended = silent(&self.server, ended).ok();
        (ended.stdout.split(' ').nth(1).unwrap().parse().unwrap(), ended)
    }

    /// The same with header lines from a pipe.
    #[track_caller]
    fn call_with_headers(&self, body: &str) -> String {
        let headers = self.home.run(&["headers", &self.url()]).ok();
        let mut curl = std::process::Command::new("curl");
        curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "@-", "--json", body, &self.url()]);
        fed(curl, &headers.stdout).ok().stdout
    }

    /// Checks that only the headers of requests to it contained tokens, and that each was for it.
    #[track_caller]
    fn received_only_its_own_tokens(&self) {
        for entry in self.notes.log() {
            assert!(entry["query"] == "" && entry["refused"].is_null(), "{entry:#?}");
        }
    }
}

#[test]
fn each_mcp_revision_works_from_challenge_to_call() {
    for (revision, says, scope) in [
        ("2025-06-18", json!({ "told": "header" }), "offline_access read write"),
        ("2025-11-25", json!({ "told": "header", "challenge": ["scope=\"read\""] }), "offline_access read"),
        ("2025-11-25", json!({ "told": "path", "challenge": ["scope=\"read\""] }), "offline_access read"),
        ("2026-07-28", json!({ "told": "root", "challenge": ["scope=\"read\""] }), "offline_access read"),
        (
            "2026-07-28",
            json!({ "told": "path", "scopes": [], "challenge": ["error=\"invalid_token\", scope=\"read\""] }),
            "offline_access read",
        ),
    ] {
        let mut says = says;
        says["revision"] = revision.into();
        let scene = Scene::new(says.clone());
        let url = scene.url();
        scene
            .login(&[])
            .ok()
            .says("(`Notes`) uses the authorization server")
            .says("and refreshes automatically");
        let resource = if says["told"] == "root" { &scene.notes.origin } else { &url };
        let authorization = last(&scene.server, "/auth");
        assert_eq!(authorization["scope"], scope, "{says}");
        assert_eq!(authorization["resource"], resource.as_str(), "{says}: C4");
        assert_eq!(authorization["code_challenge_method"], "S256", "{says}: C5");
        assert_eq!(last(&scene.server, "/token")["resource"], resource.as_str(), "{says}: C4");

        let (status, answer) = scene.call(INITIALIZE);
        assert_eq!(status, 200, "{says}: {answer:#?}");
        assert!(answer.stdout.contains(&format!("\"protocolVersion\":\"{revision}\"")), "{answer:#?}");
        assert_eq!(scene.call_with_headers(INITIALIZE), "200", "{says}");
        silent(&scene.server, scene.home.run(&["refresh", &url]).ok());
        let refresh = last(&scene.server, "/token");
        assert_eq!(
            (&refresh["grant_type"], &refresh["resource"]),
            (&json!("refresh_token"), &json!(resource)),
            "{says}: S2"
        );
        assert_eq!(scene.call_with_headers(INITIALIZE), "200", "{says}: the renewed one");
        assert_eq!(scene.server.registered().len(), 1, "{says}");
        scene.received_only_its_own_tokens();
        scene.home.run(&["logout", &url]).ok().says("was deleted too");
    }
}

#[test]
fn a_call_that_needs_more_scopes_leads_to_a_login() {
    let scene = Scene::new(json!({ "revision": "2026-07-28", "challenge": ["scope=\"read\""] }));
    let url = scene.url();
    scene.login(&[]).ok();
    let examined = silent(&scene.server, scene.home.run(&["doctor"]).ok());
    assert!(!examined.stdout.contains("were not granted"), "{}", examined.stdout);
    let (status, answer) = scene.call(CALL);
    assert_eq!(status, 403, "{answer:#?}");
    let challenge = answer.stdout.lines().find_map(|line| line.strip_prefix("www-authenticate: ")).unwrap();
    assert!(challenge.contains("insufficient_scope") && challenge.contains("scope=\"write\""), "{challenge}");
    let (_, hint) = answer.stderr.split_once("`authctl login ").expect("a hint");
    let (name, _) =
        hint.split_once(" --scope \"offline_access read write\"` to request them").expect("a hint");
    scene.login(&["--challenge", challenge]).ok();
    assert_eq!(last(&scene.server, "/auth")["scope"], "offline_access read write", "the union");
    assert_eq!(scene.server.registered().len(), 1, "the same client");
    assert_eq!((scene.call(INITIALIZE).0, scene.call(CALL).0), (200, 200));
    silent(&scene.server, scene.home.run(&["refresh", &url]).ok());
    assert_eq!(scene.call(CALL).0, 200, "the refreshed token has the same scopes");
    // As the hint suggests.
    scene.home.run(&["logout", &url]).ok();
    scene.login(&[]).ok();
    assert_eq!(scene.call(CALL).0, 403);
    let as_hinted = &mut login(&scene.home, &[name, "--scope", "offline_access read write"]);
    silent(&scene.server, Ended::from(as_hinted.output().unwrap()).ok());
    assert_eq!(scene.call(CALL).0, 200);
    scene.received_only_its_own_tokens();
}

#[test]
fn invalid_mcp_metadata_ends_without_a_token() {
    let scene = Scene::new(json!({ "revision": "2026-07-28" }));
    let hides =
        |members: &str| drop(scene.server.control("set", Some(&format!("{{\"hides\":[{members}]}}"))));
    for (name, hidden, iss, says) in [
        ("another server answers", "", "https://evil.example", "is from a different authorization server"),
        ("the redirect has no issuer", "", "", "announces that it sends one"),
        (
            "another issuer, although none is announced",
            "\"authorization_response_iss_parameter_supported\"",
            "https://evil.example",
            "is from a different authorization server",
        ),
    ] {
        hides(hidden);
        let mut login = login(&scene.home, &[&scene.url()]);
        let ended = Ended::from(login.env("ISS", iss).output().unwrap());
        assert_eq!(ended.status, Some(1), "{name}: {ended:#?}");
        ended.says(says);
        assert_eq!(scene.server.token_requests("authorization_code"), 0, "{name}: C10");
    }
    hides("\"code_challenge_methods_supported\"");
    let before = scene.server.requests_to("/auth").len();
    scene.login(&[]).fails(1).says("does not announce support for PKCE (S256)");
    assert_eq!(scene.server.requests_to("/auth").len(), before, "C5");
    hides("");
    scene.notes.set(&json!({ "resource": "https://notes.example/mcp" }));
    scene.login(&[]).fails(1).says("`https://notes.example/mcp`, not for");
    assert_eq!(scene.server.requests_to("/auth").len(), before, "P2");
    scene.home.run(&["token", &scene.url()]).fails(3);
    for (server, says) in [
        ("javascript:alert(1)", "supplied a URL that authctl refuses to use"),
        ("https://169.254.169.254", "not a public address"),
        ("http://as.example", "is not an https URL"),
        ("https://as.example/$(id)", "is not valid in a URL"),
    ] {
        scene.notes.set(&json!({ "resource": null, "servers": [server] }));
        scene.login(&[]).fails(1).says(says);
        assert_eq!(scene.server.requests_to("/auth").len(), before, "C14: {server}");
    }
    // Metadata that was not announced need not exist.
    scene.notes.set(&json!({ "servers": null }));
    hides("\"authorization_response_iss_parameter_supported\"");
    let mut login = login(&scene.home, &[&scene.url()]);
    Ended::from(login.env("ISS", "").output().unwrap()).ok();
}

#[test]
fn a_resource_that_changed_its_authorization_server_needs_a_login() {
    let scene = Scene::new(json!({ "revision": "2026-07-28", "challenge": ["scope=\"read\""] }));
    scene.login(&[]).ok();
    assert_eq!(scene.call(INITIALIZE).0, 200);
    let issued = scene.server.issued();
    let other =
        OidcProvider::with(&json!({ "registers": {}, "strictRedirect": true, "strictOffline": true }));
    scene.notes.set(&json!({ "issuer": other.issuer }));
    assert_eq!(scene.call(INITIALIZE).0, 401, "its tokens are no longer valid");
    assert!(other.log().iter().all(|request| request["path"] == "/jwks"), "no token or code was sent there");
    scene.login(&[]).ok().says(&format!("uses the authorization server {}", other.issuer));
    assert_eq!((scene.server.registered().len(), other.registered().len()), (1, 1), "C12");
    assert_eq!(scene.call(INITIALIZE).0, 200);
    let seen = Value::from(other.log()).to_string();
    assert!(issued.iter().all(|token| !seen.contains(token)), "C11");
    scene.home.run(&["logout", &scene.url()]).ok();
}
