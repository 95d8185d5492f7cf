//! The templates: each parses, is right, and yields the endpoints that it says.

use authctl::config::templates;

use crate::support::Sandbox;

/// Template, domain to set, the token endpoint or issuer that is shown.
const EXPECTED: &[(&str, Option<&str>, &str, &str)] = &[
    ("atlassian", None, "authorization_endpoint", "https://auth.atlassian.com/authorize"),
    ("atlassian", None, "token_endpoint", "https://auth.atlassian.com/oauth/token"),
    ("auth0", Some("t.eu.auth0.com"), "authorization_endpoint", "https://t.eu.auth0.com/authorize"),
    ("auth0", Some("t.eu.auth0.com"), "token_endpoint", "https://t.eu.auth0.com/oauth/token"),
    ("auth0", Some("t.eu.auth0.com"), "issuer", "https://t.eu.auth0.com/"),
    ("auth0-federated", Some("t.eu.auth0.com"), "token_endpoint", "https://t.eu.auth0.com/oauth/token"),
    ("google-service-account", None, "token_endpoint", "https://oauth2.googleapis.com/token"),
    ("discord", None, "token_endpoint", "https://discord.com/api/oauth2/token"),
    (
        "foundry",
        Some("x.palantirfoundry.com"),
        "authorization_endpoint",
        "https://x.palantirfoundry.com/multipass/api/oauth2/authorize",
    ),
    (
        "foundry",
        Some("x.palantirfoundry.com"),
        "token_endpoint",
        "https://x.palantirfoundry.com/multipass/api/oauth2/token",
    ),
    ("github", None, "authorization_endpoint", "https://github.com/login/oauth/authorize"),
    ("github", None, "token_endpoint", "https://github.com/login/oauth/access_token"),
    ("github", None, "device_authorization_endpoint", "https://github.com/login/device/code"),
    ("gitlab", None, "token_endpoint", "https://gitlab.com/oauth/token"),
    ("gitlab", Some("git.example.com"), "token_endpoint", "https://git.example.com/oauth/token"),
    ("google", None, "token_endpoint", "https://oauth2.googleapis.com/token"),
    ("google", None, "issuer", "https://accounts.google.com"),
    ("keycloak", Some("kc.example.com"), "scopes", "openid"),
    ("microsoft", None, "issuer", "https://login.microsoftonline.com/common/v2.0"),
    ("okta", Some("x.okta.com"), "issuer", "https://x.okta.com"),
    ("slack", None, "token_endpoint", "https://slack.com/api/oauth.v2.access"),
    ("spotify", None, "token_endpoint", "https://accounts.spotify.com/api/token"),
];

#[test]
fn every_template_is_right_and_says_where_to_register() {
    for name in templates::names() {
        let template = templates::find(name).unwrap_or_else(|| panic!("{name} cannot be read"));
        assert!(
            template.register.is_some() && !template.title.is_empty() && !template.about.is_empty(),
            "{name}"
        );
        assert!(EXPECTED.iter().any(|(expected, ..)| *expected == name), "{name} is not expected");
        // What such a template cannot know: the key.
        let key = if name == "google-service-account" {
            "oauth.service_account = { file = \"key.json\" }"
        } else {
            ""
        };
        let sandbox = Sandbox::new(&format!(
            "[credentials.x]\ntemplate = \"{name}\"\ndomain = \"x.example.com\"\noauth.client_id = \"id\"\n{key}\n"
        ));
        sandbox.run(&["config", "check"]).ok();
    }
}

#[test]
fn every_template_yields_its_endpoints() {
    for (name, domain, key, want) in EXPECTED {
        let domain = domain.map(|domain| format!("domain = \"{domain}\"\n")).unwrap_or_default();
        let sandbox = Sandbox::new(&format!(
            "[credentials.x]\ntemplate = \"{name}\"\n{domain}oauth.client_id = \"id\"\n"
        ));
        let shown = sandbox.run(&["config", "show"]).ok().stdout;
        let line = shown
            .lines()
            .find(|line| line.starts_with(&format!("{key} = ")))
            .unwrap_or_else(|| panic!("{name}: {shown}"));
        assert!(line.contains(want), "{name}: {line}");
        assert!(!shown.contains("{domain}"), "{name}: {shown}");
    }
}

#[test]
fn what_is_written_wins_over_the_template() {
    let sandbox = Sandbox::new(
        "[credentials.x]\ntemplate = \"github\"\nhosts = [\"ghe.example\"]\n[credentials.x.oauth]\nclient_id = \"id\"\nscopes = [\"gist\"]\nquirks = { plain_basic = true }\n",
    );
    let shown = sandbox.run(&["config", "show", "--origin"]).ok().stdout;
    for want in [
        "hosts = [\"ghe.example\"]",
        "scopes = [\"gist\"]",
        "plain_basic = true",
        "granted_scope_separator = \",\"",
        "# template github",
        "config.toml:6",
    ] {
        assert!(shown.contains(want), "{want}: {shown}");
    }
    let sandbox = Sandbox::new("[credentials.x]\ntemplate = \"githb\"\n");
    sandbox.run(&["token"]).fails(4).says("there is no template `githb`").says("did you mean \"github\"?");
}
