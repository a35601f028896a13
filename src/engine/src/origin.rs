//! What an input of the journal was, for who asks why a notification came about.

use crate::recover;
use schakel_core::command::{Command, Refusal, SessionChange};
use schakel_core::input::{Input, InputBody};
use schakel_core::model::agent::ProviderAgentState;
use schakel_core::model::time::Time;
use schakel_core::report::chat::{ChatEvent, ConversationEvent};
use schakel_core::report::{CallEvent, DeviceEvent, EventReport, RouteEvent};

/// One input, in words. Provider ids are shown here and nowhere else: this is what an operator holds beside the log of
/// his telephone system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `report`, `reply`, `command`, `snapshot`, `link`, `deadline`, `configuration`, `start`, or `erasure`:
    /// what it was is not kept.
    pub kind: &'static str,
    /// When it reached us.
    pub at: Time,
    /// What happened: a message's name as in ECMA-323, a command's action, a link's new state.
    pub event: String,
    /// The telephone system.
    pub provider: Option<String>,
    /// The device at whose monitor it was seen.
    pub monitor: Option<String>,
    /// The connection it was about: the telephone system's own call id, and the device.
    pub connection: Option<(String, String)>,
    /// The cause that it gave.
    pub cause: Option<&'static str>,
}

/// Reads an input as the journal keeps it; none where this release cannot read it.
pub fn origin(bytes: &[u8]) -> Option<Origin> {
    let input = recover::decode_input(bytes)?;
    Some(of(&input))
}

fn of(input: &Input) -> Origin {
    let plain = |kind, event: &str| Origin {
        kind,
        at: input.at,
        event: event.into(),
        provider: None,
        monitor: None,
        connection: None,
        cause: None,
    };
    match &input.body {
        InputBody::Report { provider, report: EventReport::Call(report) } => Origin {
            provider: Some(provider.as_str().into()),
            monitor: report.monitor.as_ref().map(|device| device.as_str().into()),
            connection: Some((
                report.connection.call.as_str().into(),
                report.connection.device.as_str().into(),
            )),
            cause: Some(report.cause.as_str()),
            ..plain("report", call_event(&report.event))
        },
        InputBody::Report { provider, report: EventReport::Device { device, event } } => Origin {
            provider: Some(provider.as_str().into()),
            monitor: Some(device.as_str().into()),
            ..plain("report", device_event(event))
        },
        InputBody::Report { provider, report: EventReport::Agent { device, state, .. } } => Origin {
            provider: Some(provider.as_str().into()),
            monitor: device.as_ref().map(|device| device.as_str().into()),
            ..plain("report", agent_event(state))
        },
        InputBody::Report { provider, report: EventReport::Route { event, .. } } => {
            let (device, call) = match &**event {
                RouteEvent::Requested { device, call, .. } => (Some(device), call.as_ref()),
                RouteEvent::Used(device) => (device.as_ref(), None),
                RouteEvent::Again { .. } | RouteEvent::Ended(_) => (None, None),
            };
            Origin {
                provider: Some(provider.as_str().into()),
                monitor: device.filter(|_| call.is_none()).map(|device| device.as_str().into()),
                connection: device
                    .zip(call)
                    .map(|(device, call)| (call.as_str().into(), device.as_str().into())),
                ..plain("report", route_event(event))
            }
        }
        InputBody::Report { provider, report: EventReport::Chat(report) } => Origin {
            provider: Some(provider.as_str().into()),
            ..plain("report", report.event.as_ref().map_or("archive-read", chat_event))
        },
        InputBody::Heartbeat { .. } => plain("command", "heartbeat"),
        InputBody::ChatHeartbeat { .. } => plain("command", "chat-heartbeat"),
        InputBody::Reply { provider, result, .. } => Origin {
            provider: Some(provider.as_str().into()),
            connection: result
                .as_ref()
                .ok()
                .and_then(|done| done.connection.as_ref())
                .map(|connection| (connection.call.as_str().into(), connection.device.as_str().into())),
            cause: result.as_ref().err().map(|Refusal { cause, .. }| cause.as_str()),
            ..plain("reply", if result.is_ok() { "confirmed" } else { "refused" })
        },
        InputBody::Snapshot { provider, snapshot } => Origin {
            provider: Some(provider.as_str().into()),
            monitor: Some(snapshot.device.as_str().into()),
            ..plain("snapshot", "SnapshotDevice")
        },
        InputBody::LinkConnecting { provider, .. } => link(plain("link", "connecting"), provider.as_str()),
        InputBody::LinkReady { provider, .. } => link(plain("link", "ready"), provider.as_str()),
        InputBody::Resynced { provider, .. } => link(plain("link", "resynced"), provider.as_str()),
        InputBody::LinkLost { provider, .. } => link(plain("link", "lost"), provider.as_str()),
        InputBody::Command { command, .. } => {
            plain("command", command.action().map_or_else(|| own_command(command), |action| action.as_str()))
        }
        InputBody::Tick => plain("deadline", "passed"),
        InputBody::Erase { .. } => plain("erasure", "asked"),
        InputBody::Erased => plain("erasure", "erased"),
        InputBody::Configured(_) => plain("configuration", "read"),
        InputBody::Started => plain("start", "started"),
        _ => plain("report", "unknown"),
    }
}

fn link(origin: Origin, provider: &str) -> Origin {
    Origin { provider: Some(provider.into()), ..origin }
}

/// A command that asks nothing of a telephone system.
const fn own_command(command: &Command) -> &'static str {
    match command {
        Command::SetReadiness { .. } => "set-readiness",
        Command::Chat(_) => "chat",
        Command::OpenSession { .. } => "open-session",
        Command::ChangeSession { change: SessionChange::Park, .. } => "park-session",
        Command::ChangeSession { change: SessionChange::Resume, .. } => "resume-session",
        Command::ChangeSession { change: SessionChange::Close, .. } => "close-session",
        Command::ChangeSession { change: SessionChange::Decide { .. }, .. } => "decide-session",
        _ => "registration",
    }
}

/// The names of ECMA-323.
const fn call_event(event: &CallEvent) -> &'static str {
    match event {
        CallEvent::Initiated => "ServiceInitiatedEvent",
        CallEvent::Originated => "OriginatedEvent",
        CallEvent::NetworkReached => "NetworkReachedEvent",
        CallEvent::Offered => "OfferedEvent",
        CallEvent::Delivered => "DeliveredEvent",
        CallEvent::Established => "EstablishedEvent",
        CallEvent::Held => "HeldEvent",
        CallEvent::Retrieved => "RetrievedEvent",
        CallEvent::ConnectionCleared => "ConnectionClearedEvent",
        CallEvent::CallCleared => "CallClearedEvent",
        CallEvent::Queued => "QueuedEvent",
        CallEvent::Diverted { .. } => "DivertedEvent",
        CallEvent::Failed => "FailedEvent",
        CallEvent::Transferred { .. } => "TransferedEvent",
        CallEvent::Conferenced { .. } => "ConferencedEvent",
        CallEvent::Information => "CallInformationEvent",
    }
}

/// What it is to a chat; never in which conversation, whose name has the visitor's address in it.
const fn chat_event_name(event: &ConversationEvent) -> &'static str {
    match event {
        ConversationEvent::Opened { .. } => "opened",
        ConversationEvent::Said(_) => "said",
        ConversationEvent::Presence(_) => "presence",
        ConversationEvent::EndedByVisitor => "ended-by-visitor",
        ConversationEvent::EndedByProvider(_) => "ended-by-provider",
        ConversationEvent::Sent(_) => "sent",
        ConversationEvent::Delivered(_) => "delivered",
        ConversationEvent::Displayed(_) => "displayed",
        ConversationEvent::NotDelivered(..) => "not-delivered",
        ConversationEvent::AgentJoined(_) => "agent-joined",
        ConversationEvent::AgentLeft(_) => "agent-left",
        ConversationEvent::Refused(_) => "refused",
    }
}

fn chat_event(event: &ChatEvent) -> &'static str {
    match event {
        ChatEvent::Chat { event, .. } => chat_event_name(event),
        ChatEvent::AgentShown { .. } => "agent-shown",
    }
}

const fn agent_event(state: &ProviderAgentState) -> &'static str {
    match state {
        ProviderAgentState::LoggedOff => "AgentLoggedOffEvent",
        ProviderAgentState::NotReady(_) => "AgentNotReadyEvent",
        ProviderAgentState::Ready => "AgentReadyEvent",
        ProviderAgentState::Busy => "AgentBusyEvent",
        ProviderAgentState::WorkingAfterCall => "AgentWorkingAfterCallEvent",
    }
}

const fn route_event(event: &RouteEvent) -> &'static str {
    match event {
        RouteEvent::Requested { .. } => "RouteRequest",
        RouteEvent::Again { .. } => "ReRoute",
        RouteEvent::Used(_) => "RouteUsed",
        RouteEvent::Ended(_) => "RouteEnd",
    }
}

const fn device_event(event: &DeviceEvent) -> &'static str {
    match event {
        DeviceEvent::DoNotDisturb(_) => "DoNotDisturbEvent",
        DeviceEvent::Forwarding(_) => "ForwardingEvent",
        DeviceEvent::OutOfService(true) => "OutOfServiceEvent",
        DeviceEvent::OutOfService(false) => "BackInServiceEvent",
        DeviceEvent::Monitored => "MonitorStartResponse",
        DeviceEvent::MonitorRefused(_) => "MonitorStop",
        DeviceEvent::Named(_) => "SwitchingFunctionDevices",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schakel_core::model::ids::ProviderId;

    #[test]
    fn an_input_is_told_in_words_and_what_is_none_is_not() {
        let body = InputBody::LinkLost { provider: ProviderId::from("pbx"), reason: "gone".into() };
        let input = Input { at: Time(5), seed: 0, body };
        let told = origin(&recover::encode_input(&input, &mut Vec::new())).unwrap();
        assert_eq!((told.kind, told.event.as_str(), told.provider.as_deref()), ("link", "lost", Some("pbx")));
        assert_eq!(origin(b"rubbish"), None);
    }

    #[test]
    fn t01_a_question_where_a_call_goes_is_told_with_its_call() {
        let event = RouteEvent::Requested {
            device: "7100".into(),
            call: Some("77".into()),
            calling: None,
            current: None,
            limit: None,
            correlator: None,
        };
        let report = EventReport::Route { dialogue: "1".into(), event: Box::new(event) };
        let body = InputBody::Report { provider: ProviderId::from("pbx"), report };
        let told = of(&Input { at: Time(5), seed: 0, body });
        assert_eq!((told.kind, told.event.as_str()), ("report", "RouteRequest"));
        assert_eq!(told.connection, Some(("77".into(), "7100".into())));
    }
}
