//! Who does it, and when.

use serde::{Deserialize, Serialize};

/// Who saves. The login uid is the kernel's (set at login, it survives `sudo` and `su`); `SUDO_USER` is only what the environment says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The uid of the login session, when there is one.
    pub login_uid: Option<u32>,
    /// Its name in `/etc/passwd`.
    pub login_name: Option<String>,
    /// The uid that the process has.
    pub uid: u32,
    /// Its name in `/etc/passwd`.
    pub name: Option<String>,
    /// `SUDO_USER`, a hint that anyone can set.
    pub sudo_user_hint: Option<String>,
}

impl Actor {
    /// Of this process.
    #[must_use]
    pub fn now() -> Self {
        let login_uid = std::fs::read_to_string("/proc/self/loginuid")
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok())
            .filter(|uid| *uid != u32::MAX); // (uid_t)-1: nobody logged in, a timer or a container
        let uid = rustix::process::getuid().as_raw();
        Self {
            login_uid,
            login_name: login_uid.and_then(user_name),
            uid,
            name: user_name(uid),
            sudo_user_hint: std::env::var("SUDO_USER")
                .ok()
                .filter(|name| !name.is_empty() && name.len() <= 64),
        }
    }

    /// In words: `anna as root`, `root`, `uid 1000 as root (SUDO_USER says anna)`.
    #[must_use]
    pub fn words(&self) -> String {
        let word = |name: &Option<String>, uid: u32| name.clone().unwrap_or_else(|| format!("uid {uid}"));
        let real = word(&self.name, self.uid);
        let words = match self.login_uid {
            Some(uid) if uid != self.uid => format!("{} as {real}", word(&self.login_name, uid)),
            _ => match &self.sudo_user_hint {
                Some(hint) => format!("{real} (SUDO_USER says {hint})"),
                None => real,
            },
        };
        super::trouble::shown(&words)
    }
}

/// The name of a user in `/etc/passwd`; no name service is asked, it could hang.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    name_in(&std::fs::read_to_string("/etc/passwd").ok()?, uid)
}

/// The name of a group in `/etc/group`.
pub(crate) fn group_name(gid: u32) -> Option<String> {
    name_in(&std::fs::read_to_string("/etc/group").ok()?, gid)
}

fn name_in(text: &str, id: u32) -> Option<String> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse::<u32>().ok()? == id).then(|| name.to_owned())
    })
}

/// Now, RFC 3339 with seconds and the local offset.
pub(crate) fn now() -> String {
    jiff::ZonedDateTime::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Now in UTC, for file names: `20261124T073000Z`.
pub(crate) fn utc_stamp() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The same to the microsecond, for names whose order counts: `20261124T073000.000000Z`.
pub(crate) fn utc_stamp_fine() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_number_and_never_by_a_prefix_of_it() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n";
        assert_eq!(name_in(passwd, 1000).as_deref(), Some("anna"));
        assert_eq!(name_in(passwd, 100), None);
    }

    #[test]
    fn the_kernels_login_name_wins_over_sudo_user() {
        let actor = Actor {
            login_uid: Some(1000),
            login_name: Some("anna".into()),
            uid: 0,
            name: Some("root".into()),
            sudo_user_hint: Some("mallory".into()),
        };
        assert_eq!(actor.words(), "anna as root");
    }
}
