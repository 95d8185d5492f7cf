//! authctl, a credential manager: log in once, then give every tool a valid token.
//!
//! The library's face is [`run`]: arguments in, exit status out, with everything outside the program behind the ports of a
//! [`System`]. The modules, from the top down; none uses one above it, and two on one line do not use each other:
//!
//! - `cli`: the command line
//! - `commands`: one file per subcommand; `helper`: one file per protocol of another program
//! - `app`: what commands and helpers share
//! - `error`: the edge, where a failure becomes an exit status and a hint
//! - `session`: the use cases: get a token, log in, log out
//! - `config`: TOML and variables, merged into providers; `format`: how a token is printed
//! - `provider`: where tokens come from, one file per kind or grant
//! - `discovery`, `loopback`, `secret_source`: what providers work with
//! - `store`: stores records, each bound to where it may be sent
//! - `oauth`: the protocol, values in and values out
//! - `ports`: the network, browser, clock, terminal and everything else outside
//! - `token`, `schema`: tokens, and the keys of configuration tables
//! - `name`, `binding`, `os`: names, bindings, and what the operating system is asked directly
//! - `secret`, `text`, `advice`, `failpoint`: secrets, text that must be escaped, what an error means to the caller, and
//!   injected faults for tests
//!
//! [`adapters`] is the real machine behind the ports; only `main` and the tests use it. `fuzzing`, compiled for tests, feeds
//! hostile input to every parser.

pub mod adapters;
mod advice;
mod app;
#[doc(hidden)]
pub mod binding;
mod cli;
mod commands;
#[doc(hidden)]
pub mod config;
mod discovery;
mod error;
mod failpoint;
mod format;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod helper;
mod loopback;
mod name;
#[doc(hidden)]
pub mod oauth;
#[doc(hidden)]
pub mod os;
#[doc(hidden)]
pub mod ports;
#[doc(hidden)]
pub mod provider;
#[doc(hidden)]
pub mod schema;
#[doc(hidden)]
pub mod secret;
mod secret_source;
mod session;
#[doc(hidden)]
pub mod store;
mod text;
mod token;

pub use cli::command;

use std::ffi::OsString;

pub use advice::Status;
use ports::System;

/// Prints completions if a shell asks for them, and returns whether one does.
pub fn answer_completion(arguments: &[OsString], system: &System) -> bool {
    commands::completions::answer(arguments, cli::command, system)
}

/// Runs the program with these arguments, the first of which is its own name.
pub fn run<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>, system: &mut System) -> Status {
    cli::run(arguments, system)
}
