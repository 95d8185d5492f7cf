//! `authctl account`

use crate::support::{AuthorizationServer, Sandbox};

/// A home with alice and bob, of whom bob came last.
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
    sandbox.run(&["account", "use", "alice"]).ok().says("alice is now the account of as that is used");
    assert_eq!(sandbox.run(&["token"]).ok().stdout, alice);

    sandbox.run(&["account", "rename", "alice", "work"]).ok().says("is now called work");
    assert_eq!(sandbox.run(&["account", "list"]).ok().stdout, "bob\nwork *\n");
    assert_eq!(of("work"), alice);
    assert_eq!(of("bob"), bob);
    sandbox.run(&["token", "--account", "alice"]).fails(3);
    sandbox.clock.advance(4000);
    assert!(server.accepts(of("work").trim()), "it is refreshed under its new name");
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["account", "list", "--json"]).ok().stdout).unwrap();
    assert_eq!(json["accounts"][1], serde_json::json!({ "account": "work", "label": "alice", "used": true }));

    // A later login of the same person is the same account, whatever it is called.
    server.set(|behaviour| behaviour.user = "alice".to_owned());
    sandbox.clock.advance(-4000);
    sandbox.run(&["login"]).ok();
    assert_eq!(sandbox.run(&["account", "list"]).ok().stdout, "bob\nwork *\n");
    sandbox.run(&["logout", "--account", "work"]).ok();
    assert_eq!(sandbox.run(&["account", "list"]).ok().stdout, "bob *\n");
}

#[test]
fn slips_change_nothing() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server);
    sandbox
        .run(&["account", "use", "carol"])
        .fails(1)
        .says("no account `carol`")
        .says("its accounts are alice, bob");
    sandbox.run(&["account", "rename", "alice", "bob"]).fails(1).says("an account `bob` already");
    sandbox.run(&["account", "use", "alice", "--provider", "nobody"]).fails(4);
    assert_eq!(sandbox.run(&["account", "list"]).ok().stdout, "alice\nbob *\n");
    let empty = Sandbox::with_server(&server.domain());
    empty.run(&["account", "list"]).ok().says("No account of as is logged in");
    empty.run(&["account", "use", "alice"]).fails(1).says("run `authctl login as`");
}
