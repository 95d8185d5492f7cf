//! Subject tokens: the tokens that a grant takes as input. They come from another provider, a variable, a file, a
//! program or standard input.

use std::rc::Rc;

use crate::name::{AccountName, ProviderName};
use crate::provider::error::ProviderError;
pub use crate::schema::TokenKind;
use crate::schema::{Problem, SecretSource, Section, TokenSource};
use crate::secret::SecretText;
use crate::store::lock::Lock;

/// A token's role in the grant (RFC 8693 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user or service that the new token is for.
    Subject,
    /// The user or service that acts for the subject.
    Actor,
}

impl Role {
    /// The configuration key, and the first word of the request parameters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Actor => "actor",
        }
    }
}

#[derive(Debug, Clone)]
pub enum Source {
    /// Another configured provider.
    Provider {
        name: ProviderName,
        /// The account, if there are several.
        account: Option<AccountName>,
        kind: TokenKind,
    },
    /// A variable, a file or a program, read again for every use.
    Secret(SecretSource),
    Stdin,
}

/// A subject token that a grant needs, as configured.
#[derive(Debug, Clone)]
pub struct SubjectTokenSource {
    pub role: Role,
    pub source: Source,
}

impl SubjectTokenSource {
    /// Reads a role's key; `None` if it is not set.
    pub fn read(section: &Section, role: Role) -> Result<Option<Self>, Problem> {
        let Some(written) = section.token(role.name()) else { return Ok(None) };
        let problem = |message: &str| section.problem(role.name(), message);
        let source = match written {
            TokenSource::Provider { name, token, account } => Source::Provider {
                name: name
                    .parse()
                    .map_err(|_| problem("has a `provider` that is not a valid provider name"))?,
                account: account
                    .as_deref()
                    .map(str::parse)
                    .transpose()
                    .map_err(|_| problem("has an `account` that is not a valid account name"))?,
                kind: *token,
            },
            TokenSource::Secret(source) => Source::Secret(source.clone()),
            TokenSource::Stdin => Source::Stdin,
        };
        Ok(Some(Self { role, source }))
    }

    /// The provider whose token it needs.
    pub fn provider(&self) -> Option<&ProviderName> {
        if let Source::Provider { name, .. } = &self.source { Some(name) } else { None }
    }
}

#[derive(Debug, Clone, Default)]
pub struct SubjectTokens {
    pub subject: Option<SubjectToken>,
    pub actor: Option<SubjectToken>,
}

/// A token, and where it may be sent.
#[derive(Debug, Clone)]
pub struct SubjectToken {
    pub secret: SecretText,
    /// The type, if the configuration does not set it: a type URI of RFC 8693 section 3.
    pub token_type: &'static str,
    /// A refresh token may be sent only to the origin of the token endpoint that issued it (RFC 9700 section 4.14).
    pub only_to: Option<String>,
    /// Held until the token is dropped, so that no other process rotates it while it is in use.
    pub(crate) _lock: Option<Rc<Lock>>,
}

impl SubjectToken {
    /// The token for a token endpoint. Fails if it may not be sent there.
    pub fn for_endpoint(&self, origin: &str) -> Result<&str, ProviderError> {
        match &self.only_to {
            Some(bound) if bound != origin => Err(ProviderError::Unconfigured {
                message: format!(
                    "authctl sends a refresh token only to the server that issued it, {bound}, not to {origin}"
                ),
                hint: Some("set `token` in `subject` to access_token or id_token".to_owned()),
            }),
            _ => Ok(self.secret.expose()),
        }
    }
}
