//! The options of curl 7.55 to 8.17, as far as it matters here: which of them take a value, and which would show the token,
//! or send it elsewhere. An option that is not in this list is refused, for it might swallow the URL.

use std::ffi::OsString;

use super::error::ArgumentError;
use crate::text::untrusted::escaped;

/// Options without a value; a short form stands after the slash. Each may be written with `no-` before it.
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

/// Options with a value; a short form stands after the slash.
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

/// Why an option is refused.
const CREDENTIALS: &str = "the credentials of the request are authctl's to give";
const SHOWS: &str =
    "it shows what is sent, and the token with it; `-i` or `-D FILE` show the answer's headers";
const ELSEWHERE: &str = "it would send the token to another place than the URL names";
const ANSWERS: &str = "the token would go to whoever answers, whether it is that host or not";
const ONE_REQUEST: &str = "the token is for one request, to one URL";
const NO_REQUEST: &str = "it makes no request: run curl itself";
const HIDES: &str = "it could hold any other option, or another URL";

/// Options that are refused, with a value or without; a short form stands after the slash.
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

/// What is known of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It takes no value.
    Flag(&'static str),
    /// It takes no value, and is turned off.
    Off(&'static str),
    /// It takes a value.
    Valued(&'static str),
    Refused(&'static str),
}

/// The option of a long name, without its hyphens.
pub fn long(name: &str) -> Option<Known> {
    // curl 8.3 and later: the value is worked out of variables.
    if name.starts_with("expand-") {
        return Some(Known::Refused(HIDES));
    }
    // `--no-buffer` and its like are the same options, turned off.
    let off = name.strip_prefix("no-").and_then(|name| find(FLAGS, |known, _| known == name));
    off.map(Known::Off).or_else(|| search(|known, _| known == name))
}

pub fn short(name: char) -> Option<Known> {
    search(|_, short| short == Some(name))
}

/// The long name that somebody may have meant.
pub fn meant(name: &str) -> Option<&'static str> {
    let names = || [FLAGS, VALUED].into_iter().flat_map(entries).map(|(name, _)| name);
    let mut begun = names().filter(|known| known.starts_with(name));
    // Old versions of curl take the beginning of a name for it, if there is only one; which one depends on the version.
    match (begun.next(), begun.next()) {
        (Some(only), None) if name.len() > 1 => Some(only),
        _ => names().find(|known| strsim::damerau_levenshtein(known, name) == 1),
    }
}

/// The options of one argument, each with its value; what else of the arguments belongs to them is added to `words`.
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
            // What stands behind it may be its value.
            option @ Known::Refused(_) => return Ok(vec![(option, None)]),
            option => found.push((option, None)),
        }
    }
    // A single hyphen is no URL, and no option either.
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
    fn every_name_stands_once() {
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
