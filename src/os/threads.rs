//! Starts threads, and returns an error if that fails.
//!
//! `std::thread::spawn` panics instead, which could lose what a server has just sent. A thread that is needed late is
//! reserved early, before anything that cannot be repeated (F-CB21).

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};

/// The most threads at once. A keyring that hangs occupies one until it answers.
const MOST: usize = 256;

static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// The permission to run one of them.
struct Permit;

impl Permit {
    fn take() -> io::Result<Self> {
        if RUNNING.fetch_add(1, Ordering::Relaxed) < MOST {
            return Ok(Self);
        }
        drop(Self);
        let message = format!("{MOST} authctl threads are still running");
        Err(io::Error::new(io::ErrorKind::QuotaExceeded, message))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Starts a thread. If authctl itself runs too many, the error is [`io::ErrorKind::QuotaExceeded`].
pub fn start<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let permit = Permit::take()?;
    let work = move || {
        let _permit = permit;
        work()
    };
    Builder::new().name(name.to_owned()).spawn(work)
}

/// A thread that waits for its work, and ends if it gets none.
pub struct Reserved<F, T> {
    thread: JoinHandle<Option<T>>,
    work: Sender<F>,
}

impl<T: Send + 'static, F: FnOnce() -> T + Send + 'static> Reserved<F, T> {
    /// Starts a thread that gets its work later. It fails like [`start`].
    pub fn new(name: &str) -> io::Result<Self> {
        let (work, received) = channel::<F>();
        let thread = start(name, move || received.recv().ok().map(|work| work()))?;
        Ok(Self { thread, work })
    }

    /// Gives the thread its work. The handle returns the result.
    pub fn run(self, work: F) -> JoinHandle<Option<T>> {
        // The send cannot fail, because the thread waits for it.
        let _ = self.work.send(work);
        self.thread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_thread_works_or_ends() {
        let used = Reserved::new("used").unwrap();
        assert_eq!(used.run(|| 7).join().unwrap(), Some(7));
        let Reserved { thread, work } = Reserved::<fn(), ()>::new("unused").unwrap();
        drop(work);
        assert_eq!(thread.join().unwrap(), None);
    }
}
