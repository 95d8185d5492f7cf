//! Changes of the user's configuration file that keep its comments and its order. It is long for its errors and for what a
//! provider's table may look like; both belong to the one document that is changed.

use std::path::PathBuf;
use std::sync::Arc;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value, value};

use super::changes::changes;
pub use super::edit_error::EditError;
use super::guarded_file::{self, Unread};
use super::{Config, ConfigError, layers};
use crate::config::provider_table::{CREDENTIAL_KEYS, is_credential_key};
use crate::name::ProviderName;
use crate::os::user_file;
use crate::ports::System;
use crate::provider::Kind;
use crate::schema::{Key, Layer, Shape, Source, near};
use crate::text::untrusted::{Untrusted, escaped};

/// A key of a credential with its value, as it will be written.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The path of the key in the credential: `domain`, or the kind and its key.
    pub path: Vec<String>,
    /// The value.
    pub value: Value,
}

impl Assignment {
    /// Reads `KEY=VALUE`. A key that is not one of the credential's own is the kind's. A secret is named by reference.
    ///
    /// # Errors
    /// [`EditError::Key`], [`EditError::Value`], [`EditError::Secret`].
    pub fn parse(text: &str, kind: &str) -> Result<Self, EditError> {
        let (name, written) = text.split_once('=').unwrap_or((text, ""));
        let (path, key) = find_key(name.trim(), kind)?;
        Ok(Self { value: typed(&path.join("."), key, written.trim())?, path })
    }

    /// A secret that is kept in the token store.
    ///
    /// # Errors
    /// [`EditError::Key`], for what is no secret of the kind.
    pub fn stored(name: &str, kind: &str) -> Result<Self, EditError> {
        let (path, key) = find_key(name, kind)?;
        if !key.is_secret() {
            return Err(EditError::Value { key: path.join("."), expected: key.shape.expectation() });
        }
        Ok(Self { path, value: Value::from(InlineTable::from_iter([("stored", true)])) })
    }

    /// A text, as its key wants it.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of(name: &str, text: &str, kind: &str) -> Result<Self, EditError> {
        let (path, key) = find_key(name, kind)?;
        Ok(Self { value: typed(&path.join("."), key, text)?, path })
    }
}

/// The key of a name: `domain`, `oauth.client_id`, or `client_id` of the kind.
///
/// # Errors
/// [`EditError::Key`].
pub fn find_key(name: &str, kind: &str) -> Result<(Vec<String>, &'static Key), EditError> {
    let mut parts: Vec<&str> = name.split('.').collect();
    let first = parts.first().copied().unwrap_or_default();
    let own = |name: &str| CREDENTIAL_KEYS.iter().copied().find(|key| key.name == name);
    if let Some(key) = own(first) {
        let nested = match (key.shape, parts.get(1)) {
            (Shape::Table(keys), Some(inner)) => keys.iter().copied().find(|key| key.name == *inner),
            (_, Some(_)) => None,
            (_, None) => Some(key),
        };
        let path = parts.iter().map(|&part| part.to_owned()).collect();
        return nested.map(|key| (path, key)).ok_or_else(|| unknown(name, kind));
    }
    // A name without a dot is a key, even where a kind has the same name.
    if parts.len() == 1 || !Kind::exists(first) {
        parts.insert(0, kind);
    }
    let [called, key_name] = parts[..] else { return Err(unknown(name, kind)) };
    let key_name = key_name.trim_start_matches('_');
    let key = Kind::keys_of(called).find(|key| key.name == key_name).ok_or_else(|| unknown(name, kind))?;
    Ok((vec![called.to_owned(), key_name.to_owned()], key))
}

fn unknown(name: &str, kind: &str) -> EditError {
    let last = name.rsplit('.').next().unwrap_or_default();
    let known = Kind::keys_of(kind).chain(CREDENTIAL_KEYS.iter().copied()).map(|key| key.name);
    EditError::Key { name: Untrusted::new(name), hint: near(last, known).map(|name| name.to_owned()) }
}

/// A value as its key wants it.
fn typed(path: &str, key: &Key, text: &str) -> Result<Value, EditError> {
    let wrong = || EditError::Value { key: path.to_owned(), expected: key.shape.expectation() };
    let as_toml = || text.parse::<Value>().map_err(|_| wrong());
    let words = || text.split_whitespace().collect::<Array>();
    Ok(match key.shape {
        Shape::Secret if text.starts_with('{') => as_toml()?,
        Shape::Secret => return Err(EditError::Secret(path.to_owned())),
        Shape::Text | Shape::Choice(_) | Shape::Duration => Value::from(text),
        Shape::Boolean => Value::from(text.parse::<bool>().map_err(|_| wrong())?),
        Shape::Strings | Shape::Words | Shape::Scopes if !text.starts_with(['[', '{']) => words().into(),
        _ => as_toml()?,
    })
}

/// The user's configuration file with changes that are not written yet.
pub struct Edit {
    path: PathBuf,
    before: Option<String>,
    document: DocumentMut,
}

impl Edit {
    /// Opens the file, which may not be there yet.
    ///
    /// # Errors
    /// [`EditError`].
    pub fn open(config: &Config) -> Result<Self, EditError> {
        let file = config.files.iter().find(|file| file.layer == Layer::User).ok_or(EditError::NoFolder)?;
        let path = file.path.clone();
        let shown = || escaped(&path.display().to_string());
        let before = match guarded_file::read(&path) {
            Ok(file) => Some(file.text),
            Err(Unread::Absent) => None,
            Err(Unread::Io(source)) => {
                return Err(EditError::File { path: shown(), what: "read", source });
            }
            Err(Unread::Unsafe(refusal)) => return Err(ConfigError(vec![refusal.problem(&path)]).into()),
        };
        let document =
            before.as_deref().unwrap_or_default().parse().map_err(|_| EditError::Syntax(shown()))?;
        Ok(Self { path, before, document })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// What it was before.
    #[must_use]
    pub fn before(&self) -> &str {
        self.before.as_deref().unwrap_or_default()
    }

    fn after(&self) -> String {
        self.document.to_string()
    }

    /// Whether there is anything to write.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.before() != self.after()
    }

    /// What is to be written, and what goes, each line with its sign and no line with a secret.
    ///
    /// # Errors
    /// [`EditError::Wrong`].
    pub fn changes(&self, system: &System) -> Result<String, EditError> {
        let written = |text| Ok::<_, EditError>(Config::as_written(system, self.parse(text)?));
        let (before, after) = (written(self.before().to_owned())?, written(self.after())?);
        Ok(changes(&before, &after, &*system.environment))
    }

    /// The table of a provider: the one of its name, or all of `[credentials]` in the short form.
    fn table(&mut self, name: &ProviderName) -> Result<Option<&mut Table>, EditError> {
        let Some(credentials) = self.document.get_mut("credentials").and_then(Item::as_table_mut) else {
            return Ok(None);
        };
        let is_short = credentials.iter().any(|(key, _)| is_credential_key(key));
        match (is_short, *name == ProviderName::short_form()) {
            (true, true) => Ok(Some(credentials)),
            (true, false) => Err(EditError::ShortForm),
            (false, _) => Ok(credentials.get_mut(name.as_str()).and_then(Item::as_table_mut)),
        }
    }

    /// Adds a provider.
    ///
    /// # Errors
    /// [`EditError::Present`], unless it is to be replaced; [`EditError::ShortForm`].
    pub fn add(&mut self, name: &ProviderName, keys: &[Assignment], replace: bool) -> Result<(), EditError> {
        if self.table(name)?.is_some() {
            if !replace {
                return Err(EditError::Present(name.clone()));
            }
            self.remove(name)?;
        }
        let credentials = self.document.entry("credentials").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let credentials = credentials.as_table_mut().ok_or_else(|| self_is_inline("credentials"))?;
        let mut table = Table::new();
        if !credentials.is_empty() || self.before.as_ref().is_some_and(|before| !before.trim().is_empty()) {
            table.decor_mut().set_prefix("\n");
        }
        for assignment in keys {
            assign(&mut table, assignment)?;
        }
        credentials.insert(name.as_str(), Item::Table(table));
        Ok(())
    }

    /// Sets keys of a provider.
    ///
    /// # Errors
    /// [`EditError::Absent`].
    pub fn set(&mut self, name: &ProviderName, keys: &[Assignment]) -> Result<(), EditError> {
        let table = self.table(name)?.ok_or_else(|| EditError::Absent(name.clone()))?;
        keys.iter().try_for_each(|assignment| assign(table, assignment))
    }

    /// Takes a key of a provider away; `false` where it was not written.
    ///
    /// # Errors
    /// [`EditError::Absent`].
    pub fn unset(&mut self, name: &ProviderName, path: &[String]) -> Result<bool, EditError> {
        let mut table = self.table(name)?.ok_or_else(|| EditError::Absent(name.clone()))?;
        let Some((last, parents)) = path.split_last() else { return Ok(false) };
        for parent in parents {
            match table.get_mut(parent) {
                Some(Item::Table(inner)) => table = inner,
                Some(Item::Value(Value::InlineTable(inner))) => {
                    return Ok(inner.remove(last).or_else(|| inner.remove(&format!("_{last}"))).is_some());
                }
                _ => return Ok(false),
            }
        }
        Ok(table.remove(last).or_else(|| table.remove(&format!("_{last}"))).is_some())
    }

    /// Takes a provider away, and the default that it was.
    ///
    /// # Errors
    /// [`EditError::Absent`].
    pub fn remove(&mut self, name: &ProviderName) -> Result<(), EditError> {
        if self.table(name)?.is_none() {
            return Err(EditError::Absent(name.clone()));
        }
        let credentials = self.document.get_mut("credentials").and_then(Item::as_table_mut);
        let is_whole =
            credentials.as_ref().is_some_and(|table| table.iter().any(|(key, _)| is_credential_key(key)));
        match credentials {
            Some(credentials) if !is_whole => drop(credentials.remove(name.as_str())),
            _ => drop(self.document.remove("credentials")),
        }
        if self.document.get("default").and_then(Item::as_str) == Some(name.as_str()) {
            self.document.remove("default");
        }
        Ok(())
    }

    /// Makes a provider the default.
    pub fn set_default(&mut self, name: &ProviderName) {
        self.document.insert("default", value(name.as_str()));
    }

    /// Whether the file as it will be is right, as far as a provider is concerned.
    ///
    /// # Errors
    /// [`EditError::Wrong`].
    pub fn check(&self, system: &System, name: &ProviderName) -> Result<(), EditError> {
        let config = self.config(system)?;
        config.check_files(false)?;
        config.provider(name).map(drop).map_err(EditError::from)
    }

    /// The configuration that the file as it will be makes, by itself.
    ///
    /// # Errors
    /// [`EditError::Wrong`].
    pub fn config(&self, system: &System) -> Result<Config, EditError> {
        Ok(Config::of_file(system, self.parse(self.after())?))
    }

    fn parse(&self, text: String) -> Result<layers::Document, EditError> {
        let source = Source {
            layer: Layer::User,
            name: self.path.display().to_string(),
            path: Some(self.path.clone()),
            text,
        };
        Ok(layers::parse(&Arc::new(source)).map_err(ConfigError)?)
    }

    /// Writes the file, unless another program has changed it since it was opened.
    ///
    /// # Errors
    /// [`EditError::File`].
    pub fn save(&self) -> Result<(), EditError> {
        self.replace(self.before.as_deref(), Some(&self.after()))
    }

    /// Writes the file as it was before [`Self::save`].
    ///
    /// # Errors
    /// [`EditError::File`], also when another program has changed it since.
    pub fn restore(&self) -> Result<(), EditError> {
        self.replace(Some(&self.after()), self.before.as_deref())
    }

    fn replace(&self, before: Option<&str>, after: Option<&str>) -> Result<(), EditError> {
        user_file::replace(&self.path, before, after).map_err(|source| EditError::File {
            path: escaped(&self.path.display().to_string()),
            what: "written",
            source,
        })
    }
}

fn self_is_inline(key: &str) -> EditError {
    EditError::Value {
        key: key.to_owned(),
        expected: "a table of its own, such as [credentials.NAME]".to_owned(),
    }
}

/// Sets one key. A kind that is not there yet is written with dots; one that is written by its shorthand gives way.
fn assign(table: &mut Table, Assignment { path, value: written }: &Assignment) -> Result<(), EditError> {
    let [first, rest @ ..] = path.as_slice() else { return Ok(()) };
    let Some(last) = rest.last() else {
        table.insert(first, value(written.clone()));
        return Ok(());
    };
    let inner = table.entry(first).or_insert_with(|| {
        let mut inner = Table::new();
        inner.set_dotted(true);
        Item::Table(inner)
    });
    match inner {
        Item::Table(inner) => {
            inner.remove(&format!("_{last}"));
            inner.insert(last, value(written.clone()));
        }
        Item::Value(Value::InlineTable(inner)) => {
            inner.remove(&format!("_{last}"));
            inner.insert(last, written.clone());
        }
        _ => return Err(self_is_inline(first)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::KINDS;

    fn edit(text: &str) -> Edit {
        Edit { path: PathBuf::new(), before: Some(text.to_owned()), document: text.parse().unwrap() }
    }

    fn assignments(texts: &[&str]) -> Vec<Assignment> {
        texts.iter().map(|text| Assignment::parse(text, "oauth").unwrap()).collect()
    }

    #[test]
    fn comments_and_order_stay() {
        let name = "new".parse().unwrap();
        let text = "# mine\nstore = \"file\" # here\n\n[credentials.b]\ndomain = \"b.example\"\n\n# the other\n[credentials.a]\ndomain = \"a.example\"\njwt = \"x\"\n";
        let mut edit = edit(text);
        let keys = assignments(&["template=github", "client_id=abc", "scopes=a b", "helper.git_username=x"]);
        edit.add(&name, &keys, false).unwrap();
        assert_eq!(
            edit.after(),
            format!(
                "{text}\n[credentials.new]\ntemplate = \"github\"\noauth.client_id = \"abc\"\noauth.scopes = [\"a\", \"b\"]\nhelper.git_username = \"x\"\n"
            )
        );
        assert!(matches!(edit.add(&name, &[], false), Err(EditError::Present(_))));
        edit.set(&"a".parse().unwrap(), &assignments(&["domain=c.example"])).unwrap();
        assert!(edit.after().contains("# the other\n[credentials.a]\ndomain = \"c.example\"\njwt = \"x\"\n"));
        edit.remove(&name).unwrap();
        assert_eq!(edit.after(), text.replace("a.example", "c.example"));
        assert!(matches!(edit.remove(&name), Err(EditError::Absent(_))));
    }

    #[test]
    fn the_default_goes_with_its_provider() {
        let mut edit = edit("default = \"a\"\n[credentials.a]\njwt = \"x\"\n[credentials.b]\njwt = \"x\"\n");
        edit.remove(&"b".parse().unwrap()).unwrap();
        assert!(edit.after().contains("default = \"a\""));
        edit.remove(&"a".parse().unwrap()).unwrap();
        assert!(!edit.after().contains("default"));
        edit.set_default(&"c".parse().unwrap());
        assert!(edit.after().contains("default = \"c\""));
    }

    #[test]
    fn the_short_form() {
        let text = "[credentials]\ndomain = \"a.example\"\njwt = \"x\"\n";
        let mut edit = edit(text);
        assert!(matches!(edit.add(&"b".parse().unwrap(), &[], false), Err(EditError::ShortForm)));
        edit.set(&ProviderName::short_form(), &assignments(&["domain=b.example"])).unwrap();
        assert_eq!(edit.after(), text.replace("a.example", "b.example"));
        assert!(edit.unset(&ProviderName::short_form(), &["domain".to_owned()]).unwrap());
        edit.remove(&ProviderName::short_form()).unwrap();
        assert_eq!(edit.after(), "");
    }

    #[test]
    fn f_leak1_keys_and_values() {
        let read = |text: &str| match Assignment::parse(text, "oauth") {
            Ok(assignment) => {
                format!("{}={}", assignment.path.join("."), assignment.value.to_string().trim())
            }
            Err(error) => error.to_string(),
        };
        for (text, want) in [
            ("domain=a.example", "domain=\"a.example\""),
            ("client_id=x", "oauth.client_id=\"x\""),
            ("oauth.client_id=x=y", "oauth.client_id=\"x=y\""),
            ("use_dpop=true", "oauth.use_dpop=true"),
            ("use_dpop=yes", "`oauth.use_dpop` must be true or false"),
            ("scopes=a b", "oauth.scopes=[\"a\", \"b\"]"),
            ("hosts=[\"a\", \"b\"]", "hosts=[\"a\", \"b\"]"),
            ("_client_secret={ env = \"X\" }", "oauth.client_secret={ env = \"X\" }"),
            (
                "client_secret=canary",
                "`oauth.client_secret` is a secret, which no argument holds: others can see it there",
            ),
            ("clientid=x", "there is no key `clientid`; did you mean `client_id`?"),
            ("api_key.header=X-Key", "api_key.header=\"X-Key\""),
            ("helper.aws_role=arn", "helper.aws_role=\"arn\""),
            ("helper.nothing=x", "there is no key `helper.nothing`"),
            ("extra_params={ a = \"b\" }", "oauth.extra_params={ a = \"b\" }"),
            ("extra_params=x", "`oauth.extra_params` must be a table of strings"),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
        assert!(Assignment::stored("client_secret", "oauth").is_ok());
        assert!(Assignment::stored("client_id", "oauth").is_err());
    }

    /// `--kind jwt --secret jwt` was refused with "there is no key `jwt`; did you mean `jwt`?".
    #[test]
    fn every_key_of_every_kind_is_found_by_its_bare_name() {
        for kind in KINDS {
            for key in kind.all_keys() {
                let path = vec![kind.name.to_owned(), key.name.to_owned()];
                for name in [key.name.to_owned(), path.join(".")] {
                    assert_eq!(find_key(&name, kind.name).unwrap().0, path, "{name} of {}", kind.name);
                }
            }
        }
    }
}
