//! Who takes part: join, watch, leave, hand over (O08, O20 to O23, W07).

use super::Context;
use crate::command::Refusal;
use crate::model::chat::Role;
use crate::model::ids::{AgentId, ChatId, Str};

impl Context<'_> {
    pub(super) fn join_unasked(&mut self, chat: ChatId, agent: &AgentId) -> Result<(), Refusal> {
        let _ = (chat, agent);
        Ok(())
    }

    pub(super) fn observe(&mut self, chat: ChatId, agent: &AgentId, purpose: &Str) -> Result<(), Refusal> {
        let _ = (chat, agent, purpose);
        Ok(())
    }

    pub(super) fn leave_chat(&mut self, chat: ChatId, agent: &AgentId) -> Result<(), Refusal> {
        let _ = (chat, agent);
        Ok(())
    }

    /// An agent takes part from now on: told, shown to the visitor, joined at the provider.
    pub(super) fn take_part(&mut self, chat: ChatId, agent: &AgentId, role: Role) {
        let _ = (chat, agent, role);
    }

    /// An agent is gone without leaving: the chat has another agent, or goes back to the queue, first in line.
    pub(super) fn agent_lost(&mut self, chat: ChatId, agent: &AgentId) {
        let _ = (chat, agent);
    }

    pub(super) fn joined_at_provider(&mut self, chat: ChatId, agent: &AgentId) {
        let _ = (chat, agent);
    }

    pub(super) fn left_at_provider(&mut self, chat: ChatId, agent: &AgentId) {
        let _ = (chat, agent);
    }
}
