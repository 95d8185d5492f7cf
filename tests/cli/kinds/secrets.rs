//! Stored and long secrets.

use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn stored_secrets_are_used() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("canary-secret".to_owned()));
    let sandbox = Sandbox::new(&crate::support::sandbox::server_config(
        &server.domain(),
        "client_secret = { stored = true }",
    ));
    sandbox
        .run(&["login"])
        .fails(1)
        .says("no `client_secret` is stored for `as`")
        .says("authctl secret set as client_secret");
    sandbox.input.pipe("canary-secret\n");
    sandbox
        .run(&["secret", "set", "as", "client_secret"])
        .ok()
        .says("Stored client_secret of as in an encrypted file");
    sandbox.run(&["login"]).ok();
    assert!(sandbox.run(&["config", "show"]).ok().stdout.contains("_client_secret = <stored>"));
    // F-BIND1, F-BIND4: a secret stored for one client is not used for another.
    sandbox.configure(
        &crate::support::sandbox::server_config(&server.domain(), "client_secret = { stored = true }")
            .replace("\"app\"", "\"other\""),
    );
    sandbox.run(&["login"]).fails(1).says("no `client_secret` is stored");
    sandbox.configure(&crate::support::sandbox::server_config(
        &server.domain(),
        "client_secret = { stored = true }",
    ));
    sandbox.run(&["secret", "unset", "as", "client_secret"]).ok();
    sandbox.run(&["login"]).fails(1);
    sandbox.run(&["secret", "set", "as", "client_secrt"]).fails(2).says("did you mean `client_secret`?");
}

/// One limit applies to every source: a longer secret is rejected, and one of exactly this length is accepted.
#[cfg(target_os = "linux")]
#[test]
fn every_secret_source_has_the_same_length_limit() {
    use std::io::Write as _;
    use std::process::Stdio;

    let run = |sandbox: &Sandbox, arguments: &[&str], input: &str| {
        let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // authctl need not read all of a secret that is too long.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let config = |source: &str| {
        format!(
            "default = \"x\"\nstore = \"file\"\n[credentials.x]\ndomain = \"x.example\"\njwt = {source}\n[credentials.as]\ndomain = \"as.example\"\noauth.client_id = \"c\"\noauth.token_endpoint = \"https://as.example/token\"\noauth.authorization_endpoint = \"https://as.example/authorize\"\n"
        )
    };
    for (length, is_taken) in [(authctl::secret::LONGEST, true), (authctl::secret::LONGEST + 1, false)] {
        let secret = "s".repeat(length);
        let file = Sandbox::new("");
        let path = file.write("secret", &secret).display().to_string();
        for source in [format!("{{ file = \"{path}\" }}"), format!("{{ command = [\"cat\", \"{path}\"] }}")] {
            file.configure(&config(&source));
            let (success, printed) = run(&file, &["token", "x"], "");
            assert_eq!(success, is_taken, "{source}");
            assert!(!is_taken || printed.trim_end() == secret, "{source}");
        }
        let stored = Sandbox::new(&config("{ stored = true }"));
        assert_eq!(run(&stored, &["secret", "set", "x", "jwt"], &secret).0, is_taken, "secret set");
        let (success, printed) = run(&stored, &["token", "x"], "");
        assert_eq!((success, printed.trim_end() == secret), (is_taken, is_taken), "a stored secret");
        assert_eq!(run(&stored, &["login", "as", "--with-token"], &secret).0, is_taken, "login --with-token");
        let add = [
            "provider",
            "add",
            "y",
            "--kind",
            "api_key",
            "--set",
            "domain=y.example",
            "--secret",
            "key",
            "--yes",
        ];
        assert_eq!(run(&stored, &add, &secret).0, is_taken, "provider add");
    }
}
