//! The composition root: the real system, the library, the exit status.

use std::process::ExitCode;

use authctl::adapters;

fn main() -> ExitCode {
    adapters::hardening::harden();
    if std::env::args_os().nth(1).is_some_and(|argument| argument == adapters::browser::OPEN_ARGUMENT) {
        adapters::browser::open_from_input();
        return ExitCode::SUCCESS;
    }
    if adapters::completion::answered() {
        return ExitCode::SUCCESS;
    }
    let mut system = adapters::system();
    ExitCode::from(authctl::run(std::env::args_os(), &mut system).code())
}
