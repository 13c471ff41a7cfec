//! The document: parse once, then look things up in its spans.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::hostile::text_at;

use super::error::ParseError;
use super::index::{Duplicate, Index, Section, SectionKind, Spot, name_in};
use super::place::{BOM, LineCounter, Position, VariablePath, position};
use super::secrets::Secrets;
use super::text::{decode, first_illegal};

/// Larger files are refused: no mail server writes one, and spans are 32 bits.
const LARGEST: usize = 1 << 30;

/// A variable as it stands in the document.
#[derive(Clone, PartialEq, Eq)]
pub struct Variable {
    /// Name, unescaped.
    pub name: String,
    /// Value, unescaped.
    pub value: String,
    /// Line it begins on, from 1.
    pub line: u32,
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable")
            .field("name", &self.name)
            .field("value", &Secrets::default().show(&self.name, &self.value))
            .field("line", &self.line)
            .finish()
    }
}

/// Where things lie, as the file itself says (not checked against the disk).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// `Directories/StoreDir`.
    pub store: Option<PathBuf>,
    /// `LogGlobal/RelativePathsRoot`, else the store's `logs`. The first of
    /// [`Document::log_directories`].
    pub logs: Option<PathBuf>,
}

/// The whole file: its bytes and an index of spans.
#[derive(Clone)]
pub struct Document {
    pub(super) text: String,
    pub(super) index: Index,
}

/// Sizes only: the bytes hold secrets.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("bytes", &self.text.len())
            .field("sections", &self.index.sections.len())
            .field("variables", &self.index.variables.len())
            .finish()
    }
}

impl Document {
    /// Reads strictly: UTF-8, well-formed XML 1.0 without DOCTYPE and namespaces, root `<config>`, at most 64 levels
    /// deep and 1 GiB long. A byte order mark is kept as it is. Whatever this accepts `libxml2` accepts, too.
    /// # Errors
    /// [`ParseError`] with line and column, and what was expected. It quotes nothing that could be a secret.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, ParseError> {
        Self::parse_or_back(bytes).map_err(|(error, _)| error)
    }

    /// The same, which gives the bytes back where they are none.
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_or_back(bytes: Vec<u8>) -> Result<Self, (ParseError, Vec<u8>)> {
        let refused = check_size(bytes.len()).err().or_else(|| {
            foreign(&bytes).map(|what| ParseError {
                position: Position { line: 1, column: 1 },
                what: what.to_owned(),
                may_be_sound: what.starts_with(OTHER_TEXT),
            })
        });
        if let Some(error) = refused {
            return Err((error, bytes));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let before = error
                .as_bytes()
                .get(..valid)
                .and_then(|valid| std::str::from_utf8(valid).ok())
                .unwrap_or_default();
            let what =
                "not UTF-8: expected the text that the mail server writes (damaged, or saved in another encoding?)";
            let refusal = ParseError {
                position: position(before, valid),
                what: what.to_owned(),
                // text of another encoding, or of none
                may_be_sound: !error.as_bytes().contains(&0),
            };
            (refusal, error.into_bytes())
        })?;
        match Self::indexed(&text) {
            Ok(index) => Ok(Self { text, index }),
            Err(error) => Err((error, text.into_bytes())),
        }
    }

    /// The strict pass over text.
    fn indexed(text: &str) -> Result<Index, ParseError> {
        let refuse = |at: usize, what: String| ParseError {
            position: position(text, at),
            what,
            may_be_sound: false,
        };
        if let Some(at) = first_illegal(text) {
            let code = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, u32::from);
            return Err(refuse(
                at,
                format!("the character U+{code:04X} is not allowed in XML; is the file damaged?"),
            ));
        }
        let skip = if text.starts_with(BOM) { BOM.len() } else { 0 };
        // quick-xml would drop a second mark without counting it
        if text.get(skip..).is_some_and(|rest| rest.starts_with(BOM)) {
            return Err(refuse(
                skip,
                "a second byte order mark; expected `<?xml` or `<config>`".to_owned(),
            ));
        }
        Index::build(text, skip).map_err(|trouble| ParseError {
            may_be_sound: trouble.may_be_sound,
            ..refuse(trouble.at, trouble.what.into_owned())
        })
    }

    /// The bytes, exactly as read.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The variables of a top-level table in file order, duplicates included; none when there is no such table. A
    /// damaged file may have millions: one after the other.
    ///
    /// Names are compared exactly. Tables of the same name are read as one. Elements without a `name` are left out.
    pub fn variables(&self, table: &str) -> impl Iterator<Item = Variable> {
        let mut counter = LineCounter::new(&self.text);
        self.tables(table)
            .flat_map(|section| self.index.direct(section))
            .filter_map(move |spot| {
                Some(Variable {
                    name: name_in(&self.text, spot.tag())?.into_owned(),
                    value: decode(self.raw(spot)).text,
                    line: counter.line(spot.start()),
                })
            })
    }

    /// The value at a path (the first, where there are duplicates).
    #[must_use]
    pub fn value(&self, path: &VariablePath) -> Option<String> {
        self.find([path]).value(path)
    }

    /// Top-level tables and variables in them that stand more than once.
    #[must_use]
    pub fn duplicates(&self) -> &[Duplicate] {
        &self.index.duplicates
    }

    /// Where store and logs lie.
    #[must_use]
    pub fn places(&self) -> Places {
        Places {
            store: self.path_value("Directories", "StoreDir"),
            logs: self.log_directories().into_iter().next(),
        }
    }

    /// Where the logs may lie, likeliest first; the caller takes the first that is there.
    ///
    /// `LogGlobal/RelativePathsRoot` is "the path to the log files" in the vendor's words, so it is taken as it stands;
    /// its name also allows that it is the root to which `logs/…` is relative (assumed), so that comes second. Last the
    /// store's own `logs`.
    #[must_use]
    pub fn log_directories(&self) -> Vec<PathBuf> {
        let store = self.path_value("Directories", "StoreDir");
        let mut found = Vec::new();
        if let Some(root) = self.path_value("LogGlobal", "RelativePathsRoot") {
            // a relative one can only be meant from the store; an absolute one replaces it
            let root = store.as_deref().unwrap_or(Path::new("")).join(root);
            let below = root.join("logs");
            let is_logs = root.file_name().is_some_and(|name| name.eq_ignore_ascii_case("logs"));
            found.push(root);
            if !is_logs {
                found.push(below);
            }
        }
        if let Some(logs) = store.map(|store| store.join("logs"))
            && !found.contains(&logs)
        {
            found.push(logs);
        }
        found
    }

    fn path_value(&self, table: &str, variable: &str) -> Option<PathBuf> {
        let value = self.value(&VariablePath {
            table: table.to_owned(),
            variable: variable.to_owned(),
        })?;
        let value = value.trim();
        (!value.is_empty()).then(|| PathBuf::from(value))
    }

    /// Top-level tables of this name.
    fn tables(&self, table: &str) -> impl Iterator<Item = &Section> {
        let named = move |section: &&Section| {
            section.kind == SectionKind::Table && name_in(&self.text, section.element.tag()).as_deref() == Some(table)
        };
        self.index.sections.iter().filter(named)
    }

    /// Where each of these paths stands, in one pass over the file.
    pub(super) fn find<'p>(&self, paths: impl IntoIterator<Item = &'p VariablePath>) -> Found<'_, 'p> {
        let mut found = Found {
            document: self,
            tables: HashMap::new(),
            numbers: HashMap::new(),
            spots: Vec::new(),
        };
        for path in paths {
            found.tables.entry(&path.table).or_default();
            let next = found.spots.len();
            let key = (path.table.as_str(), path.variable.as_str());
            if *found.numbers.entry(key).or_insert(next) == next {
                found.spots.push(Vec::new());
            }
        }
        for section in self
            .index
            .sections
            .iter()
            .filter(|section| section.kind == SectionKind::Table)
        {
            let Some(table) = name_in(&self.text, section.element.tag()) else {
                continue;
            };
            let Some(sections) = found.tables.get_mut(&*table) else {
                continue;
            };
            sections.push(section);
            for spot in self.index.direct(section) {
                let Some(name) = name_in(&self.text, spot.tag()) else {
                    continue;
                };
                let number = found.number(&table, &name);
                if let Some(spots) = number.and_then(|number| found.spots.get_mut(number)) {
                    spots.push(spot);
                }
            }
        }
        found
    }

    /// The raw content of a variable.
    pub(super) fn raw(&self, spot: &Spot) -> &str {
        text_at(&self.text, spot.inner())
    }
}

/// Where paths stand in a document; see [`Document::find`].
pub(super) struct Found<'d, 'p> {
    document: &'d Document,
    tables: HashMap<&'p str, Vec<&'d Section>>,
    /// The place in `spots` of each path.
    numbers: HashMap<(&'p str, &'p str), usize>,
    spots: Vec<Vec<&'d Spot>>,
}

impl<'d> Found<'d, '_> {
    fn number(&self, table: &str, variable: &str) -> Option<usize> {
        self.numbers.get(&(table, variable)).copied()
    }

    /// The top-level tables of this name, one of those that were looked for.
    pub(super) fn tables(&self, table: &str) -> &[&'d Section] {
        self.tables.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every place of one of the paths that were looked for.
    pub(super) fn spots(&self, path: &VariablePath) -> &[&'d Spot] {
        let number = self.number(&path.table, &path.variable);
        number
            .and_then(|number| self.spots.get(number))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The value at one of the paths (the first, where there are duplicates).
    pub(super) fn value(&self, path: &VariablePath) -> Option<String> {
        let spot = self.spots(path).first()?;
        Some(decode(self.document.raw(spot)).text)
    }
}

fn check_size(bytes: usize) -> Result<(), ParseError> {
    if bytes <= LARGEST {
        return Ok(());
    }
    let what = format!("the file has {bytes} bytes; expected a mailserver.cfg of at most {LARGEST} bytes (1 GiB)");
    Err(ParseError {
        position: Position { line: 1, column: 1 },
        what,
        may_be_sound: true,
    })
}

/// How the words begin for a file that may be sound, in another encoding.
const OTHER_TEXT: &str = "the file is UTF-";

/// Files that are something else altogether get one clear line, not an XML error.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    const UTF16: &str = "the file is UTF-16 text, not UTF-8; the mail server writes UTF-8 (was it saved by an editor?)";
    const BINARY: &str = "this is a binary file, not the XML text of a mailserver.cfg";
    match bytes {
        [] => Some("the file is empty; expected `<?xml` or `<config>` (a restore from a backup may be needed)"),
        [0, 0, 0xFE, 0xFF, ..] | [0xFF, 0xFE, 0, 0, ..] => Some("the file is UTF-32 text, not UTF-8"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'<', 0, ..] | [0, b'<', ..] => Some(UTF16),
        [0x1F, 0x8B, ..] => Some("this is a gzip archive, not the XML text of a mailserver.cfg"),
        [b'P', b'K', 3, 4, ..] => Some("this is a zip archive, not the XML text of a mailserver.cfg"),
        _ => {
            let start = bytes.get(..4096).unwrap_or(bytes);
            if start.iter().all(|&b| b == 0) {
                Some(
                    "the file begins with nothing but zero bytes: its contents were lost, as after a crash of the \
                     machine",
                )
            } else if start.contains(&0) {
                Some(BINARY)
            } else if start.iter().all(u8::is_ascii_whitespace) && bytes.iter().all(u8::is_ascii_whitespace) {
                Some("the file has nothing but blanks; expected `<?xml` or `<config>`")
            } else {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Document {
        Document::parse(text.into()).unwrap()
    }

    fn refusal(bytes: &[u8]) -> String {
        Document::parse(bytes.to_vec()).unwrap_err().to_string()
    }

    #[test]
    fn values_names_and_lines_are_read() {
        let text = "\u{FEFF}<config>\r\n<table name='T&amp;'>\r\n<variable name='A'> 1&amp;\r\n2</variable>\r\n<variable name='&#66;'/><variable/></table>\r\n<list name='T&amp;'><listitem><variable name='L'>x</variable></listitem></list></config>";
        let document = parse(text);
        let wanted = |name: &str, value: &str, line| Variable {
            name: name.into(),
            value: value.into(),
            line,
        };
        let variables: Vec<_> = document.variables("T&").collect();
        assert_eq!(variables, [wanted("A", " 1&\n2", 3), wanted("B", "", 5)]);
        assert_eq!(document.as_bytes(), text.as_bytes());
        assert!(document.variables("t&").chain(document.variables("L")).next().is_none());
        assert_eq!(
            document.value(&VariablePath {
                table: "T&".into(),
                variable: "L".into()
            }),
            None
        );
    }

    #[test]
    fn only_variables_directly_in_a_table_are_its_variables() {
        let text = "<config><table name='T'><listitem><variable name='A'>1</variable></listitem><variable \
            name='A'>2<variable name='A'>3</variable></variable></table><variable name='A'/></config>";
        let document = parse(text);
        let values: Vec<_> = document.variables("T").map(|variable| variable.value).collect();
        assert_eq!(values, ["23"]);
        assert!(document.duplicates().is_empty());
    }

    #[test]
    fn duplicates_are_found_whatever_their_spelling_and_quiet_where_there_are_none() {
        let text = "<config>\n<table name='T'><variable name='A'/>\n<variable name='B'/>\n<variable name='&#65;'/></table>\n<table name=\"T\"/>\n<list name='T'/></config>";
        let found = parse(text).duplicates().to_vec();
        let wanted = |variable: Option<&str>, lines: &[u32]| Duplicate {
            table: "T".into(),
            variable: variable.map(Into::into),
            lines: lines.into(),
        };
        assert_eq!(found, [wanted(None, &[2, 5]), wanted(Some("A"), &[2, 4])]);
    }

    #[test]
    fn the_logs_are_where_the_file_says() {
        let places = |inside: &str| {
            let document = parse(&format!("<config>{inside}</config>"));
            let all: Vec<_> = document
                .log_directories()
                .into_iter()
                .map(|path| path.display().to_string())
                .collect();
            assert_eq!(
                document.places().logs.map(|path| path.display().to_string()),
                all.first().cloned()
            );
            all
        };
        let store = "<table name='Directories'><variable name='StoreDir'>/s</variable></table>";
        let root = |root: &str| {
            format!("{store}<table name='LogGlobal'><variable name='RelativePathsRoot'>{root}</variable></table>")
        };
        assert!(places("").is_empty());
        assert_eq!(places(store), ["/s/logs"]);
        assert_eq!(places(&root("")), ["/s/logs"]);
        assert_eq!(places(&root("/l")), ["/l", "/l/logs", "/s/logs"]);
        assert_eq!(places(&root("/s/logs")), ["/s/logs"]);
        assert_eq!(places(&root("/s/logs/")), ["/s/logs/"]);
        assert_eq!(places(&root("mine")), ["/s/mine", "/s/mine/logs", "/s/logs"]);
    }

    #[test]
    fn files_that_are_something_else_get_one_clear_line() {
        let utf16: Vec<u8> = "<config/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b" \r\n", "nothing but blanks"),
            (b"\0\0\0\0\0\0", "zero bytes"),
            (b"\xFF\xFE<\0", "UTF-16"),
            (&utf16, "UTF-16"),
            (b"\x1F\x8B\x08", "gzip"),
            (b"PK\x03\x04", "zip"),
            (b"\x7FELF\x02\x01\0\0", "binary"),
            (b"# a text\n", "not a mailserver.cfg"),
            (b"<config>\n caf\xE9</config>", "line 2, column 5: not UTF-8"),
            (b"<config>\n a\x01</config>", "line 2, column 3: the character U+0001"),
            (
                "<config>\u{FFFE}</config>".as_bytes(),
                "line 1, column 9: the character U+FFFE",
            ),
            (
                "\u{FEFF}\u{FEFF}<config/>".as_bytes(),
                "line 1, column 1: a second byte order mark",
            ),
            ("\u{FEFF}<config>&x;</config>".as_bytes(), "line 1, column 9: `&`"),
        ] {
            let said = refusal(bytes);
            assert!(said.contains(word), "{said}");
            assert_eq!(Document::parse_or_back(bytes.to_vec()).unwrap_err().1, bytes);
        }
    }

    #[test]
    fn a_file_of_more_than_a_gibibyte_is_refused_by_its_size() {
        assert!(check_size(LARGEST).is_ok());
        assert!(check_size(LARGEST + 1).unwrap_err().what.contains("1 GiB"));
    }

    #[test]
    fn the_index_is_small_beside_the_file() {
        assert_eq!(size_of::<Spot>(), 12);
    }

    #[test]
    fn debug_never_prints_a_secret() {
        let printed = format!(
            "{:?}",
            parse("<config><table name='T'><variable name='AdminPassword'>hunter2</variable></table></config>")
                .variables("T")
                .collect::<Vec<_>>()
        );
        assert!(
            printed.contains("AdminPassword") && !printed.contains("hunter2"),
            "{printed}"
        );
    }

    #[test]
    fn what_may_be_sound_is_told_from_what_is_damaged() {
        let may_be_sound = |bytes: &[u8]| Document::parse(bytes.to_vec()).unwrap_err().may_be_sound;
        for sound in [
            &b"<?xml version='1.0' encoding='ISO-8859-1'?><config/>"[..],
            b"<?xml version='1.0' encoding='us-ascii'?><config>\xC3\xA9</config>",
            b"<?xml version='1.1'?><config/>",
            b"<!DOCTYPE config><config/>",
            b"<config xmlns='x'/>",
            b"<config><a:b/></config>",
            b"<config>caf\xE9</config>",
            b"\xFF\xFE<\0",
        ] {
            assert!(may_be_sound(sound), "{}", String::from_utf8_lossy(sound));
        }
        for damaged in [
            &b""[..],
            b"<config>",
            b"\0\0\0",
            b"<config></confi",
            b"<config>\x01</config>",
            b"<config/>x",
        ] {
            assert!(!may_be_sound(damaged), "{}", String::from_utf8_lossy(damaged));
        }
    }
}
