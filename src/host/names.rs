//! This host's own addresses and names: in a mail log they are no peers, and a Received header is this server's only if
//! it was written under one of them. Everything is read from this machine: nothing here asks the network, and so no
//! DNS.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use crate::files;
use crate::peers::{Host, OwnHosts};
use crate::probe::EhloName;

/// More than this of a file in `/etc` is not looked at, in bytes.
const LIMIT: u64 = 1 << 20;
/// Most names taken from `/etc/hosts`.
const NAMES_MAX: usize = 16;

/// What this host is called.
#[derive(Debug, Clone, Default)]
pub struct OwnNames {
    /// Those that the preferences give.
    given: Vec<String>,
}

impl OwnNames {
    pub(crate) fn new(given: &[String]) -> Self {
        Self { given: given.to_vec() }
    }

    /// Names that this server goes by, the likeliest full one first: those of the preferences, then what this machine
    /// says.
    pub(crate) fn list(&self) -> Vec<String> {
        let read = |path: &str| read(Path::new(path));
        let found = found_names(
            &rustix::system::uname().nodename().to_string_lossy(),
            &read("/etc/hostname"),
            &read("/etc/hosts"),
            &read("/etc/mailname"),
        );
        without_doubles(self.given.iter().cloned().chain(found).collect())
    }

    /// The name to give in EHLO: the first full one that the preferences give or this machine has; where there is none,
    /// the literal of the address, since strict servers refuse a short name (RFC 5321 section 4.1.1.1).
    pub(crate) fn ehlo(&self) -> EhloName {
        // Full names stand first.
        self.list()
            .first()
            .filter(|name| name.contains('.'))
            .and_then(|name| EhloName::new(name))
            .unwrap_or_default()
    }

    /// Its names and addresses.
    pub(crate) fn hosts(&self) -> OwnHosts {
        let names = self.list().into_iter().map(Host::Name);
        OwnHosts::new(own_addresses().into_iter().map(Host::Address).chain(names))
    }
}

/// This host's addresses, loopback too.
pub(crate) fn own_addresses() -> Vec<IpAddr> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let v4 = local_v4(&read("/proc/net/fib_trie")).into_iter().map(IpAddr::V4);
    v4.chain(local_v6(&read("/proc/net/if_inet6")).into_iter().map(IpAddr::V6))
        .collect()
}

/// The names that this machine says it has, full ones first, in the order of how likely they name the mail server.
fn found_names(node: &str, hostname: &str, hosts: &str, mailname: &str) -> Vec<String> {
    let name = |text: &str| match Host::parse(text.trim()) {
        Some(Host::Name(name)) if name != "localhost" && !name.starts_with("localhost.") => Some(name),
        _ => None,
    };
    // hostname(5): comments begin with #, the first other line is the name.
    let first_line = |text: &str| {
        let line = text
            .lines()
            .map(str::trim)
            .find(|l| !l.is_empty() && !l.starts_with('#'));
        line.and_then(name)
    };
    let (node, hostname) = (name(node), first_line(hostname));
    let own: Vec<String> = node.iter().chain(&hostname).cloned().collect();
    // hosts(5): address, full name, other names. Only a line that names this host speaks of it: others block or
    // shorten.
    let of_hosts = hosts
        .lines()
        .filter_map(|line| line.split('#').next())
        .map(|line| line.split_whitespace().skip(1).filter_map(name).collect::<Vec<_>>())
        .filter(|names| names.iter().any(|name| own.contains(name)))
        .flatten()
        .take(NAMES_MAX);
    let mut names = own.clone();
    names.extend(of_hosts);
    // Last: on Debian it is what addresses end with, which need not be the name of a host (Debian policy 11.6).
    names.extend(first_line(mailname));
    names.sort_by_key(|name| !name.contains('.'));
    without_doubles(names)
}

fn without_doubles(names: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

/// What a small file says; what cannot be read says nothing.
fn read(path: &Path) -> String {
    let text = files::read(path, LIMIT).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
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

    #[test]
    fn a_short_host_name_is_made_full_by_hosts_and_the_full_name_stands_first() {
        let hosts = "127.0.0.1 localhost\n# 127.0.1.1 old.example.org vm\n127.0.1.1\tMail.example.org vm # us\n\
                     0.0.0.0 ads.example.net\n192.0.2.9 other.example.org other\n";
        assert_eq!(
            found_names("vm", "vm\n", hosts, "example.org\n"),
            ["mail.example.org", "example.org", "vm"]
        );
        assert_eq!(
            found_names("vm", "# set by hand\nmx.example.org.\n", "", ""),
            ["mx.example.org", "vm"]
        );
        assert_eq!(
            found_names("localhost", "", "127.0.0.1 localhost ads.example.net\n", ""),
            [""; 0]
        );
        assert_eq!(found_names("a b", "\u{1b}[2J\n", "", "no name at all\n"), [""; 0]);
    }
}
