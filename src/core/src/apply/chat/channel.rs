//! Who is in the chat channel (O02, C01, W01).

use super::Context;
use crate::command::Refusal;
use crate::model::chat_service::{AgentPresence, Show};
use crate::model::ids::{AgentId, ChatServiceId, ProviderId, QueueId, Str};
use crate::state::State;

impl Context<'_> {
    pub(super) fn start_chatting(
        &mut self,
        agent: &AgentId,
        queues: &[QueueId],
        nickname: Option<&Str>,
        chats_max: Option<u16>,
    ) -> Result<(), Refusal> {
        let _ = (agent, queues, nickname, chats_max);
        Ok(())
    }

    pub(super) fn stop_chatting(&mut self, agent: &AgentId) -> Result<(), Refusal> {
        let _ = agent;
        Ok(())
    }

    /// JKC is there, for an agent in the chat channel.
    pub(crate) fn chat_heartbeat(&mut self, agent: &AgentId) {
        let _ = agent;
    }

    /// The heartbeats have stopped: he is waited for. The grace period is over too: he is gone.
    pub(crate) fn chat_lease_over(&mut self, service: ChatServiceId) {
        let _ = service;
    }

    /// The daemon starts: no heartbeat could be heard while it was away.
    pub(crate) fn renew_chat_leases(&mut self) {}

    /// An agent's own chat program says what he is.
    pub(super) fn agent_shown(&mut self, agent: &AgentId, show: Show, status: Option<&Str>) {
        let _ = (agent, show, status);
    }

    /// A chat provider's link is up: what has not been confirmed is asked again; its agents are shown.
    pub(crate) fn chat_link_up(&mut self, provider: &ProviderId) {
        let _ = provider;
    }

    /// A chat provider's link is lost: what its programs said of agents is void.
    pub(crate) fn chat_link_lost(&mut self, provider: &ProviderId) {
        let _ = provider;
    }

    /// What has changed of an agent is shown at chat providers, and waiting chats may be his. Called for each agent who
    /// was touched, after his availability is known.
    pub(crate) fn mind_chats(&mut self, agent: &AgentId) {
        let _ = agent;
    }
}

/// What chat providers are to show of all agents in the channel.
pub(super) fn presences(state: &State) -> Vec<AgentPresence> {
    let _ = state;
    Vec::new()
}
