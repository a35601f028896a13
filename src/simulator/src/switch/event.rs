//! What happens in the switch, as a monitor would hear it.

use std::sync::Arc;

use super::model::{AgentState, CallId, Caller, Cause, ConnectionId, Forwarding, LocalState, Number};
use super::services::Services;

/// One thing that happened, and how each device concerned sees it.
///
/// A front end sends one message to every monitor of every device in `views`, in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchEvent {
    /// What happened.
    pub kind: EventKind,
    /// The call that it happened to; `None` for events of a device.
    pub call: Option<CallFacts>,
    /// Why. Events of a device need none.
    pub cause: Option<Cause>,
    /// The devices concerned.
    pub views: Vec<View>,
}

/// How one device sees an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The device (an extension or a queue).
    pub device: Number,
    /// The state of the call at this device after the event (`localConnectionInfo`); `None` for events of a device.
    pub local: Option<LocalState>,
    /// What may be done at this device now (`servicesPermitted`).
    pub services: Services,
}

/// What every event tells about its call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFacts {
    /// Its id.
    pub id: CallId,
    /// Who called.
    pub calling: Caller,
    /// What was dialled first.
    pub called: Number,
    /// The device that sent it on last.
    pub last_redirection: Option<Number>,
    /// Data that an application hung on the call (`correlatorData`, hexadecimal).
    pub correlator: Option<Arc<str>>,
}

/// A party of a joined call: where it was and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The connection in the resulting call.
    pub new: ConnectionId,
    /// The connection before; `None` for a party that was not there.
    pub old: Option<ConnectionId>,
}

/// The kinds of events. A `connection` is the subject of the event, named in ECMA-323 per event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each field repeats the element of ECMA-323 that carries it")]
pub enum EventKind {
    ServiceInitiated { connection: ConnectionId },
    Originated { connection: ConnectionId },
    NetworkReached { connection: ConnectionId, trunk: Number },
    Offered { connection: ConnectionId },
    Delivered { connection: ConnectionId },
    Established { connection: ConnectionId },
    Held { connection: ConnectionId },
    Retrieved { connection: ConnectionId },
    Queued { connection: ConnectionId, number_queued: usize, calls_in_front: usize },
    Diverted { connection: ConnectionId, new_destination: Number },
    Failed { connection: ConnectionId, failing: Number },
    ConnectionCleared { connection: ConnectionId, releasing: Number },
    Transferred(Box<Joined>),
    Conferenced(Box<Joined>),
    DigitsGenerated { connection: ConnectionId, digits: Arc<str> },
    CallInformation { connection: ConnectionId },
    DoNotDisturb { device: Number, on: bool },
    Forwarding { device: Number, kind: Forwarding, active: bool, to: Option<Number> },
    AgentLoggedOn { device: Number, agent: Arc<str>, group: Option<Number> },
    AgentLoggedOff { device: Number, agent: Arc<str>, group: Option<Number> },
    AgentState { device: Number, agent: Arc<str>, group: Option<Number>, state: AgentState },
    OutOfService { device: Number },
    BackInService { device: Number },
}

/// Calls became one (transfer, conference), or a call changed hands (single-step).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The first call at the device that did it.
    pub primary: ConnectionId,
    /// The second call; absent for the single-step services.
    pub secondary: Option<ConnectionId>,
    /// The device that did it.
    pub by: Number,
    /// The device that came in its place, or that was added.
    pub other: Number,
    /// Every party of the resulting call.
    pub parties: Vec<Moved>,
}

impl EventKind {
    /// The connection that the event is about, if it is about one.
    #[must_use]
    pub const fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::ServiceInitiated { connection }
            | Self::Originated { connection }
            | Self::NetworkReached { connection, .. }
            | Self::Offered { connection }
            | Self::Delivered { connection }
            | Self::Established { connection }
            | Self::Held { connection }
            | Self::Retrieved { connection }
            | Self::Queued { connection, .. }
            | Self::Diverted { connection, .. }
            | Self::Failed { connection, .. }
            | Self::ConnectionCleared { connection, .. }
            | Self::DigitsGenerated { connection, .. }
            | Self::CallInformation { connection } => Some(connection),
            Self::Transferred(_)
            | Self::Conferenced(_)
            | Self::DoNotDisturb { .. }
            | Self::Forwarding { .. }
            | Self::AgentLoggedOn { .. }
            | Self::AgentLoggedOff { .. }
            | Self::AgentState { .. }
            | Self::OutOfService { .. }
            | Self::BackInService { .. } => None,
        }
    }

    /// The name of the message in ECMA-323, without `Event`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ServiceInitiated { .. } => "ServiceInitiated",
            Self::Originated { .. } => "Originated",
            Self::NetworkReached { .. } => "NetworkReached",
            Self::Offered { .. } => "Offered",
            Self::Delivered { .. } => "Delivered",
            Self::Established { .. } => "Established",
            Self::Held { .. } => "Held",
            Self::Retrieved { .. } => "Retrieved",
            Self::Queued { .. } => "Queued",
            Self::Diverted { .. } => "Diverted",
            Self::Failed { .. } => "Failed",
            Self::ConnectionCleared { .. } => "ConnectionCleared",
            Self::Transferred(_) => "Transfered",
            Self::Conferenced(_) => "Conferenced",
            Self::DigitsGenerated { .. } => "DigitsGenerated",
            Self::CallInformation { .. } => "CallInformation",
            Self::DoNotDisturb { .. } => "DoNotDisturb",
            Self::Forwarding { .. } => "Forwarding",
            Self::AgentLoggedOn { .. } => "AgentLoggedOn",
            Self::AgentLoggedOff { .. } => "AgentLoggedOff",
            Self::AgentState { state, .. } => match state {
                AgentState::NotReady => "AgentNotReady",
                AgentState::Ready => "AgentReady",
                AgentState::Busy => "AgentBusy",
                AgentState::WorkingAfterCall => "AgentWorkingAfterCall",
            },
            Self::OutOfService { .. } => "OutOfService",
            Self::BackInService { .. } => "BackInService",
        }
    }
}
