//! Why the switch refuses, and which CSTA error says so.

use super::model::{CallId, ConnectionId, LocalState, Number, RegistrationId, RouteId};

/// The child of `CSTAErrorCode` under which an error stands (ECMA-323 `UniversalFailure`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCategory {
    /// `operation`.
    Operation,
    /// `stateIncompatibility`.
    State,
    /// `systemResourceAvailibility` (spelt so by the standard).
    SystemResource,
    /// `subscribedResourceAvailability`.
    SubscribedResource,
    /// `performanceManagement`.
    Performance,
    /// `unspecified`.
    Unspecified,
}

impl ErrorCategory {
    /// The element's name.
    #[must_use]
    pub const fn element(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::State => "stateIncompatibility",
            Self::SystemResource => "systemResourceAvailibility",
            Self::SubscribedResource => "subscribedResourceAvailability",
            Self::Performance => "performanceManagement",
            Self::Unspecified => "unspecified",
        }
    }

    /// The category with this element name, also in its correct spelling.
    #[must_use]
    pub fn from_element(name: &str) -> Option<Self> {
        Some(match name {
            "operation" => Self::Operation,
            "stateIncompatibility" => Self::State,
            "systemResourceAvailibility" | "systemResourceAvailability" => Self::SystemResource,
            "subscribedResourceAvailability" => Self::SubscribedResource,
            "performanceManagement" => Self::Performance,
            "unspecified" => Self::Unspecified,
            _ => return None,
        })
    }
}

/// A refusal. Nothing has changed in the switch when one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// There is no such device.
    #[error("there is no device {0} on this switch")]
    UnknownDevice(Number),
    /// The calling device of a new call does not exist.
    #[error("there is no extension {0} that could call")]
    UnknownCallingDevice(Number),
    /// There is no such call.
    #[error("there is no call {0}")]
    UnknownCall(CallId),
    /// The call exists, but not at this device.
    #[error("call {} does not appear at {}", .0.call, .0.device)]
    UnknownConnection(ConnectionId),
    /// The number cannot be reached from here.
    #[error("{0} is neither a device of this switch nor an outside number")]
    InvalidDestination(Number),
    /// Forwarding to this number is not possible.
    #[error("{0} is no destination to forward to")]
    InvalidForwardingDestination(Number),
    /// The destination is occupied, does not want to be disturbed, or forwards in a circle.
    #[error("{0} cannot take the call now")]
    DestinationBusy(Number),
    /// The connection is in another state than the service needs.
    #[error("{connection} is {}, not {wanted}", .is.name())]
    WrongState {
        /// The connection.
        connection: ConnectionId,
        /// What it is.
        is: LocalState,
        /// What the service needs.
        wanted: &'static str,
    },
    /// Nothing rings there.
    #[error("{0} is not ringing")]
    NotRinging(ConnectionId),
    /// The connection to be held or left is not the active one.
    #[error("{0} is not an active call")]
    NotActive(ConnectionId),
    /// The connection is not on hold.
    #[error("{0} is not on hold")]
    NotHeld(ConnectionId),
    /// The device is already in a call.
    #[error("{0} already has an active call")]
    AlreadyActive(Number),
    /// Two different devices (or twice the same call) were given where one device with two calls is needed.
    #[error("both connections must be of {0}, in two different calls")]
    NotSameDevice(Number),
    /// The two calls share a party, or a party would meet itself.
    #[error("{0} is already a party of the call")]
    AlreadyParty(Number),
    /// The consulted device still rings and this switch wants it answered first.
    #[error("the second call has not been answered yet")]
    NotAnswered,
    /// No more parties fit.
    #[error("a conference here has at most {0} parties")]
    ConferenceFull(usize),
    /// The device is out of service.
    #[error("{0} is out of service")]
    OutOfService(Number),
    /// Nothing to pick up.
    #[error("nothing rings in the pickup group of {0}")]
    NothingToPickUp(Number),
    /// The agent cannot go from its state to the one asked.
    #[error("the agent at {0} cannot do that now")]
    InvalidAgentState(Number),
    /// The agent id does not belong to the device.
    #[error("another agent is logged on at {0}")]
    InvalidAgent(Number),
    /// The group that an agent wants to log on to is no queue.
    #[error("{0} is no queue that an agent could log on to")]
    InvalidAgentGroup(Number),
    /// The agent is logged on at another device.
    #[error("agent {agent} is logged on at {at}")]
    AgentElsewhere {
        /// The agent.
        agent: std::sync::Arc<str>,
        /// Where.
        at: Number,
    },
    /// This switch does not do that at all.
    #[error("this switch has no {0}")]
    NotSupported(&'static str),
    /// Somebody is asked already where calls of this routing point shall go.
    #[error("an application is registered at {0} already; a routing point asks one")]
    RegisteredAlready(Number),
    /// There is no such registration.
    #[error("there is no registration {0} for route requests")]
    UnknownRegistration(RegistrationId),
    /// There is no such routeing dialogue, or it is over.
    #[error("there is no routeing dialogue {0}, or it is over")]
    UnknownRoute(RouteId),
    /// The digits hold a character that no phone has.
    #[error("only 0-9, *, # and A-D can be sent")]
    InvalidDigits,
    /// Data for a call that is no hexadecimal text, or too long.
    #[error("data for a call is at most 1024 hexadecimal digits")]
    InvalidCorrelator,
    /// The switch has its maximum of calls.
    #[error("the switch carries its maximum of calls")]
    TooManyCalls,
    /// The service cannot be done to this kind of device.
    #[error("{0} is not a device that can do this")]
    NotForThisDevice(Number),
}

impl SwitchError {
    /// The child of `CSTAErrorCode` and its value.
    #[must_use]
    pub const fn csta(&self) -> (ErrorCategory, &'static str) {
        use ErrorCategory::{Operation, State, SubscribedResource, SystemResource};
        match self {
            Self::UnknownDevice(_) => (Operation, "invalidDeviceID"),
            Self::UnknownCallingDevice(_) => (Operation, "invalidCallingDeviceID"),
            Self::UnknownCall(_) => (Operation, "invalidCallID"),
            Self::UnknownConnection(_) => (Operation, "invalidConnectionID"),
            Self::InvalidDestination(_) => (Operation, "invalidDestination"),
            Self::InvalidForwardingDestination(_) => (Operation, "invalidForwardingDestination"),
            Self::InvalidAgentState(_) => (Operation, "invalidAgentState"),
            Self::InvalidAgent(_) => (Operation, "invalidAgentIdentifier"),
            Self::InvalidAgentGroup(_) => (Operation, "invalidAgentGroup"),
            Self::AgentElsewhere { .. } => (Operation, "invalidAgentState"),
            Self::NotSupported(_) => (Operation, "serviceNotSupported"),
            Self::UnknownRegistration(_) => (Operation, "invalidRouteRegistrationCrossRefID"),
            Self::UnknownRoute(_) => (Operation, "invalidRouteingCrossRefID"),
            Self::RegisteredAlready(_) => (SubscribedResource, "objectRegistrationLimitExceeded"),
            Self::InvalidCorrelator => (Operation, "invalidCorrelatorData"),
            Self::InvalidDigits => (Operation, "valueOutOfRange"),
            Self::NotForThisDevice(_) => (Operation, "requestIncompatibleWithDevice"),
            Self::NotSameDevice(_) => (Operation, "notSameDevice"),
            Self::AlreadyParty(_) => (Operation, "notDifferentDevices"),
            Self::DestinationBusy(_) => (State, "invalidDestinationDeviceState"),
            Self::WrongState { .. } | Self::NotAnswered => (State, "invalidConnectionState"),
            Self::NotRinging(_) | Self::NothingToPickUp(_) => (State, "noCallToAnswer"),
            Self::NotActive(_) => (State, "noActiveCall"),
            Self::NotHeld(_) => (State, "noHeldCall"),
            Self::AlreadyActive(_) => (State, "connectedCallExists"),
            Self::ConferenceFull(_) => (SystemResource, "conferenceMemberLimitExceeded"),
            Self::OutOfService(_) => (SystemResource, "deviceOutOfService"),
            Self::TooManyCalls => (SystemResource, "resourceLimitExceeded"),
        }
    }
}
