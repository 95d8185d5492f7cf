//! What a kind of provider, or an OAuth grant, says of itself.

use super::build_context::BuildContext;
use super::token_provider::TokenProvider;
use crate::schema::{Key, Problem, Section};

/// Stands for every grant that is named by a URI of its own.
pub const ANY_URN: &str = "urn:…";

/// A kind of provider, or one grant of the kind `oauth`.
#[derive(Debug)]
pub struct Kind {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Another name for it.
    pub alias: Option<&'static str>,
    /// The names of its `grant_type`, for `oauth`: ours, and its URN where it has one.
    pub grants: &'static [&'static str],
    /// The key that `name = value` stands for.
    pub shorthand: Option<&'static str>,
    /// What it does, in one sentence without a full stop.
    pub about: &'static str,
    /// Its keys, in groups that kinds share.
    pub keys: &'static [&'static [&'static Key]],
    /// Whether other keys are taken as well, and passed on.
    pub open: bool,
    /// Variables whose values are secrets that it reads by itself: no browser and no provider program inherits them.
    pub variables: &'static [&'static str],
    /// Whether it runs a program: then only the site and user layers may have it.
    pub runs_program: bool,
    /// Reads the checked keys.
    pub build: Build,
}

/// Makes a provider of its checked keys, or tells every problem with them.
pub type Build = fn(&Section, &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>>;

impl Kind {
    /// Whether this is its name or its alias.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }

    /// Whether it is the kind of this `grant_type`. A kind without grants has any; the one of extension grants has every
    /// absolute URI (RFC 6749 section 4.5).
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
