//! The client as it is configured: what it authenticates with, the certificate it shows, the key its tokens are bound to.

use std::path::PathBuf;
use std::rc::Rc;

use jsonwebtoken::Algorithm;

use crate::oauth::certificate;
use crate::oauth::client::{Assertion, Authentication, AuthenticationMethod, Client, Means};
use crate::oauth::dpop::Prover;
use crate::oauth::signing_key::SigningKey;
use crate::os::private_file;
use crate::os::private_file::Exposure;
use crate::os::text_file::read_text;
use crate::ports::{ClientIdentity, Transport};
use crate::provider::client::{OAuth, Server};
use crate::provider::{Context, Place, ProviderError};
use crate::schema::{Layer, Problem, SecretSource, Section, Setting};
use crate::secret::{ClientSecret, SecretText};
use crate::store::record::Record;
use crate::text::untrusted::escaped;

/// No certificate chain is longer.
const LONGEST_CERTIFICATE: u64 = 1 << 20;

/// What the configuration says of the client.
#[derive(Debug)]
pub struct ClientSettings {
    pub(crate) id: Option<String>,
    pub(crate) secret: Option<SecretSource>,
    key: Option<SecretSource>,
    key_id: Option<String>,
    key_algorithm: Option<Algorithm>,
    pub(crate) certificate: Option<PathBuf>,
    method: Option<AuthenticationMethod>,
}

impl ClientSettings {
    /// Reads the client's keys.
    pub(crate) fn read(section: &Section<'_>, place: &Place, problems: &mut Vec<Problem>) -> Self {
        let secret = section.secret("client_secret");
        let method = section.setting("token_endpoint_auth_method");
        // A template says how a client with a secret authenticates; a public client of the same server has none.
        let method = method.filter(|setting| secret.is_some() || setting.origin.layer() != Layer::Template);
        let method = method.and_then(Setting::text).and_then(AuthenticationMethod::named);
        let settings = Self {
            id: section.text("client_id").map(str::to_owned),
            secret,
            key: section.secret("private_key"),
            key_id: section.text("private_key_id").map(str::to_owned),
            key_algorithm: section.text("token_endpoint_auth_signing_alg").and_then(|name| name.parse().ok()),
            certificate: section.path("certificate", place.home.as_deref()),
            method,
        };
        // Which secret a method needs is known now: it is not found out in the middle of a login.
        let has = |name: &str| match name {
            "client_secret" => settings.secret.is_some(),
            "private_key" => settings.key.is_some(),
            _ => settings.certificate.is_some(),
        };
        if let Some(needed) = settings.method.and_then(AuthenticationMethod::needs)
            && needed != "client_secret"
            && !has(needed)
        {
            let problem = section.problem("token_endpoint_auth_method", &format!("needs `{needed}`"));
            problems
                .push(problem.hint(format!("set {needed}, best by reference: {needed} = {{ file = … }}")));
        }
        settings
    }

    /// Whether the client has something to prove itself with.
    pub(crate) fn is_confidential(&self) -> bool {
        (self.secret.is_some() || self.key.is_some() || self.certificate.is_some())
            && self.method != Some(AuthenticationMethod::None)
    }

    /// Whether the client shows a certificate (RFC 8705): then the server may have endpoints of its own for that.
    pub(crate) fn shows_certificate(&self) -> bool {
        self.certificate.is_some()
    }
}

impl OAuth {
    /// The client with its secrets, for a request to the authorization server.
    ///
    /// # Errors
    /// [`ProviderError::Secret`], [`ProviderError::PrivateKey`], [`ProviderError::Unconfigured`].
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
                    message: "there is no `client_secret`, which the authentication method needs".to_owned(),
                    hint: Some(format!("set it with `authctl secret set {} client_secret`", context.name)),
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

    /// The client's private key.
    ///
    /// # Errors
    /// [`ProviderError::PrivateKey`], [`ProviderError::Secret`], [`ProviderError::Unconfigured`].
    pub fn signing_key(&self, context: &Context<'_>) -> Result<SigningKey, ProviderError> {
        let Some(source) = &self.client.key else {
            return Err(ProviderError::Unconfigured {
                message: "there is no `private_key`".to_owned(),
                hint: Some("set private_key, best by reference: private_key = { file = … }".to_owned()),
            });
        };
        check_key_file(context, "private_key", source)?;
        let key = SigningKey::parse(&self.resolve(context, source)?)?;
        Ok(key.using(self.client.key_algorithm, self.client.key_id.as_deref())?)
    }

    /// The key of request objects: the private key, or without one the client's secret (RFC 9101 section 10.2).
    ///
    /// # Errors
    /// As [`Self::signing_key`].
    pub fn request_object_key(&self, context: &Context<'_>) -> Result<SigningKey, ProviderError> {
        match (&self.client.key, &self.client.secret) {
            (None, Some(source)) => {
                Ok(SigningKey::of_secret(&ClientSecret::new(self.resolve(context, source)?.expose())))
            }
            _ => self.signing_key(context),
        }
    }

    /// How requests that authenticate the client are sent: with its certificate, where it has one (RFC 8705 section 2).
    ///
    /// # Errors
    /// [`ProviderError::Certificate`], [`ProviderError::Secret`].
    pub fn transport(&self, context: &Context<'_>) -> Result<Transport, ProviderError> {
        Ok(Transport { identity: self.identity(context)?, ..self.transport.clone() })
    }

    /// The client's certificate with its key, where it has one.
    ///
    /// # Errors
    /// [`ProviderError::Certificate`], [`ProviderError::Secret`].
    pub fn identity(&self, context: &Context<'_>) -> Result<Option<ClientIdentity>, ProviderError> {
        let Some(path) = &self.client.certificate else { return Ok(None) };
        if let Some(known) = self.known_identity.get() {
            return Ok(Some(known.clone()));
        }
        let pem = read_text(path, LONGEST_CERTIFICATE).map_err(|error| ProviderError::Unconfigured {
            message: format!(
                "the certificate {} cannot be read: {error}",
                escaped(&path.display().to_string())
            ),
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

    /// What proves the key for new tokens, where the configuration wants them bound: the key that is stored, or a new one.
    ///
    /// # Errors
    /// [`ProviderError::PrivateKey`].
    pub fn new_prover(
        &self,
        context: &Context<'_>,
        stored: Option<&Record>,
    ) -> Result<Option<Rc<Prover>>, ProviderError> {
        if !self.use_dpop {
            return Ok(None);
        }
        if let Some(prover) = stored.map(|record| self.prover_of(context, record)).transpose()?.flatten() {
            return Ok(Some(prover));
        }
        let (clock, random) = (context.system.clock.clone(), context.system.random.clone());
        Ok(Some(Rc::new(Prover::generate(clock, random)?)))
    }

    /// What proves the key that a record's tokens are bound to, if they are to one. Nothing is bound later: a server that
    /// cannot do it would have rotated the refresh token by then.
    ///
    /// # Errors
    /// [`ProviderError::PrivateKey`].
    pub fn prover_of(
        &self,
        context: &Context<'_>,
        record: &Record,
    ) -> Result<Option<Rc<Prover>>, ProviderError> {
        let Some(key) = &record.dpop_key else { return Ok(None) };
        let (clock, random) = (context.system.clock.clone(), context.system.random.clone());
        Ok(Some(Rc::new(Prover::kept(key, &record.dpop_nonces, clock, random)?)))
    }

    /// A configured secret.
    ///
    /// # Errors
    /// [`ProviderError::Secret`].
    pub(crate) fn resolve(
        &self,
        context: &Context<'_>,
        source: &SecretSource,
    ) -> Result<SecretText, ProviderError> {
        let binding = self.binding();
        Ok(context.secrets(&binding).resolve(source)?)
    }
}

/// A key in a file: others must not have written it, and should not be able to read it (T4).
///
/// # Errors
/// [`ProviderError::Unconfigured`].
pub fn check_key_file(context: &Context<'_>, key: &str, source: &SecretSource) -> Result<(), ProviderError> {
    let SecretSource::File(path) = source else { return Ok(()) };
    let path = context.system.paths.expand(path);
    let shown = escaped(&path.display().to_string());
    match private_file::exposure(&path) {
        Exposure::Private => Ok(()),
        Exposure::Readable => {
            context
                .system
                .console
                .warn(format_args!("the file of `{key}` can be read by others: chmod 600 {shown}"));
            Ok(())
        }
        Exposure::Writable => Err(ProviderError::Unconfigured {
            message: format!("the file of `{key}` can be changed by others, and is not used"),
            hint: Some(format!("chmod 600 {shown}")),
        }),
    }
}
