//! A store that two machines share: a real etcd cluster whose nodes die, and a network that fails.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::etcd::{Cluster, KEY, Machine, NODES, PASSWORD, Shared, Started};
use crate::parts::{Ended, Home, wait_until};

/// The server holds the next refresh until the test releases it.
const HOLD: &str = "{\"hold\":true}";
/// Then it closes the connection, and never acts on the refresh.
const HOLD_AND_DROP: &str = "{\"hold\":true,\"drop\":true}";

/// Both machines have the login with an expired token; there was one refresh.
fn ended() -> Shared {
    let shared = Shared::start();
    shared.a.login("walk.mjs").ok().says("Stored in etcd");
    shared.b.run(&["token"]).ok();
    shared.server.set_access_token_seconds(1);
    shared.b.run(&["token", "--refresh"]).ok();
    std::thread::sleep(Duration::from_millis(1100));
    shared.server.set_access_token_seconds(3600);
    shared
}

impl Shared {
    fn refreshes(&self) -> usize {
        self.server.token_requests("refresh_token")
    }

    /// Starts a refresh that the server holds.
    fn start_held(&self, machine: &Machine, fault: &str, arguments: &[&str]) -> Started {
        let before = self.refreshes();
        self.server.fault(fault);
        let held = machine.start(arguments);
        wait_until("the refresh", || self.refreshes() == before + 1);
        held
    }

    /// Checks that no refresh token was sent twice: the server would have revoked the session.
    #[track_caller]
    fn sent_none_twice(&self) {
        let requests = self.server.requests_to("/token");
        let sent: Vec<&str> =
            requests.iter().filter_map(|request| request["parameters"]["refresh_token"].as_str()).collect();
        assert_eq!(sent.len(), self.refreshes());
        assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), sent.len(), "a refresh token was sent twice");
    }

    /// Checks that both machines have this token, and that each can refresh it for both.
    #[track_caller]
    fn both_have(&self, token: &str) {
        for (one, other) in [(&self.a, &self.b), (&self.b, &self.a)] {
            assert_eq!(other.run(&["token"]).ok().text(), one.run(&["token"]).ok().text());
        }
        assert_eq!(self.a.run(&["token"]).ok().text(), token);
        for (one, other) in [(&self.a, &self.b), (&self.b, &self.a)] {
            let before = self.refreshes();
            let next = one.run(&["token", "--refresh"]).ok();
            assert_ne!(next.text(), token);
            assert_eq!(other.run(&["token"]).ok(), next);
            assert_eq!(self.refreshes(), before + 1);
        }
    }
}

/// Checks that the cluster has the record, but no secret in the clear.
fn holds_no_secret(cluster: &Cluster, issued: &[String]) {
    let everything = cluster.everything();
    assert!(everything.iter().any(|(key, ..)| key.starts_with("authctl/records/op+")), "{everything:?}");
    for secret in issued.iter().map(String::as_str).chain([KEY, PASSWORD]) {
        for (key, value, _) in &everything {
            let found = value.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found && !key.contains(secret), "{key} holds a secret");
        }
    }
}

#[test]
fn one_login_serves_two_machines() {
    let mut shared = Shared::start();
    let Shared { a, b, server, cluster, config } = &mut shared;
    // authctl retries a rejected certificate for a while, because it does not ask all nodes at once. Meanwhile the test goes on.
    let refused = ["ca_file", "certificate"].map(|key| {
        let belongs =
            |line: &&str| !line.starts_with(key) && (key == "ca_file" || !line.contains("_private_key"));
        let lines: Vec<&str> = config.lines().filter(belongs).collect();
        let home = Home::new(&lines.join("\n"));
        let started = Started::new(b.command_of(&home, &["token"]));
        (home, started)
    });

    a.login("browser.mjs").ok().says("Logged in to op as alice").says("Stored in etcd");
    let first = a.run(&["token"]).ok();
    assert_eq!(b.run(&["token"]).ok(), first);
    let renewed = b.run(&["token", "--refresh"]).ok();
    assert_ne!(renewed, first);
    assert_eq!(a.run(&["token"]).ok(), renewed);
    assert_eq!((server.token_requests("authorization_code"), server.token_requests("refresh_token")), (1, 1));

    let issued = server.issued();
    assert!(issued.iter().any(|token| token == renewed.text()), "{issued:?}");
    holds_no_secret(cluster, &issued);
    assert!(cluster.locks().is_empty(), "locks are released after use");

    let tells = |ended: Ended, says: &str| {
        let ended = ended.fails(6).says("cannot use etcd").says(says);
        for secret in issued.iter().map(String::as_str).chain([KEY, PASSWORD, "wrong-canary"]) {
            assert!(!ended.stderr.contains(secret), "{ended:#?}");
        }
    };
    let wrong = b.command(&["token"]).env("ETCD_PASSWORD", "wrong-canary").output().unwrap();
    tells(Ended::from(wrong), "authentication failed");
    for (from, to, says) in [
        ("kind =", "prefix = \"other/\"\nkind =", "permission denied"),
        // etcd itself responds to that in plain text without a code.
        ("client.", "named.", "it rejects client certificates with a common name"),
    ] {
        b.home.configure(&config.replace(from, to));
        tells(b.run(&["token"]), says);
    }
    b.home.configure(config);
    for ((_home, started), says) in refused.into_iter().zip(["UnknownIssuer", "BadCertificate"]) {
        tells(started.end(), says);
    }

    a.run(&["logout"]).ok();
    b.run(&["token"]).fails(3).says("you are not logged in");
    let left: Vec<String> = cluster.everything().into_iter().map(|(key, ..)| key).collect();
    assert_eq!(left, ["authctl/store.key"]);

    (0..NODES).for_each(|node| cluster.kill_node(node));
    let start = Instant::now();
    tells(b.run(&["token"]), "Connection refused");
    assert!(start.elapsed() < Duration::from_secs(18), "{:?}", start.elapsed());
}

#[test]
fn two_machines_refresh_at_once_f_rot1() {
    let shared = ended();
    // Long enough for all to arrive while the first one refreshes.
    shared.server.fault("{\"delay\":1500}");
    let processes: Vec<Started> =
        (0..20).map(|number| [&shared.a, &shared.b][number % 2].start(&["token"])).collect();
    let outputs: Vec<Ended> = processes.into_iter().map(|process| process.end().ok()).collect();
    assert!(outputs.iter().all(|output| *output == outputs[0]), "{outputs:#?}");
    assert_eq!(shared.refreshes(), 2);
    shared.sent_none_twice();
    shared.both_have(outputs[0].text());
}

#[test]
fn a_dead_machine_releases_its_lock_f_rot4() {
    let shared = Shared::start();
    let Shared { a, b, server, cluster, .. } = &shared;
    a.login("walk.mjs").ok();
    let token = b.run(&["token"]).ok();
    let die = || {
        shared.start_held(a, HOLD_AND_DROP, &["token", "--refresh"]).kill();
        server.release();
    };
    die();
    let start = Instant::now();
    assert_eq!(b.run(&["token"]).ok(), token, "a token that is still good needs no lock");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    // While its lock holds, the dead machine may still be refreshing for all the others know.
    let mut waiting = b.start(&["token", "--refresh"]);
    std::thread::sleep(Duration::from_secs(1));
    assert!(waiting.is_running());
    waiting.kill();
    let left = cluster.end_locks();
    assert!(matches!(left[..], [1..=55]), "the lock expires on its own: {left:?}");

    // After that, only that machine has the new token, if it received one.
    let told = b.run_ahead(60, &["token", "--refresh"]).fails(5);
    told.says("another machine began to refresh the login to `op`").says("run `authctl token op` there");
    assert_eq!(shared.refreshes(), 1);
    let renewed = a.run(&["token", "--refresh"]).ok();
    assert_ne!(renewed, token);
    assert_eq!(b.run(&["token"]).ok(), renewed);
    assert_eq!(shared.refreshes(), 2);

    // It never comes back: the other machine eventually tries.
    die();
    cluster.end_locks();
    let renewed = b.run_ahead(660, &["token", "--refresh"]).ok();
    assert_eq!(b.run_ahead(660, &["token"]).ok(), renewed);
    assert_eq!(shared.refreshes(), 4);
    // By this machine's clock the token is from the future, so it is not trusted.
    let token = a.run(&["token"]).ok();
    shared.both_have(token.text());
}

#[test]
fn an_etcd_node_killed_mid_refresh_loses_nothing_f_rot5() {
    let mut shared = ended();
    let held = shared.start_held(&shared.a, HOLD, &["token"]);
    let leader = shared.cluster.leader();
    shared.cluster.kill_node(leader);
    shared.server.release();
    let renewed = held.end().ok();
    assert_eq!(shared.b.run(&["token"]).ok(), renewed);
    assert_eq!(shared.refreshes(), 2);
    shared.both_have(renewed.text());

    // With another node down, the restarted one is needed.
    shared.cluster.start_node(leader);
    shared.cluster.wait_until_whole();
    shared.cluster.kill_node((leader + 1) % NODES);
    let token = shared.a.run(&["token"]).ok();
    shared.both_have(token.text());

    // With two nodes down the cluster does not respond: authctl retries for longer than one node's timeout.
    let token = shared.a.run(&["token"]).ok();
    shared.cluster.kill_node((leader + 2) % NODES);
    let mut waiting = shared.a.start(&["token"]);
    std::thread::sleep(Duration::from_secs(4));
    assert!(waiting.is_running());
    shared.cluster.start_node((leader + 1) % NODES);
    assert_eq!(waiting.end().ok(), token);
    shared.sent_none_twice();
}

#[test]
fn a_network_cut_mid_refresh_loses_nothing_f_rot5() {
    let shared = ended();
    let Shared { a, b, server, cluster, .. } = &shared;
    let held = shared.start_held(a, HOLD, &["token"]);
    a.cut();
    b.unplug();
    let other = b.start(&["token"]);
    server.release();
    held.end().fails(6).says("could not save the new tokens in etcd; they are in an encrypted file");
    other.end().fails(6).says("cannot use etcd");

    a.plug_in();
    b.plug_in();
    // Only the rescue file has the session: the old refresh token would revoke it.
    assert_eq!(cluster.end_locks().len(), 1);
    let told = b.run_ahead(60, &["token"]).fails(5);
    told.says("another machine began to refresh the login to `op`").says("run `authctl token op` there");
    assert_eq!(shared.refreshes(), 2);
    // The refresh token was rescued before its ID token was verified, so one more refresh gets an access token.
    let renewed = a.run(&["token"]).ok().says("that could not be saved last time are now in etcd");
    assert_eq!(b.run(&["token"]).ok().text(), renewed.text());
    assert_eq!(shared.refreshes(), 3);
    shared.both_have(renewed.text());
    shared.sent_none_twice();
}

#[test]
fn a_passphrase_opens_the_store_on_both_machines() {
    // The kernel's keyring outlasts the test, but not for long.
    let shared = Shared::with_key("\"passphrase\"\nunlock_for = \"60s\"");
    let unlock = |machine: &Machine, passphrase: &str| {
        let mut child = machine.command(&["store", "unlock"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(passphrase.as_bytes()).unwrap();
        Ended::from(child.wait_with_output().unwrap())
    };
    unlock(&shared.a, "correct horse").ok();
    shared.a.login("walk.mjs").ok();
    let token = shared.a.run(&["token"]).ok();
    shared.b.run(&["token"]).fails(6).says("locked").says("authctl store unlock");
    unlock(&shared.b, "wrong horse").fails(6).says("wrong passphrase");
    unlock(&shared.b, "correct horse").ok();
    assert_eq!(shared.b.run(&["token"]).ok(), token);
}
