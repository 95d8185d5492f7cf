//! Builds a manual page in the man(7) format.

pub(super) struct Page(String);

impl Page {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    pub(super) fn section(&mut self, title: &str) {
        self.0.push_str(&format!(".SH \"{title}\"\n"));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        // A heading already starts a paragraph.
        let heading = self.0.lines().next_back().is_some_and(|last| last.starts_with(".SH"));
        let begin = if heading { "" } else { ".PP\n" };
        self.0.push_str(&format!("{begin}{}\n", line(text)));
    }

    /// Adds terms and their meanings.
    pub(super) fn list(&mut self, items: &[(&str, &str)]) {
        for (term, meaning) in items {
            self.0.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", escaped(term), line(meaning)));
        }
    }

    /// Adds example commands with their descriptions.
    pub(super) fn examples(&mut self, items: &[(&str, &str)]) {
        for (what, lines) in items {
            self.paragraph(what);
            self.0.push_str(".RS 4\n.EX\n");
            for text in lines.lines() {
                self.0.push_str(&format!("{}\n", line(text)));
            }
            self.0.push_str(".EE\n.RE\n");
        }
    }

    /// Adds references to authctl's pages, and to other pages with their sections.
    pub(super) fn see_also(&mut self, ours: &[String], others: &[(&str, u8)]) {
        let ours = ours.iter().map(|name| (name.as_str(), 1));
        let names: Vec<String> = ours
            .chain(others.iter().copied())
            .map(|(name, section)| format!(".BR {} ({section})", escaped(name)))
            .collect();
        self.section("SEE ALSO");
        // The comma comes before the macro's line break.
        self.0.push_str(&names.join(" ,\n"));
        self.0.push('\n');
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// Escapes text, so that roff does not interpret it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq")
        .replace('`', "\\(ga")
        .replace('~', "\\(ti")
}

/// Escapes a line, so that it is not read as a macro.
fn line(text: &str) -> String {
    let text = escaped(text);
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        for (text, want) in [
            ("--scope", "\\-\\-scope"),
            (".authctl.toml", "\\&.authctl.toml"),
            ("'quoted'", "\\(aqquoted\\(aq"),
            ("~/.netrc", "\\(ti/.netrc"),
            (r"a\b", r"a\eb"),
        ] {
            assert_eq!(line(text), want);
        }
    }
}
