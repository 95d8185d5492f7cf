//! The plans for refresh tokens and logout.

use std::sync::Arc;

use serde_json::{Map, json};

use super::claims;
use crate::support::browsers::{Does, follow};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn refresh_token_plan() {
    let now = jiff::Timestamp::now().as_second();
    for (module, changes, want) in [
        ("oidcc-client-test-refresh-token", json!({}), None),
        (
            "oidcc-client-test-refresh-token-invalid-issuer",
            json!({ "iss": "https://evil.example" }),
            Some("`iss` is `https://evil.example`"),
        ),
        (
            "oidcc-client-test-refresh-token-invalid-sub",
            json!({ "sub": "mallory" }),
            Some("`sub` is `mallory`"),
        ),
        ("another login's time", json!({ "auth_time": now - 7 }), Some("`auth_time` does not match")),
        ("another nonce", json!({ "nonce": "other" }), Some("`nonce` does not match")),
        ("another party", json!({ "azp": "app" }), Some("`azp` does not match")),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            behaviour.rotates = false;
            behaviour.id_token_on_refresh = true;
        });
        claims(&server, json!({ "auth_time": now }));
        let sandbox = Sandbox::with_server(&server.domain());
        sandbox.run(&["login"]).ok();
        let before = sandbox.run(&["token"]).ok();
        let mut changed = Map::from_iter([("auth_time".to_owned(), now.into())]);
        changed.extend(changes.as_object().unwrap().clone());
        claims(&server, changed.into());
        let output = sandbox.run(&["token", "--refresh"]);
        match want {
            None => assert_ne!(output.ok(), before, "{module}"),
            Some(said) => {
                assert_eq!(output.status, 1, "{module}: {output}");
                assert!(output.stderr.contains(said), "{module}: {output}");
                assert_eq!(sandbox.run(&["token"]).ok(), before, "{module}: the old record is kept");
            }
        }
    }
}

#[test]
fn rp_initiated_logout_plan() {
    for (module, state, want) in [
        ("oidcc-client-test-rp-init-logout", None, None),
        (
            "oidcc-client-test-rp-init-logout-other-state",
            Some(json!("other")),
            Some("the browser did not return"),
        ),
        ("oidcc-client-test-rp-init-logout-no-state", Some(json!(null)), Some("the browser did not return")),
    ] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.logout_state = state);
        let uri = "post_logout_redirect_uri = \"http://127.0.0.1/logged-out\"";
        let mut sandbox = Sandbox::new(&server_config(&server.domain(), uri));
        sandbox.run(&["login"]).ok();
        // The test does not wait for a redirect that will not come: once the browser is done, the clock advances.
        let clock = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = clock.clone();
        sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
            let answer = follow(&url);
            if answer.is_some_and(|(status, _)| status == 400) {
                seen.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        })));
        sandbox.clock.advance_when(clock, 600);
        let output = sandbox.run(&["logout", "--end-session"]);
        match want {
            None => drop(output.ok().says("Your session at the server has ended")),
            Some(said) => {
                assert_eq!(output.status, 1, "{module}: {output}");
                assert!(output.stderr.contains(said), "{module}: {output}");
                assert!(output.stderr.contains("The server revoked the refresh token"), "{module}: {output}");
            }
        }
        sandbox.run(&["token"]).fails(3);
    }
}
