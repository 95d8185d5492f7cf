//! Finds what the set-ups of helpers left in the configurations of other programs. What cannot be read is passed over: it is
//! another program's.

pub(super) mod files;
pub(super) mod programs;
mod words;
