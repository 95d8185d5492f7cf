//! `authctl secret`

use crate::app::App;
use crate::app::input::read_secret;
use crate::app::stored_secrets::{is_stored, keys};
use crate::error::Error;
use crate::name::ProviderName;
use crate::schema::near;
use crate::session::Open;
use crate::store::record::RecordName;
use crate::text::style::{GOOD, styled};

/// Manage configured secrets in the token store
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Store a secret from standard input or a hidden prompt
    Set(Target),
    /// Remove a stored secret
    Unset(Target),
}

#[derive(Debug, clap::Args)]
struct Target {
    /// Provider name
    #[arg(value_name = "PROVIDER")]
    provider: ProviderName,
    /// Config key of the secret, such as client_secret
    #[arg(value_name = "KEY")]
    key: String,
}

/// Stores or removes a secret. It is bound to the server that the provider is configured to send it to.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let console = &app.system.console;
    let (Action::Set(target) | Action::Unset(target)) = &args.action;
    let key = target.key.trim_start_matches('_');
    let Open { provider, session } = app.open(Some(&target.provider))?;
    let secrets = keys(app, &provider);
    if !secrets.iter().any(|secret| secret == key) {
        let mut message =
            format!("`{}` has no secret named `{}`", provider.name, crate::text::untrusted::escaped(key));
        if let Some(near) = near(key, secrets.iter().map(String::as_str)) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        return Err(Error::Usage { message, hint: Some(format!("its secrets are {}", secrets.join(", "))) });
    }
    let binding = provider.source.binding();
    if matches!(args.action, Action::Unset(_)) {
        let name = RecordName::of_secret(&provider.name, key, &binding);
        let removed = session.store.forget_secret(&name)?;
        match removed {
            true => console.say(format_args!("{} Removed {key} of {}", styled(GOOD, "✓"), provider.name)),
            false => console.say(format_args!("{} has no stored {key}.", provider.name)),
        }
        return Ok(());
    }
    let secret = read_secret(app, key)?;
    let kind = session.store.save_secret(&provider.name, key, &binding, &secret)?;
    console.say(format_args!("{} Stored {key} of {} in {kind}", styled(GOOD, "✓"), provider.name));
    if !is_stored(app, &provider.name, key) {
        console.hint(format_args!("set `{key} = {{ stored = true }}` in the config file to use it"));
    }
    Ok(())
}
