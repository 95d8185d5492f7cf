//! The server's responses are checked and escaped.

use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn an_authentication_older_than_max_age_is_rejected() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&server_config(&server.domain(), "extra_params = { max_age = \"60\" }"));
    sandbox.run(&["login"]).fails(1).says("has no `auth_time`");
    let now = jiff::Timestamp::now().as_second();
    server.set(|behaviour| drop(behaviour.claims.insert("auth_time".to_owned(), (now - 9000).into())));
    sandbox.run(&["login"]).fails(1).says("`auth_time` does not match");
    server.set(|behaviour| drop(behaviour.claims.insert("auth_time".to_owned(), now.into())));
    sandbox.run(&["login"]).ok();
}

#[test]
fn names_from_the_server_are_escaped_f_ctrl2() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login", "--account", "me"]).ok();
    server.set(|behaviour| {
        behaviour.user = "mallory".to_owned();
        behaviour.claims.insert("preferred_username".to_owned(), "\u{1b}]0;PWN\u{7}".into());
    });
    let output = sandbox.run(&["--color", "always", "login", "--account", "me"]).fails(1);
    assert!(!output.stderr.contains("\u{1b}]"), "{output}");
    assert!(server.any_family_revoked(), "tokens that are not stored are revoked");
}

#[test]
fn an_access_token_with_a_space_is_rejected() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    server
        .set(|behaviour| drop(behaviour.token_members.insert("access_token".to_owned(), "two words".into())));
    sandbox.run(&["login"]).fails(1).says("contains a space");
    sandbox.run(&["token"]).fails(3);
    // The same applies to tokens from the configuration, a variable or a program.
    for kind in ["jwt = \"two words\"", "command = [\"printf\", \"two words\"]", "jwt = { env = \"TOKEN\" }"]
    {
        let sandbox = Sandbox::new(&format!("[credentials.x]\ndomain = \"x.example\"\n{kind}\n"));
        sandbox.environment.set("TOKEN", "two words");
        let output = sandbox.run(&["token"]);
        assert!(output.status != 0 && output.stdout.is_empty(), "{kind}: {output}");
    }
}

#[test]
fn no_output_sets_links_titles_or_the_clipboard_f_ctrl3_f_leak5() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let output = sandbox.run(&["--color", "always", "login"]).ok();
    assert!(output.stderr.contains("\u{1b}["), "it is coloured");
    assert!(!output.stderr.contains("\u{1b}]"), "no OSC sequence of any kind: {output}");
}
