//! This host's own addresses and name: in a mail log they are no peers.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::peers::{Host, OwnHosts};

/// Asks the kernel; what it does not tell is simply not known.
pub(super) fn own_hosts() -> OwnHosts {
    let v4 = fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let v6 = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .to_ascii_lowercase();
    let addresses = local_v4(&v4)
        .into_iter()
        .map(IpAddr::V4)
        .chain(local_v6(&v6).into_iter().map(IpAddr::V6));
    OwnHosts::new(addresses.map(Host::Address).chain(std::iter::once(Host::Name(name))))
}

/// Addresses in `/proc/net/fib_trie`: the line before each `/32 host LOCAL`.
fn local_v4(trie: &str) -> Vec<Ipv4Addr> {
    let mut last = None;
    let mut found = Vec::new();
    for line in trie.lines() {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line == "/32 host LOCAL"
            && let Some(address) = last
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// Addresses in `/proc/net/if_inet6`: 32 hex digits, then other columns.
fn local_v6(table: &str) -> Vec<Ipv6Addr> {
    table
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|digits| digits.len() == 32)
        .filter_map(|digits| u128::from_str_radix(digits, 16).ok())
        .map(Ipv6Addr::from_bits)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_name_every_local_address_once() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.0.2.7\n        /32 host LOCAL\n     |-- 192.0.2.255\n        /32 link BROADCAST\nLocal:\n     |-- 192.0.2.7\n        /32 host LOCAL\n";
        assert_eq!(local_v4(trie), ["192.0.2.7".parse::<Ipv4Addr>().unwrap()]);
        let table = "20010db8000000000000000000000025 02 40 00 80     eth0\nnonsense\n";
        assert_eq!(local_v6(table), ["2001:db8::25".parse::<Ipv6Addr>().unwrap()]);
    }
}
