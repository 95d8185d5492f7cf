//! File size limits lose no session.

use super::in_shell;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn a_limit_on_the_size_of_files_loses_no_session_f_rot5() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let token = ["token", "as", "--refresh"];
    let run = |ulimit: &str, arguments: &[&str]| {
        let output = in_shell(&sandbox, ulimit, arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, stderr) = run("-f unlimited", &["login", "as", "--browser", "curl -sL -o /dev/null %s"]);
    assert_eq!(status, Some(0), "{stderr}");
    // Too small for any record: nothing is sent.
    for blocks in [0, 1, 2, 4, 8] {
        let (status, stderr) = run(&format!("-f {blocks}"), &token);
        assert_eq!(status, Some(6), "{blocks}: {stderr}");
        assert!(stderr.contains("ulimit -f"), "{blocks}: {stderr}");
    }
    assert_eq!(server.token_requests("refresh_token"), 0);
    // Too small for this record, whose size is not known before: the refresh token is rescued.
    let long = "x".repeat(200 << 10);
    server.set(|behaviour| drop(behaviour.token_members.insert("access_token".to_owned(), long.into())));
    let (status, stderr) = run("-f 200", &token);
    assert_eq!(status, Some(6), "{stderr}");
    assert!(stderr.contains("File too large") && stderr.contains("until the next run"), "{stderr}");
    server.set(|behaviour| behaviour.token_members.clear());
    let next = in_shell(&sandbox, "-f unlimited", &["token", "as"]).output().unwrap();
    assert!(server.accepts(String::from_utf8_lossy(&next.stdout).trim()), "{next:?}");
    assert!(!server.any_family_revoked());
    // The signal kills a program that authctl runs, as it would without authctl.
    let writes = "head -c 300000 /dev/zero > big; kill -l $?";
    let output = in_shell(&sandbox, "-f 1", &["exec", "as", "--", "sh", "-c", writes]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("XFSZ"), "{output:?}");
}

#[test]
fn a_limit_on_open_files_loses_no_session_f_rot5() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let run = |most: usize, arguments: &[&str]| {
        let output = in_shell(&sandbox, &format!("-n {most}"), arguments).output().unwrap();
        let sent = server.token_requests("refresh_token");
        (output.status.code(), String::from_utf8(output.stderr).unwrap(), sent)
    };
    let (status, stderr, _) = run(1024, &["login", "as", "--browser", "curl -sL -o /dev/null %s"]);
    assert_eq!(status, Some(0), "{stderr}");
    let mut refused = 0;
    for most in 5..24 {
        let before = server.token_requests("refresh_token");
        let (status, stderr, sent) = run(most, &["token", "as", "--refresh"]);
        if status != Some(0) {
            assert!(!matches!(status, None | Some(101)), "{most}: {stderr}");
            assert_eq!(sent, before, "{most}: nothing was sent whose answer could not be saved: {stderr}");
            refused += 1;
        }
    }
    assert!((4..16).contains(&refused), "{refused}");
    assert_eq!(run(1024, &["token", "as", "--refresh"]).0, Some(0));
    assert!(!server.any_family_revoked());
}
