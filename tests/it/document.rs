//! `mailserver_cfg` against other XML parsers: whatever it accepts libxml2 accepts, and after random edits of random
//! documents they see exactly the tree that the edits ask for.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;

use kerio_tls::mailserver_cfg::{Document, Edit, EditError, EditSet, Secrets, VariablePath};
use proptest::prelude::*;

use crate::sample_cfg;

const TABLES: [&str; 4] = ["Security", "SmtpSecurity", "A&B", "Empty"];
const NAMES: [&str; 6] = ["ServerTlsProtocols", "x", "é", "a\"'<", "Key", "DisableEphemeralDH"];

/// (name, value) of each variable of each top-level element, as roxmltree reads them.
type Tree = Vec<(String, Option<String>, Vec<(String, String)>)>;

fn tree(text: &str) -> Tree {
    // roxmltree 0.21 leaves a lone CR before a reference as it is; XML 1.0 section 2.11 makes it LF, and xmllint agrees
    let text = &text.replace("\r\n", "\n").replace('\r', "\n");
    let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("roxmltree: {error}\n{text}"));
    let value = |node: roxmltree::Node<'_, '_>| -> String {
        node.descendants()
            .filter(|n| n.is_text())
            .filter_map(|n| n.text())
            .collect()
    };
    let variables = |section: roxmltree::Node<'_, '_>| {
        let named = section.descendants().filter(|n| n.has_tag_name("variable"));
        named
            .filter_map(|n| Some((n.attribute("name")?.to_owned(), value(n))))
            .collect()
    };
    let sections = document.root_element().children().filter(|n| n.is_element());
    sections
        .map(|s| {
            (
                s.tag_name().name().to_owned(),
                s.attribute("name").map(Into::into),
                variables(s),
            )
        })
        .collect()
}

fn comments(text: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(text).unwrap();
    document
        .descendants()
        .filter(|n| n.is_comment())
        .filter_map(|n| n.text())
        .map(Into::into)
        .collect()
}

/// What the edits ask for, worked out on the tree alone.
fn edited(mut tree: Tree, edits: &EditSet) -> Tree {
    for edit in edits.edits() {
        let (table, variable) = (&edit.path.table, &edit.path.variable);
        if !tree
            .iter()
            .any(|(element, name, _)| element == "table" && name.as_ref() == Some(table))
        {
            tree.push(("table".into(), Some(table.clone()), Vec::new()));
        }
        let found = tree
            .iter_mut()
            .find(|(element, name, _)| element == "table" && name.as_ref() == Some(table));
        let variables = &mut found.unwrap().2;
        let at = variables.iter().position(|(name, _)| name == variable);
        match (at, &edit.new) {
            (Some(at), Some(value)) => variables[at].1 = value.clone(),
            (Some(at), None) => drop(variables.remove(at)),
            (None, Some(value)) => variables.push((variable.clone(), value.clone())),
            (None, None) => {}
        }
    }
    tree
}

fn attribute(name: &str, quote: char) -> String {
    let name = name.replace('&', "&amp;").replace('<', "&lt;");
    if quote == '"' {
        name.replace('"', "&quot;")
    } else {
        name.replace('\'', "&#x27;")
    }
}

#[derive(Debug, Clone)]
struct Habits {
    bom: bool,
    declaration: bool,
    ending: &'static str,
    indent: &'static str,
    quote: char,
}

fn habits() -> impl Strategy<Value = Habits> {
    let ending = prop::sample::select(vec!["\n", "\n", "\r\n", "\r", ""]);
    let indent = prop::sample::select(vec!["  ", "\t", "", " "]);
    (
        any::<bool>(),
        any::<bool>(),
        ending,
        indent,
        prop::sample::select(vec!['"', '\'']),
    )
        .prop_map(|(bom, declaration, ending, indent, quote)| Habits {
            bom,
            declaration,
            ending,
            indent,
            quote,
        })
}

/// Raw contents of a variable, plain or not.
fn raw_value() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "TLSv1.2",
        ",",
        "&amp;",
        "&#13;",
        "&#x9;",
        "\r\n",
        "\r",
        "\n",
        "  ",
        "é",
        "]]",
        ">",
        "<![CDATA[<&>]]>",
        "<![CDATA[]]>",
        "\"'",
        "<!-- c -->",
        "\u{10000}",
        "<i/>",
    ]);
    prop::collection::vec(piece, 0..4).prop_map(|pieces| {
        pieces
            .concat()
            .replace("]]>", "]]&gt;")
            .replace("CDATA[<&>]]&gt;", "CDATA[<&>]]>")
            .replace("CDATA[]]&gt;", "CDATA[]]>")
    })
}

#[derive(Debug, Clone)]
enum Thing {
    Variable { name: &'static str, form: u8, raw: String },
    Remark,
    SameLine,
    Blank,
}

fn thing() -> impl Strategy<Value = Thing> {
    let variable = (prop::sample::select(NAMES.to_vec()), 0..5_u8, raw_value());
    prop_oneof![
        6 => variable.prop_map(|(name, form, raw)| Thing::Variable { name, form, raw }),
        1 => Just(Thing::Remark),
        1 => Just(Thing::SameLine),
        1 => Just(Thing::Blank),
    ]
}

/// Builds the text of a document; tables may be missing, empty, or there twice.
fn document() -> impl Strategy<Value = String> {
    let table = (
        prop::sample::select(TABLES.to_vec()),
        0..4_u8,
        prop::collection::vec(thing(), 0..5),
    );
    (habits(), prop::collection::vec(table, 0..4), 0..3_u8).prop_map(|(habits, tables, lists)| {
        let Habits { bom, declaration, ending, indent, quote: q } = habits;
        let mut text = String::from(if bom { "\u{FEFF}" } else { "" });
        if declaration {
            let _ = write!(text, "<?xml version={q}1.0{q} encoding={q}utf-8{q} ?>{ending}");
        }
        if tables.is_empty() && lists == 2 {
            let _ = write!(text, "<config />{ending}<!-- end -->");
            return text;
        }
        let _ = write!(text, "<!-- head -->{ending}<config>{ending}");
        for (name, form, things) in &tables {
            let name = attribute(name, q);
            if things.is_empty() && *form == 0 {
                let _ = write!(text, "{indent}<table name = {q}{name}{q} />{ending}");
                continue;
            }
            let _ = write!(text, "{indent}<table name={q}{name}{q}>");
            let mut lead = format!("{ending}{indent}{indent}");
            for thing in things {
                match thing {
                    Thing::Remark => {
                        let _ = write!(text, "{lead}<!-- remark -->");
                    }
                    Thing::SameLine => lead = " ".into(),
                    Thing::Blank => text.push_str(ending),
                    Thing::Variable { name, form, raw } => {
                        let name = attribute(name, q);
                        text.push_str(&lead);
                        lead = format!("{ending}{indent}{indent}");
                        let _ = match form {
                            0 => write!(text, "<variable name={q}{name}{q}/>"),
                            1 => write!(text, "<variable  name = {q}{name}{q} />"),
                            2 => write!(text, "<variable x='>' name={q}{name}{q} >{raw}</variable > <!-- of {form} -->"),
                            _ => write!(text, "<variable name={q}{name}{q}>{raw}</variable>"),
                        };
                    }
                }
            }
            let _ = match form {
                1 => write!(text, "</table>{ending}"),
                _ => write!(text, "{ending}{indent}</table >{ending}"),
            };
        }
        for list in 0..lists {
            let _ = write!(
                text,
                "{indent}<list name={q}L{list}{q} identityCounter={q}1{q}><listitem><variable name={q}x{q}>1</variable></listitem></list>{ending}"
            );
        }
        text.push_str("</config>");
        text.push_str(ending);
        text
    })
}

type Wish = (&'static str, &'static str, Option<String>);

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let value = prop_oneof![
        3 => prop::sample::select(vec!["", "1", "TLSv1.2,TLSv1.3", "a\r\nb", " <&>\t\"' ", "]]>", "&amp;", "é\u{10000}"]).prop_map(|v| Some(v.to_owned())),
        1 => "(?s).{0,8}".prop_map(Some),
        2 => Just(None),
    ];
    let one = (
        prop::sample::select(TABLES.to_vec()),
        prop::sample::select(NAMES.to_vec()),
        value,
    );
    prop::collection::vec(one, 0..5)
}

fn path(table: &str, variable: &str) -> VariablePath {
    VariablePath {
        table: table.into(),
        variable: variable.into(),
    }
}

fn edits(document: &Document, wishes: Vec<Wish>) -> EditSet {
    EditSet::new(wishes.into_iter().map(|(table, variable, new)| {
        let path = path(table, variable);
        Edit {
            base: document.value(&path),
            path,
            new,
        }
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_random_edits_another_parser_sees_exactly_what_was_asked(text in document(), wishes in wishes()) {
        let old = Document::parse(text.clone().into_bytes()).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        let old = Arc::new(old);
        let before = tree(&text);
        for (element, name, variables) in &before {
            if element == "table" && before.iter().filter(|s| s.0 == "table" && &s.1 == name).count() == 1 {
                let ours: Vec<_> = old.variables(name.as_ref().unwrap()).map(|v| (v.name, v.value)).collect();
                prop_assert_eq!(&ours, variables);
            }
        }
        let edits = edits(&old, wishes);
        match old.render(&edits) {
            Ok(rendered) => {
                let new = String::from_utf8(rendered.clone()).unwrap();
                prop_assert_eq!(tree(&new), edited(before, &edits), "{}\n{}", text, new);
                let kept = comments(&text);
                prop_assert_eq!(comments(&new), kept, "{}\n{}", text, new);
                let proven = old.verify(&edits, rendered.clone()).map_err(|e| TestCaseError::fail(format!("{e}\n{text}\n{new}")))?;
                prop_assert_eq!(proven.as_bytes(), &rendered[..]);
                prop_assert_eq!(proven.rebase(&edits).already, edits.edits());
                prop_assert_eq!(old.rebase(&edits).apply, edits.clone());
                let (changes, count) = old.changes_to(&proven, &Secrets::default(), usize::MAX);
                prop_assert_eq!(changes.len(), count);
                prop_assert_eq!(count == 0, edits.is_empty(), "{:?}", changes);
                let made = old.prove(&edits).unwrap();
                prop_assert_eq!(made.result().as_bytes(), &rendered[..]);
                let diff = made.diff(&Secrets::default(), 2);
                prop_assert_eq!(diff.is_empty(), edits.is_empty());
                if edits.is_empty() {
                    prop_assert_eq!(new, text);
                }
            }
            Err(EditError::Duplicate { path, lines }) => {
                prop_assert!(lines.len() > 1);
                prop_assert!(old.duplicates().iter().any(|d| *d.table == *path.table && d.lines == lines));
            }
            Err(EditError::NotPlain { path, .. }) => {
                prop_assert!(text.contains("<i/>") || text.contains("<!-- c -->"), "{path}");
            }
            Err(EditError::NotXml { character, .. }) => {
                prop_assert!(!(0x20..0xFFFE).contains(&character));
            }
            Err(other) => return Err(TestCaseError::fail(format!("{other}\n{text}"))),
        }
    }

    #[test]
    fn undoing_an_addition_beside_others_gives_the_same_bytes(text in document(), value in "[a-z<\n]{0,5}") {
        let old = Document::parse(text.into_bytes()).unwrap();
        for table in TABLES {
            if old.variables(table).next().is_none() || old.duplicates().iter().any(|d| *d.table == *table) {
                continue;
            }
            let add = EditSet::new([Edit { path: path(table, "New"), base: None, new: Some(value.clone()) }]);
            let added = Document::parse(old.render(&add).unwrap()).unwrap();
            let undone = added.render(&add.inverse()).unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&undone), String::from_utf8_lossy(old.as_bytes()));
        }
    }

    #[test]
    fn damaged_documents_never_panic_and_are_accepted_only_where_another_parser_does(
        text in document(),
        at in any::<prop::sample::Index>(),
        cut in 0..6_usize,
        put in prop::sample::select(vec!["", "<", ">", "&", "\"", "'", "/", "]]>", "--", "<!--", "<![CDATA[", "<?x ?>", "\0", "\u{1}", "\u{FFFE}", "&#0;", "<a>", "</a>", "<config>", "</config>", "x=\"1\"", " ", "<!DOCTYPE a>", "\u{FEFF}", "é", ":"]),
    ) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put.bytes());
        if let Ok(document) = Document::parse(bytes.clone()) {
            let text = std::str::from_utf8(&bytes).unwrap();
            let other = roxmltree::Document::parse(text);
            prop_assert!(other.is_ok(), "{:?}\n{}", other.err(), text);
            let _ = document.changes_to(&document, &Secrets::default(), 1);
        }
    }

    #[test]
    fn bytes_of_any_kind_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Document::parse(bytes).is_err());
    }
}

/// Has everything in it that makes reading hard.
const RICH: &str = "\u{FEFF}<?xml version='1.0' encoding=\"utf-8\" standalone='no'?>\r\n<!-- a - b -->\r\n<?php echo ?>\r\n<config a=\"&quot;>'\"\r\n>\r\n  <table name='Security' >\r\n    <variable name=\"A\">x&lt;&#x41;<![CDATA[<&]]]]><![CDATA[>]]>y</variable >\r\n    <variable\tname = 'B' />\r\n    <!-- é --> <variable name='C'>\r\n</variable>\r\n  </table>\r\n  <list name=\"L\" identityCounter='1'><listitem><variable name=\"Id\">1</variable></listitem></list>\r\n</config >";

#[test]
fn a_document_cut_off_at_any_byte_is_refused() {
    assert!(Document::parse(RICH.into()).is_ok());
    for text in [RICH, sample_cfg::build(6000, 1).trim_end()] {
        for length in 0..text.len() {
            let cut = text.as_bytes()[..length].to_vec();
            let error = Document::parse(cut).expect_err("a truncated file was accepted");
            assert!(error.position.line >= 1 && error.position.column >= 1);
        }
    }
}

#[test]
fn any_flipped_bit_is_refused_or_harmless_to_another_parser() {
    for at in 0..RICH.len() {
        for bit in 0..8 {
            let mut bytes = RICH.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            if Document::parse(bytes.clone()).is_ok() {
                let text = std::str::from_utf8(&bytes).unwrap();
                assert!(roxmltree::Document::parse(text).is_ok(), "byte {at} bit {bit}\n{text}");
            }
        }
    }
}

#[test]
fn whatever_is_accepted_xmllint_accepts() {
    let directory = tempfile::tempdir().unwrap();
    let mut numbers = sample_cfg::Numbers(7);
    let tokens = [
        "<", ">", "&", "\"", "]]>", "--", "<!-- -->", "<?x ?>", "&#xFFFE;", "&#9;", "<a/>", "</a>", " x='1'", ":", "é",
        "", "/",
    ];
    let sample = sample_cfg::build(3000, 3);
    let mut accepted = Vec::new();
    let mut tried = 0;
    while accepted.len() < 600 && tried < 40_000 {
        tried += 1;
        let base = if numbers.below(2) == 0 { RICH } else { &sample };
        let mut bytes = base.as_bytes().to_vec();
        for _ in 0..=numbers.below(2) {
            let at = numbers.below(bytes.len() as u64) as usize;
            let end = (at + numbers.below(4) as usize).min(bytes.len());
            let token = tokens[numbers.below(tokens.len() as u64) as usize];
            bytes.splice(at..end, token.bytes());
        }
        if Document::parse(bytes.clone()).is_ok() {
            let file = directory.path().join(format!("{tried}.xml"));
            std::fs::write(&file, &bytes).unwrap();
            accepted.push(file);
        }
    }
    assert!(
        accepted.len() >= 300,
        "only {} of {tried} mutations were accepted: the test has lost its grip",
        accepted.len()
    );
    xmllint_accepts(&accepted);
}

#[test]
fn a_realistic_file_reads_the_same_in_another_parser_and_survives_an_edit() {
    let text = sample_cfg::build(300_000, 5);
    let old = Document::parse(text.clone().into()).unwrap();
    assert!(old.duplicates().is_empty());
    for (element, name, variables) in tree(&text) {
        let name = name.unwrap();
        let ours: Vec<_> = old.variables(&name).map(|v| (v.name, v.value)).collect();
        assert_eq!(ours, if element == "table" { variables } else { Vec::new() }, "{name}");
    }
    let new = Some("TLSv1.2".to_owned());
    let edits = EditSet::new([Edit {
        path: path("Security", "ServerTlsProtocols"),
        base: None,
        new,
    }]);
    let rendered = old.render(&edits).unwrap();
    let line = "    <variable name=\"ServerTlsProtocols\">TLSv1.2</variable>\n";
    let at = text.find("    <variable name=\"Policy\"></variable>\n").unwrap()
        + "    <variable name=\"Policy\"></variable>\n".len();
    assert_eq!(
        String::from_utf8(rendered).unwrap(),
        format!("{}{line}{}", &text[..at], &text[at..])
    );
}

#[test]
fn no_secret_of_a_file_is_in_any_diff_change_error_or_debug_output() {
    let token = "t0psecret";
    let text = format!(
        "<config>\n  <table name=\"Security\">\n    <!-- old password {token} -->\n    <variable name=\"AdminPassword\">{token}\nsecond {token}</variable>\n    <variable name=\"A\">1</variable>\n    <variable name=\"B\" secret='{token}'>D3S:{token}</variable>\n    <PrivateKey>{token}</PrivateKey>\n    <variable name=\"SmtpSecret\"><![CDATA[{token}]]></variable>\n  </table>\n</config>\n"
    );
    let old = Arc::new(Document::parse(text.clone().into()).unwrap());
    let edit = |name: &str, base: &str, new: &str| Edit {
        path: path("Security", name),
        base: Some(base.into()),
        new: Some(new.into()),
    };
    let edits = EditSet::new([
        edit("A", "1", "2"),
        edit("SmtpSecret", token, &format!("new {token}")),
        edit("B", &format!("D3S:{token}"), &format!("SHA:{token}")),
    ]);
    let made = old.prove(&edits).unwrap();
    let diff = made.diff(&Secrets::default(), 10);
    let new = Document::parse(old.render(&edits).unwrap()).unwrap();
    let changes = old.changes_to(&new, &Secrets::default(), 10);
    let stale = new.render(&edits).unwrap_err();
    let mut said = format!(
        "{diff:?} {changes:?} {stale} {stale:?} {old:?} {made:?} {edits:?} {:?}",
        old.rebase(&edits.inverse())
    );
    for length in 0..text.len() {
        for damage in ["", "\u{1}", "<", "&", "\"", "</x>"] {
            let broken = format!(
                "{}{damage}{}",
                &text[..length],
                &text[(length + damage.len()).min(text.len())..]
            );
            if let Err(error) = Document::parse(broken.into()) {
                let _ = write!(said, "{error} {error:?}");
            }
        }
        if let Err(error) = Document::parse(text[..length].into()) {
            let _ = write!(said, "{error} {error:?}");
        }
    }
    assert!(said.contains("(hidden)"));
    assert!(
        !said.contains(token),
        "{}",
        &said[said.find(token).unwrap().saturating_sub(200)..][..220]
    );
}

/// A file whose `Security` table holds what is given, on as many lines or as few as that has.
fn with_security(inside: &str) -> Arc<Document> {
    let text = format!("<config>\n<table name=\"Security\">{inside}</table>\n</config>\n");
    Arc::new(Document::parse(text.into()).unwrap())
}

fn edit(table: &str, variable: &str, base: Option<&str>, new: Option<&str>) -> Edit {
    Edit {
        path: path(table, variable),
        base: base.map(Into::into),
        new: new.map(Into::into),
    }
}

const MANY: usize = 100_000;

// None of the tests below asserts a time. What costs n² takes minutes or fills the memory at these sizes.

#[test]
fn a_hundred_thousand_duplicates_cost_what_as_many_variables_cost() {
    let one_name = "<variable name=\"V\">x</variable>\n".repeat(MANY);
    let document = with_security(&one_name);
    let [duplicate] = document.duplicates() else {
        panic!("{} names", document.duplicates().len())
    };
    assert_eq!((duplicate.lines.len(), duplicate.lines.last()), (MANY, Some(&100_001)));
    let edits = EditSet::new([edit("Security", "V", Some("x"), Some("y"))]);
    let error = document.prove(&edits).unwrap_err().to_string();
    assert!(error.len() < 200 && error.contains("99992 more"), "{error}");

    let twice: String = (0..MANY / 2)
        .map(|n| format!("<variable name=\"V{n}\">x</variable>\n"))
        .collect();
    let document = with_security(&twice.repeat(2));
    assert_eq!(document.duplicates().len(), MANY / 2);
    assert_eq!(document.duplicates()[1].lines, [3, 50_003]);
    let added = EditSet::new([edit("Security", "New", None, Some("y"))]);
    let proven = document.prove(&added).unwrap();
    assert_eq!(document.changes_to(proven.result(), &Secrets::default(), 5).1, 1);
}

#[test]
fn a_hundred_thousand_tables_on_one_line_take_an_edit() {
    for name in ["\"T\"", "\"T{n}\""] {
        let tables: String = (0..MANY)
            .map(|n| format!("<table name={}/>", name.replace("{n}", &n.to_string())))
            .collect();
        let text = format!("<config>{tables}<table name='Security'/></config>");
        let document = Arc::new(Document::parse(text.into()).unwrap());
        let edits = EditSet::new([
            edit("Security", "A", None, Some("1")),
            edit("SmtpSecurity", "A", None, Some("1")),
        ]);
        let proven = document.prove(&edits).unwrap();
        let diff = proven.diff(&Secrets::default(), 3);
        assert!(diff.iter().all(|line| line.text.chars().count() <= 400));
        let (changes, count) = document.changes_to(proven.result(), &Secrets::default(), 1);
        assert_eq!((changes.len(), count), (1, 2));
        assert_eq!(proven.result().rebase(&edits).already.len(), 2);
    }
}

#[test]
fn hundreds_of_thousands_of_variables_take_thousands_of_edits() {
    let variables: String = (0..3 * MANY)
        .map(|n| format!("<variable name=\"V{n}\">x</variable>\n"))
        .collect();
    let document = with_security(&variables);
    assert!(document.duplicates().is_empty());
    assert_eq!(document.variables("Security").count(), 3 * MANY);
    let names: Vec<String> = (0..3_000).map(|n| format!("V{}", n * 97)).collect();
    let edits = EditSet::new(names.iter().map(|name| edit("Security", name, Some("x"), Some("y"))));
    let proven = document.prove(&edits).unwrap();
    assert_eq!(proven.diff(&Secrets::default(), 1).len(), 12_000);
    assert_eq!(document.changes_to(proven.result(), &Secrets::default(), 5).1, 3_000);
    assert_eq!(document.rebase(&edits).apply, edits);
    assert_eq!(proven.result().rebase(&edits).already.len(), 3_000);
}

#[test]
fn what_is_shown_of_a_value_and_a_name_of_a_hundred_megabytes_is_short() {
    let long = "x\u{1bca0}".repeat(20_000_000);
    let document = with_security(&format!(
        "<variable name=\"A\">{long}</variable>\n<variable name=\"B\"/>"
    ));
    let value = document.value(&path("Security", "A")).unwrap();
    assert_eq!(value.len(), long.len());
    let edits = EditSet::new([edit("Security", "A", Some(&value), Some("1"))]);
    let proven = document.prove(&edits).unwrap();
    let mut shown: Vec<String> = proven
        .diff(&Secrets::default(), 2)
        .into_iter()
        .map(|line| line.text)
        .collect();
    for change in document.changes_to(proven.result(), &Secrets::default(), 9).0 {
        shown.extend([Some(change.place), change.old, change.new].into_iter().flatten());
    }
    shown.push(format!(
        "{edits:?}{:?}",
        document.variables("Security").collect::<Vec<_>>()
    ));
    shown.push(
        document
            .rebase(&edits.inverse())
            .conflicts
            .iter()
            .map(|c| format!("{c:?}"))
            .collect(),
    );
    assert!(
        shown
            .iter()
            .all(|text| text.len() < 10_000 && !text.contains('\u{1bca0}'))
    );
}

#[test]
fn a_long_name_of_a_table_is_not_copied_for_each_of_its_variables() {
    let name = "n".repeat(1_000_000);
    let variables = |value: &str| -> String {
        let twice = (0..MANY).map(|n| format!("<variable name=\"V{}\">{value}</variable>\n", n / 2));
        twice.collect()
    };
    let file = |value: &str| {
        let inside = variables(value);
        let text =
            format!("<config><table name=\"{name}\">{inside}</table><list name=\"{name}\">{inside}</list></config>");
        Document::parse(text.into()).unwrap()
    };
    let (old, new) = (file("1"), file("2"));
    assert_eq!(old.duplicates().len(), MANY / 2);
    let (changes, count) = old.changes_to(&new, &Secrets::default(), 1000);
    assert_eq!((changes.len(), count), (1000, 2 * MANY));
    assert!(changes.iter().all(|change| change.place.chars().count() <= 300));
}

#[test]
fn names_and_values_of_a_stranger_are_shown_safely_wherever_they_are_quoted() {
    let odd = "\u{202e}\u{9b}\u{3164}e\u{301}\u{301}\u{301}\u{301}\u{301}";
    let document = Arc::new(
        Document::parse(
            format!("<config>\n<table name='T{odd}'><variable name='V{odd}'>{odd}</variable>\n<b{odd} c='{odd}'/></table></config>")
                .replace("<b\u{202e}\u{9b}\u{3164}", "<b")
                .into(),
        )
        .unwrap(),
    );
    let table = format!("T{odd}");
    let variable = format!("V{odd}");
    let edits = EditSet::new([edit(&table, &variable, Some(odd), Some(&odd.repeat(2)))]);
    let proven = document.prove(&edits).unwrap();
    let mut shown: Vec<String> = proven
        .diff(&Secrets::default(), 2)
        .into_iter()
        .map(|line| line.text)
        .collect();
    for change in document.changes_to(proven.result(), &Secrets::default(), 9).0 {
        shown.extend([Some(change.place), change.old, change.new].into_iter().flatten());
    }
    shown.push(proven.result().render(&edits).unwrap_err().to_string());
    shown.push(edits.edits()[0].path.to_string());
    for text in &shown {
        assert!(!text.chars().any(kerio_tls::hostile::is_hidden), "{text:?}");
        assert!(!text.contains("\u{301}\u{301}\u{301}\u{301}\u{301}"), "{text:?}");
    }
    assert!(
        shown.iter().any(|text| text.contains("\\u{202e}\\u{9b}\\u{3164}e")),
        "{shown:?}"
    );
}

#[test]
fn a_file_that_declares_itself_ascii_is_read_under_any_of_its_names_and_stays_ascii() {
    let directory = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in [
        "us-ascii",
        "ASCII",
        "US-ASCII",
        "ANSI_X3.4-1968",
        "ISO646-US",
        "cp367",
        "utf8",
    ] {
        let text = format!(
            "<?xml version='1.0' encoding='{name}'?>\n<config><table name='Security'><variable name='A'>1</variable></table></config>"
        );
        let document = Document::parse(text.clone().into()).unwrap();
        let edits = EditSet::new([
            edit("Security", "A", Some("1"), Some("é\u{10000}")),
            edit("Security", "ö", None, Some("2")),
            edit("Ü", "ö", None, Some("3")),
        ]);
        let rendered = document.render(&edits).unwrap();
        let new = document.verify(&edits, rendered.clone()).unwrap();
        assert_eq!(rendered.is_ascii(), name != "utf8", "{name}");
        assert_eq!(new.value(&path("Security", "A")).as_deref(), Some("é\u{10000}"));
        files.push(directory.path().join(format!("{name}.xml")));
        std::fs::write(files.last().unwrap(), rendered).unwrap();
        if name != "utf8" {
            let error = Document::parse(text.replace(">1<", ">\u{e9}<").into()).unwrap_err();
            assert_eq!((error.position.line, error.position.column), (2, 51), "{error}");
            assert!(error.what.contains("beyond ASCII"), "{error}");
        }
    }
    xmllint_accepts(&files);
}

#[test]
fn names_beyond_ascii_are_those_that_libxml2_takes() {
    let directory = tempfile::tempdir().unwrap();
    let borders = [
        0xb7, 0xc0, 0xd6, 0xd7, 0xd8, 0xf6, 0xf7, 0x2ff, 0x300, 0x36f, 0x370, 0x37d, 0x37e, 0x37f, 0x1fff, 0x2000,
        0x200b, 0x200c, 0x200d, 0x200e, 0x203f, 0x2040, 0x2041, 0x2070, 0x218f, 0x2190, 0x2bff, 0x2c00, 0x2fef, 0x2ff0,
        0x3001, 0xd7ff, 0xf8ff, 0xf900, 0xfdcf, 0xfdd0, 0xfdf0, 0xfffd, 0x10000, 0xeffff, 0xf0000,
    ];
    let mut accepted = Vec::new();
    for code in borders {
        let c = char::from_u32(code).unwrap();
        for name in [format!("{c}"), format!("a{c}")] {
            let text = format!("<config><{name} {name}=''/></config>");
            let ours = Document::parse(text.clone().into()).is_ok();
            let file = directory.path().join(format!("{code:x}-{}.xml", name.len()));
            std::fs::write(&file, &text).unwrap();
            if ours {
                accepted.push(file);
            } else {
                let output = Command::new("xmllint").arg("--noout").arg(&file).output().unwrap();
                assert!(!output.status.success(), "xmllint takes U+{code:04X} in {name:?}");
            }
        }
    }
    assert!(accepted.len() > 40);
    xmllint_accepts(&accepted);
}

fn xmllint_accepts(files: &[std::path::PathBuf]) {
    let output = Command::new("xmllint")
        .args(["--noout", "--nonet"])
        .args(files)
        .output();
    let output =
        output.unwrap_or_else(|error| panic!("xmllint: {error}; install it with: apt-get install libxml2-utils"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
