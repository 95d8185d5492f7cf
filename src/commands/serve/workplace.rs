//! What a worker has of its own: the outside, and the configuration as it is at each request.

use std::rc::Rc;

use super::refusal::Refusal;
use crate::app::Manner;
use crate::config::{Config, LoadOptions, Provider};
use crate::error::Error;
use crate::name::ProviderName;
use crate::ports::console::{FAINT, styled};
use crate::ports::local_server::{Asked, Attempt};
use crate::ports::{Held, Signals, System};
use crate::session::{Open, Session};
use crate::text::untrusted::escaped;

/// What every worker is made with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Makes the outside.
    pub another: fn() -> System,
    /// How the command line wants it to be.
    pub manner: Manner,
    /// What it says of the configuration.
    pub options: LoadOptions,
}

/// A worker's own.
pub struct Workplace {
    system: System,
    setup: Setup,
}

impl Workplace {
    /// Furnishes one.
    pub fn new(setup: &Setup) -> Self {
        let mut system = (setup.another)();
        // Notes are for who sits before a terminal; the same one at every request is for nobody.
        Manner { quiet: true, ..setup.manner }.apply(&mut system);
        system.signals = Rc::new(Undisturbed);
        Self { system, setup: setup.clone() }
    }

    /// Does something with a provider as it is configured now.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn with<T>(
        &self,
        provider: &ProviderName,
        act: impl FnOnce(&Session<'_>, &Provider) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let config = Config::load(&self.system, &self.setup.options);
        let opened = Session::open(&self.system, &config, Some(provider));
        let Open { provider, session } = opened.map_err(Error::from)?;
        act(&session, &provider)
    }

    /// Tells of an answer, with `-v`. The query is left out: it may name people.
    pub fn tell(&self, asked: &Asked, attempt: &Attempt, answer: &str) {
        if self.setup.manner.verbose > 0 {
            let again = if matches!(attempt, Attempt::First) { "" } else { " (again)" };
            let line = format!("= {} {}{again}: {answer}", escaped(&asked.method), escaped(asked.path()));
            self.system.console.error(styled(FAINT, line));
        }
    }
}

/// The process is told to end once for all: what a worker is at is done to its end all the same.
struct Undisturbed;

impl Signals for Undisturbed {
    fn hold(&self) -> Box<dyn Held> {
        struct Nothing;
        impl Held for Nothing {
            fn caught(&self) -> Option<i32> {
                None
            }
        }
        Box::new(Nothing)
    }
}
