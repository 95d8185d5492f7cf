//! A small HTTP server on this machine, with hyper and tokio.

mod connection;
mod forward;
mod listener;
mod reply;
mod shared;
mod slots;
#[cfg(unix)]
mod socket_file;
mod stop_signals;
mod timeouts;
mod workers;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use self::listener::{Listener, accept};
use self::shared::Shared;
use self::slots::Slots;
use self::stop_signals::StopSignals;
use self::workers::Workers;
use crate::os::open_files;
use crate::ports::Held;
use crate::ports::local_server::{Address, Bound, Listen, LocalServer, ServeError, Service};

/// The most threads that resolve host names.
const MOST_RESOLVERS: usize = 8;
/// How long requests in progress may take when the server stops.
const LAST_REQUESTS: Duration = Duration::from_secs(5);
/// How long a worker may take then: it may be about to save a token that is not available a second time.
const LAST_WORK: Duration = Duration::from_secs(60);
/// The files that a server opens before and for its first connection.
const FILES_OF_SERVER: usize = 8;
/// The pause after a connection could not be accepted and none can make room.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

pub struct HyperServer;

impl LocalServer for HyperServer {
    fn bind(&self, listen: &Listen) -> Result<Box<dyn Bound>, ServeError> {
        match listen {
            #[cfg(unix)]
            Listen::Socket(path) => {
                let (listener, file) = socket_file::bind(path)?;
                let address = Address::Socket(path.clone());
                Ok(Box::new(Server { listener: Listener::Socket(listener, file), address }))
            }
            #[cfg(not(unix))]
            Listen::Socket(_) => {
                Err(ServeError::NotOffered("this platform has no Unix sockets; listen on 127.0.0.1"))
            }
            &Listen::Loopback { address, identify } => {
                let failed = |source| ServeError::Io { address: Address::Loopback(address), source };
                let listener =
                    std::net::TcpListener::bind(address).map_err(|source| match source.kind() {
                        io::ErrorKind::AddrInUse => ServeError::Taken(Address::Loopback(address)),
                        _ => failed(source),
                    })?;
                listener.set_nonblocking(true).map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                let listener = Listener::Loopback { listener, identify };
                Ok(Box::new(Server { listener, address: Address::Loopback(address) }))
            }
        }
    }
}

/// A server that is bound to its address.
struct Server {
    listener: Listener,
    address: Address,
}

impl Bound for Server {
    fn address(&self) -> &Address {
        &self.address
    }

    fn run(self: Box<Self>, service: Arc<dyn Service>, held: &dyn Held) -> Result<(), ServeError> {
        let Self { listener, address } = *self;
        let failed = |source| ServeError::Io { address: address.clone(), source };
        // Listening for signals panics if it cannot open its files.
        open_files::check_free(FILES_OF_SERVER).map_err(failed)?;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().max_blocking_threads(MOST_RESOLVERS).build().map_err(failed)?;
        let workers = Workers::start(&service).map_err(failed)?;
        let shared = Arc::new(Shared::new(service, workers));
        let result = runtime.block_on(serve(listener, &shared, held)).map_err(failed);
        // Connections that did not finish are closed; workers finish.
        runtime.shutdown_background();
        shared.workers.finish(LAST_WORK);
        result
    }
}

async fn serve(listener: Listener, shared: &Arc<Shared>, held: &dyn Held) -> io::Result<()> {
    let mut signals = StopSignals::new()?;
    let listener = listener.into_async()?;
    let (end, ending) = watch::channel(());
    let mut connections = JoinSet::new();
    let slots = Arc::new(Slots::default());
    // A signal that arrived before this loop was noted by `held`.
    while held.caught().is_none() {
        tokio::select! {
            biased;
            () = signals.next() => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener) => match accepted {
                Ok((stream, is_own_user)) => {
                    let slot = Arc::new(slots.take());
                    let (shared, ending) = (Arc::clone(shared), ending.clone());
                    let connection = connection::run(stream, is_own_user, Arc::clone(&slot), shared, ending);
                    slot.close_with(connections.spawn(connection));
                    // What has arrived on it is read before the next connections can displace it.
                    tokio::task::yield_now().await;
                }
                // The connection that makes room is closed meanwhile.
                Err(error) if open_files::are_used_up(&error) && slots.make_room() => {
                    tokio::task::yield_now().await;
                }
                Err(_) => tokio::time::sleep(AFTER_FAILED_ACCEPT).await,
            },
        }
    }
    // From here on the next server can use the address.
    drop(listener);
    let _ = end.send(());
    let last = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        // A second signal means that the user does not want to wait.
        () = signals.next() => {}
        _ = tokio::time::timeout(LAST_REQUESTS, last) => {}
    }
    Ok(())
}
