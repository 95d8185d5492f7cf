//! The endpoint for each path, and injected faults.

use std::collections::{HashMap, VecDeque};

use super::super::http::{Reply, Request};
use super::behaviour::Behaviour;
use super::request::issuer_of;
use super::state::Inner;

impl Inner {
    pub(super) fn answer(&self, request: &Request) -> Reply {
        if let Some(fault) = self.next(request, |behaviour| &mut behaviour.faults) {
            return fault;
        }
        let reply = self.real_answer(request);
        let reply = self.next(request, |behaviour| &mut behaviour.losses).unwrap_or(reply);
        match self.next(request, |behaviour| &mut behaviour.rewrites) {
            Some(rewrite) => rewrite(reply),
            None => reply,
        }
    }

    fn next<T>(
        &self,
        request: &Request,
        of: impl FnOnce(&mut Behaviour) -> &mut HashMap<String, VecDeque<T>>,
    ) -> Option<T> {
        of(&mut self.behaviour.lock().unwrap()).get_mut(request.path())?.pop_front()
    }

    fn real_answer(&self, request: &Request) -> Reply {
        let issuer = issuer_of(request);
        match (request.method.as_str(), request.path()) {
            ("GET", "/.well-known/openid-configuration") => self.metadata(&issuer),
            ("GET", path) if path.starts_with("/.well-known/") => Reply::full(404, &[], ""),
            ("GET", "/authorize") => self.authorize(request),
            ("POST", "/token") => self.token(request, &issuer),
            ("GET", "/jwks") => self.keys(),
            ("GET", "/userinfo") => self.userinfo(request),
            ("POST", "/revoke") => self.revoke(request),
            ("POST", "/introspect") => self.introspect(request),
            ("POST", "/par") => self.par(request),
            ("POST", "/device" | "/bc-authorize") => self.device(request, &issuer),
            ("POST", "/register") => self.register(request, &issuer),
            ("DELETE", "/register/1") => self.end_registration(request),
            ("GET", "/enter") => Reply::full(200, &[], "enter your code"),
            ("GET", "/end-session") => self.end_session(request, &issuer),
            ("GET", "/actions") => self.actions(request),
            ("GET", "/api") => self.api(request),
            (method, path) => {
                self.violation(format!("{method} {path} is not served"));
                Reply::full(404, &[], "")
            }
        }
    }
}
