//! A reader's home, where the blocks of a page run in order: the real binary, a browser that consents, and stand-ins for
//! programs that would change something outside.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::internet::Internet;
use super::page::Block;
use crate::support::sandbox::set_mode;

/// The providers that the pages assume.
const STANDING: &str = "\
[credentials.github]
template = \"github\"
oauth.client_id = \"Iv1.0123456789abcdef\"
oauth.scopes = [\"read:user\"]

[credentials.prod]
domain = \"api.example.com\"

[credentials.prod.oauth]
issuer = \"https://login.example.com\"
client_id = \"cli\"
scopes = [\"openid\", \"deploy\", \"read\"]
";
/// Programs that do nothing here, so that they need not be installed.
const QUIET: [&str; 15] = [
    "aws",
    "bazel",
    "bazelisk",
    "cargo",
    "docker",
    "gh",
    "kubectl",
    "my-program",
    "pip",
    "podman",
    "ssh",
    "systemctl",
    "terraform",
    "uv",
    "xdg-open",
];
/// Programs that print a secret.
const SECRET: [&str; 3] = ["pass", "op", "systemd-creds"];
/// Ports that the pages use. They may be taken on this machine, so each is replaced by a free one.
const PORTS: [&str; 3] = ["8098", "8099", "8100"];
/// The time limit for a block, in seconds.
const DEADLINE: &str = "60";

/// Why a block does not do what the page says.
pub type Failure = String;

pub struct Home {
    folder: tempfile::TempDir,
    internet: Internet,
    running: Vec<Child>,
    ports: Vec<(String, String)>,
}

impl Home {
    pub fn new() -> Self {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listeners: Vec<_> = PORTS.iter().map(|port| ((*port).to_owned(), free())).collect();
        let ports = listeners
            .into_iter()
            .map(|(port, free)| (port, free.local_addr().unwrap().port().to_string()))
            .collect();
        let (folder, internet) = (tempfile::tempdir().unwrap(), Internet::start());
        let home = Self { folder, internet, running: Vec::new(), ports };
        for folder in ["bin", "home/work", "home/.config/authctl", "home/.local/bin", "run"] {
            std::fs::create_dir_all(home.path(folder)).unwrap();
        }
        set_mode(&home.path("run"), 0o700);
        std::fs::write(home.path("authority.pem"), &home.internet.authority).unwrap();
        // Records each failed call, because `$(…)` loses its status.
        home.program(
            "authctl",
            &format!(
                "[ \"$1\" = serve ] && exec {0} \"$@\"\n{0} \"$@\"\nstatus=$?\n[ $status = 0 ] || echo \"status $status: authctl $*\" >>'{1}'\nexit $status",
                env!("CARGO_BIN_EXE_authctl"),
                home.path("failures").display()
            ),
        );
        home.program(
            "browser",
            "curl --silent --location --header 'Sec-Fetch-Mode: navigate' \"$1\" >/dev/null 2>&1",
        );
        QUIET.iter().for_each(|name| home.program(name, "exit 0"));
        SECRET.iter().for_each(|name| home.program(name, "echo secret-canary"));
        home.configure(&home.config(), STANDING).unwrap();
        home
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        set_mode(&path, 0o755);
    }

    fn config(&self) -> PathBuf {
        self.path("home/.config/authctl/config.toml")
    }

    /// Writes a configuration fragment to a file, together with the earlier providers that it does not define.
    fn configure(&self, path: &Path, text: &str) -> Result<(), Failure> {
        let parsed = |text: &str| text.parse::<toml_edit::DocumentMut>().map_err(|error| error.to_string());
        let before = parsed(&std::fs::read_to_string(self.config()).unwrap_or_default())?;
        let mut whole = parsed(text)?;
        let is_short = text.lines().any(|line| line == "[credentials]");
        for (section, kept) in before.iter().filter(|_| !is_short) {
            let (Some(kept), true) = (kept.as_table(), section == "credentials") else {
                whole.entry(section).or_insert(kept.clone());
                continue;
            };
            let mut table = toml_edit::Table::new();
            table.set_implicit(true);
            let present = whole.entry("credentials").or_insert(toml_edit::Item::Table(table));
            for (name, provider) in kept {
                present.as_table_mut().unwrap().entry(name).or_insert(provider.clone());
            }
        }
        std::fs::write(path, whole.to_string()).unwrap();
        set_mode(path, 0o600);
        Ok(())
    }

    /// Deletes the configuration and everything stored.
    fn empty(&mut self) {
        let home = self.path("home");
        std::fs::remove_dir_all(&home).unwrap();
        for folder in ["work", ".config/authctl", ".local/bin"] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
    }

    /// Does what the comments before a block require, then runs the block.
    pub fn follow(&mut self, block: &Block) -> Result<(), Failure> {
        if block.has_comment("nothing configured") {
            self.empty();
        }
        for before in block.comments.iter().filter_map(|comment| comment.strip_prefix("before: ")) {
            self.run(before)?;
        }
        match block.language.as_str() {
            "toml" => self.check(&block.text),
            "json" => serde_json::from_str::<serde_json::Value>(&block.text)
                .map(drop)
                .map_err(|error| error.to_string()),
            "sh" if block.has_comment("keeps running") => self.start(&block.text),
            "sh" => self.run(&block.text),
            "console" => self.converse(&block.text),
            _ => Ok(()),
        }
    }

    /// Checks a configuration fragment. One with providers stays in effect.
    fn check(&self, text: &str) -> Result<(), Failure> {
        if text.starts_with("# .authctl.toml") {
            std::fs::write(self.path("home/work/.authctl.toml"), text).unwrap();
            return self.run("authctl config check");
        }
        if text.contains("[credentials") {
            self.configure(&self.config(), text)?;
            return self.run("authctl config check");
        }
        self.configure(&self.path("home/part.toml"), text)?;
        self.run("authctl --config ~/part.toml config check")
    }

    fn shell(&self, script: &str) -> Command {
        let mut script = script.to_owned();
        self.ports.iter().for_each(|(written, real)| script = script.replace(written, real));
        let mut command = Command::new("timeout");
        command.args([DEADLINE, "bash", "--noprofile", "--norc", "-c", &script]).env_clear();
        let home = self.path("home");
        let path = format!(
            "{}:{}/.local/bin:/usr/local/bin:/usr/bin:/bin",
            self.path("bin").display(),
            home.display()
        );
        let authority = self.path("authority.pem");
        for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"] {
            command.env(name, &authority);
        }
        for name in ["HTTPS_PROXY", "https_proxy"] {
            command.env(name, self.internet.url());
        }
        command
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("HOME", &home)
            .env("PATH", path)
            .env("BROWSER", self.path("bin/browser"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LANG", "C.UTF-8")
            .current_dir(home.join("work"))
            .stdin(Stdio::null());
        command
    }

    /// The output, with the paths and ports that the page shows.
    fn shown(&self, bytes: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (real, shown) in [
            (self.path("home").display().to_string(), "/home/alice"),
            (self.path("run").display().to_string(), "/run/user/1000"),
            (env!("CARGO_BIN_EXE_authctl").to_owned(), "/usr/bin/authctl"),
        ] {
            text = text.replace(&real, shown);
        }
        self.ports.iter().for_each(|(written, real)| text = text.replace(real, written));
        text
    }

    /// Runs a script in which every command and every call of authctl must succeed.
    fn run(&self, script: &str) -> Result<(), Failure> {
        let failures = self.path("failures");
        let _ = std::fs::remove_file(&failures);
        let output = self.shell(&format!("exec 2>&1; set -eu -o pipefail\n{script}")).output().unwrap();
        let lost = std::fs::read_to_string(&failures).unwrap_or_default();
        if output.status.success() && lost.is_empty() {
            return Ok(());
        }
        Err(format!("{}\n{lost}{}", output.status, self.shown(&output.stdout)))
    }

    /// Starts a program that runs until the page ends, and waits until it is ready.
    fn start(&mut self, script: &str) -> Result<(), Failure> {
        let log = self.path(&format!("running-{}", self.running.len()));
        let file = std::fs::File::create(&log).unwrap();
        let mut command = self.shell(script);
        command.stdout(file.try_clone().unwrap()).stderr(file).process_group(0);
        let mut child = command.spawn().unwrap();
        let begun = Instant::now();
        loop {
            let said = std::fs::read(&log).unwrap();
            if said.windows(4).any(|part| part == b"http") {
                self.running.push(child);
                return Ok(());
            }
            if child.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_secs(20) {
                let _ = child.kill();
                return Err(format!("it stopped:\n{}", self.shown(&said)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs each command and compares its output. The command after a failing one must be `echo $?`.
    fn converse(&self, text: &str) -> Result<(), Failure> {
        let turns = turns(text);
        let mut script = "exec 2>&1\n".to_owned();
        for (command, _) in &turns {
            script
                .push_str(&format!("{command}\nstatus=$?; printf '\\001%s\\001' $status; (exit $status)\n"));
        }
        let output = self.shell(&script).output().unwrap();
        let output = self.shown(&output.stdout);
        let mut parts = output.split('\u{1}');
        for (at, (command, want)) in turns.iter().enumerate() {
            let said = parts.next().unwrap_or_default();
            let status = parts.next().unwrap_or("none");
            let asked = turns.get(at + 1).is_some_and(|(next, _)| next == "echo $?");
            if status != "0" && !asked {
                return Err(format!("`{command}` ended with status {status}:\n{said}"));
            }
            if !fits(want, said) {
                return Err(format!("`{command}` does not say:\n{want}but:\n{said}"));
            }
        }
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for child in &mut self.running {
            let group = rustix::process::Pid::from_child(child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
            let _ = child.wait();
        }
    }
}

/// The commands of a `console` block, each with its output.
fn turns(text: &str) -> Vec<(String, String)> {
    let mut turns: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            turns.push((command.to_owned(), String::new()));
        } else if let Some((command, said)) = turns.last_mut() {
            match line.strip_prefix("> ").filter(|_| said.is_empty()) {
                Some(more) => *command = format!("{command}\n{more}"),
                None => *said = format!("{said}{line}\n"),
            }
        }
    }
    turns
}

/// Whether the output matches the page: `…` matches anything within a line, and any number of lines if it is alone.
pub fn fits(want: &str, said: &str) -> bool {
    fn lines(want: &[&str], said: &[&str]) -> bool {
        match (want, said) {
            ([], said) => said.is_empty(),
            (["…", rest @ ..], _) => (0..=said.len()).any(|skipped| lines(rest, &said[skipped..])),
            ([first, rest @ ..], [line, others @ ..]) => line_fits(first, line) && lines(rest, others),
            _ => false,
        }
    }
    let want: Vec<&str> = want.lines().map(str::trim_end).collect();
    let said: Vec<&str> = said.lines().map(str::trim_end).collect();
    lines(&want, &said)
}

fn line_fits(want: &str, line: &str) -> bool {
    let mut parts = want.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
