//! Words that more than one tab or window uses. What only one of them says stands in its own file.

use crate::session::{Line, Tone};
use crate::tls::Direction;

use super::wrap::{indented, line};

pub(super) const AS_LOADED: &str = "As loaded: nothing to change here.";
pub(super) const LOOKING: &str = "Looking at file and engine for the review ...";
pub(super) const NOTHING_TO_SAVE: &str = "Nothing is changed, so there is nothing to save.";
pub(super) const DIRTY_BEFORE_WHOLE: &str =
    "There are unsaved changes; save or revert them before a whole file is put in place.";
const REVERTED: &str = "Back to what was loaded.";

pub(super) const fn reverted(done: bool) -> &'static str {
    if done { REVERTED } else { AS_LOADED }
}

pub(super) fn cannot_change(why: &str) -> String {
    format!("Opened read-only: {why}")
}

pub(super) fn deleted(what: &str) -> String {
    format!("{what} will be deleted: the server's default holds then. Not written yet.")
}

/// Nobody is known: of a direction, or at all.
pub(super) fn nobody(direction: Option<Direction>) -> String {
    let which = direction.map_or(String::new(), |direction| {
        format!("{} ", direction.to_string().to_lowercase())
    });
    format!("? No {which}peers known: neither the mail log nor a peers file names one.")
}

/// A fact with its name, in two columns.
pub(super) fn field(name: &str, value: impl AsRef<str>) -> Line {
    indented(Tone::Text, format!("{name:<10} {}", value.as_ref()), 11)
}

/// What the help says of a direction's drop-down.
pub(super) fn about_direction(direction: Direction) -> Vec<Line> {
    let words = match direction {
        Direction::Inbound => [
            "Inbound: the lowest TLS version that this server accepts from those who call it: other mail servers and \
             phones by SMTP, mail programs by IMAP and POP3, browsers and ActiveSync by HTTPS, and the web \
             administration itself (table Security).",
            "Raising it can lock out old phones, printers and scanners. Versions of IMAP, POP3 and HTTPS clients \
             stand in no log: they are unknown until measured.",
        ],
        Direction::Outbound => [
            "Outbound: the lowest TLS version that this server uses when it delivers mail to other servers by SMTP \
             (table SmtpSecurity).",
            "With peers that cannot do it, mail may bounce, wait, or go in clear (RFC 9325 section 5.2).",
        ],
    };
    words.map(|words| line(Tone::Text, words)).to_vec()
}
