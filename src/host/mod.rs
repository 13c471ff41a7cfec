//! What is *here*: one `mailserver.cfg` on one host, with all that belongs to it: places, preferences, own names, what is
//! remembered, backups, drafts, the demo. What is done with it stands a floor higher, in [`crate::work`].

mod backups;
mod demo;
mod drafts;
mod here;
mod home;
mod loading;
mod memory;
mod naming;
mod own;
mod preferences;

pub use here::{EngineNow, Host, HostError, HostOptions};
pub use home::{Home, HomeOptions, NoHome};
pub use loading::Loaded;
pub use naming::NamingError;
pub(crate) use own::ehlo_name;
pub use preferences::{Preferences, PreferencesError};
