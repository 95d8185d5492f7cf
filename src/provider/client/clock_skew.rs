//! Detects that this machine's clock is wrong.

use jiff::fmt::rfc2822;

use crate::oauth::json;
use crate::ports::HttpResponse;
use crate::provider::context::Context;

/// The smallest difference to report, in seconds. Proofs and assertions are valid for about that long.
const NOTABLE_SKEW: i64 = 60;

/// Reports the clock's deviation if a server rejects a proof or an assertion, because a wrong clock may be the reason
/// (RFC 9449 section 11.1).
pub(super) fn note_clock_skew(context: &Context<'_>, response: &HttpResponse) {
    // A wrong clock does not cause other errors.
    let about_time = ["invalid_client", "invalid_dpop_proof", "invalid_grant"];
    let error = json::object(&response.body).ok().and_then(|object| object.get("error").cloned());
    if !error.is_some_and(|error| about_time.iter().any(|code| error == *code)) {
        return;
    }
    let sent = response.header("date").and_then(|date| rfc2822::parse(date).ok());
    let Some(sent) = sent else { return };
    let skew = context.system.clock.now().duration_since(sent.timestamp()).as_secs();
    if skew.abs() > NOTABLE_SKEW {
        let direction = if skew > 0 { "ahead of" } else { "behind" };
        context
            .system
            .prompter
            .note(&format_args!("this machine's clock is {} seconds {direction} the server's", skew.abs()));
    }
}
