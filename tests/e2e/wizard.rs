//! `provider add` and a first `login` at a real terminal, and `provider add --from` without one.

use std::path::Path;

use serde_json::{Value, json};

use crate::interop::fed;
use crate::parts::{Ended, Home, OidcProvider, PROGRAM, folder, node};

const SECRET: &str = "typed-secret-canary";

/// A terminal's output, and the program's exit status.
struct Talk {
    said: String,
    /// The exit status, or the signal as a negative number: a shell's 128 and the signal.
    status: i64,
    restored: bool,
}

/// Converses with the program: each turn is a text to wait for, and the answer to type.
#[track_caller]
fn talk(home: &Home, variables: &[(&str, &str)], columns: u16, arguments: &[&str], turns: Value) -> Talk {
    let mut command = home.command(&[]);
    command.env("TERM", "xterm-256color").envs(variables.iter().copied());
    let mut python = std::process::Command::new(folder().join("programs/conversation.py"));
    python.arg(PROGRAM).args(arguments).env_clear().current_dir(home.folder.path());
    python.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let heard = fed(python, &json!({ "columns": columns, "turns": turns }).to_string()).ok();
    let heard: Value = serde_json::from_str(heard.text()).unwrap();
    assert_eq!(heard["left"], json!([]), "{heard:#}");
    Talk {
        said: heard["said"].as_str().unwrap().to_owned(),
        status: heard["status"].as_i64().unwrap(),
        restored: heard["restored"].as_bool().unwrap(),
    }
}

/// Escape sequences other than colours: they move the cursor, hide it or erase text, so that a screen reader reads the
/// wrong thing or nothing.
fn tricks(said: &str) -> Vec<&str> {
    let sequences = said.split('\u{1b}').skip(1).map(|rest| &rest[..rest.len().min(8)]);
    let is_color = |rest: &&str| {
        let parameters =
            rest.trim_start_matches('[').trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest.starts_with('[') && parameters.starts_with('m')
    };
    let mut tricks: Vec<&str> = sequences.filter(|rest| !is_color(rest)).collect();
    if said.replace("\r\n", "").contains('\r') {
        tricks.push("a carriage return alone");
    }
    tricks
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

fn configuration(home: &Home) -> Option<String> {
    std::fs::read_to_string(home.folder.path().join(".config/authctl/config.toml")).ok()
}

/// From nothing to a provider with a secret, after a typing mistake.
fn answers() -> Value {
    json!([
        ["Provider: ", "bitbuket\r"],
        ["Provider: ", "?\r"],
        ["Provider: ", "bitbucket\r"],
        ["Provider name [bitbucket]: ", "\r"],
        ["client_id: ", "the-id\r"],
        ["client_secret (hidden): ", format!("{SECRET}\r")],
        ["Save this? [Y/n] ", "y\r"],
        ["Log in now? [Y/n] ", "n\r"],
    ])
}

#[test]
fn the_wizard_shows_no_secret_at_a_terminal_f_leak1() {
    for (name, variables, columns, colors) in [
        ("wide", &[][..], 100, true),
        ("narrow", &[], 40, true),
        ("without colours", &[("NO_COLOR", "1")], 80, false),
    ] {
        let home = Home::empty();
        let talk = talk(&home, variables, columns, &["provider", "add"], answers());
        assert_eq!((talk.status, talk.restored), (0, true), "{name}: {}", talk.said);
        for text in [
            "unknown template `bitbuket`",
            "did you mean `bitbucket`?",
            "zoom",
            "The Key of the consumer",
            "+ oauth._client_secret = <stored>",
            "`authctl login bitbucket`",
        ] {
            assert!(talk.said.contains(text), "{name}: {text}: {}", talk.said);
        }
        assert!(!talk.said.contains(SECRET), "{name}: {}", talk.said);
        assert_eq!(tricks(&talk.said), <[&str; 0]>::default(), "{name}: {:?}", talk.said);
        assert_eq!(talk.said.contains('\u{1b}'), colors, "{name}");
        let text = configuration(&home).unwrap();
        assert!(
            text.contains("oauth.client_id = \"the-id\"\noauth.client_secret = { stored = true }\n"),
            "{text}"
        );
        for (path, content) in files(home.folder.path()) {
            assert!(!String::from_utf8_lossy(&content).contains(SECRET), "{name}: {path}");
        }
        home.run(&["config", "check"]).ok();
    }
}

#[test]
fn an_interrupted_wizard_writes_nothing_and_leaves_the_terminal_as_it_was() {
    let all = answers();
    let all = all.as_array().unwrap();
    let (ctrl_c, terminated) = ((2_i64, json!("\u{3}"), None), (15, json!(""), Some(15)));
    for (at, turn) in all.iter().enumerate().skip(2).take(5) {
        for (signal, typed, sent) in [&ctrl_c, &terminated] {
            let home = Home::empty();
            let mut turns = all[..at].to_vec();
            let mut last = vec![turn[0].clone(), typed.clone()];
            last.extend(sent.map(Value::from));
            turns.push(last.into());
            let talk = talk(&home, &[], 80, &["provider", "add"], turns.into());
            assert_eq!(talk.status, -signal, "{turn}: {}", talk.said);
            assert!(talk.restored, "{turn}, signal {signal}: the terminal echoes again");
            assert!(!talk.said.contains("?25l"), "{turn}: the cursor is visible");
            assert_eq!(files(home.folder.path()), [], "{turn}");
        }
    }
    // Ctrl-D also cancels.
    let home = Home::empty();
    let ended = talk(&home, &[], 80, &["provider", "add", "bitbucket"], json!([["client_id: ", "\u{4}"]]));
    assert_eq!((ended.status, ended.restored), (1, true));
    assert!(
        ended.said.contains("client_id: \r\n") && ended.said.contains("nothing was written"),
        "{}",
        ended.said
    );
    assert_eq!(files(home.folder.path()), []);
}

#[test]
fn a_terminal_that_can_only_print_is_printed_to() {
    let server = OidcProvider::with(&json!({ "registers": {}, "strictRedirect": true }));
    let home = Home::empty();
    let browser = format!("{} {} %s", node().display(), folder().join("walk.mjs").display());
    let login = ["login", &server.issuer, "--timeout", "30s", "--browser", &browser];
    let talk = talk(&home, &[("TERM", "dumb")], 80, &login, json!([]));
    assert_eq!((talk.status, talk.restored), (0, true), "{}", talk.said);
    for text in [
        "Asking the server how to log in\r\n",
        "Waiting for the browser (Ctrl-C to cancel)\r\n",
        "Logged in to",
    ] {
        assert!(talk.said.contains(text), "{text}: {}", talk.said);
    }
    assert_eq!(tricks(&talk.said), <[&str; 0]>::default(), "{:?}", talk.said);
    assert!(!talk.said.contains('\u{1b}'), "{:?}", talk.said);
}

#[test]
fn a_templates_name_is_enough_to_log_in_at_a_terminal() {
    let home = Home::empty();
    let login = ["login", "github", "--no-browser"];
    home.run(&login).fails(4).says("run `authctl provider add github`");
    let turns = json!([
        ["client_id: ", "app\r"],
        ["client_secret (hidden, optional): ", "\r"],
        ["scopes [read:user]: ", "\r"],
        ["Save this? [Y/n] ", "\r"],
        ["Open this URL in a browser", ""],
        ["Paste the address", "\u{3}"],
    ]);
    let talk = talk(&home, &[], 80, &login, turns);
    assert_eq!((talk.status, talk.restored), (130, true), "{}", talk.said);
    for text in ["https://github.com/login/oauth/authorize?", "client_id=app", "code_challenge_method=S256"] {
        assert!(talk.said.contains(text), "{text}: {}", talk.said);
    }
    let text = configuration(&home).unwrap();
    assert_eq!(
        text, "[credentials.github]\ntemplate = \"github\"\noauth.client_id = \"app\"\n",
        "defaults are not written"
    );
    home.run(&["status", "github"]).fails(3);
}

#[test]
fn from_a_url_into_a_file_that_people_keep() {
    let server =
        OidcProvider::with(&json!({ "registers": {}, "strictRedirect": true, "strictOffline": true }));
    let before = "# mine\nstore = \"file\" # not the keyring\n\n[credentials.old] # to be removed\ndomain = \"old.example\"\njwt = \"x\"\n";
    let home = Home::new(before);
    let browser = format!("{} {} %s", node().display(), folder().join("walk.mjs").display());
    home.configure(&format!("browser = \"{browser}\"\n{before}"));
    let add = ["provider", "add", "op", "--from", &server.issuer, "--login"];
    home.run(&add)
        .ok()
        .says("+ oauth.issuer")
        .says("Logged in to op as alice")
        .says("and refreshes automatically");
    let after = configuration(&home).unwrap();
    assert!(after.starts_with(&format!("browser = \"{browser}\"\n{before}")), "{after}");
    for line in ["scheme = \"http\"", "oauth.extra_params = { prompt = \"consent\" }", "\"offline_access\""] {
        assert!(after.contains(line), "{line}: {after}");
    }
    home.run(&["config", "check"]).ok();
    home.run(&["refresh", "op"]).ok();
    let token = home.run(&["token", "op"]).ok();
    assert_eq!(home.run(&["token", &server.issuer]).ok(), token);
    home.run(&add).fails(1).says("the provider `op` already exists");
    assert_eq!(configuration(&home).unwrap(), after);
    // The registration exists until the provider is removed.
    home.run(&["logout", "op"]).ok();
    Ended::from(home.command(&["login", "op"]).output().unwrap()).ok();
    assert_eq!(server.registered().len(), 1, "G5");
    home.run(&["provider", "remove", "op", "--logout"]).ok().says("was deleted too");
    assert_eq!(configuration(&home).unwrap(), format!("browser = \"{browser}\"\n{before}"));
    home.run(&["config", "check"]).ok();
}
