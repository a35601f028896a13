//! The overview of all chats (O25).

use schakel_core::model::agent::Agent;
use schakel_core::model::availability::CAPACITY;
use schakel_core::model::chat::Chat;
use schakel_core::model::chat_service::ChatService;
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// How many chats there are, and how many there can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatOverview)]
pub struct ChatOverviewView<'a> {
    /// Chats that the agents in the channel take at once.
    pub maximum: u32,
    /// Chats that go on with an agent.
    pub running: u32,
    /// Chats that could begin now.
    pub left: u32,
    /// Chats that wait for an agent.
    pub waiting: u32,
    /// Chats in which words of the visitor wait for an answer.
    pub unanswered: u32,
    /// Chats whose talking is over and that are not kept or taken out yet (O24).
    pub wrapping: u32,
    /// Per agent: those in the channel, and those who still have a chat.
    pub agents: Vec<AgentChatsView<'a>>,
}

/// The chats of one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentChats)]
pub struct AgentChatsView<'a> {
    /// By JKC's name of the user.
    pub agent: Cow<'a, str>,
    /// What visitors see him called; absent for who is in the channel no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nickname: Option<Cow<'a, str>>,
    /// He may be offered a chat now.
    pub takes_chats: bool,
    /// Chats that he takes at once; none of who is in the channel no more.
    pub maximum: u32,
    /// Chats in which he takes part.
    pub running: u32,
    /// Chats that he could take now.
    pub left: u32,
    /// Of his chats, those in which words of the visitor wait for an answer.
    pub unanswered: u32,
}

impl<'a> ChatOverviewView<'a> {
    /// As it is now.
    pub fn of(state: &'a State) -> Self {
        let agents: Vec<_> =
            state.agents.values().filter_map(|agent| AgentChatsView::of(state, agent)).collect();
        let sum = |of: fn(&AgentChatsView<'_>) -> u32| agents.iter().map(of).fold(0, u32::saturating_add);
        Self {
            maximum: sum(|agent| agent.maximum),
            running: count(state, |chat| chat.state.is_live() && !chat.state.is_waiting()),
            left: sum(|agent| agent.left),
            waiting: count(state, |chat| chat.state.is_waiting()),
            unanswered: count(state, is_unanswered),
            wrapping: count(state, |chat| !chat.state.is_live() && !chat.state.is_over()),
            agents,
        }
    }
}

impl<'a> AgentChatsView<'a> {
    fn of(state: &'a State, agent: &'a Agent) -> Option<Self> {
        let chats = state.of_agent.get(&agent.id).map(|of| &of.chats);
        let running = chats.map_or(0, |chats| chats.len());
        if agent.chat.is_none() && running == 0 {
            return None;
        }
        let unanswered = chats.into_iter().flatten().filter_map(|id| state.chats.get(id));
        let share = agent.chat.as_ref().and_then(|service| smallest_share(state, service));
        let places = |capacity: u16| share.map_or(0, |share| u32::from(capacity / share));
        Some(Self {
            agent: Cow::Borrowed(agent.id.as_str()),
            nickname: agent.chat.as_ref().map(|service| Cow::Borrowed(&*service.nickname)),
            takes_chats: agent.availability.takes_chats,
            maximum: places(CAPACITY),
            running: u32::try_from(running).unwrap_or(u32::MAX),
            left: if agent.availability.takes_chats { places(agent.availability.room()) } else { 0 },
            unanswered: u32::try_from(unanswered.filter(|chat| is_unanswered(chat)).count())
                .unwrap_or(u32::MAX),
        })
    }
}

/// What one chat takes of an agent's capacity, in that of his queues where it takes least.
fn smallest_share(state: &State, service: &ChatService) -> Option<u16> {
    let queues = service.queues.iter().filter_map(|queue| state.settings.chat.queue(queue));
    queues.map(|queue| queue.share(service.chats_max).max(1)).min()
}

fn is_unanswered(chat: &Chat) -> bool {
    chat.state.is_live() && chat.unanswered_since.is_some()
}

fn count(state: &State, of: impl Fn(&Chat) -> bool) -> u32 {
    u32::try_from(state.chats.values().filter(|chat| of(chat)).count()).unwrap_or(u32::MAX)
}
