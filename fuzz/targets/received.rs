//! Any bytes as a stored message: its Received headers.
#![no_main]

mod support;

use std::fs;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use kerio_tls::peers::{Host, OwnHosts, ReceivedBudget, read_received};
use libfuzzer_sys::fuzz_target;
use support::{FixedFile, NOW, assert_safe};

static MESSAGE: LazyLock<FixedFile> = LazyLock::new(|| {
    let folder = "mail/example.org/anna/INBOX/#msgs";
    let message = FixedFile::of_this_process(&format!("{folder}/00000001.eml"));
    fs::create_dir_all(message.path().parent().expect("a folder")).expect("folders");
    message
});

fuzz_target!(|bytes: &[u8]| {
    MESSAGE.write(bytes);
    let budget = ReceivedBudget {
        messages: 10,
        time: Duration::from_secs(60),
    };
    let own = OwnHosts::new([Host::Name("mail.example.org".to_owned())]);
    let findings =
        read_received(MESSAGE.root(), &own, budget, NOW, &AtomicBool::new(false)).expect("the store is there");
    assert_eq!(findings.messages_read, 1);
    findings.warnings.iter().for_each(|text| assert_safe(text));
    for record in &findings.records {
        assert_safe(&record.evidence.raw);
    }
});
