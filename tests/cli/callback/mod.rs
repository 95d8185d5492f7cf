//! Requests to the redirect listener: forged redirects, web pages, stalled connections, malformed requests.

mod end;
mod issuer;
mod pages;
mod port;
mod requests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

use crate::support::browsers::{Does, redirect_of};
use crate::support::http::get;
use crate::support::sandbox::Output;
use crate::support::{AuthorizationServer, Sandbox};

/// A story's action with the redirect that the browser would follow.
type Action = dyn Fn(&Url) + Send + Sync;

/// Logs in: runs `before` against the redirect's port, then follows the correct redirect.
fn login_after(before: Arc<Action>) -> (AuthorizationServer, Output, Vec<(u16, String)>) {
    let server = AuthorizationServer::start();
    let mut sandbox = Sandbox::with_server(&server.domain());
    let last = Arc::new(Mutex::new(Vec::new()));
    let answers = Arc::clone(&last);
    sandbox.system.browser = Arc::new(Does(Arc::new(move |url| {
        let redirect = redirect_of(&url).unwrap();
        before(&redirect);
        answers.lock().unwrap().extend(get(&redirect));
    })));
    let output = sandbox.run(&["login"]).ok();
    std::thread::sleep(Duration::from_millis(50));
    let last = last.lock().unwrap().clone();
    (server, output, last)
}

fn address(redirect: &Url) -> SocketAddr {
    redirect.socket_addrs(|| None).unwrap()[0]
}
