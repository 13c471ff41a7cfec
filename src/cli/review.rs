//! The review on a page, what of it a reader of a script's log should know, and the yeses that a save needs: what none
//! of them can remove, what the command line gave, what is asked for on the terminal.

use crate::host::clock;
use crate::peers::Threshold;
use crate::session::{Consent, EnginePlan, Line, Mends, Review, Subject, Wrap, amount};

use super::args::Saving;
use super::console::{Console, can_ask, columns, wrap};
use super::failure::Failure;

/// What a reader of a script's log should know.
pub(super) fn warnings(review: &Review) -> Vec<String> {
    let mut warnings: Vec<String> = review.mends().into_iter().map(Mends::words).collect();
    if let Subject::Whole { changes, count, .. } = &review.subject
        && *count > changes.len()
    {
        warnings.push(format!("{count} values change, of which {} are listed", changes.len()));
    }
    for direction in &review.directions {
        let way = direction.direction.token();
        warnings.extend(direction.notes.iter().map(|note| format!("{way}: {note}")));
        if direction.threshold == Threshold::NotKnown {
            warnings.push(format!(
                "{way}: what peers would be held against is not known, so it cannot be said who would be cut off"
            ));
        } else if direction.coverage.all == 0 {
            warnings.push(format!(
                "{way}: no peer is known at all, neither from the logs nor from a peers file"
            ));
        } else if direction.counts.unknown > 0 {
            let peers = amount(direction.counts.unknown, "peer", "peers");
            let mail = amount(direction.counts.unknown_messages, "message", "messages");
            warnings.push(format!(
                "{way}: {peers} never measured ({mail} in {})",
                amount(review.window_days, "day", "days")
            ));
        }
    }
    warnings.extend(review.difference.clone());
    // A stop that systemd cuts short is to be known before, on every road.
    if let EnginePlan::Restart { warnings: of_unit, .. } = &review.facts.engine {
        warnings.extend(of_unit.iter().cloned());
    }
    warnings.extend(review.evidence_warnings.iter().cloned());
    warnings
}

/// The whole review, wrapped.
pub(super) fn lines(review: &Review, saving: Saving) -> Vec<String> {
    let columns = columns();
    let mut lines: Vec<String> = review
        .lines(&clock())
        .iter()
        .flat_map(|line| {
            if line.wrap == Wrap::Words {
                wrap(&line.text, usize::from(line.indent), columns)
            } else {
                vec![line.text.clone()]
            }
        })
        .collect();
    if let (Some(after), None) = (saving.undo_after, &review.facts.no_undo) {
        lines.push(String::new());
        let words = format!(
            "It undoes itself {} s after the engine has started well, unless it is confirmed: kerio-tls confirm",
            after.as_secs()
        );
        lines.extend(wrap(&words, 2, columns));
    }
    lines
}

/// Lines of the session as they are, without their looks.
pub(super) fn texts(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|line| line.text).collect()
}

/// How the yes is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing is to be changed.
    DryRun,
    /// `--yes`.
    Given,
    /// On the terminal.
    Ask,
}

/// Refuses a command line that could only end in nobody being asked; before anything is read.
///
/// # Errors
/// [`Failure::Usage`].
pub(super) fn can_be_answered(saving: Saving) -> Result<(), Failure> {
    answer(saving).map(|_| ())
}

pub(super) fn answer(saving: Saving) -> Result<Answer, Failure> {
    if saving.dry_run {
        Ok(Answer::DryRun)
    } else if saving.yes {
        Ok(Answer::Given)
    } else if saving.output.json {
        Err(Failure::Usage(
            "--json asks no questions: add --yes to save, or --dry-run to see the review".to_owned(),
        ))
    } else if can_ask() {
        Ok(Answer::Ask)
    } else {
        Err(Failure::Usage(
            "there is no terminal to ask on: add --yes to save, or --dry-run to see the review".to_owned(),
        ))
    }
}

/// What no yes can remove.
pub(super) fn blocked(review: &Review, saving: Saving) -> Result<(), Failure> {
    if let Some(why) = &review.facts.blocked {
        return Err(Failure::NotSaved(why.clone()));
    }
    if let (Some(why), Some(_)) = (&review.facts.no_undo, saving.undo_after) {
        return Err(Failure::NotSaved(format!(
            "the automatic undo cannot be armed ({why}); nothing was written; leave out --undo-after, and be ready to \
             take the change back by hand: kerio-tls restore"
        )));
    }
    match &review.facts.engine {
        EnginePlan::Refuse { why, commands } => Err(Failure::Refused(format!(
            "{why}; it writes this file when it stops and would throw the change away; nothing was written; type: {}",
            commands.join("; ").replace("(save here)", "(this command again)")
        ))),
        EnginePlan::Absent | EnginePlan::Stopped | EnginePlan::Restart { .. } => Ok(()),
    }
}

/// What `--yes` and its companions allow.
pub(super) fn permitted(review: &Review, saving: Saving) -> Result<Vec<Consent>, Failure> {
    blocked(review, saving)?;
    let (cut_off, mixed) = worst(review);
    if cut_off + mixed > 0 && !saving.accept_cut_off {
        // Who looks at a dry run sees who.
        let see = if saving.dry_run {
            ""
        } else {
            "see who with --dry-run, then "
        };
        return Err(Failure::Refused(format!(
            "{}; nothing was written; {see}add --accept-cut-off if that is meant",
            cut_off_words(cut_off, mixed)
        )));
    }
    if review.consents.contains(&Consent::UnknownName) && !saving.accept_unknown_name {
        return Err(Failure::Refused(format!(
            "the engine's own program does not hold the name {}, so that it would most likely do nothing; nothing was written; see what the \
             program holds: kerio-tls names; add --accept-unknown-name if you know better",
            review.unknown_names()
        )));
    }
    if let Some(why) = review.facts.in_place.as_ref().filter(|_| !saving.in_place) {
        return Err(Failure::Refused(format!(
            "the file can only be written in place ({why}), which a power cut can tear; nothing was written; add \
             --in-place if that is meant"
        )));
    }
    Ok(review.consents.clone())
}

/// Asks for each yes that was not given beforehand.
pub(super) fn asked(
    review: &Review,
    saving: Saving,
    file: &str,
    console: &mut Console<'_>,
) -> Result<Vec<Consent>, Failure> {
    let (cut_off, mixed) = worst(review);
    let mut questions = Vec::new();
    for consent in &review.consents {
        match consent {
            Consent::CutOff if saving.accept_cut_off => {}
            Consent::CutOff if cut_off + mixed > 0 => {
                questions.push(format!("{}: go on all the same?", cut_off_words(cut_off, mixed)));
            }
            Consent::CutOff => questions.push("It is not known who would be cut off: go on all the same?".to_owned()),
            Consent::UnknownName if saving.accept_unknown_name => {}
            Consent::UnknownName => questions.push(format!(
                "The engine's own program does not hold the name {}: write it all the same?",
                review.unknown_names()
            )),
            Consent::WholeFile => questions.push("Put the whole older file in place?".to_owned()),
            Consent::InPlace if saving.in_place => {}
            Consent::InPlace => questions.push("Write the file in place, which a power cut can tear?".to_owned()),
        }
    }
    questions.push(format!("Save {file}?"));
    for question in questions {
        if !console.ask(&question)? {
            return Err(Failure::Refused("you did not say yes; nothing was written".to_owned()));
        }
    }
    Ok(review.consents.clone())
}

/// Peers cut off and mixed, in all directions that change.
fn worst(review: &Review) -> (usize, usize) {
    let counts = review.counts();
    (counts.cut_off, counts.mixed)
}

fn cut_off_words(cut_off: usize, mixed: usize) -> String {
    let cut = amount(cut_off, "known peer would be cut off", "known peers would be cut off");
    let doubt = amount(mixed, "peer", "peers");
    match (cut_off, mixed) {
        (_, 0) => cut,
        (0, _) => format!("{doubt} may be cut off (the evidence disagrees)"),
        _ => format!("{cut}, and {doubt} may be (the evidence disagrees)"),
    }
}
