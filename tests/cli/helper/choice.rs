//! Which provider and account answers, and how.

use std::sync::Arc;

use serde_json::Value;

use super::{TOKEN_CONFIG, cargo, git, logged_in, nothing, question};
use crate::support::browsers::Never;
use crate::support::sandbox::set_mode;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn helpers_say_that_a_login_is_in_progress_f_hlp3() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.is_watched();
    sandbox.system.browser = Arc::new(Never);
    let lock = sandbox.write("state/login-as.lock", "");
    set_mode(lock.parent().unwrap(), 0o700);
    let file = std::fs::File::open(&lock).unwrap();
    file.lock().unwrap();
    let host = format!("host={}", server.domain());
    git(&sandbox, "get", &["protocol=http", &host]).fails(3).says("another login to as is in progress");
}

#[test]
fn the_user_name_or_the_default_selects_among_providers() {
    let two = |top: &str| {
        format!(
            "store = \"file\"\n{top}\n[credentials.one]\ndomain = \"git.example\"\njwt = \"token-one\"\n[credentials.two]\ndomain = \"git.example\"\njwt = \"token-two\"\n"
        )
    };
    let sandbox = Sandbox::new(&two(""));
    let ask = |sandbox: &Sandbox, user: &str| {
        git(sandbox, "get", &["protocol=https", "host=git.example", &format!("username={user}")])
    };
    nothing(&ask(&sandbox, "").says("one and two all serve git.example"), "no provider is selected");
    assert!(ask(&sandbox, "two").ok().stdout.contains("password=token-two"));
    assert!(ask(&sandbox, "one").ok().stdout.contains("password=token-one"));
    sandbox.configure(&two("default = \"two\""));
    assert!(ask(&sandbox, "").ok().stdout.contains("password=token-two"));
    assert!(ask(&sandbox, "alice").ok().stdout.contains("username=alice\npassword=token-two"));
}

#[test]
fn gits_user_name_chooses_among_accounts() {
    let (server, mut sandbox) = logged_in("");
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox.system.browser = Arc::new(crate::support::browsers::Consents);
    sandbox.run(&["login"]).ok();
    let host = format!("host={}", server.domain());
    let ask = |user: &str| git(&sandbox, "get", &["protocol=http", &host, &format!("username={user}")]);
    let of = |account: &str| sandbox.run(&["token", "--account", account]).ok().text().to_owned();
    for account in ["alice", "bob"] {
        assert!(ask(account).ok().stdout.contains(&format!("password={}\n", of(account))), "{account}");
    }
    nothing(&ask("carol").says("account `carol` is not logged in"), "nobody of that name");
}

/// CVE-2024-50349: a repository's URL chooses the user name and the host that git passes on.
#[test]
fn a_user_name_in_a_url_cannot_control_the_terminal_f_git5() {
    let (server, mut sandbox) = logged_in("");
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox.system.browser = Arc::new(crate::support::browsers::Consents);
    sandbox.run(&["login"]).ok();
    let host = server.domain();
    for (name, host, user, shown) in [
        ("a sequence that clears the screen", host.as_str(), "x\u{1b}[2J", "`x\\u{1b}[2J`"),
        ("a control character of C1", &host, "x\u{9b}31m", "`x\\u{9b}31m`"),
        ("text that runs backwards", &host, "\u{202e}ecila", "`\\u{202e}ecila`"),
        ("a sequence in the host", "evil\u{1b}[2J.example", "alice", ""),
    ] {
        let lines = ["protocol=http", &format!("host={host}"), &format!("username={user}")];
        let output = git(&sandbox, "get", &lines).says(shown);
        nothing(&output, name);
        assert!(!output.stderr.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{name}: {output}");
    }
}

#[test]
fn a_token_with_quotes_and_backslashes_is_unchanged_f_hlp5() {
    let token = r#"a"b\c","Username":"evil"#;
    let sandbox = Sandbox::new(&format!(
        "store = \"file\"\n[credentials.odd]\ndomain = \"git.example\"\njwt = '{token}'\n"
    ));
    for (name, arguments, input, member) in [
        ("docker", &["helper", "docker", "get"][..], "https://git.example", "/Secret"),
        (
            "bazel",
            &["helper", "bazel", "get"],
            r#"{"uri":"https://git.example/"}"#,
            "/headers/Authorization/0",
        ),
        ("terraform", &["helper", "terraform", "get", "git.example"], "", "/token"),
        ("kubectl", &["helper", "kubernetes", "odd"], "", "/status/token"),
        ("token -o json", &["token", "odd", "-o", "json"], "", "/access_token"),
    ] {
        let output = sandbox.run_with(arguments, input).ok();
        let answer: Value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{name}: {error}: {output}"));
        let found = answer.pointer(member).and_then(Value::as_str);
        assert_eq!(found.map(|found| found.trim_start_matches("Bearer ")), Some(token), "{name}: {output}");
    }
    let answers = cargo(&sandbox, &[question("sparse+https://git.example/", "get")]);
    assert_eq!(answers[1]["Ok"]["token"], format!("Bearer {token}"), "cargo");
}

#[test]
fn an_invalid_provider_does_not_block_others() {
    let sandbox = Sandbox::new(&format!(
        "store = \"file\"\n{TOKEN_CONFIG}[credentials.wrong]\ndomain = \"x.example\"\n"
    ));
    assert!(
        git(&sandbox, "get", &["protocol=https", "host=git.example"]).ok().stdout.contains("other-token")
    );
    let asked = git(&sandbox, "get", &["protocol=https", "host=x.example"]);
    nothing(&asked.says("the configuration of `wrong` is not valid"), "the wrong one");
}
