//! What is completed.

use super::{CONFIG, offers};
use crate::support::Sandbox;

#[test]
fn provider_names_are_completed() {
    let sandbox = Sandbox::new(CONFIG);
    for words in [
        &["token", "g"][..],
        &["exec", "g"],
        &["curl", "g"],
        &["serve", "github", "g"],
        &["serve", "--proxy", "g"],
        &["serve", "--gce", "g"],
        &["provider", "set", "g"],
        &["secret", "set", "g"],
        &["account", "list", "g"],
        &["account", "use", "me", "--provider", "g"],
    ] {
        offers(&sandbox, words, &["github", "gitlab"]);
    }
    offers(&sandbox, &["curl", "github", "g"], &[]);
    offers(&sandbox, &["exec", "--env", "TOKEN=gitl"], &["TOKEN=gitlab"]);
    offers(&sandbox, &["exec", "--file", "TOKEN=gitlab:h"], &["TOKEN=gitlab:header"]);
    offers(&sandbox, &["exec", "--env=TOKEN=gitl"], &["--env=TOKEN=gitlab"]);
}

#[test]
fn accounts_are_completed() {
    let sandbox = Sandbox::new(CONFIG);
    for (provider, account) in [("github", "me@example.com"), ("github", "other"), ("gitlab", "third")] {
        use std::io::Write as _;
        let mut login = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["login", provider, "--with-token"]);
        login.args(["--account", account]).stdin(std::process::Stdio::piped());
        let mut login = login.stderr(std::process::Stdio::null()).spawn().unwrap();
        login.stdin.take().unwrap().write_all(b"gho_1").unwrap();
        assert!(login.wait().unwrap().success());
    }
    for (words, want) in [
        (&["token", "github", "--account", ""][..], &["me@example.com", "other"][..]),
        (&["token", "gitlab", "--account", ""], &["third"]),
        // Without a provider, the default provider is completed.
        (&["token", "--account", "m"], &["me@example.com"]),
        (&["token", "--account=m"], &["--account=me@example.com"]),
        (&["token", "https://gitlab.com/api", "--account", ""], &["third"]),
        (&["account", "use", "o"], &["other"]),
        (&["account", "use", "--provider", "gitlab", "t"], &["third"]),
        (&["token", "keys", "--account", "m"], &[]),
        (&["token", "missing", "--account", "m"], &[]),
    ] {
        offers(&sandbox, words, want);
    }
}

#[test]
fn templates_profiles_keys_and_secrets_are_completed() {
    let sandbox = Sandbox::new(CONFIG);
    for (words, want) in [
        (&["provider", "templates", "gitl"][..], &["gitlab"][..]),
        (&["provider", "add", "gitl"], &["gitlab"]),
        (&["provider", "add", "x", "--template", "gitl"], &["gitlab"]),
        (&["token", "--profile", "w"], &["work"]),
        (&["provider", "set", "github", "client_i"], &["client_id="]),
        (&["provider", "set", "github", "scopes=a", "client_i"], &["client_id="]),
        (&["provider", "set", "keys", "pref"], &["prefix="]),
        (&["provider", "set", "keys", "client_i"], &[]),
        (&["provider", "set", "github", "grant_type=d"], &["grant_type=device_code"]),
        (&["provider", "set", "github", "scheme=http"], &["scheme=https", "scheme=http"]),
        (&["provider", "set", "github", "--unset", "client_i"], &["client_id"]),
        (&["provider", "add", "x", "--kind", "basic", "--set", "user"], &["username="]),
        // A secret is never an argument.
        (&["provider", "add", "x", "--kind", "basic", "--set", "pass"], &[]),
        (&["provider", "add", "x", "--kind", "basic", "--secret", "pass"], &["password"]),
        (&["secret", "set", "github", "client_s"], &["client_secret"]),
        (&["secret", "unset", "keys", "h"], &["headers.X-Api-Key"]),
        (&["secret", "set", "keys", "client_s"], &[]),
    ] {
        offers(&sandbox, words, want);
    }
}

#[test]
fn commands_formats_stores_helpers_and_shells_are_completed() {
    let sandbox = Sandbox::new(CONFIG);
    for (words, want) in [
        (&["tok"][..], &["token"][..]),
        (&["provider", "te"], &["templates"]),
        (&["token", "-o", "h"], &["header"]),
        (&["token", "-oh"], &["-oheader"]),
        (&["store", "move", "v"], &["vault"]),
        (&["helper", "do"], &["docker"]),
        (&["completions", "nu"], &["nushell"]),
        (&["provider", "add", "--kind", "ba"], &["basic"]),
        (&["token", "--capab"], &["--capability"]),
    ] {
        offers(&sandbox, words, want);
    }
}

#[test]
fn the_configuration_that_the_command_line_names_is_asked() {
    let sandbox = Sandbox::new(CONFIG);
    let other = sandbox.write("other.toml", "[credentials.gone]\ndomain = \"x.example\"\njwt = \"x\"\n");
    let other = other.to_str().unwrap();
    offers(&sandbox, &["--config", other, "token", "g"], &["gone"]);
    offers(&sandbox, &["token", "--config", other, "g"], &["gone"]);
}
