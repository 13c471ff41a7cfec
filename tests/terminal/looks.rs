//! Terminals of every kind and size.

use crate::pty::{Program, Pty};
use crate::support::{Server, focus_is_reversed, focused, row};

fn on(server: &Server, environment: &[(&str, &str)], size: (u16, u16)) -> Pty {
    let mut pty = started(server, environment, size);
    // The tab's name is shorter where there is little room.
    pty.see("[TLS");
    pty
}

fn started(server: &Server, environment: &[(&str, &str)], size: (u16, u16)) -> Pty {
    let program = Program::new(server.path(), server.argv()).size(size.0, size.1);
    let program = environment.iter().fold(program, |program, (name, value)| match *value {
        "" => program.env_remove(name),
        _ => program.env(name, value),
    });
    program.start()
}

/// The drop-down opens and its mark moves, so the form is there and listens.
fn drop_down_works(pty: &mut Pty) {
    pty.press("<Enter>");
    pty.wait("the drop-down", |screen| {
        focused(screen).contains(">TLS 1.0") && focus_is_reversed(screen)
    });
    pty.press("<Down>");
    pty.wait("the next row", |screen| {
        focused(screen).contains(">TLS 1.1") && focus_is_reversed(screen)
    });
    pty.press("<Esc>");
    pty.see_no(">TLS 1.1");
}

/// Does any cell have a colour?
fn is_coloured(screen: &vt100::Screen) -> bool {
    let (rows, columns) = screen.size();
    (0..rows.get()).any(|row| {
        (0..columns.get()).any(|column| {
            screen
                .cell(row, column)
                .is_some_and(|cell| cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default)
        })
    })
}

#[test]
fn every_kind_of_terminal_shows_the_form_and_the_focus() {
    for term in ["xterm", "linux", "screen-256color", "no-such-terminal"] {
        let server = Server::new();
        let mut pty = on(&server, &[("TERM", term)], (80, 24));
        drop_down_works(&mut pty);
        assert!(
            !pty.screen().hide_cursor(),
            "TERM={term}: screen readers need the cursor"
        );
    }
}

#[test]
fn a_terminal_that_moves_no_cursor_gets_one_line_with_the_commands() {
    for term in ["dumb", ""] {
        let server = Server::new();
        let mut pty = started(&server, &[("TERM", term)], (200, 24));
        assert_eq!(pty.end().exit_code(), 2, "TERM={term}: {}", pty.picture());
        let written = String::from_utf8_lossy(pty.written()).into_owned();
        assert!(
            written.contains("TERM is unset or dumb") && !written.contains('\x1b'),
            "{written}"
        );
        assert_eq!(written.trim_end().lines().count(), 1, "{written}");
    }
}

#[test]
fn colours_go_with_no_color_but_reverse_stays() {
    for (environment, coloured) in [(("TERM", "xterm"), true), (("NO_COLOR", "1"), false)] {
        let server = Server::new();
        let mut pty = on(&server, &[environment], (80, 24));
        pty.press("<Enter><Down><Down>");
        pty.wait("the row TLS 1.2", |screen| {
            focused(screen).contains(">TLS 1.2") && focus_is_reversed(screen)
        });
        pty.press("<Enter>");
        pty.see("1 change *");
        assert_eq!(
            is_coloured(pty.screen()),
            coloured,
            "{environment:?}\n{}",
            pty.picture()
        );
    }
}

#[test]
fn outside_utf_8_nothing_but_ascii_goes_over_the_wire() {
    let server = Server::new();
    let mut pty = on(&server, &[("LC_ALL", "C")], (80, 24));
    drop_down_works(&mut pty);
    pty.press("?");
    pty.see("Help");
    assert!(pty.written().is_ascii(), "{}", pty.picture());
    // And the test can tell: elsewhere it is not so.
    let mut pty = on(&server, &[], (80, 24));
    drop_down_works(&mut pty);
    assert!(!pty.written().is_ascii());
}

#[test]
fn sizes_from_small_to_large_and_unknown_are_drawn_to_the_last_row() {
    for size in [(40, 15), (80, 24), (200, 60), (0, 0)] {
        let server = Server::new();
        let mut pty = on(&server, &[], size);
        drop_down_works(&mut pty);
        let last = pty.screen().size().0.get() - 1;
        assert!(
            row(pty.screen(), last).contains("F1") || row(pty.screen(), last - 1).contains("F1"),
            "{size:?}: no footer at the foot\n{}",
            pty.picture()
        );
    }
}

#[test]
fn the_size_may_change_while_a_drop_down_is_open() {
    let server = Server::new();
    let mut pty = on(&server, &[], (80, 24));
    pty.press("<Enter><Down>");
    pty.wait("the row TLS 1.1", |screen| focused(screen).contains(">TLS 1.1"));
    for (width, height) in [(40, 15), (30, 10), (200, 60), (80, 24)] {
        pty.resize(width, height);
        if (width, height) == (30, 10) {
            pty.see("40x15");
        } else {
            pty.wait("the drop-down in its new place", |screen| {
                focused(screen).contains(">TLS 1.1")
                    && focus_is_reversed(screen)
                    && row(screen, height - 1).contains("Esc")
            });
        }
    }
    pty.press("<Esc>");
    pty.see_no(">TLS 1.1");
}
