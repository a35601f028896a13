//! Agents of the PBX (ECMA-269 clause 22): what it says of them, and asking for it where it says nothing by itself.

use std::collections::{BTreeMap, BTreeSet};

use schakel_core::adapter::{Operation, Output, ProviderCommand};
use schakel_core::model::agent::{ProviderAgentState, RequestedAgentState};
use schakel_core::model::ids::{DeviceId, Str};
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::EventReport;
use schakel_csta_wire as wire;
use schakel_csta_wire::{
    AgentEvent, AgentEventKind, AgentState, CstaError, DeviceRef, EventCause, Request, Response,
};

use crate::session::{Awaited, Csta};
use crate::translate::OwnDevices;

/// A device whose agents could not be told is asked about again at the earliest after this.
const RETRY: Millis = Millis::seconds(60);

/// What a report says of one agent: who, how he is, in which queues.
type Said = (Option<Str>, ProviderAgentState, Vec<DeviceId>);

/// Devices whose agents are asked about again and again.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    due: BTreeSet<(Time, DeviceId)>,
    /// What was told last, and when it is asked again; not while it is being asked.
    known: BTreeMap<DeviceId, Polled>,
}

#[derive(Debug, Default)]
struct Polled {
    due: Option<Time>,
    said: Vec<Said>,
}

impl Polls {
    /// When the next one is due, unless too much is unanswered to ask.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Asks of this device at this time, and not before.
    fn set(&mut self, device: &DeviceId, at: Option<Time>) {
        let polled = self.known.entry(device.clone()).or_default();
        if let Some(before) = polled.due.take() {
            self.due.remove(&(before, device.clone()));
        }
        polled.due = at;
        if let Some(at) = at {
            self.due.insert((at, device.clone()));
        }
    }

    fn is_known(&self, device: &DeviceId) -> bool {
        self.known.contains_key(device)
    }
}

impl Csta {
    /// Asks about the agents whose turn it is, as long as few enough requests are unanswered.
    pub(crate) fn poll_agents(&mut self, now: Time, output: &mut Vec<Output>) {
        while self.may_ask()
            && let Some((at, device)) = self.polls.due.first().cloned()
            && at <= now
        {
            self.polls.set(&device, None);
            let request = get_agent_state(&device);
            self.request(request, Awaited::Agents(device), self.settings.request_limit, now, output);
        }
    }

    /// The answer to a question of our own.
    pub(crate) fn agents_polled(
        &mut self,
        device: &DeviceId,
        result: Result<Response<'_>, CstaError<'_>>,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        let every = self.settings.agent_poll;
        match result {
            Ok(Response::GetAgentState(response)) => {
                self.agents_told(device, &response, false, output);
                self.polls.set(device, Some(now + every));
            }
            Err(error) if error.value == "serviceNotSupported" => {
                self.observed.count("agent_polls_refused");
                self.polls = Polls::default();
            }
            _ => {
                self.observed.count("agent_polls_refused");
                self.polls.set(device, Some(now + every.max(RETRY)));
            }
        }
    }

    /// What an answer says of the agents at a device; unless it was asked for, as far as it is new.
    pub(crate) fn agents_told(
        &mut self,
        device: &DeviceId,
        response: &wire::GetAgentStateResponse<'_>,
        asked: bool,
        output: &mut Vec<Output>,
    ) {
        let said = said(response, &self.own);
        let polled = self.polls.known.get_mut(device);
        if !asked && polled.as_ref().is_some_and(|polled| polled.said == said) {
            return;
        }
        if let Some(polled) = polled {
            polled.said.clone_from(&said);
        }
        for (agent, state, queues) in said {
            output.push(Output::Report(EventReport::Agent {
                device: Some(device.clone()),
                agent,
                state,
                queues,
            }));
        }
    }

    /// The core asked about an agent, or changed one: from now on he is looked after, and looked at soon.
    pub(crate) fn agent_minded(&mut self, operation: &Operation, now: Time) {
        let every = self.settings.agent_poll;
        let (device, at) = match operation {
            Operation::GetAgentState { device } => (device, now + every),
            Operation::SetAgentState { device, .. } => (device, now),
            _ => return,
        };
        if every.0 > 0 && self.own.is_ours(device) {
            self.polls.set(device, Some(at));
        }
    }

    /// The PBX told by itself: what the next answer tells is new only if it differs from that.
    pub(crate) fn agent_seen(&mut self, report: &EventReport) {
        let EventReport::Agent { device: Some(device), agent, state, queues } = report else { return };
        if self.polls.is_known(device)
            && let Some(polled) = self.polls.known.get_mut(device)
        {
            polled.said = vec![(agent.clone(), state.clone(), queues.clone())];
        }
    }

    /// What remains of a command after an answer: a log-on is for one queue at a time.
    pub(crate) fn next_of(command: &ProviderCommand) -> Option<ProviderCommand> {
        let Operation::SetAgentState { device, agent, state, queues } = &command.operation else {
            return None;
        };
        let queues = queues.get(1..).filter(|rest| !rest.is_empty() && is_for_queues(state))?.to_vec();
        let operation = Operation::SetAgentState {
            device: device.clone(),
            agent: agent.clone(),
            state: state.clone(),
            queues,
        };
        Some(ProviderCommand { operation, ..command.clone() })
    }
}

/// `GetAgentState` of the agents at a device.
pub(crate) fn get_agent_state(device: &DeviceId) -> Request<'static> {
    wire::GetAgentState { device: wire::DeviceId::new(device.as_str().to_owned()), group: None }.into()
}

/// `SetAgentState`. The standard has no place for a reason of not being ready, nor do we know passwords.
pub(crate) fn set_agent_state(
    device: &DeviceId,
    agent: Option<&Str>,
    state: &RequestedAgentState,
    queues: &[DeviceId],
) -> Request<'static> {
    use wire::RequestedAgentState as Wanted;
    let requested = match state {
        RequestedAgentState::LoggedOn => Wanted::LoggedOn,
        RequestedAgentState::LoggedOff => Wanted::LoggedOff,
        RequestedAgentState::NotReady(_) => Wanted::NotReady,
        RequestedAgentState::Ready => Wanted::Ready,
        RequestedAgentState::WorkingAfterCall => Wanted::WorkingAfterCall,
    };
    let group = queues.first().filter(|_| is_for_queues(state));
    wire::SetAgentState {
        device: wire::DeviceId::new(device.as_str().to_owned()),
        requested: Some(requested),
        agent: agent.map(|agent| agent.to_string().into()),
        password: None,
        group: group.map(|queue| wire::DeviceId::new(queue.as_str().to_owned())),
    }
    .into()
}

/// An agent logs on to a queue and off from it; ready or not he is in all of them.
fn is_for_queues(state: &RequestedAgentState) -> bool {
    matches!(state, RequestedAgentState::LoggedOn | RequestedAgentState::LoggedOff)
}

/// The report of an agent event. Who has just logged on takes no calls until he is said to be ready.
pub(crate) fn agent_event(
    event: &AgentEvent<'_>,
    monitor: Option<&DeviceId>,
    own: &OwnDevices,
) -> EventReport {
    let data = &event.data;
    let queues: Vec<DeviceId> = data.group.iter().filter_map(|group| own.device(&group.value)).collect();
    let named = data.device.as_ref().and_then(DeviceRef::value).and_then(|raw| own.device(raw));
    // The monitor of a queue tells of agents elsewhere.
    let device = named.or_else(|| monitor.filter(|monitor| !queues.contains(monitor)).cloned());
    let reason = || {
        // That he pressed a key is no reason why.
        let told = |cause: &&EventCause<'_>| !matches!(cause, EventCause::Normal | EventCause::KeyOperation);
        let cause = data.cause.as_ref().filter(told);
        cause.map(|cause| Str::from(cause.as_str()))
    };
    let state = match event.kind {
        AgentEventKind::LoggedOff => ProviderAgentState::LoggedOff,
        AgentEventKind::LoggedOn => ProviderAgentState::NotReady(None),
        AgentEventKind::NotReady => ProviderAgentState::NotReady(reason()),
        AgentEventKind::Ready => ProviderAgentState::Ready,
        AgentEventKind::Busy => ProviderAgentState::Busy,
        AgentEventKind::WorkingAfterCall => ProviderAgentState::WorkingAfterCall,
    };
    EventReport::Agent { device, agent: agent_id(data.agent.as_deref()), state, queues }
}

fn agent_id(agent: Option<&str>) -> Option<Str> {
    agent.filter(|agent| !agent.is_empty()).map(Str::from)
}

/// What an answer says: one for each agent; nobody there is one who is logged off.
pub(crate) fn said(response: &wire::GetAgentStateResponse<'_>, own: &OwnDevices) -> Vec<Said> {
    let mut said: Vec<Said> = response
        .entries
        .iter()
        .map(|entry| {
            let logged_on =
                entry.info.iter().filter(|info| !matches!(info.state, Some(AgentState::AgentNull)));
            let queues: Vec<DeviceId> =
                logged_on.filter_map(|info| own.device(&info.group.as_ref()?.value)).collect();
            let state = if entry.logged_on { state_of(entry) } else { ProviderAgentState::LoggedOff };
            let queues = if state == ProviderAgentState::LoggedOff { Vec::new() } else { queues };
            (agent_id(entry.agent.as_deref()), state, queues)
        })
        .collect();
    if said.is_empty() {
        said.push((None, ProviderAgentState::LoggedOff, Vec::new()));
    }
    said
}

/// One state of the states in each queue: what keeps him most.
fn state_of(entry: &wire::AgentStateEntry<'_>) -> ProviderAgentState {
    let is = |state: &AgentState<'_>| entry.info.iter().any(|info| info.state.as_ref() == Some(state));
    let told = entry.info.iter().any(|info| info.state.is_some());
    if is(&AgentState::AgentBusy) {
        ProviderAgentState::Busy
    } else if is(&AgentState::AgentWorkingAfterCall) {
        ProviderAgentState::WorkingAfterCall
    } else if is(&AgentState::AgentReady) {
        ProviderAgentState::Ready
    } else if is(&AgentState::AgentNotReady) || !told {
        ProviderAgentState::NotReady(None)
    } else if is(&AgentState::AgentNull) {
        ProviderAgentState::LoggedOff
    } else {
        ProviderAgentState::NotReady(None)
    }
}
