//! A client that registers itself (RFC 7591) and deletes its registration (RFC 7592), at a strict server.

use std::process::Command;

use serde_json::{Value, json};

use super::{last, login, silent, status_of};
use crate::parts::{Bus, Ended, Home, OidcProvider, folder, node, wait_until};

/// A server that registers every client, compares redirect URIs exactly, and issues refresh tokens only as OpenID Connect
/// says.
fn strict(rotates: bool) -> OidcProvider {
    OidcProvider::with(&json!({
        "registers": { "rotates": rotates }, "strictRedirect": true, "strictOffline": true,
    }))
}

/// Everything that needs the login.
fn use_it(server: &OidcProvider, home: &Home) {
    let issuer = server.issuer.as_str();
    let registered = server.registered();
    let [client] = registered.as_slice() else { panic!("{registered:#?}") };
    assert_eq!(client["metadata"]["redirect_uris"][0], last(server, "/auth")["redirect_uri"], "G1");
    assert_eq!(client["metadata"]["application_type"], "native", "N8");

    let first = home.run(&["token", issuer]).ok();
    silent(server, home.run(&["refresh", issuer]).ok());
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert_ne!(home.run(&["token", issuer]).ok(), first);
    let url = format!("{issuer}/api");
    let called = silent(server, home.run(&["curl", &url, "-sS"]).ok());
    assert_eq!(called.stdout, "{\"hello\":\"alice\"}");
    let header = home.run(&["headers", issuer]).ok();
    assert_eq!(status_of(&url, header.text().rsplit(' ').next().unwrap()), 200);
    assert!(silent(server, home.run(&["whoami", issuer]).ok()).stdout.contains("The user alice"));
    let status = silent(server, home.run(&["status", issuer, "--json"]).ok());
    assert!(status.stdout.contains("alice"), "{status:#?}");
    silent(server, home.run(&["config", "show"]).ok());
}

/// Logs out; then neither authctl nor the server knows the client.
fn leave(server: &OidcProvider, home: &Home) {
    let client = server.registered().pop().unwrap();
    let (uri, token) = (client["uri"].as_str().unwrap(), client["token"].as_str().unwrap());
    assert_eq!(status_of(uri, token), 200, "until then the server knows it");
    let left = silent(server, home.run(&["logout", &server.issuer]).ok());
    left.says("The server revoked the refresh token").says("The client registration was deleted too");
    assert_eq!(status_of(uri, token), 401, "G3");
    home.run(&["token", &server.issuer]).fails(3);
    let discovered =
        std::fs::read_to_string(home.folder.path().join(".local/state/authctl/learned.toml")).unwrap();
    assert!(
        discovered.starts_with("# Written by authctl") && discovered.lines().count() == 1,
        "{discovered}"
    );
}

#[test]
fn a_url_login_works_with_a_real_browser_and_keyring() {
    let bus = Bus::with_keyring();
    let server = strict(false);
    let mut home = Home::empty();
    home.bus = Some(bus.address.clone());
    let pictures = tempfile::tempdir().unwrap();
    let mut with_browser =
        home.command(&["login", &server.issuer, "--timeout", "60s", "--browser", &chromium()]);
    let ended = Ended::from(with_browser.env("ARTEFACTS", pictures.path()).output().unwrap()).ok();
    silent(&server, ended)
        .says(&format!("Logged in to {}/ as alice", server.issuer))
        .says("and refreshes automatically")
        .says("Stored in the keyring");
    let report = pictures.path().join("page.json");
    wait_until("the browser's report", || report.exists());
    use_it(&server, &home);
    leave(&server, &home);
}

fn chromium() -> String {
    format!("{} {} %s", node().display(), folder().join("browser.mjs").display())
}

#[test]
fn a_rotated_registration_access_token_is_stored() {
    let server = strict(true);
    let home = Home::empty();
    Ended::from(login(&home, &[&server.issuer]).output().unwrap()).ok().says("no keyring is available");
    use_it(&server, &home);
    // A second login uses the same client and the same port.
    Ended::from(login(&home, &[&server.issuer]).output().unwrap()).ok();
    assert_eq!(server.registered().len(), 1, "G5");
    leave(&server, &home);
}

#[test]
fn a_registration_changed_by_another_client_is_handled() {
    let server = strict(true);
    let home = Home::empty();
    Ended::from(login(&home, &[&server.issuer]).output().unwrap()).ok();
    let client = server.registered().pop().unwrap();
    let mut changed = client["metadata"].clone();
    changed["client_id"] = client["id"].clone();
    changed["client_name"] = "renamed".into();
    let put = put(&client, &changed);
    assert_ne!(put["registration_access_token"], client["token"], "rotated");
    // The registration token is rejected: authctl forgets the registration and reports that.
    let left = silent(&server, home.run(&["logout", &server.issuer]).ok());
    left.says("or rejected its registration token");
    home.run(&["token", &server.issuer]).fails(3);
    let token = put["registration_access_token"].as_str().unwrap();
    assert_eq!(status_of(client["uri"].as_str().unwrap(), token), 200, "it is still there");
}

/// Changes a registration as its owner may (RFC 7592 section 2.2).
fn put(client: &Value, metadata: &Value) -> Value {
    let mut curl = Command::new("curl");
    let authorization = format!("Authorization: Bearer {}", client["token"].as_str().unwrap());
    curl.args(["-sS", "-X", "PUT", "-H", &authorization, "--json", "@-", client["uri"].as_str().unwrap()]);
    serde_json::from_str(crate::interop::fed(curl, &metadata.to_string()).ok().text()).unwrap()
}
