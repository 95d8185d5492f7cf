//! AWS's command line and library: the security token service exchanges an ID token for keys.

use std::process::Stdio;

use serde_json::{Value, json};

use super::{Desk, Service, Watch};
use crate::parts::{Ended, OidcProvider};

const ROLE: &str = "arn:aws:iam::123456789012:role/deployer";

fn desk() -> (Desk, Service) {
    let server = OidcProvider::start(3600);
    let service = Service::start("sts", &server, &json!({}));
    let helper = format!(
        "[credentials.op.helper]\naws_role = \"{ROLE}\"\naws_region = \"eu-central-1\"\naws_endpoint = \"{}/\"\naws_session = \"alice\"\naws_duration = \"15m\"",
        service.origin
    );
    let host = server.domain().to_owned();
    let desk = Desk::logged_in(server, "http", &[&host], &helper);
    (desk, service)
}

impl Desk {
    /// An AWS program with our profile and the loopback service.
    fn aws(&self, service: &Service, name: &str, arguments: &[&str]) -> std::process::Command {
        let mut aws = self.tool(name, arguments);
        aws.env("AWS_ENDPOINT_URL", &service.origin).env("AWS_PROFILE", "authctl-op");
        // Otherwise botocore looks for a virtual machine's keys.
        aws.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_MAX_ATTEMPTS", "1");
        aws
    }
}

fn assumed(service: &Service) -> Vec<Value> {
    service.log().into_iter().filter(|entry| entry["action"] == "AssumeRoleWithWebIdentity").collect()
}

#[test]
fn the_aws_command_line_and_library_get_credentials_for_an_id_token() {
    let (desk, service) = desk();
    let config = "# mine\n[default]\nregion = us-east-1\n";
    desk.write(".aws/config", config);
    desk.set_up(&["aws", "op"], "--write").says("done");
    let watch = Watch::start();
    let identity = ["sts", "get-caller-identity", "--output", "json"];
    let shown = Ended::from(desk.aws(&service, "aws", &identity).output().unwrap()).ok();
    watch.saw_no_token(&desk.server, "aws sts get-caller-identity");
    let shown: Value = serde_json::from_str(&desk.silent(shown).stdout).unwrap();
    assert_eq!(shown["Arn"], "arn:aws:sts::123456789012:assumed-role/alice/alice");
    let asked = assumed(&service);
    assert_eq!(asked.len(), 1);
    for (member, want) in [("role", ROLE), ("name", "alice"), ("duration", "900")] {
        assert_eq!(asked[0][member], want, "{member}");
    }
    let by_library = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])";
    let shown = Ended::from(desk.aws(&service, "python", &["-c", by_library]).output().unwrap()).ok();
    assert_eq!(desk.silent(shown).text(), "arn:aws:sts::123456789012:assumed-role/alice/alice");
    assert_eq!(assumed(&service).len(), 1, "kept");

    desk.set_up(&["aws", "op"], "--undo");
    assert_eq!(desk.read(".aws/config"), config);
}

#[test]
fn one_of_twenty_concurrent_calls_refreshes_f_rot1() {
    let (desk, service) = desk();
    let helpers: Vec<_> = (0..20)
        .map(|_| {
            let mut helper = desk.authctl(&["helper", "aws", "op"]);
            helper.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let ended: Vec<Ended> =
        helpers.into_iter().map(|helper| Ended::from(helper.wait_with_output().unwrap()).ok()).collect();
    assert_eq!(assumed(&service).len(), 1);
    assert!(ended.iter().all(|one| one.stdout == ended[0].stdout && one.stderr.is_empty()));
    let keys: Value = serde_json::from_str(&ended[0].stdout).unwrap();
    assert_eq!(keys["Version"], 1);
    assert!(keys["SecretAccessKey"].as_str().unwrap().starts_with("secret-key-canary"));

    // Keys are refreshed before they expire: these after half their lifetime.
    desk.home.configure(&desk.read(".config/authctl/config.toml").replace("\"15m\"", "\"1h\""));
    service.set(&json!({ "seconds": 8 }));
    for (wait, asked) in [(0, 2), (0, 2), (5, 3)] {
        std::thread::sleep(std::time::Duration::from_secs(wait));
        Ended::from(desk.authctl(&["helper", "aws", "op"]).output().unwrap()).ok();
        assert_eq!(assumed(&service).len(), asked);
    }
}

#[test]
fn errors_and_malformed_responses_from_sts_are_reported_f_hlp4() {
    let (desk, service) = desk();
    desk.set_up(&["aws", "op"], "--write");
    for (trouble, status, said) in [
        ("denied", 1, "`AccessDenied`"),
        ("expired", 1, "`ExpiredTokenException`"),
        ("throttled", 5, "`Throttling`"),
        ("unavailable", 5, "`ServiceUnavailable`"),
        ("bomb", 1, "cannot be used"),
        ("huge", 1, "cannot get AWS credentials"),
        ("nothing", 1, "its credentials are incomplete"),
        ("echo", 1, "cannot be used"),
    ] {
        service.set(&json!({ "trouble": trouble }));
        for arguments in [&["helper", "aws", "op"][..], &["-vv", "helper", "aws", "op"]] {
            let ended = Ended::from(desk.authctl(arguments).output().unwrap());
            assert_eq!(ended.status, Some(status), "{trouble}: {ended:#?}");
            desk.silent(ended).fails(status).says(said);
        }
    }
    // AWS's program shows authctl's error.
    service.set(&json!({ "trouble": "denied" }));
    let shown = desk.aws(&service, "aws", &["sts", "get-caller-identity"]).output().unwrap();
    let shown = desk.silent(Ended::from(shown));
    assert_ne!(shown.status, Some(0));
    shown.says("`AccessDenied`");
    service.set(&json!({ "trouble": null }));
    let ended = Ended::from(desk.authctl(&["-vv", "helper", "aws", "op"]).output().unwrap()).ok();
    let keys: Value = serde_json::from_str(&ended.stdout).unwrap();
    for secret in ["SecretAccessKey", "SessionToken"] {
        assert!(!ended.stderr.contains(keys[secret].as_str().unwrap()), "{ended:#?}");
    }
}
