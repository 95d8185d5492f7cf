//! Authenticates the client: the method, and the secret or key that it requires.

use std::rc::Rc;

use super::oauth_client::OAuthClient;
use super::server::Server;
use crate::oauth::client::{Assertion, Authentication, AuthenticationMethod, Client, Means};
use crate::oauth::signing_key::SigningKey;
use crate::os::private_file::{self, Exposure};
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::schema::SecretSource;
use crate::secret::{ClientSecret, SecretText};
use crate::text::untrusted::escaped;

impl OAuthClient {
    /// The client with its secrets, for a request to the authorization server.
    pub(crate) fn client(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        id: &str,
    ) -> Result<Client, ProviderError> {
        let settings = &self.client;
        let metadata = server.discovered.metadata.as_ref();
        let offered = metadata.and_then(|metadata| metadata.strings("token_endpoint_auth_methods_supported"));
        let means = Means {
            secret: settings.secret.is_some(),
            key: settings.key.is_some() && self.uses_key_to_authenticate,
            certificate: settings.certificate.is_some(),
        };
        let method =
            settings.method.unwrap_or_else(|| AuthenticationMethod::chosen(means, offered.as_deref()));
        let secret = || {
            let Some(source) = &settings.secret else {
                return Err(ProviderError::Unconfigured {
                    message: "`client_secret` is not set, but the authentication method requires it"
                        .to_owned(),
                    hint: Some(format!("run `authctl secret set {} client_secret`", context.name)),
                });
            };
            Ok(ClientSecret::new(self.resolve(context, source)?.expose()))
        };
        let assertion = |key: SigningKey| {
            let legacy = self.quirks.token_endpoint_audience;
            let audience =
                if legacy { server.endpoint("token_endpoint")?.url().to_string() } else { server.issuer() };
            Ok::<_, ProviderError>(Authentication::Assertion(Assertion {
                key: Rc::new(key),
                audience,
                explicit_type: !legacy,
            }))
        };
        let authentication = match method {
            AuthenticationMethod::None
            | AuthenticationMethod::TlsClientAuth
            | AuthenticationMethod::SelfSignedTlsClientAuth => Authentication::None,
            AuthenticationMethod::ClientSecretBasic => {
                Authentication::Basic { secret: secret()?, plain: self.quirks.plain_basic }
            }
            AuthenticationMethod::ClientSecretPost => Authentication::Post(secret()?),
            AuthenticationMethod::ClientSecretJwt => assertion(SigningKey::of_secret(&secret()?))?,
            AuthenticationMethod::PrivateKeyJwt => assertion(self.signing_key(context)?)?,
        };
        Ok(Client { id: id.to_owned(), authentication })
    }

    pub fn signing_key(&self, context: &Context<'_>) -> Result<SigningKey, ProviderError> {
        let Some(source) = &self.client.key else {
            return Err(ProviderError::Unconfigured {
                message: "`private_key` is not set".to_owned(),
                hint: Some(
                    "set `private_key`, preferably by reference: private_key = { file = … }".to_owned(),
                ),
            });
        };
        check_key_file(context, "private_key", source)?;
        let key = SigningKey::parse(&self.resolve(context, source)?)?;
        Ok(key.using(self.client.key_algorithm, self.client.key_id.as_deref())?)
    }

    /// The key that signs request objects: the private key, or else the client secret (RFC 9101 section 10.2).
    pub fn request_object_key(&self, context: &Context<'_>) -> Result<SigningKey, ProviderError> {
        match (&self.client.key, &self.client.secret) {
            (None, Some(source)) => {
                Ok(SigningKey::of_secret(&ClientSecret::new(self.resolve(context, source)?.expose())))
            }
            _ => self.signing_key(context),
        }
    }

    pub(crate) fn resolve(
        &self,
        context: &Context<'_>,
        source: &SecretSource,
    ) -> Result<SecretText, ProviderError> {
        let binding = self.binding();
        Ok(context.secrets(&binding).resolve(source)?)
    }
}

/// Checks a key file: other users must not be able to change it and should not be able to read it.
pub fn check_key_file(context: &Context<'_>, key: &str, source: &SecretSource) -> Result<(), ProviderError> {
    let SecretSource::File(path) = source else { return Ok(()) };
    let path = context.system.paths.expand(path);
    let shown = escaped(&path.display().to_string());
    match private_file::exposure(&path) {
        Exposure::Private => Ok(()),
        Exposure::Readable => {
            context
                .system
                .prompter
                .warn(&format_args!("other users can read the file of `{key}`: run `chmod 600 {shown}`"));
            Ok(())
        }
        Exposure::Writable => Err(ProviderError::Unconfigured {
            message: format!("other users can change the file of `{key}`, so authctl does not use it"),
            hint: Some(format!("run `chmod 600 {shown}`")),
        }),
    }
}
