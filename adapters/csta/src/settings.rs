//! Settings of one CSTA provider, as the configuration gives them.

use std::fmt;

use schakel_core::model::ids::DeviceId;
use schakel_core::model::time::Millis;
use schakel_csta_wire::{Edition, MAX_FRAME_BYTES};

use crate::dialect::{self, Dialect};

/// An ECMA-354 application session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSettings {
    /// The user; empty if the PBX wants none.
    pub user: String,
    /// The password.
    pub password: String,
    /// The vendor's namespace for user and password; empty for none.
    pub login_namespace: String,
    /// How long the session shall last without a reset; it is reset at half of what the PBX grants.
    pub duration_seconds: u32,
}

impl fmt::Debug for SessionSettings {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSettings")
            .field("user", &self.user)
            .field("duration_seconds", &self.duration_seconds)
            .finish_non_exhaustive()
    }
}

/// Settings of one CSTA provider.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The product's ways.
    pub dialect: &'static Dialect,
    /// The edition that is written; what is received may be any.
    pub edition: Edition,
    /// An application session, where the PBX wants one.
    pub session: Option<SessionSettings>,
    /// Whether to register for the PBX's status.
    pub system_register: bool,
    /// Whether to ask what the PBX can do and which devices it has.
    pub get_capabilities: bool,
    /// Silence after which the PBX is asked for its status; zero never.
    pub heartbeat: Millis,
    /// How long the PBX may take to answer what we ask by ourselves.
    pub request_limit: Millis,
    /// Monitors and snapshots that may be unanswered at once; at least 1.
    pub outstanding_max: usize,
    /// Refused messages that are kept for inspection.
    pub refused_kept_max: usize,
    /// The longest frame that is accepted, header included.
    pub frame_max_bytes: usize,
    /// The devices to watch, as the PBX names them.
    pub devices: Vec<DeviceId>,
    /// The routeing devices to register for, as the PBX names them.
    pub routeing_devices: Vec<DeviceId>,
    /// How a call is left to the PBX: `RouteReject` instead of `RouteEnd`. By the standard the former gives the call
    /// back to the network.
    pub route_reject: bool,
    /// How often the state of agents is asked for where somebody has asked about them once; zero never.
    pub agent_poll: Millis,
}

impl Settings {
    /// The defaults of a dialect, for these devices.
    pub fn new(dialect: &'static Dialect, devices: Vec<DeviceId>) -> Self {
        Self {
            dialect,
            edition: dialect.edition,
            session: None,
            system_register: false,
            get_capabilities: true,
            heartbeat: Millis::seconds(30),
            request_limit: Millis::seconds(10),
            // Vendors allow 20 to 30 requests at once (OmniPCX Office 30, Avaya DMCC 20).
            outstanding_max: 20,
            refused_kept_max: 32,
            frame_max_bytes: MAX_FRAME_BYTES,
            devices,
            routeing_devices: Vec::new(),
            route_reject: false,
            agent_poll: Millis(0),
        }
    }

    /// The dialect of a name, and an edition of a number, as they stand in the configuration.
    ///
    /// # Errors
    /// [`SettingsError`] names what is possible.
    pub fn named(dialect: &str, edition: u8, devices: Vec<DeviceId>) -> Result<Self, SettingsError> {
        let dialect = Dialect::by_name(dialect).ok_or_else(|| SettingsError::Dialect(dialect.to_owned()))?;
        let edition = match edition {
            3 => Edition::Ed3,
            4 => Edition::Ed4,
            5 => Edition::Ed5,
            6 => Edition::Ed6,
            other => return Err(SettingsError::Edition(other)),
        };
        Ok(Self { edition, ..Self::new(dialect, devices) })
    }
}

/// A setting that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsError {
    /// No such dialect.
    Dialect(String),
    /// No such edition.
    Edition(u8),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dialect(name) => {
                let known: Vec<_> = dialect::ALL.iter().map(|d| d.name).collect();
                write!(f, "there is no CSTA dialect {name:?}; known are {}", known.join(", "))
            }
            Self::Edition(edition) => {
                write!(f, "there is no edition {edition} of CSTA XML to send; use 3, 4, 5 or 6")
            }
        }
    }
}

impl std::error::Error for SettingsError {}
