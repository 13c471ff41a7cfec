//! The tab Backups: what was saved when and by whom, and taking it back.

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::host::Backup;
use crate::hostile::safe_path;
use crate::session::{Line, Rebased, Tone, ValueChange, conflict_lines, value_lines};
use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::layout::{self, NARROW};
use crate::tui::pane::Pane;
use crate::tui::request::{Opening, Request};
use crate::tui::widgets::list;
use crate::tui::widgets::painter::Painter;
use crate::tui::words;
use crate::tui::wrap::{cut, indented, line};
use crate::work;

const ABOUT: &str = "Every save keeps the file as it was right before. Taking a save back undoes its TLS changes and \
    leaves what the engine saved since; the whole file loses that, and the review lists what.";
const LOOKING: &str = "Looking for backups ...";
const NONE: &str = "No backups yet: the first save makes one.";
const CONFLICT_TITLE: &str = "Changed since";
const TAKEN_BACK: &str = "Taken back: now edits, not written yet. F6 reviews and saves.";
const ALREADY_BACK: &str = "Nothing to take back: the file is like that already.";

/// The tab: which row is marked, and the backups, newest first; `None`: not looked for yet.
#[derive(Debug, Clone, Default)]
pub struct Backups {
    selected: usize,
    list: Option<Arc<Vec<Backup>>>,
}

impl Backups {
    /// The backups were looked for.
    pub fn found(&mut self, list: Arc<Vec<Backup>>) {
        self.list = Some(list);
    }

    /// What differs between a backup and the file now; `None`: it is not in the list.
    pub fn difference(&self, id: &str, changes: &[ValueChange], count: usize) -> Option<Opening> {
        let backup = self.list().iter().find(|backup| backup.id == id)?;
        Some(Opening::Text {
            title: id.to_owned(),
            lines: backup_lines(backup, changes, count),
        })
    }

    fn list(&self) -> &[Backup] {
        self.list.as_deref().map_or(&[], Vec::as_slice)
    }

    fn nothing(&self) -> &'static str {
        if self.list.is_some() { NONE } else { LOOKING }
    }
}

impl Pane for Backups {
    fn place(&self) -> Place {
        Place::Backups
    }

    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request> {
        if let Some(turn) = Request::turn_tab(command) {
            return vec![turn];
        }
        let count = self.list().len();
        if let Some(selected) = list::moved(self.selected, command, layout::page(context.size), count) {
            self.selected = selected;
            return Vec::new();
        }
        let Some(backup) = self.list().get(self.selected.min(count.saturating_sub(1))) else {
            context.report(Tone::Text, self.nothing());
            return Vec::new();
        };
        match command {
            Command::Activate => vec![Request::Work(work::Effect::CompareBackup(backup.id.clone()))],
            Command::BringBack | Command::WholeFile if context.refuses_changes() => Vec::new(),
            Command::BringBack => bring_back(backup, context),
            Command::WholeFile if context.session.is_dirty() => {
                context.report(Tone::Caution, words::DIRTY_BEFORE_WHOLE);
                Vec::new()
            }
            Command::WholeFile => {
                context.report(Tone::Text, words::LOOKING);
                vec![Request::Work(work::Effect::InspectWhole {
                    id: backup.id.clone(),
                    wish: context.engine_wish,
                })]
            }
            _ => Vec::new(),
        }
    }

    fn draw(&self, _: &Context, area: Rect, painter: &mut Painter<'_>) {
        let theme = painter.theme;
        let backups = self.list();
        if backups.is_empty() {
            painter.text(area, 2, 0, self.nothing(), theme.text());
            painter.point(area, 2, 0);
            return;
        }
        for (y, backup, is_marked) in list::in_sight(backups, self.selected, area.height) {
            // RFC 3339 with the local offset: date and minute are what a person looks for.
            let when = backup.when.get(..16).unwrap_or(&backup.when).replace('T', " ");
            let who = cut(&backup.who, 12, theme.ellipsis());
            let words = if area.width < NARROW {
                format!("{when}  {}", backup.summary)
            } else {
                format!("{when}  {who:<12}  {:<8}{}", backup.action, backup.summary)
            };
            painter.row(area, y, &words, theme.text());
            if is_marked {
                painter.mark(area, 1, y, area.width.saturating_sub(2));
                painter.point(area, 2, y);
            }
        }
    }

    fn about(&self, _: &Context) -> Vec<Line> {
        vec![line(Tone::Text, ABOUT)]
    }
}

/// Takes the changes of a save back: its inverse becomes edits on today's file, so that what others saved since stays.
fn bring_back(backup: &Backup, context: &mut Context) -> Vec<Request> {
    let undo = match &backup.undo {
        Ok(edits) => edits,
        Err(why) => {
            context.report(Tone::Caution, why.clone());
            return Vec::new();
        }
    };
    let rebased = context.session.base().rebase(undo);
    let mut requests = Vec::new();
    if !rebased.conflicts.is_empty() {
        requests.push(Request::Open(Opening::Text {
            title: CONFLICT_TITLE.to_owned(),
            lines: not_taken_back(&rebased, context),
        }));
    }
    let done = context.session.take_up(&rebased.apply);
    requests.extend(context.changed(done, if done { TAKEN_BACK } else { ALREADY_BACK }));
    requests
}

/// Taking a save back met values that someone changed since.
fn not_taken_back(rebased: &Rebased, context: &Context) -> Vec<Line> {
    let mut lines = vec![line(
        Tone::Caution,
        "These values were changed since that save, so they are left as they are:",
    )];
    lines.extend(conflict_lines(&rebased.conflicts, &context.session.secrets()));
    lines
}

/// A backup: who, when, what, and what differs now.
fn backup_lines(backup: &Backup, changes: &[ValueChange], count: usize) -> Vec<Line> {
    let fact = |name: &str, words: String| indented(Tone::Text, format!("{name:<10}{words}"), 10);
    let mut lines = vec![
        fact("saved", format!("{} by {}", backup.when, backup.who)),
        fact("what", format!("{}: {}", backup.action, backup.summary)),
        fact(
            "holds",
            format!("the file as it was right before, {} bytes", backup.size),
        ),
        fact("copy", safe_path(&backup.path)),
        fact("sha256", backup.sha256.clone()),
        line(Tone::Text, ""),
        line(Tone::Heading, "From the file now to this backup"),
    ];
    if count == 0 {
        lines.push(line(Tone::Text, "  The same: every value is as it was."));
    }
    lines.extend(value_lines(changes, count));
    lines
}
