//! The options of curl 7.55 to 8.17: which of them take a value, and which would print the token or send it elsewhere.
//! authctl refuses an option that is not in this list, because the next argument could be its value rather than the URL.

use std::ffi::OsString;

use super::error::ArgumentError;
use crate::text::untrusted::escaped;

/// Options without a value, with their short form after the slash. Each also exists with the prefix `no-`.
const FLAGS: &str = "
    alpn append/a basic buffer ca-native cert-status clobber compressed compressed-ssh create-dirs crlf disable/q
    disable-eprt disable-epsv disallow-username-in-url doh-cert-status doh-insecure eprt epsv fail/f fail-early
    fail-with-body false-start form-escape ftp-create-dirs ftp-pasv ftp-pret ftp-skip-pasv-ip ftp-ssl-ccc ftp-ssl-control
    get/G globoff/g haproxy-protocol head/I http0.9 http1.0/0 http1.1 http2 http2-prior-knowledge http3 http3-only
    ignore-content-length include/i ipv4/4 ipv6/6 junk-session-cookies/j keepalive list-only/l location/L follow
    mail-rcpt-allowfails mptcp no-buffer/N npn out-null parallel/Z parallel-immediate path-as-is post301 post302 post303
    progress-bar/# progress-meter proxy-anyauth proxy-basic proxy-ca-native proxy-digest proxy-http2 proxy-insecure
    proxy-negotiate proxy-ntlm proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel/p raw
    remote-header-name/J remote-name/O remote-name-all remote-time/R remove-on-error retry-all-errors retry-connrefused
    sasl-ir sessionid show-error/S show-headers silent/s skip-existing socks5-basic socks5-gssapi socks5-gssapi-nec ssl
    ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2/2 sslv3/3 styled-output
    suppress-connect-headers tcp-fastopen tcp-nodelay tftp-no-options tls-earlydata tlsv1/1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3
    tr-encoding use-ascii/B xattr
";

/// Options with a value, with their short form after the slash.
const VALUED: &str = "
    alt-svc cacert capath cert/E cert-type ciphers connect-timeout continue-at/C cookie/b cookie-jar/c create-file-mode
    crlfile curves data/d data-ascii data-binary data-raw data-urlencode dns-interface dns-ipv4-addr dns-ipv6-addr
    dump-header/D ech egd-file engine etag-compare etag-save expect100-timeout form/F form-string ftp-account
    ftp-alternative-to-user ftp-method ftp-port/P ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip header/H
    hostpubmd5 hostpubsha256 hsts interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type knownhosts krb
    limit-rate local-port mail-auth mail-from mail-rcpt max-filesize max-redirs max-time/m noproxy output/o output-dir
    parallel-max parallel-max-host pass pinnedpubkey preproxy proto proto-default proto-redir proxy/x proxy-cacert
    proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass
    proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-user/U
    proxy1.0 pubkey quote/Q random-file range/r rate referer/e request/X retry retry-delay retry-max-time sasl-authzid
    service-name sigalgs socks4 socks4a socks5 socks5-gssapi-service socks5-hostname speed-limit/Y
    speed-time/y ssl-sessions stderr telnet-option/t tftp-blksize time-cond/z tls-max tls13-ciphers tlsauthtype tlspassword
    tlsuser upload-file/T upload-flags url url-query user-agent/A vlan-priority write-out/w
";

// The reasons why authctl refuses an option.
const CREDENTIALS: &str = "authctl sets the request's credentials";
const SHOWS: &str = "it would print the token; use `-i` or `-D FILE` to see the response headers";
const ELSEWHERE: &str = "it would send the token to another server than the URL's host";
const ANSWERS: &str = "the token could go to another server that pretends to be the URL's host";
const ONE_REQUEST: &str = "authctl curl makes one request, to one URL";
const NO_REQUEST: &str = "it makes no request; run curl directly";
const HIDES: &str = "it could contain any other option, or another URL";

/// The options that authctl refuses, with or without a value, and their short form after the slash.
const REFUSED: &[(&str, &str)] = &[
    (
        CREDENTIALS,
        "anyauth aws-sigv4 delegation digest login-options negotiate netrc/n netrc-file netrc-optional ntlm ntlm-wb oauth2-bearer user/u",
    ),
    (SHOWS, "libcurl trace trace-ascii trace-config trace-ids trace-time verbose/v"),
    (ELSEWHERE, "abstract-unix-socket connect-to location-trusted request-target resolve unix-socket"),
    (ANSWERS, "dns-servers doh-url insecure/k"),
    (ONE_REQUEST, "metalink next/:"),
    (NO_REQUEST, "dump-ca-embed help/h manual/M version/V"),
    (HIDES, "config/K variable"),
];

/// What authctl knows about an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    Flag(&'static str),
    /// A flag with the prefix `no-`.
    Off(&'static str),
    Valued(&'static str),
    /// Refused, with the reason.
    Refused(&'static str),
}

/// Finds an option by its long name, without hyphens.
pub fn long(name: &str) -> Option<Known> {
    // Since curl 8.3, this expands variables in the value.
    if name.starts_with("expand-") {
        return Some(Known::Refused(HIDES));
    }
    // `--no-buffer` turns the option `--buffer` off.
    let off = name.strip_prefix("no-").and_then(|name| find(FLAGS, |known, _| known == name));
    off.map(Known::Off).or_else(|| search(|known, _| known == name))
}

/// Finds an option by its short name.
pub fn short(name: char) -> Option<Known> {
    search(|_, short| short == Some(name))
}

/// Suggests the long name that the user may have meant.
pub fn meant(name: &str) -> Option<&'static str> {
    let names = || [FLAGS, VALUED].into_iter().flat_map(entries).map(|(name, _)| name);
    let mut begun = names().filter(|known| known.starts_with(name));
    // Old versions of curl accept an unambiguous prefix, but its meaning depends on the version.
    match (begun.next(), begun.next()) {
        (Some(only), None) if name.len() > 1 => Some(only),
        _ => names().find(|known| strsim::damerau_levenshtein(known, name) == 1),
    }
}

/// Returns the options in one argument with their values. A value in the next argument is also added to `words`.
pub fn options_of(
    text: &str,
    next: &mut dyn FnMut() -> Option<OsString>,
    words: &mut Vec<OsString>,
) -> Result<Vec<(Known, Option<OsString>)>, ArgumentError> {
    let mut following = || {
        let value = next().ok_or_else(|| ArgumentError::NoValue(escaped(text)))?;
        words.push(value.clone());
        Ok(Some(value))
    };
    if let Some(name) = text.strip_prefix("--") {
        let unknown = || ArgumentError::Unknown { option: escaped(text), meant: meant(name) };
        let option = long(name).ok_or_else(unknown)?;
        let value = if matches!(option, Known::Valued(_)) { following()? } else { None };
        return Ok(vec![(option, value)]);
    }
    let mut found = Vec::new();
    let mut letters = text[1..].chars();
    while let Some(letter) = letters.next() {
        let unknown = || ArgumentError::Unknown { option: escaped(&format!("-{letter}")), meant: None };
        match short(letter).ok_or_else(unknown)? {
            option @ Known::Valued(_) => {
                let attached = letters.as_str();
                let value = if attached.is_empty() { following()? } else { Some(OsString::from(attached)) };
                found.push((option, value));
                break;
            }
            // The rest of the argument may be its value.
            option @ Known::Refused(_) => return Ok(vec![(option, None)]),
            option => found.push((option, None)),
        }
    }
    // A single hyphen is neither a URL nor an option.
    if found.is_empty() {
        Err(ArgumentError::Unknown { option: escaped(text), meant: None })
    } else {
        Ok(found)
    }
}

fn search(is_meant: impl Fn(&str, Option<char>) -> bool) -> Option<Known> {
    let refused = || {
        let of = |(reason, names): &(&'static str, &'static str)| find(names, &is_meant).map(|_| *reason);
        REFUSED.iter().find_map(of).map(Known::Refused)
    };
    find(FLAGS, &is_meant)
        .map(Known::Flag)
        .or_else(|| find(VALUED, &is_meant).map(Known::Valued))
        .or_else(refused)
}

fn find(names: &'static str, is_meant: impl Fn(&str, Option<char>) -> bool) -> Option<&'static str> {
    entries(names).find(|(name, short)| is_meant(name, *short)).map(|(name, _)| name)
}

fn entries(names: &'static str) -> impl Iterator<Item = (&'static str, Option<char>)> {
    names.split_ascii_whitespace().map(|entry| match entry.split_once('/') {
        Some((name, short)) => (name, short.chars().next()),
        None => (entry, None),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_listed_once() {
        let mut seen = BTreeSet::new();
        let lists = [FLAGS, VALUED].into_iter().chain(REFUSED.iter().map(|(_, names)| *names));
        for (name, short) in lists.flat_map(entries) {
            assert!(seen.insert(name.to_owned()), "{name}");
            assert!(short.is_none_or(|short| seen.insert(format!("-{short}"))), "{name}");
        }
        assert!(seen.len() > 270, "{}", seen.len());
    }

    #[test]
    fn names() {
        for (name, want) in [
            ("silent", Some(Known::Flag("silent"))),
            ("no-silent", Some(Known::Off("silent"))),
            ("no-location", Some(Known::Off("location"))),
            ("no-keepalive", Some(Known::Off("keepalive"))),
            ("no-buffer", Some(Known::Off("buffer"))),
            ("output", Some(Known::Valued("output"))),
            ("no-output", None),
            ("no-insecure", None),
            ("noproxy", Some(Known::Valued("noproxy"))),
            ("expand-url", Some(Known::Refused(HIDES))),
            ("insecure", Some(Known::Refused(ANSWERS))),
            ("loc", None),
            ("", None),
            ("url=x", None),
        ] {
            assert_eq!(long(name), want, "{name}");
        }
        assert_eq!(short('o'), Some(Known::Valued("output")));
        assert_eq!(short('N'), Some(Known::Flag("no-buffer")));
        assert_eq!(short(':'), Some(Known::Refused(ONE_REQUEST)));
        assert_eq!(short('ß'), None);
        for (name, want) in
            [("sho", None), ("show-e", Some("show-error")), ("slient", Some("silent")), ("zzz", None)]
        {
            assert_eq!(meant(name), want, "{name}");
        }
    }
}
