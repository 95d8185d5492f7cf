//! The ports: network, browser, clock, terminal, environment, programs, randomness, folders, keyring and signals, one
//! file per port. `adapters/` implements them on the real machine; the tests have their own implementations.

mod browser;
mod clock;
pub mod console;
mod environment;
mod http;
mod http_message;
mod input;
mod kernel_keyring;
mod keyring;
mod launch;
pub mod local_server;
mod machine;
mod paths;
pub mod peer;
mod processes;
pub mod prompter;
mod random;
mod signals;
mod terminal;
mod transport;

pub use self::browser::{Browser, NoBrowser};
pub use self::clock::Clock;
pub use self::environment::Environment;
pub use self::http::{CertificateFlaw, HttpClient, HttpError, PartialAnswer};
pub use self::http_message::{HttpRequest, HttpResponse, Method, Reach};
pub use self::input::Input;
pub use self::kernel_keyring::{KernelKeyring, NoKernelKeyring};
pub use self::keyring::{Keyring, NoKeyring};
pub use self::launch::{Ended, InheritedFile, Launch, LaunchError, OutputAction, OutputFilter};
pub use self::machine::Machine;
pub use self::paths::{Folder, NoFolder, Paths};
pub use self::processes::{ProcessError, Processes, Program};
pub use self::random::{Moment, Random};
pub use self::signals::{Held, Signals, Unheld};
pub use self::terminal::{Stream, Terminal, Waiting};
pub use self::transport::{ClientIdentity, Transport};

use std::sync::Arc;

use self::console::Console;
use self::local_server::LocalServer;
use self::peer::Peers;
use self::prompter::Prompter;

/// Everything outside the program, passed down from `main`. Threads share it: a clone has the same ports.
#[derive(Clone)]
pub struct System {
    pub http: Arc<dyn HttpClient>,
    pub browser: Arc<dyn Browser>,
    pub clock: Arc<dyn Clock>,
    /// What commands print. The domain does not print: it has the prompter.
    pub console: Console,
    /// What the domain tells the user.
    pub prompter: Arc<dyn Prompter>,
    pub input: Arc<dyn Input>,
    pub environment: Arc<dyn Environment>,
    pub processes: Arc<dyn Processes>,
    pub random: Arc<dyn Random>,
    pub paths: Arc<dyn Paths>,
    pub keyring: Arc<dyn Keyring>,
    pub kernel_keyring: Arc<dyn KernelKeyring>,
    pub signals: Arc<dyn Signals>,
    /// Serves other programs on this machine.
    pub local_server: Arc<dyn LocalServer>,
    pub machine: Arc<dyn Machine>,
    pub peers: Arc<dyn Peers>,
}

impl System {
    pub fn moment(&self) -> Moment<'_> {
        Moment { now: self.clock.now(), random: &*self.random }
    }
}
