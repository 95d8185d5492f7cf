//! The kinds of providers beside the browser login.

use crate::support::http::Reply;
use crate::support::sandbox::set_mode;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn jwt_shorthand_reference_and_end() {
    let jwt = |exp: i64| {
        use base64::Engine as _;
        let encode = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", encode("{}".to_owned()), encode(format!("{{\"exp\":{exp}}}")))
    };
    let sandbox = Sandbox::new("");
    for config in [
        format!("[credentials.x]\ndomain = \"x.example\"\njwt = \"{}\"", jwt(9_999_999_999)),
        format!("[credentials]\ndomain = \"x.example\"\njwt = {{ jwt = \"{}\" }}", jwt(9_999_999_999)),
        format!(
            "[credentials.x]\ndomain = \"x.example\"\n[credentials.x.jwt]\n_jwt = \"{}\"",
            jwt(9_999_999_999)
        ),
    ] {
        sandbox.configure(&config);
        assert_eq!(sandbox.run(&["token"]).ok().text(), jwt(9_999_999_999));
        assert_eq!(sandbox.keyring.opened.get(), 0, "no keyring is touched");
    }
    sandbox.configure(&format!("[credentials.x]\ndomain = \"x.example\"\njwt = \"{}\"", jwt(1000)));
    sandbox
        .run(&["token"])
        .fails(3)
        .says("the configured token ended 1970-01-01T00:16:40Z")
        .says("put a new one");
    for (reference, said) in [
        ("env = \"TOKEN\"", "TOKEN is not set"),
        ("file = \"none\"", "cannot be read"),
        ("command = [\"no-such-program-x\"]", "cannot run no-such-program-x"),
    ] {
        sandbox.configure(&format!("[credentials.x]\ndomain = \"x.example\"\njwt = {{ {reference} }}"));
        sandbox.run(&["token"]).fails(1).says(said);
    }
    sandbox.environment.set("TOKEN", "from-env");
    sandbox.write("config/secret", "from-file\n");
    for (reference, want) in [
        ("env = \"TOKEN\"", "from-env"),
        ("file = \"secret\"", "from-file"),
        ("command = [\"printf\", \"from-command\"]", "from-command"),
    ] {
        sandbox.configure(&format!("[credentials.x]\ndomain = \"x.example\"\njwt = {{ {reference} }}"));
        assert_eq!(sandbox.run(&["token"]).ok().text(), want);
    }
}

#[test]
fn api_keys_in_headers_of_your_choice() {
    let sandbox = Sandbox::new("");
    for (kind, want) in [
        ("api_key = \"k\"", "Authorization: Bearer k\n"),
        ("api_key = { key = \"k\", prefix = \"token\" }", "Authorization: token k\n"),
        ("api_key = { key = \"k\", header = \"X-Api-Key\" }", "X-Api-Key: k\n"),
        ("api_key = { key = \"k\", header = \"X-Api-Key\", prefix = \"Bearer\" }", "X-Api-Key: Bearer k\n"),
        ("api_key = { headers = { X-A = \"1\", X-B = { env = \"B\" } } }", "X-A: 1\nX-B: 2\n"),
    ] {
        sandbox.environment.set("B", "2");
        sandbox.configure(&format!("[credentials.x]\ndomain = \"x.example\"\n{kind}"));
        assert_eq!(sandbox.run(&["headers"]).ok().stdout, want, "{kind}");
    }
    sandbox.configure("store = \"file\"\n[credentials.x]\ndomain = \"x.example\"\napi_key = { headers = { X-Key = { stored = true } } }");
    sandbox.run(&["headers"]).fails(1).says("authctl secret set x headers.X-Key");
    sandbox.input.pipe("from the store\n");
    sandbox.run(&["secret", "set", "x", "headers.X-Key"]).ok();
    assert_eq!(sandbox.run(&["headers"]).ok().stdout, "X-Key: from the store\n");
    sandbox.configure("[credentials.x]\ndomain = \"x.example\"\napi_key = { key = \"k\", header = \"X Y\" }");
    sandbox.run(&["headers"]).fails(4).says("a name that no HTTP header can have");
    sandbox.environment.set("B", "a\r\nX-Evil: 1");
    sandbox.configure("[credentials.x]\ndomain = \"x.example\"\napi_key = { key = { env = \"B\" } }");
    sandbox.run(&["headers"]).fails(1).says("a character that a header cannot have");
}

#[test]
fn basic() {
    let sandbox = Sandbox::new(
        "[credentials.x]\ndomain = \"x.example\"\nbasic = { username = \"Aladdin\", password = \"open sesame\" }",
    );
    assert_eq!(sandbox.run(&["token"]).ok().text(), "open sesame");
    assert_eq!(sandbox.run(&["headers"]).ok().text(), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert!(sandbox.run(&["whoami"]).ok().stdout.contains("Aladdin"));
}

#[test]
fn the_platforms_token_is_read_anew_every_time() {
    let sandbox = Sandbox::new("[credentials]\ndomain = \"x.example\"");
    sandbox.run(&["token"]).fails(4).says("`credentials.default` has no token provider");
    sandbox.environment.set("APP_SERVICE_TS", "one");
    assert_eq!(sandbox.run(&["token"]).ok().text(), "one");
    sandbox.environment.set("APP_SERVICE_TS", "two");
    assert_eq!(sandbox.run(&["token"]).ok().text(), "two");
    sandbox.configure("[credentials]\ndomain = \"x.example\"\napp_service = {}");
    assert_eq!(sandbox.run(&["token"]).ok().text(), "two");
    let file = sandbox.write("projected", "{\"tok\":\"three\"}");
    sandbox.configure(&format!(
        "[credentials.x]\ndomain = \"x.example\"\nenvironment = {{ file = \"{}\", format = \"json\", field = \"tok\" }}",
        file.display()
    ));
    assert_eq!(sandbox.run(&["token"]).ok().text(), "three");
    sandbox.write("projected", "{\"tok\":\"four\"}");
    assert_eq!(sandbox.run(&["token"]).ok().text(), "four");
}

#[test]
fn commands_are_cached_only_until_they_say() {
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
    assert_eq!(calls(), 4, "text says no end and is not cached");
    let environment = std::fs::read_to_string(sandbox.path("environment")).unwrap();
    assert!(!environment.contains("AUTHCTL_"), "F-LEAK2: {environment}");
    for (body, said) in [
        ("exit 3", "ended with status 3"),
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
    sandbox.run(&["token"]).fails(4).says("only a client that can prove itself has this grant");
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

#[test]
fn stored_secrets() {
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
        .says("Stored client_secret of as in a sealed file");
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

/// One limit holds for every way in: a longer secret is refused, and one of just this length comes through whole.
#[cfg(target_os = "linux")]
#[test]
fn a_secret_may_be_equally_long_wherever_it_comes_from() {
    use std::io::Write as _;
    use std::process::Stdio;

    let run = |sandbox: &Sandbox, arguments: &[&str], input: &str| {
        let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that refuses what is too long need not read it all.
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
