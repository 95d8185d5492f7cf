//! `authctl doctor`: one file per topic, which takes the examination and returns its findings.

mod browser;
mod clock;
mod config;
mod disk;
mod examination;
mod finding;
mod helper;
mod login;
mod loopback;
mod need;
mod network;
mod path;
mod program;
mod provider;
mod report;
mod secret;
mod store;
mod watch;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use self::examination::{Examination, LONGEST};
use self::finding::{Finding, status};
use self::watch::Watched;
use crate::app::App;
use crate::app::args::ProviderArg;
use crate::app::installed::Installed;
use crate::error::{Error, Status};
use crate::ports::System;

/// A server that takes longer counts as unreachable.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(8);

/// Check the setup and explain how to fix problems
///
/// Checks the program, the configuration, the token store, the browser and its redirect, the network, the clock, each
/// provider, and programs that use authctl. The report contains no secrets, so you can paste it into a bug report. The worst
/// problem determines the exit status; warnings do not affect it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    /// Do not contact servers
    #[arg(long)]
    offline: bool,
    /// Also run the configured programs that print secrets
    #[arg(long)]
    run_commands: bool,
}

/// # Errors
/// [`Error::Reported`] with the status of the worst problem; [`Error::Choice`] for a provider that is not configured.
pub fn run(app: &App<'_>, args: &Args, installed: fn(&App<'_>) -> Vec<Installed>) -> Result<(), Error> {
    let started = app.system.clock.elapsed();
    let watched = Arc::new(Watched::new(app.system, started + LONGEST, LONGEST_EXCHANGE));
    let system = System { http: Arc::<Watched>::clone(&watched), ..app.system.clone() };
    let watched_app = App { system: &system, ..*app };
    let named = args.provider.name(app)?;
    if let Some(name) = &named {
        app.config.choose(Some(name))?;
    }
    let names =
        app.config.credentials.keys().filter(|name| named.as_ref().is_none_or(|named| named == *name));
    let (names, unusable): (Vec<_>, Vec<_>) =
        names.cloned().partition(|name| app.config.provider(name).is_ok());
    let examination = Examination {
        app: &watched_app,
        store: watched_app.whole_store(),
        providers: names.iter().filter_map(|name| app.config.provider(name).ok()).collect(),
        unusable,
        watched,
        whole: named.is_none(),
        store_works: Cell::new(false),
        offline: args.offline,
        run_commands: args.run_commands,
        started,
    };
    let home = system.paths.home().map(|home| home.display().to_string());
    let findings = report::anonymous(examine(&examination, installed), home.as_deref());
    let platform = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    if app.json {
        app.print_json(&report::in_json(&findings, env!("CARGO_PKG_VERSION"), &platform))?;
    } else {
        app.system.console.show(&report::in_text(&findings, app.verbose))?;
    }
    match status(&findings) {
        Status::Done => Ok(()),
        status => Err(Error::Reported(status)),
    }
}

fn examine(examination: &Examination<'_>, installed: fn(&App<'_>) -> Vec<Installed>) -> Vec<Finding> {
    let console = &examination.app.system.console;
    let waiting = |what: &str| console.wait(&format!("Checking {what} (Ctrl-C to cancel)"));
    let mut findings = program::check(examination);
    findings.extend(config::check(examination));
    let shown = waiting("the token store");
    let (found, records) = store::check(examination);
    findings.extend(found);
    drop(shown);
    findings.extend(browser::check(examination));
    findings.extend(loopback::check(examination));
    let shown = waiting("the providers' servers");
    let (found, documents) = network::check(examination);
    findings.extend(found);
    findings.extend(clock::check(examination, &records));
    drop(shown);
    let shown = waiting("the providers");
    findings.extend(provider::check(examination, &documents, &records));
    drop(shown);
    let _shown = waiting("other programs");
    findings.extend(helper::check(examination, installed));
    findings
}
