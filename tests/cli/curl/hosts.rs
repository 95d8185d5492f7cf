//! The token goes only to the provider's hosts.

use super::{Api, Ended, INVALID, PROGRAM, Story};
use crate::support::Sandbox;
use crate::support::http::{Reply, Server, certificates};
use crate::support::sandbox::set_mode;

/// F-LEAK9: the token is for the hosts of its provider.
#[test]
fn curl_sends_nothing_to_another_host_or_scheme() {
    let story = Story::new(&Api::default());
    let other = Server::start(|_| Reply::full(200, &[], "theirs"));
    let (ours, theirs) = (story.url("/x"), format!("{}/x", other.url()));
    let with_user = ours.replace("http://", "http://user:canary-password@");
    let socket = other.address().to_string();
    let connect = format!("{}:{socket}", story.api.address());
    for (name, arguments, status, says) in [
        ("another port", &[theirs.as_str()][..], 1, "not one of the hosts of `as`"),
        ("another host", &["https://evil.example/x"], 1, "not one of the hosts of `as`"),
        ("a longer name", &["https://127.0.0.1.evil.example/x"], 1, "not one of the hosts"),
        ("a user in the URL", &[&with_user], 2, "contains a user name or password"),
        ("a backslash", &["https://127.0.0.1\\.evil.example/"], 2, "is not valid in a URL"),
        ("two URLs", &[&ours, &theirs], 2, "found 2 URLs"),
        ("another by option", &[&ours, "--next", &theirs], 2, "--next"),
        ("another place", &[&ours, "--connect-to", &connect], 2, "--connect-to"),
        ("no scheme", &["api.example.com/x"], 2, "use https://api.example.com/x"),
        ("another scheme", &["file:///etc/passwd"], 2, "not an"),
        ("shows the token", &["-v", &ours], 2, "it would print the token"),
        ("a proxy for http", &["-x", &socket, &ours], 2, "the proxy would see the token"),
        ("exceptions from it", &["--noproxy", "", &ours], 2, "the proxy would see the token"),
        ("a header that authctl sets", &["-H", "Authorization: Bearer x", &ours], 2, "header authorization"),
        ("no URL", &["-s"], 2, "needs a URL"),
        ("a name for a provider", &[], 2, "needs a URL"),
    ] {
        let ended = Ended::from(story.curl(arguments).output().unwrap());
        ended.is(status, "").says(says);
        assert!(!ended.stderr.contains("canary-password"), "{name}");
    }
    let unknown = story.sandbox.binary(PROGRAM, &["curl", "https://x.example"]).output().unwrap();
    Ended::from(unknown).is(3, "").says("not logged in at https://x.example/");
    assert_eq!((story.api.requests().len(), other.requests().len(), story.tokens_got()), (0, 0, 0));

    // The environment's proxy is not used either, and options that curl shares with authctl are curl's.
    let mut command = story.curl(&["--json", "{}", "-q", &ours]);
    command.env("http_proxy", other.url()).env("ALL_PROXY", other.url());
    Ended::from(command.output().unwrap()).is(0, "POST {}");
    assert!(other.requests().is_empty());
}

#[test]
fn a_token_of_an_https_provider_does_not_go_over_http() {
    let api = Server::start(|_| Reply::full(200, &[], "ok"));
    let sandbox =
        Sandbox::new(&format!("[credentials.a]\ndomain = \"{}\"\njwt = \"canary\"\n", api.address()));
    for command in [&["curl", "a"][..], &["headers", "a", "--url"]] {
        let url = format!("{}/x", api.url());
        let output = sandbox.binary(PROGRAM, &[command, &[&url]].concat()).output().unwrap();
        Ended::from(output).is(1, "").says("uses https").says("use https");
    }
    assert!(api.requests().is_empty());
}

/// For https, a proxy sees the destination but not the content.
#[test]
fn an_https_proxy_does_not_see_the_token() {
    let proxy = Server::start(|_| Reply::full(502, &[], ""));
    let sandbox = Sandbox::new("[credentials.a]\ndomain = \"api.example\"\njwt = \"canary\"\n");
    let run = |more: &[&str], variable: Option<&str>| {
        let arguments = [&["curl", "a", "-sS", "https://api.example/x?y=z"], more].concat();
        let mut command = sandbox.binary(PROGRAM, &arguments);
        command.envs(variable.map(|variable| (variable, proxy.url())));
        command.output().unwrap().status.code()
    };
    assert_eq!(run(&["-x", &proxy.url()], None), Some(56));
    assert_eq!(run(&[], Some("https_proxy")), Some(56));
    let seen = proxy.requests();
    assert_eq!(seen.len(), 2);
    for request in seen {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("CONNECT", "api.example:443"));
        assert!(request.header("authorization").is_none(), "{request:?}");
    }
}

#[test]
fn curl_trusts_the_configured_authorities() {
    let (authority, tls) = certificates();
    let api = Server::start_tls(tls, |_| Reply::full(200, &[], "encrypted"));
    let sandbox =
        Sandbox::new(&format!("[credentials.a]\ndomain = \"{}\"\njwt = \"canary\"\n", api.address()));
    let file = sandbox.write("ca.pem", &authority);
    let url = format!("https://{}/x", api.address());
    let run = |more: &[&str]| {
        Ended::from(sandbox.binary(PROGRAM, &[&["curl", "a", "-sS", &url], more].concat()).output().unwrap())
    };
    run(&[]).is(60, "").says("curl: (60)");
    run(&["-k"]).is(2, "").says("another server");
    run(&["--cacert", file.to_str().unwrap()]).is(0, "encrypted");
    assert_eq!(api.requests().len(), 1);
}

#[test]
fn redirects_leave_the_token_behind() {
    let elsewhere = Server::start(|_| Reply::full(200, &[], "elsewhere"));
    let to = format!("http://localhost:{}/y", elsewhere.address().port());
    let story = Story::with(Server::start(move |request| match request.path() {
        "/away" => Reply::redirect(302, &to),
        "/near" => Reply::redirect(302, "/x"),
        "/refused" => Reply::redirect(302, "/invalid"),
        "/invalid" => Reply::full(401, INVALID, "refused"),
        _ => Reply::full(200, &[], "here"),
    }));
    story.run(&["-sL"], "/near").is(0, "here");
    story.run(&["-sL"], "/away").is(0, "elsewhere");
    assert!(elsewhere.requests()[0].header("authorization").is_none());
    assert_eq!(story.shown()[1], "Bearer access-canary-1", "the same host gets it");
    story.run(&["-sL"], "/refused").is(0, "refused");
    assert_eq!(story.tokens_got(), 1, "a rejection after a redirect is not about the original request");
    story.run(&["-s"], "/near").is(0, "");

    // A curl that would forward the token.
    let old = story.sandbox.write(
        "bin/curl",
        "#!/bin/sh\ntest \"$1\" = --version || exit 9\necho 'curl 7.74.0 (x) libcurl/7.74.0'\n",
    );
    set_mode(&old, 0o700);
    let mut command = story.curl(&["-sL", &story.url("/near")]);
    command.env("PATH", old.parent().unwrap());
    Ended::from(command.output().unwrap()).is(1, "").says("before version 7.83");
    let mut command = story.curl(&["-s", &story.url("/near")]);
    command.env("PATH", story.sandbox.path("nowhere"));
    Ended::from(command.output().unwrap()).is(127, "").says("cannot run curl: no such program");
}
