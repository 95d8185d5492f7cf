//! The folders above a config file.

use super::{HARMLESS, give_away, home};
use crate::support::sandbox::set_mode;

/// F-BIND7
#[test]
fn a_folder_where_others_can_replace_the_file_is_refused() {
    let sandbox = home(HARMLESS);
    let folder = sandbox.path("config");
    set_mode(&folder, 0o777);
    let output = sandbox.run(&["token", "x"]).fails(4);
    output.says("is in a folder that can be written by others").says("chmod o-w ~/config");
    set_mode(&folder, 0o775);
    sandbox.run(&["token", "x"]).ok();
    if give_away(&folder) {
        sandbox.run(&["token", "x"]).fails(4).says("is in a folder of user 65533");
    }
}

/// F-BIND7: Another user could replace the whole folder by a link to a folder that the victim owns.
#[test]
fn a_parent_folder_that_others_can_write_is_refused() {
    let sandbox = home(HARMLESS);
    let path = sandbox.write("above/between/config.toml", HARMLESS);
    let above = sandbox.path("above");
    let named = ["--config", path.to_str().unwrap(), "token", "x"];
    for (mode, is_refused) in [(0o755, false), (0o777, true), (0o1777, false), (0o775, false)] {
        set_mode(&above, mode);
        let output = sandbox.run(&named);
        if is_refused {
            output.fails(4).says("is in a folder that can be written by others").says("chmod o-w ~/above");
        } else {
            output.ok();
        }
    }
    set_mode(&above, 0o755);
    if give_away(&above) {
        sandbox.run(&named).fails(4).says("is in a folder of user 65533: ~/above");
    }
}

/// F-BIND7: In a user namespace, root's files appear to belong to an unknown user, like those of other users outside it.
#[cfg(target_os = "linux")]
#[test]
fn a_user_namespace_reads_an_unknown_users_file_that_was_made_as_another_user() {
    let sandbox = home(HARMLESS);
    let path = sandbox.write("unknown/config.toml", HARMLESS);
    let folder = sandbox.path("unknown");
    assert!(give_away(&path) && give_away(&folder), "run this test as root, or skip it");
    for (name, file_mode, folder_mode, refusal) in [
        ("only its owner writes", 0o644, 0o755, None),
        ("a sticky folder", 0o644, 0o1777, None),
        ("a group writes the file", 0o664, 0o755, Some("belongs to user 65534")),
        ("everybody writes the file", 0o646, 0o755, Some("belongs to user 65534")),
        ("a group writes the folder", 0o644, 0o775, Some("is in a folder of user 65534")),
        ("everybody writes the folder", 0o644, 0o757, Some("is in a folder of user 65534")),
    ] {
        set_mode(&path, file_mode);
        set_mode(&folder, folder_mode);
        let program = env!("CARGO_BIN_EXE_authctl");
        let path = path.to_str().unwrap();
        let arguments = ["-U", "--map-current-user", program, "--config", path, "token", "x"];
        let output = sandbox.binary("unshare", &arguments).env("T", "tok").output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        match refusal {
            None => assert_eq!(output.stdout, b"tok\n", "{name}: {errors}"),
            Some(reason) => assert!(errors.contains(reason) && output.stdout.is_empty(), "{name}: {errors}"),
        }
    }
}
