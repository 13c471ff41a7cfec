//! A line of text for a screen or a page, before anyone knows how wide that is.

/// What a line is, so that a screen can colour it; the mark in its text says the same without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// A heading.
    Heading,
    /// Plain text.
    Text,
    /// Someone is cut off, or something stands in the way.
    Bad,
    /// Unknown, mixed or assumed: look twice.
    Caution,
    /// A removed line of the diff.
    Removed,
    /// An added line of the diff.
    Added,
    /// Lines around it.
    Context,
}

/// What becomes of a line that is longer than a screen is wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrap {
    /// It goes on in the next row, words stay whole.
    Words,
    /// It goes on in the next row, wherever it is: a line of the file, in which blanks are bytes like others.
    Letters,
    /// It is cut.
    Cut,
}

/// A line of text with its tone. May be longer than a screen is wide; `indent` is where its continuation begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub tone: Tone,
    /// The text.
    pub text: String,
    /// Columns before a continuation.
    pub indent: u16,
    /// What becomes of it where it is too long.
    pub wrap: Wrap,
}

impl Line {
    pub(super) fn new(tone: Tone, text: impl Into<String>, indent: u16) -> Self {
        Self {
            tone,
            text: text.into(),
            indent,
            wrap: Wrap::Words,
        }
    }
}
