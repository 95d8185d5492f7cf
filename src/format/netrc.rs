//! Entries of a `.netrc` file, one per host, for programs that read nothing else.

use super::definition::{Format, FormatError, Subject, one_line};
use crate::secret::SecretText;
use crate::token::{Credential, Issued};

pub const FORMAT: Format = Format { name: "netrc", about: "entries of a .netrc file, one per host", render };

fn render(issued: &Issued, subject: &Subject<'_>) -> Result<SecretText, FormatError> {
    let secret = issued.credential.bare();
    let username = match &issued.credential {
        Credential::Basic { username, .. } => username.as_str(),
        _ => subject.username,
    };
    for word in [username, secret.expose()] {
        one_line(word, FORMAT.name)?;
        // Readers split at spaces, and not all of them support quotes (Python's netrc, curl before 7.84).
        if word.is_empty() || word.contains([' ', '"', '\\']) || !word.is_ascii() {
            return Err(FormatError::Unframeable(FORMAT.name));
        }
    }
    let mut lines = String::new();
    for host in subject.hosts {
        // A machine has a name and no port (netrc(5)).
        let name = host
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(host.as_str(), |(name, _)| name);
        lines.push_str(&format!("machine {name} login {username} password {}\n", secret.expose()));
    }
    Ok(SecretText::new(lines))
}
