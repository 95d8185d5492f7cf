//! What curl's arguments ask for, and what authctl refuses.

use std::ffi::{OsStr, OsString};

use super::error::ArgumentError;
use super::options::Known;
use crate::text::untrusted::escaped;
use crate::token::{method_override_refusal, method_refusal};

/// The reason for tokens that are bound to a key.
const PROVED_ONCE: &str = "a DPoP-bound token needs a new proof for each request, and curl cannot create one";

/// Options whose values are content or are encoded, so that a line break in them cannot start a header.
const IN_THE_BODY: [&str; 10] = [
    "data",
    "data-ascii",
    "data-binary",
    "data-raw",
    "data-urlencode",
    "form",
    "form-string",
    "json",
    "url-query",
    "write-out",
];

#[derive(Debug, Default)]
pub struct Request {
    /// The arguments as typed, without the URL.
    pub passed: Vec<OsString>,
    /// The URL as typed.
    pub url: String,
    pub method: String,
    /// Whether curl follows redirects.
    pub follows: bool,
    /// Whether curl hides its progress meter.
    pub silent: bool,
    /// Whether curl fails if the server responds with an error.
    pub fails: bool,
    /// Whether the user redirects curl's messages.
    pub says_elsewhere: bool,
    /// The option that names a proxy.
    pub proxy: Option<&'static str>,
    /// The names of the user's headers, in lower case.
    pub headers: Vec<String>,
    /// The user's header files; `-` is standard input. authctl reads them and passes the lines on with its own.
    pub header_files: Vec<OsString>,
    /// The files that curl reads; `-` is standard input.
    pub sources: Vec<OsString>,
    /// The files that curl writes; `-` is standard output.
    pub outputs: Vec<OsString>,
    /// Whether the response goes into a file.
    pub into_file: bool,
    /// Whether the request cannot be repeated, whatever the files are.
    pub once: bool,
    /// Whether the user writes the response headers to a file.
    pub dumps_headers: bool,
    /// The option that makes curl send more than one request.
    repeats: Option<&'static str>,
    uploads: bool,
    globs_off: bool,
}

/// The options that determine the method.
#[derive(Default)]
pub(super) struct Methods {
    written: Option<String>,
    head: bool,
    get: bool,
    upload: bool,
    body: bool,
}

impl Methods {
    pub(super) fn method(&self) -> String {
        let method = match self {
            Self { written: Some(method), .. } => method,
            Self { head: true, .. } => "HEAD",
            Self { upload: true, .. } => "PUT",
            Self { get: true, .. } => "GET",
            Self { body: true, .. } => "POST",
            _ => "GET",
        };
        method.to_owned()
    }
}

impl Request {
    /// Records one option.
    pub(super) fn take(
        &mut self,
        option: Known,
        value: Option<&OsStr>,
        written: &str,
        methods: &mut Methods,
    ) -> Result<(), ArgumentError> {
        let value = value.unwrap_or_default();
        let text = value.to_string_lossy();
        self.once |= is_device(&text);
        let in_the_head = !matches!(option, Known::Valued(name) if IN_THE_BODY.contains(&name));
        if in_the_head && text.contains(['\r', '\n']) && option != Known::Valued("header") {
            let reason = "its value contains a line break, which could start another header";
            return Err(ArgumentError::Option { option: escaped(written), reason });
        }
        match option {
            Known::Refused(reason) => {
                return Err(ArgumentError::Option { option: escaped(written), reason });
            }
            Known::Flag(name) => self.take_flag(name, methods),
            Known::Off("clobber") => self.once = true,
            Known::Off(_) => {}
            Known::Valued(name) => self.take_valued(name, value, written, methods)?,
        }
        Ok(())
    }

    fn take_flag(&mut self, name: &str, methods: &mut Methods) {
        match name {
            "head" => methods.head = true,
            "get" => methods.get = true,
            "location" | "follow" => {
                self.follows = true;
                self.repeats = Some("-L");
            }
            "silent" => self.silent = true,
            "fail" | "fail-with-body" => self.fails = true,
            "globoff" => self.globs_off = true,
            // A file from the first attempt would get in the way of the second.
            "remote-header-name" | "skip-existing" => self.once = true,
            "remote-name" | "remote-name-all" | "out-null" => self.into_file = true,
            _ => {}
        }
    }

    fn take_valued(
        &mut self,
        name: &'static str,
        value: &OsStr,
        written: &str,
        methods: &mut Methods,
    ) -> Result<(), ArgumentError> {
        let text = value.to_string_lossy();
        match name {
            // A space in it could start another request target.
            "request" if !is_method(&text) => {
                return Err(ArgumentError::Option {
                    option: escaped(written),
                    reason: "its value is not a valid method",
                });
            }
            "request" if let Some(reason) = method_refusal(&text) => {
                return Err(ArgumentError::Option { option: format!("the method {text}"), reason });
            }
            "request" => methods.written = Some(text.into_owned()),
            "data" | "data-ascii" | "data-binary" | "json" => {
                methods.body = true;
                self.sources.extend(text.strip_prefix('@').map(OsString::from));
            }
            "data-raw" | "form-string" => methods.body = true,
            "data-urlencode" => {
                methods.body = true;
                self.sources.extend(encoded_source(&text));
            }
            "url-query" => self.sources.extend(encoded_source(&text)),
            "form" => {
                methods.body = true;
                self.take_form(&text);
            }
            "upload-file" => {
                methods.upload = true;
                self.uploads = true;
                // A dot is also standard input, read without blocking.
                let source = if value == "." { OsStr::new("-") } else { value };
                self.sources.push(source.to_owned());
            }
            "header" => self.take_header(&text)?,
            "write-out" => self.sources.extend(text.strip_prefix('@').map(OsString::from)),
            "cookie" if !text.contains('=') => self.sources.push(value.to_owned()),
            "output" => {
                self.into_file |= value != "-";
                self.outputs.push(value.to_owned());
            }
            "dump-header" => self.dumps_headers = true,
            "stderr" => self.says_elsewhere = true,
            "continue-at" | "etag-save" => self.once = true,
            "retry" => self.repeats = Some("--retry"),
            "proxy" | "preproxy" | "proxy1.0" | "socks4" | "socks4a" | "socks5" | "socks5-hostname"
            | "noproxy" => self.proxy = Some(name),
            _ => {}
        }
        Ok(())
    }

    /// Parses `name=@file;type=…` and `name=<file`. Anything more complex makes the request unrepeatable.
    fn take_form(&mut self, text: &str) {
        let content = text.split_once('=').map_or("", |(_, content)| content);
        if let Some(file) = content.strip_prefix(['@', '<']) {
            let file = file.split(';').next().unwrap_or_default();
            self.once |= file.contains([',', '"']);
            self.sources.push(OsString::from(file));
        }
    }

    /// A file may contain any header, and may change before curl reads it, so authctl reads it once itself.
    pub(super) fn take_header_file(&mut self, value: &OsStr, written: &str) -> Result<(), ArgumentError> {
        if !written.starts_with("-H") && written != "--header" {
            let reason = "write -H @FILE as a separate argument";
            return Err(ArgumentError::Option { option: escaped(written), reason });
        }
        self.once |= is_device(&value.to_string_lossy());
        let file =
            value.to_str().and_then(|value| value.strip_prefix('@')).ok_or(ArgumentError::NotUnicode)?;
        self.header_files.push(OsString::from(file));
        Ok(())
    }

    /// Records one header. It must not conflict with authctl's headers or direct the request to another server.
    pub fn take_header(&mut self, text: &str) -> Result<(), ArgumentError> {
        let name = text.split([':', ';']).next().unwrap_or_default().trim().to_ascii_lowercase();
        let refused = |reason| Err(ArgumentError::Header(escaped(&name), reason));
        let value = text.split_once(':').map_or("", |(_, value)| value);
        match name.as_str() {
            _ if text.contains(['\r', '\n']) => refused("it contains a line break"),
            _ if text.starts_with([' ', '\t']) => {
                refused("it starts with a space, like the continuation of another header")
            }
            "authorization" | "dpop" => refused("authctl sets it"),
            _ if let Some(reason) = method_override_refusal(&name, value) => refused(reason),
            "host" | "" => refused("it would send the token to another server than the URL's host"),
            _ => {
                self.headers.push(name);
                Ok(())
            }
        }
    }

    pub(super) fn check_url(&self) -> Result<(), ArgumentError> {
        let Some((_, rest)) = self.url.split_once("://") else {
            return Err(ArgumentError::NoScheme(escaped(&self.url)));
        };
        // The brackets around an IPv6 address are not a pattern.
        let after_host =
            if rest.starts_with('[') { rest.split_once(']').map_or(rest, |(_, rest)| rest) } else { rest };
        if after_host.contains(['[', ']', '{', '}']) && !self.globs_off {
            return Err(ArgumentError::Pattern);
        }
        Ok(())
    }

    /// Checks that the request works with a token that needs a proof for each request.
    pub fn check_bound(&self) -> Result<(), ArgumentError> {
        if let Some(option) = self.repeats {
            return Err(ArgumentError::Option { option: option.to_owned(), reason: PROVED_ONCE });
        }
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        // curl would append the file's name, so the proof would be for a different URL.
        if self.uploads && path.ends_with('/') {
            return Err(ArgumentError::Option {
                option: "-T and a URL that ends with `/`".to_owned(),
                reason: "the token's DPoP proof covers the whole URL, so add the file's name to the URL",
            });
        }
        Ok(())
    }
}

/// Returns the file in `@file` or `name@file`; with an equals sign before the `@` it is not a file.
fn encoded_source(text: &str) -> Option<OsString> {
    let (name, file) = text.split_once('@')?;
    (!name.contains('=')).then(|| OsString::from(file))
}

/// A token (RFC 9110 sections 5.6.2 and 9.1).
fn is_method(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

/// Whether a value names something that another process feeds, or that can be read only once.
fn is_device(text: &str) -> bool {
    (text.contains("/dev/") || text.contains("/proc/")) && text != "/dev/null" && !text.contains("://")
}
