//! Completions in real interactive shells: type words at a terminal, press Tab, read the line.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::parts::{Home, PROGRAM, folder, wait_until};

const CONFIG: &str = "store = \"file\"\n[credentials.github]\ntemplate = \"github\"\noauth.client_id = \"app\"\n[credentials.gitlab]\ntemplate = \"gitlab\"\noauth.client_id = \"app\"\n";

/// What is typed before Tab, and the line after it. A final `<` makes trailing spaces visible.
const LINES: &[(&str, &str)] = &[
    ("authctl token gith", "authctl token github <"),
    ("authctl tok", "authctl token <"),
    ("authctl token github --account me@ex", "authctl token github --account me@example.com <"),
    ("authctl exec --env A=gith", "authctl exec --env A=github <"),
    ("authctl provider set github client_i", "authctl provider set github client_id=<"),
    ("authctl provider templates bitb", "authctl provider templates bitbucket <"),
    // Two candidates match: Tab completes their common prefix.
    ("authctl token g", "authctl token git<"),
    ("authctl token x", "authctl token x<"),
];

/// A home with a login and the completion scripts that authctl prints.
struct Desk {
    home: Home,
    scripts: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let home = Home::new(CONFIG);
        let mut login = home.command(&["login", "github", "--with-token", "--account", "me@example.com"]);
        let mut login = login.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        login.stdin.take().unwrap().write_all(b"gho_1").unwrap();
        assert!(login.wait().unwrap().success());
        let scripts = home.folder.path().join("scripts");
        std::fs::create_dir(&scripts).unwrap();
        Self { home, scripts }
    }

    /// Saves the completion script for a shell.
    fn script(&self, shell: &str, file: &str) -> PathBuf {
        let path = self.scripts.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, self.home.run(&["completions", shell]).ok().stdout).unwrap();
        path
    }

    /// Types each line in a fresh shell.
    fn type_in(&self, shell: &[&str], prepare: &str, lines: &[(&str, &str)]) {
        for (typed, want) in lines {
            let terminal = Terminal::open(&self.home, shell);
            if !prepare.is_empty() {
                terminal.write(&format!("{prepare}; echo read''y\n"));
                terminal.shows("ready");
            }
            terminal.write(typed);
            terminal.shows(typed);
            terminal.write("\t");
            let open = want.trim_end_matches('<').trim_end();
            wait_until(&format!("{shell:?}: `{open}`"), || terminal.screen().contains(open));
            std::thread::sleep(std::time::Duration::from_millis(500));
            terminal.write("<");
            wait_until(&format!("{shell:?}: `{want}`\n{}", terminal.screen()), || {
                terminal.screen().contains(want)
            });
            let screen = terminal.screen();
            assert!(!screen.contains("error") && !screen.contains("panicked"), "{shell:?}: {screen}");
        }
    }
}

/// A shell in a terminal.
struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    fn open(home: &Home, shell: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let socket = home.folder.path().join(format!("tmux-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let terminal = Self { socket };
        let path = format!("{}:/usr/bin:/bin", Path::new(PROGRAM).parent().unwrap().display());
        let mut command = terminal.tmux();
        command.args(["-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "40"]).args(shell);
        command.env_clear().env("PATH", path).env("HOME", home.folder.path()).env("PS1", "prompt> ");
        command.env("TERM", "xterm").env("LC_ALL", "C.UTF-8").current_dir(home.folder.path());
        assert!(command.status().expect("tmux is missing: run tests/setup").success());
        let has_drawn = || !terminal.screen().trim().is_empty();
        wait_until(&format!("{shell:?} with a prompt"), has_drawn);
        terminal
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket);
        command
    }

    fn write(&self, text: &str) {
        let parts = text.split_inclusive(['\n', '\t']);
        for part in parts {
            let plain = part.trim_end_matches(['\n', '\t']);
            if !plain.is_empty() {
                assert!(self.tmux().args(["send-keys", "-l", plain]).status().unwrap().success());
            }
            let key = if part.ends_with('\n') { "Enter" } else { "Tab" };
            if plain != part {
                assert!(self.tmux().args(["send-keys", key]).status().unwrap().success());
            }
        }
    }

    fn screen(&self) -> String {
        let output = self.tmux().args(["capture-pane", "-p"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn shows(&self, text: &str) {
        wait_until(&format!("`{text}` on the screen"), || self.screen().contains(text));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").status();
    }
}

#[test]
fn bash_completes() {
    let desk = Desk::new();
    let script = desk.script("bash", "authctl.bash");
    let bash = ["bash", "--norc", "--noprofile", "-i"];
    desk.type_in(&bash, &format!(". {}", script.display()), LINES);
    // bash decides where a word ends.
    let more = [
        ("authctl token github --account=me", "authctl token github --account=me@example.com <"),
        ("authctl exec --env A=gitlab:hea", "authctl exec --env A=gitlab:header <"),
        ("echo; authctl token gith", "echo; authctl token github <"),
    ];
    desk.type_in(&bash, &format!(". {}", script.display()), &more);
}

/// As the README describes it: bash-completion loads the file on demand.
#[test]
fn bash_completion_finds_the_script() {
    let desk = Desk::new();
    desk.script("bash", "../.local/share/bash-completion/completions/authctl");
    let prepare = ". /usr/share/bash-completion/bash_completion";
    desk.type_in(&["bash", "--norc", "--noprofile", "-i"], prepare, &LINES[..3]);
}

#[test]
fn zsh_completes_with_a_script() {
    let desk = Desk::new();
    let script = desk.script("zsh", "script.zsh");
    let prepare = format!("PROMPT='prompt> '; autoload -U compinit; compinit -u -D; . {}", script.display());
    desk.type_in(&["zsh", "-f", "-i"], &prepare, LINES);
}

/// As a package installs it: the first Tab loads it.
#[test]
fn zsh_completes_with_a_file_in_fpath() {
    let desk = Desk::new();
    desk.script("zsh", "_authctl");
    let prepare = format!(
        "PROMPT='prompt> '; fpath=({} $fpath); autoload -U compinit; compinit -u -D",
        desk.scripts.display()
    );
    desk.type_in(&["zsh", "-f", "-i"], &prepare, &LINES[..3]);
}

#[test]
fn fish_completes() {
    let desk = Desk::new();
    let script = desk.script("fish", "authctl.fish");
    desk.type_in(&["fish", "--no-config", "-i"], &format!("source {}", script.display()), LINES);
}

/// The lines in shells that open a list for several candidates, and add no space after a single one.
fn without_blanks() -> Vec<(&'static str, &'static str)> {
    LINES[..6].iter().map(|&(typed, want)| (typed, want.trim_end_matches('<').trim_end())).collect()
}

#[test]
fn elvish_completes() {
    let desk = Desk::new();
    let script = desk.script("elvish", "authctl.elv");
    let mut lines = without_blanks();
    // elvish quotes words that contain `=`.
    lines[3].1 = "authctl exec --env 'A=github'";
    lines[4].1 = "authctl provider set github 'client_id='";
    desk.type_in(&["elvish", "-norc"], &format!("eval (slurp < {})", script.display()), &lines);
}

#[test]
fn nushell_completes() {
    let desk = Desk::new();
    let script = desk.script("nushell", "authctl.nu");
    let config = desk.scripts.join("config.nu");
    let text = format!("source {}\n$env.config.show_banner = false\n", script.display());
    std::fs::write(&config, text).unwrap();
    let nu = folder().join("node_modules/@nushell/linux-x64/bin/nu");
    assert!(nu.exists(), "nushell is missing: run tests/setup");
    desk.type_in(&[nu.to_str().unwrap(), "--config", config.to_str().unwrap()], "", &without_blanks());
    // authctl is still called as before.
    let call =
        format!("source {}; authctl exec github -- sh -c 'echo $GITHUB_TOKEN -x --y'", script.display());
    let path = format!("{}:/usr/bin:/bin", Path::new(PROGRAM).parent().unwrap().display());
    let mut command = Command::new(&nu);
    command.args(["-c", &call]).env_clear().env("PATH", path).env("HOME", desk.home.folder.path());
    assert_eq!(String::from_utf8_lossy(&command.output().unwrap().stdout), "gho_1 -x --y\n");
}
