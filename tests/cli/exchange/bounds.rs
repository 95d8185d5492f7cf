//! Where authctl sends exchanged tokens, and who gets the cached ones.

use serde_json::{Value, json};

use super::{EXCHANGE, exchanger};
use crate::client_authentication::key;
use crate::support::http::Reply;
use crate::support::{AuthorizationServer, Sandbox};

/// A hostile folder's variables cannot define a provider that sends away another provider's token (F-BIND3).
#[test]
fn the_environment_cannot_redirect_a_token_exchange_f_bind3() {
    let (server, evil) = (AuthorizationServer::start(), AuthorizationServer::start());
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    for (name, value) in [
        ("DOMAIN", evil.domain().as_str()),
        ("SCHEME", "http"),
        ("OAUTH__GRANT_TYPE", "token_exchange"),
        ("OAUTH__CLIENT_ID", "app"),
        ("OAUTH__SUBJECT__PROVIDER", "as"),
    ] {
        sandbox.environment.set(&format!("AUTHCTL_CREDENTIALS__EVIL__{name}"), value);
    }
    sandbox.run(&["token", "evil"]).fails(4).says("cannot be set by the environment layer");
    assert!(evil.requests().is_empty());
}

/// A token's own claims are not trusted: a forged token does not get the real one's cached result.
#[test]
fn a_forged_subject_does_not_get_the_cached_token_f_leak9() {
    use base64::Engine as _;
    let other = AuthorizationServer::start();
    let jwt = |signature: &str| {
        let part = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{signature}", part(json!({ "alg": "RS256" })), part(json!({ "sub": "alice" })))
    };
    let sandbox =
        Sandbox::new(&format!("store = \"file\"\n{}", exchanger("x", &other, "subject = { stdin = true }")));
    sandbox.input.pipe(&jwt("cmVhbA"));
    let real = sandbox.run(&["token"]).ok();
    sandbox.input.pipe(&jwt("Zm9yZ2Vk"));
    assert_ne!(sandbox.run(&["token"]).ok(), real);
    assert_eq!(other.token_requests(EXCHANGE), 2, "the server decides");
    sandbox.input.terminal();
    sandbox.run(&["token"]).fails(2).says("which is a terminal").says("pipe the token to authctl");
}

/// Tokens obtained with another configuration of the provider are not used for this one.
#[test]
fn every_request_option_is_part_of_the_cache_key_f_leak9() {
    let (pem, public) = key();
    for (name, base, changed) in [
        ("connection", "connection = \"google\"", "connection = \"github\""),
        ("login_hint", "login_hint = \"a\"", "login_hint = \"b\""),
        ("a parameter", "token_params = { a = \"1\" }", "token_params = { a = \"2\" }"),
        ("scopes", "scopes = [\"read\"]", "scopes = [\"admin\"]"),
        ("the type", "subject_token_type = \"urn:a\"", "subject_token_type = \"urn:b\""),
    ] {
        let other = AuthorizationServer::start();
        let config = |more: &str| {
            format!(
                "store = \"file\"\n{}",
                exchanger("x", &other, &format!("subject = {{ env = \"S\" }}\n{more}"))
            )
        };
        let sandbox = Sandbox::new(&config(base));
        sandbox.environment.set("S", "s");
        let first = sandbox.run(&["token"]).ok();
        sandbox.configure(&config(changed));
        assert_ne!(sandbox.run(&["token"]).ok(), first, "{name}");
        sandbox.configure(&config(base));
        assert_eq!(sandbox.run(&["token"]).ok(), first, "{name}: both are cached");
    }
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.bearer_assertions = Some(public));
    let config = |who: &str| {
        let more = format!(
            "grant_type = \"jwt_bearer\"\nprivate_key = {{ file = \"key.pem\" }}\nclaims = {{ sub = \"{who}\" }}"
        );
        crate::support::sandbox::server_config(&server.domain(), &more)
    };
    let sandbox = Sandbox::new(&config("alice"));
    sandbox.write("config/key.pem", &pem);
    let alice = sandbox.run(&["token"]).ok();
    sandbox.configure(&config("bob"));
    assert_ne!(sandbox.run(&["token"]).ok(), alice, "another claim is another person");
}

/// A machine or an exchange does not get a user's token, even with the same server and client.
#[test]
fn another_grant_does_not_use_the_stored_tokens_f_bind1() {
    let server = AuthorizationServer::start();
    let config = |more: &str| crate::support::sandbox::server_config(&server.domain(), more);
    let sandbox = Sandbox::new(&config(""));
    sandbox.run(&["login"]).ok();
    let users = sandbox.run(&["token"]).ok();
    server.set(|behaviour| behaviour.client_secret = Some("s".to_owned()));
    for more in [
        "grant_type = \"client_credentials\"\n_client_secret = \"s\"",
        "grant_type = \"token_exchange\"\n_client_secret = \"s\"\nsubject = { env = \"S\" }",
    ] {
        sandbox.configure(&config(more));
        sandbox.environment.set("S", "s");
        assert_ne!(sandbox.run(&["token"]).ok(), users, "{more}");
        assert_eq!(server.token_requests("refresh_token"), 0, "{more}");
    }
    server.set(|behaviour| behaviour.client_secret = None);
    sandbox.configure(&config(""));
    let now = sandbox.run(&["token"]);
    assert!(now.status == 3 || now == users, "never the machine's: {now}");
}

#[test]
fn a_token_written_in_place_of_a_reference_is_not_shown_f_leak3() {
    let other = AuthorizationServer::start();
    for more in [
        "subject = \"canary\"",
        "subject = { provider = \"x\", token = \"canary\" }",
        "subject = { env = \"A\" }\nactor = { token = \"canary\" }",
        "subject = [\"canary\"]",
    ] {
        let sandbox = Sandbox::new(&exchanger("x", &other, more));
        for arguments in
            [&["config", "check"][..], &["config", "show"], &["config", "show", "--json"], &["token"]]
        {
            let output = sandbox.run(arguments);
            assert!(!output.to_string().contains("canary"), "{more}: {output}");
        }
    }
}

#[test]
fn connections_are_for_exchanges() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token", "--connection", "github"]).fails(2).says("does not support --connection");
    let machine = Sandbox::new("[credentials.x]\ndomain = \"x.example\"\njwt = \"abc\"\n");
    machine.run(&["token", "--id-token"]).fails(1).says("does not offer an ID token");
    machine.run(&["inspect", "--id-token"]).fails(1).says("does not offer an ID token");
}

#[test]
fn a_workflow_token_for_another_audience_is_not_sent() {
    let cloud = AuthorizationServer::start();
    let config = format!(
        "[credentials.actions]\ndomain = \"cloud.example\"\ngithub_actions.audience = \"cloud\"\n{}",
        exchanger("cloud", &cloud, "subject = { provider = \"actions\" }")
    );
    let sandbox = Sandbox::new(&config);
    sandbox
        .environment
        .set("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{}/actions?api-version=2.0", cloud.issuer()));
    sandbox.environment.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-canary");
    // {"alg":"none"}.{"aud":"other"}
    let token = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJvdGhlciJ9.c2ln";
    cloud.fault("/actions", Reply::json(200, &json!({ "value": token })));
    sandbox.run(&["token", "cloud"]).fails(1).says("it is for `\"other\"`, not cloud");
    assert_eq!(cloud.token_requests(EXCHANGE), 0);
}
