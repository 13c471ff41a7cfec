//! What the variables of both tables say: the table "found in the file, reads as" of the room's documentation.

use std::collections::HashSet;

use super::catalogue::Catalogue;
use super::lookalike::lookalike_role;
use super::minimum::{Minimum, Reading};
use super::role::{CatalogueVariable, Pair, Role};
use super::version::{Direction, TlsVersion};
use super::words::{Meaning, WordList, meaning, shown};

/// The variables of both tables of one file, beside the catalogue that knows what they are for.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    pub(super) catalogue: &'a Catalogue,
    pairs: [&'a [Pair]; 2],
}

/// Stands in the place of a value that must not be shown. Nothing is said of such a value but that it is hidden.
pub const HIDDEN: &str = "(hidden)";

/// A variable of the file that plays a role.
pub(super) struct Found<'a> {
    pub(super) row: &'a CatalogueVariable,
    pub(super) pair: &'a Pair,
}

/// What the whole file says that one direction alone does not: both tables speak to one engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FileFacts {
    /// The newest version that any list of the file names.
    pub(super) newest_listed: Option<TlsVersion>,
    /// Whether any list or minimum of the file says `TLSv1.3`: then the word has been written for this engine before.
    pub(super) names_tls13: bool,
    /// What parts words in the first list that has two.
    pub(super) separator: Option<String>,
}

impl<'a> Settings<'a> {
    /// The pairs of `Security` and of `SmtpSecurity`, in the order of [`Direction::ALL`].
    #[must_use]
    pub const fn new(catalogue: &'a Catalogue, pairs: [&'a [Pair]; 2]) -> Self {
        Self { catalogue, pairs }
    }

    /// The pairs of a direction's table.
    #[must_use]
    pub fn pairs(self, direction: Direction) -> &'a [Pair] {
        direction.of(self.pairs)
    }

    /// What a direction's variables say.
    #[must_use]
    pub fn read(self, direction: Direction) -> Reading {
        let (minimum, protocols) = self.minimum(direction);
        Reading {
            minimum,
            protocols,
            lookalikes: self.lookalikes(direction),
        }
    }

    /// The minimum that a direction's variables make, beside those of the other direction (a list that lacks the newest
    /// word, which the other list has, is no minimum), and the protocols of its list.
    #[must_use]
    pub fn minimum(self, direction: Direction) -> (Minimum, Option<Vec<TlsVersion>>) {
        let newest_listed = self.facts().newest_listed;
        let mut stated: Vec<(&str, Minimum)> = Vec::new();
        let mut protocols: Vec<Option<Vec<TlsVersion>>> = Vec::new();
        for Found { row, pair } in self.found(direction) {
            if pair.value.trim().is_empty() {
                continue;
            }
            let minimum = match row.role {
                Role::ProtocolList => {
                    let list = WordList::parse(&pair.value);
                    protocols.push(readable(&list));
                    list_minimum(&pair.name, &list, newest_listed)
                }
                Role::MinimumVersion => match row.version_of(&pair.value) {
                    Some(version) => Minimum::At(version),
                    None => word_minimum(pair),
                },
                _ => continue,
            };
            stated.push((&pair.name, minimum));
        }
        let mut minimum = joined(&stated);
        if let Some((name, count)) = self.duplicate(direction, Role::makes_minimum) {
            let (table, name) = (direction.table(), shown(&name));
            minimum = Minimum::Custom(format!(
                "{table} has {name} {count} times; which one counts is not known"
            ));
        }
        protocols.dedup();
        let protocols = if let [one] = protocols.as_mut_slice() {
            one.take()
        } else {
            None
        };
        (minimum, protocols)
    }

    /// What both tables together say.
    pub(super) fn facts(self) -> FileFacts {
        let mut facts = FileFacts::default();
        let of_minimum = |found: &Found<'_>| found.row.role.makes_minimum();
        for found in Direction::ALL
            .into_iter()
            .flat_map(|d| self.found(d))
            .filter(of_minimum)
        {
            let list = WordList::parse(&found.pair.value);
            let newest = list.versions().last().copied();
            facts.names_tls13 |= newest == Some(TlsVersion::Tls13);
            if found.row.role == Role::ProtocolList {
                facts.newest_listed = facts.newest_listed.max(newest);
                if facts.separator.is_none() {
                    facts.separator = list.separator().map(str::to_owned);
                }
            }
        }
        facts
    }

    /// The variables of a direction that the catalogue names, in file order.
    pub(super) fn found(self, direction: Direction) -> impl Iterator<Item = Found<'a>> {
        let catalogue = self.catalogue;
        self.pairs(direction)
            .iter()
            .filter_map(move |pair| catalogue.find(direction, &pair.name).map(|row| Found { row, pair }))
    }

    /// The first name with such a role that stands more than once, without regard to case, and how often.
    pub(super) fn duplicate(self, direction: Direction, role: impl Fn(Role) -> bool) -> Option<(String, usize)> {
        // A table has few different names with a role, and the first that stands twice ends the search.
        self.found(direction)
            .filter(|found| role(found.row.role))
            .find_map(|found| {
                let same = |pair: &&Pair| pair.name.eq_ignore_ascii_case(&found.pair.name);
                let count = self.pairs(direction).iter().filter(same).count();
                (count > 1).then(|| (found.pair.name.clone(), count))
            })
    }

    /// Names without a role that look like a protocol list. They are shown, and used only after the user has said so
    /// once: adopting by shape could turn a setting into its opposite.
    fn lookalikes(self, direction: Direction) -> Vec<String> {
        let mut met = HashSet::new();
        self.pairs(direction)
            .iter()
            .filter(|pair| self.catalogue.find(direction, &pair.name).is_none())
            .filter(|pair| lookalike_role(&pair.name, &pair.value).is_some())
            .filter(|pair| met.insert(pair.name.as_str()))
            .map(|pair| pair.name.clone())
            .collect()
    }
}

/// The versions of a list that holds nothing else, oldest first.
fn readable(list: &WordList) -> Option<Vec<TlsVersion>> {
    let versions: Vec<TlsVersion> = list.versions().into_iter().collect();
    (list.is_clean() && !versions.is_empty()).then_some(versions)
}

fn list_minimum(name: &str, list: &WordList, newest_listed: Option<TlsVersion>) -> Minimum {
    let name = shown(name);
    let versions = list.versions();
    if list.words().next().is_none() {
        return Minimum::Custom(format!("{name} is not empty, yet names no protocol"));
    }
    for (word, m) in list.words() {
        let word = shown(word);
        match m {
            Meaning::Version(TlsVersion::Ssl3) | Meaning::Ssl2 => {
                return Minimum::Custom(format!("{name} names {word}, which is older than TLS"));
            }
            Meaning::Signed => return Minimum::Custom(format!("{name} has {word}: a sign may mean the opposite")),
            Meaning::Unknown => {
                return Minimum::Custom(format!("{name} has {word}, which is no protocol that we know"));
            }
            Meaning::Version(_) => {}
        }
    }
    let (Some(oldest), Some(newest)) = (versions.first().copied(), versions.last().copied()) else {
        return Minimum::Custom(format!("{name} names no version of TLS"));
    };
    if newest < TlsVersion::Tls12 {
        return Minimum::Custom(format!("{name} ends at {newest}: neither TLS 1.2 nor TLS 1.3 is in it"));
    }
    let newest_listed = newest_listed.unwrap_or(newest).max(newest);
    let run = TlsVersion::ALL
        .into_iter()
        .filter(|v| (oldest..=newest_listed).contains(v));
    let missing: Vec<TlsVersion> = run.filter(|v| !versions.contains(v)).collect();
    match missing.as_slice() {
        [] => Minimum::At(oldest),
        [first, ..] if *first > newest => Minimum::Custom(format!(
            "{name} ends at {newest}, while another list of the file goes up to {newest_listed}"
        )),
        [first, ..] => Minimum::Custom(format!("{name} has a gap: {oldest} and {newest}, without {first}")),
    }
}

fn word_minimum(pair: &Pair) -> Minimum {
    let name = shown(&pair.name);
    let word = pair.value.trim();
    match meaning(word) {
        Meaning::Version(version) if version >= TlsVersion::Tls10 => Minimum::At(version),
        Meaning::Version(_) | Meaning::Ssl2 => {
            Minimum::Custom(format!("{name} is {}, which is older than TLS", shown(word)))
        }
        Meaning::Signed | Meaning::Unknown => {
            Minimum::Custom(format!("{name} is {}, which is no version that we know", shown(word)))
        }
    }
}

/// What several variables of one direction, each with its name, say together.
fn joined(stated: &[(&str, Minimum)]) -> Minimum {
    let Some((first_name, first)) = stated.first() else {
        return Minimum::Default;
    };
    if let Some((_, custom)) = stated.iter().find(|(_, minimum)| matches!(minimum, Minimum::Custom(_))) {
        return custom.clone();
    }
    match stated.iter().find(|(_, minimum)| minimum != first) {
        None => first.clone(),
        Some((name, other)) => Minimum::Custom(format!(
            "{} says {first} and {} says {other}; which one wins is not known",
            shown(first_name),
            shown(name)
        )),
    }
}
