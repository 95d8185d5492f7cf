//! `authctl helper PROGRAM --setup|--write|--undo`: what is changed is shown, made and taken back.

use crate::support::Sandbox;

const CONFIG: &str = "store = \"file\"\n[credentials.reg]\ntemplate = \"gitlab\"\ndomain = \"git.example\"\nhosts = [\"reg.example:5000\"]\noauth.client_id = \"x\"\n[credentials.aws]\ndomain = \"x.example\"\njwt = \"token-canary\"\nhelper = { aws_role = \"arn:aws:iam::1:role/x\", aws_region = \"eu-central-1\" }\n";

/// Every file of the home but our own.
fn files(sandbox: &Sandbox) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    sandbox.files().into_iter().filter(|(path, _)| !path.ends_with("config/config.toml")).collect()
}

#[test]
fn what_is_written_is_shown_first_and_taken_back_whole() {
    for (program, file, text, lines) in [
        (
            "docker",
            ".docker/config.json",
            "{\n\t\"auths\": {\n\t\t\"a\": {\n\t\t\t\"auth\": \"canary\"\n\t\t}\n\t}\n}\n",
            vec!["\"reg.example:5000\": \"authctl\""],
        ),
        ("bazel", ".bazelrc", "build --x\n", vec!["common --credential_helper=reg.example="]),
        ("terraform", ".terraformrc", "plugin_cache_dir = \"x\"\n", vec!["credentials_helper \"authctl\" {"]),
        (
            "cargo",
            ".cargo/config.toml",
            "[registries.r] # canary\nindex = \"sparse+https://git.example/\"\n",
            vec!["credential-provider = [\"/usr/bin/authctl\", \"helper\", \"cargo\"]"],
        ),
        (
            "aws",
            ".aws/config",
            "[default]\naws_secret_access_key = canary\n",
            vec![
                "[profile authctl-aws]",
                "credential_process = /usr/bin/authctl helper aws aws",
                "region = eu-central-1",
            ],
        ),
    ] {
        let sandbox = Sandbox::new(CONFIG);
        sandbox.write(file, text);
        let before = files(&sandbox);
        let arguments = |flag: &'static str| {
            let provider = (program == "aws").then_some("aws");
            [Some("helper"), Some(program), provider, Some(flag)].into_iter().flatten().collect::<Vec<_>>()
        };
        let shown = sandbox.run(&arguments("--setup")).ok();
        assert_eq!(files(&sandbox), before, "{program}: only shown");
        assert!(!shown.stdout.contains("canary"), "{program}: {shown}");
        let written = sandbox.run(&arguments("--write")).ok();
        let now = std::fs::read_to_string(sandbox.path(file)).unwrap();
        for line in &lines {
            assert!(
                shown.stdout.contains(line) && written.stderr.contains(line),
                "{program}: {shown}{written}"
            );
            assert!(now.contains(line), "{program}: {now}");
        }
        assert!(text.lines().all(|line| now.contains(line.trim_end_matches(['{', '}']))), "{program}: {now}");
        let once = files(&sandbox);
        sandbox.run(&arguments("--write")).ok().says("nothing to do");
        assert_eq!(files(&sandbox), once, "{program}: twice is once");
        sandbox.run(&arguments("--undo")).ok();
        assert_eq!(files(&sandbox), before, "{program}: taken back");
        sandbox.run(&arguments("--undo")).ok().says("nothing to do");
    }
}

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

#[test]
fn f_url4_a_program_of_somebody_else_is_not_replaced() {
    let sandbox = Sandbox::new(CONFIG);
    let other = sandbox.write(".local/bin/keyring", "#!/bin/sh\n");
    sandbox.run(&["helper", "keyring", "--write"]).fails(1).says("is there already, and is not ours");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "#!/bin/sh\n");
    sandbox.run(&["helper", "keyring", "--undo"]).ok();
    assert!(other.exists());
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
