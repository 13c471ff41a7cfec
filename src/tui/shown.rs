//! What a terminal shows already, as far as it is sure: writing a known character again is shorter than a step over it.

use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

/// Colours and modifiers of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Look {
    pub(super) fg: Color,
    pub(super) bg: Color,
    pub(super) modifier: Modifier,
}

/// The cells of a screen, row after row; `None`: not sure, or more than one byte.
#[derive(Debug)]
pub(super) struct Shown {
    width: u16,
    cells: Vec<Option<(u8, Look)>>,
}

impl Shown {
    /// Nothing is sure.
    pub(super) fn unknown(size: Size) -> Self {
        let count = usize::from(size.width) * usize::from(size.height);
        Self {
            width: size.width,
            cells: vec![None; count],
        }
    }

    /// All was erased.
    pub(super) fn erase(&mut self) {
        self.cells.fill(Some((b' ', Look::default())));
    }

    /// A character was written that covers some columns.
    pub(super) fn set(&mut self, at: Position, columns: u16, symbol: &str, look: Look) {
        let byte = match symbol.as_bytes() {
            [byte] => Some((*byte, look)),
            _ => None,
        };
        for x in 0..columns.max(1) {
            let index = self.index(at.x.saturating_add(x), at.y);
            if let Some(cell) = index.and_then(|index| self.cells.get_mut(index)) {
                *cell = byte;
            }
        }
    }

    /// The characters of a row from a column up to another, if all are sure and look like this.
    pub(super) fn between(&self, from: Position, end: u16, look: Look) -> Option<String> {
        (from.x..end)
            .map(|x| match self.cells.get(self.index(x, from.y)?)? {
                Some((byte, shown)) if *shown == look => Some(char::from(*byte)),
                _ => None,
            })
            .collect()
    }

    fn index(&self, x: u16, y: u16) -> Option<usize> {
        (x < self.width).then(|| usize::from(y) * usize::from(self.width) + usize::from(x))
    }
}
