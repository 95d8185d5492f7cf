//! Arguments for curl.

use std::ffi::OsString;

use url::Url;

use super::world::{CANARY, HOST, World};

/// Arguments, separated by NUL. curl must never be started with the token in an argument, without `-q`, or with a URL
/// at a host other than the provider's.
pub(super) fn arguments(data: &[u8]) {
    if data.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()) {
        return;
    }
    let world = World::current();
    let arguments = data.split(|byte| *byte == 0).map(argument);
    let all: Vec<OsString> =
        ["curl", "bearer", "--"].into_iter().map(OsString::from).chain(arguments).collect();
    world.run(&all, b"X-Header: value\n");
    let Some(started) = world.started() else { return };
    let holds = |argument: &OsString| {
        argument.as_encoded_bytes().windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
    };
    assert!(!started.iter().any(holds), "the token is in curl's arguments: {started:?}");
    assert_eq!(started.first(), Some(&OsString::from("-q")), "curl reads its own configuration: {started:?}");
    let [.., globs, option, url] = started.as_slice() else {
        assert!(started.is_empty(), "{started:?}");
        return;
    };
    assert!(globs == "-g" && option == "--url", "{started:?}");
    let url = url.to_str().and_then(|url| Url::parse(url).ok());
    assert!(url.is_some_and(|url| url.scheme() == "https" && url.host_str() == Some(HOST)), "{started:?}");
}

#[cfg(unix)]
fn argument(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn argument(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}
