//! Which kind of file system a folder is on: not all of them support locks and renames as a local disk does.

use std::path::Path;

/// The properties of a file system that matter to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// The protocol, if it is a network file system.
    pub network: Option<&'static str>,
    pub read_only: bool,
    /// The bytes that this user may still write.
    pub free: u64,
}

/// The type numbers of network file systems (statfs(2)).
#[cfg(target_os = "linux")]
const NETWORKS: &[(i64, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "AFS"),
    (0x00c3_6400, "Ceph"),
];

/// The file system of a folder, or of its nearest ancestor that exists; `None` if the system does not say.
pub fn of(folder: &Path) -> Option<FileSystem> {
    let folder = folder.ancestors().find(|folder| folder.exists())?;
    #[cfg(unix)]
    {
        let told = rustix::fs::statvfs(folder).ok()?;
        Some(FileSystem {
            network: network(folder),
            read_only: told.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
            free: told.f_bavail.saturating_mul(told.f_frsize),
        })
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// The longest file that this process may write (`ulimit -f`); `None` without a limit.
pub fn longest_file() -> Option<u64> {
    #[cfg(unix)]
    {
        rustix::process::getrlimit(rustix::process::Resource::Fsize).current
    }
    #[cfg(not(unix))]
    None
}

#[cfg(target_os = "linux")]
fn network(folder: &Path) -> Option<&'static str> {
    let told = rustix::fs::statfs(folder).ok()?;
    // The field has a different type on some machines, but the number always has 32 bits.
    let number = told.f_type as i64 & 0xffff_ffff;
    NETWORKS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn network(_: &Path) -> Option<&'static str> {
    None
}
