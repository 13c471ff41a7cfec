//! Programs made by the tests: what a compiler makes of a name, what strangers could put there.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 4] = ["ServerTlsProtocols", "ClientTlsCiphers", "DisableEphemeralDH", "Wanted"];
const WANTED: Wanted<'_> = Wanted {
    anchor: "SmtpSecurity",
    names: &NAMES,
    words: &[
        "tls",
        "ssl",
        "cipher",
        "ephemeral",
        "ecdh",
        "dhkey",
        "minversion",
        "protocol",
    ],
};

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn with(bytes: &[u8]) -> Self {
        let place = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::write(place.program(), bytes).unwrap();
        place
    }

    fn program(&self) -> PathBuf {
        self.directory.path().join("mailserver")
    }

    fn read(&self) -> Program {
        read_program(&self.program(), WANTED)
    }
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn others(program: &Program) -> Vec<&str> {
    program.others.iter().map(|other| other.name.as_str()).collect()
}

use Presence::{Absent, Cut, Whole};

#[test]
fn a_name_counts_between_bytes_that_cannot_belong_to_one_and_in_both_encodings() {
    let bytes = [
        b"\0SmtpSecurity\0XServerTlsProtocols\0ServerTlsProtocolsX\0DisableEphemeralDH\0".to_vec(),
        wide("\0ClientTlsCiphers\0Wanted"),
    ]
    .concat();
    let found = Place::with(&bytes).read();
    assert_eq!(found.silent, None);
    assert_eq!(found.names, [Absent, Whole, Whole, Whole]);
    assert_eq!(others(&found), ["XServerTlsProtocols", "ServerTlsProtocolsX"]);
}

#[test]
fn sixteen_letters_at_a_border_are_probably_a_name_that_a_compiler_cut_and_eight_are_none() {
    let row = b"ServerTlsProtocoClientTlsCiphersTlsMinimumVersio";
    let at = |shift: usize| [&vec![b'.'; 64 + shift][..], row, b"\0SmtpSecurity\0DisableE"].concat();
    let found = Place::with(&at(0)).read();
    assert_eq!(found.names, [Cut, Cut, Absent, Absent]);
    let cut: Vec<(&str, bool)> = found.others.iter().map(|it| (it.name.as_str(), it.cut)).collect();
    assert_eq!(cut, [("TlsMinimumVersio", true)]);
    assert_eq!(Place::with(&at(1)).read().names, [Absent; 4]);
}

#[test]
fn a_program_without_the_tables_own_name_tells_nothing_and_says_so() {
    let found = Place::with(b"\0ServerTlsProtocols\0").read();
    assert!(found.silent.as_ref().unwrap().contains("SmtpSecurity"), "{found:?}");
    assert!(found.others.is_empty());
}

#[test]
fn other_names_are_those_of_variables_and_the_nearest_come_first() {
    let far = vec![0; 5000];
    let bytes = [
        &b"\0FarTlsOption\0"[..],
        &far,
        b"\0SmtpSecurity\0MinTlsVersion\0EnableECDHE\0ssl_ctx_new\0_ZN3Tls\0tls handshake Tls failed\0HTTPS\0",
    ]
    .concat();
    assert_eq!(
        others(&Place::with(&bytes).read()),
        ["MinTlsVersion", "EnableECDHE", "FarTlsOption"]
    );
}

#[test]
fn libraries_beside_it_are_read_too_and_the_dated_line_of_openssl_counts() {
    let place = Place::with(b"\0SmtpSecurity\0built for OpenSSL 1.0.2\0");
    fs::write(
        place.directory.path().join("libktssl.so.1.1"),
        b"\0OpenSSL 1.1.1k  25 Mar 2021\0ServerTlsProtocols\0",
    )
    .unwrap();
    fs::write(place.directory.path().join("notes.txt"), b"\0DisableEphemeralDH\0").unwrap();
    let found = place.read();
    assert_eq!(found.openssl.as_deref(), Some("OpenSSL 1.1.1k"));
    assert_eq!(found.names, [Whole, Absent, Absent, Absent]);
    assert_eq!(found.stamp.len(), 2);
}

#[test]
fn what_is_no_file_or_leads_out_or_is_missing_tells_nothing_and_keeps_nobody_waiting() {
    let place = Place::with(b"");
    fs::remove_file(place.program()).unwrap();
    assert!(place.read().silent.unwrap().contains("cannot be read"));
    rustix::fs::mkfifoat(rustix::fs::CWD, place.program(), rustix::fs::Mode::RUSR).unwrap();
    assert!(place.read().silent.unwrap().contains("pipe"), "{:?}", place.read());
    fs::remove_file(place.program()).unwrap();
    std::os::unix::fs::symlink("/dev/zero", place.program()).unwrap();
    assert!(place.read().silent.is_some());
}

#[test]
fn endless_names_end_and_a_name_behind_them_is_found() {
    let mut bytes = b"TlsCipher".repeat(600_000);
    bytes.extend(b"\0SmtpSecurity\0Wanted\0");
    bytes.extend(wide(&"Tls".repeat(300_000)));
    bytes.extend(b"\0DisableEphemeralDH\0");
    let found = Place::with(&bytes).read();
    assert_eq!(found.names, [Absent, Absent, Whole, Whole]);
    assert_eq!(others(&found), [""; 0]);
}

#[test]
fn a_million_other_names_stay_bounded_and_the_near_ones_are_kept() {
    use std::fmt::Write as _;
    let mut text = String::from("\0");
    (0..60_000).for_each(|number| write!(text, "Tls{number}Option\0").unwrap());
    text.push_str("SmtpSecurity\0NearTlsOption\0");
    (0..60_000).for_each(|number| write!(text, "Ssl{number}Option\0").unwrap());
    let found = Place::with(text.as_bytes()).read();
    assert_eq!(found.others.len(), OTHERS);
    assert_eq!(others(&found)[0], "NearTlsOption");
}

#[test]
fn a_file_that_changes_while_it_is_read_tells_nothing() {
    let place = Place::with(&[&vec![0; 3 * PIECE][..], b"\0SmtpSecurity\0"].concat());
    let (path, stop) = (place.program(), std::sync::atomic::AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                // Each write changes its time.
                let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
                std::io::Write::write_all(&mut file, b"x").unwrap();
            }
        });
        let changed = (0..50).find_map(|_| place.read().silent);
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(changed.unwrap().contains("changed while it was read"));
    });
}

#[test]
fn a_name_is_found_wherever_a_piece_ends() {
    let place = Place::with(b"");
    for shift in (0..2 * MARGIN).step_by(7).chain([MARGIN - 18, MARGIN - 1]) {
        let mut bytes = vec![0; PIECE - MARGIN - MARGIN / 2 + shift];
        bytes.extend(b"\0ServerTlsProtocols\0");
        bytes.extend(wide("ClientTlsCiphers"));
        bytes.extend(b"\0\0SmtpSecurity\0");
        bytes.resize(PIECE + 4 * MARGIN, 0);
        fs::write(place.program(), &bytes).unwrap();
        assert_eq!(place.read().names, [Whole, Whole, Absent, Absent], "{shift}");
    }
}

/// The slow way: every run of letters, one after the other.
fn plainly(bytes: &[u8], name: &str) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    bytes.split(|byte| !is_letter(byte)).any(|run| run == name.as_bytes())
}

proptest! {
    #[test]
    fn whatever_the_bytes_the_fast_search_finds_what_the_slow_one_finds(
        parts in proptest::collection::vec(
            prop_oneof![
                Just(b"ServerTlsProtocols".to_vec()), Just(b"Wanted".to_vec()), Just(b"SmtpSecurity".to_vec()),
                Just(b"\0".to_vec()), Just(b"tls".to_vec()), Just(b"T\0l\0s\0".to_vec()), proptest::collection::vec(any::<u8>(), 0..40),
            ],
            0..30,
        )
    ) {
        let bytes = parts.concat();
        let mut search = Search::new(WANTED);
        search.piece(&bytes, 0, true);
        search.end_of_file("x");
        let (has_anchor, names, ..) = search.end(10);
        prop_assert_eq!(has_anchor, plainly(&bytes, "SmtpSecurity"));
        prop_assert_eq!(names[0] == Whole, plainly(&bytes, NAMES[0]));
        prop_assert_eq!(names[3] == Whole, plainly(&bytes, NAMES[3]));
    }
}

#[test]
fn the_administrations_fields_are_read_with_what_their_drop_downs_offer() {
    let place = Place::with(b"");
    let scripts = place.directory.path().join("web/admin/security");
    fs::create_dir_all(&scripts).unwrap();
    let text =
        "{k_id: 'tlsMinVersion', k_type: 'k_select', k_data: [{value: 'tls1_0', name: 'TLS 1.0'}, {value: 'tls1_2'}]},
        {k_id: 'userName', value: 'x'}, {\"k_id\": \"cipherList\"}, {k_id: tlsDynamic}";
    fs::write(scripts.join("policy.js"), text).unwrap();
    std::os::unix::fs::symlink("/", scripts.join("out")).unwrap();
    let fields = super::super::administration::administration(&place.program(), WANTED.words);
    let found: Vec<(&str, usize)> = fields
        .iter()
        .map(|field| (field.name.as_str(), field.values.len()))
        .collect();
    assert_eq!(found, [("tlsMinVersion", 2), ("cipherList", 0)]);
    assert_eq!(fields[0].values, ["tls1_0", "tls1_2"]);
    assert_eq!(Path::new(&fields[0].script), Path::new("security/policy.js"));
}
