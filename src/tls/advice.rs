//! Advice on one direction's variables: what follows from them, and who says so. Never a bare "insecure":
//! each piece names the consequence and its source, so that the reader can judge and look it up.

use super::ciphers::{CipherCheck, check_ciphers};
use super::words::{Meaning, WordList};
use super::{Catalogue, Direction, Minimum, Pair, Reading, Role, TlsVersion};

/// How much a piece of advice weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Good to know.
    Note,
    /// Somebody may be cut off or left less safe than the reader thinks.
    Caution,
    /// There may be no TLS at all.
    Danger,
}

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// How much it weighs.
    pub weight: Weight,
    /// The role whose field it belongs beside; `None`: it is about the minimum as such.
    pub about: Option<Role>,
    /// What follows, and what can be done.
    pub text: String,
    /// Who says so.
    pub source: &'static str,
}

const RFC_8996: &str = "RFC 8996 sections 4 and 5";
const LOWEST_INBOUND: &str = "RFC 8997 section 3; NIST SP 800-52r2 section 3.1";
const LOWEST_OUTBOUND: &str = "NIST SP 800-52r2 section 4.1";
const RFC_9325_VERSIONS: &str = "RFC 9325 section 3.1.1";
const RFC_9325_FALLBACK: &str = "RFC 9325 section 5.2; RFC 7435";

impl Catalogue {
    /// What is to be said about `pairs` as they would be saved, heaviest first. `reading` is theirs;
    /// `server_has_tls13`: this engine was seen to speak TLS 1.3.
    #[must_use]
    pub fn advise(
        &self,
        direction: Direction,
        pairs: &[Pair],
        reading: &Reading,
        server_has_tls13: bool,
    ) -> Vec<Advice> {
        let settings = Settings {
            catalogue: self,
            direction,
            pairs,
            minimum: &reading.minimum,
        };
        let mut said = Said(Vec::new());
        settings.on_minimum(&mut said);
        settings.on_list(server_has_tls13, &mut said);
        settings.on_ciphers(&mut said);
        settings.on_diffie_hellman(&mut said);
        said.0.sort_by_key(|advice| std::cmp::Reverse(advice.weight));
        said.0
    }
}

pub(super) struct Said(Vec<Advice>);

impl Said {
    pub(super) fn say(&mut self, weight: Weight, about: Option<Role>, source: &'static str, text: impl Into<String>) {
        self.0.push(Advice {
            weight,
            about,
            text: text.into(),
            source,
        });
    }
}

pub(super) struct Settings<'a> {
    catalogue: &'a Catalogue,
    pub(super) direction: Direction,
    pairs: &'a [Pair],
    minimum: &'a Minimum,
}

impl Settings<'_> {
    /// The value of the variable that plays a role, if it says anything.
    pub(super) fn value(&self, role: Role) -> Option<&str> {
        let mut values = self
            .catalogue
            .found(self.direction, self.pairs)
            .filter(|f| f.row.role == role);
        values.find_map(|f| Some(f.pair.value.trim()).filter(|v| !v.is_empty()))
    }

    pub(super) fn ciphers(&self) -> Option<CipherCheck> {
        self.value(Role::Ciphers).map(check_ciphers)
    }

    pub(super) fn at(&self) -> Option<TlsVersion> {
        match self.minimum {
            Minimum::At(version) => Some(*version),
            _ => None,
        }
    }

    fn on_minimum(&self, said: &mut Said) {
        use Weight::{Caution, Note};
        match self.at() {
            Some(version @ (TlsVersion::Ssl3 | TlsVersion::Tls10 | TlsVersion::Tls11)) => {
                let (who, source, lowest) = match self.direction {
                    Direction::Inbound => (
                        "Programs that can do better still do; the old version serves only those that cannot.",
                        LOWEST_INBOUND,
                        "TLS 1.2 is the lowest that the standard accepts for mail programs, and NIST for servers.",
                    ),
                    Direction::Outbound => (
                        "With opportunistic TLS it is still better than sending in clear to a peer that has \
                        nothing newer.",
                        LOWEST_OUTBOUND,
                        "TLS 1.2 is the lowest that NIST accepts for clients, which this server is when it sends.",
                    ),
                };
                let text = format!(
                    "{version} must not be used any more: TLS 1.0 and 1.1 rest on MD5 and \
                    SHA-1. {who}"
                );
                said.say(Caution, None, RFC_8996, text);
                said.say(Note, None, source, lowest);
            }
            Some(TlsVersion::Tls12) => {
                said.say(
                    Note,
                    None,
                    RFC_9325_VERSIONS,
                    "TLS 1.2 as minimum, with 1.3 where both sides have it, is what the standards ask for.",
                );
            }
            Some(TlsVersion::Tls13) => {
                let text = match self.direction {
                    Direction::Inbound => {
                        "This cuts off every peer that speaks TLS 1.2 at best, which all must still \
                        support: older mail programs, printers, other mail servers."
                    }
                    Direction::Outbound => {
                        "Servers that speak TLS 1.2 at best, which all must still support, get no encrypted \
                        connection from us."
                    }
                };
                said.say(Caution, None, RFC_9325_VERSIONS, text);
            }
            None => {}
        }
        if self.direction == Direction::Outbound && self.at().is_some_and(|v| v > TlsVersion::Tls10) {
            said.say(
                Note,
                None,
                RFC_9325_FALLBACK,
                "Mail to a server that is too old may wait, bounce, or \
                go in clear: a higher minimum is not always safer when sending.",
            );
        }
        if matches!(self.minimum, Minimum::Default) {
            said.say(
                Note,
                None,
                "Vendor's article 115132",
                "No variable sets a minimum: what the server's \
                own default accepts is not known until its ports are asked.",
            );
        }
    }

    fn on_list(&self, server_has_tls13: bool, said: &mut Said) {
        let Some(value) = self.value(Role::ProtocolList) else {
            return;
        };
        let list = WordList::parse(value);
        let about = Some(Role::ProtocolList);
        if list
            .words()
            .any(|(_, m)| matches!(m, Meaning::Ssl2 | Meaning::Version(TlsVersion::Ssl3)))
        {
            said.say(
                Weight::Caution,
                about,
                "RFC 6176 (SSL 2.0), RFC 7568 (SSL 3.0)",
                "SSL 2.0 and 3.0 must not be used: what they encrypt can be read by those in between. Usual \
                builds of OpenSSL no longer have them.",
            );
        }
        let lacks_tls13 = list.versions().last().is_some_and(|v| *v < TlsVersion::Tls13);
        if server_has_tls13 && lacks_tls13 {
            said.say(
                Weight::Caution,
                about,
                RFC_9325_VERSIONS,
                "This server can speak TLS 1.3 and the list leaves it out, so it is switched off. Choosing \
                the minimum again does not add it; the check box of TLS 1.3 does.",
            );
        }
    }
}
