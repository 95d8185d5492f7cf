//! Shows the domain's prompts on the console.

use std::fmt::Display;
use std::time::Duration;

use url::Url;

use crate::app::qr_code::qr_code;
use crate::oauth::endpoint::authority;
use crate::ports::console::Console;
use crate::ports::prompter::{BrowserLogin, CodeEntry, Prompter, WaitReason};
use crate::ports::{Stream, Waiting};
use crate::text::style::{FAINT, HINT, STRONG, styled};
use crate::text::untrusted::escaped;

pub struct ConsolePrompter(pub Console);

impl Prompter for ConsolePrompter {
    fn log_in(&self, login: &BrowserLogin<'_>) {
        let console = &self.0;
        let server = styled(STRONG, authority(login.url));
        let instruction = if login.opened {
            format!("Opening your browser to log in at {server}. If it does not open, visit:")
        } else {
            format!("Open this URL in a browser to log in at {server}:")
        };
        console.say(format_args!("{instruction}\n\n    {}\n", styled(HINT, login.url)));
        if login.may_paste {
            console.say("Is the browser on another machine? Paste the address of its last page here.");
        }
        if let Some(provider) = login.device_login {
            console.say(format_args!(
                "To log in with a code on any device instead, run {}\n",
                styled(HINT, format!("authctl login {provider} --device"))
            ));
        }
    }

    /// Shows the code and the URL even if a QR code contains both: "Clients MUST still display the user_code" (RFC 8628
    /// section 3.3.1).
    fn enter_code(&self, entry: &CodeEntry<'_>) {
        let console = &self.0;
        let code = escaped(entry.code);
        let line = "─".repeat(code.chars().count() + 4);
        console.say(format_args!(
            "Open this URL on any device:\n\n    {}\n\nand enter this code:\n\n    ┌{line}┐\n    │  {}  │\n    └{line}┘\n",
            styled(HINT, entry.url),
            styled(STRONG, &code),
        ));
        if console.is_terminal(Stream::Err)
            && let Some(picture) = qr_code(entry.complete_url)
        {
            console.say(format_args!("{picture}\n"));
        }
    }

    fn opened_code_page(&self) {
        self.0.say(styled(
            FAINT,
            "The URL was opened in your browser. Check that the code there matches the one above.",
        ));
    }

    fn approve(&self, message: &str) {
        self.0.say(format_args!(
            "Approve the request on your device if it shows the message {}.",
            styled(STRONG, message)
        ));
    }

    fn log_out(&self, url: &Url, opened: bool) {
        if opened {
            self.0
                .say(format_args!("Opening your browser to log out at {}.", styled(STRONG, authority(url))));
        } else {
            self.0.say(format_args!("To log out, open this URL in a browser:\n\n    {url}\n"));
        }
    }

    fn wait(&self, reason: WaitReason, limit: Option<Duration>) -> Option<Box<dyn Waiting>> {
        let text = match reason {
            WaitReason::Browser => "Waiting for the browser (Ctrl-C to cancel)",
            WaitReason::Consent => "Waiting for your approval (Ctrl-C to cancel)",
            WaitReason::Tokens => "Requesting tokens",
            WaitReason::OtherLogin => "Waiting for another login",
            WaitReason::KeyringUnlock => "Waiting for you to unlock the keyring (Ctrl-C to cancel)",
        };
        self.0.wait_at_most(text, limit)
    }

    fn note(&self, text: &dyn Display) {
        self.0.note(text);
    }

    fn warn(&self, text: &dyn Display) {
        self.0.warn(text);
    }
}
