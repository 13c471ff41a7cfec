//! What goes over the line: one write a key, and few bytes.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use kerio_tls::tui::{Screen, draw};
use ratatui::Terminal;
use ratatui::layout::Size;

use crate::support::Desk;

/// Counts bytes and writes.
#[derive(Default, Clone)]
struct Line(Rc<Cell<(usize, usize)>>);

impl Write for Line {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let (bytes, writes) = self.0.get();
        self.0.set((bytes + buf.len(), writes + 1));
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A desk at the far end of a line.
struct Far {
    desk: Desk,
    line: Line,
    terminal: Terminal<Screen<Line>>,
}

impl Far {
    fn after(keys: &str) -> Self {
        let mut desk = Desk::at_80x24();
        desk.press(keys);
        let line = Line::default();
        let screen = Screen::new(line.clone(), Size::new(80, 24), false, true);
        let mut far = Self {
            desk,
            line,
            terminal: Terminal::new(screen).unwrap(),
        };
        far.draw();
        far
    }

    fn draw(&mut self) {
        self.terminal.draw(|frame| draw(&self.desk.state, frame)).unwrap();
    }

    /// Bytes and writes that keys cost.
    fn cost(&mut self, key: &str) -> (usize, usize) {
        self.line.0.set((0, 0));
        self.desk.press(key);
        self.draw();
        self.line.0.get()
    }
}

fn costs(there: &str, keys: &[&str], at_most: usize) {
    let mut far = Far::after(there);
    for key in keys {
        let (bytes, writes) = far.cost(key);
        assert!(bytes <= at_most, "{there} {key}: {bytes} bytes");
        assert!(bytes > 0, "{there} {key} moves nothing");
        assert_eq!(writes, 1, "{there} {key}");
    }
}

#[test]
fn a_move_in_a_plain_list_costs_at_most_250_bytes() {
    costs(
        "<Right><Right><Right>",
        &["<Down>", "<Down>", "<Down>", "<Down>", "<Up>", "<End>"],
        250,
    );
    costs("<Left>", &["<Down>", "<Up>"], 250);
    costs("/", &["<Down>", "<Down>", "<Up>"], 250);
    costs("", &["<Up>", "<Down>"], 250);
}

#[test]
fn a_move_between_two_variables_costs_at_most_250_bytes_and_their_help_in_full_at_most_600() {
    // Benched as "Inbound": the first two rows.
    costs("<Right>", &["<Down>", "<Up>", "<Down>"], 250);
    let all = ["<Down>"; 10];
    costs("<Right>", &all, 600);
    costs("<Right><Right>", &all[..8], 600);
}

#[test]
fn a_move_with_a_panel_that_changes_costs_at_most_800_bytes() {
    let down_and_up = ["<Down>", "<Down>", "<Down>", "<Up>", "<Up>", "<Up>"];
    costs("<Enter>", &down_and_up[1..5], 800);
    costs("<Down><Enter>", &down_and_up, 800);
}

#[test]
fn a_key_without_effect_costs_nothing() {
    for there in ["", "<Down>", "<Down><Down>", "<Enter>", "<Right>", "<Left>", "?", "X"] {
        let mut far = Far::after(there);
        for key in ["<F9>", "7", "[", "]"] {
            assert_eq!(far.cost(key), (0, 0), "{there} {key}");
        }
    }
    assert_eq!(Far::after("").cost("<Esc>"), (0, 0));
    assert_eq!(Far::after("<Left>").cost("<Up>"), (0, 0), "at the end of a list");
}
