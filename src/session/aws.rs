//! Trades a provider's token for AWS credentials (STS, AssumeRoleWithWebIdentity), and keeps them with the provider's tokens
//! until they expire.

use std::time::Duration;

use jiff::Timestamp;

use super::Session;
use super::acquire::{AcquireError, AcquireRequest, token};
use crate::advice::{Advise, Status};
use crate::config::Provider;
use crate::config::helper::{Aws, is_region};
use crate::name::{AccountName, ProviderName};
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::form::{FORM, Form};
use crate::oauth::id_token::stored_expiry;
use crate::oauth::jwt::Jwt;
use crate::ports::{HttpError, HttpResponse, Method, Transport};
use crate::secret::{AccessToken, SecretText};
use crate::session::acquire::decision::Reason;
use crate::store::record::{Record, StoredToken, TokenKey};
use crate::store::{Lookup, StoreError, StoreKind};
use crate::text::untrusted::{Untrusted, escaped};
use crate::token::{Credential, Issued, Life, TokenSet};

/// Keys that end within this time are got anew; SDKs of AWS begin to renew them five minutes before.
const EARLY: Duration = Duration::from_secs(300);

/// Keys of AWS that end.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The access key's id, which is no secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: AccessToken,
    /// The session token.
    pub session_token: AccessToken,
    /// When they end.
    pub expires_at: Timestamp,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The provider's configuration does not name AWS, so its token is not for AWS (F-AWS1).
    #[error("`{0}` is not configured for AWS, so its token is not sent there")]
    NotConfigured(ProviderName),
    /// Neither the configuration nor the caller names a role.
    #[error("no AWS role is configured for `{0}`")]
    NoRole(ProviderName),
    /// AWS takes an OpenID token, and there is only something else (F-AWS1).
    #[error("AWS accepts only a signed JWT with an issuer, and `{0}` did not supply one; nothing was sent")]
    NotJwt(ProviderName),
    /// The region is none.
    #[error("{0} is not an AWS region")]
    Region(Untrusted),
    /// There is no token to trade.
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    /// The service cannot be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The service says no.
    #[error("the security token service answered {code}{}", message.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The error's code.
        code: Untrusted,
        /// What it says of it.
        message: Option<Untrusted>,
        /// Whether it may say otherwise later.
        later: bool,
    },
    /// The answer is none that is documented. It is not part of the text: it may hold keys.
    #[error("the security token service's answer cannot be used: {reason} (status {status}, {size} bytes)")]
    Unusable {
        /// What is wrong.
        reason: &'static str,
        /// The status.
        status: u16,
        /// The size of the body.
        size: usize,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Advise for AwsError {
    fn status(&self) -> Status {
        match self {
            Self::NotConfigured(_) | Self::NoRole(_) | Self::Region(_) | Self::Http(HttpError::Setup(_)) => {
                Status::Config
            }
            Self::Acquire(error) => error.status(),
            Self::Http(error) if error.is_transient() => Status::Unreachable,
            Self::Refused { later: true, .. } => Status::Unreachable,
            Self::Store(error) => error.status(),
            Self::NotJwt(_) | Self::Http(_) | Self::Refused { .. } | Self::Unusable { .. } => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotConfigured(provider) => format!(
                "set `aws_role` in [credentials.{provider}.helper] to the role's ARN, if AWS may receive its token"
            ),
            Self::NoRole(provider) => format!(
                "set `aws_role` in [credentials.{provider}.helper] to the role's ARN, or name the role with --role"
            ),
            Self::NotJwt(provider) => format!(
                "add `openid` to `scopes` in [credentials.{provider}.oauth] and run `authctl login {provider}`, or use a provider whose access token is a JWT"
            ),
            Self::Region(_) => "set helper.aws_region, or AWS_REGION, to one like eu-central-1".to_owned(),
            Self::Acquire(error) => return error.hint(),
            Self::Store(error) => return error.hint(),
            Self::Refused { later: false, .. } => {
                "does the role's trust policy name this issuer, its audience and this subject?".to_owned()
            }
            Self::Http(_) | Self::Refused { .. } | Self::Unusable { .. } => return None,
        })
    }
}

/// Whether a provider's configuration names AWS. The session name and duration do not count, because they have defaults.
#[must_use]
pub fn is_configured(aws: &Aws) -> bool {
    aws.role.is_some() || aws.region.is_some() || aws.endpoint.is_some()
}

/// The role, at the service that gives its keys.
#[derive(Debug, Clone)]
pub struct Role {
    arn: String,
    endpoint: EndpointUrl,
    session: String,
    duration: Duration,
}

impl Role {
    /// The configured role, or the named one; at the configured service, or the one of the configured region, or of the
    /// region that AWS's own variables name. Such a variable does not name an address, so the environment cannot send a token
    /// anywhere else. A caller may name another role only for a provider whose configuration names AWS.
    ///
    /// # Errors
    /// [`AwsError::NotConfigured`], [`AwsError::NoRole`], [`AwsError::Region`].
    pub fn of(session: &Session<'_>, provider: &Provider, named: Option<&str>) -> Result<Self, AwsError> {
        let Aws { role, region, endpoint, session: session_name, duration } = &provider.helper.aws;
        if !is_configured(&provider.helper.aws) {
            return Err(AwsError::NotConfigured(provider.name.clone()));
        }
        let arn = named.map(str::to_owned).or_else(|| role.clone());
        let variable = |name: &str| session.system.environment.variable(name).filter(|text| !text.is_empty());
        let region =
            region.clone().or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
        Ok(Self {
            arn: arn.ok_or_else(|| AwsError::NoRole(provider.name.clone()))?,
            endpoint: match endpoint {
                Some(endpoint) => endpoint.clone(),
                None => service_of(region.as_deref())?,
            },
            session: session_name.clone(),
            duration: *duration,
        })
    }

    /// What its keys are kept under.
    fn key(&self) -> TokenKey {
        let part = |text: &str| vec![text.to_owned()];
        TokenKey::default()
            .with("aws_role", &part(&self.arn))
            .with("aws_endpoint", &part(self.endpoint.url().as_str()))
            .with("aws_session", &part(&self.session))
            .with("aws_duration", &part(&self.duration.as_secs().to_string()))
    }

    fn request(&self, token: &SecretText, transport: &Transport) -> crate::ports::HttpRequest {
        let mut form = Form::default();
        form.set("Action", "AssumeRoleWithWebIdentity");
        form.set("Version", "2011-06-15");
        form.set("RoleArn", &self.arn);
        form.set("RoleSessionName", &self.session);
        form.set("DurationSeconds", &self.duration.as_secs().to_string());
        form.set("WebIdentityToken", token.expose());
        let mut request = self.endpoint.request(Method::Post, transport);
        request.body = Some((FORM, form.encoded()));
        request
    }
}

/// The security token service of a region; without one, the global one.
fn service_of(region: Option<&str>) -> Result<EndpointUrl, AwsError> {
    let host = match region {
        None => "sts.amazonaws.com".to_owned(),
        Some(region) if !is_region(region) => return Err(AwsError::Region(Untrusted::new(region))),
        Some(region) if region.starts_with("cn-") => format!("sts.{region}.amazonaws.com.cn"),
        Some(region) => format!("sts.{region}.amazonaws.com"),
    };
    EndpointUrl::configured(&format!("https://{host}/")).map_err(|_| AwsError::Region(Untrusted::new(host)))
}

/// Gets keys for a role: kept ones that are good for a while yet, else new ones for the provider's token. Of many
/// processes at once, one asks the service.
///
/// # Errors
/// [`AwsError`].
pub fn keys(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
    role: &Role,
) -> Result<Keys, AwsError> {
    if let Some((record, _)) = find(session, provider, account)?
        && let Some(keys) = kept(&record, role, session.system.clock.now())
    {
        return Ok(keys);
    }
    // Got before the lock is taken, which a refresh takes as well.
    let web_identity = web_identity(session, provider, account)?;
    let Some((record, kind)) = find(session, provider, account)? else {
        // Nothing is kept of a job's tokens.
        return ask(session, provider, role, &web_identity);
    };
    let store = &session.store;
    let lock = store.lock(kind, &record.name(&provider.name))?;
    let binding = provider.source.binding();
    let found = store.find_with_lock(Some(&lock), &provider.name, Some(&record.account), &binding)?;
    let Lookup::Found(mut record, kind) = found else {
        return Err(AcquireError::Gone(provider.name.clone()).into());
    };
    if let Some(keys) = kept(&record, role, session.system.clock.now()) {
        return Ok(keys);
    }
    let keys = ask(session, provider, role, &web_identity)?;
    record.insert_traded(&role.key(), stored(&keys, session.system.clock.now()));
    store.save(&lock, &provider.name, &mut record, kind)?;
    Ok(keys)
}

fn find(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
) -> Result<Option<(Box<Record>, StoreKind)>, AwsError> {
    if !provider.source.keeps_tokens() {
        return Ok(None);
    }
    match session.store.find(&provider.name, account, &provider.source.binding())? {
        Lookup::Found(record, kind) => Ok(Some((record, kind))),
        _ => Ok(None),
    }
}

/// The id token of the login, where there is one; else the access token, if it is a JWT.
fn web_identity(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
) -> Result<SecretText, AwsError> {
    let get = |id_token| {
        let options = AcquireRequest { account: account.cloned(), id_token, ..AcquireRequest::default() };
        token(session, provider, &options)
    };
    let issued = match get(provider.source.is_interactive()) {
        Err(AcquireError::LoginRequired { source: Reason::NoIdToken, .. }) => get(false)?,
        issued => issued?,
    };
    identity_of(&issued, session.system.clock.now()).ok_or_else(|| AwsError::NotJwt(provider.name.clone()))
}

/// The token of a credential that AWS may receive. Passwords and keys never qualify, even if they look like a JWT.
fn identity_of(issued: &Issued, now: Timestamp) -> Option<SecretText> {
    if let Some(token) = &issued.id_token
        && stored_expiry(token).is_none_or(|end| end > now)
    {
        return Some(SecretText::new(token.expose()));
    }
    let (Credential::Bearer(token) | Credential::Dpop(token, _) | Credential::Untyped(token)) =
        &issued.credential
    else {
        return None;
    };
    let jwt = Jwt::decode(token.expose())?;
    let is_signed = !jwt.algorithm().is_empty() && !token.expose().ends_with('.');
    let has_issuer = jwt.claims.get("iss").is_some_and(serde_json::Value::is_string);
    (is_signed && has_issuer).then(|| SecretText::new(token.expose()))
}

fn ask(
    session: &Session<'_>,
    provider: &Provider,
    role: &Role,
    token: &SecretText,
) -> Result<Keys, AwsError> {
    let request = role.request(token, &provider.source.transport());
    answer(&session.system.http.send(&request)?)
}

fn kept(record: &Record, role: &Role, now: Timestamp) -> Option<Keys> {
    let traded = record.traded(&role.key()).filter(|traded| traded.life.is_fresh(now, EARLY))?;
    let [id, secret, token] = serde_json::from_str::<[&str; 3]>(traded.access_token.expose()).ok()?;
    Some(Keys {
        access_key_id: id.to_owned(),
        secret_access_key: AccessToken::new(secret),
        session_token: AccessToken::new(token),
        expires_at: traded.life.expires_at?,
    })
}

/// The keys as a record holds them.
fn stored(keys: &Keys, now: Timestamp) -> StoredToken {
    let parts =
        serde_json::json!([keys.access_key_id, keys.secret_access_key.expose(), keys.session_token.expose()]);
    let life = Life { obtained_at: now, expires_at: Some(keys.expires_at) };
    StoredToken::of(&TokenSet::lasting(AccessToken::new(parts.to_string()), life), None)
}

/// Reads the service's answer (API reference of AWS STS, AssumeRoleWithWebIdentity).
fn answer(response: &HttpResponse) -> Result<Keys, AwsError> {
    let unusable = |reason| AwsError::Unusable { reason, status: response.status, size: response.body.len() };
    let text = std::str::from_utf8(&response.body).map_err(|_| unusable("it is not UTF-8"))?;
    // The parser takes no document type, and so expands no entities of the document's own.
    let document = roxmltree::Document::parse(text).map_err(|_| unusable("it is not XML"))?;
    let element = |name: &str| {
        let found = document.descendants().find(|node| node.tag_name().name() == name);
        found.and_then(|node| node.text()).map(str::trim).filter(|text| !text.is_empty())
    };
    if response.status != 200 {
        let code = element("Code").ok_or_else(|| unusable("it has no code"))?;
        return Err(AwsError::Refused {
            code: Untrusted::new(code),
            message: element("Message").map(Untrusted::new),
            later: response.status == 429
                || response.status >= 500
                || code == "Throttling"
                || code == "IDPCommunicationError",
        });
    }
    let required = |name: &str| element(name).ok_or_else(|| unusable("keys are missing in it"));
    let secret =
        |name: &str| AccessToken::parse(required(name)?).map_err(|_| unusable("it has no such keys"));
    let access_key_id = required("AccessKeyId")?;
    if escaped(access_key_id) != access_key_id || !access_key_id.is_ascii() {
        return Err(unusable("it has no such keys"));
    }
    Ok(Keys {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: secret("SecretAccessKey")?,
        session_token: secret("SessionToken")?,
        expires_at: required("Expiration")?.parse().map_err(|_| unusable("its keys have no end"))?,
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::advice::check;
    use crate::secret::{IdToken, Password};
    use crate::token::KeyHeader;

    #[test]
    fn only_a_jwt_is_sent_to_aws_f_aws1() {
        let now = Timestamp::from_second(1000).unwrap();
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let jwt = |header: &str, claims: &str, signature: &str| {
            format!("{}.{}.{signature}", part(header), part(claims))
        };
        let good = jwt(r#"{"alg":"RS256"}"#, r#"{"iss":"https://as.example"}"#, "c2ln");
        let bearer = |text: &str| Credential::Bearer(AccessToken::new(text));
        let key =
            KeyHeader { name: "X".to_owned(), prefix: String::new(), key: SecretText::new(good.as_str()) };
        let basic = Credential::Basic { username: "u".to_owned(), password: Password::new(good.as_str()) };
        for (name, credential, shown) in [
            ("a JWT", bearer(&good), true),
            (
                "one that is not to be shown with a request",
                Credential::Untyped(AccessToken::new(&good)),
                true,
            ),
            ("an opaque token", bearer("gho_abc"), false),
            ("a token with dots", bearer("a.b.c"), false),
            ("no algorithm", bearer(&jwt("{}", r#"{"iss":"x"}"#, "c2ln")), false),
            ("no signature", bearer(&jwt(r#"{"alg":"none"}"#, r#"{"iss":"x"}"#, "")), false),
            ("no issuer", bearer(&jwt(r#"{"alg":"RS256"}"#, "{}", "c2ln")), false),
            ("encrypted", bearer(&format!("{good}.x.y")), false),
            ("a key that is a JWT", Credential::Headers(vec![key]), false),
            ("a password that is a JWT", basic, false),
        ] {
            assert_eq!(identity_of(&Issued::lasting(credential), now).is_some(), shown, "{name}");
        }
        let both = Issued { id_token: Some(IdToken::new("id")), ..Issued::lasting(bearer(&good)) };
        assert_eq!(identity_of(&both, now).unwrap().expose(), "id");
    }

    #[test]
    fn each_error_has_its_status_and_hint() {
        let provider = || "aws".parse().unwrap();
        let http = |error| AwsError::Http(error);
        let unreachable = HttpError::NotSent { host: "x".to_owned(), reason: "x".to_owned() };
        let refused = |later| AwsError::Refused { code: Untrusted::new("x"), message: None, later };
        check(&[
            (&AwsError::NotConfigured(provider()), Status::Config, "aws_role"),
            (&AwsError::NoRole(provider()), Status::Config, "--role"),
            (&AwsError::NotJwt(provider()), Status::Failed, "openid"),
            (&AwsError::Region(Untrusted::new("x")), Status::Config, "AWS_REGION"),
            (&AwsError::Acquire(AcquireError::Gone(provider())), Status::LoginRequired, "authctl login aws"),
            (&http(HttpError::Setup("x".to_owned())), Status::Config, ""),
            (&http(unreachable), Status::Unreachable, ""),
            (&refused(true), Status::Unreachable, ""),
            (&refused(false), Status::Failed, "trust policy"),
            (&AwsError::Unusable { reason: "x", status: 200, size: 1 }, Status::Failed, ""),
            (&AwsError::Store(StoreError::Locked), Status::Store, "authctl store unlock"),
        ]);
    }
}
