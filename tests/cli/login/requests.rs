//! The authorization and token requests.

use serde_json::json;

use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// Logs in and returns what the authorization request asked for.
fn asked_for(server: &AuthorizationServer, sandbox: &Sandbox, arguments: &[&str]) -> Vec<(String, String)> {
    sandbox.run(arguments).ok();
    server.requests_to("/authorize").last().unwrap().query()
}

/// PKCE and `state` for every client; any free port; only configured parameters.
/// F-ROT9: each login's state exists only in its process's memory, so concurrent logins cannot mix it up.
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
        assert!(values.iter().filter(|other| *other == value).count() <= 2, "each is different: {value}");
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
        sandbox
            .run(&["login"])
            .fails(1)
            .says("`invalid_client`")
            .says("check `client_id` and `client_secret`");
    }
}
