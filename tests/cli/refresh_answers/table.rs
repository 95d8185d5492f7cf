//! Every unusual answer, in a table.

use super::{CASES, Login, logged_in};

/// F-ROT10
#[test]
fn an_unusual_answer_does_not_lose_a_new_refresh_token() {
    for &(name, login, spoil) in CASES {
        let (server, sandbox) = logged_in();
        spoil(&server);
        let first = sandbox.run(&["token", "--refresh"]);
        assert!(first.stdout.is_empty(), "{name}: no token of that answer is printed: {first}");
        assert!(first.status != 0 && first.status != 3, "{name}: no login is needed yet: {first}");
        assert!(!first.stderr.contains("canary"), "{name}: {first}");
        server.set(|behaviour| {
            behaviour.claims.clear();
            behaviour.id_token_on_refresh = false;
        });
        let next = sandbox.run(&["token", "--refresh"]);
        match login {
            Login::Kept => {
                assert!(server.accepts(next.text()), "{name}: {first}\n{next}");
                assert!(!server.any_family_revoked(), "{name}: {next}");
            }
            Login::Unresolved => {
                assert_eq!(next.status, 3, "{name}: {first}\n{next}");
                next.clone().says("may have replaced the token").says("authctl login as");
                // A retry reports the same reason.
                sandbox.run(&["token", "--refresh"]).fails(3).says("may have replaced the token");
            }
        }
    }
}
