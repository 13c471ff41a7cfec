//! Parts of text and bytes at places that were found in them before.
//!
//! The lints forbid `text[a..b]`, which ends the program where a span is wrong; `text.get(a..b).unwrap_or_default()`
//! hides it. These two give nothing for a wrong span in a release build and stop a debug build, tests included, at the
//! caller.

use std::slice::SliceIndex;

/// The part of `text` at `range`, which lies within it and on the borders of characters.
#[must_use]
#[track_caller]
pub fn text_at<R: SliceIndex<str, Output = str>>(text: &str, range: R) -> &str {
    let part = text.get(range);
    debug_assert!(
        part.is_some(),
        "a span that does not lie in a text of {} bytes",
        text.len()
    );
    part.unwrap_or_default()
}

/// The part of `items` at `range`, which lies within it.
#[must_use]
#[track_caller]
pub fn slice_at<T, R: SliceIndex<[T], Output = [T]>>(items: &[T], range: R) -> &[T] {
    let part = items.get(range);
    debug_assert!(part.is_some(), "a span that does not lie in a slice of {}", items.len());
    part.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_that_is_right_is_taken() {
        assert_eq!(text_at("abc", 1..2), "b");
        assert_eq!(text_at("abc", 3..), "");
        assert_eq!(slice_at(b"abc", ..2), b"ab");
    }

    #[test]
    #[should_panic(expected = "a span that does not lie in a text of 2 bytes")]
    fn a_span_inside_a_character_stops_a_debug_build() {
        let _ = text_at("é", 1..);
    }

    #[test]
    #[should_panic(expected = "a span that does not lie in a slice of 3")]
    fn a_span_beyond_the_end_stops_a_debug_build() {
        let _ = slice_at(b"abc", 2..4);
    }
}
