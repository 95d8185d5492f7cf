//! authctl, a credential manager: log in once, hand valid tokens to every tool.
//!
//! The library's face is [`run`]: arguments in, exit status out, everything outside behind the ports of a
//! [`System`]. The modules, from the top down; none uses one above it:
//!
//! - `cli`: the command line; `commands`: one file a subcommand; `helper`: one file a protocol of another program;
//!   `wizard`: what adding a provider asks
//! - [`error`]: the edge, where a failure becomes an exit status and a hint
//! - [`session`]: the use cases: get a token, log in, log out
//! - [`config`]: TOML and variables, merged into providers; [`format`](mod@format): how a token is handed out
//! - [`provider`]: where tokens come from, one file a kind or grant
//! - [`discovery`], [`loopback`], [`secret_source`]: what providers work with
//! - [`store`]: where tokens are kept, bound to where they may be sent
//! - [`oauth`]: the protocol, values in and values out
//! - `replaceable`, `user_file`: programs and files that other users may change
//! - [`ports`], [`local_server`], [`peer`], [`console`]: the ports
//! - [`token`], [`setting`], [`secret`], [`name`], [`binding`], [`foreign`]: values; `shell`: quoting; `open_files`,
//!   `threads`, `users`: the operating system; `fault`: crashes, for tests
//!
//! [`adapters`] is the real machine behind the ports; `main` and the tests choose it. `fuzzing`, in tests alone, feeds
//! hostile input to what reads it.

pub mod adapters;
pub mod binding;
mod cli;
mod commands;
pub mod config;
pub mod console;
pub mod discovery;
pub mod error;
mod fault;
pub mod foreign;
pub mod format;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod helper;
pub mod local_server;
pub mod loopback;
pub mod name;
pub mod oauth;
mod open_files;
pub mod peer;
pub mod ports;
pub mod provider;
mod replaceable;
pub mod secret;
pub mod secret_source;
pub mod session;
pub mod setting;
mod shell;
pub mod store;
mod threads;
pub mod token;
mod user_file;
#[cfg(target_os = "linux")]
mod users;
mod wire_log;
mod wizard;
mod words;

pub use cli::command;

use std::ffi::OsString;

use error::Status;
use ports::System;

/// Runs the program with these arguments, the first of which is its own name.
pub fn run<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>, system: &mut System) -> Status {
    cli::run(arguments, system)
}
