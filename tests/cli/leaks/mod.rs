//! Secrets appear only where the user asks for them.

mod output;
mod processes;
