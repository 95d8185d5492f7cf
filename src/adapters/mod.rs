//! The real machine behind the ports.

pub mod browser;
pub mod clock;
pub mod environment;
pub mod hardening;
pub mod http;
pub mod input;
pub mod kernel_keyring;
pub mod keyring;
pub mod local_server;
pub mod machine;
pub mod paths;
pub mod peer;
pub mod processes;
pub mod random;
pub mod signals;
pub mod terminal;

use std::sync::Arc;

use crate::ports::console::Console;
use crate::ports::prompter::Silent;
use crate::ports::{Environment as _, System};

/// The system that this program runs on.
pub fn system() -> System {
    let environment = Arc::new(environment::ProcessEnvironment);
    // A terminal without cursor control, or a screen reader.
    let dumb = environment.variable("TERM").is_some_and(|value| value == "dumb");
    let no_color = dumb || environment.variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    System {
        http: Arc::new(http::Http::default()),
        browser: Arc::new(browser::WebBrowser),
        clock: Arc::new(clock::SystemClock::start()),
        console: Console::new(Arc::new(terminal::StandardStreams { dumb }), no_color),
        input: Arc::new(input::StandardInput),
        prompter: Arc::new(Silent),
        environment,
        processes: Arc::new(processes::Children),
        random: Arc::new(random::SystemRandom),
        paths: Arc::new(paths::UserFolders),
        keyring: Arc::new(keyring::SessionKeyring),
        kernel_keyring: Arc::new(kernel_keyring::UserKeyring),
        signals: Arc::new(signals::ProcessSignals),
        local_server: Arc::new(local_server::HyperServer),
        machine: Arc::new(machine::ThisMachine),
        peers: Arc::new(peer::KernelTable),
    }
}
