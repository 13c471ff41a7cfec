//! The strict pass: quick-xml finds the tokens, this decides whether they make a document.
//!
//! quick-xml does not check well-formedness (its issues #121 and #848): it accepts a truncated file, an empty one, text
//! or a second root after the root, control characters, `<` in attributes, duplicate attributes and undeclared
//! entities. All of that is checked here. Namespaces and DOCTYPE are refused: the mail server writes neither, and
//! entities could hide values. Messages quote nothing of the file except the five element names that it is made of.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::Event;

use crate::hostile::{slice_at, text_at};

use super::markup::{
    AMPERSAND, Tag, Trouble, check_attributes, check_comment, check_declaration, check_instruction, check_references,
    doctype, known,
};
use super::place::{BOM, line_of};
use super::text::{is_blank, is_name};

/// Elements may be nested this deep; a real file has four levels.
const DEPTH: usize = 64;

/// How the mail server begins a variable.
const VARIABLE: &str = "<variable name=\"";
const VARIABLE_END: &str = "</variable>";
/// How it begins an item of a list.
const ITEM: &str = "<listitem>";
const ITEM_END: &str = "</listitem>";

/// Receives each element while the pass runs. Depth 1 is the root.
pub(super) trait Sink {
    /// A start tag, or an empty-element tag (then `close` follows at once with an empty `at`).
    fn open(&mut self, depth: usize, tag: &Tag<'_>, at: Range<usize>);
    /// An end tag.
    fn close(&mut self, depth: usize, at: Range<usize>);
    /// A comment or processing instruction.
    fn aside(&mut self, at: Range<usize>) {
        let _ = at;
    }
}

/// Runs over a document without byte order mark whose characters are known to be legal.
pub(super) fn scan(text: &str, root: &str, sink: &mut impl Sink) -> Result<(), Trouble> {
    let pass = Pass {
        text,
        root,
        open: Vec::new(),
        root_seen: false,
    };
    pass.run(0, sink)
}

/// Runs over whole elements of a document that was scanned before, from `start` directly inside its root to the end of
/// `text`, where the rest of the document is cut off. Says nothing of what it meets.
pub(super) fn scan_inside(text: &str, root: &str, start: usize, sink: &mut impl Sink) {
    let pass = Pass {
        text,
        root,
        open: vec![(0, root)],
        root_seen: true,
    };
    let _ = pass.run(start, sink);
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// What the pass knows while it runs.
struct Pass<'a> {
    text: &'a str,
    root: &'a str,
    /// Where each open element's tag begins, and its name.
    open: Vec<(usize, &'a str)>,
    root_seen: bool,
}

impl<'a> Pass<'a> {
    fn run(mut self, mut start: usize, sink: &mut impl Sink) -> Result<(), Trouble> {
        let pass = &mut self;
        loop {
            start = pass.plain(start, sink)?;
            let rest = text_at(pass.text, start..);
            // legal inside an element, but a reader drops it at its start without counting it
            if rest.starts_with(BOM) {
                pass.characters(BOM, start)?;
                start += BOM.len();
                continue;
            }
            let mut reader = Reader::from_str(rest);
            let config = reader.config_mut();
            // checked here, with messages that quote nothing
            config.check_end_names = false;
            config.allow_unmatched_ends = true;
            let base = start;
            loop {
                let event = reader.read_event();
                let end = base + offset(reader.buffer_position());
                match event {
                    Ok(Event::Eof) => return pass.finish(),
                    Ok(event) => pass.take(&event, start..end, sink)?,
                    Err(error) => return Err(pass.unreadable(&error, start, base + offset(reader.error_position()))),
                }
                start = end;
                if pass.at_plain(start) {
                    break;
                }
            }
        }
    }

    fn take(&mut self, event: &Event<'_>, at: Range<usize>, sink: &mut impl Sink) -> Result<(), Trouble> {
        let raw = text_at(self.text, at.clone());
        match event {
            Event::Start(_) | Event::Empty(_) => self.start_tag(raw, at, sink),
            Event::End(_) => self.end_tag(raw, at, sink),
            Event::Text(_) => self.characters(raw, at.start),
            Event::GeneralRef(_) => {
                self.inside(at.start)?;
                check_references(raw, at.start)
            }
            Event::CData(_) => self.inside(at.start),
            Event::Comment(_) => check_comment(raw, at.start).map(|()| sink.aside(at)),
            Event::PI(_) => check_instruction(raw, at.start).map(|()| sink.aside(at)),
            Event::Decl(_) => check_declaration(raw, at.start, self.text),
            Event::DocType(_) => Err(doctype(at.start)),
            Event::Eof => Ok(()),
        }
    }

    fn start_tag(&mut self, raw: &'a str, at: Range<usize>, sink: &mut impl Sink) -> Result<(), Trouble> {
        let tag = Tag::new(raw);
        if tag.element.split(':').all(is_name) && tag.element.contains(':') {
            return Err(Trouble::of_sound(
                at.start,
                "a `:` in the name of an element (namespaces are not used in mailserver.cfg)",
            ));
        }
        if !is_name(tag.element) {
            return Err(Trouble::new(
                at.start,
                "`<` is not followed by a legal element name (a `<` in a value is written &lt;)",
            ));
        }
        check_attributes(&tag, at.start)?;
        if self.open.is_empty() {
            if self.root_seen {
                return Err(Trouble::new(
                    at.start,
                    format!(
                        "a second element follows `</{}>`; expected the end of the file",
                        self.root
                    ),
                ));
            }
            if tag.element != self.root {
                return Err(Trouble::new(
                    at.start,
                    format!(
                        "the outermost element is not `<{}>`: this is not a mailserver.cfg",
                        self.root
                    ),
                ));
            }
            self.root_seen = true;
        }
        let depth = self.open.len() + 1;
        if depth > DEPTH {
            return Err(Trouble::of_sound(
                at.start,
                format!("elements are nested deeper than {DEPTH} levels"),
            ));
        }
        let end = at.end;
        sink.open(depth, &tag, at.clone());
        if tag.empty {
            sink.close(depth, end..end);
        } else {
            self.open.push((at.start, tag.element));
        }
        Ok(())
    }

    fn end_tag(&mut self, raw: &str, at: Range<usize>, sink: &mut impl Sink) -> Result<(), Trouble> {
        let name = raw
            .strip_prefix("</")
            .and_then(|raw| raw.strip_suffix('>'))
            .unwrap_or_default();
        let name = name.trim_end_matches(|c: char| c.is_ascii() && is_blank(c as u8));
        let depth = self.open.len();
        let Some((opened, expected)) = self.open.pop() else {
            return Err(Trouble::new(
                at.start,
                "an end tag without an element that it could close",
            ));
        };
        if name != expected {
            let line = line_of(self.text, opened);
            let what = format!(
                "expected `</{}>` for the element opened in line {line}, found another end tag",
                known(expected)
            );
            return Err(Trouble::new(at.start, what));
        }
        sink.close(depth, at);
        Ok(())
    }

    fn characters(&self, raw: &str, at: usize) -> Result<(), Trouble> {
        if self.open.is_empty() {
            let Some(odd) = raw.bytes().position(|b| !is_blank(b)) else {
                return Ok(());
            };
            let what = if self.root_seen {
                format!("text after `</{}>`; expected the end of the file", self.root)
            } else {
                format!("text before `<{}>`: this is not a mailserver.cfg", self.root)
            };
            return Err(Trouble::new(at + odd, what));
        }
        // rare enough in text that the second search hardly ever runs
        if memchr::memchr(b'>', raw.as_bytes()).is_some()
            && let Some(found) = raw.find("]]>")
        {
            return Err(Trouble::new(
                at + found,
                "`]]>` may not stand in text; it is written ]]&gt;",
            ));
        }
        Ok(())
    }

    fn inside(&self, at: usize) -> Result<(), Trouble> {
        if self.open.is_empty() {
            return Err(Trouble::new(
                at,
                format!("only blanks and comments may stand outside `<{}>`", self.root),
            ));
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Trouble> {
        if let Some(&(opened, name)) = self.open.last() {
            let line = line_of(self.text, opened);
            let what = format!(
                "the file is cut off: expected `</{}>` for the element opened in line {line}",
                known(name)
            );
            return Err(Trouble::new(self.text.len(), what));
        }
        if !self.root_seen {
            return Err(Trouble::new(
                self.text.len(),
                format!("the file ends without `<{}>`", self.root),
            ));
        }
        Ok(())
    }

    fn unreadable(&self, error: &Error, start: usize, at: usize) -> Trouble {
        let rest = text_at(self.text, start..);
        if rest
            .get(..9)
            .is_some_and(|begin| begin.eq_ignore_ascii_case("<!DOCTYPE"))
        {
            return doctype(start);
        }
        let what = match error {
            Error::Syntax(SyntaxError::InvalidBangMarkup) => "`<!` is not followed by a comment or CDATA",
            Error::Syntax(SyntaxError::UnclosedPI | SyntaxError::UnclosedXmlDecl) => {
                "the file is cut off or damaged: `<?` without `?>`"
            }
            Error::Syntax(SyntaxError::UnclosedComment) => "the file is cut off or damaged: a comment without `-->`",
            Error::Syntax(SyntaxError::UnclosedCData) => "the file is cut off or damaged: CDATA without `]]>`",
            Error::Syntax(_) => {
                "the file is cut off or damaged: a tag without its closing `>`, or a quote that is not closed"
            }
            Error::IllFormed(_) if rest.starts_with('&') => return Trouble::new(start, AMPERSAND),
            _ => "not well-formed XML",
        };
        Trouble::new(at.min(self.text.len()).max(start), what)
    }

    // The fast lane. Variables and items spelt as the mail server spells them, which are nearly all of a file, do not
    // go through quick-xml (10 MB take 30 ms with it, of which 13 ms are its events alone; `xmllint --stream` takes 43
    // ms). Whatever looks different in any way is left to the other lane, which also finds the words for what is wrong.

    fn after(&self, at: usize) -> &'a [u8] {
        slice_at(self.text.as_bytes(), at..)
    }

    fn blanks(&self, at: usize) -> usize {
        self.after(at).iter().take_while(|&&b| is_blank(b)).count()
    }

    /// Are the next things blanks and something that [`Self::plain`] may know, inside an element?
    fn at_plain(&self, at: usize) -> bool {
        let next = self.after(at + self.blanks(at));
        let known = [VARIABLE, ITEM, ITEM_END];
        !self.open.is_empty() && known.iter().any(|known| next.starts_with(known.as_bytes()))
    }

    /// Takes what is spelt plainly, with the blanks before it. Returns where it stopped.
    fn plain(&mut self, mut at: usize, sink: &mut impl Sink) -> Result<usize, Trouble> {
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
                check_references(raw, tag_end)?;
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
    use super::super::markup::ATTRIBUTES;
    use super::*;

    struct Nothing;
    impl Sink for Nothing {
        fn open(&mut self, _: usize, _: &Tag<'_>, _: Range<usize>) {}
        fn close(&mut self, _: usize, _: Range<usize>) {}
    }

    fn trouble(text: &str) -> Option<(usize, String)> {
        scan(text, "config", &mut Nothing)
            .err()
            .map(|trouble| (trouble.at, trouble.what.into_owned()))
    }

    #[test]
    fn what_xml_allows_is_accepted() {
        for text in [
            "<config/>",
            "<?xml version='1.0'?><config></config >",
            "<?xml version=\"1.0\" encoding='utf-8' standalone='yes' ?>\r\n<!-- - a -->\n<config\n/>\n<?php x?>\n<!---->",
            "<config a='>' b = \"'\">&#x41;&amp;]]&gt;]] ><![CDATA[<&]]]]><!--<--></config>\n ",
            "<config><é/><a.b-c/><a></a\t></config>",
            "<config>]]<!---->></config>",
        ] {
            assert_eq!(trouble(text), None, "{text}");
        }
    }

    #[test]
    fn what_xml_forbids_is_refused_at_its_place() {
        for (text, at, word) in [
            ("", 0, "ends without"),
            (" \n", 2, "ends without"),
            ("<config>", 8, "cut off"),
            ("<config><table></config>", 15, "expected `</table>`"),
            ("<config", 0, "cut off"),
            ("<config a=\"", 0, "cut off"),
            ("<config/><config/>", 9, "second element"),
            ("<config/>x", 9, "text after"),
            ("x<config/>", 0, "text before"),
            ("<table/>", 0, "not `<config>`"),
            ("</config>", 0, "without an element"),
            ("<config/></config>", 9, "without an element"),
            ("<config a=\"<\"/>", 11, "&lt;"),
            ("<config a='1' a='2'/>", 14, "twice"),
            ("<config a='1'b='2'/>", 13, "blank"),
            ("<config a/>", 9, "`=`"),
            ("<config a=1/>", 10, "quotes"),
            ("<config a='&x;'/>", 11, "`&`"),
            ("<config>&nbsp;</config>", 8, "`&`"),
            ("<config>&#0;</config>", 8, "`&`"),
            ("<config>a & b</config>", 10, "`&`"),
            ("<config>a &</config>", 10, "`&`"),
            ("<config>a]]></config>", 9, "]]&gt;"),
            ("<config><!-- a--b --></config>", 14, "--"),
            ("<config><!-- a---></config>", 14, "--"),
            ("<config><!--></config>", 8, ""),
            ("<config><!-x></config>", 8, ""),
            ("<!DOCTYPE config><config/>", 0, "DOCTYPE"),
            ("<!doctype config", 0, "DOCTYPE"),
            ("<!DOCTYPE config [<!ENTITY a 'b'>]><config/>", 0, "DOCTYPE"),
            (" <?xml version='1.0'?><config/>", 1, "very start"),
            ("<config><?xml version='1.0'?></config>", 8, "very start"),
            ("<config><?XML version='1.0'?></config>", 8, "very start"),
            ("<config><? x?></config>", 8, "legal name"),
            ("<?xml version='1.1'?><config/>", 0, "1.0"),
            ("<?xml encoding='UTF-8'?><config/>", 0, "no version"),
            ("<?xml encoding='UTF-8' version='1.0'?><config/>", 0, "order"),
            ("<?xml version='1.0' encoding='ISO-8859-1'?><config/>", 0, "UTF-8"),
            ("<?xml version='1.0' standalone='maybe'?><config/>", 0, "standalone"),
            ("<?xml?><config/>", 0, "no version"),
            ("<![CDATA[x]]><config/>", 0, "outside"),
            ("&lt;<config/>", 0, "outside"),
            ("<config>< a/></config>", 8, "element name"),
            ("<config><></></config>", 8, "element name"),
            ("<config><a:b/></config>", 8, "namespaces are not used"),
            ("<config><a:b></a:b></config>", 8, "namespaces are not used"),
            ("<config><a:/></config>", 8, "element name"),
            ("<config><a b:c=''/></config>", 11, "attribute name"),
            ("<config xmlns='x'/>", 8, "attribute name"),
            ("<config><a/b/></config>", 8, "element name"),
            ("<config><![cdata[x]]></config>", 8, ""),
            ("<config><![CDATA[x</config>", 8, "CDATA"),
            ("<config><?x </config>", 8, "`?>`"),
            ("<config><!-- </config>", 8, "-->"),
        ] {
            let (found, what) = trouble(text).unwrap_or_else(|| panic!("accepted: {text}"));
            assert_eq!(found, at, "{text}: {what}");
            assert!(what.contains(word), "{text}: {what}");
        }
    }

    /// Depth, element and place of each tag.
    #[derive(Default)]
    struct Tags(Vec<(usize, String, Range<usize>)>);
    impl Sink for Tags {
        fn open(&mut self, depth: usize, tag: &Tag<'_>, at: Range<usize>) {
            self.0.push((depth, tag.element.to_owned(), at));
        }
        fn close(&mut self, depth: usize, at: Range<usize>) {
            self.0.push((depth, String::new(), at));
        }
    }

    #[test]
    fn both_lanes_see_the_same_tags_at_the_same_places() {
        let value = "\u{FEFF}é&lt;]] >";
        let plain = format!(
            "<config>\u{FEFF}<table>\u{FEFF}\n <variable name=\"A\">{value}</variable>\u{FEFF}<variable name=\"B\"/>\u{FEFF}\u{FEFF}\r\n<variable name=\"C\"></variable>\u{FEFF}</table></config>"
        );
        // one blank in the tag is enough to leave the fast lane, at the same offsets
        let other = plain.replace("<variable name=", "<variable\tname=");
        let tags = |text: &str| {
            let mut tags = Tags::default();
            scan(text, "config", &mut tags).unwrap();
            tags.0
        };
        assert_eq!(tags(&plain), tags(&other));
        assert_eq!(tags(&plain).len(), 10);
    }

    #[test]
    fn the_fast_lane_is_as_strict_as_the_other() {
        for (inside, at) in [
            ("<variable name=\"A\">a]]></variable>", 28),
            ("<variable name=\"A\">&x;</variable>", 27),
            ("<variable name=\"&x;\">1</variable>", 24),
            ("<variable name=\"<\">1</variable>", 24),
            ("<variable name=\"A\">1</variables>", 28),
            ("<variable name=\"A\"x='1'/>", 26),
            ("<variable name=\"A\"/><variable name=\"B\"", 46),
        ] {
            let (found, what) =
                trouble(&format!("<config>{inside}</config>")).unwrap_or_else(|| panic!("accepted: {inside}"));
            assert_eq!(found, at, "{inside}: {what}");
        }
    }

    #[test]
    fn nesting_and_attributes_have_a_limit() {
        let nested = |n: usize| format!("<config>{}{}</config>", "<a>".repeat(n - 1), "</a>".repeat(n - 1));
        assert_eq!(trouble(&nested(DEPTH)), None);
        assert!(trouble(&nested(DEPTH + 1)).unwrap().1.contains("deeper"));
        let many: String = (0..=ATTRIBUTES).map(|n| format!(" a{n}=''")).collect();
        assert!(trouble(&format!("<config{many}/>")).unwrap().1.contains("more than"));
    }

    /// What is seen of each element, and what the end is.
    #[derive(Default)]
    struct Seen(Vec<(usize, String)>);
    impl Sink for Seen {
        fn open(&mut self, depth: usize, tag: &Tag<'_>, _: Range<usize>) {
            self.0.push((depth, format!("<{}", tag.element)));
        }
        fn close(&mut self, depth: usize, at: Range<usize>) {
            self.0.push((depth, format!("/{}", at.is_empty())));
        }
    }

    fn seen(text: &str) -> Result<Vec<(usize, String)>, String> {
        let mut seen = Seen::default();
        let result = scan(text, "config", &mut seen);
        result.map(|()| seen.0).map_err(|trouble| trouble.what.into_owned())
    }

    #[test]
    fn both_lanes_see_the_same() {
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
            assert_eq!(seen(text), seen(&odd), "{text}");
        }
    }
}
