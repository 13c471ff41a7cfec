//! Any bytes as the answer to a ClientHello: the first byte chooses which hello was sent, the second in what pieces
//! they arrive.
#![no_main]

mod support;

use kerio_tls::probe::{Hello, HelloRandom, Reply, ReplyParser};
use libfuzzer_sys::fuzz_target;

fn read(hello: &Hello, pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> Reply {
    let mut parser = ReplyParser::new(hello);
    for piece in pieces {
        parser.feed(piece.as_ref());
    }
    parser.end()
}

fuzz_target!(|bytes: &[u8]| {
    let [which, size, answer @ ..] = bytes else { return };
    let random = HelloRandom([7; 32]);
    let hello = match which % 2 {
        0 => Hello::wide(random, Some("mx.example.org")),
        _ => Hello::bare_tls10(random),
    };
    let whole = read(&hello, [answer].into_iter());
    support::assert_safe(&format!("{whole:?}"));
    assert_eq!(whole, read(&hello, answer.chunks(usize::from(*size).max(1))));
});
