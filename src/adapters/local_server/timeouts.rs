//! A stream that times out if the client does not read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::adapters::local_server::slots::Slot;

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How long the server waits for the client (F-SRV1).
#[derive(Clone, Copy)]
struct Deadlines {
    /// For a write to make progress, before the client has sent an accepted request.
    unproven: Duration,
    /// For a write to make progress after that. This is long because a download may be paused.
    proven: Duration,
    /// For more data after the server closes its side. If it left data unread, the kernel would reset the connection,
    /// and the client could lose a response that it has not read yet.
    linger: Duration,
}

const DEADLINES: Deadlines = Deadlines {
    unproven: Duration::from_secs(5),
    proven: Duration::from_secs(600),
    linger: Duration::from_millis(500),
};
/// The most data that the server reads after it closes its side.
const MOST_LINGERING: usize = 256 << 10;

pub(super) struct TimeoutStream {
    stream: Box<dyn Stream>,
    slot: Arc<Slot>,
    deadlines: Deadlines,
    /// Runs while a write waits.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Runs after the server closes its side, with the number of bytes that it may still read.
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl TimeoutStream {
    pub(super) fn new(stream: Box<dyn Stream>, slot: Arc<Slot>) -> Self {
        Self { stream, slot, deadlines: DEADLINES, deadline: None, lingering: None }
    }

    /// The result of a write, which fails after waiting for too long.
    fn timed<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            if self.deadline.take().is_some() {
                self.slot.stall(false);
            }
            return result;
        }
        let (slot, deadlines) = (&self.slot, self.deadlines);
        let deadline = self.deadline.get_or_insert_with(|| {
            slot.stall(true);
            Box::pin(sleep(if slot.is_proven() { deadlines.proven } else { deadlines.unproven }))
        });
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for TimeoutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for TimeoutStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.timed(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let linger = this.deadlines.linger;
        let (end, left) = this.lingering.get_or_insert_with(|| (Box::pin(sleep(linger)), MOST_LINGERING));
        let mut bytes = [0; 4096];
        while *left > 0 && end.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer));
            match buffer.filled().len() {
                0 => break,
                _ if read.is_err() => break,
                count => *left = left.saturating_sub(count),
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::future::poll_fn;

    use tokio::net::UnixStream;
    use tokio::time::Instant;

    use super::*;
    use crate::adapters::local_server::slots::Slots;

    const SHORT: Deadlines = Deadlines {
        unproven: Duration::from_millis(50),
        proven: Duration::from_millis(400),
        linger: Duration::from_millis(100),
    };

    fn stream() -> (TimeoutStream, UnixStream, Arc<Slot>) {
        let (here, there) = UnixStream::pair().unwrap();
        let slot = Arc::new(Arc::new(Slots::default()).take());
        let stream =
            TimeoutStream { deadlines: SHORT, ..TimeoutStream::new(Box::new(here), Arc::clone(&slot)) };
        (stream, there, slot)
    }

    async fn write(stream: &mut TimeoutStream) -> io::Result<usize> {
        poll_fn(|context| Pin::new(&mut *stream).poll_write(context, &[0; 4096])).await
    }

    #[tokio::test]
    async fn a_client_that_never_reads_is_dropped_f_srv1() {
        for (proven, wait) in [(false, SHORT.unproven), (true, SHORT.proven)] {
            let (mut stream, _there, slot) = stream();
            let _busy = proven.then(|| slot.begin().unwrap());
            let begun = Instant::now();
            let error = loop {
                if let Err(error) = write(&mut stream).await {
                    break error;
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert!(begun.elapsed() >= wait, "{:?}", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn a_slow_reader_is_waited_for() {
        let (mut stream, there, slot) = stream();
        let _busy = slot.begin().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < SHORT.proven * 2 {
            let written = tokio::time::timeout(SHORT.proven / 4, write(&mut stream)).await;
            if written.is_err() {
                let _ = there.try_read(&mut vec![0; 1 << 20]);
            }
            assert!(written.is_err() || written.unwrap().is_ok(), "after {:?}", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn the_end_waits_a_moment_for_what_is_still_sent() {
        for (name, closes, want) in
            [("a client that closes", true, Duration::ZERO), ("another", false, SHORT.linger)]
        {
            let (mut stream, there, _place) = stream();
            there.try_write(&[0; 100]).unwrap();
            let kept = if closes { None } else { Some(there) };
            let begun = Instant::now();
            poll_fn(|context| Pin::new(&mut stream).poll_shutdown(context)).await.unwrap();
            assert!(begun.elapsed() >= want, "{name}: {:?}", begun.elapsed());
            drop(kept);
        }
    }
}
