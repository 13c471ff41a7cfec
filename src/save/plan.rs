//! What would be written onto these bytes: rebase, render, verify. Pure.

use super::error::SaveError;
use super::request::{Content, Request};
use super::trouble::OnDisk;
use crate::mailserver_cfg::{Conflict, Document, Edit, EditSet, Secrets, ValueChange};

/// How many changed values are told by name.
pub(crate) const TOLD: usize = 100;

/// The new file and how it came about.
pub(crate) struct Plan {
    /// The bytes that it is made from.
    pub(crate) old: Vec<u8>,
    /// The verified new bytes; `None` = they are the old ones.
    pub(crate) new: Option<Vec<u8>>,
    pub(crate) applied: EditSet,
    pub(crate) already: Vec<Edit>,
    pub(crate) changed: Vec<ValueChange>,
    pub(crate) changed_count: usize,
}

/// Makes the plan for the bytes that are on disk now.
/// # Errors
/// Not a document, a conflict, edits that cannot be applied.
pub(crate) fn plan(request: &Request<'_>, old: Vec<u8>) -> Result<Plan, SaveError> {
    let path = || request.target.path().to_path_buf();
    let parse =
        |bytes: Vec<u8>| Document::parse(bytes).map_err(|error| SaveError::NotADocument { path: path(), error });
    let is_base = old == request.base.as_bytes();
    let parsed = if is_base { None } else { Some(parse(old.clone())?) };
    let now = parsed.as_ref().unwrap_or(request.base);
    let (changed, changed_count) = if is_base {
        (Vec::new(), 0)
    } else {
        request.base.changes_to(now, request.secrets, TOLD)
    };
    let edit_error = |error| SaveError::Edit { path: path(), error };
    match &request.content {
        Content::Edits(edits) => {
            let rebased = now.rebase(edits);
            if !rebased.conflicts.is_empty() {
                let conflicts = rebased
                    .conflicts
                    .iter()
                    .map(|conflict| masked(conflict, request.secrets))
                    .collect();
                return Err(SaveError::Conflict {
                    path: path(),
                    conflicts,
                    changed,
                    on_disk: OnDisk::Untouched,
                });
            }
            let new = if rebased.apply.is_empty() {
                None
            } else {
                let rendered = now.render(&rebased.apply).map_err(edit_error)?;
                let verified = now.verify(&rebased.apply, rendered).map_err(edit_error)?;
                Some(verified.as_bytes().to_vec()).filter(|new| *new != old)
            };
            Ok(Plan {
                old,
                new,
                applied: rebased.apply,
                already: rebased.already,
                changed,
                changed_count,
            })
        }
        Content::Whole { bytes, even_if_changed } => {
            if changed_count > 0 && !even_if_changed {
                return Err(SaveError::ChangedUnderneath {
                    path: path(),
                    changed,
                    on_disk: OnDisk::Untouched,
                });
            }
            let new = parse(bytes.clone())?;
            let new = Some(new.as_bytes().to_vec()).filter(|new| *new != old);
            Ok(Plan {
                old,
                new,
                applied: EditSet::default(),
                already: Vec::new(),
                changed,
                changed_count,
            })
        }
    }
}

/// Errors are printed: no secret may be in them.
fn masked(conflict: &Conflict, secrets: &Secrets) -> Conflict {
    let values = [&conflict.base, &conflict.theirs, &conflict.mine];
    let path = &conflict.path;
    if !values
        .into_iter()
        .flatten()
        .any(|value| secrets.is_secret_at(path, value))
    {
        return conflict.clone();
    }
    let show = |value: &Option<String>| value.as_ref().map(|value| secrets.show_at(path, value));
    Conflict {
        path: conflict.path.clone(),
        base: show(&conflict.base),
        theirs: show(&conflict.theirs),
        mine: show(&conflict.mine),
    }
}
