//! Subject tokens: the tokens that a grant takes as input. They come from another provider, a variable, a file, a program or
//! standard input.

use std::rc::Rc;

use crate::name::{AccountName, ProviderName};
use crate::provider::error::ProviderError;
pub use crate::schema::TokenKind;
use crate::schema::{Problem, SecretSource, Section, TokenSource};
use crate::secret::SecretText;
use crate::store::lock::Lock;

/// What a token is to the grant (RFC 8693 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Whom the new token is for.
    Subject,
    /// Who acts.
    Actor,
}

impl Role {
    /// The key of the configuration, and the first word of its parameters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Actor => "actor",
        }
    }
}

/// Where a token comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Another provider of this configuration.
    Provider {
        name: ProviderName,
        /// Its account, where several are logged in.
        account: Option<AccountName>,
        kind: TokenKind,
    },
    /// A variable, a file or a program, read again for every use.
    Secret(SecretSource),
    /// Standard input.
    Stdin,
}

/// A subject token that a grant needs, as it is configured.
#[derive(Debug, Clone)]
pub struct SubjectTokenSource {
    /// What it is to the grant.
    pub role: Role,
    /// Where it comes from.
    pub source: Source,
}

impl SubjectTokenSource {
    /// Reads the key of a role; `None` when it is not written.
    ///
    /// # Errors
    /// The problem with it.
    pub fn read(section: &Section, role: Role) -> Result<Option<Self>, Problem> {
        let Some(written) = section.token(role.name()) else { return Ok(None) };
        let problem = |message: &str| section.problem(role.name(), message);
        let source = match written {
            TokenSource::Provider { name, token, account } => Source::Provider {
                name: name.parse().map_err(|_| problem("has a `provider` that is no provider's name"))?,
                account: account
                    .as_deref()
                    .map(str::parse)
                    .transpose()
                    .map_err(|_| problem("has an `account` that is no account's name"))?,
                kind: *token,
            },
            TokenSource::Secret(source) => Source::Secret(source.clone()),
            TokenSource::Stdin => Source::Stdin,
        };
        Ok(Some(Self { role, source }))
    }

    /// The provider that it needs a token of.
    pub fn provider(&self) -> Option<&ProviderName> {
        if let Source::Provider { name, .. } = &self.source { Some(name) } else { None }
    }
}

/// The tokens for one use.
#[derive(Debug, Clone, Default)]
pub struct SubjectTokens {
    /// The subject's.
    pub subject: Option<SubjectToken>,
    /// The actor's.
    pub actor: Option<SubjectToken>,
}

/// A token, and where it may be sent.
#[derive(Debug, Clone)]
pub struct SubjectToken {
    /// The token.
    pub secret: SecretText,
    /// What it is, where the configuration does not say: a type URI of RFC 8693 section 3.
    pub token_type: &'static str,
    /// The origin of the token endpoint that issued it, for a refresh token: it goes nowhere else (RFC 9700 section 4.14).
    pub only_to: Option<String>,
    /// Held until the token is dropped, so that no other process rotates it while it is in use.
    pub(crate) _lock: Option<Rc<Lock>>,
}

impl SubjectToken {
    /// The token, for a token endpoint.
    ///
    /// # Errors
    /// [`ProviderError::Unconfigured`], when it may not go there.
    pub fn for_endpoint(&self, origin: &str) -> Result<&str, ProviderError> {
        match &self.only_to {
            Some(bound) if bound != origin => Err(ProviderError::Unconfigured {
                message: format!(
                    "a refresh token goes only to where it is from, {bound}, and not to {origin}"
                ),
                hint: Some("let `subject` name the access_token or the id_token".to_owned()),
            }),
            _ => Ok(self.secret.expose()),
        }
    }
}
