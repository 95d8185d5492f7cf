//! The composition root: the real system, the library, the exit status.

use std::process::ExitCode;

use authctl::adapters;

fn main() -> ExitCode {
    adapters::hardening::harden();
    if std::env::args_os().nth(1).is_some_and(|argument| argument == adapters::browser::OPEN_ARGUMENT) {
        adapters::browser::open_from_input();
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<_> = std::env::args_os().collect();
    let mut system = adapters::system();
    if authctl::answer_completion(&arguments, &system) {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(authctl::run(arguments, &mut system).code())
}
