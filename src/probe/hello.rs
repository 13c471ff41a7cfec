//! The ClientHello that asks the question, as bytes.
//!
//! No cryptography happens here: the version is read from the answer's first message, before any key is agreed. That is
//! why no TLS library is used: OpenSSL (even at SECLEVEL 0) and rustls give wrong or no answers for a TLS 1.0 peer that
//! has only RC4 or 3DES. This file must never know about sockets.

use crate::tls::TlsVersion;

/// 32 bytes for the `random` of one ClientHello (RFC 8446 section 4.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HelloRandom(pub [u8; 32]);

impl HelloRandom {
    /// Fresh bytes from the kernel.
    /// # Errors
    /// What the kernel said; the probe is then not made (a constant would be a fingerprint).
    pub fn from_kernel() -> std::io::Result<Self> {
        let mut bytes = [0_u8; 32];
        fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

#[cfg(target_os = "linux")]
fn fill(bytes: &mut [u8]) -> std::io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty()) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => rest = rest.get_mut(n..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn fill(bytes: &mut [u8]) -> std::io::Result<()> {
    use std::io::Read;
    std::fs::File::open("/dev/urandom")?.read_exact(bytes)
}

/// One ClientHello and what it offers, so that an answer can be held against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    bytes: Vec<u8>,
    versions: Vec<TlsVersion>,
    suites: Vec<u16>,
}

impl Hello {
    /// The hello that asks for the highest version: offers TLS 1.3, 1.2, 1.1 and 1.0 at once, with `key_share` empty so
    /// that a TLS 1.3 peer answers with a HelloRetryRequest (RFC 8446 section 4.2.8). `server_name` is a host name, never
    /// an address (RFC 6066 section 3).
    #[must_use]
    pub fn wide(random: HelloRandom, server_name: Option<&str>) -> Self {
        use TlsVersion::{Tls10, Tls11, Tls12, Tls13};
        let extensions = Extensions {
            server_name,
            supported_versions: &[Tls13, Tls12, Tls11, Tls10],
            key_share: Some(&[]),
        };
        let suites = [&SUITES_13[..], SUITES_12, SUITES_10, &[RENEGOTIATION_SCSV]].concat();
        Self::build(random, Tls12, extensions.supported_versions, suites, Some(&extensions))
    }

    /// The second question, for a peer that did not answer [`Hello::wide`] with a version: TLS 1.2 or older as it was
    /// asked for before there was TLS 1.3. No `supported_versions`, no server name: some peers end the handshake on a name
    /// that they do not know, or on an empty `key_share`. Few suites, since some end it on a long list; `every_suite` is for
    /// one that said it has none in common (alerts 40 and 71), as one does whose TLS 1.3 has no suite, group or key.
    #[must_use]
    pub fn middle(random: HelloRandom, every_suite: bool) -> Self {
        use TlsVersion::{Ssl3, Tls10, Tls11, Tls12};
        let suites = if every_suite {
            [SUITES_12, SUITES_10, &[RENEGOTIATION_SCSV]].concat()
        } else {
            SUITES_MIDDLE.to_vec()
        };
        let extensions = Extensions::default();
        Self::build(random, Tls12, &[Tls12, Tls11, Tls10, Ssl3], suites, Some(&extensions))
    }

    /// The third and last question: TLS 1.0 without any extension. An SSLv3 server answers it too (RFC 2246 appendix E),
    /// so both are offered.
    #[must_use]
    pub fn bare_tls10(random: HelloRandom) -> Self {
        let suites = [SUITES_10, &[RENEGOTIATION_SCSV]].concat();
        Self::build(
            random,
            TlsVersion::Tls10,
            &[TlsVersion::Tls10, TlsVersion::Ssl3],
            suites,
            None,
        )
    }

    /// A hello that offers this version and no other: whether a port accepts it. For TLS 1.3 it brings real key shares,
    /// so that a peer which goes on has chosen them, instead of asking for others (a HelloRetryRequest, which JSSE and Go
    /// send even where they cannot go on).
    #[must_use]
    pub fn exactly(version: TlsVersion, random: HelloRandom, server_name: Option<&str>) -> Self {
        let (legacy, versions) = (version.min(TlsVersion::Tls12), [version]);
        let shares = key_shares(random);
        let extensions = Extensions {
            server_name,
            supported_versions: &versions,
            key_share: (version == TlsVersion::Tls13).then_some(&shares),
        };
        let suites = match version {
            TlsVersion::Tls13 => SUITES_13.to_vec(),
            TlsVersion::Tls12 => [SUITES_12, SUITES_10, &[RENEGOTIATION_SCSV]].concat(),
            TlsVersion::Ssl3 | TlsVersion::Tls10 | TlsVersion::Tls11 => [SUITES_10, &[RENEGOTIATION_SCSV]].concat(),
        };
        let extensions = (version != TlsVersion::Ssl3).then_some(&extensions);
        Self::build(random, legacy, &versions, suites, extensions)
    }

    /// The bytes to send: one TLS record.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The versions offered, highest first. An answer with any other is never believed.
    #[must_use]
    pub fn versions(&self) -> &[TlsVersion] {
        &self.versions
    }

    /// Whether this cipher suite is one of those offered.
    #[must_use]
    pub fn offers_suite(&self, suite: u16) -> bool {
        suite != RENEGOTIATION_SCSV && self.suites.contains(&suite)
    }

    /// `versions`: what an answer may choose. `extensions`: `None` for a hello without any.
    fn build(
        random: HelloRandom,
        client_version: TlsVersion,
        versions: &[TlsVersion],
        suites: Vec<u16>,
        extensions: Option<&Extensions<'_>>,
    ) -> Self {
        let mut body = client_version.wire().to_be_bytes().to_vec();
        body.extend(random.0);
        body.push(0); // no session to resume
        body.extend(block16(words(&suites)));
        body.extend([1, 0]); // compression: none (RFC 3749's others are unsafe)
        if let Some(extensions) = extensions {
            let mut block = extensions.bytes();
            // The message has four bytes of header, and the block two of length.
            pad(&mut block, body.len() + 6);
            body.extend(block16(block));
        }
        let mut handshake = vec![CLIENT_HELLO];
        handshake.extend(block24(body));
        // The record says 3.1 whatever is offered (RFC 8446 section 5.1), and 3.0 where only SSLv3 is.
        let record_version = client_version.min(TlsVersion::Tls10).wire().to_be_bytes();
        let mut bytes = vec![HANDSHAKE_RECORD];
        bytes.extend(record_version);
        bytes.extend(block16(handshake));
        Self {
            bytes,
            versions: versions.to_vec(),
            suites,
        }
    }
}

/// What a hello says besides versions and suites.
#[derive(Debug, Clone, Copy, Default)]
struct Extensions<'a> {
    server_name: Option<&'a str>,
    /// Empty: the extension is left out, and the peer takes what it has up to the hello's own version.
    supported_versions: &'a [TlsVersion],
    /// `None`: no such extension; empty: the peer picks a group.
    key_share: Option<&'a [u8]>,
}

impl Extensions<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        if let Some(name) = self
            .server_name
            .filter(|n| !n.is_empty() && n.len() <= 253 && n.is_ascii())
        {
            let mut entry = vec![0]; // host_name
            entry.extend(block16(name.as_bytes().to_vec()));
            out.extend(extension(SERVER_NAME, block16(entry)));
        }
        // Some peers in FIPS mode take no TLS 1.2 without extended_master_secret (RFC 7627); it says nothing by itself.
        out.extend(extension(0x0017, Vec::new()));
        // The same for encrypt_then_mac (RFC 7366): GnuTLS can be set to demand it.
        out.extend(extension(0x0016, Vec::new()));
        // What only TLS 1.3 can use, and what is rare, is offered only where TLS 1.3 is.
        let with_new = |old: &[u16], new: &[u16]| match self.key_share {
            Some(_) => words(&[old, new].concat()),
            None => words(old),
        };
        out.extend(extension(0x000a, block16(with_new(GROUPS, GROUPS_13))));
        out.extend(extension(0x000b, vec![1, 0])); // uncompressed points
        out.extend(extension(0x000d, block16(with_new(SIGNATURES, SIGNATURES_13))));
        if !self.supported_versions.is_empty() {
            let wire: Vec<u16> = self.supported_versions.iter().map(|v| v.wire()).collect();
            out.extend(extension(SUPPORTED_VERSIONS, block8(words(&wire))));
        }
        if let Some(shares) = self.key_share {
            out.extend(extension(KEY_SHARE, block16(shares.to_vec())));
        }
        out
    }
}

/// Boxes in front of old servers hang on a ClientHello of 256 to 511 bytes; RFC 7685 pads such a one to 512. `before` is
/// what stands before the extension block, in bytes of the handshake message.
fn pad(block: &mut Vec<u8>, before: usize) {
    let length = before.saturating_add(block.len());
    if (256..512).contains(&length) {
        let missing = 512_usize.saturating_sub(length).saturating_sub(4);
        block.extend(extension(PADDING, vec![0; missing]));
    }
}

/// Public keys that need no secret, because nothing is ever decrypted: any 32 bytes are one of X25519 (RFC 7748 section
/// 5), and the base point is one of P-256 (SEC 2 section 2.4.2).
fn key_shares(random: HelloRandom) -> Vec<u8> {
    let share = |group: u16, key: &[u8]| [&group.to_be_bytes()[..], &block16(key.to_vec())].concat();
    [share(0x001d, &random.0), share(0x0017, &P256_BASE_POINT)].concat()
}

fn extension(kind: u16, body: Vec<u8>) -> Vec<u8> {
    let mut out = kind.to_be_bytes().to_vec();
    out.extend(block16(body));
    out
}

fn words(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|w| w.to_be_bytes()).collect()
}

/// `body` behind its length in one byte. Every list here is a constant or bounded (a name of at most 253 bytes), so
/// that no length is ever cut; a test holds it.
fn block8(body: Vec<u8>) -> Vec<u8> {
    let [.., low] = body.len().to_be_bytes();
    [&[low], body.as_slice()].concat()
}

fn block16(body: Vec<u8>) -> Vec<u8> {
    let [.., high, low] = body.len().to_be_bytes();
    [&[high, low], body.as_slice()].concat()
}

fn block24(body: Vec<u8>) -> Vec<u8> {
    let [.., high, middle, low] = body.len().to_be_bytes();
    [&[high, middle, low], body.as_slice()].concat()
}

/// Record type of handshake messages (RFC 8446 section 5.1).
pub(super) const HANDSHAKE_RECORD: u8 = 22;
/// Record type of alerts.
pub(super) const ALERT_RECORD: u8 = 21;
/// Handshake type of the ClientHello.
pub(super) const CLIENT_HELLO: u8 = 1;
/// Extension `server_name` (RFC 6066 section 3).
pub(super) const SERVER_NAME: u16 = 0x0000;
/// Extension `supported_versions` (RFC 8446 section 4.2.1).
pub(super) const SUPPORTED_VERSIONS: u16 = 0x002b;
/// Extension `key_share` (RFC 8446 section 4.2.8).
pub(super) const KEY_SHARE: u16 = 0x0033;
/// Extension `padding` (RFC 7685).
const PADDING: u16 = 0x0015;

/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746): some peers demand it; it is no suite that can be chosen.
const RENEGOTIATION_SCSV: u16 = 0x00ff;

/// TLS 1.3: AES-GCM, ChaCha20, CCM.
const SUITES_13: [u16; 5] = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305];

/// Suites that only TLS 1.2 has: AEAD and SHA-2, with ECDHE (ECDSA, RSA), DHE and plain RSA; then CCM_8, ARIA and
/// Camellia, which are all that some small or national set-ups speak. Nothing anonymous and nothing with a shared key.
const SUITES_12: &[u16] = &[
    0xc02b, 0xc02c, 0xcca9, 0xc02f, 0xc030, 0xcca8, 0x009e, 0x009f, 0xccaa, 0xc023, 0xc024, 0xc027, 0xc028, 0x0067,
    0x006b, 0x009c, 0x009d, 0x003c, 0x003d, // the usual ones
    0x0040, 0x006a, 0x00a2, 0x00a3, // DHE with DSA
    0xc0ac, 0xc0ad, 0xc09c, 0xc09d, 0xc09e, 0xc09f, 0xc0ae, 0xc0af, 0xc0a0, 0xc0a1, 0xc0a2, 0xc0a3, // CCM, CCM_8
    0xc05c, 0xc05d, 0xc060, 0xc061, 0xc052, 0xc053, 0xc056, 0xc057, 0xc050, 0xc051, // ARIA-GCM
    0xc086, 0xc087, 0xc08a, 0xc08b, 0xc07c, 0xc07d, 0xc080, 0xc081, 0xc07a, 0xc07b, // Camellia-GCM
    0xc072, 0xc073, 0xc076, 0xc077, 0x00bd, 0x00c3, 0x00be, 0x00c4, 0x00ba, 0x00c0, // Camellia with SHA-2
    0xc03c, 0xc03d, 0xc042, 0xc043, 0xc044, 0xc045, 0xc048, 0xc049, 0xc04c, 0xc04d, // ARIA-CBC
    0xc02d, 0xc02e, 0xc031, 0xc032, 0xc025, 0xc026, 0xc029, 0xc02a, // ECDH with the certificate's own key
    0xcc13, 0xcc14, 0xcc15, // ChaCha20 as it was before RFC 7905
];

/// Under 32 suites, and enough for every peer that has one of the usual ones.
const SUITES_MIDDLE: &[u16] = &[
    0xc02b,
    0xc02c,
    0xcca9,
    0xc02f,
    0xc030,
    0xcca8,
    0x009e,
    0x009f,
    0xc023,
    0xc027,
    0x0067,
    0x009c,
    0x009d,
    0x003c,
    0x003d, // TLS 1.2
    0xc009,
    0xc00a,
    0xc013,
    0xc014,
    0x0033,
    0x0039,
    0x0032,
    0x0038,
    0x002f,
    0x0035,
    0x0016,
    0x0013,
    0x000a,
    0x0005,
    0x0004,
    RENEGOTIATION_SCSV,
];

/// Suites that TLS 1.0 and SSLv3 have: AES, Camellia, SEED, IDEA, 3DES, RC4, single DES. Never used to protect
/// anything: a peer that has nothing better is exactly the one to find. No anonymous, NULL or export suites, which set
/// off alarms at the other side.
const SUITES_10: &[u16] = &[
    0xc009, 0xc00a, 0xc013, 0xc014, 0x0033, 0x0039, 0x0045, 0x0088, 0x009a, 0x0032, 0x0038, 0x0044, 0x0087, 0x0099,
    0x002f, 0x0035, 0x0041, 0x0084, 0x0096, 0x0007, // AES, Camellia, SEED, IDEA
    0xc008, 0xc012, 0x0016, 0x0013, 0x000a, // 3DES
    0xc007, 0xc011, 0x0066, 0x0005, 0x0004, // RC4
    0x0015, 0x0012, 0x0009, // DES
    0xc004, 0xc005, 0xc00e, 0xc00f, 0xc003, 0xc00d, 0xc002, 0xc00c, // ECDH with the certificate's own key
];

/// x25519, P-256, x448, P-384, P-521, brainpool, ffdhe2048 to 8192, secp256k1. A peer that has one group only must find
/// it here.
const GROUPS: &[u16] = &[
    0x001d, 0x0017, 0x001e, 0x0018, 0x0019, 0x001a, 0x001b, 0x001c, 0x0100, 0x0101, 0x0102, 0x0103, 0x0104, 0x0016,
];

/// X25519MLKEM768 and its kin, ML-KEM alone, the draft that came before, brainpool of TLS 1.3, SM2; and the old curves that a
/// server may be narrowed to: P-224, P-192, sect283 to sect571.
const GROUPS_13: &[u16] = &[
    0x11ec, 0x11eb, 0x11ed, 0x0200, 0x0201, 0x0202, 0x6399, 0x001f, 0x0020, 0x0021, 0x0029, 0x0015, 0x0013, 0x0009,
    0x000a, 0x000b, 0x000c, 0x000d, 0x000e,
];

/// ECDSA, EdDSA, RSA-PSS, RSA-PKCS1; DSA and SHA-1 for the old ones.
const SIGNATURES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601,
    0x0402, 0x0203, 0x0201, 0x0202,
];

/// ML-DSA, brainpool of TLS 1.3, SM2; SHA-224.
const SIGNATURES_13: &[u16] = &[
    0x0904, 0x0905, 0x0906, 0x081a, 0x081b, 0x081c, 0x0708, 0x0301, 0x0302, 0x0303,
];

/// The base point of P-256, uncompressed (SEC 2 section 2.4.2).
const P256_BASE_POINT: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
    0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe,
    0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce,
    0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: HelloRandom = HelloRandom([7; 32]);

    /// Reads a hello back with lengths checked; (client_version, suites, extensions).
    fn read_back(bytes: &[u8]) -> (u16, usize, Vec<(u16, Vec<u8>)>) {
        let u16_at = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        assert_eq!(bytes[0], 22);
        assert_eq!(u16_at(3), bytes.len() - 5);
        assert_eq!(bytes[5], 1);
        assert_eq!((usize::from(bytes[6]) << 16) + u16_at(7), bytes.len() - 9);
        let version = u16_at(9) as u16;
        assert_eq!(bytes[43], 0);
        let suites = u16_at(44) / 2;
        let mut at = 46 + suites * 2;
        assert_eq!(bytes[at..at + 2], [1, 0]);
        at += 2;
        let mut extensions = Vec::new();
        if at < bytes.len() {
            assert_eq!(u16_at(at), bytes.len() - at - 2);
            at += 2;
            while at < bytes.len() {
                let len = u16_at(at + 2);
                extensions.push((u16_at(at) as u16, bytes[at + 4..at + 4 + len].to_vec()));
                at += 4 + len;
            }
            assert_eq!(at, bytes.len());
        }
        (version, suites, extensions)
    }

    #[test]
    fn the_wide_hello_offers_four_versions_with_an_empty_key_share() {
        let hello = Hello::wide(RANDOM, None);
        let (version, suites, extensions) = read_back(hello.bytes());
        assert_eq!((version, suites), (0x0303, 133));
        let get = |kind| extensions.iter().find(|e| e.0 == kind).map(|e| e.1.clone());
        assert_eq!(get(0x002b).unwrap(), [8, 3, 4, 3, 3, 3, 2, 3, 1]);
        assert_eq!(get(0x0033).unwrap(), [0, 0]);
        assert_eq!(get(0x0000), None);
        assert!([0x0005, 0x0004, 0x000a, 0x1301].iter().all(|s| hello.offers_suite(*s)));
        assert!(!hello.offers_suite(RENEGOTIATION_SCSV));
    }

    #[test]
    fn no_hello_has_the_length_that_old_boxes_hang_on() {
        let long = "a".repeat(253);
        let named = [None, Some("mx.example.org"), Some(&long)];
        let hellos = named.into_iter().flat_map(|name| {
            let pinned = TlsVersion::ALL.map(|version| Hello::exactly(version, RANDOM, name));
            [Hello::wide(RANDOM, name)].into_iter().chain(pinned)
        });
        for hello in hellos.chain([
            Hello::middle(RANDOM, false),
            Hello::middle(RANDOM, true),
            Hello::bare_tls10(RANDOM),
        ]) {
            let message = hello.bytes().len() - 5;
            assert!(!(256..512).contains(&message), "{message} bytes");
        }
        for before in 0..600 {
            let mut block = vec![0; 10];
            pad(&mut block, before);
            assert!(!(256..512).contains(&(before + block.len())), "{before}");
            assert_eq!(block.len() > 10, (256..512).contains(&(before + 10)), "{before}");
        }
    }

    #[test]
    fn the_middle_hello_is_short_and_says_neither_a_name_nor_tls_13() {
        let hello = Hello::middle(RANDOM, false);
        let (version, suites, extensions) = read_back(hello.bytes());
        assert_eq!(version, 0x0303);
        assert!(suites < 32, "{suites}");
        assert!(hello.bytes().len() < 256);
        let kinds: Vec<u16> = extensions.iter().map(|e| e.0).collect();
        assert_eq!(kinds, [0x0017, 0x0016, 0x000a, 0x000b, 0x000d]);
        assert!(!hello.versions().contains(&TlsVersion::Tls13));
    }

    #[test]
    fn only_the_pinned_hello_of_tls_13_brings_real_key_shares() {
        let shares = |hello: Hello| {
            let (_, _, extensions) = read_back(hello.bytes());
            extensions.into_iter().find(|e| e.0 == 0x0033).map(|e| e.1.len())
        };
        assert_eq!(
            shares(Hello::exactly(TlsVersion::Tls13, RANDOM, None)),
            Some(2 + 4 + 32 + 4 + 65)
        );
        assert_eq!(shares(Hello::exactly(TlsVersion::Tls12, RANDOM, None)), None);
    }

    #[test]
    fn the_bare_hello_is_short_and_without_extensions() {
        let hello = Hello::bare_tls10(RANDOM);
        let (version, suites, extensions) = read_back(hello.bytes());
        assert_eq!((version, suites, extensions.len()), (0x0301, 42, 0));
        assert_eq!(hello.bytes().len(), 132);
        assert_eq!(hello.versions(), [TlsVersion::Tls10, TlsVersion::Ssl3]);
    }

    #[test]
    fn a_pinned_hello_names_one_version_only() {
        for version in TlsVersion::ALL {
            let hello = Hello::exactly(version, RANDOM, Some("mx.example.org"));
            let (client_version, _, extensions) = read_back(hello.bytes());
            assert_eq!(client_version, version.min(TlsVersion::Tls12).wire());
            assert_eq!(hello.versions(), [version]);
            let named = extensions.iter().find(|e| e.0 == 0x002b).map(|e| e.1.clone());
            let [high, low] = version.wire().to_be_bytes();
            assert_eq!(named, (version != TlsVersion::Ssl3).then(|| vec![2, high, low]));
            assert_eq!(hello.offers_suite(0x1301), version == TlsVersion::Tls13);
        }
    }

    #[test]
    fn a_name_is_sent_and_every_length_still_fits() {
        for name in ["mx.example.org".to_owned(), "a".repeat(253)] {
            let hello = Hello::wide(RANDOM, Some(&name));
            let (_, _, extensions) = read_back(hello.bytes());
            assert_eq!(extensions[0].0, 0);
            assert_eq!(&extensions[0].1[5..], name.as_bytes());
        }
        let long = "a".repeat(254);
        assert_eq!(Hello::wide(RANDOM, Some(&long)), Hello::wide(RANDOM, None));
    }

    #[test]
    fn the_kernel_gives_different_bytes_each_time() {
        assert_ne!(HelloRandom::from_kernel().unwrap(), HelloRandom::from_kernel().unwrap());
    }
}
