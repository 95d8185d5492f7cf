//! git over http: real repositories behind git's own `http-backend`, with the token as a bearer token or as a password.

use serde_json::{Value, json};

use super::{Desk, Service, Watch, program};
use crate::parts::{Ended, OidcProvider};

/// A folder with one empty repository.
fn repositories() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut git = std::process::Command::new(program("git"));
    git.args(["init", "-q", "--bare", "-b", "main"]).arg(folder.path().join("r.git"));
    assert!(git.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder.path()).status().unwrap().success());
    folder
}

fn service(server: &OidcProvider, folder: &tempfile::TempDir, challenge: &str, more: Value) -> Service {
    let mut options = json!({ "challenge": challenge, "repositories": folder.path(), "git": program("git") });
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Service::start("git", server, &options)
}

/// The scheme that the server requires: git sends bearer tokens since 2.46; Debian 12's older git sends only passwords.
fn best_challenge() -> &'static str {
    let said =
        Ended::from(std::process::Command::new(program("git")).arg("--version").output().unwrap()).ok();
    let mut numbers = said.text().rsplit(' ').next().unwrap().split('.').map(|part| part.parse::<u32>());
    let (major, minor) = (numbers.next().unwrap().unwrap(), numbers.next().unwrap().unwrap());
    if (major, minor) >= (2, 46) { "Bearer" } else { "Basic" }
}

const GITCONFIG: &str = "# mine\n[user]\n\tname = Alice\n\temail = alice@example.com\n[credential]\n\thelper = store\n[init]\n\tdefaultBranch = main\n";

/// A desk whose git is configured for one server.
fn desk(challenge: &str, more: &str, options: Value) -> (Desk, Service, tempfile::TempDir) {
    let (server, folder) = (OidcProvider::start(3600), repositories());
    let service = service(&server, &folder, challenge, options);
    let desk = Desk::logged_in(server, "http", &[service.host()], more);
    desk.write(".gitconfig", GITCONFIG);
    desk.set_up(&["git"], "--write").says("done");
    (desk, service, folder)
}

impl Desk {
    #[track_caller]
    fn git(&self, arguments: &[&str]) -> Ended {
        self.silent(Ended::from(
            self.tool("git", arguments).env("GIT_TERMINAL_PROMPT", "0").output().unwrap(),
        ))
    }

    /// Clones, and pushes a commit back.
    #[track_caller]
    fn work_on(&self, url: &str) {
        self.git(&["clone", "-q", url, "r"]).ok();
        self.write("r/file", "content\n");
        self.git(&["-C", "r", "add", "."]).ok();
        self.git(&["-C", "r", "commit", "-q", "-m", "one"]).ok();
        self.git(&["-C", "r", "push", "-q", "origin", "HEAD:main"]).ok();
        self.git(&["-C", "r", "fetch", "-q"]).ok();
    }
}

#[test]
fn git_clones_pushes_and_fetches_with_a_bearer_token() {
    let scheme = best_challenge();
    let (desk, service, _folder) = desk(scheme, "", json!({}));
    let token = desk.token();
    let watch = Watch::start();
    desk.work_on(&format!("{}/r.git", service.origin));
    watch.saw_no_token(&desk.server, "git clone -q");
    let username = if scheme == "Basic" { "oauth2" } else { "" };
    let credential = |token: &str| (scheme.to_owned(), username.to_owned(), token.to_owned());
    assert_eq!(service.credentials(), [credential(&token)]);
    assert!(!desk.path(".git-credentials").exists(), "another helper was given the token");

    // The server no longer accepts it: git reports that to the helper, and gets another token the next time.
    desk.withdraw(&token);
    let refused = desk.git(&["-C", "r", "fetch"]);
    assert_ne!(refused.status, Some(0), "{refused:#?}");
    assert_eq!(desk.refreshes(), 0);
    desk.git(&["-C", "r", "fetch"]).ok();
    assert_eq!(desk.refreshes(), 1);
    let renewed = desk.token();
    assert_ne!(renewed, token);
    assert_eq!(service.credentials(), [credential(&token), credential(&renewed)]);

    desk.set_up(&["git"], "--undo");
    assert_eq!(desk.read(".gitconfig"), GITCONFIG);
    let before = service.log().len();
    assert_ne!(desk.git(&["-C", "r", "fetch"]).status, Some(0));
    let asked = &service.log()[before..];
    assert!(asked.iter().all(|entry| entry["authorization"].is_null()), "{asked:#?}");
}

#[test]
fn git_uses_a_password_if_the_server_wants_one() {
    let helper = "[credentials.op.helper]\ngit_username = \"x-token\"";
    let (desk, service, _folder) = desk("Basic", helper, json!({ "username": "x-token" }));
    let watch = Watch::start();
    desk.work_on(&format!("{}/r.git", service.origin));
    watch.saw_no_token(&desk.server, "git clone -q");
    assert_eq!(service.credentials(), [("Basic".to_owned(), "x-token".to_owned(), desk.token())]);
    assert!(!desk.path(".git-credentials").exists(), "another helper was given the token");
}

/// Even if the list of helpers was not emptied first, a bearer token is marked as not to be stored.
#[test]
fn no_other_git_helper_stores_the_token() {
    let scheme = best_challenge();
    let (desk, service, _folder) = desk(scheme, "", json!({}));
    // git asks every helper to store a password: this is why `--write` empties the list.
    if scheme == "Bearer" {
        desk.set_up(&["git"], "--undo");
        let ours = format!("!{} helper git", crate::parts::PROGRAM);
        desk.git(&["config", "--global", "--add", "credential.helper", &ours]).ok();
    }
    desk.work_on(&format!("{}/r.git", service.origin));
    assert_eq!(service.credentials().len(), 1);
    let stored = std::fs::read_to_string(desk.path(".git-credentials")).unwrap_or_default();
    assert_eq!(stored, "");
    let question = format!("capability[]=authtype\nprotocol=http\nhost={}\n", service.host());
    let answer = desk.ask(&["helper", "git", "get"], &question).ok();
    assert!(answer.stdout.contains("ephemeral=1\npassword_expiry_utc="), "{answer:#?}");
    assert!(!answer.stdout.contains("refresh"), "{answer:#?}");
}

#[test]
fn git_gets_no_credential_for_another_host_f_git6() {
    let (desk, service, folder) = desk("Basic", "", json!({}));
    let other = self::service(&desk.server, &folder, "Basic", json!({}));
    let port = service.host().rsplit_once(':').unwrap().1;
    // git asks helpers for any host: authctl must withhold the token.
    let ours = format!("!{} helper git", crate::parts::PROGRAM);
    desk.git(&["config", "--global", "credential.helper", &ours]).ok();
    for url in [format!("{}/r.git", other.origin), format!("http://localhost:{port}/r.git")] {
        assert_ne!(desk.git(&["ls-remote", &url]).status, Some(0), "{url}");
    }
    assert_eq!(other.credentials(), []);
    assert_eq!(service.credentials(), [], "another name of the same server");
    desk.git(&["ls-remote", &format!("{}/r.git", service.origin)]).ok();
    assert_eq!(service.credentials().len(), 1);

    // The same host over http, while the provider's is https.
    let text = desk.read(".config/authctl/config.toml").replace("scheme = \"http\"", "scheme = \"https\"");
    desk.home.configure(&text);
    let before = service.log().len();
    assert_ne!(desk.git(&["ls-remote", &format!("{}/r.git", service.origin)]).status, Some(0));
    assert!(service.log()[before..].iter().all(|entry| entry["authorization"].is_null()));
}

#[test]
fn published_git_credential_attacks_get_nothing_f_git1_f_git2_f_git4() {
    let (desk, service, _folder) = desk("Basic", "", json!({}));
    let host = service.host();
    let (address, port) = host.split_once(':').unwrap();
    let cases = [
        ("CVE-2024-52006", format!("protocol=http\nhost=\rprotocol=http\rhost={host}\n"), 1),
        ("CVE-2024-50338", format!("protocol=http\nhost={host}\rx\n"), 1),
        ("a NUL", format!("protocol=http\nhost={host}\0x\n"), 1),
        ("CVE-2020-5260", format!("protocol=http\nhost=evil.example\nhost={host}\n"), 1),
        ("CVE-2020-11008, no host", "protocol=http\n".to_owned(), 0),
        ("CVE-2020-11008, no protocol", format!("host={host}\n"), 0),
        ("CVE-2020-11008, an empty host", "protocol=http\nhost=\n".to_owned(), 0),
        ("CVE-2020-11008, an empty protocol", format!("protocol=\nhost={host}\n"), 0),
        ("nothing", String::new(), 0),
        ("https", format!("protocol=https\nhost={host}\n"), 0),
        ("another protocol", format!("protocol=ftp\nhost={host}\n"), 0),
        ("without its port", format!("protocol=http\nhost={address}\n"), 0),
        ("a longer name", format!("protocol=http\nhost={host}.evil.example\n"), 0),
        ("a name in front", format!("protocol=http\nhost=evil.{host}\n"), 0),
        ("a user in it", format!("protocol=http\nhost=x@{host}\n"), 0),
        ("it as the user", format!("protocol=http\nhost={host}@evil.example\n"), 0),
        ("a path in it", format!("protocol=http\nhost={host}/evil\n"), 0),
        ("the same address otherwise", format!("protocol=http\nhost=127.1:{port}\n"), 0),
        ("a dot at its end", format!("protocol=http\nhost={address}.:{port}\n"), 0),
        ("too long a line", format!("protocol=http\nhost={host}\npath={}\n", "x".repeat(65_536)), 1),
    ];
    for (name, input, status) in cases {
        let ended = desk.ask(&["helper", "git", "get"], &input);
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(status), ""), "{name}: {ended:#?}");
    }
    // git itself does not bypass that either.
    let url = format!("http://%0dprotocol=http%0dhost={host}%0d@localhost:{port}/r.git");
    assert_ne!(desk.git(&["-c", "credential.protectProtocol=false", "ls-remote", &url]).status, Some(0));
    let issued = desk.server.issued();
    assert!(service.credentials().iter().all(|(_, _, secret)| !issued.contains(secret)));
}

#[test]
fn two_remotes_use_two_accounts() {
    let (desk, service, _folder) = desk("Basic", "", json!({}));
    let alice = desk.token();
    desk.login_as("bob");
    let host = service.host();
    let of = |name: &str| {
        let mut command = desk.authctl(&["token", "op", "--account", name]);
        Ended::from(command.output().unwrap()).ok().text().to_owned()
    };
    assert_eq!(of("alice"), alice);
    for name in ["alice", "bob"] {
        desk.git(&["ls-remote", &format!("http://{name}@{host}/r.git")]).ok();
    }
    let credential = |name: &str| ("Basic".to_owned(), name.to_owned(), of(name));
    assert_eq!(service.credentials(), [credential("alice"), credential("bob")]);
    let nobody = desk.git(&["ls-remote", &format!("http://mallory@{host}/r.git")]);
    assert_ne!(nobody.status, Some(0));
    nobody.says("`mallory` is not logged in");
    assert_eq!(service.credentials().len(), 2);
}

#[test]
fn git_opens_a_browser_only_for_an_interactive_user() {
    let (desk, service, _folder) = desk("Basic", "", json!({}));
    Ended::from(desk.authctl(&["logout", "op"]).output().unwrap()).ok();
    let url = format!("{}/r.git", service.origin);
    let opened = desk.path("opened");
    let browser = desk.browser("");
    let list = |terminal: bool, more: &[(&str, &str)], options: &[&str]| {
        let git = program("git").display().to_string();
        let arguments = [&[git.as_str()], options, &["ls-remote", &url]].concat();
        let mut command =
            if terminal { desk.on_terminal(&arguments) } else { desk.tool("git", &arguments[1..]) };
        command.env("BROWSER", &browser).envs(more.iter().copied());
        desk.silent(Ended::from(command.output().unwrap()))
    };
    let never = ["-c", "credential.interactive=never"];
    for (name, terminal, more, options) in [
        ("without a terminal", false, &[][..], &[][..]),
        ("git was told not to ask", true, &[("GIT_TERMINAL_PROMPT", "0")][..], &[][..]),
        ("git is configured not to ask", true, &[][..], &never[..]),
    ] {
        let ended = list(terminal, more, options);
        assert_ne!(ended.status, Some(0), "{name}: {ended:#?}");
        assert!(!opened.exists(), "{name}: {ended:#?}");
        assert!(ended.stderr.contains("run `authctl login op`"), "{name}: {ended:#?}");
    }
    list(true, &[], &[]).ok();
    assert_eq!(std::fs::read_to_string(opened).unwrap().lines().count(), 1);
    assert_eq!(service.credentials().len(), 1);
}
