//! The ASCII form of a name that has other letters, to be shown to whoever typed it: Punycode (RFC 3492) label by label.
//!
//! It only suggests: the letters are lower-cased and not normalised further (RFC 5891 would), so the user decides. A
//! library for the whole of IDNA brings tables larger than everything else in this room.

/// `müller.example` as `xn--mller-kva.example`; `None` where a label is empty, too long, or cannot be written so.
pub(super) fn ascii_form(name: &str) -> Option<String> {
    let labels: Option<Vec<String>> = name.trim_end_matches('.').split('.').map(ascii_label).collect();
    labels.map(|labels| labels.join("."))
}

fn ascii_label(label: &str) -> Option<String> {
    let label = label.to_lowercase();
    let good = |c: char| c.is_alphanumeric() || c == '-';
    if label.is_empty() || !label.chars().all(good) {
        return None;
    }
    let ascii = if label.is_ascii() {
        label
    } else {
        format!("xn--{}", punycode(&label)?)
    };
    (ascii.len() <= 63).then_some(ascii)
}

/// RFC 3492 section 6.3, with its names and the parameters of section 5.
fn punycode(label: &str) -> Option<String> {
    let input: Vec<u32> = label.chars().map(u32::from).collect();
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    let mut handled = basic;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias) = (0x80_u32, 0_u32, 72_u32);
    while usize::try_from(handled).ok()? < input.len() {
        let m = *input.iter().filter(|c| **c >= n).min()?;
        delta = delta.checked_add((m - n).checked_mul(handled + 1)?)?;
        n = m;
        for c in &input {
            if *c < n {
                delta = delta.checked_add(1)?;
            }
            if *c == n {
                let mut q = delta;
                for k in (36_u32..).step_by(36) {
                    let t = k.saturating_sub(bias).clamp(1, 26);
                    if q < t {
                        break;
                    }
                    out.push(digit(t + (q - t) % (36 - t))?);
                    q = (q - t) / (36 - t);
                }
                out.push(digit(q)?);
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n = n.checked_add(1)?;
    }
    Some(out)
}

/// `a` to `z`, then `0` to `9` (RFC 3492 section 5).
fn digit(value: u32) -> Option<char> {
    let value = usize::try_from(value).ok()?;
    b"abcdefghijklmnopqrstuvwxyz0123456789"
        .get(value)
        .copied()
        .map(char::from)
}

/// RFC 3492 section 6.1.
fn adapt(delta: u32, points: u32, is_first: bool) -> u32 {
    let mut delta = delta / if is_first { 700 } else { 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_rfc_3492_and_registries_write_them() {
        for (name, ascii) in [
            ("müller.example", "xn--mller-kva.example"),
            ("MÜLLER.example.", "xn--mller-kva.example"),
            ("bücher.example.org", "xn--bcher-kva.example.org"),
            ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
            ("почемужеонинеговорятпорусски", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l"),
            ("mx.example.org", "mx.example.org"),
        ] {
            assert_eq!(ascii_form(name).as_deref(), Some(ascii));
        }
    }

    #[test]
    fn what_is_no_name_has_no_ascii_form() {
        for name in ["", "a..b", "mü ller.example", "m\u{202e}ü.example", &"ü".repeat(80)] {
            assert_eq!(ascii_form(name), None, "{name}");
        }
    }
}
