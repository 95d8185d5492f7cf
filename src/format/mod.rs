//! Output formats for tokens: one file per format, and the table that lists them.

mod curl;
mod definition;
mod env;
pub mod header;
pub mod json;
pub mod k8s;
mod netrc;
pub mod raw;

pub use self::definition::{Format, FormatError, Subject};

/// Every format, the default first.
pub const FORMATS: &[&Format] = &[
    &raw::FORMAT,
    &header::FORMAT,
    &json::FORMAT,
    &env::FORMAT,
    &curl::FORMAT,
    &netrc::FORMAT,
    &k8s::FORMAT,
];

pub fn named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::secret::{AccessToken, Password};
    use crate::token::{Credential, Issued, NoHeaders};

    fn rendered(format: &str, credential: Credential) -> Result<String, FormatError> {
        let provider = "github".parse().unwrap();
        let issued = Issued {
            expires_at: Some(Timestamp::from_second(1000).unwrap()),
            scopes: Some("repo read:org".parse().unwrap()),
            ..Issued::lasting(credential)
        };
        let hosts = ["github.com".to_owned(), "127.0.0.1:8443".to_owned(), "[::1]".to_owned()];
        let subject = Subject {
            provider: &provider,
            variable: "GITHUB_TOKEN",
            hosts: &hosts,
            username: "oauth2",
            target: None,
        };
        (named(format).unwrap().render)(&issued, &subject).map(|text| text.expose().to_owned())
    }

    #[test]
    fn each_format_of_a_bearer_token() {
        for (format, want) in [
            ("raw", "tok\n"),
            ("header", "Authorization: Bearer tok\n"),
            ("env", "export GITHUB_TOKEN='tok'\n"),
            ("curl", "header = \"Authorization: Bearer tok\"\n"),
            (
                "netrc",
                "machine github.com login oauth2 password tok\nmachine 127.0.0.1 login oauth2 password tok\nmachine [::1] login oauth2 password tok\n",
            ),
            (
                "k8s",
                "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"expirationTimestamp\":\"1970-01-01T00:16:40Z\",\"token\":\"tok\"}}\n",
            ),
            (
                "json",
                "{\"access_token\":\"tok\",\"expires_at\":\"1970-01-01T00:16:40Z\",\"provider\":\"github\",\"scope\":\"read:org repo\",\"token_type\":\"Bearer\"}\n",
            ),
        ] {
            assert_eq!(
                rendered(format, Credential::Bearer(AccessToken::new("tok"))).unwrap(),
                want,
                "{format}"
            );
        }
    }

    #[test]
    fn quoting() {
        let basic = |password: &str| Credential::Basic {
            username: "u".to_owned(),
            password: Password::new(password),
        };
        let bearer = |token: &str| Credential::Bearer(AccessToken::new(token));
        assert_eq!(
            rendered("env", basic("it's $HOME `x`")).unwrap(),
            "export GITHUB_TOKEN='it'\\''s $HOME `x`'\n"
        );
        assert_eq!(
            rendered("curl", bearer("a\"b\\c")).unwrap(),
            "header = \"Authorization: Bearer a\\\"b\\\\c\"\n"
        );
        assert_eq!(rendered("raw", basic("pass word")).unwrap(), "pass word\n");
        assert_eq!(rendered("netrc", basic("pass word")), Err(FormatError::Unframeable("netrc")));
        assert_eq!(
            rendered("netrc", basic("pa")).unwrap().lines().next(),
            Some("machine github.com login u password pa")
        );
        assert_eq!(rendered("k8s", basic("pa")), Err(NoHeaders::NotForRequests.into()));
    }

    #[test]
    fn no_format_lets_a_value_span_two_lines_f_ctrl1() {
        for format in FORMATS {
            let result = rendered(format.name, Credential::Bearer(AccessToken::new("a\nhost=evil")));
            match format.name {
                "json" => assert_eq!(result.unwrap().lines().count(), 1),
                name => assert_eq!(result, Err(FormatError::Unframeable(format.name)), "{name}"),
            }
        }
    }
}
