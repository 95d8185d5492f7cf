//! `on_login_required`: without a terminal, the user's own program reports once that a login is needed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::main_job::config;
use crate::parts::{Ended, Home, OidcProvider};

/// A program that records its arguments and its environment.
fn notifier(folder: &Path) -> String {
    let path = folder.join("notify");
    let script =
        format!("#!/bin/sh\necho \"$1|$2|$#\" >> '{0}/told'\nenv >> '{0}/environment'\n", folder.display());
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
    path.display().to_string()
}

#[test]
fn twenty_concurrent_builds_notify_the_user_once_f_hlp3_f_leak2() {
    let server = OidcProvider::start(1);
    let home = Home::empty();
    let program = notifier(home.folder.path());
    let hook = format!(
        "store = \"file\"\non_login_required = [\"{program}\", \"log in to {{provider}}\", \"; id\"]\n"
    );
    std::fs::create_dir_all(home.folder.path().join(".config/authctl")).unwrap();
    home.configure(&config(&server, &hook));
    home.login("walk.mjs", &[]).ok();
    let told = || std::fs::read_to_string(home.folder.path().join("told")).unwrap_or_default();
    home.run(&["token", "--refresh"]).ok();
    assert_eq!(told(), "", "nothing is needed");
    // The server revokes the login.
    server.fault("{\"status\":400,\"body\":{\"error\":\"invalid_grant\"}}");
    home.run(&["token", "--refresh"]).fails(3).says("run `authctl login op`");
    assert_eq!(told(), "log in to op|; id|2\n");
    let environment = std::fs::read_to_string(home.folder.path().join("environment")).unwrap();
    assert!(!server.issued().iter().any(|token| environment.contains(token)), "{environment}");

    // Several builds without a login at another provider: one notification.
    std::fs::remove_dir_all(home.folder.path().join(".local/state/authctl/notified")).unwrap();
    home.run(&["logout"]).ok();
    let builds: Vec<_> = (0..20)
        .map(|_| home.command(&["token"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    for build in builds {
        Ended::from(build.wait_with_output().unwrap()).fails(3);
    }
    assert_eq!(told().lines().count(), 2, "{}", told());
}
