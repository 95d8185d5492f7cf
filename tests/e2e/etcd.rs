//! A real cluster of etcd and two machines beside it, each in a network namespace of its own: their network can be cut,
//! and the ports of the cluster are nobody else's.

use std::fs::File;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::parts::{Ended, Home, OidcProvider, Running, folder, node, wait_until};

/// What the key of the sealed records is opened with.
pub const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// The password of our user in etcd.
pub const PASSWORD: &str = "etcd-password-canary";
/// The password of etcd's own root.
const ROOT_PASSWORD: &str = "root-password-canary";
/// The cluster in its private network.
const ADDRESS: &str = "10.77.0.1";
/// How many nodes it has.
pub const NODES: usize = 3;

const CERTIFICATES: &str = "[req]\ndistinguished_name = name\n[name]\n\
    [authority]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n\
    [node]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = IP:10.77.0.1\nextendedKeyUsage = serverAuth, clientAuth\n\
    [client]\nbasicConstraints = critical, CA:FALSE\nextendedKeyUsage = clientAuth\n";

/// Runs a program to its end, which must be a good one.
#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|_| panic!("{command:?} is missing: run tests/setup"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn ip(arguments: &str) {
    run(Command::new("ip").args(arguments.split_whitespace()));
}

/// Network namespaces that end with the test.
struct Namespaces(Vec<String>);

impl Namespaces {
    fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make network namespaces: run them as root"
        );
        Self(Vec::new())
    }

    /// A namespace with nothing but loopback.
    fn add(&mut self, name: &str) -> String {
        // The first one ever makes the folder of them all.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("authctl-{}-{count}-{name}", std::process::id());
        let guard = ONE_AT_A_TIME.lock();
        ip(&format!("netns add {name}"));
        drop(guard);
        self.0.push(name.clone());
        ip(&format!("-n {name} link set lo up"));
        name
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in &self.0 {
            // The links that end there go with it.
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}

/// A command as it is, but inside a namespace, and with a `/run` of its own where one is given. `ip` becomes the program:
/// to end one is to end the other.
fn inside(namespace: &str, run: Option<&Path>, command: &Command) -> Command {
    let mut inside = Command::new("ip");
    inside.args(["netns", "exec", namespace]);
    if let Some(run) = run {
        inside.args(["sh", "-c", "mount --bind \"$0\" /run && exec \"$@\""]).arg(run);
    }
    inside.arg(command.get_program()).args(command.get_args());
    inside.env_clear().stdin(Stdio::null());
    inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        inside.current_dir(folder);
    }
    inside
}

/// Makes a port of the host's loopback one of a namespace's loopback, too.
struct Forwarder(TcpListener);

impl Forwarder {
    fn start(namespace: &str, port: u16) -> Self {
        use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
        let namespace = File::open(format!("/run/netns/{namespace}")).unwrap();
        // A socket belongs to the namespace of the thread that made it, wherever it is used.
        let bound = std::thread::spawn(move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            TcpListener::bind(("127.0.0.1", port)).unwrap()
        });
        let listener = bound.join().unwrap();
        let accepting = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            for inner in accepting.incoming().map_while(Result::ok) {
                let Ok(outer) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                copy(&inner, &outer);
                copy(&outer, &inner);
            }
        });
        Self(listener)
    }
}

fn copy(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        // Ends the thread that accepts.
        let _ = rustix::net::shutdown(&self.0, rustix::net::Shutdown::Both);
    }
}

/// Three nodes of etcd, with TLS both ways, and a user who may read and write what begins with `authctl/`.
pub struct Cluster {
    nodes: [Option<Running>; NODES],
    pub folder: tempfile::TempDir,
    namespace: String,
    namespaces: Namespaces,
}

impl Cluster {
    fn start() -> Self {
        let mut namespaces = Namespaces::new();
        let namespace = namespaces.add("etcd");
        ip(&format!("-n {namespace} link add dev hub type bridge"));
        ip(&format!("-n {namespace} address add {ADDRESS}/24 dev hub"));
        ip(&format!("-n {namespace} link set hub up"));
        let folder = tempfile::tempdir().unwrap();
        make_certificates(folder.path());
        let mut cluster = Self { nodes: Default::default(), folder, namespace, namespaces };
        (0..NODES).for_each(|node| cluster.start_node(node));
        cluster.wait_until_whole();
        cluster.make_users();
        cluster
    }

    /// Starts a node, anew if it was killed.
    pub fn start_node(&mut self, node: usize) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let peer = |node: usize| format!("https://{ADDRESS}:{}", 2480 + node);
        let all: Vec<String> = (0..NODES).map(|node| format!("node{node}={}", peer(node))).collect();
        let arguments = [
            ("--name", format!("node{node}")),
            ("--data-dir", path(&format!("node{node}"))),
            ("--listen-client-urls", endpoint(node)),
            ("--advertise-client-urls", endpoint(node)),
            ("--listen-peer-urls", peer(node)),
            ("--initial-advertise-peer-urls", peer(node)),
            ("--initial-cluster", all.join(",")),
            ("--cert-file", path("node.pem")),
            ("--key-file", path("node.key")),
            ("--trusted-ca-file", path("authority.pem")),
            ("--peer-cert-file", path("node.pem")),
            ("--peer-key-file", path("node.key")),
            ("--peer-trusted-ca-file", path("authority.pem")),
            ("--logger", "zap".to_owned()),
        ];
        let mut command = Command::new("etcd");
        command.args(arguments.iter().flat_map(|(name, value)| [*name, value]));
        command.args(["--client-cert-auth", "--peer-client-cert-auth"]).env("PATH", "/usr/bin:/bin");
        let mut command = inside(&self.namespace, None, &command);
        let log = File::options().create(true).append(true).open(path(&format!("node{node}.log"))).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.nodes[node] = Some(Running(command.spawn().expect("ip is missing: run tests/setup")));
    }

    /// Kills a node, as `kill -9` does.
    pub fn kill_node(&mut self, node: usize) {
        self.nodes[node] = None;
    }

    /// Waits until all nodes are there and follow one leader.
    #[track_caller]
    pub fn wait_until_whole(&self) {
        wait_until("the cluster", || {
            let leaders: Vec<Value> = (0..NODES).map(|node| self.status(node)["leader"].clone()).collect();
            leaders.iter().all(|leader| *leader == leaders[0] && leader.is_string() && leader != "0")
        });
    }

    /// The node that leads.
    pub fn leader(&self) -> usize {
        let leads = |node: &usize| {
            let status = self.status(*node);
            status["leader"].is_string() && status["leader"] == status["header"]["member_id"]
        };
        (0..NODES).find(leads).expect("a leader")
    }

    fn status(&self, node: usize) -> Value {
        self.post(node, "maintenance/status", &json!({}), None)
    }

    /// Calls etcd's JSON API; null when nothing answers.
    fn post(&self, node: usize, method: &str, body: &Value, token: Option<&str>) -> Value {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--max-time", "10", "--cacert", &path("authority.pem")]);
        curl.args(["--cert", &path("client.pem"), "--key", &path("client.key"), "-d", &body.to_string()]);
        if let Some(token) = token {
            curl.args(["-H", &format!("Authorization: {token}")]);
        }
        curl.arg(format!("{}/v3/{method}", endpoint(node))).env("PATH", "/usr/bin:/bin");
        let output = inside(&self.namespace, None, &curl).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn make_users(&self) {
        let everything_of_ours = json!({
            "permType": "READWRITE", "key": STANDARD.encode("authctl/"), "range_end": STANDARD.encode("authctl0"),
        });
        for (method, body) in [
            ("auth/user/add", json!({ "name": "root", "password": ROOT_PASSWORD })),
            ("auth/role/add", json!({ "name": "root" })),
            ("auth/user/grant", json!({ "user": "root", "role": "root" })),
            ("auth/user/add", json!({ "name": "authctl", "password": PASSWORD })),
            ("auth/role/add", json!({ "name": "keeper" })),
            ("auth/role/grant", json!({ "name": "keeper", "perm": everything_of_ours })),
            ("auth/user/grant", json!({ "user": "authctl", "role": "keeper" })),
            ("auth/enable", json!({})),
        ] {
            let answer = self.post(0, method, &body, None);
            assert!(answer["header"].is_object(), "{method}: {answer}");
        }
    }

    /// Calls etcd as its root, at a node that is there.
    #[track_caller]
    fn as_root(&self, method: &str, body: &Value) -> Value {
        let node = (0..NODES).find(|&node| self.nodes[node].is_some()).expect("a node");
        let root = json!({ "name": "root", "password": ROOT_PASSWORD });
        let token = self.post(node, "auth/authenticate", &root, None);
        let answer = self.post(node, method, body, token["token"].as_str());
        assert!(answer["header"].is_object(), "{method}: {answer}");
        answer
    }

    /// Every key with its value and the lease that it hangs by.
    pub fn everything(&self) -> Vec<(String, Vec<u8>, Option<String>)> {
        let zero = STANDARD.encode("\0");
        let found = self.as_root("kv/range", &json!({ "key": zero, "range_end": zero }));
        let entries = found["kvs"].as_array().cloned().unwrap_or_default();
        let decoded = |value: &Value| STANDARD.decode(value.as_str().unwrap_or_default()).unwrap();
        let entry = |entry: &Value| {
            let key = String::from_utf8(decoded(&entry["key"])).unwrap();
            (key, decoded(&entry["value"]), entry["lease"].as_str().map(str::to_owned))
        };
        entries.iter().map(entry).collect()
    }

    /// The leases of the locks that are held.
    pub fn locks(&self) -> Vec<String> {
        let locks = self.everything().into_iter().filter(|(key, ..)| key.starts_with("authctl/locks/"));
        locks.map(|(key, _, lease)| lease.unwrap_or_else(|| panic!("{key} has no lease"))).collect()
    }

    /// Ends the locks whose holders have died, as etcd does 55 seconds after they were taken: nobody waits for that here.
    /// How long they had left, in seconds.
    pub fn end_locks(&self) -> Vec<u64> {
        let locks = self.locks();
        let end = |lease: &String| {
            let left = self.as_root("lease/timetolive", &json!({ "ID": lease }));
            self.as_root("lease/revoke", &json!({ "ID": lease }));
            left["TTL"].as_str().unwrap().parse().unwrap()
        };
        locks.iter().map(end).collect()
    }
}

fn endpoint(node: usize) -> String {
    format!("https://{ADDRESS}:{}", 2379 + node)
}

/// An authority, a certificate for the nodes and two for those who call them.
fn make_certificates(folder: &Path) {
    std::fs::write(folder.join("openssl.cnf"), CERTIFICATES).unwrap();
    let by_authority = "-CA authority.pem -CAkey authority.key";
    for (name, kind, subject, more) in [
        ("authority", "authority", "/CN=authority", ""),
        ("node", "node", "/CN=node", by_authority),
        // etcd's JSON API takes none with a common name: it could be meant as a user's.
        ("client", "client", "/O=authctl", by_authority),
        ("named", "client", "/CN=authctl", by_authority),
    ] {
        let new = "req -config openssl.cnf -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2";
        let files = format!("-keyout {name}.key -out {name}.pem");
        let arguments = format!("{new} -extensions {kind} -subj {subject} {files} {more}");
        run(Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder));
    }
}

/// A machine: a home, and a link to the cluster. The authorization server is on its loopback, as http must be.
pub struct Machine {
    pub home: Home,
    clock: PathBuf,
    namespace: String,
    /// What it has as `/run`, where the locks among its own processes lie.
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

    /// A command of another user of this machine.
    pub fn command_of(&self, home: &Home, arguments: &[&str]) -> Command {
        let mut command = inside(&self.namespace, Some(self.run.path()), &home.command(arguments));
        command.env("ETCD_PASSWORD", PASSWORD).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    /// Runs with the machine's clock so many seconds ahead.
    pub fn run_ahead(&self, seconds: u32, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        command.env("LD_PRELOAD", &self.clock).env("CLOCK_AHEAD", seconds.to_string());
        Ended::from(command.output().unwrap())
    }

    /// Starts the program, and lets it run.
    pub fn start(&self, arguments: &[&str]) -> Started {
        Started::new(self.command(arguments))
    }

    /// Logs in with a browser script of the tests.
    pub fn login(&self, script: &str) -> Ended {
        let browser = format!("{} {} %s", node().display(), folder().join(script).display());
        self.run(&["login", "--browser", &browser, "--timeout", "60s"])
    }

    /// Takes the machine's own end of the link down: it knows that there is no network.
    pub fn unplug(&self) {
        ip(&format!("-n {} link set cable down", self.namespace));
    }

    /// Takes the other end of the link down: what is sent goes nowhere, and nobody says so.
    pub fn cut(&self) {
        ip(&format!("-n {} link set {} down", self.port.0, self.port.1));
    }

    /// Brings the link up again.
    pub fn plug_in(&self) {
        ip(&format!("-n {} link set cable up", self.namespace));
        ip(&format!("-n {} link set {} up", self.port.0, self.port.1));
    }
}

/// A run that goes on. It ends with the test at the latest.
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

    /// Waits for its end.
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
    /// What both machines' configurations say.
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
fn store(folder: &Path, key: &str) -> String {
    let endpoints: Vec<String> = (0..NODES).map(|node| format!("\"{}\"", endpoint(node))).collect();
    let (endpoints, folder) = (endpoints.join(", "), folder.display());
    format!(
        "[store]\nkind = \"etcd\"\nendpoints = [{endpoints}]\nusername = \"authctl\"\n_password = {{ env = \"ETCD_PASSWORD\" }}\n\
         ca_file = \"{folder}/authority.pem\"\ncertificate = \"{folder}/client.pem\"\n\
         _private_key = {{ file = \"{folder}/client.key\" }}\nkey = {key}\n"
    )
}
