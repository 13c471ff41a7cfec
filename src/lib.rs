//! kerio-tls: the TLS Options screen of Kerio Connect, for the terminal.
//!
//! # The house
//!
//! Data runs one way, from bytes to the screen, and a choice runs back as a plan:
//!
//! ```text
//!   floor 6   main              wiring, exit status
//!   floor 5   tui      cli      the screen; the commands and their JSON (neither knows the other)
//!   floor 4   work              what is done: effects on threads, events as answers
//!   floor 3   host              what is here: places, preferences, memory, backups, drafts, the demo
//!   floor 2   session           what was loaded, what is wanted, the review
//!   floor 1   probe   peers   save   engine
//!   floor 0   mailserver_cfg   tls   files   hostile
//! ```
//!
//! An arrow (`use crate::…`) never points up, and sideways nowhere: `tests/floors.rs` holds the table.
//!
//! | room | owns | may use |
//! |---|---|---|
//! | [`mailserver_cfg`] | the file as bytes: lossless, strict, spans, edits, rebase, diff, secrets | nothing of ours |
//! | [`tls`] | versions, services, minimums, the catalogue of variables, ciphers, advice | nothing of ours |
//! | [`hostile`] | words of strangers, made safe to show | nothing of ours |
//! | [`files`] | opening what strangers could exchange; writing small files whole or not at all | `hostile` |
//! | [`probe`] | one TLS question to one address, and many at once | `tls` (versions, services), `hostile` |
//! | [`peers`] | who we exchange mail with, evidence, verdicts; logs, headers, the peers file | `tls`, `files`, `hostile` |
//! | [`save`] | locks, backups, exchange, journal, recovery | `mailserver_cfg`, `files`, `hostile` |
//! | [`engine`] | does it run; stop, start, watch; the dead-man's switch | `files`, `hostile` |
//! | [`session`] | draft, undo, dirty by value, review; no I/O | floor 0, data of `peers` |
//! | [`host`] | what is here: places, preferences, own names, memory, backups, drafts, the demo | everything below |
//! | [`work`] | effects in, events out | everything below |
//! | [`tui`], [`cli`] | the two ways to use it | everything below |
//!
//! # One value's way through it
//!
//! *A chosen minimum.* Enter on a row of the drop-down is a `Command` of the key table; `tui::update` calls
//! [`session::Session::choose`]; that asks [`tls`]'s plan of both directions for the edits of (name, value) pairs of both directions and lays
//! them into the draft. F6 asks [`work`] for facts about file and engine, and [`session`] puts them
//! together as a [`session::Review`]: [`mailserver_cfg::Document::prove`] makes the edits and proves the result, [`mailserver_cfg::Proven::diff`] shows it, and
//! [`peers::assess`] has the verdicts. Save is an effect with that [`mailserver_cfg::Proven`]; [`save::save`] stops the engine through its
//! `Gate`, and if the file is still the one that was read writes just what was proven, else rebases the edits onto what is there then and
//! proves again; it backs up, exchanges, and lets the engine start. The event that comes back holds the new document.
//!
//! *One line of a log.* [`peers::scan_logs`] reads bytes; a line becomes counters of one peer, never a stored line;
//! [`peers::make_book`] joins it with the peers file and remembered probes; [`peers::assess`] gives the row its verdict.
//!
//! *One probe reply.* [`probe::ReplyParser`] reads the ServerHello's version; [`work`] makes it a [`peers::Record`] with
//! its time and raw evidence, remembers it, and sends a new book to the screen, where the drop-down's numbers move.

pub mod cli;
pub mod engine;
pub mod files;
pub mod host;
pub mod hostile;
pub mod mailserver_cfg;
pub mod peers;
pub mod probe;
pub mod save;
pub mod session;
pub mod tls;
pub mod tui;
pub mod work;
