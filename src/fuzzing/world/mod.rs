//! A simulated machine without network, programs or keyring, with its files in a temporary folder. A run of authctl on
//! it has no effect outside, and returns its output and the program that it would have started.

mod lock;
mod programs;
mod streams;
mod surroundings;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use self::programs::{Captured, Programs};
use self::streams::{Buffers, Piped};
pub(super) use self::surroundings::Fixed;
use self::surroundings::{Folders, Nothing, Variables};
use super::harmless::assert_harmless;
use crate::adapters;
use crate::ports::console::Console;
use crate::ports::local_server::Service;
use crate::ports::{Stream, System};

/// The provider `bearer`'s token.
pub(super) const CANARY: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9.Y2FuYXJ5";
/// The host that the provider `bearer` may send its token to.
pub(super) const HOST: &str = "api.example";

/// One provider for each kind of credential that needs no network.
const CONFIG: &str = r#"
store = "file"
[credentials.bearer]
domain = "api.example"
jwt = "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9.Y2FuYXJ5"
[credentials.user]
domain = "basic.example"
basic = { username = "user", password = "canary-of-the-password" }
[credentials.keys]
domain = "keys.example"
api_key = { headers = { X-Key = "canary-of-the-key" } }
"#;

pub(super) struct Printed {
    pub(super) status: u8,
    pub(super) out: String,
    pub(super) err: String,
}

#[derive(Clone)]
pub(super) struct World {
    folder: PathBuf,
    variables: Arc<Variables>,
    input: Arc<Piped>,
    terminal: Arc<Buffers>,
    programs: Arc<Programs>,
    server: Arc<Captured>,
}

thread_local! {
    static FOLDER: tempfile::TempDir = {
        #[expect(clippy::expect_used, reason = "a fuzzer without a folder has nothing to do")]
        tempfile::tempdir().expect("cannot create a temporary folder")
    };
    static WORLD: World = World::new();
}

impl World {
    /// This thread's machine, with its usual configuration.
    pub(super) fn current() -> Self {
        let world = WORLD.with(Self::clone);
        world.variables.clear();
        world.programs.take();
        world.configure(CONFIG.as_bytes());
        world
    }

    fn new() -> Self {
        let folder = FOLDER.with(|folder| folder.path().to_owned());
        let world = Self {
            variables: Arc::new(Variables::new(folder.join("work"))),
            folder,
            input: Arc::default(),
            terminal: Arc::default(),
            programs: Arc::default(),
            server: Arc::default(),
        };
        for name in ["config", "work"] {
            let made = std::fs::create_dir_all(world.folder.join(name));
            assert!(made.is_ok(), "{made:?}");
        }
        world
    }

    /// Replaces the user's config file.
    pub(super) fn configure(&self, config: &[u8]) {
        let path = self.folder.join("config/config.toml");
        if std::fs::read(&path).is_ok_and(|present| present == config) {
            return;
        }
        let written = std::fs::write(&path, config);
        #[cfg(unix)]
        let written = written.and_then(|()| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))
        });
        assert!(written.is_ok(), "{written:?}");
    }

    /// Sets an environment variable for the next run.
    pub(super) fn set(&self, name: &str, value: &str) {
        self.variables.set(name, value);
    }

    /// Runs authctl with these arguments and this standard input, and checks that its messages are harmless.
    pub(super) fn run<A: Into<OsString> + Clone>(&self, arguments: &[A], input: &[u8]) -> Printed {
        self.input.fill(input);
        let mut system = self.system();
        let program = [OsString::from("authctl")].into_iter();
        let status = crate::cli::run(program.chain(arguments.iter().cloned().map(Into::into)), &mut system);
        let out = self.terminal.take(Stream::Out);
        let err = self.terminal.take(Stream::Err);
        assert_harmless("standard error", &err);
        Printed { status: status.code(), out, err }
    }

    /// The arguments of the program that the last run started.
    pub(super) fn started(&self) -> Option<Vec<OsString>> {
        self.programs.take()
    }

    /// The service that the last run started.
    pub(super) fn service(&self) -> Option<Arc<dyn Service>> {
        self.server.take()
    }

    fn system(&self) -> System {
        System {
            http: Arc::new(Nothing),
            browser: Arc::new(Nothing),
            console: Console::new(self.terminal.clone(), true),
            input: self.input.clone(),
            environment: self.variables.clone(),
            processes: self.programs.clone(),
            random: Arc::new(Fixed),
            paths: Arc::new(Folders(self.folder.clone())),
            keyring: Arc::new(Nothing),
            local_server: self.server.clone(),
            ..adapters::system()
        }
    }
}
