//! What commands and helpers share: arguments, logging in, adding a provider, showing a token.

pub mod add_provider;
pub mod args;
pub mod input;
pub mod installed;
pub mod login;
pub mod login_result;
pub mod notification;
pub mod passphrase;
mod prompter;
mod qr_code;
pub mod render;
pub mod stored_secrets;
pub mod target;
pub mod wire_log;

use std::rc::Rc;
use std::sync::Arc;

use crate::app::prompter::ConsolePrompter;
use crate::app::wire_log::WireLog;
use crate::config::LoadOptions;
use crate::config::{ChoiceError, Config, Provider};
use crate::error::Error;
use crate::name::ProviderName;
use crate::ports::System;
use crate::ports::console::ColorChoice;
use crate::session::{Open, Session, configured_store};
use crate::store::TokenStore;

/// What every command is given.
pub struct App<'a> {
    /// The outside.
    pub system: &'a System,
    /// The configuration.
    pub config: &'a Config,
    /// What the command line says of the configuration.
    pub options: &'a LoadOptions,
    /// Print JSON.
    pub json: bool,
    /// Show what goes over the wire.
    pub verbose: bool,
    /// The definition of the command line itself.
    pub command_line: fn() -> clap::Command,
}

/// Makes the console and the network speak as the command line wants it.
pub fn configure(system: &mut System, verbose: u8, color: ColorChoice, quiet: bool) {
    system.console.configure(color, quiet);
    prompt_on_console(system);
    if verbose > 0 {
        let inner = Arc::clone(&system.http);
        system.http = Arc::new(WireLog::new(inner, system.console.clone(), verbose > 1));
    }
}

/// Makes what the domain tells the user appear on the console, as it is configured now.
pub fn prompt_on_console(system: &mut System) {
    system.prompter = Arc::new(ConsolePrompter(system.console.clone()));
}

impl<'a> App<'a> {
    /// The selected provider and its session; the named provider, else the default.
    pub fn open(&self, named: Option<&ProviderName>) -> Result<Open<'a>, ChoiceError> {
        Session::open(self.system, self.config, named)
    }

    /// The selected provider alone, for commands that need nothing stored.
    pub fn provider(&self, named: Option<&ProviderName>) -> Result<Rc<Provider>, ChoiceError> {
        self.config.selected(named)
    }

    /// The session for a provider, which need not be configured any more.
    pub fn session(&self, name: &ProviderName) -> Session<'a> {
        Session::new(self.system, self.config, name)
    }

    /// The configured store as a whole, for commands that list or move what is in it.
    pub fn whole_store(&self) -> TokenStore<'a> {
        configured_store(self.system, self.config)
    }

    /// The configuration as it is now, after something was written.
    pub fn reload(&self) -> Config {
        Config::load(self.system, self.options)
    }

    /// Prints a JSON value and a line feed.
    pub fn print_json(&self, value: &serde_json::Value) -> Result<(), Error> {
        Ok(self.system.console.out(&format!("{}\n", crate::text::untrusted::escaped_json(value)))?)
    }
}
