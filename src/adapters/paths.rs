//! This user's folders on this platform.

use std::path::PathBuf;

use crate::ports::{Folder, NoFolder, Paths};

/// The name of authctl's folder in each of the platform's.
const NAME: &str = "authctl";

pub struct UserFolders;

impl Paths for UserFolders {
    fn folder(&self, folder: Folder) -> Result<PathBuf, NoFolder> {
        let named = |path: Option<PathBuf>, what| path.map(|path| path.join(NAME)).ok_or(NoFolder(what));
        match folder {
            Folder::Config => named(dirs::config_dir(), "the configuration"),
            Folder::Site => Ok(site()),
            // If the platform has no folder for state, it goes in the one for data.
            Folder::State => match dirs::state_dir() {
                Some(path) => Ok(path.join(NAME)),
                None => named(dirs::data_local_dir(), "the token store").map(|path| path.join("state")),
            },
            Folder::Data => match dirs::state_dir() {
                Some(_) => named(dirs::data_local_dir(), "the key of the token store"),
                None => {
                    named(dirs::data_local_dir(), "the key of the token store").map(|path| path.join("keys"))
                }
            },
            Folder::Cache => named(dirs::cache_dir(), "the cache"),
            Folder::Locks => locks(),
            Folder::Runtime => runtime(),
        }
    }

    fn home(&self) -> Option<PathBuf> {
        dirs::home_dir()
    }

    fn memory(&self) -> Option<PathBuf> {
        memory()
    }
}

/// The session's runtime folder if it is private to the user, else the shared-memory folder. Anyone may create folders
/// there, so authctl's own are checked separately.
#[cfg(target_os = "linux")]
fn memory() -> Option<PathBuf> {
    let runtime = PathBuf::from(format!("/run/user/{}", nix::unistd::geteuid()));
    let shared = PathBuf::from("/dev/shm");
    let own = dirs::runtime_dir().into_iter().chain([runtime]).find(|folder| is_ours_alone(folder));
    own.or_else(|| Some(shared).filter(|folder| folder.is_dir()))
}

#[cfg(not(target_os = "linux"))]
fn memory() -> Option<PathBuf> {
    None
}

/// Whether a folder belongs to this user and nobody else can read it.
#[cfg(unix)]
fn is_ours_alone(folder: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.uid() == nix::unistd::geteuid().as_raw() && metadata.mode() & 0o077 == 0
    })
}

#[cfg(target_os = "macos")]
fn site() -> PathBuf {
    PathBuf::from("/Library/Application Support").join(NAME)
}

#[cfg(all(unix, not(target_os = "macos")))]
fn site() -> PathBuf {
    PathBuf::from("/etc").join(NAME)
}

#[cfg(windows)]
fn site() -> PathBuf {
    PathBuf::from(r"C:\ProgramData").join(NAME)
}

/// The folder for the session's sockets: from the environment, else the system's default, else in the home.
#[cfg(unix)]
fn runtime() -> Result<PathBuf, NoFolder> {
    let session = dirs::runtime_dir().filter(|folder| folder.is_absolute() && is_ours_alone(folder));
    let system = || Some(PathBuf::from(format!("/run/user/{}", nix::unistd::geteuid())));
    let home = || dirs::home_dir().map(|home| home.join(".local/state").join(NAME).join("run"));
    session
        .or_else(|| system().filter(|folder| is_ours_alone(folder)))
        .or_else(home)
        .ok_or(NoFolder("the socket"))
}

#[cfg(not(unix))]
fn runtime() -> Result<PathBuf, NoFolder> {
    dirs::data_local_dir().map(|path| path.join(NAME).join("run")).ok_or(NoFolder("the server's files"))
}

/// The folder for the user's keyring locks, which is the same for every process of this user: no variable may let two
/// of them use different locks (F-ROT3).
#[cfg(unix)]
fn locks() -> Result<PathBuf, NoFolder> {
    let user = nix::unistd::geteuid();
    let runtime = PathBuf::from(format!("/run/user/{user}"));
    if is_ours_alone(&runtime) {
        return Ok(runtime.join(NAME));
    }
    let account = nix::unistd::User::from_uid(user).ok().flatten();
    let home = account.map(|account| account.dir).filter(|home| home.is_absolute());
    home.map(|home| home.join(".local/state").join(NAME).join("locks"))
        .ok_or(NoFolder("the locks of the keyring"))
}

#[cfg(not(unix))]
fn locks() -> Result<PathBuf, NoFolder> {
    dirs::data_local_dir()
        .map(|path| path.join(NAME).join("locks"))
        .ok_or(NoFolder("the locks of the keyring"))
}
