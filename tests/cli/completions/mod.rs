//! Completions ask the binary, and offer configured and stored names: each kind of candidate, and what must not happen.

mod offers;
mod scripts;

use crate::support::Sandbox;

const CONFIG: &str = r#"
store = "file"
default = "github"

[credentials.github]
template = "github"
oauth.client_id = "app"

[credentials.gitlab]
template = "gitlab"
oauth.client_id = "app"

[credentials.keys]
domain = "keys.example"
api_key.headers = { "X-Api-Key" = { stored = true } }

[profile.work.credentials.github.oauth]
client_id = "work"
"#;

/// The candidates for the last word in fish's format: one per line, with a description after a tab.
fn complete(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &[]);
    command.env("COMPLETE", "fish").arg("--").arg("authctl").args(words);
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
    assert!(output.status.success(), "{words:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
}

#[track_caller]
fn offers(sandbox: &Sandbox, words: &[&str], want: &[&str]) {
    assert_eq!(complete(sandbox, words), want, "{words:?}");
}
