//! `authctl account`

use crate::support::{AuthorizationServer, Sandbox};

/// A home where alice and then bob logged in.
fn home(server: &AuthorizationServer) -> Sandbox {
    let sandbox = Sandbox::with_server(&server.domain());
    sandbox.run(&["login"]).ok();
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox.run(&["login"]).ok();
    sandbox
}

#[test]
fn accounts_are_listed_chosen_and_renamed() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    assert_eq!(sandbox.run(&["account", "list"]).ok().stdout, "alice\nbob *\n");
    let of = |account: &str| sandbox.run(&["token", "--account", account]).ok().stdout;
    let (alice, bob) = (of("alice"), of("bob"));
    sandbox.run(&["account", "use", "alice"]).ok().says("as now uses the account alice");
    assert_eq!(sandbox.run(&["token"]).ok().stdout, alice);

    sandbox.run(&["account", "rename", "alice", "work"]).ok().says("to work");
    assert_eq!(sandbox.run(&["account", "list"]).ok().stdout, "bob\nwork *\n");
    assert_eq!(of("work"), alice);
    assert_eq!(of("bob"), bob);
    sandbox
        .run(&["token", "--account", "alice"])
        .fails(3)
        .says("account alice")
        .says("authctl login as --account alice");
    sandbox.clock.advance(4000);
    assert!(server.accepts(of("work").trim()), "it is refreshed under its new name");
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["account", "list", "--json"]).ok().stdout).unwrap();
    assert_eq!(json["accounts"][1], serde_json::json!({ "account": "work", "label": "alice", "used": true }));

    // A later login by the same person is the same account, whatever its name.
    server.set(|behaviour| behaviour.user = "alice".to_owned());
    sandbox.clock.advance(-4000);
    sandbox.run(&["login"]).ok();
    assert_eq!(sandbox.run(&["account", "list"]).ok().stdout, "bob\nwork *\n");
    sandbox.run(&["logout", "--account", "work"]).ok();
    assert_eq!(sandbox.run(&["account", "list"]).ok().stdout, "bob *\n");
}

#[test]
fn mistakes_change_nothing() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    sandbox
        .run(&["account", "use", "carol"])
        .fails(1)
        .says("no account `carol`")
        .says("its accounts are alice, bob");
    sandbox.run(&["account", "rename", "alice", "bob"]).fails(1).says("already has an account `bob`");
    let begun = std::time::Instant::now();
    sandbox.run(&["account", "rename", "alice", "alice"]).ok();
    assert!(begun.elapsed().as_secs() < 10, "it does not wait for its own lock");
    sandbox.run(&["account", "use", "alice", "--provider", "nobody"]).fails(4);
    assert_eq!(sandbox.run(&["account", "list"]).ok().stdout, "alice\nbob *\n");
    let empty = Sandbox::with_server(&server.domain());
    empty.run(&["account", "list"]).ok().says("You are not logged in to as");
    empty.run(&["account", "use", "alice"]).fails(1).says("run `authctl login as`");
}

/// Characters that reorder, hide or steer what a terminal shows.
const STEERING: &[char] =
    &['\u{202e}', '\u{2066}', '\u{200b}', '\u{200f}', '\u{feff}', '\u{61c}', '\u{ad}', '\u{e0041}', '\u{9b}'];

/// Every command that shows accounts, with one account that exists and one that does not.
fn show_accounts(sandbox: &Sandbox, account: &str) {
    for arguments in [
        &["status"][..],
        &["status", "as"],
        &["status", "--json"],
        &["account", "list"],
        &["account", "list", "--json"],
        &["account", "use", "nobody"],
        &["account", "use", account],
        &["account", "rename", "nobody", "x"],
        &["account", "rename", account, account],
        &["token", "--account", "nobody"],
        &["token", "--account", account, "--scope", "beyond"],
        &["whoami"],
        &["inspect", "--id-token"],
        &["doctor", "--offline"],
        &["doctor", "--offline", "--json"],
        &["refresh", "--all"],
        &["store", "status"],
        &["store", "move", "file"],
        &["helper", "kubernetes", "as", "--account", account, "--setup"],
        &["helper", "aws", "as", "--account", account, "--role", "arn", "--setup"],
        &["login", "--account", account],
        &["logout", "--account", "nobody"],
        &["logout", "--account", account],
        &["logout", "--all"],
    ] {
        let output = sandbox.run(arguments);
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains(STEERING), "{arguments:?}: {}", text.escape_unicode());
        }
    }
}

// F-CTRL2
#[test]
fn an_account_that_a_server_names_cannot_steer_the_terminal() {
    let server = AuthorizationServer::start();
    let steering: String = STEERING.iter().collect();
    let hostile = format!("-{steering}ali{steering}ce");
    server.set(|behaviour| {
        for claim in ["preferred_username", "email", "name", "nickname"] {
            behaviour.claims.insert(claim.to_owned(), hostile.as_str().into());
        }
    });
    let sandbox = Sandbox::with_server(&server.domain());
    let output = sandbox.run(&["login"]).ok();
    assert!(!output.stderr.contains(STEERING), "{}", output.stderr.escape_unicode());
    assert_eq!(sandbox.run(&["account", "list"]).ok().stdout, "alice *\n");
    show_accounts(&sandbox, "alice");

    // A name from the user or an earlier version may contain some of them; they are not shown.
    let given = hostile[1..].replace('\u{9b}', "");
    sandbox.run(&["login", "--account", &given]).ok();
    server.set(|behaviour| behaviour.user = "bob".to_owned());
    sandbox.run(&["login", "--account", "bob"]).ok();
    show_accounts(&sandbox, &given);
}

#[test]
fn users_with_the_same_name_get_separate_accounts() {
    let server = AuthorizationServer::start();
    let sandbox = Sandbox::with_server(&server.domain());
    let name = "n".repeat(200);
    for user in ["alice", "bob", "carol"] {
        server.set(|behaviour| {
            behaviour.user = user.to_owned();
            behaviour.claims.insert("preferred_username".to_owned(), name.as_str().into());
        });
        sandbox.run(&["login"]).ok();
    }
    let listed = sandbox.run(&["account", "list"]).ok().stdout;
    let want = format!("{0}\n{0}-2\n{0}-3 *\n", "n".repeat(64));
    assert_eq!(listed, want);
}
