//! What `helper setup` writes and removes.

use super::{CONFIG, files};
use crate::support::Sandbox;

#[test]
fn setup_shows_its_changes_first_and_can_remove_them() {
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
            vec!["/.local/bin/cargo-credential-authctl\"]"],
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
        assert_eq!(files(&sandbox), once, "{program}: a second run changes nothing");
        sandbox.run(&arguments("--undo")).ok();
        assert_eq!(files(&sandbox), before, "{program}: undone");
        sandbox.run(&arguments("--undo")).ok().says("nothing to do");
    }
}

#[test]
fn setup_configures_docker_for_a_registry_with_a_password() {
    let config = "store = \"file\"\n[credentials.ghcr]\ntemplate = \"ghcr\"\nbasic = { username = \"u\", password = \"canary\" }\n";
    let shown = Sandbox::new(config).run(&["helper", "docker", "--setup"]).ok();
    assert!(shown.stdout.contains("\"ghcr.io\": \"authctl\""), "{shown}");
}

#[test]
fn setup_configures_git_once_for_two_providers_of_a_host() {
    let two = "store = \"file\"\n[credentials.one]\ndomain = \"git.example\"\njwt = \"x\"\n[credentials.two]\ndomain = \"git.example\"\njwt = \"y\"\n";
    let sandbox = Sandbox::new(two);
    let program = env!("CARGO_BIN_EXE_authctl");
    for way in ["--write", "--undo"] {
        let output = sandbox.binary(program, &["helper", "git", way]).output().unwrap();
        assert!(output.status.success(), "{way}: {}", String::from_utf8_lossy(&output.stderr));
        let configured = std::fs::read_to_string(sandbox.path(".gitconfig")).unwrap_or_default();
        let told = usize::from(way == "--write");
        assert_eq!(configured.matches("helper git").count(), told, "{configured}");
    }
}

#[test]
fn setup_checks_the_answer_that_the_other_program_will_get() {
    let sandbox = Sandbox::new("");
    let file = sandbox.write("other.toml", &format!("{CONFIG}[profile.work]\n")).display().to_string();
    let kubernetes = [
        "--config",
        &file,
        "--profile",
        "work",
        "helper",
        "kubernetes",
        "reg",
        "--scope",
        "a b",
        "--audience",
        "c",
        "--resource",
        "https://r.example",
        "--setup",
    ];
    let shown = sandbox.run(&kubernetes).ok().stdout;
    let narrow = ["--scope=a b", "--audience=c", "--resource=https://r.example"];
    for argument in ["--config", "~/other.toml", "--profile", "work"].into_iter().chain(narrow) {
        assert!(shown.contains(&format!("--exec-arg={argument}")), "{argument}: {shown}");
    }
    let shown = sandbox.run(&["--config", &file, "helper", "aws", "aws", "--setup"]).ok().stdout;
    let line = "credential_process = /usr/bin/authctl --config ~/other.toml helper aws aws";
    assert!(shown.contains(line), "{shown}");
    let docker = ["--config", &file, "helper", "docker", "--setup"];
    sandbox.run(&docker).fails(2).says("runs authctl without options").says("AUTHCTL_CONFIG");
}

#[test]
fn an_incomplete_block_is_not_changed() {
    let sandbox = Sandbox::new(CONFIG);
    sandbox.run(&["helper", "bazel", "--write"]).ok();
    let written = std::fs::read_to_string(sandbox.path(".bazelrc")).unwrap();
    let half = written.replace("# end: authctl credential helper\n", "build --mine\n");
    sandbox.write(".bazelrc", &half);
    for way in ["--write", "--undo"] {
        sandbox.run(&["helper", "bazel", way]).fails(1).says("no longer match").says("nothing was changed");
        assert_eq!(std::fs::read_to_string(sandbox.path(".bazelrc")).unwrap(), half);
    }
}

#[test]
fn entries_of_other_helpers_are_not_changed() {
    for (program, file, text) in [
        (
            "docker",
            ".docker/config.json",
            "{\n\t\"credHelpers\": {\n\t\t\"reg.example:5000\": \"desktop\"\n\t}\n}\n",
        ),
        (
            "cargo",
            ".cargo/config.toml",
            "[registries.r]\nindex = \"sparse+https://git.example/\"\ncredential-provider = \"cargo:token\"\n",
        ),
    ] {
        let sandbox = Sandbox::new(CONFIG);
        sandbox.write(file, text);
        let before = files(&sandbox);
        sandbox.run(&["helper", program, "--write"]).fails(1).says("already").says("nothing was changed");
        sandbox.run(&["helper", program, "--undo"]).ok();
        assert_eq!(files(&sandbox), before, "{program}");
    }
}

#[test]
fn another_helpers_reset_in_git_stays() {
    let sandbox =
        Sandbox::new("store = \"file\"\n[credentials.one]\ndomain = \"git.example\"\njwt = \"x\"\n");
    let key = "[credential \"https://git.example\"]\n\thelper = \n\thelper = !gh auth git-credential\n";
    sandbox.write(".gitconfig", key);
    let program = env!("CARGO_BIN_EXE_authctl");
    for (way, want) in [("--write", true), ("--undo", false)] {
        let output = sandbox.binary(program, &["helper", "git", way]).output().unwrap();
        assert!(output.status.success(), "{way}: {}", String::from_utf8_lossy(&output.stderr));
        let configured = std::fs::read_to_string(sandbox.path(".gitconfig")).unwrap();
        let others = configured.contains("\thelper = \n\thelper = !gh auth git-credential\n");
        assert!(others && configured.contains("helper git") == want, "{way}: {configured}");
    }
}
