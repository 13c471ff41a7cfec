//! Any bytes as the peers file: what is read and written again reads the same.
#![no_main]

mod support;

use kerio_tls::peers::PeersFile;
use libfuzzer_sys::fuzz_target;
use support::{NOW, assert_safe};

fuzz_target!(|bytes: &[u8]| {
    let file = PeersFile::parse(bytes, NOW);
    file.problems.iter().for_each(|text| assert_safe(text));
    let again = PeersFile::parse(kerio_tls::peers::PeersFileEntry::write(&file.entries).as_bytes(), NOW);
    assert_eq!(again.problems, Vec::<String>::new());
    assert_eq!(again.entries, file.entries);
});
