//! The question which variable the web administration changes: the file as it was when it was asked, kept in the state directory
//! until it is answered, over days and restarts of the program. (Backups with the whole file lie there, too.)

use std::io::Result;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::mailserver_cfg::Document;
use crate::tls::TlsVersion;

use super::memory::{LIMIT, Memory};

const QUESTION: &str = "names.question";
const BEFORE: &str = "names.before";

/// An open question.
#[derive(Debug)]
pub(crate) struct Question {
    /// When it was asked.
    pub(crate) asked: Timestamp,
    /// The minimum that the user was going to choose.
    pub(crate) chosen: TlsVersion,
    /// Bytes of `config.log` then.
    pub(crate) log_size: u64,
    /// The file as it was.
    pub(crate) before: Document,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    asked: String,
    chosen: String,
    log_size: u64,
}

impl Memory {
    /// The question that is open, if one is.
    pub(crate) fn question(&self) -> Option<Question> {
        let read = |begin| self.read(&self.own(begin)?).ok().flatten();
        let kept: Kept = serde_json::from_slice(&read(QUESTION)?).ok()?;
        Some(Question {
            asked: kept.asked.parse().ok()?,
            chosen: TlsVersion::from_token(&kept.chosen)?,
            log_size: kept.log_size,
            before: Document::parse(read(BEFORE)?).ok()?,
        })
    }

    /// Keeps a question. The file comes first: without it there is no question.
    ///
    /// # Errors
    /// The state directory cannot be written.
    pub(crate) fn ask(&self, question: &Question) -> Result<()> {
        let kept = Kept {
            asked: question.asked.to_string(),
            chosen: question.chosen.token().to_owned(),
            log_size: question.log_size,
        };
        let names = (self.own(BEFORE), self.own(QUESTION));
        let (Some(before), Some(name)) = names else {
            return Err(std::io::ErrorKind::NotFound.into());
        };
        let bytes = question.before.as_bytes();
        if bytes.len() as u64 > LIMIT {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.change(|directory| {
            directory.write(&before, bytes)?;
            Ok(directory.write(&name, &serde_json::to_vec(&kept)?)?)
        })
    }

    /// Forgets it.
    ///
    /// # Errors
    /// The state directory cannot be written.
    pub(crate) fn forget_question(&self) -> Result<()> {
        let names = [self.own(QUESTION), self.own(BEFORE)];
        self.change(|directory| {
            for name in names.iter().flatten() {
                directory.remove(name)?;
            }
            Ok(())
        })
    }
}
