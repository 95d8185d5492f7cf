//! Child processes and core files hold no secret.

use std::process::Stdio;

use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn children_inherit_no_secret_variable_or_descriptor_f_leak1_f_leak2_f_leak8() {
    let server = AuthorizationServer::start();
    let config = server_config(&server.domain(), "token_params = { _x = { env = \"CONFIGURED_SECRET\" } }");
    let sandbox = Sandbox::new(&config);
    let browser = sandbox.write(
        "browser",
        "#!/bin/sh\nd=$(dirname \"$0\")\nenv > \"$d/seen-env\"\nls -l /proc/self/fd > \"$d/seen-fd\"\ntr '\\0' ' ' < /proc/$PPID/cmdline > \"$d/seen-parent\"\nprintf '%s\\n' \"$#\" \"$@\" > \"$d/seen-args\"\nexec curl -sL -o /dev/null \"$1\"\n",
    );
    set_mode(&browser, 0o700);
    for browser_by_variable in [true, false] {
        let mut arguments = vec!["login"];
        if !browser_by_variable {
            arguments.extend(["--browser", browser.to_str().unwrap()]);
        }
        let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &arguments);
        command.env("AUTHCTL_CREDENTIALS__AS__OAUTH__AUDIENCE", "canary-variable");
        command.env("CONFIGURED_SECRET", "canary-secret");
        if browser_by_variable {
            command.env("BROWSER", &browser);
        }
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let seen = |name: &str| std::fs::read_to_string(sandbox.path(name)).unwrap();
        assert!(!seen("seen-env").contains("AUTHCTL_"), "{}", seen("seen-env"));
        assert!(!seen("seen-env").contains("canary"), "{}", seen("seen-env"));
        assert!(!seen("seen-fd").contains("socket:"), "{}", seen("seen-fd"));
        assert!(
            !seen("seen-parent").contains("code_challenge"),
            "the URL goes to the opener by a pipe: {}",
            seen("seen-parent")
        );
        let arguments = seen("seen-args");
        assert!(arguments.starts_with("1\nhttp://127.0.0.1:"), "F-URL3 one argument: {arguments}");
    }
}

#[test]
fn the_browser_command_is_split_before_the_url_is_inserted_f_url3() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&server_config(&server.domain(), "extra_params = { x = \"a b --flag\" }"));
    let browser = sandbox.write("rec", "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > \"$(dirname \"$0\")/seen\"\nexec curl -sL -o /dev/null \"$2\"\n");
    set_mode(&browser, 0o700);
    let command = format!("{} --flag %s", browser.display());
    let output = sandbox
        .binary(env!("CARGO_BIN_EXE_authctl"), &["login", "--browser", &command])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = std::fs::read_to_string(sandbox.path("seen")).unwrap();
    assert!(seen.starts_with("2\n--flag\nhttp://"), "{seen}");
    assert_eq!(seen.lines().count(), 3, "{seen}");
}

#[test]
fn nothing_is_started_from_the_working_folder_f_url4() {
    let server = AuthorizationServer::start();
    let sandbox =
        Sandbox::new(&server_config(&server.domain(), "").replace("store", "browser = \"planted\"\nstore"));
    for name in ["planted", "xdg-open", "sensible-browser", "x-www-browser"] {
        let planted =
            sandbox.write(&format!("work/{name}"), "#!/bin/sh\ntouch \"$(dirname \"$0\")/../started\"\n");
        set_mode(&planted, 0o700);
    }
    for arguments in
        [&["login", "--timeout", "300ms"][..], &["login", "--timeout", "300ms", "--browser", "./planted"]]
    {
        let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), arguments);
        command.env("PATH", ".::/nonexistent:/usr/bin:/bin").env("DISPLAY", ":99");
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(!output.status.success());
        assert!(!sandbox.path("started").exists(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn no_core_file_and_not_traceable_f_leak4() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let mut child = sandbox
        .binary(env!("CARGO_BIN_EXE_authctl"), &["login", "--no-browser", "--timeout", "5s"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap_or_default();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).map(str::to_owned);
    child.kill().unwrap();
    child.wait().unwrap();
    // A process that is not dumpable belongs to root in /proc; if that hides the limits, this is proof enough.
    if let Some(core) = core {
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
}
