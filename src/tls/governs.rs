//! Which table governs which services on this server. The vendor calls `SmtpSecurity` the outbound one, but its DHE key size is a
//! server's ("1024 for SMTP services"), so that it may well govern SMTP in both directions: the ports tell.

use super::service::Service;
use super::version::Direction;

/// Services that one table governs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// SMTP and submission, on this server's ports.
    SmtpIn,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// HTTPS, the web administration too.
    Https,
}

impl Group {
    /// Every group, in the order of the screen.
    pub const ALL: [Self; 4] = [Self::SmtpIn, Self::Imap, Self::Pop3, Self::Https];

    /// The group of a service.
    #[must_use]
    pub const fn of(service: Service) -> Self {
        match service {
            Service::Smtp | Service::Submission | Service::Smtps => Self::SmtpIn,
            Service::Imap | Service::Imaps => Self::Imap,
            Service::Pop3 | Service::Pop3s => Self::Pop3,
            Service::Https => Self::Https,
        }
    }

    /// The stable word of JSON.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::SmtpIn => "smtp_in",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Https => "https",
        }
    }
}

/// What is known of that: for each table and group, whether it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Governs {
    cells: [[Option<bool>; 4]; 2],
}

impl Governs {
    /// Whether a direction's table governs a group; `None`: not known.
    #[must_use]
    pub fn get(self, direction: Direction, group: Group) -> Option<bool> {
        let row = direction.of(self.cells);
        Group::ALL.into_iter().zip(row).find(|(it, _)| *it == group)?.1
    }

    /// Takes in that it does, or does not.
    pub fn set(&mut self, direction: Direction, group: Group, does: bool) {
        let [inbound, outbound] = &mut self.cells;
        let row = direction.of([inbound, outbound]);
        for (_, cell) in Group::ALL.into_iter().zip(row).filter(|(it, _)| *it == group) {
            *cell = Some(does);
        }
    }

    /// Whether SMTP on this server's ports follows the outbound table; `None`: not known.
    #[must_use]
    pub fn smtp_follows_outbound(self) -> Option<bool> {
        let by_outbound = self.get(Direction::Outbound, Group::SmtpIn);
        by_outbound.or_else(|| {
            self.get(Direction::Inbound, Group::SmtpIn)
                .filter(|does| *does)
                .map(|_| false)
        })
    }
}
