//! Other grants that exchange a token.

use serde_json::{Value, json};

use super::{EXCHANGE, exchanger};
use crate::client_authentication::key;
use crate::support::http::{Reply, Server};
use crate::support::{AuthorizationServer, Sandbox};

/// The grant that Auth0 calls a federated connection, as its template configures it.
#[test]
fn the_auth0_federated_connection_grant_works() {
    let auth0 = AuthorizationServer::start();
    let kind = "http://auth0.com/oauth/token-type/federated-connection-access-token";
    let config = |server: &AuthorizationServer| {
        format!(
            "{}\n[credentials.google]\ntemplate = \"auth0-federated\"\ndomain = \"{domain}\"\nscheme = \"http\"\n[credentials.google.oauth]\nissuer = \"http://{domain}\"\ntoken_endpoint = \"http://{domain}/exchange\"\nclient_id = \"app\"\nclient_secret = \"s\"\nsubject = {{ provider = \"as\", token = \"refresh_token\" }}\nconnection = \"google-oauth2\"\nlogin_hint = \"1234\"\n",
            crate::support::sandbox::server_config(&auth0.domain(), "_client_secret = \"s\""),
            domain = server.domain()
        )
    };
    auth0.set(|behaviour| behaviour.client_secret = Some("s".to_owned()));
    let sandbox = Sandbox::new(&config(&auth0));
    sandbox.run(&["login", "as"]).ok();
    let answer = json!({ "access_token": "googles", "token_type": "Bearer", "expires_in": 3600, "issued_token_type": kind, "scope": "x" });
    auth0.fault("/exchange", Reply::json(200, &answer));
    assert_eq!(sandbox.run(&["token", "google"]).ok().text(), "googles");
    let request = auth0.requests_to("/exchange").pop().unwrap();
    assert_eq!(request.header("content-type"), Some("application/json"));
    let sent: Value = serde_json::from_str(&request.body).unwrap();
    for (name, want) in [
        ("grant_type", "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
        ("requested_token_type", kind),
        ("connection", "google-oauth2"),
        ("login_hint", "1234"),
        ("client_id", "app"),
        ("client_secret", "s"),
    ] {
        assert_eq!(sent[name], want, "{name}");
    }
    assert!(sent["subject_token"].as_str().unwrap().starts_with("refresh-canary"));

    // Another connection has another token.
    auth0.fault("/exchange", Reply::json(200, &json!({ "access_token": "githubs", "token_type": "Bearer" })));
    assert_eq!(sandbox.run(&["token", "google", "--connection", "github"]).ok().text(), "githubs");
    assert_eq!(sandbox.run(&["token", "google"]).ok().text(), "googles");

    // With rotation enabled, the server rejects it: the error explains why.
    let refused =
        json!({ "error": "invalid_request", "error_description": "refresh token rotation is enabled" });
    auth0.fault("/exchange", Reply::json(400, &refused));
    sandbox
        .run(&["token", "google", "--connection", "other"])
        .fails(1)
        .says("rotation is enabled")
        .says("disable refresh token rotation");

    // A refresh token is sent to no other server (RFC 9700 section 4.14).
    let evil = AuthorizationServer::start();
    sandbox.configure(&config(&evil));
    let output = sandbox
        .run(&["token", "google"])
        .fails(4)
        .says("authctl sends a refresh token only to the server that issued it");
    assert!(evil.requests_to("/exchange").is_empty(), "{output}");
}

#[test]
fn extension_grants_have_free_parameters() {
    let server =
        Server::start(|_| Reply::json(200, &json!({ "access_token": "of-a-grant", "token_type": "Bearer" })));
    let config = format!(
        "store = \"file\"\n[credentials.x]\ndomain = \"{domain}\"\nscheme = \"http\"\n[credentials.x.oauth]\ngrant_type = \"urn:example:grant\"\nclient_id = \"app\"\ntoken_endpoint = \"http://{domain}/token\"\ntoken_params = {{ pin = \"1\", _code = \"canary\" }}\n",
        domain = server.address()
    );
    let sandbox = Sandbox::new(&config);
    assert_eq!(sandbox.run(&["token"]).ok().text(), "of-a-grant");
    let request = &server.requests()[0];
    for (name, want) in [("grant_type", "urn:example:grant"), ("pin", "1"), ("code", "canary")] {
        assert_eq!(request.parameter(name).as_deref(), Some(want), "{name}");
    }
    sandbox.configure(&config.replace("urn:example:grant", "exchange"));
    sandbox.run(&["token"]).fails(4).says("is not a known grant").says("token_exchange");
    sandbox.configure(&config.replace("urn:example:grant", "password"));
    sandbox.run(&["token"]).fails(4).says("is not supported");
}

#[test]
fn the_jwt_bearer_grant_works() {
    let (pem, public) = key();
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.bearer_assertions = Some(public));
    let more = "grant_type = \"jwt_bearer\"\nprivate_key = { file = \"key.pem\" }\nclaims = { sub = \"robot\", _pin = \"canary\" }";
    let sandbox = Sandbox::new(&crate::support::sandbox::server_config(&server.domain(), more));
    sandbox.write("config/key.pem", &pem);
    sandbox.run(&["token"]).ok();
    let request = &server.requests_to("/token")[0];
    assert!(request.parameter("client_assertion").is_none(), "the key signs the grant, not the client");
    let assertion =
        crate::support::authorization_server::jws::Jws::parse(&request.parameter("assertion").unwrap())
            .unwrap();
    assert_eq!(assertion.claims["iss"], "app");
    assert_eq!(assertion.claims["sub"], "robot");
    assert_eq!(assertion.claims["pin"], "canary");
    assert_eq!(request.parameter("scope").as_deref(), Some("openid repo"));
    sandbox
        .configure(&crate::support::sandbox::server_config(&server.domain(), "grant_type = \"jwt_bearer\""));
    sandbox.run(&["token"]).fails(4).says("private_key` is missing");
}

#[test]
fn a_downloaded_google_service_account_works() {
    let server = Server::start(|_| {
        Reply::json(200, &json!({ "access_token": "googles", "token_type": "Bearer", "expires_in": 3599 }))
    });
    let endpoint = format!("{}/token", server.url());
    let account = |uri: &str| {
        json!({
            "type": "service_account", "project_id": "p", "private_key_id": "kid-1",
            "private_key": include_str!("../../../src/oauth/vectors/rsa-pkcs8.pem"),
            "client_email": "robot@p.iam.gserviceaccount.com", "client_id": "1", "token_uri": uri,
        })
        .to_string()
    };
    let config = format!(
        "store = \"file\"\n[credentials.gcp]\ntemplate = \"google-service-account\"\ndomain = \"{}\"\nscheme = \"http\"\nhosts = []\n[credentials.gcp.oauth]\nissuer = \"{}\"\ntoken_endpoint = \"{endpoint}\"\nservice_account = {{ file = \"key.json\" }}\nclaims = {{ sub = \"user@example.com\" }}\n",
        server.address(),
        server.url()
    );
    let sandbox = Sandbox::new(&config);
    sandbox.write("config/key.json", &account(&endpoint));
    assert_eq!(sandbox.run(&["token"]).ok().text(), "googles");
    let requests = server.requests();
    let request = requests.iter().find(|request| request.method == "POST").unwrap();
    let form: Vec<String> = request.form().into_iter().map(|(name, _)| name).collect();
    assert_eq!(form, ["assertion", "grant_type"], "no client, no scope beside the assertion");
    let assertion =
        crate::support::authorization_server::jws::Jws::parse(&request.parameter("assertion").unwrap())
            .unwrap();
    assert_eq!(assertion.header, json!({ "alg": "RS256", "kid": "kid-1", "typ": "JWT" }));
    for (name, want) in [
        ("iss", "robot@p.iam.gserviceaccount.com"),
        ("sub", "user@example.com"),
        ("aud", endpoint.as_str()),
        ("scope", "https://www.googleapis.com/auth/cloud-platform"),
    ] {
        assert_eq!(assertion.claims[name], want, "{name}");
    }
    sandbox.clock.advance(4000);
    sandbox.write("config/key.json", &account("https://evil.example/token"));
    let output =
        sandbox.run(&["token"]).fails(4).says("the `service_account` is for `https://evil.example/token`");
    assert!(!output.stderr.contains("PRIVATE"), "{output}");
    sandbox.write("config/key.json", "{\"type\":\"authorized_user\"}");
    sandbox.run(&["token"]).fails(4).says("its `type` is not service_account");
}

#[test]
fn a_workflow_gets_a_cloud_token_without_a_secret() {
    let cloud = AuthorizationServer::start();
    let config = format!(
        "store = \"file\"\ndefault = \"cloud\"\n[credentials.actions]\ndomain = \"cloud.example\"\ngithub_actions.audience = \"cloud\"\n{}",
        exchanger("cloud", &cloud, "subject = { provider = \"actions\" }")
    );
    let sandbox = Sandbox::new(&config);
    sandbox.run(&["token"]).fails(4).says("ACTIONS_ID_TOKEN_REQUEST_URL is not set").says("id-token: write");
    sandbox
        .environment
        .set("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{}/actions?api-version=2.0", cloud.issuer()));
    sandbox.run(&["token"]).fails(4).says("ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set");
    sandbox.environment.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-canary");
    let output = sandbox.run(&["token", "-vv"]).ok();
    assert!(cloud.accepts(output.text()));
    assert!(!output.stderr.contains("request-canary"), "Q2: {output}");
    let asked = &cloud.requests_to("/actions")[0];
    assert_eq!(asked.parameter("audience").as_deref(), Some("cloud"), "beside the query that was there");
    let exchange = &cloud.requests_to("/token")[0];
    assert_eq!(
        exchange.parameter("subject_token_type").as_deref(),
        Some("urn:ietf:params:oauth:token-type:jwt")
    );
    sandbox.run(&["token"]).ok();
    assert_eq!(cloud.token_requests(EXCHANGE), 2, "the token is not cached");
    assert!(sandbox.stores_nothing(), "Q6");
    sandbox.run(&["token", "actions", "--audience", "other"]).ok();
    assert_eq!(cloud.requests_to("/actions").last().unwrap().parameter("audience").as_deref(), Some("other"));
    for (fault, status, said) in [
        (Reply::redirect(302, "https://evil.example/"), 1, "it rejected the request"),
        (Reply::full(503, &[], ""), 5, "GitHub is temporarily unavailable"),
        (Reply::json(200, &json!({ "value": "a\nb" })), 1, "outside printable ASCII"),
    ] {
        cloud.fault("/actions", fault);
        sandbox.run(&["token", "actions"]).fails(status).says(said);
    }
    sandbox.environment.set("ACTIONS_ID_TOKEN_REQUEST_URL", "http://evil.example/x");
    sandbox.run(&["token", "actions"]).fails(1).says("is not an https URL");
}
