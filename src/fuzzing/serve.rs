//! Requests to `authctl serve`.

use std::sync::Arc;

use super::harmless::assert_harmless;
use super::world::{CANARY, Fixed, HOST, Printed, World};
use crate::oauth::pkce::random_text;
use crate::ports::local_server::{Action, Attempt, Reply, RequestHead, Service};
use crate::secret::SecretText;

thread_local! {
    static TOKENS: Option<Arc<dyn Service>> =
        serving(&["serve", "--listen", "127.0.0.1:0", "--gce", "bearer", "--gce-project", "project"]);
    static PROXY: Option<Arc<dyn Service>> = serving(&["serve", "--listen", "127.0.0.1:0", "--proxy", "bearer"]);
}

fn serving(arguments: &[&str]) -> Option<Arc<dyn Service>> {
    let world = World::current();
    let Printed { status, err, .. } = world.run(arguments, b"");
    assert_eq!(status, 0, "{err}");
    world.service()
}

/// A request: `METHOD TARGET` in the first line, then one header per line. `{capability}` is replaced with the server's
/// capability. A `>` before the method sends the request to the proxy.
pub(super) fn request(data: &[u8]) {
    let _world = World::current();
    let capability = random_text(&Fixed);
    let text = String::from_utf8_lossy(data).replace("{capability}", &capability);
    let mut lines = text.lines();
    let (method, target) = lines.next().unwrap_or_default().split_once(' ').unwrap_or_default();
    let (method, through) = method.strip_prefix('>').map_or((method, false), |method| (method, true));
    let headers = lines.filter_map(|line| line.split_once(": "));
    let asked = RequestHead {
        method: method.to_owned(),
        target: target.to_owned(),
        authority: None,
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), SecretText::new(value))).collect(),
        has_body: false,
        is_own_user: false,
    };
    let service = if through { PROXY.with(Option::clone) } else { TOKENS.with(Option::clone) };
    assert!(service.is_some(), "nothing is served");
    let Some(service) = service else { return };
    if let Some(refusal) = service.refuse(&asked) {
        return check(&refusal, false);
    }
    let shown = asked.headers("authorization").any(|value| value.contains(&capability));
    match service.answer(&asked, &Attempt::First) {
        Some(Action::Reply(reply)) => check(&reply, shown),
        Some(Action::Forward(forward)) => {
            assert!(shown, "passed on without the capability");
            assert!(
                forward.url.scheme() == "https" && forward.url.host_str() == Some(HOST),
                "{}",
                forward.url
            );
            let names: Vec<&str> = forward.headers.iter().map(|header| header.name.as_str()).collect();
            assert_eq!(names, ["Authorization"]);
        }
        None => {}
    }
}

/// A reply must be well-formed, and contain a token only if the request had the capability.
fn check(reply: &Reply, shown: bool) {
    assert!((200..600).contains(&reply.status), "{}", reply.status);
    for (name, value) in &reply.headers {
        assert_harmless(name, value);
        assert!(!value.contains('\n'), "{name}: {value:?}");
    }
    assert!(shown || !reply.body.expose().contains(CANARY), "a token without the capability");
}
