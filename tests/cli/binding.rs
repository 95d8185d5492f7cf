//! Stored secrets are sent to the server that issued them, and to no other.

use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// Tokens go to the server that issued them.
#[test]
fn a_changed_endpoint_issuer_or_client_sends_nothing_f_bind1_f_bind4() {
    let evil = AuthorizationServer::start();
    for (name, more, domain, client, label) in [
        (
            "token endpoint",
            format!("token_endpoint = \"{}/token\"", evil.issuer()),
            None,
            "app",
            "token endpoint",
        ),
        ("domain", String::new(), Some(evil.domain()), "app", "issuer"),
        ("issuer", format!("issuer = \"{}\"", evil.issuer()), None, "app", "issuer"),
        ("client", String::new(), None, "other", "client id"),
    ] {
        let server = AuthorizationServer::start();
        let sandbox = Sandbox::with_server(&server.domain());
        sandbox.run(&["login"]).ok();
        sandbox.clock.advance(4000);
        let before = server.requests().len();
        let domain = domain.unwrap_or_else(|| server.domain());
        sandbox.configure(&server_config(&domain, &more).replace("\"app\"", &format!("\"{client}\"")));
        let output = sandbox.run(&["token"]).fails(3);
        assert!(
            output.stderr.contains("belongs to another server or client; nothing was sent"),
            "{name}: {output}"
        );
        assert!(output.stderr.contains(&format!("says {label} ")), "{name}: {output}");
        let told = sandbox.run(&["logout"]).ok();
        assert!(told.stderr.contains("The server was not contacted"), "{name}: {told}");
        assert_eq!((server.requests().len(), evil.requests().len()), (before, 0), "{name}");
    }
}

#[test]
fn a_token_endpoint_that_discovery_moves_gets_nothing_f_bind5() {
    let server = AuthorizationServer::start();
    let evil = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    server.set(|behaviour| {
        let moved = format!("{}/token", evil.issuer());
        behaviour.metadata.insert("token_endpoint".to_owned(), moved.into());
    });
    // After the cached metadata has expired.
    sandbox.clock.advance(25 * 3600);
    sandbox.run(&["token"]).fails(3).says("are bound to http://127.0.0.1").says("nothing was sent");
    assert!(evil.requests().is_empty());
}

#[test]
fn a_project_can_only_select_and_narrow_f_bind1_f_bind2() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let before = server.requests().len();
    for hostile in [
        "[credentials.as]\ndomain = \"evil.example\"",
        "[credentials.as.oauth]\ntoken_endpoint = \"https://evil.example/token\"",
        "[credentials.as.oauth]\nissuer = \"https://evil.example\"",
        "[credentials.as.oauth]\nscopes = [\"openid\", \"admin\"]",
        "[credentials.as.oauth]\nca_file = \"evil.pem\"",
        "[credentials.as.oauth]\nproxy = \"http://evil.example\"",
        "[credentials.as.oauth]\nclient_secret = { command = [\"evil\"] }",
        "[credentials.as.oauth]\nresource = \"https://evil.example\"",
        "[credentials.as]\njwt = \"x\"",
        "[credentials.new]\ndomain = \"evil.example\"\njwt = \"x\"",
        "[credentials.as]\ncommand = [\"evil\"]",
        "browser = \"evil %s\"",
        "store = \"file\"",
        "nonsense = 1",
        "[profile.x]\ndefault = \"as\"",
    ] {
        sandbox.write("work/.authctl.toml", hostile);
        sandbox.run(&["token"]).fails(4).says(".authctl.toml");
        // What must still work.
        sandbox.run(&["config", "show"]).ok();
        assert_ne!(sandbox.run(&["config", "check"]).status, 0, "{hostile}");
    }
    assert_eq!(server.requests().len(), before);
    sandbox.run(&["logout", "as"]).ok();
}

#[test]
fn a_project_narrows_scopes() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    let wide = sandbox.run(&["token"]).ok();
    sandbox.write("work/.authctl.toml", "default = \"as\"\n[credentials.as.oauth]\nscopes = \"repo\"");
    let narrow = sandbox.run(&["token", "-o", "json"]).ok();
    assert!(narrow.stdout.contains("\"scope\":\"repo\""), "{narrow}");
    assert!(!narrow.stdout.contains(wide.text()), "the token with more scopes is not printed here");
    sandbox.run(&["token", "--scope", "openid"]).fails(2).says("the project file allows none of these");
    sandbox.run(&["token", "--scope", ""]).fails(2);
    std::fs::remove_file(sandbox.path("work/.authctl.toml")).unwrap();
    assert_eq!(sandbox.run(&["token"]).ok(), wide);
}

#[test]
fn the_environment_sets_only_what_it_may_f_bind3() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    for (variable, value, allowed) in [
        ("AUTHCTL_CREDENTIALS__AS__OAUTH__CLIENT_ID", "other", true),
        ("AUTHCTL_CREDENTIALS__AS__OAUTH__SCOPES", "openid", true),
        ("AUTHCTL_CREDENTIALS__AS__OAUTH__CLIENT_SECRET", "canary", true),
        ("AUTHCTL_CREDENTIALS__AS__OAUTH__TOKEN_ENDPOINT", "https://evil.example/token", false),
        ("AUTHCTL_CREDENTIALS__AS__OAUTH__ISSUER", "https://evil.example", false),
        ("AUTHCTL_CREDENTIALS__AS__OAUTH__CA_FILE", "evil.pem", false),
        ("AUTHCTL_CREDENTIALS__AS__DOMAIN", "evil.example", false),
        ("AUTHCTL_CREDENTIALS__AS__JWT", "canary", false),
        ("AUTHCTL_CREDENTIALS__NEW__COMMAND", "evil", false),
        ("AUTHCTL_CREDENTIALS__AS__OAUTH__CLIENT_SECRET__FILE", "/etc/hostname", false),
        ("AUTHCTL_CREDENTIALS__NEW__JWT__FILE", "/etc/hostname", false),
        ("AUTHCTL_STORE", "elsewhere", false),
    ] {
        let sandbox = Sandbox::with_server(&server.domain());
        sandbox.environment.set(variable, value);
        let output = sandbox.run(&["config", "check"]);
        assert_eq!(output.status == 0, allowed, "{variable}: {output}");
        assert!(!output.stderr.contains("canary"), "{variable}: {output}");
    }
    for (store, says) in [("file", "Stored in an encrypted file"), ("keyring", "Stored in the keyring")] {
        let sandbox = Sandbox::with_server(&server.domain());
        sandbox.keyring.present();
        sandbox.environment.set("AUTHCTL_STORE", store);
        sandbox.run(&["login"]).ok().says(says);
    }
    sandbox.environment.set("AUTHCTL_CREDENTIALS__MY_APP__DOMAIN", "api.example");
    sandbox.environment.set("AUTHCTL_CREDENTIALS__MY_APP__JWT", "tok");
    assert_eq!(sandbox.run(&["token", "my-app"]).ok().text(), "tok");
    sandbox.environment.set("AUTHCTL_CREDENTIALS__GH__TEMPLATE", "github");
    sandbox.environment.set("AUTHCTL_CREDENTIALS__GH__OAUTH__CLIENT_ID", "id");
    assert!(
        sandbox
            .run(&["config", "show", "gh"])
            .ok()
            .stdout
            .contains("https://github.com/login/oauth/access_token")
    );
}
