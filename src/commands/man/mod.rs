//! `authctl man`

mod roff;
mod sections;

use std::path::{Path, PathBuf};

use clap_mangen::Man;

use self::roff::Page;
use crate::app::App;
use crate::error::Error;

/// When the manual last changed: a constant, so that every build produces the same pages.
const DATE: &str = "2026-11-25";

/// Print the manual page, or write one page per command
///
/// `authctl man | man -l -` shows it without installing anything. Packagers find all pages in packaging/man/.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write one page per command into this folder
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Prints the main page, or writes all pages.
///
/// # Errors
/// [`Error::Output`]; [`Error::Failed`] if a page cannot be written.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let command = built(app);
    let Some(folder) = &args.folder else {
        return Ok(app.system.console.out(&page(&command, None)?)?);
    };
    let count = write_all(&command, None, folder)?;
    app.system.console.say(format_args!(
        "Wrote {} to {}",
        crate::text::humanize::counted(count, "page"),
        crate::text::untrusted::escaped(&folder.display().to_string())
    ));
    Ok(())
}

/// Returns the command line with the full name of every command.
fn built(app: &App<'_>) -> clap::Command {
    let mut command = (app.command_line)();
    command.build();
    command
}

/// Writes the pages of a command and its subcommands. Returns how many.
fn write_all(command: &clap::Command, parent: Option<&clap::Command>, folder: &Path) -> Result<u64, Error> {
    let path = folder.join(format!("{}.1", name(command)));
    let text = page(command, parent)?;
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text)).map_err(|error| {
        let path = crate::text::untrusted::escaped(&path.display().to_string());
        Error::failed(format!("cannot write {path}: {error}"), "choose a folder that you can write to")
    })?;
    let mut count = 1;
    for inner in subcommands(command) {
        count += write_all(inner, Some(command), folder)?;
    }
    Ok(count)
}

/// The page of one command.
fn page(command: &clap::Command, parent: Option<&clap::Command>) -> Result<String, Error> {
    let name = name(command);
    // Unlike the list of arguments, the usage line of `--help` shows repetition and where `--` belongs.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let manual = Man::new(command.clone().override_usage(usage))
        .title(name.to_uppercase())
        .date(DATE)
        .source(format!("authctl {}", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut text = Vec::new();
    manual.render_title(&mut text)?;
    manual.render_name_section(&mut text)?;
    manual.render_synopsis_section(&mut text)?;
    if parent.is_some() {
        manual.render_description_section(&mut text)?;
    } else {
        text.extend(sections::description().into_bytes());
    }
    // Subcommands come before options.
    if subcommands(command).next().is_some() {
        manual.render_subcommands_section(&mut text)?;
    }
    manual.render_options_section(&mut text)?;
    let mut page = Page::new(String::from_utf8_lossy(&text).into_owned());
    match parent {
        None => sections::of_the_program(&mut page),
        Some(_) => sections::of_a_command(&mut page),
    }
    let mut related: Vec<String> = parent.into_iter().map(self::name).collect();
    related.extend(parent.into_iter().flat_map(subcommands).map(self::name).filter(|other| *other != name));
    related.extend(subcommands(command).map(self::name));
    if parent.is_some_and(|parent| self::name(parent) != "authctl") {
        related.insert(0, "authctl".to_owned());
    }
    page.see_also(&related, sections::others(&name));
    Ok(page.into_text())
}

/// The name of a command's page: `authctl-helper-git`.
fn name(command: &clap::Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn subcommands(command: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
}
