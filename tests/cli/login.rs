//! `authctl login`
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::support::browsers::{Absent, Does, follow};
use crate::support::http::Reply;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// Logs in and returns what the authorization request asked for.
fn asked_for(server: &AuthorizationServer, sandbox: &Sandbox, arguments: &[&str]) -> Vec<(String, String)> {
    sandbox.run(arguments).ok();
    server.requests_to("/authorize").last().unwrap().query()
}

/// PKCE and `state` always, whoever the client is; any free port; what is configured and no more.
/// F-ROT9: what belongs to one login is in the memory of its process alone, so that two at once cannot mix it up.
#[test]
fn a_login_in_progress_leaves_nothing_on_disk_f_rot9() {
    let server = AuthorizationServer::start();
    let one = Sandbox::with_server(&server.domain());
    let other = Sandbox::with_server(&server.domain());
    one.run(&["login"]).ok();
    other.run(&["login"]).ok();
    let values: Vec<String> = server
        .requests()
        .iter()
        .flat_map(|request| {
            ["state", "nonce", "code_challenge", "code_verifier", "code"].map(|name| request.parameter(name))
        })
        .flatten()
        .collect();
    assert!(values.len() >= 10, "{values:?}");
    for value in &values {
        assert!(values.iter().filter(|other| *other == value).count() <= 2, "each is its own: {value}");
        for (path, bytes) in one.files().into_iter().chain(other.files()) {
            assert!(
                !String::from_utf8_lossy(&bytes).contains(value.as_str()),
                "{value} in {}",
                path.display()
            );
        }
    }
}

#[test]
fn the_authorization_request_is_complete() {
    let server = AuthorizationServer::start();
    let more = "audience = \"api\"\nresource = [\"https://a.example\", \"https://b.example\"]\nextra_params = { prompt = \"login\", _hint = \"canary\" }";
    let sandbox = Sandbox::new(&server_config(&server.domain(), more));
    let first = asked_for(&server, &sandbox, &["login"]);
    let value = |name: &str| {
        first.iter().filter(|(present, _)| present == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(value("response_type"), ["code"]);
    assert_eq!(value("client_id"), ["app"]);
    assert_eq!(value("scope"), ["openid repo"]);
    assert_eq!(value("code_challenge_method"), ["S256"]);
    assert_eq!(value("code_challenge")[0].len(), 43);
    assert_eq!(value("state")[0].len(), 43, "256 bits");
    assert_eq!(value("nonce")[0].len(), 43);
    assert_eq!(value("audience"), ["api"]);
    assert_eq!(value("resource"), ["https://a.example", "https://b.example"]);
    assert_eq!(value("prompt"), ["login"]);
    assert_eq!(value("hint"), ["canary"], "the prefix is stripped");
    assert!(value("redirect_uri")[0].starts_with("http://127.0.0.1:"));
    let token_request = &server.requests_to("/token")[0];
    assert_eq!(token_request.parameter("redirect_uri").as_deref(), Some(value("redirect_uri")[0]), "O7");
    assert_eq!(token_request.form().iter().filter(|(name, _)| name == "resource").count(), 2, "S2");
    let second = asked_for(&server, &sandbox, &["login", "--scope", "openid gist"]);
    for name in ["state", "nonce", "code_challenge", "redirect_uri"] {
        assert_ne!(
            first.iter().find(|(n, _)| n == name),
            second.iter().find(|(n, _)| n == name),
            "{name} is fresh"
        );
    }
    assert!(second.contains(&("scope".to_owned(), "gist openid".to_owned())));
}

#[test]
fn client_secrets_use_the_offered_method() {
    for (name, config, metadata, basic) in [
        ("default", "", None, true),
        ("offered", "", Some(json!(["client_secret_post"])), false),
        ("configured", "token_endpoint_auth_method = \"client_secret_post\"", None, false),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            behaviour.client_secret = Some("a:b%c+d é".to_owned());
            if let Some(offered) = metadata {
                behaviour.metadata.insert("token_endpoint_auth_methods_supported".to_owned(), offered);
            }
        });
        let config =
            server_config(&server.domain(), &format!("{config}\n_client_secret = {{ env = \"SECRET\" }}"));
        let sandbox = Sandbox::new(&config);
        sandbox.environment.set("SECRET", "a:b%c+d é");
        sandbox.run(&["login"]).ok();
        let request = &server.requests_to("/token")[0];
        assert_eq!(request.header("authorization").is_some(), basic, "{name}");
        assert_eq!(request.parameter("client_secret").is_some(), !basic, "{name}");
        assert!(
            server.requests().iter().all(|request| !request.target.contains("secret")),
            "F-LEAK6: never in a URL"
        );
        sandbox.environment.set("SECRET", "wrong");
        sandbox.run(&["login"]).fails(1).says("`invalid_client`").says("check client_id and client_secret");
    }
}

#[test]
fn without_a_visible_browser_the_address_is_printed() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let absent = Arc::new(Absent::default());
    sandbox.system.browser = absent.clone();
    sandbox.run(&["login", "--timeout", "50ms"]).fails(1).says("Open this URL in a browser:");
    assert_eq!(*absent.0.lock(), 0, "a browser that nobody would see is not opened");
}

#[test]
fn accounts_another_person_never_overwrites() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let alice = sandbox.run(&["token"]).ok();
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox
        .run(&["login"])
        .ok()
        .says("Logged in to as as bob")
        .says("bob is now the account that is used; 1 more stay logged in");
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
fn a_new_login_of_the_same_person_takes_the_old_ones_place() {
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
    third.run(&["login", "--with-token"]).fails(1).says("standard input has no token");
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
        .says("there is no `client_id`")
        .says("https://github.com/settings/applications/new");
    let sandbox = Sandbox::new("");
    sandbox.run(&["login", "github"]).fails(4).says("there is a template of this name");
}

#[test]
fn the_page_waits_for_the_truth() {
    // The token endpoint fails after the redirect: the browser is told of a failure, not of success.
    let server = AuthorizationServer::start();
    server.fault("/token", Reply::full(500, &[], ""));
    let mut sandbox = Sandbox::with_server(&server.domain());
    let page = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&page);
    sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
        *seen.lock().unwrap() = follow(&url);
    })));
    sandbox.run(&["login"]).fails(5);
    std::thread::sleep(std::time::Duration::from_millis(100));
    let (status, page) = page.lock().unwrap().clone().unwrap();
    assert!(status == 400 && page.contains("The login failed"), "{page}");
}

#[test]
fn f_url_a_hostile_authorization_endpoint_is_neither_printed_nor_opened() {
    for endpoint in [
        "https://as.example/$(calc.exe)",
        "http://www.example.com/$(calc.exe)",
        "a:$(calc.exe)",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://as.example/\u{1b}[31m",
        "https://as.example/%PATH%",
        "https://user@as.example/",
        "http://169.254.169.254/latest",
        "https://169.254.169.254/latest",
        "https://10.0.0.1/authorize",
        "--remote-debugging-port=1",
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            drop(behaviour.metadata.insert("authorization_endpoint".to_owned(), endpoint.into()))
        });
        let mut sandbox = Sandbox::with_server(&server.domain());
        sandbox.system.browser = Arc::new(crate::support::browsers::Never);
        let output = sandbox.run(&["login"]).fails(1).says("the server named a URL that is not used");
        assert!(!output.stderr.contains("Open this URL") && !output.stderr.contains('\u{1b}'), "{output}");
    }
}

#[test]
fn an_authentication_older_than_max_age_is_rejected() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&server_config(&server.domain(), "extra_params = { max_age = \"60\" }"));
    sandbox.run(&["login"]).fails(1).says("has no `auth_time`");
    let now = jiff::Timestamp::now().as_second();
    server.set(|behaviour| drop(behaviour.claims.insert("auth_time".to_owned(), (now - 9000).into())));
    sandbox.run(&["login"]).fails(1).says("`auth_time` does not agree");
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
    assert!(server.any_family_revoked(), "what is not kept is given back");
}

#[test]
fn an_access_token_with_a_space_is_not_taken() {
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
fn with_token_is_for_kinds_that_log_in() {
    let sandbox = Sandbox::new("[credentials.x]\ndomain = \"x.example\"\njwt = \"tok\"");
    sandbox.input.pipe("other");
    sandbox.run(&["login", "--with-token"]).fails(1).says("does not offer a login");
}

#[test]
fn no_output_sets_links_titles_or_the_clipboard_f_ctrl3_f_leak5() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let output = sandbox.run(&["--color", "always", "login"]).ok();
    assert!(output.stderr.contains("\u{1b}["), "it is coloured");
    assert!(!output.stderr.contains("\u{1b}]"), "no OSC sequence of any kind: {output}");
}
