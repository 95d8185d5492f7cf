//! The configuration: every error by itself, the layers, the mask.

use crate::support::Sandbox;
use crate::support::sandbox::set_mode;

const X: &str = "[credentials.x]\ndomain = \"x.example\"\n";

#[test]
fn every_error_has_its_message_its_place_and_a_hint() {
    for (name, config, said) in [
        (
            "nothing",
            "",
            &["no provider is configured: there is no [credentials]", "run `authctl provider add`"][..],
        ),
        (
            "no domain",
            "[credentials.x]\njwt = \"canary\"\n",
            &["`credentials.x` has no `domain`", "~/config/config.toml:1:14"],
        ),
        ("no kind", X, &["`credentials.x` has no token provider", "add one of"]),
        (
            "unknown kind",
            &format!("{X}[credentials.x.oauht]\na = 1\n"),
            &["the token provider `oauht` does not exist", "did you mean `oauth`?", ":3:16"],
        ),
        (
            "two kinds",
            &format!("{X}jwt = \"canary\"\nbasic = {{ username = \"u\", password = \"canary\" }}\n"),
            &["has two token providers, `basic` and `jwt`"],
        ),
        (
            "unknown key",
            &format!("{X}jwtt = \"canary\"\n"),
            &["`credentials.x` has no key `jwtt`", "did you mean `jwt`?", ":3:1", "3 | jwtt ="],
        ),
        (
            "unknown key of a kind",
            &format!("{X}[credentials.x.oauth]\nclient_secrt = \"canary\"\n"),
            &["has no key `client_secrt`", "did you mean `client_secret`?"],
        ),
        (
            "wrong type",
            &format!("{X}[credentials.x.oauth]\nscopes = 5\n"),
            &["`credentials.x.oauth.scopes` must be", "not an integer", "4 | scopes = 5"],
        ),
        (
            "wrong type of a secret",
            &format!("{X}jwt = 77012345\n"),
            &["`credentials.x.jwt.jwt` must be a string, or one of", "not an integer"],
        ),
        (
            "missing key",
            &format!("{X}basic = {{ username = \"u\" }}\n"),
            &["`credentials.x.basic` has no `password`"],
        ),
        (
            "secret twice",
            &format!("{X}[credentials.x.jwt]\njwt = \"canary\"\n_jwt = \"canary\"\n"),
            &["has both `jwt` and `_jwt`"],
        ),
        (
            "two references",
            &format!("{X}jwt = {{ env = \"A\", file = \"canary\" }}\n"),
            &["`credentials.x.jwt` has no key"],
        ),
        (
            "wrong scheme",
            &format!("{X}scheme = \"ftp\"\njwt = \"canary\"\n"),
            &["`credentials.x.scheme` must be one of `https`, `http`"],
        ),
        (
            "http elsewhere",
            &format!("{X}scheme = \"http\"\njwt = \"canary\"\n"),
            &["`credentials.x.domain` is no host", "not an https URL"],
        ),
        (
            "domain with a path",
            "[credentials.x]\ndomain = \"x.example/path\"\njwt = \"canary\"\n",
            &["must be a host"],
        ),
        (
            "domain with a user",
            "[credentials.x]\ndomain = \"u:canary@x.example\"\njwt = \"t\"\n",
            &["has a user name or password"],
        ),
        (
            "password grant",
            &format!("{X}oauth = {{ grant_type = \"password\" }}\n"),
            &["is refused: it gives this program your password"],
        ),
        (
            "O16 F-LEAK6 implicit grant",
            &format!("{X}oauth = {{ grant_type = \"implicit\" }}\n"),
            &["is refused: it puts the token into the browser's history"],
        ),
        (
            "unknown grant",
            &format!("{X}oauth = {{ grant_type = \"client_credential\" }}\n"),
            &["is not known", "did you mean \"client_credentials\"?"],
        ),
        (
            "http endpoint",
            &format!(
                "{X}[credentials.x.oauth]\nclient_id = \"a\"\ntoken_endpoint = \"http://x.example/t\"\n"
            ),
            &["`credentials.x.oauth.token_endpoint` is no endpoint", "not an https URL"],
        ),
        (
            "reserved parameter",
            &format!("{X}[credentials.x.oauth]\nclient_id = \"a\"\nextra_params = {{ state = \"x\" }}\n"),
            &["cannot set `state`"],
        ),
        (
            "fragment",
            &format!("{X}[credentials.x.oauth]\nclient_id = \"a\"\nresource = \"https://a/#b\"\n"),
            &["absolute URIs without a fragment"],
        ),
        (
            "redirect elsewhere",
            &format!(
                "{X}[credentials.x.oauth]\nclient_id = \"a\"\nredirect_uri = \"https://x.example/cb\"\n"
            ),
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
            &["`Git_Hub` is no name for a provider"],
        ),
        (
            "unknown top key",
            &format!("defalt = \"x\"\n{X}jwt = \"t\"\n"),
            &["the configuration has no key `defalt`", "did you mean `default`?"],
        ),
        (
            "default of nobody",
            &format!("default = \"y\"\n{X}jwt = \"t\"\n"),
            &["the default provider `y` is not configured"],
        ),
        ("newer version", &format!("version = 2\n{X}jwt = \"t\"\n"), &["of version 2", "update authctl"]),
        ("wrong store", &format!("store = \"disk\"\n{X}jwt = \"t\"\n"), &["`store.kind` must be one of"]),
        ("syntax", "[credentials.x]\njwt = \"canary\nnext = 1\n", &["this is not TOML", "config.toml:2:"]),
        ("syntax beside a secret", "[credentials.x]\njwt = \"canary\" extra\n", &["this is not TOML"]),
        (
            "inline table beside a secret",
            &format!("{X}oauth = {{ _client_secret = \"canary\", client_idd = \"a\" }}\n"),
            &["has no key `client_idd`", "client_idd ="],
        ),
        ("multi-line secret", &format!("{X}jwtt = \"\"\"\ncanary\n\"\"\"\n"), &["has no key `jwtt`"]),
        (
            "wrong type with a table",
            &format!("{X}oauth = {{ client_id = {{ x = \"canary\" }} }}\n"),
            &["client_id` must be a string, not a table"],
        ),
    ] {
        let sandbox = Sandbox::new(config);
        let output = sandbox.run(&["config", "check"]);
        assert_eq!(output.status, 4, "{name}: {output}");
        for text in said {
            assert!(output.stderr.contains(text), "{name}: `{text}` is not in {output}");
        }
        assert!(!output.stderr.contains("canary") && !output.stderr.contains("77012345"), "{name}: {output}");
        assert_eq!(sandbox.run(&["token"]).status, 4, "{name}");
        let shown = sandbox.run(&["config", "show"]).ok();
        assert!(!shown.to_string().contains("canary"), "{name}: {shown}");
    }
}

#[test]
fn several_errors_in_one_go_and_the_good_providers_work() {
    let sandbox = Sandbox::new(
        "[credentials.good]\ndomain = \"x.example\"\njwt = \"tok\"\n[credentials.bad]\ndomian = \"x\"\n[credentials.worse]\ndomain = \"x.example\"\noauth = { scopes = 1, client_idd = \"a\" }\n",
    );
    let output = sandbox.run(&["config", "check"]);
    assert!(output.stderr.matches("error:").count() >= 5, "{output}");
    assert!(output.stderr.contains("things are wrong"), "{output}");
    assert_eq!(sandbox.run(&["token", "good"]).ok().text(), "tok");
    let nameless = format!("{X}jwt = \"tok\"\n[credentials.GitHub]\ndomain = \"y\"\n[credentials.b]\n");
    let other = Sandbox::new(&nameless.replace("[credentials.b]", "[profile.p.credentials.x]\nnonsense = 5"));
    assert_eq!(other.run(&["token", "x"]).ok().text(), "tok", "a wrong name keeps nobody else from working");
    other.run(&["config", "check"]).fails(4).says("`GitHub` is no name").says("has no key `nonsense`");
    sandbox.run(&["token", "bad"]).fails(4).says("did you mean `domain`?");
    sandbox
        .run(&["token"])
        .fails(2)
        .says("several providers are configured, and none is named: bad, good, worse");
    sandbox.run(&["token", "god"]).fails(4).says("did you mean `good`?");
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["config", "check", "--json"]).stdout).unwrap();
    assert!(json["problems"].as_array().unwrap().len() >= 5);
}

#[test]
fn the_display_rule() {
    let sandbox = Sandbox::new(
        "default = \"a\"\n[credentials.a]\ndomain = \"a.example\"\n[credentials.a.oauth]\nclient_id = \"id\"\n_client_secret = { env = \"GITHUB_OAUTH_SECRET\" }\nscopes = { read = \"r\", admin = [\"a\", \"b\"] }\nproxy = \"http://user:canary@proxy.example:8080\"\nextra_params = { shown = \"yes\", _masked = \"canary\", __hidden = \"canary\" }\ntoken_params = { _a = { file = \"/run/s\" }, _b = { command = [\"pass\", \"canary\"] } }\n[credentials.b]\ndomain = \"b.example\"\njwt = { stored = true }\n[credentials.c]\ndomain = \"c.example\"\nbasic = { username = \"u\", password = \"canary\" }\n[credentials.d]\ndomain = \"d.example\"\napi_key = { headers = { X-Key = \"canary\" } }\n[credentials.e]\ndomain = \"e.example\"\njwt = { file = \"tok\" }\n",
    );
    let shown = sandbox.run(&["config", "show"]).ok();
    for line in [
        "default = \"a\"",
        "client_id = \"id\"",
        "_client_secret = <not set: env GITHUB_OAUTH_SECRET>",
        "scopes = { admin = [\"a\", \"b\"], read = \"r\" }",
        "proxy = \"http://<set>@proxy.example:8080\"",
        "extra_params = { _masked = <set>, shown = \"yes\" }",
        "token_params = { _a = <set: file /run/s>, _b = <set: command pass> }",
        "_jwt = <stored>",
        "username = \"u\"",
        "_password = <set>",
        "headers = { X-Key = <set> }",
        "_jwt = <set: file tok>",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {shown}");
    }
    sandbox.environment.set("GITHUB_OAUTH_SECRET", "canary");
    let set = sandbox.run(&["config", "show", "a"]).ok();
    assert!(set.stdout.contains("_client_secret = <set: env GITHUB_OAUTH_SECRET>"), "{set}");
    for format in [
        &["config", "show"][..],
        &["config", "show", "--origin"],
        &["config", "show", "--json"],
        &["config", "show", "--json", "--origin"],
    ] {
        let output = sandbox.run(format).to_string();
        assert!(!output.contains("canary") && !output.contains("__"), "{output}");
    }
    assert_eq!(sandbox.keyring.opened.get(), 0, "no keyring is touched");
}

#[test]
fn later_layers_win_and_origins_are_kept() {
    let sandbox = Sandbox::new(
        "default = \"b\"\n[credentials.a]\nhosts = [\"h.example\"]\n[credentials.a.oauth]\nscopes = \"user\"\nextra_params = { b = \"2\" }\n[credentials.b]\ndomain = \"b.example\"\njwt = \"user-b\"\n[credentials.k]\napi_key = \"key\"\n",
    );
    sandbox.write("site/config.toml", "default = \"a\"\n[credentials.a]\ndomain = \"a.example\"\n[credentials.a.oauth]\nclient_id = \"site\"\nscopes = \"site\"\nextra_params = { a = \"1\" }\n[credentials.k]\ndomain = \"k.example\"\njwt = \"site\"\n");
    let shown = sandbox.run(&["config", "show", "--origin"]).ok().stdout;
    for line in [
        "default = \"b\"",
        "domain = \"a.example\"",
        "client_id = \"site\"",
        "scopes = \"user\"",
        "extra_params = { a = \"1\", b = \"2\" }",
        "[credentials.k.api_key]",
        "~/site/config.toml:5",
        "~/config/config.toml:5",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("[credentials.k.jwt]"), "another kind replaces: {shown}");
    assert_eq!(sandbox.run(&["token", "k"]).ok().text(), "key");
    assert_eq!(sandbox.run(&["token"]).ok().text(), "user-b");
    sandbox.environment.set("AUTHCTL_DEFAULT", "k");
    assert_eq!(sandbox.run(&["token"]).ok().text(), "key");
    let other = sandbox
        .write("other.toml", "default = \"b\"\n[credentials.b]\ndomain = \"b.example\"\njwt = \"other-b\"\n");
    sandbox.environment.set("AUTHCTL_DEFAULT", "");
    assert_eq!(sandbox.run(&["--config", other.to_str().unwrap(), "token"]).ok().text(), "other-b");
    sandbox.environment.set("AUTHCTL_CONFIG", other.to_str().unwrap());
    assert_eq!(sandbox.run(&["token"]).ok().text(), "other-b");
    sandbox.environment.set("AUTHCTL_CONFIG", "/nonexistent/config.toml");
    sandbox.run(&["token", "b"]).fails(4).says("/nonexistent/config.toml cannot be read");
}

#[test]
fn profiles() {
    let config = format!(
        "{X}jwt = \"base\"\n[profile.work]\ndefault = \"y\"\n[profile.work.credentials.x]\njwt = \"work\"\n[profile.work.credentials.y]\ndomain = \"y.example\"\njwt = \"why\"\n"
    );
    let sandbox = Sandbox::new(&config);
    assert_eq!(sandbox.run(&["token"]).ok().text(), "base");
    assert_eq!(sandbox.run(&["--profile", "work", "token", "x"]).ok().text(), "work");
    assert_eq!(sandbox.run(&["--profile", "work", "token"]).ok().text(), "why");
    sandbox.write("work/.authctl.toml", "profile = \"work\"\n");
    assert_eq!(sandbox.run(&["token", "x"]).ok().text(), "work");
    sandbox.environment.set("AUTHCTL_PROFILE", "none");
    sandbox.run(&["token", "x"]).fails(4).says("the profile `none` is not defined");
    assert_eq!(sandbox.run(&["--profile", "work", "token", "x"]).ok().text(), "work");
}

#[cfg(unix)]
#[test]
fn a_file_that_holds_secrets_must_belong_to_the_user_f_bind2() {
    let sandbox = Sandbox::new(&format!("{X}jwt = \"tok\"\n"));
    let path = sandbox.path("config/config.toml");
    set_mode(&path, 0o644);
    sandbox
        .run(&["token"])
        .ok()
        .says("warning:")
        .says("can be read by others; run `chmod 600 ~/config/config.toml`");
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&path, mode);
        sandbox.run(&["token"]).fails(4).says("can be written by others");
    }
    // A link is followed, as dotfiles are kept: its target counts.
    let real = sandbox.write("dotfiles/authctl.toml", &format!("{X}jwt = \"linked\"\n"));
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(real, &path).unwrap();
    assert_eq!(sandbox.run(&["token"]).ok().text(), "linked");
}

#[test]
fn path_edit_and_schema() {
    let sandbox = Sandbox::new(&format!("{X}jwt = \"tok\"\n"));
    assert_eq!(sandbox.run(&["config", "path"]).ok().text(), "~/config/config.toml");
    let editor = sandbox.write("editor", "#!/bin/sh\nsed -i 's/tok/edited/' \"$1\"\n");
    set_mode(&editor, 0o700);
    sandbox.environment.set("EDITOR", editor.to_str().unwrap());
    sandbox.run(&["config", "edit"]).ok().says("The configuration is right: 1 provider.");
    assert_eq!(sandbox.run(&["token"]).ok().text(), "edited");
    sandbox.write("editor", "#!/bin/sh\necho 'nonsense' >> \"$1\"\n");
    set_mode(&editor, 0o700);
    sandbox.run(&["config", "edit"]).fails(4).says("this is not TOML");
    let schema: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["config", "schema"]).ok().stdout).unwrap();
    let credential = &schema["$defs"]["credential"]["properties"];
    for kind in ["oauth", "jwt", "api_key", "basic", "environment", "app_service", "command"] {
        assert!(credential[kind]["description"].is_string(), "{kind}");
    }
    fn described(value: &serde_json::Value, path: &str) {
        if let Some(properties) = value.get("properties").and_then(|p| p.as_object()) {
            for (name, property) in properties {
                let referenced = property.get("$ref").is_some() || property.get("const").is_some();
                assert!(
                    referenced
                        || property.get("description").is_some()
                        || path.contains("profile")
                        || path.contains("capabilities"),
                    "{path}.{name}"
                );
                described(property, &format!("{path}.{name}"));
            }
        }
        for part in ["anyOf", "oneOf"] {
            for form in value.get(part).and_then(|f| f.as_array()).into_iter().flatten() {
                described(form, path);
            }
        }
    }
    described(&schema, "");
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
