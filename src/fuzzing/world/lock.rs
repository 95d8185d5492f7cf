//! Locks a value, also after a panic: the next input starts afresh.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
