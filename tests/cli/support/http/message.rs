//! Requests and replies.

use std::time::Duration;

/// A received request.
#[derive(Debug, Clone)]
pub struct Request {
    /// `http` or `https`.
    pub scheme: &'static str,
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub fn query(&self) -> Vec<(String, String)> {
        pairs(self.target.split_once('?').map_or("", |(_, query)| query))
    }

    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query()
            .into_iter()
            .chain(self.form())
            .find(|(present, _)| present == name)
            .map(|(_, value)| value)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    Full {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// These bytes unchanged, then closes the connection.
    Raw(Vec<u8>),
    /// Closes the connection at once.
    Drop,
    /// These bytes, one per interval, forever.
    Drip(Vec<u8>, Duration),
    /// Another reply, after a while.
    After(Duration, Box<Reply>),
}

impl Reply {
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::full(status, &[("content-type", "application/json")], value.to_string())
    }

    pub fn full(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::Full { status, headers, body: body.into() }
    }

    pub fn redirect(status: u16, location: &str) -> Self {
        Self::full(status, &[("location", location)], "")
    }
}
