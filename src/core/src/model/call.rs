//! Calls and their connections.

use super::action::ActionSet;
use super::cause::Cause;
use super::ids::{
    AgentId, CallId, CommandId, ContactId, DeviceId, ProviderCallId, ProviderId, Str, TransferId,
};
use super::pii::Pii;
use super::time::{Millis, Time};
use serde::{Deserialize, Serialize};

/// A call, as schakel knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Ours, permanent.
    pub id: CallId,
    /// The contact that it belongs to.
    pub contact: ContactId,
    /// The PBX.
    pub provider: ProviderId,
    /// The PBX's current id for it.
    pub provider_call: ProviderCallId,
    /// Every id under which the PBX has known it, the current one included, oldest first.
    pub provider_calls: Vec<ProviderCallId>,
    /// Which way it went when it began.
    pub direction: Direction,
    /// What it is for.
    pub purpose: Purpose,
    /// Who called, as first told; a later event never replaces it by a colleague.
    pub calling: Party,
    /// Who was called, as first told.
    pub called: Party,
    /// The device that called, where told; for a call that we dialled, the device of ours.
    pub calling_device: Option<DeviceId>,
    /// The device that was called, where told.
    pub called_device: Option<DeviceId>,
    /// The number dialled in the network (DDI), where the PBX tells.
    pub network_called: Option<Party>,
    /// Through which device it came here last, where redirected.
    pub redirected_by: Option<Party>,
    /// The queue where it waits, or through which it came.
    pub queue: Option<DeviceId>,
    /// Its appearances, in order of arrival; cleared ones stay until the call is forgotten.
    pub connections: Vec<Connection>,
    /// The PBX's correlator data (ECMA-269 12.2.10), decoded to text where it is text.
    pub correlator: Option<Str>,
    /// When it began here.
    pub started: Time,
    /// When somebody of ours first answered, or the called party did on an outbound call.
    pub answered: Option<Time>,
    /// Why it could not be completed, where the PBX said so before it ended.
    pub failed: Option<Cause>,
    /// When it ended, and why.
    pub ended: Option<Ended>,
    /// The link is down: shown as it was last known.
    pub stale: Option<Time>,
    /// Built from a snapshot, or ended by one, rather than observed.
    pub reconstructed: bool,
    /// The command that dialled it.
    pub dialled_by: Option<CommandId>,
    /// Counts changes, for `If-Match`.
    pub version: u64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Time,
    /// Why.
    pub cause: Cause,
    /// The call it went up in, after a transfer or a conference.
    pub merged_into: Option<CallId>,
    /// Nobody of ours had it when it ended: it had been sent away from here.
    pub away: bool,
}

/// Which way a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// From outside to us.
    Inbound,
    /// From us to outside.
    Outbound,
    /// Between two devices of ours.
    Internal,
}

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// The customer speaks on it.
    Customer,
    /// A colleague is consulted about the customer of another call.
    Consultation {
        /// The customer's call.
        of: CallId,
        /// The transfer that it is part of.
        transfer: TransferId,
    },
}

/// A call's appearance at a device (ECMA-269 6.1.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The device; an outside party's is his number as the PBX names it.
    pub device: DeviceId,
    /// Whether the device is one of ours (configured), so that JKC can act on it.
    pub ours: bool,
    /// The provider's call id under which it named this connection last: after a transfer the parties of one call may
    /// be known under different ids.
    pub provider_call: ProviderCallId,
    /// Its state.
    pub state: ConnectionState,
    /// Since when.
    pub since: Time,
    /// When it was first connected; set once.
    pub connected: Option<Time>,
    /// When it became part of this call: when it rang, queued or went off hook, or was taken over from a consultation.
    pub entered: Time,
    /// How long it was held in this call, holds that are over.
    pub held: Millis,
    /// The agent who sat at the device when it rang or dialled.
    pub agent: Option<AgentId>,
    /// Whether its ringing has been told (rule 7).
    pub announced: bool,
    /// Why it is in this state.
    pub cause: Cause,
    /// What the PBX says may be done (servicesPermitted); none where it says nothing.
    pub permitted: Option<ActionSet>,
}

/// The states of a connection (ECMA-269 6.1.5, figure 6-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConnectionState {
    /// No longer, or not yet, part of the call.
    Null,
    /// Off hook, nothing dialled yet; or prompted to.
    Initiated,
    /// Rings (or is offered).
    Alerting,
    /// Speaks.
    Connected,
    /// On hold by this device.
    Held,
    /// Waits.
    Queued,
    /// Could not be: busy, unobtainable.
    Failed,
}

impl ConnectionState {
    /// Whether the device is part of the call.
    pub const fn is_live(self) -> bool {
        !matches!(self, ConnectionState::Null)
    }
}

/// A party of a call: as much as is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Party {
    /// The number as the PBX gave it, normalised by the adapter but not to E.164.
    pub number: Option<Pii<Str>>,
    /// The name as the PBX gave it.
    pub name: Option<Pii<Str>>,
    /// The caller asked not to be shown (ECMA-323 `restricted`).
    pub restricted: bool,
}

impl Party {
    /// A party of whom only the number is known.
    pub fn of_number(number: &str) -> Self {
        Self { number: Some(Pii::new(number.into())), ..Self::default() }
    }

    /// Whether anything is known at all.
    pub fn is_known(&self) -> bool {
        self.number.is_some() || self.name.is_some() || self.restricted
    }
}

impl Call {
    /// The connection at a device, newest first: a device that left and came back has two.
    pub fn connection(&self, device: &DeviceId) -> Option<&Connection> {
        self.connections.iter().rev().find(|connection| connection.device == *device)
    }

    /// As [`Call::connection`], to change.
    pub fn connection_mut(&mut self, device: &DeviceId) -> Option<&mut Connection> {
        self.connections.iter_mut().rev().find(|connection| connection.device == *device)
    }

    /// The connections that are part of the call now.
    pub fn live(&self) -> impl Iterator<Item = &Connection> {
        self.connections.iter().filter(|connection| connection.state.is_live())
    }

    /// Whether the call still goes on.
    pub fn is_live(&self) -> bool {
        self.ended.is_none()
    }
}
