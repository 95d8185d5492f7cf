//! Tokens reach the program only in the requested variables.

use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::{PROGRAM, Running, child_of, exec, fails, kill, login, out, text, two, wait_until};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn tokens_are_only_in_the_requested_variables_f_leak2() {
    let sandbox = two();
    for (name, arguments, want) in [
        ("the template's variable, the default provider", &[][..], &["GITHUB_TOKEN=canary-gh"][..]),
        ("by name", &["gh"], &["GITHUB_TOKEN=canary-gh"]),
        ("a variable made of the name", &["key"], &["KEY_TOKEN=canary-key"]),
        ("named", &["--env", "X=gh"], &["X=canary-gh"]),
        ("a header", &["--env", "X=gh:header"], &["X=Authorization: Bearer canary-gh"]),
        ("several", &["--env", "X=gh", "--env", "Y=key"], &["X=canary-gh", "Y=canary-key"]),
        ("one and a named one", &["--env", "X=key", "gh"], &["GITHUB_TOKEN=canary-gh", "X=canary-key"]),
        (
            "a secret's own variable, asked for",
            &["--env", "CONFIGURED_KEY=gh"],
            &["CONFIGURED_KEY=canary-gh"],
        ),
        ("a requested authctl variable", &["--env", "AUTHCTL_X=gh"], &["AUTHCTL_X=canary-gh"]),
        ("as it is", &["pw"], &["PW_TOKEN=it's $HOME"]),
    ] {
        let printed = out(exec(&sandbox, &[arguments, &["--", "env"]].concat()));
        let secret = |line: &&str| {
            line.contains("canary")
                || line.contains("it's")
                || line.starts_with("AUTHCTL_")
                || line.starts_with("CONFIG")
        };
        let mut secrets: Vec<&str> = printed.lines().filter(secret).collect();
        secrets.sort_unstable();
        assert_eq!(secrets, want, "{name}");
        assert!(printed.contains("KEPT=kept"), "the rest is unchanged");
    }
    let json = out(exec(&sandbox, &["--env", "X=gh:json", "--", "printenv", "X"]));
    assert!(json.starts_with("{\"access_token\":\"canary-gh\"") && json.lines().count() == 1, "{json}");
}

#[test]
fn exec_leaks_no_argument_or_descriptor_and_keeps_limits_f_leak1_f_leak8() {
    let sandbox = two();
    for file in [&[][..], &["--file", "F=gh"]] {
        let run = |script: &str| out(exec(&sandbox, &[file, &["gh", "--", "sh", "-c", script]].concat()));
        // Descriptors that the test runner left open exist without authctl too.
        let listing = ["-c", "ls /proc/self/fd"];
        let without = Command::new("sh").args(listing).stdin(Stdio::null()).output().unwrap();
        assert_eq!(run(listing[1]), text(&without.stdout));
        assert!(!run("cat /proc/*/cmdline | tr '\\0' ' '").contains("canary-gh"));
        // authctl restores the limit that it lowered for itself; it never lowers a hard limit.
        for (set, soft, hard) in [("-Sc 8", "8", "unlimited"), ("-c 0", "0", "0")] {
            let limit = "ulimit -Sc; ulimit -Hc";
            let script = format!("ulimit {set} && exec \"$@\"");
            let mut shell = exec(&sandbox, &[]);
            let mut command = Command::new("sh");
            command
                .args(["-c", &script, "sh", PROGRAM, "exec"])
                .args(file)
                .args(["gh", "--", "sh", "-c", limit]);
            command.env_clear().envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
            command.current_dir(sandbox.path("work"));
            assert_eq!(out(command).split_whitespace().collect::<Vec<_>>(), [soft, hard], "{file:?}");
            shell.stdin(Stdio::null());
        }
    }
    // authctl itself writes no core file, even while it waits.
    let command = exec(&sandbox, &[]);
    let mut shell = Command::new("sh");
    let script = "ulimit -Sc 8 && exec \"$@\"";
    shell.args(["-c", script, "sh", PROGRAM, "exec", "--file", "F=gh", "--", "sleep", "20"]);
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut running = Running(shell.current_dir(sandbox.path("work")).spawn().unwrap());
    let id = running.0.id();
    wait_until("the child's start", || !child_of(id).is_empty());
    let limits = || std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap_or_default();
    let is_none = |line: &str| line.starts_with("Max core file size        0 ");
    wait_until("the limit", || limits().lines().any(is_none));
    kill(&running.0, Signal::TERM);
    assert_eq!(running.0.wait().unwrap().code(), Some(143));
}

#[test]
fn exec_passes_a_bound_token_with_a_note() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.dpop = true);
    let sandbox = Sandbox::new(&server_config(&server.domain(), "use_dpop = true"));
    login(&sandbox);
    let output = exec(&sandbox, &["as", "--", "printenv", "AS_TOKEN"]).output().unwrap();
    assert!(text(&output.stdout).starts_with("access-canary-"), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("bound to a key (DPoP)"));
    fails(exec(&sandbox, &["--env", "X=as:header", "--", "true"]), 1, &["--method GET --url URL"]);
    let id_token = out(exec(&sandbox, &["--env", "X=as:id-token", "--", "printenv", "X"]));
    assert_eq!(id_token.matches('.').count(), 2, "{id_token}");
    let scoped = exec(&sandbox, &["as", "--scope", "admin", "--", "true"]);
    fails(scoped, 3, &["the scope admin was not granted"]);
}
