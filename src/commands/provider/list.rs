//! `authctl provider list`, `show` and `templates`

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::app::App;
use crate::app::args::ProviderArg;
use crate::config::templates::{self, Template};
use crate::config::{display, report};
use crate::error::Error;
use crate::schema::{Setting, near};
use crate::text::style::{FAINT, HINT, STRONG, styled};
use crate::text::untrusted::escaped;

/// Show a provider's configuration, including values from its template
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    #[command(flatten)]
    provider: ProviderArg,
    /// Show the file and line of each value
    #[arg(long)]
    origin: bool,
}

/// List the templates for well-known providers, or show one
#[derive(Debug, clap::Args)]
pub struct TemplatesArgs {
    /// Show this template
    #[arg(value_name = "TEMPLATE")]
    template: Option<String>,
}

pub(super) fn list(app: &App<'_>) -> Result<(), Error> {
    let config = app.config;
    config.check_files(true)?;
    let default = config.choose(None).ok();
    let mut rows = Vec::new();
    for (name, credential) in &config.credentials {
        let provider = config.provider(name);
        let text =
            |key: &str| credential.keys.get(key).and_then(Setting::text).unwrap_or_default().to_owned();
        rows.push(json!({
            "name": name.as_str(),
            "default": default.as_ref() == Some(name),
            "kind": provider.as_ref().map_or("", |provider| provider.kind.name),
            "grant": provider.as_ref().ok().and_then(|provider| provider.kind.grant()),
            "domain": text("domain"),
            "template": credential.keys.get("template").and_then(Setting::text),
            "right": provider.is_ok(),
        }));
    }
    if app.json {
        return app.print_json(&json!({ "providers": rows }));
    }
    if rows.is_empty() {
        config.choose(None)?;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["PROVIDER", "KIND", "DOMAIN", "TEMPLATE", ""]);
    for row in &rows {
        let text = |key: &str| escaped(row[key].as_str().unwrap_or_default());
        let kind = if row["grant"].is_string() {
            format!("{}, {}", text("kind"), text("grant"))
        } else {
            text("kind")
        };
        let note = match (row["right"] == true, row["default"] == true) {
            (false, _) => "invalid: run `authctl config check`",
            (true, true) => "default",
            (true, false) => "",
        };
        table.add_row([text("name"), kind, text("domain"), text("template"), note.to_owned()]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    Ok(app.system.console.show(&format!("{}\n", lines.join("\n")))?)
}

pub(super) fn show(app: &App<'_>, args: &ShowArgs) -> Result<(), Error> {
    let config = app.config;
    let name = config.choose(args.provider.name(app)?.as_ref())?;
    let Some(credential) = config.credentials.get(&name) else { return Ok(()) };
    let shown = display::provider(credential, &*app.system.environment);
    if app.json {
        return app.print_json(&json!({ name.as_str(): shown.json(args.origin) }));
    }
    app.system.console.show(&shown.text(&name, args.origin))?;
    if let Err(error) = config.provider(&name) {
        for problem in &error.0 {
            app.system.console.say(format_args!("\n{}", report::render(problem)));
        }
    }
    Ok(())
}

pub(super) fn templates(app: &App<'_>, args: &TemplatesArgs) -> Result<(), Error> {
    let console = &app.system.console;
    let Some(name) = &args.template else {
        let all: Vec<Template> = templates::names().filter_map(templates::find).collect();
        if app.json {
            return app.print_json(&json!({ "templates": all.iter().map(in_json).collect::<Vec<_>>() }));
        }
        let width = all.iter().map(|template| template.name.len()).max().unwrap_or_default();
        let lines = all.iter().map(|template| format!("{:width$}  {}\n", template.name, template.title));
        return Ok(console.show(&lines.collect::<String>())?);
    };
    let template = templates::find(name).ok_or_else(|| Error::Usage {
        message: format!("unknown template `{}`", escaped(name)),
        hint: Some(match near(name, templates::names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "run `authctl provider templates` to list them".to_owned(),
        }),
    })?;
    if app.json {
        return app.print_json(&in_json(&template));
    }
    let mut text = format!("{}\n{}\n", styled(STRONG, &template.title), template.about);
    for (what, value) in
        [("Register the client at", &template.register), ("Redirect URI", &template.redirect)]
    {
        if let Some(value) = value {
            text.push_str(&format!("{what}: {}\n", styled(HINT, value)));
        }
    }
    if let Some(variable) = &template.variable {
        text.push_str(&format!("Environment variable: {variable}\n"));
    }
    for question in &template.questions {
        let more = match (&question.default, question.optional) {
            (Some(default), _) => format!("  (default: {default})"),
            (None, true) => "  (optional)".to_owned(),
            (None, false) => String::new(),
        };
        text.push_str(&format!("\n{}{}\n    {}\n", question.key, styled(FAINT, more), question.help));
    }
    text.push_str(&format!("\n{}\n", styled(HINT, format!("authctl provider add {name}"))));
    Ok(console.show(&text)?)
}

fn in_json(template: &Template) -> Value {
    let question = |question: &templates::TemplateQuestion| json!({ "key": question.key, "help": question.help, "optional": question.optional, "default": question.default });
    json!({
        "name": template.name,
        "title": template.title,
        "about": template.about,
        "register": template.register,
        "redirect": template.redirect,
        "variable": template.variable,
        "ask": template.questions.iter().map(question).collect::<Vec<_>>(),
    })
}
