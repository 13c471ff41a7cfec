//! What holds on every screen, at every size, in every theme.

use kerio_tls::tui::Place;
use ratatui::style::{Color, Modifier};

use crate::support::{ASCII, COLOUR, Frame, MONO, look, screens};

/// From 40x15 up everything is laid out.
const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 15)];

#[test]
fn every_size_draws_every_screen() {
    let desks = screens(COLOUR, (80, 24));
    let draw = |width, height| {
        for (name, desk) in &desks {
            let frame = look(&desk.state, (width, height));
            if (width < 40 || height < 15) && width >= 25 && height > 0 {
                assert!(
                    frame.row(0).starts_with("Needs 40x15"),
                    "{name} at {width}x{height}\n{frame}"
                );
            }
            sane(name, &frame);
        }
    };
    for width in 0..=45 {
        for height in 0..=20 {
            draw(width, height);
        }
    }
    for width in (46..=130).step_by(12) {
        for height in (0..=50).step_by(7) {
            draw(width, height);
        }
    }
    draw(130, 50);
}

#[test]
fn a_screen_that_shrinks_and_grows_again_is_as_it_was() {
    for (name, desk) in screens(COLOUR, (80, 24)) {
        let before = desk.look().to_string();
        look(&desk.state, (3, 2));
        assert_eq!(desk.look().to_string(), before, "{name}");
    }
}

/// No control character reaches a cell, and the cursor is inside.
fn sane(name: &str, frame: &Frame) {
    for cell in &frame.buffer.content {
        assert!(
            !cell.symbol().chars().any(char::is_control),
            "{name}: {:?}",
            cell.symbol()
        );
    }
    if let Some(at) = frame.cursor {
        assert!(frame.buffer.area.contains(at), "{name}: {at:?}");
    }
}

#[test]
fn in_mono_no_cell_has_a_colour_and_the_selection_is_reversed() {
    for size in SIZES {
        for (name, desk) in screens(MONO, size) {
            let frame = desk.look();
            for cell in &frame.buffer.content {
                assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{name}");
            }
            if desk.state.place() == Place::Reader || desk.state.place() == Place::Saving {
                continue; // nothing is selected: there is text to read
            }
            assert!(frame.has_reverse(), "{name}\n{frame}");
        }
    }
}

#[test]
fn colour_says_nothing_that_text_does_not() {
    for size in SIZES {
        for ((name, colour), (_, mono)) in screens(COLOUR, size).into_iter().zip(screens(MONO, size)) {
            assert_eq!(colour.look().text(), mono.look().text(), "{name}");
        }
    }
}

#[test]
fn on_every_screen_the_cursor_is_on_what_has_the_focus() {
    for theme in [COLOUR, MONO, ASCII] {
        for size in SIZES {
            for (name, desk) in screens(theme, size) {
                let frame = desk.look();
                let cursor = frame.cursor.unwrap_or_else(|| panic!("{name}: no cursor\n{frame}"));
                if desk.state.place() == Place::Reader || desk.state.place() == Place::Saving {
                    continue;
                }
                if desk.state.place() == Place::NameField {
                    assert!(frame.focused().contains("Name: "), "{name}\n{frame}");
                    continue;
                }
                if desk.state.place() == Place::Find {
                    // Where one types; the mark is on the match that Enter takes.
                    assert!(frame.focused().contains("/ tls"), "{name}\n{frame}");
                    continue;
                }
                let cell = &frame.buffer[cursor];
                assert!(
                    cell.modifier.contains(Modifier::REVERSED),
                    "{name}: the cursor is beside the mark\n{frame}"
                );
            }
        }
    }
}

#[test]
fn an_ascii_screen_draws_its_own_lines_in_ascii() {
    for size in SIZES {
        for (name, desk) in screens(ASCII, size) {
            let frame = desk.look();
            for symbol in frame.buffer.content.iter().map(ratatui::buffer::Cell::symbol) {
                let ours = symbol
                    .chars()
                    .any(|c| ('\u{2500}'..='\u{259f}').contains(&c) || c == '…');
                assert!(!ours, "{name}: {symbol:?}\n{frame}");
            }
        }
    }
}

#[test]
fn a_question_that_does_not_fit_says_that_it_was_cut() {
    for (screen, desk) in screens(COLOUR, (40, 15)) {
        if desk.state.place() == Place::Question {
            let large = look(&desk.state, (120, 40)).text();
            // The last word of the text, right above the empty row over the buttons.
            let last = match screen {
                "quit" => "touched.",
                "reset" => "ServerTlsProtocols",
                "probe" => "means.",
                other => panic!("what does {other} end with?"),
            };
            assert!(large.contains(last), "{large}");
            let small = desk.look();
            assert!(small.text().contains(last), "{screen}\n{small}");
        }
    }
}

#[test]
fn on_the_narrowest_screen_a_choice_still_says_how_much_is_unknown() {
    let mut desk = crate::support::Desk::new(COLOUR, (40, 15));
    desk.press("<Down><Enter><Down>");
    for says in [
        "0 cut, 1 unknown",
        "2 cut, 1 mixed, 1 unknown",
        "4 cut, 1 mixed, 1 unknown",
        "5 cut",
    ] {
        assert!(desk.look().marked().contains(says), "{}", desk.look());
        desk.press("<Down>");
    }
    // Nothing runs into something else in the head.
    assert_eq!(desk.look().row(1), " engine: running, 14:59      no changes");
}

#[test]
fn a_footer_says_how_to_leave_what_lies_over_the_form() {
    for size in SIZES {
        for (name, desk) in screens(COLOUR, size) {
            let frame = desk.look();
            let foot = frame.row(size.1 - 1);
            match desk.state.place() {
                Place::Saving => assert!(foot.contains("c give up"), "{name}\n{frame}"),
                // On the smallest screen there is no room for Esc; the button is always there.
                Place::Review => frame.shows("[ Back ]"),
                place if !desk.state.windows.is_empty() => {
                    assert!(foot.contains("Esc"), "{name} ({place:?})\n{frame}");
                }
                _ => assert!(foot.contains("help"), "{name}\n{frame}"),
            }
        }
    }
}
