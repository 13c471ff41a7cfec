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
//!   floor 1   probe   watch   peers   save   engine
//!   floor 0   mailserver_cfg   tls   files   hostile
//! ```
//!
//! An arrow (`use crate::…`) never points up, and sideways only from `watch` to `probe`, and the files of a room make
//! no circle: `tests/floors.rs` holds both.
//!
//! | room | owns | may use |
//! |---|---|---|
//! | [`mailserver_cfg`] | the file as bytes: lossless, strict, spans, edits, rebase, diff, secrets | `hostile` |
//! | [`tls`] | versions, services, minimums, the catalogue of variables, ciphers, advice | `hostile` |
//! | [`hostile`] | words of strangers, made safe to show | nothing of ours |
//! | [`files`] | opening what strangers could exchange; writing small files whole or not at all | `hostile` |
//! | [`probe`] | one TLS question to one address, and many at once | `tls` (versions, services), `hostile` |
//! | [`watch`] | who really connects: frames and captures to rows | `tls`, `hostile`, the hellos of `probe` |
//! | [`peers`] | who we exchange mail with, evidence, verdicts; logs, headers, the peers file | `tls`, `files`, `hostile` |
//! | [`save`] | locks, backups, exchange, journal, recovery | `mailserver_cfg`, `files`, `hostile` |
//! | [`engine`] | does it run; stop, start, watch; the dead-man's switch; which names its program holds | `files`, `hostile` |
//! | [`session`] | draft, undo, dirty by value, review; no I/O | floor 0, data of `peers` |
//! | [`host`] | what is here: places, preferences, own names, memory, backups, drafts, the demo | everything below |
//! | [`work`] | what is done: effects in, events out, each to whoever asked | everything below |
//! | [`tui`], [`cli`] | the two ways to use it | `session`, `work`, `host`; data of `tls`, `peers`; `hostile` |
//!
//! # One value's way through it
//!
//! *A chosen minimum.* Enter on a row of the drop-down is a `Command` of the key table; the window calls
//! [`session::Session::choose`], which has [`tls::plan_choices`] plan the edits of both directions and puts them into
//! the draft. F6 is an [`work::Effect::Inspect`]: [`work::facts`] looks at the file and the engine, and the answer to the
//! newest such question opens the review's window, which has [`session`] put a [`session::Review`] together:
//! [`mailserver_cfg::Document::prove`] makes the edits and proves the result, [`mailserver_cfg::Proven::diff`] shows
//! it, and [`peers::assess`] has the verdicts. Save is an effect with that [`mailserver_cfg::Proven`]; [`work::save`]
//! gives it to [`save::save`], which stops the engine through its `Gate`, and if the file is still the one that was
//! read writes just what was proven, else rebases the edits onto what is there then and proves again; it backs up,
//! exchanges, and lets the engine start. The event that comes back holds the new document.
//!
//! *One line of a log.* [`work::read_evidence`] has [`peers::scan_logs`] read the bytes, while nobody waits for a lock;
//! a line becomes counters of one peer, never a stored line; [`work::Sources`] joins it by [`peers::make_book`] with
//! the peers file, what [`host::Memory`] remembers and what this session has learned; [`peers::assess`] gives the row
//! its verdict.
//!
//! *One probe reply.* [`probe::ReplyParser`] reads the ServerHello's version; [`work::evidence_of`] makes
//! [`peers::Record`]s of it, with their time and raw evidence; [`host::Memory`] keeps them, and a new book goes to the
//! screen, where the drop-down's numbers move.

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
pub mod watch;
pub mod work;
