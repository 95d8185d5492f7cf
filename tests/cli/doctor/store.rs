//! Problems with the token store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use authctl::ports::{KernelKeyring, NoKernelKeyring};
use authctl::store::keyring::fault::KeyringFault;

use super::{CONFIG, Programs, examine, finds, home, text, wrong};
use crate::support::odd_keyring::{that_fails, that_loses_a_byte};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::vault::{TOKEN, VaultServer};
use crate::support::{AuthorizationServer, Sandbox};

/// A kernel keyring that stores nothing.
struct NoKernel;

impl KernelKeyring for NoKernel {
    fn read(&self, _: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        None
    }

    fn keep(&self, _: &str, _: &[u8], _: Duration) -> Result<(), NoKernelKeyring> {
        Err(NoKernelKeyring("permission denied".to_owned()))
    }

    fn forget(&self, _: &str) {}

    fn forget_all(&self, _: &str) {}
}

#[test]
fn doctor_finds_problems_with_the_keyring_f_kr1_f_kr2_f_kr4() {
    use keyring_core::Error::{NoStorageAccess, PlatformFailure};
    fn fault(fault: KeyringFault) -> keyring_core::Error {
        fault.into()
    }
    let config = CONFIG.replace("\"file\"", "\"keyring\"");
    let absent = home(&config);
    finds(
        "none",
        &absent,
        &["--offline"],
        6,
        ("store", "problem", "no keyring is available", "store = \"file\""),
    );
    type Fault = fn() -> keyring_core::Error;
    for (name, failing, what, fix) in [
        (
            "locked",
            (|| fault(KeyringFault::Locked)) as Fault,
            "the keyring is locked",
            "authctl store unlock",
        ),
        ("silent", || fault(KeyringFault::TimedOut), "the keyring does not answer", "restart the service"),
        (
            "away",
            || fault(KeyringFault::Absent("no service".to_owned())),
            "no keyring is available",
            "start one",
        ),
        (
            "denied",
            || PlatformFailure("access denied".into()),
            "the keyring failed: access denied",
            "allow access",
        ),
        ("denied otherwise", || NoStorageAccess("no".into()), "the keyring failed: no", "allow access"),
    ] {
        let sandbox = home(&config);
        *sandbox.keyring.store.lock() = Some(that_fails(failing));
        finds(name, &sandbox, &["--offline"], 6, ("store", "problem", what, fix));
    }
    let sandbox = home(&config);
    let loses = that_loses_a_byte(&sandbox.keyring.present());
    *sandbox.keyring.store.lock() = Some(loses);
    finds(
        "loses",
        &sandbox,
        &["--offline"],
        6,
        ("store", "problem", "did not store what was written", "store move file"),
    );
}

fn logged_in(server: &AuthorizationServer) -> Sandbox {
    let sandbox = home(&server_config(&server.domain(), ""));
    sandbox.run(&["login"]).ok();
    sandbox
}

fn record(sandbox: &Sandbox) -> PathBuf {
    let mut paths = sandbox.files().into_iter().map(|(path, _)| path);
    paths.find(|path| path.extension().is_some_and(|ending| ending == "sealed")).unwrap()
}

#[test]
fn doctor_finds_problems_with_encrypted_files_f_sto1_f_sto2() {
    let server = AuthorizationServer::start();
    let logged_in = || logged_in(&server);
    let wants = |what, fix| ("store", "problem", what, fix);

    let sandbox = logged_in();
    std::fs::remove_file(record(&sandbox)).unwrap();
    finds(
        "gone",
        &sandbox,
        &["--offline"],
        6,
        wants("listed, but missing from an encrypted file", "authctl login as"),
    );

    let sandbox = logged_in();
    std::fs::write(record(&sandbox), "canary").unwrap();
    finds("damaged", &sandbox, &["--offline"], 6, wants("cannot read", "backup"));

    let sandbox = logged_in();
    std::fs::remove_file(sandbox.path("data/store.key")).unwrap();
    finds("no key", &sandbox, &["--offline"], 6, wants("their key ~/data/store.key does not", "backup"));

    let sandbox = logged_in();
    sandbox.keyring.present();
    sandbox.configure(&server_config(&server.domain(), "").replace("\"file\"", "\"keyring\""));
    finds(
        "elsewhere",
        &sandbox,
        &["--offline"],
        6,
        wants("stored in an encrypted file", "authctl store move keyring"),
    );

    let sandbox = logged_in();
    sandbox.write("state/rescued/x.rescued", "x");
    let waits =
        ("store", "warning", "~/state/rescued/x.rescued: new tokens have not been moved", "authctl token");
    finds("rescued", &sandbox, &["--offline"], 0, waits);
}

#[test]
fn doctor_finds_problems_with_the_stores_permissions_f_sto2() {
    let server = AuthorizationServer::start();
    let sandbox = logged_in(&server);
    set_mode(&record(&sandbox), 0o644);
    let (status, findings) = examine(&sandbox, &["--offline"]);
    assert_eq!(status, 6);
    let found = wrong(&findings);
    assert!(
        found.iter().all(|finding| text(finding, "fix").contains("chmod 600 ~/state/records/")),
        "{found:#?}"
    );

    let sandbox = logged_in(&server);
    set_mode(&sandbox.path("state/records"), 0o777);
    let (status, findings) = examine(&sandbox, &["--offline"]);
    assert_eq!(status, 6);
    assert!(
        wrong(&findings).iter().all(|finding| text(finding, "fix").contains("chmod 700 ~/state/records"))
    );

    let sandbox = home(CONFIG);
    sandbox.write("state", "a file where the folder should be");
    let (status, findings) = examine(&sandbox, &["--offline"]);
    assert_eq!(status, 6, "{findings:#?}");
}

#[test]
fn doctor_reports_the_kernels_cache_and_key_programs() {
    let mut sandbox =
        home(&CONFIG.replace("store = \"file\"\n", "[store]\nkind = \"file\"\ncache = \"kernel\"\n"));
    sandbox.system.kernel_keyring = Arc::new(NoKernel);
    let cache = ("store", "warning", "permission denied", "cache = \"none\"");
    finds("the kernel's cache", &sandbox, &["--offline"], 0, cache);

    let sandbox = home(
        &CONFIG.replace("store = \"file\"\n", "[store]\nkind = \"file\"\nkey = { command = [\"/none\"] }\n"),
    );
    let not_run = ("store", "note", "not checked: a program prints its key", "--run-commands");
    finds("a program", &sandbox, &["--offline"], 0, not_run);
}

#[test]
fn a_missing_passphrase_is_an_error_with_a_hint_f_sto6() {
    let sandbox =
        home(&CONFIG.replace("store = \"file\"\n", "[store]\nkind = \"file\"\nkey = \"passphrase\"\n"));
    let chosen = ("store", "note", "no passphrase has been chosen yet", "authctl store unlock");
    finds("not chosen", &sandbox, &["--offline"], 0, chosen);
    sandbox.input.type_hidden(&["canary", "canary"]);
    sandbox.run(&["store", "unlock"]).ok();
    assert!(wrong(&examine(&sandbox, &["--offline"]).1).is_empty());
    sandbox.kernel_keyring.kept.lock().clear();
    let locked =
        ("store", "problem", "the encrypted files are locked with a passphrase", "authctl store unlock");
    finds("not given", &sandbox, &["--offline"], 6, locked);
}

#[test]
fn doctor_checks_a_shared_store() {
    let vault = VaultServer::start();
    let store = |address: &str| {
        let store = format!(
            "[store]\nkind = \"vault\"\naddress = \"{address}\"\nkey = {{ command = [\"print-key\"] }}\n"
        );
        let mut sandbox =
            home(&CONFIG.replace("store = \"file\"\n", &store).replace("x.example", "127.0.0.1:1"));
        sandbox.environment.set("VAULT_TOKEN", TOKEN);
        let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        sandbox.system.processes = Arc::new(Programs(vec![("print-key", key.to_owned())]));
        sandbox
    };
    let of_store = |sandbox: &Sandbox, arguments: &[&str]| {
        let (_, findings) = examine(sandbox, arguments);
        let found =
            findings.iter().filter(|finding| finding["topic"] == "store" && finding["severity"] != "ok");
        found.map(|finding| text(finding, "what").to_owned()).collect::<Vec<_>>()
    };
    let sandbox = store(&vault.url());
    assert_eq!(of_store(&sandbox, &["--offline"]), ["not checked: --offline"]);
    assert!(vault.requests().is_empty());
    assert_eq!(of_store(&sandbox, &[]), ["not checked: a program prints its key"]);
    assert!(of_store(&sandbox, &["--run-commands"]).is_empty());
    assert!(!vault.names().iter().any(|name| name.contains("/records/")), "{:?}", vault.names());
    sandbox.environment.set("VAULT_TOKEN", "canary");
    let refused = of_store(&sandbox, &["--run-commands"]);
    assert!(refused.len() == 1 && refused[0].contains("cannot use Vault"), "{refused:?}");
    let sandbox = store("http://127.0.0.1:1");
    sandbox.clock.skip_waits();
    let nobody = of_store(&sandbox, &["--run-commands"]);
    assert!(nobody.len() == 1 && nobody[0].contains("cannot use Vault"), "{nobody:?}");
}
