//! Where a value was written: the layer, the file and the place in it.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a value may come from, lowest first: a later layer wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The template that a provider names with `template`.
    Template,
    /// Servers that `authctl login` discovered and clients that it registered. It may not name programs or secrets.
    Discovered,
    /// The machine's file, `/etc/authctl/config.toml`.
    Site,
    User,
    /// The project's `.authctl.toml`, which may only select and narrow.
    Project,
    Environment,
}

impl Layer {
    /// Whether this layer may name programs, certificates and proxies. Only files by the user or the machine's administrator
    /// may (F-BIND2).
    #[must_use]
    pub fn may_name_programs(self) -> bool {
        matches!(self, Self::Template | Self::Site | Self::User)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Template => "template",
            Self::Discovered => "discovered",
            Self::Site => "site",
            Self::User => "user",
            Self::Project => "project",
            Self::Environment => "environment",
        })
    }
}

/// A configuration text and its name for messages. Its `Debug` shows no text: it may hold secrets.
pub struct SourceFile {
    /// The layer that the text belongs to.
    pub layer: Layer,
    /// The name in messages: a path, or `template github`.
    pub name: String,
    /// The base of relative paths.
    pub path: Option<PathBuf>,
    pub text: String,
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SourceFile({} {})", self.layer, self.name)
    }
}

#[derive(Debug, Clone)]
pub enum Origin {
    /// In a file: the span of its key (of the table's header, for a table), in bytes.
    File {
        source: Arc<SourceFile>,
        /// The key's span in the file's text.
        key: Range<usize>,
        /// The value's span in the file's text.
        value: Range<usize>,
    },
    /// In an environment variable of this name.
    Variable(String),
    /// Nowhere: a default value.
    Default,
}

impl Origin {
    #[must_use]
    pub fn layer(&self) -> Layer {
        match self {
            Self::File { source, .. } => source.layer,
            Self::Variable(_) => Layer::Environment,
            Self::Default => Layer::Template,
        }
    }

    /// Resolves a path; a relative path starts at the file's folder.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        let folder = match self {
            Self::File { source, .. } => source.path.as_deref().and_then(|file| file.parent()),
            _ => None,
        };
        match folder {
            Some(folder) if !path.starts_with("~/") => folder.join(path),
            _ => PathBuf::from(path),
        }
    }

    /// The file's line, counted from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        let Self::File { source, key, .. } = self else { return None };
        source.text.get(..key.start).map(|before| before.matches('\n').count() + 1)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { source, .. } => match (self.line(), source.layer) {
                (Some(line), layer) if layer != Layer::Template => {
                    write!(formatter, "{}:{line}", source.name)
                }
                _ => formatter.write_str(&source.name),
            },
            Self::Variable(name) => formatter.write_str(name),
            Self::Default => formatter.write_str("default"),
        }
    }
}
