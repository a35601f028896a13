//! What a message about routeing or about an agent says, in words, for the administrator.

use schakel_core::model::agent::ProviderAgentState;
use schakel_core::model::ids::DeviceId;
use schakel_core::report::EventReport;
use schakel_csta_wire::{DeviceRef, FeatureEvent, Message, Request, Response};

use crate::agents::{agent_event, said};
use crate::device::normalise;
use crate::translate::{OwnDevices, correlator};

/// One line a thing that is said; none for other messages.
pub(crate) fn says(message: &Message<'_>) -> Vec<String> {
    let own = OwnDevices::default();
    match message {
        Message::Request(request) => route(request).or_else(|| asks(request)).into_iter().collect(),
        Message::Response(Response::RouteRegister(done)) => {
            vec![format!("registered for route requests as {}", done.register)]
        }
        Message::Response(Response::GetAgentState(response)) => {
            let told = said(response, &own).into_iter();
            told.map(|(agent, state, queues)| agent_line(agent.as_deref(), None, &state, &queues)).collect()
        }
        Message::Feature(FeatureEvent::Agent(event)) => match agent_event(event, None, &own) {
            EventReport::Agent { device, agent, state, queues } => {
                vec![agent_line(agent.as_deref(), device.as_ref(), &state, &queues)]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn route(request: &Request<'_>) -> Option<String> {
    Some(match request {
        Request::RouteRegister(register) => match &register.device {
            Some(device) => format!("asks to be asked where the calls at {} go", plain(&device.value)),
            None => "asks to be asked where the calls at every routeing device go".to_owned(),
        },
        Request::RouteRegisterCancel(cancel) => format!("wants registration {} no more", cancel.register),
        Request::RouteRegisterAbort(abort) => {
            format!("the telephone system ends registration {}, and every dialogue of it", abort.register)
        }
        Request::RouteRequest(asked) => {
            let mut text = format!("dialogue {}: where shall ", asked.cross_ref);
            match asked.call.as_ref().filter(|id| !id.call.is_empty()) {
                Some(id) => text.push_str(&format!("call {}", id.call)),
                None => text.push_str("a call"),
            }
            text.push_str(&format!(" of {}", who(asked.calling.as_ref())));
            if let Some(device) = asked.routeing.as_ref().and_then(DeviceRef::value) {
                text.push_str(&format!(" at {}", plain(device)));
            }
            text.push_str(" go?");
            if let Some(current) = asked.current.as_ref().and_then(DeviceRef::value) {
                text.push_str(&format!(" Otherwise to {}.", plain(current)));
            }
            text.push_str(&within(asked.reply_timeout));
            if let Some(data) = asked.correlator.as_ref().and_then(correlator) {
                text.push_str(&format!(" Correlator \"{data}\"."));
            }
            text
        }
        Request::ReRoute(again) => {
            let within = within(again.reply_timeout);
            format!("dialogue {}: that destination cannot be had; where else?{within}", again.cross_ref)
        }
        Request::RouteSelect(select) => {
            format!("dialogue {}: to {}", select.cross_ref, plain(&select.selected.value))
        }
        Request::RouteReject(reject) => {
            let why = reject.cause.as_ref().map(|cause| format!(", because of {}", cause.as_str()));
            format!("dialogue {}: back to the network{}", reject.cross_ref, why.unwrap_or_default())
        }
        Request::RouteUsed(used) => {
            format!("dialogue {}: the call went to {}", used.cross_ref, who(used.used.as_ref()))
        }
        Request::RouteEnd(end) => match &end.error {
            Some(error) => format!("dialogue {}: it is over; {error}", end.cross_ref),
            None => format!("dialogue {}: it is over", end.cross_ref),
        },
        _ => return None,
    })
}

fn asks(request: &Request<'_>) -> Option<String> {
    Some(match request {
        Request::GetAgentState(get) => format!("how are the agents at {}?", plain(&get.device.value)),
        Request::SetAgentState(set) => {
            let agent = set.agent.as_deref().filter(|agent| !agent.is_empty());
            let agent = agent.map_or_else(|| "the agent".to_owned(), |agent| format!("agent {agent}"));
            let state = set.requested.as_ref().map_or("in no state", |state| state.as_str());
            let group = set.group.as_ref().map(|group| format!(" in {}", plain(&group.value)));
            format!("{agent} at {} is to be {state}{}", plain(&set.device.value), group.unwrap_or_default())
        }
        _ => return None,
    })
}

fn agent_line(
    agent: Option<&str>,
    device: Option<&DeviceId>,
    state: &ProviderAgentState,
    queues: &[DeviceId],
) -> String {
    let mut text = agent.map_or_else(|| "an agent".to_owned(), |agent| format!("agent {agent}"));
    if let Some(device) = device {
        text.push_str(&format!(" at {}", device.as_str()));
    }
    let state = match state {
        ProviderAgentState::LoggedOff => "is logged off",
        ProviderAgentState::NotReady(_) => "is not ready",
        ProviderAgentState::Ready => "is ready",
        ProviderAgentState::Busy => "is busy with a call",
        ProviderAgentState::WorkingAfterCall => "is in after-call work",
    };
    text.push_str(&format!(" {state}"));
    let queues: Vec<_> = queues.iter().map(DeviceId::as_str).collect();
    if !queues.is_empty() {
        text.push_str(&format!(" in {}", queues.join(", ")));
    }
    text
}

fn plain(raw: &str) -> String {
    normalise(raw).id.into_owned()
}

fn who(device: Option<&DeviceRef<'_>>) -> String {
    match device {
        Some(DeviceRef::Restricted) => "somebody who is not shown".to_owned(),
        Some(device) => device.value().map_or_else(|| "somebody unknown".to_owned(), plain),
        None => "somebody unknown".to_owned(),
    }
}

fn within(millis: Option<u32>) -> String {
    millis.map(|millis| format!(" Within {millis} ms.")).unwrap_or_default()
}
