//! Moved config and state folders.

use std::path::PathBuf;
use std::sync::Arc;

use authctl::ports::{Folder, NoFolder, Paths};

use super::{Story, config};
use crate::login_url::{Resource, registering};
use crate::support::{AuthorizationServer, Sandbox};

/// Folders that variables move.
struct Moved {
    inner: Arc<dyn Paths>,
    moved: Folder,
    to: PathBuf,
}

impl Paths for Moved {
    fn folder(&self, folder: Folder) -> Result<PathBuf, NoFolder> {
        if folder == self.moved { Ok(self.to.clone()) } else { self.inner.folder(folder) }
    }

    fn home(&self) -> Option<PathBuf> {
        self.inner.home()
    }
}

fn moved(story: &mut Story, folder: Folder, to: &str) {
    let inner = Arc::clone(&story.sandbox.system.paths);
    let to = story.sandbox.path(to);
    story.sandbox.system.paths = Arc::new(Moved { inner, moved: folder, to });
}

/// F-BIND6: `XDG_CONFIG_HOME` or `HOME` names another folder: its file is not the one that was yours at the login.
#[test]
fn a_moved_config_folder_adds_no_host() {
    let mut story = Story::new();
    let hosts = format!("hosts = [\"{}\"]", story.evil.domain());
    story.sandbox.write("elsewhere/config.toml", &config(&story.server, "", ""));
    moved(&mut story, Folder::Config, "elsewhere");
    story.sandbox.run(&["token", "as"]).ok();
    story.sandbox.write("elsewhere/config.toml", &config(&story.server, &hosts, ""));
    story.nothing_leaks("a moved folder", &[]);
    let told = story.sandbox.run(&["token", "as"]).fails(4);
    told.says("elsewhere/config.toml:3 sets").says("set it in ~/config/config.toml");
    story.sandbox.run(&["login", "as"]).ok();
    story.sandbox.run(&["token", &story.evil.issuer()]).ok();
}

/// F-BIND6: `XDG_STATE_HOME` names another folder: its file describes another server.
#[test]
fn a_moved_state_folder_leads_nowhere_else() {
    let server = registering();
    let evil = AuthorizationServer::start();
    let sandbox = Sandbox::new("store = \"auto\"\n");
    let keyring = sandbox.keyring.present();
    let resource = Resource::of(&server);
    let url = resource.url();
    let address: url::Url = url.parse().unwrap();
    let own = format!("127.0.0.1:{}", address.port().unwrap());
    sandbox.run(&["login", &url]).ok();
    let mut story = Story { server, evil, sandbox, keyring };
    story.sandbox.run(&["token", &url]).ok();
    let discovered = std::fs::read_to_string(story.sandbox.path("state/learned.toml")).unwrap();
    let evil_domain = story.evil.domain();
    let hostile = discovered
        .replace(&format!("domain = \"{own}\""), &format!("domain = \"{evil_domain}\""))
        .replace(&format!("url = \"http://{own}"), &format!("url = \"http://{evil_domain}"));
    assert_ne!(hostile, discovered);
    story.sandbox.write("elsewhere/learned.toml", &hostile);
    moved(&mut story, Folder::State, "elsewhere");
    let evil_url = story.evil.issuer();
    for command in [&["token", evil_url.as_str()][..], &["token"], &["headers"], &["refresh"]] {
        let output = story.sandbox.run(command);
        assert!(output.status != 0 && output.stdout.is_empty(), "{command:?}: {output}");
    }
    story.nothing_leaks("discovered elsewhere", &[]);
}
