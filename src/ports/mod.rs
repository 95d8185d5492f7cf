//! The ways to the outside: network, browser, clock, terminal, environment, programs, randomness, folders, keyring and
//! signals. `adapters/` is the real machine; the tests bring their own. Traits and what they pass, and hardly any code: it is
//! long so that one page says all that the program does to the outside.

pub mod console;
pub mod local_server;
pub mod peer;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;
use zeroize::Zeroizing;

use crate::ports::console::Console;
use crate::ports::local_server::LocalServer;
use crate::ports::peer::Peers;
use crate::secret::SecretText;
use crate::text::untrusted::escaped;

/// Everything outside the program. Handed down from `main`.
#[derive(Clone)]
pub struct System {
    /// The network.
    pub http: Rc<dyn HttpClient>,
    /// The user's web browser.
    pub browser: Rc<dyn Browser>,
    /// Time.
    pub clock: Rc<dyn Clock>,
    /// What is said to the user, and on which stream.
    pub console: Console,
    /// What the user types or pipes in.
    pub input: Rc<dyn Input>,
    /// The environment variables and the working folder.
    pub environment: Rc<dyn Environment>,
    /// Other programs.
    pub processes: Rc<dyn Processes>,
    /// Randomness.
    pub random: Rc<dyn Random>,
    /// The folders that are ours.
    pub paths: Rc<dyn Paths>,
    /// The operating system's keyring.
    pub keyring: Rc<dyn Keyring>,
    /// The kernel's keyring.
    pub kernel_keyring: Rc<dyn KernelKeyring>,
    /// Ctrl-C and its like.
    pub signals: Rc<dyn Signals>,
    /// Serves other programs of this machine.
    pub local_server: Rc<dyn LocalServer>,
    /// Makes the outside once more, for another thread.
    pub another: fn() -> System,
    /// What only a diagnosis asks of the machine.
    pub machine: Rc<dyn Machine>,
    /// Which user is at the other end of a connection.
    pub peers: Rc<dyn Peers>,
    /// The variables that configured secrets are read from: a browser does not inherit them.
    pub secret_variables: BTreeSet<String>,
}

impl System {
    /// This moment.
    #[must_use]
    pub fn moment(&self) -> Moment<'_> {
        Moment { now: self.clock.now(), random: &*self.random }
    }
}

/// Sends one request; follows no redirect.
pub trait HttpClient {
    /// Sends the request and reads the whole answer, within the limits of time and size.
    ///
    /// # Errors
    /// [`HttpError`]; its text has no query, header or body.
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError>;
}

/// The methods that authctl itself sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The method as it stands in a request.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// Whom a URL came from: what a server told must not lead into private networks (F-SSRF).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The configuration: any address.
    Configured,
    /// A server: public addresses only, checked on the address that is connected to.
    Learned,
}

/// How to reach a provider's servers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transport {
    /// Further certificate authorities, in PEM.
    pub ca_file: Option<PathBuf>,
    /// The proxy, instead of the environment's.
    pub proxy: Option<String>,
    /// The limit of one exchange, from connecting to the last byte.
    pub timeout: Duration,
    /// The certificate that the client shows (RFC 8705).
    pub identity: Option<ClientIdentity>,
}

/// A client's certificate chain and its private key.
#[derive(Clone)]
pub struct ClientIdentity {
    /// Both in PEM.
    pub pem: SecretText,
    /// The certificate's `x5t#S256`: base64url of the SHA-256 of its DER form (RFC 8705 section 3.1).
    pub thumbprint: String,
}

impl PartialEq for ClientIdentity {
    fn eq(&self, other: &Self) -> bool {
        self.thumbprint == other.thumbprint
    }
}

impl Eq for ClientIdentity {}

impl std::hash::Hash for ClientIdentity {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.thumbprint.hash(state);
    }
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ClientIdentity({})", self.thumbprint)
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self { ca_file: None, proxy: None, timeout: Duration::from_secs(30), identity: None }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// Its method.
    pub method: Method,
    /// Its URL, which passed the URL gate.
    pub url: Url,
    /// Whom the URL came from.
    pub reach: Reach,
    /// Its headers.
    pub headers: Vec<(&'static str, SecretText)>,
    /// Its body with its content type.
    pub body: Option<(&'static str, SecretText)>,
    /// How to send it.
    pub transport: Transport,
}

/// An answer: at most 1 MiB of body.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, which may hold tokens.
    pub body: Zeroizing<Vec<u8>>,
}

impl HttpResponse {
    /// The first header of a name, given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The media type without its parameters, in lower case.
    #[must_use]
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nothing was sent: the name, the connection, the proxy or TLS failed.
    #[error("cannot reach {host}: {reason}")]
    NotSent {
        /// Where it was to be sent.
        host: String,
        /// What failed, escaped.
        reason: String,
    },
    /// Nothing was sent: the server's certificate was not accepted.
    #[error("cannot reach {host}: {reason}")]
    Untrusted {
        /// Where it was to be sent.
        host: String,
        /// What is wrong with the certificate.
        flaw: CertificateFlaw,
        /// A description of it, escaped.
        reason: String,
    },
    /// It may have been sent, and no whole answer came.
    #[error("no answer from {host}: {reason}")]
    AnswerLost {
        /// Where it was sent.
        host: String,
        /// What failed, escaped.
        reason: String,
        /// What had come by then.
        partial: Option<Box<PartialAnswer>>,
    },
    /// The answer was longer than any honest one.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// Who sent it.
        host: String,
        /// The limit.
        limit: usize,
        /// What had come by then.
        partial: Option<Box<PartialAnswer>>,
    },
    /// A server named an address that only a configuration may name.
    #[error("{host} is not a public address, and only the configuration may name others")]
    NotPublic {
        /// The address.
        host: String,
    },
    /// The request cannot be made: a wrong certificate file or proxy.
    #[error("{0}")]
    Setup(String),
}

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFlaw {
    /// It is not valid yet.
    NotYetValid,
    /// It is for other names.
    OtherName,
    /// No known authority vouches for it, or anything else.
    Other,
}

/// The beginning of an answer that did not come to its end. It may hold tokens, so it never shows its body.
pub struct PartialAnswer(pub HttpResponse);

impl std::fmt::Debug for PartialAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PartialAnswer({}, {} bytes)", self.0.status, self.0.body.len())
    }
}

impl HttpError {
    /// What had come of an answer that did not come to its end.
    #[must_use]
    pub fn partial_answer(&self) -> Option<&HttpResponse> {
        match self {
            Self::AnswerLost { partial, .. } | Self::TooLarge { partial, .. } => {
                partial.as_ref().map(|partial| &partial.0)
            }
            _ => None,
        }
    }

    /// Whether the server may have received the request.
    #[must_use]
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::AnswerLost { .. } | Self::TooLarge { .. } => true,
            Self::NotSent { .. } | Self::Untrusted { .. } | Self::NotPublic { .. } | Self::Setup(_) => false,
        }
    }

    /// Whether the same request may succeed a little later: the server could not be reached, or did not answer.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NotSent { .. } | Self::Untrusted { .. } | Self::AnswerLost { .. })
    }
}

/// Opens the user's web browser.
pub trait Browser {
    /// Starts to show a URL, in a browser that does not inherit the `withheld` variables. That it returns says only that a
    /// program was started.
    ///
    /// # Errors
    /// When there is no browser to start.
    fn open(&self, url: &Url, with: Option<&str>, withheld: &BTreeSet<String>) -> Result<(), NoBrowser>;

    /// Whether a browser that is opened could be seen by the user: not over SSH or without a display.
    fn can_be_seen(&self) -> bool;
}

/// There is no browser to open; why.
#[derive(Debug, thiserror::Error)]
#[error("no browser could be opened: {0}")]
pub struct NoBrowser(pub String);

/// Tells the time, and lets it pass.
pub trait Clock {
    /// The wall clock.
    fn now(&self) -> Timestamp;
    /// A clock that only goes forward.
    fn elapsed(&self) -> Duration;
    /// Lets time pass.
    fn sleep(&self, duration: Duration);
}

/// The two streams of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// For what may be piped.
    Out,
    /// For the person.
    Err,
}

/// Shows what is said.
pub trait Terminal {
    /// Writes and flushes.
    ///
    /// # Errors
    /// As the stream reports them; a closed pipe is one.
    fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<()>;
    /// Whether a stream is a terminal.
    fn is_terminal(&self, stream: Stream) -> bool;
    /// Shows that something is waited for, and how long still where there is a limit, until the returned guard is dropped.
    fn wait(&self, message: &str, limit: Option<Duration>) -> Box<dyn Waiting>;
    /// How many characters fit into a line of a stream, where that is a terminal.
    fn width(&self, stream: Stream) -> Option<usize>;
}

/// A wait that is shown; dropping it takes it away.
pub trait Waiting {}

/// Reads what the user types or pipes in.
pub trait Input {
    /// Whether standard input is a terminal, where somebody may type.
    fn is_terminal(&self) -> bool;
    /// Asks for a secret without showing it.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    fn ask_hidden(&self, question: &str) -> io::Result<SecretText>;
    /// Asks for a line. An empty answer stands for the default.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    fn ask(&self, question: &str, default: Option<&str>) -> io::Result<String>;
    /// Asks for yes or no.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    fn confirm(&self, question: &str, default: bool) -> io::Result<bool>;
    /// Reads standard input to its end, but no more than `limit` bytes.
    ///
    /// # Errors
    /// As the stream reports them, or when there is more.
    fn read_all(&self, limit: usize) -> io::Result<SecretText>;
    /// The same for what another program writes, which must end within the deadline.
    ///
    /// # Errors
    /// The same, and when it takes longer.
    fn read_within(&self, limit: usize, deadline: Duration) -> io::Result<SecretText>;
    /// The lines that are typed from now on, read in the background.
    ///
    /// # Errors
    /// When nothing can be read in the background.
    fn lines(&self) -> io::Result<Receiver<SecretText>>;
}

/// Reads the environment.
pub trait Environment {
    /// A variable, if it is set and is Unicode.
    fn variable(&self, name: &str) -> Option<String>;
    /// A variable that names a file, which need not be Unicode.
    fn file_variable(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from)
    }
    /// All variables that are Unicode.
    fn variables(&self) -> Vec<(String, String)>;
    /// The working folder.
    fn current_folder(&self) -> Option<PathBuf>;
    /// This program's file: the name under which PATH has it, which outlives updates, else its own.
    fn program(&self) -> Option<PathBuf>;
}

/// Runs other programs, never through a shell, and never found in the working folder.
pub trait Processes {
    /// Runs a program to its end and takes its standard output.
    ///
    /// # Errors
    /// [`ProcessError`].
    fn output(&self, program: &Program<'_>) -> Result<SecretText, ProcessError>;
    /// Runs a program that talks with the user, such as an editor, to its end.
    ///
    /// # Errors
    /// [`ProcessError`].
    fn interact(&self, program: &Program<'_>) -> Result<(), ProcessError>;
    /// Tells the process that started this one from all others, where the system says.
    fn parent(&self) -> Option<String>;
    /// Runs a program with the user's own streams to its end. Signals that are sent to this process go on to it.
    ///
    /// With a `judge`, standard output is held back until its first bytes are there, or its end, and the judge decides
    /// what becomes of it.
    ///
    /// # Errors
    /// [`LaunchError`].
    fn run(&self, launch: &Launch<'_>, judge: Option<Judge<'_>>) -> Result<Ended, LaunchError>;
    /// Puts a program in the place of this process, where the platform can; else runs it to its end.
    ///
    /// # Errors
    /// [`LaunchError`].
    fn replace(&self, launch: &Launch<'_>) -> Result<Ended, LaunchError>;
    /// A text that the next program that is run can read once, at the path that this gives.
    ///
    /// # Errors
    /// As the system reports them.
    fn hand_over(&self, text: &SecretText) -> io::Result<Box<dyn Handed>>;
    /// An empty file that the next program that is run can write into, at the path that this gives.
    ///
    /// # Errors
    /// As the system reports them.
    fn notebook(&self) -> io::Result<Box<dyn Handed>>;
}

/// A program to run with the user's own streams.
#[derive(Clone, Copy)]
pub struct Launch<'a> {
    /// The program: looked for on PATH, or a path as the user wrote it.
    pub program: &'a OsStr,
    /// Its arguments.
    pub arguments: &'a [OsString],
    /// Variables that it is given.
    pub variables: &'a [(String, SecretText)],
    /// Variables that it does not inherit, unless they are among `variables`; `AUTHCTL_…` never are.
    pub withheld: &'a BTreeSet<String>,
    /// What its arguments name and it alone can open.
    pub handed: &'a [&'a dyn Handed],
}

/// Something that only this process and the program that it runs can open. It goes when it is dropped.
pub trait Handed {
    /// Where the program finds it.
    fn path(&self) -> &Path;
    /// Whether programs that are started from now on inherit it. Only while the one that it is for is started.
    fn lend(&self, lent: bool);
    /// What is in it now, as far as it can be read twice.
    fn contents(&self) -> Vec<u8>;
}

/// Decides what becomes of a program's output, of which this much is there.
pub type Judge<'a> = &'a mut dyn FnMut(&[u8]) -> Verdict;

/// What becomes of output that is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing yet.
    Wait,
    /// It goes to the user, and what follows too.
    Release,
    /// It goes to nobody.
    Discard,
}

/// How a program that was run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this status.
    Status(u8),
    /// By this signal.
    Signal(i32),
    /// Its output was discarded, and how it ended does not matter.
    Discarded,
}

/// Why a program was not run.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// It is not there.
    #[error("cannot run {}: there is no such program", escaped(.program))]
    NotFound {
        /// Its name.
        program: String,
    },
    /// It is there and cannot be run.
    #[error("cannot run {}: {reason}", escaped(.program))]
    NotExecutable {
        /// Its name.
        program: String,
        /// Why.
        reason: String,
    },
}

/// A program to run.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// How long it may run; ignored where the user talks with it.
    pub timeout: Duration,
    /// Variables that it does not inherit; `AUTHCTL_…` never are.
    pub withheld: &'a BTreeSet<String>,
    /// What it is given on its standard input; without it, that is empty.
    pub input: Option<&'a SecretText>,
}

/// Why a program gave nothing. What it printed is never part of it.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("cannot run {}: {reason}", escaped(.program))]
    NotStarted {
        /// Its name.
        program: String,
        /// Why.
        reason: String,
    },
    /// It ended with another status than 0.
    #[error("{} {status}", escaped(.program))]
    Failed {
        /// Its name.
        program: String,
        /// How it ended.
        status: String,
    },
    /// It ran for too long and was ended.
    #[error("{} did not end within {}", escaped(.program), crate::text::humanize::counted(*.seconds, "second"))]
    TimedOut {
        /// Its name.
        program: String,
        /// The limit.
        seconds: u64,
    },
    /// It printed too much, or something that is not UTF-8.
    #[error("{} printed something unusable: {reason}", escaped(.program))]
    Unusable {
        /// Its name.
        program: String,
        /// What was wrong with it.
        reason: &'static str,
    },
}

/// What makes one request unlike any other: when it is made, and chance.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// Now.
    pub now: Timestamp,
    /// Chance.
    pub random: &'a dyn Random,
}

/// Gives random bytes.
pub trait Random {
    /// Fills the buffer from the operating system's generator.
    fn fill(&self, buffer: &mut [u8]);
}

/// The folders of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// The user's configuration.
    Config,
    /// The machine's configuration.
    Site,
    /// Records and their index.
    State,
    /// Keys of sealed records: another folder than the records'.
    Data,
    /// Public data of servers, which can be fetched again.
    Cache,
    /// Locks of stores that belong to the user as such: it depends on no variable (F-ROT3).
    Locks,
    /// Sockets, and what goes with a running program.
    Runtime,
}

/// Says where the folders are.
pub trait Paths {
    /// The path of a folder, which may not exist yet.
    ///
    /// # Errors
    /// When the system does not say, as without a home: there is no fallback to `/tmp` (F-STO2).
    fn folder(&self, folder: Folder) -> Result<PathBuf, NoFolder>;
    /// The user's home, for `~/` in the configuration.
    fn home(&self) -> Option<PathBuf>;
    /// A folder in memory in which folders of this user may be made, where the platform has one.
    fn memory(&self) -> Option<PathBuf> {
        None
    }

    /// A path of the configuration, with the home in the place of `~`.
    fn expand(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }
}

/// A folder that the system does not name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no folder for {0}: is HOME set?")]
pub struct NoFolder(pub &'static str);

/// Opens the operating system's keyring.
pub trait Keyring {
    /// The keyring, if this session has one. It touches the keyring no further than finding it.
    ///
    /// # Errors
    /// [`NoKeyring`] when there is none, which is another thing than a locked or failing one.
    fn open(&self) -> Result<Arc<keyring_core::CredentialStore>, NoKeyring>;
}

/// This session has no keyring; why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("there is no keyring: {0}")]
pub struct NoKeyring(pub String);

/// Keeps secrets in the kernel's memory, for this user, until their time is over or the machine restarts.
pub trait KernelKeyring {
    /// What is kept under a name, if it is still there.
    fn read(&self, name: &str) -> Option<Zeroizing<Vec<u8>>>;
    /// Keeps a secret for a while, in the place of an earlier one.
    ///
    /// # Errors
    /// [`NoKernelKeyring`].
    fn keep(&self, name: &str, secret: &[u8], life: Duration) -> Result<(), NoKernelKeyring>;
    /// Forgets what is kept under a name.
    fn forget(&self, name: &str);
    /// Forgets all that is kept under names that begin so.
    fn forget_all(&self, prefix: &str);
}

/// The kernel keeps no secrets for us; why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct NoKernelKeyring(pub String);

/// Holds Ctrl-C and its like back.
pub trait Signals {
    /// From now until the guard is dropped, signals that would end the process are noted instead.
    fn hold(&self) -> Box<dyn Held>;
}

/// Signals that are held back.
pub trait Held {
    /// The first signal that came, by its number.
    fn caught(&self) -> Option<i32>;
}

/// Tells of the machine what only a diagnosis asks.
pub trait Machine {
    /// The certificates that a server shows, its own first, in DER. The handshake is broken off behind them: nothing is
    /// sent to whom they belong.
    ///
    /// # Errors
    /// [`HttpError`], when it came to no handshake.
    fn certificates(&self, url: &Url, transport: &Transport) -> Result<Vec<Vec<u8>>, HttpError>;
    /// The addresses of a name; `None` when there are none, or nobody says so in time.
    fn addresses(&self, name: &str, limit: Duration) -> Option<Vec<IpAddr>>;
    /// Whether a crash would leave this process's memory in a file; `None` where that cannot be told.
    fn leaves_core_files(&self) -> Option<bool>;
}
