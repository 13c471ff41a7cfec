//! Any bytes as a mail log: nothing in it ends the reader or comes out unsafe to show.
#![no_main]

mod support;

use std::sync::atomic::AtomicBool;

use jiff::tz::TimeZone;
use kerio_tls::peers::{OwnHosts, ScanProgress, Window, scan_logs};
use libfuzzer_sys::fuzz_target;
use support::{FixedFile, NOW, assert_safe};

fuzz_target!(|bytes: &[u8]| {
    let log = FixedFile::of_this_process("mail.log");
    log.write(bytes);
    let window = Window {
        now: NOW,
        days: 3650,
        zone: TimeZone::UTC,
        zone_given: false,
    };
    let findings = scan_logs(
        &[log.path().to_owned()],
        &window,
        &OwnHosts::default(),
        1,
        &ScanProgress::default(),
        &AtomicBool::new(false),
    );
    assert!(!findings.cancelled());
    let _ = (findings.routes(), findings.troubles(NOW));
    findings.warnings().iter().for_each(|text| assert_safe(text));
    for peer in findings.peers() {
        assert_safe(&format!("{:?}", peer.key));
        peer.evidence.iter().for_each(|evidence| assert_safe(&evidence.raw));
    }
});
