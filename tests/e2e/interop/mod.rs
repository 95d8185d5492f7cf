//! The helpers with the programs that use them: `authctl helper … --write` configures each program, which calls a service that
//! accepts only the authorization server's tokens.

mod aws;
mod bazel;
mod cargo;
mod crowd;
mod docker;
mod git;
mod kubernetes;
mod python;
mod serve;
mod streams;
mod terraform;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::parts::{Ended, Home, OidcProvider, Running, folder, node};

/// A program that `tests/setup` installs.
fn program(name: &str) -> PathBuf {
    let brought = folder().join("python/venv/bin").join(name);
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    let found = std::iter::once(brought).chain(found).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: run tests/setup"))
}

/// A service of `services.mjs`.
pub struct Service {
    pub origin: String,
    insecure: bool,
    _process: Running,
}

impl Service {
    pub fn start(kind: &str, server: &OidcProvider, more: &Value) -> Self {
        let mut options = json!({ "kind": kind, "issuer": server.issuer });
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut process = Command::new(node())
            .arg(folder().join("services.mjs"))
            .env("OPTIONS", options.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).expect("the service starts");
        let origin = ready["origin"].as_str().unwrap().to_owned();
        Self { origin, insecure: options.get("tls").is_some(), _process: Running(process) }
    }

    /// Its host and port.
    fn host(&self) -> &str {
        self.origin.split_once("://").unwrap().1
    }

    fn control(&self, path: &str, body: Option<&Value>) -> Value {
        let mut command = Command::new("curl");
        command.args(["-sS", &format!("{}/control/{path}", self.origin)]);
        if self.insecure {
            command.arg("--insecure");
        }
        if body.is_some() {
            command.args(["-d", "@-"]);
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        serde_json::from_str(fed(command, &body).ok().text()).unwrap()
    }

    pub fn set(&self, options: &Value) {
        self.control("set", Some(options));
    }

    /// The requests so far.
    pub fn log(&self) -> Vec<Value> {
        self.control("log", None).as_array().unwrap().clone()
    }

    /// The distinct credentials it received: the scheme, the user name for Basic, and the token.
    fn credentials(&self) -> Vec<(String, String, String)> {
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let mut seen = Vec::new();
        // A user name without a password comes from the URL.
        for entry in
            self.log().iter().filter(|entry| entry["token"].as_str().is_some_and(|token| !token.is_empty()))
        {
            let credential = (text(entry, "scheme"), text(entry, "username"), text(entry, "token"));
            if !seen.contains(&credential) {
                seen.push(credential);
            }
        }
        seen
    }
}

/// A self-signed certificate for 127.0.0.1 and localhost.
struct Certificate {
    folder: tempfile::TempDir,
}

impl Certificate {
    fn make() -> Self {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("certificate.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// The service's options for it.
    fn options(&self) -> Value {
        json!({ "key": self.folder.path().join("key.pem"), "certificate": self.path() })
    }
}

/// A user's machine: a home, a login at the server, and programs that use helpers.
struct Desk {
    home: Home,
    server: OidcProvider,
}

impl Desk {
    /// Without a login. `hosts` are the hosts of the provider `op`, `more` is additional configuration for it.
    fn new(server: OidcProvider, scheme: &str, hosts: &[&str], more: &str) -> Self {
        let home = Home::new(&configuration(&server, scheme, hosts, more));
        Self { home, server }
    }

    fn logged_in(server: OidcProvider, scheme: &str, hosts: &[&str], more: &str) -> Self {
        let desk = Self::new(server, scheme, hosts, more);
        desk.login_as("alice");
        desk
    }

    fn login_as(&self, name: &str) {
        let browser = format!("{} {} %s", node().display(), folder().join("walk.mjs").display());
        let mut login = self.authctl(&["login", "op", "--browser", &browser, "--timeout", "60s"]);
        Ended::from(login.env("LOGIN_AS", name).output().unwrap()).ok();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// PATH: the links that `--write` creates, the programs that the tests installed, the machine's own.
    fn search_path(&self) -> String {
        let cargo = Path::new(env!("CARGO")).parent().unwrap().display().to_string();
        let (links, brought) = (self.path(".local/bin"), folder().join("python/venv/bin"));
        let machine = std::env::var("PATH").unwrap();
        format!("{}:{}:{cargo}:{machine}", links.display(), brought.display())
    }

    fn equipped(&self, mut command: Command) -> Command {
        command.env_clear().env("HOME", self.home.folder.path()).env("PATH", self.search_path());
        command.env("LC_ALL", "C.UTF-8").current_dir(self.home.folder.path()).stdin(Stdio::null());
        command
    }

    fn authctl(&self, arguments: &[&str]) -> Command {
        let mut command = self.equipped(Command::new(crate::parts::PROGRAM));
        command.args(arguments);
        command
    }

    /// Runs authctl with this input.
    fn ask(&self, arguments: &[&str], input: &str) -> Ended {
        fed(self.authctl(arguments), input)
    }

    /// Another program, with a minimal environment.
    fn tool(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = self.equipped(Command::new(program(name)));
        command.args(arguments);
        command
    }

    #[track_caller]
    fn run(&self, name: &str, arguments: &[&str]) -> Ended {
        self.silent(Ended::from(self.tool(name, arguments).output().unwrap()))
    }

    /// Changes the other program's configuration, and returns the output.
    #[track_caller]
    fn set_up(&self, helper: &[&str], way: &str) -> Ended {
        let arguments = [&["helper"], helper, &[way]].concat();
        self.silent(Ended::from(self.authctl(&arguments).output().unwrap())).ok()
    }

    /// A browser that notes each time it is opened, and then logs in.
    fn browser(&self, before: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let (node, walk) = (node(), folder().join("walk.mjs"));
        let opened = self.path("opened");
        let script = format!(
            "#!/bin/sh\necho opened >> '{}'\n{before}\nexec '{}' '{}' \"$1\"\n",
            opened.display(),
            node.display(),
            walk.display()
        );
        let path = self.write("browser", &script);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// A program with a terminal as its standard error.
    fn on_terminal(&self, command: &[&str]) -> Command {
        let mut terminal = self.equipped(Command::new(folder().join("programs/on-terminal.py")));
        terminal.args(command);
        terminal
    }

    /// The current access token.
    fn token(&self) -> String {
        Ended::from(self.authctl(&["token", "op"]).output().unwrap()).ok().text().to_owned()
    }

    /// Revokes an access token at the server without informing anyone.
    fn withdraw(&self, token: &str) {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-d", "@-", &format!("{}/control/withdraw", self.server.issuer)]);
        assert_eq!(fed(curl, &json!({ "token": token }).to_string()).ok().text(), "true");
    }

    /// Checks that the output contains no token.
    #[track_caller]
    fn silent(&self, ended: Ended) -> Ended {
        for token in self.server.issued() {
            assert!(
                !ended.stderr.contains(&token) && !ended.stdout.contains(&token),
                "a token is in {ended:#?}"
            );
        }
        ended
    }

    fn refreshes(&self) -> usize {
        self.server.token_requests("refresh_token")
    }
}

fn configuration(server: &OidcProvider, scheme: &str, hosts: &[&str], more: &str) -> String {
    let mut text = "store = \"file\"\n".to_owned();
    let (domain, more_hosts) = hosts.split_first().unwrap();
    write!(
        text,
        "[credentials.op]\ndomain = \"{domain}\"\nhosts = {more_hosts:?}\nscheme = \"{scheme}\"\n\
         [credentials.op.oauth]\nissuer = \"{}\"\nclient_id = \"app\"\nscopes = [\"openid\", \"profile\", \"offline_access\"]\n\
         extra_params = {{ prompt = \"consent\" }}\n{more}\n",
        server.issuer
    )
    .unwrap();
    text
}

/// Runs a program with this input.
pub fn fed(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program need not read its input.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    Ended::from(child.wait_with_output().unwrap())
}

/// Watches the arguments of every process on the machine (F-LEAK1).
struct Watch {
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<BTreeSet<String>>>,
}

impl Watch {
    fn start() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen_over = Arc::clone(&over);
        let look = move || {
            let mut seen = BTreeSet::new();
            while !seen_over.load(Ordering::Relaxed) {
                for process in std::fs::read_dir("/proc").unwrap().flatten() {
                    seen.extend(
                        std::fs::read(process.path().join("cmdline"))
                            .ok()
                            .map(|arguments| String::from_utf8_lossy(&arguments).replace('\0', " ")),
                    );
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            seen
        };
        Self { over, thread: Some(std::thread::spawn(look)) }
    }

    /// Checks that a program was seen running, and that no process's arguments contained a token.
    #[track_caller]
    fn saw_no_token(mut self, server: &OidcProvider, at_work: &str) {
        self.over.store(true, Ordering::Relaxed);
        let seen = self.thread.take().unwrap().join().unwrap();
        assert!(seen.iter().any(|arguments| arguments.contains(at_work)), "{at_work} was not seen");
        for token in server.issued() {
            let who = seen.iter().find(|arguments| arguments.contains(&token));
            assert!(who.is_none(), "a token is in the arguments of {who:?}");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
