//! `authctl curl`
