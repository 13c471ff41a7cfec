//! What the pairs of the file say: the table "found in the file, reads as" of the room's documentation.

use std::collections::BTreeSet;

use super::words::{Meaning, WordList, meaning, shown};
use super::{Catalogue, CatalogueVariable, Direction, Minimum, Pair, Reading, Role, TlsVersion};

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

/// A variable of the file that plays a role.
pub(super) struct Found<'a> {
    pub(super) row: &'a CatalogueVariable,
    pub(super) pair: &'a Pair,
}

impl Catalogue {
    /// Reads the minimum that these pairs make, as if the file had no other direction.
    ///
    /// Where both tables are at hand, [`Catalogue::read_both`] sees more: that a list lacks the newest
    /// word, which the other direction's list has.
    #[must_use]
    pub fn read(&self, direction: Direction, pairs: &[Pair]) -> Reading {
        let mut facts = FileFacts::default();
        self.gather(direction, pairs, &mut facts);
        self.read_with(direction, pairs, &facts)
    }

    /// Reads both directions of one file, in the order of [`Direction::ALL`]: inbound (`Security`), then
    /// outbound (`SmtpSecurity`).
    #[must_use]
    pub fn read_both(&self, inbound: &[Pair], outbound: &[Pair]) -> [Reading; 2] {
        let facts = self.facts(inbound, outbound);
        [
            self.read_with(Direction::Inbound, inbound, &facts),
            self.read_with(Direction::Outbound, outbound, &facts),
        ]
    }

    /// Whether a list or minimum of the file says `TLSv1.3`, so that the word may be written again.
    pub(super) fn file_names_tls13(&self, [inbound, outbound]: [&[Pair]; 2]) -> bool {
        self.facts(inbound, outbound).names_tls13
    }

    pub(super) fn facts(&self, inbound: &[Pair], outbound: &[Pair]) -> FileFacts {
        let mut facts = FileFacts::default();
        self.gather(Direction::Inbound, inbound, &mut facts);
        self.gather(Direction::Outbound, outbound, &mut facts);
        facts
    }

    fn gather(&self, direction: Direction, pairs: &[Pair], facts: &mut FileFacts) {
        for found in self.found(direction, pairs) {
            if !found.row.role.makes_minimum() {
                continue;
            }
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
    }

    /// The variables of the file that the catalogue names, in file order.
    pub(super) fn found<'a>(&'a self, direction: Direction, pairs: &'a [Pair]) -> impl Iterator<Item = Found<'a>> {
        pairs
            .iter()
            .filter_map(move |pair| self.find(direction, &pair.name).map(|row| Found { row, pair }))
    }

    pub(super) fn read_with(&self, direction: Direction, pairs: &[Pair], facts: &FileFacts) -> Reading {
        let mut said: Vec<Said> = Vec::new();
        let mut protocols: Vec<Option<Vec<TlsVersion>>> = Vec::new();
        for found in self.found(direction, pairs) {
            if found.pair.value.trim().is_empty() {
                continue;
            }
            let minimum = match found.row.role {
                Role::ProtocolList => {
                    let list = WordList::parse(&found.pair.value);
                    protocols.push(readable(&list));
                    list_minimum(&found.pair.name, &list, facts.newest_listed)
                }
                Role::MinimumVersion => word_minimum(found.pair),
                _ => continue,
            };
            said.push(Said {
                name: &found.pair.name,
                minimum,
            });
        }
        let mut minimum = joined(&said);
        if let Some((name, count)) = self.duplicate(direction, pairs, Role::makes_minimum) {
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
        Reading {
            minimum,
            protocols,
            lookalikes: self.lookalikes(direction, pairs),
        }
    }

    /// The first name with such a role that stands more than once, without regard to case, and how often.
    pub(super) fn duplicate(
        &self,
        direction: Direction,
        pairs: &[Pair],
        role: impl Fn(Role) -> bool,
    ) -> Option<(String, usize)> {
        self.found(direction, pairs).filter(|f| role(f.row.role)).find_map(|f| {
            let count = pairs
                .iter()
                .filter(|p| p.name.eq_ignore_ascii_case(&f.pair.name))
                .count();
            (count > 1).then(|| (f.pair.name.clone(), count))
        })
    }
}

struct Said<'a> {
    name: &'a str,
    minimum: Minimum,
}

/// The versions of a list that holds nothing else, oldest first.
fn readable(list: &WordList) -> Option<Vec<TlsVersion>> {
    let versions: Vec<TlsVersion> = list.versions().into_iter().collect();
    let clean = list.words().all(|(_, m)| matches!(m, Meaning::Version(_)));
    (clean && !versions.is_empty()).then_some(versions)
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

/// What several variables of one direction say together.
fn joined(said: &[Said]) -> Minimum {
    let Some(first) = said.first() else {
        return Minimum::Default;
    };
    if let Some(custom) = said.iter().find(|s| matches!(s.minimum, Minimum::Custom(_))) {
        return custom.minimum.clone();
    }
    match said.iter().find(|s| s.minimum != first.minimum) {
        None => first.minimum.clone(),
        Some(other) => Minimum::Custom(format!(
            "{} says {} and {} says {}; which one wins is not known",
            shown(first.name),
            first.minimum,
            shown(other.name),
            other.minimum
        )),
    }
}

/// The versions from one to another, both among them.
pub(super) fn at_least(from: TlsVersion, to: TlsVersion) -> BTreeSet<TlsVersion> {
    TlsVersion::ALL
        .into_iter()
        .filter(|v| (from..=to).contains(v))
        .collect()
}
