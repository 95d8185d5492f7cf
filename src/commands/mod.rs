//! The subcommands, one file or folder each. The doc comments of their arguments are the help.

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
