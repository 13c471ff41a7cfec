//! TLS as `mailserver.cfg` speaks of it: versions, minimums, the catalogue of variables.
//!
//! This room turns the (name, value) pairs of the tables `Security` and `SmtpSecurity` into a [`Minimum`],
//! and a [`Choice`] back into edits of such pairs. It knows the catalogue of variables
//! (`assets/catalogue.toml`: the names are there and nowhere in the code), presets and advice.
//! It must never know where pairs come from (XML, files, the screen), nor who would be cut off.
//!
//! # What a minimum is
//!
//! A direction has a *protocol list*, a *minimum variable*, both or neither. Found in the file, they read as:
//!
//! | found | reads as |
//! |---|---|
//! | neither, or both empty | server default |
//! | a list that is an unbroken run from X up to the newest word of the file's lists | minimum X |
//! | a list with a gap, an unknown or signed word, SSL, or neither TLSv1.2 nor TLSv1.3 | custom, with the reason |
//! | a minimum variable with a version word | that minimum; any other value is custom |
//! | both, agreeing / disagreeing | that minimum / custom: which of them wins is not known |
//!
//! A choice becomes these edits, planned from what was loaded:
//!
//! | choice | edits |
//! |---|---|
//! | X, a list is there | older words go, the others stay where and as they are, missing ones up to TLSv1.2 are added |
//! | X, a minimum variable is there | it is edited, no list is added; where both are there, both are edited |
//! | X, neither is there | the minimum variable if its name is documented, else a list from X to TLSv1.2 |
//! | server default | list and minimum variable of that direction are deleted, nothing else |
//! | reset | every variable with a role is deleted, nothing else |
//! | what was loaded | none |
//!
//! The word `TLSv1.3` stays where it is. It is added only if the file, a Received header of this engine or a handshake
//! has shown it, or the user chose 1.3: a word that the engine does not know might stop TLS altogether.
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
//! The names given there count as [`Certainty::Given`]. [`confirmed_toml`] writes such a table.

mod advice;
mod candidate;
mod catalogue;
mod certainty;
mod cipher_reader;
mod ciphers;
mod edits;
mod governs;
mod lookalike;
mod minimum;
mod notes;
mod presets;
mod role;
mod service;
mod settings;
mod suites;
mod toml;
mod version;
mod words;

#[cfg(test)]
mod tests;

pub use advice::{Advice, Weight, advise};
pub use candidate::{Candidate, WORDS, role_by_name};
pub use catalogue::Catalogue;
pub use certainty::{Certainty, InProgram};
pub use cipher_reader::check_ciphers;
pub use ciphers::{CipherCheck, CipherFinding, CipherProblem};
pub use edits::{PairEdit, PlanError, plan_choices, plan_protocols, plan_reset, plan_value};
pub use governs::{Governs, Group};
pub use lookalike::lookalike_role;
pub use minimum::{CHOICES, Choice, Minimum, Reading};
pub use notes::{PlanNote, notes};
pub use presets::Preset;
pub use role::{CatalogueVariable, Pair, Role, ValueKind};
pub use service::Service;
pub use settings::{HIDDEN, Settings};
pub use suites::Suite;
pub use toml::{CatalogueError, confirmed_toml, exported_toml};
pub use version::{Direction, TlsVersion};
pub use words::{Listed, listed_protocols, protocol_word};
