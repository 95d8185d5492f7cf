//! The kind `external`: a program as in docs/provider-programs.md, in another language.

use std::path::Path;

use crate::parts::{Ended, Home, folder};

fn home(more: &str) -> Home {
    let home = Home::new("");
    home.configure(&format!(
        "store = \"file\"\n[credentials.ex]\ndomain = \"ex.example\"\n[credentials.ex.external]\nprogram = \"example\"\nfolder = \"{}\"\nnumbers = [1, 2]\n_secret = {{ env = \"EX_SECRET\" }}\n{more}\n",
        home.folder.path().display()
    ));
    home
}

fn run(home: &Home, arguments: &[&str]) -> Ended {
    let path = format!("{}:/usr/bin:/bin", folder().join("programs").display());
    let mut command = home.command(arguments);
    command.env("PATH", path).env("EX_SECRET", "secret-canary").env("AUTHCTL_PROFILE", "");
    Ended::from(command.output().unwrap())
}

fn mode(home: &Home, mode: &str) {
    std::fs::write(home.folder.path().join("mode"), mode).unwrap();
}

/// The requests to the program so far.
fn requests(home: &Path) -> Vec<serde_json::Value> {
    let log = std::fs::read_to_string(home.join("requests.jsonl")).unwrap_or_default();
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_program_issues_refreshes_and_revokes() {
    let home = home("");
    let asked = || requests(home.folder.path());
    let first = run(&home, &["token"]).ok();
    assert_eq!(first.text(), "example-token-1");
    assert_eq!(run(&home, &["token"]).ok(), first, "kept");
    assert_eq!(asked().len(), 1);
    let request = &asked()[0];
    for (name, want) in [
        ("version", serde_json::json!(1)),
        ("action", "issue".into()),
        ("provider", "ex".into()),
        ("domain", "ex.example".into()),
        ("interactive", false.into()),
        ("arguments", serde_json::json!([])),
    ] {
        assert_eq!(request[name], want, "{name}");
    }
    assert_eq!(request["config"]["numbers"], serde_json::json!([1, 2]));
    assert_eq!(request["config"]["secret"], "secret-canary");
    let environment = request["environment"].to_string();
    assert!(
        !environment.contains("EX_SECRET") && !environment.contains("AUTHCTL_"),
        "F-LEAK2: {environment}"
    );

    assert_eq!(run(&home, &["token", "--refresh"]).ok().text(), "example-token-2");
    assert_eq!(asked()[1]["action"], "refresh");
    assert_eq!(asked()[1]["refresh_token"], "example-refresh-1");
    run(&home, &["token", "--scope", "read", "--audience", "a"]).ok();
    assert_eq!(asked()[2]["scopes"], serde_json::json!(["read"]));
    assert_eq!(asked()[2]["audience"], serde_json::json!(["a"]));

    let shown = run(&home, &["config", "show"]).ok();
    assert!(
        shown.stdout.contains("numbers = [1, 2]") && shown.stdout.contains("_secret = <set: env EX_SECRET>"),
        "{shown:#?}"
    );
    run(&home, &["logout"]).ok().says("The server revoked the refresh token");
    assert_eq!(asked().last().unwrap()["action"], "revoke");
    run(&home, &["login"]).fails(1).says("run `authctl token ex`");
}

#[test]
fn a_provider_program_can_ask_the_user() {
    let home = home("asks = true");
    run(&home, &["token"]).fails(3).says("the session ended").says("run `authctl login ex`");
    run(&home, &["login"]).ok();
    assert!(run(&home, &["token"]).ok().text().starts_with("example-token-"));
    mode(&home, "invalid_grant");
    run(&home, &["token", "--refresh"]).fails(3).says("run `authctl login ex`");
    mode(&home, "try_later");
    run(&home, &["token", "--refresh"]).fails(5);
    assert!(run(&home, &["token"]).ok().text().starts_with("example-token-"), "stored tokens are kept");
}

/// F-ROT10
#[test]
fn a_new_refresh_token_is_kept_although_the_access_token_beside_it_is_unusable() {
    let home = home("");
    run(&home, &["token"]).ok();
    mode(&home, "mac");
    run(&home, &["token", "--refresh"]).fails(1).says("token_type");
    mode(&home, "");
    run(&home, &["token", "--refresh"]).ok();
    let sent = requests(home.folder.path()).pop().unwrap();
    assert_eq!(sent["refresh_token"], "example-refresh-2", "the one that came with the unusable token");
}

#[test]
fn misbehaving_provider_programs_are_contained_f_size_f_ctrl2() {
    for (program_mode, status, said) in [
        ("hang", 1, "did not end within 1 second"),
        ("crash", 1, "exited with status 1"),
        ("garbage", 1, "cannot be used"),
        ("huge", 1, "longer than 1 MiB"),
        ("other", 1, "`other`: `because\\u{1b}[31m`"),
    ] {
        let home = home("timeout = \"1s\"");
        mode(&home, program_mode);
        let output = run(&home, &["token"]).fails(status).says(said);
        assert!(!output.stderr.contains('\u{1b}'), "{program_mode}: {output:#?}");
    }
    run(&home("speaks = 2"), &["token"]).fails(1).says("version 1 of the protocol");
    run(&home("when = 2026-01-01"), &["token"]).fails(4).says("cannot be passed on");
    run(&home("_bad = 5"), &["token"]).fails(4).says("must be a string");
}

#[test]
fn a_program_is_never_found_in_the_working_folder_f_url4() {
    let home = home("");
    std::fs::copy(
        folder().join("programs/authctl-provider-example"),
        home.folder.path().join("authctl-provider-example"),
    )
    .unwrap();
    for path in [".:/usr/bin:/bin", ":/usr/bin:/bin", "/usr/bin:/bin"] {
        let mut command = home.command(&["token"]);
        command.env("PATH", path).env("EX_SECRET", "x");
        Ended::from(command.output().unwrap()).fails(1).says("no such program on PATH");
    }
    assert!(requests(home.folder.path()).is_empty());
    let other =
        Home::new("[credentials.x]\ndomain = \"x.example\"\n[credentials.x.external]\nprogram = \"../x\"\n");
    other.run(&["token"]).fails(4).says("must be a name of lower-case letters");
}
