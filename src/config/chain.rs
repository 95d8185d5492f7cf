//! Providers that need tokens of other providers.

use std::rc::Rc;

use super::merged::{Config, ConfigError};
use super::provider::Provider;
use crate::name::ProviderName;
use crate::schema::{Origin, Problem, near};

/// More links than this are a mistake.
const LONGEST_CHAIN: usize = 8;

impl Config {
    /// A provider, if all that concerns it is right.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn provider(&self, name: &ProviderName) -> Result<Rc<Provider>, ConfigError> {
        let provider = self.alone(name).map_err(ConfigError)?;
        match self.broken_chain(&provider, &mut vec![name.clone()]) {
            Some(problem) => Err(ConfigError(vec![problem])),
            None => Ok(provider),
        }
    }

    /// What is wrong with the chain of providers that one needs tokens of: one that is not configured, or that in the end
    /// needs itself.
    fn broken_chain(&self, provider: &Provider, chain: &mut Vec<ProviderName>) -> Option<Problem> {
        for wanted in provider.source.subject_tokens() {
            let Some(needed) = wanted.provider() else { continue };
            let written = self.credentials.get(&provider.name).and_then(|credential| {
                credential
                    .kind
                    .as_ref()?
                    .table
                    .table()?
                    .get(wanted.role.name())
                    .map(|setting| &setting.origin)
            });
            let origin = written.unwrap_or(&Origin::Default);
            let key = format!("credentials.{}.oauth.{}", provider.name, wanted.role.name());
            let is_loop = chain.contains(needed);
            chain.push(needed.clone());
            let path = chain.iter().map(ProviderName::as_str).collect::<Vec<_>>().join(" → ");
            if is_loop {
                let problem = Problem::new(format!("`{key}` needs itself: {path}"), origin);
                return Some(problem.hint("change one of these providers to use another token"));
            }
            if chain.len() > LONGEST_CHAIN {
                return Some(Problem::new(format!("`{key}` makes the chain too long: {path}"), origin));
            }
            if !self.credentials.contains_key(needed) {
                let problem = Problem::new(
                    format!("`{key}` names the provider `{needed}`, which is not configured"),
                    origin,
                );
                let known = self.credentials.keys().map(ProviderName::as_str);
                return Some(match near(needed.as_str(), known) {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem,
                });
            }
            // Its other problems are reported when it is used.
            if let Some(problem) =
                self.alone(needed).ok().and_then(|needed| self.broken_chain(&needed, chain))
            {
                return Some(problem);
            }
            chain.pop();
        }
        None
    }
}
