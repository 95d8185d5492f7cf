//! Login, token, API call, expiry, refresh, logout: with the real server, browser, keyring and curl.

mod canary;
mod login;
mod refresh;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::parts::{Bus, Home, OidcProvider};

/// The configuration of a user's login at the server.
pub fn config(server: &OidcProvider, more: &str) -> String {
    format!(
        "{more}\n[credentials.op]\ndomain = \"{}\"\nscheme = \"http\"\n[credentials.op.oauth]\nclient_id = \"app\"\nscopes = [\"openid\", \"profile\", \"offline_access\"]\nextra_params = {{ prompt = \"consent\" }}\n",
        server.domain()
    )
}

/// Calls the API with header lines from standard input, without putting the token in any process's arguments.
fn call_api(server: &OidcProvider, headers: &str) -> (String, String) {
    let mut curl = Command::new("curl")
        .args(["-sS", "-w", "\n%{http_code}", "-H", "@-", &format!("{}/api", server.issuer)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(headers.as_bytes()).unwrap();
    let output = String::from_utf8(curl.wait_with_output().unwrap().stdout).unwrap();
    let (body, status) = output.rsplit_once('\n').unwrap();
    (status.to_owned(), body.to_owned())
}

/// A home that is logged in, with an expired token.
fn ended(server: &OidcProvider, bus: &Bus) -> Home {
    server.set_access_token_seconds(1);
    let mut home = Home::new(&config(server, ""));
    home.bus = Some(bus.address.clone());
    home.login("walk.mjs", &[]).ok();
    std::thread::sleep(Duration::from_millis(1100));
    server.set_access_token_seconds(3600);
    home
}
