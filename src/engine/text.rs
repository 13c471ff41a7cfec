//! Words from outside (names of processes, output of commands, the journal) made fit to be shown:
//! bounded, control bytes as hex, secrets left out.

use crate::hostile::{quotes_secret, safe_text};

/// The most characters of one line that are shown.
const LINE: usize = 400;

/// Foreign bytes as one harmless line.
pub(super) fn shown(bytes: &[u8]) -> String {
    safe_text(bytes, LINE)
}

/// The last lines of an output, each harmless and without secrets. Empty lines are left out.
pub(super) fn last_lines(output: &[u8], most: usize) -> Vec<String> {
    let mut lines: Vec<String> = output
        .rsplit(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.trim_ascii().is_empty())
        .take(most)
        .map(line_without_secrets)
        .collect();
    lines.reverse();
    lines
}

/// A line that quotes a secret is not shown at all: what the engine prints about its configuration is not ours to take apart.
fn line_without_secrets(line: &[u8]) -> String {
    if quotes_secret(&String::from_utf8_lossy(line)) {
        "(a line that may hold a secret is not shown)".to_owned()
    } else {
        shown(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_lines_are_kept_in_order_and_empty_ones_left_out() {
        assert_eq!(last_lines(b"one\n\ntwo\r\nthree\n", 2), ["two", "three"]);
    }

    #[test]
    fn a_line_with_a_secret_is_not_shown() {
        for line in [
            "bad value D3S:abcdef",
            "hash SHA:123",
            "<variable name=\"SmtpPassword\">x</variable>",
            "ApiKey=xyz",
        ] {
            assert_eq!(
                last_lines(line.as_bytes(), 5),
                ["(a line that may hold a secret is not shown)"]
            );
        }
        assert_eq!(last_lines(b"cannot open key file", 5), ["cannot open key file"]);
    }

    proptest! {
        #[test]
        fn nothing_shown_holds_a_control_character_or_is_long(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            let text = shown(&bytes);
            prop_assert!(text.chars().all(|letter| !letter.is_control()));
            prop_assert!(text.chars().count() <= LINE);
        }
    }
}
