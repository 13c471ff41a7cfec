//! Rules of editing: changed is what differs by value, nothing is lost by a stray key, and every hint is true.

use std::sync::Arc;

use kerio_tls::mailserver_cfg::VariablePath;
use kerio_tls::peers::{Host, Knowledge, Trouble, Whose};
use kerio_tls::session::Measured;
use kerio_tls::tls::{Direction, Service, TlsVersion};
use kerio_tls::tui::{Action, Effect, Key, Place};
use kerio_tls::work::{self, Event, RefusedClient, RefusedSince};
use ratatui::style::{Color, Modifier};

use crate::support::{self, COLOUR, Desk, config, facts, screens};

const DIRTY: &str = "<Down><Enter><Down><Down><Down><Enter>";

fn dirty() -> Desk {
    let mut desk = Desk::at_80x24();
    desk.press(DIRTY);
    assert!(desk.state.context.session.is_dirty());
    desk
}

/// All that the state is, as text: two that say the same are the same.
fn all(desk: &Desk) -> String {
    format!("{:?}", desk.state)
}

#[test]
fn choosing_what_is_loaded_leaves_no_change() {
    let mut desk = Desk::at_80x24();
    desk.press("<Enter><Enter>");
    assert!(!desk.state.context.session.is_dirty());
    assert!(desk.effects.is_empty(), "{:?}", desk.effects);
    desk.look().shows("no changes");

    desk.press("<Enter><Down><Enter>");
    desk.look().shows("1 change *");
    desk.press("<Enter><Up><Enter>");
    assert!(!desk.state.context.session.is_dirty());
    desk.look().shows("no changes");
    desk.look().hides("*");
    assert!(matches!(
        desk.effects.last(),
        Some(Effect::Work(_, work::Effect::DropDraft))
    ));
}

#[test]
fn undo_redo_and_revert_go_by_value() {
    let mut desk = dirty();
    let changed = desk.state.context.session.edits();
    desk.press("u");
    desk.look().shows("no changes");
    desk.look().shows("Undone.");
    desk.press("u");
    desk.look().shows("Nothing to undo.");
    desk.press("<C-r>");
    assert_eq!(desk.state.context.session.edits(), changed);
    desk.look().shows("Done again.");
    desk.press("<C-r>");
    desk.look().shows("Nothing to redo.");
    assert_eq!(desk.state.context.session.edits(), changed);
    desk.press("r");
    assert!(!desk.state.context.session.is_dirty());
    desk.look().shows("Back to what was loaded.");
    desk.press("u");
    assert_eq!(desk.state.context.session.edits(), changed, "a revert can be undone");
}

#[test]
fn a_ticked_box_lets_a_choice_count_for_both_directions() {
    let mut desk = Desk::at_80x24();
    desk.press("<Up><Space>");
    desk.look().shows("[x] same for both");
    assert!(!desk.state.context.session.is_dirty(), "a tick alone changes nothing");
    desk.press("<Down><Enter><Down><Down><Enter>");
    let form = desk.look();
    assert!(form.row(5).starts_with('*') && form.row(6).starts_with('*'), "{form}");
    assert!(
        form.row(5).contains("TLS 1.2") && form.row(6).contains("TLS 1.2"),
        "{form}"
    );
    form.hides("differ");
    desk.press("u");
    let form = desk.look();
    assert!(
        form.row(5).contains("TLS 1.0") && form.row(6).contains("Server default"),
        "{form}"
    );
}

#[test]
fn reset_asks_what_and_its_default_does_nothing() {
    let mut desk = Desk::at_80x24();
    desk.press("X");
    assert_eq!(desk.state.place(), Place::Question);
    assert_eq!(desk.look().marked(), "[ Stay ]");
    desk.look().shows("ServerTlsProtocols");
    desk.press("<Enter>");
    assert!(!desk.state.context.session.is_dirty() && desk.effects.is_empty());
    desk.press("X<Tab>");
    assert_eq!(desk.look().marked(), "[ Inbound ]");
    desk.press("<Enter>");
    let edits = desk.state.context.session.edits();
    let [edit] = edits.edits() else { panic!("{edits:?}") };
    let path = VariablePath {
        table: "Security".to_owned(),
        variable: "ServerTlsProtocols".to_owned(),
    };
    assert_eq!((&edit.path, &edit.new), (&path, &None));
    assert!(desk.look().row(5).contains("Server default"), "{}", desk.look());
}

#[test]
fn quitting_with_changes_asks_and_stays_by_default() {
    for quit in ["q", "<F10>", "<C-c>"] {
        let mut desk = dirty();
        let edits = desk.state.context.session.edits();
        desk.press(quit);
        assert_eq!(desk.state.place(), Place::Question, "{quit}");
        assert_eq!(desk.look().marked(), "[ Stay ]");
        // Asking again neither quits nor heaps up.
        desk.press(quit);
        assert_eq!(desk.state.windows.len(), 1);
        desk.press("<Enter>");
        assert_eq!(desk.state.place(), Place::Field);
        assert!(!desk.quits());
        assert_eq!(desk.state.context.session.edits(), edits);
    }
}

#[test]
fn quitting_without_changes_does_not_ask() {
    for quit in ["q", "<F10>", "<C-c>"] {
        let mut desk = Desk::at_80x24();
        desk.press(quit);
        assert!(desk.quits(), "{quit}");
        assert!(desk.state.windows.is_empty());
    }
}

#[test]
fn discarding_forgets_the_draft_quits_and_says_so() {
    let mut desk = dirty();
    desk.effects.clear();
    desk.press("q<Tab><Tab>");
    assert_eq!(desk.look().marked(), "[ Discard and quit ]");
    desk.press("<Enter>");
    assert!(matches!(
        desk.effects.as_slice(),
        [Effect::Work(_, work::Effect::DropDraft), Effect::Quit]
    ));
    assert_eq!(desk.state.context.summary.len(), 1, "{:?}", desk.state.context.summary);
}

#[test]
fn quitting_can_lead_to_the_review_instead() {
    let mut desk = dirty();
    desk.press("q<Tab><Enter>").inspected(facts());
    assert_eq!(desk.state.place(), Place::Review);
}

#[test]
fn escape_never_quits_and_never_loses_a_change() {
    for (name, mut desk) in screens(COLOUR, (80, 24)) {
        let edits = desk.state.context.session.edits();
        let saving = desk.state.place() == Place::Saving;
        desk.effects.clear();
        desk.press("<Esc><Esc><Esc><Esc>");
        assert!(desk.effects.is_empty(), "{name}: {:?}", desk.effects);
        assert_eq!(desk.state.context.session.edits(), edits, "{name}");
        assert!(desk.state.windows.is_empty(), "{name}");
        assert_eq!(desk.state.place() == Place::Saving, saving, "{name}");
    }
}

#[test]
fn a_lone_escape_on_the_form_does_nothing() {
    for mut desk in [Desk::at_80x24(), dirty()] {
        desk.state.context.status = None;
        desk.effects.clear();
        let before = all(&desk);
        desk.press("<Esc>");
        assert_eq!(all(&desk), before);
        assert!(desk.effects.is_empty());
    }
}

#[test]
fn what_was_typed_in_an_editor_survives_escape() {
    let mut desk = Desk::at_80x24();
    desk.open("ServerTlsCiphers").press("HIGHq");
    assert_eq!(desk.state.place(), Place::TextField);
    assert!(!desk.quits(), "where text is typed, q is a letter");
    desk.press("<Esc>");
    assert!(!desk.state.context.session.is_dirty());
    desk.press("<Enter>");
    assert!(desk.look().focused().contains("HIGHq"), "{}", desk.look());
}

/// Two lines of a shell, as a right click in PuTTY pastes them: `s`, `h`, blanks and Enter are commands of ours.
const PASTED: &str = "ssh root@mail.example.org\nls -la\n";

#[test]
fn pasted_text_means_something_only_where_text_is_typed() {
    let form = Desk::at_80x24();
    let mut review = dirty();
    review.press("<F6>").inspected(facts());
    assert_eq!(review.state.place(), Place::Review);
    let mut question = dirty();
    question.press("<F10>");
    assert_eq!(question.state.place(), Place::Question);
    for mut desk in [form, review, question] {
        let before = (desk.state.place(), all(&desk));
        desk.effects.clear();
        desk.act(Action::Paste(PASTED.to_owned()));
        assert_eq!((desk.state.place(), all(&desk)), before);
        assert!(desk.effects.is_empty());
    }
    let mut find = Desk::at_80x24();
    find.press("/").act(Action::Paste("cip\nher".to_owned()));
    assert!(all(&find).contains("cipher"), "{}", find.look());
}

#[test]
fn where_a_yes_is_given_keys_faster_than_a_person_do_nothing_and_are_said_to() {
    let mut desk = dirty();
    desk.press("<F6>").inspected(facts());
    let before = desk.state.place();
    for character in PASTED.chars() {
        let key = if character == '\n' {
            Key::Enter
        } else {
            Key::Char(character)
        };
        desk.press_after(key, 1);
    }
    assert_eq!(desk.state.place(), before);
    assert!(
        !desk
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Work(_, work::Effect::Save(_))))
    );
    assert!(all(&desk).contains("too fast for a person"), "{}", desk.look());
    // Arrows and Tab still move.
    let focused = desk.look().focused();
    desk.press_after(Key::Tab, 1);
    assert_ne!(desk.look().focused(), focused);
}

#[test]
fn nothing_is_decided_on_a_screen_that_is_too_small_to_be_drawn() {
    let mut desk = dirty();
    desk.press("<F6>").inspected(facts());
    desk.act(Action::Resize(39, 14));
    desk.effects.clear();
    desk.press("<Tab><Space><Tab><Tab><Enter>q<Enter>");
    assert!(desk.effects.is_empty(), "{:?}", desk.effects);
    desk.act(Action::Resize(80, 24));
    assert_eq!(desk.state.place(), Place::Review);
    let mut clean = Desk::at_80x24();
    clean.act(Action::Resize(39, 14));
    clean.press("q");
    assert!(clean.effects.iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn a_review_that_is_refused_has_no_save_at_all() {
    let mut desk = dirty();
    desk.press("<F6>");
    let mut blocked = facts();
    blocked.blocked = Some("the disk is full".to_owned());
    desk.inspected(blocked);
    assert_eq!(desk.look().marked(), "[ Back ]");
    for _ in 0..5 {
        desk.press("<Space><Tab>");
        assert_eq!(desk.look().marked(), "[ Back ]");
    }
    desk.look().hides("Stop, save");
    desk.look().hides("[x]");
    assert!(desk.save_job().is_none());
}

#[test]
fn space_beside_the_boxes_of_a_review_goes_to_the_first_and_ticks_nothing() {
    let mut desk = dirty();
    desk.press("<F6>").inspected(facts());
    desk.press("<Space>");
    assert!(desk.look().marked().starts_with("[ ] Yes: "), "{}", desk.look());
    desk.look().hides("[x]");
}

#[test]
fn facts_that_nobody_waits_for_open_nothing() {
    let mut desk = dirty();
    desk.report(work::Event::Facts(Box::new(facts())));
    assert_eq!(desk.state.place(), Place::Field);
    // With nothing changed there is nothing to review.
    let mut desk = Desk::at_80x24();
    desk.press("<F6>");
    assert!(desk.effects.is_empty());
    desk.look().shows("nothing to save");
}

#[test]
fn a_save_that_fails_keeps_the_edits() {
    let mut desk = dirty();
    let edits = desk.state.context.session.edits();
    desk.press("<F6>").inspected(facts());
    desk.press("<S-Tab><S-Tab><Space><S-Tab><Enter>");
    assert!(desk.save_job().is_some());
    desk.save_reports(work::Event::NotSaved(Box::new(work::SaveProblem {
        message: "The disk is full.\nThe file is as it was.".to_owned(),
        conflicts: Vec::new(),
        document: None,
        refused: false,
        busy: false,
    })));
    desk.look().shows("The disk is full.");
    assert_eq!(desk.look().look_of("The disk is full.").0, Color::Red);
    desk.press("<Enter>");
    assert_eq!(desk.state.context.session.edits(), edits);
    desk.look().shows("1 change *");
}

#[test]
fn a_variable_changed_in_its_list_is_marked_and_reverted_there() {
    let mut desk = Desk::at_80x24();
    desk.press("<Right>").down_to("ServerTlsProtocols").press("d");
    let list = desk.look();
    assert!(list.focused().starts_with('*'), "{list}");
    assert!(list.focused().contains("(deleted: server default)"), "{list}");
    assert!(list.look_of("*").1.contains(Modifier::BOLD));
    desk.press("r");
    assert!(!desk.state.context.session.is_dirty());
    desk.look().hides("*");
}

/// Screens on which there is little to act on.
fn bare_screens(size: (u16, u16)) -> Vec<(&'static str, Desk)> {
    let bare = |keys: &str| {
        let mut desk = Desk::bare(&config(), COLOUR);
        desk.state.context.size = size;
        desk.press(keys);
        desk
    };
    let mut refused = Desk::new(COLOUR, size);
    refused.press(DIRTY).press("<F6>");
    let mut blocked = facts();
    blocked.blocked = Some("the disk is full".to_owned());
    refused.inspected(blocked);
    vec![
        ("no evidence", bare("")),
        ("no backups", bare("<Left>")),
        ("no peers", bare("<Left><Left>")),
        ("refused review", refused),
    ]
}

#[test]
fn every_hint_of_the_footer_does_something_where_it_is_shown() {
    for size in [(200, 60), (80, 24), (40, 15)] {
        let mut tried = 0;
        for (name, desk) in screens(COLOUR, size).into_iter().chain(bare_screens(size)) {
            let hints = desk.look().hints();
            for (key, words) in hints {
                let mut there = Desk::new(COLOUR, size);
                there.state = desk.state.clone();
                there.state.context.status = None;
                let before = all(&there);
                let notation = if key.chars().count() > 1 {
                    format!("<{key}>")
                } else {
                    key
                };
                there.press(&notation);
                assert!(
                    all(&there) != before || !there.effects.is_empty(),
                    "{name}: {notation} ({words}) does nothing\n{}",
                    desk.look()
                );
                tried += 1;
            }
        }
        assert!(tried > 40, "{tried} hints at {size:?}");
    }
}

#[test]
fn a_misspelt_cipher_is_said_once_and_as_a_proper_sentence() {
    let mut desk = Desk::new(COLOUR, (120, 60));
    desk.open("ServerTlsCiphers").press("HIGH:!aNULLL");
    let editor = desk.look();
    editor.hides("?.");
    assert_eq!(
        editor.text().matches("aNULLL is no cipher suite").count(),
        1,
        "{editor}"
    );
}

#[test]
fn the_list_of_backups_says_whether_it_was_looked_for_yet() {
    let mut desk = Desk::bare(&config(), COLOUR);
    desk.press("<Left>");
    desk.look().shows("Looking for backups ...");
    desk.look().hides("review ...");
    desk.report(work::Event::Backups(std::sync::Arc::default()));
    desk.look().shows("No backups yet");
    desk.press("b");
    assert!(
        desk.effects
            .iter()
            .all(|effect| matches!(effect, Effect::Work(_, work::Effect::ListBackups)))
    );
}

/// Amounts stand in a column of their own: words that reach into it read like another number (`no a4s`).
#[test]
fn the_row_of_the_unknown_ends_before_its_amount_however_narrow_the_screen() {
    for width in 40..=80 {
        let desk = Desk::new(COLOUR, (width, 24));
        let frame = desk.look();
        let row = frame.rows().find(|row| row.starts_with("  ? ")).unwrap();
        let amount = row.trim_end().rsplit(' ').next().unwrap();
        assert!(
            amount.bytes().all(|byte| byte.is_ascii_digit()),
            "{width} columns\n{frame}"
        );
    }
}

#[test]
fn what_is_more_below_never_lies_over_half_a_row() {
    for size in [(40, 15), (60, 15), (80, 24), (120, 40)] {
        for (name, desk) in screens(COLOUR, size) {
            let frame = desk.look();
            for row in frame.rows().filter(|row| row.contains("more below, PgDn")) {
                let before = row.split(" more below").next().unwrap();
                let words = before.trim_matches(|c: char| c.is_ascii_digit() || " │|".contains(c));
                assert!(words.is_empty(), "{name} at {size:?}: {words:?}\n{frame}");
            }
        }
    }
}

/// A screen on the panel, with more peers cut off by the loaded minimum than it can show at once.
fn crowded(size: (u16, u16)) -> (Desk, Vec<String>) {
    let mut desk = Desk::new(COLOUR, size);
    let mut book = (*support::book()).clone();
    let pattern = book
        .peers
        .iter()
        .find(|peer| !peer.evidence.is_empty())
        .unwrap()
        .clone();
    let hosts: Vec<String> = (10..70).map(|number| format!("203.0.113.{number}")).collect();
    book.peers = hosts
        .iter()
        .map(|host| {
            let mut peer = pattern.clone();
            peer.key.direction = Direction::Inbound;
            peer.key.host = Host::parse(host).unwrap();
            peer.names.clear();
            peer.evidence.truncate(1);
            peer.evidence[0].knowledge = Knowledge::NoStartTls;
            peer
        })
        .collect();
    desk.report(Event::Evidence {
        book: Arc::new(book),
        measured: Measured::default(),
        cancelled: false,
        since_save: None,
        refused: None,
    });
    desk.press("<S-Tab><S-Tab>");
    assert_eq!(desk.state.place(), Place::Panel);
    (desk, hosts)
}

#[test]
fn whose_mail_fails_since_the_save_is_named_with_the_remotes_words_at_the_head_of_the_peers() {
    for (size, named) in [((80, 24), 2), ((40, 15), 1)] {
        let mut desk = Desk::new(COLOUR, size);
        let peers = support::book();
        let at: jiff::Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let outbound = peers
            .peers
            .iter()
            .filter(|peer| peer.key.direction == Direction::Outbound);
        let troubles: Vec<Trouble> = outbound
            .take(3)
            .map(|peer| Trouble {
                peer: peer.key.clone(),
                status: "4.7.0 old TLS \\x1b[2J".to_owned(),
                first: at,
                last: at,
                count: 1,
                at_least: false,
                worked_before: true,
                troubled_before: false,
                worked_since: None,
            })
            .collect();
        let names: Vec<String> = troubles.iter().map(|trouble| trouble.peer.host.to_string()).collect();
        desk.report(Event::Evidence {
            book: peers,
            measured: Measured::default(),
            cancelled: false,
            since_save: Some((at, troubles)),
            refused: None,
        });
        desk.press("<S-Tab><S-Tab><Right><Right><Right>");
        let frame = desk.look().text();
        assert!(frame.contains("3 peers delayed"), "{frame}");
        for name in &names[..named] {
            assert!(frame.contains(&format!("    {name}: 4.7.0")), "{name}: {frame}");
        }
    }
}

#[test]
fn who_was_refused_since_the_save_stands_on_the_first_tab() {
    let mut desk = Desk::new(COLOUR, (80, 24));
    let at: jiff::Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
    let client = RefusedClient {
        address: "192.0.2.9".parse().unwrap(),
        service: Some(Service::Imaps),
        port: 993,
        offered: Some(TlsVersion::Tls10),
        reason: "protocol_version",
        last: at,
        whose: Whose::User("anna@example.org".to_owned()),
        stranger: false,
    };
    let mut refused = RefusedSince {
        since: at,
        clients: vec![client],
        watched: Some((at, at)),
        lost: 0,
    };
    let mut shown = |refused: &RefusedSince| {
        desk.report(Event::Evidence {
            book: support::book(),
            measured: Measured::default(),
            cancelled: false,
            since_save: Some((at, Vec::new())),
            refused: Some(refused.clone()),
        });
        desk.look().text()
    };
    let frame = shown(&refused);
    assert!(
        frame.contains("Refused since the save of") && frame.contains("anna@example.org"),
        "{frame}"
    );
    refused.clients.clear();
    assert!(!shown(&refused).contains("Refused since"));
}

#[test]
fn paging_down_the_panel_leaves_nobody_out() {
    for size in [(40, 15), (80, 19), (80, 24), (120, 40), (200, 60)] {
        let (mut desk, mut hosts) = crowded(size);
        for _ in 0..=hosts.len() {
            let frame = desk.look().text();
            hosts.retain(|host| !frame.contains(host.as_str()));
            desk.press("<PgDn>");
        }
        assert!(hosts.is_empty(), "{size:?}: never shown: {hosts:?}");
    }
}

#[test]
fn after_the_end_of_the_panel_the_first_up_moves_it() {
    for size in [(40, 15), (80, 24), (120, 40)] {
        let (mut desk, _) = crowded(size);
        desk.press("<End>");
        let end = desk.look().text();
        desk.press("<Up>");
        assert_ne!(desk.look().text(), end, "{size:?}");
        desk.press("<Down>");
        assert_eq!(desk.look().text(), end, "{size:?}");
    }
}

#[test]
fn help_on_a_variable_without_a_name_says_its_title_once() {
    let mut desk = Desk::new(COLOUR, (80, 24));
    desk.press("<Right>?");
    let look = desk.look();
    look.shows("Minimum TLS version");
    let rows: Vec<String> = look
        .rows()
        .filter(|row| row.contains("Minimum TLS version  "))
        .collect();
    assert_eq!(rows.len(), 1, "{look}");
}

#[test]
fn the_deed_the_way_to_the_file_and_help_stay_in_the_footer_at_forty_columns() {
    for keys in ["", "<Up>", "<Right>", "<Left>", "<Left><Left>"] {
        let mut desk = Desk::new(COLOUR, (40, 15));
        desk.press(keys);
        let hints = desk.look().hints();
        let shown = |key: &str| hints.iter().any(|(shown, _)| shown == key);
        assert!(shown("F6") && shown("F1"), "after {keys:?}: {hints:?}\n{}", desk.look());
        assert!(
            shown("Enter") || desk.state.place() == Place::CheckBox,
            "after {keys:?}\n{}",
            desk.look()
        );
    }
}

#[test]
fn what_is_noted_under_the_fields_is_wrapped_and_not_cut() {
    for width in [70, 80, 100, 200] {
        let mut desk = Desk::new(COLOUR, (width, 24));
        // Outbound goes up to 1.3, so that the inbound list, which ends at 1.2, is no plain minimum any more.
        desk.press("<Down><Enter><End><Enter>");
        let frame = desk.look();
        let text: Vec<String> = frame.text().split_whitespace().map(str::to_owned).collect();
        let text = text.join(" ");
        for whole in [
            "! Inbound is custom: ServerTlsProtocols ends at TLS 1.2, while another list of the file goes up to TLS 1.3",
            "! Inbound (custom) and outbound (TLS 1.3) differ; the same is advised.",
        ] {
            assert!(text.contains(whole), "{width} columns: {whole}\n{frame}");
        }
    }
}

#[test]
fn the_line_that_is_written_is_reviewed_to_its_last_character() {
    let mut desk = Desk::new(COLOUR, (80, 60));
    desk.press("<Down><Enter><Down><Enter><F6>").inspected(facts());
    let frame = desk.look();
    let review: String = frame.text().split_whitespace().collect();
    assert!(
        review.contains("<variablename=\"ClientTlsProtocols\">TLSv1,TLSv1.1,TLSv1.2</variable>"),
        "{frame}"
    );
}

#[test]
fn a_wide_screen_shows_the_details_of_the_marked_row_beside_the_list() {
    let mut desk = Desk::new(COLOUR, (200, 60));
    desk.press("<Left><Left>");
    let frame = desk.look();
    frame.shows("verdict");
    frame.shows("Evidence");
    let focused = frame.focused();
    let host = focused.split_whitespace().nth(1).unwrap();
    assert!(frame.row(4).ends_with(host), "{frame}");
    let mut desk = Desk::new(COLOUR, (200, 60));
    desk.press("<Right>").down_to("ServerTlsCiphers");
    desk.look().shows("source     Vendor's article 115132");
}

#[test]
fn no_two_rows_of_a_table_read_the_same() {
    for size in [(40, 15), (80, 24), (200, 60)] {
        let mut desk = Desk::new(COLOUR, size);
        desk.press("<Right>");
        let mut names = Vec::new();
        for _ in 0..30 {
            let name: String = desk.look().focused().chars().take(24).collect();
            if names.last() == Some(&name) {
                break;
            }
            names.push(name);
            desk.press("<Down>");
        }
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len(), "{size:?}: {names:#?}");
    }
}

#[test]
fn only_a_peer_that_mail_goes_to_is_offered_a_probe_of_its_own() {
    let mut desk = Desk::at_80x24();
    desk.press("<Left><Left>").down_to("192.0.2.77").press("p");
    desk.look().hides("Only 192.0.2.77");
    desk.look().shows("Not known yet");
    desk.press("<Esc>").down_to("198.51.100.11").press("p");
    desk.look().shows("Only 198.51.100.11");
}

#[test]
fn a_save_that_was_kept_says_so_in_the_summary_too() {
    let mut desk = dirty();
    desk.press("<F6>").inspected(facts());
    desk.press("<Tab><Space><Tab><Space>");
    desk.report(Event::Kept(vec!["Kept: Inbound: TLS 1.0 -> TLS 1.2".to_owned()]));
    assert!(
        desk.state.context.summary.iter().any(|line| line.starts_with("Kept: ")),
        "{:?}",
        desk.state.context.summary
    );
}
