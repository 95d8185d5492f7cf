//! A provider as it is configured.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::helper::HelperSettings;
use super::narrowing::Narrowing;
use crate::name::ProviderName;
use crate::oauth::endpoint::authority;
use crate::provider::{Kind, TokenProvider};
use crate::schema::Problem;

/// A provider with a valid configuration.
pub struct Provider {
    pub name: ProviderName,
    /// `https`, or `http` where the configuration says so.
    pub scheme: String,
    /// The hosts that its tokens may be sent to, `domain` first.
    pub hosts: Vec<String>,
    /// The kind, or the grant.
    pub kind: &'static Kind,
    pub source: Box<dyn TokenProvider>,
    pub narrowing: Narrowing,
    pub helper: HelperSettings,
}

impl Provider {
    /// Whether its tokens may be sent to a URL: by its own scheme, to exactly one of its hosts (RFC 9700 section 4.9.1).
    #[must_use]
    pub fn serves(&self, url: &url::Url) -> bool {
        url.scheme() == self.scheme && self.hosts.contains(&authority(url))
    }
}

/// The providers that are built already, so that each is built once per configuration, right or wrong.
#[derive(Default)]
pub(super) struct BuiltProviders(RefCell<BTreeMap<ProviderName, Built>>);

type Built = Result<Rc<Provider>, Vec<Problem>>;

impl BuiltProviders {
    pub(super) fn get_or_build(
        &self,
        name: &ProviderName,
        build: impl FnOnce() -> Result<Provider, Vec<Problem>>,
    ) -> Built {
        if let Some(built) = self.0.borrow().get(name) {
            return built.clone();
        }
        let built = build().map(Rc::new);
        self.0.borrow_mut().insert(name.clone(), built.clone());
        built
    }
}

/// A copy of a configuration may be changed, so it starts without providers.
impl Clone for BuiltProviders {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for BuiltProviders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.borrow().keys()).finish()
    }
}
