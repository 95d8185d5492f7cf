//! What a program that we run can read or write, and no other: by a descriptor that it inherits where there are such, else
//! by a temporary file.

use std::io;

use crate::ports::Handed;
use crate::secret::SecretText;

pub(super) use platform::{hand_over, notebook};

/// No honest answer has longer headers.
#[cfg(unix)]
const LONGEST_NOTES: usize = 1 << 20;

#[cfg(unix)]
mod platform {
    use std::fs::File;
    use std::io::Write as _;
    use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
    use std::os::unix::fs::FileExt as _;
    use std::path::{Path, PathBuf};

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use rustix::io::{FdFlags, fcntl_setfd};

    use super::{Handed, LONGEST_NOTES, SecretText, io};
    use crate::os::threads;

    /// A descriptor that is lent to a program.
    struct Lent {
        descriptor: OwnedFd,
        path: PathBuf,
        notes: Option<File>,
    }

    impl Lent {
        fn new(descriptor: OwnedFd, notes: Option<File>) -> Self {
            let path = PathBuf::from(format!("/dev/fd/{}", descriptor.as_raw_fd()));
            Self { descriptor, path, notes }
        }
    }

    impl Handed for Lent {
        fn path(&self) -> &Path {
            &self.path
        }

        fn lend(&self, lent: bool) {
            let flags = if lent { FdFlags::empty() } else { FdFlags::CLOEXEC };
            let _ = fcntl_setfd(self.descriptor.as_fd(), flags);
        }

        fn contents(&self) -> Vec<u8> {
            let mut bytes = Vec::new();
            let mut buffer = [0; 8192];
            while let Some(notes) = &self.notes
                && bytes.len() < LONGEST_NOTES
                && let Ok(count @ 1..) = notes.read_at(&mut buffer, bytes.len() as u64)
            {
                bytes.extend_from_slice(&buffer[..count]);
            }
            bytes
        }
    }

    /// A pipe, so that it is gone when it was read.
    pub(crate) fn hand_over(text: &SecretText) -> io::Result<Box<dyn Handed>> {
        let (reader, mut writer) = io::pipe()?;
        // The program that reads the pipe has not started, and a pipe holds only so much: a thread writes the rest.
        let written = fill(&mut writer, text.expose().as_bytes())?;
        if written < text.expose().len() {
            let text = text.clone();
            threads::start("writer", move || drop(writer.write_all(&text.expose().as_bytes()[written..])))?;
        }
        Ok(Box::new(Lent::new(reader.into(), None)))
    }

    /// Writes as much as a pipe takes at once; returns how much that was.
    fn fill(pipe: &mut io::PipeWriter, bytes: &[u8]) -> io::Result<usize> {
        let flags = fcntl_getfl(&*pipe)?;
        fcntl_setfl(&*pipe, flags | OFlags::NONBLOCK)?;
        let mut written = 0;
        while written < bytes.len() {
            match pipe.write(&bytes[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        fcntl_setfl(&*pipe, flags)?;
        Ok(written)
    }

    pub(crate) fn notebook() -> io::Result<Box<dyn Handed>> {
        let file = nameless()?;
        Ok(Box::new(Lent::new(file.try_clone()?.into(), Some(file))))
    }

    /// A file in memory that has no name.
    #[cfg(target_os = "linux")]
    fn nameless() -> io::Result<File> {
        use rustix::fs::{MemfdFlags, memfd_create};
        Ok(File::from(memfd_create("authctl", MemfdFlags::CLOEXEC)?))
    }

    /// A file whose name is removed at once.
    #[cfg(not(target_os = "linux"))]
    fn nameless() -> io::Result<File> {
        tempfile::tempfile()
    }
}

#[cfg(not(unix))]
mod platform {
    use std::io::Write as _;
    use std::path::Path;

    use super::{Handed, SecretText, io};

    /// A temporary file in the user's own folder of those; it is removed when it is dropped.
    struct Temporary(tempfile::TempPath);

    impl Handed for Temporary {
        fn path(&self) -> &Path {
            &self.0
        }

        fn lend(&self, _: bool) {}

        fn contents(&self) -> Vec<u8> {
            std::fs::read(&self.0).unwrap_or_default()
        }
    }

    pub(crate) fn hand_over(text: &SecretText) -> io::Result<Box<dyn Handed>> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(text.expose().as_bytes())?;
        Ok(Box::new(Temporary(file.into_temp_path())))
    }

    pub(crate) fn notebook() -> io::Result<Box<dyn Handed>> {
        Ok(Box::new(Temporary(tempfile::NamedTempFile::new()?.into_temp_path())))
    }
}
