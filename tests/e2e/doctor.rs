//! `authctl doctor` with real programs: gnome-keyring in each of its states, a TLS-intercepting proxy, and git's and docker's
//! configurations.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authctl::store::keyring::secret_service::SecretService;
use keyring_core::api::CredentialStoreApi as _;
use serde_json::Value;

use crate::parts::{Bus, Ended, Home, PROGRAM};

const CONFIG: &str = "store = \"keyring\"\n[credentials.x]\ndomain = \"x.example\"\njwt = \"tok\"\n";

/// The findings of a topic, and the exit status.
fn examine(command: &mut Command, topic: &str) -> (Option<i32>, Vec<Value>) {
    let ended = Ended::from(command.output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:#?}"));
    let findings = report["findings"].as_array().unwrap();
    (ended.status, findings.iter().filter(|finding| finding["topic"] == topic).cloned().collect())
}

fn text<'a>(finding: &'a Value, member: &str) -> &'a str {
    finding[member].as_str().unwrap_or_default()
}

#[test]
fn each_keyring_state_is_reported_f_kr1_f_kr2() {
    let mut bus = Bus::with_keyring();
    let mut home = Home::new(CONFIG);
    home.bus = Some(bus.address.clone());
    let store = || examine(&mut home.command(&["doctor", "--offline", "--json"]), "store");
    let signal = |bus: &Bus, name: &str| {
        let status = Command::new("kill").args([name, &bus.keyring_process().to_string()]).status().unwrap();
        assert!(status.success());
    };

    let (status, findings) = store();
    assert_eq!(status, Some(0), "{findings:#?}");
    assert_eq!((text(&findings[0], "subject"), text(&findings[0], "severity")), ("the keyring", "ok"));
    assert!(findings[0]["milliseconds"].is_u64());
    let keyring = SecretService::new(bus.address.clone());
    let left = keyring.search(&HashMap::from([("service", "authctl")])).unwrap();
    assert!(left.is_empty(), "the trial record is deleted");

    signal(&bus, "-STOP");
    let start = Instant::now();
    let (status, findings) = store();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    signal(&bus, "-CONT");
    assert_eq!(status, Some(6), "{findings:#?}");
    assert_eq!(text(&findings[0], "what"), "the keyring does not answer");

    bus.start_keyring(false);
    let (status, findings) = store();
    assert_eq!(status, Some(6), "{findings:#?}");
    assert_eq!(
        (text(&findings[0], "what"), text(&findings[0], "fix")),
        ("the keyring is locked", "authctl store unlock")
    );

    bus.stop_keyring();
    let (status, findings) = store();
    assert_eq!(status, Some(6), "{findings:#?}");
    assert_eq!(text(&findings[0], "what"), "no keyring is available");
    assert!(text(&findings[0], "fix").contains("store = \"file\""));
}

/// A TLS-intercepting proxy, as companies run them: returns its certificate authority and its address.
fn intercepting_proxy() -> (String, std::net::SocketAddr) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Example Corp TLS Inspection");
    let authority = parameters.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["as.example".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let config = Arc::clone(&config);
            std::thread::spawn(move || answer(stream.unwrap(), config));
        }
    });
    (authority, address)
}

fn answer(mut stream: TcpStream, config: Arc<rustls::ServerConfig>) {
    read_head(&mut stream);
    let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
    let mut inside = rustls::StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), stream);
    if read_head(&mut inside) {
        let _ = inside.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        inside.conn.send_close_notify();
        let _ = inside.flush();
    }
}

/// Reads a request; returns whether one arrived.
fn read_head(stream: &mut impl std::io::Read) -> bool {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

#[test]
fn a_proxy_that_looks_into_tls_is_named_f_proxy() {
    let (authority, proxy) = intercepting_proxy();
    let config = |more: &str| {
        format!(
            "store = \"file\"\n[credentials.c]\ndomain = \"as.example\"\noauth.client_id = \"a\"\noauth.authorization_endpoint = \"https://as.example/a\"\noauth.token_endpoint = \"https://as.example/t\"\n{more}"
        )
    };
    let home = Home::new(&config(""));
    let network = || {
        let mut command = home.command(&["doctor", "--json"]);
        examine(command.env("HTTPS_PROXY", format!("http://user:canary@{proxy}")), "network")
    };
    let (status, findings) = network();
    assert_eq!(status, Some(5), "{findings:#?}");
    let found = findings.iter().find(|finding| finding["severity"] == "problem").unwrap();
    let (why, fix) = (text(found, "why"), text(found, "fix"));
    assert!(why.contains("Example Corp TLS Inspection"), "{why}");
    assert!(why.contains(&format!("{proxy} (HTTPS_PROXY)")), "{why}");
    assert!(fix.contains("ca_file"), "{fix}");
    assert!(!format!("{findings:?}").contains("canary"));

    let path = home.folder.path().join("corp.pem");
    std::fs::write(&path, authority).unwrap();
    home.configure(&config(&format!("oauth.ca_file = \"{}\"\n", path.display())));
    let (status, findings) = network();
    assert_eq!(status, Some(0), "{findings:#?}");
}

#[test]
fn doctor_finds_git_and_docker_helpers_and_their_problems() {
    let home = Home::new(
        "store = \"file\"\n[credentials.x]\ndomain = \"git.example\"\noauth.client_id = \"a\"\noauth.authorization_endpoint = \"https://git.example/a\"\noauth.token_endpoint = \"https://git.example/t\"\n",
    );
    home.run(&["helper", "git", "--write"]).ok();
    home.run(&["helper", "docker", "--write"]).ok();
    let helpers = |path: &str| {
        let mut command = home.command(&["doctor", "--offline", "--json"]);
        examine(command.env("PATH", path), "helper")
    };
    let (status, findings) = helpers("/usr/bin:/bin");
    assert_eq!(status, Some(1), "{findings:#?}");
    let of = |findings: &[Value], start: &str| {
        findings.iter().find(|finding| text(finding, "subject").starts_with(start)).unwrap().clone()
    };
    assert_eq!(of(&findings, "git: git.example")["severity"], "ok", "{findings:#?}");
    assert!(text(&of(&findings, "docker: git.example"), "what").contains("not on PATH"), "{findings:#?}");

    let path = format!("{}:/usr/bin:/bin", home.folder.path().join(".local/bin").display());
    let (status, findings) = helpers(&path);
    assert_eq!(status, Some(0), "{findings:#?}");
    assert!(findings.iter().all(|finding| finding["severity"] == "ok"), "{findings:#?}");

    let file = home.folder.path().join(".gitconfig");
    let text_of_file = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text_of_file.replace(PROGRAM, "/gone/authctl")).unwrap();
    let (status, findings) = helpers(&path);
    assert_eq!(status, Some(1), "{findings:#?}");
    let git = of(&findings, "git: git.example");
    assert!(text(&git, "what").contains("/gone/authctl, which does not exist"), "{git:#?}");
    home.run(&["helper", "git", "--write"]).ok();
    assert_eq!(helpers(&path).0, Some(0), "as the hint says, --write fixes it");
}
