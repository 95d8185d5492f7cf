//! Forwards signals that were sent only to this process.

use std::io;
use std::process::{Child, ExitStatus};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::backend::Handle;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};

use crate::adapters::signals::ProcessSignals;
use crate::adapters::signals::ignored::is_ignored;
use crate::os::threads::Reserved;
use crate::ports::{Held, Signals as _};

const SIGNALS: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

/// Signals that no longer end this process, until there is a program to forward them to.
pub(crate) struct CaughtSignals {
    caught: Option<(SignalsInfo<WithOrigin>, Forwarder)>,
    held: Box<dyn Held>,
}

/// The thread that forwards signals. It starts before the program does, so that no signal is lost.
type Forwarder = Reserved<Box<dyn FnOnce() + Send>, ()>;

pub(crate) struct ForwardedSignals {
    thread: Option<(Handle, JoinHandle<Option<()>>)>,
    _held: Box<dyn Held>,
}

impl CaughtSignals {
    pub(crate) fn take() -> io::Result<Self> {
        let forwarder = Reserved::new("signals")?;
        let wanted = SIGNALS.into_iter().filter(|&signal| !is_ignored(signal));
        let caught = SignalsInfo::new(wanted).ok().map(|signals| (signals, forwarder));
        Ok(Self { held: ProcessSignals.hold(), caught })
    }

    pub(crate) fn forward_to(self, child: &Child) -> ForwardedSignals {
        let child = Pid::from_child(child);
        let thread = self.caught.map(|(mut signals, forwarder)| {
            let handle = signals.handle();
            let thread = forwarder.run(Box::new(move || {
                for origin in signals.forever().filter(was_sent) {
                    if let Some(signal) = Signal::from_named_raw(origin.signal) {
                        let _ = kill_process(child, signal);
                    }
                }
            }));
            (handle, thread)
        });
        ForwardedSignals { thread, _held: self.held }
    }
}

/// Whether a process sent the signal. A signal from the terminal goes to the whole process group, so the program has it
/// already.
fn was_sent(origin: &Origin) -> bool {
    matches!(origin.cause, Cause::Sent(_)) || origin.process.is_some_and(|process| process.pid != 0)
}

impl ForwardedSignals {
    /// Waits for the program's end. Forwarding stops before the program is removed from the process table, because
    /// another process could get its ID then.
    pub(crate) fn wait(self, child: &mut Child) -> io::Result<ExitStatus> {
        let which = WaitId::Pid(Pid::from_child(child));
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(which.clone(), options).is_err_and(|error| error == rustix::io::Errno::INTR) {}
        if let Some((handle, thread)) = self.thread {
            handle.close();
            let _ = thread.join();
        }
        child.wait()
    }
}
