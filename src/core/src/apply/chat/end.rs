//! The end, silence, wrapping, archive, removal, rating (C05, C06, O09, O16, O18, O19, O24, W10).

use super::Context;
use crate::command::Refusal;
use crate::model::chat::{EndReason, Fields, Speaker};
use crate::model::ids::{AgentId, ChatId, SessionId, Str};
use crate::model::pii::Pii;

impl Context<'_> {
    pub(super) fn end_by(&mut self, chat: ChatId, by: &Speaker) -> Result<(), Refusal> {
        let _ = (chat, by);
        Ok(())
    }

    pub(super) fn ended_by_visitor(&mut self, chat: ChatId) {
        let _ = chat;
    }

    pub(super) fn ended_by_provider(&mut self, chat: ChatId) {
        let _ = chat;
    }

    /// The talking is over.
    pub(super) fn finish_chat(&mut self, chat: ChatId, reason: EndReason, by: Option<&AgentId>) {
        let _ = (chat, reason, by);
    }

    /// Nobody has said anything: the visitor is warned, then it ends.
    pub(crate) fn chat_silent(&mut self, chat: ChatId) {
        let _ = chat;
    }

    /// A session of JKC has been closed or parked: chats that were wrapped up in it are archived.
    pub(crate) fn wrapped_up(&mut self, session: SessionId) {
        let _ = session;
    }

    /// Nobody wraps up a chat that has ended.
    pub(crate) fn wrap_overdue(&mut self, chat: ChatId) {
        let _ = chat;
    }

    pub(super) fn archive_asked(&mut self, chat: ChatId) -> Result<(), Refusal> {
        let _ = chat;
        Ok(())
    }

    pub(super) fn remove_chat(&mut self, chat: ChatId, purpose: &Str) -> Result<(), Refusal> {
        let _ = (chat, purpose);
        Ok(())
    }

    pub(super) fn rate(
        &mut self,
        chat: ChatId,
        stars: u8,
        explanation: Option<&Pii<Str>>,
    ) -> Result<(), Refusal> {
        let _ = (chat, stars, explanation);
        Ok(())
    }

    pub(super) fn set_fields(&mut self, chat: ChatId, fields: &Fields) -> Result<(), Refusal> {
        let _ = (chat, fields);
        Ok(())
    }

    /// A chat that is over is forgotten, and its contact with it.
    pub(crate) fn forget_chat(&mut self, chat: ChatId) {
        let _ = chat;
    }
}
