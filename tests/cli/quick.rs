//! The quick path to a stored token, and the kernel's cache: both may only change how long `token` takes.

use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

/// Runs `token` without options, and with an option that the quick path does not know: the outputs must be equal.
#[track_caller]
fn compare(sandbox: &Sandbox, name: &str, provider: &[&str]) -> String {
    let quick = sandbox.run(&[&["token"], provider].concat());
    let full = sandbox.run(&[&["token"], provider, &["-o", "raw"]].concat());
    assert_eq!(quick, full, "{name}");
    quick.stdout
}

fn logged_in(server: &AuthorizationServer) -> (Sandbox, String, String) {
    let config = server_config(&server.domain(), "");
    let sandbox = Sandbox::new(&config);
    sandbox.run(&["login"]).ok();
    let token = compare(&sandbox, "logged in", &[]);
    (sandbox, config, token)
}

#[test]
fn quick_and_full_runs_agree_on_providers() {
    let server = AuthorizationServer::start();
    let base = server_config(&server.domain(), "");
    let sandbox = Sandbox::new(&base);
    compare(&sandbox, "not logged in", &[]);
    sandbox.run(&["login"]).ok();
    let token = compare(&sandbox, "logged in", &[]);
    assert!(server.accepts(token.trim()));
    assert_eq!(compare(&sandbox, "by its name", &["as"]), token);
    assert_eq!(compare(&sandbox, "an unknown one", &["ass"]), "");
    assert_eq!(compare(&sandbox, "no name at all", &["As"]), "");
}

#[test]
fn quick_and_full_runs_agree_on_other_configuration() {
    let server = AuthorizationServer::start();
    let (sandbox, base, token) = logged_in(&server);
    let other = "[credentials.other]\ndomain = \"other.example\"\njwt = \"other\"\n";
    for (name, more) in [
        ("another provider", other),
        ("a wrong provider", "[credentials.other]\ndomain = 7\njwt = \"x\"\nnonsense = 1\n"),
        ("a broken text", "[credentials.other]\ndomain = \"x\n"),
        ("a key twice", "[credentials.other]\ndomain = \"x\"\ndomain = \"x\"\n"),
        ("a provider twice", "[credentials.as]\ndomain = \"x\"\n"),
        ("a wrong name", "[credentials.Other]\ndomain = \"x\"\n"),
        ("an unknown table", "[nonsense]\nx = 1\n"),
        ("a profile", "[profile.p.credentials.as]\nhosts = [\"x.example\"]\n"),
        ("a wrong store", "[store]\nkind = \"nowhere\"\n"),
    ] {
        sandbox.configure(&format!("{base}{more}"));
        compare(&sandbox, name, &["as"]);
        compare(&sandbox, name, &[]);
    }
    sandbox.configure(&format!("default = \"as\"\n{base}{other}"));
    assert_eq!(compare(&sandbox, "the default", &[]), token);
    sandbox.environment.set("AUTHCTL_DEFAULT", "other");
    assert_eq!(compare(&sandbox, "another default", &[]), "other\n");
    sandbox.environment.set("AUTHCTL_DEFAULT", "");
    sandbox.environment.set("AUTHCTL_CREDENTIALS__OTHER__JWT", "changed");
    assert_eq!(compare(&sandbox, "a variable", &["other"]), "changed\n");
    sandbox.environment.set("AUTHCTL_CREDENTIALS__AS__OAUTH__CLIENT_ID", "another");
    assert_eq!(compare(&sandbox, "another client", &["as"]), "");
    sandbox.environment.set("AUTHCTL_CREDENTIALS__AS__OAUTH__CLIENT_ID", "");
}

#[test]
fn quick_and_full_runs_agree_on_changed_files() {
    let server = AuthorizationServer::start();
    let (sandbox, base, token) = logged_in(&server);
    let path = sandbox.path("config/config.toml");
    for mode in [0o640, 0o622] {
        set_mode(&path, mode);
        compare(&sandbox, "a file that others reach", &["as"]);
    }
    set_mode(&path, 0o600);
    let project = sandbox.write("work/.authctl.toml", "[credentials.as.oauth]\nscopes = [\"repo\"]\n");
    compare(&sandbox, "a project", &["as"]);
    sandbox.write("work/.authctl.toml", "[credentials.other]\ndomain = \"evil.example\"\n");
    assert_eq!(compare(&sandbox, "F-BIND1 a hostile project", &["as"]), "");
    std::fs::remove_file(project).unwrap();

    sandbox.configure(&base.replace("\"repo\"", "\"repo\", \"more\""));
    compare(&sandbox, "more scopes than the login had", &["as"]);
    sandbox.configure(&base);
    sandbox.clock.advance(4000);
    let renewed = compare(&sandbox, "renewed", &["as"]);
    assert_ne!(renewed, token);
    std::fs::write(sandbox.path("state/index/as.json"), "nonsense").unwrap();
    assert_eq!(compare(&sandbox, "a lost index", &["as"]), renewed);
    std::fs::remove_file(sandbox.path("data/store.key")).unwrap();
    assert_eq!(compare(&sandbox, "a lost key", &["as"]), "");
}

fn cached(server: &AuthorizationServer) -> (Sandbox, String) {
    let config = server_config(&server.domain(), "")
        .replace("store = \"file\"", "store = { kind = \"file\", cache = \"kernel\" }");
    let sandbox = Sandbox::new(&config);
    sandbox.run(&["login"]).ok();
    (sandbox, config)
}

/// The number of tokens in the kernel's cache.
fn in_kernel(sandbox: &Sandbox) -> usize {
    sandbox.kernel_keyring.kept.lock().keys().filter(|name| name.starts_with("authctl:token:")).count()
}

#[test]
fn the_kernel_keeps_a_token_until_it_must_be_renewed() {
    let server = AuthorizationServer::start();
    let (sandbox, _) = cached(&server);
    assert_eq!(in_kernel(&sandbox), 0);
    let token = sandbox.run(&["token"]).ok();
    assert_eq!(in_kernel(&sandbox), 1);
    // Nothing else is needed from now on.
    let records = sandbox.path("state/records");
    std::fs::rename(&records, sandbox.path("state/away")).unwrap();
    assert_eq!(sandbox.run(&["token"]).ok(), token);
    sandbox.run(&["token", "as"]).fails(3);
    sandbox.clock.advance(3500);
    assert_eq!(sandbox.run(&["token"]).ok(), token);
    sandbox.clock.advance(45);
    sandbox.run(&["token"]).fails(3);
    std::fs::remove_dir_all(&records).unwrap_or_default();
    std::fs::rename(sandbox.path("state/away"), &records).unwrap();
    assert_ne!(sandbox.run(&["token"]).ok(), token, "renewed");
    for (path, bytes) in sandbox.files() {
        assert!(!String::from_utf8_lossy(&bytes).contains(token.text()), "{}", path.display());
    }
}

/// The note is for users who did not choose the file, so a cached token must not suppress it.
#[test]
fn a_token_from_the_kernel_comes_with_the_note_about_the_config_file() {
    let server = AuthorizationServer::start();
    let (sandbox, _) = cached(&server);
    sandbox.environment.set("AUTHCTL_CONFIG", sandbox.path("config/config.toml").to_str().unwrap());
    let first = sandbox.run(&["token"]).ok();
    assert_eq!(in_kernel(&sandbox), 1);
    std::fs::rename(sandbox.path("state/records"), sandbox.path("state/away")).unwrap();
    let second = sandbox.run(&["token"]).ok();
    assert_eq!(second, first);
    assert_eq!(second.stderr.matches("AUTHCTL_CONFIG").count(), 1, "{second}");
}

#[test]
fn every_token_change_clears_the_kernel_cache() {
    let server = AuthorizationServer::start();
    let (sandbox, config) = cached(&server);
    let token = sandbox.run(&["token"]).ok();
    let renewed = sandbox.run(&["token", "--refresh"]).ok();
    assert_ne!(renewed, token);
    assert_eq!(sandbox.run(&["token"]).ok(), renewed);

    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox.run(&["login"]).ok();
    let bob = sandbox.run(&["token"]).ok();
    assert_ne!(bob, renewed);
    sandbox.run(&["account", "use", "alice"]).ok();
    assert_eq!(sandbox.run(&["token"]).ok(), renewed);
    sandbox.run(&["account", "use", "bob"]).ok();
    assert_eq!(sandbox.run(&["token"]).ok(), bob);

    // Another configuration does not find this one's tokens.
    sandbox.configure(&config.replace("client_id = \"app\"", "client_id = \"another\""));
    sandbox.run(&["token"]).fails(3);
    sandbox.configure(&config);
    sandbox.write("work/.authctl.toml", "[credentials.as.oauth]\nscopes = [\"nothing\"]\n");
    assert_ne!(sandbox.run(&["token"]).stdout, bob.stdout);
    std::fs::remove_file(sandbox.path("work/.authctl.toml")).unwrap();
    sandbox.environment.set("AUTHCTL_PROFILE", "nobody");
    sandbox.run(&["token"]).fails(4);
    sandbox.environment.set("AUTHCTL_PROFILE", "");
    sandbox.run(&["token"]).ok();
    assert!(in_kernel(&sandbox) > 0);
    sandbox.run(&["logout", "--all"]).ok();
    assert_eq!(in_kernel(&sandbox), 0);
    sandbox.run(&["token"]).fails(3);
}

#[test]
fn the_kernel_cache_is_used_only_if_configured() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token"]).ok();
    assert_eq!(in_kernel(&sandbox), 0, "off by default");

    let (sandbox, config) = cached(&server);
    sandbox.configure(&config.replace("\"repo\"", "\"repo\", \"more\""));
    let told = sandbox.run(&["token"]).ok().says("note:");
    assert_eq!(sandbox.run(&["token"]).ok(), told, "the note is printed each time");
    assert_eq!(in_kernel(&sandbox), 0);
    sandbox.configure(&config);
    server.set(|behaviour| behaviour.expires_in = Some(2));
    sandbox.run(&["token", "--refresh"]).ok();
    sandbox.run(&["token"]).ok();
    server.set(|behaviour| behaviour.expires_in = None);
    sandbox.run(&["token", "--refresh"]).ok();
    sandbox.run(&["token"]).ok();
    assert_eq!(in_kernel(&sandbox), 0, "without a known expiry, or expiring soon");
}
