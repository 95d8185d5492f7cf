//! Mutual TLS: client certificates, and tokens that are bound to them (RFC 8705).

use std::path::Path;

use serde_json::{Value, json};

use super::{browser, call, file, home, names, oauth, openssl};
use crate::parts::{Ended, OidcProvider};

/// The tests' certificates.
const CONFIGURATION: &str = "[req]\ndistinguished_name = name\n[name]\n\
    [authority]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n\
    [server]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = IP:127.0.0.1\nextendedKeyUsage = serverAuth\n\
    [client]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = DNS:robot.example\nextendedKeyUsage = clientAuth\n";

/// The test's own authority, a server certificate and client certificates that it signed, and a self-signed one.
pub fn make_certificates(folder: &Path) {
    file(folder, "openssl.cnf", CONFIGURATION);
    let new = "req -config openssl.cnf -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2";
    let by_authority = "-CA authority.pem -CAkey authority.key";
    for more in [
        "-extensions authority -subj /CN=Authority -keyout authority.key -out authority.pem".to_owned(),
        format!("-extensions server -subj /CN=server -keyout server.key -out server.pem {by_authority}"),
        format!("-extensions client -subj /CN=robot -keyout robot.key -out robot.pem {by_authority}"),
        format!("-extensions client -subj /CN=robot2 -keyout robot2.key -out robot2.pem {by_authority}"),
        "-extensions client -subj /CN=loner -keyout loner.key -out loner.pem".to_owned(),
    ] {
        openssl(folder, &format!("{new} {more}"));
    }
    // Also with the key and the certificate in one file.
    let both = ["robot.pem", "robot.key"].map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
    file(folder, "robot-both.pem", &both.concat());
}

/// The server's options for these certificates.
pub fn tls(folder: &Path) -> Value {
    json!({
        "key": folder.join("server.key"), "certificate": folder.join("server.pem"),
        "authority": folder.join("authority.pem"),
    })
}

/// A provider whose client presents this certificate.
fn shows(name: &str, server: &OidcProvider, folder: &Path, keys: &str) -> String {
    let path = folder.display();
    oauth(
        name,
        server,
        &format!("ca_file = \"{path}/authority.pem\"\n{}", keys.replace("FOLDER", &path.to_string())),
    )
}

/// The clients that are registered at the server.
fn mutual_tls_clients(folder: &Path) -> Value {
    let registered = |id: &str, method: &str, more: Value| {
        let mut client = json!({
            "client_id": id, "token_endpoint_auth_method": method, "grant_types": ["client_credentials"],
        });
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client
    };
    let by_name = || json!({ "tls_client_auth_san_dns": "robot.example" });
    json!([
        registered("by-name", "tls_client_auth", by_name()),
        registered("by-subject", "tls_client_auth", json!({ "tls_client_auth_subject_dn": "CN=robot" })),
        registered(
            "by-itself",
            "self_signed_tls_client_auth",
            json!({ "keys": [{ "file": folder.join("loner.pem") }] })
        ),
    ])
}

/// What the client presents, the client, its keys, and the error if the server rejects it.
fn logins_with_certificates() -> [(&'static str, &'static str, String, Option<&'static str>); 6] {
    let robot = "certificate = \"FOLDER/robot.pem\"\nprivate_key = { file = \"FOLDER/robot.key\" }\n";
    let loner = "certificate = \"FOLDER/loner.pem\"\nprivate_key = { file = \"FOLDER/loner.key\" }\n";
    [
        (
            "a name of the certificate",
            "by-name",
            format!("{robot}token_endpoint_auth_method = \"tls_client_auth\"\n"),
            None,
        ),
        ("the key beside it", "by-name", "certificate = \"FOLDER/robot-both.pem\"\n".to_owned(), None),
        (
            "the subject",
            "by-subject",
            format!("{robot}token_endpoint_auth_method = \"tls_client_auth\"\n"),
            None,
        ),
        (
            "the certificate itself",
            "by-itself",
            format!("{loner}token_endpoint_auth_method = \"self_signed_tls_client_auth\"\n"),
            None,
        ),
        (
            "nobody's certificate",
            "by-name",
            format!("{loner}token_endpoint_auth_method = \"tls_client_auth\"\n"),
            Some("invalid_client"),
        ),
        (
            "another's certificate",
            "by-itself",
            format!("{robot}token_endpoint_auth_method = \"self_signed_tls_client_auth\"\n"),
            Some("invalid_client"),
        ),
    ]
}

#[test]
fn a_certificate_authenticates_the_client() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make_certificates(folder);
    let clients = mutual_tls_clients(folder);
    for (place, secure) in [("an https issuer", true), ("aliases beside an http issuer", false)] {
        let server = OidcProvider::with(&json!({ "tls": tls(folder), "secure": secure, "clients": clients }));
        for (name, client, keys, refused) in logins_with_certificates() {
            let keys = format!("grant_type = \"client_credentials\"\nclient_id = \"{client}\"\n{keys}");
            let home = home(&[shows("op", &server, folder, &keys)]);
            let token = home.run(&["token"]);
            match refused {
                Some(said) => drop(token.fails(1).says(said)),
                None => assert_eq!(token.status, Some(0), "{place}, {name}: {token:#?}"),
            }
            let request = server.requests_to("/token").pop().unwrap();
            assert_eq!(names(&request), ["client_id", "grant_type"], "{place}, {name}: T1");
            assert_eq!(request["authorization"], Value::Null, "{place}, {name}: T1");
            assert_eq!(request["origin"].as_str(), server.secure.as_deref(), "{place}, {name}: T2");
        }
    }
}

#[test]
fn certificate_bound_tokens_work() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make_certificates(folder);
    let server = OidcProvider::with(&json!({ "tls": tls(folder), "clients": [{
        "client_id": "bound", "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "robot.example", "tls_client_certificate_bound_access_tokens": true,
        "grant_types": ["authorization_code", "refresh_token"],
    }] }));
    let secure = server.secure.clone().unwrap();
    let keys = "client_id = \"bound\"\nscopes = [\"openid\", \"profile\", \"offline_access\"]\nextra_params = { prompt = \"consent\" }\n\
                certificate = \"FOLDER/robot.pem\"\nprivate_key = { file = \"FOLDER/robot.key\" }\n\
                token_endpoint_auth_method = \"tls_client_auth\"\n";
    let config = shows("op", &server, folder, keys);
    let home = home(std::slice::from_ref(&config));
    home.login("walk.mjs", &[]).ok().says("Logged in to op as alice");

    let header = home.run(&["headers"]).ok().stdout;
    let url = format!("{secure}/api");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (authority, certificate, key) = (path("authority.pem"), path("robot.pem"), path("robot.key"));
    let with = ["--cacert", &authority, "--cert", &certificate, "--key", &key];
    assert_eq!(call(&url, &header, &with).0, 200);
    assert_eq!(call(&url, &header, &with[..2]).0, 401, "the token alone is useless");

    assert!(home.run(&["whoami"]).ok().stdout.contains("The user alice"));
    home.run(&["token", "--refresh"]).ok();
    for path in ["/token", "/me"] {
        for request in server.requests_to(path) {
            assert_eq!(request["origin"], secure.as_str(), "T2: {path}");
        }
    }

    // The server identifies the client by subject: it accepts a new certificate with that subject, and authctl informs the user.
    home.configure(&format!("store = \"file\"\n{}", config.replace("/robot.", "/robot2.")));
    let renewed = home.run(&["token", "--refresh"]).ok().says("the certificate has changed since the login");
    let (certificate, key) = (path("robot2.pem"), path("robot2.key"));
    let with = ["--cacert", &authority, "--cert", &certificate, "--key", &key];
    assert_eq!(call(&url, &format!("Authorization: Bearer {}", renewed.text()), &with).0, 200, "T3");
    home.run(&["logout"]).ok().says("The server revoked the refresh token");
    assert_eq!(server.requests_to("/token/revocation")[0]["origin"], secure.as_str(), "T2");
}

#[test]
fn a_server_whose_authority_is_not_trusted_gets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let server = OidcProvider::with(&json!({ "tls": tls(folder.path()), "secure": true }));
    let keys = "grant_type = \"client_credentials\"\nclient_id = \"machine\"\n_client_secret = \"machine-secret-canary\"\n";
    home(&[oauth("op", &server, keys)]).run(&["token"]).fails(5).says("certificate");
    assert_eq!(server.requests(), 0);
    home(&[shows("op", &server, folder.path(), keys)]).run(&["token"]).ok();
}

#[test]
fn the_certificate_is_used_at_every_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make_certificates(folder);
    let server = OidcProvider::with(
        &json!({ "tls": tls(folder), "requirePar": true, "interval": 1, "clients": [{
        "client_id": "robot", "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "keys": [{ "file": folder.join("loner.pem") }],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    }] }),
    );
    let keys = "client_id = \"robot\"\nscopes = [\"openid\", \"offline_access\"]\ntoken_endpoint_auth_method = \"self_signed_tls_client_auth\"\n\
                certificate = \"FOLDER/loner.pem\"\nprivate_key = { file = \"FOLDER/loner.key\" }\n";
    let pushing =
        shows("browser", &server, folder, &format!("{keys}extra_params = {{ prompt = \"consent\" }}\n"));
    let codes = "grant_type = \"device_code\"\ntoken_params = { prompt = \"consent\" }\n";
    let home = home(&[pushing, shows("codes", &server, folder, &format!("{keys}{codes}"))]);
    for name in ["browser", "codes"] {
        // The device's page is where the certificates are.
        let mut login = home.command(&["login", name, "--browser", &browser(), "--timeout", "20s"]);
        login.env("NODE_EXTRA_CA_CERTS", folder.join("authority.pem"));
        Ended::from(login.output().unwrap()).ok().says(" as alice");
        home.run(&["token", name, "--refresh"]).ok();
        home.run(&["logout", name]).ok().says("The server revoked the refresh token");
    }
    let secure = server.secure.as_deref();
    for (path, requests) in [("/request", 1), ("/device/auth", 1), ("/token", 4), ("/token/revocation", 4)] {
        let found = server.requests_to(path);
        assert_eq!(found.len(), requests, "{path}");
        assert!(found.iter().all(|request| request["origin"].as_str() == secure), "{path}: {found:#?}");
    }
}
