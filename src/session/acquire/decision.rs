//! Decides the next step to a token, using only the stored record and the requirements.

use std::time::Duration;

use jiff::Timestamp;

use crate::name::ScopeSet;
use crate::oauth::id_token::stored_expiry;
use crate::store::record::{Record, StoredToken, TokenKey};

#[derive(Debug, Clone)]
pub struct Requirements {
    /// The key that the access token is stored under.
    pub key: TokenKey,
    /// Exactly these scopes.
    pub scopes: Option<ScopeSet>,
    /// How long before it expires a token is refreshed.
    pub refresh_early: Duration,
    /// The shortest remaining lifetime.
    pub min_ttl: Option<Duration>,
    /// Get a new token even if the stored one is valid.
    pub force_refresh: bool,
    /// Whether the caller wants the ID token.
    pub id_token: bool,
    /// Whether the first token requires a login.
    pub interactive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Use the stored token.
    Use,
    /// Get a new token with the refresh token.
    Refresh,
    /// Get a new token without the user.
    Issue,
    /// Ask the user to log in.
    LoginRequired(Reason),
}

/// Why a login is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("you are not logged in")]
    NotLoggedIn,
    /// The login was not granted a requested scope.
    #[error("the scope {0} was not granted")]
    NotGranted(ScopeSet),
    #[error("the access token has expired, and the server issued no refresh token")]
    Ended,
    /// A new token is requested, and no refresh token is stored.
    #[error("the server issued no refresh token, which a new access token requires")]
    NoRefreshToken,
    /// The record does not contain the key that its tokens are bound to.
    #[error("the key that the stored token is bound to does not exist any more")]
    KeyLost,
    #[error("the server issued no ID token; request the scope openid")]
    NoIdToken,
    /// The ID token has expired, and a refresh returned no new one.
    #[error("the ID token has expired, and the server issues a new one only at a login")]
    IdTokenEnded,
    #[error("the server no longer accepts the stored login")]
    Refused,
    /// As before, and the record is older than the last one that this machine saved (F-STO5).
    #[error(
        "the stored login is older than the last one that authctl saved, perhaps restored by a backup or a synchronised folder, and the server no longer accepts it"
    )]
    PutBack,
    /// As before, and an earlier refresh may already have replaced the refresh token.
    #[error(
        "the server rejected the stored refresh token; it may have replaced the token in an earlier refresh that was interrupted, or whose response was lost or unusable"
    )]
    Unresolved,
}

/// Decides the next step.
pub fn next_step(record: Option<&Record>, requirements: &Requirements, now: Timestamp) -> Step {
    let Some(record) = record else {
        return if requirements.interactive { Step::LoginRequired(Reason::NotLoggedIn) } else { Step::Issue };
    };
    if requirements.interactive
        && let (Some(wanted), Some(granted)) = (&requirements.scopes, &record.granted_scopes)
        && !wanted.is_subset(granted)
    {
        return Step::LoginRequired(Reason::NotGranted(wanted.difference(granted)));
    }
    if requirements.id_token
        && record.id_token.is_none()
        && requirements.interactive
        && !record.requested_scopes.contains("openid")
    {
        return Step::LoginRequired(Reason::NoIdToken);
    }
    let token = record.token(&requirements.key);
    let is_refreshable = record.refresh_token.is_some() || !requirements.interactive;
    let good = token.is_some_and(|token| suits(token, requirements, now))
        && (!requirements.id_token || id_token_suits(record, requirements, now));
    match (good && !requirements.force_refresh, is_refreshable) {
        (true, _) => Step::Use,
        (false, true) if record.refresh_token.is_some() => Step::Refresh,
        (false, true) => Step::Issue,
        (false, false) if requirements.force_refresh => Step::LoginRequired(Reason::NoRefreshToken),
        (false, false) if requirements.id_token && record.id_token.is_none() => {
            Step::LoginRequired(Reason::NoIdToken)
        }
        // It cannot be refreshed, and a token in its last minute is better than none.
        (false, false) => match token {
            Some(token) if token.refused => Step::LoginRequired(Reason::Refused),
            Some(token) if !requirements.id_token && token.life.is_valid(now) => Step::Use,
            None if requirements.key != TokenKey::default() => Step::LoginRequired(Reason::NoRefreshToken),
            _ => Step::LoginRequired(Reason::Ended),
        },
    }
}

/// Whether a token is fresh and meets the minimum lifetime.
pub fn suits(token: &StoredToken, requirements: &Requirements, now: Timestamp) -> bool {
    !token.refused
        && token.life.is_fresh(now, requirements.refresh_early)
        && lasts(token.life.expires_at, requirements, now)
}

/// Whether something that expires then meets the minimum lifetime. An unknown expiry meets it, because no better token
/// is available.
pub fn lasts(expires_at: Option<Timestamp>, requirements: &Requirements, now: Timestamp) -> bool {
    match (requirements.min_ttl, expires_at) {
        (Some(min_ttl), Some(end)) => {
            jiff::SignedDuration::try_from(min_ttl).is_ok_and(|min_ttl| end.duration_since(now) >= min_ttl)
        }
        _ => true,
    }
}

/// Whether a valid ID token is stored, judged by its own `exp`.
pub fn id_token_suits(record: &Record, requirements: &Requirements, now: Timestamp) -> bool {
    let end = record.id_token.as_ref().and_then(stored_expiry);
    end.is_some_and(|end| end > now && lasts(Some(end), requirements, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binding::Binding;
    use crate::name::AccountName;
    use crate::secret::{AccessToken, RefreshToken};
    use crate::token::{Life, TokenSet};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn record(ends: Option<i64>, refreshable: bool) -> Record {
        let mut record =
            Record::new(&"x".parse().unwrap(), AccountName::unnamed(), Binding::default(), at(0));
        let life = Life { obtained_at: at(0), expires_at: ends.map(at) };
        let token = StoredToken::of(&TokenSet::lasting(AccessToken::new("a"), life), None);
        record.insert_token(&TokenKey::default(), token);
        record.refresh_token = refreshable.then(|| RefreshToken::new("r"));
        record.granted_scopes = Some("repo".parse().unwrap());
        record
    }

    fn requirements() -> Requirements {
        Requirements {
            key: TokenKey::default(),
            scopes: None,
            refresh_early: Duration::from_secs(60),
            min_ttl: None,
            force_refresh: false,
            id_token: false,
            interactive: true,
        }
    }

    fn scoped(scopes: &str) -> Requirements {
        Requirements { scopes: Some(scopes.parse().unwrap()), ..requirements() }
    }

    #[test]
    fn the_next_step_follows_from_the_record_and_the_requirements() {
        let user = &requirements();
        let machine = &Requirements { interactive: false, ..requirements() };
        let forced = &Requirements { force_refresh: true, ..requirements() };
        let long = &Requirements { min_ttl: Some(Duration::from_secs(600)), ..requirements() };
        let narrow =
            &Requirements { key: TokenKey::default().with("scope", &["repo".to_owned()]), ..scoped("repo") };
        let wide = &scoped("repo admin");
        let id = &Requirements { id_token: true, ..requirements() };
        let renewable = || Some(record(Some(3600), true));
        let fixed = || Some(record(Some(3600), false));
        let login = Step::LoginRequired;
        for (name, record, requirements, now, step) in [
            ("nothing stored", None, user, 0, login(Reason::NotLoggedIn)),
            ("nothing stored, machine", None, machine, 0, Step::Issue),
            ("fresh", renewable(), user, 100, Step::Use),
            ("last minute", renewable(), user, 3550, Step::Refresh),
            ("last minute, no refresh token", fixed(), user, 3550, Step::Use),
            ("expired", renewable(), user, 4000, Step::Refresh),
            ("expired, no refresh token", fixed(), user, 4000, login(Reason::Ended)),
            ("expired, machine", fixed(), machine, 4000, Step::Issue),
            ("unknown expiry", Some(record(None, false)), user, 999_999, Step::Use),
            ("clock set far back", renewable(), user, -1000, Step::Refresh),
            ("forced", renewable(), forced, 100, Step::Refresh),
            ("forced, no refresh token", fixed(), forced, 100, login(Reason::NoRefreshToken)),
            ("long enough", renewable(), long, 2900, Step::Use),
            ("not long enough", renewable(), long, 3100, Step::Refresh),
            ("fewer scopes", renewable(), narrow, 100, Step::Refresh),
            ("fewer scopes, no refresh token", fixed(), narrow, 100, login(Reason::NoRefreshToken)),
            ("more scopes", renewable(), wide, 100, login(Reason::NotGranted("admin".parse().unwrap()))),
            ("ID token that was not requested", renewable(), id, 100, login(Reason::NoIdToken)),
            ("not long enough, no refresh token", fixed(), long, 3100, Step::Use),
            ("ID token that never came", fixed(), id, 100, login(Reason::NoIdToken)),
        ] {
            assert_eq!(next_step(record.as_ref(), requirements, at(now)), step, "{name}");
        }
    }
}
