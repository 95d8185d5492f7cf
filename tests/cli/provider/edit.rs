//! Changes, removals and lists of providers.

use serde_json::Value;

use super::config;
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn keys_are_set_and_removed() {
    let sandbox = Sandbox::new(
        "store = \"file\"\n# the one\n[credentials.a]\ndomain = \"a.example\"\n[credentials.a.oauth]\nclient_id = \"x\" # id\nscopes = [\"a\"]\n_client_secret = { env = \"S\" }\n",
    );
    sandbox
        .run(&["provider", "set", "a", "scopes=b c", "use_dpop=true", "--unset", "client_secret"])
        .ok()
        .says("+ oauth.scopes = [\"b\", \"c\"]");
    let after = config(&sandbox);
    assert!(after.contains("# the one\n") && after.contains("client_id = \"x\" # id\n"), "{after}");
    assert!(
        after.contains("scopes = [\"b\", \"c\"]")
            && after.contains("use_dpop = true")
            && !after.contains("client_secret"),
        "{after}"
    );
    sandbox.run(&["provider", "set", "a", "scopes=b c"]).ok().says("Nothing to change");
    sandbox.run(&["provider", "set", "a", "--unset", "audience"]).ok().says("is not set in your config file");
    sandbox.run(&["provider", "set", "a", "--default"]).ok();
    assert!(config(&sandbox).contains("default = \"a\""));
    sandbox.run(&["provider", "set", "a", "--replace", "domain=b.example", "client_id=y"]).ok();
    assert!(!config(&sandbox).contains("use_dpop"));
    sandbox.run(&["provider", "set", "b", "domain=x"]).fails(4).says("is not configured");
    sandbox.run(&["provider", "set", "a"]).fails(2);
}

#[test]
fn a_key_without_a_value_is_an_error_and_does_not_empty_the_key() {
    let sandbox = Sandbox::new(
        "[credentials.a]\ndomain = \"a.example\"\noauth = { issuer = \"https://as.example\", client_id = \"x\", scopes = [\"read\"] }\n",
    );
    let before = config(&sandbox);
    for command in
        [&["provider", "set", "a", "scopes"][..], &["provider", "set", "a", "use_dpop=true", "scopes"]]
    {
        sandbox.run(command).fails(2).says("`scopes` has no value").says("--unset KEY");
        assert_eq!(config(&sandbox), before, "{command:?}");
    }
    sandbox.run(&["provider", "set", "a", "scopes="]).ok();
    assert!(!config(&sandbox).contains("scopes"), "an empty value removes the key");
}

#[test]
fn a_removed_line_does_not_show_its_secret_f_leak1() {
    let written = "store = \"file\"\n# token canary-comment\n[credentials.a]\ndomain = \"a.example\"\n";
    for (name, text) in [
        ("a shorthand", "jwt = \"canary\"\n"),
        ("dotted", "oauth.client_id = \"x\"\noauth.client_secret = \"canary\"\n"),
        ("inline", "oauth = { client_id = \"x\", _client_secret = \"canary\" }\n"),
        ("a table", "[credentials.a.api_key]\nkey = \"canary\"\n"),
        ("headers", "headers = { X-Key = \"canary\" }\n"),
        ("a proxy", "jwt = \"canary\"\nproxy = \"http://me:canary@proxy.example\"\n"),
        ("a slip", "oauth = { client_id = \"x\", client_secert = \"canary\" }\n"),
    ] {
        for arguments in [
            &["provider", "remove", "a"] as &[_],
            &["provider", "set", "a", "--replace", "domain=b.example", "jwt={ env = \"X\" }"],
            &[
                "provider",
                "add",
                "a",
                "--replace",
                "--kind",
                "jwt",
                "--set",
                "domain=b.example",
                "--set",
                "jwt={ env = \"X\" }",
            ],
        ] {
            let output = Sandbox::new(&format!("{written}{text}")).run(arguments);
            assert!(!output.to_string().contains("canary"), "{name}: {output}");
            let is_removed = arguments[1] == "remove";
            assert!(!is_removed || output.stderr.contains("- domain = \"a.example\""), "{name}: {output}");
        }
    }
}

#[test]
fn a_provider_is_removed_only_after_its_logins() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.run(&["provider", "remove", "as"]).fails(1).says("you are logged in to `as`").says("--logout");
    sandbox.run(&["provider", "remove", "as", "--logout"]).ok().says("Logged out of as (alice)");
    assert!(!server.requests_to("/revoke").is_empty());
    assert!(!config(&sandbox).contains("credentials") && sandbox.stores_nothing());
    sandbox.run(&["provider", "remove", "as"]).fails(4).says("is not in your config file");
}

#[test]
fn list_show_and_templates() {
    let sandbox = Sandbox::new(
        "default = \"gh\"\n[credentials.gh]\ntemplate = \"github\"\noauth.client_id = \"x\"\n[credentials.key]\ndomain = \"k.example\"\napi_key = \"canary\"\n[credentials.wrong]\ndomain = \"w.example\"\n",
    );
    let listed = sandbox.run(&["provider", "list"]).ok().stdout;
    for line in [
        "gh        oauth, authorization_code  github.com  github    default",
        "key       api_key",
        "invalid: run `authctl config check`",
    ] {
        assert!(listed.contains(line), "{line}: {listed}");
    }
    let json: Value =
        serde_json::from_str(&sandbox.run(&["provider", "list", "--json"]).ok().stdout).unwrap();
    assert_eq!(
        (&json["providers"][0]["default"], &json["providers"][2]["right"]),
        (&true.into(), &false.into())
    );
    let shown = sandbox.run(&["provider", "show", "key"]).ok().stdout;
    assert!(
        shown.contains("[credentials.key.api_key]\n_key = <set>") && !shown.contains("canary"),
        "{shown}"
    );
    sandbox.run(&["provider", "show", "wrong"]).ok().says("has no provider kind");

    let templates = sandbox.run(&["provider", "templates"]).ok().stdout;
    assert!(templates.lines().count() >= 40 && templates.contains("github"), "{templates}");
    let one = sandbox.run(&["provider", "templates", "gitlab"]).ok().stdout;
    for text in ["Register the client at", "oauth.client_id", "authctl provider add gitlab"] {
        assert!(one.contains(text), "{text}: {one}");
    }
    sandbox.run(&["provider", "templates", "gitlb"]).fails(2).says("did you mean `gitlab`?");
    Sandbox::new("").run(&["provider", "list"]).fails(4).says("no provider is configured");
}
