//! Parses curl's arguments as curl does, to find the one URL and what curl does with it.

use std::ffi::{OsStr, OsString};

use super::error::ArgumentError;
use super::options::{Known, options_of};
use super::request::{Methods, Request};

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

fn begins_with(value: Option<&OsStr>, byte: u8) -> bool {
    value.is_some_and(|value| value.as_encoded_bytes().first() == Some(&byte))
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
            ("literal brackets", "-g U?a[]=1", "U?a[]=1", "-g"),
        ] {
            let real = |text: &str| text.replace('U', URL);
            let request = parsed(&real(text));
            assert_eq!(request.url, real(url), "{name}");
            assert_eq!(request.passed, words(passed), "{name}");
        }
    }

    /// Arguments that are refused, and words from the error.
    const REFUSED: &[(&str, &str, &str)] = &[
        ("no URL", "-s", "needs a URL"),
        ("nothing", "", "needs a URL"),
        ("a value that swallows the URL", "-o U", "needs a URL"),
        ("two URLs", "U U", "found 2 URLs"),
        ("one by option", "U --url U", "found 2 URLs"),
        ("one after the end of options", "U -- U", "found 2 URLs"),
        ("an option after the end of options", "-- -s U", "found 2 URLs"),
        ("no scheme", "api.example/x", "has no scheme"),
        ("a pattern of ranges", "https://api.example/[1-3]", "pattern"),
        ("a pattern of words", "https://{a,b}.example/", "pattern"),
        ("a pattern behind an address", "https://[::1]/[1-3]", "pattern"),
        ("a file of URLs", "--url @urls", "file of URLs"),
        ("no value", "U -o", "-o needs a value"),
        ("no value in a bundle", "U -sSo", "-sSo needs a value"),
        ("a hyphen", "- U", "option -,"),
        ("an unknown option", "--made-up U", "option --made-up,"),
        ("an unknown letter", "-sé U", "option -é,"),
        ("the beginning of a name", "--loc U", "option --loc,"),
        ("a name with its value", "--url=U", "does not know curl's option"),
        ("a value turned off", "--no-output x U", "does not know curl's option"),
        ("-K", "-K file U", "could contain any other option"),
        ("-K in a bundle", "-sK- U", "could contain any other option"),
        ("--config", "--config file U", "could contain any other option"),
        ("variables", "--variable x=y U", "could contain any other option"),
        ("expansion", "--expand-url {{x}}", "could contain any other option"),
        ("-:", "U -: U", "one request"),
        ("--next", "U --next U", "one request"),
        ("--metalink", "--metalink U", "one request"),
        ("--location-trusted", "--location-trusted U", "another server"),
        ("--connect-to", "--connect-to a:1:b:2 U", "another server"),
        ("--resolve", "--resolve a:1:127.0.0.1 U", "another server"),
        ("--request-target", "--request-target /y U", "another server"),
        ("--unix-socket", "--unix-socket s U", "another server"),
        ("--abstract-unix-socket", "--abstract-unix-socket s U", "another server"),
        ("--dns-servers", "--dns-servers 10.0.0.1 U", "another server"),
        ("--doh-url", "--doh-url https://evil.example U", "another server"),
        ("-k", "-k U", "another server"),
        ("-k in a bundle", "-sSk U", "another server"),
        ("--insecure", "--insecure U", "another server"),
        ("-u", "-u a:b U", "authctl sets"),
        ("-u attached", "-ua:b U", "authctl sets"),
        ("--oauth2-bearer", "--oauth2-bearer t U", "authctl sets"),
        ("-n", "-n U", "authctl sets"),
        ("--netrc-file", "--netrc-file f U", "authctl sets"),
        ("--netrc-optional", "--netrc-optional U", "authctl sets"),
        ("--negotiate", "--negotiate U", "authctl sets"),
        ("--aws-sigv4", "--aws-sigv4 x U", "authctl sets"),
        ("-v", "-v U", "would print the token"),
        ("-v in a bundle", "-sSv U", "would print the token"),
        ("--verbose", "--verbose U", "would print the token"),
        ("--trace", "--trace - U", "would print the token"),
        ("--trace-ascii", "--trace-ascii - U", "would print the token"),
        ("--libcurl", "--libcurl f U", "would print the token"),
        ("TRACE (F-SRV2)", "-X TRACE U", "back in its response"),
        ("TRACE attached", "-XTRACE U", "back in its response"),
        ("TRACE in a bundle", "-sSXtrace U", "back in its response"),
        ("TRACE in a bundle, and apart", "-sX Trace U", "back in its response"),
        ("TRACE in full", "--request TRACE U", "back in its response"),
        ("TRACE behind another", "-X GET --request TRACE U", "back in its response"),
        ("TRACE before another", "-X TRACE -X GET U", "back in its response"),
        ("TRACE behind an equals sign", "--request=TRACE U", "does not know curl's option"),
        ("IIS's TRACE", "-X TRACK U", "back in its response"),
        ("a tunnel", "-X CONNECT U", "tunnel"),
        ("--help", "--help U", "makes no request"),
        ("a header that authctl sends", "-H Authorization:x U", "header authorization"),
        ("in other letters", "-HAuThOrIzAtIoN:x U", "header authorization"),
        ("an empty header that authctl sends", "-H authorization; U", "header authorization"),
        ("a removed header that authctl sends", "-H Authorization: U", "header authorization"),
        ("the proof", "--header DPoP:x U", "header dpop"),
        ("another host", "-H Host:evil.example U", "header host"),
        ("another host, as HTTP/2 has it", "-H :authority:evil.example U", "another server"),
        ("a header with a line break", "-H X:1\nHost:evil.example U", "line break"),
        ("a method with a line break", "-X GET\r\nHost:evil.example U", "line break"),
        ("a method with a target", "--request GET\t/other U", "not a valid method"),
        ("an agent with a line break", "-A x\nHost:evil.example U", "line break"),
        ("a cookie with a line break", "-b a=b\nHost:evil.example U", "line break"),
        ("a referrer with a line break", "-e x\nHost:evil.example U", "line break"),
        ("a range with a line break", "-r 1\nHost:evil.example U", "line break"),
        ("a file of headers in a bundle", "-sH@file U", "as a separate argument"),
    ];

    #[test]
    fn curl_gets_no_option_that_moves_the_token_f_leak1() {
        for (name, text, want) in REFUSED {
            let refused = parse(&words(&text.replace('U', URL))).expect_err(name).to_string();
            assert!(refused.contains(want), "{name}: {refused}");
        }
        let hint = |text: &str| parse(&words(text)).unwrap_err().hint().unwrap();
        assert_eq!(hint("api.example/x"), "use https://api.example/x");
        assert_eq!(hint("--show-e https://a.example/"), "did you mean `--show-error`?");
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
