//! Older records and stored secrets stay with their hosts.

use super::Story;
use crate::support::{AuthorizationServer, Sandbox};

/// F-BIND6: Earlier versions' records have no hosts. Your own file can still use them, and the next save records its hosts.
#[test]
fn only_the_users_file_may_use_an_older_record() {
    let story = Story::new();
    story.forget_what_was_recorded();
    let hosts = format!("hosts = [\"{}\"]", story.evil.domain());
    story.swap(&hosts, "");
    story.nothing_leaks("not recorded yet", &[]);
    let told = story.sandbox.run(&["token", "as"]).fails(4);
    told.says("has no recorded hosts").says("is not in your own config file");
    story.swap("", "");
    story.sandbox.run(&["token", "as"]).ok();
    story.swap_back();
    story.sandbox.run(&["token", "as"]).ok();
    story.sandbox.run(&["token", "as", "--refresh"]).ok();
    // Now they are recorded: your own file is no longer needed.
    std::fs::remove_file(story.sandbox.path("config/config.toml")).unwrap();
    story.swap("", "");
    story.sandbox.run(&["token", "as"]).ok();
    story.swap(&hosts, "");
    story.nothing_leaks("recorded", &[]);
}

/// F-BIND6: `secret set` stores more than tokens.
#[test]
fn a_stored_secret_stays_with_its_hosts_too() {
    let evil = AuthorizationServer::start();
    let keyed = |more: &str| {
        format!(
            "store = \"file\"\n[credentials.k]\ndomain = \"api.example\"\n{more}\napi_key = {{ key = {{ stored = true }} }}\n"
        )
    };
    let sandbox = Sandbox::new(&keyed(""));
    sandbox.run_with(&["secret", "set", "k", "key"], "canary-key\n").ok();
    assert_eq!(sandbox.run(&["token", "k"]).ok().text(), "canary-key");
    let hosts = format!("hosts = [\"{}\"]", evil.domain());
    let other = sandbox.write("other.toml", &keyed(&hosts));
    let swapped = ["--config", other.to_str().unwrap()];
    for command in [&["token", "k"][..], &["headers", "k"], &["exec", "k", "--", "env"]] {
        let output = sandbox.run(&[&swapped, command].concat()).fails(4);
        output.says("the stored `key` of `k` is not for the host").says("authctl secret set k key");
    }
    sandbox.write("other.toml", &keyed(""));
    assert_eq!(sandbox.run(&[&swapped, &["token", "k"][..]].concat()).ok().text(), "canary-key");
    // Set again with the other file, it is for that file's hosts, and still for your own file's.
    sandbox.write("other.toml", &keyed(&hosts));
    sandbox.run_with(&[&swapped, &["secret", "set", "k", "key"][..]].concat(), "canary-new\n").ok();
    assert_eq!(sandbox.run(&[&swapped, &["token", "k"][..]].concat()).ok().text(), "canary-new");
    assert_eq!(sandbox.run(&["token", "k"]).ok().text(), "canary-new");
}
