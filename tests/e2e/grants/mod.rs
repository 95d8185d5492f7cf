//! Every grant and every client authentication method, against the same certified server.

mod bound;
pub mod certificates;
mod clients;
mod device;
mod exchange;
mod inspect;
mod session;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::parts::{Ended, Home, OidcProvider, folder, node};

/// A home that stores tokens in encrypted files: other tests cover the keyring.
fn home(credentials: &[String]) -> Home {
    Home::new(&format!("store = \"file\"\n{}", credentials.concat()))
}

/// An `oauth` provider for a server.
fn oauth(name: &str, server: &OidcProvider, keys: &str) -> String {
    format!(
        "[credentials.{name}]\ndomain = \"{}\"\nscheme = \"{}\"\n[credentials.{name}.oauth]\n{keys}\n",
        server.domain(),
        server.scheme()
    )
}

/// The user's login that other grants start from.
fn op(server: &OidcProvider, more: &str) -> String {
    let keys = "client_id = \"app\"\nscopes = [\"openid\", \"profile\", \"offline_access\"]\nextra_params = { prompt = \"consent\" }\n";
    oauth("op", server, &format!("{keys}{more}"))
}

/// The command of a scripted browser.
fn browser() -> String {
    format!("{} {} %s", node().display(), folder().join("walk.mjs").display())
}

/// Creates a file with this content.
fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    path
}

/// Runs openssl in a folder.
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl is missing: run tests/setup");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Calls a URL with header lines from standard input: returns the status, the headers and the body.
fn call(url: &str, headers: &str, arguments: &[&str]) -> (u16, String, String) {
    use std::io::Write as _;
    let mut curl = Command::new("curl")
        .args(["-sS", "-i", "-H", "@-", url])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(headers.as_bytes()).unwrap();
    let output = String::from_utf8(curl.wait_with_output().unwrap().stdout).unwrap();
    let (head, body) = output.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

/// The bearer token's user, according to the API.
#[track_caller]
fn user_of(server: &OidcProvider, token: &Ended) -> String {
    let header = format!("Authorization: Bearer {}", token.text());
    let (status, head, body) = call(&format!("{}/api", server.issuer), &header, &[]);
    assert_eq!(status, 200, "{head}");
    let body: Value = serde_json::from_str(&body).unwrap();
    body["hello"].as_str().unwrap().to_owned()
}

/// The claims of a JWT.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The names of a request's parameters.
fn names(request: &Value) -> Vec<&str> {
    request["parameters"].as_object().unwrap().keys().map(String::as_str).collect()
}
