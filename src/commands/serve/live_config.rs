//! The configuration as it is at each request.

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

/// The system of the server, and where it finds the configuration.
pub struct LiveConfig {
    system: System,
    options: LoadOptions,
    verbose: bool,
}

impl LiveConfig {
    /// The system of the command line, for requests that threads answer.
    pub fn new(app: &App<'_>) -> Self {
        // Notes are for who sits before a terminal; the same one at every request is for nobody.
        let console = app.system.console.quieted();
        // The server catches signals itself, and lets each worker finish.
        let mut system = System { console, signals: Arc::new(Unheld), ..app.system.clone() };
        prompt_on_console(&mut system);
        Self { system, options: app.options.clone(), verbose: app.verbose }
    }

    /// Does something with a provider as it is configured now.
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

    /// Logs an answer, with `-v`. The query is left out: it may name people.
    pub fn log(&self, asked: &RequestHead, attempt: &Attempt, answer: &str) {
        if self.verbose {
            let again = if matches!(attempt, Attempt::First) { "" } else { " (again)" };
            let line = format!("= {} {}{again}: {answer}", escaped(&asked.method), escaped(asked.path()));
            self.system.console.error(styled(FAINT, line));
        }
    }
}
