//! Serves one connection: reads requests and writes responses, within limits.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;

use crate::adapters::local_server::forward;
use crate::adapters::local_server::reply::{Body, response};
use crate::adapters::local_server::shared::Shared;
use crate::adapters::local_server::slots::{Busy, Slot};
use crate::adapters::local_server::timeouts::{Stream, TimeoutStream};
use crate::ports::local_server::{Action, Attempt, Failure, RequestHead};
use crate::secret::SecretText;

/// The longest request head (F-HLP1).
const LARGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 100;
/// How long a connection may take to send its next head. hyper counts from the last response, so this limits idle
/// connections as well.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);

/// Serves a connection until either side closes it.
pub(super) async fn run(
    stream: Box<dyn Stream>,
    is_own_user: bool,
    slot: Arc<Slot>,
    shared: Arc<Shared>,
    mut ending: watch::Receiver<()>,
) {
    let stream = TimeoutStream::new(stream, Arc::clone(&slot));
    let service = service_fn(|request| {
        let (shared, slot) = (Arc::clone(&shared), Arc::clone(&slot));
        async move { Ok::<_, Infallible>(answer(&shared, &slot, request, is_own_user).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // How a connection ends is up to the client.
        _ = &mut connection => return,
        _ = ending.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(
    shared: &Shared,
    slot: &Arc<Slot>,
    request: Request<Incoming>,
    is_own_user: bool,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let asked = Arc::new(asked(&parts, !body.is_end_stream(), is_own_user));
    if let Some(reply) = shared.service.refuse(&asked) {
        return last(response(reply));
    }
    let Some(busy) = slot.begin() else { return last(shared.failed(&Failure::Overloaded)) };
    let answer = match shared.workers.ask(&asked, Attempt::First).await {
        Ok(Some(Action::Reply(reply))) => response(reply),
        Ok(Some(Action::Forward(first))) => forward::run(shared, &asked, parts, body, *first).await,
        Ok(None) => shared.failed(&Failure::Broken),
        Err(failure) => shared.failed(&failure),
    };
    answer.map(|body| Kept { body, _busy: busy }.boxed_unsync())
}

/// Closes the connection after this response: a rejected client must not keep its slot (F-SRV1).
fn last(mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// A body that keeps its request marked as in progress until the connection has received all of it.
struct Kept {
    body: Body,
    _busy: Busy,
}

impl hyper::body::Body for Kept {
    type Data = Bytes;
    type Error = Box<dyn StdError + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn asked(parts: &Parts, has_body: bool, is_own_user: bool) -> RequestHead {
    let text = |value: &HeaderValue| value.to_str().ok().map(SecretText::new);
    let headers = parts.headers.iter();
    RequestHead {
        method: parts.method.as_str().to_owned(),
        target: parts.uri.path_and_query().map(|target| target.as_str().to_owned()).unwrap_or_default(),
        authority: parts.uri.authority().map(|authority| authority.as_str().to_owned()),
        headers: headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect(),
        has_body,
        is_own_user,
    }
}
