//! The grammar of `[credentials]`: providers by name or in the short form, and what each holds.

use std::collections::BTreeMap;

use crate::config::helper;
use crate::name::ProviderName;
use crate::provider::{Kind, kind_names};
use crate::schema::{Key, Origin, Problem, Setting, Shape, Table, Value, near, secret_reference};
use crate::text::untrusted::escaped;

/// The keys of a credential beside its kind.
pub const CREDENTIAL_KEYS: &[&Key] = &[
    &Key::new(
        "template",
        Shape::Text,
        "The name of a template, whose values apply unless this table sets them",
    ),
    &Key::new("domain", Shape::Text, "The host that receives the token, with a port if necessary").required(),
    &Key::new("hosts", Shape::Strings, "Additional hosts that may receive the token"),
    &Key::new("scheme", Shape::Choice(&["https", "http"]), "`http` only for 127.0.0.1, [::1] and localhost")
        .or("https"),
    &Key::new(
        "url",
        Shape::Text,
        "A URL that commands accept instead of the provider's name, as in `authctl token URL`",
    ),
    &Key::new("helper", Shape::Table(helper::KEYS), "Settings for `authctl helper`"),
];

/// One provider as one layer, or all together, say it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The keys beside the kind.
    pub keys: Table,
    /// The kind with its keys.
    pub kind: Option<WrittenKind>,
    pub origin: Origin,
    pub problems: Vec<Problem>,
    /// Where the template says that an app is registered.
    pub registration: Option<String>,
    /// The only issuer that the discovered client may be used at.
    pub client_issuer: Option<String>,
}

impl Default for Credential {
    fn default() -> Self {
        Self {
            keys: Table::new(),
            kind: None,
            origin: Origin::Default,
            problems: Vec::new(),
            registration: None,
            client_issuer: None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct WrittenKind {
    pub called: String,
    /// Its keys: a table, shorthands resolved and secrets without their `_`.
    pub table: Setting,
}

impl WrittenKind {
    /// The kind's own name, whatever alias it is called by.
    #[must_use]
    pub fn canonical(&self) -> &str {
        Kind::named(&self.called).next().map_or(self.called.as_str(), |kind| kind.name)
    }
}

/// Whether a key belongs to a credential, so that it cannot be a provider's name.
#[must_use]
pub fn is_credential_key(name: &str) -> bool {
    Kind::exists(name) || CREDENTIAL_KEYS.iter().any(|key| key.name == name)
}

/// Reads `[credentials]`: providers by name, or one in the short form.
#[must_use]
pub fn parse_credentials(
    setting: &Setting,
    problems: &mut Vec<Problem>,
    loose: &mut Vec<Problem>,
) -> BTreeMap<ProviderName, Credential> {
    let mut credentials: BTreeMap<ProviderName, Credential> = BTreeMap::new();
    let Some(members) = setting.table() else {
        let message = format!("`credentials` must be a table, not {}", setting.value.type_name());
        problems.push(Problem::new(message, &setting.origin));
        return credentials;
    };
    let (short, long): (Vec<_>, Vec<_>) = members.iter().partition(|(name, _)| is_credential_key(name));
    if let (Some((short, _)), Some((long, long_setting))) = (short.first(), long.first()) {
        let message = format!(
            "`credentials` holds a provider itself (`{short}`) and providers by name (`{}`)",
            escaped(long)
        );
        problems.push(
            Problem::new(message, &long_setting.origin).hint("write each provider as [credentials.NAME]"),
        );
    }
    if !short.is_empty() {
        let table = short.into_iter().map(|(name, setting)| (name.clone(), setting.clone())).collect();
        let credential = parse_credential("credentials", &table, &setting.origin);
        credentials.insert(ProviderName::short_form(), credential);
    }
    let mut folded = BTreeMap::new();
    for (name, provider) in long {
        let Ok(parsed_name) = name.parse::<ProviderName>() else {
            let problem =
                Problem::new(format!("`{}` is not a valid provider name", escaped(name)), &provider.origin);
            loose.push(problem.hint(crate::name::InvalidProviderName.to_string()));
            continue;
        };
        if let Some(other) = folded.insert(parsed_name.folded(), parsed_name.clone()) {
            let message = format!("`{name}` and `{other}` are the same in environment variables");
            loose.push(Problem::new(message, &provider.origin).hint("rename one of them"));
        }
        let Some(table) = provider.table() else {
            let problem = Problem::new(
                format!("`credentials.{name}` must be a table, not {}", provider.value.type_name()),
                &provider.origin,
            );
            loose.push(problem);
            continue;
        };
        credentials
            .insert(parsed_name, parse_credential(&format!("credentials.{name}"), table, &provider.origin));
    }
    credentials
}

/// Reads one credential: its keys, and at most one kind.
#[must_use]
pub fn parse_credential(path: &str, table: &Table, origin: &Origin) -> Credential {
    let mut credential = Credential { origin: origin.clone(), ..Credential::default() };
    for (name, setting) in table {
        if CREDENTIAL_KEYS.iter().any(|key| key.name == name) {
            credential.keys.insert(name.clone(), setting.clone());
        } else if Kind::exists(name) {
            let (kind, problems) = written_kind(path, name, setting);
            credential.problems.extend(problems);
            match &credential.kind {
                Some(first) => {
                    let message =
                        format!("`{path}` has two token providers, `{}` and `{name}`", first.called);
                    credential
                        .problems
                        .push(Problem::new(message, &setting.origin).hint("remove one of them"));
                }
                None => credential.kind = Some(kind),
            }
        } else {
            credential.problems.push(unknown_member(path, name, setting));
        }
    }
    credential
}

fn unknown_member(path: &str, name: &str, setting: &Setting) -> Problem {
    let kinds = kind_names();
    if setting.table().is_none() {
        let known: Vec<&str> =
            CREDENTIAL_KEYS.iter().map(|key| key.name).chain(kinds.iter().copied()).collect();
        return crate::schema::unknown(path, name, setting, known.into_iter());
    }
    let problem = Problem::new(format!("unknown provider kind `{}`", escaped(name)), &setting.origin);
    let known: Vec<&str> = kinds.iter().copied().collect();
    let list = format!("the kinds are {}", known.join(", "));
    problem.hint(
        near(name, kinds.into_iter())
            .map_or_else(|| list.clone(), |near| format!("did you mean `{near}`? {list}")),
    )
}

/// Reads a kind: its shorthand becomes its table, and the names of its secrets lose their `_`.
fn written_kind(path: &str, called: &str, setting: &Setting) -> (WrittenKind, Vec<Problem>) {
    let variants: Vec<&Kind> = Kind::named(called).collect();
    let mut problems = Vec::new();
    let shorthand = variants.iter().find_map(|kind| {
        let name = kind.shorthand?;
        kind.all_keys().find(|key| key.name == name)
    });
    let table = match (&setting.value, shorthand) {
        (value, _) if value.is_empty() => Table::new(),
        (Value::Table(_), Some(key)) if key.is_secret() && secret_reference(key.name, setting).is_some() => {
            Table::from([(key.name.to_owned(), setting.clone())])
        }
        (Value::Table(table), _) => {
            bare_secrets(&format!("{path}.{called}"), table, &variants, &mut problems)
        }
        (_, Some(key)) => Table::from([(key.name.to_owned(), setting.clone())]),
        (other, None) => {
            problems.push(Problem::new(
                format!("`{path}.{called}` must be a table, not {}", other.type_name()),
                &setting.origin,
            ));
            Table::new()
        }
    };
    let table = Setting::new(Value::Table(table), setting.origin.clone());
    (WrittenKind { called: called.to_owned(), table }, problems)
}

fn bare_secrets(path: &str, table: &Table, variants: &[&Kind], problems: &mut Vec<Problem>) -> Table {
    let is_secret = |name: &str| {
        variants.iter().any(|kind| kind.all_keys().any(|key| key.name == name && key.is_secret()))
    };
    let mut bare = Table::new();
    for (name, setting) in table {
        let name = match name.strip_prefix('_') {
            Some(rest) if is_secret(rest) => rest,
            _ => name,
        };
        if bare.insert(name.to_owned(), setting.clone()).is_some() {
            let message = format!("`{path}` has both `{name}` and `_{name}`");
            problems.push(Problem::new(message, &setting.origin).hint("remove one of them"));
        }
    }
    bare
}
