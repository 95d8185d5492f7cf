//! What commands and helpers share: arguments, logging in, adding a provider, showing a token.

pub mod add_provider;
pub mod args;
pub mod installed;
pub mod login;
pub mod notification;
pub mod passphrase;
mod prompter;
mod qr_code;
pub mod render;
pub mod stored_secrets;
pub mod target;
pub mod wire_log;

use std::rc::Rc;

use crate::app::prompter::ConsolePrompter;
use crate::app::wire_log::WireLog;
use crate::config::Config;
use crate::config::layers::Options;
use crate::error::Error;
use crate::ports::System;
use crate::ports::console::ColorChoice;
use crate::session::Sessions;

/// What every command is given.
pub struct App<'a> {
    /// The outside.
    pub system: &'a System,
    /// The configuration.
    pub config: &'a Config,
    /// What the command line says of the configuration.
    pub options: &'a Options,
    /// Print JSON.
    pub json: bool,
    /// How the command line wants the outside to be.
    pub manner: &'a Manner,
    /// The definition of the command line itself.
    pub command_line: fn() -> clap::Command,
}

/// How the command line wants the outside to be: enough to make it so once more, on another thread.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How much is told of what goes over the wire.
    pub verbose: u8,
    /// When to use colours.
    pub color: ColorChoice,
    /// Say nothing but errors.
    pub quiet: bool,
}

impl Manner {
    /// Makes the outside so.
    pub fn apply(&self, system: &mut System) {
        system.console.configure(self.color, self.quiet);
        prompt_on_console(system);
        if self.verbose > 0 {
            let inner = Rc::clone(&system.http);
            system.http = Rc::new(WireLog::new(inner, system.console.clone(), self.verbose > 1));
        }
    }
}

/// Makes what the domain tells the user appear on the console, as it is configured now.
pub fn prompt_on_console(system: &mut System) {
    system.prompter = Rc::new(ConsolePrompter(system.console.clone()));
}

impl<'a> App<'a> {
    /// Opens sessions with the configuration.
    #[must_use]
    pub fn session(&self) -> Sessions<'a> {
        Sessions::new(self.system, self.config)
    }

    /// The configuration as it is now, after something was learned.
    #[must_use]
    pub fn reload(&self) -> Config {
        Config::load(self.system, self.options)
    }

    /// Prints a JSON value and a line feed.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn print_json(&self, value: &serde_json::Value) -> Result<(), Error> {
        Ok(self.system.console.out(&format!("{}\n", crate::text::untrusted::escaped_json(value)))?)
    }
}
