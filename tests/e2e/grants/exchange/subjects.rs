//! Subject tokens of an exchange.

use serde_json::{Value, json};

use super::super::{browser, call, claims, file, home, names, oauth, op, user_of};
use super::{EXCHANGE, grants};
use crate::parts::{Ended, OidcProvider, wait_until};

const FEDERATED: &str = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token";

const FEDERATED_TOKEN: &str = "http://auth0.com/oauth/token-type/federated-connection-access-token";

/// A client that exchanges tokens.
fn exchanger() -> Value {
    json!({
        "client_id": "exchanger", "client_secret": "exchanger-secret-0123456789",
        "grant_types": [EXCHANGE, FEDERATED],
    })
}

fn other(server: &OidcProvider, keys: &str) -> String {
    oauth(
        "other",
        server,
        &format!("client_id = \"exchanger\"\n_client_secret = \"exchanger-secret-0123456789\"\n{keys}"),
    )
}

#[test]
fn another_providers_token_is_exchanged() {
    let server = OidcProvider::with(&json!({ "accessTokenSeconds": 3600, "clients": [exchanger()] }));
    let exchange = "grant_type = \"token_exchange\"\nsubject = { provider = \"op\" }\nscopes = [\"calendar\"]\naudience = \"https://calendar.example\"\n";
    let home = home(&[op(&server, ""), other(&server, exchange)]);
    home.run(&["token", "other"]).fails(3).says("authctl login op");
    assert_eq!(grants(&server), [""; 0], "nothing is sent before there is a subject");

    home.login("walk.mjs", &["op"]).ok();
    let subject = home.run(&["token", "op"]).ok();
    let token = home.run(&["token", "other"]).ok();
    assert_ne!(token, subject);
    assert_eq!(user_of(&server, &token), "alice");
    let request = server.requests_to("/token").pop().unwrap();
    assert_eq!(
        names(&request),
        ["audience", "grant_type", "scope", "subject_token", "subject_token_type"],
        "no actor_token_type without an actor"
    );
    assert_eq!(request["parameters"]["subject_token"], subject.text());
    assert_eq!(
        request["parameters"]["subject_token_type"], "urn:ietf:params:oauth:token-type:access_token",
        "X4"
    );
    assert_eq!(request["authorization"], "Basic", "only the new server's client authenticates");
    assert_eq!(home.run(&["token", "other"]).ok(), token, "kept");
    assert_ne!(
        home.run(&["token", "other", "--audience", "b"]).ok(),
        token,
        "another audience gets another token"
    );
    assert_eq!(grants(&server), ["authorization_code", EXCHANGE, EXCHANGE]);
}

#[test]
fn the_subject_token_is_refreshed_first() {
    let server = OidcProvider::with(&json!({ "accessTokenSeconds": 2, "clients": [exchanger()] }));
    let exchange = "grant_type = \"token_exchange\"\nsubject = { provider = \"op\" }\n";
    let home = home(&[op(&server, ""), other(&server, exchange)]);
    home.login("walk.mjs", &["op"]).ok();
    let ended = home.run(&["token", "op"]).ok();
    let before = grants(&server).len();
    let header = format!("Authorization: Bearer {}", ended.text());
    wait_until("the end of the subject", || call(&format!("{}/api", server.issuer), &header, &[]).0 == 401);
    server.set_access_token_seconds(3600);
    let token = home.run(&["token", "other"]).ok();
    assert_eq!(grants(&server).split_off(before), ["refresh_token", EXCHANGE], "the subject first");
    assert_eq!(home.run(&["token", "other"]).ok(), token, "kept");
    assert_eq!(grants(&server).len(), before + 2);

    // Another user logs in: authctl must not print the first user's token.
    let mut login = home.command(&["login", "op", "--browser", &browser()]);
    Ended::from(login.env("LOGIN_AS", "bob").output().unwrap()).ok();
    assert_eq!(user_of(&server, &home.run(&["token", "other"]).ok()), "bob");
    home.run(&["logout", "op"]).ok();
}

#[test]
fn an_id_token_serves_as_actor_token() {
    let server = OidcProvider::with(&json!({ "clients": [exchanger()] }));
    let exchange = "grant_type = \"token_exchange\"\nsubject = { provider = \"op\", token = \"id_token\" }\n\
        actor = { env = \"ACTOR\" }\nactor_token_type = \"urn:ietf:params:oauth:token-type:access_token\"\n\
        requested_token_type = \"urn:ietf:params:oauth:token-type:access_token\"\n";
    let home = home(&[op(&server, ""), other(&server, exchange)]);
    home.login("walk.mjs", &["op"]).ok();
    let actor = home.run(&["token", "op"]).ok();
    let mut command = home.command(&["token", "other"]);
    let token = Ended::from(command.env("ACTOR", actor.text()).output().unwrap()).ok();
    assert_eq!(user_of(&server, &token), "alice by alice");
    let request = server.requests_to("/token").pop().unwrap();
    let parameters = &request["parameters"];
    assert_eq!(parameters["subject_token_type"], "urn:ietf:params:oauth:token-type:id_token", "X4");
    assert_eq!(claims(parameters["subject_token"].as_str().unwrap())["sub"], "alice");
}

#[test]
fn a_refresh_token_gets_a_connections_token() {
    let server = OidcProvider::with(&json!({ "clients": [{
        "client_id": "exchanger", "client_secret": "exchanger-secret-0123456789",
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token", FEDERATED],
    }] }));
    let grant = format!(
        "grant_type = \"{FEDERATED}\"\nsubject = {{ provider = \"op\", token = \"refresh_token\" }}\n\
         connection = \"google-oauth2\"\nlogin_hint = \"google-user-7\"\nrequested_token_type = \"{FEDERATED_TOKEN}\"\n\
         token_endpoint_auth_method = \"client_secret_post\"\nquirks = {{ request_style = \"json\" }}\n"
    );
    let home = home(&[op(&server, ""), other(&server, &grant)]);
    home.login("walk.mjs", &["op"]).ok();
    let token = home.run(&["token", "other"]).ok();
    assert_eq!(user_of(&server, &token), "google-oauth2|google-user-7");
    let request = server.requests_to("/token").pop().unwrap();
    assert_eq!(
        names(&request),
        [
            "client_id",
            "client_secret",
            "connection",
            "grant_type",
            "login_hint",
            "requested_token_type",
            "subject_token",
            "subject_token_type"
        ]
    );
    assert_eq!(request["json"], true);
    assert_eq!(home.run(&["token", "other"]).ok(), token, "kept");
    let github = home.run(&["token", "other", "--connection", "github"]).ok();
    assert_eq!(user_of(&server, &github), "github|google-user-7", "each connection separately");
    assert_eq!(grants(&server), ["authorization_code", FEDERATED, FEDERATED]);
    // That did not consume the refresh token.
    home.run(&["token", "op", "--refresh"]).ok();
    assert_ne!(home.run(&["token", "other", "--refresh"]).ok(), token, "with the rotated one");

    // A refresh token is sent only to the server that issued it.
    let elsewhere = OidcProvider::with(&json!({ "clients": [exchanger()] }));
    home.configure(&format!("store = \"file\"\n{}{}", op(&server, ""), other(&elsewhere, &grant)));
    home.run(&["token", "other"])
        .fails(4)
        .says("authctl sends a refresh token only to the server that issued it");
    assert_eq!(grants(&elsewhere), [""; 0]);
}

#[test]
fn an_external_subject_token_is_never_an_argument() {
    let server = OidcProvider::with(&json!({ "clients": [exchanger()] }));
    let logged_in = home(&[op(&server, "")]);
    logged_in.login("walk.mjs", &[]).ok();
    let subject = logged_in.run(&["token"]).ok().text().to_owned();
    let path = file(logged_in.folder.path(), "subject", &format!("{subject}\n"));
    for (name, source) in [
        ("a file", format!("{{ file = \"{}\" }}", path.display())),
        ("a program", format!("{{ command = [\"cat\", \"{}\"] }}", path.display())),
        ("a variable", "{ env = \"SUBJECT\" }".to_owned()),
        ("standard input", "{ stdin = true }".to_owned()),
    ] {
        let exchange = format!("grant_type = \"token_exchange\"\nsubject = {source}\n");
        let home = home(&[other(&server, &exchange)]);
        let mut command = home.command(&["token"]);
        command.env("SUBJECT", &subject).stdin(std::fs::File::open(&path).unwrap());
        let token = Ended::from(command.output().unwrap());
        assert_eq!(token.status, Some(0), "{name}: {token:#?}");
        assert_eq!(user_of(&server, &token), "alice", "{name}");
        let request = server.requests_to("/token").pop().unwrap();
        assert_eq!(request["parameters"]["subject_token"], subject, "{name}");
    }
    let home = home(&[other(&server, "grant_type = \"token_exchange\"\nsubject = \"a literal token\"\n")]);
    home.run(&["token"]).fails(4);
}

#[test]
fn a_refused_exchange_stores_nothing() {
    let server = OidcProvider::with(&json!({ "clients": [exchanger()] }));
    let exchange = "grant_type = \"token_exchange\"\nsubject = { provider = \"op\" }\nrequested_token_type = \"urn:ietf:params:oauth:token-type:jwt\"\n";
    let home = home(&[op(&server, ""), other(&server, exchange)]);
    home.login("walk.mjs", &["op"]).ok();
    let token = "\"access_token\":\"a\",\"token_type\":";
    for (name, fault, said) in [
        ("X3", r#"{"status":400,"body":{"error":"invalid_target"}}"#.to_owned(), "invalid_target"),
        ("not said", format!("{{\"status\":200,\"body\":{{{token}\"Bearer\"}}}}"), "no `issued_token_type`"),
        (
            "another",
            format!("{{\"status\":200,\"body\":{{{token}\"N_A\",\"issued_token_type\":\"urn:x\"}}}}"),
            "urn:x",
        ),
    ] {
        server.fault(&fault);
        let refused = home.run(&["token", "other"]);
        assert!(refused.status == Some(1) && refused.stderr.contains(said), "{name}: {refused:#?}");
        assert_eq!(refused.stdout, "", "{name}");
    }
    home.run(&["token", "other"]).ok();
}
