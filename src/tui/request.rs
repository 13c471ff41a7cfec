//! What tabs and windows ask of the frame that holds them: they know themselves, and ask for everything else by value.

use std::sync::Arc;

use crate::session::{Document, EditSet, Facts, Line, VariableRow};
use crate::tls::{Direction, Role, TlsVersion};
use crate::work::{self, SaveJob};

use super::keys::Command;

/// Something that a tab or a window asks for.
#[derive(Debug, Clone)]
pub enum Request {
    /// To be carried out by the workers.
    Work(work::Effect),
    /// Open a window on top.
    Open(Opening),
    /// Close the window that asks.
    Close,
    /// Open the next tab (`1`) or the previous one (`-1`).
    TurnTab(isize),
    /// Go to a row of a direction's list of variables.
    GoTo(Direction, usize),
    /// Review what is changed.
    Review,
    /// Save what was reviewed.
    Save(Box<SaveJob>),
    /// Delete the custom variables of these directions.
    Reset(Vec<Direction>),
    /// Take up the edits of an earlier session.
    TakeUp(EditSet),
    /// Let a variable play a role from now on.
    Name {
        /// Its table.
        direction: Direction,
        /// Its name.
        name: String,
        /// What it is for.
        role: Role,
    },
    /// Learn the name of the minimum's variable: this version will be chosen in the web administration.
    Learn(TlsVersion),
    /// One line of news.
    Status(&'static str),
    /// A line of the summary that is printed after leaving.
    Summary(String),
    /// Paint everything.
    Repaint,
    /// Give the terminal back and stop until `fg`.
    Suspend,
    /// Leave.
    Quit,
}

impl Request {
    /// To the tab at the right or left, if a command means that.
    #[must_use]
    pub fn turn_tab(command: Command) -> Option<Self> {
        match command {
            Command::Right | Command::Next => Some(Self::TurnTab(1)),
            Command::Left | Command::Previous => Some(Self::TurnTab(-1)),
            _ => None,
        }
    }
}

/// A window to be opened, and what it needs.
#[derive(Debug, Clone)]
pub enum Opening {
    /// The drop-down of a direction.
    DropDown(Direction),
    /// The editor of a variable; where it has none, what is known of it.
    Variable(Direction, Box<VariableRow>),
    /// The search.
    Find,
    /// The names of variables, at a direction's table.
    Names(Direction),
    /// A question.
    Question(Question),
    /// A text to read.
    Text {
        /// Above.
        title: String,
        /// The text.
        lines: Vec<Line>,
    },
    /// The review of what is changed.
    Review(Box<Facts>),
    /// The review of a backup's whole file.
    ReviewWhole {
        /// The backup.
        id: String,
        /// Its document.
        restored: Arc<Document>,
        /// What was found of file and engine.
        facts: Box<Facts>,
    },
}

/// A question with buttons; the first is the default and does the least.
#[derive(Debug, Clone)]
pub struct Question {
    /// Above.
    pub title: String,
    /// What is asked.
    pub lines: Vec<Line>,
    /// The answers, and what each asks for when the question is closed.
    pub buttons: Vec<(String, Vec<Request>)>,
}
