//! The windows that lie over the tabs: one file each. Here is which there are, and the stack of those that are open.

mod drop_down;
mod editor;
mod find;
mod question;
mod reader;
mod review;
pub(super) mod saving;

use crate::tls::{Direction, Minimum};

use super::context::Context;
use super::pane::Pane;
use super::request::Opening;

use drop_down::DropDown;
use editor::Editor;
use find::Find;
use question::Asked;
use reader::Reader;
use review::Reviewing;

/// An open window.
#[derive(Debug, Clone)]
enum Window {
    DropDown(DropDown),
    Editor(Box<Editor>),
    Find(Find),
    Question(Asked),
    Reader(Reader),
    Review(Box<Reviewing>),
}

impl Window {
    /// Opens one; `None`: it cannot be opened, and the news says why.
    fn open(opening: Opening, context: &mut Context) -> Option<Self> {
        Some(match opening {
            Opening::DropDown(direction) => Self::DropDown(DropDown::new(direction, context)),
            Opening::Variable(direction, row) => match editor::open(direction, &row, context) {
                Ok(editor) => Self::Editor(Box::new(editor)),
                Err(instead) => return Self::open(instead, context),
            },
            Opening::Find => Self::Find(Find::default()),
            Opening::Question(question) => Self::Question(Asked::new(question)),
            Opening::Text { title, lines } => Self::Reader(Reader::new(title, lines)),
            Opening::Review(facts) => Self::Review(Box::new(Reviewing::of_edits(*facts, context)?)),
            Opening::ReviewWhole { id, restored, facts } => {
                Self::Review(Box::new(Reviewing::of_whole(&id, &restored, *facts, context)?))
            }
        })
    }

    fn pane(&self) -> &dyn Pane {
        match self {
            Self::DropDown(window) => window,
            Self::Editor(window) => &**window,
            Self::Find(window) => window,
            Self::Question(window) => window,
            Self::Reader(window) => window,
            Self::Review(window) => &**window,
        }
    }

    fn pane_mut(&mut self) -> &mut dyn Pane {
        match self {
            Self::DropDown(window) => window,
            Self::Editor(window) => &mut **window,
            Self::Find(window) => window,
            Self::Question(window) => window,
            Self::Reader(window) => window,
            Self::Review(window) => &mut **window,
        }
    }
}

/// The open windows, topmost last.
#[derive(Debug, Clone, Default)]
pub struct Windows {
    stack: Vec<Window>,
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
        self.stack.extend(Window::open(opening, context));
    }

    /// Closes the topmost.
    pub(super) fn close(&mut self) {
        self.stack.pop();
    }

    /// The topmost.
    pub(super) fn top(&self) -> Option<&dyn Pane> {
        self.stack.last().map(Window::pane)
    }

    /// The topmost, to be changed.
    pub(super) fn top_mut(&mut self) -> Option<&mut dyn Pane> {
        self.stack.last_mut().map(Window::pane_mut)
    }

    /// All, from the bottom.
    pub(super) fn all(&self) -> impl Iterator<Item = &dyn Pane> {
        self.stack.iter().map(Window::pane)
    }

    /// What an open drop-down has marked.
    pub(super) fn preview(&self) -> Option<(Direction, Minimum)> {
        self.stack.iter().rev().find_map(|window| match window {
            Window::DropDown(window) => Some(window.preview()),
            _ => None,
        })
    }

    /// Does one of them cover the whole screen?
    pub(super) fn cover_all(&self) -> bool {
        self.stack.iter().any(|window| matches!(window, Window::Review(_)))
    }
}
