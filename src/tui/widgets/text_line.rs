//! A line of text that is being typed: the characters and where the next one goes. Knows nothing of what it is for.

use crate::tui::keys::Command;

/// Longest text taken, in bytes: more than any cipher string, and little enough to be looked at on each key.
pub const LONGEST: usize = 4096;

/// A text and a cursor in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextLine {
    before: String,
    after: String,
}

impl TextLine {
    /// A text with the cursor behind it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            before: text.to_owned(),
            after: String::new(),
        }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// Characters before the cursor.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.before.chars().count()
    }

    /// Puts a character in. `false`: it is none that a line can hold, or the line is full.
    pub fn insert(&mut self, character: char) -> bool {
        let fits = self.before.len() + self.after.len() + character.len_utf8() <= LONGEST;
        if !fits || character.is_control() {
            return false;
        }
        self.before.push(character);
        true
    }

    /// What keys that are no characters do to it. `true`: the text may have changed.
    pub fn on(&mut self, command: Command) -> bool {
        match command {
            Command::Left => self.left(),
            Command::Right => self.right(),
            Command::First => self.home(),
            Command::Last => self.end(),
            Command::Delete => self.delete(),
            Command::Backspace => self.backspace(),
            Command::Clear => self.clear(),
            _ => {}
        }
        matches!(command, Command::Delete | Command::Backspace | Command::Clear)
    }

    /// Takes the character before the cursor out.
    pub fn backspace(&mut self) {
        self.before.pop();
    }

    /// Takes the character under the cursor out.
    pub fn delete(&mut self) {
        let mut rest = self.after.chars();
        rest.next();
        self.after = rest.as_str().to_owned();
    }

    /// Empties it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// One to the left.
    pub fn left(&mut self) {
        if let Some(character) = self.before.pop() {
            self.after.insert(0, character);
        }
    }

    /// One to the right.
    pub fn right(&mut self) {
        let mut rest = self.after.chars();
        if let Some(character) = rest.next() {
            self.before.push(character);
            self.after = rest.as_str().to_owned();
        }
    }

    /// To the beginning.
    pub fn home(&mut self) {
        self.after = self.text();
        self.before.clear();
    }

    /// To the end.
    pub fn end(&mut self) {
        self.before = self.text();
        self.after.clear();
    }

    /// Puts `with` in the place of the bytes from `start` to `end`, with the cursor behind it. `false`: no such place.
    pub fn replace(&mut self, start: usize, end: usize, with: &str) -> bool {
        let text = self.text();
        let (Some(head), Some(tail)) = (text.get(..start), text.get(end..)) else {
            return false;
        };
        self.before = format!("{head}{with}");
        self.after = tail.to_owned();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_goes_in_at_the_cursor_and_both_deletes_take_one_character() {
        let mut line = TextLine::new("aé日");
        line.left();
        assert!(line.insert('x'));
        assert_eq!((line.text().as_str(), line.cursor()), ("aéx日", 3));
        line.backspace();
        line.backspace();
        assert_eq!(line.text(), "a日");
        line.delete();
        line.delete();
        assert_eq!(line.text(), "a");
        line.home();
        assert_eq!(line.cursor(), 0);
        line.backspace();
        line.right();
        line.right();
        assert_eq!((line.text().as_str(), line.cursor()), ("a", 1));
    }

    #[test]
    fn control_characters_and_too_much_text_are_not_taken() {
        let mut line = TextLine::default();
        assert!(!line.insert('\u{1b}'));
        let mut line = TextLine::new(&"x".repeat(LONGEST));
        assert!(!line.insert('y'));
    }

    proptest::proptest! {
        #[test]
        fn no_row_of_keys_breaks_a_character_or_moves_the_cursor_out(
            start in "[a:é日]{0,12}",
            keys in proptest::collection::vec(0u8..8, 0..40),
        ) {
            let mut line = TextLine::new(&start);
            for key in keys {
                match key {
                    0 => { line.insert('é'); }
                    1 => line.backspace(),
                    2 => line.delete(),
                    3 => line.left(),
                    4 => line.right(),
                    5 => line.home(),
                    6 => line.end(),
                    _ => { line.replace(1, 2, "日"); }
                }
                proptest::prop_assert!(line.cursor() <= line.text().chars().count());
            }
        }
    }
}
