use super::*;

#[test]
fn on_the_host_that_was_configured_a_server_may_name_private_urls_but_not_lower_ones() {
    let accepts = |url: &str, beside: &str| {
        EndpointUrl::discovered_beside(url, &beside.parse().unwrap(), Reach::Configured).is_ok()
    };
    for (name, url, beside, want) in [
        ("the same", "http://127.0.0.1:8080/token", "http://127.0.0.1:9090/", true),
        ("a better scheme", "https://127.0.0.1:8443/token", "http://127.0.0.1:9090/", true),
        ("a private host", "https://10.0.0.1/token", "https://10.0.0.1/", true),
        ("a worse scheme", "http://127.0.0.1:8080/token", "https://127.0.0.1/", false),
        ("another private host", "https://10.0.0.2/token", "https://10.0.0.1/", false),
        ("another loopback address", "http://127.0.0.2/token", "http://127.0.0.1/", false),
        ("a public host", "https://as.example/token", "https://10.0.0.1/", true),
    ] {
        assert_eq!(accepts(url, beside), want, "{name}");
    }
}

#[test]
fn only_harmless_urls_pass_f_url1_f_url2_f_url5() {
    for (text, passes) in [
        ("https://as.example/authorize?tenant=x", true),
        ("https://as.example//oauth/token/", true),
        ("https://as.example/%7Euser", true),
        ("http://127.0.0.1:8080/token", true),
        ("http://[::1]:8080/token", true),
        ("http://localhost:8080/token", true),
        ("http://as.example/token", false),
        ("http://localhost.evil.example/", false),
        ("http://127.0.0.1.evil.example/", false),
        ("http://127.1/", false),
        ("http://0x7f000001/", false),
        ("http://2130706433/", false),
        ("http://[::ffff:127.0.0.1]/", false),
        ("http://127.0.0.1@evil.example/", false),
        ("https://user@as.example/", false),
        ("https://@as.example/", false),
        ("https://user:pw@as.example/", false),
        ("https://as.example/#fragment", false),
        ("https:as.example", false),
        ("https:/as.example/", false),
        ("https:///as.example/", false),
        ("https://", false),
        ("javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("file:///etc/passwd", false),
        ("vbscript:x", false),
        ("smb://host/share", false),
        ("a:$(calc.exe)", false),
        ("http://www.example.com/$(calc.exe)", false),
        ("https://www.example.com/$(calc.exe)", false),
        ("https://as.example/`id`", false),
        ("https://as.example/\"x", false),
        ("https://as.example/a b", false),
        ("https://as.example/\u{1b}[31m", false),
        ("https://as.example/\nhost=evil", false),
        ("https://as.example/%PATH%", false),
        ("https://as.example/%4", false),
        ("https://as.example/\u{202e}", false),
        (" https://as.example/", false),
        ("--remote-debugging-port=1", false),
        ("", false),
    ] {
        assert_eq!(EndpointUrl::configured(text).is_ok(), passes, "{text}");
    }
    assert!(EndpointUrl::configured(&format!("https://as.example/{}", "a".repeat(9000))).is_err());
}

#[test]
fn servers_cannot_name_private_addresses_f_ssrf() {
    let public = Issuer::configured("https://as.example").unwrap();
    let local = Issuer::configured("http://127.0.0.1:8080").unwrap();
    for (issuer, text, want) in [
        (&public, "https://as.example/token", Some(Reach::Configured)),
        (&public, "https://tokens.example/token", Some(Reach::Discovered)),
        (&public, "http://as.example/token", None),
        (&public, "http://127.0.0.1/token", None),
        (&public, "https://127.0.0.1/token", None),
        (&public, "https://169.254.169.254/latest", None),
        (&public, "https://10.0.0.1/", None),
        (&public, "https://[::ffff:10.0.0.1]/", None),
        (&public, "https://0x7f000001/", None),
        (&public, "https://localhost/", None),
        (&public, "https://app.localhost./", None),
        (&local, "http://127.0.0.1:8080/token", Some(Reach::Configured)),
        (&local, "http://127.0.0.1:9090/token", Some(Reach::Configured)),
        (&local, "http://[::1]:8080/token", None),
        (&local, "http://169.254.169.254/", None),
    ] {
        let reach = EndpointUrl::discovered(text, issuer).ok().map(|endpoint| endpoint.reach);
        assert_eq!(reach, want, "{issuer} {text}");
    }
}

#[test]
fn issuers_have_no_query_or_fragment() {
    for (text, passes) in [
        ("https://as.example", true),
        ("https://as.example/tenant/", true),
        ("https://as.example?x=1", false),
        ("https://as.example#x", false),
        ("http://as.example", false),
    ] {
        assert_eq!(Issuer::configured(text).is_ok(), passes, "{text}");
    }
}
