//! The pictures of `assets/gallery`: the real screen, driven by keys and drawn to SVG. A picture that no longer shows
//! what the program draws fails the test; `UPDATE_GALLERY=1 cargo test --test gallery` makes them anew.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: clippy.toml exempts test functions only"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{Timestamp, tz::TimeZone};
use kerio_tls::host::EngineNow;
use kerio_tls::mailserver_cfg::Document;
use kerio_tls::peers::{BookSources, Host, Peer, PeerBook, PeerKey, PeersFile, Service, make_book};
use kerio_tls::session::{Clock, EnginePlan, Facts, Measured, Session, variable_rows};
use kerio_tls::tls::{Catalogue, Direction};
use kerio_tls::tui::{Action, Effect, Key, Keyboard, State, Theme, draw, update};
use kerio_tls::work::{self, Asker, Event, SaveJob, SaveReport, Wanted};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

const PATH: &str = "/opt/kerio/mailserver/mailserver.cfg";
const NOW: &str = "2026-11-24T14:02:00Z";

const PEERS: &str = "\
outbound,smtp,198.51.100.7,tls1.0,2026-10-02,mx.old-partner.example: their fax gateway
outbound,smtp,192.0.2.9,tls1.1,2026-10-14,seen in their bounce
outbound,smtp,198.51.100.40,none,2026-11-12,offers no TLS
outbound,smtp,203.0.113.5,tls1.3,2026-11-21,
outbound,smtp,203.0.113.6,tls1.2,2026-11-04,asked their admin
outbound,smtp,203.0.113.20,tls1.3,2026-11-21,
inbound,smtp,192.0.2.77,tls1.0,2026-06-17,the scanner on the second floor
inbound,smtp,203.0.113.5,tls1.3,2026-11-21,
";

/// What the mail log would add: host, domain, messages.
const MAIL: &[(&str, &str, u64)] = &[
    ("198.51.100.7", "old-partner.example", 118),
    ("192.0.2.9", "example.net", 12),
    ("198.51.100.40", "town-hall.example", 41),
    ("203.0.113.5", "example.com", 326),
    ("203.0.113.6", "supplier.example", 87),
    ("203.0.113.20", "university.example", 64),
    ("2001:db8::25", "v6.example", 33),
    ("203.0.113.101", "shop1.example", 9),
    ("203.0.113.102", "shop2.example", 4),
    ("203.0.113.103", "shop3.example", 1),
];

fn book(now: Timestamp) -> PeerBook {
    let file = PeersFile::parse(PEERS.as_bytes(), now, &TimeZone::UTC);
    assert!(file.problems.is_empty(), "{:?}", file.problems);
    let mut book = make_book(&BookSources {
        peers_file: Some(&file),
        window_days: 30,
        ..BookSources::default()
    });
    for (host, domain, messages) in MAIL {
        let key = PeerKey {
            direction: Direction::Outbound,
            service: Service::Smtp,
            host: Host::parse(host).unwrap(),
            port: None,
        };
        let at = book.peers.binary_search_by(|peer| peer.key.cmp(&key));
        let at = at.unwrap_or_else(|at| {
            let unknown = Peer {
                key,
                names: Vec::new(),
                messages: 0,
                delayed: 0,
                failed: 0,
                authenticated: false,
                evidence: Vec::new(),
                note: None,
            };
            book.peers.insert(at, unknown);
            at
        });
        let peer = book.peers.get_mut(at).unwrap();
        peer.names.push((*domain).to_owned());
        peer.messages = *messages;
    }
    book
}

/// The screen without threads: what it asks of the workers is answered at once, with fixed words.
struct Gallery {
    state: State,
    keyboard: Keyboard,
    /// Keys that come too fast would be taken for a torn escape sequence.
    at: Instant,
    size: (u16, u16),
}

impl Gallery {
    fn new(size: (u16, u16), theme: Theme) -> Self {
        let config = include_str!("../assets/demo/mailserver.cfg").replace("@STORE@", "/opt/kerio/mailserver/store");
        let document = Arc::new(Document::parse(config.into_bytes()).unwrap());
        let measured = Measured::default();
        let now: Timestamp = NOW.parse().unwrap();
        let clock = Clock {
            now,
            zone: TimeZone::UTC,
        };
        let session = Session::new(document, Catalogue::embedded(), measured);
        let mut gallery = Self {
            state: State::new(PATH.to_owned(), session, clock, theme),
            keyboard: Keyboard::default(),
            at: Instant::now(),
            size,
        };
        gallery.act(Action::Resize(size.0, size.1));
        gallery.report(Event::Engine(EngineNow {
            word: "running",
            at: now,
        }));
        gallery.report(Event::Evidence {
            book: Arc::new(book(now)),
            measured,
            cancelled: false,
            since_save: None,
            refused: None,
        });
        gallery
    }

    fn report(&mut self, event: Event) {
        self.act(Action::Work(Asker::default(), event));
    }

    fn act(&mut self, action: Action) {
        let effects = update(&mut self.state, &mut self.keyboard, action, NOW.parse().unwrap());
        for effect in effects {
            match effect {
                Effect::Work(asker, work::Effect::Inspect { .. }) => {
                    self.act(Action::Work(asker, Event::Facts(Box::new(facts()))));
                }
                Effect::Work(asker, work::Effect::Save(job)) => {
                    self.act(Action::Work(asker, Event::Saved(Box::new(saved(&job)))));
                }
                _ => {}
            }
        }
    }

    fn press(mut self, keys: &[Key]) -> Self {
        for key in keys {
            self.at += Duration::from_secs(1);
            self.act(Action::Key(*key, self.at));
        }
        self
    }

    /// Cells, and where the cursor stands.
    fn cells(&self) -> (Buffer, Position) {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        terminal.draw(|frame| draw(&self.state, frame)).unwrap();
        let cursor = terminal.get_cursor_position().unwrap();
        (terminal.backend().buffer().clone(), cursor)
    }

    fn text(&self) -> String {
        let (cells, _) = self.cells();
        let rows = cells.content().chunks(usize::from(self.size.0));
        rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n")
            .collect()
    }
}

fn facts() -> Facts {
    let commands = [
        "systemctl stop kerio-connect.service",
        "systemctl start kerio-connect.service",
    ];
    Facts {
        path: PATH.to_owned(),
        link_target: None,
        owner: "root:root".to_owned(),
        mode: 0o600,
        backups: "/var/lib/kerio-tls".to_owned(),
        in_place: None,
        blocked: None,
        engine: EnginePlan::Restart {
            commands: commands.map(str::to_owned).to_vec(),
            last_seconds: Some(9),
            warnings: Vec::new(),
        },
        no_undo: None,
    }
}

/// What the workers say after a save, in their words; the document is the one that the edits really make.
fn saved(job: &SaveJob) -> SaveReport {
    let Wanted::Proven(proven) = &job.wanted else {
        panic!("{job:?}")
    };
    let backup = "/var/lib/kerio-tls/backups/000001-20261124T140200Z.cfg";
    let mut lines = vec![format!("Saved {PATH} at 14:02.")];
    lines.extend(job.words.iter().map(|words| format!("  {words}")));
    lines.push(format!("Backup: {backup}"));
    lines.push("The engine was started again and runs.".to_owned());
    SaveReport {
        document: Arc::clone(proven.result()),
        lines,
        warnings: Vec::new(),
        backup: Some(backup.to_owned()),
        to_confirm: false,
        took_effect: None,
        proof: None,
    }
}

// --- cells to SVG ---------------------------------------------------------------------------------------------

/// A cell, in hundredths of a pixel: DejaVu Sans Mono at 14 px.
const CELL: (u32, u32) = (843, 1700);
const MARGIN: u32 = 1000;

/// A terminal's own colours.
struct Palette {
    background: &'static str,
    foreground: &'static str,
    red: &'static str,
    green: &'static str,
    blue: &'static str,
    magenta: &'static str,
}

const DARK: Palette = Palette {
    background: "#16181d",
    foreground: "#d8dce3",
    red: "#ff7a76",
    green: "#7fd88f",
    blue: "#7ab4ff",
    magenta: "#e29cf0",
};
const LIGHT: Palette = Palette {
    background: "#ffffff",
    foreground: "#1f2328",
    red: "#b3101c",
    green: "#116b2c",
    blue: "#0a47b8",
    magenta: "#8a1c9c",
};

impl Palette {
    fn of(&self, color: Color) -> &'static str {
        match color {
            Color::Reset => self.foreground,
            Color::Red => self.red,
            Color::Green => self.green,
            Color::Blue => self.blue,
            Color::Magenta => self.magenta,
            other => panic!("the gallery has no picture of {other:?}"),
        }
    }
}

fn pixels(hundredths: u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Runs of one look become one text each; its length is given, so that another font still fills its cells.
fn svg(cells: &Buffer, cursor: Position, palette: &Palette, title: &str) -> String {
    let (columns, rows) = (u32::from(cells.area.width), u32::from(cells.area.height));
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, rows * CELL.1 + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{2}\"/>\n<g font-family=\"DejaVu Sans Mono,Menlo,Consolas,monospace\" font-size=\"14\" xml:space=\"preserve\">\n",
        pixels(width),
        pixels(height),
        palette.background
    );
    for (y, row) in cells.content().chunks(usize::from(cells.area.width)).enumerate() {
        let y = u32::try_from(y).unwrap();
        let look = |cell: &ratatui::buffer::Cell| (cell.fg, cell.modifier);
        let mut x = 0;
        for run in row.chunk_by(|a, b| look(a) == look(b)) {
            let text: String = run.iter().map(ratatui::buffer::Cell::symbol).collect();
            let cell = run.first().unwrap();
            let length = u32::try_from(run.len()).unwrap();
            write_run(&mut svg, (x, y), length, &text, (cell.fg, cell.modifier), palette);
            x += length;
        }
    }
    let _ = writeln!(
        svg,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"2\" fill=\"{}\"/>",
        pixels(MARGIN + u32::from(cursor.x) * CELL.0),
        pixels(MARGIN + (u32::from(cursor.y) + 1) * CELL.1 - 200),
        pixels(CELL.0),
        palette.red
    );
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn write_run(
    svg: &mut String,
    (x, y): (u32, u32),
    length: u32,
    text: &str,
    (fg, modifier): (Color, Modifier),
    palette: &Palette,
) {
    let (left, top, width) = (MARGIN + x * CELL.0, MARGIN + y * CELL.1, length * CELL.0);
    let mut ink = palette.of(fg);
    if modifier.contains(Modifier::REVERSED) {
        let _ = writeln!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{ink}\"/>",
            pixels(left),
            pixels(top),
            pixels(width),
            pixels(CELL.1)
        );
        ink = palette.background;
    }
    // Blanks at the ends paint nothing.
    let cut = text.trim_end();
    let shown = cut.trim_start();
    if shown.is_empty() {
        return;
    }
    let count = |text: &str| u32::try_from(text.chars().count()).unwrap();
    let left = left + (count(cut) - count(shown)) * CELL.0;
    let bold = if modifier.contains(Modifier::BOLD) {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let words = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{ink}\"{bold}>{words}</text>",
        pixels(left),
        pixels(top + 1300),
        pixels(count(shown) * CELL.0)
    );
}

// --- the pictures ---------------------------------------------------------------------------------------------

const COLOUR: Theme = Theme::new(true, false);
/// Outbound, the row TLS 1.2.
const CHOICE: &[Key] = &[Key::Tab, Key::Enter, Key::Home, Key::Down, Key::Down, Key::Down];

fn choosing(size: (u16, u16), theme: Theme) -> Gallery {
    Gallery::new(size, theme).press(CHOICE)
}

fn reviewing(size: (u16, u16), theme: Theme) -> Gallery {
    choosing(size, theme).press(&[Key::Enter, Key::F(6)])
}

/// Draws a picture and holds it against the one that is kept; `shows` must stand on the screen.
fn picture(name: &str, gallery: &Gallery, palette: &Palette, shows: &str) {
    let text = gallery.text();
    assert!(text.contains(shows), "{name} does not show {shows:?}:\n{text}");
    let (cells, cursor) = gallery.cells();
    let now = svg(&cells, cursor, palette, &format!("kerio-tls: {name}"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/gallery/{name}.svg"));
    if std::env::var_os("UPDATE_GALLERY").is_some_and(|wanted| wanted == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &now).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == now,
        "{} is missing or stale; look at the change, then: UPDATE_GALLERY=1 cargo test --test gallery\n{text}",
        path.display()
    );
}

#[test]
fn an_open_drop_down_says_what_each_choice_would_do() {
    picture("drop-down", &choosing((100, 30), COLOUR), &DARK, ">TLS 1.2");
}

#[test]
fn the_review_comes_before_anything_is_written() {
    picture("review", &reviewing((100, 40), COLOUR), &DARK, "nothing is written yet");
}

#[test]
fn the_peers_are_listed_worst_first() {
    let gallery = Gallery::new((100, 30), COLOUR).press(&[Key::Right, Key::Right, Key::Right]);
    picture("peers", &gallery, &DARK, "[Peers]");
}

#[test]
fn the_variables_of_a_direction_are_listed() {
    let gallery = Gallery::new((100, 30), COLOUR).press(&[Key::Right]);
    picture("variables", &gallery, &DARK, "ServerTlsProtocols");
}

#[test]
fn the_protocol_list_has_an_editor() {
    let mut gallery = Gallery::new((100, 30), COLOUR).press(&[Key::Right]);
    let rows = variable_rows(&gallery.state.context.session, Direction::Inbound);
    let at = rows.iter().position(|row| {
        row.path
            .as_ref()
            .is_some_and(|path| path.variable == "ServerTlsProtocols")
    });
    gallery.state.tabs.select(at.unwrap());
    picture("editor", &gallery.press(&[Key::Enter]), &DARK, "ServerTlsProtocols");
}

#[test]
fn after_a_save_it_is_said_what_was_done() {
    let gallery =
        reviewing((100, 40), COLOUR).press(&[Key::BackTab, Key::BackTab, Key::Char(' '), Key::BackTab, Key::Enter]);
    picture("saved", &gallery, &DARK, "Saved");
}

#[test]
fn a_light_background_is_as_readable() {
    picture("light", &choosing((100, 30), COLOUR), &LIGHT, ">TLS 1.2");
}

#[test]
fn nothing_is_said_by_colour_alone() {
    let theme = Theme::new(false, false);
    picture("mono", &choosing((100, 30), theme), &DARK, ">TLS 1.2");
}

#[test]
fn the_screen_can_be_drawn_in_ascii() {
    let gallery = choosing((100, 30), Theme::new(true, true));
    let text = gallery.text();
    assert!(text.is_ascii(), "{text}");
    picture("ascii", &gallery, &DARK, ">TLS 1.2");
}

#[test]
fn forty_columns_and_fifteen_rows_are_enough() {
    picture("40x15", &choosing((40, 15), COLOUR), &DARK, ">TLS 1.2");
}

#[test]
fn a_large_screen_is_used() {
    picture("200x60", &reviewing((200, 60), COLOUR), &DARK, "nothing is written yet");
}

const PICTURE: &str = "<!-- drawn by the program: tests/gallery.rs -->\n\n";

#[test]
fn the_picture_of_the_readme_is_what_the_program_draws_at_80x24() {
    let rows = choosing((80, 24), COLOUR).text();
    let drawn: String = rows
        .lines()
        .map(|row| format!("    {row}").trim_end().to_owned() + "\n")
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme
        .split_once(PICTURE)
        .expect("README.md has a place for the picture");
    let (kept, after) = rest.split_once("\n(").expect("words below the picture");
    if std::env::var_os("UPDATE_GALLERY").is_some_and(|wanted| wanted == "1") {
        fs::write(&path, format!("{before}{PICTURE}{drawn}\n({after}")).unwrap();
    } else {
        assert!(kept == drawn, "stale, see the head of this file:\n{drawn}");
    }
}

#[test]
fn every_picture_that_is_kept_is_drawn_by_a_test() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/gallery");
    let source = include_str!("gallery.rs");
    for entry in fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let stem = name.strip_suffix(".svg").unwrap_or(&name);
        assert!(source.contains(&format!("picture(\"{stem}\"")), "no test draws {name}");
    }
}
