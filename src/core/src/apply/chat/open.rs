//! A visitor comes, tells who he is, goes away, comes back (O05, O06).

use super::Context;
use crate::command::Refusal;
use crate::command::chat::OfflineMessage;
use crate::model::chat::{Presence, Visitor};
use crate::model::ids::{ChatId, CommandId, ProviderChatId, ProviderId, QueueId};

impl Context<'_> {
    pub(super) fn open_by_api(
        &mut self,
        id: CommandId,
        queue: &QueueId,
        visitor: &Visitor,
    ) -> Result<(), Refusal> {
        let _ = (id, queue, visitor);
        Ok(())
    }

    pub(super) fn opened_at_provider(
        &mut self,
        provider: &ProviderId,
        chat: &ProviderChatId,
        queue: &QueueId,
        visitor: &Visitor,
    ) {
        let _ = (provider, chat, queue, visitor);
    }

    pub(super) fn set_visitor_presence(&mut self, chat: ChatId, presence: Presence) -> Result<(), Refusal> {
        self.visitor_presence(chat, presence);
        Ok(())
    }

    /// The visitor is there, or not.
    pub(super) fn visitor_presence(&mut self, chat: ChatId, presence: Presence) {
        let _ = (chat, presence);
    }

    /// A visitor who went away has not come back.
    pub(crate) fn visitor_grace_over(&mut self, chat: ChatId) {
        let _ = chat;
    }

    /// A message is left while nobody can chat (C14, C15).
    pub(super) fn leave_message(&mut self, id: CommandId, message: &OfflineMessage) -> Result<(), Refusal> {
        let _ = (id, message);
        Ok(())
    }
}
