//! Tokens from commands and client credentials.

use crate::support::http::Reply;
use crate::support::sandbox::set_mode;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn command_output_is_cached_until_its_expiry() {
    let sandbox = Sandbox::new("");
    let script = sandbox.write(
        "tool",
        "#!/bin/sh\necho x >> \"$(dirname \"$0\")/calls\"\nenv > \"$(dirname \"$0\")/environment\"\nprintf '{\"access_token\":\"tok%s\",\"expires_at\":%s}' \"$(wc -l < \"$(dirname \"$0\")/calls\")\" \"$(($(date +%s) + 3600))\"\n",
    );
    set_mode(&script, 0o700);
    let calls = || std::fs::read_to_string(sandbox.path("calls")).map_or(0, |text| text.lines().count());
    let config = |more: &str| {
        format!(
            "store = \"file\"\n[credentials.x]\ndomain = \"x.example\"\ncommand = {{ command = [\"{}\"]{more} }}",
            script.display()
        )
    };
    sandbox.configure(&config(", format = \"json\""));
    assert_eq!(sandbox.run(&["token"]).ok().text(), "tok1");
    assert_eq!(sandbox.run(&["token"]).ok().text(), "tok1");
    assert_eq!(calls(), 1);
    sandbox.clock.advance(3590);
    assert_eq!(sandbox.run(&["token"]).ok().text(), "tok2");
    sandbox.configure(&config(""));
    sandbox.run(&["token"]).ok();
    sandbox.run(&["token"]).ok();
    assert_eq!(calls(), 4, "plain text has no expiry and is not cached");
    let environment = std::fs::read_to_string(sandbox.path("environment")).unwrap();
    assert!(!environment.contains("AUTHCTL_"), "F-LEAK2: {environment}");
    for (body, said) in [
        ("exit 3", "exited with status 3"),
        ("printf 'a\\nb'", "outside printable ASCII"),
        ("printf '\\377'", "not UTF-8"),
        ("sleep 30", "did not end within 1 second"),
    ] {
        sandbox.write("tool", &format!("#!/bin/sh\n{body}\n"));
        set_mode(&script, 0o700);
        sandbox.configure(&config(", timeout = \"1s\""));
        sandbox.run(&["token"]).fails(1).says(said);
    }
}

#[test]
fn client_credentials_get_and_cache_a_token() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("canary-secret".to_owned()));
    let config = |secret: &str| {
        format!(
            "store = \"file\"\n[credentials.m]\ndomain = \"{}\"\nscheme = \"http\"\n[credentials.m.oauth]\ngrant_type = \"client_credentials\"\nclient_id = \"app\"\n{secret}\nscopes = \"a b\"\n",
            server.domain()
        )
    };
    let sandbox = Sandbox::new(&config(""));
    sandbox.run(&["token"]).fails(4).says("this grant requires a `client_secret`");
    sandbox.configure(&config("_client_secret = \"canary-secret\""));
    let first = sandbox.run(&["token"]).ok();
    assert_eq!(sandbox.run(&["token"]).ok(), first);
    assert_eq!(server.token_requests("client_credentials"), 1);
    sandbox.clock.advance(3600);
    assert_ne!(sandbox.run(&["token"]).ok(), first);
    assert_eq!(server.token_requests("client_credentials"), 2);
    let narrow = sandbox.run(&["token", "--scope", "a"]).ok();
    assert_eq!(sandbox.run(&["token", "--scope", "a"]).ok(), narrow);
    assert_eq!(server.token_requests("client_credentials"), 3);
    server.fault("/token", Reply::json(401, &serde_json::json!({ "error": "invalid_client" })));
    sandbox.run(&["token", "--refresh"]).fails(1).says("invalid_client");
    sandbox.run(&["logout"]).ok().says("revoked the access token");
}
