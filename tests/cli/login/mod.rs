//! `authctl login`

mod accounts;
mod browser;
mod requests;
mod responses;
