//! TLS as `mailserver.cfg` speaks of it: versions, minimums, the catalogue of variables.
//!
//! This room turns the (name, value) pairs of the tables `Security` and `SmtpSecurity` into a [`Minimum`],
//! and a [`Choice`] back into edits of such pairs. It knows the catalogue of variables
//! (`assets/catalogue.toml`: the names are there and nowhere in the code), presets and advice.
//! It must never know where pairs come from (XML, files, the screen), nor who would be cut off.
//!
//! # Naming a variable in `kerio-tls.toml`
//!
//! [`Catalogue::with_overrides`] reads the `[[variable]]` tables of the preferences and leaves all other keys alone:
//!
//! ```toml
//! [[variable]]
//! direction = "inbound"        # inbound (table Security), outbound (table SmtpSecurity) or both
//! role = "protocol-list"       # minimum-version, protocol-list, ciphers, ecdhe-on, dhe-on, dhe-off, dhe-key-size
//! name = "ServerTlsProtocols"  # as the server spells it; case does not matter when it is looked up
//! # What follows may be left out; it replaces what the catalogue says of this role.
//! kind = "protocol-words"      # boolean, one-of, protocol-words, protocol-word, cipher-string
//! values = [["0", "2048 bits"], ["1024", "1024 bits"]]   # of one-of: value and meaning
//! default = "1"
//! separator = ","              # for a list that the file does not have yet
//! versions = "9.4 and newer"
//! title = "TLS protocols accepted"
//! help = "…"
//! source = "our ticket 4711"
//! ```
//!
//! The names given there count as [`Sureness::Confirmed`]. [`confirmed_toml`] writes such a table.

mod advice;
mod advice_ciphers;
mod catalogue;
mod choose;
mod cipher_reader;
mod ciphers;
mod listed;
mod lookalike;
mod minimum;
mod nearest;
mod plan;
mod presets;
mod read;
mod role;
mod suites;
mod toml;
mod version;
mod words;
mod write;

#[cfg(test)]
mod tests;

pub use advice::{Advice, Weight};
pub use catalogue::Catalogue;
pub use ciphers::{CipherCheck, CipherFinding, CipherProblem, check_ciphers};
pub use listed::{Listed, listed_protocols, protocol_word};
pub use lookalike::lookalike_role;
pub use minimum::{Choice, Minimum, Reading};
pub use plan::{PairEdit, Plan, PlanError, PlanNote};
pub use presets::Preset;
pub use role::{CatalogueVariable, Pair, Role, Sureness, ValueKind};
pub use suites::{Keyword, Suite, keywords, suites};
pub use toml::{CatalogueError, confirmed_toml};
pub use version::{Direction, TlsVersion};
