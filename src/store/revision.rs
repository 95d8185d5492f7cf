//! States of a stored value, for compare and swap.

/// Which state of a record a write replaces: it fails where the record is in another one (compare and swap). A lock keeps
/// that from happening on one machine; on several it only makes it rare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Revision {
    /// There was none.
    #[default]
    Absent,
    /// The one that was read.
    At(String),
    /// Whatever is there: it cannot be read, or it does not matter.
    Any,
}

impl Revision {
    /// The revision of these bytes, for stores that have no count of their own.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
        Self::At(base16ct::lower::encode_string(digest.as_ref()))
    }

    /// Whether a write over this may replace what is there.
    pub fn allows(&self, present: &Self) -> bool {
        matches!(self, Self::Any) || self == present
    }
}

/// A stored value and its state.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Its state.
    pub revision: Revision,
}
