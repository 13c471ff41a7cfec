//! Advice on one direction's variables: what follows from them, and who says so. Never a bare "insecure":
//! each piece names the consequence and its source, so that the reader can judge and look it up.

use super::cipher_reader::check_ciphers;
use super::ciphers::CipherCheck;
use super::minimum::Minimum;
use super::role::Role;
use super::settings::{HIDDEN, Settings};
use super::version::{Direction, TlsVersion};
use super::words::{Meaning, WordList};

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
const RFC_9325_SUITES: &str = "RFC 9325 section 4.1";
const RFC_5246_ANONYMOUS: &str = "RFC 5246 appendices A.5 and F.1.1.1";
/// Most findings of one cipher string that become advice.
const FINDINGS: usize = 50;
const RFC_9325_KEYS: &str = "RFC 9325 section 4.5";
const OPENSSL_LEVEL: &str = "OpenSSL, SSL_CTX_set_security_level(3) and migration_guide(7)";
const OPENSSL_CIPHERS: &str = "OpenSSL, openssl-ciphers(1)";
const LEVEL_0: &str = "On an engine built with OpenSSL 3, TLS 1.0 and 1.1 work only with @SECLEVEL=0 in the cipher \
    string: \
     without it they stay off, whatever the minimum says.";

/// What is to be said about a direction's variables as they would be saved, heaviest first.
/// `server_has_tls13`: this engine was seen to speak TLS 1.3.
#[must_use]
pub fn advise(settings: Settings<'_>, direction: Direction, server_has_tls13: bool) -> Vec<Advice> {
    let (minimum, is_default) = match settings.minimum(direction).0 {
        Minimum::At(version) => (Some(version), false),
        Minimum::Default => (None, true),
        Minimum::Custom(_) => (None, false),
    };
    let mut adviser = Adviser {
        settings,
        direction,
        minimum,
        is_default,
        advice: Vec::new(),
    };
    adviser.on_minimum();
    adviser.on_list(server_has_tls13);
    adviser.on_ciphers();
    adviser.on_diffie_hellman();
    adviser.advice.sort_by_key(|advice| std::cmp::Reverse(advice.weight));
    adviser.advice
}

/// Looks at one direction, and writes down what it has to say.
struct Adviser<'a> {
    settings: Settings<'a>,
    direction: Direction,
    /// The minimum, where the variables make one.
    minimum: Option<TlsVersion>,
    /// No variable speaks of a minimum.
    is_default: bool,
    advice: Vec<Advice>,
}

impl<'a> Adviser<'a> {
    fn advise(&mut self, weight: Weight, about: Option<Role>, source: &'static str, text: impl Into<String>) {
        self.advice.push(Advice {
            weight,
            about,
            text: text.into(),
            source,
        });
    }

    /// The value of the variable that plays a role, if it says anything.
    fn value(&self, role: Role) -> Option<&'a str> {
        let mut values = self.settings.found(self.direction).filter(|f| f.row.role == role);
        values.find_map(|f| Some(f.pair.value.trim()).filter(|v| !v.is_empty()))
    }

    fn on_minimum(&mut self) {
        use Weight::{Caution, Note};
        match self.minimum {
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
                self.advise(Caution, None, RFC_8996, text);
                self.advise(Note, None, source, lowest);
            }
            Some(TlsVersion::Tls12) => {
                let text = "TLS 1.2 as minimum, with 1.3 where both sides have it, is what the standards ask for.";
                self.advise(Note, None, RFC_9325_VERSIONS, text);
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
                self.advise(Caution, None, RFC_9325_VERSIONS, text);
            }
            None => {}
        }
        if self.direction == Direction::Outbound && self.minimum.is_some_and(|v| v > TlsVersion::Tls10) {
            let text = "Mail to a server that is too old may wait, bounce, or \
                go in clear: a higher minimum is not always safer when sending.";
            self.advise(Note, None, RFC_9325_FALLBACK, text);
        }
        if self.is_default {
            let text = "No variable sets a minimum: what the server's \
                own default accepts is not known until its ports are asked.";
            self.advise(Note, None, "Vendor's article 115132", text);
        }
    }

    fn on_list(&mut self, server_has_tls13: bool) {
        let Some(value) = self.value(Role::ProtocolList) else {
            return;
        };
        let list = WordList::parse(value);
        let about = Some(Role::ProtocolList);
        if list
            .words()
            .any(|(_, m)| matches!(m, Meaning::Ssl2 | Meaning::Version(TlsVersion::Ssl3)))
        {
            let text = "SSL 2.0 and 3.0 must not be used: what they encrypt can be read by those in between. Usual \
                builds of OpenSSL no longer have them.";
            self.advise(Weight::Caution, about, "RFC 6176 (SSL 2.0), RFC 7568 (SSL 3.0)", text);
        }
        let lacks_tls13 = list.versions().last().is_some_and(|v| *v < TlsVersion::Tls13);
        if server_has_tls13 && lacks_tls13 {
            let text = "This server can speak TLS 1.3 and the list leaves it out, so it is switched off. Choosing \
                the minimum again does not add it; the check box of TLS 1.3 does.";
            self.advise(Weight::Caution, about, RFC_9325_VERSIONS, text);
        }
    }

    fn on_ciphers(&mut self) {
        use Weight::{Caution, Danger, Note};
        let about = Some(Role::Ciphers);
        let legacy = self.minimum.is_some_and(|v| v < TlsVersion::Tls12);
        let Some(value) = self.value(Role::Ciphers) else {
            if legacy {
                self.advise(Caution, about, OPENSSL_LEVEL, LEVEL_0);
            }
            return;
        };
        if value == HIDDEN {
            let text =
                "The value is hidden, because it looks like a secret or is named like one: nothing is said of it.";
            self.advise(Note, about, OPENSSL_CIPHERS, text);
            return;
        }
        let check = check_ciphers(value);
        for finding in check.findings.iter().take(FINDINGS) {
            let weight = if finding.problem.stops_tls() { Danger } else { Caution };
            self.advise(weight, about, OPENSSL_CIPHERS, format!("{}.", finding.problem));
        }
        if let more @ 1.. = check.findings.len().saturating_sub(FINDINGS) {
            let text = format!("There is more to say of it ({more}).");
            self.advise(Caution, about, OPENSSL_CIPHERS, text);
        }
        if legacy && check.security_level != Some(0) {
            self.advise(Caution, about, OPENSSL_LEVEL, LEVEL_0);
        }
        match (check.security_level, self.minimum) {
            (Some(0), Some(version)) if version >= TlsVersion::Tls12 => self.advise(
                Note,
                about,
                OPENSSL_LEVEL,
                "@SECLEVEL=0 also lets keys and signatures through that are far too short; with TLS 1.2 as \
                minimum it is not needed.",
            ),
            _ => {}
        }
        if check.security_level.is_some() {
            let text = "OpenSSL before 1.1.0, which old versions of the server \
                have, does not know @SECLEVEL and refuses the whole string.";
            self.advise(Note, about, OPENSSL_LEVEL, text);
        }
        if self.minimum == Some(TlsVersion::Tls13) {
            let text = "With TLS 1.3 as minimum this string does nothing: it governs TLS 1.2 and older only.";
            self.advise(Note, about, OPENSSL_CIPHERS, text);
        }
        if check.stops_tls() {
            return;
        }
        if let Some(version) = self.minimum.filter(|v| !check.serves(*v)) {
            let oldest = TlsVersion::ALL
                .into_iter()
                .find(|v| check.serves(*v))
                .unwrap_or(TlsVersion::Tls13);
            let text = format!(
                "{version} is accepted as minimum, but no \
                suite of this string works before {oldest}: older peers are cut off all the same."
            );
            self.advise(Caution, about, OPENSSL_CIPHERS, text);
        }
        if let Some(suite) = check.of_keyword("eNULL").next() {
            let text = format!(
                "{} and its like encrypt nothing: the mail is readable on its way.",
                suite.name
            );
            self.advise(Caution, about, RFC_9325_SUITES, text);
        }
        if let Some(suite) = check.of_keyword("aNULL").next() {
            let text = format!(
                "{} and its like do not prove who answers. Add !aNULL, unless both sides deliver mail \
                opportunistically and never check anyway.",
                suite.name
            );
            self.advise(Note, about, RFC_5246_ANONYMOUS, text);
        }
        if !check.has_ecdhe() && !check.has_dhe() {
            let text = "Up to TLS 1.2 no suite makes fresh keys: whoever \
                gets the server's key one day can read what was recorded before.";
            self.advise(Caution, about, RFC_9325_SUITES, text);
        }
    }

    fn on_diffie_hellman(&mut self) {
        let ciphers = self
            .value(Role::Ciphers)
            .map(check_ciphers)
            .filter(|check| !check.stops_tls());
        if let Some(bits) = self.value(Role::DheKeySize) {
            let about = Some(Role::DheKeySize);
            if let Some(why) = self.dhe_is_off(ciphers.as_ref()) {
                let text = format!("This key size does nothing: {why}.");
                self.advise(
                    Weight::Note,
                    about,
                    "RFC 8446 section 1.2; OpenSSL, openssl-ciphers(1)",
                    text,
                );
            } else if bits == "1024" || (bits == "0" && self.direction == Direction::Outbound) {
                let text = "Keys of 1024 bits are within reach of large attackers: 2048 bits are required at \
                    least. For SMTP services 0 means 1024.";
                self.advise(Weight::Caution, about, RFC_9325_KEYS, text);
            }
        }
        if self.value(Role::DheOff).is_some() {
            let text = "Only 9.0.0 and 9.0.1 know this variable; newer versions have another one in its place.";
            self.advise(Weight::Note, Some(Role::DheOff), "Vendor's article 115132", text);
        }
        if self.value(Role::EcdheOn) == Some("0") {
            let rest = if self.dhe_is_off(ciphers.as_ref()).is_some() {
                "and classic DHE is off too, so that up to TLS 1.2 no connection has fresh keys"
            } else {
                "so that peers without classic DHE are cut off or get no fresh keys up to TLS 1.2"
            };
            let text = format!("ECDHE is off, {rest}.");
            self.advise(
                Weight::Caution,
                Some(Role::EcdheOn),
                "RFC 9325 sections 4.1 and 4.2",
                text,
            );
        }
    }

    /// Why classic Diffie-Hellman plays no part, as far as the variables tell.
    fn dhe_is_off(&self, ciphers: Option<&CipherCheck>) -> Option<&'static str> {
        if self.minimum == Some(TlsVersion::Tls13) {
            return Some("TLS 1.3 has groups of its own");
        }
        if self.value(Role::DheOn) == Some("0") || self.value(Role::DheOff) == Some("1") {
            return Some("ephemeral Diffie-Hellman is switched off");
        }
        let without = ciphers.is_some_and(|check| !check.has_dhe());
        without.then_some("the cipher string has no suite with DHE")
    }
}
