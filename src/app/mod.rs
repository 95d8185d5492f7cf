//! What commands and helpers share: arguments, logins, new providers and the output of tokens.

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

/// The context of every command.
pub struct App<'a> {
    /// The ports: network, browser, clock and so on.
    pub system: &'a System,
    pub config: &'a Config,
    /// The command line's `--config` and `--profile`.
    pub options: &'a LoadOptions,
    pub json: bool,
    pub verbose: bool,
    /// Returns the definition of the command line.
    pub command_line: fn() -> clap::Command,
}

/// Applies `--verbose`, `--color` and `--quiet`.
pub fn configure(system: &mut System, verbose: u8, color: ColorChoice, quiet: bool) {
    system.console.configure(color, quiet);
    prompt_on_console(system);
    if verbose > 0 {
        let inner = Arc::clone(&system.http);
        system.http = Arc::new(WireLog::new(inner, system.console.clone(), verbose > 1));
    }
}

/// Shows the domain's prompts on the console, with its current settings.
pub fn prompt_on_console(system: &mut System) {
    system.prompter = Arc::new(ConsolePrompter(system.console.clone()));
}

impl<'a> App<'a> {
    /// Opens a session for the named provider, or for the default.
    pub fn open(&self, named: Option<&ProviderName>) -> Result<Open<'a>, ChoiceError> {
        Session::open(self.system, self.config, named)
    }

    /// Returns the named or default provider, for commands that need no store.
    pub fn provider(&self, named: Option<&ProviderName>) -> Result<Rc<Provider>, ChoiceError> {
        self.config.selected(named)
    }

    /// Returns a session for a provider that may no longer be configured.
    pub fn session(&self, name: &ProviderName) -> Session<'a> {
        Session::new(self.system, self.config, name)
    }

    /// Returns the whole store, for commands that list or move its records.
    pub fn whole_store(&self) -> TokenStore<'a> {
        configured_store(self.system, self.config)
    }

    /// Reloads the configuration after a change.
    pub fn reload(&self) -> Config {
        Config::load(self.system, self.options)
    }

    /// Prints a JSON value and a newline.
    pub fn print_json(&self, value: &serde_json::Value) -> Result<(), Error> {
        Ok(self.system.console.out(&format!("{}\n", crate::text::untrusted::escaped_json(value)))?)
    }
}
