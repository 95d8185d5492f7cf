//! Fuzz targets: one function for each input that an attacker may control.
//!
//! The binaries in `fuzz/` and the replay in the ordinary tests call the same functions, so the binaries cannot rot
//! unnoticed. Most of the code under test is private. This module is the one public entry to it, and it exists only in
//! tests and with the feature `fuzzing`, so no released build contains it.
//!
//! Each function takes any bytes and must return. Where it is cheap, it also asserts what must hold beyond that, for
//! example that a credential helper never writes a line that its caller's input made up.

#[cfg(target_os = "linux")]
mod bus;
#[cfg(not(target_os = "linux"))]
mod bus {
    //! authctl speaks D-Bus only on Linux.
    pub(super) fn message(_: &[u8]) {}
    pub(super) fn session(_: &[u8]) {}
}
mod config;
mod curl;
mod harmless;
mod helpers;
mod oauth;
#[cfg(test)]
mod replay;
mod serve;
mod store;
mod world;

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name in `fuzz/fuzz_targets` and `fuzz/corpus`.
    pub name: &'static str,
    /// Runs one input, and panics if something is wrong.
    pub run: fn(&[u8]),
    /// How many mutated inputs the ordinary tests run, so that each target takes about a second.
    pub cases: u32,
}

/// Every fuzz target.
pub const TARGETS: &[Target] = &[
    Target { name: "bus_message", run: bus::message, cases: 20_000 },
    Target { name: "bus_session", run: bus::session, cases: 2_000 },
    Target { name: "callback", run: oauth::callback, cases: 20_000 },
    Target { name: "challenge", run: oauth::challenge, cases: 20_000 },
    Target { name: "endpoint_answer", run: oauth::endpoint_answer, cases: 10_000 },
    Target { name: "metadata", run: oauth::metadata, cases: 10_000 },
    Target { name: "key_set", run: oauth::key_set, cases: 10_000 },
    Target { name: "id_token", run: oauth::id_token, cases: 3_000 },
    Target { name: "record", run: store::record, cases: 10_000 },
    Target { name: "config", run: config::file, cases: 600 },
    Target { name: "git_helper", run: helpers::git, cases: 600 },
    Target { name: "docker_helper", run: helpers::docker, cases: 600 },
    Target { name: "cargo_helper", run: helpers::cargo, cases: 600 },
    Target { name: "kubernetes_helper", run: helpers::kubernetes, cases: 600 },
    Target { name: "curl_arguments", run: curl::arguments, cases: 600 },
    Target { name: "serve_request", run: serve::request, cases: 1_000 },
];

/// Runs one input of the target with this name.
///
/// # Panics
/// If the input violates a property of the target, or the target does not exist.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    assert!(target.is_some(), "unknown fuzz target: {name}");
    target.into_iter().for_each(|target| (target.run)(data));
}
