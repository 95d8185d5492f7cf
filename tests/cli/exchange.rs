//! Tokens of elsewhere: token exchange (RFC 8693), the JWT bearer grant (RFC 7523), workloads.

use serde_json::{Value, json};

use crate::client_authentication::key;
use crate::support::http::{Reply, Server};
use crate::support::{AuthorizationServer, Sandbox};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A provider that exchanges tokens at a server.
fn exchanger(name: &str, server: &AuthorizationServer, more: &str) -> String {
    format!(
        "[credentials.{name}]\ndomain = \"{}\"\nscheme = \"http\"\n[credentials.{name}.oauth]\ngrant_type = \"token_exchange\"\nclient_id = \"app\"\n{more}\n",
        server.domain()
    )
}

/// A provider `as` with a login, and one that exchanges its tokens at another server.
fn chain(server: &AuthorizationServer, other: &AuthorizationServer, subject: &str) -> Sandbox {
    let base = crate::support::sandbox::server_config(&server.domain(), "");
    Sandbox::new(&format!("default = \"cloud\"\n{base}\n{}", exchanger("cloud", other, subject)))
}

#[test]
fn an_exchange_chain_refreshes_each_token_first() {
    let (server, other) = (AuthorizationServer::start(), AuthorizationServer::start());
    let more = "subject = { provider = \"as\" }\naudience = \"storage\"\nresource = \"https://r.example\"\nscopes = [\"read\"]\nrequested_token_type = \"urn:ietf:params:oauth:token-type:access_token\"";
    let sandbox = chain(&server, &other, more);
    sandbox
        .run(&["token"])
        .fails(3)
        .says("no token for `cloud`: it needs one of `as`")
        .says("you are not logged in")
        .says("run `authctl login as`");
    sandbox.run(&["login", "as"]).ok();
    let first = sandbox.run(&["token"]).ok();
    assert!(other.accepts(first.text()));
    let request = &other.requests_to("/token")[0];
    let subject = request.parameter("subject_token").unwrap();
    assert!(server.accepts(&subject), "the token of `as`");
    for (name, want) in [
        ("grant_type", EXCHANGE),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("audience", "storage"),
        ("resource", "https://r.example"),
        ("scope", "read"),
    ] {
        assert_eq!(request.parameter(name).as_deref(), Some(want), "{name}");
    }
    assert_eq!(sandbox.run(&["token"]).ok(), first, "cached");
    assert_eq!(other.token_requests(EXCHANGE), 1);
    assert_ne!(sandbox.run(&["token", "--audience", "queue"]).ok(), first, "F-LEAK9 another audience");

    // Another person's login is another subject: the cached token is not theirs.
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox.run(&["login", "as"]).ok();
    let bobs = sandbox.run(&["token"]).ok();
    assert_ne!(bobs, first);
    assert_eq!(sandbox.run(&["token"]).ok(), bobs);
    assert_eq!(sandbox.run(&["token", "--account", "alice"]).ok().text().len(), first.text().len());
    let of_alice = other.requests_to("/token").last().unwrap().parameter("subject_token").unwrap();
    assert_eq!(of_alice, subject, "--account is whose token is exchanged");

    sandbox.clock.advance(4000);
    sandbox.run(&["token"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1, "the subject first");
    let last = other.requests_to("/token").last().unwrap().parameter("subject_token").unwrap();
    assert!(server.accepts(&last) && last != subject, "the renewed subject");

    let status = sandbox.run(&["status"]).ok();
    assert!(!status.stdout.contains("canary"), "{status}");
}

#[test]
fn refresh_all_renews_an_exchange_with_the_account_that_its_subject_has() {
    let (server, other) = (AuthorizationServer::start(), AuthorizationServer::start());
    let sandbox = chain(&server, &other, "subject = { provider = \"as\" }");
    server.set(|behaviour| behaviour.user = "alice".to_owned());
    sandbox.run(&["login", "as"]).ok();
    let first = sandbox.run(&["token"]).ok();
    sandbox.run(&["refresh", "--all"]).ok().says("Renewed as").says("Renewed cloud");
    let second = sandbox.run(&["token"]).ok();
    assert_ne!(second, first);
    assert!(other.accepts(second.text()));

    // An account that the user named is named again.
    let named = sandbox.run(&["token", "--account", "alice"]).ok();
    sandbox.run(&["refresh", "--all"]).ok();
    assert_ne!(sandbox.run(&["token", "--account", "alice"]).ok(), named);
}

#[test]
fn the_example_of_rfc_8693_section_2_3_works() {
    let other = AuthorizationServer::start();
    let more = "subject = { env = \"SUBJECT\" }\nresource = \"https://backend.example.com/api\"\nsubject_token_type = \"urn:ietf:params:oauth:token-type:access_token\"";
    let sandbox = Sandbox::new(&format!("store = \"file\"\n{}", exchanger("rs", &other, more)));
    sandbox.environment.set("SUBJECT", "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC");
    sandbox.run(&["token"]).ok();
    let form = other.requests_to("/token")[0].form();
    let sent: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for pair in [
        ("grant_type", EXCHANGE),
        ("resource", "https://backend.example.com/api"),
        ("subject_token", "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ] {
        assert!(sent.contains(&pair), "{pair:?} is not in {sent:?}");
    }
    assert_eq!(sent.len(), 5, "and the client: {sent:?}");
}

#[test]
fn subject_tokens_come_from_variables_files_programs_and_stdin() {
    let other = AuthorizationServer::start();
    for (name, subject, actor) in [
        ("env", "{ env = \"SUBJECT\" }", ""),
        ("file", "{ file = \"../projected/token\" }", ""),
        ("command", "{ command = [\"echo\", \"of-the-program\"] }", ""),
        ("stdin", "{ stdin = true }", ""),
        ("actor", "{ env = \"SUBJECT\" }", "actor = { file = \"../projected/token\" }"),
    ] {
        let more = format!("subject = {subject}\n{actor}");
        let sandbox = Sandbox::new(&format!("store = \"file\"\n{}", exchanger("cloud", &other, &more)));
        sandbox.environment.set("SUBJECT", "of-the-variable");
        sandbox.write("projected/token", "  first\n");
        let sent = |parameter: &str| other.requests_to("/token").last().unwrap().parameter(parameter);
        sandbox.input.pipe("piped\n");
        sandbox.run(&["token"]).ok();
        let count = other.token_requests(EXCHANGE);
        let want = match name {
            "file" => "first",
            "command" => "of-the-program",
            "stdin" => "piped",
            _ => "of-the-variable",
        };
        assert_eq!(sent("subject_token").as_deref(), Some(want), "{name}");
        assert_eq!(sent("actor_token").as_deref(), (name == "actor").then_some("first"), "{name}");
        sandbox.input.pipe("piped\n");
        sandbox.run(&["token"]).ok();
        assert_eq!(other.token_requests(EXCHANGE), count, "{name}: cached for the same subject");
        // What is projected into the file anew is another subject's, or may be.
        sandbox.write("projected/token", "second");
        sandbox.input.pipe("piped by another");
        sandbox.run(&["token"]).ok();
        let changed = usize::from(matches!(name, "file" | "stdin" | "actor"));
        assert_eq!(other.token_requests(EXCHANGE), count + changed, "{name}: F-LEAK9");
    }
    let sandbox = Sandbox::new(&exchanger("cloud", &other, "subject = { stdin = true }"));
    sandbox.input.pipe("");
    sandbox.run(&["token"]).fails(1).says("standard input has no token");
}

#[test]
fn unexpected_exchange_responses_are_rejected() {
    let jwt = "urn:ietf:params:oauth:token-type:jwt";
    for (name, config, members, said) in [
        (
            "another type",
            "requested_token_type = \"urn:x\"",
            json!({ "issued_token_type": jwt }),
            "not urn:x",
        ),
        ("no type", "", json!({ "issued_token_type": null }), "it has no `issued_token_type`"),
        ("X3", "", json!({ "access_token": null, "error": "invalid_target" }), "`invalid_target`"),
    ] {
        let other = AuthorizationServer::start();
        other.set(|behaviour| behaviour.token_members = members.as_object().unwrap().clone());
        let sandbox =
            Sandbox::new(&exchanger("x", &other, &format!("subject = {{ env = \"S\" }}\n{config}")));
        sandbox.environment.set("S", "s");
        let output = sandbox.run(&["token"]).fails(1);
        assert!(output.stderr.contains(said), "{name}: {output}");
    }
    let other = AuthorizationServer::start();
    other.set(|behaviour| {
        behaviour.token_members =
            json!({ "token_type": "N_A", "issued_token_type": jwt }).as_object().unwrap().clone();
    });
    let more = format!("subject = {{ env = \"S\" }}\nrequested_token_type = \"{jwt}\"");
    let sandbox = Sandbox::new(&format!("store = \"file\"\n{}", exchanger("x", &other, &more)));
    sandbox.environment.set("S", "s");
    sandbox.run(&["token"]).ok().says("none to show with a request");
    sandbox.run(&["headers"]).fails(1).says("none to show with a request");
}

#[test]
fn impossible_exchange_chains_are_reported() {
    let other = AuthorizationServer::start();
    let exchange = |name: &str, subject: &str| {
        exchanger(name, &other, &format!("subject = {{ provider = \"{subject}\" }}"))
    };
    for (name, config, said) in [
        ("itself", exchange("a", "a"), "needs itself: a → a"),
        (
            "a circle",
            format!("{}{}{}", exchange("a", "b"), exchange("b", "c"), exchange("c", "a")),
            "needs itself: a → b → c → a",
        ),
        ("nobody", exchange("a", "nobody"), "which is not configured"),
        (
            "too long",
            (0..9)
                .map(|n| exchange(&format!("p{n}"), &format!("p{}", n + 1)))
                .collect::<String>()
                .replacen("p0", "a", 2),
            "makes the chain too long",
        ),
    ] {
        let sandbox = Sandbox::new(&config);
        let output = sandbox.run(&["token", "a"]).fails(4);
        assert!(output.stderr.contains(said), "{name}: {output}");
        sandbox.run(&["config", "show"]).ok();
    }
    for (name, config, said) in [
        ("no subject", "", "subject` is missing"),
        ("two", "subject = { env = \"A\", file = \"b\" }", "must be one of"),
        ("wrong", "subject = { provider = \"a\", token = \"key\" }", "must be one of"),
        ("type alone", "subject = { env = \"A\" }\nactor_token_type = \"urn:x\"", "stands without `actor`"),
        ("a literal", "subject = \"tok\"", "must be one of"),
    ] {
        let output = Sandbox::new(&exchanger("x", &other, config)).run(&["token"]).fails(4);
        assert!(output.stderr.contains(said), "{name}: {output}");
    }
}

/// A variable of a hostile folder cannot make a provider that sends another's token away (F-BIND3).
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

/// The grant that Auth0 calls a federated connection, as its template says it.
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

    // Another connection is another token.
    auth0.fault("/exchange", Reply::json(200, &json!({ "access_token": "githubs", "token_type": "Bearer" })));
    assert_eq!(sandbox.run(&["token", "google", "--connection", "github"]).ok().text(), "githubs");
    assert_eq!(sandbox.run(&["token", "google"]).ok().text(), "googles");

    // With rotation on, the server refuses: what that means is said.
    let refused =
        json!({ "error": "invalid_request", "error_description": "refresh token rotation is enabled" });
    auth0.fault("/exchange", Reply::json(400, &refused));
    sandbox
        .run(&["token", "google", "--connection", "other"])
        .fails(1)
        .says("rotation is enabled")
        .says("turn refresh token rotation off");

    // A refresh token goes to no other server (RFC 9700 section 4.14).
    let evil = AuthorizationServer::start();
    sandbox.configure(&config(&evil));
    let output =
        sandbox.run(&["token", "google"]).fails(4).says("a refresh token goes only to where it is from");
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
    sandbox.run(&["token"]).fails(4).says("is not known").says("token_exchange");
    sandbox.configure(&config.replace("urn:example:grant", "password"));
    sandbox.run(&["token"]).fails(4).says("is refused");
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
            "private_key": include_str!("../../src/oauth/vectors/rsa-pkcs8.pem"),
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
    assert_eq!(cloud.token_requests(EXCHANGE), 2, "nothing of it is kept");
    assert!(sandbox.stores_nothing(), "Q6");
    sandbox.run(&["token", "actions", "--audience", "other"]).ok();
    assert_eq!(cloud.requests_to("/actions").last().unwrap().parameter("audience").as_deref(), Some("other"));
    for (fault, status, said) in [
        (Reply::redirect(302, "https://evil.example/"), 1, "it refused"),
        (Reply::full(503, &[], ""), 5, "gives no token now"),
        (Reply::json(200, &json!({ "value": "a\nb" })), 1, "outside printable ASCII"),
    ] {
        cloud.fault("/actions", fault);
        sandbox.run(&["token", "actions"]).fails(status).says(said);
    }
    sandbox.environment.set("ACTIONS_ID_TOKEN_REQUEST_URL", "http://evil.example/x");
    sandbox.run(&["token", "actions"]).fails(1).says("is not an https URL");
}

/// What a token says of itself is believed by nobody: a forged one does not get what the real one got.
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
    sandbox.run(&["token"]).fails(2).says("that is a terminal").says("pipe the token in");
}

/// Tokens that another configuration of the provider got are not handed out for this one.
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
        assert_eq!(sandbox.run(&["token"]).ok(), first, "{name}: both are kept");
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

/// What a user's login left is not what a machine or an exchange gets, though server and client are the same.
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
    sandbox.run(&["token", "--connection", "github"]).fails(2).says("has no connections");
    let machine = Sandbox::new("[credentials.x]\ndomain = \"x.example\"\njwt = \"abc\"\n");
    machine.run(&["token", "--id-token"]).fails(1).says("does not offer an id token");
    machine.run(&["inspect", "--id-token"]).fails(1).says("does not offer an id token");
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
