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
        assert_eq!(files(&sandbox), once, "{program}: twice is once");
        sandbox.run(&arguments("--undo")).ok();
        assert_eq!(files(&sandbox), before, "{program}: taken back");
        sandbox.run(&arguments("--undo")).ok().says("nothing to do");
    }
}

#[test]
fn a_registry_with_a_password_is_told_to_docker() {
    let config = "store = \"file\"\n[credentials.ghcr]\ntemplate = \"ghcr\"\nbasic = { username = \"u\", password = \"canary\" }\n";
    let shown = Sandbox::new(config).run(&["helper", "docker", "--setup"]).ok();
    assert!(shown.stdout.contains("\"ghcr.io\": \"authctl\""), "{shown}");
}

#[test]
fn two_providers_of_one_host_are_told_to_git_once() {
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

/// A home with a kubectl that replaces its file as a whole, and the commands that let git and kubectl change theirs.
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

#[test]
fn what_is_given_now_is_what_the_other_program_gives_later() {
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
fn half_a_block_of_ours_changes_nothing() {
    let sandbox = Sandbox::new(CONFIG);
    sandbox.run(&["helper", "bazel", "--write"]).ok();
    let written = std::fs::read_to_string(sandbox.path(".bazelrc")).unwrap();
    let half = written.replace("# end: authctl credential helper\n", "build --mine\n");
    sandbox.write(".bazelrc", &half);
    for way in ["--write", "--undo"] {
        sandbox
            .run(&["helper", "bazel", way])
            .fails(1)
            .says("do not belong together")
            .says("nothing was changed");
        assert_eq!(std::fs::read_to_string(sandbox.path(".bazelrc")).unwrap(), half);
    }
}

#[test]
fn entries_of_other_helpers_are_neither_replaced_nor_taken_away() {
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

/// Names that a server may choose for an account, each hostile to some syntax.
const NAMES: &[&str] = &[
    "x$(touch${IFS}pwned)",
    "x`touch${IFS}pwned`",
    "it's",
    "a\"b",
    "a;touch${IFS}pwned",
    "a|b&c>pwned",
    "a\\b",
    "a#b",
    "#a",
    ";a",
    "-rf",
    "--login",
    "a,--login",
    "a\",\"--login",
    "*",
    "~",
    "=ls",
    "!x",
    "алиса",
];

// F-HLP6
#[cfg(unix)]
#[test]
fn the_name_of_an_account_is_one_argument_for_aws_tools() {
    let sandbox = Sandbox::new(CONFIG);
    for name in NAMES {
        let account = format!("--account={name}");
        sandbox.run(&["helper", "aws", "aws", &account, "--write"]).ok();
        let written = std::fs::read_to_string(sandbox.path(".aws/config")).unwrap();
        let commands: Vec<&str> =
            written.lines().filter_map(|line| line.strip_prefix("credential_process = ")).collect();
        assert_eq!(commands.len(), 1, "{name}: {written}");
        // The SDKs for Go, Java and JavaScript give it to a shell; the one for Python splits it as a shell does.
        let script = format!("set -- {}; printf '%s\\0' \"$@\"", commands[0]);
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-c", &script]).current_dir(sandbox.path("")).output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let words: Vec<&str> = output.split_terminator('\0').collect();
        assert_eq!(words[1..], ["helper", "aws", "aws", account.as_str()], "{name}");
        assert!(!sandbox.path("pwned").exists(), "{name}");
        sandbox.run(&["helper", "aws", "aws", "--undo"]).ok();
    }
}

// F-HLP6
#[test]
fn a_name_that_a_file_cannot_carry_is_refused() {
    let sandbox = Sandbox::new(CONFIG);
    let before = files(&sandbox);
    for (name, said) in [
        ("a%b", "replace `%`"),
        ("%PATH%", "replace `%`"),
        ("a\u{202e}b", "do not show"),
        ("a\u{200b}b", "do not show"),
    ] {
        for flag in ["--setup", "--write"] {
            let refused = sandbox.run(&["helper", "aws", "aws", "--account", name, flag]).fails(1);
            refused.says(said).says("authctl account rename").says("nothing was changed");
        }
    }
    let role = ["helper", "aws", "aws", "--role", "arn #x", "--write"];
    sandbox.run(&role).fails(1).says("a comment");
    assert_eq!(files(&sandbox), before);
    // An existing profile can still be removed.
    sandbox.run(&["helper", "aws", "aws", "--write"]).ok();
    sandbox.run(&["helper", "aws", "aws", "--account", "a%b", "--undo"]).ok().says("done");
    assert_eq!(files(&sandbox), before);
    let kubernetes = ["helper", "kubernetes", "reg", "--account", "a\u{202e}b", "--setup"];
    sandbox.run(&kubernetes).fails(1).says("do not show");
}

// F-HLP6
#[test]
fn the_name_of_an_account_is_one_argument_for_kubectl() {
    let sandbox = Sandbox::new(CONFIG);
    let shown = |account: &str| {
        let account = format!("--account={account}");
        sandbox.run(&["helper", "kubernetes", "reg", &account, "--setup"]).ok().stdout
    };
    assert!(shown("a,--login").contains("'--exec-arg=\"--account=a,--login\"'"), "{}", shown("a,--login"));
    assert!(shown("a\"b").contains("'--exec-arg=\"--account=a\"\"b\"'"), "{}", shown("a\"b"));
    assert!(shown("$(x)").contains("'--exec-arg=--account=$(x)'"), "{}", shown("$(x)"));
}

#[test]
fn a_provider_that_does_not_name_aws_is_told_what_is_missing() {
    let sandbox = Sandbox::new(CONFIG);
    let command = ["helper", "aws", "reg", "--role", "arn:aws:iam::1:role/x", "--setup"];
    let shown = sandbox.run(&command).ok().stdout;
    assert!(shown.contains("authctl provider set reg helper.aws_role=arn:aws:iam::1:role/x"), "{shown}");
    let shown = sandbox.run(&["helper", "aws", "aws", "--setup"]).ok().stdout;
    assert!(!shown.contains("provider set"), "{shown}");
}
