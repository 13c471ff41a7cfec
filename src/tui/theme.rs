//! Roles and their looks. Only the terminal's own foreground and background, the 16 colours and reverse video,
//! so that it is right on a light background too; a mark or a word says everything that a colour says.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

use crate::peers::Verdict;
use crate::session::{Tone, words_of};

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
    ascii: bool,
}

impl Theme {
    /// `colour`: use the 16 colours. `ascii`: draw lines with `-`, `|` and `+`.
    #[must_use]
    pub const fn new(colour: bool, ascii: bool) -> Self {
        Self { colour, ascii }
    }

    /// Are lines drawn in ASCII?
    #[must_use]
    pub const fn is_ascii(self) -> bool {
        self.ascii
    }

    fn tinted(self, color: Color) -> Style {
        if self.colour {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }

    /// The program's name, headings.
    #[must_use]
    pub fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The field or row that keys act on.
    #[must_use]
    pub fn focus(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A tab that is open.
    #[must_use]
    pub fn open_tab(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Changed and not saved.
    #[must_use]
    pub fn dirty(self) -> Style {
        self.tinted(Color::Blue).add_modifier(Modifier::BOLD)
    }

    /// A key in the footer.
    #[must_use]
    pub fn key(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Cut off; refused.
    #[must_use]
    pub fn bad(self) -> Style {
        self.tinted(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Unknown, mixed, assumed. Magenta: yellow cannot be read on a light background.
    #[must_use]
    pub fn caution(self) -> Style {
        self.tinted(Color::Magenta)
    }

    /// Added, fine.
    #[must_use]
    pub fn good(self) -> Style {
        self.tinted(Color::Green)
    }

    /// Ordinary text.
    #[must_use]
    pub fn text(self) -> Style {
        Style::new()
    }

    /// The look of a verdict.
    #[must_use]
    pub fn verdict(self, verdict: Verdict) -> Style {
        self.tone(words_of(verdict).tone)
    }

    /// The look of a line of the review.
    #[must_use]
    pub fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Heading => self.heading(),
            Tone::Text | Tone::Context => self.text(),
            Tone::Bad | Tone::Removed => self.bad(),
            Tone::Caution => self.caution(),
            Tone::Added => self.good(),
        }
    }

    /// A horizontal rule's cell.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        if self.ascii { "-" } else { "─" }
    }

    /// The border of what lies over the screen.
    #[must_use]
    pub const fn border(self) -> border::Set<'static> {
        if self.ascii {
            border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            }
        } else {
            border::PLAIN
        }
    }

    /// Where text was cut.
    #[must_use]
    pub const fn ellipsis(self) -> &'static str {
        if self.ascii { "~" } else { "…" }
    }
}
