//! The configuration and the program.

use std::sync::Arc;

use serde_json::Value;

use super::{CONFIG, Programs, examine, finds, home, program, text, wrong};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn doctor_finds_problems_with_the_configuration() {
    for (name, config, status, want) in [
        (
            "an unknown key",
            format!("{CONFIG}domian = \"y\"\n"),
            4,
            ("config", "problem", "domian", "did you mean `domain`?"),
        ),
        (
            "an unknown template",
            format!(
                "{CONFIG}[credentials.y]\ndomain = \"y.example\"\ntemplate = \"githob\"\noauth.client_id = \"a\"\n"
            ),
            4,
            ("config", "problem", "template", "github"),
        ),
        (
            "no TOML",
            "store = \"file\"\n[credentials.x\n".to_owned(),
            4,
            ("config", "problem", "invalid TOML", "config edit"),
        ),
        (
            "nothing",
            "store = \"file\"\n".to_owned(),
            4,
            ("config", "problem", "no provider is configured", "authctl provider add"),
        ),
        (
            "no such default",
            format!("default = \"z\"\n{CONFIG}"),
            4,
            ("config", "problem", "the default provider `z`", "config edit"),
        ),
    ] {
        finds(name, &home(&config), &["--offline"], status, want);
    }
}

#[test]
fn doctor_finds_config_files_that_set_or_allow_too_much() {
    let sandbox = home(&CONFIG.replace("{ env = \"SECRET\" }", "\"canary-jwt\""));
    set_mode(&sandbox.path("config/config.toml"), 0o644);
    let readable = ("config", "warning", "can be read by others", "chmod 600 ~/config/config.toml");
    finds("readable by others", &sandbox, &["--offline"], 0, readable);
    set_mode(&sandbox.path("config/config.toml"), 0o622);
    let (status, findings) = examine(&sandbox, &["--offline"]);
    assert_eq!(status, 4);
    assert!(
        wrong(&findings)[0]["what"].as_str().unwrap().contains("can be written by others"),
        "{findings:#?}"
    );
    let sandbox = home(CONFIG);
    sandbox.write("work/.authctl.toml", "store = \"keyring\"\n");
    let refused = ("config", "problem", "a project file cannot set `store`", "narrower `scopes`");
    finds("a project file", &sandbox, &["--offline"], 4, refused);
    let sandbox = home(CONFIG);
    sandbox.environment.set("AUTHCTL_PROFILE", "work");
    finds(
        "a profile",
        &sandbox,
        &["--offline"],
        4,
        ("config", "problem", "the profile `work`", "[profile.work"),
    );
}

#[test]
fn doctor_finds_problems_with_the_installed_program() {
    let mut sandbox = home(CONFIG);
    program(&sandbox, "bin/authctl");
    let first = sandbox.path("bin/authctl").display().to_string();
    let said = format!("{first} --version");
    sandbox.system.processes = Arc::new(Programs(vec![(said.leak(), "authctl 0.0.1\n".to_owned())]));
    let another =
        ("program", "warning", "~/bin/authctl: another authctl comes first on PATH", "change their order");
    finds("another", &sandbox, &["--offline"], 0, another);
    let (_, findings) = examine(&sandbox, &["--offline"]);
    assert!(text(wrong(&findings)[0], "why").contains("the other reports `authctl 0.0.1`"), "{findings:#?}");
    let sandbox = home(CONFIG);
    sandbox.environment.set("PATH", &format!("{}:.", sandbox.path("bin").display()));
    finds("relative", &sandbox, &["--offline"], 0, ("program", "warning", "PATH", "remove these entries"));
}

#[test]
fn doctor_checks_one_provider_and_rejects_unknown_names() {
    let server = AuthorizationServer::start();
    let config = server_config(&server.domain(), "")
        + "[credentials.x]\ndomain = \"127.0.0.1:1\"\nscheme = \"http\"\njwt = \"canary\"\n";
    let sandbox = home(&config);
    let (status, findings) = examine(&sandbox, &["as"]);
    assert_eq!(status, 0, "{findings:#?}");
    assert!(findings.iter().all(|finding| text(finding, "subject") != "x"), "{findings:#?}");
    assert_eq!(examine(&sandbox, &[]).0, 5);
    sandbox.run(&["doctor", "z"]).fails(4).says("the provider `z` is not configured");
}

#[test]
fn doctor_reports_a_missing_home() {
    let sandbox = Sandbox::new(CONFIG);
    let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["doctor", "--offline", "--json"]);
    for variable in
        ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "AUTHCTL_CONFIG"]
    {
        command.env(variable, "");
    }
    let output = command.output().unwrap();
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "{output:?}");
}
