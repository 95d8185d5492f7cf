//! Text: untrusted, quoted for a shell, in plain words.

pub mod humanize;
pub mod shell;
pub mod untrusted;
