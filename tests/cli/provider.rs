//! `authctl provider`: list, show, add, set, remove, templates, and the questions of the wizard.

use std::sync::Arc;

use serde_json::Value;

use crate::support::browsers::Never;
use crate::support::{AuthorizationServer, Sandbox};

fn config(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path("config/config.toml")).unwrap()
}

/// The secret that a provider's key has in the store, as `authctl token` uses it.
fn raw(sandbox: &Sandbox, provider: &str) -> String {
    sandbox.run(&["token", provider]).ok().text().to_owned()
}

#[test]
fn a_template_by_options_keeps_what_is_there() {
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
    sandbox.run(&add).fails(1).says("there is a provider `github` already").says("--replace");
    assert_eq!(config(&sandbox), after);
    let replaced = [&add[..], &["--replace", "--set", "client_id=new"]].concat();
    sandbox.run(&replaced).ok();
    assert!(config(&sandbox).contains("client_id = \"new\"") && !config(&sandbox).contains("abc"));
}

#[test]
fn what_is_missing_is_told_with_the_providers_own_words() {
    let sandbox = Sandbox::new("store = \"file\"\n");
    let before = config(&sandbox);
    let told = sandbox.run(&["provider", "add", "gitlab"]).fails(2);
    told.says("more must be known of `gitlab`").says("--set oauth.client_id=…");
    let told = sandbox.run(&["provider", "add", "work", "--template", "keycloak"]).fails(2);
    told.says("--set domain=…");
    sandbox.run(&["provider", "add", "githb"]).fails(2).says("did you mean `github`?");
    sandbox.run(&["provider", "add", "example.com"]).fails(2).says("for a URL, write https://example.com");
    sandbox.run(&["provider", "add"]).fails(2).says("say what to add");
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
    sandbox.run(&literal).fails(2).says("is a secret, which no argument holds").says("--secret key");
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

#[test]
fn keys_are_set_and_taken_away() {
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
    sandbox.run(&["provider", "set", "a", "scopes=b c"]).ok().says("Nothing is to be changed");
    sandbox.run(&["provider", "set", "a", "--unset", "audience"]).ok().says("is not written there");
    sandbox.run(&["provider", "set", "a", "--default"]).ok();
    assert!(config(&sandbox).contains("default = \"a\""));
    sandbox.run(&["provider", "set", "a", "--replace", "domain=b.example", "client_id=y"]).ok();
    assert!(!config(&sandbox).contains("use_dpop"));
    sandbox.run(&["provider", "set", "b", "domain=x"]).fails(4).says("is not configured");
    sandbox.run(&["provider", "set", "a"]).fails(2);
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
fn a_provider_is_removed_only_when_nothing_of_it_is_stored() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.run(&["provider", "remove", "as"]).fails(1).says("you are logged in to `as`").says("--logout");
    sandbox.run(&["provider", "remove", "as", "--logout"]).ok().says("Logged out of as (alice)");
    assert!(!server.requests_to("/revoke").is_empty());
    assert!(!config(&sandbox).contains("credentials") && sandbox.stores_nothing());
    sandbox.run(&["provider", "remove", "as"]).fails(4).says("is not in your configuration file");
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
        "wrong: authctl config check",
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
    sandbox.run(&["provider", "show", "wrong"]).ok().says("has no token provider");

    let templates = sandbox.run(&["provider", "templates"]).ok().stdout;
    assert!(templates.lines().count() >= 40 && templates.contains("github"), "{templates}");
    let one = sandbox.run(&["provider", "templates", "gitlab"]).ok().stdout;
    for text in ["Make it at", "oauth.client_id", "authctl provider add gitlab"] {
        assert!(one.contains(text), "{text}: {one}");
    }
    sandbox.run(&["provider", "templates", "gitlb"]).fails(2).says("did you mean `gitlab`?");
    Sandbox::new("").run(&["provider", "list"]).fails(4).says("no provider is configured");
}

#[test]
fn the_wizard_asks_what_only_the_user_knows() {
    let mut sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.system.browser = Arc::new(Never);
    // Neither a template nor a URL; the list; a template; its name; domain, id, secret; write it; no login.
    sandbox.input.type_answers(&["githb", "?", "bitbucket", "", "the-id", "y", "n"]);
    sandbox.input.type_hidden(&["secret-canary"]);
    let output = sandbox.run(&["provider", "add"]).ok();
    assert!(sandbox.input.is_used_up());
    for text in [
        "did you mean `github`?",
        "Bitbucket Cloud: ",
        "Make it at https://bitbucket.org/",
        "Redirect URI to enter there: http://127.0.0.1:8484/callback",
        "The Key of the consumer",
        "+ oauth._client_secret = <stored>",
        "`authctl login bitbucket` logs in",
    ] {
        assert!(output.stderr.contains(text), "{text}: {output}");
    }
    let asked = sandbox.input.asked.take();
    assert_eq!(
        asked,
        [
            "Provider",
            "Provider",
            "Provider",
            "Name of the provider",
            "client_id",
            "client_secret (hidden)",
            "Write this?",
            "Log in now?"
        ]
    );
    assert!(
        config(&sandbox)
            .contains("[credentials.bitbucket]\ntemplate = \"bitbucket\"\noauth.client_id = \"the-id\"\n")
    );
    assert!(!sandbox.files().iter().any(|(_, text)| String::from_utf8_lossy(text).contains("canary")));
}

#[test]
fn the_wizard_writes_nothing_that_is_not_wanted() {
    let sandbox = Sandbox::new("store = \"file\"\n");
    let before = sandbox.files();
    sandbox.input.type_answers(&["", "id", "n"]);
    sandbox.input.type_hidden(&["secret"]);
    sandbox.run(&["provider", "add", "--template", "bitbucket"]).ok().says("Nothing was written.");
    assert_eq!(sandbox.files(), before);
    sandbox.input.type_answers(&["", "", "", "", ""]);
    sandbox.run(&["provider", "add", "bitbucket"]).fails(1).says("`client_id` was not given");
    assert_eq!(sandbox.files(), before);
}

#[test]
fn from_a_url_discovery_answers_and_the_login_follows() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.registers = Some(serde_json::Map::new());
        behaviour.metadata.insert("scopes_supported".to_owned(), serde_json::json!(["openid", "profile"]));
    });
    let html = crate::support::http::Reply::full(200, &[("content-type", "text/html")], "");
    server.fault("/", html.clone());
    let sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.input.type_answers(&[&server.issuer(), "mine", "y", "y"]);
    sandbox.run(&["provider", "add"]).ok().says("Logged in to mine as alice");
    let text = config(&sandbox);
    for line in [
        format!("oauth.issuer = \"{}\"", server.issuer()),
        "oauth.scopes = [\"openid\", \"profile\"]".to_owned(),
        "scheme = \"http\"".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    let token = sandbox.run(&["token"]).ok();
    assert_eq!(sandbox.run(&["token", &server.issuer()]).ok(), token, "by its URL too");
    // The same without a terminal.
    server.fault("/", html);
    let sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.run(&["provider", "add", "mine", "--from", &server.issuer(), "--login"]).ok().says("as alice");
    sandbox.run(&["whoami", "mine"]).ok();
}

#[test]
fn a_templates_name_is_enough_to_log_in_where_somebody_is_asked() {
    let sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.run(&["login", "github"]).fails(4).says("run `authctl provider add github`");
    sandbox.input.type_answers(&["app", "", "n"]);
    sandbox.input.type_hidden(&[""]);
    let output = sandbox.run(&["login", "github"]);
    assert_eq!((output.status, sandbox.input.is_used_up()), (1, true), "not written, no login: {output}");
    assert!(!config(&sandbox).contains("github"));
    // What is written is logged in to at once; nobody answers there.
    let sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.input.type_answers(&["app", "", "y"]);
    sandbox.input.type_hidden(&[""]);
    sandbox
        .run(&["login", "github", "--timeout", "1s", "--no-browser"])
        .fails(1)
        .says("no redirect came within 1 second");
    assert!(
        config(&sandbox).contains("[credentials.github]\ntemplate = \"github\"\noauth.client_id = \"app\"")
    );
}

#[test]
fn a_login_with_nothing_configured_asks_where() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.registers = Some(serde_json::Map::new()));
    server.fault("/", crate::support::http::Reply::full(200, &[("content-type", "text/html")], ""));
    let sandbox = Sandbox::new("store = \"file\"\n");
    sandbox.run(&["login"]).fails(4).says("run `authctl provider add`");
    sandbox.input.type_answers(&[&server.issuer(), "mine", "y"]);
    sandbox.run(&["login"]).ok().says("Logged in to mine");
    sandbox.run(&["token"]).ok();
}
