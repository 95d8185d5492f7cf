//! Identifies the process that started this one.

/// The parent's ID with its start time, because IDs are reused, and its program, because a process may become another
/// program: gcloud's `kubectl` asks for a token, and then becomes the kubectl that matches the cluster.
#[cfg(unix)]
pub(super) fn parent() -> Option<String> {
    let parent = rustix::process::getppid()?.as_raw_nonzero();
    let stat = std::fs::read_to_string(format!("/proc/{parent}/stat")).unwrap_or_default();
    // proc_pid_stat(5): the second field, the name, is in parentheses and may contain anything; the 22nd is the start
    // time.
    let started = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19));
    let program = std::fs::read_link(format!("/proc/{parent}/exe")).unwrap_or_default();
    Some(format!("{parent} {} {}", started.unwrap_or_default(), program.display()))
}

#[cfg(not(unix))]
pub(super) fn parent() -> Option<String> {
    None
}
