//! The windows that lie over the tabs: one file each. Here is which there are, and the stack of those that are open.

mod drop_down;
mod editor;
mod find;
mod names;
mod question;
mod reader;
mod review;
pub(super) mod saving;

use crate::tls::{Direction, Minimum};

use super::context::Context;
use super::pane::Pane;
use super::request::Opening;

use drop_down::DropDown;
use find::Find;
use names::Names;
use question::Asked;
use reader::Reader;
use review::Reviewing;

/// Opens a window; `None`: it cannot be opened, and the news says why.
fn open(opening: Opening, context: &mut Context) -> Option<Box<dyn Pane>> {
    Some(match opening {
        Opening::DropDown(direction) => Box::new(DropDown::new(direction, context)),
        Opening::Variable(direction, row) => match editor::open(direction, &row, context) {
            Ok(editor) => Box::new(editor),
            Err(instead) => return open(instead, context),
        },
        Opening::Find => Box::new(Find::default()),
        Opening::Names(direction) => Box::new(Names::new(direction)),
        Opening::Question(question) => Box::new(Asked::new(question)),
        Opening::Text { title, lines } => Box::new(Reader::new(title, lines)),
        Opening::Review(facts) => Box::new(Reviewing::of_edits(*facts, context)?),
        Opening::ReviewWhole { id, restored, facts } => Box::new(Reviewing::of_whole(&id, &restored, *facts, context)?),
    })
}

/// The open windows, topmost last.
#[derive(Debug, Clone, Default)]
pub struct Windows {
    stack: Vec<Box<dyn Pane>>,
}

impl Windows {
    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stack.len()
    }

    /// Is none open?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stack.is_empty()
    }

    /// Opens one on top.
    pub(super) fn open(&mut self, opening: Opening, context: &mut Context) {
        self.stack.extend(open(opening, context));
    }

    /// Closes the topmost.
    pub(super) fn close(&mut self) {
        self.stack.pop();
    }

    /// The topmost.
    pub(super) fn top(&self) -> Option<&dyn Pane> {
        self.stack.last().map(|window| &**window)
    }

    /// The topmost, to be changed.
    pub(super) fn top_mut(&mut self) -> Option<&mut dyn Pane> {
        self.stack.last_mut().map(|window| &mut **window as &mut dyn Pane)
    }

    /// All, from the bottom.
    pub(super) fn all(&self) -> impl Iterator<Item = &dyn Pane> {
        self.stack.iter().map(|window| &**window)
    }

    /// What an open drop-down has marked.
    pub(super) fn preview(&self) -> Option<(Direction, Minimum)> {
        self.stack.iter().rev().find_map(|window| window.preview())
    }

    /// Does one of them cover the whole screen?
    pub(super) fn cover_all(&self) -> bool {
        self.stack.iter().any(|window| window.covers_all())
    }
}
