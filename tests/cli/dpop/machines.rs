//! Tokens of the client credentials grant.

use super::proof;
use crate::support::authorization_server::jws::thumbprint;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// A token of the client credentials grant is bound too, to the key in the record.
#[test]
fn a_machines_tokens_are_bound_to_one_key() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.dpop = true;
        behaviour.client_secret = Some("s".to_owned());
    });
    let more = "use_dpop = true\ngrant_type = \"client_credentials\"\n_client_secret = \"s\"";
    let sandbox = Sandbox::new(&server_config(&server.domain(), more));
    sandbox.run(&["token"]).ok();
    sandbox.run(&["token", "--refresh"]).ok();
    let keys: Vec<String> = server
        .requests_to("/token")
        .iter()
        .map(|request| thumbprint(&proof(request.header("dpop").unwrap()).header["jwk"]))
        .collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

/// A machine's tokens are bound only while the configuration says so: the hint of the error helps.
#[test]
fn client_credentials_follow_the_dpop_setting() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.dpop = true;
        behaviour.client_secret = Some("s".to_owned());
    });
    let config = |dpop: bool| {
        let more = format!("use_dpop = {dpop}\ngrant_type = \"client_credentials\"\n_client_secret = \"s\"");
        server_config(&server.domain(), &more)
    };
    let sandbox = Sandbox::new(&config(true));
    sandbox.run(&["token"]).ok();
    server.set(|behaviour| behaviour.dpop = false);
    sandbox.configure(&config(false));
    let output = sandbox.run(&["token", "--refresh"]).ok();
    assert!(!output.stderr.contains("bound"), "{output}");
}
