//! What saving would mean, gathered for one last look.

use std::sync::Arc;

use crate::hostile::safe_text;
use crate::mailserver_cfg::{DiffLine, Document, Edit, EditError, Proven, ValueChange};
use crate::peers::{
    Assessed, Counts, Coverage, Knowledge, PeerBook, Source, Threshold, Verdict, assess, cut_off_domains,
};
use crate::tls::{Direction, Minimum, PlanNote, TlsVersion};

use super::edit::Session;
use super::snapshot::{Expected, Snapshot};
use super::words::first_of;

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
    /// A variable is written whose name the engine's own program does not hold.
    UnknownName,
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

/// What a review is of.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Edits of values, made and proven.
    Edits {
        /// The result that would be written.
        proven: Arc<Proven>,
        /// What differs, line by line, masked.
        diff: Vec<DiffLine>,
    },
    /// The whole file of a backup in place of this one.
    Whole {
        /// The backup.
        backup: String,
        /// The values that change (the first of them), masked.
        changes: Vec<ValueChange>,
        /// How many there are in all.
        count: usize,
    },
    /// The whole file of a backup in place of one that cannot be understood.
    Mend {
        /// The backup.
        backup: String,
        /// What can be said of it.
        mends: Mends,
    },
}

/// A whole older file in place of one that cannot be understood: nothing can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mends {
    /// Where and why the file now cannot be understood.
    pub why: String,
    /// The minimums that hold then.
    pub minimums: [(Direction, Minimum); 2],
}

/// Everything that is shown before saving.
#[derive(Debug, Clone)]
pub struct Review {
    /// What is to be put in place.
    pub subject: Subject,
    /// Directions with a changed variable, or that read otherwise because the other one changes.
    pub directions: Vec<DirectionReview>,
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
}

/// Letters of a name in a question.
const NAME: usize = 40;
/// How many lines are shown around a changed one.
const CONTEXT: usize = 2;
/// How many values of a whole file are listed.
const LISTED: usize = 200;

impl Review {
    /// Of the edits that are wanted.
    ///
    /// # Errors
    /// [`EditError`] when the edits cannot be made in this document.
    pub fn of_edits(session: &Session, book: &PeerBook, facts: Facts) -> Result<Self, EditError> {
        let proven = Arc::new(session.base().prove(&session.edits())?);
        let diff = proven.diff(&session.secrets(), CONTEXT);
        let wanted = session.wanted();
        let directions = directions(session, &wanted, book);
        let difference = difference(session, &wanted, &directions);
        Ok(Self::new(
            Subject::Edits { proven, diff },
            directions,
            difference,
            facts,
            book,
        ))
    }

    /// Of putting the whole file of a backup in place.
    #[must_use]
    pub fn of_whole(session: &Session, book: &PeerBook, facts: Facts, restored: &Arc<Document>, backup: &str) -> Self {
        let then = Session::new(Arc::clone(restored), session.catalogue().clone(), session.measured());
        let (changes, count) = session.base().changes_to(restored, &session.secrets(), LISTED);
        let subject = Subject::Whole {
            backup: backup.to_owned(),
            changes,
            count,
        };
        let directions = directions(session, &then.wanted(), book);
        Self::new(subject, directions, then.wanted().difference(), facts, book)
    }

    /// Of putting the whole file of this session, a backup, in place of one that cannot be understood. Which peers that
    /// touches cannot be said, because it is not known what holds now.
    #[must_use]
    pub fn of_mend(session: &Session, book: &PeerBook, facts: Facts, why: String, backup: &str) -> Self {
        let subject = Subject::Mend {
            backup: backup.to_owned(),
            mends: Mends {
                why,
                minimums: Direction::ALL.map(|direction| (direction, session.loaded().minimum(direction))),
            },
        };
        Self::new(subject, Vec::new(), session.wanted().difference(), facts, book)
    }

    fn new(
        subject: Subject,
        directions: Vec<DirectionReview>,
        difference: Option<String>,
        facts: Facts,
        book: &PeerBook,
    ) -> Self {
        let mut consents = Vec::new();
        if directions.iter().any(DirectionReview::needs_consent) {
            consents.push(Consent::CutOff);
        }
        if directions.iter().any(|it| it.unknown_names().next().is_some()) {
            consents.push(Consent::UnknownName);
        }
        if facts.in_place.is_some() {
            consents.push(Consent::InPlace);
        }
        if matches!(subject, Subject::Whole { .. } | Subject::Mend { .. }) {
            consents.push(Consent::WholeFile);
        }
        Self {
            subject,
            directions,
            difference,
            facts,
            consents,
            window_days: book.window_days,
            evidence_warnings: book.warnings.clone(),
        }
    }

    /// The edits; none when a whole older file is put in place.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        match &self.subject {
            Subject::Edits { proven, .. } => proven.edits().edits(),
            Subject::Whole { .. } | Subject::Mend { .. } => &[],
        }
    }

    /// Is a whole older file put in place, so that nothing of it can be undone value by value?
    #[must_use]
    pub const fn is_whole_file(&self) -> bool {
        matches!(self.subject, Subject::Whole { .. } | Subject::Mend { .. })
    }

    /// What stands where a broken file stood, when this puts it there.
    #[must_use]
    pub const fn mends(&self) -> Option<&Mends> {
        match &self.subject {
            Subject::Mend { mends, .. } => Some(mends),
            Subject::Edits { .. } | Subject::Whole { .. } => None,
        }
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

    /// Names that are written though the engine's own program does not hold them, in words.
    #[must_use]
    pub fn unknown_names(&self) -> String {
        let names = self.directions.iter().flat_map(DirectionReview::unknown_names);
        first_of(names.map(|name| safe_text(name, NAME)), 4)
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

/// Where the directions differ; and, where one alone is raised, which services may not follow.
fn difference(session: &Session, wanted: &Snapshot<'_>, directions: &[DirectionReview]) -> Option<String> {
    let differs = wanted.difference()?;
    let is_raised = |it: &&DirectionReview| it.from != it.to && matches!(it.to, Minimum::At(_));
    let raised: Vec<Direction> = directions.iter().filter(is_raised).map(|it| it.direction).collect();
    let follows = match (raised.as_slice(), session.measured().governs.smtp_follows_outbound()) {
        ([_], None) => {
            " It is not known which table SMTP on this server's own ports (25, 465, 587) follows: they may do what the other direction says."
        }
        ([Direction::Inbound], Some(true)) => {
            " SMTP on this server's own ports follows table SmtpSecurity: they do what outbound says."
        }
        ([Direction::Outbound], Some(true)) => {
            " SMTP on this server's own ports follows table SmtpSecurity, too: those who call this server are touched by it."
        }
        _ => "",
    };
    Some(differs + follows)
}

/// What changes from what was loaded to what `after` says, by direction: a variable of its table, or only what it is
/// read as, because of the other one's.
fn directions(session: &Session, after: &Snapshot<'_>, book: &PeerBook) -> Vec<DirectionReview> {
    let before = session.loaded();
    let changed = |direction: &Direction| {
        before.minimum(*direction) != after.minimum(*direction) || before.pairs(*direction) != after.pairs(*direction)
    };
    Direction::ALL
        .into_iter()
        .filter(changed)
        .map(|direction| {
            let to = after.minimum(direction);
            let threshold = session.threshold(direction, &to);
            let impact = assess(book, direction, threshold);
            let affected = impact
                .rows
                .iter()
                .filter(|row| matches!(row.verdict, Verdict::CutOff | Verdict::Mixed));
            // Routes are of outbound mail.
            let domains = match direction {
                Direction::Outbound => cut_off_domains(book, &impact),
                Direction::Inbound => Vec::new(),
            };
            DirectionReview {
                direction,
                from: before.minimum(direction),
                to,
                threshold,
                affected: affected.map(Affected::from).collect(),
                domains: domains.into_iter().map(str::to_owned).collect(),
                counts: impact.counts,
                coverage: impact.coverage,
                notes: before.notes_to(after, direction),
                expected: after.expected(),
            }
        })
        .collect()
}

impl From<&Assessed<'_>> for Affected {
    fn from(row: &Assessed<'_>) -> Self {
        Self {
            host: row.peer.key.host_and_port(),
            names: row.peer.names.clone(),
            verdict: row.verdict,
            highest: row.highest,
            seen: row.decisive.map(|e| (e.source, e.last_seen)),
            knowledge: row.decisive.map(|e| e.knowledge.clone()),
            messages: row.peer.messages,
            authenticated: row.peer.authenticated,
        }
    }
}

impl DirectionReview {
    /// Names that are written though the engine's own program does not hold them.
    pub fn unknown_names(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().filter_map(|note| match note {
            PlanNote::Writes { name, sure, .. } if sure.needs_a_yes() => Some(name.as_str()),
            _ => None,
        })
    }

    /// Cutting off, and not knowing, each need the user's own yes. No peers at all is not knowing either.
    #[must_use]
    pub fn needs_consent(&self) -> bool {
        self.counts.cut_off + self.counts.mixed + self.counts.unknown > 0
            || self.coverage.all == 0
            || self.threshold == Threshold::NotKnown
    }
}
