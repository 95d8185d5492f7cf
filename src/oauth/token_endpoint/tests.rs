use super::*;

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())],
        body: body.as_bytes().to_vec().into(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn outcome(status: u16, body: &str, quirks: &Quirks) -> String {
    match read(&response(status, body), &Asked::default(), quirks, at(1000)) {
        Ok(tokens) => format!(
            "{} {:?} {:?} {:?}",
            tokens.access_token.expose(),
            tokens.life.expires_at.map(|end| end.as_second() - 1000),
            tokens.refresh_token.as_ref().map(RefreshToken::expose),
            tokens.scope.map(|scope| scope.to_string()),
        ),
        Err(error) => error.to_string(),
    }
}

#[test]
fn token_responses_of_real_servers_are_read() {
    let long = "a".repeat(16 * 1024);
    let unusable = |reason: &str, size: usize| {
        format!(
            "the token endpoint sent an invalid response: {reason} (status 200, `application/json`, {size} bytes)"
        )
    };
    for (name, status, body, want) in [
        ("whole", 200, r#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","scope":"x y","more":[1]}"#.to_owned(),
            r#"a Some(3600) Some("r") Some("x y")"#.to_owned()),
        ("lower case, no lifetime, O12 no scope", 200, r#"{"access_token":"a","token_type":"bearer"}"#.to_owned(), "a None None None".to_owned()),
        ("16 KiB", 200, format!(r#"{{"access_token":"{long}","token_type":"BEARER"}}"#), format!("{long} None None None")),
        ("scopes as an array", 200, r#"{"access_token":"a","token_type":"bearer","scope":["x","y"]}"#.to_owned(), r#"a None None Some("x y")"#.to_owned()),
        ("an array of something else", 200, r#"{"access_token":"a","token_type":"bearer","scope":[1]}"#.to_owned(), unusable("its `scope` is an array that contains something other than strings", 54)),
        ("scopes as a number", 200, r#"{"access_token":"a","token_type":"bearer","scope":1}"#.to_owned(), unusable("its `scope` is not a string", 52)),
        ("null is nothing", 200, r#"{"access_token":"a","token_type":"bearer","refresh_token":null,"scope":null,"expires_in":null}"#.to_owned(), "a None None None".to_owned()),
        ("an empty refresh token is none", 200, r#"{"access_token":"a","token_type":"bearer","refresh_token":""}"#.to_owned(), "a None None None".to_owned()),
        ("no token", 200, r#"{"token_type":"bearer"}"#.to_owned(), unusable("it has no `access_token`", 23)),
        ("no type", 200, r#"{"access_token":"a"}"#.to_owned(), unusable("it has no `token_type`", 20)),
        ("token is a number", 200, r#"{"access_token":5,"token_type":"bearer"}"#.to_owned(), unusable("its `access_token` is not a string", 40)),
        ("unknown type", 200, r#"{"access_token":"a","token_type":"mac"}"#.to_owned(), unusable("its token type `mac` is not bearer", 39)),
        ("F-TT1 header in the type", 200, r#"{"access_token":"a","token_type":"Bearer\r\nX: y"}"#.to_owned(), unusable("its token type `Bearer\\u{d}\\u{a}X: y` is not bearer", 50)),
        ("F-TT1 type is a number", 200, r#"{"access_token":"a","token_type":1}"#.to_owned(), unusable("its `token_type` is not a string", 35)),
        ("DPoP unasked", 200, r#"{"access_token":"a","token_type":"DPoP"}"#.to_owned(), unusable("its token is bound to a DPoP key, but the request had none", 40)),
        ("F-CTRL1 line feed in the token", 200, r#"{"access_token":"a\nhost=evil","token_type":"bearer"}"#.to_owned(),
            unusable("its `access_token` is not a valid token: it contains a character outside printable ASCII (RFC 6749 appendix A.12)", 53)),
        ("F-CTRL1 line feed in the refresh token", 200, r#"{"access_token":"a","token_type":"bearer","refresh_token":"a\nb"}"#.to_owned(),
            unusable("its `refresh_token` is not a valid token: it contains a character outside printable ASCII (RFC 6749 appendix A.12)", 65)),
        ("F-SIZE twice", 200, r#"{"access_token":"a","access_token":"b","token_type":"bearer"}"#.to_owned(),
            unusable("it is not a JSON object, is nested too deeply, or has a duplicate member", 61)),
        ("error", 400, r#"{"error":"invalid_grant","error_description":"gone\u001b"}"#.to_owned(), "the token endpoint returned `invalid_grant`: `gone\\u{1b}`".to_owned()),
        ("F-200ERR", 200, r#"{"error":"bad_verification_code"}"#.to_owned(), "the token endpoint returned `bad_verification_code`".to_owned()),
        ("Slack", 200, r#"{"ok":false,"error":"invalid_code"}"#.to_owned(), "the token endpoint returned `invalid_code`".to_owned()),
        ("F-429", 429, r#"{"error":"slow"}"#.to_owned(), "the token endpoint is temporarily unavailable (status 429)".to_owned()),
        ("F-429 503", 503, String::new(), "the token endpoint is temporarily unavailable (status 503)".to_owned()),
        ("F-429 500 with an error of its own", 500, r#"{"error":"server_error"}"#.to_owned(), "the token endpoint is temporarily unavailable (status 500)".to_owned()),
        ("temporarily unavailable", 400, r#"{"error":"temporarily_unavailable"}"#.to_owned(), "the token endpoint is temporarily unavailable (status 400)".to_owned()),
        ("empty 400", 400, String::new(), "the token endpoint sent an invalid response: it is an error response without an error code (status 400, `application/json`, 0 bytes)".to_owned()),
        ("F-REDIR", 307, String::new(), "the token endpoint redirects to `another address`; authctl never follows a redirect with credentials".to_owned()),
    ] {
        assert_eq!(outcome(status, &body, &Quirks::default()), want, "{name}");
    }
}

#[test]
fn token_lifetimes_are_parsed_f_exp1_f_exp2() {
    for (text, want) in [
        ("3600", "Some(3600)"),
        ("\"3600\"", "Some(3600)"),
        ("3600.0", "Some(3600)"),
        ("1e3", "Some(1000)"),
        ("3600.5", "None"),
        ("0", "Some(0)"),
        ("-1", "Some(0)"),
        ("-9223372036854775808", "Some(0)"),
        ("2147483648", "Some(316224000)"),
        ("9223372036854775807", "Some(316224000)"),
        ("18446744073709551615", "Some(316224000)"),
        ("18446744073709551616", "Some(316224000)"),
        ("1e300", "Some(316224000)"),
        ("\"99999999999999999999999999999999999999\"", "Some(316224000)"),
        ("\"NaN\"", "None"),
        ("\"Infinity\"", "None"),
        ("\"\"", "None"),
        ("\"-5\"", "None"),
        ("true", "None"),
        ("{}", "None"),
    ] {
        let body = format!(r#"{{"access_token":"a","token_type":"bearer","expires_in":{text}}}"#);
        assert_eq!(outcome(200, &body, &Quirks::default()), format!("a {want} None None"), "{text}");
    }
}

#[test]
fn quirks_of_real_servers() {
    let slack = Quirks {
        token_member: Some("authed_user".to_owned()),
        granted_scope_separator: ",".to_owned(),
        ..Quirks::default()
    };
    let body = r#"{"ok":true,"authed_user":{"access_token":"xoxp","token_type":"user","scope":"chat:write,users:read"}}"#;
    assert_eq!(outcome(200, body, &slack), r#"xoxp None None Some("chat:write users:read")"#);
    let lax = Quirks { missing_token_type: true, ..Quirks::default() };
    assert_eq!(outcome(200, r#"{"access_token":"a"}"#, &lax), "a None None None");
}

#[test]
fn a_token_of_another_type_is_rejected() {
    let jwt = "urn:ietf:params:oauth:token-type:jwt";
    let dpop = Asked { dpop: true, ..Asked::default() };
    let exchange = |token_type, must_say| Asked {
        exchange: Some(Exchange { token_type, must_say }),
        ..Asked::default()
    };
    let lax = Quirks { unbound_tokens: true, ..Quirks::default() };
    let standard = Quirks::default();
    for (name, asked, quirks, kind, issued, want) in [
        ("bound", dpop, &standard, "dpop", None, Ok(TokenType::Dpop)),
        ("downgraded", dpop, &standard, "Bearer", None, Err("it is a bearer token")),
        ("allowed", dpop, &lax, "Bearer", None, Ok(TokenType::Bearer)),
        ("unasked", Asked::default(), &lax, "DPoP", None, Err("the request had none")),
        ("N_A unasked", Asked::default(), &standard, "N_A", None, Err("is not bearer")),
        ("X2", exchange(None, true), &standard, "N_A", Some(jwt), Ok(TokenType::NotApplicable)),
        ("an access token", exchange(Some(jwt), true), &standard, "Bearer", Some(jwt), Ok(TokenType::Bearer)),
        ("not said", exchange(None, true), &standard, "Bearer", None, Err("no `issued_token_type`")),
        (
            "not said where it need not be",
            exchange(Some(jwt), false),
            &standard,
            "Bearer",
            None,
            Ok(TokenType::Bearer),
        ),
        ("another", exchange(Some("urn:x"), true), &standard, "Bearer", Some(jwt), Err("not urn:x")),
    ] {
        let mut body = serde_json::json!({ "access_token": "a", "token_type": kind });
        if let Some(issued) = issued {
            body["issued_token_type"] = issued.into();
        }
        match (read(&response(200, &body.to_string()), &asked, quirks, at(0)), want) {
            (Ok(tokens), want) => assert_eq!(Ok(tokens.token_type), want, "{name}"),
            (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{name}: {error}"),
            (Err(error), Ok(_)) => panic!("{name}: {error}"),
        }
    }
}

/// F-BIND5: metadata may move the endpoint within its origin, and no further.
#[test]
fn the_endpoint_must_match_the_binding_f_bind1() {
    let authentication = crate::oauth::client::Authentication::None;
    let client = Client { id: "app".to_owned(), authentication };
    let binding = Binding::default().with(Binding::TOKEN_ENDPOINT, "https://as.example");
    for (url, fits) in [
        ("https://as.example/token", true),
        ("https://as.example:443/other", true),
        ("https://as.example:8443/token", false),
        ("https://evil.example/token", false),
    ] {
        let url = EndpointUrl::configured(url).unwrap();
        let made = TokenEndpoint::new(
            url.clone(),
            &binding,
            client.clone(),
            Quirks::default(),
            Transport::default(),
        );
        assert_eq!(made.is_ok(), fits, "{url}");
    }
}
