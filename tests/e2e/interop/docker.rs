//! The docker client without an engine, with an image registry and its token service.

use serde_json::{Value, json};

use super::{Desk, Service, Watch};
use crate::parts::{Ended, OidcProvider};

const CONFIG: &str = "{\n\t\"HttpHeaders\": {\n\t\t\"X-Mine\": \"1\"\n\t}\n}\n";

/// A desk whose docker is configured for one registry.
fn desk(options: &Value, more: &str) -> (Desk, Service) {
    let server = OidcProvider::start(3600);
    let service = Service::start("images", &server, options);
    let desk = Desk::logged_in(server, "http", &[service.host()], more);
    desk.write(".docker/config.json", CONFIG);
    desk.set_up(&["docker"], "--write").says("done");
    (desk, service)
}

impl Desk {
    /// No engine listens at this address, so the client talks to registries itself.
    fn without_engine(&self, arguments: &[&str]) -> std::process::Command {
        let nowhere = format!("unix://{}", self.path("no-engine.sock").display());
        let mut docker = self.tool("docker", arguments);
        docker.env("DOCKER_HOST", nowhere);
        docker
    }

    #[track_caller]
    fn docker(&self, arguments: &[&str]) -> Ended {
        self.silent(Ended::from(self.without_engine(arguments).output().unwrap()))
    }

    fn inspect(&self, service: &Service) -> Ended {
        let image = format!("{}/corp/tiny:1", service.host());
        self.docker(&["manifest", "inspect", "--insecure", &image])
    }
}

#[test]
fn login_and_a_manifest_from_a_registry_with_a_token_service_f_dock1() {
    let (desk, service) = desk(&json!({}), "");
    let watch = Watch::start();
    let shown = desk.inspect(&service).ok();
    watch.saw_no_token(&desk.server, "docker manifest inspect");
    assert!(shown.stdout.contains("schemaVersion"), "{shown:#?}");
    let at_token = |service: &Service| -> Vec<Value> {
        service.log().into_iter().filter(|entry| entry["path"] == "/token").collect()
    };
    let entry = at_token(&service)[0].clone();
    assert_eq!((&entry["username"], &entry["token"]), (&json!("oauth2accesstoken"), &json!(desk.token())));

    // docker asks the helper to store a login with the provider's own token, and the helper accepts that. (With stored
    // credentials docker asks its engine to log in; with given ones it logs in itself without an engine.)
    let arguments = ["login", "-u", "oauth2accesstoken", "--password-stdin", service.host()];
    let login = desk.silent(super::fed(desk.without_engine(&arguments), &desk.token())).ok();
    assert!(login.stdout.contains("Login Succeeded"), "{login:#?}");
    desk.docker(&["logout", service.host()]).ok();
    desk.inspect(&service).ok();
    assert_eq!(desk.read(".docker/config.json").matches("authctl").count(), 1);

    desk.set_up(&["docker"], "--undo");
    let without: Value = serde_json::from_str(&desk.read(".docker/config.json")).unwrap();
    assert_eq!(without["HttpHeaders"], json!({ "X-Mine": "1" }));
    assert!(without.get("credHelpers").is_none());
    assert!(!desk.path(".local/bin/docker-credential-authctl").exists());
    assert_ne!(desk.inspect(&service).status, Some(0));
}

#[test]
fn docker_login_for_another_registry_is_not_stored() {
    let (desk, service) = desk(&json!({ "challenge": "Basic" }), "");
    let token = desk.token();
    desk.inspect(&service).ok();
    assert_eq!(service.credentials(), [("Basic".to_owned(), "oauth2accesstoken".to_owned(), token.clone())]);
    let arguments = ["login", "-u", "somebody", "--password-stdin", service.host()];
    let login = desk.silent(super::fed(desk.without_engine(&arguments), &token));
    assert_eq!(login.status, Some(1), "{login:#?}");
    login.says("run `authctl login op` instead");
    assert_eq!(desk.token(), token);
}

#[test]
fn an_identity_token_goes_to_the_token_service() {
    let (desk, service) = desk(&json!({}), "[credentials.op.helper]\ndocker_username = \"<token>\"");
    desk.inspect(&service).ok();
    let asked = service.log().into_iter().find(|entry| entry["path"] == "/token").unwrap();
    assert_eq!((&asked["grant"], &asked["token"]), (&json!("refresh_token"), &json!(desk.token())));
}

#[test]
fn an_unknown_registry_gets_no_credential() {
    let (desk, _service) = desk(&json!({}), "");
    let other = Service::start("images", &desk.server, &json!({ "challenge": "Basic" }));
    // docker asks the helper for every registry, and takes this answer as "continue without credentials".
    desk.write(".docker/config.json", "{\"credsStore\":\"authctl\"}");
    let refused = desk.inspect(&other);
    assert_ne!(refused.status, Some(0));
    assert!(!refused.stderr.contains("native keychain"), "{refused:#?}");
    assert!(!other.log().is_empty());
    assert_eq!(other.credentials(), []);
}

#[test]
fn docker_get_store_erase_and_list_follow_the_protocol_f_dock1() {
    let (desk, service) = desk(&json!({}), "");
    let host = service.host();
    let (address, port) = host.split_once(':').unwrap();
    let ask = |action: &[&str], input: &str| {
        let mut helper =
            desk.equipped(std::process::Command::new(desk.path(".local/bin/docker-credential-authctl")));
        helper.args(action);
        super::fed(helper, input)
    };
    let credential = |server: &str| json!({ "ServerURL": server, "Username": "oauth2accesstoken", "Secret": desk.token() });
    for server in [host.to_owned(), format!("http://{host}"), format!("http://{host}/v1/")] {
        for input in [server.clone(), format!("{server}\n")] {
            let got = ask(&["get"], &input).ok();
            assert_eq!(serde_json::from_str::<Value>(&got.stdout).unwrap(), credential(&server), "{server}");
        }
    }
    let missing = "credentials not found in native keychain\n";
    for (name, input, want) in [
        ("another", "other.example".to_owned(), missing),
        ("another port", format!("{address}:1"), missing),
        ("no port", address.to_owned(), missing),
        ("a longer name", format!("{host}.evil.example"), missing),
        ("a longer port", format!("{host}0"), missing),
        ("as a user name", format!("{host}@evil.example"), missing),
        ("as a path", format!("evil.example/{host}"), missing),
        ("https", format!("https://{host}"), missing),
        ("another name", format!("localhost:{port}"), missing),
        ("nothing", String::new(), "no credentials server URL\n"),
        ("a blank line", "\n".to_owned(), "no credentials server URL\n"),
    ] {
        let ended = ask(&["get"], &input);
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), want), "{name}: {ended:#?}");
    }
    let list = ask(&["list"], "unused").ok();
    let want = json!({ format!("http://{host}"): "oauth2accesstoken" });
    assert_eq!(serde_json::from_str::<Value>(&list.stdout).unwrap(), want);
    let version = ask(&["version"], "").ok();
    assert_eq!(version.text(), format!("docker-credential-authctl (authctl) {}", env!("CARGO_PKG_VERSION")));
    let store = |server: &str, username: &str| {
        ask(&["store"], &json!({ "ServerURL": server, "Username": username, "Secret": "other" }).to_string())
    };
    for (name, ended, want) in [
        ("an unknown action", ask(&["dance"], ""), "docker-credential-authctl: unknown action: dance\n"),
        ("no server", store("", "x"), "no credentials server URL\n"),
        ("no user name", store(host, ""), "no credentials username\n"),
    ] {
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), want), "{name}");
    }
    assert_eq!(ask(&["erase"], host).ok().stdout, "");
    assert!(ask(&["get"], host).ok().stdout.contains(&desk.token()), "still logged in");
}
