//! `on_login_required`: the user's program that runs when a background job needs a login.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::config::Config;
use crate::name::ProviderName;
use crate::os::private_file;
use crate::ports::{Folder, Program, Stream, System};
use crate::store::lock::Lock;

/// Sending a notification is quick; a program that waits for an answer would block the caller.
const DEADLINE: Duration = Duration::from_secs(5);
/// A build that asks a hundred times notifies the user once.
const PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// The placeholder for the provider's name in the program's arguments.
const PLACEHOLDER: &str = "{provider}";

/// Notifies the user that a provider needs a login, unless standard error is a terminal. A failed notification does not
/// change the error.
pub fn tell(system: &System, config: &Config, provider: &ProviderName) {
    let Some(command) = config.on_login_required() else { return };
    if system.console.is_terminal(Stream::Err) || !is_due(system, provider) {
        return;
    }
    let command: Vec<String> =
        command.iter().map(|argument| argument.replace(PLACEHOLDER, provider.as_str())).collect();
    let withheld = &config.secret_variables();
    let program = Program { command: &command, timeout: DEADLINE, withheld, input: None };
    if let Err(error) = system.processes.output(&program) {
        system.console.note(format_args!("on_login_required: {error}"));
    }
}

/// Whether the last notification was long enough ago. Of several processes at once, only one gets `true`.
fn is_due(system: &System, provider: &ProviderName) -> bool {
    let Ok(folder) = system.paths.folder(Folder::State) else { return false };
    let path = folder.join("notified").join(format!("{provider}.txt"));
    let Ok(_lock) = Lock::take(&path.with_extension("lock"), Duration::ZERO, &*system.clock) else {
        return false;
    };
    let now = system.clock.now();
    let last = private_file::read(&path).ok().flatten();
    let last = last.and_then(|text| std::str::from_utf8(&text).ok()?.trim().parse::<Timestamp>().ok());
    let due = last.is_none_or(|last| now.duration_since(last).abs() >= PAUSE);
    due && private_file::write(&path, now.to_string().as_bytes()).is_ok()
}
