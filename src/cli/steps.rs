//! The steps of a save as lines on standard error, for who sits before it: an engine that is stopped and started is minutes of
//! silence otherwise. A script's log gets none of them.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::work::SaveNews;

use super::console::Console;

/// What is being waited for is said again so often.
const AGAIN: Duration = Duration::from_secs(10);

/// Hears the news of a save.
pub(super) struct Steps<'a, 'b> {
    console: RefCell<&'a mut Console<'b>>,
    /// What was waited for last, without its seconds, and when that was said.
    last: RefCell<Option<(String, Instant)>>,
}

impl<'a, 'b> Steps<'a, 'b> {
    pub(super) fn new(console: &'a mut Console<'b>) -> Self {
        Self {
            console: RefCell::new(console),
            last: RefCell::new(None),
        }
    }

    pub(super) fn hear(&self, news: SaveNews<'_>) {
        match news {
            SaveNews::Step(words, _) => self.console.borrow_mut().step(words),
            SaveNews::Detail(words) if self.is_due(words) => self.console.borrow_mut().step(&format!("  {words}")),
            SaveNews::Detail(_) => {}
        }
    }

    /// `Stopping the engine: 3 s of at most 300 s` comes every second; only each tenth is worth a line.
    fn is_due(&self, words: &str) -> bool {
        let what = words.split(':').next().unwrap_or(words);
        let mut last = self.last.borrow_mut();
        let due = last
            .as_ref()
            .is_none_or(|(before, at)| before != what || at.elapsed() >= AGAIN);
        if due {
            *last = Some((what.to_owned(), Instant::now()));
        }
        due
    }
}
