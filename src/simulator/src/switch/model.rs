//! The words of the switch: numbers, call ids, connection states, causes.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! shared_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text as it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

shared_text! {
    /// The number of a device: an extension, a queue or an outside party, as it is dialled.
    Number
}

shared_text! {
    /// The id of a call as this switch gives it out. A switch may use an id again after its call has ended.
    CallId
}

/// One appearance of a call at a device (ECMA-269 "connection").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionId {
    /// The call.
    pub call: CallId,
    /// The device at which it appears.
    pub device: Number,
}

impl ConnectionId {
    /// The connection of `call` at `device`.
    pub fn new(call: impl Into<CallId>, device: impl Into<Number>) -> Self {
        Self { call: call.into(), device: device.into() }
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.call, self.device)
    }
}

/// ECMA-269 `LocalConnectionState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LocalState {
    /// No relation (any more) between call and device.
    Null,
    /// Off-hook or prompted, nothing dialled yet.
    Initiated,
    /// Ringing.
    Alerting,
    /// Speaking, or hearing the other side ring.
    Connected,
    /// On hold at this device.
    Hold,
    /// Waiting in a queue.
    Queued,
    /// Failed: busy tone, number unobtainable.
    Fail,
}

impl LocalState {
    /// The name as CSTA writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Initiated => "initiated",
            Self::Alerting => "alerting",
            Self::Connected => "connected",
            Self::Hold => "hold",
            Self::Queued => "queued",
            Self::Fail => "fail",
        }
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The causes (ECMA-323 `EventCause`) that this switch gives.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Cause {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Cause {
            /// Every cause, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name as CSTA writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

causes! {
    /// The ringing lasted too long.
    AlertTimeExpired = "alertTimeExpired",
    /// Swapped with the held call.
    Alternate = "alternate",
    /// The called device is occupied.
    Busy = "busy",
    /// The caller gave up.
    CallCancelled = "callCancelled",
    /// Forwarded: busy.
    CallForwardBusy = "callForwardBusy",
    /// Forwarded: always.
    CallForwardImmediate = "callForwardImmediate",
    /// Forwarded: no answer.
    CallForwardNoAnswer = "callForwardNoAnswer",
    /// Nobody answered.
    CallNotAnswered = "callNotAnswered",
    /// Taken by another device.
    CallPickup = "callPickup",
    /// Calls were joined.
    Conference = "conference",
    /// Consultation.
    Consultation = "consultation",
    /// The number leads nowhere.
    DestNotObtainable = "destNotObtainable",
    /// The called device is out of order.
    DestOutOfOrder = "destOutOfOrder",
    /// A queue gave the call to an agent.
    Distributed = "distributed",
    /// The called device does not want to be disturbed.
    DoNotDisturb = "doNotDisturb",
    /// The call enters the distribution of a queue.
    EnteringDistribution = "enteringDistribution",
    /// A person pressed a key.
    KeyOperation = "keyOperation",
    /// `MakeCall` began it.
    MakeCall = "makeCall",
    /// Several devices ring for one call.
    MultipleAlerting = "multipleAlerting",
    /// A new call.
    NewCall = "newCall",
    /// No agent is free.
    NoAvailableAgents = "noAvailableAgents",
    /// Nothing special.
    Normal = "normal",
    /// Someone hung up.
    NormalClearing = "normalClearing",
    /// Waited too long in a queue.
    QueueTimeOverflow = "queueTimeOverflow",
    /// Came back from a busy destination.
    RecallBusy = "recallBusy",
    /// Came back: nobody answered.
    RecallNoAnswer = "recallNoAnswer",
    /// Sent on to another device.
    Redirected = "redirected",
    /// One more party, silent.
    SilentParticipation = "silentParticipation",
    /// One more party.
    SingleStepConference = "singleStepConference",
    /// Cold transfer.
    SingleStepTransfer = "singleStepTransfer",
    /// A prompt was not answered.
    Timeout = "timeout",
    /// Warm transfer.
    Transfer = "transfer",
}

/// Names a registration for route requests (`routeRegisterReqID`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegistrationId(pub u64);

impl fmt::Display for RegistrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a routeing dialogue (`crossRefIdentifier`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RouteId(pub u64);

impl fmt::Display for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who is calling, and whether that may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The device of the caller in the switch (for a withheld number: a trunk such as `T1`).
    pub device: Number,
    /// The number may not be shown.
    pub withheld: bool,
}

/// `agentState` of ECMA-323, for an agent who is logged on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AgentState {
    /// Logged on, not available.
    NotReady,
    /// Available.
    Ready,
    /// In a call of a queue.
    Busy,
    /// After-call work.
    WorkingAfterCall,
}

impl AgentState {
    /// The name as CSTA writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotReady => "agentNotReady",
            Self::Ready => "agentReady",
            Self::Busy => "agentBusy",
            Self::WorkingAfterCall => "agentWorkingAfterCall",
        }
    }
}

/// `requestedAgentState` of ECMA-323.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AgentRequest {
    /// Log on.
    LoggedOn,
    /// Log off.
    LoggedOff,
    /// Be unavailable.
    NotReady,
    /// Be available.
    Ready,
    /// Do after-call work.
    WorkingAfterCall,
}

/// The kinds of forwarding that this switch knows (ECMA-323 `ForwardingType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Forwarding {
    /// Every call, at once.
    #[serde(rename = "forwardImmediate")]
    Immediate,
    /// When the device is busy.
    #[serde(rename = "forwardBusy")]
    Busy,
    /// When nobody answers.
    #[serde(rename = "forwardNoAns")]
    NoAnswer,
}

impl Forwarding {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Immediate, Self::Busy, Self::NoAnswer];

    /// The name as CSTA writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Immediate => "forwardImmediate",
            Self::Busy => "forwardBusy",
            Self::NoAnswer => "forwardNoAns",
        }
    }
}
