//! Injected faults, for crash tests: with the feature `fault-injection` a process ends, or a write fails, at a named
//! point. Released builds contain none of this.

#[cfg(all(feature = "fault-injection", not(debug_assertions)))]
compile_error!("fault-injection is for tests: it does not belong in a release build");

use std::io;

#[cfg(feature = "fault-injection")]
const VARIABLE: &str = "FAULT_POINT";

/// Ends the process like a crash, if this point is named.
pub fn crash(point: &str) {
    #[cfg(feature = "fault-injection")]
    if is_named(&format!("crash:{point}")) {
        std::process::abort();
    }
    let _ = point;
}

/// Fails like a full disk, if this point is named.
pub fn fail(point: &str) -> io::Result<()> {
    #[cfg(feature = "fault-injection")]
    if is_named(&format!("fail:{point}")) {
        return Err(io::Error::from(io::ErrorKind::StorageFull));
    }
    let _ = point;
    Ok(())
}

#[cfg(feature = "fault-injection")]
#[expect(clippy::disallowed_methods, reason = "a switch for tests, only in test builds")]
fn is_named(point: &str) -> bool {
    std::env::var(VARIABLE).is_ok_and(|named| named.split(',').any(|one| one == point))
}
