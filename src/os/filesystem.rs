//! What kind of file system a folder is on: locks and renames are not everywhere what they are on a disk.

use std::path::Path;

/// A file system, as far as a store needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// The protocol, where it is another machine's.
    pub network: Option<&'static str>,
    /// Nothing can be written.
    pub read_only: bool,
    /// The bytes that are left for us.
    pub free: u64,
}

/// The numbers of file systems of other machines (statfs(2)).
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

/// The file system of a folder, or of the nearest one above it that is there; `None` where the system does not say.
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

/// The longest file that this process may write (`ulimit -f`); `None` for any length.
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
    // Its type is another on some machines, and the number has 32 bits on all of them.
    let number = told.f_type as i64 & 0xffff_ffff;
    NETWORKS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn network(_: &Path) -> Option<&'static str> {
    None
}
