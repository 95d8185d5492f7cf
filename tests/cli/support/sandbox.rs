//! An empty home with a system of its own: real network, files and locks; a mock keyring; a clock that is moved by hand.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authctl::adapters;
use authctl::error::Status;
use authctl::ports::console::Console;
use authctl::ports::prompter::Silent;
use authctl::ports::{
    Clock, Environment, Folder, Held, HttpClient, HttpError, HttpRequest, HttpResponse, Input, KernelKeyring,
    Keyring, Machine, NoFolder, NoKernelKeyring, NoKeyring, Paths, Signals, Stream, System, Terminal,
    Transport, Waiting,
};
use authctl::secret::SecretText;
use jiff::{SignedDuration, Timestamp};
use keyring_core::CredentialStore;

use super::browsers::Consents;
use super::shared::Shared;

/// How a run ended: status and both streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub status: u8,
    pub stdout: String,
    pub stderr: String,
}

impl std::fmt::Display for Output {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "status: {}\n----- stdout -----\n{}----- stderr -----\n{}",
            self.status, self.stdout, self.stderr
        )
    }
}

impl Output {
    /// The output, which must be a success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{self}");
        self
    }

    /// The output, which must have this status.
    #[track_caller]
    pub fn fails(self, status: u8) -> Self {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(self.stdout, "", "a failure prints nothing on standard output");
        self
    }

    /// The output, whose standard error must have this in it.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is not in:\n{self}");
        self
    }

    /// Standard output without its last line feed.
    pub fn text(&self) -> &str {
        self.stdout.strip_suffix('\n').unwrap_or(&self.stdout)
    }
}

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

    /// From now on somebody sees what is said.
    pub fn is_watched(&self) {
        self.terminal.watched.set(true);
    }

    /// From now on a line of the terminal has so many characters.
    pub fn is_wide(&self, columns: usize) {
        self.terminal.width.set(Some(columns));
    }

    /// Runs the program in this process, with this on its standard input.
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
        // The binary finds the configuration where a user's own is.
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

/// The configuration of a provider `as` at this server.
pub fn server_config(domain: &str, more: &str) -> String {
    format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{domain}\"\nscheme = \"http\"\n[credentials.as.oauth]\nclient_id = \"app\"\nscopes = [\"openid\", \"repo\"]\n{more}"
    )
}

#[cfg(unix)]
pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// The permissions of a file.
#[cfg(unix)]
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(not(unix))]
pub fn set_mode(_: &Path, _: u32) {}

/// Both streams, kept.
#[derive(Default)]
struct Buffers {
    out: Shared<Vec<u8>>,
    err: Shared<Vec<u8>>,
    watched: Shared<bool>,
    width: Shared<Option<usize>>,
}

impl Terminal for Buffers {
    fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match stream {
            Stream::Out => self.out.lock().extend_from_slice(bytes),
            Stream::Err => self.err.lock().extend_from_slice(bytes),
        }
        Ok(())
    }

    fn is_terminal(&self, stream: Stream) -> bool {
        stream == Stream::Err && self.watched.get()
    }

    fn width(&self, _: Stream) -> Option<usize> {
        self.width.get()
    }

    fn wait(&self, _: &str, _: Option<Duration>) -> Box<dyn Waiting> {
        struct Nothing;
        impl Waiting for Nothing {}
        Box::new(Nothing)
    }
}

/// The real machine, hardened as `main` would.
struct TestMachine;

impl Machine for TestMachine {
    fn certificates(&self, url: &url::Url, transport: &Transport) -> Result<Vec<Vec<u8>>, HttpError> {
        adapters::machine::ThisMachine.certificates(url, transport)
    }

    fn addresses(&self, name: &str, limit: Duration) -> Option<Vec<std::net::IpAddr>> {
        adapters::machine::ThisMachine.addresses(name, limit)
    }

    fn leaves_core_files(&self) -> Option<bool> {
        Some(false)
    }
}

/// The variables of a story.
pub struct Variables {
    folder: PathBuf,
    variables: Shared<BTreeMap<String, String>>,
}

impl Variables {
    pub fn set(&self, name: &str, value: &str) {
        self.variables.lock().insert(name.to_owned(), value.to_owned());
    }
}

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.lock().get(name).cloned()
    }

    fn variables(&self) -> Vec<(String, String)> {
        self.variables.lock().clone().into_iter().collect()
    }

    fn current_folder(&self) -> Option<PathBuf> {
        Some(self.folder.clone())
    }

    fn program(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/usr/bin/authctl"))
    }
}

/// The real clock, moved; where a story says so, waits are skipped and the clock moves on by them.
pub struct MovableClock {
    real: adapters::clock::SystemClock,
    offset: Shared<i64>,
    skipped: Shared<Option<Duration>>,
    jump: Shared<Option<(Arc<AtomicBool>, Duration)>>,
}

impl MovableClock {
    pub fn advance(&self, seconds: i64) {
        self.offset.set(self.offset.get() + seconds);
    }

    /// The clock goes on by so many seconds as soon as something has happened.
    pub fn advance_when(&self, happened: Arc<AtomicBool>, seconds: u64) {
        *self.jump.lock() = Some((happened, Duration::from_secs(seconds)));
    }

    /// From now on nobody really waits.
    pub fn skip_waits(&self) {
        self.skipped.set(Some(Duration::ZERO));
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        self.real.now()
            + SignedDuration::from_secs(self.offset.get())
            + SignedDuration::try_from(self.skipped.get().unwrap_or_default()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        let jump = self.jump.lock();
        let jump = jump.as_ref().filter(|(happened, _)| happened.load(Ordering::SeqCst));
        self.real.elapsed()
            + self.skipped.get().unwrap_or_default()
            + jump.map_or(Duration::ZERO, |(_, length)| *length)
    }

    fn sleep(&self, duration: Duration) {
        match self.skipped.get() {
            Some(skipped) => self.skipped.set(Some(skipped + duration)),
            None => self.real.sleep(duration),
        }
    }
}

/// A signal that a story sends.
#[derive(Default)]
pub struct FakeSignals(pub Arc<Mutex<Option<i32>>>);

impl Signals for FakeSignals {
    fn hold(&self) -> Box<dyn Held> {
        struct Noted(Arc<Mutex<Option<i32>>>);
        impl Held for Noted {
            fn caught(&self) -> Option<i32> {
                *self.0.lock().unwrap()
            }
        }
        Box::new(Noted(Arc::clone(&self.0)))
    }
}

/// Notes when each request was sent, by the story's own clock.
pub struct Timed {
    pub inner: Arc<dyn HttpClient>,
    pub clock: Arc<MovableClock>,
    pub sent: Shared<Vec<(String, Duration)>>,
}

impl HttpClient for Timed {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        self.sent.lock().push((request.url.path().to_owned(), self.clock.elapsed()));
        self.inner.send(request)
    }
}

/// What a story types or pipes in.
#[derive(Default)]
pub struct FakeInput {
    pub piped: Shared<Option<String>>,
    hidden: Shared<VecDeque<String>>,
    typed: Shared<VecDeque<String>>,
    pub asked: Shared<Vec<String>>,
    lines: Shared<Option<Receiver<SecretText>>>,
}

impl FakeInput {
    pub fn pipe(&self, text: &str) {
        *self.piped.lock() = Some(text.to_owned());
    }

    /// What is typed where nothing is shown, one answer for each question.
    pub fn type_hidden(&self, answers: &[&str]) {
        *self.hidden.lock() = answers.iter().map(|&answer| answer.to_owned()).collect();
    }

    /// What is typed as answers, one for each question.
    pub fn type_answers(&self, answers: &[&str]) {
        *self.typed.lock() = answers.iter().map(|&answer| answer.to_owned()).collect();
    }

    /// Whether everything that was typed was asked for.
    pub fn is_used_up(&self) -> bool {
        self.typed.lock().is_empty() && self.hidden.lock().is_empty()
    }

    /// A terminal on which lines are typed by the returned sender.
    pub fn terminal(&self) -> Sender<SecretText> {
        let (sender, receiver) = channel();
        *self.lines.lock() = Some(receiver);
        sender
    }
}

impl Input for FakeInput {
    fn is_terminal(&self) -> bool {
        self.lines.lock().is_some() || !self.is_used_up()
    }

    fn ask(&self, question: &str, default: Option<&str>) -> io::Result<String> {
        self.asked.lock().push(question.to_owned());
        let answer = self.typed.lock().pop_front();
        let answer = answer.unwrap_or_else(|| panic!("nobody is there to be asked: {question}"));
        Ok(if answer.is_empty() { default.unwrap_or_default().to_owned() } else { answer })
    }

    fn confirm(&self, question: &str, default: bool) -> io::Result<bool> {
        let answer = self.ask(question, None)?;
        Ok(if answer.is_empty() { default } else { answer == "y" })
    }

    fn ask_hidden(&self, question: &str) -> io::Result<SecretText> {
        self.asked.lock().push(question.to_owned());
        Ok(SecretText::new(self.hidden.lock().pop_front().expect("somebody is there to be asked")))
    }

    fn read_all(&self, _: usize) -> io::Result<SecretText> {
        Ok(SecretText::new(self.piped.take().expect("standard input is read")))
    }

    fn read_within(&self, limit: usize, _: Duration) -> io::Result<SecretText> {
        self.read_all(limit)
    }

    fn lines(&self) -> io::Result<Receiver<SecretText>> {
        Ok(self.lines.take().expect("lines are read"))
    }
}

struct TestPaths(PathBuf);

impl Paths for TestPaths {
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

/// What a kernel keeps, by the story's clock.
pub struct FakeKernelKeyring {
    clock: Arc<MovableClock>,
    pub kept: Shared<BTreeMap<String, (Vec<u8>, Timestamp)>>,
}

impl KernelKeyring for FakeKernelKeyring {
    fn read(&self, name: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let kept = self.kept.lock();
        kept.get(name).filter(|(_, end)| *end > self.clock.now()).map(|(secret, _)| secret.clone().into())
    }

    fn keep(&self, name: &str, secret: &[u8], life: Duration) -> Result<(), NoKernelKeyring> {
        let end = self.clock.now() + SignedDuration::try_from(life).unwrap();
        self.kept.lock().insert(name.to_owned(), (secret.to_vec(), end));
        Ok(())
    }

    fn forget(&self, name: &str) {
        self.kept.lock().remove(name);
    }

    fn forget_all(&self, prefix: &str) {
        self.kept.lock().retain(|name, _| !name.starts_with(prefix));
    }
}

/// keyring-core's mock, or none, or a failing one.
#[derive(Default)]
pub struct MockKeyring {
    pub store: Shared<Option<Arc<CredentialStore>>>,
    pub opened: Shared<u32>,
}

impl MockKeyring {
    pub fn present(&self) -> Arc<CredentialStore> {
        let store: Arc<CredentialStore> = keyring_core::mock::Store::new().unwrap();
        let used =
            if cfg!(windows) { super::odd_keyring::of_this_platform(&store) } else { Arc::clone(&store) };
        *self.store.lock() = Some(used);
        store
    }
}

impl Keyring for MockKeyring {
    fn open(&self) -> Result<Arc<CredentialStore>, NoKeyring> {
        self.opened.set(self.opened.get() + 1);
        self.store.lock().clone().ok_or_else(|| NoKeyring("this machine has none".to_owned()))
    }
}
