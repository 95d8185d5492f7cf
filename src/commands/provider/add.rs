//! `authctl provider add`

use crate::app::App;
use crate::app::add_provider;
use crate::app::add_provider::{Draft, Start};
use crate::app::args::browser_choice;
use crate::app::input::{InputError, read_secret};
use crate::app::login::{LoginMethod, LoginPlan, log_in};
use crate::config::edit::Assignment;
use crate::config::templates;
use crate::error::Error;
use crate::name::ProviderName;
use crate::provider::LoginRequest;
use crate::secret::SecretText;
use crate::text::untrusted::Untrusted;

/// Add a provider from a template, from a URL, or key by key
///
/// In a terminal it asks for missing values, reads secrets with hidden input, stores them in the token store, and shows the
/// change before it saves it. In scripts, pass all values as options.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name for the provider, a template's name, or a URL
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Start from this template
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["from", "kind"])]
    template: Option<String>,
    /// Start from the metadata that this URL's server publishes
    #[arg(long, value_name = "URL", conflicts_with = "kind")]
    from: Option<String>,
    /// Start from an empty provider of this kind
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    kind: Option<String>,
    /// Set a key, such as client_id=abc or 'client_secret={ env = "SECRET" }'; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Read this secret from standard input or a hidden prompt, and save it in the token store
    #[arg(long = "secret", id = "secret_key", value_name = "KEY")]
    secret_keys: Vec<String>,
    /// Make it the default provider
    #[arg(long)]
    default: bool,
    /// Replace an existing provider with this name
    #[arg(long)]
    replace: bool,
    /// Do not ask questions; log in only with --login
    #[arg(long, short)]
    yes: bool,
    /// Log in afterwards
    #[arg(long)]
    login: bool,
}

fn kinds() -> clap::builder::PossibleValuesParser {
    crate::provider::kind_names().into_iter().collect::<Vec<_>>().into()
}

pub(super) fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    app.config.check_files(false)?;
    let asks = !args.yes && app.system.input.is_terminal();
    let (start, name) = args.start(app, asks)?;
    let kind = start.kind();
    let mut given =
        args.set.iter().map(|text| Assignment::parse(text, &kind)).collect::<Result<Vec<_>, _>>()?;
    let mut secrets = Vec::new();
    for key in &args.secret_keys {
        let assignment = Assignment::stored(key, &kind)?;
        let label = assignment.path.last().cloned().unwrap_or_default();
        secrets.push((label.clone(), read_one_secret(app, &label, args.secret_keys.len())?));
        given.push(assignment);
    }
    let draft = match asks {
        true => add_provider::ask_draft(app, &start, name, given, secrets)?,
        false => {
            let name = name
                .or_else(|| start.proposed_name())
                .ok_or_else(|| Error::usage("missing provider name"))?;
            add_provider::draft(&start, name, given, secrets)?
        }
    };
    if !add_provider::write(app, &draft, args.replace, args.default, asks)? {
        return Ok(());
    }
    offer_login(app, &draft, asks, args.login)
}

impl Args {
    /// Returns what to start from, and the name if one is given.
    fn start(&self, app: &App<'_>, asks: bool) -> Result<(Start, Option<ProviderName>), Error> {
        let parse = |name: &String| {
            name.parse::<ProviderName>().map_err(|error| {
                Error::usage(format!("{} is not a valid provider name: {error}", Untrusted::new(name)))
            })
        };
        if let Some(kind) = &self.kind {
            return Ok((Start::Plain(kind.clone()), self.name.as_ref().map(parse).transpose()?));
        }
        if let Some(text) = self.template.as_ref().or(self.from.as_ref()) {
            return Ok((Start::of(app, text)?, self.name.as_ref().map(parse).transpose()?));
        }
        match &self.name {
            Some(name) if name.contains("://") => Ok((Start::of(app, name)?, None)),
            Some(name) if templates::find(name).is_some() => Ok((Start::of(app, name)?, Some(parse(name)?))),
            Some(name) if asks => {
                let name = parse(name)?;
                Ok((add_provider::ask_start(app)?, Some(name)))
            }
            None if asks => Ok((add_provider::ask_start(app)?, None)),
            // Without --set this is probably a misspelled template name.
            Some(name) if self.set.is_empty() => {
                Err(Start::of(app, name).err().unwrap_or_else(|| Error::usage("missing template")))
            }
            Some(name) => Ok((Start::Plain("oauth".to_owned()), Some(parse(name)?))),
            None => Err(Error::Usage {
                message: "missing template, URL or kind".to_owned(),
                hint: Some("pass a template's name, --from or --kind; `authctl provider templates` lists the templates".to_owned()),
            }),
        }
    }
}

/// Reads a secret. Standard input can supply only one; several need a terminal.
fn read_one_secret(app: &App<'_>, label: &str, count: usize) -> Result<SecretText, Error> {
    if count > 1 && !app.system.input.is_terminal() {
        return Err(Error::usage(
            "standard input can supply only one secret; store the others with `authctl secret set`",
        ));
    }
    read_secret(app, label)
}

/// Logs in to the new provider if the user agrees.
fn offer_login(app: &App<'_>, draft: &Draft, asks: bool, login: bool) -> Result<(), Error> {
    let config = app.reload();
    let app = &App { config: &config, ..*app };
    let provider = config.provider(&draft.name)?;
    if !provider.source.is_interactive() {
        app.system.console.hint(format_args!("run `authctl token {}` to print a token", draft.name));
        return Ok(());
    }
    let logs_in = login
        || asks
            && app
                .system
                .input
                .confirm("Log in now?", true)
                .map_err(InputError::unreadable("the terminal", "the provider was added"))?;
    if !logs_in {
        app.system.console.hint(format_args!("run `authctl login {}` to log in", draft.name));
        return Ok(());
    }
    let request = LoginRequest {
        scopes: None,
        browser: browser_choice(app, None, false),
        device: false,
        timeout: None,
    };
    log_in(app, &LoginPlan::of(&draft.name), &LoginMethod::WithConsent(request))
}
