//! Input, output and the terminal are curl's.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Api, Ended, PROGRAM, Story};
use crate::support::Sandbox;
use crate::support::http::{Reply, Server};

#[test]
fn curl_reads_standard_input() {
    let story = Story::new(&Api::default());
    let piped = "0123456789abcdef".repeat(1 << 16);
    let mut command = story.curl(&["-sS", "-H", "Expect:", "--data-binary", "@-", &story.url("/x")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(piped.as_bytes()).unwrap();
    Ended::from(child.wait_with_output().unwrap()).is(0, &format!("POST {piped}"));
}

#[test]
fn downloads_are_streamed() {
    let large: Vec<u8> = (0..20_000_000_u32).map(|at| (at % 251) as u8).collect();
    let story = Story::new(&Api { large: Arc::new(large.clone()), ..Api::default() });
    let output = story.curl(&["-s", &story.url("/large")]).output().unwrap();
    assert!(output.status.success() && output.stdout == large, "{} bytes", output.stdout.len());

    // The beginning arrives before the end, which never comes.
    let mut child = story.curl(&["-sN", &story.url("/drip")]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut beginning = [0; 13];
    stdout.read_exact(&mut beginning).unwrap();
    assert_eq!(&beginning, b"the beginning");
    // When the reader closes the pipe, curl exits as usual.
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(23));

    // A signal to authctl reaches curl.
    let mut child = story.curl(&["-sN", &story.url("/drip")]).stdout(Stdio::piped()).spawn().unwrap();
    child.stdout.take().unwrap().read_exact(&mut beginning).unwrap();
    let began = Instant::now();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap().code();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(matches!(status, Some(143 | 23)), "{status:?}");
}

/// On a terminal, curl shows no progress beside the response, and no binary response; authctl keeps that.
#[test]
fn curl_on_a_terminal_behaves_as_usual() {
    let story = Story::new(&Api { large: Arc::new(b"text\0binary".to_vec()), ..Api::default() });
    let terminal = |arguments: &str, path: &str| {
        let command = story.curl(&[]);
        let mut terminal = Command::new("script");
        terminal.args([
            "-qec",
            &format!("exec {PROGRAM} curl as {arguments} {}", story.url(path)),
            "/dev/null",
        ]);
        terminal.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = terminal.current_dir(story.sandbox.path("work")).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(terminal("", "/x"), (Some(0), "GET ".to_owned()));
    let (status, shown) = terminal("", "/large");
    assert_eq!(status, Some(1), "{shown}");
    assert!(shown.contains("the response is binary") && !shown.contains("text"), "{shown}");
    assert_eq!(terminal("-o -", "/large"), (Some(0), "text\0binary".to_owned()));
    let (status, shown) = terminal("-o file", "/large");
    assert!(status == Some(0) && shown.contains("% Total"), "{shown}");
    assert_eq!(std::fs::read(story.sandbox.path("work/file")).unwrap(), b"text\0binary");
}

#[test]
fn a_header_larger_than_a_pipe_is_sent() {
    let api = Server::start(|request| {
        Reply::full(200, &[], request.header("x-key").unwrap_or_default().len().to_string())
    });
    let key = "k".repeat(90_000);
    let sandbox = Sandbox::new("");
    let file = sandbox.write("key", &key);
    sandbox.configure(&format!(
        "[credentials.a]\ndomain = \"{}\"\nscheme = \"http\"\napi_key = {{ key = {{ file = \"{}\" }}, header = \"X-Key\", prefix = \"\" }}\n",
        api.address(),
        file.display()
    ));
    let url = format!("{}/x", api.url());
    let run = |more: &[&str]| {
        let arguments = [&["curl", "a", "-sS"], more, &[&url]].concat();
        Ended::from(sandbox.binary(PROGRAM, &arguments).output().unwrap())
    };
    run(&[]).is(0, "90000");
    run(&["-H", "x-key: mine"]).is(2, "").says("header x-key");
    run(&["-L"]).is(1, "").says("would send the header x-key to another host");
    assert_eq!(api.requests().len(), 1);
}
