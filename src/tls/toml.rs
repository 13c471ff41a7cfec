//! The catalogue as text: the shape of `[[variable]]`, and errors with line and column.

use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::certainty::Certainty;
use super::role::{CatalogueVariable, Role, ValueKind};
use super::version::{Direction, TlsVersion};
use super::words::shown;

/// Why preferences could not extend the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CatalogueError(pub String);

/// A text with `[[variable]]` tables; its other keys belong to other rooms.
#[derive(Deserialize)]
struct File<T> {
    #[serde(default = "Vec::new")]
    variable: Vec<T>,
}

/// A row of the shipped catalogue: everything must be there but the name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Shipped {
    direction: Where,
    #[serde(deserialize_with = "role")]
    role: Role,
    #[serde(default, deserialize_with = "some_name")]
    name: Option<String>,
    name_sure: Sure,
    kind: KindWord,
    #[serde(default)]
    values: Vec<(String, String)>,
    default: Option<String>,
    separator: Option<String>,
    versions: String,
    title: String,
    help: String,
    source: String,
}

/// A row of the preferences: direction, role and name, and whatever is to differ.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Override {
    direction: Where,
    #[serde(deserialize_with = "role")]
    role: Role,
    #[serde(deserialize_with = "name")]
    name: String,
    kind: Option<KindWord>,
    #[serde(default)]
    values: Vec<(String, String)>,
    default: Option<String>,
    separator: Option<String>,
    versions: Option<String>,
    title: Option<String>,
    help: Option<String>,
    source: Option<String>,
    #[serde(default, deserialize_with = "words")]
    words: Vec<(TlsVersion, String)>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Where {
    Inbound,
    Outbound,
    Both,
}

impl Where {
    const fn directions(self) -> &'static [Direction] {
        match self {
            Self::Inbound => &[Direction::Inbound],
            Self::Outbound => &[Direction::Outbound],
            Self::Both => &Direction::ALL,
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sure {
    Assumed,
    Documented,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindWord {
    Boolean,
    OneOf,
    ProtocolWords,
    ProtocolWord,
    CipherString,
}

impl KindWord {
    fn with(self, values: Vec<(String, String)>) -> ValueKind {
        match self {
            Self::Boolean => ValueKind::Boolean,
            Self::OneOf => ValueKind::OneOf(values),
            Self::ProtocolWords => ValueKind::ProtocolWords,
            Self::ProtocolWord => ValueKind::ProtocolWord,
            Self::CipherString => ValueKind::CipherString,
        }
    }
}

fn role<'de, D: Deserializer<'de>>(d: D) -> Result<Role, D::Error> {
    let token = String::deserialize(d)?;
    Role::from_token(&token).ok_or_else(|| {
        let known = Role::ALL.map(Role::token).join(", ");
        de::Error::custom(format!("unknown role {:?}: it is one of {known}", shown(&token)))
    })
}

fn name<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let name = String::deserialize(d)?;
    if name.is_empty() || name.len() > 200 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(de::Error::custom(
            "a variable's name has 1 to 200 bytes and no blanks or control characters",
        ));
    }
    Ok(name)
}

/// The value for each version: `[["tls1.2", "TLSv1.2"]]`.
fn words<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<(TlsVersion, String)>, D::Error> {
    let words = Vec::<(String, String)>::deserialize(d)?.into_iter();
    let read = |(token, word): (String, String)| match TlsVersion::from_token(&token) {
        Some(version) if !word.is_empty() && word.len() <= 200 && !word.contains(char::is_control) => {
            Ok((version, word))
        }
        _ => Err(de::Error::custom(format!(
            "words: {:?} is no version with its value",
            shown(&token)
        ))),
    };
    words.map(read).collect()
}

fn some_name<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    name(d).map(Some)
}

/// The rows of the shipped catalogue, one for each direction that a table names.
pub(super) fn shipped(text: &str) -> Result<Vec<CatalogueVariable>, CatalogueError> {
    let mut rows = Vec::new();
    for v in parse::<Shipped>(text)? {
        for direction in v.direction.directions() {
            rows.push(CatalogueVariable {
                direction: *direction,
                role: v.role,
                name: v.name.clone(),
                name_sure: match v.name_sure {
                    Sure::Assumed => Certainty::Assumed,
                    Sure::Documented => Certainty::Documented,
                },
                kind: v.kind.with(v.values.clone()),
                default: v.default.clone(),
                separator: v.separator.clone().unwrap_or_else(|| ",".to_owned()),
                versions: v.versions.clone(),
                title: v.title.clone(),
                help: v.help.clone(),
                source: v.source.clone(),
                words: Vec::new(),
            });
        }
    }
    Ok(rows)
}

/// The overrides of the preferences, in their order.
pub(super) fn overrides(text: &str) -> Result<Vec<Override>, CatalogueError> {
    parse(text)
}

fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> Result<Vec<T>, CatalogueError> {
    match toml_edit::de::from_str::<File<T>>(text) {
        Ok(file) => Ok(file.variable),
        Err(error) => {
            let message = error.message().trim().replace('\n', "; ");
            let place = error.span().map_or_else(String::new, |span| place(text, span.start));
            Err(CatalogueError(format!("{place}{message}")))
        }
    }
}

/// `line 3, column 8: ` for a byte offset, both from 1, columns in characters.
fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        .saturating_add(1);
    format!("line {line}, column {column}: ")
}

impl Override {
    /// What [`super::Catalogue::confirm`] lays over the catalogue.
    pub(super) fn naming(inbound: bool, role: Role, name: &str) -> Self {
        Self {
            direction: if inbound { Where::Inbound } else { Where::Outbound },
            role,
            name: name.to_owned(),
            kind: None,
            values: Vec::new(),
            default: None,
            separator: None,
            versions: None,
            title: None,
            help: None,
            source: None,
            words: Vec::new(),
        }
    }

    pub(super) const fn directions(&self) -> &'static [Direction] {
        self.direction.directions()
    }

    pub(super) const fn role(&self) -> Role {
        self.role
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Lays this over a row: what is not said stays.
    pub(super) fn apply(&self, row: &mut CatalogueVariable) {
        row.name = Some(self.name.clone());
        row.name_sure = Certainty::Given;
        if let Some(kind) = self.kind {
            row.kind = kind.with(self.values.clone());
        } else if !self.values.is_empty() {
            row.kind = ValueKind::OneOf(self.values.clone());
        } else if row.role != self.role {
            row.kind = ValueKind::usual(self.role);
        }
        let lay = |over: &Option<String>, onto: &mut String| {
            if let Some(text) = over {
                onto.clone_from(text);
            }
        };
        if self.default.is_some() {
            row.default.clone_from(&self.default);
        }
        lay(&self.separator, &mut row.separator);
        lay(&self.versions, &mut row.versions);
        lay(&self.title, &mut row.title);
        lay(&self.help, &mut row.help);
        if !self.words.is_empty() {
            row.words.clone_from(&self.words);
        }
        row.source = self
            .source
            .clone()
            .unwrap_or_else(|| "You named it in kerio-tls.toml.".to_owned());
    }
}

/// The `[[variable]]` table that makes [`super::Catalogue::confirm`] last: to be appended to `kerio-tls.toml`.
#[must_use]
pub fn confirmed_toml(direction: Direction, name: &str, role: Role) -> String {
    exported_toml(direction, name, role, &[])
}

/// The same with the values that were seen.
#[must_use]
pub fn exported_toml(direction: Direction, name: &str, role: Role, words: &[(TlsVersion, String)]) -> String {
    let mut table = toml_edit::Table::new();
    table.insert("direction", toml_edit::value(direction.token()));
    table.insert("role", toml_edit::value(role.token()));
    table.insert("name", toml_edit::value(name));
    if !words.is_empty() {
        let pair =
            |(version, word): &(TlsVersion, String)| toml_edit::Array::from_iter([version.token(), word.as_str()]);
        let words: toml_edit::Array = words.iter().map(pair).collect();
        table.insert("words", toml_edit::value(words));
    }
    let mut tables = toml_edit::ArrayOfTables::new();
    tables.push(table);
    let mut document = toml_edit::DocumentMut::new();
    document.insert("variable", toml_edit::Item::ArrayOfTables(tables));
    document.to_string()
}
