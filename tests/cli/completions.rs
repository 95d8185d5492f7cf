//! Completions ask the binary, and know what is configured and stored: each kind of candidate, and what must not happen.

use std::net::TcpListener;

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

/// What is offered for the last word, in the words of fish: one a line, its description behind a tab.
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
        // Without a provider the default is meant.
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
        // A secret is no argument.
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

/// Whoever types sees no error, nobody is asked, and nothing is made.
#[test]
fn completions_are_silent_offline_and_leave_nothing() {
    let sandbox = Sandbox::new(CONFIG);
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let address = trap.local_addr().unwrap();
    sandbox.write(
        "vault.toml",
        &format!(
            "[store]\nkind = \"vault\"\naddress = \"http://{address}\"\n{}",
            CONFIG.replace("store =", "#")
        ),
    );
    sandbox.write("wrong.toml", "[credentials.github\nnothing");
    sandbox.write(
        "half.toml",
        "[credentials.half]\ndomain = 1\noauht = {}\n[credentials.whole]\ndomain = \"x.example\"\njwt = \"x\"\n",
    );
    drop(sandbox.binary("true", &[]));
    let before = sandbox.files();
    for config in ["config/config.toml", "vault.toml", "wrong.toml", "half.toml", "missing.toml"] {
        for words in [
            &["token", ""][..],
            &["token", "--account", ""],
            &["account", "use", ""],
            &["secret", "set", "github", ""],
            &["provider", "set", "half", ""],
            &["token", "--profile", "missing", ""],
            &["--config", "/nowhere", "token", ""],
            &["no-such-command", ""],
            &[""],
        ] {
            let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["--", "authctl"]);
            command.args(words).env("COMPLETE", "nushell").env("AUTHCTL_CONFIG", sandbox.path(config));
            command.env("DBUS_SESSION_BUS_ADDRESS", format!("tcp:host=127.0.0.1,port={}", address.port()));
            command.env("HTTPS_PROXY", format!("http://{address}"));
            let output = command.output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{config} {words:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.is_empty() || text.starts_with('['), "{config} {words:?}: {text}");
        }
    }
    assert!(trap.accept().is_err(), "somebody was asked");
    assert_eq!(sandbox.files(), before);
    std::fs::copy(sandbox.path("half.toml"), sandbox.path("config/config.toml")).unwrap();
    offers(&sandbox, &["token", "w"], &["whole"]);
}

#[test]
fn a_variable_of_this_name_for_another_program_changes_nothing() {
    let sandbox = Sandbox::new(CONFIG);
    let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["--version"]);
    let output = command.env("COMPLETE", "1").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("authctl "));
}

#[test]
fn the_stubs_in_the_repository_are_what_the_program_prints() {
    let sandbox = Sandbox::new("");
    for (shell, file) in [
        ("bash", "authctl.bash"),
        ("zsh", "_authctl"),
        ("fish", "authctl.fish"),
        ("powershell", "authctl.ps1"),
        ("elvish", "authctl.elv"),
        ("nushell", "authctl.nu"),
    ] {
        let printed = sandbox.run(&["completions", shell]).ok().stdout;
        let path = format!("{}/completions/{file}", env!("CARGO_MANIFEST_DIR"));
        let kept = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{path} is missing"));
        assert_eq!(kept.replace("\r\n", "\n"), printed, "run packaging/update");
        // The script can also be asked for in the way of other programs that are made so.
        let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &[]);
        let output = command.env("COMPLETE", shell).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), printed, "{shell}");
    }
}
