//! A config file.

use super::world::World;

/// A config file, which is loaded, checked and shown.
pub(super) fn file(data: &[u8]) {
    let world = World::current();
    world.configure(data);
    for arguments in
        [&["config", "check"][..], &["config", "show", "--origin"], &["--json", "config", "show"]]
    {
        world.run(arguments, b"");
    }
}
