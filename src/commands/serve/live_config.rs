//! Loads the configuration again for each request.

use std::sync::Arc;

use super::refusal::Refusal;
use crate::app::{App, prompt_on_console};
use crate::config::{Config, LoadOptions, Provider};
use crate::error::Error;
use crate::name::ProviderName;
use crate::ports::local_server::{Attempt, RequestHead};
use crate::ports::{System, Unheld};
use crate::session::{Open, Session};
use crate::text::style::{FAINT, styled};
use crate::text::untrusted::escaped;

/// The server's ports and its options for loading the configuration.
pub struct LiveConfig {
    system: System,
    options: LoadOptions,
    verbose: bool,
}

impl LiveConfig {
    /// Uses the command line's ports for requests in other threads.
    pub fn new(app: &App<'_>) -> Self {
        // Notes would otherwise appear again for every request.
        let console = app.system.console.quieted();
        // The server catches signals itself, and lets each worker finish.
        let mut system = System { console, signals: Arc::new(Unheld), ..app.system.clone() };
        prompt_on_console(&mut system);
        Self { system, options: app.options.clone(), verbose: app.verbose }
    }

    /// Opens a provider with its current configuration and acts on it.
    pub fn with<T>(
        &self,
        provider: &ProviderName,
        act: impl FnOnce(&Session<'_>, &Provider) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let config = Config::load(&self.system, &self.options);
        let opened = Session::open(&self.system, &config, Some(provider));
        let Open { provider, session } = opened.map_err(Error::from)?;
        act(&session, &provider)
    }

    /// Logs a response with `-v`, without the query, which may contain personal data.
    pub fn log(&self, asked: &RequestHead, attempt: &Attempt, answer: &str) {
        if self.verbose {
            let again = if matches!(attempt, Attempt::First) { "" } else { " (again)" };
            let line = format!("= {} {}{again}: {answer}", escaped(&asked.method), escaped(asked.path()));
            self.system.console.error(styled(FAINT, line));
        }
    }
}
