//! What the arguments for curl ask it to do, and what of that is refused.

use std::ffi::{OsStr, OsString};

use super::error::ArgumentError;
use super::options::Known;
use crate::text::untrusted::escaped;
use crate::token::{method_override_refusal, method_refusal};

/// A reason that holds for tokens that are bound to a key.
const PROVED_ONCE: &str =
    "a token that is bound to a key (DPoP) needs a new proof for each request, and curl makes none";

/// Options whose values are content, or are encoded: a line break in them begins no header.
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

/// What curl is asked to do.
#[derive(Debug, Default)]
pub struct Request {
    /// The arguments, as they were written, without the URL.
    pub passed: Vec<OsString>,
    /// The URL, as it was written.
    pub url: String,
    pub method: String,
    /// It follows redirects.
    pub follows: bool,
    /// It says nothing of its progress.
    pub silent: bool,
    /// It ends with an error when the server refuses.
    pub fails: bool,
    /// What it says goes to a place of the user's choice.
    pub says_elsewhere: bool,
    /// The option that names a proxy.
    pub proxy: Option<&'static str>,
    /// The names of the headers that are added, in lower case.
    pub headers: Vec<String>,
    /// The files whose lines are headers; `-` is standard input. They are read here, and go to curl with ours.
    pub header_files: Vec<OsString>,
    /// The files that are read for it; `-` is standard input.
    pub sources: Vec<OsString>,
    /// The files that are written by it; `-` is standard output.
    pub outputs: Vec<OsString>,
    /// The answer goes into a file.
    pub into_file: bool,
    /// It cannot be done twice, whatever the files are.
    pub once: bool,
    /// The answer's headers go to a place of the user's choice.
    pub dumps_headers: bool,
    /// The option that makes curl send more than one request.
    repeats: Option<&'static str>,
    uploads: bool,
    globs_off: bool,
}

/// What decides the method.
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
    /// Takes note of one option.
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
            let reason = "its value has a line break in it, which would begin another header";
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
            // What the first try leaves behind would stand in the way of the second.
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
            // A blank in it would begin another target.
            "request" if !is_method(&text) => {
                return Err(ArgumentError::Option {
                    option: escaped(written),
                    reason: "its value is no method",
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
                // A dot is standard input, too, read without waiting for it.
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

    /// `name=@file;type=…`, `name=<file`; what is more than that is not taken apart.
    fn take_form(&mut self, text: &str) {
        let content = text.split_once('=').map_or("", |(_, content)| content);
        if let Some(file) = content.strip_prefix(['@', '<']) {
            let file = file.split(';').next().unwrap_or_default();
            self.once |= file.contains([',', '"']);
            self.sources.push(OsString::from(file));
        }
    }

    /// A file may hold any header, and another one when curl reads it: it is read once, by us.
    pub(super) fn take_header_file(&mut self, value: &OsStr, written: &str) -> Result<(), ArgumentError> {
        if !written.starts_with("-H") && written != "--header" {
            let reason = "write -H @FILE by itself, without other letters before it";
            return Err(ArgumentError::Option { option: escaped(written), reason });
        }
        self.once |= is_device(&value.to_string_lossy());
        let file =
            value.to_str().and_then(|value| value.strip_prefix('@')).ok_or(ArgumentError::NotUnicode)?;
        self.header_files.push(OsString::from(file));
        Ok(())
    }

    /// Headers are what this is about: none may be in the way of ours, and none may lead the request to another place.
    pub fn take_header(&mut self, text: &str) -> Result<(), ArgumentError> {
        let name = text.split([':', ';']).next().unwrap_or_default().trim().to_ascii_lowercase();
        let refused = |reason| Err(ArgumentError::Header(escaped(&name), reason));
        let value = text.split_once(':').map_or("", |(_, value)| value);
        match name.as_str() {
            _ if text.contains(['\r', '\n']) => refused("it has a line break in it"),
            _ if text.starts_with([' ', '\t']) => {
                refused("it begins with a blank, as what goes on from another header")
            }
            "authorization" | "dpop" => refused("that one is authctl's to give"),
            _ if let Some(reason) = method_override_refusal(&name, value) => refused(reason),
            "host" | "" => refused("it would send the token to another place than the URL names"),
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
        // Around the address of a host, brackets are none of a pattern.
        let after_host =
            if rest.starts_with('[') { rest.split_once(']').map_or(rest, |(_, rest)| rest) } else { rest };
        if after_host.contains(['[', ']', '{', '}']) && !self.globs_off {
            return Err(ArgumentError::Pattern);
        }
        Ok(())
    }

    /// Whether it can be made with a token that needs a proof for each request.
    pub fn check_bound(&self) -> Result<(), ArgumentError> {
        if let Some(option) = self.repeats {
            return Err(ArgumentError::Option { option: option.to_owned(), reason: PROVED_ONCE });
        }
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        // curl would add the file's name to the URL, and the proof would be for another one.
        if self.uploads && path.ends_with('/') {
            return Err(ArgumentError::Option {
                option: "-T and a URL that ends with `/`".to_owned(),
                reason: "the token's proof (DPoP) is for the whole URL, so write the file's name at its end",
            });
        }
        Ok(())
    }
}

/// `@file` or `name@file`, of which neither has an equals sign before the `@`.
fn encoded_source(text: &str) -> Option<OsString> {
    let (name, file) = text.split_once('@')?;
    (!name.contains('=')).then(|| OsString::from(file))
}

/// A token (RFC 9110 sections 5.6.2 and 9.1).
fn is_method(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

/// Whether a value leads to something that another process feeds, or that is gone when it was read.
fn is_device(text: &str) -> bool {
    (text.contains("/dev/") || text.contains("/proc/")) && text != "/dev/null" && !text.contains("://")
}
