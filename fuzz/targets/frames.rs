//! Any bytes as a capture file, and as one frame of each link type.
#![no_main]

mod support;

use kerio_tls::watch::{Link, Own, Segment, Watcher, guess_own, read_capture};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let own = || Own::new(["192.0.2.25", "2001:db8::25"].map(|address| address.parse().expect("an address")));
    for begin in [&[][..], &[0xd4, 0xc3, 0xb2, 0xa1], &[0x0a, 0x0d, 0x0d, 0x0a]] {
        let file = [begin, bytes].concat();
        let _ = guess_own(file.as_slice());
        if let Ok(read) = read_capture(file.as_slice(), own()) {
            assert!(read.rows.len() as u64 <= read.frames);
        }
    }
    let mut watcher = Watcher::new(own());
    for link in [0, 1, 101, 113, 276].into_iter().filter_map(Link::from_number) {
        if let Some(segment) = Segment::of_frame(link, bytes) {
            watcher.take(support::NOW, &segment);
        }
    }
});
