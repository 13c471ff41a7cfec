//! A ClientHello of anybody's, read from as much of it as was seen: what it offers, and JA4, the mark of the program
//! that made it.
//!
//! Pure and lenient: a hello that was cut (a long one in its second segment, a short snap length) tells what stands
//! before the cut, and says that it is not whole.

use std::fmt;
use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

use super::fields::Fields;
use super::hello::{CLIENT_HELLO, HANDSHAKE_RECORD, Hello, HelloRandom, SERVER_NAME, SUPPORTED_VERSIONS};
use crate::tls::TlsVersion;

/// The longest hello that is read, in bytes; ones with post-quantum key shares have 1,800.
const LIMIT: usize = 16_384;
/// TLS_FALLBACK_SCSV (RFC 7507): the client has more than this hello offers, and was refused with it.
const FALLBACK_SCSV: u16 = 0x5600;
const ALPN: u16 = 0x0010;
const SIGNATURES: u16 = 0x000d;
/// Extensions that come and go with the session and the length, and say nothing of the program: padding,
/// pre_shared_key, early_data, cookie.
const PASSING: [u16; 4] = [0x0015, 0x0029, 0x002a, 0x002c];

/// What a ClientHello offers. GREASE (RFC 8701) is left out everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The field `client_version`, as on the wire.
    pub client_version: u16,
    /// The hello's own 32 bytes, by which it is known again.
    pub random: [u8; 32],
    /// `supported_versions` as on the wire; `None`: there is no such extension, or it was not reached.
    pub versions: Option<Vec<u16>>,
    /// The cipher suites, in the client's order.
    pub suites: Vec<u16>,
    /// The extensions, in the client's order.
    pub extensions: Vec<u16>,
    /// The signature algorithms, in the client's order.
    pub signatures: Vec<u16>,
    /// First and last byte of the first ALPN protocol.
    pub alpn: Option<(u8, u8)>,
    /// It is in the framing of SSL 2.0 (RFC 5246 appendix E.2): a very old program.
    pub ssl2: bool,
    /// Everything of it was seen.
    pub whole: bool,
}

impl ClientHello {
    /// Reads a hello from the bytes of a connection, which begin with its record. `None`: they begin with something
    /// else, or too little of it is there to know it again.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [HANDSHAKE_RECORD, 3, _, high, low, rest @ ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if length <= rest.len() {
                    // One record, nearly always. A longer message goes on in the next one.
                    let first = rest.get(..length).unwrap_or(rest);
                    if message_length(first).is_some_and(|message| message > length) {
                        return Self::message(&joined(bytes));
                    }
                    return Self::message(first);
                }
                Self::message(rest)
            }
            [high, _, 1, 3, ..] if high & 0x80 != 0 => Self::framed_as_ssl2(bytes),
            _ => None,
        }
    }

    /// Reads the handshake message.
    fn message(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.u8()? != CLIENT_HELLO {
            return None;
        }
        let length = fields.u24()?;
        let there = fields.0.len() >= length;
        let mut body = Fields(fields.at_most(length.min(LIMIT)));
        let mut hello = Self {
            client_version: body.u16()?,
            random: body.array()?,
            ..Self::default()
        };
        hello.whole = hello.rest(&mut body).is_some() && there;
        Some(hello)
    }

    /// What follows the random; `None` where it ends too early.
    fn rest(&mut self, body: &mut Fields<'_>) -> Option<()> {
        body.block8()?;
        let length = usize::from(body.u16()?);
        let suites = body.at_most(length);
        self.suites = words(suites);
        if suites.len() < length {
            return None;
        }
        body.block8()?;
        if body.0.is_empty() {
            return Some(());
        }
        let length = usize::from(body.u16()?);
        let there = body.0.len() >= length;
        let mut extensions = Fields(body.at_most(length));
        while !extensions.0.is_empty() {
            let kind = extensions.u16()?;
            let content = extensions.block16()?;
            if is_grease(kind) {
                continue;
            }
            self.extensions.push(kind);
            let mut content = Fields(content);
            match kind {
                SUPPORTED_VERSIONS => self.versions = Some(words(content.block8()?)),
                SIGNATURES => self.signatures = words(content.block16()?),
                ALPN => {
                    let first = Fields(content.block16()?).block8()?;
                    self.alpn = first.first().copied().zip(first.last().copied());
                }
                _ => {}
            }
        }
        there.then_some(())
    }

    /// SSL 2.0 framing: three bytes a suite, of which those of SSL 3.0 and TLS begin with 0; the challenge stands for
    /// the random.
    fn framed_as_ssl2(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let length = usize::from(fields.u16()? & 0x7fff);
        let mut body = Fields(fields.at_most(length));
        let _is_hello = body.u8()?;
        let client_version = body.u16()?;
        let (suites, session, challenge) = (body.u16()?, body.u16()?, body.u16()?);
        if !(9..=LIMIT).contains(&length) || !(16..=32).contains(&challenge) {
            return None;
        }
        let suites = body.take(usize::from(suites))?;
        body.take(usize::from(session))?;
        let challenge = body.take(usize::from(challenge))?;
        let mut random = [0; 32];
        // RFC 5246 appendix E.2: a short challenge stands at the end.
        for (to, from) in random.iter_mut().rev().zip(challenge.iter().rev()) {
            *to = *from;
        }
        let suite = |three: &[u8]| match three {
            [0, high, low] => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        };
        Some(Self {
            client_version,
            random,
            suites: suites.chunks_exact(3).filter_map(suite).collect(),
            ssl2: true,
            whole: true,
            ..Self::default()
        })
    }

    /// The highest version it offers. `None`: it was cut before that is known, or it offers none that we know.
    #[must_use]
    pub fn highest(&self) -> Option<TlsVersion> {
        match &self.versions {
            Some(versions) => versions.iter().filter_map(|wire| TlsVersion::from_wire(*wire)).max(),
            // Without the extension a client has at most TLS 1.2 (RFC 8446 section 4.2.1).
            None if self.whole => TlsVersion::from_wire(self.client_version.min(TlsVersion::Tls12.wire())),
            None => None,
        }
    }

    /// The versions it offers, lowest first. `None`: it shows no more than the highest.
    #[must_use]
    pub fn offers(&self) -> Option<Vec<TlsVersion>> {
        let versions = self.versions.as_ref()?;
        Some(
            TlsVersion::ALL
                .into_iter()
                .filter(|v| versions.contains(&v.wire()))
                .collect(),
        )
    }

    /// It says itself that it is a second try below what the client has (RFC 7507).
    #[must_use]
    pub fn is_fallback(&self) -> bool {
        self.suites.contains(&FALLBACK_SCSV)
    }

    /// It goes on with an earlier session, so that its JA4 is not the program's usual one.
    #[must_use]
    pub fn has_passing_extensions(&self) -> bool {
        self.extensions.iter().any(|kind| PASSING.contains(kind))
    }

    /// One of the questions that this program asks: no client, no peer.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        static OURS: LazyLock<Vec<ClientHello>> = LazyLock::new(|| {
            let random = HelloRandom([0; 32]);
            let exact = TlsVersion::ALL.map(|version| Hello::exactly(version, random, None));
            let asking = [
                Hello::wide(random, None),
                Hello::middle(random, false),
                Hello::middle(random, true),
                Hello::bare_tls10(random),
            ];
            asking
                .iter()
                .chain(&exact)
                .filter_map(|hello| ClientHello::read(hello.bytes()))
                .collect()
        });
        let shape = |hello: &Self| (hello.client_version, hello.versions.clone());
        OURS.iter()
            .any(|ours| ours.suites == self.suites && shape(ours) == shape(self))
    }

    /// JA4 (FoxIO, 2023; BSD licence), the field's own mark of a TLS client. `None` for a hello that was not whole, and
    /// for SSL 2.0 framing, of which JA4 knows nothing.
    #[must_use]
    pub fn ja4(&self) -> Option<Ja4> {
        self.mark(|_| true)
    }

    /// The same without extensions that come and go with the session: what one program has in common over all its
    /// connections.
    #[must_use]
    pub fn program(&self) -> Option<Ja4> {
        self.mark(|kind| !PASSING.contains(&kind))
    }

    fn mark(&self, counts: impl Fn(u16) -> bool) -> Option<Ja4> {
        if !self.whole || self.ssl2 {
            return None;
        }
        let extensions: Vec<u16> = self.extensions.iter().copied().filter(|kind| counts(*kind)).collect();
        let version = match self.versions.iter().flatten().max().unwrap_or(&self.client_version) {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            _ => "00",
        };
        let name = if extensions.contains(&SERVER_NAME) { 'd' } else { 'i' };
        let alpn = match self.alpn {
            None => "00".to_owned(),
            Some((first, last)) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => {
                format!("{}{}", char::from(first), char::from(last))
            }
            Some((first, last)) => format!("{:x}{:x}", first >> 4, last & 15),
        };
        let listed = extensions
            .iter()
            .copied()
            .filter(|kind| ![SERVER_NAME, ALPN].contains(kind));
        let mut sorted = hex(&sorted(listed));
        if extensions.is_empty() {
            sorted.clear();
        } else if !self.signatures.is_empty() {
            sorted.push('_');
            sorted.push_str(&hex(&self.signatures));
        }
        let text = format!(
            "t{version}{name}{:02}{:02}{alpn}_{}_{}",
            self.suites.len().min(99),
            extensions.len().min(99),
            short_hash(&hex(&self::sorted(self.suites.iter().copied()))),
            short_hash(&sorted)
        );
        Ja4::parse(&text)
    }
}

/// JA4 of a client's hello, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ja4([u8; 36]);

impl Ja4 {
    /// Reads the text back; `None` where it has another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 36] = text.as_bytes().try_into().ok()?;
        let sound = bytes.iter().enumerate().all(|(at, byte)| match at {
            10 | 23 => *byte == b'_',
            _ => byte.is_ascii_alphanumeric(),
        });
        sound.then_some(Self(bytes))
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The length of a handshake message with its header.
fn message_length(message: &[u8]) -> Option<usize> {
    let mut fields = Fields(message);
    fields.u8()?;
    Some(fields.u24()?.saturating_add(4))
}

/// The bodies of the handshake records, one after the other.
fn joined(bytes: &[u8]) -> Vec<u8> {
    let mut fields = Fields(bytes);
    let mut message = Vec::new();
    while message.len() < LIMIT && fields.u8() == Some(HANDSHAKE_RECORD) && fields.u16().is_some() {
        let Some(length) = fields.u16() else { break };
        message.extend_from_slice(fields.at_most(usize::from(length)));
    }
    message
}

/// RFC 8701: both bytes alike, each ending in `a`.
fn is_grease(word: u16) -> bool {
    word & 0x0f0f == 0x0a0a && word >> 8 == word & 0xff
}

fn words(bytes: &[u8]) -> Vec<u16> {
    let pairs = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
    pairs.map(u16::from_be_bytes).filter(|word| !is_grease(*word)).collect()
}

fn sorted(words: impl Iterator<Item = u16>) -> Vec<u16> {
    let mut list: Vec<u16> = words.collect();
    list.sort_unstable();
    list
}

fn hex(words: &[u16]) -> String {
    let mut text = String::with_capacity(words.len() * 5);
    for word in words {
        if !text.is_empty() {
            text.push(',');
        }
        for shift in [12, 8, 4, 0] {
            text.extend(char::from_digit(u32::from(word >> shift & 15), 16));
        }
    }
    text
}

/// The first twelve digits of SHA-256; of nothing, zeros.
fn short_hash(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHROME_SUITES: [u16; 15] = [
        0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f,
        0x0035,
    ];
    const CHROME_EXTENSIONS: [u16; 16] = [
        0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b,
        0x000a, 0x0015,
    ];
    const CHROME_SIGNATURES: [u16; 8] = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];

    fn chrome() -> ClientHello {
        ClientHello {
            client_version: 0x0303,
            versions: Some(vec![0x0304, 0x0303]),
            suites: CHROME_SUITES.to_vec(),
            extensions: CHROME_EXTENSIONS.to_vec(),
            signatures: CHROME_SIGNATURES.to_vec(),
            alpn: Some((b'h', b'2')),
            whole: true,
            ..ClientHello::default()
        }
    }

    #[test]
    fn the_published_examples_of_ja4_come_out() {
        // FoxIO's technical details of JA4: the whole mark, and the third part without signature algorithms.
        let mark = |hello: &ClientHello| hello.ja4().unwrap().to_string();
        assert_eq!(mark(&chrome()), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        let without = ClientHello {
            signatures: vec![],
            ..chrome()
        };
        assert_eq!(mark(&without), "t13d1516h2_8daaf6152771_6d807ffa2a79");
        let other = ClientHello {
            alpn: Some((0xab, 0xcd)),
            ..chrome()
        };
        assert!(
            mark(&other).starts_with("t13d1516ad_"),
            "first and last digit of what is no letter"
        );
        let bare = ClientHello {
            client_version: 0x0301,
            whole: true,
            ..ClientHello::default()
        };
        assert_eq!(mark(&bare), "t10i000000_000000000000_000000000000");
    }

    #[test]
    fn a_resumed_session_has_the_mark_of_its_program() {
        let mut resumed = chrome();
        resumed.extensions.extend([0x002a, 0x0029]);
        assert_ne!(resumed.ja4(), chrome().ja4());
        assert_eq!(resumed.program(), chrome().program());
    }

    #[test]
    fn our_own_questions_are_read_back_and_known() {
        let random = HelloRandom([9; 32]);
        for name in [None, Some("mx.example.org")] {
            let wide = ClientHello::read(Hello::wide(random, name).bytes()).unwrap();
            assert!(wide.whole && wide.is_probe());
            assert_eq!((wide.random, wide.highest()), ([9; 32], Some(TlsVersion::Tls13)));
            let all = TlsVersion::ALL.get(1..).map(<[_]>::to_vec);
            assert_eq!(wide.offers(), all);
            assert_eq!(
                wide.ja4().unwrap().to_string().as_bytes()[3],
                if name.is_some() { b'd' } else { b'i' }
            );
        }
        let bare = ClientHello::read(Hello::bare_tls10(random).bytes()).unwrap();
        assert_eq!(
            (bare.highest(), bare.offers(), bare.is_probe()),
            (Some(TlsVersion::Tls10), None, true)
        );
        for version in TlsVersion::ALL {
            let exact = ClientHello::read(Hello::exactly(version, random, Some("a.example.org")).bytes()).unwrap();
            assert_eq!((exact.highest(), exact.is_probe()), (Some(version), true));
        }
        assert!(!chrome().is_probe());
    }

    #[test]
    fn a_hello_cut_anywhere_never_claims_more_than_was_seen() {
        let bytes = Hello::wide(HelloRandom([3; 32]), Some("mx.example.org"))
            .bytes()
            .to_vec();
        let whole = ClientHello::read(&bytes).unwrap();
        for end in 0..bytes.len() {
            let Some(cut) = ClientHello::read(&bytes[..end]) else {
                assert!(end < 43, "the random is there from byte 43 on, and not known at {end}");
                continue;
            };
            assert!(!cut.whole && cut.ja4().is_none(), "{end}");
            assert!(cut.highest().is_none() || cut.highest() == whole.highest(), "{end}");
            assert!(whole.suites.starts_with(&cut.suites) && whole.extensions.starts_with(&cut.extensions));
        }
    }

    #[test]
    fn a_hello_in_several_records_is_one() {
        let bytes = Hello::wide(HelloRandom([3; 32]), None).bytes().to_vec();
        let mut split = Vec::new();
        for part in bytes[5..].chunks(100) {
            split.extend([22, 3, 1, 0, u8::try_from(part.len()).unwrap()]);
            split.extend(part);
        }
        assert_eq!(ClientHello::read(&split), ClientHello::read(&bytes));
    }

    #[test]
    fn a_hello_framed_as_ssl_2_tells_its_version_and_suites() {
        let mut bytes = vec![0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 5, 7, 0, 0xc0];
        bytes.extend([0x42; 16]);
        let hello = ClientHello::read(&bytes).unwrap();
        assert_eq!(
            (hello.highest(), hello.suites.as_slice()),
            (Some(TlsVersion::Tls10), [5].as_slice())
        );
        assert_eq!(hello.random[16..], [0x42; 16]);
        assert_eq!(hello.ja4(), None);
    }

    #[test]
    fn grease_is_no_version_and_no_suite() {
        assert!((0..=15_u16).all(|n| is_grease(n << 12 | 0x0a00 | n << 4 | 0x0a)));
        assert!(!is_grease(0x1a0a) && !is_grease(0x0303) && !is_grease(0x0a1a));
        assert_eq!(words(&[0x3a, 0x3a, 3, 4, 3, 3]), [0x0304, 0x0303]);
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let hello = ClientHello::read(&bytes);
            prop_assert!(hello.is_none_or(|hello| hello.ja4().is_none_or(|mark| Ja4::parse(&mark.to_string()) == Some(mark))));
        }

        #[test]
        fn a_hello_with_any_bytes_changed_breaks_nothing(
            at in proptest::collection::vec((0_usize..600, any::<u8>()), 0..8), end in 0_usize..700,
        ) {
            let mut bytes = Hello::wide(HelloRandom([3; 32]), Some("mx.example.org")).bytes().to_vec();
            for (place, byte) in at {
                if let Some(old) = bytes.get_mut(place) { *old = byte; }
            }
            bytes.truncate(end);
            let hello = ClientHello::read(&bytes);
            prop_assert!(hello.is_none_or(|hello| hello.suites.len() <= 1000 && hello.extensions.len() <= 1000));
        }
    }
}
