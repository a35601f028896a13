//! Events about devices and agents, not about a call.

use std::borrow::Cow;

use crate::enums::{EventCause, ForwardingType, PendingAgentState};
use crate::error::DecodeError;
use crate::pull::{Pull, Tag};
use crate::value::{Content, DeviceId, DeviceRef, content};
use crate::write::Writer;

content! {
    /// An agent's state has changed. These events have no call and seldom a cause.
    AgentEventData['a] {
        /// `monitorCrossRefID`.
        monitor: Cow<'a, str> = "monitorCrossRefID";
        /// The device that the agent is logged on at.
        device: Option<DeviceRef<'a>> = "agentDevice";
        /// The agent's own id.
        agent: Option<Cow<'a, str>> = "agentID";
        /// The group that the state is for.
        group: Option<DeviceId<'a>> = "acdGroup";
        /// The state after the current call (`AgentBusy` and `AgentWorkingAfterCall` only).
        pending: Option<PendingAgentState<'a>> = "pendingAgentState";
        /// Why.
        cause: Option<EventCause<'a>> = "cause";
    }
}

/// Which agent event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum AgentEventKind {
    /// Logged on.
    #[default]
    LoggedOn,
    /// Logged off.
    LoggedOff,
    /// Ready for calls.
    Ready,
    /// Logged on, not ready.
    NotReady,
    /// Busy with a call of the distribution.
    Busy,
    /// After-call work.
    WorkingAfterCall,
}

impl AgentEventKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::LoggedOn, Self::LoggedOff, Self::Ready, Self::NotReady, Self::Busy, Self::WorkingAfterCall];

    /// The root element.
    pub fn root(self) -> &'static str {
        match self {
            Self::LoggedOn => "AgentLoggedOnEvent",
            Self::LoggedOff => "AgentLoggedOffEvent",
            Self::Ready => "AgentReadyEvent",
            Self::NotReady => "AgentNotReadyEvent",
            Self::Busy => "AgentBusyEvent",
            Self::WorkingAfterCall => "AgentWorkingAfterCallEvent",
        }
    }

    /// The pending state as this event writes it: `AgentWorkingAfterCall` has shorter words for
    /// it than `AgentBusy`, and the others have none.
    fn pending(self, state: &PendingAgentState<'_>) -> Option<PendingAgentState<'static>> {
        let short = |word: &'static str| Some(PendingAgentState::Other(Cow::Borrowed(word)));
        match (self, state) {
            (Self::Busy, state) => Some(state.clone().into_owned()),
            (Self::WorkingAfterCall, PendingAgentState::AgentNotReady) => short("notReady"),
            (Self::WorkingAfterCall, PendingAgentState::AgentReady) => short("ready"),
            (Self::WorkingAfterCall, PendingAgentState::AgentNull) => short("null"),
            (Self::WorkingAfterCall, state) => Some(state.clone().into_owned()),
            _ => None,
        }
    }
}

/// An agent's state has changed (ECMA-323 clause 22.2).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentEvent<'a> {
    /// To what.
    pub kind: AgentEventKind,
    /// Whose, where and why.
    pub data: AgentEventData<'a>,
}

content! {
    /// Do-not-disturb was switched (ECMA-323, DoNotDisturbEvent).
    DoNotDisturbEvent['a] {
        /// `monitorCrossRefID`; BroadSoft and FreeSWITCH leave it out.
        monitor: Cow<'a, str> = "monitorCrossRefID";
        /// The device.
        device: Option<DeviceRef<'a>> = "device";
        /// On or off.
        on: bool = "doNotDisturbOn";
    }
}

content! {
    /// A forwarding was set or cleared (ECMA-323, ForwardingEvent).
    ForwardingEvent['a] {
        /// `monitorCrossRefID`.
        monitor: Cow<'a, str> = "monitorCrossRefID";
        /// The device whose calls are forwarded.
        device: Option<DeviceRef<'a>> = "device";
        /// When calls are forwarded.
        forwarding_type: Option<ForwardingType<'a>> = "forwardingType";
        /// On or off.
        on: bool = "forwardStatus";
        /// Where to.
        to: Option<DeviceId<'a>> = "forwardTo";
        /// Rings before a call is forwarded.
        ring_count: Option<u32> = "ringCount";
        /// Seconds before a call is forwarded (edition 4 and later).
        ring_duration: Option<u32> = "ringDuration", since_ed4;
    }
}

content! {
    /// A device went in or out of service.
    ServiceEventData['a] {
        /// `monitorCrossRefID`.
        monitor: Cow<'a, str> = "monitorCrossRefID";
        /// The device.
        device: Option<DeviceRef<'a>> = "device";
        /// Why.
        cause: Option<EventCause<'a>> = "cause";
    }
}

content! {
    /// The message lamp of a device was switched (ECMA-323, MessageWaitingEvent).
    MessageWaitingEvent['a] {
        /// `monitorCrossRefID`.
        monitor: Cow<'a, str> = "monitorCrossRefID";
        /// The device that has the message.
        target: Option<DeviceRef<'a>> = "targetDevice";
        /// The device that holds the message, as a voice mail box.
        holder: Option<DeviceId<'a>> = "deviceForMessage";
        /// Lit or not.
        on: bool = "messageWaitingOn";
    }
}

/// An event about a device or an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureEvent<'a> {
    /// An agent's state.
    Agent(AgentEvent<'a>),
    /// Do-not-disturb.
    DoNotDisturb(DoNotDisturbEvent<'a>),
    /// Forwarding.
    Forwarding(ForwardingEvent<'a>),
    /// The device is usable again.
    BackInService(ServiceEventData<'a>),
    /// The device is not usable.
    OutOfService(ServiceEventData<'a>),
    /// The message lamp.
    MessageWaiting(MessageWaitingEvent<'a>),
}

impl<'a> FeatureEvent<'a> {
    /// The root elements of those that are no agent event.
    pub const ROOTS: &'static [&'static str] = &[
        "DoNotDisturbEvent",
        "ForwardingEvent",
        "BackInServiceEvent",
        "OutOfServiceEvent",
        "MessageWaitingEvent",
    ];

    /// The root element.
    pub fn root(&self) -> &'static str {
        match self {
            Self::Agent(event) => event.kind.root(),
            Self::DoNotDisturb(_) => "DoNotDisturbEvent",
            Self::Forwarding(_) => "ForwardingEvent",
            Self::BackInService(_) => "BackInServiceEvent",
            Self::OutOfService(_) => "OutOfServiceEvent",
            Self::MessageWaiting(_) => "MessageWaitingEvent",
        }
    }

    /// The monitor that reports it.
    pub fn monitor(&self) -> &str {
        match self {
            Self::Agent(event) => &event.data.monitor,
            Self::DoNotDisturb(event) => &event.monitor,
            Self::Forwarding(event) => &event.monitor,
            Self::BackInService(event) | Self::OutOfService(event) => &event.monitor,
            Self::MessageWaiting(event) => &event.monitor,
        }
    }

    pub(crate) fn read(pull: &mut Pull<'a>, root: &Tag<'a>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match root.name {
            "DoNotDisturbEvent" => Self::DoNotDisturb(Content::read_children(pull, root)?),
            "ForwardingEvent" => Self::Forwarding(Content::read_children(pull, root)?),
            "BackInServiceEvent" => Self::BackInService(Content::read_children(pull, root)?),
            "OutOfServiceEvent" => Self::OutOfService(Content::read_children(pull, root)?),
            "MessageWaitingEvent" => Self::MessageWaiting(Content::read_children(pull, root)?),
            other => match AgentEventKind::ALL.into_iter().find(|kind| kind.root() == other) {
                Some(kind) => Self::Agent(AgentEvent { kind, data: Content::read_children(pull, root)? }),
                None => return Ok(None),
            },
        }))
    }

    pub(crate) fn write_children(&self, w: &mut Writer<'_>) {
        match self {
            Self::Agent(event) => {
                let pending = event.data.pending.as_ref().and_then(|state| event.kind.pending(state));
                AgentEventData { pending, ..event.data.clone() }.write_children(w);
            }
            Self::DoNotDisturb(event) => event.write_children(w),
            Self::Forwarding(event) => event.write_children(w),
            Self::BackInService(event) | Self::OutOfService(event) => event.write_children(w),
            Self::MessageWaiting(event) => event.write_children(w),
        }
    }
}
