//! The Cargo credential provider.

use serde_json::json;

use super::{TOKEN_CONFIG, cargo, logged_in, question};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn cargo_credential_provider_follows_the_protocol() {
    let (server, sandbox) =
        logged_in(&format!("{TOKEN_CONFIG}helper.cargo_index = [\"sparse+https://git.example/index/\"]\n"));
    let index = format!("sparse+{}/reg/", server.issuer());
    let token = sandbox.run(&["token", "as"]).ok().text().to_owned();
    let answers = cargo(
        &sandbox,
        &[
            question(&index, "get"),
            question("sparse+https://git.example/index/", "get"),
            question("sparse+https://git.example/index", "get"),
            question("sparse+https://crates.example/", "get"),
            question(&index, "logout"),
            question(&index, "dance"),
            json!({ "v": 2, "kind": "get", "registry": { "index-url": index } }),
            json!([]),
        ],
    );
    assert_eq!(answers[0], json!({ "v": [1] }));
    let ok = &answers[1]["Ok"];
    assert_eq!(ok["token"], format!("Bearer {token}"), "the whole header");
    assert_eq!(
        (&ok["kind"], &ok["cache"], &ok["operation_independent"]),
        (&json!("get"), &json!("expires"), &json!(true))
    );
    assert!(ok["expiration"].as_i64().unwrap() > jiff::Timestamp::now().as_second());
    assert_eq!(answers[2]["Ok"]["token"], "Bearer other-token");
    assert_eq!(answers[2]["Ok"]["cache"], "session", "its expiry is unknown");
    for (at, kind) in [
        (3, "url-not-supported"),
        (4, "url-not-supported"),
        (5, "other"),
        (6, "operation-not-supported"),
        (7, "other"),
        (8, "other"),
    ] {
        assert_eq!(answers[at]["Err"]["kind"], kind, "{at}: {answers:#?}");
    }
}

#[test]
fn cargo_login_logs_in_and_a_missing_login_is_not_found() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let index = format!("sparse+{}/reg/", server.issuer());
    let typed = json!({ "v": 1, "kind": "login", "token": "typed", "registry": { "index-url": index } });
    let questions = [question(&index, "get"), typed, question(&index, "login"), question(&index, "get")];
    let answers = cargo(&sandbox, &questions);
    assert_eq!(answers[1]["Err"], json!({ "kind": "not-found" }));
    assert_eq!(answers[2]["Err"]["kind"], "other");
    assert_eq!(answers[3]["Ok"], json!({ "kind": "login" }));
    assert!(answers[4]["Ok"]["token"].as_str().unwrap().starts_with("Bearer "));
}
