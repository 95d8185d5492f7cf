//! Who may have written a config file: one that other users can change is refused, whatever is in it.
#![cfg(unix)]

mod folders;
mod permissions;

use std::os::unix::fs::chown;
use std::path::Path;

use crate::support::Sandbox;

const HARMLESS: &str = "[credentials.x]\ndomain = \"x.example\"\njwt = { env = \"T\" }\n";

/// Another user, if the tests run as root and can change a file's owner.
const SOMEBODY: u32 = 65_533;

fn home(config: &str) -> Sandbox {
    let sandbox = Sandbox::new(config);
    sandbox.environment.set("T", "tok");
    sandbox
}

/// Gives a file to another user; returns `false` if the tests may not.
fn give_away(path: &Path) -> bool {
    chown(path, Some(SOMEBODY), Some(SOMEBODY)).is_ok()
}
