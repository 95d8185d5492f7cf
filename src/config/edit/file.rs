//! The user's configuration file with changes that are not written yet.

use std::path::PathBuf;
use std::sync::Arc;

use toml_edit::{DocumentMut, Item, Table, Value, value};

use super::assignment::Assignment;
use super::error::EditError;
use crate::config::changes::changes;
use crate::config::guarded_file::{self, Unread};
use crate::config::merged::{Config, ConfigError};
use crate::config::provider_table::is_credential_key;
use crate::config::toml_document::{self, Document};
use crate::name::ProviderName;
use crate::os::user_file;
use crate::ports::System;
use crate::schema::{Layer, SourceFile};
use crate::text::untrusted::escaped;

/// The user's configuration file with changes that are not written yet.
pub struct Edit {
    path: PathBuf,
    before: Option<String>,
    document: DocumentMut,
}

impl Edit {
    /// Opens the file, which may not exist yet.
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

    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

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

    /// Shows the added and removed lines, without secrets.
    ///
    /// # Errors
    /// [`EditError::Wrong`].
    pub fn changes(&self, system: &System) -> Result<String, EditError> {
        let written = |text| Ok::<_, EditError>(Config::as_written(system, self.parse(text)?));
        let (before, after) = (written(self.before().to_owned())?, written(self.after())?);
        Ok(changes(&before, &after, &*system.environment))
    }

    /// Returns a provider's table, which is all of `[credentials]` in the short form.
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
    /// [`EditError::Present`], unless `replace` is set; [`EditError::ShortForm`].
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

    fn parse(&self, text: String) -> Result<Document, EditError> {
        let source = SourceFile {
            layer: Layer::User,
            name: self.path.display().to_string(),
            path: Some(self.path.clone()),
            text,
        };
        Ok(toml_document::parse(&Arc::new(source)).map_err(ConfigError)?)
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
            what: "write",
            source,
        })
    }
}

fn self_is_inline(key: &str) -> EditError {
    EditError::Value {
        key: key.to_owned(),
        expected: "a separate table, such as [credentials.NAME]".to_owned(),
    }
}

/// Sets one key. A new kind is written with dotted keys, and a kind in shorthand is replaced.
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
}
