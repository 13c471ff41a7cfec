//! The editors of the Inbound and Outbound tabs, the search and the naming of a variable, driven by keys as a user
//! presses them. Everything is asked of the drawn screen, the session's edits and the effects that leave `update`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kerio_tls::mailserver_cfg::Document;
use kerio_tls::peers::{Evidence, Host, Knowledge, Peer, PeerBook, PeerKey, Service, Source};
use kerio_tls::session::{Clock, EnginePlan, Facts, Measured, Session, variable_rows};
use kerio_tls::tls::{Catalogue, Direction, Minimum, Role, TlsVersion};
use kerio_tls::tui::{Action, Effect, Key, Keyboard, Place, State, Tab, Theme, draw, update};
use kerio_tls::work::{self, Asker, Event};
use ratatui::Terminal;
use ratatui::backend::{Backend, TestBackend};
use ratatui::layout::Position;
use ratatui::style::Modifier;

const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<config>
  <table name="Security">
    <variable name="SecurityPolicy">0</variable>
    <variable name="servertlsprotocols">tlsv1;tlsv1.1;tlsv1.2</variable>
    <variable name="WebTlsVersions">TLSv1,TLSv1.2</variable>
    <variable name="RelayKey">D3S:0123456789abcdef</variable>
    <variable name="EnableDH">1</variable>
  </table>
  <table name="SmtpSecurity">
    <variable name="ClientTlsProtocols">TLSv1.2</variable>
    <variable name="ClientTlsProtocols">TLSv1.1</variable>
  </table>
</config>
"#;

const NAMES: &str = r#"
[[variable]]
direction = "both"
role = "dhe-on"
name = "EnableDH"
[[variable]]
direction = "both"
role = "dhe-key-size"
name = "DHSize"
"#;

/// The screen over a test terminal, fed keys.
struct Screen {
    state: State,
    keyboard: Keyboard,
    terminal: Terminal<TestBackend>,
    effects: Vec<work::Effect>,
    /// Who asked for the last of them.
    asker: Asker,
    at: Instant,
}

fn peer(direction: Direction, host: &str, ceiling: TlsVersion, now: Timestamp) -> Peer {
    Peer {
        key: PeerKey {
            direction,
            service: Service::Smtp,
            host: Host::Name(host.to_owned()),
            port: None,
        },
        names: Vec::new(),
        messages: 7,
        delayed: 0,
        failed: 0,
        authenticated: false,
        evidence: vec![Evidence {
            knowledge: Knowledge::Ceiling(ceiling),
            source: Source::Probe,
            first_seen: now,
            last_seen: now,
            count: 1,
            raw: String::new(),
        }],
        note: None,
    }
}

impl Screen {
    fn open(width: u16, height: u16, theme: Theme, file: &str) -> Self {
        let now: Timestamp = "2026-11-24T14:01:00Z".parse().unwrap();
        let document = Arc::new(Document::parse(file.as_bytes().to_vec()).unwrap());
        let catalogue = Catalogue::embedded().with_overrides(NAMES).unwrap();
        let session = Session::new(document, catalogue, Measured::default());
        let clock = Clock {
            now,
            zone: TimeZone::UTC,
        };
        let mut state = State::new("/opt/kerio/mailserver/mailserver.cfg".to_owned(), session, clock, theme);
        state.context.size = (width, height);
        state.context.book = Arc::new(PeerBook {
            peers: vec![
                peer(Direction::Inbound, "old.example.net", TlsVersion::Tls10, now),
                peer(Direction::Inbound, "older.example.org", TlsVersion::Tls11, now),
                peer(Direction::Inbound, "new.example.com", TlsVersion::Tls13, now),
            ],
            window_days: 30,
            ..PeerBook::default()
        });
        state.context.count();
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        Self {
            state,
            keyboard: Keyboard::default(),
            terminal,
            effects: Vec::new(),
            asker: Asker::default(),
            at: Instant::now(),
        }
    }

    /// The inbound list of the sample at 80x24, without colours.
    fn inbound() -> Self {
        let mut screen = Self::open(80, 24, Theme::new(false, false), FILE);
        screen.keys("<Right>");
        screen
    }

    /// Presses keys: letters as they are, others as `<Enter>`.
    fn keys(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while !rest.is_empty() {
            let (key, tail) = match rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
                Some((name, tail)) => (named(name), tail),
                None => {
                    let first = rest.chars().next().unwrap();
                    (Key::Char(first), rest.split_at(first.len_utf8()).1)
                }
            };
            rest = tail;
            // A second between keys: nothing looks like a torn sequence.
            self.at += Duration::from_secs(1);
            let at = self.at;
            self.act(Action::Key(key, at));
        }
        self
    }

    fn act(&mut self, action: Action) {
        let now = self.state.context.clock.now;
        for effect in update(&mut self.state, &mut self.keyboard, action, now) {
            if let Effect::Work(asker, effect) = effect {
                self.asker = asker;
                self.effects.push(effect);
            } else {
                panic!("unexpected {effect:?}");
            }
        }
    }

    fn text(&mut self) -> String {
        self.draw();
        let buffer = self.terminal.backend().buffer();
        let width = usize::from(buffer.area.width);
        let cells: Vec<&str> = buffer.content().iter().map(|cell| cell.symbol()).collect();
        cells
            .chunks(width.max(1))
            .map(|row| row.concat().trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The same without borders and line ends, so that a sentence can be looked for wherever it wraps.
    fn flat(&mut self) -> String {
        self.text()
            .replace(['│', '|'], " ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn draw(&mut self) -> Position {
        let state = &self.state;
        self.terminal.draw(|frame| draw(state, frame)).unwrap();
        self.terminal.backend_mut().get_cursor_position().unwrap()
    }

    #[track_caller]
    fn shows(&mut self, words: &str) -> &mut Self {
        let (flat, text) = (self.flat(), self.text());
        assert!(flat.contains(words), "{words:?} is not on the screen:\n{text}");
        self
    }

    #[track_caller]
    fn hides(&mut self, words: &str) -> &mut Self {
        let (flat, text) = (self.flat(), self.text());
        assert!(!flat.contains(words), "{words:?} is on the screen:\n{text}");
        self
    }

    /// Goes to a variable's row through the search, which leaves the mark on it.
    fn go(&mut self, words: &str) -> &mut Self {
        self.keys(&format!("/{words}<Enter>"))
    }

    fn wanted(&self, name: &str) -> Option<String> {
        self.state
            .context
            .session
            .wanted()
            .pairs(Direction::Inbound)
            .iter()
            .find(|pair| pair.name == name)
            .map(|pair| pair.value.clone())
    }

    /// Opens the review and answers what it asks of file and engine.
    fn review(&mut self) -> &mut Self {
        self.keys("<F6>");
        assert!(matches!(self.effects.last(), Some(work::Effect::Inspect { .. })));
        self.act(Action::Work(
            self.asker,
            Event::Facts(Box::new(Facts {
                path: "/opt/kerio/mailserver/mailserver.cfg".to_owned(),
                link_target: None,
                owner: "root:root".to_owned(),
                mode: 0o600,
                backups: "/var/lib/kerio-tls/backups".to_owned(),
                in_place: None,
                blocked: None,
                engine: EnginePlan::Absent,
                no_undo: None,
            })),
        ));
        assert_eq!(self.state.place(), Place::Review);
        self
    }

    fn edits(&self) -> usize {
        self.state.context.session.edits().edits().len()
    }
}

fn named(name: &str) -> Key {
    match name {
        "Enter" => Key::Enter,
        "Esc" => Key::Esc,
        "Tab" => Key::Tab,
        "BackTab" => Key::BackTab,
        "Up" => Key::Up,
        "Down" => Key::Down,
        "Left" => Key::Left,
        "Right" => Key::Right,
        "Home" => Key::Home,
        "End" => Key::End,
        "PgDn" => Key::PageDown,
        "BS" => Key::Backspace,
        "Del" => Key::Delete,
        "F1" => Key::F(1),
        "F6" => Key::F(6),
        "F10" => Key::F(10),
        "C-u" => Key::Ctrl('u'),
        other => panic!("no key is named {other}"),
    }
}

// --- protocols --------------------------------------------------------------------------------------------------

#[test]
fn unticking_a_protocol_says_who_is_cut_off_before_it_is_applied_and_keeps_the_files_spelling() {
    let mut screen = Screen::inbound();
    screen.go("servertls").keys("<Enter>");
    screen
        .shows("[x] TLS 1.0 1 peer has nothing newer")
        .shows("Minimum: TLS 1.0");
    screen.keys(" ").shows("[ ] TLS 1.0").shows("Minimum: TLS 1.1");
    screen.shows("1 cut off").shows("x old.example.net");
    assert_eq!(screen.edits(), 0, "nothing is applied before Enter");
    screen.keys("<Enter>");
    assert_eq!(screen.wanted("servertlsprotocols").unwrap(), "tlsv1.1;tlsv1.2");
    assert_eq!(
        screen.state.context.session.minimum(Direction::Inbound),
        Minimum::At(TlsVersion::Tls11)
    );
    assert!(matches!(screen.effects.last(), Some(work::Effect::KeepDraft(_))));
    screen
        .review()
        .shows("minimum TLS 1.0 -> TLS 1.1")
        .keys("<End>")
        .shows(">tlsv1.1;tlsv1.2<");
    screen.keys("<Esc>u").shows("no changes");
    assert_eq!(screen.edits(), 0);
}

#[test]
fn ticking_back_what_was_loaded_leaves_no_edit() {
    let mut screen = Screen::inbound();
    screen.go("servertls").keys("<Enter> <Enter>");
    assert_eq!(screen.edits(), 1);
    screen.keys("<Enter><Up>").keys("<Home> <Enter>");
    assert_eq!(screen.edits(), 0);
    assert_eq!(screen.wanted("servertlsprotocols").unwrap(), "tlsv1;tlsv1.1;tlsv1.2");
}

#[test]
fn a_gap_is_custom_and_says_why() {
    let mut screen = Screen::inbound();
    screen.go("servertls").keys("<Enter><Down> ");
    screen
        .shows("Minimum: custom: servertlsprotocols has a gap")
        .shows("not known");
    screen.keys("<Enter>");
    assert!(matches!(
        screen.state.context.session.minimum(Direction::Inbound),
        Minimum::Custom(_)
    ));
}

#[test]
fn a_list_without_any_protocol_is_refused_with_the_reason_and_esc_leaves_unharmed() {
    let mut screen = Screen::inbound();
    screen.go("servertls").keys("<Enter> <Down> <Down> ");
    screen.shows("Cannot be applied").shows("might stop TLS altogether");
    screen.keys("<Enter>").shows("Not applied");
    assert_eq!(screen.state.place(), Place::Editor);
    screen.keys("<Esc>");
    assert_eq!((screen.state.place(), screen.edits()), (Place::Variables, 0));
}

#[test]
fn tls13_that_was_never_seen_is_warned_of_in_editor_and_review() {
    let mut screen = Screen::inbound();
    screen.go("servertls").keys("<Enter><End><Up> ");
    screen.shows("[x] TLS 1.3").shows("has not been seen to speak");
    screen.keys("<Enter>").review().shows("has not been seen to speak");
}

#[test]
fn ssl3_can_be_taken_out_and_never_put_in() {
    let file = FILE.replace("tlsv1;tlsv1.1;tlsv1.2", "SSLv2,SSLv3,TLSv1.2");
    let mut screen = Screen::open(80, 24, Theme::new(false, false), &file);
    screen.keys("<Right>").go("servertls").keys("<Enter>");
    screen.shows("[x] SSL 3.0").shows("SSLv2 stands in the list");
    screen.keys(" ").shows("[ ] SSL 3.0").keys(" ").shows("[ ] SSL 3.0");
    screen.keys("<Enter>");
    assert_eq!(screen.wanted("servertlsprotocols").unwrap(), "TLSv1.2");
}

#[test]
fn an_enter_without_a_tick_does_not_rewrite_a_strange_list() {
    let file = FILE.replace("tlsv1;tlsv1.1;tlsv1.2", "SSLv2 , wat,TLSv1.2");
    let mut screen = Screen::open(80, 24, Theme::new(false, false), &file);
    screen.keys("<Right>").go("servertls").keys("<Enter>").shows("has wat");
    screen.keys("<Enter>");
    assert_eq!(screen.edits(), 0);
}

#[test]
fn the_servers_default_is_offered_by_every_editor_and_deletes() {
    let mut screen = Screen::inbound();
    screen.go("servertls").keys("<Enter><End>");
    screen.shows("servertlsprotocols would be deleted").keys("<Enter>");
    assert_eq!(screen.wanted("servertlsprotocols"), None);
    screen
        .review()
        .shows("deletes Security/servertlsprotocols")
        .keys("<Esc>u");
    for row in ["ServerTlsCiphers", "DisableEphemeralDH", "EnableDH", "DHSize"] {
        screen
            .go(row)
            .keys("<Enter>")
            .shows("Server default (delete)")
            .keys("<Esc>");
    }
    assert_eq!(screen.edits(), 0);
}

// --- switches and sizes -----------------------------------------------------------------------------------------

#[test]
fn a_switch_is_changed_reviewed_and_undone() {
    let mut screen = Screen::inbound();
    screen
        .go("EnableDH")
        .keys("<Enter>")
        .shows("(*) 1 on")
        .shows("( ) 0 off");
    screen.keys("<Down>").shows("EnableDH would be: 0").keys(" ");
    assert_eq!(screen.edits(), 0, "only Enter applies");
    screen.keys("<Enter>");
    assert_eq!(screen.wanted("EnableDH").unwrap(), "0");
    screen.review().shows("changes Security/EnableDH").keys("<Esc>u");
    assert_eq!(screen.wanted("EnableDH").unwrap(), "1");
}

#[test]
fn a_key_size_without_dhe_says_that_it_does_nothing_and_from_where_that_is_known() {
    let mut screen = Screen::inbound();
    screen.go("EnableDH").keys("<Enter><Down><Enter>");
    screen.go("DHSize").keys("<Enter><Home><Down><Down>");
    screen.shows("2048 bits: what RFC 9325 asks for");
    screen
        .shows("This key size does nothing: ephemeral Diffie-Hellman is switched off")
        .shows("RFC 8446");
    screen.keys("<Enter>");
    assert_eq!(screen.wanted("DHSize").unwrap(), "2048");
    screen.shows("This key size does nothing");
    screen.review().shows("adds Security/DHSize").shows("Adds DHSize");
}

#[test]
fn changing_a_switch_keeps_what_the_review_says_of_the_minimum() {
    let mut screen = Screen::inbound();
    screen.go("servertls").keys("<Enter><End><Up> <Enter>");
    screen.go("EnableDH").keys("<Enter><Down><Enter>");
    screen
        .review()
        .shows("has not been seen to speak")
        .shows("changes Security/EnableDH");
}

// --- ciphers ----------------------------------------------------------------------------------------------------

#[test]
fn letters_in_a_text_field_are_text_whatever_they_do_elsewhere() {
    let mut screen = Screen::inbound();
    screen.go("ServerTlsCiphers").keys("<Enter>");
    assert_eq!(screen.state.place(), Place::TextField);
    screen.keys("qusdX/?jkhl gGWy");
    assert_eq!(screen.state.place(), Place::TextField);
    screen.shows("qusdX/?jkhl gGWy");
    screen.keys("<C-u>HIGH:!aNUL<End>L");
    screen.keys("<Enter>");
    assert_eq!(screen.wanted("ServerTlsCiphers").unwrap(), "HIGH:!aNULL");
    screen
        .review()
        .shows("adds Security/ServerTlsCiphers")
        .keys("<End>")
        .shows("HIGH:!aNULL")
        .keys("<Esc>u");
    assert_eq!(screen.wanted("ServerTlsCiphers"), None);
}

#[test]
fn an_empty_cipher_field_is_no_fault_and_means_the_servers_default() {
    let mut screen = Screen::inbound();
    screen.go("ServerTlsCiphers").keys("<Enter><C-u>");
    screen.shows("the server's default holds");
    let text = screen.text();
    assert!(!text.contains("no suite at all"), "{text}");
    screen.keys("<Enter>");
    assert_eq!(screen.wanted("ServerTlsCiphers"), None);
}

#[test]
fn a_misspelt_suite_is_named_with_its_place_and_put_right_by_one_key() {
    let mut screen = Screen::inbound();
    screen
        .go("ServerTlsCiphers")
        .keys("<Enter>HIGH:ECDHE-RSA-AES128-GCM-SHA265");
    screen.shows("! at 6: ECDHE-RSA-AES128-GCM-SHA265 is no cipher suite or keyword");
    screen.shows("did you mean ECDHE-RSA-AES128-GCM-SHA256?");
    screen.keys("<Tab>").shows("put right: ECDHE-RSA-AES128-GCM-SHA256");
    screen.keys("<Enter>").hides("no cipher suite");
    assert_eq!(screen.state.place(), Place::TextField);
    screen.keys("<Enter>");
    assert_eq!(
        screen.wanted("ServerTlsCiphers").unwrap(),
        "HIGH:ECDHE-RSA-AES128-GCM-SHA256"
    );
}

#[test]
fn a_string_that_openssl_refuses_is_not_applied_and_nobody_is_trapped() {
    let mut screen = Screen::inbound();
    screen.go("ServerTlsCiphers").keys("<Enter>HIGH:@SECLEVEL=9");
    screen.shows("x at 6: @SECLEVEL=9 is no command");
    screen.keys("<Enter>").shows("Not applied");
    assert_eq!((screen.state.place(), screen.edits()), (Place::TextField, 0));
    screen.keys("<Esc>");
    assert_eq!(screen.state.place(), Place::Variables);
    screen.shows("What you typed is kept");
    screen.keys("<Enter>").shows("HIGH:@SECLEVEL=9");
    screen.keys("<BS>0<Enter>");
    assert_eq!(screen.wanted("ServerTlsCiphers").unwrap(), "HIGH:@SECLEVEL=0");
}

#[test]
fn a_preset_says_who_it_cuts_off_then_fills_in_and_is_applied_only_by_a_second_enter() {
    let mut screen = Screen::inbound();
    screen.go("ServerTlsCiphers").keys("<Enter><Tab><Tab>");
    screen
        .shows("Cuts off: Everything that speaks TLS 1.1 at best")
        .shows("Mozilla, Server Side TLS");
    screen.keys("<Tab>").shows("@SECLEVEL=0").keys("<Enter>");
    assert_eq!(screen.edits(), 0);
    screen.shows("DHE yes; security level 0").keys("<Enter>");
    assert!(screen.wanted("ServerTlsCiphers").unwrap().ends_with(":@SECLEVEL=0"));
    // Modern has no string: it leads to deleting the variable, not to an empty one.
    screen
        .keys("<Enter><Tab>")
        .shows("modern")
        .keys("<Enter>")
        .shows("Not in the file");
    screen.keys("<Enter>");
    assert_eq!(screen.wanted("ServerTlsCiphers"), None);
}

#[test]
fn quitting_with_something_typed_asks_first() {
    let mut screen = Screen::inbound();
    screen
        .go("ServerTlsCiphers")
        .keys("<Enter>HIGH<F10>")
        .shows("not applied yet");
    assert_eq!(screen.state.place(), Place::Question);
    screen.keys("<Enter>").shows("HIGH");
    assert_eq!(screen.state.place(), Place::TextField);
}

#[test]
fn advice_stands_beside_the_field_with_its_source() {
    let mut screen = Screen::inbound();
    screen.go("ServerTlsCiphers");
    screen.shows("work only with @SECLEVEL=0 in the cipher string");
    screen
        .keys("<F1>")
        .shows("Advice")
        .shows("[OpenSSL, SSL_CTX_set_security_level(3)");
}

// --- rows without an editor -------------------------------------------------------------------------------------

#[test]
fn a_role_without_a_name_says_how_to_name_it() {
    let mut screen = Screen::inbound();
    screen.state.context.preferences = "/etc/kerio-tls/kerio-tls.toml".to_owned();
    screen.go("ECDHE").keys("<Enter>");
    assert_eq!(screen.state.place(), Place::Reader);
    screen
        .keys("<PgDn><PgDn>")
        .shows("role = \"ecdhe-on\"")
        .shows("/etc/kerio-tls/kerio-tls.toml");
}

#[test]
fn rows_that_cannot_be_changed_say_why() {
    let mut screen = Screen::inbound();
    screen
        .go("SecurityPolicy")
        .keys("<Enter>")
        .shows("the catalogue does not know what it is for");
    screen
        .keys("<Esc>")
        .go("ClientTlsProtocols")
        .keys("<Enter>")
        .shows("it stands more than once");
    assert_eq!(screen.state.place(), Place::Reader);
}

#[test]
fn a_file_opened_read_only_has_no_editors() {
    let mut screen = Screen::inbound();
    screen.state.context.read_only = Some("no rights".to_owned());
    screen.go("servertls").keys("<Enter>");
    assert_eq!(screen.state.place(), Place::Reader);
    screen.keys("<Esc>").go("WebTls").keys("<Enter>");
    assert_eq!(screen.state.place(), Place::Reader);
}

// --- naming -----------------------------------------------------------------------------------------------------

#[test]
fn a_lookalike_is_used_only_after_a_yes_that_is_not_the_default() {
    let mut screen = Screen::inbound();
    screen
        .go("WebTls")
        .keys("<Enter>")
        .shows("It can mean the opposite")
        .shows("servertlsprotocols plays this role");
    screen.keys("<Enter>");
    assert!(screen.effects.is_empty());
    screen.keys("<Enter><Tab><Enter>");
    let [work::Effect::NameVariable { direction, name, role }] = screen.effects.as_slice() else {
        panic!("{:?}", screen.effects)
    };
    assert_eq!(
        (*direction, name.as_str(), *role),
        (Direction::Inbound, "WebTlsVersions", Role::ProtocolList)
    );
    assert_eq!(screen.edits(), 0, "naming is no edit of the file");
    // The mark stands on it still, and Enter opens its editor now.
    screen
        .keys("<Enter>")
        .shows("Security/WebTlsVersions")
        .shows("[x] TLS 1.0");
}

#[test]
fn a_name_that_could_not_be_kept_is_given_as_a_snippet() {
    let mut screen = Screen::inbound();
    screen.act(Action::Work(
        Asker::default(),
        Event::NotNamed {
            why: "/etc/kerio-tls/kerio-tls.toml was not written".to_owned(),
            snippet: "[[variable]]\nname = \"WebTlsVersions\"\n".to_owned(),
        },
    ));
    screen.shows("was not written").shows("name = \"WebTlsVersions\"");
}

#[test]
fn the_form_says_why_the_other_direction_became_custom_and_choosing_there_mends_it() {
    let lists = FILE
        .replace("tlsv1;tlsv1.1;tlsv1.2", "TLSv1.1,TLSv1.2")
        .replace("    <variable name=\"ClientTlsProtocols\">TLSv1.1</variable>\n", "");
    let mut screen = Screen::open(80, 24, Theme::new(false, false), &lists);
    screen.keys("<Down><Enter><End><Enter>");
    assert_eq!(
        screen.state.context.session.minimum(Direction::Outbound),
        Minimum::At(TlsVersion::Tls13)
    );
    screen.shows("Inbound is custom").shows("goes up to TLS 1.3");
    screen.keys("<Up><Enter><Home><Down><Down><Enter>").hides("is custom");
    let minimums = Direction::ALL.map(|direction| screen.state.context.session.minimum(direction));
    assert_eq!(
        minimums,
        [Minimum::At(TlsVersion::Tls11), Minimum::At(TlsVersion::Tls13)]
    );
}

// --- find -------------------------------------------------------------------------------------------------------

#[test]
fn find_filters_as_one_types_and_jumps_to_the_row_in_its_tab() {
    let mut screen = Screen::inbound();
    screen
        .keys("/sending")
        .shows("ClientTlsCiphers")
        .hides("SecurityPolicy");
    screen.keys("<Down><Enter>");
    assert_eq!(
        (screen.state.tabs.open, screen.state.place()),
        (Tab::Outbound, Place::Variables)
    );
    let row = variable_rows(&screen.state.context.session, Direction::Outbound)[screen.state.tabs.selected()].clone();
    assert!(row.known.unwrap().title.contains("sending"));
    screen
        .keys("/nothing like this")
        .shows("Nothing matches")
        .keys("<Enter>");
    assert_eq!(screen.state.place(), Place::Find);
    screen.keys("<Esc>");
    assert_eq!(
        (screen.state.tabs.open, screen.state.place()),
        (Tab::Outbound, Place::Variables)
    );
}

#[test]
fn find_looks_at_values_as_they_are_shown_and_never_into_secrets() {
    let mut screen = Screen::inbound();
    screen
        .keys("/tlsv1.1")
        .shows("Security/servertlsprotocols = tlsv1;tlsv1.1;tlsv1.2");
    screen.keys("<C-u>0123456789").shows("Nothing matches");
    screen.keys("<C-u>RelayKey").shows("RelayKey = (hidden)").hides("D3S");
}

// --- every screen -----------------------------------------------------------------------------------------------

/// Keys that open each of the screens from the inbound list.
const SCREENS: [&str; 9] = [
    "/servertls<Enter><Enter>",
    "/EnableDH<Enter><Enter>",
    "/DHSize<Enter><Enter><End>",
    "/ServerTlsCiphers<Enter><Enter>HIGH:wat:AES12:SHA255:ECDHE-RSA-AES128-GCM-SHA265",
    "/ServerTlsCiphers<Enter><Enter>HIGH:AES12<Tab><Tab><Tab><Tab>",
    "/ServerTlsCiphers<Enter><Enter><Tab><Tab><Tab><Enter>",
    "/WebTls<Enter><Enter>",
    "/tls",
    "/ECDHE<Enter><Enter>",
];

#[test]
fn every_editor_draws_at_every_size_without_a_panic() {
    for keys in SCREENS {
        for (width, height) in [
            (0, 0),
            (1, 1),
            (39, 14),
            (40, 15),
            (41, 15),
            (60, 16),
            (80, 24),
            (130, 50),
            (200, 60),
        ] {
            let mut screen = Screen::open(width, height, Theme::new(true, false), FILE);
            screen.keys("<Right>").keys(keys);
            screen.draw();
        }
        // The state is opened once; only the frame's size differs, as it does while a window is dragged.
        let mut screen = Screen::open(80, 24, Theme::new(false, true), FILE);
        screen.keys("<Right>").keys(keys);
        let sizes = (0..=130)
            .step_by(10)
            .flat_map(|width| (0..=55).step_by(5).map(move |height| (width, height)));
        for (width, height) in sizes {
            screen.terminal.backend_mut().resize(width, height);
            screen.act(Action::Resize(width, height));
            let text = screen.text();
            assert!(text.is_ascii(), "{text}");
        }
    }
}

#[test]
fn the_cursor_stands_on_the_focused_thing_which_is_reversed() {
    for (width, height) in [(40, 15), (80, 24), (200, 60)] {
        for keys in SCREENS {
            let mut screen = Screen::open(width, height, Theme::new(false, false), FILE);
            screen.keys("<Right>").keys(keys);
            let cursor = screen.draw();
            assert_ne!(cursor, Position { x: 0, y: 0 }, "{keys} at {width}x{height}");
            if matches!(screen.state.place(), Place::Editor | Place::TextField | Place::Question) {
                let cell = &screen.terminal.backend().buffer()[cursor];
                assert!(
                    cell.modifier.contains(Modifier::REVERSED),
                    "{keys} at {width}x{height}: {cursor:?}\n{}",
                    screen.text()
                );
            }
        }
    }
}

#[test]
fn what_follows_is_on_the_screen_at_the_smallest_size_too() {
    let mut screen = Screen::open(40, 15, Theme::new(false, true), FILE);
    screen.keys("<Right>").go("servertls").keys("<Enter> ");
    screen.shows("Minimum: TLS 1.1").shows("1 cut off");
    screen
        .keys("<Esc>")
        .go("ServerTlsCiphers")
        .keys("<Enter>HIGH:wat")
        .shows("at 6: wat is no cipher");
}
