//! authctl against real programs: an OpenID-certified server, a Secret Service, a browser, curl, an etcd cluster.
//! `tests/setup` installs them; a missing one fails the run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "tests may fail, and use the real machine"
)]
#![cfg(target_os = "linux")]

mod completions;
mod doctor;
mod etcd;
mod exec_and_curl;
mod grants;
mod interop;
mod keyring;
mod kill_loop;
mod main_job;
mod notification;
mod parts;
mod provider_programs;
mod sealed_files;
mod shared_store;
mod urls;
mod wizard;
