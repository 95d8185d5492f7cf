//! Accounts and logins without a browser.

use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn another_users_login_does_not_overwrite_an_account() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let alice = sandbox.run(&["token"]).ok();
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox
        .run(&["login"])
        .ok()
        .says("Logged in to as as bob")
        .says("bob is now the default account; 1 more is logged in");
    let bob = sandbox.run(&["token"]).ok();
    assert_ne!(alice, bob);
    assert_eq!(sandbox.run(&["token", "--account", "alice"]).ok(), alice);
    assert_eq!(sandbox.run(&["token", "--account", "bob"]).ok(), bob);
    let refused = sandbox
        .run(&["login", "--account", "alice"])
        .fails(1)
        .says("the account `alice` belongs to `alice`, and you logged in as `bob`");
    assert!(refused.stderr.contains("--account"), "{refused}");
    assert!(server.accepts(alice.text()), "alice's tokens are untouched");
    assert_eq!(sandbox.run(&["token", "--account", "alice"]).ok(), alice);
    let status = sandbox.run(&["status"]).ok();
    assert!(status.stdout.contains("alice") && status.stdout.contains("bob *"), "{status}");
    sandbox.run(&["logout", "--all"]).ok();
    sandbox.run(&["token", "--account", "alice"]).fails(3);
}

#[test]
fn a_new_login_by_the_same_user_replaces_the_old_one() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login", "--account", "work"]).ok();
    let first = sandbox.run(&["token"]).ok();
    sandbox.run(&["login"]).ok();
    assert_ne!(sandbox.run(&["token", "--account", "work"]).ok(), first);
    let status: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["status", "--json"]).ok().stdout).unwrap();
    assert_eq!(status["providers"][0]["accounts"].as_array().unwrap().len(), 1);
}

#[test]
fn with_token_from_standard_input() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let refresh_token = server.secrets().into_iter().find(|secret| secret.starts_with("refresh")).unwrap();
    let other = Sandbox::with_server(&server.domain());
    other.input.pipe(&format!("{refresh_token}\n"));
    other.run(&["login", "--with-token=refresh"]).ok().says("Logged in to as");
    assert!(server.accepts(other.run(&["token"]).ok().text()));

    let token = sandbox.run(&["token", "--refresh"]);
    assert_eq!(token.status, 3, "the other home has used the refresh token");
    let third = Sandbox::with_server(&server.domain());
    third.input.pipe("a-token-of-another-tool\n");
    third.run(&["login", "--with-token"]).ok();
    assert_eq!(third.run(&["token"]).ok().text(), "a-token-of-another-tool");
    third.input.pipe("two\nlines");
    third.run(&["login", "--with-token"]).fails(1).says("standard input contains no");
}

#[test]
fn kinds_without_a_login_say_so() {
    let sandbox = Sandbox::new("[credentials.x]\ndomain = \"x.example\"\njwt = \"tok\"");
    sandbox.run(&["login", "x"]).fails(1).says("does not offer a login").says("authctl token x");
}

#[test]
fn a_missing_client_id_says_where_to_register() {
    let sandbox = Sandbox::new("[credentials.gh]\ntemplate = \"github\"");
    sandbox
        .run(&["login"])
        .fails(4)
        .says("`client_id` is not set")
        .says("https://github.com/settings/applications/new");
    let sandbox = Sandbox::new("");
    sandbox.run(&["login", "github"]).fails(4).says("add it from its template");
}

#[test]
fn with_token_needs_a_kind_with_a_login() {
    let sandbox = Sandbox::new("[credentials.x]\ndomain = \"x.example\"\njwt = \"tok\"");
    sandbox.input.pipe("other");
    sandbox.run(&["login", "--with-token"]).fails(1).says("does not offer a login");
}
