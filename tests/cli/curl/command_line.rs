//! curl runs with the credential's headers, and its status is returned.

use super::{Api, Ended, PROGRAM, Story, head};

#[test]
fn curl_sends_the_headers_and_authctl_returns_its_status() {
    let story = Story::new(&Api::default());
    story.run(&["-sS"], "/x").is(0, "GET ");
    story.run(&["--", "-sS", "-X", "DELETE"], "/x").is(0, "DELETE ");
    story.run(&["-sS", "--json", "{}"], "/x").is(0, "POST {}");
    story.run(&["-sSi", "-d", "a=b"], "/x").is(0, &head("POST a=b"));
    story.run(&["-s", "-o", "/dev/null", "-w", "%{http_code}"], "/missing").is(0, "404");
    story.run(&["-sS", "-f"], "/missing").is(22, "").says("curl: (22)");
    story.run(&["-s"], "/scope").is(0, "not for you");
    assert_eq!(story.tokens_got(), 1, "only a rejected token is refreshed");
    assert!(story.shown().iter().all(|shown| shown == "Bearer access-canary-1"), "{:?}", story.shown());
    drop(story.api);
    let gone = story.sandbox.binary(PROGRAM, &["curl", "as", "-s", "http://127.0.0.1:9/x"]).output().unwrap();
    Ended::from(gone).is(1, "").says("not one of the hosts of `as`");
}

#[test]
fn curl_reports_an_unreachable_host() {
    let story = Story::new(&Api::default());
    story.run(&["-s"], "/x").is(0, "GET ");
    let url = story.url("/x");
    let Story { server: _server, api, sandbox } = story;
    drop(api);
    let mut command = sandbox.binary(PROGRAM, &["curl", "as", "-sS", &url]);
    Ended::from(command.env("CLIENT_SECRET", "s").output().unwrap()).is(7, "").says("curl: (7)");
}
