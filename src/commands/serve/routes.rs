//! Parses a request's path and query strictly.

use std::time::Duration;

use super::gce;
use super::query::Query;
use super::refusal::Refusal;
use crate::app::args::request_method;
use crate::format::{Format, named};
use crate::name::{AccountName, ProviderName, ScopeSet};
use crate::ports::local_server::RequestHead;
use crate::provider::TokenRequest;
use crate::schema::duration;
use crate::session::acquire::AcquireRequest;
use crate::text::untrusted::escaped;

#[derive(Debug)]
pub enum Route {
    Token(Wanted, &'static Format),
    /// Header lines, or a JSON object with `json`.
    Headers {
        wanted: Wanted,
        /// The request that the headers are for: method, URL and nonce.
        target: Option<(String, String, Option<String>)>,
        json: bool,
    },
    /// AWS credentials for this role, or else the configured one.
    Aws(Wanted, Option<String>),
    /// A request to Google's metadata server.
    Gce(gce::Question),
}

/// The selected provider and the request options.
#[derive(Debug)]
pub struct Wanted {
    pub provider: ProviderName,
    pub options: AcquireRequest,
}

/// Whether a request may come from Google's libraries, which cannot send a capability.
pub fn is_gce(asked: &RequestHead) -> bool {
    asked.path() == "/" || asked.path().starts_with("/computeMetadata/")
}

pub fn route(asked: &RequestHead, with_gce: bool) -> Result<Route, Refusal> {
    if asked.method != "GET" {
        let message = "only GET is supported";
        return Err(Refusal::new(405, "method_not_allowed", message).with("allow", "GET"));
    }
    if asked.has_body {
        return Err(Refusal::new(413, "too_large", "a request must not have a body"));
    }
    let mut query = Query::parse(asked.query())?;
    if with_gce && is_gce(asked) {
        return gce::question(asked, &mut query).map(Route::Gce);
    }
    let (kind, name) =
        asked.path().strip_prefix('/').and_then(|path| path.split_once('/')).unwrap_or_default();
    let provider = || name.parse().map_err(|_| unknown(name));
    let route = match kind {
        "token" => {
            let (wanted, format) = (Wanted::read(provider()?, &mut query)?, query.one("format")?);
            let format =
                format.unwrap_or_else(|| (if takes_json(asked) { "json" } else { "raw" }).to_owned());
            let format = named(&format)
                .ok_or_else(|| Refusal::bad_request("the value of `format` is not a valid format"))?;
            Route::Token(wanted, format)
        }
        "headers" => {
            let wanted = Wanted::read(provider()?, &mut query)?;
            let target = (query.one("method")?, query.one("url")?, query.one("dpop_nonce")?);
            Route::Headers { wanted, target: read_target(target)?, json: takes_json(asked) }
        }
        "aws" => {
            let account = query.parsed("account")?;
            let options = AcquireRequest { account, ..AcquireRequest::default() };
            Route::Aws(Wanted { provider: provider()?, options }, query.one("role")?)
        }
        _ => {
            let routes = "use /token/PROVIDER, /headers/PROVIDER or /aws/PROVIDER";
            return Err(Refusal::not_found("this path does not exist").hint(routes));
        }
    };
    query.end()?;
    Ok(route)
}

fn unknown(name: &str) -> Refusal {
    let message = format!("`{}` is not a valid provider name", escaped(name));
    Refusal::new(404, "unknown_provider", message)
}

fn takes_json(asked: &RequestHead) -> bool {
    let types = asked.headers("accept").flat_map(|value| value.split(','));
    types
        .map(|kind| kind.split(';').next().unwrap_or_default().trim())
        .any(|kind| kind == super::refusal::JSON)
}

type Target = (String, String, Option<String>);

fn read_target(
    (named, url, nonce): (Option<String>, Option<String>, Option<String>),
) -> Result<Option<Target>, Refusal> {
    let Some(url) = url else {
        return match (named, nonce) {
            (None, None) => Ok(None),
            _ => Err(Refusal::bad_request("`method` and `dpop_nonce` need `url`")),
        };
    };
    let named = named.unwrap_or_else(|| "GET".to_owned());
    let named = request_method(&named).map_err(|hint| Refusal::bad_request(format!("`method`: {hint}")))?;
    Ok(Some((named, url, nonce)))
}

impl Wanted {
    fn read(provider: ProviderName, query: &mut Query) -> Result<Self, Refusal> {
        let request = TokenRequest {
            scopes: query.parsed::<ScopeSet>("scope")?,
            audience: query.all("audience"),
            resource: query.all("resource"),
            connection: query.one("connection")?,
        };
        let options = AcquireRequest {
            account: query.parsed::<AccountName>("account")?,
            request,
            min_ttl: query.one("min_ttl")?.map(|text| read_duration(&text)).transpose()?,
            ..AcquireRequest::default()
        };
        Ok(Self { provider, options })
    }
}

fn read_duration(text: &str) -> Result<Duration, Refusal> {
    duration(text).map_err(|hint| Refusal::bad_request(format!("`min_ttl`: {hint}")))
}

#[cfg(test)]
mod tests {
    use super::super::access::tests::asked;
    use super::*;

    /// Describes the parsed request in one line, or returns the error's status.
    fn read(target: &str, headers: &[(&str, &str)]) -> String {
        let describe = |wanted: Wanted| {
            let AcquireRequest { account, request, min_ttl, .. } = wanted.options;
            let account = account.map(|account| account.to_string()).unwrap_or_default();
            let scopes = request.scopes.map(|scopes| scopes.to_string()).unwrap_or_default();
            let ttl = min_ttl.map_or(0, |ttl| ttl.as_secs());
            format!(
                "{} [{account}|{scopes}|{}|{}|{ttl}]",
                wanted.provider,
                request.audience.join(","),
                request.resource.join(",")
            )
        };
        match route(&asked(target, headers), true) {
            Ok(Route::Token(wanted, format)) => format!("{} {}", format.name, describe(wanted)),
            Ok(Route::Headers { wanted, target, json }) => {
                format!("headers {json} {} {target:?}", describe(wanted))
            }
            Ok(Route::Aws(wanted, role)) => format!("aws {} {role:?}", describe(wanted)),
            Ok(Route::Gce(question)) => format!("gce {question:?}"),
            Err(refusal) => refusal.status.to_string(),
        }
    }

    #[test]
    fn every_route() {
        let json = [("accept", "text/html;q=0.1, application/json;q=1")];
        for (target, headers, want) in [
            ("/token/github", &[][..], "raw github [||||0]"),
            ("/token/github", &json, "json github [||||0]"),
            ("/token/github?format=header", &json, "header github [||||0]"),
            (
                "/token/a?scope=b+a&audience=x&audience=y&resource=r&min_ttl=5m&account=me",
                &[],
                "raw a [me|a b|x,y|r|300]",
            ),
            ("/token/a?scope=", &[], "raw a [||||0]"),
            ("/token/", &[], "404"),
            ("/token", &[], "404"),
            ("/token/A", &[], "404"),
            ("/token/a/b", &[], "404"),
            ("/token/../a", &[], "404"),
            ("/token/a%00", &[], "404"),
            ("//token/a", &[], "404"),
            ("*", &[], "404"),
            ("/token/a?format=nonsense", &[], "400"),
            ("/token/a?scope=x&scope=y", &[], "400"),
            ("/token/a?scope=%22", &[], "400"),
            ("/token/a?min_ttl=soon", &[], "400"),
            ("/token/a?refresh=true", &[], "400"),
            ("/token/a?scope=%ff", &[], "400"),
            // F-LEAK12
            ("/token/a?audience=x%0Ay", &[], "400"),
            ("/token/a?audience=x&audience=y%0a", &[], "400"),
            ("/token/a?resource=x%0Dy", &[], "400"),
            ("/token/a?connection=x%00", &[], "400"),
            ("/token/a?scope=x%0Ay", &[], "400"),
            ("/token/a?audience=%C2%85", &[], "400"),
            ("/headers/a?audience=x%09y", &[], "400"),
            ("/aws/a?role=r%0A", &[], "400"),
            ("/token/a?url=https://x/", &[], "400"),
            ("/headers/a", &[], "headers false a [||||0] None"),
            (
                "/headers/a?url=https://x/y&method=PUT",
                &json,
                "headers true a [||||0] Some((\"PUT\", \"https://x/y\", None))",
            ),
            (
                "/headers/a?url=https://x/y&dpop_nonce=n",
                &[],
                "headers false a [||||0] Some((\"GET\", \"https://x/y\", Some(\"n\")))",
            ),
            ("/headers/a?method=PUT", &[], "400"),
            ("/headers/a?url=https://x/&method=P%0aT", &[], "400"),
            ("/aws/a?role=r", &[], "aws a [||||0] Some(\"r\")"),
            ("/aws/a?scope=x", &[], "400"),
            ("/", &[], "403"),
        ] {
            assert_eq!(read(target, headers), want, "{target}");
        }
    }

    #[test]
    fn other_methods_and_bodies_are_refused() {
        let status = |asked: &RequestHead| route(asked, false).map_or_else(|refusal| refusal.status, |_| 200);
        for method in ["HEAD", "POST", "OPTIONS", "CONNECT", "get"] {
            let asked = RequestHead { method: method.to_owned(), ..asked("/token/a", &[]) };
            assert_eq!(status(&asked), 405, "{method}");
        }
        assert_eq!(status(&RequestHead { has_body: true, ..asked("/token/a", &[]) }), 413);
        assert_eq!(status(&asked("/computeMetadata/v1/", &[("metadata-flavor", "Google")])), 404);
    }
}
