//! The input and state that all topics share.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::finding::{Finding, Topic};
use super::watch::Watched;
use crate::app::App;
use crate::config::Provider;
use crate::name::ProviderName;
use crate::store::TokenStore;

/// The time limit for the whole examination; the current step may still finish.
pub const LONGEST: Duration = Duration::from_secs(60);

pub struct Examination<'a> {
    /// The ports, with a network that records and limits each exchange, and the configuration.
    pub app: &'a App<'a>,
    pub store: TokenStore<'a>,
    /// The providers to check, which are configured correctly.
    pub providers: Vec<Rc<Provider>>,
    /// The selected providers whose configuration is not valid.
    pub unusable: Vec<ProviderName>,
    /// The exchanges so far.
    pub watched: Arc<Watched>,
    /// Whether to check all providers, and stored accounts of others as well.
    pub whole: bool,
    /// Whether to skip requests to servers.
    pub offline: bool,
    /// Whether to run programs that print secrets.
    pub run_commands: bool,
    pub(super) started: Duration,
    pub(super) store_works: Cell<bool>,
}

impl Examination<'_> {
    /// Whether the store passed its test.
    pub fn store_works(&self) -> bool {
        self.store_works.get()
    }

    pub fn left(&self) -> Duration {
        let gone = self.app.system.clock.elapsed().saturating_sub(self.started);
        LONGEST.saturating_sub(gone)
    }

    /// Returns a note if there is no time left to check the subject.
    pub fn out_of_time(&self, topic: Topic, subject: &str) -> Option<Finding> {
        self.left().is_zero().then(|| {
            Finding::note(topic, subject, "not checked: the time limit was reached")
                .fix("check a single provider: authctl doctor PROVIDER")
        })
    }
}
