//! Each screen as it is: text, looks and cursor. `cargo insta review` (or `INSTA_UPDATE=always`) takes a new look over.

use kerio_tls::tui::Theme;

use crate::support::{ASCII, COLOUR, MONO, screens};

/// Screens whose large form says something that the others do not.
const LARGE: [&str; 2] = ["form", "review"];

fn snapshots(theme: Theme, name: &str, size: (u16, u16), only: Option<&[&str]>) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (screen, desk) in screens(theme, size) {
            if only.is_none_or(|only| only.contains(&screen)) {
                let (width, height) = size;
                insta::assert_snapshot!(format!("{screen}-{name}-{width}x{height}"), desk.look().to_string());
            }
        }
    });
}

#[test]
fn every_screen_looks_as_it_was_agreed_in_colour() {
    snapshots(COLOUR, "colour", (120, 40), None);
    snapshots(COLOUR, "colour", (80, 24), None);
    snapshots(COLOUR, "colour", (40, 15), None);
}

#[test]
fn every_screen_looks_as_it_was_agreed_in_the_other_themes() {
    snapshots(MONO, "mono", (80, 24), None);
    snapshots(ASCII, "ascii", (80, 24), None);
}

#[test]
fn form_and_review_look_as_it_was_agreed_on_a_large_screen() {
    snapshots(COLOUR, "colour", (200, 60), Some(&LARGE));
}
