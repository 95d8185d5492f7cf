//! Problems with a provider, and the state of its login.

use serde_json::{Value, json};

use super::{examine, finds, home, program, text, wrong};
use crate::support::http::Reply;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

fn configured(server: &AuthorizationServer, metadata: &Value, more: &str) -> Sandbox {
    server.set(|behaviour| behaviour.metadata = metadata.as_object().unwrap().clone());
    home(&server_config(&server.domain(), more))
}

#[test]
fn doctor_finds_problems_with_a_servers_metadata() {
    let server = AuthorizationServer::start();
    for (name, metadata, config, status, want) in [
        (
            "no endpoint",
            json!({ "authorization_endpoint": null }),
            "",
            5,
            ("provider", "problem", "its `authorization_endpoint` is missing", "set authorization_endpoint"),
        ),
        (
            "no S256",
            json!({ "code_challenge_methods_supported": ["plain"] }),
            "",
            0,
            ("provider", "warning", "PKCE with S256", "RFC 7636"),
        ),
        (
            "no such grant",
            json!({ "grant_types_supported": ["implicit"] }),
            "",
            0,
            ("provider", "warning", "does not list the grant `authorization_code`", "grant_type"),
        ),
    ] {
        finds(name, &configured(&server, &metadata, config), &[], status, want);
    }
}

#[test]
fn doctor_finds_the_metadata_of_another_issuer() {
    let server = AuthorizationServer::start();
    // Every other check of these endpoints fails too.
    let endpoints = "authorization_endpoint = \"http://127.0.0.1:1/a\"\ntoken_endpoint = \"http://127.0.0.1:1/a\"\njwks_uri = \"http://127.0.0.1:1/a\"\n";
    let sandbox = configured(&server, &json!({ "issuer": "https://evil.example" }), endpoints);
    let (status, findings) = examine(&sandbox, &[]);
    let of_provider: Vec<&Value> =
        wrong(&findings).into_iter().filter(|finding| text(finding, "topic") == "provider").collect();
    assert_eq!((status, of_provider.len()), (5, 1), "{findings:#?}");
    assert!(text(of_provider[0], "what").contains("https://evil.example"), "{findings:#?}");
}

#[test]
fn doctor_notes_a_scope_that_the_server_does_not_list() {
    let server = AuthorizationServer::start();
    let sandbox = configured(&server, &json!({ "scopes_supported": ["openid"] }), "");
    let (status, findings) = examine(&sandbox, &[]);
    assert_eq!(status, 0);
    let lists_scope = |finding: &Value| text(finding, "what").contains("does not list the scopes repo");
    assert!(findings.iter().any(lists_scope), "{findings:#?}");
}

#[test]
fn doctor_finds_missing_client_credentials_and_logins() {
    let server = AuthorizationServer::start();
    for (name, config, status, want) in [
        (
            "no variable",
            "_client_secret = { env = \"NOT_SET\" }\n",
            4,
            ("provider", "problem", "client_secret: the variable NOT_SET is not set", "export NOT_SET"),
        ),
        (
            "no file",
            "_client_secret = { file = \"none\" }\n",
            4,
            ("provider", "problem", "client_secret: cannot read the file ~/config/none", "write the secret"),
        ),
        (
            "no program",
            "_client_secret = { command = [\"pass-word\"] }\n",
            4,
            ("provider", "problem", "the program pass-word does not exist", "install it"),
        ),
        (
            "nothing stored",
            "_client_secret = { stored = true }\n",
            4,
            ("provider", "problem", "no `client_secret` is stored", "authctl secret set as client_secret"),
        ),
    ] {
        finds(name, &configured(&server, &json!({}), config), &[], status, want);
    }
    let sandbox = configured(&server, &json!({}), "");
    sandbox.configure(&server_config(&server.domain(), "").replace("client_id = \"app\"\n", ""));
    finds(
        "no client",
        &sandbox,
        &[],
        4,
        ("provider", "problem", "`client_id` is not set", "register an app"),
    );
    let sandbox = configured(&server, &json!({}), "");
    finds("nobody", &sandbox, &[], 0, ("provider", "note", "not logged in", "authctl login as"));
}

#[test]
fn doctor_reports_the_state_of_a_login() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server_config(&server.domain(), ""));
    sandbox.run(&["login"]).ok();
    // A request for a refresh token does not show in the granted scopes.
    let more = "\"repo\", \"admin\", \"offline_access\"]";
    sandbox.configure(&server_config(&server.domain(), "").replace("\"repo\"]", more));
    let narrower = (
        "provider",
        "warning",
        "as (alice): the configured scopes admin were not granted",
        "authctl login as",
    );
    finds("narrower", &sandbox, &["--offline"], 0, narrower);
    sandbox.configure(&server_config(&server.domain(), ""));
    sandbox.clock.advance(7200);
    server.fault("/token", Reply::json(400, &json!({ "error": "invalid_grant" })));
    sandbox.run(&["token"]).fails(3);
    finds(
        "refused",
        &sandbox,
        &["--offline"],
        0,
        ("provider", "note", "a new login is required", "authctl login as"),
    );
    sandbox.configure(
        &server_config(&server.domain(), "").replace("client_id = \"app\"", "client_id = \"other\""),
    );
    let other = ("provider", "warning", "another server or client", "authctl login as");
    finds("another client", &sandbox, &["--offline"], 0, other);
}

#[test]
fn doctor_checks_where_other_kinds_get_tokens() {
    let config = |kind: &str| format!("store = \"file\"\n[credentials.k]\ndomain = \"k.example\"\n{kind}\n");
    for (name, kind, status, want) in [
        (
            "a command",
            "command = [\"no-such\", \"canary\"]",
            4,
            ("provider", "problem", "k: the program no-such does not exist", "install it"),
        ),
        (
            "an external program",
            "external.program = \"foo\"",
            4,
            ("provider", "problem", "the program authctl-provider-foo does not exist", "install it"),
        ),
        (
            "a variable",
            "environment.variable = \"PLATFORM\"",
            0,
            ("provider", "warning", "does not set PLATFORM", "on a platform"),
        ),
        (
            "a file",
            "environment.file = \"/none\"",
            0,
            ("provider", "warning", "does not provide /none", "on a platform"),
        ),
    ] {
        finds(name, &home(&config(kind)), &["--offline"], status, want);
    }
    let sandbox = home(&config("command = [\"there\"]"));
    program(&sandbox, "bin/there");
    let (status, findings) = examine(&sandbox, &["--offline"]);
    assert!(status == 0 && wrong(&findings).is_empty(), "{findings:#?}");
}

#[test]
fn doctor_warns_before_a_certificate_expires() {
    let year = |year| rcgen::date_time_ymd(year, 1, 1);
    let pem = |end| {
        let mut parameters = rcgen::CertificateParams::new(vec!["client".to_owned()]).unwrap();
        parameters.not_after = end;
        parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    };
    for (name, content, status, want) in [
        (
            "ended",
            pem(year(2001)),
            5,
            Some(("provider", "problem", "client.pem expired", "get a new certificate")),
        ),
        ("good", pem(year(4000)), 0, None),
        (
            "none",
            "canary".to_owned(),
            4,
            Some(("provider", "problem", "it contains no PEM certificate", "`certificate`")),
        ),
    ] {
        let sandbox = home("");
        let file = sandbox.write("client.pem", &content);
        sandbox.configure(&format!("store = \"file\"\n[credentials.m]\ndomain = \"m.example\"\noauth.client_id = \"a\"\noauth.certificate = \"{}\"\n", file.display()));
        match want {
            Some(want) => finds(name, &sandbox, &["--offline"], status, want),
            None => assert!(wrong(&examine(&sandbox, &["--offline"]).1).is_empty(), "{name}"),
        }
    }
}

#[test]
fn doctor_checks_the_first_provider_of_an_exchange_chain() {
    let server = AuthorizationServer::start();
    let exchange = format!(
        "[credentials.next]\ndomain = \"{0}\"\nscheme = \"http\"\n[credentials.next.oauth]\ngrant_type = \"token_exchange\"\nclient_id = \"app\"\nsubject = {{ provider = \"as\" }}\n",
        server.domain()
    );
    let sandbox = home(&(server_config(&server.domain(), "") + &exchange));
    let chain = |sandbox: &crate::support::Sandbox| {
        let (_, findings) = examine(sandbox, &["--offline"]);
        let of_chain =
            findings.iter().find(|finding| text(finding, "what").contains("its subject comes from `as`"));
        let finding = of_chain.unwrap_or_else(|| panic!("{findings:#?}")).clone();
        (text(&finding, "severity").to_owned(), text(&finding, "fix").to_owned())
    };
    assert_eq!(chain(&sandbox), ("note".to_owned(), "authctl login as".to_owned()));
    sandbox.run(&["login", "as"]).ok();
    assert_eq!(chain(&sandbox), ("ok".to_owned(), String::new()));
}
