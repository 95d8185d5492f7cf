//! Exchanges of stored tokens by another config file.

use super::{Story, config};
use crate::support::{AuthorizationServer, Sandbox};

/// A provider `x` that exchanges tokens of `as` at `endpoint`, for the host `domain`.
fn exchange(domain: &str, endpoint: &str, inputs: &str) -> String {
    format!(
        "[credentials.x]\ndomain = \"{domain}\"\nscheme = \"http\"\n[credentials.x.oauth]\ntoken_endpoint = \"{endpoint}\"\ngrant_type = \"token_exchange\"\nclient_id = \"app\"\n{inputs}\n"
    )
}

const SUBJECT: &str = "subject = { provider = \"as\" }";

/// F-BIND6: An exchange's subject is a stored token too.
#[test]
fn another_file_cannot_exchange_a_stored_token_elsewhere() {
    let story = Story::new();
    let (evil, own) = (format!("{}/x", story.evil.issuer()), format!("{}/token", story.server.issuer()));
    let (evil_host, own_host) = (story.evil.domain(), story.server.domain());
    let good = exchange(&own_host, &own, SUBJECT);
    let bad = exchange(&own_host, &evil, SUBJECT);
    let actor = "subject = { env = \"SUBJECT\" }\nactor = { provider = \"as\" }";
    let id_token = "subject = { provider = \"as\", token = \"id_token\" }";
    let profile = format!("[profile.p.credentials.x.oauth]\ntoken_endpoint = \"{evil}\"\n");
    let further = exchange(&evil_host, &evil, "subject = { provider = \"x\" }")
        .replace("credentials.x", "credentials.y");
    story.sandbox.environment.set("SUBJECT", "a-subject");
    let hosts = format!("hosts = [\"{evil_host}\"]");
    for (name, before, more, after, provider, part) in [
        ("a host of the login", "", hosts.as_str(), &good, "x", "the host 127.0.0.1:"),
        ("a new provider", "", "", &bad, "x", "of `x`, which"),
        ("a new provider's actor", "", "", &exchange(&own_host, &evil, actor), "x", "of `x`, which"),
        ("the ID token", "", "", &exchange(&own_host, &evil, id_token), "x", "of `x`, which"),
        ("a new endpoint", &good, "", &bad, "x", "this value of `oauth.token_endpoint` of `x`"),
        ("a new host", &good, "", &exchange(&evil_host, &own, SUBJECT), "x", "the host 127.0.0.1:"),
        ("a new proxy", &good, "", &format!("{good}proxy = \"{evil}\"\n"), "x", "`oauth.proxy` of `x`"),
        ("a profile", &good, "", &format!("{good}{profile}"), "x", "`oauth.token_endpoint` of `x`"),
        ("a second exchange", &good, "", &format!("{good}{further}"), "y", "of `y`, which"),
    ] {
        story.sandbox.configure(&format!("{}{before}", config(&story.server, "", "")));
        let other = format!("{}{after}", config(&story.server, more, ""));
        let other = story.sandbox.write("other/authctl.toml", &other);
        let with_profile = if name == "a profile" { "p" } else { "" };
        story.sandbox.environment.set("AUTHCTL_PROFILE", with_profile);
        let other = other.to_str().unwrap();
        let sent = story.server.requests().len();
        for (variable, options) in [(other, &[][..]), ("", &["--config", other][..])] {
            story.sandbox.environment.set("AUTHCTL_CONFIG", variable);
            for command in [
                &["token", provider][..],
                &["token", provider, "--refresh"],
                &["headers", provider],
                &["exec", provider, "--", "env"],
                &["refresh", "--all"],
            ] {
                let output = story.sandbox.run(&[options, command].concat());
                let shown = story.server.secrets().into_iter().any(|secret| output.stdout.contains(&secret));
                assert!(!shown, "{name}: {command:?}: {output}");
            }
            let told = story.sandbox.run(&[options, &["token", provider]].concat()).fails(4);
            told.says("the login to `as` is not for")
                .says(part)
                .says("other/authctl.toml:")
                .says("nothing was sent");
        }
        for request in [story.evil.requests(), story.server.requests()[sent..].to_vec()].concat() {
            let is_exchange = request.parameter("grant_type").is_some_and(|grant| grant.contains("exchange"));
            assert!(!is_exchange, "{name}: {request:?}");
        }
        story.sandbox.environment.set("AUTHCTL_PROFILE", "");
    }
    assert!(story.evil.requests().is_empty());
}

/// F-BIND6
#[test]
fn an_exchange_of_your_own_file_works_and_a_login_with_another_file_is_for_its_exchanges() {
    let story = Story::new();
    let at = |endpoint: &str| {
        exchange(&story.server.domain(), &format!("{}{endpoint}", story.server.issuer()), SUBJECT)
    };
    let configured = |endpoint: &str| format!("{}{}", config(&story.server, "", ""), at(endpoint));
    story.sandbox.configure(&configured("/token"));
    story.sandbox.run(&["token", "x"]).ok();
    let other = story.sandbox.write("other/authctl.toml", &configured("/token"));
    story.sandbox.environment.set("AUTHCTL_CONFIG", other.to_str().unwrap());
    story.sandbox.run(&["token", "x", "--refresh"]).ok();
    // An exchange that only the other file has.
    story.sandbox.configure(&config(&story.server, "", ""));
    story.sandbox.run(&["token", "x", "--refresh"]).fails(4);
    story.sandbox.run(&["login", "as"]).ok();
    story.sandbox.run(&["token", "x", "--refresh"]).ok();
    story.sandbox.clock.advance(4000);
    story.sandbox.run(&["token", "x"]).ok();
    story.sandbox.write("other/authctl.toml", &configured("/elsewhere"));
    story.sandbox.run(&["token", "x"]).fails(4).says("`oauth.token_endpoint` of `x`");
}

/// F-BIND6: Earlier versions' records do not mention exchanges, and a refresh with another file adds none of that file's.
#[test]
fn only_the_users_file_may_exchange_an_older_record() {
    let story = Story::new();
    story.forget_what_was_recorded();
    let own = config(&story.server, "", "");
    let endpoint = format!("{}/token", story.server.issuer());
    let other = format!("{own}{}", exchange(&story.server.domain(), &endpoint, SUBJECT));
    story.sandbox.configure(&other);
    story.sandbox.run(&["token", "x"]).ok();
    story.sandbox.configure(&own);
    let path = story.sandbox.write("other/authctl.toml", &other);
    story.sandbox.environment.set("AUTHCTL_CONFIG", path.to_str().unwrap());
    story.sandbox.run(&["token", "x"]).fails(4).says("has no recorded hosts");
    story.sandbox.run(&["token", "as", "--refresh"]).ok();
    story.sandbox.run(&["token", "x"]).fails(4).says("the login to `as` is not for");
}

/// F-BIND6: The same rule applies to exchanges of secrets stored with `secret set`.
#[test]
fn another_file_cannot_exchange_a_stored_secret_elsewhere() {
    let (server, evil) = (AuthorizationServer::start(), AuthorizationServer::start());
    let keyed = |endpoint: &str| {
        let exchange = exchange(&server.domain(), endpoint, "subject = { provider = \"k\" }");
        format!(
            "store = \"file\"\n[credentials.k]\ndomain = \"api.example\"\njwt = {{ stored = true }}\n{exchange}"
        )
    };
    let sandbox = Sandbox::new(&keyed(&format!("{}/token", server.issuer())));
    sandbox.run_with(&["secret", "set", "k", "jwt"], "canary\n").ok();
    let other = sandbox.write("other.toml", &keyed(&evil.issuer()));
    let told = sandbox.run(&["--config", other.to_str().unwrap(), "token", "x"]).fails(4);
    told.says("the stored `jwt` of `k` is not for").says("authctl secret set k jwt");
    assert!(evil.requests().is_empty());
    sandbox.run(&["token", "x"]);
    assert_eq!(server.requests_to("/token")[0].parameter("subject_token").as_deref(), Some("canary"));
}
