//! One token for another.
