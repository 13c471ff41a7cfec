//! The one way out for text: a page on standard output, single lines on standard error. Whatever the file or a stranger
//! wrote, no control byte and no invisible character gets through, and no line is longer than a screen could ever need.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};

use crate::hostile::{is_hidden, is_mark, safe_lines, safe_text};

use super::failure::Failure;

/// Columns where standard output is no terminal, or does not say.
const COLUMNS: usize = 100;
/// Longest line printed, in characters.
const LINE: usize = 16 * 1024;
/// Longest answer read from the terminal, in bytes.
const ANSWER: u64 = 1024;

/// Standard output and standard error.
pub(super) struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

impl<'a> Console<'a> {
    pub(super) fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self { out, err }
    }

    /// Prints lines of plain text, each made safe.
    ///
    /// # Errors
    /// [`Failure::Output`]: the reader is gone, the disk is full.
    pub(super) fn lines(&mut self, lines: &[String]) -> Result<(), Failure> {
        let mut page = String::new();
        for line in lines {
            page.push_str(clean(line).trim_end());
            page.push('\n');
        }
        self.own(&page)
    }

    /// Prints a value as one line of JSON.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub(super) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| output(io::Error::other(error)))?;
        self.own(&format!("{}\n", escape_json(&text)))
    }

    /// Prints a text that has lines already.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.own(&safe_lines(text))
    }

    /// Prints text that is all our own, such as a shell's completions with their tabs, as it is.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub(super) fn own(&mut self, text: &str) -> Result<(), Failure> {
        self.out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(output)
    }

    /// Says what is being done, on standard error: a page on standard output stays what was asked for.
    pub(super) fn note(&mut self, words: &str) {
        self.line(words);
    }

    /// Says something to be known, on standard error.
    pub(super) fn warn(&mut self, words: &str) {
        self.line(&format!("warning: {words}"));
    }

    /// Says what is being done, on standard error, if that is a terminal: a script's log has no use for it.
    pub(super) fn progress(&mut self, words: &str) {
        if io::stderr().is_terminal() {
            let _ = writeln!(self.err, "{}", clean(words));
            let _ = self.err.flush();
        }
    }

    /// Says why it failed, on standard error: one line, whatever the words hold. Only what is a list by its nature (an
    /// engine's last words, values in dispute) takes more, each indented.
    pub(super) fn fail(&mut self, failure: &Failure) {
        self.line(&failure.head());
        for line in failure.more() {
            let _ = writeln!(self.err, "  {}", clean(line).trim_end());
        }
        let _ = self.err.flush();
    }

    fn line(&mut self, words: &str) {
        // If standard error is gone too there is nobody left to tell; the exit status still says it.
        let _ = writeln!(self.err, "kerio-tls: {}", clean(&one_line(words)));
        let _ = self.err.flush();
    }

    /// Asks on the terminal; anything but `y` or `yes` is no.
    ///
    /// # Errors
    /// [`Failure::Output`], [`Failure::Input`].
    pub(super) fn ask(&mut self, question: &str) -> Result<bool, Failure> {
        self.text(&format!("{} [y/N] ", clean(question)))?;
        let mut answer = Vec::new();
        io::stdin()
            .lock()
            .take(ANSWER)
            .read_until(b'\n', &mut answer)
            .map_err(Failure::Input)?;
        Ok(matches!(
            answer.trim_ascii().to_ascii_lowercase().as_slice(),
            b"y" | b"yes"
        ))
    }
}

/// Can somebody be asked? Only when questions are seen and answers are typed.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Columns to wrap at.
pub(super) fn columns() -> usize {
    rustix::termios::tcgetwinsize(rustix::stdio::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
        .map_or(COLUMNS, |columns| columns.max(20))
}

fn output(error: io::Error) -> Failure {
    Failure::Output {
        error,
        on_disk: "nothing was changed".to_owned(),
    }
}

/// Prints lines on standard output; what cannot be printed is lost. For what is said after the screen is left.
pub fn print_lines(lines: &[String]) {
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let _ = Console::new(&mut out, &mut err).lines(lines);
}

/// Says on standard error, in one line, why the program cannot do what was asked.
pub fn print_failure(words: &str) {
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    Console::new(&mut out, &mut err).line(words);
}

/// A line as it may be printed.
pub(super) fn clean(text: &str) -> String {
    safe_text(text, LINE)
}

/// Lines joined to one, runs of blanks too: an error never takes more than its line. Other blanks than ASCII's are no
/// layout of ours, and are shown as what they are.
fn one_line(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same JSON without any character that a terminal could act upon or not show. `serde_json` escapes the control
/// characters below a blank; the others, and all beyond ASCII that is no letter of its own, are left to us.
fn escape_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        let plain = if character.is_ascii() {
            !character.is_ascii_control()
        } else {
            character.is_alphanumeric() && !is_hidden(character) && !is_mark(character)
        };
        if plain {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

/// A line wrapped at blanks, continuations indented. A word longer than the line stays whole: paths must stay copyable.
pub(super) fn wrap(text: &str, indent: usize, columns: usize) -> Vec<String> {
    if text.chars().count() <= columns {
        return vec![text.to_owned()];
    }
    let body = text.trim_start();
    let lead = text.chars().count() - body.chars().count();
    let mut lines = Vec::new();
    let mut line = " ".repeat(lead);
    let mut used = lead;
    let mut fresh = true;
    for word in body.split(' ') {
        let length = word.chars().count();
        if !fresh && used + 1 + length > columns {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent.min(columns / 2))));
            used = indent.min(columns / 2);
            fresh = true;
        }
        if !fresh {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
        fresh = false;
    }
    lines.push(line);
    lines
}

/// A text cut to a number of characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.to_owned()
    } else {
        let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
        short.push('…');
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_takes_one_line_whatever_is_in_it() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        Console::new(&mut out, &mut err).fail(&Failure::Refused("a\nb\r\n  c\u{1b}[2Jd\u{2028}\u{301}e".to_owned()));
        let shown = "kerio-tls: a b c\\x1b[2Jd\\u{2028}\\u{301}e\n";
        assert_eq!(String::from_utf8(err).unwrap(), shown);
        assert!(out.is_empty());
    }

    #[test]
    fn json_says_the_same_without_a_byte_that_a_terminal_could_act_upon() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let value = "a\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}\u{115f}\u{3164}\u{ffa0}\u{1bca0}\u{301}é\n\"\\";
        Console::new(&mut out, &mut err).json(&value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.trim_end().chars().all(|c| !is_hidden(c) && !is_mark(c)), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }

    #[test]
    fn no_line_is_longer_than_anybody_could_read_and_what_cannot_be_seen_is_shown_as_hex() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console::new(&mut out, &mut err);
        console
            .lines(&["x".repeat(10_000_000), "a\u{3164}\u{1bca0}".to_owned()])
            .unwrap();
        console.warn(&"y".repeat(10_000_000));
        let text = String::from_utf8(out).unwrap();
        assert!(text.len() < 2 * LINE && err.len() < 2 * LINE);
        assert!(text.ends_with("\na\\u{3164}\\u{1bca0}\n"), "{}", text.len());
    }

    #[test]
    fn wrapping_loses_no_word_and_indents_what_follows() {
        let text = "  ! one two three four five six";
        let lines = wrap(text, 4, 14);
        assert_eq!(lines, ["  ! one two", "    three four", "    five six"]);
        assert_eq!(wrap("short", 4, 14), ["short"]);
        assert_eq!(wrap("a /a/path/longer/than/the/line b", 2, 10).len(), 3);
    }

    #[test]
    fn a_page_holds_no_control_byte_but_its_line_ends() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        Console::new(&mut out, &mut err)
            .lines(&["a\u{1b}]0;x\u{7}\tb\nc  ".to_owned()])
            .unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\\x1b]0;x\\x07\\x09b\\x0ac\n");
    }
}
