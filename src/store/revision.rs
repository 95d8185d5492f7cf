//! Revisions of a stored value, for compare-and-swap.

/// A stored value's state. A write names the state that it replaces, and fails if the value is in another one
/// (compare-and-swap). On one machine a lock prevents that; among several it only makes it rare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Revision {
    /// The value does not exist.
    #[default]
    Absent,
    /// The state that was read.
    At(String),
    /// Any: the value cannot be read, or does not matter.
    Any,
}

impl Revision {
    /// The revision of these bytes, for stores without revision numbers.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
        Self::At(base16ct::lower::encode_string(digest.as_ref()))
    }

    /// Whether a write over this state may replace the present one.
    pub fn allows(&self, present: &Self) -> bool {
        matches!(self, Self::Any) || self == present
    }
}

#[derive(Debug, Clone)]
pub struct Versioned<T> {
    pub value: T,
    pub revision: Revision,
}
