//! Completion is silent, and the scripts are current.

use std::net::TcpListener;

use super::{CONFIG, offers};
use crate::support::Sandbox;

/// Completion prints no errors, asks no questions and creates no files.
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
    assert!(trap.accept().is_err(), "completion asked a question");
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
        assert!(
            kept.replace("\r\n", "\n") == printed,
            "completions/{file} is out of date: run `packaging/update`"
        );
        // The script is also available through the variable that clap's programs use.
        let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &[]);
        let output = command.env("COMPLETE", shell).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), printed, "{shell}");
    }
}
