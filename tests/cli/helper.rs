//! `authctl helper`: the protocols of other programs, to the letter.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::browsers::Never;
use crate::support::http::{Reply, Server};
use crate::support::sandbox::{Output, server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

/// A home that is logged in, and may open no browser from now on.
fn logged_in(more: &str) -> (AuthorizationServer, Sandbox) {
    let server = AuthorizationServer::start();
    let config = server_config(&server.domain(), "");
    let mut sandbox = Sandbox::new(&format!("{config}{more}"));
    sandbox.run(&["login", "as"]).ok();
    sandbox.system.browser = Arc::new(Never);
    (server, sandbox)
}

fn git(sandbox: &Sandbox, operation: &str, lines: &[&str]) -> Output {
    sandbox.run_with(&["helper", "git", operation], &(lines.join("\n") + "\n\n"))
}

#[track_caller]
fn nothing(output: &Output, name: &str) {
    assert_eq!((output.status, output.stdout.as_str()), (0, ""), "{name}: {output}");
}

const TOKEN_CONFIG: &str = "\n[credentials.other]\ndomain = \"git.example\"\nhosts = [\"code.example:8443\", \"xn--bcher-kva.example\"]\njwt = \"other-token\"\n";

#[test]
fn git_gets_credentials_for_the_configured_hosts_only_f_git4_f_git6() {
    let (server, sandbox) = logged_in(TOKEN_CONFIG);
    let own = server.domain();
    for (name, protocol, host, answered) in [
        ("the domain", "https", "git.example", true),
        ("a further host with its port", "https", "code.example:8443", true),
        ("in capitals", "https", "GIT.example", true),
        ("with the port that https has", "https", "git.example:443", true),
        ("http on the loopback, as configured", "http", own.as_str(), true),
        ("https where http is configured", "https", own.as_str(), false),
        ("http where https is configured", "http", "git.example", false),
        ("another port", "https", "git.example:8443", false),
        ("without the port", "https", "code.example", false),
        ("a longer name in front", "https", "evilgit.example", false),
        ("a part in front", "https", "evil.git.example", false),
        ("a part behind", "https", "git.example.evil.example", false),
        ("a dot behind", "https", "git.example.", false),
        ("a homograph", "https", "gít.example", false),
        ("its own name in punycode", "https", "xn--bcher-kva.example", true),
        ("the same in Unicode", "https", "bücher.example", false),
        ("a user name in it", "https", "x@git.example", false),
        ("a path in it", "https", "git.example/x", false),
        ("a path that hides a host", "https", "evil.example/git.example", false),
        ("another scheme", "ssh", "git.example", false),
        ("the start of one", "httpss", "git.example", false),
        ("an empty host", "https", "", false),
    ] {
        let output = git(&sandbox, "get", &[&format!("protocol={protocol}"), &format!("host={host}")]);
        if answered {
            assert!(output.clone().ok().stdout.contains("password="), "{name}: {output}");
        } else {
            nothing(&output, name);
        }
    }
    nothing(&git(&sandbox, "get", &["protocol=https"]), "no host");
    nothing(&git(&sandbox, "get", &["host=git.example"]), "no protocol");
    nothing(&git(&sandbox, "get", &[]), "nothing");
}

#[test]
fn a_malformed_git_line_gets_no_credential_f_git1_f_git2() {
    let (_server, sandbox) = logged_in(TOKEN_CONFIG);
    for (name, text) in [
        ("CVE-2024-52006", "protocol=https\nhost=evil.example\rhost=git.example\n\n"),
        ("CVE-2024-50338", "protocol=http\rprotocol=https\rhost=git.example\r\nhost=evil.example\n\n"),
        ("CVE-2020-5260", "protocol=https\nhost=evil.example\nhost=git.example\n\n"),
        ("NUL", "protocol=https\nhost=git.example\0\n\n"),
        (
            "F-GIT3 CVE-2024-53263, a line feed in a setting of git-lfs",
            "protocol=https\nhost=evil.example\npath=x\nprotocol=https\nhost=git.example\n\n",
        ),
    ] {
        let output = sandbox.run_with(&["helper", "git", "get"], text);
        output.fails(1).says("git's question cannot be answered");
        let _ = name;
    }
}

#[test]
fn git_gets_a_bearer_token_if_it_supports_one_or_a_password() {
    let (server, sandbox) = logged_in("[credentials.as.helper]\ngit_username = \"someone\"\n");
    let host = format!("host={}", server.domain());
    let token = sandbox.run(&["token"]).ok().text().to_owned();
    let announced = "capability[]=authtype";
    let bearer = format!("capability[]=authtype\nauthtype=Bearer\ncredential={token}\nephemeral=1\n");
    let password = |user: &str| format!("username={user}\npassword={token}\n");
    for (name, lines, want) in [
        ("announced and challenged", vec![announced, "wwwauth[]=Bearer realm=\"x\""], bearer.clone()),
        (
            "both challenges",
            vec![announced, "wwwauth[]=Basic realm=\"x\"", "wwwauth[]=Bearer"],
            bearer.clone(),
        ),
        ("a password is wanted", vec![announced, "wwwauth[]=Basic realm=\"x\""], password("someone")),
        ("no challenge, and a name is configured", vec![announced], password("someone")),
        ("an older git", vec!["wwwauth[]=Bearer"], password("someone")),
        ("git names a user", vec!["username=alice"], password("alice")),
    ] {
        let lines: Vec<&str> = ["protocol=http", host.as_str()].into_iter().chain(lines).collect();
        let answer = git(&sandbox, "get", &lines).ok().stdout;
        let (start, expiry) = answer.rsplit_once("password_expiry_utc=").expect("GH3");
        assert_eq!(start, want, "{name}");
        let seconds: i64 = expiry.trim().parse().unwrap();
        let life = seconds - jiff::Timestamp::now().as_second();
        assert!((3500..=3600).contains(&life), "{name}: {life}");
        assert!(!answer.contains("refresh"), "GH2: {name}");
    }
}

#[test]
fn git_erase_replaces_only_the_erased_token() {
    let (server, sandbox) = logged_in("");
    let host = format!("host={}", server.domain());
    let first = sandbox.run(&["token"]).ok().text().to_owned();
    nothing(&git(&sandbox, "store", &["protocol=http", &host, &format!("password={first}")]), "store");
    nothing(&git(&sandbox, "erase", &["protocol=http", &host, "password=an-older-one"]), "erase");
    assert_eq!(sandbox.run(&["token"]).ok().text(), first, "another token was refused");
    nothing(&git(&sandbox, "erase", &["protocol=http", &host, &format!("credential={first}")]), "erase");
    assert_eq!(server.token_requests("refresh_token"), 0, "not before somebody asks");
    let second = sandbox.run(&["token"]).ok().text().to_owned();
    assert_ne!(second, first);
    assert_eq!(server.token_requests("refresh_token"), 1);
    nothing(&git(&sandbox, "erase", &["protocol=http", &host]), "erase of whatever there is");
    assert_ne!(sandbox.run(&["token"]).ok().text(), second);
    nothing(&git(&sandbox, "capability-of-tomorrow", &[]), "an unknown operation");
}

#[test]
fn a_rejected_token_is_not_returned_while_the_server_is_unreachable() {
    let (server, sandbox) = logged_in("");
    let host = format!("host={}", server.domain());
    git(&sandbox, "erase", &["protocol=http", &host]).ok();
    server.fault("/token", Reply::full(503, &[], ""));
    git(&sandbox, "get", &["protocol=http", &host]).fails(5);
    git(&sandbox, "get", &["protocol=http", &host]).ok();
}

#[test]
fn git_logs_in_only_for_an_interactive_user() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let host = format!("host={}", server.domain());
    let consents = std::mem::replace(&mut sandbox.system.browser, Arc::new(Never));
    let ask = |sandbox: &Sandbox| git(sandbox, "get", &["protocol=http", &host]);
    ask(&sandbox).fails(3).says("authctl login as");
    sandbox.is_watched();
    sandbox.environment.set("GIT_TERMINAL_PROMPT", "0");
    ask(&sandbox).fails(3);
    sandbox.environment.set("GIT_TERMINAL_PROMPT", "1");
    sandbox.system.browser = consents;
    let answer = ask(&sandbox).ok().says("Logged in to as as alice");
    assert!(answer.stdout.starts_with("username=oauth2\npassword="), "{answer}");
    assert_eq!(server.token_requests("authorization_code"), 1);
}

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
    git(&sandbox, "get", &["protocol=http", &host]).fails(3).says("a login to as is in progress");
}

#[test]
fn of_several_providers_the_user_name_or_the_default_decides() {
    let two = |top: &str| {
        format!(
            "store = \"file\"\n{top}\n[credentials.one]\ndomain = \"git.example\"\njwt = \"token-one\"\n[credentials.two]\ndomain = \"git.example\"\njwt = \"token-two\"\n"
        )
    };
    let sandbox = Sandbox::new(&two(""));
    let ask = |sandbox: &Sandbox, user: &str| {
        git(sandbox, "get", &["protocol=https", "host=git.example", &format!("username={user}")])
    };
    nothing(&ask(&sandbox, "").says("one and two have the host git.example"), "nobody is meant");
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
    nothing(&ask("carol").says("no account `carol` is logged in"), "nobody of that name");
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
fn a_wrong_provider_keeps_no_other_from_answering() {
    let sandbox = Sandbox::new(&format!(
        "store = \"file\"\n{TOKEN_CONFIG}[credentials.wrong]\ndomain = \"x.example\"\n"
    ));
    assert!(
        git(&sandbox, "get", &["protocol=https", "host=git.example"]).ok().stdout.contains("other-token")
    );
    let asked = git(&sandbox, "get", &["protocol=https", "host=x.example"]);
    nothing(&asked.says("`wrong` is configured wrong"), "the wrong one");
}

#[test]
fn docker_credential_helper_follows_the_protocol() {
    let (_server, sandbox) = logged_in(TOKEN_CONFIG);
    let docker = |action: &str, input: &str| sandbox.run_with(&["helper", "docker", action], input);
    let said = |output: Output| (output.status, output.stdout);
    let secret = |server: &str, user: &str, secret: &str| {
        format!("{{\"Secret\":\"{secret}\",\"ServerURL\":\"{server}\",\"Username\":\"{user}\"}}\n")
    };
    for server in ["https://git.example", "git.example", "https://git.example/v2/"] {
        let want = secret(server, "oauth2accesstoken", "other-token");
        assert_eq!(said(docker("get", server)), (0, want), "{server}");
    }
    for server in [
        "https://other.example",
        "git.example.evil",
        "http://git.example",
        "git.example:5000",
        "x@git.example",
    ] {
        let want = "credentials not found in native keychain\n".to_owned();
        assert_eq!(said(docker("get", server)), (1, want), "F-DOCK1: {server}");
    }
    assert_eq!(said(docker("get", "\n")), (1, "no credentials server URL\n".to_owned()));
    let given = |user: &str, secret: &str| {
        json!({ "ServerURL": "https://git.example", "Username": user, "Secret": secret }).to_string()
    };
    assert_eq!(
        said(docker("store", &given("oauth2accesstoken", "other-token"))),
        (0, String::new()),
        "our own"
    );
    let refused = said(docker("store", &given("me", "mine")));
    assert_eq!(refused.0, 1);
    assert!(
        refused.1.contains("other is managed by authctl") && !refused.1.contains("mine"),
        "{}",
        refused.1
    );
    assert_eq!(said(docker("store", &given("", "x"))), (1, "no credentials username\n".to_owned()));
    assert_eq!(said(docker("erase", "https://git.example")), (0, String::new()));
    assert_eq!(said(docker("get", "git.example")).0, 0, "docker logout is no logout here");
    assert_eq!(said(docker("erase", "https://unknown.example")), (0, String::new()));
    let list: Value = serde_json::from_str(&docker("list", "unused").ok().stdout).unwrap();
    assert_eq!(list["https://code.example:8443"], "oauth2accesstoken");
    assert!(said(docker("version", "")).1.starts_with("docker-credential-authctl (authctl) "));
    let unknown = said(docker("frobnicate", ""));
    assert_eq!(unknown, (1, "docker-credential-authctl: unknown action: frobnicate\n".to_owned()));
}

#[test]
fn docker_is_told_on_standard_output_why_there_is_nothing() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let output = sandbox.run_with(&["helper", "docker", "get"], &server.issuer());
    assert_eq!(
        (output.status, output.stdout.as_str()),
        (1, "authctl: no usable token for `as`\n"),
        "{output}"
    );
    output.says("run `authctl login as`");
}

fn info(spec: &Value) -> String {
    json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": spec })
        .to_string()
}

#[test]
fn kubernetes_exec_credentials_follow_the_protocol() {
    let (server, sandbox) = logged_in("");
    let ask = |arguments: &[&str]| sandbox.run(&[&["helper", "kubernetes", "as"], arguments].concat());
    let answer: Value = serde_json::from_str(&ask(&[]).ok().stdout).unwrap();
    assert_eq!(answer["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(answer["kind"], "ExecCredential");
    assert_eq!(answer["status"]["token"], sandbox.run(&["token"]).ok().text());
    let end: jiff::Timestamp = answer["status"]["expirationTimestamp"].as_str().unwrap().parse().unwrap();
    let left = end.as_second() - jiff::Timestamp::now().as_second();
    assert!((3480..=3540).contains(&left), "a minute before the end: {left}");

    sandbox
        .environment
        .set("KUBERNETES_EXEC_INFO", &info(&json!({ "interactive": false })).replace("/v1", "/v1beta1"));
    let answer: Value = serde_json::from_str(&ask(&["--id-token"]).ok().stdout).unwrap();
    assert_eq!(answer["apiVersion"], "client.authentication.k8s.io/v1beta1", "KH1");
    assert_eq!(answer["status"]["token"], sandbox.run(&["token", "--id-token"]).ok().text());

    let cluster = |server: &str| info(&json!({ "interactive": false, "cluster": { "server": server } }));
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &cluster(&server.issuer()));
    ask(&[]).ok();
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &cluster("https://evil.example"));
    ask(&[]).fails(1).says("`https://evil.example` is none of the hosts");
    sandbox.environment.set("KUBERNETES_EXEC_INFO", "{");
    ask(&[]).fails(1).says("is no JSON object");
}

#[test]
fn kubernetes_logs_in_if_kubectl_is_interactive() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let consents = std::mem::replace(&mut sandbox.system.browser, Arc::new(Never));
    let ask =
        |sandbox: &Sandbox, arguments: &[&str]| sandbox.run(&[&["helper", "kubernetes"], arguments].concat());
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &info(&json!({ "interactive": false })));
    ask(&sandbox, &[]).fails(3).says("run `authctl login as`");
    sandbox.system.browser = consents;
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &info(&json!({ "interactive": true })));
    ask(&sandbox, &[]).ok();
    sandbox.run(&["logout"]).ok();
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &info(&json!({ "interactive": false })));
    ask(&sandbox, &["--login"]).ok();
    assert_eq!(server.token_requests("authorization_code"), 2);
}

#[test]
fn a_kubernetes_client_that_asks_again_before_the_end_had_its_token_refused() {
    let (server, sandbox) = logged_in("");
    let ask = || {
        let output = sandbox.run(&["helper", "kubernetes"]).ok();
        serde_json::from_str::<Value>(&output.stdout).unwrap()["status"]["token"].clone()
    };
    assert_eq!(ask(), ask(), "a person may ask as often as they like");
    sandbox.environment.set("KUBERNETES_EXEC_INFO", &info(&json!({})));
    let first = ask();
    assert_eq!(server.token_requests("refresh_token"), 0);
    let second = ask();
    assert_ne!(first, second, "the same process asks again");
    assert_eq!(server.token_requests("refresh_token"), 1);
    // Its time is over: that it asks again means nothing.
    sandbox.clock.advance(3590);
    let third = ask();
    assert_ne!(second, third);
    assert_eq!(server.token_requests("refresh_token"), 2);
    let memory =
        sandbox.files().into_iter().find(|(path, _)| path.ends_with("kubernetes/as.json")).unwrap().1;
    assert!(!String::from_utf8(memory).unwrap().contains(third.as_str().unwrap()), "no token in it");
}

/// What cargo is answered, line by line.
fn cargo(sandbox: &Sandbox, questions: &[Value]) -> Vec<Value> {
    let typed = sandbox.input.terminal();
    for question in questions {
        typed.send(authctl::secret::SecretText::new(format!("{question}\n"))).unwrap();
    }
    drop(typed);
    let output = sandbox.run(&["helper", "cargo", "--cargo-plugin"]).ok();
    output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn question(index: &str, kind: &str) -> Value {
    json!({
        "v": 1, "kind": kind, "operation": "read",
        "registry": { "index-url": index, "name": "my", "headers": ["WWW-Authenticate: Bearer", "X: \u{1b}[31m"] },
    })
}

#[test]
fn cargo_credential_provider_follows_the_protocol() {
    let (server, sandbox) =
        logged_in(&format!("{TOKEN_CONFIG}helper.cargo_index = [\"sparse+https://git.example/index/\"]\n"));
    let index = format!("sparse+{}/reg/", server.issuer());
    let token = sandbox.run(&["token", "as"]).ok().text().to_owned();
    let answers = cargo(
        &sandbox,
        &[
            question(&index, "get"),
            question("sparse+https://git.example/index/", "get"),
            question("sparse+https://git.example/index", "get"),
            question("sparse+https://crates.example/", "get"),
            question(&index, "logout"),
            question(&index, "dance"),
            json!({ "v": 2, "kind": "get", "registry": { "index-url": index } }),
            json!([]),
        ],
    );
    assert_eq!(answers[0], json!({ "v": [1] }));
    let ok = &answers[1]["Ok"];
    assert_eq!(ok["token"], format!("Bearer {token}"), "the whole header");
    assert_eq!(
        (&ok["kind"], &ok["cache"], &ok["operation_independent"]),
        (&json!("get"), &json!("expires"), &json!(true))
    );
    assert!(ok["expiration"].as_i64().unwrap() > jiff::Timestamp::now().as_second());
    assert_eq!(answers[2]["Ok"]["token"], "Bearer other-token");
    assert_eq!(answers[2]["Ok"]["cache"], "session", "its end is not known");
    for (at, kind) in [
        (3, "url-not-supported"),
        (4, "url-not-supported"),
        (5, "other"),
        (6, "operation-not-supported"),
        (7, "other"),
        (8, "other"),
    ] {
        assert_eq!(answers[at]["Err"]["kind"], kind, "{at}: {answers:#?}");
    }
}

#[test]
fn cargo_login_logs_in_and_a_missing_login_is_not_found() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let index = format!("sparse+{}/reg/", server.issuer());
    let typed = json!({ "v": 1, "kind": "login", "token": "typed", "registry": { "index-url": index } });
    let questions = [question(&index, "get"), typed, question(&index, "login"), question(&index, "get")];
    let answers = cargo(&sandbox, &questions);
    assert_eq!(answers[1]["Err"], json!({ "kind": "not-found" }));
    assert_eq!(answers[2]["Err"]["kind"], "other");
    assert_eq!(answers[3]["Ok"], json!({ "kind": "login" }));
    assert!(answers[4]["Ok"]["token"].as_str().unwrap().starts_with("Bearer "));
}

#[test]
fn bazel_credential_helper_follows_the_protocol() {
    let (server, sandbox) = logged_in("");
    let bazel = |command: &str, input: &str| sandbox.run_with(&["helper", "bazel", command], input);
    let uri = json!({ "uri": format!("{}/v1/x", server.issuer()), "more": [1] }).to_string();
    let answer: Value = serde_json::from_str(&bazel("get", &uri).ok().stdout).unwrap();
    let token = sandbox.run(&["token"]).ok().text().to_owned();
    assert_eq!(answer["headers"], json!({ "Authorization": [format!("Bearer {token}")] }));
    answer["expires"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    bazel("get", "{\"uri\":\"https://other.example/\"}").fails(1).says("no provider answers");
    bazel("get", "{}").fails(1).says("has no uri");
    bazel("get", "[").fails(1).says("is no JSON object");
    sandbox.run(&["helper", "bazel", "get-more"]).fails(2);
    sandbox.run(&["helper", "bazel"]).fails(2);
}

#[test]
fn terraform_to_the_letter() {
    let sandbox = Sandbox::new(&format!("store = \"file\"\n{TOKEN_CONFIG}"));
    let terraform = |arguments: &[&str]| sandbox.run(&[&["helper", "terraform"], arguments].concat());
    assert_eq!(terraform(&["get", "git.example"]).ok().stdout, "{\"token\":\"other-token\"}\n");
    assert_eq!(
        terraform(&["from", "config", "get", "git.example"]).ok().stdout,
        "{\"token\":\"other-token\"}\n"
    );
    for host in ["other.example", "git.example.", "git.example/x", ""] {
        assert_eq!(terraform(&["get", host]).ok().stdout, "{}\n", "{host}");
    }
    let store = sandbox.run_with(&["helper", "terraform", "store", "git.example"], "{\"token\":\"x\"}");
    store.fails(1).says("are not kept here");
    terraform(&["forget", "unknown.example"]).ok();
    terraform(&["forget", "git.example"]).ok().says("stays logged in");
    terraform(&["dance", "git.example"]).fails(2);
    terraform(&["get"]).fails(2);
}

#[test]
fn keyring_to_the_letter() {
    let basic = "[credentials.index]\ndomain = \"pypi.example\"\nbasic = { username = \"bob\", password = \"secret\" }\n";
    let sandbox = Sandbox::new(&format!("store = \"file\"\n{TOKEN_CONFIG}{basic}"));
    let keyring = |arguments: &[&str]| sandbox.run(&[&["helper", "keyring"], arguments].concat());
    for (service, want) in [
        ("https://git.example/simple/", Some("other-token\n")),
        ("git.example", Some("other-token\n")),
        ("https://pypi.example/simple/", Some("secret\n")),
        ("https://other.example/simple/", None),
        ("http://git.example/simple/", None),
    ] {
        let output = keyring(&["get", service, "__token__"]);
        match want {
            Some(want) => assert_eq!(output.ok().stdout, want, "{service}"),
            None => assert_eq!(output.fails(1).stderr, "", "{service}: not a word"),
        }
    }
    assert_eq!(keyring(&["get", "https://pypi.example/", "--mode", "creds"]).ok().stdout, "bob\nsecret\n");
    assert_eq!(keyring(&["get", "git.example", "--mode", "creds"]).ok().stdout, "oauth2\nother-token\n");
    keyring(&["set", "git.example", "me"]).fails(1).says("are not kept here");
    keyring(&["list"]).fails(2);
}

/// AWS's answer, as its API reference shows it.
fn sts_answer(seconds: i64) -> String {
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult><Credentials><SessionToken>session-canary</SessionToken><SecretAccessKey>secret-canary</SecretAccessKey><Expiration>{end}</Expiration><AccessKeyId>ASIAEXAMPLE</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    )
}

fn with_sts(sts: &Server) -> (AuthorizationServer, Sandbox) {
    logged_in(&format!(
        "[credentials.as.helper]\naws_role = \"arn:aws:iam::123456789012:role/dev\"\naws_endpoint = \"{}/\"\n",
        sts.url()
    ))
}

#[test]
fn aws_gets_keys_for_the_id_token_and_keeps_them_until_they_end() {
    let sts = Server::start(|_| Reply::full(200, &[("content-type", "text/xml")], sts_answer(3600)));
    let (server, sandbox) = with_sts(&sts);
    let ask = |arguments: &[&str]| sandbox.run(&[&["helper", "aws"], arguments].concat());
    let first = ask(&[]).ok();
    let answer: Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!(answer["Version"], 1);
    assert_eq!(
        (&answer["AccessKeyId"], &answer["SecretAccessKey"], &answer["SessionToken"]),
        (&json!("ASIAEXAMPLE"), &json!("secret-canary"), &json!("session-canary"))
    );
    answer["Expiration"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let request = &sts.requests()[0];
    let id_token = sandbox.run(&["token", "--id-token"]).ok().text().to_owned();
    for (name, want) in [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", "arn:aws:iam::123456789012:role/dev"),
        ("RoleSessionName", "authctl"),
        ("DurationSeconds", "3600"),
        ("WebIdentityToken", id_token.as_str()),
    ] {
        assert_eq!(request.parameter(name).as_deref(), Some(want), "{name}");
    }
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/"), "nothing in the URL");

    assert_eq!(ask(&[]).ok(), first, "kept");
    sandbox.run(&["token", "--refresh"]).ok();
    assert_eq!(ask(&[]).ok(), first, "a refresh changes nothing");
    assert_eq!(sts.requests().len(), 1);
    ask(&["--role", "arn:aws:iam::123456789012:role/other"]).ok();
    assert_eq!(sts.requests().len(), 2, "another role, other keys");
    sandbox.clock.advance(3600 - 240);
    ask(&[]).ok();
    assert_eq!(sts.requests().len(), 3, "renewed before they end");
    // They are nobody's to revoke, and are forgotten with the login.
    sandbox.run(&["logout"]).ok();
    assert!(!server.requests().iter().any(|request| request.body.contains("secret-canary")));
    ask(&[]).fails(3);
}

#[test]
fn sts_responses_are_bounded_and_checked_f_size_f_hlp4() {
    let error = |code: &str, message: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    };
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]><x>&b;</x>";
    for (name, status, body, exit, says) in [
        (
            "denied",
            403,
            error("AccessDenied", "Not authorized"),
            1,
            "answered `AccessDenied`: `Not authorized`",
        ),
        ("steering text", 400, error("X", "\u{9b}31m"), 1, "\\u{9b}31m"),
        ("throttled", 400, error("Throttling", "Rate exceeded"), 5, "Throttling"),
        ("down", 503, error("ServiceUnavailable", ""), 5, "ServiceUnavailable"),
        ("no XML", 200, "{\"a\":1}".to_owned(), 1, "it is not XML (status 200, 7 bytes)"),
        ("a bomb", 200, bomb.to_owned(), 1, "it is not XML"),
        ("no keys", 200, "<a/>".to_owned(), 1, "keys are missing"),
        ("no end", 200, sts_answer(60).replace("Expiration", "Elsewhere"), 1, "keys are missing"),
        ("keys of two lines", 200, sts_answer(60).replace("secret-canary", "a\nb"), 1, "no such keys"),
        ("too long", 200, "x".repeat(2 << 20), 1, "is larger than"),
        ("a redirect", 302, String::new(), 1, "(status 302"),
    ] {
        let answer = body.clone();
        let sts = Server::start(move |_| {
            Reply::full(status, &[("location", "https://evil.example/")], answer.clone())
        });
        let (_server, sandbox) = with_sts(&sts);
        let output = sandbox.run(&["helper", "aws"]).fails(exit).says(says);
        assert!(!output.stderr.contains("canary"), "{name}: {output}");
        let id_token = sandbox.run(&["token", "--id-token"]).ok();
        assert!(!output.stderr.contains(id_token.text()), "{name}");
    }
}

#[test]
fn the_environment_sets_an_aws_region_and_no_other_host_f_bind3() {
    let (_server, sandbox) = logged_in("[credentials.as.helper]\naws_region = \"eu-central-1\"\n");
    sandbox.run(&["helper", "aws"]).fails(4).says("no AWS role is configured").says("`aws_role`");
    let (_server, sandbox) = logged_in("[credentials.as.helper]\naws_role = \"arn\"\n");
    sandbox.environment.set("AWS_REGION", "evil.example/");
    sandbox.run(&["helper", "aws"]).fails(4).says("`evil.example/` is not an AWS region");
}

// F-AWS1
#[test]
fn aws_gets_a_token_only_where_the_configuration_names_it_and_only_a_jwt() {
    let sts = Server::start(|_| Reply::full(200, &[("content-type", "text/xml")], sts_answer(3600)));
    let role = ["helper", "aws", "--role", "arn:aws:iam::1:role/x"];
    let (_server, sandbox) = logged_in("");
    sandbox.environment.set("AWS_REGION", "eu-central-1");
    for arguments in [&role[..2], &role[..]] {
        let refused = sandbox.run(arguments).fails(4);
        refused.says("`as` is not configured for AWS").says("[credentials.as.helper]");
    }
    for session in ["aws_session = \"alice\"", "aws_duration = \"1h\""] {
        let (_server, sandbox) = logged_in(&format!("[credentials.as.helper]\n{session}\n"));
        sandbox.run(&role).fails(4).says("is not configured for AWS");
    }

    let aws =
        format!("helper.aws_role = \"arn:aws:iam::1:role/x\"\nhelper.aws_endpoint = \"{}/\"\n", sts.url());
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let jwt = format!(
        "{}.{}.c2lnbmF0dXJl",
        part(&json!({ "alg": "RS256" })),
        part(&json!({ "iss": "https://ci.example", "sub": "job" }))
    );
    for (name, kind, secret, sent) in [
        ("an opaque token", "jwt = { env = \"S\" }", "opaque-canary", false),
        ("a JWT", "jwt = { env = \"S\" }", jwt.as_str(), true),
        ("a password that is a JWT", "basic = { username = \"u\", password = { env = \"S\" } }", &jwt, false),
        ("a key that is a JWT", "api_key = { env = \"S\" }", &jwt, false),
        ("a variable's opaque token", "environment.variable = \"S\"", "opaque-canary", false),
        ("a variable's JWT", "environment.variable = \"S\"", &jwt, true),
        ("a program's opaque token", "command = [\"/bin/sh\", \"-c\", \"echo opaque-canary\"]", "", false),
    ] {
        let before = sts.requests().len();
        let sandbox = Sandbox::new(&format!(
            "store = \"file\"\n[credentials.k]\ndomain = \"x.example\"\n{kind}\n{aws}"
        ));
        sandbox.environment.set("S", secret);
        let output = sandbox.run(&["helper", "aws"]);
        assert_eq!(sts.requests().len() - before, usize::from(sent), "{name}: {output}");
        match sent {
            true => assert_eq!(
                sts.requests()[before].parameter("WebIdentityToken").as_deref(),
                Some(secret),
                "{name}"
            ),
            false => assert!(output.status == 1 && !output.stderr.contains("canary"), "{name}: {output}"),
        }
    }
}
