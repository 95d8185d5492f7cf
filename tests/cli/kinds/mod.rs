//! The provider kinds other than `oauth`.

mod direct;
mod requested;
mod secrets;
