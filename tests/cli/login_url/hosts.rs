//! The hosts that discovery may reach.

use std::sync::Arc;

use serde_json::json;

use super::{Resource, empty, registering};
use crate::support::browsers::Never;

#[test]
fn a_resource_cannot_redirect_discovery_f_url5_f_ssrf() {
    for (name, metadata, says) in [
        (
            "another resource",
            json!({ "resource": "https://evil.example", "authorization_servers": ["{as}"] }),
            "`https://evil.example`, not for",
        ),
        (
            "a private address",
            json!({ "resource": "{self}", "authorization_servers": ["https://169.254.169.254/"] }),
            "not a public address",
        ),
        (
            "another private one",
            json!({ "resource": "{self}", "authorization_servers": ["https://[fd00::1]/"] }),
            "not a public address",
        ),
        (
            "no https",
            json!({ "resource": "{self}", "authorization_servers": ["http://as.example/"] }),
            "is not an https URL",
        ),
        (
            "F-URL2 a script",
            json!({ "resource": "{self}", "authorization_servers": ["javascript:alert(1)"] }),
            "is not",
        ),
        (
            "F-URL1 a command",
            json!({ "resource": "{self}", "authorization_servers": ["https://a.example/$(id)"] }),
            "is not valid in a URL",
        ),
        (
            "a query",
            json!({ "resource": "{self}", "authorization_servers": ["https://a.example/?x"] }),
            "is not valid in a URL",
        ),
        (
            "nobody",
            json!({ "resource": "{self}", "authorization_servers": [] }),
            "names no authorization server",
        ),
        (
            "a wrong type",
            json!({ "resource": "{self}", "authorization_servers": "{as}" }),
            "has no valid `authorization_servers`",
        ),
    ] {
        let (server, mut sandbox) = (registering(), empty());
        sandbox.system.browser = Arc::new(Never);
        let resource = Resource::of(&server);
        let text = metadata.to_string().replace("{self}", &resource.url()).replace("{as}", &server.issuer());
        resource.publish("/.well-known/oauth-protected-resource/mcp", serde_json::from_str(&text).unwrap());
        let before = sandbox.files();
        let output = sandbox.run(&["login", &resource.url()]).fails(1).says(says);
        assert!(output.stderr.contains("cannot log in to"), "{name}: {output}");
        assert_eq!(sandbox.files(), before, "{name}: nothing is noted");
        assert!(server.requests().is_empty(), "{name}");
    }
}

#[test]
fn a_challenge_can_only_point_to_allowed_hosts_f_ssrf_f_url5() {
    for (name, place) in [
        ("another host without TLS", "http://evil.example/meta"),
        ("a private address", "https://10.0.0.1/meta"),
        ("the machine itself by another name", "https://localhost:1/meta"),
        ("a file", "file:///etc/passwd"),
    ] {
        let (server, mut sandbox) = (registering(), empty());
        sandbox.system.browser = Arc::new(Never);
        let resource = Resource::of(&server);
        resource.challenge(&format!("Bearer resource_metadata=\"{place}\""));
        sandbox.run(&["login", &resource.url()]).fails(1).says("supplied a URL that authctl refuses to use");
        let _ = name;
    }
    let (server, sandbox) = (registering(), empty());
    let resource = Resource::of(&server);
    resource.challenge(&format!("Bearer resource_metadata=\"{}/nowhere\"", resource.server.url()));
    sandbox.run(&["login", &resource.url()]).fails(1).says("the resource metadata at").says("(status 404)");
}
