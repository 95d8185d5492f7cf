//! pip and uv with an index that requires a password, which they get from a program called `keyring`.

use std::process::Command;

use serde_json::json;

use super::{Desk, Service, Watch, folder, program};
use crate::parts::{Ended, OidcProvider};

/// Builds a wheel with one module.
const WHEEL: &str = "
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('tiny.py', 'TINY = 1\\n')
    info = 'tiny-1.0.dist-info/'
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', ''.join(f'{name},,\\n' for name in [*wheel.namelist(), info + 'RECORD']))
";

fn desk() -> (Desk, Service, tempfile::TempDir) {
    let (server, files) = (OidcProvider::start(3600), tempfile::tempdir().unwrap());
    let wheel = files.path().join("tiny-1.0-py3-none-any.whl");
    assert!(Command::new(program("python")).args(["-c", WHEEL]).arg(&wheel).status().unwrap().success());
    let service = Service::start("wheels", &server, &json!({ "wheel": { "name": "tiny", "file": wheel } }));
    let desk = Desk::logged_in(server, "http", &[service.host()], "");
    desk.set_up(&["keyring"], "--write").says("done");
    assert!(desk.path(".local/bin/keyring").is_symlink());
    (desk, service, files)
}

impl Desk {
    /// Installs the package from an index whose URL contains this user name.
    #[track_caller]
    fn install(&self, name: &str, service: &Service, user: &str) -> Ended {
        let index = format!("http://{user}{}/simple/", service.host());
        let target = self.path(&format!("installed-by-{name}")).display().to_string();
        let python = folder().join("python/venv/bin/python").display().to_string();
        let arguments =
            ["install", "--keyring-provider", "subprocess", "--target", &target, "--index-url", &index];
        let mut tool = match name {
            "pip" => self.tool("pip", &arguments),
            _ => self.tool("uv", &[&["pip"], &arguments[..], &["--python", &python]].concat()),
        };
        tool.args(["tiny"]).env("PIP_NO_INPUT", "1").env("PIP_NO_CACHE_DIR", "1").env("UV_NO_CACHE", "1");
        tool.env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        self.silent(Ended::from(tool.output().unwrap()))
    }
}

#[test]
fn pip_and_uv_install_from_a_private_index() {
    let (desk, service, _files) = desk();
    let token = desk.token();
    let watch = Watch::start();
    for name in ["pip", "uv"] {
        desk.install(name, &service, "__token__@").ok();
        assert_eq!(desk.read(&format!("installed-by-{name}/tiny.py")), "TINY = 1\n", "{name}");
    }
    watch.saw_no_token(&desk.server, "pip install");
    let credential = ("Basic".to_owned(), "__token__".to_owned(), token);
    assert!(service.credentials().contains(&credential), "{:#?}", service.credentials());
    assert_eq!(service.credentials().len(), 1);

    // If the URL has no user name, uv asks for that too.
    let index = format!(
        "[[index]]\nurl = \"{}/simple/\"\ndefault = true\nauthenticate = \"always\"\n",
        service.origin
    );
    let configuration = desk.write("uv.toml", &index).display().to_string();
    let (python, target) = (program("python").display().to_string(), desk.path("uv").display().to_string());
    let arguments =
        ["pip", "install", "--config-file", &configuration, "--python", &python, "--target", &target];
    let mut uv = desk.tool("uv", &arguments);
    uv.args(["--keyring-provider", "subprocess", "--no-cache", "tiny"]);
    desk.silent(Ended::from(uv.output().unwrap())).ok();
    let with_its_own = ("Basic".to_owned(), "oauth2".to_owned(), desk.token());
    assert_eq!(service.credentials()[1..], [with_its_own]);

    desk.set_up(&["keyring"], "--undo");
    assert!(!desk.path(".local/bin/keyring").is_symlink());
}

#[test]
fn an_unknown_index_gets_no_credential() {
    let (desk, service, files) = desk();
    let wheel = files.path().join("tiny-1.0-py3-none-any.whl");
    let other =
        Service::start("wheels", &desk.server, &json!({ "wheel": { "name": "tiny", "file": wheel } }));
    for name in ["pip", "uv"] {
        let ended = desk.install(name, &other, "__token__@");
        assert_ne!(ended.status, Some(0), "{name}: {ended:#?}");
    }
    assert_eq!(other.credentials(), []);
    assert_eq!(service.credentials(), []);
    let host = service.host();
    let keyring = |arguments: &[&str]| {
        let mut command = desk.equipped(Command::new(desk.path(".local/bin/keyring")));
        Ended::from(command.args(arguments).output().unwrap())
    };
    for service in ["other.example", &format!("{host}.evil.example"), &format!("https://{host}"), ""] {
        let ended = keyring(&["get", service, "__token__"]);
        assert_eq!(
            (ended.status, ended.stdout.as_str(), ended.stderr.as_str()),
            (Some(1), "", ""),
            "{service}"
        );
    }
    let token = desk.token();
    for service in [host.to_owned(), format!("http://{host}/simple/")] {
        assert_eq!(keyring(&["get", &service, "x"]).ok().stdout, format!("{token}\n"));
        assert_eq!(keyring(&["get", &service, "--mode", "creds"]).ok().stdout, format!("oauth2\n{token}\n"));
    }
    let json = keyring(&["--mode=creds", "--output=json", "get", host, "__token__"]).ok();
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json, json!({ "username": "__token__", "password": token }));
    assert_eq!(keyring(&["set", host, "x"]).status, Some(1));
}
