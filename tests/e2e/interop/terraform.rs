//! Terraform with a private module registry over TLS.

use std::process::Command;

use serde_json::json;

use super::{Certificate, Desk, Service, Watch, fed};
use crate::parts::{Ended, OidcProvider};

/// A tar file with one module.
fn module() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.tf"), "output \"tiny\" {\n  value = 1\n}\n").unwrap();
    let mut tar = Command::new("tar");
    tar.args(["-czf", "module.tar.gz", "main.tf"]).current_dir(folder.path());
    assert!(tar.status().unwrap().success());
    folder
}

/// A desk with a project that uses a module of a private registry.
fn desk() -> (Desk, Service, Certificate, tempfile::TempDir) {
    let (server, certificate, files) = (OidcProvider::start(3600), Certificate::make(), module());
    let options = json!({ "tls": certificate.options(), "module": files.path().join("module.tar.gz") });
    let service = Service::start("modules", &server, &options);
    let host = service.host();
    let desk = Desk::logged_in(server, "https", &[host], "");
    desk.write(
        "project/main.tf",
        &format!("module \"tiny\" {{\n  source  = \"{host}/corp/tiny/local\"\n  version = \"1.0.0\"\n}}\n"),
    );
    (desk, service, certificate, files)
}

impl Desk {
    /// Downloads the project's modules.
    fn terraform_get(&self, certificate: &Certificate) -> Ended {
        let mut terraform = self.tool("terraform", &["get", "-no-color"]);
        // Disables the check for a newer version.
        terraform.env("CHECKPOINT_DISABLE", "1");
        terraform.env("SSL_CERT_FILE", certificate.path()).current_dir(self.path("project"));
        self.silent(Ended::from(terraform.output().unwrap()))
    }
}

#[test]
fn modules_come_from_a_private_registry() {
    let (desk, service, certificate, _files) = desk();
    let before = "# mine\ndisable_checkpoint = true\n";
    desk.write(".terraformrc", before);
    assert_eq!(desk.terraform_get(&certificate).status, Some(1));
    assert_eq!(service.credentials(), []);

    desk.set_up(&["terraform"], "--write").says("done");
    let watch = Watch::start();
    desk.terraform_get(&certificate).ok();
    watch.saw_no_token(&desk.server, "terraform get");
    assert!(desk.read("project/.terraform/modules/modules.json").contains("1.0.0"));
    assert_eq!(service.credentials(), [("Bearer".to_owned(), String::new(), desk.token())]);

    let logout = desk.run("terraform", &["logout", "-no-color", service.host()]);
    assert_eq!(logout.status, Some(0), "{logout:#?}");
    assert_eq!(service.credentials(), [("Bearer".to_owned(), String::new(), desk.token())]);

    desk.set_up(&["terraform"], "--undo");
    assert_eq!(desk.read(".terraformrc"), before);
    assert!(!desk.path(".terraform.d/plugins/terraform-credentials-authctl").exists());
}

#[test]
fn an_unknown_host_gets_no_credential() {
    let (desk, service, certificate, files) = desk();
    desk.set_up(&["terraform"], "--write");
    let options = json!({ "tls": certificate.options(), "module": files.path().join("module.tar.gz") });
    let other = Service::start("modules", &desk.server, &options);
    desk.write("project/main.tf", &desk.read("project/main.tf").replace(service.host(), other.host()));
    assert_eq!(desk.terraform_get(&certificate).status, Some(1));
    assert!(!other.log().is_empty());
    assert_eq!(other.credentials(), []);
}

/// With a second block, Terraform would report an error in its configuration on every call.
#[test]
fn another_credentials_helper_stays_the_only_one() {
    let (desk, ..) = desk();
    let text = "credentials_helper \"other\" {\n}\n";
    desk.write(".terraformrc", text);
    let refused = Ended::from(desk.authctl(&["helper", "terraform", "--write"]).output().unwrap());
    refused.fails(1).says("supports only one");
    assert_eq!(desk.read(".terraformrc"), text);
    assert!(!desk.path(".terraform.d/plugins/terraform-credentials-authctl").exists());
}

/// Newer versions of Terraform and OpenTofu send the same: the protocol has not changed.
#[test]
fn the_credentials_protocol_is_followed() {
    let (desk, service, _certificate, _files) = desk();
    desk.set_up(&["terraform"], "--write");
    let host = service.host().to_owned();
    let ask = |arguments: &[&str], input: &str| {
        let link = desk.path(".terraform.d/plugins/terraform-credentials-authctl");
        let mut helper = desk.equipped(Command::new(link));
        helper.args(arguments);
        fed(helper, input)
    };
    let answer = |ended: Ended| serde_json::from_str::<serde_json::Value>(&ended.ok().stdout).unwrap();
    assert_eq!(answer(ask(&["get", &host], "")), json!({ "token": desk.token() }));
    assert_eq!(answer(ask(&["more", "get", &host], "")), json!({ "token": desk.token() }));
    let other = host.replace("127.0.0.1", "localhost");
    for host in
        ["app.terraform.io", &format!("{host}0"), &format!("{host}.evil.example"), "127.0.0.1", &other, ""]
    {
        assert_eq!(answer(ask(&["get", host], "")), json!({}), "{host}");
    }
    let stored = format!("{{\"token\":\"a-token-of-mine\",\"more\":\"{}\"}}", "x".repeat(100_000));
    let refused = ask(&["store", &host], &stored).fails(1).says("authctl does not store");
    assert!(!refused.stderr.contains("a-token-of-mine"), "{refused:#?}");
    for host in [host.as_str(), "app.terraform.io"] {
        assert_eq!(ask(&["forget", host], "").ok().stdout, "", "{host}");
    }
    assert_eq!(answer(ask(&["get", &host], "")), json!({ "token": desk.token() }), "still logged in");
    ask(&["dance", &host], "").fails(2);
    ask(&[], "").fails(2);
}
