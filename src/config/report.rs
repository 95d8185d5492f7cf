//! Renders configuration problems as text: what is wrong, where, the safe part of the line, and what to do.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::schema::{Excerpt, Origin, Problem};
use crate::text::style::{ERROR, HINT, styled};
use crate::text::untrusted::escaped;

/// Renders a problem with the styles of the terminal; the console takes them out where they do not belong.
#[must_use]
pub fn render(problem: &Problem) -> String {
    let mut text = match &problem.origin {
        Origin::File { source, key, .. } => {
            let excerpt = excerpt(problem);
            let line = problem.origin.line().unwrap_or(1);
            let column = column(&source.text, key.start);
            let path = escaped(&source.name);
            match excerpt {
                Some((shown, span)) => {
                    // The excerpt is its own little source, so that nothing else of the file can get into the message.
                    let snippet = Snippet::source(shown)
                        .line_start(line)
                        .path(format!("{path}:{line}:{column}"))
                        .fold(false)
                        .annotation(AnnotationKind::Primary.span(span));
                    let group = Level::ERROR.primary_title(problem.message.as_str()).element(snippet);
                    tidy(&Renderer::styled().render(&[group]), &path, line, column)
                }
                None => {
                    format!("{} {}\n  --> {path}:{line}:{column}", styled(ERROR, "error:"), problem.message)
                }
            }
        }
        Origin::Variable(name) => format!(
            "{} {}\n  --> the environment variable {}",
            styled(ERROR, "error:"),
            problem.message,
            escaped(name)
        ),
        Origin::Default => format!("{} {}", styled(ERROR, "error:"), problem.message),
    };
    if let Some(hint) = &problem.hint {
        text.push_str(&format!("\n{} {hint}", styled(HINT, "hint:")));
    }
    text
}

/// The renderer counts the columns of the excerpt; the place is the file's.
fn tidy(rendered: &str, path: &str, line: usize, column: usize) -> String {
    let place = format!("{path}:{line}:{column}");
    rendered
        .lines()
        .map(|text| match text.find(&place) {
            Some(at) => text[..at + place.len()].to_owned(),
            None => text.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The column of a byte, counted in characters from 1.
fn column(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before[before.rfind('\n').map_or(0, |newline| newline + 1)..].chars().count() + 1
}

/// What may be shown of the line: up to the key's `=`; with the value where it is known and no secret and stands whole on
/// the line. Nothing of a syntax error, and nothing before a key that stands behind another.
fn excerpt(problem: &Problem) -> Option<(String, std::ops::Range<usize>)> {
    let Origin::File { source, key, value } = &problem.origin else { return None };
    if problem.excerpt == Excerpt::Nothing {
        return None;
    }
    let text = &source.text;
    let line_start = text.get(..key.start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text.get(key.start..)?.find('\n').map_or(text.len(), |newline| key.start + newline);
    if key.end > line_end {
        return None;
    }
    let before = text.get(line_start..key.start)?;
    // Behind a `=` or a `,` the text before may hold another key's value.
    let start = if before.contains(['=', ',', '{']) { key.start } else { line_start };
    let written_key = text.get(key.clone())?;
    let rest = text.get(key.end..line_end)?;
    let end =
        if problem.excerpt == Excerpt::Value && value.end <= line_end && is_plain(text.get(value.clone())?) {
            value.end
        } else {
            match rest.find('=') {
                Some(equals) if rest[..equals].trim().is_empty() => key.end + equals + 1,
                _ if before.trim_start().starts_with('[') => {
                    key.end + rest.find(']').map_or(0, |bracket| bracket + 1)
                }
                _ => key.end,
            }
        };
    let shown = escaped(text.get(start..end)?);
    let offset = escaped(text.get(start..key.start)?).len();
    Some((shown, offset..offset + escaped(written_key).len()))
}

/// A scalar or an array of them: a table could hold another key's secret.
fn is_plain(value: &str) -> bool {
    !value.contains(['{', '\n'])
}
