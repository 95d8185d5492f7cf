//! TLS, certificates and proxies.

use serde_json::json;

use crate::support::Sandbox;
use crate::support::http::{Reply, Server, certificates};

fn config(address: &str, more: &str) -> String {
    format!(
        "store = \"file\"\n[credentials.m]\ndomain = \"{address}\"\n[credentials.m.oauth]\ngrant_type = \"client_credentials\"\nclient_id = \"app\"\n_client_secret = \"canary\"\ntoken_endpoint = \"https://{address}/token\"\n{more}\n"
    )
}

fn tokens(_: &crate::support::http::Request) -> Reply {
    Reply::json(200, &json!({ "access_token": "over-tls", "token_type": "bearer", "expires_in": 60 }))
}

#[test]
fn certificates_are_checked_and_ca_file_adds_roots_f_proxy() {
    let (authority, tls) = certificates();
    let server = Server::start_tls(tls, tokens);
    let address = server.address().to_string();
    let sandbox = Sandbox::new(&config(&address, ""));
    let output = sandbox.run(&["token"]).fails(5).says(&format!("cannot reach {address}"));
    assert!(output.stderr.contains("certificate"), "{output}");
    assert!(server.requests().is_empty(), "nothing was sent");

    let file = sandbox.write("ca.pem", &authority);
    sandbox.configure(&config(&address, &format!("ca_file = \"{}\"", file.display())));
    assert_eq!(sandbox.run(&["token"]).ok().text(), "over-tls");

    sandbox.clock.advance(100);
    let other = certificates().0;
    for (name, content, status, said) in [
        ("empty.pem", "", 4, "it contains no PEM certificate"),
        (
            "broken.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            4,
            "cannot use the certificate file",
        ),
        ("other.pem", &other, 5, "certificate"),
    ] {
        let file = sandbox.write(name, content);
        sandbox.configure(&config(&address, &format!("ca_file = \"{}\"", file.display())));
        sandbox.run(&["token"]).fails(status).says(said);
    }
}

/// What cannot be set up is the configuration's fault, whichever request meets it first.
#[test]
fn an_invalid_ca_file_is_a_configuration_error_at_discovery_too() {
    let sandbox = Sandbox::new("");
    let file = sandbox.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    sandbox.configure(&format!(
        "[credentials.as]\ndomain = \"as.example\"\n[credentials.as.oauth]\nissuer = \"https://as.example\"\nclient_id = \"x\"\nca_file = \"{}\"\n",
        file.display()
    ));
    sandbox.run(&["login", "as", "--no-browser"]).fails(4).says("cannot use the certificate file");
}

#[test]
fn a_configured_proxy_is_used_and_sees_no_secret_f_proxy() {
    let proxy = Server::start(|_| Reply::full(502, &[], ""));
    let sandbox = Sandbox::new(&config("as.example", &format!("proxy = \"{}\"", proxy.url())));
    sandbox.run(&["token"]).fails(5).says("cannot reach as.example");
    let requests = proxy.requests();
    assert!(
        !requests.is_empty()
            && requests
                .iter()
                .all(|request| request.method == "CONNECT" && request.target == "as.example:443"),
        "{requests:?}"
    );
    assert!(requests.iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn the_environments_proxy_is_used_but_never_for_loopback_f_proxy() {
    let proxy = Server::start(|_| Reply::full(502, &[], ""));
    let sandbox = Sandbox::new(&config("as.example", ""));
    let run = || {
        let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]);
        command
            .env("HTTPS_PROXY", proxy.url())
            .env("HTTP_PROXY", proxy.url())
            .stdin(std::process::Stdio::null());
        command.output().unwrap().status.code()
    };
    assert_eq!(run(), Some(5));
    assert!(!proxy.requests().is_empty());
    let before = proxy.requests().len();
    let server = Server::start(tokens);
    let address = server.address().to_string();
    sandbox.configure(
        &config(&address, "")
            .replace("https://", "http://")
            .replace("[credentials.m.oauth]", "scheme = \"http\"\n[credentials.m.oauth]"),
    );
    assert_eq!(run(), Some(0));
    assert_eq!(proxy.requests().len(), before);
}
