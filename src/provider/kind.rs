//! The description of a kind of provider or an OAuth grant.

use super::build_context::BuildContext;
use super::token_provider::TokenProvider;
use crate::schema::{Key, Problem, Section};

/// Stands for every grant whose name is a URI.
pub const ANY_URN: &str = "urn:…";

/// A kind of provider, or one grant of the kind `oauth`.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    pub alias: Option<&'static str>,
    /// The names of its `grant_type`, for `oauth`: authctl's short name, and its URN if it has one.
    pub grants: &'static [&'static str],
    /// The key that `name = value` sets.
    pub shorthand: Option<&'static str>,
    /// What it does, in one sentence without a full stop.
    pub about: &'static str,
    /// Its keys, in groups that kinds share.
    pub keys: &'static [&'static [&'static Key]],
    /// Whether unknown keys are accepted and passed on.
    pub open: bool,
    /// Secret variables that the kind reads directly: browsers and provider programs do not inherit them.
    pub variables: &'static [&'static str],
    /// Whether it runs a program: then only the site and user layers may configure it.
    pub runs_program: bool,
    pub build: Build,
}

/// Builds a provider from its checked keys, or returns every problem with them.
pub type Build = fn(&Section, &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>>;

impl Kind {
    /// Whether this is its name or its alias.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }

    /// Whether this `grant_type` selects the kind. A kind without grants accepts any; the kind of extension grants
    /// accepts every absolute URI (RFC 6749 section 4.5).
    pub fn has_grant(&self, name: &str) -> bool {
        self.grants.is_empty()
            || self.grants.contains(&name)
            || self.grants.contains(&ANY_URN) && name.contains(':')
    }

    /// The name of its `grant_type`.
    pub fn grant(&self) -> Option<&'static str> {
        self.grants.first().copied()
    }

    pub fn all_keys(&self) -> impl Iterator<Item = &'static Key> + Clone + use<> {
        self.keys.iter().flat_map(|group| group.iter().copied())
    }
}
