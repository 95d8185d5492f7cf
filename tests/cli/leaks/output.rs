//! No output or file holds a secret.

use serde_json::json;

use crate::support::http::Reply;
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

const COMMANDS: &[&[&str]] = &[
    &["token"],
    &["login"],
    &["token"],
    &["token", "--id-token"],
    &["token", "-o", "json"],
    &["headers"],
    &["status"],
    &["status", "--json"],
    &["whoami"],
    &["config", "show", "--origin"],
    &["config", "show", "--json"],
    &["config", "check"],
    &["refresh"],
];

#[test]
fn no_canary_in_any_output_or_file_f_leak3_f_leak7() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("canary-client-secret".to_owned()));
    let config = server_config(
        &server.domain(),
        "_client_secret = { env = \"SECRET\" }\nextra_params = { _hint = \"canary-hint\" }",
    );
    let sandbox = Sandbox::new(&config);
    sandbox.environment.set("SECRET", "canary-client-secret");
    let mut outputs = Vec::new();
    let mut run = |arguments: &[&str]| {
        let with_trace: Vec<&str> = arguments.iter().copied().chain(["-vvv"]).collect();
        let output = sandbox.run(&with_trace);
        // Standard output may contain the command's result; standard error must contain no secret.
        let prints_it = matches!(arguments[0], "token" | "headers");
        outputs.push((arguments.join(" "), if prints_it { output.stderr } else { output.to_string() }));
    };
    for command in COMMANDS {
        run(command);
    }
    for fault in [
        Reply::json(400, &json!({ "error": "invalid_grant", "refresh_token": "canary-in-an-error" })),
        Reply::full(200, &[("content-type", "text/html")], "<html>canary-in-html"),
        Reply::json(200, &json!({ "access_token": "canary\nbad", "token_type": "bearer" })),
        Reply::redirect(307, "https://evil.example/?token=canary-in-a-location"),
        Reply::Drop,
    ] {
        server.fault("/token", fault.clone()).fault("/token", fault);
        run(&["token", "--refresh"]);
        server.set(|behaviour| behaviour.faults.clear());
    }
    for (path, _) in sandbox.files() {
        assert!(!path.to_string_lossy().contains("canary"));
    }
    for (path, bytes) in sandbox.files() {
        let text = String::from_utf8_lossy(&bytes);
        let is_config = path.ends_with("config.toml");
        assert!(
            is_config || !text.contains("canary"),
            "{}: a canary outside the sealed records",
            path.display()
        );
    }
    run(&["logout"]);
    for (command, output) in outputs {
        // Only the authorization URL shows a parameter that the user configured.
        let shown: Vec<&str> =
            output.lines().filter(|line| !line.trim_start().starts_with("http://127.0.0.1")).collect();
        assert!(!shown.join("\n").contains("canary"), "{command}:\n{output}");
    }
}

/// The same user's programs can ask for access tokens. No response contains the refresh token, which outlives them.
#[test]
fn no_command_prints_the_refresh_token_f_leak10() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let question = format!("protocol=http\nhost={}\n\n", server.domain());
    let uri = format!("{{\"uri\":\"http://{}/\"}}", server.domain());
    for (arguments, input) in [
        (&["token", "-o", "raw"][..], ""),
        (&["token", "-o", "header"], ""),
        (&["token", "-o", "json"], ""),
        (&["token", "-o", "env"], ""),
        (&["token", "-o", "curl"], ""),
        (&["token", "-o", "netrc"], ""),
        (&["token", "-o", "k8s"], ""),
        (&["token", "--refresh", "-o", "json"], ""),
        (&["token", "--id-token"], ""),
        (&["headers"], ""),
        (&["inspect", "--json"], ""),
        (&["whoami", "--json"], ""),
        (&["status", "--json"], ""),
        (&["account", "list", "--json"], ""),
        (&["config", "show", "--json"], ""),
        (&["helper", "git", "get"], &question),
        (&["helper", "docker", "get"], &server.issuer()),
        (&["helper", "bazel", "get"], &uri),
        (&["helper", "kubernetes", "as"], ""),
    ] {
        let output = sandbox.run_with(arguments, input).ok();
        assert!(!output.stdout.is_empty(), "{arguments:?}: {output}");
        let secrets = server.secrets();
        let mut refresh = secrets.iter().filter(|secret| secret.starts_with("refresh")).peekable();
        assert!(refresh.peek().is_some(), "{secrets:?}");
        assert!(refresh.all(|token| !output.to_string().contains(token.as_str())), "{arguments:?}: {output}");
    }
}

/// Keys, signatures and device codes are as secret as tokens.
#[test]
fn no_key_no_assertion_no_proof_and_no_device_code_is_shown_f_leak3() {
    let (pem, public) = crate::client_authentication::key();
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.client_assertions = Some(public);
        behaviour.requires_par = true;
        behaviour.dpop = true;
    });
    let mut config = server_config(&server.domain(), "_private_key = { env = \"KEY\" }\nuse_dpop = true");
    config.push_str(&format!(
        "\n[credentials.other]\ndomain = \"{domain}\"\nscheme = \"http\"\n[credentials.other.oauth]\ngrant_type = \"token_exchange\"\nclient_id = \"app\"\n_private_key = {{ env = \"KEY\" }}\nuse_dpop = true\nsubject = {{ provider = \"as\", token = \"refresh_token\" }}\n",
        domain = server.domain()
    ));
    let mut sandbox =
        Sandbox::new(&config.replace("store = \"file\"", "store = \"keyring\"\ndefault = \"as\""));
    sandbox.environment.set("KEY", &pem);
    sandbox.clock.skip_waits();
    let keyring = sandbox.keyring.present();
    let mut outputs = Vec::new();
    for arguments in [
        &["login"][..],
        &["whoami"],
        &["inspect"],
        &["inspect", "--json"],
        &["status", "--json"],
        &["refresh"],
        &["config", "show", "--json"],
        &["login", "--device"],
        &["refresh", "other"],
        &["inspect", "other"],
    ] {
        outputs.push(sandbox.run(&[arguments, &["-vvv"]].concat()).ok());
    }
    // A browser that prints its arguments would show the ID token, so the user must ask for it.
    sandbox.system.browser = std::sync::Arc::new(crate::support::browsers::Consents);
    outputs.push(sandbox.run(&["logout", "--end-session", "-vvv"]).ok());
    let mut secrets: Vec<String> =
        pem.lines().filter(|line| !line.contains("-----")).map(str::to_owned).collect();
    for entry in keyring.search(&std::collections::HashMap::from([("service", "authctl")])).unwrap() {
        let Ok(record) = entry.get_secret() else { continue };
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        secrets.push(record["dpop_key"].as_str().unwrap().to_owned());
    }
    assert!(secrets.len() >= 3, "a client key and a token key");
    for request in server.requests() {
        let sent = ["client_assertion", "device_code", "subject_token", "token", "code_verifier"];
        secrets.extend(sent.iter().filter_map(|name| request.parameter(name)));
        secrets.extend(request.header("dpop").map(str::to_owned));
    }
    assert!(secrets.iter().any(|secret| secret.starts_with("device-canary")));
    for output in outputs {
        for secret in &secrets {
            assert!(!output.to_string().contains(secret.as_str()), "{secret}\n{output}");
        }
    }
    for (path, bytes) in sandbox.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(secrets.iter().all(|secret| !text.contains(secret.as_str())), "{}", path.display());
    }
}
