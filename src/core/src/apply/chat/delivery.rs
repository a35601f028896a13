//! Whether what was said reached the visitor, and what is said again when a provider's link is back.

use super::Context;
use crate::adapter::ChatOperation;
use crate::effect::{ChatWrite, Effect};
use crate::model::chat::Delivery;
use crate::model::ids::{ChatId, MessageId, ProviderId, Str};
use crate::notification::{Kind, MessageTold};

impl Context<'_> {
    pub(super) fn message_sent(&mut self, chat: ChatId, message: MessageId) {
        self.delivered(chat, message, Delivery::Sent);
    }

    pub(super) fn message_delivered(&mut self, chat: ChatId, message: MessageId) {
        self.delivered(chat, message, Delivery::Delivered);
    }

    pub(super) fn message_displayed(&mut self, chat: ChatId, message: MessageId) {
        self.delivered(chat, message, Delivery::Displayed);
    }

    pub(super) fn message_failed(&mut self, chat: ChatId, message: MessageId, why: &Str) {
        self.delivered(chat, message, Delivery::Failed(super::content::clip(why, 500)));
    }

    /// Says again what a provider has not confirmed: its link is up again. In the order in which it was said; the end of
    /// a conversation after its last words.
    pub(super) fn say_again(&mut self, provider: &ProviderId) {
        let mut again = Vec::new();
        // Not by conversation: the visitor may have begun another chat in it before the last words of this one were taken.
        for chat in self.state.chats.values() {
            let at = chat.at_provider().filter(|(at, _)| *at == provider);
            let Some((_, conversation)) = at else { continue };
            again.extend(chat.outgoing.iter().map(|spoken| ChatOperation::Say {
                chat: conversation.clone(),
                spoken: Box::new(spoken.clone()),
            }));
            if chat.closing {
                again.push(ChatOperation::End { chat: conversation.clone() });
            }
        }
        let again = again.into_iter();
        self.effects
            .extend(again.map(|operation| Effect::Converse { provider: provider.clone(), operation }));
    }

    /// The chat in which a message was said: that of the conversation, or one that ended in it before.
    fn said_in(&self, now: ChatId, message: MessageId) -> ChatId {
        let Some(known) = self.state.chats.get(&now).filter(|chat| chat.message(message).is_none()) else {
            return now;
        };
        let mut before = self.state.chats.range(..now).rev().map(|(_, chat)| chat);
        let said = before.find(|chat| chat.way == known.way && chat.message(message).is_some());
        said.map_or(now, |chat| chat.id)
    }

    /// A message has come further. What comes late, or out of order, takes nothing back.
    fn delivered(&mut self, chat: ChatId, message: MessageId, now: Delivery) {
        let chat = self.said_in(chat, message);
        let Some(known) = self.state.chats.get_mut(&chat) else { return };
        let Some(said) = known.messages.iter_mut().rev().find(|said| said.id == message) else { return };
        if rank(&now) <= rank(&said.delivery) || said.delivery == Delivery::None {
            return;
        }
        said.delivery = now.clone();
        known.outgoing.retain(|spoken| spoken.message().id != message);
        self.effects.push(Effect::Write(ChatWrite::Delivery { chat, message, delivery: now.clone() }));
        // That a provider has it is nothing that anybody waits for.
        if now != Delivery::Sent {
            self.tell_message(Kind::ChatDelivery, MessageTold::Delivery(chat, message, now));
        }
    }
}

/// How far a message is. One that is said not to have arrived may still have: a visitor has several programs.
fn rank(delivery: &Delivery) -> u8 {
    match delivery {
        Delivery::None | Delivery::Pending => 0,
        Delivery::Sent => 1,
        Delivery::Failed(_) => 2,
        Delivery::Delivered => 3,
        Delivery::Displayed => 4,
    }
}
