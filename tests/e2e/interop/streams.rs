//! Standard streams of helpers that are slow, endless, huge or closed.

use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::Desk;
use crate::parts::{Ended, OidcProvider};

const HOST: &str = "api.internal.example";

/// The helpers that read a request, each with a request that it answers.
const QUESTIONS: [(&[&str], &str); 4] = [
    (&["helper", "git", "get"], "protocol=https\nhost=api.internal.example\n"),
    (&["helper", "docker", "get"], "api.internal.example"),
    (&["helper", "bazel", "get"], "{\"uri\":\"https://api.internal.example/\"}"),
    (&["helper", "terraform", "store", "api.internal.example"], "{\"token\":\"x\"}"),
];

fn desk() -> Desk {
    Desk::logged_in(OidcProvider::start(3600), "https", &[HOST], "")
}

#[test]
fn a_helper_request_that_never_ends_times_out_f_hlp1() {
    let desk = desk();
    let started = Instant::now();
    let asked: Vec<_> = QUESTIONS
        .into_iter()
        .map(|(arguments, question)| {
            let mut helper = desk.authctl(arguments);
            helper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut helper = helper.spawn().unwrap();
            let mut input = helper.stdin.take().unwrap();
            input.write_all(question.as_bytes()).unwrap();
            (arguments, helper, input)
        })
        .collect();
    for (arguments, helper, input) in asked {
        let ended = Ended::from(helper.wait_with_output().unwrap());
        drop(input);
        assert_eq!(ended.status, Some(1), "{arguments:?}: {ended:#?}");
        desk.silent(ended).says("cannot read standard input");
    }
    let taken = started.elapsed();
    assert!((9..15).contains(&taken.as_secs()), "{taken:?}");
}

#[test]
fn a_helper_request_that_is_too_long_or_binary_is_refused_f_hlp1() {
    let desk = desk();
    for (arguments, question) in QUESTIONS {
        for (name, more) in [("huge", vec![b'x'; 3 << 20]), ("binary", vec![0xff; 1000])] {
            let started = Instant::now();
            let mut helper = desk.authctl(arguments);
            helper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut helper = helper.spawn().unwrap();
            let mut input = helper.stdin.take().unwrap();
            // The helper may exit before all of it is written.
            let _ = input.write_all(question.as_bytes()).and_then(|()| input.write_all(&more));
            drop(input);
            let ended = desk.silent(Ended::from(helper.wait_with_output().unwrap()));
            assert_eq!(ended.status, Some(1), "{arguments:?} {name}: {ended:#?}");
            assert!(!ended.stderr.contains("panicked"), "{arguments:?} {name}: {ended:#?}");
            assert!(started.elapsed() < Duration::from_secs(5), "{arguments:?} {name}");
        }
        // No input at all.
        let ended = desk.silent(desk.ask(arguments, ""));
        assert!(ended.status.is_some_and(|status| status < 3), "{arguments:?}: {ended:#?}");
    }
}

#[test]
fn a_helper_whose_output_is_not_read_exits_f_hlp1() {
    let desk = desk();
    let others: [(&[&str], &str); 4] = [
        (
            &["helper", "cargo", "--cargo-plugin"],
            "{\"v\":1,\"registry\":{\"index-url\":\"sparse+https://api.internal.example/\"},\"kind\":\"get\",\"operation\":\"read\"}\n",
        ),
        (&["helper", "terraform", "get", HOST], ""),
        (&["helper", "keyring", "get", HOST, "x"], ""),
        (&["helper", "kubernetes", "op"], ""),
    ];
    for (arguments, question) in QUESTIONS.into_iter().take(3).chain(others) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut helper = desk.authctl(arguments);
        helper.stdin(Stdio::piped()).stdout(writer).stderr(Stdio::piped());
        let mut helper = helper.spawn().unwrap();
        let _ = helper.stdin.take().unwrap().write_all(question.as_bytes());
        let mut said = String::new();
        helper.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((helper.wait().unwrap().code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn no_token_reaches_standard_error_f_hlp4() {
    let desk = desk();
    let token = desk.token();
    let cargo = "{\"v\":1,\"registry\":{\"index-url\":\"sparse+https://api.internal.example/\"},\"kind\":\"get\",\"operation\":\"read\"}\n";
    let others: [(&[&str], &str); 4] = [
        (&["helper", "cargo"], cargo),
        (&["helper", "terraform", "get", HOST], ""),
        (&["helper", "keyring", "get", HOST, "x"], ""),
        (&["helper", "kubernetes", "op"], ""),
    ];
    for (arguments, question) in QUESTIONS.into_iter().take(3).chain(others) {
        // Once from the store, and once with a refresh whose requests are traced.
        for fresh in [true, false] {
            if !fresh {
                Ended::from(desk.authctl(&["refresh", "op"]).output().unwrap()).ok();
            }
            let mut helper = desk.authctl(&[&["-vv"], arguments].concat());
            helper.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
            let ended = super::fed(helper, question).ok();
            assert!(!ended.stdout.is_empty(), "{arguments:?}");
            for token in desk.server.issued().iter().chain([&token]) {
                assert!(!ended.stderr.contains(token), "{arguments:?}: {ended:#?}");
            }
        }
    }
    // git reports that the token was rejected: the next call refreshes, and traces its requests.
    let rejected = format!("protocol=https\nhost={HOST}\npassword={}\n", desk.token());
    let erased = desk.silent(desk.ask(&["-vv", "helper", "git", "erase"], &rejected)).ok();
    assert_eq!(erased.stdout, "");
    let ended = desk.ask(&["-vv", "helper", "git", "get"], QUESTIONS[0].1).ok();
    assert!(ended.stderr.contains("POST"), "{ended:#?}");
    for token in desk.server.issued() {
        assert!(!ended.stderr.contains(&token), "{ended:#?}");
    }
}
