//! `provider add` by options and templates.

use super::config;
use crate::support::Sandbox;

/// The secret stored for a provider's key, as `authctl token` uses it.
fn raw(sandbox: &Sandbox, provider: &str) -> String {
    sandbox.run(&["token", provider]).ok().text().to_owned()
}

#[test]
fn adding_a_template_keeps_the_existing_file() {
    let before =
        "# mine\nstore = \"file\" # here\n\n[credentials.old]\ndomain = \"old.example\"\njwt = \"x\"\n";
    let sandbox = Sandbox::new(before);
    let add =
        ["provider", "add", "github", "--set", "client_id=abc", "--set", "scopes=repo gist", "--default"];
    let added = sandbox.run(&add).ok();
    added
        .says("+ default = \"github\"")
        .says("+ oauth.client_id = \"abc\"")
        .says("✓ Added github.")
        .says("authctl login github");
    let after = config(&sandbox);
    assert!(after.starts_with("# mine\nstore = \"file\" # here\n"), "{after}");
    assert!(after.contains("[credentials.old]\ndomain = \"old.example\"\njwt = \"x\"\n\n[credentials.github]\ntemplate = \"github\"\noauth.client_id = \"abc\"\noauth.scopes = [\"repo\", \"gist\"]\n"), "{after}");
    sandbox.run(&["config", "check"]).ok();
    sandbox.run(&add).fails(1).says("the provider `github` already exists").says("--replace");
    assert_eq!(config(&sandbox), after);
    let replaced = [&add[..], &["--replace", "--set", "client_id=new"]].concat();
    sandbox.run(&replaced).ok();
    assert!(config(&sandbox).contains("client_id = \"new\"") && !config(&sandbox).contains("abc"));
}

#[test]
fn missing_settings_are_explained_in_the_providers_terms() {
    let sandbox = Sandbox::new("store = \"file\"\n");
    let before = config(&sandbox);
    let told = sandbox.run(&["provider", "add", "gitlab"]).fails(2);
    told.says("`gitlab` needs more settings").says("--set oauth.client_id=…");
    let told = sandbox.run(&["provider", "add", "work", "--template", "keycloak"]).fails(2);
    told.says("--set domain=…");
    sandbox.run(&["provider", "add", "githb"]).fails(2).says("did you mean `github`?");
    sandbox.run(&["provider", "add", "example.com"]).fails(2).says("for a URL, write https://example.com");
    sandbox.run(&["provider", "add"]).fails(2).says("missing template, URL or kind");
    sandbox
        .run(&["provider", "add", "x", "--template", "github", "--set", "clientid=1"])
        .fails(2)
        .says("did you mean `client_id`?");
    assert_eq!(config(&sandbox), before, "nothing was written");
}

#[test]
fn secrets_are_piped_in_and_never_in_the_file_f_leak1() {
    let sandbox = Sandbox::new("store = \"file\"\n");
    let literal = ["provider", "add", "openai", "--set", "key=canary"];
    sandbox.run(&literal).fails(2).says("is a secret, and other users can see").says("--secret key");
    sandbox.run_with(&["provider", "add", "openai", "--secret", "key"], "sk-canary\n").ok();
    assert!(config(&sandbox).contains("api_key.key = { stored = true }"));
    assert_eq!(raw(&sandbox, "openai"), "sk-canary");
    for (path, text) in sandbox.files() {
        assert!(!String::from_utf8_lossy(&text).contains("canary"), "{}", path.display());
    }
    sandbox
        .run_with(&["provider", "add", "anthropic", "--secret", "key"], "\n")
        .fails(1)
        .says("the secret is empty");
    assert!(!config(&sandbox).contains("anthropic"));
    // A key may have the name of its kind.
    let jwt = ["provider", "add", "own", "--kind", "jwt", "--set", "domain=own.example", "--secret", "jwt"];
    sandbox.run_with(&jwt, "canary\n").ok();
    assert!(config(&sandbox).contains("jwt.jwt = { stored = true }"));
    let reference = ["provider", "add", "anthropic", "--set", "key={ env = \"X\" }"];
    sandbox.run(&reference).ok();
    sandbox.environment.set("X", "from-the-environment");
    assert_eq!(raw(&sandbox, "anthropic"), "from-the-environment");
}

#[test]
fn a_provider_that_would_be_wrong_is_not_written() {
    let sandbox =
        Sandbox::new("store = \"file\"\n[credentials.a]\ndomain = \"a.example\"\noauth.client_id = \"x\"\n");
    let before = config(&sandbox);
    for arguments in [
        &["provider", "add", "x", "--kind", "oauth", "--set", "client_id=1"] as &[_],
        &["provider", "add", "x", "--kind", "oauth", "--set", "domain=x.example", "--set", "issuer=ftp://x"],
        &["provider", "set", "a", "grant_type=password"],
        &["provider", "set", "a", "domain="],
    ] {
        let output = sandbox.run(arguments);
        assert_eq!(output.status, 4, "{arguments:?}: {output}");
        assert_eq!(config(&sandbox), before, "{arguments:?}");
    }
}
