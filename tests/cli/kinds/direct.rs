//! Tokens, API keys and passwords from the configuration.

use crate::support::Sandbox;

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
        .says("the configured token expired at 1970-01-01T00:16:40Z")
        .says("put a new token");
    for (reference, said) in [
        ("env = \"TOKEN\"", "TOKEN is not set"),
        ("file = \"none\"", "cannot read the secret file"),
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
    sandbox.run(&["headers"]).fails(4).says("an invalid header name");
    sandbox.environment.set("B", "a\r\nX-Evil: 1");
    sandbox.configure("[credentials.x]\ndomain = \"x.example\"\napi_key = { key = { env = \"B\" } }");
    sandbox.run(&["headers"]).fails(1).says("a character that is invalid in a header");
}

#[test]
fn basic_credentials_are_printed() {
    let sandbox = Sandbox::new(
        "[credentials.x]\ndomain = \"x.example\"\nbasic = { username = \"Aladdin\", password = \"open sesame\" }",
    );
    assert_eq!(sandbox.run(&["token"]).ok().text(), "open sesame");
    assert_eq!(sandbox.run(&["headers"]).ok().text(), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert!(sandbox.run(&["whoami"]).ok().stdout.contains("Aladdin"));
}

#[test]
fn the_platforms_token_is_read_every_time() {
    let sandbox = Sandbox::new("[credentials]\ndomain = \"x.example\"");
    sandbox.run(&["token"]).fails(4).says("`credentials.default` has no provider kind");
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
