//! The formats of `/proc`, as pure parsers: what does not fit gives nothing, never a panic.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The fields of `/proc/<pid>/stat` that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// `R`, `S`, `D`, `T`, … ; `Z` and `X` are dead.
    pub(super) state: u8,
    /// The parent's id; 0 for the first process, and for one that was brought in from outside the namespace.
    pub(super) parent: u32,
    /// Start, in clock ticks since boot; with the PID it names one process for good.
    pub(super) start_ticks: u64,
}

impl Stat {
    /// It is dead, or waits only for its parent to notice.
    pub(super) fn has_ended(self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// Parses `/proc/<pid>/stat`. The name in parentheses may hold blanks and parentheses itself,
/// so the fields are counted from the *last* `)` (proc(5)).
pub(super) fn parse_stat(text: &[u8]) -> Option<Stat> {
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let rest = text.get(close + 1..)?;
    let mut fields = rest.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let state = *fields.next()?.first()?;
    let parent = number(fields.next()?)?;
    // starttime is field 22; the parent was field 4.
    let start_ticks = number(fields.nth(17)?)?;
    Some(Stat {
        state,
        parent,
        start_ticks,
    })
}

fn number<N: std::str::FromStr>(text: &[u8]) -> Option<N> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// The user ids in `/proc/<pid>/status`: real, effective, saved, and of the file system.
pub(super) fn parse_uids(status: &[u8]) -> Option<[u32; 4]> {
    let line = status
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Uid:"))?;
    let mut ids = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let mut next = || number(ids.next()?);
    Some([next()?, next()?, next()?, next()?])
}

/// The control group of systemd's hierarchy in `/proc/<pid>/cgroup`, of version 1 or 2.
fn control_group(text: &[u8]) -> Option<&[u8]> {
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.splitn(3, |byte| *byte == b':');
        let (number, name, path) = (fields.next()?, fields.next()?, fields.next()?);
        (name == b"name=systemd" || (number == b"0" && name.is_empty())).then_some(path)
    })
}

/// Whether the process is in that control group of systemd's, or in one below it.
pub(super) fn in_control_group(text: &[u8], group: &str) -> bool {
    let below = control_group(text).and_then(|path| path.strip_prefix(group.as_bytes()));
    group.len() > 1 && below.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Whether the process is in a control group that is named as this unit is. Users have control groups below their own
/// to name as they like, so this tells only which of the processes that are trusted anyway belong to the unit.
pub(super) fn in_group_named(text: &[u8], unit: &str) -> bool {
    control_group(text).is_some_and(|path| path.split(|byte| *byte == b'/').any(|part| part == unit.as_bytes()))
}

/// One limit of `/proc/<pid>/limits`, by its name there, such as `Max open files`: soft and hard. The inner `None` is
/// "unlimited".
pub(super) fn parse_limit(text: &[u8], name: &str) -> Option<(Option<u64>, Option<u64>)> {
    let line = text
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(name.as_bytes()))?;
    let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let mut next = || match fields.next()? {
        b"unlimited" => Some(None),
        value => number(value).map(Some),
    };
    Some((next()?, next()?))
}

/// The open flags in `/proc/<pid>/fdinfo/<fd>`: whether that descriptor can write.
pub(super) fn writes(fdinfo: &[u8]) -> Option<bool> {
    let line = fdinfo
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"flags:"))?;
    let flags = u64::from_str_radix(std::str::from_utf8(line).ok()?.trim(), 8).ok()?;
    // O_ACCMODE is 3 on every Linux: 0 reads, 1 writes, 2 both; 3 is for ioctl only.
    Some(matches!(flags & 3, 1 | 2))
}

/// Splits the target of a `/proc/<pid>/exe` link into the path and the kernel's remark that the file is gone.
pub(super) fn parse_exe(target: &[u8]) -> (PathBuf, bool) {
    match target.strip_suffix(b" (deleted)") {
        Some(path) => (PathBuf::from(OsString::from_vec(path.to_vec())), true),
        None => (PathBuf::from(OsString::from_vec(target.to_vec())), false),
    }
}

/// The inode of `socket:[123]`, the target of a descriptor's link.
pub(super) fn socket_inode(target: &[u8]) -> Option<u64> {
    let number = target.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    self::number(number)
}

/// `btime` of `/proc/stat`: when the machine booted, in seconds since 1970.
pub(super) fn parse_boot_time(text: &[u8]) -> Option<u64> {
    let line = text
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"btime "))?;
    number(line)
}

/// One line of `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: PathBuf,
    pub(super) kind: Vec<u8>,
    /// Options of the file system, such as `rw,hidepid=invisible`.
    pub(super) options: Vec<u8>,
}

/// Parses `mountinfo` (proc(5)): a variable number of optional fields ends with `-`; blanks in
/// paths are octal escapes. Lines that do not fit are left out.
pub(super) fn parse_mounts(text: &[u8]) -> Vec<Mount> {
    text.split(|byte| *byte == b'\n').filter_map(parse_mount).collect()
}

fn parse_mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let point = fields.nth(4)?;
    fields.find(|field| *field == b"-")?;
    let kind = fields.next()?.to_vec();
    let options = fields.nth(1).unwrap_or_default().to_vec();
    Some(Mount {
        point: PathBuf::from(OsString::from_vec(unescape(point))),
        kind,
        options,
    })
}

/// Undoes `\040` and its like.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail
            .get(..3)
            .filter(|digits| *first == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        let value = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|d| u8::from_str_radix(d, 8).ok());
        match (value, tail.get(3..)) {
            (Some(byte), Some(after)) => {
                out.push(byte);
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

/// `TCP_LISTEN` of the kernel, as the table prints it.
const LISTEN: &[u8] = b"0A";

/// The listening sockets of a table: inode and local address (proc(5), `/proc/net/tcp`).
pub(super) fn listeners(table: &[u8]) -> impl Iterator<Item = (u64, SocketAddr)> + '_ {
    table.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        let local = fields.nth(1)?;
        let state = fields.nth(1)?;
        let inode = std::str::from_utf8(fields.nth(5)?).ok()?.parse().ok()?;
        (state == LISTEN).then_some((inode, parse_address(local)?))
    })
}

/// `0100007F:1F90`: the address as 32-bit words in the machine's byte order, the port as a number.
fn parse_address(text: &[u8]) -> Option<SocketAddr> {
    let (address, port) = std::str::from_utf8(text).ok()?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for word in address.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = match (address.len(), bytes.len()) {
        (8, 4) => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        (32, 16) => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_process_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line = b"4211 (mail) server (x) S 1 4211 4211 0 -1 4194560 9 0 0 0 1 2 3 4 20 0 7 0 987654 1 2 3\n";
        assert_eq!(
            parse_stat(line),
            Some(Stat {
                state: b'S',
                parent: 1,
                start_ticks: 987_654
            })
        );
    }

    #[test]
    fn the_user_ids_are_read_from_the_status_and_not_from_a_name_that_imitates_it() {
        let status = b"Name:\tUid:\\t0\nUmask:\t0022\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\n";
        assert_eq!(parse_uids(status), Some([1000, 0, 0, 0]));
        assert_eq!(parse_uids(b"Uid:\t1000\t0\n"), None);
    }

    #[test]
    fn a_control_group_holds_itself_and_what_is_below_it_but_not_a_name_that_begins_alike() {
        let unit = "/system.slice/kerio-connect.service";
        for text in [
            "0::/system.slice/kerio-connect.service\n",
            "4:pids:/x\n1:name=systemd:/system.slice/kerio-connect.service\n",
            "0::/system.slice/kerio-connect.service/inner\n",
        ] {
            assert!(in_control_group(text.as_bytes(), unit), "{text}");
        }
        for text in [
            "0::/user.slice\n",
            "0::/system.slice/kerio-connect.service-of-mine\n",
            "4:pids:/system.slice/kerio-connect.service\n",
            "",
        ] {
            assert!(!in_control_group(text.as_bytes(), unit), "{text}");
        }
        assert!(!in_control_group(b"0::/\n", "") && !in_control_group(b"0::/\n", "/"));
        assert!(in_group_named(
            b"0::/machine.slice/x/system.slice/kerio-connect.service\n",
            "kerio-connect.service"
        ));
        assert!(!in_group_named(
            b"0::/system.slice/kerio-connect.service-x\n",
            "kerio-connect.service"
        ));
    }

    #[test]
    fn limits_are_read_with_their_names_of_several_words() {
        let text = b"Limit                     Soft Limit           Hard Limit           Units     \n\
            Max file size             unlimited            unlimited            bytes     \n\
            Max open files            1024                 1048576              files     \n";
        assert_eq!(parse_limit(text, "Max open files"), Some((Some(1024), Some(1_048_576))));
        assert_eq!(parse_limit(text, "Max file size"), Some((None, None)));
        assert_eq!(parse_limit(text, "Max locked memory"), None);
    }

    #[test]
    fn the_flags_of_a_descriptor_tell_reading_from_writing() {
        assert_eq!(writes(b"pos:\t0\nflags:\t0100000\nmnt_id:\t29\n"), Some(false));
        assert_eq!(writes(b"pos:\t0\nflags:\t0100001\nmnt_id:\t29\n"), Some(true));
        assert_eq!(writes(b"pos:\t9\nflags:\t02100002\n"), Some(true));
        assert_eq!(writes(b"pos:\t9\n"), None);
    }

    #[test]
    fn an_executable_that_an_update_replaced_keeps_its_path() {
        assert_eq!(
            parse_exe(b"/opt/kerio/mailserver/mailserver (deleted)"),
            (PathBuf::from("/opt/kerio/mailserver/mailserver"), true)
        );
        assert_eq!(parse_exe(b"/usr/bin/sleep"), (PathBuf::from("/usr/bin/sleep"), false));
    }

    #[test]
    fn a_mount_with_blanks_and_optional_fields_is_read() {
        let text =
            b"36 35 98:0 /mnt1 /srv/my\\040mail rw,noatime master:1 shared:2 - ext4 /dev/root rw,errors=continue\n\
            22 1 0:5 / /proc rw - proc proc rw,hidepid=invisible\n";
        let mounts = parse_mounts(text);
        assert_eq!(mounts[0].point, PathBuf::from("/srv/my mail"));
        assert_eq!(mounts[0].kind, b"ext4");
        assert_eq!(mounts[1].options, b"rw,hidepid=invisible");
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = (parse_stat(&bytes), writes(&bytes), parse_exe(&bytes), socket_inode(&bytes));
            let _ = (parse_mounts(&bytes), parse_boot_time(&bytes));
            let _ = (parse_uids(&bytes), in_control_group(&bytes, "/a"), parse_limit(&bytes, "Max"));
        }

        #[test]
        fn any_process_name_leaves_state_and_start_readable(
            name in prop::collection::vec(any::<u8>(), 0..16), ticks in any::<u64>(),
        ) {
            let mut line = b"17 (".to_vec();
            line.extend(&name);
            line.extend(format!(") S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {ticks} 0 0").bytes());
            prop_assert_eq!(parse_stat(&line), Some(Stat { state: b'S', parent: 1, start_ticks: ticks }));
        }

        #[test]
        fn the_mode_of_a_descriptor_is_its_two_lowest_bits(flags in 0u64..0o100_000_000) {
            let text = format!("pos:\t0\nflags:\t0{flags:o}\n");
            prop_assert_eq!(writes(text.as_bytes()), Some(matches!(flags & 3, 1 | 2)));
        }
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn a_table_is_read_as_the_kernel_prints_it() {
        let table = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \x20  0: 0100007F:0FC8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n\
            \x20  1: 0100007F:0FC8 0100007F:B2A6 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1\n\
            \x20  2: 00000000000000000000000001000000:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1\n";
        let found: Vec<_> = listeners(table).collect();
        assert_eq!(
            found,
            [
                (4711, "127.0.0.1:4040".parse().unwrap()),
                (99, "[::1]:25".parse().unwrap())
            ]
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_table_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = (listeners(&bytes).count(), parse_address(&bytes));
        }

        #[test]
        fn every_ipv4_address_and_port_reads_back(ip in any::<[u8; 4]>(), port in any::<u16>()) {
            let text = format!("{:08X}:{port:04X}", u32::from_ne_bytes(ip));
            prop_assert_eq!(parse_address(text.as_bytes()), Some(SocketAddr::new(IpAddr::from(ip), port)));
        }

        #[test]
        fn every_ipv6_address_reads_back(ip in any::<[u8; 16]>(), port in any::<u16>()) {
            let word = |word: &[u8]| format!("{:08X}", u32::from_ne_bytes(word.try_into().unwrap()));
            let words: String = ip.chunks(4).map(word).collect();
            let wanted = SocketAddr::new(IpAddr::from(ip).to_canonical(), port);
            prop_assert_eq!(parse_address(format!("{words}:{port:04X}").as_bytes()), Some(wanted));
        }
    }
}
