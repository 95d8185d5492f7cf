//! kubectl, and therefore client-go, with an API that accepts ID tokens over TLS.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{Certificate, Desk, Service, Watch, program};
use crate::parts::{Ended, OidcProvider, Running, wait_until};

/// A desk whose kubectl is configured for one cluster. client-go calls no plugin for a cluster over http.
fn desk() -> (Desk, Service, Certificate) {
    let (server, certificate) = (OidcProvider::start(3600), Certificate::make());
    let service = Service::start("kubernetes", &server, &json!({ "tls": certificate.options() }));
    let desk = Desk::logged_in(server, "https", &[service.host()], "");
    desk.cluster("one", &service, &certificate);
    desk.set_up(&["kubernetes", "op", "--id-token"], "--write")
        .says("set-context --current --user=authctl-op");
    desk.run("kubectl", &["config", "set-context", "one", "--cluster=one", "--user=authctl-op"]).ok();
    desk.run("kubectl", &["config", "use-context", "one"]).ok();
    (desk, service, certificate)
}

impl Desk {
    fn cluster(&self, name: &str, service: &Service, certificate: &Certificate) {
        let (server, authority) = (
            format!("--server={}", service.origin),
            format!("--certificate-authority={}", certificate.path().display()),
        );
        self.run("kubectl", &["config", "set-cluster", name, &server, &authority, "--embed-certs=true"]).ok();
    }

    fn id_token(&self) -> String {
        Ended::from(self.authctl(&["token", "op", "--id-token"]).output().unwrap()).ok().text().to_owned()
    }

    /// A kubectl that keeps running and listens on a free port.
    fn kubectl_proxy(&self) -> (Running, String) {
        use std::io::BufRead as _;
        let mut proxy = self.tool("kubectl", &["proxy", "--port=0"]);
        let mut child: Child = proxy.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        (Running(child), format!("http://{address}"))
    }
}

fn status_of(url: &str) -> String {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", url]);
    Ended::from(curl.output().unwrap()).ok().stdout
}

#[test]
fn kubectl_uses_an_id_token() {
    let (desk, service, _certificate) = desk();
    let watch = Watch::start();
    let shown = desk.run("kubectl", &["get", "namespaces", "-o", "json"]).ok();
    watch.saw_no_token(&desk.server, "kubectl get namespaces");
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["items"][0]["metadata"]["name"], "of-alice");
    assert_eq!(service.credentials(), [("Bearer".to_owned(), String::new(), desk.id_token())]);
    let config = desk.read(".kube/config");
    assert!(
        config.contains("interactiveMode: IfAvailable") && !config.contains(&desk.id_token()),
        "{config}"
    );

    desk.set_up(&["kubernetes", "op", "--id-token"], "--undo");
    assert!(!desk.read(".kube/config").contains("authctl-op\n  user"), "{}", desk.read(".kube/config"));
    assert_ne!(desk.run("kubectl", &["get", "--raw", "/api"]).status, Some(0));
}

/// After a 401, client-go runs the plugin again in the same process, for the next request.
#[test]
fn a_token_the_cluster_rejects_is_replaced() {
    let (desk, service, _certificate) = desk();
    let (_proxy, url) = desk.kubectl_proxy();
    let api = format!("{url}/api");
    assert_eq!(status_of(&api), "200");
    assert_eq!(status_of(&api), "200");
    assert_eq!((service.credentials().len(), desk.refreshes()), (1, 0));
    let refused = desk.id_token();
    service.set(&json!({ "refused": [refused] }));
    // An ID token issued in the same second is identical.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(status_of(&api), "401");
    wait_until("a new token", || status_of(&api) == "200");
    assert_eq!(desk.refreshes(), 1);
    assert_eq!(service.credentials().len(), 2);
    assert_ne!(desk.id_token(), refused);
    // Other programs keep using the stored token.
    desk.run("kubectl", &["get", "--raw", "/api"]).ok();
    assert_eq!(desk.refreshes(), 1);
}

/// gcloud's `kubectl` asks for a token to learn the cluster's version, and then becomes the kubectl that fits.
#[test]
fn a_kubectl_that_becomes_another_program_is_no_refusal() {
    let (desk, _service, _certificate) = desk();
    let ask = format!("'{}' helper kubernetes op >/dev/null", crate::parts::PROGRAM);
    let twice = "import subprocess, sys; [subprocess.run(sys.argv[1:], check=True) for _ in range(int(sys.argv.pop(1)))]";
    for (times, refreshes) in [("1", 0), ("2", 1)] {
        let script =
            format!("{ask}; exec python -c \"$1\" \"$2\" '{}' helper kubernetes op", crate::parts::PROGRAM);
        let mut shell = desk.tool("sh", &["-c", &script, "sh", twice, times]);
        let info =
            json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": {} });
        Ended::from(shell.env("KUBERNETES_EXEC_INFO", info.to_string()).output().unwrap()).ok();
        assert_eq!(desk.refreshes(), refreshes, "{times}");
    }
}

#[test]
fn another_cluster_gets_no_token() {
    let (desk, service, certificate) = desk();
    let foreign = Service::start("kubernetes", &desk.server, &json!({ "tls": certificate.options() }));
    desk.cluster("foreign", &foreign, &certificate);
    desk.run("kubectl", &["config", "set-context", "foreign", "--cluster=foreign", "--user=authctl-op"]).ok();
    desk.run("kubectl", &["config", "set-credentials", "authctl-op", "--exec-provide-cluster-info"]).ok();
    let asked = desk.run("kubectl", &["--context=foreign", "get", "--raw", "/api"]);
    assert_ne!(asked.status, Some(0));
    asked.says("`op` does not serve the cluster");
    assert_eq!(foreign.log().iter().filter(|entry| entry["authorization"].is_string()).count(), 0);
    desk.run("kubectl", &["--context=one", "get", "--raw", "/api"]).ok();
    assert_eq!(service.credentials().len(), 1);
}

#[test]
fn a_browser_opens_only_if_kubectl_is_interactive() {
    let (desk, service, _certificate) = desk();
    Ended::from(desk.authctl(&["logout", "op"]).output().unwrap()).ok();
    let browser = desk.browser("");
    let mut kubectl = desk.tool("kubectl", &["get", "--raw", "/api"]);
    let refused = Ended::from(kubectl.env("BROWSER", &browser).output().unwrap());
    assert_ne!(refused.status, Some(0));
    refused.says("run `authctl login op`");
    assert!(!desk.path("opened").exists());
    // With a terminal as its input, kubectl reports an interactive session.
    let kubectl = program("kubectl").display().to_string();
    let mut kubectl = desk.on_terminal(&[&kubectl, "get", "--raw", "/api"]);
    Ended::from(kubectl.env("BROWSER", &browser).env("INPUT", "terminal").output().unwrap()).ok();
    assert_eq!(desk.read("opened").lines().count(), 1);
    assert_eq!(service.credentials().len(), 1);
}

#[test]
fn a_hostile_helper_environment_is_refused_f_hlp2() {
    let (desk, service, _certificate) = desk();
    let v1 = "client.authentication.k8s.io/v1";
    let cluster = |server: &str| {
        json!({ "apiVersion": v1, "kind": "ExecCredential", "spec": { "cluster": { "server": server } } })
            .to_string()
    };
    let host = service.host();
    for (name, info) in [
        ("no JSON", "{".to_owned()),
        (
            "another version",
            json!({ "apiVersion": "client.authentication.k8s.io/v2", "spec": {} }).to_string(),
        ),
        ("huge", format!("{{\"apiVersion\":\"{v1}\",\"x\":\"{}\"}}", "x".repeat(100_000))),
        ("a foreign cluster", cluster("https://evil.example")),
        ("over http", cluster(&format!("http://{host}"))),
        ("a longer name", cluster(&format!("https://{host}.evil.example"))),
        ("as a user name", cluster(&format!("https://{host}@evil.example"))),
        ("no URL", cluster("\u{1b}[31m")),
    ] {
        let mut command = desk.authctl(&["helper", "kubernetes", "op", "--id-token"]);
        let ended = Ended::from(command.env("KUBERNETES_EXEC_INFO", info).output().unwrap());
        let (status, text) = if name == "huge" { (0, "ExecCredential") } else { (1, "") };
        assert_eq!(ended.status, Some(status), "{name}: {ended:#?}");
        assert!(
            ended.stdout.contains(text) && (status == 0 || ended.stdout.is_empty()),
            "{name}: {ended:#?}"
        );
        assert!(!ended.stderr.contains('\u{1b}'), "{name}: {ended:#?}");
    }
    for version in [v1, "client.authentication.k8s.io/v1beta1"] {
        let info = json!({ "apiVersion": version, "kind": "ExecCredential", "spec": {} }).to_string();
        let mut command = desk.authctl(&["helper", "kubernetes", "op", "--id-token"]);
        let ended = Ended::from(command.env("KUBERNETES_EXEC_INFO", info).output().unwrap()).ok();
        let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!((&answer["apiVersion"], &answer["kind"]), (&json!(version), &json!("ExecCredential")));
    }
}
