//! The server's session, which outlasts the tokens, is ended in the browser (RP-Initiated Logout 1.0).

use super::{browser, home, op};
use crate::parts::{Ended, OidcProvider};

#[test]
fn logout_ends_the_session_in_the_browser() {
    let server = OidcProvider::start(3600);
    let home = home(&[op(&server, "post_logout_redirect_uri = \"http://127.0.0.1/logged-out\"\n")]);
    let cookies = home.folder.path().join("cookies");
    let with_browser = |arguments: &[&str]| {
        let mut command = home.command(&[arguments, &["--browser", &browser()]].concat());
        Ended::from(command.env("COOKIES", &cookies).output().unwrap())
    };
    // The server does not ask a logged-in user for a name again; the forms tell which pages it showed.
    let forms = || {
        server.log().iter().filter(|entry| entry["path"].as_str().unwrap().contains("/interaction/")).count()
    };
    with_browser(&["login", "--timeout", "60s"]).ok();
    let first = forms();
    with_browser(&["login", "--timeout", "60s"]).ok();
    let second = forms() - first;
    assert!(second < first, "the session: {second} pages and not {first}");

    let logout = with_browser(&["logout", "--end-session"]).ok();
    logout.says("The server revoked the refresh token").says("Your session at the server has ended");
    assert_eq!(server.requests_to("/session/end").len(), 1, "L1");
    assert_eq!(server.requests_to("/session/end/confirm").len(), 1, "the user said yes there");
    let before = forms();
    with_browser(&["login", "--timeout", "60s"]).ok();
    assert_eq!(forms() - before, first, "the session has ended");
}
