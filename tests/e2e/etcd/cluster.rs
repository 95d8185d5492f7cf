//! A cluster of three etcd nodes.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::network::{ADDRESS, Namespaces, inside, ip, run};
use crate::parts::{Running, wait_until};

/// The password of authctl's user in etcd.
pub const PASSWORD: &str = "etcd-password-canary";

/// The password of etcd's root user.
pub(super) const ROOT_PASSWORD: &str = "root-password-canary";

/// How many nodes it has.
pub const NODES: usize = 3;

pub(super) const CERTIFICATES: &str = "[req]\ndistinguished_name = name\n[name]\n\
    [authority]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n\
    [node]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = IP:10.77.0.1\nextendedKeyUsage = serverAuth, clientAuth\n\
    [client]\nbasicConstraints = critical, CA:FALSE\nextendedKeyUsage = clientAuth\n";

/// Three etcd nodes with mutual TLS, and a user who may read and write keys that begin with `authctl/`.
pub struct Cluster {
    pub(super) nodes: [Option<Running>; NODES],
    pub folder: tempfile::TempDir,
    pub(super) namespace: String,
    pub(super) namespaces: Namespaces,
}

impl Cluster {
    pub(super) fn start() -> Self {
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

    /// Starts a node, also after it was killed.
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

    /// Waits until all nodes respond and follow one leader.
    #[track_caller]
    pub fn wait_until_whole(&self) {
        wait_until("the cluster", || {
            let leaders: Vec<Value> = (0..NODES).map(|node| self.status(node)["leader"].clone()).collect();
            leaders.iter().all(|leader| *leader == leaders[0] && leader.is_string() && leader != "0")
        });
    }

    /// The leader.
    pub fn leader(&self) -> usize {
        let leads = |node: &usize| {
            let status = self.status(*node);
            status["leader"].is_string() && status["leader"] == status["header"]["member_id"]
        };
        (0..NODES).find(leads).expect("a leader")
    }

    pub(super) fn status(&self, node: usize) -> Value {
        self.post(node, "maintenance/status", &json!({}), None)
    }

    /// Calls etcd's JSON API; null if no node responds.
    pub(super) fn post(&self, node: usize, method: &str, body: &Value, token: Option<&str>) -> Value {
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

    pub(super) fn make_users(&self) {
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

    /// Calls etcd as root, at a node that is running.
    #[track_caller]
    pub(super) fn as_root(&self, method: &str, body: &Value) -> Value {
        let node = (0..NODES).find(|&node| self.nodes[node].is_some()).expect("a node");
        let root = json!({ "name": "root", "password": ROOT_PASSWORD });
        let token = self.post(node, "auth/authenticate", &root, None);
        let answer = self.post(node, method, body, token["token"].as_str());
        assert!(answer["header"].is_object(), "{method}: {answer}");
        answer
    }

    /// Every key with its value and its lease.
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

    /// The leases of held locks.
    pub fn locks(&self) -> Vec<String> {
        let locks = self.everything().into_iter().filter(|(key, ..)| key.starts_with("authctl/locks/"));
        locks.map(|(key, _, lease)| lease.unwrap_or_else(|| panic!("{key} has no lease"))).collect()
    }

    /// Revokes the leases of dead lock holders, which etcd would do after 55 seconds. Returns how many seconds they had left.
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

pub(super) fn endpoint(node: usize) -> String {
    format!("https://{ADDRESS}:{}", 2379 + node)
}

/// A certificate authority, a certificate for the nodes and two for clients.
pub(super) fn make_certificates(folder: &Path) {
    std::fs::write(folder.join("openssl.cnf"), CERTIFICATES).unwrap();
    let by_authority = "-CA authority.pem -CAkey authority.key";
    for (name, kind, subject, more) in [
        ("authority", "authority", "/CN=authority", ""),
        ("node", "node", "/CN=node", by_authority),
        // etcd's JSON API rejects certificates with a common name, because it could be a user name.
        ("client", "client", "/O=authctl", by_authority),
        ("named", "client", "/CN=authctl", by_authority),
    ] {
        let new = "req -config openssl.cnf -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2";
        let files = format!("-keyout {name}.key -out {name}.pem");
        let arguments = format!("{new} -extensions {kind} -subj {subject} {files} {more}");
        run(Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder));
    }
}
