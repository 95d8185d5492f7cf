//! The arguments for curl: read as curl reads them, so that its one URL and what it does with it are known.

use std::ffi::{OsStr, OsString};

use super::error::ArgumentError;
use super::options::{Known, options_of};
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
    /// The method.
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

/// Reads the arguments.
///
/// # Errors
/// [`ArgumentError`].
pub fn parse(arguments: &[OsString]) -> Result<Request, ArgumentError> {
    let mut request = Request::default();
    let mut urls = Vec::new();
    let mut flow = Methods::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let is_option = argument.as_encoded_bytes().first() == Some(&b'-');
        if argument == "--" {
            urls.extend(rest.by_ref());
        } else if !is_option {
            urls.push(argument);
        } else {
            let text = argument.to_str().ok_or(ArgumentError::NotUnicode)?;
            let mut words = vec![argument.clone()];
            let mut value = || rest.next().cloned();
            let (mut url, mut file) = (None, None);
            for (option, value) in options_of(text, &mut value, &mut words)? {
                match option {
                    Known::Valued("url") => url = value,
                    Known::Valued("header") if begins_with(value.as_deref(), b'@') => file = value,
                    option => request.take(option, value.as_deref(), text, &mut flow)?,
                }
            }
            match url {
                Some(url) if begins_with(Some(&url), b'@') => return Err(ArgumentError::FileOfUrls),
                Some(_) => urls.extend(arguments.get(arguments.len() - rest.len() - 1)),
                None if file.is_none() => request.passed.append(&mut words),
                None => {}
            }
            if let Some(file) = file {
                request.take_header_file(&file, text)?;
            }
        }
    }
    request.method = flow.method();
    request.url = match urls[..] {
        [] => return Err(ArgumentError::NoUrl),
        [url] => url.to_str().ok_or(ArgumentError::NotUnicode)?.to_owned(),
        _ => return Err(ArgumentError::SeveralUrls(urls.len())),
    };
    request.check_url()?;
    Ok(request)
}

/// What decides the method.
#[derive(Default)]
struct Methods {
    written: Option<String>,
    head: bool,
    get: bool,
    upload: bool,
    body: bool,
}

impl Methods {
    fn method(&self) -> String {
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
    fn take(
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
            Known::Flag(name) => match name {
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
            },
            Known::Off("clobber") => self.once = true,
            Known::Off(_) => {}
            Known::Valued(name) => match name {
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
            },
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
    fn take_header_file(&mut self, value: &OsStr, written: &str) -> Result<(), ArgumentError> {
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
    ///
    /// # Errors
    /// [`ArgumentError::Header`].
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

    fn check_url(&self) -> Result<(), ArgumentError> {
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
    ///
    /// # Errors
    /// [`ArgumentError`].
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

fn begins_with(value: Option<&OsStr>, byte: u8) -> bool {
    value.is_some_and(|value| value.as_encoded_bytes().first() == Some(&byte))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::Advise as _;

    const URL: &str = "https://api.example/x";

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect()
    }

    fn parsed(text: &str) -> Request {
        parse(&words(text)).unwrap_or_else(|refused| panic!("{text}: {refused}"))
    }

    #[test]
    fn the_url_is_found_like_curl_finds_it() {
        for (name, text, url, passed) in [
            ("alone", "U", "U", ""),
            ("first", "U -sS", "U", "-sS"),
            ("last", "-sS U", "U", "-sS"),
            ("by option", "-s --url U -S", "U", "-s -S"),
            ("after the end of options", "-s -- U", "U", "-s"),
            ("bundle with a value behind", "-sSLo file U", "U", "-sSLo file"),
            ("bundle with its value attached", "-sSofile U", "U", "-sSofile"),
            ("a bundle that looks like a method", "-XPOST U", "U", "-XPOST"),
            ("a value that looks like a URL", "-o https://evil.example/ U", "U", "-o https://evil.example/"),
            ("a value that looks like an option", "-d --next U", "U", "-d --next"),
            ("a value that looks like the end of options", "-o -- U", "U", "-o --"),
            ("a long option with a value", "--max-time 5 U", "U", "--max-time 5"),
            ("a long option without one", "--compressed U", "U", "--compressed"),
            ("turned off", "--no-progress-meter U", "U", "--no-progress-meter"),
            ("a name that begins with no", "--noproxy x U", "U", "--noproxy x"),
            ("a digit", "-4 U", "U", "-4"),
            ("a referrer that is a URL", "-e https://a.example/ U", "U", "-e https://a.example/"),
            ("a proxy", "-x http://proxy:3128 U", "U", "-x http://proxy:3128"),
            ("an empty value", "-m5 U", "U", "-m5"),
            ("an address of brackets", "https://[::1]:8443/x", "https://[::1]:8443/x", ""),
            ("brackets that are meant", "-g U?a[]=1", "U?a[]=1", "-g"),
        ] {
            let real = |text: &str| text.replace('U', URL);
            let request = parsed(&real(text));
            assert_eq!(request.url, real(url), "{name}");
            assert_eq!(request.passed, words(passed), "{name}");
        }
    }

    #[test]
    fn curl_gets_no_option_that_moves_the_token_f_leak1() {
        for (name, text, want) in [
            ("no URL", "-s", "there is no URL"),
            ("nothing", "", "there is no URL"),
            ("a value that swallows the URL", "-o U", "there is no URL"),
            ("two URLs", "U U", "there are 2 URLs"),
            ("one by option", "U --url U", "there are 2 URLs"),
            ("one after the end of options", "U -- U", "there are 2 URLs"),
            ("an option after the end of options", "-- -s U", "there are 2 URLs"),
            ("no scheme", "api.example/x", "does not say how it is reached"),
            ("a pattern of ranges", "https://api.example/[1-3]", "pattern"),
            ("a pattern of words", "https://{a,b}.example/", "pattern"),
            ("a pattern behind an address", "https://[::1]/[1-3]", "pattern"),
            ("a file of URLs", "--url @urls", "file of URLs"),
            ("no value", "U -o", "-o lacks its value"),
            ("no value in a bundle", "U -sSo", "-sSo lacks its value"),
            ("a hyphen", "- U", "- is no option"),
            ("an unknown option", "--made-up U", "--made-up is no option"),
            ("an unknown letter", "-sé U", "-é is no option"),
            ("the beginning of a name", "--loc U", "--loc is no option"),
            ("a name with its value", "--url=U", "is no option"),
            ("a value turned off", "--no-output x U", "is no option"),
            ("-K", "-K file U", "could hold any other option"),
            ("-K in a bundle", "-sK- U", "could hold any other option"),
            ("--config", "--config file U", "could hold any other option"),
            ("variables", "--variable x=y U", "could hold any other option"),
            ("expansion", "--expand-url {{x}}", "could hold any other option"),
            ("-:", "U -: U", "one request"),
            ("--next", "U --next U", "one request"),
            ("--metalink", "--metalink U", "one request"),
            ("--location-trusted", "--location-trusted U", "another place"),
            ("--connect-to", "--connect-to a:1:b:2 U", "another place"),
            ("--resolve", "--resolve a:1:127.0.0.1 U", "another place"),
            ("--request-target", "--request-target /y U", "another place"),
            ("--unix-socket", "--unix-socket s U", "another place"),
            ("--abstract-unix-socket", "--abstract-unix-socket s U", "another place"),
            ("--dns-servers", "--dns-servers 10.0.0.1 U", "whoever answers"),
            ("--doh-url", "--doh-url https://evil.example U", "whoever answers"),
            ("-k", "-k U", "whoever answers"),
            ("-k in a bundle", "-sSk U", "whoever answers"),
            ("--insecure", "--insecure U", "whoever answers"),
            ("-u", "-u a:b U", "authctl's to give"),
            ("-u attached", "-ua:b U", "authctl's to give"),
            ("--oauth2-bearer", "--oauth2-bearer t U", "authctl's to give"),
            ("-n", "-n U", "authctl's to give"),
            ("--netrc-file", "--netrc-file f U", "authctl's to give"),
            ("--netrc-optional", "--netrc-optional U", "authctl's to give"),
            ("--negotiate", "--negotiate U", "authctl's to give"),
            ("--aws-sigv4", "--aws-sigv4 x U", "authctl's to give"),
            ("-v", "-v U", "shows what is sent"),
            ("-v in a bundle", "-sSv U", "shows what is sent"),
            ("--verbose", "--verbose U", "shows what is sent"),
            ("--trace", "--trace - U", "shows what is sent"),
            ("--trace-ascii", "--trace-ascii - U", "shows what is sent"),
            ("--libcurl", "--libcurl f U", "shows what is sent"),
            ("TRACE (F-SRV2)", "-X TRACE U", "back in its answer"),
            ("TRACE attached", "-XTRACE U", "back in its answer"),
            ("TRACE in a bundle", "-sSXtrace U", "back in its answer"),
            ("TRACE in a bundle, and apart", "-sX Trace U", "back in its answer"),
            ("TRACE in full", "--request TRACE U", "back in its answer"),
            ("TRACE behind another", "-X GET --request TRACE U", "back in its answer"),
            ("TRACE before another", "-X TRACE -X GET U", "back in its answer"),
            ("TRACE behind an equals sign", "--request=TRACE U", "no option of curl"),
            ("IIS's TRACE", "-X TRACK U", "back in its answer"),
            ("a tunnel", "-X CONNECT U", "tunnel"),
            ("--help", "--help U", "makes no request"),
            ("a header of ours", "-H Authorization:x U", "header authorization"),
            ("in other letters", "-HAuThOrIzAtIoN:x U", "header authorization"),
            ("an empty one of ours", "-H authorization; U", "header authorization"),
            ("a removed one of ours", "-H Authorization: U", "header authorization"),
            ("the proof", "--header DPoP:x U", "header dpop"),
            ("another host", "-H Host:evil.example U", "header host"),
            ("another host, as HTTP/2 has it", "-H :authority:evil.example U", "another place"),
            ("a header with a line break", "-H X:1\nHost:evil.example U", "line break"),
            ("a method with a line break", "-X GET\r\nHost:evil.example U", "line break"),
            ("a method with a target", "--request GET\t/other U", "no method"),
            ("an agent with a line break", "-A x\nHost:evil.example U", "line break"),
            ("a cookie with a line break", "-b a=b\nHost:evil.example U", "line break"),
            ("a referrer with a line break", "-e x\nHost:evil.example U", "line break"),
            ("a range with a line break", "-r 1\nHost:evil.example U", "line break"),
            ("a file of headers in a bundle", "-sH@file U", "by itself"),
        ] {
            let refused = parse(&words(&text.replace('U', URL))).expect_err(name).to_string();
            assert!(refused.contains(want), "{name}: {refused}");
        }
        let hint = |text: &str| parse(&words(text)).unwrap_err().hint().unwrap();
        assert_eq!(hint("api.example/x"), "write https://api.example/x");
        assert_eq!(hint("--show-e https://a.example/"), "write it in full: --show-error");
    }

    #[test]
    fn the_dpop_method_is_the_one_curl_sends() {
        for (text, want) in [
            ("U", "GET"),
            ("-I U", "HEAD"),
            ("--head U", "HEAD"),
            ("-d a U", "POST"),
            ("--data-raw a U", "POST"),
            ("--data-binary a U", "POST"),
            ("--data-urlencode a U", "POST"),
            ("--json {} U", "POST"),
            ("-F a=b U", "POST"),
            ("--form-string a=b U", "POST"),
            ("-T file U", "PUT"),
            ("-G -d a U", "GET"),
            ("-I -G -d a U", "HEAD"),
            ("-X PATCH -d a U", "PATCH"),
            ("-sXDELETE U", "DELETE"),
            ("-X POST -I U", "POST"),
            ("--url-query a=b U", "GET"),
        ] {
            assert_eq!(parsed(&text.replace('U', URL)).method, want, "{text}");
        }
    }

    #[test]
    fn repeatable_requests_are_recognised() {
        for (text, sources, once) in [
            ("-d a=b", "", false),
            ("-d @-", "-", false),
            ("-d @file", "file", false),
            ("--json @file", "file", false),
            ("--data-raw @-", "", false),
            ("--data-urlencode a@b", "b", false),
            ("--data-urlencode a=@b", "", false),
            ("--data-urlencode @b", "b", false),
            ("-T file", "file", false),
            ("-T -", "-", false),
            ("-T .", "-", false),
            ("-F a=b", "", false),
            ("-F a=@file;type=x/y", "file", false),
            ("-F a=<-", "-", false),
            ("-F a=@b,c", "b,c", true),
            ("-F a=@\"b\"", "\"b\"", true),
            ("-w @-", "-", false),
            ("-b jar", "jar", false),
            ("-b a=b", "", false),
            ("-d @/dev/stdin", "/dev/stdin", true),
            ("--cacert /proc/self/fd/5", "", true),
            ("-o /dev/null", "", false),
            ("-C -", "", true),
            ("-OJ", "", true),
            ("--no-clobber", "", true),
            ("--etag-save f", "", true),
        ] {
            let request = parsed(&format!("{text} {URL}"));
            assert_eq!((request.sources, request.once), (words(sources), once), "{text}");
        }
        assert_eq!(parsed(&format!("-o - {URL}")).outputs, words("-"));
        assert!(parsed(&format!("-D h {URL}")).dumps_headers);
        for text in ["-H @file", "-H@file", "--header @file"] {
            let request = parsed(&format!("-s {text} {URL}"));
            assert_eq!((request.header_files, request.passed), (words("file"), words("-s")), "{text}");
        }
    }

    #[test]
    fn a_dpop_proof_covers_one_request() {
        for (text, want) in [
            ("U", true),
            ("-T file U", true),
            ("-T file U/", false),
            ("-T file U/?x=1", false),
            ("U/", true),
            ("-L U", false),
            ("--follow U", false),
            ("--retry 3 U", false),
        ] {
            assert_eq!(parsed(&text.replace('U', URL)).check_bound().is_ok(), want, "{text}");
        }
    }
}
