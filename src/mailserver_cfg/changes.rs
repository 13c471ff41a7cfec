//! What differs between two documents, value by value. Blanks, comments and spelling are no difference.
//!
//! Elements that are the same byte for byte are skipped, so the cost is that of the sections that changed.

use std::collections::HashMap;

use super::document::Document;
use super::index::Section;
use super::piece::Piece;
use super::secrets::Secrets;
use super::types::{ValueChange, VariablePath};
use crate::hostile::{safe_text, slice_at, text_at};

/// Variables that name the item of a list, best first.
const KEYS: [&str; 6] = ["Id", "ID", "Guid", "GUID", "Name", "name"];

/// Longest place, in characters.
const PLACE: usize = 300;

impl Document {
    /// What differs from this document to `newer`, value by value, at most `limit` entries (the count of all is the second value).
    ///
    /// Items of a list are matched by their Id (or Guid, or Name) when each of them has one of its own in both lists, else by place.
    #[must_use]
    pub fn changes_to(&self, newer: &Document, secrets: &Secrets, limit: usize) -> (Vec<ValueChange>, usize) {
        let mut found = Found {
            secrets,
            limit,
            changes: Vec::new(),
            count: 0,
        };
        let (root, newer_root) = (self.root(), newer.root());
        let top = Parent {
            place: "",
            name: "",
            table: None,
            depth: 0,
        };
        found.attributes("config", "", Some(&root), Some(&newer_root));
        found.children(top, &self.pieces(), &newer.pieces());
        (found.changes, found.count)
    }

    fn root(&self) -> Piece<'_> {
        Piece::new(&self.text, text_at(&self.text, self.index.root.tag()))
    }

    fn pieces(&self) -> Vec<Piece<'_>> {
        let piece = |section: &Section| {
            Some(Piece::new(
                self.text.get(section.element.span())?,
                self.text.get(section.element.tag())?,
            ))
        };
        self.index.sections.iter().filter_map(piece).collect()
    }
}

/// The element that pieces stand in.
#[derive(Clone, Copy)]
struct Parent<'p> {
    place: &'p str,
    /// The names of the variables around; decides about secrets.
    name: &'p str,
    /// The top-level table that it is.
    table: Option<&'p str>,
    /// 0 is `<config>`.
    depth: usize,
}

struct Found<'s> {
    secrets: &'s Secrets,
    limit: usize,
    changes: Vec<ValueChange>,
    count: usize,
}

/// How an element is told from its siblings: element, name, how many of these came before.
type Identity = (String, Option<String>, usize);

impl Found<'_> {
    fn change(&mut self, place: &str, name: &str, old: Option<&str>, new: Option<&str>) {
        self.change_shown(place, |secrets, value| secrets.show(name, value), old, new);
    }

    fn change_shown(
        &mut self,
        place: &str,
        show: impl Fn(&Secrets, &str) -> String,
        old: Option<&str>,
        new: Option<&str>,
    ) {
        if old == new {
            return;
        }
        self.count += 1;
        if self.changes.len() < self.limit {
            let show = |value: Option<&str>| value.map(|value| show(self.secrets, value));
            let (old, new) = (show(old), show(new));
            self.changes.push(ValueChange {
                place: safe_text(place, PLACE),
                old,
                new,
            });
        }
    }

    fn attributes(&mut self, place: &str, name: &str, old: Option<&Piece<'_>>, new: Option<&Piece<'_>>) {
        let (old, new) = (
            old.map(Piece::attributes).unwrap_or_default(),
            new.map(Piece::attributes).unwrap_or_default(),
        );
        let value = |all: &[(String, String)], wanted: &str| {
            all.iter()
                .find(|(attribute, _)| attribute == wanted)
                .map(|(_, value)| value.clone())
        };
        let added = new.iter().filter(|(attribute, _)| value(&old, attribute).is_none());
        for (attribute, _) in old.iter().chain(added) {
            let (before, after) = (value(&old, attribute), value(&new, attribute));
            let place = format!("{place}, attribute {attribute}");
            self.change(
                &place,
                &format!("{name}{attribute}"),
                before.as_deref(),
                after.as_deref(),
            );
        }
    }

    /// Pairs the elements of one parent and compares each pair.
    fn children(&mut self, parent: Parent<'_>, old: &[Piece<'_>], new: &[Piece<'_>]) {
        let same = old.iter().zip(new).take_while(|(a, b)| a.raw == b.raw).count();
        let (old, new) = (slice_at(old, same..), slice_at(new, same..));
        let same_end = old
            .iter()
            .rev()
            .zip(new.iter().rev())
            .take_while(|(a, b)| a.raw == b.raw)
            .count();
        let old = slice_at(old, ..old.len() - same_end);
        let new = slice_at(new, ..new.len() - same_end);
        if old.iter().chain(new).all(|piece| piece.element() == "listitem") {
            self.items(parent, same, old, new);
        } else {
            self.named(parent, old, new);
        }
    }

    fn named(&mut self, parent: Parent<'_>, old: &[Piece<'_>], new: &[Piece<'_>]) {
        let (old_ids, new_ids) = (identities(old), identities(new));
        let mut unmet: HashMap<&Identity, &Piece<'_>> = new_ids.iter().zip(new).collect();
        for (piece, identity) in old.iter().zip(&old_ids) {
            let other = unmet.remove(identity);
            self.pair(parent, &label(parent, identity), Some(piece), other);
        }
        for (piece, identity) in new.iter().zip(&new_ids) {
            if unmet.contains_key(identity) {
                self.pair(parent, &label(parent, identity), None, Some(piece));
            }
        }
    }

    fn items(&mut self, parent: Parent<'_>, before: usize, old: &[Piece<'_>], new: &[Piece<'_>]) {
        for key in KEYS {
            let (Some(old_keys), Some(new_keys)) = (unique(key, old), unique(key, new)) else {
                continue;
            };
            if !old.is_empty() || !new.is_empty() {
                return self.keyed_items(parent, key, (old, &old_keys), (new, &new_keys));
            }
        }
        for at in 0..old.len().max(new.len()) {
            self.pair(parent, &format!("item {}", before + at + 1), old.get(at), new.get(at));
        }
    }

    fn keyed_items(
        &mut self,
        parent: Parent<'_>,
        key: &str,
        old: (&[Piece<'_>], &[String]),
        new: (&[Piece<'_>], &[String]),
    ) {
        let mut unmet: HashMap<&str, usize> = new.1.iter().enumerate().map(|(at, key)| (key.as_str(), at)).collect();
        let (mut reached, mut moved) = (0, false);
        let label = |secrets: &Secrets, value: &str| format!("item {key} {}", safe_text(secrets.show(key, value), 40));
        for (piece, value) in old.0.iter().zip(old.1) {
            let at = unmet.remove(value.as_str());
            if let Some(at) = at {
                moved |= at < reached;
                reached = reached.max(at);
            }
            self.pair(
                parent,
                &label(self.secrets, value),
                Some(piece),
                at.and_then(|at| new.0.get(at)),
            );
        }
        for (piece, value) in new.0.iter().zip(new.1) {
            if unmet.contains_key(value.as_str()) {
                self.pair(parent, &label(self.secrets, value), None, Some(piece));
            }
        }
        if moved {
            self.change(
                &format!("{}, order of the items", parent.place),
                "",
                Some("as before"),
                Some("changed"),
            );
        }
    }

    fn pair(&mut self, parent: Parent<'_>, label: &str, old: Option<&Piece<'_>>, new: Option<&Piece<'_>>) {
        if let (Some(old), Some(new)) = (old, new)
            && old.raw == new.raw
        {
            return;
        }
        let Some(any) = old.or(new) else { return };
        let place = match parent {
            Parent { depth: 0, .. } => label.to_owned(),
            // a variable of a top-level table is written as its path
            Parent { depth: 1, place, .. } if any.element() == "variable" => format!("{place}/{label}"),
            Parent { place, .. } => format!("{place}, {label}"),
        };
        let container = matches!(any.element(), "table" | "list" | "listitem");
        let own_name = any.name();
        let path = parent.table.filter(|_| any.element() == "variable").and_then(|table| {
            Some(VariablePath {
                table: table.to_owned(),
                variable: own_name.clone()?,
            })
        });
        let name = match (container, own_name.clone()) {
            (true, _) => parent.name.to_owned(),
            (false, Some(name)) if parent.name.is_empty() => name,
            (false, Some(name)) => format!("{} {name}", parent.name),
            (false, None) => format!("{} {}", parent.name, any.element()),
        };
        self.attributes(&place, &name, old, new);
        let old_children = old.map(Piece::children).unwrap_or_default();
        let new_children = new.map(Piece::children).unwrap_or_default();
        if !container {
            let (old, new) = (old.map(Piece::value), new.map(Piece::value));
            let show = |secrets: &Secrets, value: &str| match &path {
                Some(path) => secrets.show_at(path, value),
                None => secrets.show(&name, value),
            };
            self.change_shown(&place, show, old.as_deref(), new.as_deref());
        } else if old_children.is_empty() && new_children.is_empty() {
            self.change(&place, &name, old.map(|_| ""), new.map(|_| ""));
        }
        self.children(
            Parent {
                place: &place,
                name: &name,
                table: own_name
                    .as_deref()
                    .filter(|_| parent.depth == 0 && any.element() == "table"),
                depth: parent.depth + 1,
            },
            &old_children,
            &new_children,
        );
    }
}

fn identities(pieces: &[Piece<'_>]) -> Vec<Identity> {
    let mut seen: HashMap<(String, Option<String>), usize> = HashMap::new();
    let mut identity = |piece: &Piece<'_>| {
        let (element, name) = (piece.element().to_owned(), piece.name());
        let nth = seen.entry((element.clone(), name.clone())).or_default();
        *nth += 1;
        (element, name, *nth)
    };
    pieces.iter().map(&mut identity).collect()
}

fn label(parent: Parent<'_>, (element, name, nth): &Identity) -> String {
    let name = match (element.as_str(), name) {
        ("variable", Some(name)) => name.clone(),
        ("table", Some(name)) if parent.depth == 0 => name.clone(),
        (element, Some(name)) => format!("{element} {name}"),
        (element, None) => element.to_owned(),
    };
    if *nth == 1 {
        name
    } else {
        format!("{name} (number {nth})")
    }
}

/// The value of this variable in each item, if each item has one and no two are equal.
fn unique(key: &str, items: &[Piece<'_>]) -> Option<Vec<String>> {
    let keys: Vec<String> = items.iter().map(|item| item.child_value(key)).collect::<Option<_>>()?;
    let mut sorted: Vec<&String> = keys.iter().collect();
    sorted.sort_unstable();
    let repeated = sorted.windows(2).any(|pair| pair.first() == pair.last());
    (!repeated).then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(old: &str, new: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let parse = |inside: &str| Document::parse(format!("<config>{inside}</config>").into()).unwrap();
        let (changes, count) = parse(old).changes_to(&parse(new), &Secrets::default(), 100);
        assert_eq!(changes.len(), count);
        changes
            .into_iter()
            .map(|change| (change.place, change.old, change.new))
            .collect()
    }

    fn item(id: &str, rest: &str) -> String {
        format!("<listitem><variable name='Id'>{id}</variable>{rest}</listitem>")
    }

    fn one(place: &str, old: Option<&str>, new: Option<&str>) -> (String, Option<String>, Option<String>) {
        (place.into(), old.map(Into::into), new.map(Into::into))
    }

    #[test]
    fn spelling_blanks_and_comments_are_no_change() {
        let old = "<table name='T'><variable name='A'>&#65;</variable><variable name='B'/></table>";
        let new =
            "\n<table name=\"T\"><!-- x --> <variable  name='A'>A</variable><variable name='B'></variable>\r\n</table>";
        assert_eq!(changes(old, new), []);
    }

    #[test]
    fn variables_of_tables_are_named_by_their_path() {
        let old =
            "<table name='T'><variable name='A'>1</variable><variable name='B'>2</variable></table><table name='U'/>";
        let new = "<table name='T'><variable name='B'>3</variable><variable name='C'/></table><table name='V'><variable name='X'>y</variable></table>";
        assert_eq!(
            changes(old, new),
            [
                one("T/A", Some("1"), None),
                one("T/B", Some("2"), Some("3")),
                one("T/C", None, Some("")),
                one("U", Some(""), None),
                one("V/X", None, Some("y")),
            ]
        );
    }

    #[test]
    fn items_are_matched_by_their_own_id() {
        let v = |value: &str| format!("<variable name='E'>{value}</variable>");
        let old = format!(
            "<list name='L' identityCounter='2'>{}{}</list>",
            item("1", &v("a")),
            item("2", &v("b"))
        );
        let new = format!(
            "<list name='L' identityCounter='3'>{}{}</list>",
            item("3", &v("c")),
            item("2", &v("x"))
        );
        assert_eq!(
            changes(&old, &new),
            [
                one("list L, attribute identityCounter", Some("2"), Some("3")),
                one("list L, item Id 1, Id", Some("1"), None),
                one("list L, item Id 1, E", Some("a"), None),
                one("list L, item Id 2, E", Some("b"), Some("x")),
                one("list L, item Id 3, Id", None, Some("3")),
                one("list L, item Id 3, E", None, Some("c")),
            ]
        );
    }

    #[test]
    fn items_without_a_key_are_matched_by_place_and_an_inserted_one_is_one_change() {
        let item = |value: &str| format!("<listitem><variable name='E'>{value}</variable></listitem>");
        let old = format!("<list name='L'>{}{}{}</list>", item("a"), item("a"), item("b"));
        let new = format!(
            "<list name='L'>{}{}{}{}</list>",
            item("a"),
            item("new"),
            item("a"),
            item("b")
        );
        assert_eq!(changes(&old, &new), [one("list L, item 2, E", None, Some("new"))]);
        let new = format!("<list name='L'>{}{}{}</list>", item("a"), item("a"), item("c"));
        assert_eq!(changes(&old, &new), [one("list L, item 3, E", Some("b"), Some("c"))]);
    }

    #[test]
    fn a_new_order_of_items_is_a_change() {
        let old = format!("<list name='L'>{}{}</list>", item("1", ""), item("2", ""));
        let new = format!("<list name='L'>{}{}</list>", item("2", ""), item("1", ""));
        assert_eq!(
            changes(&old, &new),
            [one("list L, order of the items", Some("as before"), Some("changed"))]
        );
    }

    #[test]
    fn secrets_are_masked_on_both_sides_and_still_counted() {
        let old = "<table name='T'><variable name='MyPassword'>tok1</variable><variable name='X'>D3S:tok2</variable><variable name='SecretTree'><a name='b'>tok3</a></variable></table>";
        let new = old.replace("tok", "kot");
        let found = changes(old, &new);
        assert!(found.len() >= 3, "{found:?}");
        for (_, old, new) in found {
            assert_eq!((old.as_deref(), new.as_deref()), (Some("(hidden)"), Some("(hidden)")));
        }
    }

    #[test]
    fn the_limit_bounds_the_entries_and_not_the_count() {
        let table = |value: &str| {
            let variables: String = (0..50)
                .map(|n| format!("<variable name='V{n}'>{value}</variable>"))
                .collect();
            Document::parse(format!("<config><table name='T'>{variables}</table></config>").into()).unwrap()
        };
        let (changes, count) = table("1").changes_to(&table("2"), &Secrets::default(), 3);
        assert_eq!((changes.len(), count), (3, 50));
    }
}
