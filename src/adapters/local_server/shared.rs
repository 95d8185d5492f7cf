//! What all of a server's connections share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use hyper::Response;

use crate::adapters::http::ClientKey;
use crate::adapters::local_server::reply::{Body, response};
use crate::adapters::local_server::workers::Workers;
use crate::ports::local_server::{Failure, Service};

/// The HTTP clients that forward requests, each built when it is first needed.
pub(super) type Clients = Mutex<HashMap<ClientKey, reqwest::Client>>;

pub(super) struct Shared {
    pub(super) service: Arc<dyn Service>,
    pub(super) workers: Workers,
    pub(super) clients: Clients,
}

impl Shared {
    pub(super) fn new(service: Arc<dyn Service>, workers: Workers) -> Self {
        Self { service, workers, clients: Mutex::new(HashMap::new()) }
    }

    pub(super) fn failed(&self, failure: &Failure) -> Response<Body> {
        response(self.service.failure(failure))
    }
}
