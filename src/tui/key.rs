//! A key as a terminal sends it, and what a slow line makes of one.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key as a terminal sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character.
    Char(char),
    /// Ctrl and a letter.
    Ctrl(char),
    /// A function key.
    F(u8),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
}

impl Key {
    /// The key of a terminal event, if it is one that we know.
    #[must_use]
    pub fn from_event(event: KeyEvent) -> Option<Self> {
        Some(match event.code {
            KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::CONTROL) => Self::Ctrl(c.to_ascii_lowercase()),
            KeyCode::Char(c) => Self::Char(c),
            KeyCode::F(n) => Self::F(n),
            KeyCode::Enter => Self::Enter,
            KeyCode::Esc => Self::Esc,
            KeyCode::Tab => Self::Tab,
            KeyCode::BackTab => Self::BackTab,
            KeyCode::Up => Self::Up,
            KeyCode::Down => Self::Down,
            KeyCode::Left => Self::Left,
            KeyCode::Right => Self::Right,
            KeyCode::PageUp => Self::PageUp,
            KeyCode::PageDown => Self::PageDown,
            KeyCode::Home => Self::Home,
            KeyCode::End => Self::End,
            KeyCode::Backspace => Self::Backspace,
            KeyCode::Delete => Self::Delete,
            _ => return None,
        })
    }

    /// As it is printed on the key.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Char(' ') => "Space".to_owned(),
            Self::Char(c) => c.to_string(),
            Self::Ctrl(c) => format!("Ctrl-{}", c.to_ascii_uppercase()),
            Self::F(n) => format!("F{n}"),
            Self::BackTab => "Shift-Tab".to_owned(),
            Self::PageUp => "PgUp".to_owned(),
            Self::PageDown => "PgDn".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

/// Swallows the rest of an escape sequence that a slow line tore apart: crossterm then reports `Esc`, `[`, `B`
/// as three keys (crossterm issue 993). Works on time stamps alone; `Esc` itself is never held back.
#[derive(Debug, Default)]
pub struct TornEscape {
    state: Torn,
}

#[derive(Debug, Default, Clone, Copy)]
enum Torn {
    #[default]
    No,
    AfterEsc(Instant),
    Inside(Instant),
}

/// Between `Esc` and the rest, and between the bytes of the rest.
const TORN_WITHIN: Duration = Duration::from_millis(100);

impl TornEscape {
    /// `false`: the key is part of a torn sequence and means nothing.
    pub fn keep(&mut self, key: Key, at: Instant) -> bool {
        let soon = |since: Instant| at.saturating_duration_since(since) <= TORN_WITHIN;
        match (self.state, key) {
            (_, Key::Esc) => {
                self.state = Torn::AfterEsc(at);
                true
            }
            (Torn::AfterEsc(since), Key::Char('[' | 'O')) if soon(since) => {
                self.state = Torn::Inside(at);
                false
            }
            // ECMA-48 section 5.4: parameters and intermediates are 0x20..0x3F, the final byte is 0x40..0x7E.
            (Torn::Inside(since), Key::Char(c)) if soon(since) => {
                self.state = if ('\x40'..='\x7e').contains(&c) {
                    Torn::No
                } else {
                    Torn::Inside(at)
                };
                false
            }
            _ => {
                self.state = Torn::No;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_arrow_key_is_swallowed_but_a_later_letter_is_not() {
        let start = Instant::now();
        let ms = |n| start + Duration::from_millis(n);
        let mut torn = TornEscape::default();
        assert!(torn.keep(Key::Esc, ms(0)));
        assert!(!torn.keep(Key::Char('['), ms(30)));
        assert!(!torn.keep(Key::Char('1'), ms(31)));
        assert!(!torn.keep(Key::Char(';'), ms(32)));
        assert!(!torn.keep(Key::Char('5'), ms(33)));
        assert!(!torn.keep(Key::Char('B'), ms(34)));
        assert!(torn.keep(Key::Char('j'), ms(35)));
        assert!(torn.keep(Key::Esc, ms(200)));
        assert!(torn.keep(Key::Char('['), ms(500)));
    }
}
