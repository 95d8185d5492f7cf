//! An empty home with its own system: real network, files and locks; a mock keyring; a clock that tests set.

mod clock;
mod environment;
mod files;
mod input;
mod keyrings;
mod output;
mod terminal;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use authctl::Status;
use authctl::adapters;
use authctl::ports::System;
use authctl::ports::console::Console;
use authctl::ports::prompter::Silent;

pub use self::clock::{MovableClock, Timed};
pub use self::environment::{FakeSignals, Variables};
use self::environment::{TestMachine, TestPaths};
#[cfg(unix)]
pub use self::files::mode;
pub use self::files::{server_config, set_mode};
pub use self::input::FakeInput;
pub use self::keyrings::{FakeKernelKeyring, MockKeyring};
pub use self::output::Output;
use self::terminal::Buffers;
use super::browsers::Consents;
use super::shared::Shared;

/// An empty home.
pub struct Sandbox {
    folder: tempfile::TempDir,
    pub system: System,
    terminal: Arc<Buffers>,
    pub environment: Arc<Variables>,
    pub clock: Arc<MovableClock>,
    pub signals: Arc<FakeSignals>,
    pub input: Arc<FakeInput>,
    pub keyring: Arc<MockKeyring>,
    pub kernel_keyring: Arc<FakeKernelKeyring>,
}

impl Sandbox {
    /// A home with this configuration.
    pub fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let terminal = Arc::new(Buffers::default());
        let environment =
            Arc::new(Variables { folder: folder.path().join("work"), variables: Shared::default() });
        let clock = Arc::new(MovableClock {
            real: adapters::clock::SystemClock::start(),
            offset: Shared::default(),
            skipped: Shared::default(),
            jump: Shared::default(),
        });
        let signals = Arc::new(FakeSignals::default());
        let input = Arc::new(FakeInput::default());
        let keyring = Arc::new(MockKeyring::default());
        let kernel_keyring = Arc::new(FakeKernelKeyring { clock: clock.clone(), kept: Shared::default() });
        let system = System {
            http: Arc::new(adapters::http::Http::default()),
            browser: Arc::new(Consents),
            clock: clock.clone(),
            console: Console::new(terminal.clone(), true),
            prompter: Arc::new(Silent),
            input: input.clone(),
            environment: environment.clone(),
            processes: Arc::new(adapters::processes::Children),
            random: Arc::new(adapters::random::SystemRandom),
            paths: Arc::new(TestPaths(folder.path().to_owned())),
            keyring: keyring.clone(),
            kernel_keyring: kernel_keyring.clone(),
            signals: signals.clone(),
            local_server: Arc::new(adapters::local_server::HyperServer),
            machine: Arc::new(TestMachine),
            peers: Arc::new(adapters::peer::KernelTable),
        };
        let sandbox =
            Self { folder, system, terminal, environment, clock, signals, input, keyring, kernel_keyring };
        sandbox.configure(config);
        std::fs::create_dir_all(sandbox.path("work")).unwrap();
        sandbox
    }

    /// A home whose provider `as` is an authorization server, with the file store.
    pub fn with_server(domain: &str) -> Self {
        Self::new(&server_config(domain, ""))
    }

    pub fn configure(&self, config: &str) {
        self.write("config/config.toml", config);
    }

    /// A path in the home.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
        path
    }

    /// From now on, standard error is a terminal.
    pub fn is_watched(&self) {
        self.terminal.watched.set(true);
    }

    /// From now on, the terminal has this width.
    pub fn is_wide(&self, columns: usize) {
        self.terminal.width.set(Some(columns));
    }

    /// Runs authctl in this process, with this standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        self.input.pipe(input);
        self.run(arguments)
    }

    /// Runs the program in this process.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut system = self.system.clone();
        let arguments: Vec<&str> = std::iter::once("authctl").chain(arguments.iter().copied()).collect();
        let status: Status = authctl::run(arguments, &mut system);
        let home = self.folder.path().display().to_string();
        let take = |buffer: &Shared<Vec<u8>>| String::from_utf8(buffer.take()).unwrap().replace(&home, "~");
        Output { status: status.code(), stdout: take(&self.terminal.out), stderr: take(&self.terminal.err) }
    }

    /// The real binary in this home, with no keyring and nothing of this process's environment.
    pub fn binary(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().current_dir(self.path("work"));
        command.env("HOME", self.folder.path()).env("PATH", "/usr/bin:/bin");
        for (variable, folder) in [
            ("XDG_CONFIG_HOME", "xdg"),
            ("XDG_STATE_HOME", "xdg-state"),
            ("XDG_DATA_HOME", "xdg-data"),
            ("XDG_CACHE_HOME", "xdg-cache"),
        ] {
            command.env(variable, self.path(folder));
        }
        // The binary finds the configuration in the user's own place.
        let own = self.path("xdg/authctl");
        if !own.exists() {
            std::fs::create_dir_all(self.path("xdg")).unwrap();
            #[cfg(unix)]
            std::os::unix::fs::symlink(self.path("config"), &own).unwrap();
        }
        // Without a link, a variable names it, and a note on standard error says so.
        if cfg!(not(unix)) {
            command.env("AUTHCTL_CONFIG", self.path("config/config.toml"));
        }
        command
    }

    /// Whether no record and no index is stored.
    pub fn stores_nothing(&self) -> bool {
        let stored =
            |path: &Path| path.extension().is_some_and(|ending| ending == "sealed" || ending == "json");
        !self
            .files()
            .iter()
            .any(|(path, _)| stored(path) && path.iter().any(|part| part == "records" || part == "index"))
    }

    /// Whether no record is stored in this home.
    pub fn stores_no_record(&self) -> bool {
        !self.files().iter().any(|(path, _)| path.extension().is_some_and(|ending| ending == "sealed"))
    }

    /// All files below the home, with their contents.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_symlink() {
                    let target = std::fs::read_link(&path).unwrap();
                    files.push((path, target.into_os_string().into_encoded_bytes()))
                } else if path.is_dir() {
                    collect(&path, files)
                } else {
                    files.push((path.clone(), std::fs::read(&path).unwrap()))
                }
            }
        }
        let mut files = Vec::new();
        collect(self.folder.path(), &mut files);
        files.sort();
        files
    }
}
