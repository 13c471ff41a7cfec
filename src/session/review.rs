//! What saving would mean, gathered for one last look.

use std::sync::Arc;

use crate::mailserver_cfg::{DiffLine, Document, Edit, EditError, Proven, ValueChange};
use crate::peers::{Counts, Coverage, Knowledge, PeerBook, Source, Threshold, Verdict, assess, cut_off_domains};
use crate::tls::{Direction, Minimum, PlanNote, TlsVersion};

use super::{Expected, Session};

/// What will happen to the engine, as found out by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnginePlan {
    /// There is no engine on this host.
    Absent,
    /// It is stopped, and stays so.
    Stopped,
    /// It runs (or that cannot be seen): saving is refused until these commands have stopped it.
    Refuse {
        /// Why, in words.
        why: String,
        /// What to type.
        commands: Vec<String>,
    },
    /// It is stopped, the file is written, and it is started again.
    Restart {
        /// What will be run, in order.
        commands: Vec<String>,
        /// How long that took last time, in seconds.
        last_seconds: Option<u64>,
        /// What to know beforehand, such as a short stop time-out.
        warnings: Vec<String>,
    },
}

/// Facts about the file and the engine, found by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The path as the user gave it.
    pub path: String,
    /// What it points to, when it is a link.
    pub link_target: Option<String>,
    /// Owner and group in words.
    pub owner: String,
    /// Permission bits, such as `0o640`.
    pub mode: u32,
    /// Where the backup will go.
    pub backups: String,
    /// Why it can only be written in place, if so.
    pub in_place: Option<String>,
    /// What stands in the way of saving at all, if anything.
    pub blocked: Option<String>,
    /// The engine.
    pub engine: EnginePlan,
    /// Why a save cannot be made to undo itself, if so.
    pub no_undo: Option<String>,
}

/// A yes that is not the default and must be given on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consent {
    /// Peers are cut off or mixed, or it is not known whether they are.
    CutOff,
    /// The file is written in place.
    InPlace,
    /// A whole older file is put in place: everything saved since is lost.
    WholeFile,
}

/// A peer that the change touches, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// Host and port.
    pub host: String,
    /// Names it goes by.
    pub names: Vec<String>,
    /// Verdict.
    pub verdict: Verdict,
    /// The highest version known.
    pub highest: Option<TlsVersion>,
    /// Source and last time of the deciding record.
    pub seen: Option<(Source, jiff::Timestamp)>,
    /// What that record knows.
    pub knowledge: Option<Knowledge>,
    /// Messages in the window.
    pub messages: u64,
    /// It logged in: a user's device.
    pub authenticated: bool,
}

/// One direction's part of the review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectionReview {
    /// Which.
    pub direction: Direction,
    /// The minimum as loaded.
    pub from: Minimum,
    /// The minimum as wanted.
    pub to: Minimum,
    /// What peers were held against.
    pub threshold: Threshold,
    /// Cut off and mixed peers, worst first.
    pub affected: Vec<Affected>,
    /// Recipient domains that are cut off as a whole: every address that took their mail is.
    pub domains: Vec<String>,
    /// All counts.
    pub counts: Counts,
    /// How much is known.
    pub coverage: Coverage,
    /// What is to be said of the changes.
    pub notes: Vec<PlanNote>,
    /// What inbound ports should do then.
    pub expected: Expected,
}

/// Everything that is shown before saving.
#[derive(Debug, Clone)]
pub struct Review {
    /// The edits, made and proven; `None` when a whole older file is put in place.
    pub proven: Option<Arc<Proven>>,
    /// Directions with a changed variable, or that read otherwise because the other one changes.
    pub directions: Vec<DirectionReview>,
    /// The masked diff.
    pub diff: Vec<DiffLine>,
    /// Where the two directions differ, if they do.
    pub difference: Option<String>,
    /// Facts about file and engine.
    pub facts: Facts,
    /// Each must be given before saving.
    pub consents: Vec<Consent>,
    /// Days of mail that the amounts stand for.
    pub window_days: u32,
    /// What the readers of evidence could not use.
    pub evidence_warnings: Vec<String>,
    /// When a whole older file is put in place: what changes, value by value (masked), and how many values in all.
    pub whole: Option<(Vec<ValueChange>, usize)>,
    /// When it takes the place of a file that cannot be understood.
    pub mends: Option<Mends>,
}

/// A whole older file in place of one that cannot be understood: nothing can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mends {
    /// Where and why the file now cannot be understood.
    pub why: String,
    /// The minimums that hold then.
    pub minimums: [(Direction, Minimum); 2],
}

/// How many lines are shown around a changed one.
const CONTEXT: usize = 2;
/// How many values of a whole file are listed.
const LISTED: usize = 200;

impl Review {
    /// The edits; none when a whole older file is put in place.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        self.proven.as_ref().map_or(&[], |proven| proven.edits().edits())
    }

    /// How many peers have which verdict, in all directions that change.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for Counts {
            cut_off,
            mixed,
            plain,
            unknown,
            ok,
            cut_off_messages,
            unknown_messages,
        } in self.directions.iter().map(|direction| direction.counts)
        {
            sum.cut_off += cut_off;
            sum.mixed += mixed;
            sum.plain += plain;
            sum.unknown += unknown;
            sum.ok += ok;
            sum.cut_off_messages += cut_off_messages;
            sum.unknown_messages += unknown_messages;
        }
        sum
    }

    /// What inbound ports should do after the save, where it touches inbound.
    #[must_use]
    pub fn inbound_after(&self) -> Option<Expected> {
        self.directions
            .iter()
            .find(|review| review.direction == Direction::Inbound)
            .map(|review| review.expected.clone())
    }

    /// Does anything stand in the way that no consent can remove?
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match (&self.facts.blocked, &self.facts.engine) {
            (Some(why), _) | (None, EnginePlan::Refuse { why, .. }) => Some(why),
            _ => None,
        }
    }
}

impl Session {
    /// Gathers the review.
    ///
    /// # Errors
    /// [`EditError`] when the edits cannot be made in this document.
    pub fn review(&self, book: &PeerBook, facts: Facts) -> Result<Review, EditError> {
        let proven = Arc::new(self.base().prove(&self.edits())?);
        let directions = Direction::ALL
            .into_iter()
            .filter_map(|direction| self.review_direction(self, book, direction))
            .collect();
        Ok(self.gather(book, facts, Some(proven), directions, None))
    }

    /// Gathers the review of putting a whole older file in place.
    #[must_use]
    pub fn review_whole(&self, book: &PeerBook, facts: Facts, restored: &Arc<Document>) -> Review {
        let then = Self::new(Arc::clone(restored), self.catalogue().clone(), self.measured());
        let directions = Direction::ALL
            .into_iter()
            .filter_map(|direction| self.review_direction(&then, book, direction))
            .collect();
        let changes = self.base().changes_to(restored, &self.secrets(), LISTED);
        let review = self.gather(book, facts, None, directions, Some(changes));
        Review {
            difference: then.difference(),
            ..review
        }
    }

    /// Gathers the review of putting the whole file of this session in place of one that cannot be understood. Which peers that touches
    /// cannot be said, because it is not known what holds now.
    #[must_use]
    pub fn review_mend(&self, book: &PeerBook, facts: Facts, why: String) -> Review {
        let nothing = Some((Vec::new(), 0));
        let review = self.gather(book, facts, None, Vec::new(), nothing);
        Review {
            mends: Some(Mends {
                why,
                minimums: Direction::ALL.map(|direction| (direction, self.loaded_minimum(direction))),
            }),
            ..review
        }
    }

    fn gather(
        &self,
        book: &PeerBook,
        facts: Facts,
        proven: Option<Arc<Proven>>,
        directions: Vec<DirectionReview>,
        whole: Option<(Vec<ValueChange>, usize)>,
    ) -> Review {
        let mut consents = Vec::new();
        if directions.iter().any(DirectionReview::needs_consent) {
            consents.push(Consent::CutOff);
        }
        if facts.in_place.is_some() {
            consents.push(Consent::InPlace);
        }
        if whole.is_some() {
            consents.push(Consent::WholeFile);
        }
        Review {
            diff: proven
                .as_ref()
                .map_or_else(Vec::new, |it| it.diff(&self.secrets(), CONTEXT)),
            proven,
            directions,
            difference: self.difference(),
            facts,
            consents,
            window_days: book.window_days,
            evidence_warnings: book.warnings.clone(),
            whole,
            mends: None,
        }
    }

    /// What changes in a direction from what was loaded here to what `after` wants: a variable of its table, or only
    /// what it is read as, because of the other one's. `None`: neither.
    fn review_direction(&self, after: &Self, book: &PeerBook, direction: Direction) -> Option<DirectionReview> {
        let (from, to) = (self.loaded_minimum(direction), after.minimum(direction));
        if from == to && self.loaded_pairs(direction) == after.pairs(direction) {
            return None;
        }
        let threshold = self.threshold(direction, &to);
        let impact = assess(book, direction, threshold);
        let affected = impact
            .rows
            .iter()
            .filter(|row| matches!(row.verdict, Verdict::CutOff | Verdict::Mixed))
            .map(|row| Affected {
                host: row.peer.key.host_and_port(),
                names: row.peer.names.clone(),
                verdict: row.verdict,
                highest: row.highest,
                seen: row.decisive.map(|e| (e.source, e.last_seen)),
                knowledge: row.decisive.map(|e| e.knowledge.clone()),
                messages: row.peer.messages,
                authenticated: row.peer.authenticated,
            })
            .collect();
        // Routes are of outbound mail.
        let domains = if direction == Direction::Outbound {
            cut_off_domains(book, &impact).into_iter().map(str::to_owned).collect()
        } else {
            Vec::new()
        };
        Some(DirectionReview {
            direction,
            from,
            to,
            threshold,
            affected,
            domains,
            counts: impact.counts,
            coverage: impact.coverage,
            notes: self.notes_to(direction, after),
            expected: after.expected(),
        })
    }
}

impl DirectionReview {
    /// Cutting off, and not knowing, each need the user's own yes. No peers at all is not knowing either.
    #[must_use]
    pub fn needs_consent(&self) -> bool {
        self.counts.cut_off + self.counts.mixed + self.counts.unknown > 0
            || self.coverage.all == 0
            || self.threshold == Threshold::NotKnown
    }
}
