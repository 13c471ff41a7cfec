//! `set --value`: what the screen's editors of single variables do, with the checks that they make.

use crate::session::{Session, VariablePath};
use crate::tls::{Advice, Direction, PlanError, Role, TlsVersion, ValueKind, Weight, listed_protocols, protocol_word};

use crate::cli::args::{RoleArgument, Set};
use crate::cli::failure::Failure;

/// Longest value taken, in bytes: as much as the screen's editor takes.
const LONGEST: usize = 4096;

/// Refuses what says two things of one variable; before anything is read.
///
/// # Errors
/// [`Failure::Usage`].
pub(super) fn said_once(set: &Set) -> Result<(), Failure> {
    let twice = |first: &str, second: &RoleArgument| {
        Err(Failure::Usage(format!(
            "{first} and --value {second} say two things of one; say one of them; nothing was changed"
        )))
    };
    for (at, value) in set.value.iter().enumerate() {
        let same = |other: &RoleArgument| (other.direction, other.role) == (value.direction, value.role);
        if set.value.iter().skip(at + 1).any(same) {
            return twice(&format!("--value {value}"), value);
        }
        let minimum = value.direction.of([set.inbound, set.outbound]);
        if minimum.is_some() && value.role.makes_minimum() {
            return twice(&format!("--{}", value.direction.token()), value);
        }
    }
    Ok(())
}

/// Wants what a value says.
///
/// # Errors
/// [`Failure::Usage`] for a value that the variable cannot hold; [`Failure::Plan`], [`Failure::NotSaved`].
pub(super) fn want(session: &mut Session, said: &RoleArgument) -> Result<(), Failure> {
    let (direction, role) = (said.direction, said.role);
    hides_nothing(session, said)?;
    let text = said.text.trim();
    let cannot = |why: &str| Failure::Usage(format!("--value {said}: {why}; nothing was changed"));
    if text.len() > LONGEST {
        return Err(cannot(&format!("it is longer than {LONGEST} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(cannot("it has a control character"));
    }
    let done = if deletes(role, text) {
        session.set_role_value(direction, role, None)
    } else {
        match kind(session, direction, role) {
            Some(ValueKind::ProtocolWords) => {
                let wanted = protocols(session, direction, text).map_err(|why| cannot(&why))?;
                session.set_protocols(direction, &wanted)
            }
            Some(ValueKind::ProtocolWord) => {
                let word = minimum_word(session, direction, text).map_err(|why| cannot(&why))?;
                session.set_role_value(direction, role, Some(&word))
            }
            _ => session.set_role_value(direction, role, Some(text)),
        }
    };
    match done {
        Ok(_) => Ok(()),
        Err(PlanError::NotAccepted { why, .. }) => Err(cannot(&why)),
        Err(PlanError::NoName { table }) => Err(Failure::NotSaved(format!(
            "the name of the variable for {} in table {table} is not public; change the setting once in the web administration, see \
             which variable of that table appears or changes, and say its name once: kerio-tls config --name {said}=VARIABLE; nothing \
             was changed",
            role.token()
        ))),
        Err(error) => Err(error.into()),
    }
}

/// `DEFAULT` is a keyword of OpenSSL, and the names of its ciphers and keywords are read with regard to case.
fn deletes(role: Role, text: &str) -> bool {
    text.is_empty() || text == "default" || (role != Role::Ciphers && text.eq_ignore_ascii_case("default"))
}

/// What the variable of a role can hold: the one of the file, else the one that would be added.
fn kind(session: &Session, direction: Direction, role: Role) -> Option<ValueKind> {
    let catalogue = session.catalogue();
    let loaded = session.loaded().role_pairs(direction, role);
    let stands = loaded.first().and_then(|pair| catalogue.find(direction, &pair.name));
    stands
        .or_else(|| catalogue.written_for(direction, role))
        .map(|row| row.kind.clone())
}

/// A variable that was named wrongly and holds a secret is not written over.
fn hides_nothing(session: &Session, said: &RoleArgument) -> Result<(), Failure> {
    let secrets = session.secrets();
    for pair in session.loaded().role_pairs(said.direction, said.role) {
        let path = VariablePath {
            table: said.direction.table().to_owned(),
            variable: pair.name,
        };
        if secrets.is_secret_at(&path, &pair.value) {
            return Err(Failure::NotSaved(format!(
                "{path} holds a secret, so it is not what --value {said} is meant for; nothing was changed"
            )));
        }
    }
    Ok(())
}

/// The versions of a list, as the arguments or as the file spell them.
fn protocols(session: &Session, direction: Direction, text: &str) -> Result<Vec<TlsVersion>, String> {
    let mut wanted = Vec::new();
    for word in text.split(',').map(str::trim) {
        let version = version(word).ok_or_else(|| {
            let word: String = word.chars().take(40).collect();
            format!("expected versions with commas between, such as tls1.2,tls1.3, or default; not {word:?}")
        })?;
        wanted.push(version);
    }
    let loaded = session.loaded().role_pairs(direction, Role::ProtocolList);
    let has_old = loaded
        .iter()
        .any(|pair| listed_protocols(&pair.value).versions.contains(&TlsVersion::Ssl3));
    if wanted.contains(&TlsVersion::Ssl3) && !has_old {
        return Err("SSL 3.0 cannot be switched on (RFC 7568)".to_owned());
    }
    Ok(wanted)
}

/// The file's word for a minimum, in the spelling of the file where it says the same.
fn minimum_word(session: &Session, direction: Direction, text: &str) -> Result<String, String> {
    let version = version(text)
        .filter(|version| TlsVersion::MINIMUMS.contains(version))
        .ok_or("expected tls1.0, tls1.1, tls1.2 or tls1.3, or default")?;
    let word = protocol_word(version);
    let loaded = session.loaded().role_pairs(direction, Role::MinimumVersion);
    let same = loaded.into_iter().find(|pair| pair.value.eq_ignore_ascii_case(word));
    Ok(same.map_or_else(|| word.to_owned(), |pair| pair.value))
}

fn version(word: &str) -> Option<TlsVersion> {
    TlsVersion::from_token(word).or_else(|| {
        let listed = listed_protocols(word);
        match (&listed.versions[..], listed.ssl2, &listed.others[..]) {
            ([version], false, []) => Some(*version),
            _ => None,
        }
    })
}

/// What follows from the values, and who says so: what the screen's editors say, notes left out. A protocol that is on and has no
/// cipher is off all the same, so that the cipher string is looked at beside the minimum.
pub(super) fn advice(session: &Session, values: &[RoleArgument]) -> Vec<String> {
    let mut said = Vec::new();
    for value in values {
        let mut roles = vec![value.role];
        if value.role.makes_minimum() {
            roles.push(Role::Ciphers);
        }
        let advice = roles
            .into_iter()
            .flat_map(|role| session.wanted().advice(value.direction, role))
            .filter(|advice| advice.weight > Weight::Note);
        for Advice { text, source, .. } in advice {
            let words = format!("{}: {text} [{source}]", value.direction.token());
            if !said.contains(&words) {
                said.push(words);
            }
        }
    }
    said
}
