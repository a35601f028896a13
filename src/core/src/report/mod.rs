//! What a provider says happened, freed from its protocol.

pub mod chat;

use self::chat::ChatReport;
use crate::model::action::ActionSet;
use crate::model::agent::ProviderAgentState;
use crate::model::call::{ConnectionState, Party};
use crate::model::cause::Cause;
use crate::model::ids::{DeviceId, ProviderCallId, Str};
use crate::model::pii::Pii;
use crate::model::time::Millis;
use serde::{Deserialize, Serialize};

/// A connection by the provider's own ids: the call, and the device as the adapter normalises it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProviderConnection {
    /// The provider's call id, opaque.
    pub call: ProviderCallId,
    /// The device, normalised.
    pub device: DeviceId,
}

/// One thing that a provider says happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventReport {
    /// About a call.
    Call(Box<CallReport>),
    /// About a device.
    Device {
        /// Which.
        device: DeviceId,
        /// What.
        event: DeviceEvent,
    },
    /// About an agent of the PBX.
    Agent {
        /// At which device, where told.
        device: Option<DeviceId>,
        /// The PBX's agent id, where told.
        agent: Option<Str>,
        /// What he is now.
        state: ProviderAgentState,
        /// The queues (groups) that it is about, where told.
        queues: Vec<DeviceId>,
    },
    /// About a routeing dialogue.
    Route {
        /// The PBX's id of it.
        dialogue: Str,
        /// What.
        event: Box<RouteEvent>,
    },
    /// Of a chat provider.
    Chat(Box<ChatReport>),
}

/// What happened in a routeing dialogue (ECMA-269 clause 20).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteEvent {
    /// Where shall this call go? (RouteRequest)
    Requested {
        /// The routeing device.
        device: DeviceId,
        /// The call, where told.
        call: Option<ProviderCallId>,
        /// Who calls.
        calling: Option<ReportedParty>,
        /// Where it would go otherwise.
        current: Option<ReportedParty>,
        /// How long the PBX waits.
        limit: Option<Millis>,
        /// Correlator data, decoded to text where it is text.
        correlator: Option<Str>,
    },
    /// The destination could not be had; where else? (ReRoute)
    Again {
        /// How long the PBX waits.
        limit: Option<Millis>,
    },
    /// Where the call went (RouteUsed).
    Used(Option<DeviceId>),
    /// The dialogue is over, with what went wrong (RouteEnd, or RouteRegisterAbort for all of a device).
    Ended(Option<Str>),
}

/// One event of a call, as seen by one monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallReport {
    /// What happened.
    pub event: CallEvent,
    /// The subject: the connection that changed (alerting, answering, holding, dropped … device). For a transfer or
    /// conference: the primary old call at the transferring or conferencing device.
    pub connection: ProviderConnection,
    /// The device whose monitor told it; none for a monitor on a call.
    pub monitor: Option<DeviceId>,
    /// The state of the monitored device's own connection afterwards (ECMA-269 `localConnectionInfo`).
    pub local: Option<ConnectionState>,
    /// Why.
    pub cause: Cause,
    /// Who calls; none where the event does not say (which is not the same as unknown: see [`Party::is_known`]).
    pub calling: Option<ReportedParty>,
    /// Who is called.
    pub called: Option<ReportedParty>,
    /// Through whom it came last.
    pub last_redirection: Option<ReportedParty>,
    /// The number dialled in the network.
    pub network_called: Option<ReportedParty>,
    /// What may be done to the monitored device's connection (ECMA-269 `servicesPermitted`).
    pub permitted: Option<ActionSet>,
    /// Correlator data, decoded to text where it is text.
    pub correlator: Option<Str>,
    /// Calls that a provider links to this one, by their provider id (OpenScape's `uid`, ECMA-269 call linkage).
    pub linked_call: Option<ProviderCallId>,
}

/// A party as an event names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedParty {
    /// The device, normalised; none when unknown or restricted.
    pub device: Option<DeviceId>,
    /// Number and name to show.
    pub party: Party,
}

/// What happened to a call (ECMA-269 clauses 17.2 and 18.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallEvent {
    /// Off hook, or prompted to go off hook (ServiceInitiated).
    Initiated,
    /// Dialling is complete (Originated).
    Originated,
    /// The call left the PBX for the network (NetworkReached).
    NetworkReached,
    /// Offered before it rings (Offered).
    Offered,
    /// Rings (Delivered).
    Delivered,
    /// Answered (Established). A second one is an update of the parties, never a second pop-up.
    Established,
    /// Put on hold (Held).
    Held,
    /// Taken from hold (Retrieved).
    Retrieved,
    /// The subject left the call (ConnectionCleared).
    ConnectionCleared,
    /// The whole call is over (CallCleared).
    CallCleared,
    /// Waits at a queue (Queued).
    Queued,
    /// Left the subject for another destination (Diverted).
    Diverted {
        /// The new destination, where told.
        to: Option<DeviceId>,
    },
    /// Could not be completed at the subject (Failed).
    Failed,
    /// Two calls became one, or one moved on without consultation (Transfered).
    Transferred {
        /// The second old call at the transferring device; none for a single-step transfer.
        secondary: Option<ProviderConnection>,
        /// Who received it.
        to: Option<ReportedParty>,
        /// Where each remaining connection went.
        moved: Vec<MovedConnection>,
    },
    /// Two calls became one with all parties (Conferenced).
    Conferenced {
        /// The second old call; none for a single-step conference.
        secondary: Option<ProviderConnection>,
        /// Who was added.
        added: Option<ReportedParty>,
        /// Where each connection went.
        moved: Vec<MovedConnection>,
    },
    /// Data of the call changed: parties, permitted actions, correlator (CallInformation).
    Information,
}

/// A connection that a transfer or a conference moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedConnection {
    /// Where it is now.
    pub new: ProviderConnection,
    /// Where it was, where told.
    pub old: Option<ProviderConnection>,
    /// Who it is, where told.
    pub endpoint: Option<ReportedParty>,
}

/// What happened to a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceEvent {
    /// Do-not-disturb was set or reset.
    DoNotDisturb(bool),
    /// Forwarding was set or reset.
    Forwarding(bool),
    /// Out of service, or back.
    OutOfService(bool),
    /// Its monitor runs.
    Monitored,
    /// Its monitor was refused or ended, in the PBX's words.
    MonitorRefused(Str),
    /// What it is called.
    Named(Pii<Str>),
}

/// What a snapshot of one device shows (ECMA-269 16.1.2). Everything of the device that is not in it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSnapshot {
    /// Which device.
    pub device: DeviceId,
    /// Its connections.
    pub connections: Vec<SnapshotConnection>,
}

/// One connection of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotConnection {
    /// The call and the device.
    pub connection: ProviderConnection,
    /// Its state.
    pub state: ConnectionState,
    /// Who calls, where known.
    pub calling: Option<ReportedParty>,
    /// Who is called, where known.
    pub called: Option<ReportedParty>,
    /// The other devices on the call with their states, where known.
    pub others: Vec<(ReportedParty, ConnectionState)>,
    /// What may be done.
    pub permitted: Option<ActionSet>,
}
