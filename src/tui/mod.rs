//! The screen: a value ([`State`]), what changes it ([`update()`]), and views that read it.
//!
//! ```text
//!   kerio-tls   /opt/kerio/mailserver/mailserver.cfg    engine: running, as of 14:02   head
//!   Configuration > Security                                     2 changes *
//!   [TLS Options]  Inbound  Outbound  Peers
//!  ─────────────────────────────────────────────────────────────────────────
//!    the open tab: fields and panel, or a list with its help                           body
//!    (an open drop-down, a review, a text or a question lies over it)
//!  ─────────────────────────────────────────────────────────────────────────
//!   news                                                                               foot
//!   Enter open  r revert ...                                  (from the key table)
//! ```
//!
//! The model does no I/O: [`update()`] returns [`Effect`]s, the loop in `run` carries them to the workers.
//! It must never know how a file is saved or an engine is stopped.

mod detail;
mod editor;
mod editor_keys;
mod editor_line;
mod editor_text;
mod find;
mod key;
mod keys;
mod layout;
mod naming_text;
mod outcome_text;
mod overlay;
mod run;
mod screen;
mod shown;
mod signals;
mod state;
mod terminal;
mod text;
mod theme;
mod update;
mod view;
mod wrap;

pub use key::Key;
pub use keys::Place;
pub use run::{Ending, Options, run};
pub use screen::Screen;
pub use state::{Scan, State, Tab};
pub use theme::Theme;
pub use update::{Action, Effect, Keyboard, update};
pub use view::draw;
