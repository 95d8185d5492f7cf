//! Account names in other programs' files.

use super::{CONFIG, files};
use crate::support::Sandbox;

/// Account names that a server may choose, each hostile to some syntax.
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
        // The SDKs for Go, Java and JavaScript run it in a shell; Python's splits it as a shell does.
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
fn a_name_that_a_file_cannot_hold_is_refused() {
    let sandbox = Sandbox::new(CONFIG);
    let before = files(&sandbox);
    for (name, said) in [
        ("a%b", "replace `%`"),
        ("%PATH%", "replace `%`"),
        ("a\u{202e}b", "invisible characters"),
        ("a\u{200b}b", "invisible characters"),
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
    sandbox.run(&kubernetes).fails(1).says("invisible characters");
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
fn setup_for_aws_names_the_missing_settings() {
    let sandbox = Sandbox::new(CONFIG);
    let command = ["helper", "aws", "reg", "--role", "arn:aws:iam::1:role/x", "--setup"];
    let shown = sandbox.run(&command).ok().stdout;
    assert!(shown.contains("authctl provider set reg helper.aws_role=arn:aws:iam::1:role/x"), "{shown}");
    let shown = sandbox.run(&["helper", "aws", "aws", "--setup"]).ok().stdout;
    assert!(!shown.contains("provider set"), "{shown}");
}
