//! Draws the README's pictures of a session, one for light and one for dark pages: `picture FOLDER`.
//!
//! The output in them is real. The hosts are stand-ins on a loopback port, the same that the pages' tests use.
//! `packaging/picture` runs this with a keyring.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    dead_code,
    reason = "an example"
)]

#[path = "../tests/cli/documents/internet.rs"]
mod internet;
#[path = "../tests/cli/support/mod.rs"]
#[allow(missing_docs, reason = "it is documented in the tests")]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use internet::Internet;

/// The terminal's width, at which it breaks lines.
const COLUMNS: usize = 100;
const CONFIG: &str = "\
default = \"github\"

[credentials.github]
template = \"github\"
oauth.client_id = \"Iv1.0123456789abcdef\"
oauth.scopes = [\"repo\", \"read:org\"]

[credentials.work]
domain = \"api.example.com\"

[credentials.work.oauth]
issuer = \"https://login.example.com\"
client_id = \"cli\"
scopes = [\"openid\", \"deploy\", \"read\"]
";
/// The renderer's colours, and those of a light and a dark page.
const COLORS: [(&str, &str, &str); 6] = [
    (".bg { fill: #000000 }", "#ffffff", "#0d1117"),
    (".fg { fill: #AAAAAA }", "#1f2328", "#e6edf3"),
    (".fg-cyan { fill: #00AAAA }", "#1b7c83", "#39c5cf"),
    (".fg-green { fill: #00AA00 }", "#1a7f37", "#3fb950"),
    (".fg-red { fill: #AA0000 }", "#cf222e", "#f85149"),
    (".fg-yellow { fill: #AA5500 }", "#9a6700", "#d29922"),
];

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("the folder to write to"));
    let session = Session::start();
    session.internet.server.set(|behaviour| behaviour.expires_in = Some(8 * 3600));
    session.run("authctl login work");
    session.internet.server.set(|behaviour| behaviour.expires_in = Some(3600));
    let transcript = [
        "authctl login github",
        "authctl headers github | curl -sS -H @- https://api.github.com/user; echo",
        "authctl status",
    ]
    .map(|line| session.turn(line))
    .join("\n");
    for (name, color) in [("session-light.svg", 0), ("session-dark.svg", 1)] {
        std::fs::write(folder.join(name), picture(transcript.trim_end(), color)).unwrap();
    }
}

/// The transcript as a picture in the colours of a page.
fn picture(transcript: &str, page: usize) -> String {
    let lines: Vec<String> = transcript.lines().flat_map(broken).collect();
    let mut svg = anstyle_svg::Term::new().render_svg(&lines.join("\n"));
    for (rule, light, dark) in COLORS {
        let (selector, _) = rule.split_once("fill").unwrap();
        svg = svg.replace(rule, &format!("{selector}fill: {} }}", [light, dark][page]));
    }
    svg
}

/// A line as a terminal shows it: a longer one goes on in the next. Only unstyled lines exceed the width.
fn broken(line: &str) -> Vec<String> {
    let plain: Vec<char> = anstream::adapter::strip_str(line).to_string().chars().collect();
    if plain.len() <= COLUMNS {
        return vec![line.to_owned()];
    }
    plain.chunks(COLUMNS).map(|part| part.iter().collect()).collect()
}

struct Session {
    home: tempfile::TempDir,
    internet: Internet,
    path: String,
}

impl Session {
    fn start() -> Self {
        let built =
            Command::new(env!("CARGO")).args(["build", "--quiet", "--bin", "authctl"]).status().unwrap();
        assert!(built.success(), "authctl was not built");
        let program = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
        let (home, internet) = (tempfile::tempdir().unwrap(), Internet::start());
        let config = home.path().join(".config/authctl");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("config.toml"), CONFIG).unwrap();
        std::fs::write(home.path().join("authority.pem"), &internet.authority).unwrap();
        let browser = home.path().join("browser");
        let script = "#!/bin/sh\ncurl -sL -H 'Sec-Fetch-Mode: navigate' \"$1\" >/dev/null 2>&1\n";
        std::fs::write(&browser, script).unwrap();
        support::sandbox::set_mode(&browser, 0o755);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", program.display());
        Self { home, internet, path }
    }

    /// A command line as it is shown, and what it prints.
    fn turn(&self, line: &str) -> String {
        let shown = line.trim_end_matches("; echo");
        format!("\u{1b}[1;32m$\u{1b}[0m \u{1b}[1m{shown}\u{1b}[0m\n{}", self.run(line))
    }

    fn run(&self, line: &str) -> String {
        let home = self.home.path();
        let text = |path: &Path| path.display().to_string();
        let mut command = Command::new("sh");
        let line = line.replace("authctl ", "authctl --color always ");
        command.args(["-c", &format!("exec 2>&1; {line}")]).env_clear();
        for name in ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"] {
            command.env(name, std::env::var_os(name).unwrap_or_default());
        }
        for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE"] {
            command.env(name, home.join("authority.pem"));
        }
        for name in ["HTTPS_PROXY", "https_proxy"] {
            command.env(name, self.internet.url());
        }
        let command = command
            .env("NO_PROXY", "127.0.0.1")
            .env("HOME", home)
            .env("PATH", &self.path)
            .env("BROWSER", home.join("browser"))
            .env("LANG", "C.UTF-8");
        let output = command.current_dir(home).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).replace(&text(home), "~");
        assert!(output.status.success(), "{line}: {said}");
        said
    }
}
