//! Reads a line that the terminal does not show.
//!
//! A signal that ends the process meanwhile must not leave the terminal without an echo, so signals wait until the
//! terminal is restored.

use std::io;

use zeroize::Zeroizing;

/// Prints a question, and reads a line without an echo.
#[cfg(unix)]
pub(super) fn line(question: &str) -> io::Result<Zeroizing<String>> {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use crate::adapters::input::line::{line as read_line, print};
    use crate::adapters::signals::ProcessSignals;
    use crate::ports::Signals as _;

    /// How often to check for signals.
    const POLL: Duration = Duration::from_millis(20);

    let held = ProcessSignals.hold();
    let silence = silence::Silence::begin()?;
    print(question)?;
    let (sender, receiver) = channel();
    // The thread ends with the process, because a read from a terminal cannot be cancelled.
    crate::os::threads::start("line", move || sender.send(read_line()))?;
    loop {
        match receiver.recv_timeout(POLL) {
            Ok(line) => return line,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        if let Some(signal) = held.caught() {
            drop(silence);
            print("\n")?;
            drop(held);
            silence::raise(signal)?;
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
}

#[cfg(unix)]
mod silence {
    use std::io;

    use rustix::process::{Signal, getpid, kill_process};
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// A terminal without an echo, except for line ends, until this is dropped.
    pub(super) struct Silence(Termios);

    #[expect(clippy::disallowed_methods, reason = "this is the input")]
    impl Silence {
        pub(super) fn begin() -> io::Result<Self> {
            let before = tcgetattr(io::stdin())?;
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            silent.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
            tcsetattr(io::stdin(), OptionalActions::Drain, &silent)?;
            Ok(Self(before))
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the input")]
    impl Drop for Silence {
        fn drop(&mut self) {
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.0);
        }
    }

    /// Ends the process with the signal that arrived, as if it had not been caught.
    pub(super) fn raise(signal: i32) -> io::Result<()> {
        let signal = Signal::from_named_raw(signal).ok_or(io::ErrorKind::Interrupted)?;
        Ok(kill_process(getpid(), signal)?)
    }
}

/// Prints a question, and reads a line without an echo.
#[cfg(not(unix))]
pub(super) fn line(question: &str) -> io::Result<Zeroizing<String>> {
    let prompt = question.trim_end_matches([':', ' ']);
    let answer = dialoguer::Password::new().with_prompt(prompt).report(false).interact();
    answer.map(Zeroizing::new).map_err(|dialoguer::Error::IO(error)| error)
}
