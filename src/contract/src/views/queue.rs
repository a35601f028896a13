//! Queues, live: the telephone system queues, schakel shows it (T01, T02).

use super::{AvailabilityState, RecognitionView};
use crate::{Recognise, RouteGuide, Timestamp};
use schakel_core::model::agent::Agent;
use schakel_core::model::availability;
use schakel_core::model::call::ConnectionState;
use schakel_core::model::device::{Device, DeviceKind};
use schakel_core::model::ids::{DeviceId, ProviderId};
use schakel_core::model::route::Route;
use schakel_core::model::time::Time;
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A queue as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Queue)]
pub struct QueueView<'a> {
    /// In figures.
    #[serde(flatten)]
    pub summary: QueueSummaryView<'a>,
    /// The callers who wait, longest first.
    pub callers: Vec<QueuedCallerView>,
    /// The users who serve it, by name.
    pub agents: Vec<QueueAgentView<'a>>,
}

/// A queue in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueueSummary)]
pub struct QueueSummaryView<'a> {
    /// The telephone system.
    pub provider: Cow<'a, str>,
    /// Its number.
    #[schema(examples("7000"))]
    pub device: Cow<'a, str>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("Publieksbalie"))]
    pub name: Option<Cow<'a, str>>,
    /// How many callers wait.
    pub waiting: u32,
    /// Since when the one waits who waits longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub waiting_since: Option<Timestamp>,
    /// The users who serve it, by availability.
    pub agents_by_state: AgentsByStateView,
}

/// How many users are what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentsByState)]
pub struct AgentsByStateView {
    /// Sit nowhere, or are logged off by the telephone system.
    pub offline: u32,
    /// Their telephone cannot be reached.
    pub unreachable: u32,
    /// Ring, dial or speak.
    pub on_call: u32,
    /// Do after-call work.
    pub after_call: u32,
    /// Do not want calls now.
    pub not_ready: u32,
    /// Work in a session without a call.
    pub in_session: u32,
    /// Chat, and do not telephone.
    #[serde(default)]
    pub chatting: u32,
    /// Are free.
    pub available: u32,
}

/// A caller who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueuedCaller)]
pub struct QueuedCallerView {
    /// The customer's contact.
    pub contact: Uuid,
    /// His call.
    pub call: Uuid,
    /// Since when he waits here.
    pub since: Timestamp,
}

/// A user who serves a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueueAgent)]
pub struct QueueAgentView<'a> {
    /// JKC's name of the user.
    pub agent: Cow<'a, str>,
    /// What he is now.
    pub state: AvailabilityState,
    /// A new call may be offered.
    pub takes_calls: bool,
    /// Since when he is so.
    pub since: Timestamp,
}

/// What JKC may want to know when it decides where a call goes (T01).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Situation)]
pub struct SituationView<'a> {
    /// Whose number the caller's is, as far as JKC switched it on: his contact may not be known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub caller: Option<RecognitionView<'a>>,
    /// The telephone system's queues in figures.
    pub queues: Vec<QueueSummaryView<'a>>,
    /// Its users by availability, those among them who serve no queue.
    pub agents_by_state: AgentsByStateView,
    /// The department that the routeing device is for, as the configuration has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("Burgerzaken"))]
    pub department: Option<String>,
    /// How the routeing device's opening hours stood when the telephone system asked; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub opening_hours: Option<OpeningHoursView>,
}

/// Opening hours at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OpeningHours)]
pub struct OpeningHoursView {
    /// Their name in the configuration.
    #[schema(examples("publieksbalie"))]
    pub name: String,
    /// Whether it is open.
    pub open: bool,
    /// Until when that stays so; absent where that is more than a year away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub until: Option<Timestamp>,
}

impl AgentsByStateView {
    fn count(&mut self, agent: &Agent) {
        use availability::AvailabilityState as State;
        let count = match agent.availability.state {
            State::Offline => &mut self.offline,
            State::Unreachable => &mut self.unreachable,
            State::OnCall => &mut self.on_call,
            State::AfterCall => &mut self.after_call,
            State::NotReady => &mut self.not_ready,
            State::InSession => &mut self.in_session,
            State::Chatting => &mut self.chatting,
            State::Available => &mut self.available,
        };
        *count += 1;
    }
}

impl<'a> QueueView<'a> {
    /// A queue as it is shown; none where there is no such queue.
    pub fn of(state: &'a State, provider: &'a ProviderId, id: &'a DeviceId) -> Option<Self> {
        let device = state.device(provider, id).filter(|device| device.kind == DeviceKind::Queue)?;
        let agents: Vec<_> = state.agents.values().filter(|agent| serves(agent, provider, id)).collect();
        Some(Self::with(state, provider, id, device, &agents))
    }

    /// All queues, by telephone system and number.
    pub fn all(state: &'a State) -> Vec<Self> {
        let mut serving: BTreeMap<(&ProviderId, &DeviceId), Vec<&Agent>> = BTreeMap::new();
        for agent in state.agents.values() {
            if let Some(seat) = &agent.registration {
                for queue in &seat.queues {
                    serving.entry((&seat.provider, queue)).or_default().push(agent);
                }
            }
        }
        let view = |(provider, id, device): (&'a ProviderId, &'a DeviceId, &'a Device)| {
            let agents = serving.get(&(provider, id)).map_or(&[][..], Vec::as_slice);
            Self::with(state, provider, id, device, agents)
        };
        queues(state).map(view).collect()
    }

    fn with(
        state: &'a State,
        provider: &'a ProviderId,
        id: &'a DeviceId,
        device: &'a Device,
        agents: &[&'a Agent],
    ) -> Self {
        let callers = callers(state, provider, id);
        let mut by_state = AgentsByStateView::default();
        agents.iter().for_each(|agent| by_state.count(agent));
        Self {
            summary: QueueSummaryView::with(provider, id, device, &callers, by_state),
            callers,
            agents: agents.iter().map(|agent| QueueAgentView::of(agent)).collect(),
        }
    }
}

impl<'a> QueueSummaryView<'a> {
    fn with(
        provider: &'a ProviderId,
        id: &'a DeviceId,
        device: &'a Device,
        callers: &[QueuedCallerView],
        agents_by_state: AgentsByStateView,
    ) -> Self {
        Self {
            provider: Cow::Borrowed(provider.as_str()),
            device: Cow::Borrowed(id.as_str()),
            name: device.name.as_ref().map(|name| Cow::Borrowed(&**name.expose())),
            waiting: u32::try_from(callers.len()).unwrap_or(u32::MAX),
            waiting_since: callers.first().map(|caller| caller.since),
            agents_by_state,
        }
    }
}

impl<'a> QueueAgentView<'a> {
    fn of(agent: &'a Agent) -> Self {
        Self {
            agent: Cow::Borrowed(agent.id.as_str()),
            state: agent.availability.state.into(),
            takes_calls: agent.availability.takes_calls,
            since: agent.availability.since.into(),
        }
    }
}

impl<'a> SituationView<'a> {
    /// The situation at the telephone system that asks.
    pub fn of(state: &'a State, route: &'a Route, guide: &dyn RouteGuide, recognise: &dyn Recognise) -> Self {
        let provider = &route.provider;
        let mut by_queue: BTreeMap<&DeviceId, AgentsByStateView> = BTreeMap::new();
        let mut agents_by_state = AgentsByStateView::default();
        for agent in state.agents.values() {
            let Some(seat) = agent.registration.as_ref().filter(|seat| seat.provider == *provider) else {
                continue;
            };
            agents_by_state.count(agent);
            for queue in &seat.queues {
                by_queue.entry(queue).or_default().count(agent);
            }
        }
        let figures = |(provider, id, device): (&'a ProviderId, &'a DeviceId, &'a Device)| {
            let agents = by_queue.get(id).copied().unwrap_or_default();
            QueueSummaryView::with(provider, id, device, &callers(state, provider, id), agents)
        };
        let of_this = queues(state).filter(|(of, ..)| *of == provider);
        let (of, device) = (provider.as_str(), route.device.as_str());
        Self {
            caller: Some(recognise.recognise(&route.calling)),
            queues: of_this.map(figures).collect(),
            agents_by_state,
            department: guide.department(of, device),
            opening_hours: guide.hours(of, device, route.asked.into()),
        }
    }
}

fn queues(state: &State) -> impl Iterator<Item = (&ProviderId, &DeviceId, &Device)> {
    state.devices.iter().flat_map(|(provider, devices)| {
        let queues = devices.iter().filter(|(_, device)| device.kind == DeviceKind::Queue);
        queues.map(move |(id, device)| (provider, id, device))
    })
}

fn serves(agent: &Agent, provider: &ProviderId, queue: &DeviceId) -> bool {
    agent.registration.as_ref().is_some_and(|seat| seat.provider == *provider && seat.queues.contains(queue))
}

/// Who waits in a queue, longest first.
fn callers(state: &State, provider: &ProviderId, queue: &DeviceId) -> Vec<QueuedCallerView> {
    let here = state.at_device.get(provider).and_then(|devices| devices.get(queue));
    let calls = here.into_iter().flat_map(|here| &here.calls).filter_map(|id| state.calls.get(id));
    let mut waiting: Vec<(Time, QueuedCallerView)> = calls
        .filter_map(|call| {
            let place = call.live().find(|each| each.device == *queue)?;
            let caller = QueuedCallerView {
                contact: Uuid::from_u128(call.contact.0),
                call: Uuid::from_u128(call.id.0),
                since: place.since.into(),
            };
            (place.state == ConnectionState::Queued).then_some((place.since, caller))
        })
        .collect();
    waiting.sort_by_key(|(since, caller)| (*since, caller.call));
    waiting.into_iter().map(|(_, caller)| caller).collect()
}
