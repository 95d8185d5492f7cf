//! Exchanges that depend on other providers.

use super::{EXCHANGE, exchanger};
use crate::support::{AuthorizationServer, Sandbox};

/// A provider `as` with a login, and one that exchanges its tokens at another server.
fn chain(server: &AuthorizationServer, other: &AuthorizationServer, subject: &str) -> Sandbox {
    let base = crate::support::sandbox::server_config(&server.domain(), "");
    Sandbox::new(&format!("default = \"cloud\"\n{base}\n{}", exchanger("cloud", other, subject)))
}

#[test]
fn an_exchange_chain_refreshes_each_token_first() {
    let (server, other) = (AuthorizationServer::start(), AuthorizationServer::start());
    let more = "subject = { provider = \"as\" }\naudience = \"storage\"\nresource = \"https://r.example\"\nscopes = [\"read\"]\nrequested_token_type = \"urn:ietf:params:oauth:token-type:access_token\"";
    let sandbox = chain(&server, &other, more);
    sandbox
        .run(&["token"])
        .fails(3)
        .says("no token for `cloud`, because it needs a token of `as`")
        .says("you are not logged in")
        .says("run `authctl login as`");
    sandbox.run(&["login", "as"]).ok();
    let first = sandbox.run(&["token"]).ok();
    assert!(other.accepts(first.text()));
    let request = &other.requests_to("/token")[0];
    let subject = request.parameter("subject_token").unwrap();
    assert!(server.accepts(&subject), "the token of `as`");
    for (name, want) in [
        ("grant_type", EXCHANGE),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("audience", "storage"),
        ("resource", "https://r.example"),
        ("scope", "read"),
    ] {
        assert_eq!(request.parameter(name).as_deref(), Some(want), "{name}");
    }
    assert_eq!(sandbox.run(&["token"]).ok(), first, "cached");
    assert_eq!(other.token_requests(EXCHANGE), 1);
    assert_ne!(sandbox.run(&["token", "--audience", "queue"]).ok(), first, "F-LEAK9 another audience");

    // Another user's login is another subject: the cached token is not theirs.
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox.run(&["login", "as"]).ok();
    let bobs = sandbox.run(&["token"]).ok();
    assert_ne!(bobs, first);
    assert_eq!(sandbox.run(&["token"]).ok(), bobs);
    assert_eq!(sandbox.run(&["token", "--account", "alice"]).ok().text().len(), first.text().len());
    let of_alice = other.requests_to("/token").last().unwrap().parameter("subject_token").unwrap();
    assert_eq!(of_alice, subject, "--account selects the subject token's account");

    sandbox.clock.advance(4000);
    sandbox.run(&["token"]).ok();
    assert_eq!(server.token_requests("refresh_token"), 1, "the subject first");
    let last = other.requests_to("/token").last().unwrap().parameter("subject_token").unwrap();
    assert!(server.accepts(&last) && last != subject, "the renewed subject");

    let status = sandbox.run(&["status"]).ok();
    assert!(!status.stdout.contains("canary"), "{status}");
}

#[test]
fn refresh_all_renews_an_exchange_with_the_account_that_its_subject_has() {
    let (server, other) = (AuthorizationServer::start(), AuthorizationServer::start());
    let sandbox = chain(&server, &other, "subject = { provider = \"as\" }");
    server.set(|behaviour| behaviour.user = "alice".to_owned());
    sandbox.run(&["login", "as"]).ok();
    let first = sandbox.run(&["token"]).ok();
    sandbox.run(&["refresh", "--all"]).ok().says("Refreshed as").says("Refreshed cloud");
    let second = sandbox.run(&["token"]).ok();
    assert_ne!(second, first);
    assert!(other.accepts(second.text()));

    // The error repeats the account that the user named.
    let named = sandbox.run(&["token", "--account", "alice"]).ok();
    sandbox.run(&["refresh", "--all"]).ok();
    assert_ne!(sandbox.run(&["token", "--account", "alice"]).ok(), named);
}

#[test]
fn impossible_exchange_chains_are_reported() {
    let other = AuthorizationServer::start();
    let exchange = |name: &str, subject: &str| {
        exchanger(name, &other, &format!("subject = {{ provider = \"{subject}\" }}"))
    };
    for (name, config, said) in [
        ("itself", exchange("a", "a"), "needs itself: a → a"),
        (
            "a circle",
            format!("{}{}{}", exchange("a", "b"), exchange("b", "c"), exchange("c", "a")),
            "needs itself: a → b → c → a",
        ),
        ("nobody", exchange("a", "nobody"), "which is not configured"),
        (
            "too long",
            (0..9)
                .map(|n| exchange(&format!("p{n}"), &format!("p{}", n + 1)))
                .collect::<String>()
                .replacen("p0", "a", 2),
            "makes the chain too long",
        ),
    ] {
        let sandbox = Sandbox::new(&config);
        let output = sandbox.run(&["token", "a"]).fails(4);
        assert!(output.stderr.contains(said), "{name}: {output}");
        sandbox.run(&["config", "show"]).ok();
    }
    for (name, config, said) in [
        ("no subject", "", "subject` is missing"),
        ("two", "subject = { env = \"A\", file = \"b\" }", "must be one of"),
        ("wrong", "subject = { provider = \"a\", token = \"key\" }", "must be one of"),
        ("type alone", "subject = { env = \"A\" }\nactor_token_type = \"urn:x\"", "requires `actor`"),
        ("a literal", "subject = \"tok\"", "must be one of"),
    ] {
        let output = Sandbox::new(&exchanger("x", &other, config)).run(&["token"]).fails(4);
        assert!(output.stderr.contains(said), "{name}: {output}");
    }
}
