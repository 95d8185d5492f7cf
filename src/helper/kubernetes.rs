//! Kubernetes' `ExecCredential`, the protocol of client-go's credential plugins (`client.authentication.k8s.io/v1` and
//! `v1beta1`).

use super::error::HelperError;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::installed::programs;
use super::protocol::Protocol;
use super::setup::{Plan, csv_field};
use super::token::with_login;
use crate::app::App;
use crate::app::args::{AccountArg, NarrowArgs, ProviderArg};
use crate::app::installed::Installed;
use crate::app::render::{RenderError, id_token};
use crate::binding::Binding;
use crate::config::Provider;
use crate::error::Error;
use crate::format::k8s::{API_VERSION, exec_credential};
use crate::oauth::endpoint::EndpointUrl;
use crate::os::private_file;
use crate::ports::Folder;
use crate::session::Open;
use crate::session::acquire::AcquireRequest;
use crate::session::acquire::rejected::refuse;
use crate::text::untrusted::Untrusted;
use crate::token::Issued;

const API_VERSIONS: [&str; 2] = [API_VERSION, "client.authentication.k8s.io/v1beta1"];
/// Every system limits an environment variable to less than this (F-HLP2).
const LONGEST_INFO: usize = 1 << 20;

/// Serve kubectl and every other client-go program as a credential plugin
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// Return the ID token, for clusters that authenticate users with OpenID Connect
    #[arg(long)]
    id_token: bool,
    /// Log in with the browser if necessary, even if kubectl is not interactive
    #[arg(long)]
    login: bool,
}

impl Protocol for Args {
    const NAME: &'static str = "kubernetes";

    fn run(&self, app: &App<'_>) -> Result<(), Error> {
        let info = app.system.environment.variable("KUBERNETES_EXEC_INFO");
        let exec_info = ExecInfo::read(info.as_deref())?;
        let Open { provider, session } = app.open(self.provider.name(app)?.as_ref())?;
        exec_info.check_cluster(&provider)?;
        let options = AcquireRequest {
            account: self.account.account.clone(),
            request: self.narrow.request(&provider)?,
            id_token: self.id_token,
            ..AcquireRequest::default()
        };
        let get = |options: &AcquireRequest| -> Result<Issued, Error> {
            let issued = with_login(app, &provider, options, exec_info.interactive || self.login)?;
            if self.id_token { id_token(&issued) } else { Ok(issued) }
        };
        let mut issued = get(&options)?;
        if exec_info.by_client && is_repeated(app, &provider, &issued) {
            // client-go runs a plugin again before the token expires only if a server rejected the token.
            refuse(&session, &provider, options.account.as_ref(), None)?;
            issued = get(&AcquireRequest { force_refresh: self.id_token, ..options })?;
        }
        let (early, now) = (provider.source.refresh_early(), app.system.clock.now());
        let expiry = issued.expires_at.map(|end| early_expiry(end, early, now));
        if exec_info.by_client {
            save_note(app, &provider, &issued, expiry);
        }
        issued.expires_at = expiry;
        let text = exec_credential(&issued, exec_info.api_version)
            .map_err(|error| RenderError::Format { provider: provider.name.clone(), error })?;
        Ok(app.system.console.out(text.expose())?)
    }

    fn installed(app: &App<'_>) -> Vec<Installed> {
        programs::kubernetes(app)
    }

    fn plan(&self, app: &App<'_>) -> Result<Plan, Error> {
        let provider = app.provider(self.provider.name(app)?.as_ref())?;
        let mut plan = Plan::new("Add a user to kubectl's configuration that gets its token from authctl");
        let words = plan.command(app)?;
        let user = format!("authctl-{}", provider.name);
        let mut command: Vec<String> =
            ["kubectl", "config", "set-credentials", &user].map(str::to_owned).into();
        command.push(format!("--exec-api-version={API_VERSION}"));
        command.push(format!("--exec-command={}", words[0]));
        command.push("--exec-interactive-mode=IfAvailable".to_owned());
        let mut arguments = words[1..].to_vec();
        arguments.extend(["helper".to_owned(), "kubernetes".to_owned(), provider.name.to_string()]);
        arguments.extend(self.id_token.then(|| "--id-token".to_owned()));
        arguments.extend(self.login.then(|| "--login".to_owned()));
        arguments
            .extend(self.account.account.iter().map(|account| format!("--account={}", account.as_str())));
        arguments.extend(self.narrow.arguments());
        for argument in arguments {
            let argument = plan.or_refuse(csv_field(&argument));
            command.push(format!("--exec-arg={argument}"));
        }
        let undo = ["kubectl", "config", "delete-user", &user].map(str::to_owned).into();
        let files = match app.system.environment.variable("KUBECONFIG").filter(|list| !list.is_empty()) {
            Some(list) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
            None => vec![plan.home(app)?.join(".kube/config")],
        };
        plan.run(command, undo, files);
        plan.then(format!("kubectl config set-context --current --user={user}"));
        Ok(plan)
    }
}

/// The request that client-go passes in `KUBERNETES_EXEC_INFO`.
#[derive(Debug, PartialEq, Eq)]
struct ExecInfo {
    api_version: &'static str,
    by_client: bool,
    interactive: bool,
    server: Option<String>,
}

impl ExecInfo {
    /// Parses the variable. Without one, a person or a script runs the helper.
    fn read(info: Option<&str>) -> Result<Self, HelperError> {
        let wrong = |problem: String| HelperError::Malformed {
            request: "KUBERNETES_EXEC_INFO",
            problem,
            hint: "update kubectl and authctl: authctl supports client.authentication.k8s.io/v1 and v1beta1",
        };
        let Some(info) = info.filter(|info| !info.is_empty()) else {
            return Ok(Self { api_version: API_VERSION, by_client: false, interactive: false, server: None });
        };
        if info.len() > LONGEST_INFO {
            return Err(wrong("is too long".to_owned()));
        }
        let root: Map<String, Value> =
            serde_json::from_str(info).map_err(|_| wrong("is not a JSON object".to_owned()))?;
        let written = root.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        let api_version = API_VERSIONS.into_iter().find(|known| *known == written);
        let spec = root.get("spec").and_then(Value::as_object);
        let cluster = spec.and_then(|spec| spec.get("cluster"));
        let server = match cluster {
            None | Some(Value::Null) => None,
            Some(cluster) => {
                let server = cluster.get("server").and_then(Value::as_str);
                Some(server.ok_or_else(|| wrong("has a cluster without a server".to_owned()))?.to_owned())
            }
        };
        Ok(Self {
            api_version: api_version
                .ok_or_else(|| wrong(format!("has the unknown apiVersion {}", Untrusted::new(written))))?,
            by_client: true,
            interactive: spec
                .and_then(|spec| spec.get("interactive"))
                .and_then(Value::as_bool)
                .unwrap_or_default(),
            server,
        })
    }

    /// Checks that the provider serves the cluster, if the request names one.
    fn check_cluster(&self, provider: &Provider) -> Result<(), HelperError> {
        let Some(server) = &self.server else { return Ok(()) };
        if EndpointUrl::configured(server).is_ok_and(|url| provider.serves(url.url())) {
            return Ok(());
        }
        let (cluster, provider) = (Untrusted::new(server), provider.name.clone());
        Err(HelperError::OtherCluster { cluster, provider })
    }
}

/// Returns the expiry for client-go, which is earlier than the real one so that client-go refreshes in time.
fn early_expiry(end: Timestamp, early: std::time::Duration, now: Timestamp) -> Timestamp {
    let left = end.duration_since(now);
    let early = SignedDuration::try_from(early).unwrap_or(SignedDuration::MAX).min(left / 2);
    end - early.max(SignedDuration::ZERO)
}

/// Whether the same process already got the same token, and the expiry that it got has not passed.
fn is_repeated(app: &App<'_>, provider: &Provider, issued: &Issued) -> bool {
    let (Some(path), Some(fingerprint)) = (note_path(app, provider), fingerprint(app, provider, issued))
    else {
        return false;
    };
    let before = private_file::read(&path).ok().flatten();
    let before: Option<Value> = before.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let Some(before) = before else { return false };
    let expiry = before["until"].as_str().and_then(|until| until.parse::<Timestamp>().ok());
    before["asked"] == fingerprint && expiry.is_none_or(|expiry| app.system.clock.now() < expiry)
}

/// Notes which process got which token and its expiry. A failure to write the note is ignored.
fn save_note(app: &App<'_>, provider: &Provider, issued: &Issued, until: Option<Timestamp>) {
    if let (Some(path), Some(fingerprint)) = (note_path(app, provider), fingerprint(app, provider, issued)) {
        let note = serde_json::json!({ "asked": fingerprint, "until": until.map(|until| until.to_string()) });
        let _ = private_file::write(&path, note.to_string().as_bytes());
    }
}

fn note_path(app: &App<'_>, provider: &Provider) -> Option<std::path::PathBuf> {
    let folder = app.system.paths.folder(Folder::State).ok()?;
    Some(folder.join("kubernetes").join(format!("{}.json", provider.name)))
}

/// Returns a fingerprint of the calling process and the token, which does not reveal the token.
fn fingerprint(app: &App<'_>, provider: &Provider, issued: &Issued) -> Option<String> {
    let parent = app.system.processes.parent()?;
    let mark = Binding::default()
        .with("parent", parent)
        .with("provider", provider.name.to_string())
        .with("token", issued.credential.bare().expose().to_owned());
    Some(mark.fingerprint())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubernetes_exec_info_is_checked_f_hlp2() {
        let v1 = "client.authentication.k8s.io/v1";
        let info = |version: &str, spec: &str| {
            format!("{{\"apiVersion\":\"{version}\",\"kind\":\"ExecCredential\",\"spec\":{spec}}}")
        };
        let beta = "client.authentication.k8s.io/v1beta1";
        let cluster = "{\"interactive\":true,\"cluster\":{\"server\":\"https://k8s.example\"}}";
        for (name, text, want) in [
            ("nothing", None, Some((v1, false, None))),
            ("empty", Some(String::new()), Some((v1, false, None))),
            ("v1", Some(info(v1, "{\"interactive\":true}")), Some((v1, true, None))),
            ("v1beta1", Some(info(beta, "{}")), Some((beta, false, None))),
            ("a cluster", Some(info(v1, cluster)), Some((v1, true, Some("https://k8s.example")))),
            ("no spec", Some(format!("{{\"apiVersion\":\"{v1}\"}}")), Some((v1, false, None))),
            ("a cluster without a server", Some(info(v1, "{\"cluster\":{}}")), None),
            ("an unknown version", Some(info("client.authentication.k8s.io/v2", "{}")), None),
            ("no version", Some("{}".to_owned()), None),
            ("no JSON", Some("{".to_owned()), None),
            ("an array", Some("[]".to_owned()), None),
            ("too long", Some(" ".repeat(LONGEST_INFO + 1)), None),
        ] {
            let by_client = text.as_ref().is_some_and(|text| !text.is_empty());
            let want = want.map(|(api_version, interactive, server): (_, _, Option<&str>)| ExecInfo {
                api_version,
                by_client,
                interactive,
                server: server.map(str::to_owned),
            });
            assert_eq!(ExecInfo::read(text.as_deref()).ok(), want, "{name}");
        }
    }

    #[test]
    fn kubectl_gets_an_early_expiration_timestamp() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let minute = std::time::Duration::from_secs(60);
        for (end, want) in [(3600, 3540), (100, 50), (0, 0)] {
            assert_eq!(early_expiry(at(end), minute, at(0)), at(want), "{end}");
        }
    }
}
