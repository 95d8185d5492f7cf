//! Completions ask the binary, and know the providers.

use crate::support::Sandbox;

#[test]
fn provider_names_are_completed() {
    let sandbox = Sandbox::new(
        "[credentials.github]\ntemplate = \"github\"\n[credentials.gitlab]\ntemplate = \"gitlab\"\n[credentials.x]\ntemplate = \"slack\"\n",
    );
    let complete = |words: &[&str]| {
        let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &[]);
        command.env("COMPLETE", "fish").arg("--").arg("authctl").args(words);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    // The binary finds its own configuration, so it lies where the home has it.
    let config = sandbox.path("xdg/authctl/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::copy(sandbox.path("config/config.toml"), config).unwrap();
    for command in ["token", "exec", "curl"] {
        assert_eq!(complete(&[command, "g"]), "github\ngitlab\n", "{command}");
    }
    assert!(complete(&["tok"]).starts_with("token\t"), "{}", complete(&["tok"]));
    assert!(complete(&["token", "-o", "h"]).starts_with("header"), "{}", complete(&["token", "-o", "h"]));
}

#[test]
fn the_stubs_in_the_repository_are_what_the_program_prints() {
    let sandbox = Sandbox::new("");
    for (shell, file) in [
        ("bash", "authctl.bash"),
        ("zsh", "_authctl"),
        ("fish", "authctl.fish"),
        ("powershell", "authctl.ps1"),
        ("elvish", "authctl.elv"),
    ] {
        let printed = sandbox.run(&["completions", shell]).ok().stdout;
        let path = format!("{}/completions/{file}", env!("CARGO_MANIFEST_DIR"));
        let kept = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{path} is missing"));
        assert_eq!(kept, printed, "run: authctl completions {shell} > completions/{file}");
    }
}
