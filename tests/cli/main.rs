//! Stories of authctl as a user experiences it: in this process or through the binary, against an embedded
//! authorization server, with a mock keyring and fake browsers. One file or folder per command or topic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "stories may fail, and use the real machine"
)]

mod accounts;
mod architecture;
mod binding;
mod callback;
mod client_authentication;
mod completions;
mod config;
mod config_files;
mod conformance;
#[cfg(target_os = "linux")]
mod curl;
mod device;
mod discovery;
mod doctor;
#[cfg(target_os = "linux")]
mod documents;
mod dpop;
mod environment;
mod exchange;
#[cfg(target_os = "linux")]
mod exec;
mod helper;
mod helper_setup;
mod id_token;
mod inspect;
mod kinds;
mod leaks;
mod lifecycle;
#[cfg(target_os = "linux")]
mod limits;
mod login;
mod login_url;
mod logout;
mod man;
mod manners;
#[cfg(target_os = "linux")]
mod message_bus;
mod network;
mod one_time_link;
#[cfg(target_os = "linux")]
mod programs;
mod provider;
mod pushed_requests;
mod quick;
mod refresh_answers;
mod sealed_files;
mod serve;
mod shared_store;
mod store;
mod support;
mod swapped_config;
mod templates;
mod token;
