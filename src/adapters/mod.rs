//! The real machine behind the ports.

pub mod browser;
pub mod clock;
pub mod completion;
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

use std::rc::Rc;

use crate::ports::console::Console;
use crate::ports::prompter::Silent;
use crate::ports::{Environment as _, System};

/// The system that this program runs on.
#[must_use]
pub fn system() -> System {
    let environment = Rc::new(environment::ProcessEnvironment);
    // A terminal without control of the cursor, or one that is read aloud.
    let dumb = environment.variable("TERM").is_some_and(|value| value == "dumb");
    let no_color = dumb || environment.variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    System {
        http: Rc::new(http::Http::default()),
        browser: Rc::new(browser::WebBrowser),
        clock: Rc::new(clock::SystemClock::start()),
        console: Console::new(Rc::new(terminal::StandardStreams { dumb }), no_color),
        input: Rc::new(input::StandardInput),
        prompter: Rc::new(Silent),
        environment,
        processes: Rc::new(processes::Children),
        random: Rc::new(random::SystemRandom),
        paths: Rc::new(paths::UserFolders),
        keyring: Rc::new(keyring::SessionKeyring),
        kernel_keyring: Rc::new(kernel_keyring::UserKeyring),
        signals: Rc::new(signals::ProcessSignals),
        local_server: Rc::new(local_server::HyperServer),
        another: system,
        machine: Rc::new(machine::ThisMachine),
        peers: Rc::new(peer::KernelTable),
    }
}
