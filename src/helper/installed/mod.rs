//! Finds what earlier helper set-ups left in other programs' configuration. Unreadable files are skipped, because they belong
//! to other programs.

pub(super) mod files;
pub(super) mod programs;
mod words;
