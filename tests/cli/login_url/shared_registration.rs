//! One registration for several providers, and configured providers.

use super::{Resource, empty, registering};
use crate::support::Sandbox;

#[test]
fn one_registration_serves_two_resources_of_a_server() {
    let (server, sandbox) = (registering(), empty());
    let (one, other) = (Resource::of(&server), Resource::of(&server));
    sandbox.run(&["login", &one.url()]).ok();
    sandbox.run(&["login", &other.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 1);
    assert_ne!(sandbox.run(&["token", &one.url()]).ok(), sandbox.run(&["token", &other.url()]).ok(), "S4");
    sandbox.run(&["token"]).fails(2).says("several providers");
    sandbox.run(&["logout", &one.url()]).ok();
    assert!(server.requests_to("/register/1").is_empty(), "the other still needs it");
    sandbox.run(&["token", &other.url(), "--refresh"]).ok();
    sandbox.run(&["refresh", &other.url()]).ok().says(&format!("Refreshed {}", other.url()));
    let logout = sandbox.run(&["logout", &other.url()]).ok();
    logout.says(&format!("Logged out of {}", other.url())).says("was deleted too");
    assert_eq!(server.requests_to("/register/1").len(), 1, "the last logout deletes it");
    assert!(sandbox.stores_nothing());
}

#[test]
fn a_configured_provider_overrides_a_discovered_one() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    sandbox
        .configure("store = \"file\"\n[credentials.mine]\ndomain = \"mine.example\"\njwt = \"mine-token\"\n");
    assert_eq!(
        sandbox.run(&["token"]).ok().text(),
        "mine-token",
        "a discovered provider is selected by its URL"
    );
    assert_eq!(sandbox.run(&["token", "https://mine.example/x"]).ok().text(), "mine-token");
    sandbox.run(&["token", "https://mine.example:8443/x"]).fails(3);
    assert!(server.accepts(sandbox.run(&["token", &resource.url()]).ok().text()));
}

#[test]
fn a_configured_provider_without_a_client_is_registered_too() {
    let server = registering();
    let sandbox = Sandbox::new(&format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{}\"\nscheme = \"http\"\noauth.scopes = [\"openid\"]\n",
        server.domain()
    ));
    sandbox.run(&["login"]).ok();
    sandbox.run(&["token", "--refresh"]).ok();
    sandbox.run(&["logout"]).ok();
    sandbox.run(&["login"]).ok();
    assert_eq!(server.requests_to("/register").len(), 1, "it outlives the login");
    // It is deleted with the provider, and is not a provider itself.
    let before = std::fs::read_to_string(sandbox.path("config/config.toml")).unwrap();
    sandbox.configure("store = \"file\"\n[credentials.b]\ndomain = \"b.example\"\njwt = \"static\"\n");
    sandbox.run(&["config", "check"]).ok();
    assert_eq!(sandbox.run(&["token"]).ok().text(), "static");
    sandbox.configure(&before);
    sandbox.run(&["provider", "remove", "as", "--logout"]).ok().says("was deleted too");
    assert_eq!(server.requests_to("/register/1").len(), 1, "G3");
    assert!(sandbox.stores_nothing());
    sandbox.configure(&before);
    sandbox.run(&["login"]).ok();
    // Another issuer does not know it (MCP 2026-07-28).
    let other = registering();
    other.set(|behaviour| behaviour.client_id = "other".to_owned());
    sandbox.configure(&format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{}\"\nscheme = \"http\"\noauth.scopes = [\"openid\"]\n",
        other.domain()
    ));
    sandbox.run(&["token"]).fails(3);
    sandbox.run(&["login"]).ok();
    assert_eq!(other.requests_to("/register").len(), 1);
}
