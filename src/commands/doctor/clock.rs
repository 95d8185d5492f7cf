//! Compares the clock with the servers' clocks and with the issue times of stored tokens (F-EXP4).

use jiff::SignedDuration;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::store::Stored;

const TOPIC: Topic = Topic::Clock;
/// Most servers tolerate this much clock skew in proofs and assertions.
const WORTH_A_WARNING: SignedDuration = SignedDuration::from_secs(60);
/// No server tolerates more.
const TOO_FAR: SignedDuration = SignedDuration::from_mins(5);
const FIX: &str = "set the clock: timedatectl set-ntp true";

pub(super) fn check(examination: &Examination<'_>, stored: &[Stored]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let answers = examination.watched.answers();
    let told = answers.iter().filter_map(|answer| Some((answer.server.as_str(), answer.ahead?)));
    // Use the server that differs least: another server's own clock may be wrong.
    match told.min_by_key(|(_, ahead)| ahead.abs()) {
        Some((server, ahead)) => findings.push(compared(server, ahead)),
        None if examination.offline => {}
        None => findings.push(Finding::note(TOPIC, "", "not checked: no server sent its time")),
    }
    let now = examination.app.system.clock.now();
    for stored in stored {
        let got = stored.record.iter().flat_map(|record| record.tokens()).map(|token| token.life.obtained_at);
        let latest = got.chain([stored.entry.logged_in_at]).max().unwrap_or(stored.entry.logged_in_at);
        let ahead = latest.duration_since(now);
        if ahead > WORTH_A_WARNING {
            let subject = format!("{} ({})", stored.provider, stored.entry.account);
            findings.push(
                Finding::warning(TOPIC, subject, format!("its token was issued {} in the future", words(ahead)))
                    .why("the clock was ahead then, or is behind now; authctl refreshes such a token before it uses it")
                    .fix(FIX),
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
            .why("tokens seem to expire at the wrong time, and servers reject signatures from this machine")
            .fix(FIX)
    } else if distance > WORTH_A_WARNING {
        Finding::warning(TOPIC, server, what)
            .why("some servers reject signatures with this much clock skew")
            .fix(FIX)
    } else {
        Finding::ok(TOPIC, server, "its clock agrees with this machine's")
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
