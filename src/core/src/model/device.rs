//! Devices: extensions, queues, and what is known of them.

use super::agent::Registration;
use super::ids::{AgentId, Str};
use super::pii::Pii;
use serde::{Deserialize, Serialize};

/// What kind of device it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DeviceKind {
    /// A telephone or softphone.
    #[default]
    Station,
    /// A queue or pilot number (ECMA-269 ACD group, pilot).
    Queue,
}

/// A device of ours: configured to be watched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Device {
    /// Station or queue.
    pub kind: DeviceKind,
    /// The name that the configuration or the PBX gives it.
    pub name: Option<Pii<Str>>,
    /// Whether its monitor is running; the reason why not.
    pub monitor: Monitor,
    /// The PBX says it refuses calls.
    pub do_not_disturb: bool,
    /// The PBX says calls are forwarded.
    pub forwarding: bool,
    /// The PBX says it is out of service.
    pub out_of_service: bool,
    /// The agent who sits here.
    pub agent: Option<AgentId>,
}

/// A monitor at a device (ECMA-269 clause 15).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Monitor {
    /// Not started (yet).
    #[default]
    None,
    /// Running.
    Active,
    /// The PBX refused it, with its words.
    Refused(Str),
}

impl Device {
    /// Whether this registration names this device's agent.
    pub fn is_registered_to(&self, registration: &Registration) -> bool {
        self.agent.as_ref() == Some(&registration.agent)
    }
}
