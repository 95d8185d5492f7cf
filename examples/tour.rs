//! Walks through the main job: starts an authorization server and runs the real program through login, a call to an API,
//! expiry, refresh and logout. Prints each command and its output. Needs no keyring, browser or account.

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
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use support::{AuthorizationServer, browsers};

/// The argument that makes this program a browser: it follows the URL and consents.
const FOLLOW: &str = "--follow";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(FOLLOW) => drop(browsers::follow(&arguments[2].parse().unwrap())),
        _ => Tour::start().walk(),
    }
}

struct Tour {
    home: tempfile::TempDir,
    program: PathBuf,
    server: AuthorizationServer,
}

impl Tour {
    fn start() -> Self {
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
        Self { home, program, server }
    }

    fn walk(&self) {
        say("# One file configures where tokens come from.");
        self.shell("cat ~/.config/authctl/config.toml", 0);
        say("# Without a login, `authctl token` does not hang a pipe: it fails with status 3.");
        self.authctl(&["token"], 3);
        say("# Log in. In this tour, a program plays the browser and consents.");
        self.authctl(&["login"], 0);
        say("# Any tool gets a valid token, and no process has it in its arguments.");
        let api = format!("{}/api", self.server.issuer());
        self.shell(&format!("authctl headers | curl -sS -H @- {api}; echo"), 0);
        say("# The token expires. authctl gets the next one without you.");
        self.server.set(|behaviour| behaviour.expires_in = Some(1));
        self.authctl(&["refresh"], 0);
        std::thread::sleep(Duration::from_millis(1100));
        self.server.set(|behaviour| behaviour.expires_in = Some(3600));
        self.authctl(&["token"], 0);
        say("# `config show` shows the configuration without its secrets.");
        self.authctl(&["config", "show"], 0);
        self.authctl(&["whoami"], 0);
        self.authctl(&["status"], 0);
        self.authctl(&["logout"], 0);
        self.authctl(&["token"], 3);
    }

    fn authctl(&self, arguments: &[&str], status: i32) {
        self.shell(&format!("authctl {}", arguments.join(" ")), status);
    }

    /// Runs a command line as it is shown, with the program on PATH.
    fn shell(&self, line: &str, status: i32) {
        print(&format!("\u{1b}[1;32m$\u{1b}[0m \u{1b}[1m{line}\u{1b}[0m\n"));
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.program.parent().unwrap().display());
        let browser = format!("{} {FOLLOW} %s", std::env::current_exe().unwrap().display());
        let run = line.replace("authctl login", &format!("authctl login --browser '{browser}'"));
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
        print(&text(&stderr));
        print(&text(&stdout));
        assert_eq!(ended.code(), Some(status), "{line} ended with another status");
        if status != 0 {
            print(&format!("\u{1b}[2m(status {status})\u{1b}[0m\n"));
        }
        print("\n");
    }
}

fn say(text: &str) {
    print(&format!("\u{1b}[2m{text}\u{1b}[0m\n"));
}

fn print(text: &str) {
    let mut out = anstream::AutoStream::auto(std::io::stdout());
    out.write_all(text.as_bytes()).unwrap();
}
