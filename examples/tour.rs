//! The main job from nothing: starts an authorization server of its own, and runs the real program through login, token
//! into curl, expiry and refresh, config show and logout, printing each command as it goes. It needs no keyring, no
//! browser and no account. With `--svg FILE` it draws the README's picture of the session.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::exit,
    reason = "an example"
)]

#[path = "../tests/cli/support/mod.rs"]
#[allow(missing_docs, reason = "it is documented where it lives")]
mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use support::{AuthorizationServer, browsers};

/// The argument that makes this program a browser: it follows the URL and consents.
const FOLLOW: &str = "--follow";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(FOLLOW) => drop(browsers::follow(&arguments[2].parse().unwrap())),
        Some("--svg") => Tour::start(true).walk(Some(Path::new(&arguments[2]))),
        _ => Tour::start(false).walk(None),
    }
}

/// A line as wide as the picture is; what is cut has no styles to end.
fn shortened(line: &str) -> String {
    const WIDEST: usize = 96;
    let plain = anstream::adapter::strip_str(line).to_string();
    if plain.chars().count() <= WIDEST {
        return line.to_owned();
    }
    let cut: String = plain.chars().take(WIDEST - 1).collect();
    format!("{cut}…")
}

struct Tour {
    home: tempfile::TempDir,
    program: PathBuf,
    server: AuthorizationServer,
    transcript: String,
    colored: bool,
}

impl Tour {
    fn start(colored: bool) -> Self {
        let built =
            Command::new(env!("CARGO")).args(["build", "--quiet", "--bin", "authctl"]).status().unwrap();
        assert!(built.success(), "authctl was not built");
        let program = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("authctl");
        let server = AuthorizationServer::start();
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join(".config/authctl");
        std::fs::create_dir_all(&config).unwrap();
        let text = format!(
            "[credentials.demo]\ndomain = \"{}\"\nscheme = \"http\"\n\n[credentials.demo.oauth]\nclient_id = \"app\"\nscopes = [\"openid\", \"repo\"]\n",
            server.domain()
        );
        std::fs::write(config.join("config.toml"), text).unwrap();
        Self { home, program, server, transcript: String::new(), colored }
    }

    fn walk(mut self, picture: Option<&Path>) {
        self.say("# One file says where tokens come from.");
        self.shell("cat ~/.config/authctl/config.toml", 0);
        self.say("# Not logged in: a pipe does not hang, it fails with status 3.");
        self.authctl(&["token"], 3);
        self.say("# Log in. Here a program plays the browser and consents.");
        self.authctl(&["login"], 0);
        self.say("# A valid token for anything that asks, without showing it in anybody's arguments.");
        let api = format!("{}/api", self.server.issuer());
        self.shell(&format!("authctl headers | curl -sS -H @- {api}; echo"), 0);
        if picture.is_none() {
            self.say("# The token ends; the next one is got without you.");
            self.server.set(|behaviour| behaviour.expires_in = Some(1));
            self.authctl(&["refresh"], 0);
            std::thread::sleep(Duration::from_millis(1100));
            self.server.set(|behaviour| behaviour.expires_in = Some(3600));
            self.authctl(&["token"], 0);
            self.say("# What is configured, and no secret.");
            self.authctl(&["config", "show"], 0);
            self.authctl(&["whoami"], 0);
        }
        self.authctl(&["status"], 0);
        self.authctl(&["logout"], 0);
        self.authctl(&["token"], 3);
        if let Some(path) = picture {
            let lines: Vec<String> = self.transcript.lines().map(shortened).collect();
            let svg = anstyle_svg::Term::new().render_svg(&lines.join("\n"));
            std::fs::write(path, svg).unwrap();
        }
    }

    fn authctl(&mut self, arguments: &[&str], status: i32) {
        self.shell(&format!("authctl {}", arguments.join(" ")), status);
    }

    /// Runs a command line as it is shown, with the program on PATH.
    fn shell(&mut self, line: &str, status: i32) {
        self.print(&format!("\u{1b}[1;32m$\u{1b}[0m \u{1b}[1m{line}\u{1b}[0m\n"));
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.program.parent().unwrap().display());
        let color = if self.colored { " --color always" } else { "" };
        let browser = format!("{} {FOLLOW} %s", std::env::current_exe().unwrap().display());
        let run = line.replace("authctl login", &format!("authctl login --browser '{browser}'"));
        let run = if self.colored { run.replace("authctl ", &format!("authctl{color} ")) } else { run };
        let child = Command::new("sh")
            .args(["-c", &run])
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let Output { status: ended, stdout, stderr } = child.wait_with_output().unwrap();
        let home = self.home.path().display().to_string();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&home, "~");
        self.print(&text(&stderr));
        self.print(&text(&stdout));
        assert_eq!(ended.code(), Some(status), "{line} ended otherwise");
        if status != 0 {
            self.print(&format!("\u{1b}[2m(status {status})\u{1b}[0m\n"));
        }
        self.print("\n");
    }

    fn say(&mut self, text: &str) {
        self.print(&format!("\u{1b}[2m{text}\u{1b}[0m\n"));
    }

    fn print(&mut self, text: &str) {
        self.transcript.push_str(text);
        let mut out = anstream::AutoStream::auto(std::io::stdout());
        out.write_all(text.as_bytes()).unwrap();
    }
}
