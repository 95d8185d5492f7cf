//! `authctl secret`

use super::Invocation;
use crate::console::{GOOD, styled};
use crate::error::Error;
use crate::name::ProviderName;
use crate::secret::SecretText;
use crate::setting::{Setting, near};
use crate::store::record::RecordName;

/// The longest secret that is read from standard input.
const LONGEST: usize = 1 << 20;

/// Keep a configured secret in the token store
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Store a secret, read from standard input or asked for without showing it
    Set(Target),
    /// Remove a stored secret
    Unset(Target),
}

#[derive(Debug, clap::Args)]
struct Target {
    /// The provider, as the configuration names it
    #[arg(value_name = "PROVIDER")]
    provider: ProviderName,
    /// The key whose value it is, such as client_secret
    #[arg(value_name = "KEY")]
    key: String,
}

/// Stores or removes a secret, bound to where the provider is configured to send it.
///
/// # Errors
/// Any [`Error`].
pub fn run(invocation: &Invocation<'_>, args: &Args) -> Result<(), Error> {
    let session = invocation.session();
    let console = &invocation.system.console;
    let (Action::Set(target) | Action::Unset(target)) = &args.action;
    let key = target.key.trim_start_matches('_');
    let provider = session.provider(Some(&target.provider))?;
    let secrets: Vec<&str> =
        provider.kind.all_keys().filter(|key| key.is_secret()).map(|key| key.name).collect();
    if !secrets.contains(&key) {
        let mut message = format!("`{}` has no secret `{}`", provider.name, crate::foreign::escaped(key));
        if let Some(near) = near(key, secrets.iter().copied()) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        return Err(Error::Usage { message, hint: Some(format!("its secrets are {}", secrets.join(", "))) });
    }
    let binding = provider.source.binding();
    let name = RecordName::of_secret(&provider.name, key, &binding);
    if matches!(args.action, Action::Unset(_)) {
        let removed = session.store.forget_secret(&name)?;
        let what = if removed { "Removed" } else { "There was no" };
        console.say(format_args!("{} {what} {key} of {}.", styled(GOOD, "✓"), provider.name));
        return Ok(());
    }
    let secret = read(invocation, key)?;
    let kind = session.store.keep_secret(&name, &binding, &secret)?;
    console.say(format_args!("{} Stored {key} of {} in {kind}.", styled(GOOD, "✓"), provider.name));
    let written = invocation
        .config
        .credentials
        .get(&provider.name)
        .and_then(|credential| credential.kind.as_ref()?.table.table()?.get(key));
    if !written.and_then(Setting::table).is_some_and(|table| table.contains_key("stored")) {
        console.hint(format_args!(
            "write `{key} = {{ stored = true }}` into the configuration, so that it is used"
        ));
    }
    Ok(())
}

fn read(invocation: &Invocation<'_>, key: &str) -> Result<SecretText, Error> {
    let input = &invocation.system.input;
    let read = if input.is_terminal() { input.ask_hidden(key) } else { input.read_all(LONGEST) };
    let text = read.map_err(|error| {
        Error::failed(format!("the secret cannot be read: {error}"), "pipe it into standard input")
    })?;
    let secret = text.expose().trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Error::failed(
            "the secret is empty",
            "pipe it into standard input, or type it when asked",
        ));
    }
    Ok(SecretText::new(secret))
}
