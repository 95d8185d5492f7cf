//! How authctl treats users: narrow terminals, the page's language, notifications that a login is needed.

use std::sync::{Arc, Mutex};

use crate::support::browsers::{self, Does};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox, http};

#[test]
fn a_narrow_terminal_gets_a_list_instead_of_a_table() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let table = sandbox.run(&["status"]).ok().stdout;
    assert!(table.starts_with("PROVIDER"), "{table}");
    sandbox.is_wide(200);
    assert_eq!(sandbox.run(&["status"]).ok().stdout, table);
    sandbox.is_wide(40);
    let list = sandbox.run(&["status"]).ok().stdout;
    assert_eq!(
        list,
        "as\n  account: alice\n  state: valid\n  expires: in 1 hour\n  stored in: file\n  scopes: openid repo\n"
    );
}

#[test]
fn the_page_speaks_the_browsers_language_and_says_the_same() {
    for (header, wanted) in [
        ("", ["<html lang=\"en\" dir=\"ltr\">", "You are logged in"]),
        ("Accept-Language: de-CH, en;q=0.5\r\n", ["<html lang=\"de\" dir=\"ltr\">", "Sie sind angemeldet"]),
        ("Accept-Language: he\r\n", ["<html lang=\"he\" dir=\"rtl\">", "התחברת"]),
    ] {
        let server = AuthorizationServer::start();
        let mut sandbox = Sandbox::with_server(&server.domain());
        let page = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&page);
        sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
            let redirect = browsers::redirect_of(&url).unwrap();
            let address = redirect.socket_addrs(|| None).unwrap()[0];
            let target = &redirect[url::Position::BeforePath..];
            let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n{header}\r\n");
            *kept.lock().unwrap() = http::exchange(address, request.as_bytes()).unwrap().1;
        })));
        sandbox.run(&["login"]).ok();
        // The browser gets its response before the login finishes, and reads it at its own pace.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while page.lock().unwrap().is_empty() && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let page = page.lock().unwrap();
        assert!(wanted.iter().all(|text| page.contains(text)), "{header}: {page}");
    }
}

#[test]
fn a_background_command_notifies_the_user_once_f_leak2_f_hlp3() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new("");
    let told = sandbox.path("told");
    let script = sandbox.write(
        "hook",
        &format!("#!/bin/sh\necho \"$@\" >> '{}'\nenv >> '{}'\n", told.display(), told.display()),
    );
    set_mode(&script, 0o700);
    let hook =
        format!("on_login_required = [\"{}\", \"log in to {{provider}}\", \"$(id)\"]\n", script.display());
    sandbox.configure(&format!("{hook}{}", server_config(&server.domain(), "")));
    let lines = || std::fs::read_to_string(&told).unwrap_or_default();
    sandbox.run(&["token"]).fails(3);
    assert!(lines().starts_with("log in to as $(id)\n"), "{}", lines());
    assert!(!lines().contains("AUTHCTL_"), "{}", lines());
    let count = || lines().matches("log in to as").count();
    sandbox.run(&["token"]).fails(3);
    sandbox
        .run_with(&["helper", "git", "get"], &format!("protocol=http\nhost={}\n\n", server.domain()))
        .fails(3);
    assert_eq!(count(), 1, "not repeated at once");
    sandbox.clock.advance(601);
    sandbox
        .run_with(&["helper", "git", "get"], &format!("protocol=http\nhost={}\n\n", server.domain()))
        .fails(3);
    assert_eq!(count(), 2);
    // A user who sees the message needs no notification.
    sandbox.clock.advance(601);
    sandbox.is_watched();
    sandbox.run(&["token"]).fails(3);
    assert_eq!(count(), 2);
}

#[test]
fn a_project_cannot_name_a_program_f_bind2() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.write("work/.authctl.toml", "on_login_required = [\"/bin/true\"]\n");
    sandbox.run(&["token"]).fails(4).says("on_login_required");
    let wrong = Sandbox::new(
        "on_login_required = \"notify-send\"\n[credentials.a]\ndomain = \"a.example\"\njwt = \"x\"\n",
    );
    wrong.run(&["token"]).fails(4).says("`on_login_required` must be an array of strings");
}

#[test]
fn a_damaged_file_of_discovered_providers_does_not_block_others() {
    let sandbox =
        Sandbox::new("store = \"file\"\n[credentials.a]\ndomain = \"a.example\"\njwt = \"static-token\"\n");
    sandbox.write("state/learned.toml", "= \"canary");
    let output = sandbox.run(&["token", "--min-ttl", "1s"]).ok().says("is damaged: remove it");
    assert_eq!(output.text(), "static-token");
    assert!(!output.stderr.contains("canary"));
}
