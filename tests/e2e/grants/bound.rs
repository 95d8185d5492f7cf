//! Tokens that are bound.
