//! Which programs authctl refuses to start (F-URL4).

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox};

const BINARY: &str = env!("CARGO_BIN_EXE_authctl");

/// A home where one folder contains every program that authctl may start; each leaves a mark when it runs.
struct Home {
    sandbox: Sandbox,
    folder: PathBuf,
    _server: AuthorizationServer,
}

const PROGRAMS: [&str; 7] =
    ["printer", "authctl-provider-ext", "curl", "editor", "firefux", "xdg-settings", "x-www-browser"];

impl Home {
    fn new() -> Self {
        let server = AuthorizationServer::start();
        let sandbox = Sandbox::new("");
        let folder = sandbox.path("bin");
        for name in PROGRAMS {
            let mark = sandbox.path("started");
            let script = format!("#!/bin/sh\necho {name} >>{}\necho token\n", mark.display());
            set_mode(&sandbox.write(&format!("bin/{name}"), &script), 0o755);
        }
        set_mode(&folder, 0o755);
        let absolute = folder.join("printer").display().to_string();
        let kinds = format!(
            "[credentials.found]\ndomain = \"x.example\"\ncommand = [\"printer\"]\n\
             [credentials.absolute]\ndomain = \"x.example\"\ncommand = [\"{absolute}\"]\n\
             [credentials.secret]\ndomain = \"x.example\"\njwt = {{ command = [\"printer\"] }}\n\
             [credentials.ext]\ndomain = \"x.example\"\nexternal.program = \"ext\"\n\
             [credentials.literal]\ndomain = \"x.example\"\njwt = \"t\"\n"
        );
        sandbox.configure(&format!("{}\n{kinds}", server_config(&server.domain(), "")));
        Self { sandbox, folder, _server: server }
    }

    /// The output, and whether a program in the folder was started.
    fn run(&self, arguments: &[&str], variable: Option<(&str, &str)>) -> (String, bool) {
        let mark = self.sandbox.path("started");
        let _ = std::fs::remove_file(&mark);
        let mut command = self.sandbox.binary(BINARY, arguments);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.folder.display())).env("DISPLAY", ":99");
        command.envs(variable).stdin(Stdio::null());
        let output = command.output().unwrap();
        // authctl does not wait for a browser.
        std::thread::sleep(std::time::Duration::from_millis(if arguments[0] == "login" { 200 } else { 0 }));
        (String::from_utf8_lossy(&output.stderr).into_owned(), mark.exists())
    }

    fn every_way(&self) -> Vec<(&'static str, String, bool)> {
        let login = ["login", "as", "--timeout", "300ms"];
        type Way<'a> = (&'static str, &'a [&'a str], Option<(&'a str, &'a str)>);
        let ways: [Way<'_>; 9] = [
            ("a command", &["token", "found"], None),
            ("a command by its path", &["token", "absolute"], None),
            ("a secret's command", &["token", "secret"], None),
            ("a provider program", &["token", "ext"], None),
            ("curl", &["curl", "literal", "https://x.example/"], None),
            ("exec", &["exec", "literal", "--", "printer"], None),
            ("an editor", &["config", "edit"], Some(("EDITOR", "editor"))),
            ("BROWSER", &login, Some(("BROWSER", "firefux"))),
            ("the desktop's browser", &login, None),
        ];
        let browser = [&login[..], &["--browser", "firefux"]].concat();
        let run = |(name, arguments, variable)| {
            let (said, started) = self.run(arguments, variable);
            (name, said, started)
        };
        ways.into_iter().chain([("--browser", browser.as_slice(), None)]).map(run).collect()
    }
}

#[test]
fn a_program_that_others_could_replace_is_not_started_f_url4() {
    let home = Home::new();
    for (name, said, started) in home.every_way() {
        assert!(started, "{name}, if no other user can write there: {said}");
    }
    let folder = home.folder.display().to_string();
    let file = |path: &Path, mode| PROGRAMS.iter().for_each(|name| set_mode(&path.join(name), mode));
    for (case, mode_of_folder, mode_of_file, fix) in [
        ("an open folder", 0o777, 0o755, format!("chmod o-w {folder}`")),
        ("a sticky folder", 0o1777, 0o755, format!("everybody can put programs into {folder}")),
        ("open files", 0o755, 0o777, format!("chmod o-w {folder}/")),
    ] {
        set_mode(&home.folder, mode_of_folder);
        file(&home.folder, mode_of_file);
        for (name, said, started) in home.every_way() {
            assert!(!started, "{case}: {name}");
            assert!(
                said.contains("another user could replace") && said.contains(&fix),
                "{case}: {name}: {said}"
            );
        }
    }
}

#[test]
fn another_users_program_is_not_started_f_url4_as_another_user() {
    let is_root = rustix::process::geteuid().is_root();
    assert!(
        is_root,
        "this test makes files of another user: run it as root, or pass `--skip as_another_user`"
    );
    let home = Home::new();
    for name in PROGRAMS {
        std::os::unix::fs::chown(home.folder.join(name), Some(65533), None).unwrap();
    }
    for (name, said, started) in home.every_way() {
        assert!(!started, "{name}");
        assert!(said.contains("belongs to user 65533"), "{name}: {said}");
    }
}
