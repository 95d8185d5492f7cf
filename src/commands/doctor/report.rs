//! Formats findings as text and JSON. All output goes through here, so that the home folder always appears as `~`.

use serde_json::{Value, json};

use super::finding::{Finding, Severity, Topic};
use crate::text::humanize::counted;
use crate::text::style::{ERROR, FAINT, GOOD, HINT, NOTE, STRONG, styled};

/// Replaces the path of the home folder, so that the report does not reveal the user's name.
pub fn anonymous(findings: Vec<Finding>, home: Option<&str>) -> Vec<Finding> {
    let Some(home) = home.filter(|home| home.len() > 1) else { return findings };
    let shorten = |text: String| text.replace(home, "~");
    let shortened = findings.into_iter().map(|finding| Finding {
        subject: shorten(finding.subject),
        what: shorten(finding.what),
        why: finding.why.map(shorten),
        fix: finding.fix.map(shorten),
        ..finding
    });
    shortened.collect()
}

/// The stable JSON form.
pub fn in_json(findings: &[Finding], version: &str, platform: &str) -> Value {
    let findings: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let mut value = json!({
                "topic": finding.topic.name(),
                "subject": finding.subject,
                "severity": finding.severity.name(),
                "what": plain(&finding.what),
                "why": finding.why.as_deref().map(plain),
                "fix": finding.fix.as_deref().map(plain),
            });
            if let (Some(time), Some(members)) = (finding.milliseconds, value.as_object_mut()) {
                members.insert("milliseconds".to_owned(), time.into());
            }
            value
        })
        .collect();
    json!({ "findings": findings, "version": version, "platform": platform })
}

/// Removes terminal styles, which config excerpts contain.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Formats the report for people. Findings without a problem are one line per topic, unless `all` is set.
pub fn in_text(findings: &[Finding], all: bool) -> String {
    let mut text = String::new();
    for topic in Topic::ALL {
        let of_topic: Vec<&Finding> = findings.iter().filter(|finding| finding.topic == topic).collect();
        if of_topic.is_empty() {
            continue;
        }
        text.push_str(&format!("{}\n", styled(STRONG, topic.title())));
        let (good, rest): (Vec<_>, Vec<_>) =
            of_topic.into_iter().partition(|finding| finding.severity == Severity::Ok);
        if all {
            good.iter().for_each(|finding| text.push_str(&shown(finding)));
        } else if let Some((first, others)) = good.split_first() {
            text.push_str(&line(first, others.len()));
        }
        rest.iter().for_each(|finding| text.push_str(&shown(finding)));
    }
    text.push_str(&format!("\n{}\n", summary(findings)));
    text
}

fn line(finding: &Finding, others: usize) -> String {
    let (sign, style) = match finding.severity {
        Severity::Ok => ("✓", GOOD),
        Severity::Note => ("•", FAINT),
        Severity::Warning => ("!", NOTE),
        Severity::Problem => ("✗", ERROR),
    };
    let severity = styled(style, format!("{sign} {:8}", finding.severity.name()));
    let subject = match finding.subject.as_str() {
        "" => String::new(),
        subject => format!("{}: ", styled(STRONG, subject)),
    };
    let time = finding.milliseconds.map(|time| styled(FAINT, format!(" ({time} ms)"))).unwrap_or_default();
    let more = if others > 0 { styled(FAINT, format!(" … and {others} more")) } else { String::new() };
    // Config excerpts have several lines.
    let what = finding.what.replace('\n', "\n             ");
    format!("  {severity} {subject}{what}{time}{more}\n")
}

fn shown(finding: &Finding) -> String {
    let mut text = line(finding, 0);
    let indented = |words: &str| words.replace('\n', "\n             ");
    if let Some(why) = &finding.why {
        text.push_str(&format!("    {}  {}\n", styled(FAINT, "why:   "), indented(why)));
    }
    if let Some(fix) = &finding.fix {
        text.push_str(&format!("    {}  {}\n", styled(HINT, "fix:   "), indented(fix)));
    }
    text
}

fn summary(findings: &[Finding]) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    let counts: Vec<String> =
        [(Severity::Problem, "problem"), (Severity::Warning, "warning"), (Severity::Note, "note")]
            .into_iter()
            .filter(|(severity, _)| count(*severity) > 0)
            .map(|(severity, unit)| counted(count(severity), unit))
            .collect();
    match (count(Severity::Problem), counts.is_empty()) {
        (_, true) => styled(GOOD, "No problems found."),
        (0, false) => format!("{} ({})", styled(GOOD, "No problems found"), counts.join(", ")),
        _ => styled(ERROR, counts.join(", ")),
    }
}
