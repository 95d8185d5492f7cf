//! What every topic of the doctor works with.

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

/// The whole examination takes no longer, but for the step that is under way then.
pub const LONGEST: Duration = Duration::from_secs(60);

/// What the topics work with.
pub struct Examination<'a> {
    /// The outside, its network watched and bounded, and the configuration.
    pub app: &'a App<'a>,
    /// The configured store as a whole.
    pub store: TokenStore<'a>,
    /// The providers that are looked at: those that are configured right.
    pub providers: Vec<Rc<Provider>>,
    /// Those that are not.
    pub unusable: Vec<ProviderName>,
    /// What went over the network so far.
    pub watched: Arc<Watched>,
    /// All providers are looked at, and what is stored for others as well.
    pub whole: bool,
    /// No server is asked.
    pub offline: bool,
    /// Programs that print secrets are run.
    pub run_commands: bool,
    pub(super) started: Duration,
    pub(super) store_works: Cell<bool>,
}

impl Examination<'_> {
    /// Whether the store was tried out, and can be used.
    pub fn store_works(&self) -> bool {
        self.store_works.get()
    }

    /// How much time is left.
    pub fn left(&self) -> Duration {
        let gone = self.app.system.clock.elapsed().saturating_sub(self.started);
        LONGEST.saturating_sub(gone)
    }

    /// A note in the place of what there was no time for; `None` while there is.
    pub fn out_of_time(&self, topic: Topic, subject: &str) -> Option<Finding> {
        self.left().is_zero().then(|| {
            Finding::note(topic, subject, "not looked at: the time was up")
                .mend("name one provider: authctl doctor PROVIDER")
        })
    }
}
