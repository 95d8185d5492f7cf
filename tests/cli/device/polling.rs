//! The pace and the end of polling.

use serde_json::json;

use super::{home, pauses};
use crate::support::AuthorizationServer;
use crate::support::http::Reply;
use crate::support::sandbox::server_config;

fn answer(error: &str) -> Reply {
    Reply::json(400, &json!({ "error": error }))
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
        ("access_denied", 1, "the token endpoint returned `access_denied`"),
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
        sandbox.run(arguments).fails(1).says(&format!("the login was not approved within {words}"));
        let asked: u64 = pauses(&timed).iter().sum();
        assert!(asked < most && asked + 6 > most, "{name}: until just before the end, not {asked}");
    }
}

/// CIBA: the user approves on a device known to the server, which shows the same binding message.
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

/// F-DEV1, for both grants that poll the server.
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
        sandbox.run(arguments).fails(1).says(&format!("the login was not approved within {words}"));
        let most = timed.sent.lock().iter().filter(|(path, _)| path == "/token").count();
        assert!(most <= 23, "{name}: {most} requests");
    }
}
