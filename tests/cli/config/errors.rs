//! Each error names its place and has a hint.

use super::X;
use crate::support::Sandbox;

/// Name, configuration (`{X}` is a provider without a token), what is reported.
const ERRORS: &[(&str, &str, &[&str])] = &[
    ("nothing", "", &["no provider is configured", "run `authctl provider add`"]),
    (
        "no domain",
        "[credentials.x]\njwt = \"canary\"\n",
        &["`credentials.x` has no `domain`", "~/config/config.toml:1:14"],
    ),
    ("no kind", "{X}", &["`credentials.x` has no provider kind", "add one of"]),
    (
        "unknown kind",
        "{X}[credentials.x.oauht]\na = 1\n",
        &["unknown provider kind `oauht`", "did you mean `oauth`?", ":3:16"],
    ),
    (
        "two kinds",
        "{X}jwt = \"canary\"\nbasic = { username = \"u\", password = \"canary\" }\n",
        &["has two token providers, `basic` and `jwt`"],
    ),
    (
        "unknown key",
        "{X}jwtt = \"canary\"\n",
        &["unknown key `jwtt` in `credentials.x`", "did you mean `jwt`?", ":3:1", "3 | jwtt ="],
    ),
    (
        "unknown key of a kind",
        "{X}[credentials.x.oauth]\nclient_secrt = \"canary\"\n",
        &["unknown key `client_secrt`", "did you mean `client_secret`?"],
    ),
    (
        "wrong type",
        "{X}[credentials.x.oauth]\nscopes = 5\n",
        &["`credentials.x.oauth.scopes` must be", "not an integer", "4 | scopes = 5"],
    ),
    (
        "wrong type of a secret",
        "{X}jwt = 77012345\n",
        &["`credentials.x.jwt.jwt` must be a string, or one of", "not an integer"],
    ),
    ("missing key", "{X}basic = { username = \"u\" }\n", &["`credentials.x.basic` has no `password`"]),
    (
        "secret twice",
        "{X}[credentials.x.jwt]\njwt = \"canary\"\n_jwt = \"canary\"\n",
        &["has both `jwt` and `_jwt`"],
    ),
    ("two references", "{X}jwt = { env = \"A\", file = \"canary\" }\n", &["in `credentials.x.jwt`"]),
    (
        "wrong scheme",
        "{X}scheme = \"ftp\"\njwt = \"canary\"\n",
        &["`credentials.x.scheme` must be one of `https`, `http`"],
    ),
    (
        "http elsewhere",
        "{X}scheme = \"http\"\njwt = \"canary\"\n",
        &["`credentials.x.domain` is not a valid host", "not an https URL"],
    ),
    (
        "domain with a path",
        "[credentials.x]\ndomain = \"x.example/path\"\njwt = \"canary\"\n",
        &["must be a host"],
    ),
    (
        "domain with a user",
        "[credentials.x]\ndomain = \"u:canary@x.example\"\njwt = \"t\"\n",
        &["contains a user name or password"],
    ),
    (
        "password grant",
        "{X}oauth = { grant_type = \"password\" }\n",
        &["is not supported: it would give authctl your password"],
    ),
    (
        "implicit grant",
        "{X}oauth = { grant_type = \"implicit\" }\n",
        &["is not supported: it would put the token in the browser"],
    ),
    (
        "unknown grant",
        "{X}oauth = { grant_type = \"client_credential\" }\n",
        &["is not a known grant", "did you mean \"client_credentials\"?"],
    ),
    (
        "http endpoint",
        "{X}[credentials.x.oauth]\nclient_id = \"a\"\ntoken_endpoint = \"http://x.example/t\"\n",
        &["`credentials.x.oauth.token_endpoint` is not a valid endpoint", "not an https URL"],
    ),
    (
        "reserved parameter",
        "{X}[credentials.x.oauth]\nclient_id = \"a\"\nextra_params = { state = \"x\" }\n",
        &["cannot set `state`"],
    ),
    (
        "fragment",
        "{X}[credentials.x.oauth]\nclient_id = \"a\"\nresource = \"https://a/#b\"\n",
        &["absolute URIs without a fragment"],
    ),
    (
        "redirect elsewhere",
        "{X}[credentials.x.oauth]\nclient_id = \"a\"\nredirect_uri = \"https://x.example/cb\"\n",
        &["must be an http URL on 127.0.0.1"],
    ),
    (
        "mixed forms",
        "[credentials]\ndomain = \"x.example\"\njwt = \"canary\"\n[credentials.y]\ndomain = \"y.example\"\n",
        &["holds a provider itself (`domain`) and providers by name (`y`)"],
    ),
    (
        "bad name",
        "[credentials.Git_Hub]\ndomain = \"x.example\"\n",
        &["`Git_Hub` is not a valid provider name"],
    ),
    (
        "unknown top key",
        "defalt = \"x\"\n{X}jwt = \"t\"\n",
        &["unknown key `defalt`", "did you mean `default`?"],
    ),
    (
        "default of nobody",
        "default = \"y\"\n{X}jwt = \"t\"\n",
        &["the default provider `y` is not configured"],
    ),
    ("newer version", "version = 2\n{X}jwt = \"t\"\n", &["version 2", "update authctl"]),
    ("wrong store", "store = \"disk\"\n{X}jwt = \"t\"\n", &["`store.kind` must be one of"]),
    ("syntax", "[credentials.x]\njwt = \"canary\nnext = 1\n", &["invalid TOML", "config.toml:2:"]),
    ("syntax beside a secret", "[credentials.x]\njwt = \"canary\" extra\n", &["invalid TOML"]),
    (
        "inline table beside a secret",
        "{X}oauth = { _client_secret = \"canary\", client_idd = \"a\" }\n",
        &["unknown key `client_idd`", "client_idd ="],
    ),
    ("multi-line secret", "{X}jwtt = \"\"\"\ncanary\n\"\"\"\n", &["unknown key `jwtt`"]),
    (
        "wrong type with a table",
        "{X}oauth = { client_id = { x = \"canary\" } }\n",
        &["client_id` must be a string, not a table"],
    ),
];

/// F-LEAK6: the implicit grant is rejected.
#[test]
fn every_error_has_its_message_its_place_and_a_hint() {
    for (name, config, said) in ERRORS {
        let sandbox = Sandbox::new(&config.replace("{X}", X));
        let output = sandbox.run(&["config", "check"]);
        assert_eq!(output.status, 4, "{name}: {output}");
        for text in *said {
            assert!(output.stderr.contains(text), "{name}: `{text}` is not in {output}");
        }
        assert!(!output.stderr.contains("canary") && !output.stderr.contains("77012345"), "{name}: {output}");
        assert_eq!(sandbox.run(&["token"]).status, 4, "{name}");
        let shown = sandbox.run(&["config", "show"]).ok();
        assert!(!shown.to_string().contains("canary"), "{name}: {shown}");
    }
}

#[test]
fn all_errors_are_reported_and_the_good_providers_work() {
    let sandbox = Sandbox::new(
        "[credentials.good]\ndomain = \"x.example\"\njwt = \"tok\"\n[credentials.bad]\ndomian = \"x\"\n[credentials.worse]\ndomain = \"x.example\"\noauth = { scopes = 1, client_idd = \"a\" }\n",
    );
    let output = sandbox.run(&["config", "check"]);
    assert!(output.stderr.matches("error:").count() >= 5, "{output}");
    assert!(output.stderr.contains("found 5 problems"), "{output}");
    assert_eq!(sandbox.run(&["token", "good"]).ok().text(), "tok");
    let nameless = format!("{X}jwt = \"tok\"\n[credentials.GitHub]\ndomain = \"y\"\n[credentials.b]\n");
    let other = Sandbox::new(&nameless.replace("[credentials.b]", "[profile.p.credentials.x]\nnonsense = 5"));
    assert_eq!(
        other.run(&["token", "x"]).ok().text(),
        "tok",
        "an invalid name does not affect other providers"
    );
    other.run(&["config", "check"]).fails(4).says("`GitHub` is not a valid").says("unknown key `nonsense`");
    sandbox.run(&["token", "bad"]).fails(4).says("did you mean `domain`?");
    sandbox
        .run(&["token"])
        .fails(2)
        .says("several providers are configured, and none is selected: bad, good, worse");
    sandbox.run(&["token", "god"]).fails(4).says("did you mean `good`?");
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["config", "check", "--json"]).stdout).unwrap();
    assert!(json["problems"].as_array().unwrap().len() >= 5);
}

#[test]
fn a_key_with_and_without_its_mark_is_an_error_in_free_tables_as_well() {
    for table in [
        "oauth.client_id = \"a\"\noauth.extra_params = { a = \"1\", _a = \"2\" }",
        "oauth.client_id = \"a\"\noauth.token_params = { _a = \"1\", __a = \"2\" }",
        "external = { program = \"p\", tenant = \"1\", _tenant = \"2\" }",
    ] {
        let sandbox = Sandbox::new(&format!("[credentials.x]\ndomain = \"x.example\"\n{table}\n"));
        sandbox.run(&["config", "check"]).fails(4).says("has both");
    }
}
