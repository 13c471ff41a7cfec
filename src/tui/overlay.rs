//! What lies over the form, as values: a drop-down, a text, a question, an editor, the search, the review, a save that
//! runs.

use crate::session::{Line, Review};
use crate::tls::{Direction, Role};
use crate::work::{self, Whom};

use super::editor::Editor;
use super::find::Find;

/// A button of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What it does.
    pub answer: Answer,
}

/// What a button does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Close the question; nothing else.
    Stay,
    /// Leave; edits are thrown away.
    Discard,
    /// Open the review.
    Review,
    /// Leave; nothing is unsaved.
    Quit,
    /// Delete the custom variables of these directions.
    Reset(Vec<Direction>),
    /// Take up the edits of an earlier session.
    TakeDraft,
    /// Forget them.
    DropDraft,
    /// Keep the last save: it shall not undo itself.
    Confirm,
    /// Find out whom a probe would ask.
    PlanProbe(Whom),
    /// Say what reading stored mail means.
    PlanHeaders,
    /// Read this server's own headers in stored mail.
    ReadHeaders,
    /// Ask these peers.
    Probe(Vec<work::Question>),
    /// Let a variable play a role from now on.
    Name {
        /// Its table.
        direction: Direction,
        /// Its name.
        name: String,
        /// What it is for.
        role: Role,
    },
}

/// A question with buttons; the first is the default and does the least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Above.
    pub title: String,
    /// What is asked.
    pub lines: Vec<Line>,
    /// The answers.
    pub buttons: Vec<Button>,
    /// Which button has the focus.
    pub focus: usize,
}

/// What has the focus below a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewFocus {
    /// A box.
    Consent(usize),
    /// Back to the form.
    Back,
    /// The box that lets the save undo itself.
    Undo,
    /// Save.
    Save,
}

/// The review on the screen.
#[derive(Debug, Clone)]
pub struct ReviewScreen {
    /// The facts.
    pub review: Review,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Which consents were given, in the order of `review.consents`.
    pub given: Vec<bool>,
    /// What has the focus.
    pub focus: ReviewFocus,
    /// First line shown.
    pub scroll: usize,
    /// Shall it undo itself unless it is confirmed? `None`: that cannot be had here.
    pub undo: Option<bool>,
    /// The backup whose whole file is to be put in place.
    pub whole: Option<String>,
}

impl ReviewScreen {
    /// What can have the focus, in order. Save is there only when it can be pressed.
    #[must_use]
    pub fn stops(&self) -> Vec<ReviewFocus> {
        let mut stops: Vec<_> = Vec::new();
        if self.review.refusal().is_none() {
            stops.extend((0..self.given.len()).map(ReviewFocus::Consent));
            if self.undo.is_some() {
                stops.push(ReviewFocus::Undo);
            }
        }
        stops.push(ReviewFocus::Back);
        if self.can_save() {
            stops.push(ReviewFocus::Save);
        }
        stops
    }

    /// Boxes below the text.
    #[must_use]
    pub fn boxes(&self) -> usize {
        self.given.len() + usize::from(self.undo.is_some())
    }

    /// Nothing stands in the way any more.
    #[must_use]
    pub fn can_save(&self) -> bool {
        self.review.refusal().is_none()
            && (self.whole.is_some() || !self.review.edits().is_empty())
            && self.given.iter().all(|given| *given)
    }
}

/// What lies over the form.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// An open drop-down.
    DropDown {
        /// Whose.
        direction: Direction,
        /// The marked row of [`CHOICES`](super::state::CHOICES).
        selected: usize,
    },
    /// The editor of one variable.
    Editor(Box<Editor>),
    /// The search.
    Find(Find),
    /// A text to read.
    Reader {
        /// Above.
        title: String,
        /// The text.
        lines: Vec<Line>,
        /// First line shown.
        scroll: usize,
    },
    /// The review.
    Review(Box<ReviewScreen>),
    /// A question.
    Question(Question),
    /// A save that runs.
    Saving {
        /// Steps so far, in words.
        steps: Vec<String>,
        /// What is being waited for.
        detail: Option<String>,
        /// Can still be given up.
        cancellable: bool,
    },
}

/// The buttons of a question, from labels and answers.
pub(super) fn buttons(of: Vec<(String, Answer)>) -> Vec<Button> {
    of.into_iter().map(|(label, answer)| Button { label, answer }).collect()
}
