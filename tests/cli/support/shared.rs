//! A value that the threads of a story share.

use std::sync::{Mutex, MutexGuard};

/// A `Mutex` with the methods of `Cell`.
#[derive(Default)]
pub struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }

    pub fn set(&self, value: T) {
        *self.lock() = value;
    }

    pub fn get(&self) -> T
    where
        T: Copy,
    {
        *self.lock()
    }

    pub fn take(&self) -> T
    where
        T: Default,
    {
        std::mem::take(&mut *self.lock())
    }
}
