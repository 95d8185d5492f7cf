//! The system's limits cause no panic, lose no session, and let nobody lock others out (F-CB21, F-ROT5, F-SRV1).

mod files;
mod open_files;
mod threads;

use std::process::{Command, Stdio};

use crate::support::Sandbox;

const BINARY: &str = env!("CARGO_BIN_EXE_authctl");

/// Runs authctl in a shell with a limit.
fn in_shell(sandbox: &Sandbox, ulimit: &str, arguments: &[&str]) -> Command {
    let script = format!("ulimit {ulimit} && exec \"$0\" \"$@\"");
    let mut command = sandbox.binary("sh", &[&["-c", &script, BINARY], arguments].concat());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
