//! What happened in the switch, in the words of ECMA-323.

use std::borrow::Cow;

use schakel_csta_wire as wire;
use wire::{
    AgentEvent, AgentEventData, AgentEventKind, CallEvent, CallEventKind, ConnectionListItem, CstaError,
    DeviceRef, DoNotDisturbEvent, EventCause, FeatureEvent, ForwardingEvent, ForwardingType,
    LocalConnectionState, Message, Octets, Service, ServiceEventData, ServiceSet,
};

use super::identity::Names;
use crate::switch::{
    AgentRequest, AgentState, Cause, ErrorCategory, EventKind, Forwarding, Joined, LocalState, Moved,
    Services, SwitchError, SwitchEvent, View,
};

/// What one monitor is told.
pub(crate) struct Telling<'a> {
    pub(crate) names: Names<'a>,
    /// Its cross reference id.
    pub(crate) monitor: &'a str,
    /// Whether it is told what may be done now.
    pub(crate) services: bool,
    /// Whether a moved party names its old call in its device id.
    pub(crate) uid_links: bool,
    /// Whether it is told why an agent is not ready.
    pub(crate) reasons: bool,
    /// A cause to tell instead of the true one.
    pub(crate) cause: Option<Cause>,
}

impl<'a> Telling<'a> {
    /// The message for this monitor.
    pub(crate) fn message(&self, event: &'a SwitchEvent, view: &View) -> Message<'a> {
        match self.feature(event) {
            Some(feature) => feature.into(),
            None => self.call_event(event, view).into(),
        }
    }

    fn feature(&self, event: &'a SwitchEvent) -> Option<FeatureEvent<'a>> {
        let monitor = Cow::Borrowed(self.monitor);
        Some(match &event.kind {
            EventKind::DoNotDisturb { device, on } => FeatureEvent::DoNotDisturb(DoNotDisturbEvent {
                monitor,
                device: Some(self.names.device(device)),
                on: *on,
            }),
            EventKind::Forwarding { device, kind, active, to } => FeatureEvent::Forwarding(ForwardingEvent {
                monitor,
                device: Some(self.names.device(device)),
                forwarding_type: Some(forwarding_type(*kind)),
                on: *active,
                to: to.as_ref().map(|to| self.names.id(to)),
                ..ForwardingEvent::default()
            }),
            EventKind::OutOfService { device } => FeatureEvent::OutOfService(ServiceEventData {
                monitor,
                device: Some(self.names.device(device)),
                ..ServiceEventData::default()
            }),
            EventKind::BackInService { device } => FeatureEvent::BackInService(ServiceEventData {
                monitor,
                device: Some(self.names.device(device)),
                ..ServiceEventData::default()
            }),
            EventKind::AgentLoggedOn { device, agent, group }
            | EventKind::AgentLoggedOff { device, agent, group }
            | EventKind::AgentState { device, agent, group, .. } => FeatureEvent::Agent(AgentEvent {
                kind: agent_event_kind(&event.kind),
                data: AgentEventData {
                    monitor,
                    device: Some(self.names.device(device)),
                    agent: Some(Cow::Borrowed(agent)),
                    group: group.as_ref().map(|group| self.names.id(group)),
                    pending: match &event.kind {
                        EventKind::AgentState { pending: asked, .. } => asked.and_then(pending),
                        _ => None,
                    },
                    cause: match &event.kind {
                        EventKind::AgentState { reason: Some(reason), .. } if self.reasons => {
                            Some(EventCause::Other(Cow::Borrowed(reason)))
                        }
                        _ => None,
                    },
                },
            }),
            _ => return None,
        })
    }

    fn call_event(&self, event: &'a SwitchEvent, view: &View) -> CallEvent<'a> {
        let names = self.names;
        let mut told = CallEvent {
            kind: CallEventKind::Delivered,
            monitor: Cow::Borrowed(self.monitor),
            local_state: view.local.map(local_state),
            cause: self.cause.or(event.cause).map(cause),
            services: self.services.then(|| service_set(view.services)),
            ..CallEvent::default()
        };
        if let Some(connection) = event.kind.connection() {
            told.connection = names.connection(connection);
            told.subject = Some(names.device(&connection.device));
        }
        if let Some(call) = &event.call {
            told.calling = Some(names.caller(&call.calling));
            told.called = Some(names.device(&call.called));
            let redirected = call.last_redirection.as_ref().map(|from| names.device(from));
            told.last_redirection = Some(redirected.unwrap_or(DeviceRef::NotRequired));
            told.correlator = call.correlator.as_ref().map(|data| Octets::Hex(Cow::Borrowed(data)));
        }
        match &event.kind {
            EventKind::ServiceInitiated { .. } => told.kind = CallEventKind::ServiceInitiated,
            EventKind::Originated { .. } => told.kind = CallEventKind::Originated,
            EventKind::NetworkReached { trunk, .. } => {
                told.kind = CallEventKind::NetworkReached;
                told.subject = Some(names.device(trunk));
            }
            EventKind::Offered { .. } => told.kind = CallEventKind::Offered,
            EventKind::Established { .. } => told.kind = CallEventKind::Established,
            EventKind::Held { .. } => told.kind = CallEventKind::Held,
            EventKind::Retrieved { connection } => {
                told.kind = CallEventKind::Retrieved;
                told.subject = Some(names.device(&connection.device));
            }
            EventKind::Queued { number_queued, calls_in_front, .. } => {
                told.kind = CallEventKind::Queued;
                told.number_queued = u32::try_from(*number_queued).ok();
                told.calls_in_front = u32::try_from(*calls_in_front).ok();
            }
            EventKind::Diverted { new_destination, .. } => {
                told.kind = CallEventKind::Diverted;
                told.target = Some(names.device(new_destination));
            }
            EventKind::Failed { failing, .. } => {
                told.kind = CallEventKind::Failed;
                told.subject = Some(names.device(failing));
            }
            EventKind::ConnectionCleared { releasing, .. } => {
                told.kind = CallEventKind::ConnectionCleared;
                told.subject = Some(names.device(releasing));
            }
            EventKind::Transferred(joined) => {
                told.kind = CallEventKind::Transferred;
                self.join(&mut told, joined);
            }
            EventKind::Conferenced(joined) => {
                told.kind = CallEventKind::Conferenced;
                self.join(&mut told, joined);
            }
            EventKind::DigitsGenerated { digits, .. } => {
                told.kind = CallEventKind::DigitsGenerated;
                told.digits = Some(Cow::Borrowed(digits));
            }
            EventKind::CallInformation { .. } => told.kind = CallEventKind::CallInformation,
            // Delivered; events of a device do not come here.
            _ => {}
        }
        told
    }

    fn join(&self, told: &mut CallEvent<'a>, joined: &'a Joined) {
        told.connection = self.names.connection(&joined.primary);
        told.secondary = joined.secondary.as_ref().map(|second| self.names.connection(second));
        told.subject = Some(self.names.device(&joined.by));
        told.target = Some(self.names.device(&joined.other));
        told.connections = joined
            .parties
            .iter()
            .map(|party| self.moved(party, self.uid_links && joined.secondary.is_none()))
            .collect();
    }

    fn moved(&self, Moved { new, old }: &'a Moved, by_uid: bool) -> ConnectionListItem<'a> {
        let mut item = ConnectionListItem {
            new: Some(self.names.connection(new)),
            old: old.as_ref().map(|old| self.names.connection(old)),
            endpoint: Some(self.names.device(&new.device)),
            ..ConnectionListItem::default()
        };
        if by_uid && let Some(old) = old {
            let device = format!("N<{}>;uid={}", new.device, old.call);
            item.new = Some(wire::ConnectionId::new(new.call.as_str(), device.clone()));
            item.endpoint = Some(DeviceRef::known(device));
            item.old = None;
        }
        item
    }
}

/// A refusal.
pub(crate) fn error(refusal: &SwitchError) -> CstaError<'static> {
    let (category, value) = refusal.csta();
    csta_error(category, value.to_owned())
}

/// An error of a category.
pub(crate) fn csta_error(category: ErrorCategory, value: String) -> CstaError<'static> {
    let category = match category {
        ErrorCategory::Operation => wire::ErrorCategory::Operation,
        ErrorCategory::State => wire::ErrorCategory::StateIncompatibility,
        ErrorCategory::SystemResource => wire::ErrorCategory::SystemResourceAvailability,
        ErrorCategory::SubscribedResource => wire::ErrorCategory::SubscribedResourceAvailability,
        ErrorCategory::Performance => wire::ErrorCategory::PerformanceManagement,
        ErrorCategory::Unspecified => wire::ErrorCategory::Unspecified,
    };
    CstaError::new(category, value)
}

pub(crate) fn local_state(state: LocalState) -> LocalConnectionState<'static> {
    match state {
        LocalState::Null => LocalConnectionState::Null,
        LocalState::Initiated => LocalConnectionState::Initiated,
        LocalState::Alerting => LocalConnectionState::Alerting,
        LocalState::Connected => LocalConnectionState::Connected,
        LocalState::Hold => LocalConnectionState::Hold,
        LocalState::Queued => LocalConnectionState::Queued,
        LocalState::Fail => LocalConnectionState::Fail,
    }
}

/// Only written, never compared: the word itself spares looking it up among a hundred.
const fn cause(cause: Cause) -> EventCause<'static> {
    EventCause::Other(Cow::Borrowed(cause.name()))
}

pub(crate) const fn forwarding_type(kind: Forwarding) -> ForwardingType<'static> {
    match kind {
        Forwarding::Immediate => ForwardingType::ForwardImmediate,
        Forwarding::Busy => ForwardingType::ForwardBusy,
        Forwarding::NoAnswer => ForwardingType::ForwardNoAns,
    }
}

pub(crate) const fn agent_state(state: AgentState) -> wire::AgentState<'static> {
    match state {
        AgentState::NotReady => wire::AgentState::AgentNotReady,
        AgentState::Ready => wire::AgentState::AgentReady,
        AgentState::Busy => wire::AgentState::AgentBusy,
        AgentState::WorkingAfterCall => wire::AgentState::AgentWorkingAfterCall,
    }
}

/// What an agent will be later.
pub(crate) const fn pending(request: AgentRequest) -> Option<wire::PendingAgentState<'static>> {
    Some(match request {
        AgentRequest::NotReady => wire::PendingAgentState::AgentNotReady,
        AgentRequest::Ready => wire::PendingAgentState::AgentReady,
        AgentRequest::WorkingAfterCall => wire::PendingAgentState::AgentWorkingAfterCall,
        AgentRequest::LoggedOff => wire::PendingAgentState::AgentNull,
        AgentRequest::LoggedOn => return None,
    })
}

const fn agent_event_kind(kind: &EventKind) -> AgentEventKind {
    match kind {
        EventKind::AgentLoggedOff { .. } => AgentEventKind::LoggedOff,
        EventKind::AgentState { state: AgentState::NotReady, .. } => AgentEventKind::NotReady,
        EventKind::AgentState { state: AgentState::Ready, .. } => AgentEventKind::Ready,
        EventKind::AgentState { state: AgentState::Busy, .. } => AgentEventKind::Busy,
        EventKind::AgentState { state: AgentState::WorkingAfterCall, .. } => AgentEventKind::WorkingAfterCall,
        _ => AgentEventKind::LoggedOn,
    }
}

/// What may be done now.
pub(crate) fn service_set(services: Services) -> ServiceSet {
    const SAME: [(Services, Service); 14] = [
        (Services::ALTERNATE, Service::AlternateCall),
        (Services::ANSWER, Service::AnswerCall),
        (Services::CLEAR_CALL, Service::ClearCall),
        (Services::CLEAR_CONNECTION, Service::ClearConnection),
        (Services::CONFERENCE, Service::ConferenceCall),
        (Services::CONSULTATION, Service::ConsultationCall),
        (Services::DEFLECT, Service::DeflectCall),
        (Services::HOLD, Service::HoldCall),
        (Services::RECONNECT, Service::ReconnectCall),
        (Services::RETRIEVE, Service::RetrieveCall),
        (Services::SINGLE_STEP_CONFERENCE, Service::SingleStepConference),
        (Services::SINGLE_STEP_TRANSFER, Service::SingleStepTransfer),
        (Services::TRANSFER, Service::TransferCall),
        (Services::DIGITS, Service::GenerateDigits),
    ];
    SAME.into_iter()
        .filter(|(here, _)| services.has(*here))
        .fold(ServiceSet::EMPTY, |set, (_, there)| set.with(there))
}

/// Everything that a switch can do at all, with agents and with routing points if it has them.
pub(crate) fn all_services(agents: bool, routing: bool) -> ServiceSet {
    const AGENTS: [Service; 2] = [Service::GetAgentState, Service::SetAgentState];
    const ROUTING: [Service; 9] = [
        Service::RouteRegister,
        Service::RouteRegisterCancel,
        Service::RouteRegisterAbort,
        Service::ReRoute,
        Service::RouteEnd,
        Service::RouteReject,
        Service::RouteRequest,
        Service::RouteSelect,
        Service::RouteUsed,
    ];
    let mut all = ServiceSet::of(&[
        Service::AlternateCall,
        Service::AnswerCall,
        Service::ClearCall,
        Service::ClearConnection,
        Service::ConferenceCall,
        Service::ConsultationCall,
        Service::DeflectCall,
        Service::DirectedPickupCall,
        Service::GroupPickupCall,
        Service::HoldCall,
        Service::MakeCall,
        Service::ReconnectCall,
        Service::RetrieveCall,
        Service::SingleStepConference,
        Service::SingleStepTransfer,
        Service::TransferCall,
        Service::AssociateData,
        Service::GenerateDigits,
        Service::GetDoNotDisturb,
        Service::GetForwarding,
        Service::SetDoNotDisturb,
        Service::SetForwarding,
        Service::SnapshotCall,
        Service::SnapshotDevice,
    ]);
    let more = [(agents, AGENTS.as_slice()), (routing, ROUTING.as_slice())];
    for service in more.into_iter().filter(|(has, _)| *has).flat_map(|(_, services)| services) {
        all.insert(*service);
    }
    all
}
