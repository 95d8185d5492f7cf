//! Third-party providers: the program `authctl-provider-NAME` on PATH, with a JSON protocol.
//! `docs/provider-programs.md` describes it.

mod program;
mod refresh;

use std::time::Duration;

use serde_json::{Map, Value};

use self::program::ProviderProgram;
use self::refresh::ProgramRefresh;
use crate::binding::Binding;
use crate::name::ScopeSet;
use crate::provider::build_context::BuildContext;
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::provider::grant::{Grant, IssueOutcome, Login};
use crate::provider::kind::Kind;
use crate::provider::logout::Revocation;
use crate::provider::refresh::PreparedRefresh;
use crate::provider::request::{IssueRequest, LoginRequest, TokenRequest};
use crate::provider::token_provider::{Requirement, TokenProvider};
use crate::schema::{Key, Problem, Section, Shape};
use crate::store::record::{Record, TokenKey};

/// The limit if the program may have to ask the user.
const INTERACTIVE_TIMEOUT: Duration = Duration::from_secs(300);

pub const KIND: Kind = Kind {
    name: "external",
    alias: None,
    grants: &[],
    shorthand: None,
    about: "A program named authctl-provider-NAME that uses a documented JSON protocol",
    keys: &[KEYS],
    open: true,
    variables: &[],
    runs_program: true,
    build,
};

/// The kind's own keys. All other keys are passed to the program.
const KEYS: &[&Key] = &[
    &Key::new("program", Shape::Text, "The NAME in authctl-provider-NAME, a program on PATH")
        .required()
        .trusted(),
    &Key::new("timeout", Shape::Duration, "The time limit for the program").or("30s"),
];

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let name = section.text("program").unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(fits) {
        let problem = section.problem("program", "must be a name of lower-case letters, digits and `-`");
        return Err(vec![
            problem.hint("program = \"NAME\" runs authctl-provider-NAME, which must be on PATH"),
        ]);
    }
    Ok(Box::new(ProviderProgram {
        program: format!("authctl-provider-{name}"),
        timeout: section.duration("timeout").unwrap_or(Duration::from_secs(30)),
        settings: section.passed_on().clone(),
        domain: build.domain.clone(),
    }))
}

/// A program's description of itself.
struct Description {
    interactive: bool,
}

impl TokenProvider for ProviderProgram {
    fn requirements(&self) -> Vec<Requirement> {
        vec![Requirement::Program(self.program.clone())]
    }

    fn binding(&self) -> Binding {
        self.definition()
    }

    fn keeps_tokens(&self) -> bool {
        true
    }

    fn token_key(&self, request: &TokenRequest) -> TokenKey {
        let scopes: Vec<String> = request.scopes.iter().flat_map(ScopeSet::iter).map(str::to_owned).collect();
        TokenKey::default()
            .with("scope", &scopes)
            .with("audience", &request.audience)
            .with("resource", &request.resource)
    }

    fn issue(
        &self,
        context: &Context<'_>,
        request: &IssueRequest<'_>,
    ) -> Result<IssueOutcome, ProviderError> {
        let message = self.wanted(request.wanted, false);
        Ok(IssueOutcome::Grant(Box::new(self.tokens(
            context,
            "issue",
            message,
            request.wanted,
            self.timeout,
        )?)))
    }

    fn login(&self, context: &Context<'_>, request: &LoginRequest) -> Result<Login, ProviderError> {
        if !self.describe(context)?.interactive {
            return Err(ProviderError::NeedsNoLogin);
        }
        let wanted = TokenRequest { scopes: request.scopes.clone(), ..TokenRequest::default() };
        let message = self.wanted(&wanted, true);
        let limit = request.timeout.unwrap_or(INTERACTIVE_TIMEOUT);
        Ok(Login { grant: self.tokens(context, "issue", message, &wanted, limit)?, page: None, held: None })
    }

    fn prepare_refresh<'a>(
        &'a self,
        context: &'a Context<'a>,
        record: &Record,
        request: &TokenRequest,
    ) -> Result<Box<dyn PreparedRefresh + 'a>, ProviderError> {
        let mut message = self.wanted(request, false);
        let token = record.refresh_token.as_ref().ok_or(ProviderError::NotOffered("a refresh"))?;
        message.insert("refresh_token".to_owned(), token.expose().into());
        let input = self.input(context, "refresh", message)?;
        let requested_scopes = request.scopes.clone().unwrap_or_default();
        Ok(Box::new(ProgramRefresh { program: self, context, input, requested_scopes }))
    }

    fn revoke(&self, context: &Context<'_>, record: &Record) -> Vec<(&'static str, Revocation)> {
        let refresh =
            record.refresh_token.iter().map(|token| ("refresh token", "refresh_token", token.expose()));
        let access =
            record.tokens().map(|token| ("access token", "access_token", token.access_token.expose()));
        let revoke = |hint: &str, token: &str| {
            let message = Map::from_iter([
                ("token".to_owned(), token.into()),
                ("token_type_hint".to_owned(), hint.into()),
            ]);
            match self.converse(context, "revoke", message, self.timeout) {
                Ok(_) => Revocation::Revoked,
                Err(ProviderError::Token(error)) if error.is("not_supported") => Revocation::NotOffered,
                Err(error) => Revocation::Failed(error),
            }
        };
        refresh.chain(access).map(|(kind, hint, token)| (kind, revoke(hint, token))).collect()
    }
}

impl ProviderProgram {
    /// The requested properties of a token, in the protocol's form.
    fn wanted(&self, request: &TokenRequest, interactive: bool) -> Map<String, Value> {
        let mut message = Map::from_iter([("interactive".to_owned(), interactive.into())]);
        if let Some(scopes) = &request.scopes {
            message.insert("scopes".to_owned(), scopes.iter().collect());
        }
        for (name, values) in [("audience", &request.audience), ("resource", &request.resource)] {
            if !values.is_empty() {
                message.insert(name.to_owned(), values.as_slice().into());
            }
        }
        message
    }

    fn describe(&self, context: &Context<'_>) -> Result<Description, ProviderError> {
        let answer = self.converse(context, "describe", Map::new(), self.timeout)?;
        Ok(Description { interactive: answer.get("interactive").is_some_and(|value| value == true) })
    }

    fn tokens(
        &self,
        context: &Context<'_>,
        action: &str,
        message: Map<String, Value>,
        wanted: &TokenRequest,
        timeout: Duration,
    ) -> Result<Grant, ProviderError> {
        let object = self.converse(context, action, message, timeout)?;
        let tokens = self.token_set(&object, context.system.clock.now())?;
        Ok(self.grant(tokens, wanted.scopes.clone().unwrap_or_default()))
    }
}
