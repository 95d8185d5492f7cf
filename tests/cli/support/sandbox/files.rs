//! Config files and their permissions.

use std::path::Path;

/// The configuration of a provider `as` at this server.
pub fn server_config(domain: &str, more: &str) -> String {
    format!(
        "store = \"file\"\n[credentials.as]\ndomain = \"{domain}\"\nscheme = \"http\"\n[credentials.as.oauth]\nclient_id = \"app\"\nscopes = [\"openid\", \"repo\"]\n{more}"
    )
}

#[cfg(unix)]
pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// The permissions of a file.
#[cfg(unix)]
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(not(unix))]
pub fn set_mode(_: &Path, _: u32) {}
