//! `authctl serve` with the libraries that it supports: AWS's container credentials, Google's metadata server, and a forwarded
//! socket.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::{Desk, Service};
use crate::parts::{Ended, OidcProvider, Running, wait_until};

const ROLE: &str = "arn:aws:iam::123456789012:role/deployer";

/// A running server, and the address that it printed.
struct Serving {
    place: Value,
    process: Running,
}

impl Serving {
    fn start(desk: &Desk, arguments: &[&str]) -> Self {
        let mut serve = desk.authctl(&[&["serve", "--json"], arguments].concat());
        let mut process = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { place: serde_json::from_str(&line).expect("it says where"), process: Running(process) }
    }

    fn text(&self, member: &str) -> &str {
        self.place[member].as_str().unwrap()
    }
}

fn desk() -> (Desk, Service) {
    let server = OidcProvider::start(3600);
    let service = Service::start("sts", &server, &json!({}));
    let helper = format!(
        "[credentials.op.helper]\naws_role = \"{ROLE}\"\naws_region = \"eu-central-1\"\naws_endpoint = \"{}/\"",
        service.origin
    );
    let host = server.domain().to_owned();
    (Desk::logged_in(server, "http", &[&host], &helper), service)
}

#[test]
fn awss_library_gets_credentials_as_in_a_container() {
    let (desk, service) = desk();
    let serving = Serving::start(&desk, &["--listen", "127.0.0.1:0"]);
    let keys = "import boto3; s = boto3.Session(); c = s.get_credentials(); f = c.get_frozen_credentials(); print(c.method, f.access_key); print(s.client('sts').get_caller_identity()['Arn'])";
    let mut python = desk.tool("python", &["-c", keys]);
    python
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/aws/op", serving.text("address")))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", serving.text("capability_file"))
        .env("AWS_ENDPOINT_URL", &service.origin)
        .env("AWS_DEFAULT_REGION", "eu-central-1")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let shown = desk.silent(Ended::from(python.output().unwrap()).ok());
    let lines: Vec<&str> = shown.text().lines().collect();
    assert!(lines[0].starts_with("container-role ASIA"), "{lines:?}");
    assert_eq!(lines[1], "arn:aws:sts::123456789012:assumed-role/alice/authctl");
    // Without the capability, requests are rejected.
    let mut python = desk.tool("python", &["-c", keys]);
    python.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/aws/op", serving.text("address")));
    python.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_DEFAULT_REGION", "eu-central-1");
    assert_ne!(Ended::from(python.output().unwrap()).status, Some(0));
}

#[test]
fn googles_library_gets_tokens_as_on_its_machines() {
    let (desk, _service) = desk();
    let serving =
        Serving::start(&desk, &["--listen", "127.0.0.1:0", "--gce", "op", "--gce-project", "my-project"]);
    let host = serving.text("address").split_once("://").unwrap().1.to_owned();
    let script = "
import google.auth, google.auth.transport.requests
credentials, project = google.auth.default()
credentials.refresh(google.auth.transport.requests.Request())
print(project); print(credentials.expired); print(credentials.token)
";
    let mut python = desk.tool("python", &["-c", script]);
    python.env("GCE_METADATA_HOST", &host).env("GCE_METADATA_IP", &host);
    let shown = Ended::from(python.output().unwrap()).ok();
    assert_eq!(shown.text(), format!("my-project\nFalse\n{}", desk.token()), "{shown:?}");
}

#[test]
fn a_socket_hands_out_tokens_and_goes_with_its_server() {
    let (desk, _service) = desk();
    let socket = desk.path("run/authctl.sock");
    std::fs::create_dir(socket.parent().unwrap()).unwrap();
    std::fs::set_permissions(socket.parent().unwrap(), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .unwrap();
    let path = socket.display().to_string();
    let mut serving = Serving::start(&desk, &["--socket", &path]);
    let curl = |what: &str| {
        desk.tool("curl", &["-sS", "--unix-socket", &path, &format!("http://localhost/{what}")])
            .output()
            .unwrap()
    };
    let token = Ended::from(curl("token/op")).ok();
    assert_eq!(token.text(), desk.token());
    assert_eq!(
        Ended::from(curl("headers/op")).ok().text(),
        format!("Authorization: Bearer {}", token.text())
    );
    let unknown: Value = serde_json::from_str(Ended::from(curl("token/nobody")).ok().text()).unwrap();
    assert_eq!(unknown["error"], "unknown_provider");
    let id = i32::try_from(serving.process.0.id()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), rustix::process::Signal::TERM)
        .unwrap();
    wait_until("its end", || serving.process.0.try_wait().unwrap().is_some());
    assert!(!socket.exists());
}
