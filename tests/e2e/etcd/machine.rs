//! Machines that share a store in the cluster.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::cluster::{Cluster, NODES, PASSWORD, endpoint};
use super::network::{Forwarder, inside, ip, run};
use crate::parts::{Ended, Home, OidcProvider, Running, folder, node};

/// The key that encrypts the records.
pub const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// A machine: a home and a link to the cluster. The authorization server is on its loopback, because it uses http.
pub struct Machine {
    pub home: Home,
    clock: PathBuf,
    namespace: String,
    /// Its `/run`, which contains the locks between its own processes.
    run: tempfile::TempDir,
    /// The cluster's end of the link.
    port: (String, String),
    _forwarder: Forwarder,
}

impl Machine {
    fn new(name: &str, number: u8, cluster: &mut Cluster, server: &OidcProvider, config: &str) -> Self {
        let namespace = cluster.namespaces.add(name);
        let hub = &cluster.namespace;
        let port = format!("to-{name}");
        ip(&format!("-n {hub} link add dev {port} type veth peer name cable netns {namespace}"));
        ip(&format!("-n {hub} link set {port} master hub up"));
        ip(&format!("-n {namespace} address add 10.77.0.{number}/24 dev cable"));
        ip(&format!("-n {namespace} link set cable up"));
        let server = server.domain().rsplit_once(':').unwrap().1.parse().unwrap();
        let forwarder = Forwarder::start(&namespace, server);
        let run = tempfile::tempdir().unwrap();
        let locks = run.path().join("user/0");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(locks).unwrap();
        let clock = cluster.folder.path().join("clock.so");
        let port = (hub.clone(), port);
        Self { home: Home::new(config), clock, namespace, run, port, _forwarder: forwarder }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&self.home, arguments)
    }

    /// A command that runs as another user of this machine.
    pub fn command_of(&self, home: &Home, arguments: &[&str]) -> Command {
        let mut command = inside(&self.namespace, Some(self.run.path()), &home.command(arguments));
        command.env("ETCD_PASSWORD", PASSWORD).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    /// Runs authctl with the clock this many seconds ahead.
    pub fn run_ahead(&self, seconds: u32, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        command.env("LD_PRELOAD", &self.clock).env("CLOCK_AHEAD", seconds.to_string());
        Ended::from(command.output().unwrap())
    }

    /// Starts authctl in the background.
    pub fn start(&self, arguments: &[&str]) -> Started {
        Started::new(self.command(arguments))
    }

    /// Logs in with one of the tests' browser scripts.
    pub fn login(&self, script: &str) -> Ended {
        let browser = format!("{} {} %s", node().display(), folder().join(script).display());
        self.run(&["login", "--browser", &browser, "--timeout", "60s"])
    }

    /// Takes down the machine's end of the link, so that it knows the network is down.
    pub fn unplug(&self) {
        ip(&format!("-n {} link set cable down", self.namespace));
    }

    /// Takes down the other end of the link: packets are lost silently.
    pub fn cut(&self) {
        ip(&format!("-n {} link set {} down", self.port.0, self.port.1));
    }

    /// Brings the link up again.
    pub fn plug_in(&self) {
        ip(&format!("-n {} link set cable up", self.namespace));
        ip(&format!("-n {} link set {} up", self.port.0, self.port.1));
    }
}

/// A background run. It is killed when the test ends.
pub struct Started(Running);

impl Started {
    pub fn new(mut command: Command) -> Self {
        Self(Running(command.spawn().unwrap()))
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(self) {
        drop(self.0);
    }

    pub fn is_running(&mut self) -> bool {
        self.0.0.try_wait().unwrap().is_none()
    }

    /// Waits until it exits.
    pub fn end(mut self) -> Ended {
        let child: &mut Child = &mut self.0.0;
        let stdout = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
        let stderr = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        Ended { status: child.wait().unwrap().code(), stdout, stderr }
    }
}

/// The authorization server, the cluster, and two machines that share the store in it.
pub struct Shared {
    pub a: Machine,
    pub b: Machine,
    pub server: OidcProvider,
    pub cluster: Cluster,
    /// The configuration of both machines.
    pub config: String,
}

impl Shared {
    pub fn start() -> Self {
        Self::with_key(&format!("{{ command = [\"echo\", \"{KEY}\"] }}"))
    }

    /// With another source of the store's key.
    pub fn with_key(key: &str) -> Self {
        let mut cluster = Cluster::start();
        let library = cluster.folder.path().join("clock.so");
        let source = folder().join("programs/clock.c");
        run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(library).arg(source));
        let server = OidcProvider::start(3600);
        let config = crate::main_job::config(&server, &store(cluster.folder.path(), key));
        let a = Machine::new("a", 11, &mut cluster, &server, &config);
        let b = Machine::new("b", 12, &mut cluster, &server, &config);
        Self { a, b, server, cluster, config }
    }
}

/// The store in the cluster, as a configuration names it.
pub(super) fn store(folder: &Path, key: &str) -> String {
    let endpoints: Vec<String> = (0..NODES).map(|node| format!("\"{}\"", endpoint(node))).collect();
    let (endpoints, folder) = (endpoints.join(", "), folder.display());
    format!(
        "[store]\nkind = \"etcd\"\nendpoints = [{endpoints}]\nusername = \"authctl\"\n_password = {{ env = \"ETCD_PASSWORD\" }}\n\
         ca_file = \"{folder}/authority.pem\"\ncertificate = \"{folder}/client.pem\"\n\
         _private_key = {{ file = \"{folder}/client.key\" }}\nkey = {key}\n"
    )
}
