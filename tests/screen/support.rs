//! A desk to sit at: a state over scripted workers, keys in a notation, and a drawn frame to look at.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{Timestamp, tz::TimeZone};
use kerio_tls::host::{Backup, EngineNow, KnownNames};
use kerio_tls::mailserver_cfg::{Document, Edit, EditSet, VariablePath};
use kerio_tls::peers::{Evidence, Host, Knowledge, Peer, PeerBook, PeerKey, Service, Source};
use kerio_tls::session::{Clock, EnginePlan, Facts, Measured, Session};
use kerio_tls::tls::{Catalogue, Direction, TlsVersion};
use kerio_tls::tui::{Action, Effect, Key, Keyboard, Place, State, Tab, Theme, draw, update};
use kerio_tls::work::{self, Asker, Event, SaveReport};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

use crate::notation::keys;

pub const COLOUR: Theme = Theme::new(true, false);
pub const MONO: Theme = Theme::new(false, false);
pub const ASCII: Theme = Theme::new(true, true);

pub const PATH: &str = "/opt/kerio/mailserver/mailserver.cfg";

/// Always three in the afternoon.
pub fn now() -> Timestamp {
    at("2026-11-24T15:00:00Z")
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// The demo's file, as a host would have it.
pub fn config() -> String {
    include_str!("../../assets/demo/mailserver.cfg").replace("@STORE@", "/opt/kerio/mailserver/store")
}

pub fn document(text: &str) -> Arc<Document> {
    Arc::new(Document::parse(text.as_bytes().to_vec()).unwrap())
}

fn seen(knowledge: Knowledge, source: Source, when: &str) -> Evidence {
    Evidence {
        knowledge,
        source,
        first_seen: at(when),
        last_seen: at(when),
        count: 3,
        raw: "raw \\x1b[2J words of a stranger".to_owned(),
    }
}

fn peer(direction: Direction, host: &str, names: &[&str], messages: u64, evidence: Vec<Evidence>) -> Peer {
    Peer {
        key: PeerKey {
            direction,
            service: Service::Smtp,
            host: Host::parse(host).unwrap_or_else(|| Host::Name(host.to_owned())),
            port: None,
        },
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        messages,
        delayed: messages / 10,
        failed: 0,
        authenticated: direction == Direction::Inbound,
        evidence,
        note: None,
    }
}

/// Every verdict in both directions, and names that mean harm.
pub fn book() -> Arc<PeerBook> {
    use Direction::{Inbound, Outbound};
    use Knowledge::{Ceiling, Hint, NoStartTls};
    use TlsVersion::{Tls10, Tls11, Tls12, Tls13};
    let long = format!("{}.example.org", "a-very-long-label".repeat(14));
    let probe = |k, when| seen(k, Source::Probe, when);
    let mut peers = vec![
        peer(
            Inbound,
            "192.0.2.77",
            &["scanner.example.org"],
            118,
            vec![seen(Ceiling(Tls10), Source::Received, "2026-11-20T08:00:00Z")],
        ),
        peer(
            Inbound,
            "2001:db8::25",
            &["phone.example.net"],
            12,
            vec![seen(Ceiling(Tls12), Source::Received, "2026-11-24T09:10:00Z")],
        ),
        peer(
            Inbound,
            "192.0.2.80",
            &[],
            4,
            vec![seen(
                Hint("mail went by".into()),
                Source::MailLog,
                "2026-11-23T09:10:00Z",
            )],
        ),
        peer(
            Outbound,
            "198.51.100.7",
            &["fax.example.com"],
            41,
            vec![probe(Ceiling(Tls10), "2026-11-24T14:01:00Z")],
        ),
        peer(
            Outbound,
            "198.51.100.8",
            &[long.as_str()],
            9,
            vec![seen(Ceiling(Tls11), Source::PeersFile, "2025-10-02T00:00:00Z")],
        ),
        peer(
            Outbound,
            "198.51.100.9",
            &["mixed.example.com"],
            7,
            vec![
                seen(Ceiling(Tls12), Source::Received, "2026-11-20T14:02:00Z"),
                seen(Ceiling(Tls10), Source::Received, "2026-11-23T14:02:00Z"),
            ],
        ),
        peer(
            Outbound,
            "198.51.100.10",
            &["plain.example.com"],
            3,
            vec![probe(NoStartTls, "2026-11-24T14:03:00Z")],
        ),
        peer(
            Outbound,
            "198.51.100.11",
            &["silent.example.com"],
            77,
            vec![probe(Knowledge::NoAnswer("timed out".into()), "2026-11-24T14:04:00Z")],
        ),
        peer(
            Outbound,
            "192.0.2.9",
            &["good.example.com"],
            500,
            vec![probe(Ceiling(Tls13), "2026-11-24T14:05:00Z")],
        ),
        // Hostile: escape sequences, a name to the left, wide and combining characters.
        peer(
            Outbound,
            "\u{1b}]0;owned\u{7}.example.org",
            &[
                "\u{202e}gro.elpmaxe",
                "日本語日本語日本語日本語.example.org",
                "e\u{301}\u{301}\u{301}",
            ],
            1,
            vec![probe(Ceiling(Tls10), "2026-11-24T14:06:00Z")],
        ),
        peer(
            Outbound,
            "日本語のメールサーバーのとても長い名前.example.org",
            &["\r\n[2J"],
            2,
            vec![probe(Ceiling(Tls11), "2026-11-24T14:07:00Z")],
        ),
    ];
    peers.sort_by(|a, b| a.key.cmp(&b.key));
    Arc::new(PeerBook {
        peers,
        warnings: Vec::new(),
        window_days: 30,
        logs_to: None,
        routes: Vec::new(),
    })
}

pub fn evidence() -> Event {
    Event::Evidence {
        book: book(),
        measured: Measured::default(),
        cancelled: false,
        since_save: None,
        refused: None,
    }
}

/// What the workers would find of file and engine.
pub fn facts() -> Facts {
    Facts {
        path: PATH.to_owned(),
        link_target: None,
        owner: "root:root".to_owned(),
        mode: 0o640,
        backups: "/var/lib/kerio-tls/backups".to_owned(),
        in_place: None,
        blocked: None,
        engine: EnginePlan::Restart {
            commands: vec![
                "systemctl stop kerio-connect".to_owned(),
                "systemctl start kerio-connect".to_owned(),
            ],
            last_seconds: Some(42),
            warnings: Vec::new(),
        },
        no_undo: None,
    }
}

pub fn backups() -> Event {
    let backup = |id: &str, when: &str, new: &str| Backup {
        id: id.to_owned(),
        path: format!("/var/lib/kerio-tls/backups/{id}").into(),
        when: when.to_owned(),
        who: "admin as root".to_owned(),
        action: "save".to_owned(),
        size: 2345,
        sha256: "0".repeat(64),
        summary: "Inbound: minimum TLS 1.0".to_owned(),
        words: vec!["changed Security/ServerTlsProtocols".to_owned()],
        undo: Ok(EditSet::new([Edit {
            path: VariablePath {
                table: "Security".to_owned(),
                variable: "ServerTlsProtocols".to_owned(),
            },
            base: Some(new.to_owned()),
            new: Some("TLSv1,TLSv1.1,TLSv1.2,TLSv1.3".to_owned()),
        }])),
    };
    Event::Backups(Arc::new(vec![
        backup(
            "20261120T101500Z-1",
            "2026-11-20T10:15:00+00:00",
            "TLSv1,TLSv1.1,TLSv1.2",
        ),
        backup("20261101T090000Z-1", "2026-11-01T09:00:00+00:00", "TLSv1.2"),
    ]))
}

/// The state, the keyboard, and what was asked of workers and terminal.
pub struct Desk {
    pub state: State,
    pub keyboard: Keyboard,
    pub effects: Vec<Effect>,
    time: Instant,
}

impl Desk {
    /// Nothing is known yet.
    pub fn bare(config: &str, theme: Theme) -> Self {
        let session = Session::new(document(config), Catalogue::embedded(), Measured::default());
        let clock = Clock {
            now: now(),
            zone: TimeZone::UTC,
        };
        Self {
            state: State::new(PATH.to_owned(), session, clock, theme),
            keyboard: Keyboard::default(),
            effects: Vec::new(),
            time: Instant::now(),
        }
    }

    /// Logs are read, the engine was looked at.
    pub fn new(theme: Theme, size: (u16, u16)) -> Self {
        let mut desk = Self::bare(&config(), theme);
        desk.act(Action::Resize(size.0, size.1));
        desk.report(Event::Engine(EngineNow {
            word: "running",
            at: at("2026-11-24T14:59:00Z"),
        }));
        desk.report(evidence());
        desk.report(backups());
        desk.effects.clear();
        desk
    }

    pub fn at_80x24() -> Self {
        Self::new(COLOUR, (80, 24))
    }

    pub fn act(&mut self, action: Action) {
        let effects = update(&mut self.state, &mut self.keyboard, action, now());
        self.effects.extend(effects);
    }

    /// A worker reports something that nobody in particular has asked for.
    pub fn report(&mut self, event: Event) {
        self.answer(Asker::default(), event);
    }

    /// A worker answers.
    pub fn answer(&mut self, asker: Asker, event: Event) {
        self.act(Action::Work(asker, event));
    }

    /// Who asked last for something like this.
    #[track_caller]
    pub fn asker(&self, is_it: impl Fn(&work::Effect) -> bool) -> Asker {
        let asked = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Work(asker, effect) if is_it(effect) => Some(*asker),
            _ => None,
        });
        asked.expect("nobody asked for that")
    }

    /// The save that runs reports something.
    #[track_caller]
    pub fn save_reports(&mut self, event: Event) {
        let asker = self.asker(|effect| matches!(effect, work::Effect::Save(_)));
        self.answer(asker, event);
    }

    /// Presses keys of the notation, a second apart.
    pub fn press(&mut self, notation: &str) -> &mut Self {
        for key in keys(notation) {
            self.press_after(key, 1000);
        }
        self
    }

    /// Presses a key so many milliseconds after the one before.
    pub fn press_after(&mut self, key: Key, milliseconds: u64) {
        self.time += Duration::from_millis(milliseconds);
        self.act(Action::Key(key, self.time));
    }

    /// Answers an `Inspect` among the effects, which must be there.
    pub fn inspected(&mut self, facts: Facts) -> &mut Self {
        let is_it = |effect: &work::Effect| matches!(effect, work::Effect::Inspect { .. });
        let asker = self.asker(is_it);
        self.effects
            .retain(|effect| !matches!(effect, Effect::Work(_, effect) if is_it(effect)));
        self.answer(asker, Event::Facts(Box::new(facts)));
        self
    }

    /// Presses Down until the cursor stands on a row with these words.
    pub fn down_to(&mut self, words: &str) -> &mut Self {
        for _ in 0..60 {
            if self.look().focused().contains(words) {
                return self;
            }
            self.press("<Down>");
        }
        panic!("no row says {words:?}\n{}", self.look());
    }

    /// Opens the editor of the variable that a search for these words finds first.
    pub fn open(&mut self, words: &str) -> &mut Self {
        self.press("/").press(words).press("<Enter><Enter>");
        assert!(
            matches!(self.state.place(), Place::Editor | Place::TextField),
            "no editor\n{}",
            self.look()
        );
        self
    }

    /// Draws the state.
    pub fn look(&self) -> Frame {
        look(&self.state, self.state.context.size)
    }

    /// The last save asked for, if any.
    pub fn save_job(&self) -> Option<&work::SaveJob> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Work(_, work::Effect::Save(job)) => Some(&**job),
            _ => None,
        })
    }

    pub fn quits(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::Quit))
    }

    /// What the workers would say after a save that went well.
    pub fn saved(&mut self) -> &mut Self {
        let job = self.save_job().expect("no save was asked for").clone();
        let document = match &job.wanted {
            work::Wanted::Proven(proven) => proven.result(),
            work::Wanted::Edits(_) | work::Wanted::Whole(_) => &job.base,
        };
        self.save_reports(Event::Saved(Box::new(SaveReport {
            document: Arc::clone(document),
            lines: vec![format!("Saved {PATH}.")],
            warnings: vec!["the engine took 90 s to start".to_owned()],
            backup: Some("/var/lib/kerio-tls/backups/x".to_owned()),
            to_confirm: false,
            took_effect: None,
            proof: None,
        })));
        self
    }
}

/// A drawn frame.
pub struct Frame {
    pub buffer: Buffer,
    /// `None`: hidden.
    pub cursor: Option<Position>,
}

/// Draws a state at a size.
pub fn look(state: &State, (width, height): (u16, u16)) -> Frame {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut cursor = None;
    terminal
        .draw(|frame| {
            draw(state, frame);
        })
        .unwrap();
    let backend = terminal.backend_mut();
    if backend.cursor_visible() {
        cursor = Some(backend.cursor_position());
    }
    Frame {
        buffer: backend.buffer().clone(),
        cursor,
    }
}

impl Frame {
    /// The text of a row; the cell behind a wide character is skipped.
    pub fn row(&self, y: u16) -> String {
        let mut row = String::new();
        let mut x = 0;
        while x < self.buffer.area.width {
            let symbol = self.buffer[(x, y)].symbol();
            row.push_str(symbol);
            x += columns(&self.buffer[(x, y)]);
        }
        row.trim_end().to_owned()
    }

    pub fn rows(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.buffer.area.height).map(|y| self.row(y))
    }

    pub fn text(&self) -> String {
        self.rows().collect::<Vec<_>>().join("\n")
    }

    #[track_caller]
    pub fn shows(&self, words: &str) {
        assert!(self.text().contains(words), "{words:?} is not on the screen\n{self}");
    }

    #[track_caller]
    pub fn hides(&self, words: &str) {
        assert!(!self.text().contains(words), "{words:?} is on the screen\n{self}");
    }

    /// The row under the cursor.
    #[track_caller]
    pub fn focused(&self) -> String {
        match self.cursor {
            Some(cursor) => self.row(cursor.y),
            None => panic!("no cursor\n{self}"),
        }
    }

    /// The reversed cells of the cursor's row.
    #[track_caller]
    pub fn marked(&self) -> String {
        let cursor = self.cursor.expect("no cursor");
        (0..self.buffer.area.width)
            .map(|x| &self.buffer[(x, cursor.y)])
            .filter(|cell| cell.modifier.contains(Modifier::REVERSED))
            .map(ratatui::buffer::Cell::symbol)
            .collect()
    }

    /// The look of the first cell of these words.
    #[track_caller]
    pub fn look_of(&self, words: &str) -> (Color, Modifier) {
        for y in 0..self.buffer.area.height {
            for x in 0..self.buffer.area.width {
                let mut rest = words.chars();
                let here = (x..self.buffer.area.width)
                    .zip(rest.by_ref())
                    .all(|(x, c)| self.buffer[(x, y)].symbol().chars().eq([c]));
                if here && rest.next().is_none() {
                    let cell = &self.buffer[(x, y)];
                    return (cell.fg, cell.modifier);
                }
            }
        }
        panic!("{words:?} is not on the screen\n{self}");
    }

    /// Is any cell reversed?
    pub fn has_reverse(&self) -> bool {
        self.buffer
            .content
            .iter()
            .any(|cell| cell.modifier.contains(Modifier::REVERSED))
    }

    /// Keys and words of the footer: keys are bold, words are not.
    pub fn hints(&self) -> Vec<(String, String)> {
        let y = self.buffer.area.height - 1;
        let mut hints: Vec<(String, String)> = Vec::new();
        let mut was_bold = false;
        for x in 0..self.buffer.area.width {
            let cell = &self.buffer[(x, y)];
            let bold = cell.modifier.contains(Modifier::BOLD);
            if bold && !was_bold {
                hints.push((String::new(), String::new()));
            }
            was_bold = bold;
            if let Some((key, words)) = hints.last_mut() {
                if bold { key } else { words }.push_str(cell.symbol());
            }
        }
        for (_, words) in &mut hints {
            *words = words.trim().to_owned();
        }
        hints
    }
}

impl std::fmt::Display for Frame {
    /// The text between bars, where the cursor is, and runs of cells that do not look like plain text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let area = self.buffer.area;
        writeln!(f, "{}x{}", area.width, area.height)?;
        for y in 0..area.height {
            writeln!(f, "{y:>2}|{}", self.row(y))?;
        }
        match self.cursor {
            Some(at) => writeln!(f, "cursor {},{}", at.x, at.y)?,
            None => writeln!(f, "cursor hidden")?,
        }
        for y in 0..area.height {
            let mut x = 0;
            while x < area.width {
                let look = style(&self.buffer[(x, y)]);
                let start = x;
                // What lies behind a wide character is no cell of its own.
                while x < area.width && style(&self.buffer[(x, y)]) == look {
                    x += columns(&self.buffer[(x, y)]);
                }
                if !look.is_empty() {
                    writeln!(f, "style {y}: {start}..{x} {look}")?;
                }
            }
        }
        Ok(())
    }
}

fn columns(cell: &ratatui::buffer::Cell) -> u16 {
    u16::try_from(ratatui::text::Span::raw(cell.symbol()).width().max(1)).unwrap()
}

fn style(cell: &ratatui::buffer::Cell) -> String {
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(format!("{:?}", cell.fg).to_lowercase());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {:?}", cell.bg).to_lowercase());
    }
    if !cell.modifier.is_empty() {
        words.push(format!("{:?}", cell.modifier).to_lowercase());
    }
    words.join(" ")
}

/// Every screen by name, at a size.
/// What a stand-in program tells.
pub fn known_names() -> KnownNames {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("mailserver");
    let text = b"\0SmtpSecurity\0ServerTlsProtocols\0TlsMinimumVersion\0EnableECDHE\0OpenSSL 1.1.1k  25 Mar 2021\0";
    std::fs::write(&program, text).unwrap();
    let mut names = KnownNames::of_program(Catalogue::embedded(), &program);
    names.engine.path = Some("/opt/kerio/mailserver/mailserver".into());
    names
}

pub fn screens(theme: Theme, size: (u16, u16)) -> Vec<(&'static str, Desk)> {
    let desk = || Desk::new(theme, size);
    let mut screens = Vec::new();
    let mut add = |name, keys: &str| {
        let mut desk = desk();
        desk.press(keys);
        screens.push((name, desk));
    };
    add("form", "");
    add("box", "<Up>");
    add("panel", "<Down><Down>");
    add("drop-down", "<Down><Enter><Down><Down><Down>");
    add("inbound", "<Right>");
    add("outbound", "<Right><Right>");
    add("peers", "<Right><Right><Right>");
    add("peer", "<Right><Right><Right><Enter>");
    add("backups", "<Left>");
    add("help", "?");
    add("find", "/tls");
    add("quit", "<Down><Enter><Down><Down><Down><Enter>q");
    add("reset", "X");
    add("probe", "p");

    for (name, keys) in [("names", "n<Down>"), ("name", "n<Enter><Down>")] {
        let mut desk = desk();
        desk.press("<Right>");
        desk.report(Event::Names(Arc::new(known_names())));
        desk.press(keys);
        screens.push((name, desk));
    }
    let mut review = desk();
    review
        .press("<Down><Enter><Down><Down><Down><Enter><F6>")
        .inspected(facts());
    let mut consented = desk();
    consented
        .press("<Down><Enter><Down><Down><Down><Enter><F6>")
        .inspected(facts());
    consented.press("<S-Tab><S-Tab><Space>");
    let mut saving = desk();
    saving
        .press("<Down><Enter><Down><Down><Down><Enter><F6>")
        .inspected(facts());
    saving.press("<S-Tab><S-Tab><Space><S-Tab><Enter>");
    saving.save_reports(Event::SaveStep {
        words: "Stopping the engine".to_owned(),
        cancellable: true,
    });
    saving.save_reports(Event::SaveDetail("12 s so far, 42 s the last time".to_owned()));
    let mut protocols = desk();
    protocols.state.tabs.open = Tab::Inbound;
    protocols.open("protocols");
    let mut ciphers = desk();
    ciphers.state.tabs.open = Tab::Inbound;
    ciphers.open("cipher");
    ciphers.press("HIGH:!aNULLL");
    screens.extend([
        ("review", review),
        ("consented", consented),
        ("saving", saving),
        ("protocols", protocols),
        ("ciphers", ciphers),
    ]);
    screens
}
