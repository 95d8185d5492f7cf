//! The report and its JSON form.

use serde_json::{Value, json};

use super::{CONFIG, examine, home, text, wrong};
use crate::support::AuthorizationServer;
use crate::support::http::Reply;
use crate::support::sandbox::server_config;

#[test]
fn doctor_finds_no_problem_in_a_healthy_home() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server_config(&server.domain(), ""));
    sandbox.run(&["login"]).ok();
    let before = sandbox.files();
    let (status, findings) = examine(&sandbox, &[]);
    assert_eq!(status, 0);
    assert!(wrong(&findings).is_empty(), "{findings:#?}");
    assert!(
        findings.iter().any(|finding| text(finding, "what").contains("alice is logged in")),
        "{findings:#?}"
    );
    let records = |files: &[(std::path::PathBuf, Vec<u8>)]| -> Vec<_> {
        files.iter().filter(|(path, _)| path.iter().any(|part| part == "records")).cloned().collect()
    };
    assert_eq!(records(&sandbox.files()), records(&before), "the trial record is deleted");
    let shown = sandbox.run(&["doctor"]).ok();
    assert!(shown.stdout.contains("✓ ok"), "{shown}");
    assert!(shown.stdout.contains("No problems found"), "{shown}");
    assert!(shown.stdout.lines().count() < sandbox.run(&["doctor", "-v"]).ok().stdout.lines().count());
    assert_eq!(server.token_requests("refresh_token"), 0, "nothing is refreshed");
}

#[test]
fn the_json_form_is_stable() {
    let sandbox = home(CONFIG);
    let output = sandbox.run(&["doctor", "--json", "--offline"]).ok();
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&report), ["findings", "platform", "version"]);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    let findings = report["findings"].as_array().unwrap();
    let secret = findings.iter().find(|finding| text(finding, "what").starts_with("jwt")).unwrap();
    assert_eq!(
        *secret,
        json!({ "topic": "provider", "subject": "x", "severity": "ok", "what": "jwt: the variable SECRET is set", "why": null, "fix": null })
    );
    let trial = findings.iter().find(|finding| finding["topic"] == "store").unwrap();
    assert_eq!(members(trial), ["fix", "milliseconds", "severity", "subject", "topic", "what", "why"]);
    let topics =
        ["program", "config", "store", "browser", "loopback", "network", "clock", "provider", "helper"];
    let severities = ["ok", "note", "warning", "problem"];
    for finding in findings {
        assert!(topics.contains(&text(finding, "topic")) && severities.contains(&text(finding, "severity")));
    }
}

#[test]
fn no_canary_in_either_form_f_leak3_f_leak7() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("canary-client-secret".to_owned()));
    let config = server_config(
        &server.domain(),
        "_client_secret = { env = \"SECRET\" }\nextra_params = { _hint = \"canary-hint\" }\n[credentials.key]\ndomain = \"127.0.0.1:1\"\nscheme = \"http\"\napi_key = \"canary-key\"\n[credentials.b]\ndomain = \"127.0.0.1:1\"\nscheme = \"http\"\n[credentials.b.basic]\nusername = \"u\"\n_password = \"canary-password\"\n",
    );
    let sandbox = home(&config);
    sandbox.environment.set("SECRET", "canary-client-secret");
    sandbox.environment.set("HTTPS_PROXY", "http://canary-user:canary-password@127.0.0.1:1");
    sandbox.environment.set("BROWSER", "nothing --token=canary");
    sandbox.write(
        ".docker/config.json",
        "{ \"auths\": { \"a\": { \"auth\": \"canary\" } }, \"credsStore\": \"authctl\" }",
    );
    let run = |path: &str, fault: Option<Reply>| {
        for form in [&["doctor"][..], &["doctor", "-vv"], &["doctor", "--json"]] {
            server.set(|behaviour| behaviour.faults.clear());
            if let Some(fault) = &fault {
                server.fault(path, fault.clone());
            }
            let output = sandbox.run(form);
            assert!(!output.to_string().contains("canary"), "{output}");
        }
    };
    run("", None);
    let place = "/.well-known/openid-configuration";
    for fault in [
        Reply::json(500, &json!({ "refresh_token": "canary-in-an-error" })),
        Reply::full(200, &[("content-type", "text/html")], "<html>canary-in-html"),
        Reply::json(200, &json!({ "issuer": 5, "token_endpoint": "canary" })),
        Reply::redirect(307, "https://evil.example/?token=canary-in-a-location"),
        Reply::Raw(b"canary\r\n\r\n".to_vec()),
    ] {
        run(place, Some(fault));
    }
    sandbox.configure(&(config.clone() + "secret = canary\n"));
    run("", None);
    sandbox.configure(&config);
    server.set(|behaviour| behaviour.faults.clear());
    sandbox.run(&["login", "as"]).ok();
    run("", None);
    let shown = sandbox.run(&["doctor"]);
    for secret in server.secrets() {
        assert!(!shown.to_string().contains(&secret));
    }
}
