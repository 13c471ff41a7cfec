//! What the scripts of the web administration beside the engine tell: fields (`k_id`, seen in the sister product) that hold a
//! word, and the values that a drop-down offers. Read as text, never run.

use std::path::Path;

use memchr::memmem;

use crate::files::{self, Directory};
use crate::hostile::safe_text;

/// Where it lies, beside the executable.
const PLACE: [&str; 2] = ["web", "admin"];
/// Scripts, directories below each other, and bytes read at most.
const SCRIPTS: usize = 400;
const DEPTH: usize = 6;
const BYTES: u64 = 48 << 20;
/// Bytes of one script at most.
const SCRIPT: u64 = 16 << 20;
/// Fields and values given at most, and letters of each.
const FIELDS: usize = 60;
const VALUES: usize = 12;
const LONGEST: usize = 60;
/// How far behind a field's name its values are looked for, in bytes.
const NEAR: usize = 2000;

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The values that it offers.
    pub values: Vec<String>,
    /// The script, as a path from the administration's directory on.
    pub script: String,
}

/// The fields that hold one of the (lower-case) words. What cannot be read is left out.
#[must_use]
pub fn administration(executable: &Path, words: &[&str]) -> Vec<Field> {
    let mut fields = Vec::new();
    let Some(beside) = executable.parent() else {
        return fields;
    };
    let root = beside.join(PLACE.join("/"));
    let (mut open, mut scripts, mut left) = (vec![(root.clone(), 0)], 0, BYTES);
    while let Some((path, depth)) = open.pop() {
        let names = Directory::open(&path)
            .and_then(|directory| directory.names())
            .unwrap_or_default();
        for name in names {
            let path = path.join(&name);
            if !name.ends_with(".js") {
                // What is no directory is not opened as one.
                if !name.contains('.') && depth < DEPTH && open.len() < SCRIPTS {
                    open.push((path, depth + 1));
                }
                continue;
            }
            let Ok(text) = files::read(&path, SCRIPT.min(left)) else {
                continue;
            };
            left -= text.len() as u64;
            scripts += 1;
            let script = path.strip_prefix(&root).unwrap_or(&path);
            read(
                &text,
                words,
                &safe_text(script.as_os_str().as_encoded_bytes(), 120),
                &mut fields,
            );
            if scripts >= SCRIPTS || fields.len() >= FIELDS {
                return fields;
            }
        }
    }
    fields
}

fn read(text: &[u8], words: &[&str], script: &str, fields: &mut Vec<Field>) {
    for at in memmem::find_iter(text, "k_id") {
        let rest = text.get(at + 4..).unwrap_or_default();
        let Some(name) = quoted(rest) else { continue };
        let small = name.to_ascii_lowercase();
        if !words.iter().any(|word| small.contains(word)) || fields.iter().any(|field| field.name == name) {
            continue;
        }
        // The values of this field end where the next one begins.
        let near = rest.get(..rest.len().min(NEAR)).unwrap_or_default();
        let near = memmem::find(near, b"k_id")
            .and_then(|end| near.get(..end))
            .unwrap_or(near);
        let mut values: Vec<String> = Vec::new();
        for at in memmem::find_iter(near, "value") {
            let value = near.get(at + 5..).and_then(quoted);
            values.extend(value.filter(|value| values.len() < VALUES && !values.contains(value)));
        }
        fields.push(Field {
            name,
            values,
            script: script.to_owned(),
        });
        if fields.len() >= FIELDS {
            return;
        }
    }
}

/// What stands in quotes behind a colon: `: 'text'`.
fn quoted(rest: &[u8]) -> Option<String> {
    let rest = rest.trim_ascii_start();
    // A key may be in quotes itself.
    let rest = rest
        .strip_prefix(b"'")
        .or_else(|| rest.strip_prefix(b"\""))
        .unwrap_or(rest);
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let (quote, rest) = rest.split_first()?;
    if !matches!(quote, b'\'' | b'"') {
        return None;
    }
    let rest = rest.get(..rest.len().min(LONGEST + 1))?;
    let end = rest.iter().position(|byte| byte == quote)?;
    let text = rest.get(..end)?;
    let is_plain = !text.is_empty() && text.iter().all(|byte| (b' '..=b'~').contains(byte));
    is_plain.then(|| String::from_utf8_lossy(text).into_owned())
}
