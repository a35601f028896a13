//! What happens in the switch, as a monitor would hear it.

use std::sync::Arc;
use std::time::Duration;

use super::error::ErrorCategory;
use super::model::{
    AgentRequest, AgentState, CallId, Caller, Cause, ConnectionId, Forwarding, LocalState, Number,
    RegistrationId, RouteId,
};
use super::services::Services;

/// One thing that happened, and how each device concerned sees it.
///
/// A front end sends one message to every monitor of every device in `views`, in that order. Messages of a routeing
/// dialogue ([`EventKind::Routeing`]) have no views: they go to whoever made the registration.
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
    ServiceInitiated {
        connection: ConnectionId,
    },
    Originated {
        connection: ConnectionId,
    },
    NetworkReached {
        connection: ConnectionId,
        trunk: Number,
    },
    Offered {
        connection: ConnectionId,
    },
    Delivered {
        connection: ConnectionId,
    },
    Established {
        connection: ConnectionId,
    },
    Held {
        connection: ConnectionId,
    },
    Retrieved {
        connection: ConnectionId,
    },
    Queued {
        connection: ConnectionId,
        number_queued: usize,
        calls_in_front: usize,
    },
    Diverted {
        connection: ConnectionId,
        new_destination: Number,
    },
    Failed {
        connection: ConnectionId,
        failing: Number,
    },
    ConnectionCleared {
        connection: ConnectionId,
        releasing: Number,
    },
    Transferred(Box<Joined>),
    Conferenced(Box<Joined>),
    DigitsGenerated {
        connection: ConnectionId,
        digits: Arc<str>,
    },
    CallInformation {
        connection: ConnectionId,
    },
    DoNotDisturb {
        device: Number,
        on: bool,
    },
    Forwarding {
        device: Number,
        kind: Forwarding,
        active: bool,
        to: Option<Number>,
    },
    AgentLoggedOn {
        device: Number,
        agent: Arc<str>,
        group: Option<Number>,
    },
    AgentLoggedOff {
        device: Number,
        agent: Arc<str>,
        group: Option<Number>,
    },
    AgentState {
        device: Number,
        agent: Arc<str>,
        group: Option<Number>,
        state: AgentState,
        pending: Option<AgentRequest>,
        reason: Option<Arc<str>>,
    },
    OutOfService {
        device: Number,
    },
    BackInService {
        device: Number,
    },
    Routeing(RouteMessage),
}

/// A message of the switch to an application that is asked where calls shall go (ECMA-269 clause 20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteMessage {
    /// Whom it is for.
    pub registration: RegistrationId,
    /// What it says.
    pub says: RouteSays,
}

/// What the switch says in a routeing dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteSays {
    /// `RouteRequest`: where shall this call go?
    Request {
        /// The dialogue that begins.
        route: RouteId,
        /// The connection of the call at the routing point.
        connection: ConnectionId,
        /// How long the switch waits.
        reply_timeout: Duration,
    },
    /// `ReRoute`: the destination cannot take the call; where else?
    Again {
        /// The dialogue.
        route: RouteId,
        /// How long the switch waits.
        reply_timeout: Duration,
    },
    /// `RouteUsed`: where the call went.
    Used {
        /// The dialogue.
        route: RouteId,
        /// The device.
        to: Number,
    },
    /// `RouteEnd`: the dialogue is over.
    End {
        /// The dialogue.
        route: RouteId,
        /// What went wrong, if something did.
        wrong: Option<RouteFailure>,
    },
    /// `RouteRegisterAbort`: the registration is over, and every dialogue of it.
    Abort,
}

/// Why a routeing dialogue ended without the call being where the application wanted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteFailure {
    /// No answer in time.
    TimerExpired,
    /// The answer is no number that leads anywhere.
    InvalidDestination,
    /// The destination cannot take the call, and the application has been asked often enough.
    DestinationBusy,
    /// The call is over: the caller hung up.
    CallGone,
}

impl RouteFailure {
    /// The child of `errorValue` and its value.
    #[must_use]
    pub const fn csta(self) -> (ErrorCategory, &'static str) {
        match self {
            Self::TimerExpired => (ErrorCategory::Operation, "routeingTimerExpired"),
            Self::InvalidDestination => (ErrorCategory::Operation, "invalidDestination"),
            Self::DestinationBusy => (ErrorCategory::State, "invalidDestinationDeviceState"),
            Self::CallGone => (ErrorCategory::State, "noActiveCall"),
        }
    }
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
            | Self::BackInService { .. }
            | Self::Routeing(_) => None,
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
            Self::Routeing(message) => match message.says {
                RouteSays::Request { .. } => "RouteRequest",
                RouteSays::Again { .. } => "ReRoute",
                RouteSays::Used { .. } => "RouteUsed",
                RouteSays::End { .. } => "RouteEnd",
                RouteSays::Abort => "RouteRegisterAbort",
            },
        }
    }
}
