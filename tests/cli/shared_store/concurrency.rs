//! Machines that refresh and write at the same time.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::machine;
use crate::support::AuthorizationServer;
use crate::support::http::Reply;
use crate::support::vault::VaultServer;

#[test]
fn ten_machines_refresh_once_f_rot1() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    machine(&server, &vault).run(&["login"]).ok();
    let start = Arc::new(Barrier::new(10));
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..10)
            .map(|_| {
                let (start, server, vault) = (Arc::clone(&start), &server, &vault);
                scope.spawn(move || {
                    let sandbox = machine(server, vault);
                    sandbox.clock.advance(4000);
                    start.wait();
                    sandbox.run(&["token"]).ok().stdout
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0] && server.accepts(token.trim())), "{tokens:?}");
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert!(!server.any_family_revoked());
}

/// The lock is only an optimisation: if a machine does not use it, the compare and swap saves the session.
#[test]
fn a_write_over_another_machines_loses_nothing() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login"]).ok();
    // Another machine wrote the record after this one read it under the lock: this one's tokens are newer.
    vault.race("/records/", 2);
    let renewed = one.run(&["token", "--refresh"]).ok().stdout;
    assert_eq!(vault.conflicts(), 1);
    assert!(server.accepts(renewed.trim()));
    assert_eq!(other.run(&["token"]).ok().stdout, renewed);
    other.run(&["token", "--refresh"]).ok();
    assert!(!server.any_family_revoked());
}

/// The locks have expired, as on a suspended machine: only the compare and swap decides who refreshes.
#[test]
fn the_loser_of_two_concurrent_refreshes_uses_the_winners_token() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    machine(&server, &vault).run(&["login"]).ok();
    server.set(|behaviour| behaviour.pause = Duration::from_millis(700));
    vault.give_all_locks();
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let refresh = || {
            let sandbox = machine(&server, &vault);
            sandbox.clock.advance(4000);
            sandbox.run(&["token"]).ok().stdout
        };
        let first = scope.spawn(refresh);
        while server.token_requests("refresh_token") == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Each machine reads the record before the other has written, and would send the same refresh token.
        let others: Vec<_> = (0..3).map(|_| scope.spawn(refresh)).collect();
        std::iter::once(first).chain(others).map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(server.token_requests("refresh_token"), 1);
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert!(!server.any_family_revoked());
}

/// One machine lost its connection and has the new tokens in its rescue file: no other may use the old ones meanwhile.
#[test]
fn another_machine_gets_ten_minutes_to_finish_a_refresh_f_rot5() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let (one, other) = (machine(&server, &vault), machine(&server, &vault));
    one.run(&["login"]).ok();
    other.run(&["token"]).ok();
    one.clock.advance(4000);
    other.clock.advance(4000);
    one.clock.skip_waits();
    vault.cut_when(&server, "refresh_token");
    one.run(&["token"]).fails(6).says("could not save the new tokens in Vault");
    vault.heal();
    other.clock.skip_waits();
    let told = other.run(&["token"]).fails(5);
    told.says("another machine began to refresh").says("run `authctl token as` there");
    assert_eq!(server.token_requests("refresh_token"), 1);

    let token = one.run(&["token"]).ok().says("that could not be saved last time are now in Vault").stdout;
    assert_eq!(other.run(&["token"]).ok().stdout, token);
    assert!(server.accepts(token.trim()));

    // If the other machine never comes back, this one eventually tries.
    for sandbox in [&one, &other] {
        sandbox.clock.advance(4000);
    }
    vault.cut_when(&server, "refresh_token");
    one.run(&["token"]).fails(6);
    vault.heal();
    other.run(&["token"]).fails(5);
    other.clock.advance(700);
    other.run(&["token"]).fails(3).says("no longer accepts");
}

/// F-ROT10: a machine whose refresh got no usable response has nothing that others could wait for, and records that.
#[test]
fn a_failed_refresh_does_not_block_other_machines() {
    for (rotated, status) in [(false, 0), (true, 3)] {
        let server = AuthorizationServer::start();
        let vault = VaultServer::start();
        let (one, other) = (machine(&server, &vault), machine(&server, &vault));
        one.run(&["login"]).ok();
        other.run(&["token"]).ok();
        one.clock.advance(4000);
        other.clock.advance(4000);
        let reply = Reply::full(502, &[], "<html>");
        if rotated {
            server.lose("/token", reply)
        } else {
            server.fault("/token", reply)
        };
        one.run(&["token"]).fails(5);
        let next = other.run(&["token"]);
        assert_eq!(next.status, status, "{next}");
        assert_eq!(server.token_requests("refresh_token"), 2, "{next}");
        if rotated {
            next.says("may have replaced the token");
            one.run(&["token"]).fails(3).says("may have replaced the token");
        }
    }
}

#[test]
fn a_write_with_a_lost_answer_is_verified() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let sandbox = machine(&server, &vault);
    sandbox.run(&["login"]).ok();
    sandbox.clock.skip_waits();
    // The lock, then the record.
    for reply in
        [Reply::Drop, Reply::json(503, &serde_json::json!({ "errors": ["the active node is away"] }))]
    {
        vault.lose_write(reply.clone());
        let first = sandbox.run(&["token", "--refresh"]).ok();
        vault.lose_write(Reply::json(200, &serde_json::json!({ "data": { "version": 1 } })));
        assert_ne!(sandbox.run(&["token", "--refresh"]).ok(), first);
        sandbox.clock.advance(60);
    }
    assert!(!server.any_family_revoked());
}

#[test]
fn the_lock_of_a_machine_that_died_is_taken_over() {
    let server = AuthorizationServer::start();
    let vault = VaultServer::start();
    let sandbox = machine(&server, &vault);
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token", "--refresh"]).ok();
    vault.hold_lock();
    sandbox.clock.skip_waits();
    let before = authctl::ports::Clock::elapsed(&*sandbox.clock);
    sandbox.run(&["token", "--refresh"]).ok();
    let waited = authctl::ports::Clock::elapsed(&*sandbox.clock) - before;
    assert!(waited > Duration::from_secs(50) && waited < Duration::from_secs(60), "{waited:?}");
}
