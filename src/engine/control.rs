//! The hand on the engine.

use super::detect::{self, Status};
use super::places::Places;
use super::processes;
use super::service::Service;

/// Looks at, stops, starts and watches the engine of one configuration file.
#[derive(Debug, Clone)]
pub struct Controller {
    pub(super) places: Places,
    pub(super) service: Option<Service>,
}

impl Controller {
    /// Finds the service by itself: the systemd unit, else the init script, else none.
    pub fn find(places: Places) -> Controller {
        let service = Service::find(&places);
        Controller { places, service }
    }

    /// Whether the engine runs, now.
    pub fn status(&self) -> Status {
        let told = Service::tell(self.service.as_ref(), &self.places);
        // The tree is read after the service was asked: a process that systemd has just started is in it.
        detect::judge(&self.places, processes::look(&self.places), told)
    }
}
