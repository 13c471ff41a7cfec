//! What is *here*: one `mailserver.cfg` on one host, with all that belongs to it. [`Host`] only holds the parts
//! together; each part is a type in a file of its own: the file ([`ConfigFile`]), the places ([`Home`]),
//! [`Preferences`], [`OwnNames`], [`Memory`], [`Backups`], [`Drafts`], the engine beside it ([`OwnEngine`]), the demo.
//!
//! Nothing here starts a thread, asks the network or changes the file: what is *done* stands a floor higher, in
//! [`crate::work`].

mod backups;
mod clock;
mod config_file;
mod demo;
mod drafts;
mod error;
mod here;
mod home;
mod known_names;
mod learned;
mod memory;
mod names;
mod naming;
mod own_engine;
mod preferences;
mod question;
mod sightings;

pub use backups::{Backup, Backups};
pub use clock::clock;
pub use config_file::{ConfigFile, Loaded};
pub use drafts::Drafts;
pub use error::HostError;
pub use here::{Host, HostOptions};
pub use home::{Home, HomeOptions, NoHome};
pub use known_names::{EngineProgram, KnownName, KnownNames};
pub use learned::Learned;
pub use memory::Memory;
pub(crate) use memory::Standing;
pub use names::OwnNames;
pub(crate) use names::own_addresses;
pub use naming::NamingError;
pub use own_engine::{EngineNow, OwnEngine};
pub use preferences::{Preferences, PreferencesError};
pub(crate) use question::Question;
pub use sightings::{SEEN, Sightings, is_stranger, watch_directory};
