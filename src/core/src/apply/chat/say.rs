//! What is said: order, repetition, limits, delivery (O07, O14, W05, W06, W08, W09).

use super::Context;
use crate::command::Refusal;
use crate::model::chat::{Audience, Content, Speaker};
use crate::model::ids::{AgentId, ChatId, MessageId, ProviderChatId, ProviderId, Str};
use crate::report::chat::Heard;
use crate::settings::TextId;

impl Context<'_> {
    pub(super) fn say(
        &mut self,
        chat: ChatId,
        by: &Speaker,
        message: MessageId,
        audience: Audience,
        content: &Content,
    ) -> Result<(), Refusal> {
        let _ = (chat, by, message, audience, content);
        Ok(())
    }

    pub(super) fn heard(&mut self, provider: &ProviderId, chat: &ProviderChatId, heard: &Heard) {
        let _ = (provider, chat, heard);
    }

    /// The visitor is shown one of the organisation's texts, in his language; `about` is the agent whom it names.
    pub(super) fn say_text(&mut self, chat: ChatId, text: TextId, about: Option<&AgentId>) {
        let _ = (chat, text, about);
    }

    pub(super) fn message_sent(&mut self, chat: ChatId, message: MessageId) {
        let _ = (chat, message);
    }

    pub(super) fn message_delivered(&mut self, chat: ChatId, message: MessageId) {
        let _ = (chat, message);
    }

    pub(super) fn message_displayed(&mut self, chat: ChatId, message: MessageId) {
        let _ = (chat, message);
    }

    pub(super) fn message_failed(&mut self, chat: ChatId, message: MessageId, why: &Str) {
        let _ = (chat, message, why);
    }

    /// Says again what a provider has not confirmed: its link is up again.
    pub(super) fn say_again(&mut self, provider: &ProviderId) {
        let _ = provider;
    }
}
