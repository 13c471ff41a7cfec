//! The ports on which a process listens: its sockets, looked up in the socket table of its network.

use super::proc_fs::Proc;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// `TCP_LISTEN` of the kernel, as the table prints it.
const LISTEN: &[u8] = b"0A";

/// TCP addresses on which the given processes listen, sorted, each once. Needs the rights to read
/// their descriptors; without them the list is empty.
///
/// The addresses are those of the process's own network: in another container they are not reachable from here.
pub fn listening_ports(proc_root: &Path, pids: &[u32]) -> Vec<SocketAddr> {
    let proc = Proc::new(proc_root);
    let mut found = BTreeSet::new();
    for pid in pids {
        let Ok(inodes) = proc.sockets(*pid) else { continue };
        for table in ["tcp", "tcp6"] {
            let Ok(text) = proc.socket_table(*pid, table) else {
                continue;
            };
            found.extend(
                listeners(&text)
                    .filter(|(inode, _)| inodes.contains(inode))
                    .map(|(_, address)| address),
            );
        }
    }
    found.into_iter().collect()
}

/// Whether the process lives in the same network as we do, so that its ports can be tried from here: the same number on our
/// loopback would be somebody else's. `false` as well where that cannot be seen.
pub fn in_our_network(proc_root: &Path, pid: u32) -> bool {
    let proc = Proc::new(proc_root);
    let ours = proc.own_pid().and_then(|own| proc.namespace(own, "net"));
    ours.is_some() && ours == proc.namespace(pid, "net")
}

/// Connects once and hangs up. A port that listens on every address is tried on loopback.
pub(super) fn accepts(address: SocketAddr) -> bool {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    TcpStream::connect_timeout(&SocketAddr::new(ip, address.port()), Duration::from_secs(2)).is_ok()
}

/// The listening sockets of a table: inode and local address (proc(5), `/proc/net/tcp`).
fn listeners(table: &[u8]) -> impl Iterator<Item = (u64, SocketAddr)> + '_ {
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

    #[cfg(target_endian = "little")]
    #[test]
    fn a_table_is_read_as_the_kernel_prints_it() {
        let table = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:0FC8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n   1: 0100007F:0FC8 0100007F:B2A6 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1\n   2: 00000000000000000000000001000000:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1\n";
        let found: Vec<_> = listeners(table).collect();
        assert_eq!(
            found,
            [
                (4711, "127.0.0.1:4040".parse().unwrap()),
                (99, "[::1]:25".parse().unwrap())
            ]
        );
    }

    #[test]
    fn the_ports_of_this_very_process_are_found_and_accept() {
        let four = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ports = listening_ports(Path::new("/proc"), &[std::process::id()]);
        let address = four.local_addr().unwrap();
        assert!(ports.contains(&address), "{ports:?}");
        assert!(in_our_network(Path::new("/proc"), std::process::id()));
        assert!(accepts(address));
        drop(four);
        assert!(!listening_ports(Path::new("/proc"), &[std::process::id()]).contains(&address));
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
            let words: String = ip.chunks(4).map(|word| format!("{:08X}", u32::from_ne_bytes(word.try_into().unwrap()))).collect();
            let wanted = SocketAddr::new(IpAddr::from(ip).to_canonical(), port);
            prop_assert_eq!(parse_address(format!("{words}:{port:04X}").as_bytes()), Some(wanted));
        }
    }
}
