//! A save that runs. It is no window that could be covered or left behind, but a mode of the screen: while it is there
//! nothing is opened, what workers report waits, and only the save's own end ends it.

use ratatui::layout::Rect;

use crate::session::{Line, Rebased, Tone, amount, conflict_lines};
use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::pane::Pane;
use crate::tui::request::{Opening, Question, Request};
use crate::tui::widgets::painter::Painter;
use crate::tui::wrap::line;
use crate::tui::{layout, wrap};
use crate::work::{self, Asker, Event, SaveProblem, SaveReport};

const TITLE: &str = "Saving";
const WAIT: &str = "Please wait: this part cannot be given up any more.";
const FIRST_THE_SAVE: &str = "A save is running, and is brought to its end first: nothing is left half done.";
const SAVED: &str = "Saved.";
const SAVED_TITLE: &str = "Saved";
const NOT_SAVED: &str = "Not saved. Your edits are still here.";
const NOT_SAVED_TITLE: &str = "Not saved";

/// A save that runs.
#[derive(Debug, Clone)]
pub struct Saving {
    /// Who asked for it: only events that answer it are the save's.
    asker: Asker,
    /// Steps so far, in words.
    steps: Vec<String>,
    /// What is being waited for.
    detail: Option<String>,
    /// Can still be given up.
    cancellable: bool,
    /// The user wanted to leave or to stop the program meanwhile.
    wanted_out: bool,
}

impl Saving {
    /// One that was asked for.
    pub fn new(asker: Asker) -> Self {
        Self {
            asker,
            steps: Vec::new(),
            detail: None,
            cancellable: false,
            wanted_out: false,
        }
    }

    /// Does an event answer this save?
    pub fn asked(&self, asker: Asker) -> bool {
        self.asker == asker
    }

    /// News of the save.
    pub fn step(&mut self, words: String, cancellable: bool) {
        self.steps.push(words);
        self.detail = None;
        self.cancellable = cancellable;
    }

    /// What the save waits for.
    pub fn waits_for(&mut self, words: String) {
        self.detail = Some(words);
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self
            .steps
            .iter()
            .chain(&self.detail)
            .map(|words| line(Tone::Text, words.clone()))
            .collect();
        if self.wanted_out {
            lines.push(line(Tone::Caution, FIRST_THE_SAVE));
        }
        lines
    }
}

impl Pane for Saving {
    fn place(&self) -> Place {
        Place::Saving
    }

    fn on(&mut self, command: Command, _: &mut Context) -> Vec<Request> {
        match command {
            Command::Cancel if self.cancellable => return vec![Request::Work(work::Effect::CancelSave)],
            // A process that is stopped or gone cannot start the engine again.
            Command::Quit | Command::Suspend => self.wanted_out = true,
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, _: &Context, area: Rect, painter: &mut Painter<'_>) {
        let size = (area.width, area.height);
        let lines = self.lines();
        let width = layout::reader_width(size);
        let rows = wrap::height(&lines, width).max(1);
        let height = rows.min(layout::reader_height(size));
        let inside = painter.centred(area, width, height, TITLE);
        painter.lines(inside, &lines, rows.saturating_sub(height));
        painter.point(inside, 0, inside.height.saturating_sub(1));
        painter.foot(area, Place::Saving, (!self.cancellable).then_some(WAIT));
    }
}

/// What the end of a save changes and shows; `None`: the event is no end of a save.
pub fn end(event: Event, context: &mut Context) -> Option<Vec<Request>> {
    match event {
        Event::Saved(report) => Some(saved(*report, context)),
        Event::NotSaved(problem) => Some(not_saved(*problem, context)),
        _ => None,
    }
}

fn saved(report: SaveReport, context: &mut Context) -> Vec<Request> {
    context.session.rebase(report.document);
    let warnings: Vec<String> = report.warnings.iter().map(|words| format!("! {words}")).collect();
    let plain = report.lines.iter().map(|words| line(Tone::Text, words.clone()));
    let caution = warnings.iter().map(|words| line(Tone::Caution, words.clone()));
    let lines: Vec<Line> = plain.chain(caution).collect();
    context.summary.extend(report.lines);
    context.summary.extend(warnings);
    context.report(Tone::Text, SAVED);
    let title = SAVED_TITLE.to_owned();
    vec![
        Request::Work(work::Effect::DropDraft),
        Request::Work(work::Effect::CheckEngine),
        Request::Work(work::Effect::ListBackups),
        Request::Open(if report.to_confirm {
            let keep = vec![Request::Work(work::Effect::Confirm)];
            Opening::Question(Question {
                title,
                lines,
                buttons: vec![
                    ("Later (y on the form)".to_owned(), Vec::new()),
                    ("Keep it for good".to_owned(), keep),
                ],
            })
        } else {
            Opening::Text { title, lines }
        }),
    ]
}

fn not_saved(problem: SaveProblem, context: &mut Context) -> Vec<Request> {
    let mut lines: Vec<Line> = problem.message.lines().map(|words| line(Tone::Bad, words)).collect();
    lines.extend(conflict_lines(&problem.conflicts, &context.session.secrets()));
    if let Some(document) = problem.document {
        lines.extend(rebase_lines(&context.session.rebase(document)));
    }
    let first = problem.message.lines().next().unwrap_or_default();
    context.summary.push(format!("Not saved: {first}"));
    context.report(Tone::Bad, NOT_SAVED);
    vec![
        Request::Work(work::Effect::CheckEngine),
        Request::Open(Opening::Text {
            title: NOT_SAVED_TITLE.to_owned(),
            lines,
        }),
    ]
}

fn rebase_lines(rebased: &Rebased) -> Vec<Line> {
    let mut lines = vec![line(Tone::Text, "The screen now shows the file as it is on disk.")];
    if !rebased.apply.is_empty() {
        let left = amount(rebased.apply.edits().len(), "edit", "edits");
        lines.push(line(Tone::Text, format!("{left} of yours still to be saved.")));
    }
    if !rebased.conflicts.is_empty() {
        lines.push(line(
            Tone::Caution,
            "Where both changed a value, the one on disk is shown; make yours again if it is right.",
        ));
    }
    lines
}
