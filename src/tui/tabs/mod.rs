//! The tabs: one file each. Here is which there are, in which order, and which one is open.

mod backups;
mod options;
mod peers;
mod variables;

use crate::tls::Direction;
use crate::work;

use super::pane::Pane;

use backups::Backups;
use options::Options;
use peers::Peers;
use variables::Variables;

/// The tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// The two drop-downs and the panel.
    TlsOptions,
    /// Variables of `Security`.
    Inbound,
    /// Variables of `SmtpSecurity`.
    Outbound,
    /// Everybody we exchange mail with.
    Peers,
    /// What was saved when, by whom.
    Backups,
}

impl Tab {
    /// All tabs, from the left.
    pub const ALL: [Self; 5] = [
        Self::TlsOptions,
        Self::Inbound,
        Self::Outbound,
        Self::Peers,
        Self::Backups,
    ];

    /// Its name; a shorter one for a narrow screen.
    #[must_use]
    pub const fn name(self, narrow: bool) -> &'static str {
        match (self, narrow) {
            (Self::TlsOptions, false) => "TLS Options",
            (Self::TlsOptions, true) => "TLS",
            (Self::Inbound, false) => "Inbound",
            (Self::Inbound, true) => "In",
            (Self::Outbound, false) => "Outbound",
            (Self::Outbound, true) => "Out",
            (Self::Peers, _) => "Peers",
            (Self::Backups, _) => "Backups",
        }
    }

    /// What it needs to be found anew when it is opened.
    const fn needs(self) -> Option<work::Effect> {
        match self {
            Self::Backups => Some(work::Effect::ListBackups),
            _ => None,
        }
    }
}

/// All tabs, and which one is open.
#[derive(Debug, Clone)]
pub struct Tabs {
    /// The open one.
    pub open: Tab,
    options: Options,
    inbound: Variables,
    outbound: Variables,
    peers: Peers,
    pub(super) backups: Backups,
}

impl Default for Tabs {
    fn default() -> Self {
        Self {
            open: Tab::TlsOptions,
            options: Options::default(),
            inbound: Variables::new(Direction::Inbound),
            outbound: Variables::new(Direction::Outbound),
            peers: Peers::default(),
            backups: Backups::default(),
        }
    }
}

impl Tabs {
    /// The open tab.
    pub(super) fn pane(&self) -> &dyn Pane {
        match self.open {
            Tab::TlsOptions => &self.options,
            Tab::Inbound => &self.inbound,
            Tab::Outbound => &self.outbound,
            Tab::Peers => &self.peers,
            Tab::Backups => &self.backups,
        }
    }

    /// The open tab, to be changed.
    pub(super) fn pane_mut(&mut self) -> &mut dyn Pane {
        match self.open {
            Tab::TlsOptions => &mut self.options,
            Tab::Inbound => &mut self.inbound,
            Tab::Outbound => &mut self.outbound,
            Tab::Peers => &mut self.peers,
            Tab::Backups => &mut self.backups,
        }
    }

    /// Opens the neighbour to the right (`1`) or left (`-1`), going round; what it needs is found anew.
    pub(super) fn turn(&mut self, by: isize) -> Option<work::Effect> {
        let at = Tab::ALL.iter().position(|tab| *tab == self.open).unwrap_or(0);
        let count = Tab::ALL.len();
        let next = (at + if by > 0 { 1 } else { count - 1 }) % count;
        self.open = Tab::ALL.get(next).copied().unwrap_or(self.open);
        self.open.needs()
    }

    /// Opens the list of a direction's variables at a row.
    pub(super) fn go_to(&mut self, direction: Direction, row: usize) {
        self.open = match direction {
            Direction::Inbound => Tab::Inbound,
            Direction::Outbound => Tab::Outbound,
        };
        self.select(row);
    }

    /// The marked row of the open list of variables.
    #[must_use]
    pub fn selected(&self) -> usize {
        match self.open {
            Tab::Inbound => self.inbound.selected,
            Tab::Outbound => self.outbound.selected,
            _ => 0,
        }
    }

    /// Marks a row of the open list of variables.
    pub fn select(&mut self, row: usize) {
        match self.open {
            Tab::Inbound => self.inbound.selected = row,
            Tab::Outbound => self.outbound.selected = row,
            _ => {}
        }
    }
}
