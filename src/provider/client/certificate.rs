//! The client's certificate (RFC 8705).

use super::authentication::check_key_file;
use super::oauth_client::OAuthClient;
use crate::oauth::certificate;
use crate::os::text_file::read_text;
use crate::ports::{ClientIdentity, Transport};
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::schema::SecretSource;
use crate::secret::SecretText;
use crate::text::untrusted::escaped;

const LONGEST_CERTIFICATE: u64 = 1 << 20;

impl OAuthClient {
    /// The transport for requests that authenticate the client, with its certificate if it has one (RFC 8705 section
    /// 2).
    pub fn transport(&self, context: &Context<'_>) -> Result<Transport, ProviderError> {
        Ok(Transport { identity: self.identity(context)?, ..self.transport.clone() })
    }

    /// The client's certificate with its key, if it has one.
    pub fn identity(&self, context: &Context<'_>) -> Result<Option<ClientIdentity>, ProviderError> {
        let Some(path) = &self.client.certificate else { return Ok(None) };
        if let Some(known) = self.known_identity.get() {
            return Ok(Some(known.clone()));
        }
        let pem = read_text(path, LONGEST_CERTIFICATE).map_err(|error| ProviderError::Unconfigured {
            message: format!("cannot read the certificate {}: {error}", escaped(&path.display().to_string())),
            hint: None,
        })?;
        let pem = SecretText::new(pem);
        if pem.expose().contains("PRIVATE KEY-----") {
            check_key_file(context, "certificate", &SecretSource::File(path.clone()))?;
        }
        let key = self.client.key.as_ref().map(|source| self.resolve(context, source)).transpose()?;
        let identity = certificate::identity(&pem, key.as_ref())?;
        Ok(Some(self.known_identity.get_or_init(|| identity).clone()))
    }
}
