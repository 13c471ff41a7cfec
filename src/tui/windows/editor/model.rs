//! What is ticked, marked or typed in an editor, and what applying it would ask for. Nothing here reaches the file:
//! applying changes the session's draft, which the review shows before anything is written.

use std::collections::BTreeSet;

use crate::session::{Session, VariablePath, VariableRow};
use crate::tls::{
    CipherCheck, Direction, Pair, PlanError, Preset, Role, TlsVersion, ValueKind, check_ciphers, listed_protocols,
    protocol_word,
};
use crate::tui::variable_words::not_editable;
use crate::tui::widgets::scroll::Scroll;
use crate::tui::widgets::text_line::{LONGEST, TextLine};

/// A value that can be picked, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// As it is written.
    pub value: String,
    /// In words.
    pub meaning: String,
}

/// What is being edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// Check boxes of protocols.
    Protocols {
        /// What is ticked.
        ticked: BTreeSet<TlsVersion>,
        /// What was ticked when it was opened.
        before: BTreeSet<TlsVersion>,
        /// `SSLv2` stands in the list.
        ssl2: bool,
        /// Words of the list that are no protocol.
        others: Vec<String>,
    },
    /// One of several values.
    Picks(Vec<Pick>),
    /// A text with presets.
    Ciphers {
        /// The text.
        line: TextLine,
        /// What it comes to: kept, because looking for what a misspelt word was meant to be costs a millisecond.
        check: Box<CipherCheck>,
    },
}

/// Something in an editor that can have the focus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// A protocol's box.
    Protocol(TlsVersion),
    /// A value of [`Field::Picks`].
    Pick(usize),
    /// The text.
    Text,
    /// A misspelt word (bytes of the text) and what was meant.
    Fix(usize, usize, &'static str),
    /// A preset of [`Preset::ALL`].
    Preset(usize),
    /// Delete the variable: the server's default.
    Default,
}

/// What applying would want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Exactly these protocols.
    Protocols(Vec<TlsVersion>),
    /// This value.
    Value(String),
    /// No variable.
    Delete,
}

/// The editor of one variable of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor {
    /// Which table.
    pub direction: Direction,
    /// What the variable is for.
    pub role: Role,
    /// Its row of the list.
    pub row: Box<VariableRow>,
    /// What is being edited.
    pub field: Field,
    /// The value as wanted when it was opened.
    pub now: Option<String>,
    /// No other variable of the table plays the role too.
    pub alone: bool,
    /// Which of [`Editor::stops`] has the focus.
    pub focus: usize,
    /// First row shown of the text below.
    pub scroll: Scroll,
    /// The last Enter could not be taken.
    pub refused: bool,
}

/// More misspelt words than these are not offered one by one.
const FIXES: usize = 3;

impl Field {
    /// A cipher string that is being typed.
    #[must_use]
    pub fn ciphers(line: TextLine) -> Self {
        let check = Box::new(check_ciphers(&line.text()));
        Self::Ciphers { line, check }
    }
}

impl Editor {
    /// The editor of a row; `None`: it has none (see [`not_editable`]).
    #[must_use]
    pub fn open(session: &Session, direction: Direction, row: &VariableRow) -> Option<Self> {
        let known = row.known.as_ref()?;
        if not_editable(row).is_some() {
            return None;
        }
        // Where several variables play the role, the row's own value is shown.
        let own = |pairs: Vec<Pair>| {
            let mine = |pair: &&Pair| row.path.as_ref().is_some_and(|path| path.variable == pair.name);
            pairs
                .iter()
                .find(mine)
                .or_else(|| pairs.first())
                .map(|pair| pair.value.clone())
        };
        let pairs = session.wanted().role_pairs(direction, known.role);
        let secrets = session.secrets();
        let secret = |pair: &Pair| {
            let path = VariablePath {
                table: direction.table().to_owned(),
                variable: pair.name.clone(),
            };
            secrets.is_secret_at(&path, &pair.value)
        };
        if pairs.iter().any(|pair| pair.value.len() > LONGEST || secret(pair)) {
            return None;
        }
        let alone = pairs.len() < 2;
        let now = own(pairs);
        let loaded = own(session.loaded().role_pairs(direction, known.role)).unwrap_or_default();
        let field = match &known.kind {
            ValueKind::ProtocolWords => protocols(now.as_deref().unwrap_or("")),
            ValueKind::ProtocolWord => Field::Picks(minimum_words(&loaded)),
            ValueKind::Boolean => Field::Picks(switches(known.role)),
            ValueKind::OneOf(values) => Field::Picks(
                values
                    .iter()
                    .map(|(value, meaning)| Pick {
                        value: value.clone(),
                        meaning: meaning.clone(),
                    })
                    .collect(),
            ),
            ValueKind::CipherString => Field::ciphers(TextLine::new(now.as_deref().unwrap_or(""))),
        };
        let mut editor = Self {
            direction,
            role: known.role,
            row: Box::new(row.clone()),
            field,
            now,
            alone,
            focus: 0,
            scroll: Scroll::default(),
            refused: false,
        };
        editor.focus = editor.first_focus();
        Some(editor)
    }

    /// The focus stands on what holds now.
    fn first_focus(&self) -> usize {
        let stops = self.stops();
        let holds = |stop: &Stop| match (stop, &self.field, &self.now) {
            (Stop::Text, _, _) => true,
            (Stop::Default, _, None) => true,
            (Stop::Pick(index), Field::Picks(picks), Some(now)) => picks
                .get(*index)
                .is_some_and(|pick| pick.value.eq_ignore_ascii_case(now)),
            (Stop::Protocol(version), Field::Protocols { before, .. }, Some(_)) => before.contains(version),
            _ => false,
        };
        stops.iter().position(holds).unwrap_or(0)
    }

    /// What can have the focus, from the top.
    #[must_use]
    pub fn stops(&self) -> Vec<Stop> {
        let mut stops = Vec::new();
        match &self.field {
            Field::Protocols { before, .. } => stops.extend(
                TlsVersion::ALL
                    .into_iter()
                    .filter(|version| *version > TlsVersion::Ssl3 || before.contains(version))
                    .map(Stop::Protocol),
            ),
            Field::Picks(picks) => stops.extend((0..picks.len()).map(Stop::Pick)),
            Field::Ciphers { check, .. } => {
                stops.push(Stop::Text);
                let fixes = check.findings.iter().filter_map(|finding| {
                    let meant = finding.problem.suggestion()?;
                    Some(Stop::Fix(finding.start, finding.end, meant))
                });
                stops.extend(fixes.take(FIXES));
                stops.extend((0..Preset::ALL.len()).map(Stop::Preset));
            }
        }
        stops.push(Stop::Default);
        stops
    }

    /// What has the focus.
    #[must_use]
    pub fn focused(&self) -> Stop {
        self.stops().get(self.focus).cloned().unwrap_or(Stop::Default)
    }

    /// Is a text being typed?
    #[must_use]
    pub fn in_text(&self) -> bool {
        self.focus == 0 && matches!(self.field, Field::Ciphers { .. })
    }

    /// Moves the focus to a stop, if there is such a one.
    pub fn go_to(&mut self, stop: &Stop) {
        if let Some(at) = self.stops().iter().position(|other| other == stop) {
            self.focus = at;
        }
    }

    /// What Enter would apply now; `None`: the focus stands on something that only fills the field in.
    #[must_use]
    pub fn wish(&self) -> Option<Wish> {
        match (self.focused(), &self.field) {
            (Stop::Default, _) => Some(Wish::Delete),
            (Stop::Protocol(_), Field::Protocols { ticked, .. }) => {
                Some(Wish::Protocols(ticked.iter().copied().collect()))
            }
            (Stop::Pick(index), Field::Picks(picks)) => picks.get(index).map(|pick| Wish::Value(pick.value.clone())),
            (Stop::Text, Field::Ciphers { line, .. }) => Some(match line.text().trim_end() {
                // An empty string would select nothing, which no one wants; an empty field means none of one's own.
                "" if self.now.as_deref() != Some("") => Wish::Delete,
                text => Wish::Value(text.to_owned()),
            }),
            _ => None,
        }
    }

    /// Makes the draft hold what a wish asks for. `false`: it does already.
    ///
    /// # Errors
    /// [`PlanError`]: it cannot be applied, and nothing has changed.
    pub fn apply(&self, wish: &Wish, session: &mut Session) -> Result<bool, PlanError> {
        match wish {
            // Nothing ticked anew: a list with strange words is not written anew for an Enter.
            Wish::Protocols(_) if self.alone && !self.is_changed() && self.now.is_some() => Ok(false),
            Wish::Protocols(versions) => session.set_protocols(self.direction, versions),
            Wish::Value(value) if self.alone && self.now.as_ref() == Some(value) => Ok(false),
            Wish::Value(value) => session.set_role_value(self.direction, self.role, Some(value)),
            Wish::Delete => session.set_role_value(self.direction, self.role, None),
        }
    }

    /// Was anything ticked or typed that would be lost on leaving?
    #[must_use]
    pub fn is_changed(&self) -> bool {
        match &self.field {
            Field::Protocols { ticked, before, .. } => ticked != before,
            Field::Picks(_) => false,
            Field::Ciphers { line, .. } => line.text().trim_end() != self.now.as_deref().unwrap_or("").trim_end(),
        }
    }
}

fn protocols(value: &str) -> Field {
    let listed = listed_protocols(value);
    let ticked: BTreeSet<TlsVersion> = listed.versions.into_iter().collect();
    Field::Protocols {
        before: ticked.clone(),
        ticked,
        ssl2: listed.ssl2,
        others: listed.others,
    }
}

/// The words of a minimum, the loaded spelling where it is one of them.
fn minimum_words(loaded: &str) -> Vec<Pick> {
    TlsVersion::MINIMUMS
        .into_iter()
        .map(|version| {
            let word = protocol_word(version);
            let value = if word.eq_ignore_ascii_case(loaded) {
                loaded
            } else {
                word
            };
            Pick {
                value: value.to_owned(),
                meaning: at_least(version),
            }
        })
        .collect()
}

fn switches(role: Role) -> Vec<Pick> {
    ["1", "0"]
        .into_iter()
        .map(|value| Pick {
            value: value.to_owned(),
            meaning: switch(role, value == "1").to_owned(),
        })
        .collect()
}

fn at_least(version: TlsVersion) -> String {
    format!("{version} and newer")
}

/// What a switch does at `1` or `0`.
fn switch(role: Role, on: bool) -> &'static str {
    match (role, on) {
        (Role::DheOff, true) => "on: DHE is switched off",
        (Role::DheOff, false) => "off: DHE stays on",
        (_, true) => "on",
        (_, false) => "off",
    }
}
