//! The known word that a misspelt one was meant to be.

use super::suites::KNOWN;

/// The known word that is nearest, if it is near enough to be what was meant.
pub(super) fn nearest(word: &str) -> Option<&'static str> {
    const LONGEST: usize = 64;
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let small: Vec<char> = word
        .chars()
        .map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() })
        .collect();
    let near = KNOWN
        .names()
        .map(|name| (distance(&small, &name.to_ascii_lowercase()), name))
        .min_by_key(|(d, _)| *d);
    near.filter(|(d, _)| *d <= (length / 4).min(3)).map(|(_, name)| name)
}

/// How many letters must be put in, taken out, changed or swapped with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i.saturating_add(1)];
        for (j, cb) in b.iter().enumerate() {
            let at = |of: &[usize], k: usize| of.get(k).copied().unwrap_or(usize::MAX);
            let mut cost = at(&last, j).saturating_add(usize::from(ca != cb));
            cost = cost
                .min(at(&last, j.saturating_add(1)).saturating_add(1))
                .min(at(&row, j).saturating_add(1));
            let (pa, pb) = (
                i.checked_sub(1).and_then(|k| a.get(k)),
                j.checked_sub(1).and_then(|k| b.get(k)),
            );
            if pa == Some(cb) && pb == Some(ca) {
                cost = cost.min(at(&before, j.saturating_sub(1)).saturating_add(1));
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(usize::MAX)
}
