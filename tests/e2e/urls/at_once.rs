//! Concurrent logins, and one that is cancelled while the browser is open.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::json;

use super::{login, silent, status_of};
use crate::interop::Service;
use crate::parts::{Ended, Home, OidcProvider, folder, node, wait_until};

/// A browser whose user reads the page for a while; it records when it was opened.
fn slow_browser(home: &Home, pause: &str) -> String {
    let path = home.folder.path().join("browser");
    let (node, walk) = (node(), folder().join("walk.mjs"));
    let script = format!(
        "#!/bin/sh\necho opened >> '{}'\n{pause}\nexec '{}' '{}' \"$1\"\n",
        home.folder.path().join("opened").display(),
        node.display(),
        walk.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn opened(home: &Home) -> usize {
    std::fs::read_to_string(home.folder.path().join("opened")).unwrap_or_default().lines().count()
}

#[test]
fn two_concurrent_logins_make_one_registration() {
    let server = OidcProvider::with(&json!({ "registers": {}, "strictRedirect": true }));
    let (one, other) =
        (Service::start("mcp", &server, &json!({})), Service::start("mcp", &server, &json!({})));
    let home = Home::empty();
    let browser = slow_browser(&home, "sleep 1.5");
    let urls = [&one, &one, &other].map(|resource| format!("{}/mcp", resource.origin));
    let logins: Vec<_> = urls
        .iter()
        .map(|url| {
            let mut login = home.command(&["login", url, "--browser", &browser, "--timeout", "30s"]);
            login.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let ended: Vec<_> = logins
        .into_iter()
        .map(|login| silent(&server, Ended::from(login.wait_with_output().unwrap()).ok()))
        .collect();
    assert_eq!(server.registered().len(), 1, "{ended:#?}");
    assert!(ended.iter().any(|ended| ended.stderr.contains("another login at")), "{ended:#?}");
    for url in &urls {
        home.run(&["token", url]).ok();
    }
    // The last logout deletes the registration.
    let client = server.registered().pop().unwrap();
    let (uri, token) = (client["uri"].as_str().unwrap(), client["token"].as_str().unwrap());
    home.run(&["logout", &urls[0]]).ok();
    assert_eq!(status_of(uri, token), 200);
    home.run(&["logout", &urls[2]]).ok().says("was deleted too");
    assert_eq!(status_of(uri, token), 401);
}

#[test]
fn a_login_that_is_ended_while_the_browser_is_open_leaves_no_tokens() {
    let server = OidcProvider::with(&json!({ "registers": {}, "strictRedirect": true }));
    for (name, signal, status) in [("SIGTERM", "-TERM", 143), ("Ctrl-C", "-INT", 130)] {
        let (home, before) = (Home::empty(), server.token_requests("authorization_code"));
        let browser = slow_browser(&home, "sleep 8");
        let mut command = home.command(&["login", &server.issuer, "--browser", &browser]);
        let waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("the browser", || opened(&home) == 1);
        assert!(Command::new("kill").args([signal, &waiting.id().to_string()]).status().unwrap().success());
        let ended = Ended::from(waiting.wait_with_output().unwrap());
        assert_eq!(ended.status, Some(status), "{name}: {ended:#?}");
        home.run(&["token", &server.issuer]).fails(3);
        home.run(&["status", &server.issuer]).fails(3);
        let records = home.folder.path().join(".local/state/authctl/records");
        let sealed = std::fs::read_dir(&records).into_iter().flatten().flatten();
        let sealed = sealed.filter(|entry| entry.file_name().to_string_lossy().ends_with(".sealed"));
        assert_eq!(sealed.count(), 1, "{name}: only the registration token, no other tokens");
        assert_eq!(server.token_requests("authorization_code"), before, "{name}");
        // The next login uses the registration.
        let registered = server.registered().len();
        Ended::from(login(&home, &[&server.issuer]).output().unwrap()).ok();
        assert_eq!(server.registered().len(), registered, "{name}");
    }
}
