//! As root, files keep their owner.

use super::CONFIG;
use crate::support::Sandbox;

// F-HLP7
#[cfg(target_os = "linux")]
#[test]
fn root_keeps_the_owner_of_a_file_that_was_made_as_another_user() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    assert!(rustix::process::geteuid().is_root(), "run this test as root, or skip it");
    let sandbox = Sandbox::new(CONFIG);
    let docker = sandbox.write(".docker/config.json", "{}\n");
    chown(&docker, Some(65533), Some(65533)).unwrap();
    chown(sandbox.path(""), Some(65533), Some(65533)).unwrap();
    // Root reads no config file from a home that another user can write.
    let of_root = Sandbox::new(CONFIG);
    sandbox.environment.set("AUTHCTL_CONFIG", of_root.path("config/config.toml").to_str().unwrap());
    sandbox.run(&["helper", "docker", "--write"]).ok();
    sandbox.run(&["helper", "aws", "aws", "--write"]).ok();
    for made in [".docker/config.json", ".aws", ".aws/config", ".local/bin/docker-credential-authctl"] {
        assert_eq!(sandbox.path(made).symlink_metadata().unwrap().uid(), 65533, "{made}");
    }
}

/// A home with a kubectl that replaces its whole file, and the commands that make git and kubectl change their files.
#[cfg(target_os = "linux")]
fn changed_by_their_programs() -> (Sandbox, [(&'static [&'static str], &'static str); 2]) {
    let sandbox = Sandbox::new(CONFIG);
    let script = "#!/bin/sh\ncat \"$HOME/.kube/config\" >/dev/null 2>&1\necho x > \"$HOME/.kube/new\"\nmv \"$HOME/.kube/new\" \"$HOME/.kube/config\"\n";
    crate::support::sandbox::set_mode(&sandbox.write("tools/kubectl", script), 0o755);
    let git = (&["helper", "git", "--write"][..], ".gitconfig");
    (sandbox, [git, (&["helper", "kubernetes", "reg", "--write"], ".kube/config")])
}

#[cfg(target_os = "linux")]
fn run_with_tools(sandbox: &Sandbox, arguments: &[&str]) -> std::process::Output {
    let tools = sandbox.path("tools").display().to_string();
    let path = format!("{tools}:{}", std::env::var("PATH").unwrap());
    sandbox.binary(env!("CARGO_BIN_EXE_authctl"), arguments).env("PATH", path).output().unwrap()
}

// F-HLP7
#[cfg(target_os = "linux")]
#[test]
fn root_keeps_the_owner_of_files_that_git_and_kubectl_replace() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    assert!(rustix::process::geteuid().is_root(), "run this test as root, or skip it");
    let (sandbox, changes) = changed_by_their_programs();
    for (arguments, file) in changes {
        let path = sandbox.write(file, "");
        chown(&path, Some(65533), Some(65534)).unwrap();
        let output = run_with_tools(&sandbox, arguments);
        assert!(output.status.success(), "{file}: {output:?}");
        let found = path.symlink_metadata().unwrap();
        assert!(found.len() > 0, "{file}: it was changed");
        assert_eq!((found.uid(), found.gid()), (65533, 65534), "{file}");
    }
    // A new file in another user's folder.
    std::fs::remove_file(sandbox.path(".kube/config")).unwrap();
    chown(sandbox.path(".kube"), Some(65533), Some(65534)).unwrap();
    assert!(run_with_tools(&sandbox, changes[1].0).status.success());
    assert_eq!(sandbox.path(".kube/config").symlink_metadata().unwrap().uid(), 65533);
    // A link that replaces the file is not followed to one of root's files.
    let own = sandbox.write("own", "");
    let script = "#!/bin/sh\nln -sf ../own \"$HOME/.kube/config\"\n";
    crate::support::sandbox::set_mode(&sandbox.write("tools/kubectl", script), 0o755);
    let output = run_with_tools(&sandbox, changes[1].0);
    assert!(sandbox.path(".kube/config").is_symlink(), "{output:?}");
    assert_eq!(own.symlink_metadata().unwrap().uid(), 0);
}

// F-HLP7
#[cfg(target_os = "linux")]
#[test]
fn git_and_kubectl_are_not_run_on_a_pipe_or_a_device() {
    use std::os::unix::fs::symlink;
    let (sandbox, changes) = changed_by_their_programs();
    for (arguments, file) in changes {
        let path = sandbox.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let begun = std::time::Instant::now();
        for what in ["a pipe", "a device"] {
            let output = run_with_tools(&sandbox, arguments);
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{file}, {what}: {stderr}");
            assert!(
                stderr.contains(file) && stderr.contains("not a regular file"),
                "{file}, {what}: {stderr}"
            );
            std::fs::remove_file(&path).unwrap();
            symlink("/dev/null", &path).unwrap();
        }
        assert!(begun.elapsed().as_secs() < 10, "{file}: it did not wait");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_program_that_belongs_to_another_user_is_not_replaced_f_url4() {
    let sandbox = Sandbox::new(CONFIG);
    let other = sandbox.write(".local/bin/keyring", "#!/bin/sh\n");
    sandbox
        .run(&["helper", "keyring", "--write"])
        .fails(1)
        .says("already exists and does not belong to authctl");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "#!/bin/sh\n");
    sandbox.run(&["helper", "keyring", "--undo"]).ok();
    assert!(other.exists());
}
