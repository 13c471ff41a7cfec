//! Words of strangers, made safe to show.

/// At most `limit` bytes of `bytes` as one line: letters, digits and plain ASCII stay, every other byte becomes hex such
/// as `\x1b`, so that no banner can move the cursor, turn the text around or hide a part of it. Blanks at the end go.
#[must_use]
pub fn safe_text(bytes: &[u8], limit: usize) -> String {
    let cut = bytes.get(..limit).unwrap_or(bytes);
    let mut out = String::with_capacity(cut.len());
    for chunk in cut.trim_ascii().utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_alphanumeric() || c == ' ' || c.is_ascii_graphic() {
                out.push(c);
            } else {
                let mut buffer = [0_u8; 4];
                c.encode_utf8(&mut buffer).bytes().for_each(|b| push_hex(&mut out, b));
            }
        }
        chunk.invalid().iter().for_each(|b| push_hex(&mut out, *b));
    }
    if cut.len() < bytes.len() {
        out.push_str(" [cut]");
    }
    out
}

fn push_hex(out: &mut String, byte: u8) {
    out.push_str("\\x");
    for nibble in [byte >> 4, byte & 15] {
        out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('?'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_bytes_and_turned_text_become_hex() {
        assert_eq!(
            safe_text(b"220 mx\x1b[2J \x07ready\r\n", 99),
            "220 mx\\x1b[2J \\x07ready"
        );
        assert_eq!(
            safe_text("gr\u{fc}n \u{202e}x".as_bytes(), 99),
            "gr\u{fc}n \\xe2\\x80\\xaex"
        );
        assert_eq!(safe_text(b"\xff\x00ok", 99), "\\xff\\x00ok");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(safe_text(b"abcdef", 3), "abc [cut]");
    }
}
