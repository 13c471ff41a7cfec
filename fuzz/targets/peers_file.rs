//! Any bytes as the peers file: what is read and written again reads the same.
#![no_main]

mod support;

use jiff::tz::TimeZone;
use kerio_tls::peers::PeersFile;
use libfuzzer_sys::fuzz_target;
use support::{NOW, assert_safe};

fuzz_target!(|bytes: &[u8]| {
    let file = PeersFile::parse(bytes, NOW, &TimeZone::UTC);
    file.problems.iter().for_each(|text| assert_safe(text));
    let again = PeersFile::parse(PeersFile::write(&file.entries).as_bytes(), NOW, &TimeZone::UTC);
    assert_eq!(again.problems, Vec::<String>::new());
    assert_eq!(again.entries, file.entries);
});
