//! A login with a URL, from discovery to logout.

use serde_json::{Value, json};

use super::{Resource, authorization, empty, registering};
use crate::support::http::{Reply, Server};

#[test]
fn a_url_login_discovers_registers_and_logs_out() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    sandbox.run(&["token", &url]).fails(3).says(&format!("run `authctl login {url}`"));
    let login = sandbox.run(&["login", &url]).ok();
    assert!(login.stderr.contains("(`Files \\u{9b}31m`)"), "F-CTRL2: {login}");
    login
        .says(&format!("uses the authorization server {}", server.issuer()))
        .says("Logged in to http://127.0.0.1");
    // The requested paths.
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
    assert_eq!(sandbox.run(&["token", &format!("{url}/tool")]).ok(), token, "a URL below it");
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

    sandbox.run(&["logout", &url]).ok().says("The client registration was deleted too.");
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
fn a_url_without_an_authorization_server_is_an_error() {
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
fn a_file_that_others_could_write_is_not_used_f_sto2() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    crate::support::sandbox::set_mode(&sandbox.path("state/learned.toml"), 0o622);
    sandbox.run(&["token", &resource.url()]).fails(3).says("it can be written by others");
}
