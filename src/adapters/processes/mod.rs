//! Starts other programs, without a shell and never from the working folder.

mod capture;
mod inherited_file;
mod launch;
mod parent;
pub(crate) mod program;
mod relay;
mod signal_forwarding;

use std::io;

use crate::ports::{
    Ended, InheritedFile, Launch, LaunchError, OutputFilter, ProcessError, Processes, Program,
};
use crate::secret::SecretText;

pub struct Children;

impl Processes for Children {
    fn output(&self, program: &Program<'_>) -> Result<SecretText, ProcessError> {
        capture::output(program)
    }

    fn interact(&self, program: &Program<'_>) -> Result<(), ProcessError> {
        capture::interact(program)
    }

    fn parent(&self) -> Option<String> {
        parent::parent()
    }

    fn run(&self, launch: &Launch<'_>, filter: Option<OutputFilter<'_>>) -> Result<Ended, LaunchError> {
        launch::run(launch, filter)
    }

    fn replace(&self, launch: &Launch<'_>) -> Result<Ended, LaunchError> {
        launch::replace(launch)
    }

    fn inherited_text(&self, text: &SecretText) -> io::Result<Box<dyn InheritedFile>> {
        inherited_file::with_text(text)
    }

    fn inherited_output(&self) -> io::Result<Box<dyn InheritedFile>> {
        inherited_file::for_output()
    }
}
