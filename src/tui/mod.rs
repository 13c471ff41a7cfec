//! The screen: a value ([`State`]), what changes it ([`update()`]), and what draws it ([`draw`]).
//!
//! ```text
//!   kerio-tls   /opt/kerio/mailserver/mailserver.cfg    engine: running, as of 14:02   head    view
//!   Configuration > Security                                     2 changes *
//!   [TLS Options]  Inbound  Outbound  Peers  Backups
//!  ─────────────────────────────────────────────────────────────────────────
//!    the open tab: fields and panel, or a list with its help                           body    tabs
//!    (windows lie over it; a save that runs lies over all)                                     windows
//!  ─────────────────────────────────────────────────────────────────────────
//!   news                                                                               foot    view
//!   Enter open  r revert ...                                  (from the key table)             keys
//! ```
//!
//! A tab or a window is one file: its state, what keys do in it, its drawing and its words. It knows what all share
//! (`context`) and itself; for everything else it asks by value (`request`), and the frame carries that out (`state`,
//! `update`, `events`). The model does no I/O: [`update()`] returns [`Effect`]s, the loop in `run` carries them to the
//! workers. It must never know how a file is saved or an engine is stopped.

mod commands;
mod context;
mod events;
mod help;
mod input;
mod key;
mod keys;
mod layout;
mod pane;
mod questions;
mod request;
mod run;
mod screen;
mod shown;
mod shutdown;
mod signals;
mod state;
mod tabs;
mod terminal;
mod theme;
mod update;
mod variable_words;
mod view;
mod widgets;
mod windows;
mod words;
mod wrap;

pub use context::{Context, Scan};
pub use key::Key;
pub use keys::Place;
pub use run::{Ending, Options, run};
pub use screen::Screen;
pub use state::{Effect, State};
pub use tabs::{Tab, Tabs};
pub use theme::Theme;
pub use update::{Action, Keyboard, update};
pub use view::draw;
pub use windows::Windows;
