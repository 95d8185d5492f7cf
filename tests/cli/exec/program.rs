//! The program's status and streams.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use super::{entries, exec, fails, out, runtime, text, two};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn the_status_is_the_programs() {
    let sandbox = two();
    for file in [&[][..], &["--file", "F=gh"]] {
        let status = |script: &str| {
            exec(&sandbox, &[file, &["gh", "--", "sh", "-c", script]].concat()).status().unwrap()
        };
        for code in [0, 1, 3, 42, 255] {
            assert_eq!(status(&format!("exit {code}")).code(), Some(code));
        }
        let ended = status("kill -TERM $$");
        if file.is_empty() {
            assert_eq!(
                ended.signal(),
                Some(15),
                "it replaces authctl, so the signal ends the program itself"
            );
        } else {
            assert_eq!(ended.code(), Some(143), "128 and the signal");
        }
        let not_executable = sandbox.write("work/plain", "text");
        let broken = sandbox.write("work/broken", "#!/nonexistent/interpreter\n");
        set_mode(&broken, 0o700);
        for (program, status, says) in [
            ("no-such-program", 127, "cannot run no-such-program: no such program"),
            ("./no-such-program", 127, "no such program"),
            (not_executable.to_str().unwrap(), 126, "Permission denied"),
            ("./broken", 126, "its interpreter is missing"),
        ] {
            fails(exec(&sandbox, &[file, &["gh", "--", program]].concat()), status, &["error:", says]);
        }
    }
    assert_eq!(entries(&runtime(&sandbox)), [""; 0], "a failed start leaves no file behind");
    // F-URL4: a bare name is not searched in the working folder; a path is the user's choice.
    let here = sandbox.write("work/here", "#!/bin/sh\necho here\n");
    set_mode(&here, 0o700);
    let mut command = exec(&sandbox, &["gh", "--", "here"]);
    command.env("PATH", ".::/usr/bin:/bin");
    fails(command, 127, &["no such program"]);
    assert_eq!(out(exec(&sandbox, &["gh", "--", "./here"])), "here\n");
}

#[test]
fn the_program_starts_only_if_every_token_is_available() {
    let server = AuthorizationServer::start();
    let mut config = server_config(&server.domain(), "");
    config.push_str("\n[credentials.gh]\ntemplate = \"github\"\njwt = \"canary-gh\"\n");
    let sandbox = Sandbox::new(&config);
    let touch = ["--", "sh", "-c", "touch ../started; echo started"];
    let failing = |arguments: &[&str], status: i32, says: &[&str]| {
        fails(exec(&sandbox, &[arguments, &touch].concat()), status, says);
        assert!(!sandbox.path("started").exists(), "{arguments:?}");
        assert_eq!(entries(&runtime(&sandbox)), [""; 0], "{arguments:?}");
    };
    failing(&["as"], 3, &["you are not logged in", "authctl login as"]);
    failing(&["--env", "X=gh", "--env", "Y=as"], 3, &["authctl login as"]);
    failing(&["--file", "X=gh", "--file", "Y=as"], 3, &["authctl login as"]);
    failing(&["--env", "X=nobody"], 4, &["`nobody` is not configured"]);
    failing(&["--env", "X=gh:id-token"], 1, &["does not offer an ID token"]);
    failing(&["--env", "X=gh:yaml"], 2, &["raw, header"]);
    failing(&["--env", "1X=gh"], 2, &["NAME=PROVIDER"]);
    failing(&["--env", "X=gh", "--file", "X=gh"], 2, &["X is assigned twice"]);
    failing(&["--env", "X=gh", "--account", "a"], 2, &["need a provider before"]);
    fails(exec(&sandbox, &["gh"]), 2, &["COMMAND"]);
    fails(exec(&sandbox, &["gh", "echo"]), 2, &["echo"]);
}

#[test]
fn the_streams_are_the_programs_own() {
    let sandbox = two();
    for file in [&[][..], &["--file", "F=gh"]] {
        let mut command = exec(&sandbox, &[file, &["gh", "--", "sh", "-c", "cat; echo e >&2"]].concat());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"piped").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), ("piped", "e\n"));
        let mut command =
            exec(&sandbox, &[file, &["gh", "--", "sh", "-c", "yes | head -1; kill -PIPE $$"]].concat());
        let status = command.stdout(Stdio::null()).status().unwrap();
        let by_pipe = status.signal() == Some(13) || status.code() == Some(141);
        assert!(by_pipe, "SIGPIPE is deadly for it, as for every program: {status:?}");
    }
}
