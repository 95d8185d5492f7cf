//! `authctl login --device` (RFC 8628).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::browsers::{Absent, Never};
use crate::support::http::Reply;
use crate::support::sandbox::{Timed, server_config};
use crate::support::shared::Shared;
use crate::support::{AuthorizationServer, Sandbox};

/// A home whose waits take no time, and the times of its requests.
fn home(config: &str) -> (Sandbox, Arc<Timed>) {
    let mut sandbox = Sandbox::new(config);
    sandbox.clock.skip_waits();
    sandbox.system.browser = Arc::new(Absent::default());
    let timed = Arc::new(Timed {
        inner: sandbox.system.http.clone(),
        clock: sandbox.clock.clone(),
        sent: Shared::default(),
    });
    sandbox.system.http = timed.clone();
    (sandbox, timed)
}

/// The pauses before the token requests, in seconds, counted from the codes' arrival.
fn pauses(timed: &Timed) -> Vec<u64> {
    let sent = timed.sent.lock();
    let start = sent.iter().find(|(path, _)| path == "/device").unwrap().1;
    let polls = sent.iter().filter(|(path, _)| path == "/token").map(|(_, at)| *at);
    let mut before = start;
    polls
        .map(|at| {
            let pause = at - before;
            before = at;
            (pause + Duration::from_millis(500)).as_secs()
        })
        .collect()
}

fn answer(error: &str) -> Reply {
    Reply::json(400, &json!({ "error": error }))
}

#[test]
fn a_device_code_login_works() {
    for grant in ["", "grant_type = \"device_code\""] {
        let server = AuthorizationServer::start();
        let (sandbox, timed) = home(&server_config(&server.domain(), grant));
        let arguments: &[&str] = if grant.is_empty() { &["login", "--device"] } else { &["login"] };
        let output = sandbox.run(arguments).ok();
        for said in ["/enter\n", "WDJB-MJHT", "Logged in to as as alice", "is then renewed"] {
            assert!(output.stderr.contains(said), "{grant} {said}: {output}");
        }
        assert!(!output.stderr.contains("device-canary"), "D10: {output}");
        let asked = &server.requests_to("/device")[0];
        assert_eq!(asked.parameter("client_id").as_deref(), Some("app"));
        assert_eq!(asked.parameter("scope").as_deref(), Some("openid repo"));
        let poll = &server.requests_to("/token")[0];
        let grant_type = poll.parameter("grant_type");
        assert_eq!(grant_type.as_deref(), Some("urn:ietf:params:oauth:grant-type:device_code"));
        assert_eq!(pauses(&timed), [5], "not before the first interval is over");
        assert!(server.accepts(sandbox.run(&["token"]).ok().text()));
        sandbox.clock.advance(4000);
        assert!(server.accepts(sandbox.run(&["token"]).ok().text()), "refreshed as any other");
    }
}

#[test]
fn polling_follows_the_servers_pace() {
    let server = AuthorizationServer::start();
    let (sandbox, timed) = home(&server_config(&server.domain(), ""));
    server
        .fault("/token", answer("authorization_pending"))
        .fault("/token", answer("slow_down"))
        .fault("/token", answer("slow_down"))
        .fault("/token", Reply::json(400, &json!({ "error": "slow_down", "interval": 40 })))
        .fault("/token", Reply::Drop)
        .fault("/token", Reply::Drop)
        .fault("/token", answer("authorization_pending"))
        .fault("/token", Reply::full(503, &[("retry-after", "90")], ""));
    sandbox.run(&["login", "--device"]).ok();
    assert_eq!(pauses(&timed), [5, 5, 10, 15, 40, 80, 120, 40, 90]);
}

#[test]
fn any_other_error_ends_polling() {
    for (error, status, said) in [
        ("access_denied", 1, "the token endpoint answered `access_denied`"),
        ("expired_token", 1, "`expired_token`"),
        ("invalid_grant", 1, "run `authctl login as` again"),
    ] {
        let server = AuthorizationServer::start();
        let (sandbox, _) = home(&server_config(&server.domain(), ""));
        server.fault("/token", answer(error));
        sandbox.run(&["login", "--device"]).fails(status).says(said);
        assert_eq!(server.requests_to("/token").len(), 1, "{error}");
        assert_eq!(server.requests_to("/device").len(), 1, "{error}: no new code unasked");
        assert!(sandbox.stores_nothing(), "{error}");
    }
}

#[test]
fn polling_ends_with_the_code_or_the_timeout() {
    for (name, arguments, most, words) in [
        ("the code", &["login", "--device"][..], 60, "1 minute"),
        ("--timeout", &["login", "--device", "--timeout", "20s"], 20, "20 seconds"),
    ] {
        let server = AuthorizationServer::start();
        let (sandbox, timed) = home(&server_config(&server.domain(), ""));
        server.set(|behaviour| drop(behaviour.device.insert("expires_in".to_owned(), 60.into())));
        for _ in 0..20 {
            server.fault("/token", answer("authorization_pending"));
        }
        sandbox.run(arguments).fails(1).says(&format!("nobody consented within {words}"));
        let asked: u64 = pauses(&timed).iter().sum();
        assert!(asked < most && asked + 6 > most, "{name}: until just before the end, not {asked}");
    }
}

#[test]
fn a_refused_verification_uri_is_not_shown_f_url2() {
    for (member, address) in [
        ("verification_uri", "javascript:alert(1)"),
        ("verification_uri_complete", "https://169.254.169.254/x"),
        ("verification_uri", "http://evil.example/"),
    ] {
        let server = AuthorizationServer::start();
        let (mut sandbox, _) = home(&server_config(&server.domain(), ""));
        sandbox.system.browser = Arc::new(Never);
        server.set(|behaviour| drop(behaviour.device.insert(member.to_owned(), address.into())));
        let output = sandbox.run(&["login", "--device"]).fails(1).says("named an address that is not opened");
        assert!(!output.stderr.contains("WDJB"), "{address}: {output}");
        assert!(server.requests_to("/token").is_empty(), "{address}");
    }
}

#[test]
fn a_user_code_cannot_control_the_terminal_f_ctrl2() {
    let server = AuthorizationServer::start();
    let (sandbox, _) = home(&server_config(&server.domain(), ""));
    server.set(|behaviour| drop(behaviour.device.insert("user_code".to_owned(), "A\u{1b}]0;x\u{7}".into())));
    let output = sandbox.run(&["login", "--device"]).ok();
    assert!(!output.stderr.contains('\u{1b}') && output.stderr.contains("A\\u{1b}"), "{output}");
}

#[test]
fn a_device_login_can_be_interrupted() {
    let server = AuthorizationServer::start();
    let (sandbox, _) = home(&server_config(&server.domain(), ""));
    *sandbox.signals.0.lock().unwrap() = Some(2);
    sandbox.run(&["login", "--device"]).fails(130);
    assert!(sandbox.stores_nothing());
}

#[test]
fn where_no_browser_can_work_the_message_names_device() {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    sandbox.system.browser = Arc::new(Absent::default());
    sandbox.run(&["login", "--timeout", "50ms"]).fails(1).says("authctl login as --device");
    server.set(|behaviour| {
        drop(behaviour.metadata.insert("device_authorization_endpoint".to_owned(), Value::Null));
    });
    let output = sandbox.run(&["login", "--timeout", "50ms", "--refresh-metadata"]).fails(1);
    assert!(!output.stderr.contains("--device"), "the server does not offer it: {output}");
    sandbox
        .run(&["login", "--device"])
        .fails(4)
        .says("the server's metadata has no `device_authorization_endpoint`");
}

/// CIBA: the user approves on a device that the server knows, and sees the same word there.
#[test]
fn ciba_poll_mode() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("s".to_owned()));
    let more = "grant_type = \"ciba\"\n_client_secret = \"s\"\nlogin_hint = \"alice@example.com\"";
    let (sandbox, _) = home(&server_config(&server.domain(), more));
    server.fault("/token", answer("authorization_pending"));
    let output = sandbox.run(&["login"]).ok().says("Approve the request on your device");
    let asked = &server.requests_to("/bc-authorize")[0];
    assert_eq!(asked.parameter("login_hint").as_deref(), Some("alice@example.com"));
    let message = asked.parameter("binding_message").unwrap();
    assert!(output.stderr.contains(&message), "{message}: {output}");
    assert!(!output.stderr.contains("device-canary"), "{output}");
    assert!(server.accepts(sandbox.run(&["token"]).ok().text()));
    server.fault("/token", answer("access_denied"));
    sandbox.run(&["login"]).fails(1).says("`access_denied`");
}

/// F-DEV1, for both grants that wait for the server's word.
#[test]
fn a_server_cannot_extend_the_wait_f_dev1() {
    let ciba = "grant_type = \"ciba\"\n_client_secret = \"s\"\nlogin_hint = \"alice@example.com\"";
    for (name, more, arguments, expires_in, words) in [
        ("for ever", "", &["login", "--device"][..], u64::MAX, "30 minutes"),
        ("a day", "", &["login", "--device"], 86_400, "30 minutes"),
        ("less than the limit", "", &["login", "--device"], 900, "15 minutes"),
        ("--timeout", "", &["login", "--device", "--timeout", "45m"], 86_400, "45 minutes"),
        ("--timeout, and less", "", &["login", "--device", "--timeout", "45m"], 900, "15 minutes"),
        ("CIBA", ciba, &["login"], 86_400, "30 minutes"),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            drop(behaviour.device.insert("expires_in".to_owned(), expires_in.into()));
            drop(behaviour.device.insert("interval".to_owned(), 120.into()));
            behaviour.client_secret = (!more.is_empty()).then(|| "s".to_owned());
        });
        let (sandbox, timed) = home(&server_config(&server.domain(), more));
        for _ in 0..40 {
            server.fault("/token", answer("authorization_pending"));
        }
        sandbox.run(arguments).fails(1).says(&format!("nobody consented within {words}"));
        let most = timed.sent.lock().iter().filter(|(path, _)| path == "/token").count();
        assert!(most <= 23, "{name}: {most} questions");
    }
}

/// Who asks for less time than one interval waits that long, and is not told so at once; a server that never answered is
/// what is told of.
#[test]
fn the_final_message_of_a_device_login_is_accurate() {
    let server = AuthorizationServer::start();
    let (sandbox, timed) = home(&server_config(&server.domain(), ""));
    sandbox.run(&["login", "--device", "--timeout", "1s"]).fails(1).says("nobody consented within 1 second");
    assert!(pauses(&timed).is_empty(), "D4");
    for _ in 0..40 {
        server.fault("/token", Reply::full(503, &[], ""));
    }
    sandbox.run(&["login", "--device", "--timeout", "2m"]).fails(5).says("cannot answer now (status 503)");
}

/// The key set is fetched before the user is asked: afterwards the tokens would be lost.
#[test]
fn a_key_set_that_only_discovery_knows_is_found() {
    let server = AuthorizationServer::start();
    let endpoints: String = [("token_endpoint", "token"), ("device_authorization_endpoint", "device")]
        .iter()
        .map(|(name, path)| format!("{name} = \"{}/{path}\"\n", server.issuer()))
        .collect();
    let (sandbox, _) = home(&server_config(&server.domain(), &endpoints));
    sandbox.run(&["login", "--device"]).ok().says("Logged in to as as alice");
}
