//! Layers of configuration, profiles and the display rule.

use super::X;
use crate::support::Sandbox;

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
    assert!(!shown.contains("[credentials.k.jwt]"), "another kind replaces it: {shown}");
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
    sandbox.run(&["token", "b"]).fails(4).says("cannot read /nonexistent/config.toml");
}

#[test]
fn a_profile_changes_the_configuration() {
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
