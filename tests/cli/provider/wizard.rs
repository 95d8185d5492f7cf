//! The wizard.

use std::sync::Arc;

use super::config;
use crate::support::browsers::Never;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn the_wizard_asks_what_only_the_user_knows() {
    let mut sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.system.browser = Arc::new(Never);
    // Neither a template nor a URL; the list; a template; its name; domain, id, secret; write it; no login.
    sandbox.input.type_answers(&["githb", "?", "bitbucket", "", "the-id", "y", "n"]);
    sandbox.input.type_hidden(&["secret-canary"]);
    let output = sandbox.run(&["provider", "add"]).ok();
    assert!(sandbox.input.is_used_up());
    for text in [
        "did you mean `github`?",
        "Bitbucket Cloud: ",
        "Register the client at https://bitbucket.org/",
        "Use this redirect URI: http://127.0.0.1:8484/callback",
        "The Key of the consumer",
        "+ oauth._client_secret = <stored>",
        "run `authctl login bitbucket` to log in",
    ] {
        assert!(output.stderr.contains(text), "{text}: {output}");
    }
    let asked = sandbox.input.asked.take();
    assert_eq!(
        asked,
        [
            "Provider",
            "Provider",
            "Provider",
            "Provider name",
            "client_id",
            "client_secret (hidden)",
            "Save this?",
            "Log in now?"
        ]
    );
    assert!(
        config(&sandbox)
            .contains("[credentials.bitbucket]\ntemplate = \"bitbucket\"\noauth.client_id = \"the-id\"\n")
    );
    assert!(!sandbox.files().iter().any(|(_, text)| String::from_utf8_lossy(text).contains("canary")));
}

#[test]
fn the_wizard_writes_nothing_without_confirmation() {
    let sandbox = Sandbox::new("store = \"file\"\n");
    let before = sandbox.files();
    sandbox.input.type_answers(&["", "id", "n"]);
    sandbox.input.type_hidden(&["secret"]);
    sandbox.run(&["provider", "add", "--template", "bitbucket"]).ok().says("Nothing was saved.");
    assert_eq!(sandbox.files(), before);
    sandbox.input.type_answers(&["", "", "", "", ""]);
    sandbox
        .run(&["provider", "add", "bitbucket"])
        .fails(1)
        .says("no valid value was entered for `client_id`");
    assert_eq!(sandbox.files(), before);
}

#[test]
fn a_provider_is_added_from_a_url_and_logged_in() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.registers = Some(serde_json::Map::new());
        behaviour.metadata.insert("scopes_supported".to_owned(), serde_json::json!(["openid", "profile"]));
    });
    let html = crate::support::http::Reply::full(200, &[("content-type", "text/html")], "");
    server.fault("/", html.clone());
    let sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.input.type_answers(&[&server.issuer(), "mine", "y", "y"]);
    sandbox.run(&["provider", "add"]).ok().says("Logged in to mine as alice");
    let text = config(&sandbox);
    for line in [
        format!("oauth.issuer = \"{}\"", server.issuer()),
        "oauth.scopes = [\"openid\", \"profile\"]".to_owned(),
        "scheme = \"http\"".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    let token = sandbox.run(&["token"]).ok();
    assert_eq!(sandbox.run(&["token", &server.issuer()]).ok(), token, "by its URL too");
    // The same without a terminal.
    server.fault("/", html);
    let sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.run(&["provider", "add", "mine", "--from", &server.issuer(), "--login"]).ok().says("as alice");
    sandbox.run(&["whoami", "mine"]).ok();
}

#[test]
fn a_templates_name_is_enough_to_log_in_interactively() {
    let sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.run(&["login", "github"]).fails(4).says("run `authctl provider add github`");
    sandbox.input.type_answers(&["app", "", "n"]);
    sandbox.input.type_hidden(&[""]);
    let output = sandbox.run(&["login", "github"]);
    assert_eq!((output.status, sandbox.input.is_used_up()), (1, true), "not written, no login: {output}");
    assert!(!config(&sandbox).contains("github"));
    // The new provider is logged in to at once; no server responds there.
    let sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.input.type_answers(&["app", "", "y"]);
    sandbox.input.type_hidden(&[""]);
    sandbox
        .run(&["login", "github", "--timeout", "1s", "--no-browser"])
        .fails(1)
        .says("did not return within 1 second");
    assert!(
        config(&sandbox).contains("[credentials.github]\ntemplate = \"github\"\noauth.client_id = \"app\"")
    );
}

#[test]
fn a_login_with_nothing_configured_asks_where() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.registers = Some(serde_json::Map::new()));
    server.fault("/", crate::support::http::Reply::full(200, &[("content-type", "text/html")], ""));
    let sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.run(&["login"]).fails(4).says("run `authctl provider add`");
    sandbox.input.type_answers(&[&server.issuer(), "mine", "y"]);
    sandbox.run(&["login"]).ok().says("Logged in to mine");
    sandbox.run(&["token"]).ok();
}
