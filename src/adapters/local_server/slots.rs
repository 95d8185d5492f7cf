//! A server's connection slots: how many connections it keeps, and which one gives way to a new one.
//!
//! A connection is unproven until it has sent a request that the service accepts. Unproven connections compete only
//! with each other, so a client without the capability cannot displace one that has it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::os::open_files;

/// The most connections that have not sent an accepted request (F-SRV1).
const MOST_UNPROVEN: usize = 64;
/// The most connections that have sent one.
const MOST_PROVEN: usize = 128;
/// How long a client may read nothing of a waiting response before it gives way. Only a needed slot is taken: otherwise
/// a paused download continues.
const STALLED: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Slots(Mutex<Table>);

struct Table {
    /// The most unproven connections, which is lower than usual if the limit on open files is low.
    most_unproven: usize,
    next: u64,
    connections: BTreeMap<u64, Connection>,
}

impl Default for Table {
    fn default() -> Self {
        let most_unproven = open_files::most_connections(MOST_UNPROVEN);
        Self { most_unproven, next: 0, connections: BTreeMap::new() }
    }
}

struct Connection {
    state: State,
    /// Since when a write has made no progress.
    stalled: Option<Instant>,
    end: Option<AbortHandle>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unproven,
    /// It is answering an accepted request.
    Busy,
    /// It has been waiting for its next request since then.
    Idle(Instant),
}

impl Slots {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a new connection a slot. If all are taken, the oldest unproven connection is closed.
    pub(super) fn take(self: &Arc<Self>) -> Slot {
        let mut table = self.table();
        if table.count(false) >= table.most_unproven {
            let oldest = table.oldest_unproven();
            table.end(oldest);
        }
        let number = table.next;
        table.next += 1;
        table.connections.insert(number, Connection { state: State::Unproven, stalled: None, end: None });
        drop(table);
        Slot { slots: Arc::clone(self), number }
    }

    /// Closes a connection that may give way, because the system has no room for another. `false` if there is none.
    pub(super) fn make_room(&self) -> bool {
        let mut table = self.table();
        let victim = table.oldest_unproven().or_else(|| table.dispensable(Instant::now(), None));
        table.end(victim);
        victim.is_some()
    }
}

impl Table {
    fn count(&self, proven: bool) -> usize {
        self.connections.values().filter(|found| (found.state != State::Unproven) == proven).count()
    }

    fn oldest_unproven(&self) -> Option<u64> {
        let mut unproven = self.connections.iter().filter(|(_, found)| found.state == State::Unproven);
        unproven.next().map(|(&number, _)| number)
    }

    /// The proven connection that gives way first: the one that has been idle for longest, else the one that has
    /// stalled for longest.
    fn dispensable(&self, now: Instant, except: Option<u64>) -> Option<u64> {
        let idle = |found: &Connection| match found.state {
            State::Idle(since) => Some(since),
            State::Unproven | State::Busy => None,
        };
        let stalled = |found: &Connection| {
            found.stalled.filter(|&since| found.state == State::Busy && now.duration_since(since) >= STALLED)
        };
        let others = || self.connections.iter().filter(|(number, _)| Some(**number) != except);
        let oldest = |since: &dyn Fn(&Connection) -> Option<Instant>| {
            let dated = others().filter_map(|(&number, found)| Some((since(found)?, number)));
            dated.min().map(|(_, number)| number)
        };
        oldest(&idle).or_else(|| oldest(&stalled))
    }

    fn end(&mut self, number: Option<u64>) {
        let found = number.and_then(|number| self.connections.remove(&number));
        if let Some(handle) = found.and_then(|connection| connection.end) {
            handle.abort();
        }
    }
}

/// A connection's slot, until this is dropped or another connection takes the slot.
pub(super) struct Slot {
    slots: Arc<Slots>,
    number: u64,
}

impl Slot {
    fn change(&self, change: impl FnOnce(&mut Connection)) {
        if let Some(connection) = self.slots.table().connections.get_mut(&self.number) {
            change(connection);
        }
    }

    /// Sets how to close the connection when it must give way.
    pub(super) fn close_with(&self, handle: AbortHandle) {
        let mut table = self.slots.table();
        match table.connections.get_mut(&self.number) {
            Some(connection) => connection.end = Some(handle),
            // It had to give way before it started.
            None => handle.abort(),
        }
    }

    /// Notes that the service accepted a request. `None` if every proven connection is busy.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Busy> {
        let mut table = self.slots.table();
        let is_new = table.connections.get(&self.number)?.state == State::Unproven;
        if is_new && table.count(true) >= MOST_PROVEN {
            let victim = Some(table.dispensable(Instant::now(), Some(self.number))?);
            table.end(victim);
        }
        table.connections.get_mut(&self.number)?.state = State::Busy;
        Some(Busy(Arc::clone(self)))
    }

    pub(super) fn is_proven(&self) -> bool {
        let table = self.slots.table();
        table.connections.get(&self.number).is_some_and(|found| found.state != State::Unproven)
    }

    /// Notes whether a write makes no progress.
    pub(super) fn stall(&self, stalls: bool) {
        self.change(|connection| match stalls {
            true => drop(connection.stalled.get_or_insert_with(Instant::now)),
            false => connection.stalled = None,
        });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.table().connections.remove(&self.number);
    }
}

/// A request in progress. When this is dropped, its connection is idle.
pub(super) struct Busy(Arc<Slot>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.change(|connection| connection.state = State::Idle(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections in this order: `u` is unproven, `b` is busy and has stalled for this many seconds, `i` has been idle for them.
    fn table(now: Instant, connections: &[(char, u64)]) -> Table {
        let mut table = Table::default();
        for &(state, seconds) in connections {
            let since = now.checked_sub(Duration::from_secs(seconds)).unwrap();
            let (state, stalled) = match state {
                'u' => (State::Unproven, None),
                'b' => (State::Busy, (seconds > 0).then_some(since)),
                _ => (State::Idle(since), None),
            };
            table.connections.insert(table.next, Connection { state, stalled, end: None });
            table.next += 1;
        }
        table
    }

    #[test]
    fn a_proven_connection_gives_way_only_when_idle_or_stalled() {
        let now = Instant::now() + Duration::from_secs(1000);
        for (name, connections, unproven, proven) in [
            ("nobody", &[] as &[_], None, None),
            ("the oldest unproven one", &[('b', 0), ('u', 0), ('u', 0)], Some(1), None),
            ("the longest idle one", &[('i', 1), ('b', 60), ('i', 5)], None, Some(2)),
            ("the longest stalled one", &[('b', 11), ('b', 60), ('b', 0)], None, Some(1)),
            ("a short pause", &[('b', 9), ('b', 0)], None, None),
            ("a stream that is silent", &[('b', 0)], None, None),
        ] {
            let table = table(now, connections);
            assert_eq!((table.oldest_unproven(), table.dispensable(now, None)), (unproven, proven), "{name}");
        }
        let table = table(now, &[('i', 5), ('i', 1)]);
        assert_eq!(table.dispensable(now, Some(0)), Some(1), "not the one that asks");
    }

    #[tokio::test]
    async fn unproven_connections_push_out_only_each_other() {
        let slots = Arc::new(Slots::default());
        let begin = |slot: Arc<Slot>| (slot.begin().unwrap(), slot);
        let (busy, proven): (Vec<_>, Vec<_>) =
            (0..MOST_PROVEN).map(|_| begin(Arc::new(slots.take()))).unzip();
        let waiting = tokio::spawn(std::future::pending::<()>());
        let oldest = slots.take();
        oldest.close_with(waiting.abort_handle());
        let others: Vec<_> = (0..MOST_UNPROVEN).map(|_| Arc::new(slots.take())).collect();
        assert!(waiting.await.unwrap_err().is_cancelled(), "the oldest one ended");
        assert!(proven.iter().all(|slot| slot.is_proven()));
        assert!(others[0].begin().is_none(), "all the proven ones are being answered");
        drop(busy);
        assert!(others[0].begin().is_some(), "now one of them is idle");
        let late = tokio::spawn(std::future::pending::<()>());
        oldest.close_with(late.abort_handle());
        assert!(late.await.unwrap_err().is_cancelled(), "it had given way before it began");
    }
}
