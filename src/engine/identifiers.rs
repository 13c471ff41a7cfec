//! Identifiers in the bytes of a program: those that hold a word, whole (between bytes that cannot belong to one) or as
//! a compiler cuts them. A program's texts are searched for a few letters sixteen bytes at a time; only where they
//! stand is anything read as a name. Bounded in time and memory, whatever the bytes are.

use std::collections::HashMap;

use wide::u16x8;

use super::letters::{BLOCK, Letters, Word, lanes, may_be_wide};

/// Letters of a name at most: what is longer is no name of a variable.
const LONGEST: usize = 48;
/// Letters of a run that are told apart from an endless one.
const RUN: usize = 100;
/// Bytes before and behind a place that are looked at: a run of two-byte letters, with its bounds.
pub(super) const MARGIN: usize = 2 * RUN + 56;
/// Pairs of letters that the usual words have.
const PAIRS: usize = 18;
/// Other names kept while reading, and after a round of forgetting.
const KEPT: usize = 4096;
/// Places of known names that are kept of one file: real ones are some dozens.
const MARKS: usize = 64;

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// A program without this name tells nothing: it is packed, or another one.
    pub anchor: &'a str,
    /// Names that are asked for.
    pub names: &'a [&'a str],
    /// Lower-case words: identifiers that hold one in any case are collected.
    pub words: &'a [&'a str],
}

/// Whether a name is in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// It is not.
    Absent,
    /// Its first 16 bytes stand at a 16-byte border: compilers cut a literal so, and keep the rest in instructions
    /// (measured, g++ 12 from -O2 on).
    Cut,
    /// As a whole.
    Whole,
}

/// Another identifier that holds a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherName {
    /// Its letters.
    pub name: String,
    /// It may go on: these are the 16 letters that a compiler cut off.
    pub cut: bool,
    /// The file that it stands in.
    pub file: String,
    /// How far it is from a name that was asked for, or the anchor, in bytes.
    pub distance: u64,
}

/// What was found so far, over all files of a program.
pub(super) struct Search<'a> {
    wanted: Wanted<'a>,
    words: Vec<Word>,
    /// As many as the usual words have, so that the loop over them is unrolled; and those of unusual names.
    pairs: [u16x8; PAIRS],
    more_pairs: Vec<u16x8>,
    presence: Vec<Presence>,
    has_anchor: bool,
    openssl: Option<(bool, String)>,
    /// Of the present file: where the anchor and the names asked for stand, and the other names.
    landmarks: Vec<u64>,
    others: HashMap<(Vec<u8>, bool), u64>,
    found: Vec<OtherName>,
}

impl<'a> Search<'a> {
    pub(super) fn new(wanted: Wanted<'a>) -> Self {
        let mut words: Vec<String> = wanted.words.iter().map(|word| word.to_ascii_lowercase()).collect();
        for name in wanted.names.iter().chain([&wanted.anchor, &"OpenSSL"]) {
            // A name is found by a word in the part that compilers leave together; one without a word by itself.
            let head = name.get(..name.len().min(16)).unwrap_or(name).to_ascii_lowercase();
            if !words.iter().any(|word| head.contains(word.as_str())) {
                words.push(head);
            }
        }
        let mut pairs: Vec<[u8; 2]> = Vec::new();
        let words: Vec<Word> = words
            .iter()
            .filter_map(|word| {
                let word = Word::new(word, &pairs)?;
                let of_word = word
                    .pairs
                    .map(|at| word.letters.get(at..).and_then(|rest| rest.first_chunk().copied()));
                pairs.extend(of_word.into_iter().flatten());
                Some(word)
            })
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let pairs: Vec<u16x8> = pairs
            .into_iter()
            .map(|pair| u16x8::splat(u16::from_le_bytes(pair)))
            .collect();
        let fill = pairs.last().copied().unwrap_or_default();
        let mut usual = pairs.iter().copied();
        Self {
            pairs: [(); PAIRS].map(|()| usual.next().unwrap_or(fill)),
            more_pairs: usual.collect(),
            words,
            presence: vec![Presence::Absent; wanted.names.len()],
            wanted,
            has_anchor: false,
            openssl: None,
            landmarks: Vec::new(),
            others: HashMap::new(),
            found: Vec::new(),
        }
    }

    /// Reads a piece of a file; `at` is where it begins there. Places nearer to its ends than [`MARGIN`] are left to
    /// the pieces before and behind, which overlap with it by twice that, except at the ends of the file.
    pub(super) fn piece(&mut self, bytes: &[u8], at: u64, is_last: bool) {
        let from = if at == 0 { 0 } else { MARGIN };
        let to = if is_last {
            bytes.len()
        } else {
            bytes.len().saturating_sub(MARGIN)
        };
        // The end of the run that was looked at last, by bytes and by wide letters.
        let mut behind = [0_usize; 2];
        // Pairs are compared at even places of the slice; `from` is even, or 0.
        let mut place = from;
        while place < to {
            let Some(block) = bytes.get(place..).and_then(|rest| rest.first_chunk::<{ BLOCK + 16 }>()) else {
                // The last few bytes are read one by one, from where a word can have begun.
                for here in place.saturating_sub(32)..to {
                    self.read_start(bytes, at, here, Letters::Bytes, &mut behind);
                    self.read_start(bytes, at, here, Letters::Wide, &mut behind);
                }
                return;
            };
            let mut pairs = self.pairs_in(block);
            while pairs != 0 {
                let here = place + 2 * pairs.trailing_zeros() as usize;
                pairs &= pairs - 1;
                if here < to {
                    self.read_pair(bytes, at, here, &mut behind);
                }
            }
            if may_be_wide(block) {
                // A word can begin one letter before the two that were seen.
                for here in place.saturating_sub(2)..(place + BLOCK).min(to) {
                    self.read_start(bytes, at, here, Letters::Wide, &mut behind);
                }
            }
            place += BLOCK;
        }
    }

    /// The even places of a block at which a pair of a word stands, as bits.
    #[inline]
    fn pairs_in(&self, block: &[u8; BLOCK + 16]) -> u32 {
        let found = [0, 1, 2, 3].map(|index| {
            let lower = lanes(block, 16 * index) | u16x8::splat(0x2020);
            let each = self.pairs.map(|pair| lower.simd_eq(pair));
            let any = each.into_iter().fold(u16x8::ZERO, |any, one| any | one);
            self.more_pairs.iter().fold(any, |any, pair| any | lower.simd_eq(*pair))
        });
        let [a, b, c, d] = found;
        if a | b | c | d == u16x8::ZERO {
            return 0;
        }
        found
            .into_iter()
            .rev()
            .fold(0, |bits, found| (bits << 8) | found.to_bitmask())
    }

    fn read_pair(&mut self, bytes: &[u8], at: u64, here: usize, behind: &mut [usize; 2]) {
        let Some(pair) = bytes.get(here..here + 2).map(<[u8]>::to_ascii_lowercase) else {
            return;
        };
        for index in 0..self.words.len() {
            let Some(word) = self.words.get(index) else { continue };
            for offset in word.pairs {
                if word.letters.get(offset..offset + 2) == Some(&pair)
                    && let Some(start) = here.checked_sub(offset)
                    && word.stands(bytes, start, Letters::Bytes)
                {
                    self.read_run(bytes, at, start, Letters::Bytes, behind);
                    return;
                }
            }
        }
    }

    fn read_start(&mut self, bytes: &[u8], at: u64, here: usize, letters: Letters, behind: &mut [usize; 2]) {
        let is_letter = letters.at(bytes, here).is_some_and(|byte| byte.is_ascii_alphabetic());
        if is_letter && self.words.iter().any(|word| word.stands(bytes, here, letters)) {
            self.read_run(bytes, at, here, letters, behind);
        }
    }

    /// Reads the run of letters around a place at which a word stands.
    fn read_run(&mut self, bytes: &[u8], at: u64, here: usize, letters: Letters, behind: &mut [usize; 2]) {
        if letters == Letters::Bytes {
            self.read_border(bytes, at, here);
        }
        let [of_bytes, of_wide] = behind;
        let behind = if letters == Letters::Bytes { of_bytes } else { of_wide };
        // One run, one look: an endless one is not walked again at each of its words.
        if here < *behind {
            return;
        }
        let step = letters.step();
        let mut start = here;
        while here - start < RUN * step && letters.is_before(bytes, start) {
            start -= step;
        }
        let mut end = here;
        while letters.is_name(bytes, end) {
            end += step;
        }
        *behind = end;
        let count = (end - start) / step;
        if count > RUN {
            return;
        }
        let name: Vec<u8> = (0..count)
            .filter_map(|index| letters.at(bytes, start + index * step))
            .collect();
        let place = at + start as u64;
        if name == self.wanted.anchor.as_bytes() {
            self.has_anchor = true;
            self.mark(place);
        } else if let Some(index) = self.wanted.names.iter().position(|known| known.as_bytes() == name) {
            self.has(index, Presence::Whole, place);
        } else if name == b"OpenSSL" {
            self.openssl(bytes.get(end..).unwrap_or_default());
        } else {
            let before = start.checked_sub(step).and_then(|before| letters.at(bytes, before));
            let after = letters.at(bytes, end);
            let is_apart =
                |byte: Option<u8>| byte.is_none_or(|byte| matches!(byte, 0 | b'"' | b'\'' | b'<' | b'>' | b'.' | b'/'));
            if is_apart(before) && is_apart(after) {
                self.other(name, place, letters);
            }
        }
    }

    /// The first 16 bytes of a name at a 16-byte border, whatever is around them.
    fn read_border(&mut self, bytes: &[u8], at: u64, here: usize) {
        let into = ((at + here as u64) % 16) as usize;
        let Some(head) = here.checked_sub(into).and_then(|start| bytes.get(start..start + 16)) else {
            return;
        };
        for index in 0..self.wanted.names.len() {
            let name = self.wanted.names.get(index).map_or(&[][..], |name| name.as_bytes());
            if name.get(..16) == Some(head) {
                self.has(index, Presence::Cut, at + (here - into) as u64);
            }
        }
    }

    fn has(&mut self, index: usize, presence: Presence, place: u64) {
        if let Some(known) = self.presence.get_mut(index) {
            *known = (*known).max(presence);
        }
        self.mark(place);
    }

    fn mark(&mut self, place: u64) {
        if self.landmarks.len() < MARKS {
            self.landmarks.push(place);
        }
    }

    /// Takes another name up, if it looks like that of a variable. Literals that a compiler cut lie back to back.
    fn other(&mut self, name: Vec<u8>, place: u64, letters: Letters) {
        let is_row =
            letters == Letters::Bytes && name.len() >= 32 && name.len().is_multiple_of(16) && place.is_multiple_of(16);
        if is_row {
            let (heads, _) = name.as_chunks::<16>();
            for (index, head) in heads.iter().enumerate() {
                let holds = |word: &Word| {
                    head.to_ascii_lowercase()
                        .windows(word.letters.len())
                        .any(|part| part == word.letters)
                };
                let is_known = self
                    .wanted
                    .names
                    .iter()
                    .any(|known| known.as_bytes().get(..16) == Some(head));
                if !is_known && self.words.iter().any(holds) {
                    self.take_up((head.to_vec(), true), place + 16 * index as u64);
                }
            }
        } else {
            self.take_up((name, false), place);
        }
    }

    fn take_up(&mut self, name: (Vec<u8>, bool), place: u64) {
        let letters = &name.0;
        let looks_so = (4..=LONGEST).contains(&letters.len())
            && letters.first().is_some_and(u8::is_ascii_uppercase)
            && letters.iter().any(u8::is_ascii_lowercase)
            && letters.iter().all(u8::is_ascii_alphanumeric);
        if !looks_so {
            return;
        }
        if self.others.len() >= KEPT {
            self.forget_the_far();
        }
        let distance = self.distance(place);
        let kept = self.others.entry(name).or_insert(place);
        if distance < nearest(&self.landmarks, *kept) {
            *kept = place;
        }
    }

    fn distance(&self, place: u64) -> u64 {
        nearest(&self.landmarks, place)
    }

    /// Keeps the nearer half; where there are no landmarks yet, those read last.
    fn forget_the_far(&mut self) {
        let mut all: Vec<((Vec<u8>, bool), u64)> = self.others.drain().collect();
        let landmarks = &self.landmarks;
        all.sort_by_key(|(_, place)| (nearest(landmarks, *place), u64::MAX - place));
        all.truncate(KEPT / 2);
        self.others.extend(all);
    }

    /// `OpenSSL 1.1.1k  25 Mar 2021`: with a date it is the library's own line.
    fn openssl(&mut self, rest: &[u8]) {
        let line = rest.get(..rest.len().min(48)).unwrap_or_default();
        let line = line
            .split(|byte| !(b' '..=b'~').contains(byte))
            .next()
            .unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_ascii_whitespace();
        let Some(version) = words.next().filter(|_| line.starts_with(' ')) else {
            return;
        };
        let numbers = version
            .split('.')
            .take(2)
            .all(|part| part.starts_with(|c: char| c.is_ascii_digit()));
        if !numbers || version.len() > 20 || !version.contains('.') {
            return;
        }
        let is_dated = words
            .next()
            .is_some_and(|day| day.len() <= 2 && day.bytes().all(|byte| byte.is_ascii_digit()));
        if self
            .openssl
            .as_ref()
            .is_none_or(|(was_dated, _)| is_dated && !was_dated)
        {
            self.openssl = Some((is_dated, format!("OpenSSL {version}")));
        }
    }

    /// Takes in what another search found in another part of the same file.
    pub(super) fn join(&mut self, other: Self) {
        self.has_anchor |= other.has_anchor;
        for (mine, its) in self.presence.iter_mut().zip(other.presence) {
            *mine = (*mine).max(its);
        }
        let is_dated = |line: &Option<(bool, String)>| line.as_ref().map(|(is_dated, _)| *is_dated);
        if is_dated(&other.openssl) > is_dated(&self.openssl) {
            self.openssl = other.openssl;
        }
        self.landmarks.extend(other.landmarks);
        for (name, place) in other.others {
            let kept = self.others.entry(name).or_insert(place);
            if nearest(&self.landmarks, place) < nearest(&self.landmarks, *kept) {
                *kept = place;
            }
        }
    }

    /// A file ends: distances count within one.
    pub(super) fn end_of_file(&mut self, file: &str) {
        let others = std::mem::take(&mut self.others);
        let landmarks = std::mem::take(&mut self.landmarks);
        self.found
            .extend(others.into_iter().map(|((name, cut), place)| OtherName {
                name: String::from_utf8_lossy(&name).into_owned(),
                cut,
                file: file.to_owned(),
                distance: nearest(&landmarks, place),
            }));
    }

    /// Is the anchor there; each name asked for; the nearest `most` of the others; the OpenSSL line.
    pub(super) fn end(mut self, most: usize) -> (bool, Vec<Presence>, Vec<OtherName>, Option<String>) {
        self.found
            .sort_by(|a, b| (a.distance, &a.name).cmp(&(b.distance, &b.name)));
        let mut seen = std::collections::HashSet::new();
        self.found.retain(|other| seen.insert(other.name.clone()));
        self.found.truncate(most);
        (
            self.has_anchor,
            self.presence,
            self.found,
            self.openssl.map(|(_, line)| line),
        )
    }
}

fn nearest(landmarks: &[u64], place: u64) -> u64 {
    landmarks
        .iter()
        .map(|mark| mark.abs_diff(place))
        .min()
        .unwrap_or(u64::MAX)
}
