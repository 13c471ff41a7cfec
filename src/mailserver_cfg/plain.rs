//! The fast lane of the strict pass: variables and items spelt as the mail server spells them, which are nearly all of a file, do not go
//! through quick-xml (with it 30 ms for 10 MB, of which 13 ms for its events alone; `xmllint --stream` 43 ms). Whatever looks different in
//! any way is left to the other lane, which also finds the words for what is wrong.

use super::chars::is_blank;
use super::markup::{Trouble, references};
use super::strict::{DEPTH, Pass, Sink};
use super::tag::Tag;
use crate::hostile::{slice_at, text_at};

/// How the mail server begins a variable.
const VARIABLE: &str = "<variable name=\"";
const VARIABLE_END: &str = "</variable>";
/// How it begins an item of a list.
const ITEM: &str = "<listitem>";
const ITEM_END: &str = "</listitem>";

impl<'a> Pass<'a> {
    fn after(&self, at: usize) -> &'a [u8] {
        slice_at(self.text.as_bytes(), at..)
    }

    fn blanks(&self, at: usize) -> usize {
        self.after(at).iter().take_while(|&&b| is_blank(b)).count()
    }

    /// Are the next things blanks and something that [`Self::plain`] may know, inside an element?
    pub(super) fn at_plain(&self, at: usize) -> bool {
        let next = self.after(at + self.blanks(at));
        let known = [VARIABLE, ITEM, ITEM_END];
        !self.open.is_empty() && known.iter().any(|known| next.starts_with(known.as_bytes()))
    }

    /// Takes what is spelt plainly, with the blanks before it. Returns where it stopped.
    pub(super) fn plain(&mut self, mut at: usize, sink: &mut impl Sink) -> Result<usize, Trouble> {
        while !self.open.is_empty() && self.open.len() < DEPTH {
            let start = at + self.blanks(at);
            let taken = match self.plain_variable(start, sink)? {
                Some(end) => Some(end),
                None => self.plain_item(start, sink),
            };
            let Some(end) = taken else { break };
            at = end;
        }
        Ok(at)
    }

    fn plain_item(&mut self, start: usize, sink: &mut impl Sink) -> Option<usize> {
        let (next, depth) = (self.after(start), self.open.len());
        if next.starts_with(ITEM.as_bytes()) {
            let (tag, end) = (Tag::new(ITEM), start + ITEM.len());
            sink.open(depth + 1, &tag, start..end);
            self.open.push((start, tag.element));
            return Some(end);
        }
        if next.starts_with(ITEM_END.as_bytes()) && self.open.pop_if(|(_, name)| *name == "listitem").is_some() {
            let end = start + ITEM_END.len();
            sink.close(depth, start..end);
            return Some(end);
        }
        None
    }

    fn plain_variable(&self, start: usize, sink: &mut impl Sink) -> Result<Option<usize>, Trouble> {
        let depth = self.open.len() + 1;
        let Some(name) = self.after(start).strip_prefix(VARIABLE.as_bytes()) else {
            return Ok(None);
        };
        let Some(length) = name.iter().position(|&b| matches!(b, b'"' | b'<' | b'&')) else {
            return Ok(None);
        };
        let quote = start + VARIABLE.len() + length;
        let (empty, tag_end) = match self.after(quote) {
            [b'"', b'>', ..] => (false, quote + 2),
            [b'"', b'/', b'>', ..] => (true, quote + 3),
            _ => return Ok(None),
        };
        let value = self.after(tag_end);
        let value_end = if empty {
            tag_end
        } else {
            let Some(length) = memchr::memchr(b'<', value) else {
                return Ok(None);
            };
            if !self.after(tag_end + length).starts_with(VARIABLE_END.as_bytes()) {
                return Ok(None);
            }
            // most values have neither
            let value = slice_at(value, ..length);
            if value.iter().any(|&b| matches!(b, b'&' | b'>')) {
                let raw = text_at(self.text, tag_end..tag_end + length);
                if raw.contains("]]>") {
                    return Ok(None);
                }
                references(raw, tag_end)?;
            }
            tag_end + length
        };
        let end = if empty { tag_end } else { value_end + VARIABLE_END.len() };
        let inside = text_at(self.text, start + "<variable".len()..quote + 1);
        sink.open(depth, &Tag::variable(inside, empty), start..tag_end);
        sink.close(depth, value_end..end);
        Ok(Some(end))
    }
}

#[cfg(test)]
mod tests {
    use super::super::strict::scan;
    use super::super::tag::Tag;
    use super::*;

    /// What is told of each element, and what the end is.
    #[derive(Default)]
    struct Told(Vec<(usize, String)>);
    impl Sink for Told {
        fn open(&mut self, depth: usize, tag: &Tag<'_>, _: std::ops::Range<usize>) {
            self.0.push((depth, format!("<{}", tag.element)));
        }
        fn close(&mut self, depth: usize, at: std::ops::Range<usize>) {
            self.0.push((depth, format!("/{}", at.is_empty())));
        }
    }

    fn told(text: &str) -> Result<Vec<(usize, String)>, String> {
        let mut told = Told::default();
        let result = scan(text, "config", &mut told);
        result.map(|()| told.0).map_err(|trouble| trouble.what.into_owned())
    }

    #[test]
    fn both_lanes_say_the_same() {
        let variable = "<variable name=\"A\">1&amp;</variable>";
        let nested = |levels: usize| {
            let (open, close) = (" <listitem>".repeat(levels), "</listitem> ".repeat(levels));
            format!("<config>{open}{variable}{close}</config>")
        };
        let inside = [
            format!("<listitem>{variable} <listitem> </listitem>{variable}<variable name=\"B\"/></listitem>"),
            "<listitem>text</listitem>text<listitem><!-- --></listitem>".into(),
            "<listitem></list></listitem>".into(),
            "</listitem>".into(),
            "<listitem></listitem></listitem>".into(),
            "<listitem>".into(),
            "<list></listitem></list>".into(),
            "<listitem><variable name=\"A\"></listitem></variable>".into(),
            "<variable name=\"A\"><listitem></variable></listitem>".into(),
            "<variable name=\"A\">&x;</variable>".into(),
            "<variable name=\"A\">]]></variable>".into(),
        ]
        .map(|inside| format!("<config>{inside}</config>"));
        let outside = [
            "<listitem></listitem>",
            "<config/> <listitem></listitem>",
            "<config/></listitem>",
        ];
        let deep = [DEPTH - 3, DEPTH - 2, DEPTH - 1, DEPTH, DEPTH + 1].map(nested);
        for text in inside.iter().chain(&deep).map(String::as_str).chain(outside) {
            let odd = [
                ("<listitem>", "<listitem >"),
                ("</listitem>", "</listitem >"),
                ("<variable ", "<variable  "),
            ];
            let odd = odd
                .iter()
                .fold(text.to_owned(), |text, (plain, odd)| text.replace(plain, odd));
            assert_eq!(told(text), told(&odd), "{text}");
        }
    }
}
