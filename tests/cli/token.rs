//! `authctl token`: cached, renewed, narrowed, and what servers do in between.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::support::http::{Reply, Server};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

fn logged_in() -> (AuthorizationServer, Sandbox) {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    (server, sandbox)
}

#[test]
fn renewed_a_minute_early_and_never_before_half_the_life() {
    for (lifetime, still, renewed) in [(3600, 3535, 3545), (40, 18, 21)] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.expires_in = Some(lifetime));
        let sandbox = Sandbox::with_server(&server.domain());
        sandbox.run(&["login"]).ok();
        sandbox.clock.advance(still);
        sandbox.run(&["token"]).ok();
        assert_eq!(server.token_requests("refresh_token"), 0, "{lifetime}");
        sandbox.clock.advance(renewed - still);
        sandbox.run(&["token"]).ok();
        assert_eq!(server.token_requests("refresh_token"), 1, "{lifetime}");
    }
}

#[test]
fn refresh_and_min_ttl_renew() {
    let (server, sandbox) = logged_in();
    let first = sandbox.run(&["token"]).ok();
    assert_ne!(sandbox.run(&["token", "--refresh"]).ok(), first);
    assert_eq!(server.token_requests("refresh_token"), 1);
    sandbox.run(&["token", "--min-ttl", "30m"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1);
    sandbox.clock.advance(2000);
    sandbox.run(&["token", "--min-ttl", "30m"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 2);
    sandbox.run(&["token", "--min-ttl", "2h"]).fails(1).says("do not last 2 hours");
    assert_eq!(server.token_requests("refresh_token"), 3, "one refresh, not a loop");
    sandbox.run(&["refresh"]).ok().says("Renewed as: the new token ends in 1 hour");
    sandbox.run(&["refresh", "--all"]).ok();
}

#[test]
fn an_expires_in_of_zero_causes_one_refresh_per_run_f_exp2() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.expires_in = Some(0));
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    for round in 1..=3 {
        let token = sandbox.run(&["token"]).ok();
        assert!(server.accepts(token.text()));
        assert_eq!(server.token_requests("refresh_token"), round);
    }
}

#[test]
fn a_token_without_a_lifetime_is_used_until_rejected_f_exp3() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.expires_in = None);
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok().says("did not say when the token ends");
    sandbox.clock.advance(100 * 86_400);
    sandbox.run(&["token"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 0);
    sandbox.run(&["refresh"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1);
}

#[test]
fn a_clock_set_far_back_causes_a_refresh_f_exp4() {
    let (server, sandbox) = logged_in();
    sandbox.clock.advance(-3600);
    sandbox.run(&["token"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1);
}

#[test]
fn the_refresh_token_is_kept_if_no_new_one_is_issued_f_rot7() {
    let (server, sandbox) = logged_in();
    server.set(|behaviour| behaviour.rotates = false);
    for round in 1..=2 {
        sandbox.clock.advance(4000);
        sandbox.run(&["token"]).ok();
        assert_eq!(server.token_requests("refresh_token"), round);
    }
}

#[test]
fn invalid_grant_deletes_nothing_f_rot2() {
    let (server, sandbox) = logged_in();
    sandbox.clock.advance(4000);
    for _ in 0..2 {
        server.fault("/token", Reply::json(400, &json!({ "error": "invalid_grant" })));
        sandbox
            .run(&["token"])
            .fails(3)
            .says("does not accept the stored login any more")
            .says("authctl login as");
    }
    assert!(sandbox.run(&["status"]).ok().stdout.contains("login needed"));
    // It was the server's passing fault: what is stored still works.
    sandbox.run(&["token"]).ok();
    assert!(sandbox.run(&["status"]).ok().stdout.contains("valid"));
}

#[test]
fn a_refresh_whose_response_was_lost_is_sent_once_more_f_rot6() {
    let (server, sandbox) = logged_in();
    sandbox.clock.advance(4000);
    // Not rotated yet, or inside the server's grace: the second request succeeds.
    server.fault("/token", Reply::Drop);
    sandbox.run(&["token"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 2);
    // Rotated, and without grace: the message says what happened.
    sandbox.clock.advance(4000);
    server.lose("/token", Reply::Drop);
    sandbox.run(&["token"]).fails(3).says("may have replaced it");
    assert_eq!(server.token_requests("refresh_token"), 4);
}

#[test]
fn a_lost_response_is_not_retried_while_a_token_is_valid_f_rot6() {
    let (server, sandbox) = logged_in();
    let token = sandbox.run(&["token"]).ok();
    sandbox.clock.advance(3550);
    server.fault("/token", Reply::Drop);
    let output = sandbox.run(&["token"]).ok().says("still valid for now");
    assert_eq!(output.stdout, token.stdout);
    assert_eq!(server.token_requests("refresh_token"), 1);
    // Nor by the next run, as long as there is a token that the request could cost.
    assert_eq!(sandbox.run(&["token"]).ok().stdout, token.stdout);
    assert_eq!(server.token_requests("refresh_token"), 1);
    sandbox.clock.advance(100);
    sandbox.run(&["token"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 2);
}

#[test]
fn try_later_keeps_the_login_f_429() {
    let (server, sandbox) = logged_in();
    let token = sandbox.run(&["token"]).ok();
    let later = [
        Reply::full(429, &[("retry-after", "7")], "slow down"),
        Reply::full(503, &[("retry-after", "7")], ""),
        Reply::full(500, &[], "<html>oops</html>"),
    ];
    sandbox.clock.advance(3550);
    server.fault("/token", later[0].clone());
    // The token is still good: it is handed out, and until it expires the server is left alone.
    for _ in 0..2 {
        assert_eq!(sandbox.run(&["token"]).ok().stdout, token.stdout);
        assert_eq!(server.token_requests("refresh_token"), 1);
    }
    sandbox.clock.advance(100);
    for reply in later {
        server.fault("/token", reply);
        let output = sandbox.run(&["token"]).fails(5).says("what is stored is kept");
        assert!(!output.stderr.contains("oops"), "{output}");
    }
    sandbox.run(&["token"]).ok();
}

#[test]
fn a_provider_that_cannot_be_reached_is_status_5() {
    let sandbox = {
        let (server, sandbox) = logged_in();
        drop(server);
        sandbox
    };
    sandbox.clock.advance(4000);
    sandbox.run(&["token"]).fails(5).says("cannot reach 127.0.0.1").says("what is stored is kept");
}

/// All that is received is hostile; no redirect is followed; what no header can carry is not taken.
#[test]
fn f_tt_hostile_answers_store_and_print_nothing_f_size_f_redir() {
    let (server, sandbox) = logged_in();
    let elsewhere =
        Server::start(|_| Reply::json(200, &json!({ "access_token": "evil", "token_type": "bearer" })));
    let json = [("content-type", "application/json")];
    let target = format!("{}/?leak=1", elsewhere.url());
    for (name, reply, said) in [
        (
            "endless",
            Reply::full(200, &json, format!("{{\"access_token\":\"{}", "a".repeat(2 << 20))),
            "larger than 1048576 bytes",
        ),
        (
            "truncated",
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"access".to_vec()),
            "connection broke",
        ),
        ("not HTTP", Reply::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()), "no answer from"),
        ("html", Reply::full(200, &[("content-type", "text/html")], "<html>canary"), "`text/html`, 12 bytes"),
        ("no content", Reply::full(204, &[], ""), "status 204"),
        (
            "form",
            Reply::full(
                200,
                &[("content-type", "application/x-www-form-urlencoded")],
                "access_token=canary&token_type=bearer",
            ),
            "not a JSON object",
        ),
        ("byte order mark", Reply::full(200, &json, "\u{feff}{}"), "has no `access_token`"),
        (
            "twice",
            Reply::full(
                200,
                &json,
                "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"bearer\"}",
            ),
            "a member twice",
        ),
        ("deep", Reply::full(200, &json, "[".repeat(50_000)), "nests too deep"),
        (
            "gzip",
            Reply::full(
                200,
                &[("content-type", "application/json"), ("content-encoding", "gzip")],
                [0x1f, 0x8b, 8, 0],
            ),
            "not a JSON object",
        ),
        (
            "F-CTRL1",
            Reply::json(200, &json!({ "access_token": "a\nb", "token_type": "bearer" })),
            "outside printable ASCII",
        ),
        (
            "F-TT1",
            Reply::json(200, &json!({ "access_token": "canary", "token_type": "mac" })),
            "token type `mac`",
        ),
        ("O8", Reply::json(200, &json!({ "token_type": "bearer" })), "has no `access_token`"),
        ("F-REDIR 301", Reply::redirect(301, &target), "never redirected"),
        ("F-REDIR 302", Reply::redirect(302, &target), "never redirected"),
        ("F-REDIR 307", Reply::redirect(307, &target), "never redirected"),
        ("F-REDIR 308", Reply::redirect(308, &target), "never redirected"),
    ] {
        sandbox.clock.advance(4000);
        // A lost answer is asked for again: both times it is this.
        server.fault("/token", reply.clone()).fault("/token", reply);
        let output = sandbox.run(&["token"]);
        assert!(output.status != 0 && output.stdout.is_empty(), "{name}: {output}");
        assert!(output.stderr.contains(said), "{name}: {output}");
        assert!(!output.stderr.contains("canary") && !output.stderr.contains("leak"), "{name}: {output}");
        server.set(|behaviour| behaviour.faults.clear());
        sandbox.run(&["token"]).ok();
    }
    assert!(elsewhere.requests().is_empty(), "nobody followed");
}

#[test]
fn a_server_that_trickles_bytes_is_abandoned_f_size() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::new(&server_config(&server.domain(), "timeout = \"1s\""));
    sandbox.run(&["login"]).ok();
    sandbox.clock.advance(4000);
    for _ in 0..2 {
        server.fault("/token", Reply::Drip(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec(), Duration::from_millis(50)));
    }
    sandbox.run(&["token"]).fails(5).says("took too long");
}

#[test]
fn tokens_of_16_kib_work() {
    let server = AuthorizationServer::start();
    let long = "x".repeat(16 * 1024);
    server.set(|behaviour| {
        drop(behaviour.token_members.insert("access_token".to_owned(), long.clone().into()))
    });
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    assert_eq!(sandbox.run(&["token"]).ok().text(), long);
}

#[test]
fn tokens_with_different_scopes_are_cached_separately_f_leak9() {
    let server = AuthorizationServer::start();
    let config = server_config(&server.domain(), "").replace(
        "scopes = [\"openid\", \"repo\"]",
        "scopes = { read = \"openid read\", admin = [\"openid\", \"admin\"] }",
    );
    let sandbox = Sandbox::new(&config);
    sandbox.run(&["login"]).ok().says("Granted: admin openid read");
    let all = sandbox.run(&["token"]).ok();
    let read = sandbox.run(&["token", "--capability", "read"]).ok();
    let admin = sandbox.run(&["token", "--scope", "admin"]).ok();
    let for_a = sandbox.run(&["token", "--resource", "https://a.example"]).ok();
    let for_b = sandbox.run(&["token", "--resource", "https://b.example"]).ok();
    let audience = sandbox.run(&["token", "--audience", "c"]).ok();
    let mut tokens =
        [&all, &read, &admin, &for_a, &for_b, &audience].map(|output| output.stdout.clone()).to_vec();
    assert_eq!(server.token_requests("refresh_token"), 5);
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 6, "six different tokens");
    for (arguments, want) in [
        (vec!["token"], &all),
        (vec!["token", "--capability", "read"], &read),
        (vec!["token", "--scope", "admin"], &admin),
        (vec!["token", "--resource", "https://a.example"], &for_a),
        (vec!["token", "--resource", "https://b.example"], &for_b),
        (vec!["token", "--audience", "c"], &audience),
    ] {
        assert_eq!(sandbox.run(&arguments).ok().stdout, want.stdout, "{arguments:?}");
    }
    assert_eq!(server.token_requests("refresh_token"), 5, "each from the cache");
    sandbox
        .run(&["token", "--scope", "openid sudo"])
        .fails(3)
        .says("the scope sudo was not granted")
        .says("--scope 'sudo'");
    sandbox.run(&["token", "--capability", "write"]).fails(4).says("its capabilities are admin, read");
}

#[test]
fn a_wider_answer_than_asked_for_is_not_handed_out_and_loses_nothing() {
    let (server, sandbox) = logged_in();
    server.set(|behaviour| {
        drop(behaviour.token_members.insert("scope".to_owned(), "openid repo admin".into()))
    });
    sandbox
        .run(&["token", "--scope", "repo"])
        .fails(1)
        .says("granted more than was asked for (admin openid)");
    server.set(|behaviour| behaviour.token_members.clear());
    sandbox.run(&["token", "--scope", "repo"]).ok();
    assert!(!server.any_family_revoked(), "the rotated refresh token was kept");
}

#[test]
fn fewer_granted_scopes_are_reported() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.granted = Some("openid".to_owned()));
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok().says("asked for and not granted: repo");
}

#[test]
fn new_scopes_in_the_configuration_are_told_of() {
    let (server, sandbox) = logged_in();
    sandbox.configure(&server_config(&server.domain(), "").replace("\"repo\"", "\"repo\", \"gist\""));
    sandbox.run(&["token"]).ok().says("now asks for the scope gist, which this login did not");
}

#[test]
fn without_a_refresh_token_the_end_is_a_login() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.refreshes = false);
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok().says("log in again then");
    sandbox.clock.advance(3550);
    sandbox.run(&["token"]).ok();
    sandbox.run(&["token", "--refresh"]).fails(3).says("no refresh token to get a new one with");
    sandbox.clock.advance(100);
    sandbox.run(&["token"]).fails(3).says("the token ended, and the server gave no refresh token");
}

#[test]
fn formats() {
    let (_server, sandbox) = logged_in();
    let token = sandbox.run(&["token"]).ok().text().to_owned();
    assert_eq!(sandbox.run(&["token", "-o", "header"]).ok().text(), format!("Authorization: Bearer {token}"));
    assert_eq!(sandbox.run(&["headers"]).ok().text(), format!("Authorization: Bearer {token}"));
    assert_eq!(sandbox.run(&["token", "-o", "env"]).ok().text(), format!("export AS_TOKEN='{token}'"));
    assert_eq!(
        sandbox.run(&["token", "-o", "curl"]).ok().text(),
        format!("header = \"Authorization: Bearer {token}\"")
    );
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["token", "--json"]).ok().stdout).unwrap();
    assert_eq!(json["access_token"], token.as_str());
    assert_eq!(json["provider"], "as");
    assert!(json.get("refresh_token").is_none());
    let id_token = sandbox.run(&["token", "--id-token"]).ok();
    assert_eq!(id_token.text().split('.').count(), 3);
    sandbox.run(&["token", "-o", "xml"]).fails(2);
}

#[test]
fn an_expired_id_token_is_refreshed() {
    let (server, sandbox) = logged_in();
    let first = sandbox.run(&["token", "--id-token"]).ok();
    sandbox.clock.advance(3700);
    sandbox
        .run(&["token", "--id-token"])
        .fails(3)
        .says("the id token ended, and the server gives no new one");
    server.set(|behaviour| {
        behaviour.id_token_on_refresh = true;
        let now = jiff::Timestamp::now().as_second();
        behaviour.claims.insert("exp".to_owned(), (now + 9000).into());
    });
    let second = sandbox.run(&["token", "--id-token"]).ok();
    assert_ne!(first, second);
}

/// Rotation is survived.
#[test]
fn twenty_processes_make_one_refresh_f_rot1() {
    let (server, sandbox) = parallel_sandbox();
    let children: Vec<_> = (0..20)
        .map(|_| {
            let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    for output in &outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, outputs[0].stdout);
    }
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert!(!server.any_family_revoked());
}

/// A binary that is logged in, with a token that has ended.
fn parallel_sandbox() -> (AuthorizationServer, Sandbox) {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.expires_in = Some(1));
    let sandbox = Sandbox::with_server(&server.domain());
    let follow = sandbox.write("browser", "#!/bin/sh\nexec curl -sL -o /dev/null \"$1\"\n");
    crate::support::sandbox::set_mode(&follow, 0o700);
    let mut login =
        sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["login", "--browser", follow.to_str().unwrap()]);
    let output = login.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::thread::sleep(Duration::from_millis(1100));
    server.set(|behaviour| behaviour.expires_in = Some(3600));
    (server, sandbox)
}

#[test]
fn a_killed_holder_frees_the_lock_f_rot4() {
    let (server, sandbox) = parallel_sandbox();
    // The answer takes longer than the process lives; the server has rotated nothing yet.
    server.fault("/token", Reply::After(Duration::from_secs(20), Box::new(Reply::Drop)));
    let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]);
    let mut killed = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    while server.token_requests("refresh_token") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let output =
        sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_closed_pipe_is_success() {
    let (_server, sandbox) = parallel_sandbox();
    let mut child = sandbox
        .binary(env!("CARGO_BIN_EXE_authctl"), &["token"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_logout_while_a_refresh_runs_is_not_undone_f_rot8() {
    let (server, sandbox) = parallel_sandbox();
    server.lose(
        "/token",
        Reply::After(
            Duration::from_millis(700),
            Box::new(Reply::json(
                200,
                &json!({ "access_token": "late", "token_type": "bearer", "expires_in": 3600 }),
            )),
        ),
    );
    let mut refreshing = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]);
    let refreshing =
        refreshing.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while server.token_requests("refresh_token") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let logout =
        sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["logout"]).stdin(Stdio::null()).output().unwrap();
    assert!(logout.status.success(), "{}", String::from_utf8_lossy(&logout.stderr));
    assert!(refreshing.wait_with_output().unwrap().status.success(), "the refresh was before it");
    let after =
        sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(after.status.code(), Some(3), "and nothing came back");
}

#[test]
fn a_signal_in_the_middle_of_a_refresh_waits_for_the_save_f_rot5() {
    let (server, sandbox) = parallel_sandbox();
    let slow = Reply::After(
        Duration::from_millis(500),
        Box::new(Reply::json(
            200,
            &json!({ "access_token": "saved", "token_type": "bearer", "expires_in": 3600, "refresh_token": "next" }),
        )),
    );
    server.lose("/token", slow);
    let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while server.token_requests("refresh_token") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty());
    let next =
        sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["token"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&next.stdout), "saved\n", "what came was saved");
    assert_eq!(server.token_requests("refresh_token"), 1);
}

#[test]
fn a_key_set_that_cannot_be_had_does_not_lose_a_rotated_session() {
    let (server, sandbox) = logged_in();
    sandbox.clock.advance(4000);
    std::fs::remove_dir_all(sandbox.path("cache")).unwrap();
    server.set(|behaviour| behaviour.id_token_on_refresh = true);
    server.fault("/jwks", Reply::full(503, &[], ""));
    sandbox.run(&["token"]).ok().says("the new id token was not saved, because it could not be checked");
    server.set(|behaviour| behaviour.id_token_on_refresh = false);
    sandbox.run(&["token", "--refresh"]).ok();
    assert!(!server.any_family_revoked());
}

#[test]
fn a_clock_that_is_wrong_does_not_lose_a_rotated_session() {
    let (server, sandbox) = logged_in();
    sandbox.clock.advance(40_000);
    server.set(|behaviour| behaviour.id_token_on_refresh = true);
    sandbox.run(&["token"]).ok().says("id token was not saved").says("which is past");
    sandbox.run(&["token", "--refresh"]).ok();
    assert!(!server.any_family_revoked());
}

#[test]
fn a_configured_audience_goes_with_the_refresh_that_is_filed_under_it() {
    let (server, sandbox) = logged_in();
    sandbox.environment.set("AUTHCTL_CREDENTIALS__AS__OAUTH__AUDIENCE", "https://api.b");
    sandbox.run(&["token"]).ok();
    let last = server.requests_to("/token").pop().unwrap();
    assert_eq!(last.parameter("audience").as_deref(), Some("https://api.b"));
}

#[test]
fn min_ttl_without_a_refresh_token_is_too_short_not_ended() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.refreshes = false);
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token", "--min-ttl", "2h"]).fails(1).says("do not last 2 hours");
}

#[test]
fn just_the_granted_scopes_are_the_logins_own_token() {
    let (server, sandbox) = logged_in();
    let own = sandbox.run(&["token"]).ok();
    assert_eq!(sandbox.run(&["token", "--scope", "repo openid"]).ok(), own);
    assert_eq!(server.token_requests("refresh_token"), 0);
    assert_ne!(sandbox.run(&["token", "--scope", "repo"]).ok(), own);
    assert_eq!(server.token_requests("refresh_token"), 1);
}

// F-LEAK12
#[test]
fn values_with_control_characters_are_refused() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let before = server.requests().len();
    for option in ["--audience", "--resource", "--connection", "--scope"] {
        for value in ["a\nb", "a\r", "\u{0}a", "a\u{85}b", "a\u{1b}[1m"] {
            sandbox.run(&["token", option, value]).fails(2).says("must not have control characters");
            sandbox.run(&["helper", "kubernetes", "as", option, value]).fails(2).says("control characters");
        }
    }
    sandbox.run(&["helper", "aws", "as", "--role", "a\nb"]).fails(2).says("control characters");
    assert_eq!(server.requests().len(), before);
}
