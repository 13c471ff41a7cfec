//! Builds a `mailserver.cfg` like the ones that servers write, of any size, the same for the same seed. Shape and
//! proportions (two-space indents, one variable a line, about 69 bytes a variable) are those of public files of real
//! installs.

use std::fmt::Write;

/// A small generator (SplitMix64), so that samples need no dependency and never change.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<config>
  <table name="Directories">
    <variable name="StoreDir">/opt/kerio/mailserver/store</variable>
    <variable name="ArchiveDir">/opt/kerio/mailserver/store/archive</variable>
    <variable name="BackupDir">/opt/kerio/mailserver/store/backup</variable>
  </table>
  <table name="LogGlobal">
    <variable name="RelativePathsRoot">/opt/kerio/mailserver/store/logs</variable>
  </table>
  <table name="Security">
    <variable name="AccountLockout">1</variable>
    <variable name="AntiHammeringKey">D3S:5f1c0a77</variable>
    <variable name="Policy"></variable>
  </table>
  <table name="SmtpSecurity">
    <variable name="RelayPassword">D3S:77aa01</variable>
    <variable name="Banner"/>
  </table>
"#;

const FIELDS: [&str; 12] = [
    "Enabled",
    "Desc",
    "FullName",
    "Quota",
    "Domain",
    "Password",
    "LastLogin",
    "Forward",
    "Rights",
    "AuthType",
    "SpamMark",
    "DefaultAddress",
];

/// A file of at least this many bytes (and at least the fixed tables).
pub fn build(bytes: usize, seed: u64) -> String {
    let mut numbers = Numbers(seed);
    let mut text = String::with_capacity(bytes + 4096);
    text.push_str(HEAD);
    let mut list = 0;
    while text.len() + 12 < bytes {
        list += 1;
        let items = 200 + numbers.below(800);
        let _ = writeln!(text, "  <list name=\"List{list}\" identityCounter=\"{items}\">");
        for item in 0..items {
            if text.len() + 40 > bytes {
                break;
            }
            let _ = writeln!(text, "    <listitem>\n      <variable name=\"Id\">{item}</variable>");
            for field in FIELDS {
                value(&mut text, field, &mut numbers);
            }
            text.push_str("    </listitem>\n");
        }
        text.push_str("  </list>\n");
    }
    text.push_str("</config>\n");
    text
}

fn value(text: &mut String, field: &str, numbers: &mut Numbers) {
    let number = numbers.next();
    let _ = match (field, number % 8) {
        ("Password", _) => writeln!(text, "      <variable name=\"{field}\">D3S:{number:016x}</variable>"),
        (_, 0) => writeln!(text, "      <variable name=\"{field}\"></variable>"),
        (_, 1) => writeln!(text, "      <variable name=\"{field}\"/>"),
        (_, 2) => writeln!(
            text,
            "      <variable name=\"{field}\">Sales &amp; support {}</variable>",
            number % 100
        ),
        (_, 3) => writeln!(
            text,
            "      <variable name=\"{field}\">user{}@example.org</variable>",
            number % 5000
        ),
        (_, 4) => writeln!(
            text,
            "      <variable name=\"{field}\">Jiří Müller {}</variable>",
            number % 100
        ),
        _ => writeln!(text, "      <variable name=\"{field}\">{}</variable>", number % 100_000),
    };
}
