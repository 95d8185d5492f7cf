//! What is measured.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use authctl::store::keyring::secret_service::SecretService;
use keyring_core::api::CredentialStoreApi as _;

use super::homes::{PLAIN, cached_in_kernel, feed, home, installed, nothing, secret_tool, thousand, token};
use super::http::{Reply, Server, certificates};
use super::measure::{Times, run, subject};
use super::parts::{Bus, Home};

pub(super) fn cached(rounds: usize) {
    let mut bus = Bus::with_keyring();
    let keyring = home("\"keyring\"", PLAIN, Some(&bus));
    let file = home("\"file\"", PLAIN, None);
    let many = home("\"file\"", &thousand(), None);
    let kernel = cached_in_kernel();
    let fixed = std::env::var("AUTHCTL_STATIC").ok();
    let mut subjects = vec![
        subject("`true`", nothing),
        subject("`secret-tool lookup`", secret_tool(&bus)),
        subject("from the keyring", token(&keyring, None)),
        subject("from sealed files", token(&file, None)),
        subject("from sealed files, 1,000 providers", token(&many, None)),
        subject("from the kernel's cache", token(&kernel, None)),
    ];
    if let Some(program) = &fixed {
        subjects.extend([
            subject("static, from the keyring", token(&keyring, Some(program))),
            subject("static, from sealed files", token(&file, Some(program))),
            subject("static, from the kernel's cache", token(&kernel, Some(program))),
        ]);
    }
    let times = Times::measure(&subjects, rounds, 1);
    times.row("from the keyring", "`secret-tool lookup`", "≤ 0.25");
    times.row("from sealed files", "`true`", "≤ 2.0");
    times.row("from the kernel's cache", "`true`", "≤ 1.9");
    times.row("from sealed files, 1,000 providers", "from sealed files", "≤ 1.5");
    if fixed.is_some() {
        times.row("static, from the keyring", "`secret-tool lookup`", "≤ 0.20");
        times.row("static, from sealed files", "`true`", "≤ 2.0");
        times.row("static, from the kernel's cache", "`true`", "≤ 1.5");
    }
    assert!(bus.keyring_is_alive());
}

/// A refresh over TLS with the platform's certificate authorities, next to curl with the same request.
pub(super) fn refreshed(rounds: usize) {
    let (authority, tls) = certificates();
    let server = Server::start_tls(tls, |_| {
        Reply::full(
            200,
            &[("content-type", "application/json")],
            "{\"access_token\":\"fresh\",\"token_type\":\"Bearer\",\"expires_in\":3600}",
        )
    });
    let address = format!("localhost:{}", server.address().port());
    let config = format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{address}\"\n[credentials.as.oauth]\nclient_id = \"app\"\nscopes = [\"repo\"]\nauthorization_endpoint = \"https://{address}/authorize\"\ntoken_endpoint = \"https://{address}/token\"\n"
    );
    let home = Home::new(&config);
    // The platform's own authorities and the server's.
    let bundle = home.folder.path().join("bundle.pem");
    let platform = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    std::fs::write(&bundle, format!("{platform}\n{authority}")).unwrap();
    let with_roots = |mut command: Command, bundle: &Path| {
        command.env("SSL_CERT_FILE", bundle);
        command
    };
    feed(with_roots(home.command(&["login", "as", "--with-token=refresh"]), &bundle), "refresh-token");
    let path = home.folder.path().to_owned();
    let (of_ours, of_curl) = (bundle.clone(), bundle);
    let program = installed(super::parts::PROGRAM);
    let ours = move || {
        let mut command = Command::new(&program);
        command.args(["token", "as", "--refresh"]).env_clear().env("HOME", &path).current_dir(&path);
        with_roots(command, &of_ours)
    };
    let curl = move || {
        let mut command = Command::new("curl");
        command.args(["-sS", "-d", "grant_type=refresh_token&refresh_token=refresh-token&client_id=app"]);
        command.arg(format!("https://{address}/token")).env_clear();
        with_roots(command, &of_curl)
    };
    let subjects = [subject("refreshed over TLS", ours), subject("the same request by `curl`", curl)];
    let times = Times::measure(&subjects, rounds, 1);
    times.row("refreshed over TLS", "the same request by `curl`", "≤ 0.25");
}

/// A keyring with 10,000 other entries: the daemon searches all of them.
pub(super) fn crowded(rounds: usize) {
    let mut bus = Bus::with_keyring();
    let keyring = SecretService::new(bus.address.clone());
    // The in-memory collection accepts them quickly; the one on disk is rewritten for each.
    let in_memory = HashMap::from([("target", "session")]);
    for number in 0..10_000 {
        let entry = keyring.build("other", &number.to_string(), Some(&in_memory)).unwrap();
        entry.set_secret(b"x").unwrap();
    }
    let home = home("\"keyring\"", PLAIN, Some(&bus));
    let name = "from a keyring with 10,000 entries";
    let tool = "`secret-tool lookup` there";
    let subjects = [subject(name, token(&home, None)), subject(tool, secret_tool(&bus))];
    let times = Times::measure(&subjects, rounds, 1);
    times.row(name, tool, "≤ 0.65");
    assert!(bus.keyring_is_alive());
}

pub(super) fn at_once(rounds: usize) {
    let mut bus = Bus::with_keyring();
    let home = home("\"keyring\"", PLAIN, Some(&bus));
    for (many, name, tool) in [
        (50, "50 at once, from the keyring", "50 `secret-tool lookup` at once"),
        (100, "100 at once, from the keyring", "100 `secret-tool lookup` at once"),
    ] {
        let subjects = [subject(name, token(&home, None)), subject(tool, secret_tool(&bus))];
        Times::measure(&subjects, rounds.div_ceil(6), many).row(name, tool, "≤ 0.22");
    }
    assert!(bus.keyring_is_alive());
}

/// gnome-keyring must survive all of this: it can abort if a client opens a session first.
pub(super) fn endurance() {
    let mut bus = Bus::with_keyring();
    let home = home("\"keyring\"", PLAIN, Some(&bus));
    let subject = subject("from the keyring", token(&home, None));
    for number in 0..10_000 {
        run(&subject, 1);
        if number % 1000 == 999 {
            println!("{} reads one after the other", number + 1);
        }
    }
    for _ in 0..50 {
        run(&subject, 40);
    }
    println!("50 times 40 reads at once");
    assert!(bus.keyring_is_alive());
    println!("the keyring is alive");
}
