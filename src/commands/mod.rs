//! The subcommands: one file each, with its arguments (whose comments are its help) and what it does.

pub mod account;
pub mod client_metadata;
pub mod completions;
pub mod config;
pub mod curl;
pub mod doctor;
pub mod exec;
pub mod headers;
pub mod inspect;
pub mod login;
pub mod logout;
pub mod man;
pub mod provider;
pub mod refresh;
pub mod secret;
pub mod serve;
pub mod status;
pub mod store;
pub mod token;
pub mod whoami;
