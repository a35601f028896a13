//! Forgetting who a customer was, at his request (GDPR article 17). What happened stays, without number and name.

use super::Context;
use crate::command::chat::{ChatChange, ChatCommand};
use crate::command::{Command, CommandState};
use crate::model::call::{Call, Direction, Party};
use crate::model::chat::{Chat, Content, Delivery, Visitor, Way};
use crate::model::ids::{CallId, ChatId, ContactId, DeviceId, ProviderChatId, ProviderId, SessionId};
use crate::model::pii::Pii;
use crate::state::State;

/// Stands where the number of an outside device stood, in a call that has ended.
const ERASED: &str = "erased";

impl Context<'_> {
    /// Forgets the customer of each of these contacts, and whom these sessions name. Nothing is told: what was told
    /// before is the journal's business.
    ///
    /// The outside device of a call that goes on keeps its name here, because events say by that name what happens to
    /// it; it is not shown, and it goes with the call. So do the conversation of a chat that goes on, and words that its
    /// provider has not taken yet.
    pub(super) fn erase(&mut self, contacts: &[ContactId], sessions: &[SessionId]) {
        for id in contacts {
            let Some(contact) = self.state.contacts.get_mut(id) else { continue };
            contact.erased = true;
            // Of a call that we dialled, what was dialled is the customer.
            contact.dialled.take_if(|dialled| dialled.number == contact.customer.number);
            contact.customer = hidden();
            contact.reference = None;
            let (calls, chats) = (contact.calls.clone(), contact.chats.clone());
            for call in &calls {
                self.erase_call(*call);
            }
            self.erase_commands(&calls);
            for chat in &chats {
                self.erase_chat(*chat);
            }
            self.erase_chat_commands(&chats);
        }
        for route in self.state.routes.values_mut() {
            if route.contact.is_some_and(|contact| contacts.contains(&contact)) {
                route.calling = hidden();
            }
        }
        self.erase_sessions(contacts, sessions);
    }

    /// What JKC named the customer by in his sessions, which outlive the contact or are about none.
    fn erase_sessions(&mut self, contacts: &[ContactId], sessions: &[SessionId]) {
        let erased = |contact: &Option<ContactId>| contact.is_some_and(|contact| contacts.contains(&contact));
        for session in self.state.sessions.values_mut() {
            if erased(&session.contact) || sessions.contains(&session.id) {
                session.reference = None;
            }
        }
        for record in self.state.commands.values_mut() {
            if let Command::OpenSession { contact, reference, .. } = &mut record.command
                && (erased(contact) || record.session.is_some_and(|session| sessions.contains(&session)))
            {
                *reference = None;
            }
        }
    }

    fn erase_call(&mut self, id: CallId) {
        let Some(mut call) = self.state.calls.remove(&id) else { return };
        let provider = call.provider.clone();
        let outside = |device: &DeviceId| is_outside(self.state, &provider, device);
        if call.calling_device.as_ref().is_none_or(outside) {
            call.calling = hidden();
        }
        if call.called_device.as_ref().is_none_or(outside) && call.direction != Direction::Inbound {
            call.called = hidden();
            call.network_called = None;
        }
        if call.redirected_by.is_some() {
            call.redirected_by = Some(hidden());
        }
        call.correlator = None;
        if !call.is_live() {
            forget_devices(&mut call, outside);
        }
        call.version += 1;
        self.state.calls.insert(id, call);
    }

    /// What was dialled, of commands that have their outcome: one under way still needs it.
    fn erase_commands(&mut self, calls: &[CallId]) {
        for record in self.state.commands.values_mut() {
            let done = matches!(record.state, CommandState::Done { .. });
            if done
                && record.call.is_some_and(|call| calls.contains(&call))
                && let Command::Dial { destination, reference, .. } = &mut record.command
            {
                *destination = Pii::new("".into());
                *reference = None;
            }
        }
    }
}

impl Context<'_> {
    fn erase_chat(&mut self, id: ChatId) {
        let Some(chat) = self.state.chats.get(&id) else { return };
        let at = chat.at_provider().map(|(provider, conversation)| (provider.clone(), conversation.clone()));
        let untold = at.as_ref().is_some_and(|(provider, _)| chat.closing && !self.is_link_up(provider));
        let needed = chat.state.is_live() || untold;
        let Some(chat) = self.state.chats.get_mut(&id) else { return };
        hide_visitor(chat);
        chat.version += 1;
        let Some((provider, conversation)) = at else { return };
        if needed {
            // Events name it by this, and its provider is to be told of its end; it goes when it is forgotten.
            chat.way = Way::Provider(provider, conversation);
            return;
        }
        chat.outgoing.clear();
        chat.closing = false;
        hide_messages(chat);
        self.forget_conversation(&provider, &conversation, id);
    }

    /// Who the visitor was, of commands that have their outcome. What was said is not in them any more.
    fn erase_chat_commands(&mut self, chats: &[ChatId]) {
        for record in self.state.commands.values_mut() {
            let done = matches!(record.state, CommandState::Done { .. });
            let Command::Chat(asked) = &mut record.command else { continue };
            if !done || !record.chat.is_some_and(|chat| chats.contains(&chat)) {
                continue;
            }
            match asked {
                ChatCommand::Open { visitor, .. } => **visitor = Visitor::default(),
                ChatCommand::Change { change, .. } => match change {
                    ChatChange::SetFields(fields) => {
                        fields.subject = None;
                        fields.remarks = None;
                        fields.email = None;
                    }
                    ChatChange::Rate { explanation, .. } => *explanation = None,
                    _ => {}
                },
                _ => {}
            }
        }
    }

    /// A provider's conversation leads to a chat no more.
    pub(super) fn forget_conversation(
        &mut self,
        provider: &ProviderId,
        conversation: &ProviderChatId,
        chat: ChatId,
    ) {
        let Some(conversations) = self.state.by_conversation.get_mut(provider) else { return };
        if conversations.get(conversation) == Some(&chat) {
            conversations.remove(conversation);
        }
        if conversations.is_empty() {
            self.state.by_conversation.remove(provider);
        }
    }
}

/// Takes out of a chat who its visitor is, and what he and others noted of him.
pub(super) fn hide_visitor(chat: &mut Chat) {
    chat.visitor = Visitor { language: chat.visitor.language.take(), ..Visitor::default() };
    chat.fields.subject = None;
    chat.fields.remarks = None;
    chat.fields.email = None;
    if let Some(rating) = &mut chat.rating {
        rating.explanation = None;
    }
    if let Way::Provider(_, conversation) = &mut chat.way {
        *conversation = ERASED.into();
    }
}

/// Takes out of a chat what its messages say of its visitor: whoever told of them named him in it, and short words can
/// be guessed by their fingerprint.
pub(super) fn hide_messages(chat: &mut Chat) {
    for said in &mut chat.messages {
        said.keys.clear();
        said.fingerprint = 0;
        if let Delivery::Failed(why) = &mut said.delivery {
            *why = ERASED.into();
        }
    }
}

/// What was said is where transcripts are kept, and is not needed in the command that said it.
pub(super) fn forget_words(asked: &mut ChatCommand) {
    match asked {
        ChatCommand::Change { change: ChatChange::Say { content, .. }, .. } => **content = Content::text(""),
        ChatCommand::LeaveMessage(message) => {
            message.name = Pii::new("".into());
            message.email = None;
            message.telephone = None;
            message.text = Pii::new("".into());
        }
        _ => {}
    }
}

fn forget_devices(call: &mut Call, outside: impl Fn(&DeviceId) -> bool) {
    call.calling_device.take_if(|device| outside(device));
    call.called_device.take_if(|device| outside(device));
    for connection in call.connections.iter_mut().filter(|connection| !connection.ours) {
        connection.device = DeviceId::from(ERASED);
    }
}

/// Nobody who is shown, nor filled in by a later event.
fn hidden() -> Party {
    Party { restricted: true, ..Party::default() }
}

fn is_outside(state: &State, provider: &ProviderId, device: &DeviceId) -> bool {
    state.device(provider, device).is_none()
}
