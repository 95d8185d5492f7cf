//! The clock: against the servers', and against when stored tokens were got (F-EXP4).

use jiff::SignedDuration;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::store::Stored;

const TOPIC: Topic = Topic::Clock;
/// Servers take proofs and assertions that are this far off, most of them.
const WORTH_A_WARNING: SignedDuration = SignedDuration::from_secs(60);
/// Nobody takes what is this far off.
const TOO_FAR: SignedDuration = SignedDuration::from_mins(5);
const MEND: &str = "set the clock: timedatectl set-ntp true";

pub(super) fn check(examination: &Examination<'_>, stored: &[Stored]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let answers = examination.watched.answers();
    let told = answers.iter().filter_map(|answer| Some((answer.server.as_str(), answer.ahead?)));
    // The server that agrees most with us: another's clock may be the one that is wrong.
    match told.min_by_key(|(_, ahead)| ahead.abs()) {
        Some((server, ahead)) => findings.push(compared(server, ahead)),
        None if examination.offline => {}
        None => findings.push(Finding::note(TOPIC, "", "not compared: no server told the time")),
    }
    let now = examination.app.system.clock.now();
    for stored in stored {
        let got = stored.record.iter().flat_map(|record| record.tokens()).map(|token| token.life.obtained_at);
        let latest = got.chain([stored.entry.logged_in_at]).max().unwrap_or(stored.entry.logged_in_at);
        let ahead = latest.duration_since(now);
        if ahead > WORTH_A_WARNING {
            let subject = format!("{} ({})", stored.provider, stored.entry.account);
            findings.push(
                Finding::warning(TOPIC, subject, format!("its token was got {} from now", words(ahead)))
                    .why("the clock was ahead then, or is behind now; such a token is renewed before it is used")
                    .mend(MEND),
            );
        }
    }
    findings
}

fn compared(server: &str, ahead: SignedDuration) -> Finding {
    let distance = ahead.abs();
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    let what = format!("this machine's clock is {} {side} the server's", words(distance));
    if distance > TOO_FAR {
        Finding::problem(TOPIC, server, what)
            .why("tokens seem to end at the wrong time, and servers refuse what is signed here")
            .mend(MEND)
    } else if distance > WORTH_A_WARNING {
        Finding::warning(TOPIC, server, what)
            .why("some servers refuse what is signed this far off")
            .mend(MEND)
    } else {
        Finding::ok(TOPIC, server, "agrees with this machine's clock")
    }
}

fn words(length: SignedDuration) -> String {
    crate::text::humanize::length(length.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;

    #[test]
    fn clock_skew_has_a_severity() {
        for (seconds, want) in [
            (0, Severity::Ok),
            (59, Severity::Ok),
            (-60, Severity::Ok),
            (61, Severity::Warning),
            (-300, Severity::Warning),
            (301, Severity::Problem),
            (-86_400, Severity::Problem),
        ] {
            assert_eq!(compared("a", SignedDuration::from_secs(seconds)).severity, want, "{seconds}");
        }
    }
}
