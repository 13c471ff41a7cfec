//! Advice on cipher strings and on Diffie-Hellman.

use super::advice::{Said, Settings, Weight};
use super::ciphers::CipherCheck;
use super::{Direction, Role, TlsVersion};

const RFC_9325_SUITES: &str = "RFC 9325 section 4.1";
const RFC_5246_ANONYMOUS: &str = "RFC 5246 appendices A.5 and F.1.1.1";
const RFC_9325_KEYS: &str = "RFC 9325 section 4.5";
const OPENSSL_LEVEL: &str = "OpenSSL, SSL_CTX_set_security_level(3) and migration_guide(7)";
const OPENSSL_CIPHERS: &str = "OpenSSL, openssl-ciphers(1)";
const LEVEL_0: &str = "On an engine built with OpenSSL 3, TLS 1.0 and 1.1 work only with @SECLEVEL=0 in the cipher string: \
                       without it they stay off, whatever the minimum says.";

impl Settings<'_> {
    pub(super) fn on_ciphers(&self, said: &mut Said) {
        use Weight::{Caution, Danger, Note};
        let about = Some(Role::Ciphers);
        let legacy = self.at().is_some_and(|v| v < TlsVersion::Tls12);
        let Some(check) = self.ciphers() else {
            if legacy {
                said.say(Caution, about, OPENSSL_LEVEL, LEVEL_0);
            }
            return;
        };
        for finding in &check.findings {
            let weight = if finding.problem.stops_tls() { Danger } else { Caution };
            said.say(weight, about, OPENSSL_CIPHERS, format!("{}.", finding.problem));
        }
        if legacy && check.security_level != Some(0) {
            said.say(Caution, about, OPENSSL_LEVEL, LEVEL_0);
        }
        match (check.security_level, self.at()) {
            (Some(0), Some(version)) if version >= TlsVersion::Tls12 => said.say(
                Note,
                about,
                OPENSSL_LEVEL,
                "@SECLEVEL=0 also lets keys and signatures through that are far too short; with TLS 1.2 as \
                minimum it is not needed.",
            ),
            _ => {}
        }
        if check.security_level.is_some() {
            said.say(
                Note,
                about,
                OPENSSL_LEVEL,
                "OpenSSL before 1.1.0, which old versions of the server \
                have, does not know @SECLEVEL and refuses the whole string.",
            );
        }
        if self.at() == Some(TlsVersion::Tls13) {
            said.say(
                Note,
                about,
                OPENSSL_CIPHERS,
                "With TLS 1.3 as minimum this string does nothing: it governs TLS 1.2 and older only.",
            );
        }
        if check.stops_tls() {
            return;
        }
        if let Some(version) = self.at().filter(|v| !check.serves(*v)) {
            let oldest = TlsVersion::ALL
                .into_iter()
                .find(|v| check.serves(*v))
                .unwrap_or(TlsVersion::Tls13);
            said.say(
                Caution,
                about,
                OPENSSL_CIPHERS,
                format!(
                    "{version} is accepted as minimum, but no \
                suite of this string works before {oldest}: older peers are cut off all the same."
                ),
            );
        }
        if let Some(suite) = check.of_keyword("eNULL").next() {
            said.say(
                Caution,
                about,
                RFC_9325_SUITES,
                format!(
                    "{} and its like encrypt nothing: the mail is readable on its way.",
                    suite.name
                ),
            );
        }
        if let Some(suite) = check.of_keyword("aNULL").next() {
            let text = format!(
                "{} and its like do not prove who answers. Add !aNULL, unless both sides deliver mail \
                opportunistically and never check anyway.",
                suite.name
            );
            said.say(Note, about, RFC_5246_ANONYMOUS, text);
        }
        if !check.has_ecdhe() && !check.has_dhe() {
            said.say(
                Caution,
                about,
                RFC_9325_SUITES,
                "Up to TLS 1.2 no suite makes fresh keys: whoever \
                gets the server's key one day can read what was recorded before.",
            );
        }
    }

    pub(super) fn on_diffie_hellman(&self, said: &mut Said) {
        let ciphers = self.ciphers().filter(|check| !check.stops_tls());
        if let Some(bits) = self.value(Role::DheKeySize) {
            let about = Some(Role::DheKeySize);
            if let Some(why) = self.dhe_is_off(ciphers.as_ref()) {
                said.say(
                    Weight::Note,
                    about,
                    "RFC 8446 section 1.2; OpenSSL, openssl-ciphers(1)",
                    format!("This key size does nothing: {why}."),
                );
            } else if bits == "1024" || (bits == "0" && self.direction == Direction::Outbound) {
                said.say(
                    Weight::Caution,
                    about,
                    RFC_9325_KEYS,
                    "Keys of 1024 bits are within reach of large attackers: 2048 bits are required at \
                    least. For SMTP services 0 means 1024.",
                );
            }
        }
        if self.value(Role::DheOff).is_some() {
            said.say(
                Weight::Note,
                Some(Role::DheOff),
                "Vendor's article 115132",
                "Only 9.0.0 and 9.0.1 know this variable; newer versions have another one in its place.",
            );
        }
        if self.value(Role::EcdheOn) == Some("0") {
            let rest = if self.dhe_is_off(ciphers.as_ref()).is_some() {
                "and classic DHE is off too, so that up to TLS 1.2 no connection has fresh keys"
            } else {
                "so that peers without classic DHE are cut off or get no fresh keys up to TLS 1.2"
            };
            said.say(
                Weight::Caution,
                Some(Role::EcdheOn),
                "RFC 9325 sections 4.1 and 4.2",
                format!("ECDHE is off, {rest}."),
            );
        }
    }

    /// Why classic Diffie-Hellman plays no part, as far as the variables tell.
    fn dhe_is_off(&self, ciphers: Option<&CipherCheck>) -> Option<&'static str> {
        if self.at() == Some(TlsVersion::Tls13) {
            return Some("TLS 1.3 has groups of its own");
        }
        if self.value(Role::DheOn) == Some("0") || self.value(Role::DheOff) == Some("1") {
            return Some("ephemeral Diffie-Hellman is switched off");
        }
        let without = ciphers.is_some_and(|check| !check.has_dhe());
        without.then_some("the cipher string has no suite with DHE")
    }
}
