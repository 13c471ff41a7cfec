//! What can go wrong with a document, in words for the person at the terminal. Nothing of the file is quoted except
//! names of tables and variables: a broken file may have a secret in any place.

use super::place::{Position, VariablePath};

/// Why the bytes are not a `mailserver.cfg` that we would edit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {what}", position.line, position.column)]
pub struct ParseError {
    /// Where.
    pub position: Position,
    /// What is wrong and what was expected.
    pub what: String,
    /// The file may be sound XML, only not of the kind that this program edits (another encoding, a DOCTYPE,
    /// namespaces): it is not to be replaced by a backup, which would lose what changed since.
    pub may_be_sound: bool,
}

/// What a variable holds beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unplain {
    /// A comment: setting the value would lose it.
    Comment,
    /// A processing instruction.
    Instruction,
    /// Other elements.
    Element,
}

impl std::fmt::Display for Unplain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Comment => "a comment",
            Self::Instruction => "a processing instruction",
            Self::Element => "other elements",
        })
    }
}

/// Why edits could not be rendered or the result was not what it must be. Nothing has been written in any of these
/// cases.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The path stands more than once.
    #[error("{path} stands more than once (lines {}); it is edited only by hand", numbers(lines))]
    Duplicate {
        /// The path.
        path: VariablePath,
        /// Where: the lines of the tables when the table is there more than once, else of the variables.
        lines: Vec<u32>,
    },
    /// XML 1.0 cannot hold this value (or name).
    #[error("the new value of {path} has a character that XML cannot hold (U+{character:04X})")]
    NotXml {
        /// The path.
        path: VariablePath,
        /// The character.
        character: u32,
    },
    /// The document's base value is not the edit's.
    #[error("{path} is not what this edit was based on; load the file again")]
    Stale {
        /// The path.
        path: VariablePath,
    },
    /// The variable holds more than text; setting it would lose that.
    #[error("{path} (line {line}) has {holds} inside its value, which an edit would lose; it is edited only by hand")]
    NotPlain {
        /// The path.
        path: VariablePath,
        /// Where it begins.
        line: u32,
        /// What else it holds.
        holds: Unplain,
    },
    /// Verification of the result failed; nothing may be written.
    #[error("checking the new file before writing failed: {0}; nothing was written")]
    Verify(String),
}

/// At most eight line numbers: a hostile file can have a hundred thousand.
fn numbers(lines: &[u32]) -> String {
    let shown: Vec<String> = lines.iter().take(8).map(u32::to_string).collect();
    let more = lines.len().saturating_sub(8);
    let shown = shown.join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_names_its_lines_and_stays_short() {
        let path = VariablePath {
            table: "Security".into(),
            variable: "X".into(),
        };
        let few = EditError::Duplicate {
            path: path.clone(),
            lines: vec![4, 9],
        };
        assert_eq!(
            few.to_string(),
            "Security/X stands more than once (lines 4, 9); it is edited only by hand"
        );
        let many = EditError::Duplicate {
            path,
            lines: (1..=100).collect(),
        };
        assert!(many.to_string().contains("7, 8 and 92 more"), "{many}");
    }
}
