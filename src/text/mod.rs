//! Text: untrusted, quoted for a shell, styled, in plain words.

pub mod causes;
pub mod humanize;
pub mod shell;
pub mod style;
pub mod untrusted;
