//! From login to logout.

use super::{call_api, config, ended};
use crate::parts::{Bus, Ended, Home, OidcProvider, artefacts, wait_until};

#[test]
fn from_login_to_logout_with_a_real_browser_and_keyring() {
    let mut bus = Bus::with_keyring();
    let server = OidcProvider::start(3600);
    let mut home = Home::new(&config(&server, ""));
    home.bus = Some(bus.address.clone());

    home.run(&["token"]).fails(3).says("you are not logged in");
    let report = artefacts().join("page.json");
    let _ = std::fs::remove_file(&report);
    let login = home.login("browser.mjs", &[]).ok();
    for said in
        ["Logged in to op as alice", "Stored in the keyring", "expires in 1 hour and refreshes automatically"]
    {
        assert!(login.stderr.contains(said), "{said}: {login:#?}");
    }
    // The browser takes its pictures while the login continues.
    wait_until("the browser's report", || report.exists());
    let report = std::fs::read_to_string(report).unwrap();
    assert!(
        report.contains("\"title\":\"You are logged in\"") && report.contains("\"problems\":[]"),
        "{report}"
    );

    let status = home.run(&["status"]).ok();
    assert!(status.stdout.contains("alice") && status.stdout.contains("keyring"), "{status:#?}");
    let whoami = home.run(&["whoami"]).ok();
    assert!(whoami.stdout.contains("The user alice"), "{whoami:#?}");

    let first = home.run(&["headers"]).ok();
    assert_eq!(call_api(&server, &first.stdout), ("200".to_owned(), "{\"hello\":\"alice\"}".to_owned()));

    server.set_access_token_seconds(2);
    let short = home.run(&["token", "--refresh"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1);
    let short = format!("Authorization: Bearer {}", short.text());
    wait_until("the end of the token", || call_api(&server, &short).0 == "401");
    server.set_access_token_seconds(3600);
    let renewed = home.run(&["headers"]).ok();
    assert_eq!(call_api(&server, &renewed.stdout).0, "200");
    assert_eq!(server.token_requests("refresh_token"), 2);
    assert_eq!(home.run(&["headers"]).ok(), renewed, "from the keyring");

    home.run(&["logout"]).ok().says("The server revoked the refresh token").says("deleted from the keyring");
    assert_eq!(call_api(&server, &renewed.stdout).0, "401", "revoked");
    home.run(&["token"]).fails(3);
    assert!(bus.keyring_is_alive());
}

#[test]
fn a_changed_token_endpoint_gets_nothing_f_bind1() {
    let bus = Bus::with_keyring();
    let (server, evil) = (OidcProvider::start(1), OidcProvider::start(1));
    let home = ended(&server, &bus);
    home.configure(
        &config(&server, "")
            .replace("client_id", &format!("token_endpoint = \"{}/token\"\nclient_id", evil.issuer)),
    );
    let before = server.requests();
    home.run(&["token"]).fails(3).says("nothing was sent");
    assert_eq!((server.requests(), evil.requests()), (before, 0));
}

#[test]
fn client_credentials() {
    let bus = Bus::with_keyring();
    let server = OidcProvider::start(3600);
    let mut home = Home::new(&format!(
        "[credentials.m]\ndomain = \"{}\"\nscheme = \"http\"\n[credentials.m.oauth]\ngrant_type = \"client_credentials\"\nclient_id = \"machine\"\n_client_secret = {{ env = \"MACHINE_SECRET\" }}\n",
        server.domain()
    ));
    home.bus = Some(bus.address.clone());
    let token = |home: &Home| {
        Ended::from(home.command(&["token"]).env("MACHINE_SECRET", "machine-secret-canary").output().unwrap())
            .ok()
    };
    let first = token(&home);
    assert_eq!(token(&home), first);
    assert_eq!(server.token_requests("client_credentials"), 1);
}
