//! Client assertions and their keys.

use serde_json::{Value, json};

use super::{home, key};
use crate::support::AuthorizationServer;
use crate::support::sandbox::server_config;

/// The embedded server checks every claim of each assertion, and rejects a repeated assertion.
#[test]
fn private_key_jwt_works_from_every_secret_source() {
    let (pem, public) = key();
    for (name, config) in [
        ("file", "private_key = { file = \"key.pem\" }"),
        ("env", "_private_key = { env = \"KEY\" }"),
        ("command", "private_key = { command = [\"cat\", \"KEYFILE\"] }"),
        (
            "named",
            "private_key = { file = \"key.pem\" }\ntoken_endpoint_auth_method = \"private_key_jwt\"\nprivate_key_id = \"k1\"",
        ),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.client_assertions = Some(public.clone()));
        let sandbox = home(&server, "");
        let path = sandbox.write("config/key.pem", &pem);
        let config = config.replace("KEYFILE", &path.display().to_string());
        sandbox.configure(&server_config(
            &server.domain(),
            &format!("grant_type = \"client_credentials\"\n{config}"),
        ));
        sandbox.environment.set("KEY", &pem);
        sandbox.run(&["token"]).ok();
        sandbox.run(&["token", "--refresh"]).ok();
        sandbox.run(&["logout"]).ok().says("The server revoked the access token");
        let shown = sandbox.run(&["config", "show"]).ok();
        assert!(!shown.stdout.contains("PRIVATE"), "{name}: {shown}");
        let request = &server.requests_to("/token")[0];
        assert_eq!(request.parameter("client_id").as_deref(), Some("app"), "{name}");
    }
}

#[test]
fn quirks_adapt_assertions_to_old_servers() {
    let (pem, public) = key();
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.client_assertions = Some(public);
        behaviour.assertion_audience = Some(format!("{}/token", "http://HOST"));
    });
    let audience = format!("{}/token", server.issuer());
    server.set(|behaviour| behaviour.assertion_audience = Some(audience));
    let more = "private_key = { file = \"key.pem\" }\nquirks = { token_endpoint_audience = true }";
    let sandbox = home(&server, more);
    sandbox.write("config/key.pem", &pem);
    sandbox.run(&["token"]).ok();
}

#[test]
fn client_secret_jwt_authenticates_the_client() {
    for (name, config, offered) in [
        ("configured", "token_endpoint_auth_method = \"client_secret_jwt\"", None),
        ("offered", "", Some(json!(["client_secret_jwt"]))),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            behaviour.client_assertions = Some(Value::Null);
            behaviour.client_secret = Some("secret-canary".to_owned());
            if let Some(offered) = offered {
                behaviour.metadata.insert("token_endpoint_auth_methods_supported".to_owned(), offered);
            }
        });
        let sandbox = home(&server, &format!("{config}\n_client_secret = \"secret-canary\""));
        sandbox.run(&["token"]).ok();
        let sent = server.requests_to("/token");
        assert!(
            sent.iter().all(|request| !request.body.contains("secret-canary")),
            "{name}: it never leaves"
        );
    }
}

#[test]
fn an_unusable_key_says_why_and_sends_nothing() {
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (name, key, more, said) in [
        ("no key", "canary", "", "neither a private key in PEM"),
        ("encrypted", encrypted, "", "encrypted with a password"),
        (
            "another algorithm",
            &self::key().0,
            "token_endpoint_auth_signing_alg = \"RS256\"",
            "it cannot make RS256 signatures",
        ),
    ] {
        let server = AuthorizationServer::start();
        let sandbox = home(&server, &format!("private_key = {{ file = \"key.pem\" }}\n{more}"));
        sandbox.write("config/key.pem", key);
        let output = sandbox.run(&["token"]).fails(4).says(said);
        assert!(!output.stderr.contains("canary"), "{name}: {output}");
        assert!(server.requests_to("/token").is_empty(), "{name}");
    }
    let server = AuthorizationServer::start();
    for (config, said) in [
        ("token_endpoint_auth_method = \"private_key_jwt\"", "needs `private_key`"),
        ("token_endpoint_auth_method = \"tls_client_auth\"", "needs `certificate`"),
        ("token_endpoint_auth_signing_alg = \"HS256\"\nclient_secret = \"x\"", "must be one of"),
    ] {
        home(&server, config).run(&["token"]).fails(4).says(said);
    }
}

#[test]
#[cfg(unix)]
fn a_key_file_readable_by_others_is_reported() {
    use crate::support::sandbox::set_mode;
    let (pem, public) = key();
    for (mode, status, said) in
        [(0o600, 0, ""), (0o644, 0, "can read the file of"), (0o666, 4, "can change the file of")]
    {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.client_assertions = Some(public.clone()));
        let sandbox = home(&server, "private_key = { file = \"key.pem\" }");
        let path = sandbox.write("config/key.pem", &pem);
        set_mode(&path, mode);
        let output = sandbox.run(&["token"]);
        assert_eq!(output.status, status, "{mode:o}: {output}");
        assert!(
            output.stderr.contains(said) && (mode != 0o600 || output.stderr.is_empty()),
            "{mode:o}: {output}"
        );
    }
}
