//! What the variables of both tables say at one point of the session: as loaded, or as wanted.

use std::borrow::Cow;
use std::sync::Arc;

use crate::mailserver_cfg::{Document, Duplicate, Secrets, VariablePath};
use crate::tls::{
    Advice, Catalogue, Direction, Governs, Group, HIDDEN, Minimum, Pair, PlanError, PlanNote, Reading, Role, Service,
    Settings, TlsVersion, advise, notes,
};

/// What measurements have shown of this server; remembered between runs by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    /// This engine was seen to speak TLS 1.3 (a Received header or a handshake). What the file's own lists say is no
    /// measurement: the catalogue sees it for itself.
    pub speaks_tls13: bool,
    /// The lowest version that inbound ports accept while no TLS variable is set.
    pub inbound_default: Option<TlsVersion>,
    /// Which table governs which services, as far as the ports have told.
    pub governs: Governs,
}

/// Which values must not be shown. The catalogue's variables with closed values hold no secrets, whatever their names.
#[must_use]
pub fn secrets(catalogue: &Catalogue) -> Secrets {
    let mut secrets = Secrets::default();
    for row in Direction::ALL.into_iter().flat_map(|d| catalogue.rows(d)) {
        let Some(name) = row.name.clone() else { continue };
        let path = VariablePath {
            table: row.direction.table().to_owned(),
            variable: name,
        };
        if row.kind.is_closed() {
            secrets.closed.push(path);
        } else {
            secrets.ciphers.push(path);
        }
    }
    secrets
}

/// What inbound ports should do when an engine has read this file: what handshakes are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The minimum.
    pub minimum: Minimum,
    /// The versions that the protocol list names, oldest first; `None`: there is no list, or none that can be read.
    pub listed: Option<Vec<TlsVersion>>,
    /// No variable of the table has a role in TLS, and none looks like a protocol list: what the ports do is the
    /// server's own default. A cipher string or an unknown list would limit versions too.
    pub is_default: bool,
    /// What SMTP ports should do, where they are known to follow the outbound table: its minimum and its list.
    pub smtp: Option<(Minimum, Option<Vec<TlsVersion>>)>,
}

impl Expected {
    /// What ports of one service should do.
    #[must_use]
    pub fn of(&self, service: Service) -> Self {
        match &self.smtp {
            Some((minimum, listed)) if Group::of(service) == Group::SmtpIn => Self {
                minimum: minimum.clone(),
                listed: listed.clone(),
                ..self.clone()
            },
            _ => self.clone(),
        }
    }
}

/// The pairs of both tables, with what is needed to read them.
#[derive(Debug, Clone)]
pub struct Snapshot<'s> {
    base: &'s Document,
    catalogue: &'s Catalogue,
    measured: Measured,
    pairs: [Cow<'s, [Pair]>; 2],
}

impl<'s> Snapshot<'s> {
    pub(super) const fn new(
        base: &'s Document,
        catalogue: &'s Catalogue,
        measured: Measured,
        pairs: [Cow<'s, [Pair]>; 2],
    ) -> Self {
        Self {
            base,
            catalogue,
            measured,
            pairs,
        }
    }

    /// The pairs of a direction's table: file order, additions last.
    #[must_use]
    pub fn pairs(&self, direction: Direction) -> &[Pair] {
        let [inbound, outbound] = &self.pairs;
        direction.of([inbound, outbound])
    }

    /// What these variables say in a direction.
    #[must_use]
    pub fn reading(&self, direction: Direction) -> Reading {
        let mut reading = self.in_words(|settings| settings.read(direction));
        if let Err(twice) = self.one_table(direction) {
            reading.minimum = Minimum::Custom(twice.to_string());
            reading.protocols = None;
        }
        reading
    }

    /// The minimum that they make.
    #[must_use]
    pub fn minimum(&self, direction: Direction) -> Minimum {
        match self.one_table(direction) {
            Ok(()) => self.in_words(|settings| settings.minimum(direction)).0,
            Err(twice) => Minimum::Custom(twice.to_string()),
        }
    }

    /// The variables that play a role and their values, in file order. Usually one or none; whatever sets the role
    /// writes them all, because it is not known which one the server reads.
    #[must_use]
    pub fn role_pairs(&self, direction: Direction, role: Role) -> Vec<Pair> {
        let plays = |pair: &&Pair| {
            self.catalogue
                .find(direction, &pair.name)
                .is_some_and(|row| row.role == role)
        };
        self.pairs(direction).iter().filter(plays).cloned().collect()
    }

    /// Advice on a role's field, heaviest first: what is about the role itself and, beside a field that makes the
    /// minimum, what is about the minimum as such.
    #[must_use]
    pub fn advice(&self, direction: Direction, role: Role) -> Vec<Advice> {
        let mut advice = self.in_words(|settings| advise(settings, direction, self.measured.speaks_tls13));
        advice.retain(|advice| advice.about.map_or(role.makes_minimum(), |about| about == role));
        advice
    }

    /// What inbound ports should do.
    #[must_use]
    pub fn expected(&self) -> Expected {
        let reading = self.reading(Direction::Inbound);
        let has_role = |pair: &Pair| {
            !pair.value.trim().is_empty() && self.catalogue.find(Direction::Inbound, &pair.name).is_some()
        };
        Expected {
            is_default: reading.minimum == Minimum::Default
                && reading.lookalikes.is_empty()
                && !self.pairs(Direction::Inbound).iter().any(has_role),
            minimum: reading.minimum,
            listed: reading.protocols,
            smtp: (self.measured.governs.smtp_follows_outbound() == Some(true)).then(|| {
                let outbound = self.reading(Direction::Outbound);
                (outbound.minimum, outbound.protocols)
            }),
        }
    }

    /// Says in words where the two directions differ; `None` when they agree.
    #[must_use]
    pub fn difference(&self) -> Option<String> {
        let [inbound, outbound] = Direction::ALL.map(|direction| self.minimum(direction));
        (inbound != outbound).then(|| {
            format!(
                "Inbound ({}) and outbound ({}) differ; the same is advised.",
                inbound, outbound
            )
        })
    }

    /// What the review says of a direction's changes from here to `after`.
    #[must_use]
    pub fn notes_to(&self, after: &Self, direction: Direction) -> Vec<PlanNote> {
        let speaks_tls13 = self.measured.speaks_tls13;
        self.in_words(|loaded| after.in_words(|wanted| notes(direction, loaded, wanted, speaks_tls13)))
    }

    /// Which of several tables of a name the server reads is not known: then they make no minimum and take no choice.
    ///
    /// # Errors
    /// [`PlanError::DuplicateTable`].
    pub(super) fn one_table(&self, direction: Direction) -> Result<(), PlanError> {
        let table = direction.table();
        let twice = |d: &&Duplicate| *d.table == *table && d.variable.is_none();
        match self.base.duplicates().iter().find(twice) {
            Some(found) => Err(PlanError::DuplicateTable {
                table,
                count: found.lines.len(),
            }),
            None => Ok(()),
        }
    }

    /// The values as they are: to plan with.
    pub(super) fn settings(&self) -> Settings<'_> {
        let [inbound, outbound] = &self.pairs;
        Settings::new(self.catalogue, [inbound, outbound])
    }

    /// Words made of the values, in which no hidden one is quoted. (Of a variable that makes the minimum only a value
    /// is hidden that is none: nothing reads otherwise because of it.)
    fn in_words<T>(&self, words: impl FnOnce(Settings<'_>) -> T) -> T {
        let secrets = secrets(self.catalogue);
        let masked = Direction::ALL.map(|direction| {
            let mut pairs = Cow::Borrowed(self.pairs(direction));
            let mut path = VariablePath {
                table: direction.table().to_owned(),
                variable: String::new(),
            };
            for (at, pair) in self.pairs(direction).iter().enumerate() {
                if self.catalogue.find(direction, &pair.name).is_some() {
                    path.variable.clone_from(&pair.name);
                    if secrets.is_secret_at(&path, &pair.value)
                        && let Some(pair) = pairs.to_mut().get_mut(at)
                    {
                        HIDDEN.clone_into(&mut pair.value);
                    }
                }
            }
            pairs
        });
        let [inbound, outbound] = &masked;
        words(Settings::new(self.catalogue, [inbound, outbound]))
    }
}

/// The pairs of both tables of a document.
pub(super) fn tables(document: &Document) -> Arc<[Vec<Pair>; 2]> {
    Arc::new(Direction::ALL.map(|direction| {
        let variables = document.variables(direction.table());
        variables
            .map(|variable| Pair {
                name: variable.name,
                value: variable.value,
            })
            .collect()
    }))
}
