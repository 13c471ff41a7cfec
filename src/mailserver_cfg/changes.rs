//! What differs between two documents, value by value. Blanks, comments and spelling are no difference.
//!
//! Elements that are the same byte for byte are skipped, so the cost is that of the sections that changed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use crate::hostile::{names_secret, safe_text, slice_at, text_at};

use super::document::Document;
use super::index::Section;
use super::markup::Tag;
use super::place::NAME;
use super::scan::{Sink, scan};
use super::secrets::{Secrets, shown};
use super::text::{decode, decode_attribute};

/// Variables that name the item of a list, best first.
const KEYS: [&str; 6] = ["Id", "ID", "Guid", "GUID", "Name", "name"];

/// Longest place, in characters.
const PLACE: usize = 300;

/// What differs between two documents, value by value (secrets masked).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueChange {
    /// Where, in words: `Security/ServerTlsProtocols`, or `list Users, item 3, Enabled`.
    pub place: String,
    /// Before (masked), `None` = was not there.
    pub old: Option<String>,
    /// After (masked), `None` = is not there.
    pub new: Option<String>,
}

/// What differs from `old` to `new`, at most `limit` entries, and the count of all.
///
/// Items of a list are matched by their Id (or Guid, or Name) when each of them has one of its own in both lists, else
/// by place.
pub(super) fn changes(old: &Document, new: &Document, secrets: &Secrets, limit: usize) -> (Vec<ValueChange>, usize) {
    let mut comparison = Comparison {
        secrets,
        limit,
        changes: Vec::new(),
        count: 0,
    };
    let top = Parent {
        place: "",
        secret: false,
        table: None,
        depth: 0,
    };
    comparison.attributes("config", false, Some(&root(old)), Some(&root(new)));
    comparison.children(top, &sections(old), &sections(new));
    (comparison.changes, comparison.count)
}

fn root(document: &Document) -> Piece<'_> {
    let tag = text_at(&document.text, document.index.root.tag());
    Piece { raw: tag, tag }
}

fn sections(document: &Document) -> Vec<Piece<'_>> {
    let piece = |section: &Section| Piece {
        raw: text_at(&document.text, section.element.span()),
        tag: text_at(&document.text, section.element.tag()),
    };
    document.index.sections.iter().map(piece).collect()
}

/// An element of a document that was parsed before, as a piece of its text.
#[derive(Clone, Copy)]
struct Piece<'a> {
    /// From `<` to after the last `>`.
    raw: &'a str,
    /// The start tag.
    tag: &'a str,
}

impl<'a> Piece<'a> {
    fn element(&self) -> &'a str {
        Tag::new(self.tag).element
    }

    fn name(&self) -> Option<Cow<'a, str>> {
        Tag::new(self.tag).name()
    }

    /// Attributes other than `name`, decoded.
    fn attributes(&self) -> Vec<(&'a str, Cow<'a, str>)> {
        let all = Tag::new(self.tag)
            .attributes()
            .map_while(Result::ok)
            .filter(|attribute| attribute.name != "name");
        all.map(|attribute| (attribute.name, decode_attribute(attribute.raw)))
            .collect()
    }

    /// The child elements, in order.
    fn children(&self) -> Vec<Piece<'a>> {
        // most elements are variables with nothing but text
        if memchr::memchr_iter(b'<', self.raw.as_bytes()).nth(2).is_none() {
            return Vec::new();
        }
        let mut children = Children {
            found: Vec::new(),
            open: 0..0,
        };
        // a part of a document that was parsed before, so it cannot fail
        let _ = scan(self.raw, self.element(), &mut children);
        let piece = |(tag, end): (Range<usize>, usize)| Piece {
            raw: text_at(self.raw, tag.start..end),
            tag: text_at(self.raw, tag),
        };
        children.found.into_iter().map(piece).collect()
    }

    /// All text inside.
    fn value(&self) -> String {
        let inner = self.raw.strip_prefix(self.tag).unwrap_or_default();
        inner
            .rsplit_once("</")
            .map(|(inner, _)| decode(inner).text)
            .unwrap_or_default()
    }
}

/// The child elements of the root: start tag and end.
struct Children {
    found: Vec<(Range<usize>, usize)>,
    open: Range<usize>,
}

impl Sink for Children {
    fn open(&mut self, depth: usize, _: &Tag<'_>, at: Range<usize>) {
        if depth == 2 {
            self.open = at;
        }
    }

    fn close(&mut self, depth: usize, at: Range<usize>) {
        if depth == 2 {
            self.found.push((self.open.clone(), at.end));
        }
    }
}

/// The element that pieces stand in.
#[derive(Clone, Copy)]
struct Parent<'p> {
    /// Bounded in length, or every variable of a table with a long name would carry it.
    place: &'p str,
    /// A variable around it is named like a secret.
    secret: bool,
    /// The top-level table that it is.
    table: Option<&'p str>,
    /// 0 is `<config>`.
    depth: usize,
}

struct Comparison<'s> {
    secrets: &'s Secrets,
    limit: usize,
    changes: Vec<ValueChange>,
    count: usize,
}

/// How an element is told from its siblings: element, name, how many of these came before.
type Identity<'a> = (&'a str, Option<Cow<'a, str>>, usize);

impl Comparison<'_> {
    fn change(&mut self, place: &str, is_secret: impl Fn(&str) -> bool, old: Option<&str>, new: Option<&str>) {
        if old == new {
            return;
        }
        self.count += 1;
        if self.changes.len() < self.limit {
            let show = |value: Option<&str>| value.map(|value| shown(is_secret(value), value));
            self.changes.push(ValueChange {
                place: safe_text(place, PLACE),
                old: show(old),
                new: show(new),
            });
        }
    }

    fn attributes(&mut self, place: &str, secret: bool, old: Option<&Piece<'_>>, new: Option<&Piece<'_>>) {
        let (old, new) = (
            old.map(Piece::attributes).unwrap_or_default(),
            new.map(Piece::attributes).unwrap_or_default(),
        );
        fn value<'a>(all: &'a [(&str, Cow<'_, str>)], wanted: &str) -> Option<&'a str> {
            all.iter()
                .find(|(attribute, _)| *attribute == wanted)
                .map(|(_, value)| &**value)
        }
        let added = new.iter().filter(|(attribute, _)| value(&old, attribute).is_none());
        for (attribute, _) in old.iter().chain(added) {
            let place = format!("{place}, attribute {}", safe_text(attribute, NAME));
            let (before, after) = (value(&old, attribute), value(&new, attribute));
            let is_secret = |value: &str| secret || self.secrets.is_secret(attribute, value);
            self.change(&place, is_secret, before, after);
        }
    }

    /// Pairs the elements of one parent and compares each pair.
    fn children(&mut self, parent: Parent<'_>, old: &[Piece<'_>], new: &[Piece<'_>]) {
        let same = old.iter().zip(new).take_while(|(a, b)| a.raw == b.raw).count();
        let (old, new) = (slice_at(old, same..), slice_at(new, same..));
        let backwards = old.iter().rev().zip(new.iter().rev());
        let same_end = backwards.take_while(|(a, b)| a.raw == b.raw).count();
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
        let mut unmet: HashMap<&Identity<'_>, &Piece<'_>> = new_ids.iter().zip(new).collect();
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
        if let Some((key, old_keys, new_keys)) = keys(old, new) {
            return self.keyed_items(parent, key, (old, &old_keys), (new, &new_keys));
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
            let other = at.and_then(|at| new.0.get(at));
            self.pair(parent, &label(self.secrets, value), Some(piece), other);
        }
        for (piece, value) in new.0.iter().zip(new.1) {
            if unmet.contains_key(value.as_str()) {
                self.pair(parent, &label(self.secrets, value), None, Some(piece));
            }
        }
        if moved {
            let place = format!("{}, order of the items", parent.place);
            self.change(&place, |_| false, Some("as before"), Some("changed"));
        }
    }

    fn pair(&mut self, parent: Parent<'_>, label: &str, old: Option<&Piece<'_>>, new: Option<&Piece<'_>>) {
        if let (Some(old), Some(new)) = (old, new)
            && old.raw == new.raw
        {
            return;
        }
        let Some(any) = old.or(new) else { return };
        let is_variable = any.element() == "variable";
        let place = match parent {
            Parent { depth: 0, .. } => label.to_owned(),
            // a variable of a top-level table is written as its path
            Parent { depth: 1, place, .. } if is_variable => format!("{place}/{label}"),
            Parent { place, .. } => format!("{place}, {label}"),
        };
        let place = safe_text(place, PLACE);
        let container = matches!(any.element(), "table" | "list" | "listitem");
        let own_name = any.name();
        // a container may be named like a secret; its variables are judged by their own names
        let own = own_name.as_deref().unwrap_or(any.element());
        let secret = parent.secret || (!container && names_secret(own));
        self.attributes(&place, secret, old, new);
        let old_children = old.map(Piece::children).unwrap_or_default();
        let new_children = new.map(Piece::children).unwrap_or_default();
        if !container {
            let (old, new) = (old.map(Piece::value), new.map(Piece::value));
            let secrets = self.secrets;
            let is_secret = |value: &str| match (parent.table.filter(|_| is_variable), &own_name) {
                (Some(table), Some(name)) => secrets.is_secret_in(table, name, value),
                _ => secret || secrets.is_secret("", value),
            };
            self.change(&place, is_secret, old.as_deref(), new.as_deref());
        } else if old_children.is_empty() && new_children.is_empty() {
            self.change(&place, |_| false, old.map(|_| ""), new.map(|_| ""));
        }
        let inside = Parent {
            place: &place,
            secret,
            table: own_name
                .as_deref()
                .filter(|_| parent.depth == 0 && any.element() == "table"),
            depth: parent.depth + 1,
        };
        self.children(inside, &old_children, &new_children);
    }
}

fn identities<'a>(pieces: &[Piece<'a>]) -> Vec<Identity<'a>> {
    let mut seen: HashMap<(&str, Option<Cow<'_, str>>), usize> = HashMap::new();
    let mut identity = |piece: &Piece<'a>| {
        let (element, name) = (piece.element(), piece.name());
        let nth = seen.entry((element, name.clone())).or_default();
        *nth += 1;
        (element, name, *nth)
    };
    pieces.iter().map(&mut identity).collect()
}

fn label(parent: Parent<'_>, (element, name, nth): &Identity<'_>) -> String {
    let element = safe_text(element, NAME);
    let name = name.as_ref().map(|name| safe_text(&**name, NAME));
    let name = match (element.as_str(), name) {
        ("variable", Some(name)) => name,
        ("table", Some(name)) if parent.depth == 0 => name,
        (element, Some(name)) => format!("{element} {name}"),
        (_, None) => element,
    };
    if *nth == 1 {
        name
    } else {
        format!("{name} (number {nth})")
    }
}

/// The first of [`KEYS`] that each item has and no two share, with the items' values of it.
fn keys(old: &[Piece<'_>], new: &[Piece<'_>]) -> Option<(&'static str, Vec<String>, Vec<String>)> {
    let (old, new) = (named_values(old), named_values(new));
    KEYS.iter().enumerate().find_map(|(number, key)| {
        let values = |items: &[[Option<String>; KEYS.len()]]| {
            let values = items.iter().map(|item| item.get(number)?.clone());
            let values: Vec<String> = values.collect::<Option<_>>()?;
            let mut sorted: Vec<&String> = values.iter().collect();
            sorted.sort_unstable();
            let repeated = sorted.windows(2).any(|pair| pair.first() == pair.last());
            (!repeated).then_some(values)
        };
        Some((*key, values(&old)?, values(&new)?))
    })
}

/// Of each item, the value of the first variable with each of [`KEYS`]' names directly inside.
fn named_values(items: &[Piece<'_>]) -> Vec<[Option<String>; KEYS.len()]> {
    let values = |item: &Piece<'_>| {
        let mut values = [const { None }; KEYS.len()];
        for child in item.children() {
            let name = child.name().filter(|_| child.element() == "variable");
            let number = name.and_then(|name| KEYS.iter().position(|key| *key == name));
            if let Some(value) = number.and_then(|number| values.get_mut(number)) {
                value.get_or_insert_with(|| child.value());
            }
        }
        values
    };
    items.iter().map(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(old: &str, new: &str) -> Vec<(String, Option<String>, Option<String>)> {
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
        assert_eq!(compared(old, new), []);
    }

    #[test]
    fn variables_of_tables_are_named_by_their_path() {
        let old =
            "<table name='T'><variable name='A'>1</variable><variable name='B'>2</variable></table><table name='U'/>";
        let new = "<table name='T'><variable name='B'>3</variable><variable name='C'/></table><table \
            name='V'><variable name='X'>y</variable></table>";
        assert_eq!(
            compared(old, new),
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
            compared(&old, &new),
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
        assert_eq!(compared(&old, &new), [one("list L, item 2, E", None, Some("new"))]);
        let new = format!("<list name='L'>{}{}{}</list>", item("a"), item("a"), item("c"));
        assert_eq!(compared(&old, &new), [one("list L, item 3, E", Some("b"), Some("c"))]);
    }

    #[test]
    fn a_new_order_of_items_is_a_change() {
        let old = format!("<list name='L'>{}{}</list>", item("1", ""), item("2", ""));
        let new = format!("<list name='L'>{}{}</list>", item("2", ""), item("1", ""));
        assert_eq!(
            compared(&old, &new),
            [one("list L, order of the items", Some("as before"), Some("changed"))]
        );
    }

    #[test]
    fn secrets_are_masked_on_both_sides_and_still_counted() {
        let old = "<table name='T'><variable name='MyPassword'>tok1</variable><variable \
            name='X'>D3S:tok2</variable><variable name='SecretTree'><a name='b'>tok3</a></variable></table>";
        let new = old.replace("tok", "kot");
        let found = compared(old, &new);
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
