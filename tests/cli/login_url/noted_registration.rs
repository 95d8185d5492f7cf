//! A registration is remembered before the first login succeeds.

use serde_json::json;

use super::{Resource, authorization, discovered, empty, refuse_tokens, registering};
use crate::support::{AuthorizationServer, Sandbox};

fn registering_with_secrets() -> AuthorizationServer {
    let server = registering();
    server.set(|behaviour| {
        behaviour.client_secret = Some("secret-canary".to_owned());
        let methods = json!(["client_secret_basic"]);
        behaviour.metadata.insert("token_endpoint_auth_methods_supported".to_owned(), methods);
    });
    server
}

#[test]
fn a_registration_outlives_a_first_login_that_fails() {
    let (server, sandbox) = (registering_with_secrets(), empty());
    let resource = Resource::of(&server);
    let url = resource.url();
    refuse_tokens(&server);
    sandbox.run(&["login", &url]).fails(1);
    assert_eq!(discovered(&sandbox), None, "nothing is configured");
    assert!(!sandbox.run(&["status"]).stdout.contains("127-0-0-1-"));
    sandbox.run(&["token", &url]).fails(3).says(&format!("run `authctl login {url}`"));
    sandbox.run(&["login", &url]).ok();
    assert_eq!(server.requests_to("/register").len(), 1, "the second login uses it");
    sandbox.run(&["token", &url, "--refresh"]).ok();
    for (path, text) in sandbox.files() {
        assert!(!String::from_utf8_lossy(&text).contains("canary"), "{}", path.display());
    }
    sandbox.run(&["logout", &url]).ok().says("was deleted too");
    assert_eq!(server.requests_to("/register/1").len(), 1);
    assert!(sandbox.stores_nothing(), "the note is gone too");
}

#[test]
fn logout_ends_the_registration_of_a_first_login_that_failed() {
    let (server, sandbox) = (registering_with_secrets(), empty());
    let resource = Resource::of(&server);
    refuse_tokens(&server);
    sandbox.run(&["login", &resource.url()]).fails(1);
    sandbox
        .run(&["logout", &resource.url()])
        .ok()
        .says(&format!("You were not logged in to {}", resource.url()))
        .says("was deleted too");
    assert_eq!(server.requests_to("/register/1").len(), 1);
    assert!(sandbox.stores_nothing());
    sandbox.run(&["logout", &resource.url()]).fails(3).says("not logged in at");
    // For a configured provider, it is deleted with the provider.
    let sandbox = Sandbox::new(&format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{}\"\nscheme = \"http\"\noauth.scopes = [\"openid\"]\n",
        server.domain()
    ));
    refuse_tokens(&server);
    sandbox.run(&["login"]).fails(1);
    sandbox.run(&["provider", "remove", "as"]).ok().says("was deleted too");
    assert!(sandbox.stores_nothing());
}

#[test]
fn a_noted_registration_that_cannot_be_used_is_ended_and_replaced() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    refuse_tokens(&server);
    sandbox.run(&["login", &resource.url()]).fails(1);
    let redirect: url::Url = authorization(&server, "redirect_uri").unwrap().parse().unwrap();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", redirect.port().unwrap())).unwrap();
    server.set(|behaviour| behaviour.client_id = "another-app".to_owned());
    sandbox.run(&["login", &resource.url()]).ok();
    assert_eq!(server.requests_to("/register").len(), 2);
    assert_eq!(server.requests_to("/register/1").len(), 1, "no provider uses the first one");
}

#[test]
fn saved_client_registrations_are_not_configuration() {
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    sandbox.run(&["login", &resource.url()]).ok();
    assert!(discovered(&sandbox).unwrap().contains("registered_with"));
    assert!(!sandbox.run(&["config", "show"]).ok().stdout.contains("registered_"));
    for key in ["registered_with", "registered_scopes", "registered_until"] {
        let sandbox = Sandbox::new(&format!(
            "[credentials.a]\ndomain = \"a.example\"\noauth = {{ client_id = \"a\", {key} = \"x\" }}\n"
        ));
        sandbox.run(&["config", "check"]).fails(4).says(&format!("unknown key `{key}`"));
    }
}
