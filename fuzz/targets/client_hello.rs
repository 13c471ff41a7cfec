//! Any bytes as the first ones of a connection, read as a ClientHello, whole and cut: what is cut never claims more
//! than was seen.
#![no_main]

mod support;

use kerio_tls::probe::{ClientHello, Ja4, ServerHello};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = ServerHello::read(bytes);
    let Some(hello) = ClientHello::read(bytes) else { return };
    if let Some(mark) = hello.ja4() {
        support::assert_safe(&mark.to_string());
        assert_eq!(Ja4::parse(&mark.to_string()), Some(mark));
    }
    let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
    if let Some(cut) = ClientHello::read(half) {
        assert_eq!(cut.random, hello.random);
        assert!(hello.suites.starts_with(&cut.suites));
    }
});
