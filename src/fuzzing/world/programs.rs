//! What a run starts: a program, whose arguments are noted, or a service, which is captured.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::lock::lock;
use crate::ports::local_server::{Address, Bound, Listen, LocalServer, ServeError, Service};
use crate::ports::{
    Ended, Held, InheritedFile, Launch, LaunchError, OutputFilter, ProcessError, Processes, Program,
};
use crate::secret::SecretText;

/// The address of every simulated server.
const ADDRESS: &str = "127.0.0.1:8080";

/// Only curl exists on this machine, and only its arguments are recorded.
#[derive(Default)]
pub(super) struct Programs {
    started: Mutex<Option<Vec<OsString>>>,
}

impl Programs {
    /// Takes the arguments of the program that was started.
    pub(super) fn take(&self) -> Option<Vec<OsString>> {
        lock(&self.started).take()
    }
}

impl Processes for Programs {
    fn output(&self, program: &Program<'_>) -> Result<SecretText, ProcessError> {
        match program.command {
            [name, version] if name == "curl" && version == "--version" => {
                Ok(SecretText::new("curl 8.9.0 (x)\n"))
            }
            command => Err(ProcessError::NotStarted {
                program: command.first().cloned().unwrap_or_default(),
                reason: "no such program".to_owned(),
            }),
        }
    }

    fn interact(&self, program: &Program<'_>) -> Result<(), ProcessError> {
        self.output(program).map(drop)
    }

    fn parent(&self) -> Option<String> {
        None
    }

    fn run(&self, launch: &Launch<'_>, _: Option<OutputFilter<'_>>) -> Result<Ended, LaunchError> {
        self.replace(launch)
    }

    fn replace(&self, launch: &Launch<'_>) -> Result<Ended, LaunchError> {
        *lock(&self.started) = Some(launch.arguments.to_vec());
        Ok(Ended::Status(0))
    }

    fn inherited_text(&self, _: &SecretText) -> io::Result<Box<dyn InheritedFile>> {
        self.inherited_output()
    }

    fn inherited_output(&self) -> io::Result<Box<dyn InheritedFile>> {
        struct Descriptor;
        impl InheritedFile for Descriptor {
            fn path(&self) -> &Path {
                Path::new("/dev/fd/9")
            }

            fn set_inheritable(&self, _: bool) {}

            fn contents(&self) -> Vec<u8> {
                Vec::new()
            }
        }
        Ok(Box::new(Descriptor))
    }
}

/// Captures the service instead of running it.
#[derive(Default, Clone)]
pub(super) struct Captured(Arc<Mutex<Option<Arc<dyn Service>>>>);

impl Captured {
    /// Takes the service that was started.
    pub(super) fn take(&self) -> Option<Arc<dyn Service>> {
        lock(&self.0).take()
    }
}

impl LocalServer for Captured {
    fn bind(&self, _: &Listen) -> Result<Box<dyn Bound>, ServeError> {
        struct Taken(Address, Captured);
        impl Bound for Taken {
            fn address(&self) -> &Address {
                &self.0
            }

            fn run(self: Box<Self>, service: Arc<dyn Service>, _: &dyn Held) -> Result<(), ServeError> {
                *lock(&self.1.0) = Some(service);
                Ok(())
            }
        }
        let address = ADDRESS.parse().map_err(|_| ServeError::NotOffered("the address is wrong"))?;
        Ok(Box::new(Taken(Address::Loopback(address), self.clone())))
    }
}
