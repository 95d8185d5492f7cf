//! Measures subjects and compares their medians.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keyring_core::api::CredentialStoreApi as _;

pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) command: Box<dyn Fn() -> Command>,
}

pub(super) fn subject(name: &'static str, command: impl Fn() -> Command + 'static) -> Subject {
    Subject { name, command: Box::new(command) }
}

/// Each subject's times, for medians of the ratios between two subjects, round by round.
pub(super) struct Times(BTreeMap<&'static str, Vec<f64>>);

impl Times {
    /// Runs all subjects in every round, in a new order each time; `many` processes of each at once.
    pub(super) fn measure(subjects: &[Subject], rounds: usize, many: usize) -> Self {
        let mut times: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
        let mut order: Vec<usize> = (0..subjects.len()).collect();
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..rounds + 3 {
            for at in (1..order.len()).rev() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                order.swap(at, usize::try_from(seed >> 33).unwrap() % (at + 1));
            }
            for &at in &order {
                let subject = &subjects[at];
                let taken = run(subject, many);
                // The first rounds warm up.
                if round >= 3 {
                    times.entry(subject.name).or_default().push(taken.as_secs_f64());
                }
            }
        }
        Self(times)
    }

    pub(super) fn ratio(&self, name: &str, base: &str) -> f64 {
        median(self.0[name].iter().zip(&self.0[base]).map(|(one, other)| one / other).collect())
    }

    pub(super) fn milliseconds(&self, name: &str) -> f64 {
        median(self.0[name].clone()) * 1e3
    }

    pub(super) fn row(&self, name: &str, base: &str, wanted: &str) {
        println!(
            "| {name} ({:.1} ms) | {base} ({:.1} ms) | {:.2} | {wanted} |",
            self.milliseconds(name),
            self.milliseconds(base),
            self.ratio(name, base)
        );
    }
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(super) fn run(subject: &Subject, many: usize) -> Duration {
    let mut commands: Vec<Command> = (0..many).map(|_| (subject.command)()).collect();
    for command in &mut commands {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    }
    let start = Instant::now();
    let children: Vec<Child> = commands.iter_mut().map(|command| command.spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "{} failed", subject.name);
    }
    start.elapsed()
}
