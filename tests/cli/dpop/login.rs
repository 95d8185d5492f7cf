//! Bound logins.

use serde_json::Value;

use super::{call, headers, home, proof};
use crate::support::authorization_server::jws::thumbprint;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// The server checks each proof; the code is bound to the key too; the key is stored with the tokens.
#[test]
fn a_dpop_login_is_used_refreshed_and_revoked() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    sandbox.run(&["login"]).ok();
    let shown = proof(server.requests_to("/token")[0].header("dpop").unwrap());
    let key = thumbprint(&shown.header["jwk"]);
    assert_eq!(server.requests_to("/authorize")[0].parameter("dpop_jkt"), Some(key.clone()));

    let token =
        sandbox.run(&["token"]).ok().says("bound to a key (DPoP)").says("authctl headers as --method GET");
    assert_eq!(call(&server, &[("Authorization".to_owned(), format!("Bearer {}", token.text()))]), 401);
    let headers = headers(&sandbox, &server, &[]);
    assert_eq!(headers[0].1, format!("DPoP {}", token.text()));
    assert_eq!(call(&server, &headers), 200);
    let made = proof(&headers[1].1);
    assert_eq!(made.claims["htm"], "GET");
    assert_eq!(made.claims["htu"], format!("{}/api", server.issuer()), "no query");
    assert_eq!(thumbprint(&made.header["jwk"]), key, "the same key in another run");
    sandbox.run(&["whoami"]).ok();

    sandbox.clock.advance(3600);
    server.set(|behaviour| behaviour.expires_in = Some(9000));
    // The server would reject a proof from a clock that is an hour ahead, so the story's clock goes back.
    sandbox.clock.advance(-3600);
    assert_ne!(sandbox.run(&["token", "--refresh"]).ok().text(), token.text());
    assert_eq!(server.token_requests("refresh_token"), 1);
    sandbox.run(&["logout"]).ok().says("The server revoked the refresh token");
}

#[test]
fn an_unbound_token_is_rejected() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    server.set(|behaviour| drop(behaviour.token_members.insert("token_type".to_owned(), "Bearer".into())));
    sandbox
        .run(&["login"])
        .fails(1)
        .says("it is a bearer token, although the request had a DPoP key")
        .says("use_dpop = false");
    assert!(sandbox.stores_nothing());
    sandbox
        .configure(&server_config(&server.domain(), "use_dpop = true\nquirks = { unbound_tokens = true }"));
    sandbox.run(&["login"]).ok();
    assert!(!sandbox.run(&["token"]).ok().stderr.contains("bound"));

    let server = AuthorizationServer::start();
    server.set(|behaviour| drop(behaviour.token_members.insert("token_type".to_owned(), "DPoP".into())));
    Sandbox::with_server(&server.domain())
        .run(&["login"])
        .fails(1)
        .says("bound to a DPoP key, but the request had none");
}

#[test]
fn a_bound_token_without_its_key_needs_a_login() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    let keyring = sandbox.keyring.present();
    sandbox.configure(&server_config(&server.domain(), "use_dpop = true").replace("\"file\"", "\"keyring\""));
    sandbox.run(&["login"]).ok();
    let entries = keyring.search(&std::collections::HashMap::from([("service", "authctl")])).unwrap();
    let entry = entries.iter().find(|entry| entry.get_secret().is_ok()).unwrap();
    let mut record: Value = serde_json::from_slice(&entry.get_secret().unwrap()).unwrap();
    assert!(record.as_object_mut().unwrap().remove("dpop_key").is_some());
    entry.set_secret(record.to_string().as_bytes()).unwrap();
    sandbox
        .run(&["token"])
        .fails(3)
        .says("the key that the stored token is bound to does not exist any more")
        .says("authctl login as");
}

#[test]
fn a_wrong_clock_is_reported() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    sandbox.clock.advance(-600);
    sandbox.run(&["login"]).fails(1).says("`invalid_dpop_proof`").says("seconds behind the server's");
}

/// Existing logins are never bound later: a server that cannot bind would have rotated the refresh token before that shows.
#[test]
fn use_dpop_that_comes_later_loses_no_session_f_rot10() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.configure(&server_config(&server.domain(), "use_dpop = true"));
    let output = sandbox.run(&["token", "--refresh"]).ok().says("use_dpop").says("run `authctl login as`");
    assert!(server.accepts(output.text()));
    assert!(server.requests_to("/token").last().unwrap().header("dpop").is_none());
}

/// An unbound token is not used, but the refresh token beside it may be the only valid one.
#[test]
fn a_refresh_that_is_downgraded_keeps_the_session_f_rot10() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    sandbox.run(&["login"]).ok();
    server.set(|behaviour| drop(behaviour.token_members.insert("token_type".to_owned(), "Bearer".into())));
    sandbox
        .run(&["token", "--refresh"])
        .fails(1)
        .says("it is a bearer token, although the request had a DPoP key");
    server.set(|behaviour| behaviour.token_members.clear());
    assert!(!sandbox.run(&["token", "--refresh"]).ok().text().is_empty());
    assert!(!server.any_family_revoked());
}
