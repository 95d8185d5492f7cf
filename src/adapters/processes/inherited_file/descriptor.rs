//! A file descriptor that the program inherits.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::os::threads;
use crate::ports::InheritedFile;
use crate::secret::SecretText;

/// No honest response has longer headers.
const LONGEST_OUTPUT: usize = 1 << 20;

struct Descriptor {
    descriptor: OwnedFd,
    path: PathBuf,
    output: Option<File>,
}

impl Descriptor {
    fn new(descriptor: OwnedFd, output: Option<File>) -> Self {
        let path = PathBuf::from(format!("/dev/fd/{}", descriptor.as_raw_fd()));
        Self { descriptor, path, output }
    }
}

impl InheritedFile for Descriptor {
    fn path(&self) -> &Path {
        &self.path
    }

    fn set_inheritable(&self, inheritable: bool) {
        let flags = if inheritable { FdFlags::empty() } else { FdFlags::CLOEXEC };
        let _ = fcntl_setfd(self.descriptor.as_fd(), flags);
    }

    fn contents(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 8192];
        while let Some(output) = &self.output
            && bytes.len() < LONGEST_OUTPUT
            && let Ok(count @ 1..) = output.read_at(&mut buffer, bytes.len() as u64)
        {
            bytes.extend_from_slice(&buffer[..count]);
        }
        bytes
    }
}

/// A pipe, so that the text is gone once it was read.
pub(crate) fn with_text(text: &SecretText) -> io::Result<Box<dyn InheritedFile>> {
    let (reader, mut writer) = io::pipe()?;
    // The program that reads the pipe has not started, and a pipe has limited space: a thread writes the rest.
    let written = fill(&mut writer, text.expose().as_bytes())?;
    if written < text.expose().len() {
        let text = text.clone();
        threads::start("writer", move || drop(writer.write_all(&text.expose().as_bytes()[written..])))?;
    }
    Ok(Box::new(Descriptor::new(reader.into(), None)))
}

/// Writes as much as a pipe accepts at once; returns how much that was.
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

pub(crate) fn for_output() -> io::Result<Box<dyn InheritedFile>> {
    let file = nameless()?;
    Ok(Box::new(Descriptor::new(file.try_clone()?.into(), Some(file))))
}

/// A file in memory without a name.
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
