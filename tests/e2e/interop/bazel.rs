//! Bazel's credential helper protocol. No package ships a Bazel that speaks it (npm's newest is 2.1; it came with 5.4), so a
//! transcript stands in for it: what `CredentialHelper.java` writes, and how it reads the answer.

use std::process::Command;

use serde_json::{Value, json};

use super::{Desk, fed};
use crate::parts::{Ended, OidcProvider};

const HOST: &str = "remote.bazel.example";

fn desk() -> Desk {
    Desk::logged_in(OidcProvider::start(3600), "https", &[HOST], "")
}

impl Desk {
    /// Calls the helper that `.bazelrc` names for a host, as Bazel does: in the workspace, with its own environment.
    #[track_caller]
    fn bazel(&self, arguments: &[&str], input: &str) -> Ended {
        let line = format!("--credential_helper={HOST}=");
        let configured = self.read(".bazelrc");
        let helper = configured.lines().find_map(|text| Some(text.split_once(&line)?.1.to_owned()));
        let mut helper = self.equipped(Command::new(helper.expect("a helper")));
        helper.args(arguments);
        fed(helper, input)
    }
}

#[test]
fn eh1_eh2_what_bazel_says_and_reads() {
    let desk = desk();
    desk.write(".bazelrc", "# mine\nbuild --jobs=2\n");
    desk.set_up(&["bazel"], "--write").says("done");
    // Gson writes the request without an end of line, and closes the helper's input.
    let got = desk.bazel(&["get"], &format!("{{\"uri\":\"https://{HOST}/v1/x\"}}")).ok();
    let answer: Value = serde_json::from_str(&got.stdout).unwrap();
    assert_eq!(answer["headers"], json!({ "Authorization": [format!("Bearer {}", desk.token())] }));
    // `expires` is read by DateTimeFormatter.ISO_OFFSET_DATE_TIME or an Instant: both take whole seconds and a Z.
    let expires = answer["expires"].as_str().unwrap();
    assert!(expires.len() == 20 && expires.ends_with('Z'), "{expires}");
    assert_eq!(answer.as_object().unwrap().len(), 2, "nothing that Bazel does not know");
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
