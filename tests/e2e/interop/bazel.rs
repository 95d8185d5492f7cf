//! Bazel's credential helper protocol. No package ships a Bazel that speaks it (npm's newest is 2.1; it came with 5.3), so a
//! transcript replaces it: what Bazel's `CredentialHelper.java` writes, and how it reads the answer.

use std::process::Command;

use serde_json::{Value, json};

use super::{Desk, fed};
use crate::parts::{Ended, OidcProvider};

const HOST: &str = "remote.bazel.example";

/// Bazel accepts no helper for the second host.
fn desk() -> Desk {
    Desk::logged_in(OidcProvider::start(3600), "https", &[HOST, "localhost:8080"], "")
}

impl Desk {
    /// The helpers that `.bazelrc` names, each with its host. Any other pattern makes Bazel exit
    /// (`CredentialHelperProvider.java`).
    fn bazel_helpers(&self) -> Vec<(String, String)> {
        let rc = self.read(".bazelrc");
        let configured = rc.lines().filter_map(|line| line.strip_prefix("common --credential_helper="));
        let helpers = configured.map(|pair| pair.split_once('=').unwrap());
        let checked =
            helpers.inspect(|(host, _)| assert!(host.contains('.') && !host.contains(':'), "{host}"));
        checked.map(|(host, helper)| (host.to_owned(), helper.to_owned())).collect()
    }

    /// Calls the helper as Bazel does: in the workspace, with the client's own environment.
    #[track_caller]
    fn bazel(&self, arguments: &[&str], input: &str) -> Ended {
        let helpers = self.bazel_helpers();
        let (_, helper) = helpers.iter().find(|(host, _)| host == HOST).expect("a helper");
        let mut helper = self.equipped(Command::new(helper));
        helper.args(arguments);
        fed(helper, input)
    }
}

#[test]
fn bazel_reads_the_credential_helpers_headers() {
    let desk = desk();
    desk.write(".bazelrc", "# mine\nbuild --jobs=2\n");
    desk.set_up(&["bazel"], "--write").says("done");
    assert_eq!(desk.bazel_helpers().len(), 1);
    // Gson writes the request without a line feed, and closes the helper's input.
    let got = desk.bazel(&["get"], &format!("{{\"uri\":\"https://{HOST}/v1/x\"}}")).ok();
    let answer: Value = serde_json::from_str(&got.stdout).unwrap();
    assert_eq!(answer["headers"], json!({ "Authorization": [format!("Bearer {}", desk.token())] }));
    // Bazel accepts only whole seconds: `yyyy-MM-dd'T'HH:mm:ssXXX`.
    let expires = answer["expires"].as_str().unwrap();
    assert!(expires.len() == 20 && expires.ends_with('Z'), "{expires}");
    assert_eq!(answer.as_object().unwrap().len(), 2);
    for uri in [format!("https://{HOST}"), format!("https://{HOST}:443/x?y")] {
        desk.bazel(&["get"], &json!({ "uri": uri, "more": [1] }).to_string()).ok();
    }

    let cases = [
        ("another host", json!({ "uri": "https://other.example/" }).to_string()),
        ("a longer name", json!({ "uri": format!("https://{HOST}.evil.example/") }).to_string()),
        ("a part of it", json!({ "uri": format!("https://x.{HOST}/") }).to_string()),
        ("another port", json!({ "uri": format!("https://{HOST}:8443/") }).to_string()),
        ("over http", json!({ "uri": format!("http://{HOST}/") }).to_string()),
        ("as a user name", json!({ "uri": format!("https://{HOST}@evil.example/") }).to_string()),
        ("no URL", json!({ "uri": "\u{1b}[31m" }).to_string()),
        ("no text", json!({ "uri": 1 }).to_string()),
        ("no uri", "{}".to_owned()),
        ("no object", "[]".to_owned()),
        ("no JSON", "{".to_owned()),
        ("nothing", String::new()),
    ];
    for (name, input) in cases {
        let ended = desk.silent(desk.bazel(&["get"], &input)).fails(1);
        assert!(!ended.stderr.is_empty() && !ended.stderr.contains('\u{1b}'), "{name}: {ended:#?}");
    }
    desk.bazel(&["get-more"], "{}").fails(2);
    desk.bazel(&[], "").fails(2);

    desk.set_up(&["bazel"], "--undo");
    assert_eq!(desk.read(".bazelrc"), "# mine\nbuild --jobs=2\n");
}
