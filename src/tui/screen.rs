//! Cells to bytes: one write a frame, none when nothing changed.
//!
//! A backend of our own rather than ratatui's, for four measured reasons: that one flushes at each cursor call
//! (several writes a key); it repeats cursor moves, so that a key without effect costs bytes; with `NO_COLOR` set,
//! crossterm 0.29 undoes reverse video and hides the selection (crossterm issue 1069); and `Terminal::clear` asks
//! the terminal where its cursor is, which deadlocks with a reader thread. This one knows where the cursor is.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};
use ratatui::text::Span;

use super::shown::{Look, Shown};

/// Takes the screen: alternate buffer, cursor hidden until a frame places it.
pub const ENTER: &str = "\x1b[?1049h\x1b[?2004h\x1b[?25l\x1b[m\x1b[2J";
/// Gives it back: end of a synchronised update, plain style, cursor, normal buffer.
pub const LEAVE: &str = "\x1b[?2026l\x1b[?2004l\x1b[m\x1b[?25h\x1b[?1049l";
/// Mode 2026: the terminal shows the frame in one go. Unknown to older ones, which ignore it.
const SYNC_ON: &str = "\x1b[?2026h";
const SYNC_OFF: &str = "\x1b[?2026l";

impl Look {
    fn of(cell: &Cell) -> Self {
        Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        }
    }
}

fn is_plain_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && Look::of(cell) == Look::default()
}

/// The backend: collects a frame, writes it once.
#[derive(Debug)]
pub struct Screen<W: Write> {
    sink: W,
    frame: String,
    size: Size,
    look: Look,
    there: Shown,
    /// `None`: somewhere unknown.
    cursor: Option<Position>,
    /// The column of `cursor` is sure: nothing but ASCII was written since it was set by number.
    exact: bool,
    shown: bool,
    ascii: bool,
    synchronised: bool,
    /// Frames are collected and not written.
    held: bool,
    error: Option<io::Error>,
}

impl<W: Write> Screen<W> {
    /// A screen of a size. `ascii`: other characters become `?`. `synchronised`: frame each write by mode 2026.
    pub fn new(sink: W, size: Size, ascii: bool, synchronised: bool) -> Self {
        Self {
            sink,
            frame: String::new(),
            size,
            look: Look::default(),
            there: Shown::unknown(size),
            cursor: None,
            exact: false,
            shown: false,
            ascii,
            synchronised,
            held: false,
            error: None,
        }
    }

    /// The size that the next frame is laid out for.
    pub fn set_size(&mut self, size: Size) {
        self.size = size;
        self.there = Shown::unknown(size);
    }

    /// Takes the screen; goes out with the first frame.
    pub fn enter(&mut self) {
        self.frame.push_str(ENTER);
        self.there.erase();
        self.look = Look::default();
        self.cursor = None;
        self.shown = false;
    }

    /// Keeps frames back until they are released.
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// Writes what was held.
    pub fn release(&mut self) {
        self.held = false;
        self.write();
    }

    /// The first error of a write since the last call. A terminal that is gone is no reason to stop a save.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    fn write(&mut self) {
        if self.frame.is_empty() {
            return;
        }
        if self.synchronised {
            self.frame.insert_str(0, SYNC_ON);
            self.frame.push_str(SYNC_OFF);
        }
        let written = self.sink.write_all(self.frame.as_bytes());
        if let Err(error) = written.and_then(|()| self.sink.flush()) {
            self.error.get_or_insert(error);
        }
        self.frame.clear();
    }

    fn go(&mut self, to: Position) {
        if self.cursor == Some(to) {
            return;
        }
        // Not behind characters that terminals disagree on how wide they are.
        let right = self.cursor.filter(|from| self.exact && from.y == to.y && from.x < to.x);
        match right.map(|from| (to.x - from.x, self.there.between(from, to.x, self.look))) {
            Some((1..=3, Some(there))) => self.frame.push_str(&there),
            Some((1, None)) => self.frame.push_str("\x1b[C"),
            Some((steps, _)) => {
                let _ = write!(self.frame, "\x1b[{steps}C");
            }
            None => {
                let _ = write!(self.frame, "\x1b[{};{}H", to.y + 1, to.x + 1);
                self.exact = true;
            }
        }
        self.cursor = Some(to);
    }

    /// Blanks without a look, up to a column. `goes_on`: the next cell stands right behind them.
    fn blanks(&mut self, from: Position, end: u16, goes_on: bool) {
        let count = end.saturating_sub(from.x);
        // Erasing (ECMA-48 section 8.3.38, ECH) leaves the cursor where it is: to go on behind it is another sequence.
        let erase = count > if goes_on { 10 } else { 5 };
        if erase && !self.exact {
            self.cursor = None;
        }
        self.go(from);
        self.dress(Look::default());
        self.there.set(from, count, " ", Look::default());
        if erase {
            let _ = write!(self.frame, "\x1b[{count}X");
        } else {
            self.frame.extend(std::iter::repeat_n(' ', usize::from(count)));
            self.stands_at(Position { x: end, ..from });
        }
    }

    /// The cursor after something was written before this place. In the last column a terminal may or may not have
    /// wrapped already.
    fn stands_at(&mut self, place: Position) {
        self.cursor = (place.x < self.size.width).then_some(place);
    }

    fn dress(&mut self, look: Look) {
        if look == self.look {
            return;
        }
        let before = std::mem::replace(&mut self.look, look);
        if look == Look::default() {
            self.frame.push_str("\x1b[m");
            return;
        }
        // What is on can only be switched off with all the rest; what is new comes on top.
        let from = if look.modifier.contains(before.modifier) {
            before
        } else {
            Look::default()
        };
        let mut codes = Vec::new();
        if from != before {
            codes.push(0);
        }
        for (modifier, code) in [(Modifier::BOLD, 1), (Modifier::UNDERLINED, 4), (Modifier::REVERSED, 7)] {
            if look.modifier.contains(modifier) && !from.modifier.contains(modifier) {
                codes.push(code);
            }
        }
        for (colour, was, base) in [(look.fg, from.fg, 30), (look.bg, from.bg, 40)] {
            if colour != was {
                // ECMA-48 section 8.3.117: 39 and 49 are the terminal's own.
                codes.push(base + ansi(colour).unwrap_or(9));
            }
        }
        self.frame.push_str("\x1b[");
        for (at, code) in codes.iter().enumerate() {
            let _ = write!(self.frame, "{}{code}", if at == 0 { "" } else { ";" });
        }
        self.frame.push('m');
    }
}

/// The offset of a colour from 30 (foreground) or 40 (background); `None`: the terminal's own.
fn ansi(colour: Color) -> Option<u8> {
    Some(match colour {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        // The theme uses nothing else (TrueColor and 256 colours are for terminals we know nothing of).
        Color::Reset | Color::Rgb(..) | Color::Indexed(_) => return None,
    })
}

impl<W: Write> Backend for Screen<W> {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        while let Some((x, y, cell)) = content.next() {
            if is_plain_blank(cell) {
                let mut end = x.saturating_add(1);
                while content
                    .next_if(|(next, row, cell)| *row == y && *next == end && is_plain_blank(cell))
                    .is_some()
                {
                    end = end.saturating_add(1);
                }
                let goes_on = content.peek().is_some_and(|(next, row, _)| *row == y && *next == end);
                self.blanks(Position { x, y }, end, goes_on);
                continue;
            }
            self.go(Position { x, y });
            self.dress(Look::of(cell));
            let symbol = cell.symbol();
            if self.ascii && !symbol.is_ascii() {
                // A wide character covers two cells; the cursor must come to stand behind both.
                for _ in 0..Span::raw(symbol).width().max(1) {
                    self.frame.push('?');
                }
            } else {
                self.exact &= symbol.is_ascii();
                self.frame.push_str(symbol);
            }
            let width = u16::try_from(Span::raw(symbol).width()).unwrap_or(1);
            let shown = if symbol.is_ascii() { symbol } else { "" };
            self.there.set(Position { x, y }, width, shown, self.look);
            self.stands_at(Position {
                x: x.saturating_add(width),
                y,
            });
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        if self.shown {
            self.frame.push_str("\x1b[?25l");
            self.shown = false;
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        if !self.shown {
            self.frame.push_str("\x1b[?25h");
            self.shown = true;
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        self.go(position.into());
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        self.frame.push_str("\x1b[m\x1b[2J");
        self.there.erase();
        self.look = Look::default();
        Ok(())
    }

    fn clear_region(&mut self, _: ClearType) -> Result<(), Infallible> {
        self.clear()
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize {
            columns_rows: self.size,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        if !self.held {
            self.write();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, style::Style};

    use super::*;

    #[derive(Default)]
    struct Counting {
        bytes: Vec<u8>,
        writes: usize,
    }

    impl Write for Counting {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.bytes.extend_from_slice(buf);
            self.writes += 1;
            Ok(buf.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn terminal(ascii: bool) -> Terminal<Screen<Counting>> {
        Terminal::new(Screen::new(Counting::default(), Size::new(20, 3), ascii, true)).unwrap()
    }

    #[test]
    fn a_frame_is_one_write_and_the_same_frame_again_is_none() {
        let mut terminal = terminal(false);
        for _ in 0..3 {
            terminal
                .draw(|frame| {
                    frame.buffer_mut().set_string(2, 1, "hello", Style::new());
                    frame.set_cursor_position((2, 1));
                })
                .unwrap();
        }
        assert_eq!(terminal.backend().sink.writes, 1);
    }

    #[test]
    fn a_frame_that_is_held_is_written_when_it_is_released() {
        let mut terminal = terminal(false);
        terminal.backend_mut().hold();
        terminal
            .draw(|frame| frame.buffer_mut().set_string(2, 1, "hello", Style::new()))
            .unwrap();
        assert_eq!(terminal.backend().sink.writes, 0);
        terminal.backend_mut().release();
        assert_eq!(terminal.backend().sink.writes, 1);
        terminal.backend_mut().release();
        assert_eq!(terminal.backend().sink.writes, 1);
    }

    #[test]
    fn reverse_video_is_written_as_itself_whatever_the_environment_says() {
        let mut terminal = terminal(false);
        terminal
            .draw(|frame| {
                frame
                    .buffer_mut()
                    .set_string(0, 0, "x", Style::new().add_modifier(Modifier::REVERSED))
            })
            .unwrap();
        let text = String::from_utf8(terminal.backend().sink.bytes.clone()).unwrap();
        assert!(text.contains("\x1b[7mx"), "{text:?}");
    }

    #[test]
    fn what_a_terminal_shows_is_what_was_drawn_whatever_was_there_before() {
        let looks = [
            Style::new(),
            Style::new().add_modifier(Modifier::REVERSED),
            Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            Style::new().fg(Color::Magenta),
            Style::new()
                .fg(Color::Magenta)
                .add_modifier(Modifier::REVERSED | Modifier::BOLD),
        ];
        let colour = |style: Style| match style.fg {
            Some(Color::Red) => vt100::Color::Idx(1),
            Some(Color::Magenta) => vt100::Color::Idx(5),
            _ => vt100::Color::Default,
        };
        let mut terminal = terminal(false);
        let rows = std::num::NonZeroU16::new(3).unwrap();
        let columns = std::num::NonZeroU16::new(20).unwrap();
        let mut emulator = vt100::Parser::new(rows, columns, 0);
        // Every look behind every other one, with gaps of cells that stay as they are.
        for (round, text) in ["a b  c   日e", "x b  y   日z", "x  日 y", "aébcdefghijklmnopqrs"]
            .iter()
            .enumerate()
        {
            for start in 0..looks.len() {
                let look = |x: u16| looks[(usize::from(x) * (round + 1) + start) % looks.len()];
                terminal.backend_mut().sink.bytes.clear();
                terminal
                    .draw(|frame| {
                        let mut x = 0;
                        for c in text.chars() {
                            frame.buffer_mut().set_string(x, 1, c.to_string(), look(x));
                            x += u16::try_from(Span::raw(c.to_string()).width()).unwrap();
                        }
                    })
                    .unwrap();
                emulator.process(&terminal.backend().sink.bytes);
                let screen = emulator.screen();
                assert_eq!(screen.rows(0, 20).nth(1).unwrap().trim_end(), *text);
                let mut x = 0;
                for c in text.chars() {
                    let cell = screen.cell(1, x).unwrap();
                    let wanted = look(x);
                    assert_eq!(cell.fgcolor(), colour(wanted), "{text} {x}");
                    assert_eq!(
                        cell.inverse(),
                        wanted.add_modifier.contains(Modifier::REVERSED),
                        "{text} {x}"
                    );
                    assert_eq!(cell.bold(), wanted.add_modifier.contains(Modifier::BOLD), "{text} {x}");
                    x += u16::try_from(Span::raw(c.to_string()).width()).unwrap();
                }
            }
        }
    }

    #[test]
    fn long_blanks_are_erased_and_not_written() {
        let reversed = Style::new().add_modifier(Modifier::REVERSED);
        for (text, most) in [
            ("b                  c", 20),
            ("b  c                ", 16),
            ("日                c ", 28),
            ("                    ", 12),
        ] {
            let mut terminal = terminal(false);
            let rows = std::num::NonZeroU16::new(3).unwrap();
            let columns = std::num::NonZeroU16::new(20).unwrap();
            let mut emulator = vt100::Parser::new(rows, columns, 0);
            for (text, style) in [("a".repeat(20), reversed), (text.to_owned(), Style::new())] {
                terminal.backend_mut().sink.bytes.clear();
                terminal
                    .draw(|frame| {
                        frame.buffer_mut().set_string(0, 1, text, style);
                        frame.buffer_mut().set_string(0, 2, "below", Style::new());
                    })
                    .unwrap();
                emulator.process(&terminal.backend().sink.bytes);
            }
            let screen = emulator.screen();
            assert_eq!(screen.rows(0, 20).nth(1).unwrap().trim_end(), text.trim_end());
            assert_eq!(screen.rows(0, 20).nth(2).unwrap().trim_end(), "below");
            assert!((0..20).all(|x| !screen.cell(1, x).unwrap().inverse()), "{text:?}");
            let bytes = terminal.backend().sink.bytes.len() - SYNC_ON.len() - SYNC_OFF.len();
            assert!(bytes <= most, "{text:?}: {bytes} bytes");
        }
    }

    #[test]
    fn an_ascii_screen_never_sends_another_byte_and_keeps_the_columns() {
        let mut terminal = terminal(true);
        terminal
            .draw(|frame| frame.buffer_mut().set_string(0, 0, "aé日b", Style::new()))
            .unwrap();
        let text = String::from_utf8(terminal.backend().sink.bytes.clone()).unwrap();
        assert!(text.is_ascii());
        assert!(text.contains("a???b"), "{text:?}");
    }
}
