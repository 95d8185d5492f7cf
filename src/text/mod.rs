//! Text for people and shells: escaped, quoted, styled.

pub mod causes;
pub mod difference;
pub mod humanize;
pub mod shell;
pub mod style;
pub mod untrusted;
