//! `on_login_required`: a program of the user's that is run when something that nobody watches needs a login.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::config::Config;
use crate::name::ProviderName;
use crate::os::private_file;
use crate::ports::{Folder, Program, Stream, System};
use crate::store::lock::Lock;

/// A notification is sent off at once; a program that talks with somebody would hold the caller up.
const DEADLINE: Duration = Duration::from_secs(5);
/// A build that asks a hundred times says it once.
const PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// What stands for the provider's name in the program's arguments.
const PLACE: &str = "{provider}";

/// Tells the user that a provider needs a login, where nobody sees what is said here. That it cannot be told is no reason to
/// fail in another way.
pub fn tell(system: &System, config: &Config, provider: &ProviderName) {
    let Some(command) = config.on_login_required() else { return };
    if system.console.is_terminal(Stream::Err) || !is_due(system, provider) {
        return;
    }
    let command: Vec<String> =
        command.iter().map(|argument| argument.replace(PLACE, provider.as_str())).collect();
    let withheld = &config.secret_variables();
    let program = Program { command: &command, timeout: DEADLINE, withheld, input: None };
    if let Err(error) = system.processes.output(&program) {
        system.console.note(format_args!("on_login_required: {error}"));
    }
}

/// Whether the last time was long enough ago; of many processes at once, for one of them.
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
