//! The user's web browser.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use url::Url;

use crate::adapters::processes::program;
use crate::os::replaceable;
use crate::ports::{Browser, NoBrowser};

/// The argument that makes this program only open a browser. A separate process keeps authctl's variables and terminal
/// from the browser, and does not block on a browser that stays in the foreground.
pub const OPEN_ARGUMENT: &str = "--open-browser";

/// The browser that the platform would open.
pub struct WebBrowser;

impl Browser for WebBrowser {
    fn open(&self, url: &Url, with: Option<&str>, withheld: &BTreeSet<String>) -> Result<(), NoBrowser> {
        let failed = |error: std::io::Error| NoBrowser(error.to_string());
        if let Some(command) = with {
            let mut command = user_command(command, url)?;
            return detach(&mut command, withheld).spawn().map(drop).map_err(failed);
        }
        refuse_replaceable_openers()?;
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = program::command(&program);
        command.arg(OPEN_ARGUMENT);
        leave_out_replaceable_folders(&mut command);
        let mut child = detach(&mut command, withheld).stdin(Stdio::piped()).spawn().map_err(failed)?;
        // The URL goes through a pipe: the opener shows it in its arguments soon enough, but this process need not.
        let mut pipe =
            child.stdin.take().ok_or_else(|| NoBrowser("it has no standard input pipe".to_owned()))?;
        pipe.write_all(url.as_str().as_bytes()).map_err(failed)
    }

    /// Over SSH or without a display nobody would see the browser. One that `BROWSER` names is trusted to be visible.
    #[expect(clippy::disallowed_methods, reason = "this is the machine")]
    fn can_be_seen(&self) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if set("BROWSER") {
            return true;
        }
        let remote = set("SSH_CONNECTION") || set("SSH_TTY");
        let display = !cfg!(all(unix, not(target_os = "macos"))) || set("DISPLAY") || set("WAYLAND_DISPLAY");
        !remote && display
    }
}

/// The command that the user named: split at spaces first, then `%s` is replaced in one argument, or the URL appended
/// (F-URL3).
fn user_command(text: &str, url: &Url) -> Result<Command, NoBrowser> {
    let mut words = text.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    let program = program::find(name)
        .ok_or_else(|| NoBrowser(format!("no such program: `{}`", crate::text::untrusted::escaped(name))))?;
    program::refuse_replaceable(&program).map_err(NoBrowser)?;
    let mut command = program::command(&program);
    let words: Vec<&str> = words.collect();
    command.args(words.iter().map(|word| word.replace("%s", url.as_str())));
    if !words.iter().any(|word| word.contains("%s")) {
        command.arg(url.as_str());
    }
    Ok(command)
}

/// The programs that the `webbrowser` crate may start, depending on the desktop, if no variable names a browser.
const OPENERS: [&str; 14] = [
    "xdg-open",
    "wsl-open",
    "rundll32.exe",
    "powershell.exe",
    "xdg-settings",
    "kde-open",
    "kde-open5",
    "kfmclient",
    "gio",
    "gvfs-open",
    "gnome-open",
    "mate-open",
    "exo-open",
    "x-www-browser",
];

/// Refuses these programs if another user could replace one of them. macOS and Windows start no program from PATH.
#[expect(clippy::disallowed_methods, reason = "this is the machine")]
fn refuse_replaceable_openers() -> Result<(), NoBrowser> {
    if cfg!(any(windows, target_os = "macos")) {
        return Ok(());
    }
    let named = std::env::var("BROWSER").unwrap_or_default();
    let named = named.split(':').filter_map(|command| command.split_ascii_whitespace().next());
    let mut found = named.chain(OPENERS).filter_map(program::find);
    found.try_for_each(|program| program::refuse_replaceable(&program).map_err(NoBrowser))
}

/// Removes the folders that another user can write to from a command's PATH.
#[expect(clippy::disallowed_methods, reason = "this is the machine")]
fn leave_out_replaceable_folders(command: &mut Command) {
    let Some(path) = std::env::var_os("PATH") else { return };
    let safe = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute() && replaceable::of_folder(folder).is_none());
    if let Ok(path) = std::env::join_paths(safe) {
        command.env("PATH", path);
    }
}

/// Keeps authctl's terminal, secrets and working folder from a browser.
fn detach<'a>(command: &'a mut Command, withheld: &BTreeSet<String>) -> &'a mut Command {
    for variable in withheld {
        command.env_remove(variable);
    }
    if cfg!(unix) {
        command.current_dir("/");
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// Runs when this program was started with [`OPEN_ARGUMENT`]: opens the URL on standard input, if it is a valid
/// endpoint URL.
#[expect(clippy::disallowed_methods, reason = "this is the machine")]
pub fn open_from_input() {
    let mut text = String::new();
    let read =
        std::io::Read::read_to_string(&mut std::io::Read::take(std::io::stdin(), 64 * 1024), &mut text);
    if read.is_ok()
        && let Ok(url) = crate::oauth::endpoint::EndpointUrl::configured(text.trim())
    {
        let _ = webbrowser::open(url.url().as_str());
    }
}
