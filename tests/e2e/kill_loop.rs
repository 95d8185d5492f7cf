//! Kills the program at random moments of a refresh, hundreds of times, against a server that rotates refresh tokens and
//! ends the login when an old one comes back (F-ROT5).
//!
//! Each store gets 100 kills; `AUTHCTL_KILLS=2000` asks for more. A login may be lost only if the killed run had sent the
//! refresh token: then the server has replaced it and nobody received the new one. authctl must say so, and must never send
//! a refresh token a second time without saying so.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::etcd::Shared;
use crate::main_job::config;
use crate::parts::{Bus, Ended, Home, OidcProvider};

/// A place to run the program in.
trait Place {
    fn command(&self, arguments: &[&str]) -> Command;

    /// Logs in with the browser script.
    fn login(&self);

    /// Clears away what a killed process leaves for a while.
    fn clear(&self) {}

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        Ended::from(command.stdin(Stdio::null()).output().unwrap())
    }
}

impl Place for Home {
    fn command(&self, arguments: &[&str]) -> Command {
        Home::command(self, arguments)
    }

    fn login(&self) {
        Home::login(self, "walk.mjs", &[]).ok();
    }
}

impl Place for Shared {
    fn command(&self, arguments: &[&str]) -> Command {
        self.a.command(arguments)
    }

    fn login(&self) {
        self.a.login("walk.mjs").ok();
    }

    /// The lock of a dead machine would hold for 55 seconds.
    fn clear(&self) {
        self.cluster.end_locks();
    }
}

fn kills() -> usize {
    std::env::var("AUTHCTL_KILLS").map_or(100, |text| text.parse().expect("AUTHCTL_KILLS is a number"))
}

/// Random numbers that a failing run can repeat (xorshift).
struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = std::env::var("AUTHCTL_SEED").map_or_else(
            |_| u64::from(std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            |text| text.parse().expect("AUTHCTL_SEED is a number"),
        );
        println!("AUTHCTL_SEED={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, limit: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_nanos(self.0 % u64::try_from(limit.as_nanos()).unwrap().max(1))
    }
}

/// The refresh tokens that the server was sent since the last call, in order.
fn sent(server: &OidcProvider) -> Vec<String> {
    let log = server.control("clear", Some("{}"));
    let token = |entry: &serde_json::Value| Some(entry["parameters"]["refresh_token"].as_str()?.to_owned());
    log.as_array().unwrap().iter().filter_map(token).collect()
}

fn kill_loop(place: &dyn Place, server: &OidcProvider) {
    let refresh = ["token", "--refresh"];
    place.login();
    let start = Instant::now();
    for _ in 0..3 {
        place.run(&refresh).ok();
    }
    let longest = start.elapsed() / 2;
    let mut random = Random::new();
    let (mut lost, mut caught) = (0, 0);
    for round in 0..kills() {
        sent(server);
        let mut child = place
            .command(&refresh)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(random.below(longest));
        child.kill().unwrap();
        caught += usize::from(child.wait().unwrap().code().is_none());
        place.clear();
        let next = place.run(&refresh);
        let sent = sent(server);
        match next.status {
            Some(0) => {
                let issued = server.issued();
                assert!(issued.iter().any(|token| token == next.text()), "round {round}: {next:#?}");
            }
            Some(3) => {
                lost += 1;
                assert_eq!(next.stdout, "", "round {round}");
                assert!(
                    matches!(&sent[..], [first, second] if first == second),
                    "round {round}: a login was lost whose refresh token nobody had sent before: {next:#?}"
                );
                next.says("may have replaced the token").says("authctl login op");
                place.login();
            }
            _ => panic!("round {round}: {next:#?}"),
        }
    }
    println!(
        "{} kills, {caught} of a running process; {lost} logins lost on the way from the server",
        kills()
    );
    assert!(caught * 4 > kills(), "too few kills found the process running");
}

#[test]
fn kills_lose_nothing_from_encrypted_files_f_rot5() {
    let server = OidcProvider::start(3600);
    let home = Home::new(&config(&server, "store = \"file\"\n"));
    kill_loop(&home, &server);
}

#[test]
fn kills_lose_nothing_from_the_keyring_f_rot5() {
    let server = OidcProvider::start(3600);
    let mut bus = Bus::with_keyring();
    let mut home = Home::new(&config(&server, "store = \"keyring\"\n"));
    home.bus = Some(bus.address.clone());
    kill_loop(&home, &server);
    assert!(bus.keyring_is_alive());
}

#[test]
fn kills_lose_nothing_from_etcd_f_rot5() {
    let shared = Shared::start();
    kill_loop(&shared, &shared.server);
}
