//! Many helpers at once, as build tools call them: one refresh, and one browser.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use super::{Desk, Service};
use crate::parts::{Ended, OidcProvider};

const INDEX: &str = "sparse+https://api.internal.example/";
const HOST: &str = "api.internal.example";

/// Starts a helper and writes its input.
fn started(desk: &Desk, number: usize) -> Child {
    use std::io::Write as _;
    let cargo = json!({ "v": 1, "registry": { "index-url": INDEX }, "kind": "get", "operation": "read" });
    let helpers: [(&[&str], String); 7] = [
        (&["git", "get"], format!("protocol=https\nhost={HOST}\n")),
        (&["docker", "get"], HOST.to_owned()),
        (&["cargo", "--cargo-plugin"], format!("{cargo}\n")),
        (&["bazel", "get"], json!({ "uri": format!("https://{HOST}/x") }).to_string()),
        (&["terraform", "get", HOST], String::new()),
        (&["keyring", "get", HOST, "x"], String::new()),
        (&["kubernetes", "op"], String::new()),
    ];
    let (arguments, question) = &helpers[number % helpers.len()];
    let mut helper = desk.authctl(&[&["helper"], *arguments].concat());
    helper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut helper = helper.spawn().unwrap();
    helper.stdin.take().unwrap().write_all(question.as_bytes()).unwrap();
    helper
}

#[test]
fn one_of_a_hundred_concurrent_helpers_refreshes_f_hlp3_f_rot1() {
    let server = OidcProvider::start(2);
    let desk = Desk::logged_in(server, "https", &[HOST], "");
    desk.server.set_access_token_seconds(3600);
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(desk.refreshes(), 0);
    let helpers: Vec<Child> = (0..100).map(|number| started(&desk, number)).collect();
    let ended: Vec<Ended> =
        helpers.into_iter().map(|helper| Ended::from(helper.wait_with_output().unwrap()).ok()).collect();
    assert_eq!(desk.refreshes(), 1);
    let token = desk.token();
    for (number, one) in ended.iter().enumerate() {
        assert!(one.stdout.contains(&token), "{number}: {one:#?}");
        assert_eq!(one.stderr, "", "{number}");
    }
}

#[test]
fn one_of_ten_concurrent_helpers_opens_a_browser_f_hlp3() {
    let server = OidcProvider::start(3600);
    let desk = Desk::new(server, "https", &[HOST], "");
    // The user waits until all helpers have asked.
    let browser =
        desk.browser(&format!("while [ ! -e '{}' ]; do sleep 0.05; done", desk.path("go").display()));
    let asked: Vec<Child> = (0..10)
        .map(|_| {
            use std::io::Write as _;
            let mut helper = desk.on_terminal(&[crate::parts::PROGRAM, "helper", "git", "get"]);
            helper
                .env("BROWSER", &browser)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let mut helper = helper.spawn().unwrap();
            let question = format!("protocol=https\nhost={HOST}\n");
            helper.stdin.take().unwrap().write_all(question.as_bytes()).unwrap();
            helper
        })
        .collect();
    let mut waiting: Vec<Child> = asked;
    crate::parts::wait_until("nine answers", || {
        let running = waiting.iter_mut().map(|helper| helper.try_wait().unwrap().is_none());
        running.filter(|running| *running).count() <= 1
    });
    desk.write("go", "");
    let ended: Vec<Ended> =
        waiting.drain(..).map(|helper| Ended::from(helper.wait_with_output().unwrap())).collect();
    let (logged_in, others): (Vec<_>, Vec<_>) = ended.into_iter().partition(|one| one.status == Some(0));
    assert_eq!(logged_in.len(), 1, "{logged_in:#?} {others:#?}");
    assert!(logged_in[0].stdout.contains(&desk.token()));
    for other in others {
        other.fails(3).says("another login to op is in progress");
    }
    assert_eq!(desk.read("opened").lines().count(), 1);
    assert_eq!(desk.server.token_requests("authorization_code"), 1);
}

/// Real programs at once, just after the token expired.
#[test]
fn concurrent_real_processes_make_one_refresh_f_rot1() {
    let server = OidcProvider::start(2);
    let service = Service::start("images", &server, &json!({ "challenge": "Basic" }));
    let desk = Desk::logged_in(server, "http", &[service.host()], "");
    desk.set_up(&["docker"], "--write");
    desk.server.set_access_token_seconds(3600);
    std::thread::sleep(Duration::from_millis(2100));
    let image = format!("{}/corp/tiny:1", service.host());
    let clients: Vec<Child> = (0..10)
        .map(|_| {
            let mut docker = desk.tool("docker", &["manifest", "inspect", "--insecure", &image]);
            docker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for client in clients {
        desk.silent(Ended::from(client.wait_with_output().unwrap())).ok();
    }
    assert_eq!(desk.refreshes(), 1);
    assert_eq!(service.credentials().len(), 1);
}

/// The server rejects a token from many programs: each reports that to its helper, and one refresh fixes it for all.
#[test]
fn concurrent_rejections_cause_one_refresh_f_rot1() {
    let desk = Desk::logged_in(OidcProvider::start(3600), "https", &[HOST], "");
    let token = desk.token();
    let answers = |arguments: &[&str], question: &str| {
        std::thread::scope(|scope| {
            let asked: Vec<_> = (0..10).map(|_| scope.spawn(|| desk.ask(arguments, question).ok())).collect();
            asked.into_iter().map(|asked| asked.join().unwrap().stdout).collect::<Vec<_>>()
        })
    };
    let question = format!("protocol=https\nhost={HOST}\n");
    let refused = format!("{question}username=oauth2\npassword={token}\n");
    for _ in 0..2 {
        answers(&["helper", "git", "erase"], &refused);
        let renewed = desk.token();
        assert_ne!(renewed, token);
        for answer in answers(&["helper", "git", "get"], &question) {
            assert!(answer.contains(&renewed), "a late rejection concerns the old token, not the new one");
        }
        assert_eq!(desk.refreshes(), 1);
    }
}
