//! A private session bus with a Secret Service.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Output, Stdio};

use authctl::store::keyring::secret_service::SecretService;
use keyring_core::api::CredentialStoreApi as _;

use super::programs::{Running, wait_until};

/// A private session bus. It starts no services: the test starts what runs on it.
pub struct Bus {
    pub address: String,
    pub folder: tempfile::TempDir,
    daemon: Option<Running>,
    _bus: Running,
}

impl Bus {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        let listen = folder.path().display();
        std::fs::write(
            &config,
            format!(
                "<busconfig><type>session</type><listen>unix:dir={listen}</listen><auth>EXTERNAL</auth>\
                 <policy context=\"default\"><allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>"
            ),
        )
        .unwrap();
        let mut bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is missing: run tests/setup");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { address: address.trim().to_owned(), folder, daemon: None, _bus: Running(bus) }
    }

    /// A bus with an unlocked keyring.
    pub fn with_keyring() -> Self {
        let mut bus = Self::start();
        bus.start_keyring(true);
        bus
    }

    /// Starts gnome-keyring, and waits until it answers on the bus.
    pub fn start_keyring(&mut self, unlocked: bool) {
        self.daemon = None;
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        if unlocked {
            command.arg("--unlock");
        }
        let mut daemon = command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon is missing: run tests/setup");
        daemon.stdin.take().unwrap().write_all(b"the password").unwrap();
        self.daemon = Some(Running(daemon));
        let keyring = SecretService::new(self.address.clone());
        wait_until("the keyring's start", || !absent(&keyring));
    }

    pub fn stop_keyring(&mut self) {
        self.daemon = None;
    }

    pub fn keyring_process(&self) -> u32 {
        self.daemon.as_ref().unwrap().0.id()
    }

    pub fn keyring_is_alive(&mut self) -> bool {
        self.daemon.as_mut().unwrap().0.try_wait().unwrap().is_none()
    }

    /// Runs a program on this bus.
    pub fn run(&self, program: &str, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(program)
            .args(arguments)
            .env("HOME", self.folder.path())
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|_| panic!("{program} is missing: run tests/setup"));
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

pub(super) fn absent(keyring: &SecretService) -> bool {
    let found = keyring.search(&std::collections::HashMap::from([("service", "authctl")]));
    found.is_err_and(|error| error.to_string().contains("no keyring service"))
}
