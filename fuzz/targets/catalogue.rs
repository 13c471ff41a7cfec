//! Any text as the preferences' tables over the catalogue: rows that can be found, written and read again.
#![no_main]

use std::sync::LazyLock;

use kerio_tls::tls::{Catalogue, Direction};
use libfuzzer_sys::fuzz_target;

static EMBEDDED: LazyLock<Catalogue> = LazyLock::new(Catalogue::embedded);

fuzz_target!(|text: &str| {
    match EMBEDDED.clone().with_overrides(text) {
        Ok(catalogue) => {
            for direction in [Direction::Inbound, Direction::Outbound] {
                for row in catalogue.rows(direction) {
                    if let Some(name) = &row.name {
                        assert!(catalogue.find(direction, name).is_some(), "{name:?}");
                    }
                    let _ = catalogue.written_for(direction, row.role);
                }
            }
        }
        Err(error) => {
            let _ = error.to_string();
        }
    }
});
