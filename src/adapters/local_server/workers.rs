//! The threads that answer requests: an answer waits for the network, the store and locks.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::ports::local_server::{Action, Attempt, Failure, RequestHead, Service};

/// How many requests are answered at once.
const WORKERS: usize = 8;
/// How many requests may wait.
const LONGEST_QUEUE: usize = 64;
/// How often to check whether the last ones have finished.
const POLL: Duration = Duration::from_millis(5);

struct Job {
    asked: Arc<RequestHead>,
    attempt: Attempt,
    answer: oneshot::Sender<Result<Option<Action>, Failure>>,
}

pub(super) struct Workers {
    queue: Mutex<Option<SyncSender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Workers {
    pub(super) fn start(service: &Arc<dyn Service>) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(LONGEST_QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let start = |number| {
            let (service, jobs) = (Arc::clone(service), Arc::clone(&jobs));
            std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || work(&*service, &jobs))
        };
        let threads = (0..WORKERS).map(start).collect::<io::Result<_>>()?;
        Ok(Self { queue: Mutex::new(Some(queue)), threads: Mutex::new(threads) })
    }

    /// Lets a worker answer a request.
    pub(super) async fn ask(
        &self,
        asked: &Arc<RequestHead>,
        attempt: Attempt,
    ) -> Result<Option<Action>, Failure> {
        let (answer, received) = oneshot::channel();
        let job = Job { asked: Arc::clone(asked), attempt, answer };
        let sent = match &*self.queue.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(queue) => queue.try_send(job),
            None => return Err(Failure::Ending),
        };
        match sent {
            Ok(()) => received.await.unwrap_or(Err(Failure::Ending)),
            Err(TrySendError::Full(_)) => Err(Failure::Overloaded),
            Err(TrySendError::Disconnected(_)) => Err(Failure::Broken),
        }
    }

    /// Accepts no more requests and waits for those in progress: a token that was obtained must be saved.
    #[expect(clippy::disallowed_methods, reason = "the end of the process waits for its threads")]
    pub(super) fn finish(&self, limit: Duration) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let deadline = std::time::Instant::now() + limit;
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while threads.iter().any(|thread| !thread.is_finished()) && std::time::Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
    }
}

fn work(service: &dyn Service, jobs: &Mutex<Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { asked, attempt, answer }) = next else { return };
        // A client that no longer waits needs no token.
        if answer.is_closed() {
            continue;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| service.answer(&asked, &attempt)));
        let _ = answer.send(outcome.map_err(|_| Failure::Broken));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::local_server::Reply;
    use crate::secret::SecretText;

    /// Breaks when it is asked for `/broken`.
    struct Fragile;

    impl Service for Fragile {
        fn refuse(&self, _: &RequestHead) -> Option<Reply> {
            None
        }

        fn answer(&self, asked: &RequestHead, _: &Attempt) -> Option<Action> {
            assert_ne!(asked.path(), "/broken");
            Some(Action::Reply(reply()))
        }

        fn failure(&self, _: &Failure) -> Reply {
            reply()
        }
    }

    fn reply() -> Reply {
        Reply { status: 200, headers: Vec::new(), body: SecretText::new("") }
    }

    fn asked(target: &str) -> Arc<RequestHead> {
        Arc::new(RequestHead {
            method: "GET".to_owned(),
            target: target.to_owned(),
            authority: None,
            headers: Vec::new(),
            has_body: false,
            is_own_user: true,
        })
    }

    #[test]
    fn a_worker_that_breaks_works_on() {
        let service: Arc<dyn Service> = Arc::new(Fragile);
        let workers = Workers::start(&service).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ask = |target| runtime.block_on(workers.ask(&asked(target), Attempt::First));
        for _ in 0..2 * WORKERS {
            assert!(matches!(ask("/broken"), Err(Failure::Broken)));
        }
        assert!(matches!(ask("/good"), Ok(Some(Action::Reply(_)))));
        workers.finish(Duration::from_secs(5));
        assert!(workers.threads.lock().unwrap().iter().all(JoinHandle::is_finished));
        assert!(matches!(ask("/good"), Err(Failure::Ending)));
    }
}
