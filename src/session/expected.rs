//! What the file says that the server's own ports do: what handshakes are held against.

use crate::tls::{Direction, Minimum, Pair, TlsVersion};

use super::Session;

/// What inbound ports should do when an engine has read this file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The minimum.
    pub minimum: Minimum,
    /// The versions that the protocol list names, oldest first; `None`: there is no list, or none that can be read.
    pub listed: Option<Vec<TlsVersion>>,
    /// No variable of the table has a role in TLS, and none looks like a protocol list: what the ports do is the
    /// server's own default. A cipher string or an unknown list would limit versions too.
    pub is_default: bool,
}

impl Session {
    /// What inbound ports should do with the file as it was loaded.
    #[must_use]
    pub fn loaded_expected(&self) -> Expected {
        self.expected_of(
            &self.loaded_pairs(Direction::Inbound),
            self.loaded_reading(Direction::Inbound),
        )
    }

    /// What inbound ports should do with the file as it is wanted.
    #[must_use]
    pub fn expected(&self) -> Expected {
        self.expected_of(&self.pairs(Direction::Inbound), self.reading(Direction::Inbound))
    }

    fn expected_of(&self, pairs: &[Pair], reading: crate::tls::Reading) -> Expected {
        let has_role = |pair: &Pair| {
            !pair.value.trim().is_empty() && self.catalogue().find(Direction::Inbound, &pair.name).is_some()
        };
        Expected {
            is_default: reading.minimum == Minimum::Default
                && reading.lookalikes.is_empty()
                && !pairs.iter().any(has_role),
            minimum: reading.minimum,
            listed: reading.protocols,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailserver_cfg::Document;
    use crate::session::Measured;
    use crate::tls::Catalogue;
    use std::sync::Arc;

    fn expected(variables: &str) -> Expected {
        let file = format!("<config>\n  <table name=\"Security\">\n{variables}  </table>\n</config>\n");
        let document = Arc::new(Document::parse(file.into_bytes()).unwrap());
        Session::new(document, Catalogue::embedded(), Measured::default()).loaded_expected()
    }

    fn variable(name: &str, value: &str) -> String {
        format!("    <variable name=\"{name}\">{value}</variable>\n")
    }

    #[test]
    fn ports_show_the_servers_default_only_while_nothing_of_tls_is_set() {
        assert!(expected(&variable("LockoutCount", "5")).is_default);
        assert!(
            expected(&variable("ServerTlsProtocols", "")).is_default,
            "empty is not set"
        );
        for (name, value) in [
            ("ServerTlsCiphers", "HIGH"),
            ("DisableEphemeralDH", "1"),
            ("AcceptedSslVersions", "TLSv1.2"),
            ("ServerTlsProtocols", "TLSv1.2"),
        ] {
            let set = expected(&variable(name, value));
            assert!(!set.is_default, "{name}: {set:?}");
        }
    }

    #[test]
    fn what_a_list_names_is_expected_and_no_list_expects_no_version() {
        let list = expected(&variable("ServerTlsProtocols", "TLSv1.1,TLSv1.2"));
        assert_eq!(list.listed, Some(vec![TlsVersion::Tls11, TlsVersion::Tls12]));
        assert_eq!(list.minimum, Minimum::At(TlsVersion::Tls11));
        assert_eq!(expected("").listed, None);
    }
}
