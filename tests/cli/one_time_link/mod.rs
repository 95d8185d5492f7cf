//! The link that authctl passes to the browser, and who may use it (F-LEAK11, F-CB20).

mod link;
mod processes;
mod users;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use authctl::ports::peer::{Peer, Peers};
use url::Url;

use crate::support::Sandbox;
use crate::support::browsers::Given;
use crate::support::sandbox::Output;

/// Reports this user for every connection.
struct Everybody(Peer);

impl Peers for Everybody {
    fn user(&self, _: SocketAddr, _: SocketAddr) -> Peer {
        self.0
    }
}

fn target(url: &Url) -> &str {
    &url[url::Position::BeforePath..]
}

fn host(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())
}

/// Runs a command with a browser that does this with the link.
fn with_browser(
    sandbox: &mut Sandbox,
    arguments: &[&str],
    does: impl Fn(&Url) + Send + Sync + 'static,
) -> Output {
    // A failure in the browser fails the test.
    let failed = Arc::new(Mutex::new(false));
    let noted = Arc::clone(&failed);
    sandbox.system.browser = Arc::new(Given(Arc::new(move |link| {
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| does(&link)));
        *noted.lock().unwrap() |= run.is_err();
    })));
    let output = sandbox.run(arguments);
    assert!(!*failed.lock().unwrap(), "the browser's part of the story failed: {output}");
    output
}

fn says_nothing(link: &Url) {
    let path = link.path().trim_start_matches('/');
    assert!(path.len() == 43 && !path.contains('/'), "{link}");
    assert_eq!((link.scheme(), link.query(), link.fragment()), ("http", None, None), "{link}");
}
