//! An empty home, and the result of a run in it.

use std::process::{Command, Output, Stdio};

use super::programs::{PROGRAM, artefacts, folder, node};

/// An empty home to run the program in.
pub struct Home {
    pub folder: tempfile::TempDir,
    pub bus: Option<String>,
}

impl Home {
    pub fn new(config: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".config/authctl/config.toml");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, config).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        Self { folder, bus: None }
    }

    /// A home without any configuration.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), bus: None }
    }

    pub fn configure(&self, config: &str) {
        std::fs::write(self.folder.path().join(".config/authctl/config.toml"), config).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env_clear().env("HOME", self.folder.path()).env("PATH", "/usr/bin:/bin");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        match &self.bus {
            Some(address) => command.env("DBUS_SESSION_BUS_ADDRESS", address),
            None => &mut command,
        };
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    /// Logs in with a browser script from this folder.
    pub fn login(&self, script: &str, arguments: &[&str]) -> Ended {
        let browser = format!("{} {} %s", node().display(), folder().join(script).display());
        // If the browser fails, the test must not hang.
        let login = ["login", "--browser", &browser, "--timeout", "60s"];
        let mut command = self.command(&[&login, arguments].concat());
        command.env("ARTEFACTS", artefacts());
        Ended::from(command.output().unwrap())
    }
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn fails(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self:#?}");
        assert_eq!(self.stdout, "");
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is not in {self:#?}");
        self
    }

    pub fn text(&self) -> &str {
        self.stdout.trim_end_matches('\n')
    }
}
