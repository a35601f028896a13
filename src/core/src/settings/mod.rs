//! The part of the configuration that the core keeps rules by.

mod chat;
mod text;

pub use chat::{CannedText, ChatLimits, ChatSettings, QueueSettings, WhenBusy};
pub use text::TextId;

use crate::model::agent::Readiness;
use crate::model::device::DeviceKind;
use crate::model::ids::{DeviceId, ProviderId, Str};
use crate::model::pii::Pii;
use crate::model::route::RouteSettings;
use crate::model::time::Millis;
use serde::{Deserialize, Serialize};

/// Settings of one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The providers with their devices.
    pub providers: Vec<ProviderSettings>,
    /// How long a provider may take to answer a command.
    pub command_limit: Millis,
    /// How long a pop-up is of use after the call began to ring there.
    pub ringing_expires: Millis,
    /// How long a stale call may stay before it is ended.
    pub stale_limit: Millis,
    /// How long an ended call, a finished command or transfer stays readable in the state.
    pub keep_ended: Millis,
    /// How long a customer may stay on hold after his transfer failed before he is retrieved by itself (rule 4).
    pub held_return: Millis,
    /// How long after one device answered the others may still ring before they are told "answered elsewhere" (rule 7).
    pub answered_elsewhere: Millis,
    /// How long a call that was diverted or transferred away may stay without any device of ours before it is ended here.
    pub adrift: Millis,
    /// How contact sessions are kept alive.
    pub sessions: SessionSettings,
    /// Routeing devices, and what happens when JKC does not answer.
    pub routes: Vec<RouteSettings>,
    /// The chat channel.
    pub chat: ChatSettings,
}

/// How contact sessions are kept alive (rule 9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSettings {
    /// How long after a heartbeat JKC's browser counts as there.
    pub lease: Millis,
    /// How long after that the session is still waited for.
    pub grace: Millis,
    /// What the agent is then.
    pub vanished: Readiness,
    /// How long a closed session stays readable.
    pub keep_closed: Millis,
    /// How long a parked session is kept for whoever resumes it.
    pub keep_parked: Millis,
}

/// One provider's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSettings {
    /// Its name.
    pub id: ProviderId,
    /// Its devices.
    pub devices: Vec<DeviceSettings>,
}

/// One device of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSettings {
    /// As the adapter normalises it.
    pub id: DeviceId,
    /// Station or queue.
    pub kind: DeviceKind,
    /// A name to show.
    pub name: Option<Pii<Str>>,
}

impl Settings {
    /// What is configured for a routeing device.
    pub fn route(&self, provider: &ProviderId, device: &DeviceId) -> Option<&RouteSettings> {
        self.routes.iter().find(|route| route.provider == *provider && route.device == *device)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            providers: Vec::new(),
            // PBX vendors promise answers within 0.2 s with spikes to 2 s; five times that is a fault.
            command_limit: Millis::seconds(10),
            // Longer than most PBXs let a telephone ring before they forward.
            ringing_expires: Millis::seconds(60),
            stale_limit: Millis::seconds(30 * 60),
            keep_ended: Millis::seconds(10 * 60),
            held_return: Millis::seconds(20),
            answered_elsewhere: Millis::seconds(2),
            // A forward rings at its next destination within seconds; what nobody of ours sees by then, we never see.
            adrift: Millis::seconds(30),
            routes: Vec::new(),
            chat: ChatSettings::default(),
            sessions: SessionSettings {
                // Four heartbeats of fifteen seconds: one or two may get lost.
                lease: Millis::seconds(60),
                grace: Millis::seconds(60),
                vanished: Readiness::NotReady(Some("vanished".into())),
                keep_closed: Millis::seconds(10 * 60),
                // A week: parked on Friday, resumed after a long weekend.
                keep_parked: Millis::seconds(7 * 24 * 3600),
            },
        }
    }
}
