//! A simulated machine without network, programs or keyring, with its files in a temporary folder. A run of authctl on
//! it has no effect outside, and returns its output and the program that it would have started.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use url::Url;

use super::harmless::assert_harmless;
use crate::adapters;
use crate::ports::console::Console;
use crate::ports::local_server::{Address, Bound, Listen, LocalServer, ServeError, Service};
use crate::ports::{
    Browser, Ended, Environment, Folder, Held, HttpClient, HttpError, HttpRequest, HttpResponse,
    InheritedFile, Input, Keyring, Launch, LaunchError, NoBrowser, NoFolder, NoKeyring, OutputFilter, Paths,
    ProcessError, Processes, Program, Random, Stream, System, Terminal, Waiting,
};
use crate::secret::SecretText;

/// The provider `bearer`'s token.
pub(super) const CANARY: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9.Y2FuYXJ5";
/// The host that the provider `bearer` may send its token to.
pub(super) const HOST: &str = "api.example";
/// The address of every simulated server.
pub(super) const ADDRESS: &str = "127.0.0.1:8080";

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

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// This thread's machine, with its usual configuration.
    pub(super) fn current() -> Self {
        let world = WORLD.with(Self::clone);
        lock(&world.variables.0).clear();
        lock(&world.programs.started).take();
        world.configure(CONFIG.as_bytes());
        world
    }

    fn new() -> Self {
        let folder = FOLDER.with(|folder| folder.path().to_owned());
        let world = Self {
            folder,
            variables: Arc::default(),
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
        lock(&self.variables.0).insert(name.to_owned(), value.to_owned());
    }

    /// Runs authctl with these arguments and this standard input, and checks that its messages are harmless.
    pub(super) fn run<A: Into<OsString> + Clone>(&self, arguments: &[A], input: &[u8]) -> Printed {
        *lock(&self.input.0) = input.to_vec();
        let mut system = self.system();
        let program = [OsString::from("authctl")].into_iter();
        let status = crate::cli::run(program.chain(arguments.iter().cloned().map(Into::into)), &mut system);
        let out = String::from_utf8_lossy(&std::mem::take(&mut *lock(&self.terminal.out))).into_owned();
        let err = String::from_utf8_lossy(&std::mem::take(&mut *lock(&self.terminal.err))).into_owned();
        assert_harmless("standard error", &err);
        Printed { status: status.code(), out, err }
    }

    /// The arguments of the program that the last run started.
    pub(super) fn started(&self) -> Option<Vec<OsString>> {
        lock(&self.programs.started).take()
    }

    /// The service that the last run started.
    pub(super) fn service(&self) -> Option<Arc<dyn Service>> {
        lock(&self.server.0).take()
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

/// Returns the same bytes each time, so that an input always has the same effect.
pub(super) struct Fixed;

impl Random for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0x5a);
    }
}

/// The network, the browser and the keyring, none of which works.
struct Nothing;

impl HttpClient for Nothing {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let host = crate::oauth::endpoint::authority(&request.url);
        Err(HttpError::NotSent { host, reason: "the network is switched off".to_owned() })
    }
}

impl Browser for Nothing {
    fn open(&self, _: &Url, _: Option<&str>, _: &BTreeSet<String>) -> Result<(), NoBrowser> {
        Err(NoBrowser("there is none".to_owned()))
    }

    fn can_be_seen(&self) -> bool {
        false
    }
}

impl Keyring for Nothing {
    fn open(&self) -> Result<Arc<keyring_core::CredentialStore>, NoKeyring> {
        Err(NoKeyring("this machine has none".to_owned()))
    }
}

struct Folders(PathBuf);

impl Paths for Folders {
    fn folder(&self, folder: Folder) -> Result<PathBuf, NoFolder> {
        Ok(self.0.join(match folder {
            Folder::Config => "config",
            Folder::Site => "site",
            Folder::State => "state",
            Folder::Data => "data",
            Folder::Cache => "cache",
            Folder::Locks => "locks",
            Folder::Runtime => "run",
        }))
    }

    fn home(&self) -> Option<PathBuf> {
        Some(self.0.clone())
    }
}

#[derive(Default)]
struct Variables(Mutex<BTreeMap<String, String>>);

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        lock(&self.0).get(name).cloned()
    }

    fn variables(&self) -> Vec<(String, String)> {
        lock(&self.0).clone().into_iter().collect()
    }

    fn current_folder(&self) -> Option<PathBuf> {
        Some(FOLDER.with(|folder| folder.path().join("work")))
    }

    fn program(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/usr/bin/authctl"))
    }
}

/// Standard input, which is not a terminal.
#[derive(Default)]
struct Piped(Mutex<Vec<u8>>);

impl Input for Piped {
    fn is_terminal(&self) -> bool {
        false
    }

    fn ask_hidden(&self, _: &str) -> io::Result<SecretText> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn ask(&self, _: &str, _: Option<&str>) -> io::Result<String> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn confirm(&self, _: &str, _: bool) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_all(&self, limit: usize) -> io::Result<SecretText> {
        let bytes = std::mem::take(&mut *lock(&self.0));
        let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= limit);
        text.map(SecretText::new).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn read_within(&self, limit: usize, _: Duration) -> io::Result<SecretText> {
        self.read_all(limit)
    }

    fn lines(&self) -> io::Result<Receiver<SecretText>> {
        let (sender, receiver) = channel();
        let bytes = std::mem::take(&mut *lock(&self.0));
        for line in String::from_utf8_lossy(&bytes).lines() {
            let _ = sender.send(SecretText::new(line));
        }
        Ok(receiver)
    }
}

#[derive(Default)]
struct Buffers {
    out: Mutex<Vec<u8>>,
    err: Mutex<Vec<u8>>,
}

impl Terminal for Buffers {
    fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let buffer = if stream == Stream::Out { &self.out } else { &self.err };
        lock(buffer).extend_from_slice(bytes);
        Ok(())
    }

    fn is_terminal(&self, _: Stream) -> bool {
        false
    }

    fn wait(&self, _: &str, _: Option<Duration>) -> Box<dyn Waiting> {
        struct Unseen;
        impl Waiting for Unseen {}
        Box::new(Unseen)
    }

    fn width(&self, _: Stream) -> Option<usize> {
        None
    }
}

/// Only curl exists on this machine, and only its arguments are recorded.
#[derive(Default)]
struct Programs {
    started: Mutex<Option<Vec<OsString>>>,
}

impl Processes for Programs {
    fn output(&self, program: &Program<'_>) -> Result<SecretText, ProcessError> {
        match program.command {
            [name, version] if name == "curl" && version == "--version" => {
                Ok(SecretText::new("curl 8.9.0 (x)\n"))
            }
            command => Err(ProcessError::NotStarted {
                program: command.first().cloned().unwrap_or_default(),
                reason: "no such program".to_owned(),
            }),
        }
    }

    fn interact(&self, program: &Program<'_>) -> Result<(), ProcessError> {
        self.output(program).map(drop)
    }

    fn parent(&self) -> Option<String> {
        None
    }

    fn run(&self, launch: &Launch<'_>, _: Option<OutputFilter<'_>>) -> Result<Ended, LaunchError> {
        self.replace(launch)
    }

    fn replace(&self, launch: &Launch<'_>) -> Result<Ended, LaunchError> {
        *lock(&self.started) = Some(launch.arguments.to_vec());
        Ok(Ended::Status(0))
    }

    fn inherited_text(&self, _: &SecretText) -> io::Result<Box<dyn InheritedFile>> {
        self.inherited_output()
    }

    fn inherited_output(&self) -> io::Result<Box<dyn InheritedFile>> {
        struct Descriptor;
        impl InheritedFile for Descriptor {
            fn path(&self) -> &Path {
                Path::new("/dev/fd/9")
            }

            fn set_inheritable(&self, _: bool) {}

            fn contents(&self) -> Vec<u8> {
                Vec::new()
            }
        }
        Ok(Box::new(Descriptor))
    }
}

/// Captures the service instead of running it.
#[derive(Default)]
struct Captured(Mutex<Option<Arc<dyn Service>>>);

impl LocalServer for Captured {
    fn bind(&self, _: &Listen) -> Result<Box<dyn Bound>, ServeError> {
        struct Taken(Address);
        impl Bound for Taken {
            fn address(&self) -> &Address {
                &self.0
            }

            fn run(self: Box<Self>, service: Arc<dyn Service>, _: &dyn Held) -> Result<(), ServeError> {
                WORLD.with(|world| *lock(&world.server.0) = Some(service));
                Ok(())
            }
        }
        let address = ADDRESS.parse().map_err(|_| ServeError::NotOffered("the address is wrong"))?;
        Ok(Box::new(Taken(Address::Loopback(address))))
    }
}
