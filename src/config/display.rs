//! The masking rule (DESIGN 1.4): what `config show` shows of a value.

use super::Config;
use super::store::STORE_KEYS;
use crate::config::provider_table::{CREDENTIAL_KEYS, Credential, WrittenKind};
use crate::name::ProviderName;
use crate::ports::Environment;
use crate::provider::Kind;
use crate::schema::{Key, Origin, Setting, Shape, Table, Value, is_input, secret_reference};
use crate::text::style::{FAINT, STRONG, styled};
use crate::text::untrusted::escaped;

/// A line of the shown configuration: a key with what is shown of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The key; a secret's begins with `_`.
    pub key: String,
    /// What is shown.
    pub shown: Shown,
    /// Where the value was written.
    pub origin: String,
}

/// What is shown of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The value.
    Value(serde_json::Value),
    /// What stands for a secret: `<set>` and its like.
    Mask(String),
}

impl Shown {
    /// The value in TOML, or the mask.
    #[must_use]
    pub fn toml(&self) -> String {
        match self {
            Self::Value(value) => toml_text(value),
            Self::Mask(mask) => mask.clone(),
        }
    }

    /// The value, or the mask as a string.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Mask(mask) => mask.clone().into(),
        }
    }
}

/// What is shown of a provider: its own keys, and those of its kind under the name that the kind is called by.
#[derive(Debug)]
pub struct ShownProvider {
    /// The keys beside the kind.
    pub keys: Vec<Line>,
    /// The kind's name and keys.
    pub kind: Option<(String, Vec<Line>)>,
}

impl ShownProvider {
    /// As it stands in a configuration, with the origin of each value where that is asked for.
    #[must_use]
    pub fn text(&self, name: &ProviderName, origin: bool) -> String {
        let mut text = format!("{}\n", styled(STRONG, format!("[credentials.{name}]")));
        write_lines(&mut text, &self.keys, origin);
        if let Some((kind, lines)) = &self.kind {
            text.push_str(&format!("\n{}\n", styled(STRONG, format!("[credentials.{name}.{kind}]"))));
            write_lines(&mut text, lines, origin);
        }
        text
    }

    /// The same as an object.
    #[must_use]
    pub fn json(&self, origin: bool) -> serde_json::Value {
        let mut shown = object(&self.keys, origin);
        if let Some((kind, lines)) = &self.kind {
            shown.insert(kind.clone(), object(lines, origin).into());
        }
        shown.into()
    }
}

/// Lines as members of an object.
#[must_use]
pub fn object(lines: &[Line], origin: bool) -> serde_json::Map<String, serde_json::Value> {
    let value = |line: &Line| match origin {
        true => serde_json::json!({ "value": line.shown.json(), "origin": line.origin }),
        false => line.shown.json(),
    };
    lines.iter().map(|line| (line.key.clone(), value(line))).collect()
}

/// Adds lines to a text, their origins in a column of comments.
pub fn write_lines(text: &mut String, lines: &[Line], origin: bool) {
    let width = lines.iter().map(|line| line.key.len() + line.shown.toml().len()).max().unwrap_or(0).min(60);
    for line in lines {
        let shown = format!("{} = {}", line.key, line.shown.toml());
        let comment = if origin { styled(FAINT, format!("  # {}", line.origin)) } else { String::new() };
        let padding = if origin { (width + 3).saturating_sub(shown.chars().count()) } else { 0 };
        text.push_str(&format!("{shown}{}{comment}\n", " ".repeat(padding)));
    }
}

/// What is shown of a provider. Nothing is resolved: neither the network nor the keyring is touched.
#[must_use]
pub fn provider(credential: &Credential, environment: &dyn Environment) -> ShownProvider {
    let mask = Mask { environment };
    let keys = lines(
        &credential.keys,
        |name| CREDENTIAL_KEYS.iter().copied().find(|key| key.name == name),
        false,
        &mask,
    );
    ShownProvider {
        keys,
        kind: credential.kind.as_ref().map(|kind| (kind.called.clone(), kind_lines(kind, &mask))),
    }
}

/// What is shown of the top of the configuration.
#[must_use]
pub fn top(config: &Config, environment: &dyn Environment) -> Vec<Line> {
    let mask = Mask { environment };
    let shown = |key: &str, setting: &Option<Setting>| {
        let setting = setting.as_ref()?;
        Some(Line { key: key.to_owned(), shown: mask.plain(setting)?, origin: setting.origin.to_string() })
    };
    let mut top: Vec<Line> = shown("default", &config.default).into_iter().collect();
    let table = config.store.as_ref().and_then(Setting::table);
    match table.filter(|table| table.len() > 1 || !table.contains_key("kind")) {
        Some(table) => {
            let known = |name: &str| STORE_KEYS.iter().copied().find(|key| key.name == name);
            let store = lines(table, known, false, &mask);
            top.extend(store.into_iter().map(|line| Line { key: format!("store.{}", line.key), ..line }));
        }
        None => top.extend(shown("store", &table.and_then(|table| table.get("kind")).cloned())),
    }
    top.extend(shown("browser", &config.browser));
    top.extend(shown("on_login_required", &config.on_login_required));
    top.extend(shown("client_id_metadata", &config.client_id_metadata));
    top
}

fn kind_lines(kind: &WrittenKind, mask: &Mask<'_>) -> Vec<Line> {
    let empty = Table::new();
    let table = kind.table.table().unwrap_or(&empty);
    let grant = table.get("grant_type").and_then(Setting::text);
    let variants: Vec<_> = Kind::named(&kind.called).collect();
    let exact =
        grant.and_then(|grant| variants.iter().find(|known| known.has_grant(grant))).or(variants.first());
    let known = |name: &str| variants.iter().flat_map(|kind| kind.all_keys()).find(|key| key.name == name);
    let open = exact.is_some_and(|kind| kind.open);
    let mut lines = lines(table, known, open, mask);
    let secrets = exact.into_iter().flat_map(|kind| kind.all_keys()).filter(|key| key.is_secret());
    for key in secrets.filter(|key| !table.contains_key(key.name)) {
        let shown = Shown::Mask("<not set>".to_owned());
        lines.push(Line { key: format!("_{}", key.name), shown, origin: Origin::Default.to_string() });
    }
    lines
}

fn lines(
    table: &Table,
    known: impl Fn(&str) -> Option<&'static Key>,
    open: bool,
    mask: &Mask<'_>,
) -> Vec<Line> {
    let line = |(name, setting): (&String, &Setting)| {
        let key = known(name);
        let secret = name.starts_with('_') || key.is_some_and(Key::is_secret);
        let shown = match key {
            _ if name.starts_with("__") => return None,
            _ if secret => Shown::Mask(mask.secret(setting)),
            None if open => mask.plain(setting)?,
            // A key that nobody knows may be a secret with a slip in its name.
            None => Shown::Mask("<unknown key>".to_owned()),
            Some(Key { shape: Shape::Free | Shape::Secrets, .. }) => {
                return Some(free(name, setting, key?, mask));
            }
            // What is of a wrong type could be anything.
            // A slip there is a token itself.
            Some(Key { shape: Shape::Input, .. }) if !setting.table().is_some_and(is_input) => {
                Shown::Mask(format!("<wrong: {}>", setting.value.type_name()))
            }
            // A program's arguments may hold anything.
            Some(Key { shape: Shape::Input | Shape::KeySource, .. })
                if setting.table().is_some_and(secret_reference) =>
            {
                Shown::Mask(mask.secret(setting))
            }
            Some(key) if setting.table().is_some() && !holds_a_table(key) => {
                Shown::Mask("<wrong: a table>".to_owned())
            }
            Some(_) => mask.plain(setting)?,
        };
        let name = if secret { format!("_{}", name.trim_start_matches('_')) } else { name.clone() };
        Some(Line { key: escaped(&name), shown, origin: setting.origin.to_string() })
    };
    table.iter().filter_map(line).collect()
}

fn holds_a_table(key: &Key) -> bool {
    key.shape.merges() || matches!(key.shape, Shape::Scopes | Shape::Input | Shape::KeySource)
}

/// A free table, member by member.
fn free(name: &str, setting: &Setting, key: &Key, mask: &Mask<'_>) -> Line {
    let mut shown = serde_json::Map::new();
    for (member, value) in
        setting.table().into_iter().flatten().filter(|(member, _)| !member.starts_with("__"))
    {
        let secret = matches!(key.shape, Shape::Secrets) || member.starts_with('_');
        let value = if secret { Some(Shown::Mask(mask.secret(value))) } else { mask.plain(value) };
        if let Some(value) = value {
            shown.insert(escaped(member), value.json());
        }
    }
    Line { key: name.to_owned(), shown: Shown::Value(shown.into()), origin: setting.origin.to_string() }
}

struct Mask<'a> {
    environment: &'a dyn Environment,
}

impl Mask<'_> {
    /// Whether a secret is set, and how: never what it is.
    fn secret(&self, setting: &Setting) -> String {
        match &setting.value {
            value if value.is_empty() => "<not set>".to_owned(),
            Value::Table(table) if secret_reference(table) => self.reference(table),
            Value::Text(_) => "<set>".to_owned(),
            other => format!("<wrong: {}>", other.type_name()),
        }
    }

    fn reference(&self, table: &Table) -> String {
        let Some((kind, value)) = table.iter().next() else { return "<not set>".to_owned() };
        let text = escaped(value.text().unwrap_or_default());
        match kind.as_str() {
            "env" if self.environment.variable(value.text().unwrap_or_default()).is_none() => {
                format!("<not set: env {text}>")
            }
            "env" => format!("<set: env {text}>"),
            "file" => format!("<set: file {text}>"),
            "command" => format!(
                "<set: command {}>",
                escaped(value.strings().unwrap_or_default().first().unwrap_or(&""))
            ),
            _ => "<stored>".to_owned(),
        }
    }

    /// A value that is no secret. Tables that are no table of their own are not shown where a scalar belongs.
    fn plain(&self, setting: &Setting) -> Option<Shown> {
        plain(setting).map(Shown::Value)
    }
}

fn plain(setting: &Setting) -> Option<serde_json::Value> {
    match &setting.value {
        Value::Text(text) => Some(without_userinfo(text).into()),
        Value::Integer(number) => Some((*number).into()),
        Value::Boolean(flag) => Some((*flag).into()),
        Value::Array(items) => Some(items.iter().filter_map(plain).collect::<Vec<_>>().into()),
        Value::Table(table) => {
            let members = table.iter().filter(|(name, _)| !name.starts_with('_'));
            Some(serde_json::Value::Object(
                members.filter_map(|(name, member)| Some((name.clone(), plain(member)?))).collect(),
            ))
        }
        Value::Other(_) => None,
    }
}

/// A text without what stands before its last `@`, unless that is clearly no user name and password: as in a proxy's URL,
/// also one with a slip in it.
fn without_userinfo(text: &str) -> String {
    let Some((_, rest)) = text.rsplit_once('@') else { return text.to_owned() };
    let harmless = match url::Url::parse(text) {
        // `https://host/users/@me`; but in `http://u:1/x@host` the password only looks like a port.
        Ok(url) => {
            url.username().is_empty() && url.password().is_none() && url.has_host() && url.port().is_none()
        }
        Err(_) => !text.contains([':', '/']),
    };
    match text.split_once("://") {
        _ if harmless => text.to_owned(),
        Some((scheme, _)) => format!("{scheme}://<set>@{rest}"),
        None => format!("<set>@{rest}"),
    }
}

/// A value in TOML's notation, its strings escaped for a terminal.
fn toml_text(value: &serde_json::Value) -> String {
    use serde_json::Value as Json;
    match value {
        Json::String(text) if text.starts_with('<') && text.ends_with('>') => escaped(text),
        Json::String(text) => format!("\"{}\"", escaped(text).replace('"', "\\\"")),
        Json::Array(items) => format!("[{}]", items.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        Json::Object(members) if members.is_empty() => "{}".to_owned(),
        Json::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name} = {}", toml_text(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}
