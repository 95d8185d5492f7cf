//! Private networks and the processes in them.

use std::fs::File;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// The cluster in its private network.
pub(super) const ADDRESS: &str = "10.77.0.1";

/// Runs a program, which must succeed.
#[track_caller]
pub(super) fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|_| panic!("{command:?} is missing: run tests/setup"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
pub(super) fn ip(arguments: &str) {
    run(Command::new("ip").args(arguments.split_whitespace()));
}

/// Network namespaces that are removed when the test ends.
pub(super) struct Namespaces(Vec<String>);

impl Namespaces {
    pub(super) fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make network namespaces: run them as root"
        );
        Self(Vec::new())
    }

    /// A namespace with only a loopback interface.
    pub(super) fn add(&mut self, name: &str) -> String {
        // Creating the first namespace also creates their common folder.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("authctl-{}-{count}-{name}", std::process::id());
        let guard = ONE_AT_A_TIME.lock();
        ip(&format!("netns add {name}"));
        drop(guard);
        self.0.push(name.clone());
        ip(&format!("-n {name} link set lo up"));
        name
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in &self.0 {
            // This also removes its links.
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}

/// The same command inside a namespace, with its own `/run` if one is given. `ip` replaces itself with the program, so killing
/// one kills the other.
pub(super) fn inside(namespace: &str, run: Option<&Path>, command: &Command) -> Command {
    let mut inside = Command::new("ip");
    inside.args(["netns", "exec", namespace]);
    if let Some(run) = run {
        inside.args(["sh", "-c", "mount --bind \"$0\" /run && exec \"$@\""]).arg(run);
    }
    inside.arg(command.get_program()).args(command.get_args());
    inside.env_clear().stdin(Stdio::null());
    inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        inside.current_dir(folder);
    }
    inside
}

/// Forwards a port from a namespace's loopback to the host's.
pub(super) struct Forwarder(TcpListener);

impl Forwarder {
    pub(super) fn start(namespace: &str, port: u16) -> Self {
        use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
        let namespace = File::open(format!("/run/netns/{namespace}")).unwrap();
        // A socket belongs to the namespace of the thread that created it.
        let bound = std::thread::spawn(move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            TcpListener::bind(("127.0.0.1", port)).unwrap()
        });
        let listener = bound.join().unwrap();
        let accepting = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            for inner in accepting.incoming().map_while(Result::ok) {
                let Ok(outer) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                copy(&inner, &outer);
                copy(&outer, &inner);
            }
        });
        Self(listener)
    }
}

pub(super) fn copy(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        // Stops the accepting thread.
        let _ = rustix::net::shutdown(&self.0, rustix::net::Shutdown::Both);
    }
}
