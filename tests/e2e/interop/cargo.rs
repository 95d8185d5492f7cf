//! cargo with a private sparse registry: its index, crates and API require a login.

use std::process::Command;

use serde_json::{Value, json};

use super::{Desk, Service, Watch, fed};
use crate::parts::{Ended, OidcProvider};

/// A crate as `cargo package` would build it, and its index entry.
fn tiny() -> (tempfile::TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("tiny-1.0.0/src");
    std::fs::create_dir_all(&source).unwrap();
    std::fs::write(source.join("lib.rs"), "pub const TINY: u8 = 1;\n").unwrap();
    let manifest = "[package]\nname = \"tiny\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
    std::fs::write(folder.path().join("tiny-1.0.0/Cargo.toml"), manifest).unwrap();
    let file = folder.path().join("tiny-1.0.0.crate");
    let mut tar = Command::new("tar");
    tar.arg("-czf").arg(&file).arg("-C").arg(folder.path()).arg("tiny-1.0.0");
    assert!(tar.status().unwrap().success());
    let sum = Ended::from(Command::new("sha256sum").arg(&file).output().unwrap()).ok();
    let checksum = sum.text().split(' ').next().unwrap();
    let described = json!({ "name": "tiny", "version": "1.0.0", "file": file, "checksum": checksum });
    (folder, described)
}

const PROJECT: &str = "[package]\nname = \"project\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\ntiny = { version = \"1\", registry = \"corp\" }\n";

/// A desk with a project that needs a crate of a private registry.
fn desk() -> (Desk, Service, tempfile::TempDir, String) {
    let (server, (folder, described)) = (OidcProvider::start(3600), tiny());
    let service = Service::start("crates", &server, &json!({ "crate": described }));
    let desk = Desk::logged_in(server, "http", &[service.host()], "");
    let config = format!(
        "# mine\n[registries.corp] # ours\nindex = \"sparse+{}/index/\"\n\n[registries.other]\nindex = \"sparse+http://127.0.0.1:1/index/\"\n",
        service.origin
    );
    desk.write(".cargo/config.toml", &config);
    desk.write("project/Cargo.toml", PROJECT);
    desk.write("project/src/main.rs", "fn main() {\n    assert_eq!(tiny::TINY, 1);\n}\n");
    (desk, service, folder, config)
}

impl Desk {
    #[track_caller]
    fn cargo(&self, arguments: &[&str]) -> Ended {
        let mut cargo = self.equipped(Command::new(env!("CARGO")));
        cargo.args(arguments).current_dir(self.path("project"));
        self.silent(Ended::from(cargo.output().unwrap()))
    }
}

#[test]
fn cargo_builds_with_crates_from_a_private_registry() {
    let (desk, service, _folder, config) = desk();
    let before = desk.cargo(&["fetch"]);
    assert_eq!(before.status, Some(101), "{before:#?}");
    assert_eq!(service.credentials(), []);

    desk.set_up(&["cargo"], "--write").says("done");
    let written = desk.read(".cargo/config.toml");
    assert_eq!(written.matches("credential-provider").count(), 1, "{written}");
    let watch = Watch::start();
    desk.cargo(&["build"]).ok();
    watch.saw_no_token(&desk.server, "cargo build");
    let token = desk.token();
    let headers: Vec<Value> = service.log().iter().map(|entry| entry["authorization"].clone()).collect();
    assert!(headers.contains(&json!(format!("Bearer {token}"))));
    assert_eq!(service.credentials(), [("Bearer".to_owned(), String::new(), token)]);
    let owners = desk.cargo(&["owner", "--list", "--registry", "corp", "tiny"]).ok();
    assert!(owners.stdout.contains("alice"), "{owners:#?}");

    desk.set_up(&["cargo"], "--undo");
    assert_eq!(desk.read(".cargo/config.toml"), config);
}

#[test]
fn cargo_login_and_logout_name_the_program_that_stores_the_login() {
    let (desk, _service, _folder, _) = desk();
    desk.set_up(&["cargo"], "--write");
    desk.cargo(&["login", "--registry", "corp"]).ok();
    let logout = desk.cargo(&["logout", "--registry", "corp"]);
    assert_eq!(logout.status, Some(101));
    logout.says("run `authctl logout op`");
    // authctl stores no token that is typed or piped in.
    let mut login = desk.equipped(Command::new(env!("CARGO")));
    login.args(["login", "--registry", "corp"]).current_dir(desk.path("project"));
    let piped = desk.silent(fed(login, "a-token-of-mine\n"));
    assert_eq!(piped.status, Some(101), "{piped:#?}");
    assert!(piped.stderr.contains("run `authctl login op`") && !piped.stderr.contains("a-token-of-mine"));
}

#[test]
fn without_a_login_cargo_shows_the_command_to_run() {
    let (desk, service, _folder, _) = desk();
    desk.set_up(&["cargo"], "--write");
    Ended::from(desk.authctl(&["logout", "op"]).output().unwrap()).ok();
    let opened = desk.browser("");
    let mut cargo = desk.equipped(Command::new(env!("CARGO")));
    cargo.args(["fetch"]).env("BROWSER", opened).current_dir(desk.path("project"));
    let fetch = Ended::from(cargo.output().unwrap());
    assert_eq!(fetch.status, Some(101), "{fetch:#?}");
    assert!(!desk.path("opened").exists(), "a build opens no browser");
    assert_eq!(service.credentials(), []);
}

#[test]
fn cargo_messages_follow_the_protocol() {
    let (desk, service, _folder, _) = desk();
    let index = format!("sparse+{}/index/", service.origin);
    let question = |index: &str, more: &str| {
        format!(
            "{{\"v\":1,\"registry\":{{\"index-url\":\"{index}\",\"name\":\"corp\",\"headers\":[\"WWW-Authenticate: x\\u001b\"]}},{more}}}\n"
        )
    };
    let get = "\"kind\":\"get\",\"operation\":\"read\"";
    let evil = format!("sparse+http://{}.evil.example/index/", service.host());
    let named = service.origin.replace("127.0.0.1", "localhost");
    for (name, input, want) in [
        ("another registry", question(&evil, get), json!({ "Err": { "kind": "url-not-supported" } })),
        (
            "another name",
            question(&format!("sparse+{named}/index/"), get),
            json!({ "Err": { "kind": "url-not-supported" } }),
        ),
        (
            "an unknown kind",
            question(&index, "\"kind\":\"dance\""),
            json!({ "Err": { "kind": "operation-not-supported" } }),
        ),
    ] {
        let ended = desk.silent(desk.ask(&["helper", "cargo", "--cargo-plugin"], &input)).ok();
        let lines: Vec<Value> =
            ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, [json!({ "v": [1] }), want], "{name}");
    }
    let publish = "\"kind\":\"get\",\"operation\":\"publish\",\"name\":\"tiny\",\"vers\":\"1.0.0\",\"cksum\":\"x\",\"args\":[]";
    let input = [
        question(&index, get),
        question(&index, publish),
        question(&index, "\"kind\":\"get\",\"operation\":\"new\""),
    ];
    let ended = desk.ask(&["helper", "cargo", "--cargo-plugin"], &input.concat()).ok();
    let answers: Vec<Value> =
        ended.stdout.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 3);
    for answer in answers {
        let answer = &answer["Ok"];
        assert_eq!(answer["kind"], "get");
        assert_eq!(answer["token"], format!("Bearer {}", desk.token()));
        assert_eq!(answer["cache"], "expires");
        assert!(answer["expiration"].is_i64());
    }
}
