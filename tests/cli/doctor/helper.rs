//! Problems in other programs' configurations.
#![cfg(unix)]

use std::sync::Arc;

use serde_json::json;

use super::{CONFIG, Programs, Want, finds, home, program};
use crate::support::Sandbox;

/// Name, set-up, exit status, finding.
type Row = (&'static str, fn(&mut Sandbox), u8, Want);

fn check(rows: &[Row]) {
    for (name, arrange, status, want) in rows {
        let mut sandbox = home(CONFIG);
        arrange(&mut sandbox);
        finds(name, &sandbox, &["--offline"], *status, *want);
    }
}

/// Sets up git to call this program for a host.
fn git_calls(sandbox: &mut Sandbox, before: &str, host: &str) {
    at_bin(sandbox);
    let ours = sandbox.path("bin/authctl");
    let listed = format!("{before}credential.https://{host}.helper\n!{} helper git\0", ours.display());
    sandbox.system.processes = Arc::new(Programs(vec![("git config", listed)]));
}

/// The running program is the home's `bin/authctl`.
fn at_bin(sandbox: &mut Sandbox) {
    program(sandbox, "bin/authctl");
    sandbox.system.environment = Arc::new(At(sandbox.path("bin/authctl"), sandbox.environment.clone()));
}

#[test]
fn doctor_finds_problems_with_the_git_helper() {
    check(&[
        (
            "git calls a program that does not exist",
            |sandbox| {
                let listed = "credential.https://x.example.helper\n\0credential.https://x.example.helper\n!/gone/authctl helper git\0";
                sandbox.system.processes = Arc::new(Programs(vec![("git config", listed.to_owned())]));
            },
            1,
            (
                "helper",
                "problem",
                "git: x.example: git runs /gone/authctl, which does not exist",
                "authctl helper git --write",
            ),
        ),
        (
            "git asks another helper first",
            |sandbox| git_calls(sandbox, "credential.helper\nstore --token=canary\0", "x.example"),
            0,
            ("helper", "warning", "git asks store first", "authctl helper git --write"),
        ),
        (
            "a host of no provider",
            |sandbox| git_calls(sandbox, "credential.https://z.example.helper\n\0", "z.example"),
            0,
            ("helper", "warning", "no provider has the host z.example", "`hosts`"),
        ),
    ]);
}

#[test]
fn doctor_finds_problems_with_docker_and_kubectl() {
    check(&[
        (
            "docker's link is not on PATH",
            |sandbox| {
                let auths = json!({ "a": { "auth": "canary" } });
                let docker = json!({ "auths": auths, "credHelpers": { "x.example": "authctl" } });
                sandbox.write(".docker/config.json", &docker.to_string());
            },
            1,
            (
                "helper",
                "problem",
                "`docker-credential-authctl`, which is not on PATH",
                "authctl helper docker --write",
            ),
        ),
        (
            "kubectl's user has no provider",
            |sandbox| {
                sandbox.write(".kube/config", "");
                at_bin(sandbox);
                let command = sandbox.path("bin/authctl").display().to_string();
                let view = json!({ "users": [{ "name": "u", "user": { "exec": { "command": command, "args": ["helper", "kubernetes", "gone"] } } }] });
                sandbox.system.processes =
                    Arc::new(Programs(vec![("kubectl config view", view.to_string())]));
            },
            0,
            ("helper", "warning", "the provider `gone` is not configured", "the user u in kubectl"),
        ),
    ]);
}

#[test]
fn doctor_finds_problems_with_aws_cargo_and_terraform() {
    check(&[
        (
            "an AWS profile",
            |sandbox| {
                let text = "[default]\naws_secret_access_key = canary\n[profile a]\ncredential_process = /gone/authctl helper aws x\n";
                sandbox.write(".aws/config", text);
            },
            1,
            ("helper", "problem", "aws: x: aws runs /gone/authctl", "authctl helper aws --write"),
        ),
        (
            "cargo",
            |sandbox| {
                let text = "[registries.r]\ntoken = \"canary\"\ncredential-provider = [\"/gone/authctl\", \"helper\", \"cargo\"]\n";
                sandbox.write(".cargo/config.toml", text);
            },
            1,
            ("helper", "problem", "cargo runs /gone/authctl", "authctl helper cargo --write"),
        ),
        (
            "Terraform",
            |sandbox| {
                sandbox.write(".terraformrc", "credentials_helper \"authctl\" {\n}\n");
            },
            1,
            (
                "helper",
                "problem",
                "terraform-credentials-authctl, which does not exist",
                "authctl helper terraform --write",
            ),
        ),
    ]);
}

#[test]
fn doctor_finds_another_keyring_program_first_on_path() {
    let sandbox = home(CONFIG);
    program(&sandbox, "other/keyring");
    std::fs::create_dir_all(sandbox.path(".local/bin")).unwrap();
    std::os::unix::fs::symlink("/usr/bin/authctl", sandbox.path(".local/bin/keyring")).unwrap();
    let path = format!("{}:{}", sandbox.path("bin").display(), sandbox.path("other").display());
    sandbox.environment.set("PATH", &path);
    let other =
        ("helper", "warning", "another program has the name `keyring`: ~/other/keyring", "first on PATH");
    finds("another keyring", &sandbox, &["--offline"], 0, other);
}

/// The sandbox's environment with authctl in another place.
struct At(std::path::PathBuf, Arc<crate::support::sandbox::Variables>);

impl authctl::ports::Environment for At {
    fn variable(&self, name: &str) -> Option<String> {
        self.1.variable(name)
    }

    fn variables(&self) -> Vec<(String, String)> {
        self.1.variables()
    }

    fn current_folder(&self) -> Option<std::path::PathBuf> {
        self.1.current_folder()
    }

    fn program(&self) -> Option<std::path::PathBuf> {
        Some(self.0.clone())
    }
}
