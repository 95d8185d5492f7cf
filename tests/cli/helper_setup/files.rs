//! Links, permissions and unreadable files.

use super::{CONFIG, files};
use crate::support::Sandbox;

#[cfg(unix)]
#[test]
fn a_file_that_is_a_link_stays_one_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let sandbox = Sandbox::new(CONFIG);
    let real = sandbox.write("dotfiles/bazelrc", "build --x\n");
    std::fs::set_permissions(&real, PermissionsExt::from_mode(0o644)).unwrap();
    symlink(&real, sandbox.path(".bazelrc")).unwrap();
    sandbox.run(&["helper", "bazel", "--write"]).ok();
    assert!(sandbox.path(".bazelrc").is_symlink());
    assert!(std::fs::read_to_string(&real).unwrap().contains("credential_helper"));
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o644);
}

// F-HLP7
#[cfg(unix)]
#[test]
fn a_link_to_a_file_that_does_not_exist_stays_one() {
    let sandbox = Sandbox::new(CONFIG);
    std::fs::create_dir_all(sandbox.path(".aws")).unwrap();
    std::os::unix::fs::symlink("../dotfiles/aws", sandbox.path(".aws/config")).unwrap();
    sandbox.run(&["helper", "aws", "aws", "--write"]).ok();
    assert!(sandbox.path(".aws/config").is_symlink());
    assert!(std::fs::read_to_string(sandbox.path("dotfiles/aws")).unwrap().contains("credential_process"));
    sandbox.run(&["helper", "aws", "aws", "--undo"]).ok();
    assert!(sandbox.path(".aws/config").is_symlink() && !sandbox.path("dotfiles/aws").exists());

    sandbox.environment.set("AWS_CONFIG_FILE", "/dev/null");
    sandbox.run(&["helper", "aws", "aws", "--write"]).fails(1).says("not a regular file");
}

#[test]
fn a_file_that_cannot_be_read_is_not_written() {
    for (program, file) in [("docker", ".docker/config.json"), ("cargo", ".cargo/config.toml")] {
        let sandbox = Sandbox::new(CONFIG);
        sandbox.write(file, "not = [\"either");
        let before = files(&sandbox);
        sandbox.run(&["helper", program, "--write"]).fails(1).says("nothing was changed");
        assert_eq!(files(&sandbox), before, "{program}");
    }
}
