//! Telling JKC: every notification of a contact has the next number (rule 11).

use super::Context;
use crate::command::Command;
use crate::command::chat::{ChatChange, ChatCommand};
use crate::effect::Effect;
use crate::model::cause::Cause;
use crate::model::chat::Author;
use crate::model::ids::{
    AgentId, CallId, ChatId, CommandId, ContactId, DeviceId, NotificationId, OfferId, OfflineMessageId,
    ProviderId, QueueId, RouteId, SessionId, TransferId,
};
use crate::notification::{Kind, MessageTold, Notification, Subject};

impl Context<'_> {
    /// Tells what happened to a call, at this device where it is about one connection. Counts as a change of the call.
    pub(super) fn tell_call(&mut self, kind: Kind, id: CallId, device: Option<&DeviceId>, cause: Cause) {
        let Some(call) = self.state.calls.get_mut(&id) else { return };
        call.version += 1;
        let contact = call.contact;
        let sits = device.and_then(|device| call.connection(device)).and_then(|at| at.agent.clone());
        let agent = sits.or_else(|| {
            let device = self.state.devices.get(&call.provider)?.get(device?)?;
            device.agent.clone()
        });
        self.tell(kind, Subject::Call(id), Some(contact), device, agent, cause);
    }

    /// Tells how far a transfer is. Counts as a change of the transfer.
    pub(super) fn tell_transfer(&mut self, kind: Kind, id: TransferId) {
        let Some(transfer) = self.state.transfers.get_mut(&id) else { return };
        transfer.version += 1;
        let (contact, device, cause) = (transfer.contact, transfer.device.clone(), transfer.cause);
        let agent = self.state.calls.get(&transfer.call).and_then(|call| {
            let sits = call.connection(&device).and_then(|at| at.agent.clone());
            sits.or_else(|| self.state.device(&call.provider, &device)?.agent.clone())
        });
        self.tell(kind, Subject::Transfer(id), Some(contact), Some(&device), agent, cause);
    }

    /// Tells that a command has its outcome, within its contact where it has one.
    pub(super) fn tell_command(&mut self, id: CommandId) {
        let Some(record) = self.state.commands.get(&id) else { return };
        // What is said is told as what was said: a notification more for each line would say nothing new.
        if matches!(
            &record.command,
            Command::Chat(ChatCommand::Change { change: ChatChange::Say { .. }, .. })
        ) {
            return;
        }
        let chat = record.chat.and_then(|chat| self.state.chats.get(&chat)).map(|chat| chat.contact);
        let contact = match (record.call, record.transfer, record.session) {
            (Some(call), ..) => self.state.calls.get(&call).map(|call| call.contact),
            (None, Some(transfer), _) => self.state.transfers.get(&transfer).map(|transfer| transfer.contact),
            (None, None, Some(session)) => {
                self.state.sessions.get(&session).and_then(|session| session.contact)
            }
            (None, None, None) => chat,
        };
        let (device, agent) = match &record.device {
            Some((provider, device)) => (
                Some(device.clone()),
                self.state.device(provider, device).and_then(|device| device.agent.clone()),
            ),
            None => (None, None),
        };
        self.because_of(Some(id), |context| {
            context.tell(
                Kind::CommandCompleted,
                Subject::Command(id),
                contact,
                device.as_ref(),
                agent,
                Cause::Normal,
            );
        });
    }

    /// Tells how far a routing is. Counts as a change of it.
    pub(super) fn tell_route(&mut self, kind: Kind, id: RouteId) {
        let Some(route) = self.state.routes.get_mut(&id) else { return };
        route.version += 1;
        let (contact, device) = (route.contact, route.device.clone());
        self.tell(kind, Subject::Route(id), contact, Some(&device), None, Cause::Normal);
    }

    /// Tells of a provider's link.
    pub(super) fn tell_provider(&mut self, kind: Kind, provider: &ProviderId) {
        self.tell(kind, Subject::Provider(provider.clone()), None, None, None, Cause::Normal);
    }

    /// Tells of an agent, at the device where he sits or sat.
    pub(super) fn tell_agent(
        &mut self,
        kind: Kind,
        agent: &AgentId,
        device: Option<&DeviceId>,
        contact: Option<ContactId>,
        cause: Cause,
    ) {
        self.tell(kind, Subject::Agent(agent.clone()), contact, device, Some(agent.clone()), cause);
    }

    /// Tells of after-call work, within the contact of its session.
    pub(super) fn tell_after_call(&mut self, kind: Kind, agent: &AgentId, session: SessionId, cause: Cause) {
        let contact = self.state.sessions.get(&session).and_then(|session| session.contact);
        let device = self.seat_of(agent);
        self.tell_agent(kind, agent, device.as_ref(), contact, cause);
    }

    /// Tells of a session, within its contact, or within that of the call that it is about. Counts as a change of it.
    pub(super) fn tell_session(
        &mut self,
        kind: Kind,
        id: SessionId,
        contact: Option<ContactId>,
        cause: Cause,
    ) {
        let Some(session) = self.state.sessions.get_mut(&id) else { return };
        session.version += 1;
        let (contact, agent) = (contact.or(session.contact), session.agent.clone());
        let device = self.seat_of(&agent);
        self.tell(kind, Subject::Session(id), contact, device.as_ref(), Some(agent), cause);
    }

    /// Tells what happened to a chat, for this agent where it is about one. Counts as a change of it.
    pub(super) fn tell_chat(&mut self, kind: Kind, id: ChatId, agent: Option<&AgentId>, cause: Cause) {
        let Some(chat) = self.state.chats.get_mut(&id) else { return };
        chat.version += 1;
        let contact = chat.contact;
        self.tell(kind, Subject::Chat(id), Some(contact), None, agent.cloned(), cause);
    }

    /// Tells what came of an offer or an invitation. Counts as a change of its chat.
    pub(super) fn tell_offer(&mut self, kind: Kind, chat: ChatId, offer: OfferId, cause: Cause) {
        let Some(known) = self.state.chats.get_mut(&chat) else { return };
        known.version += 1;
        let (contact, agent) = (known.contact, known.offer(offer).map(|offer| offer.agent.clone()));
        self.tell(kind, Subject::Offer(chat, offer), Some(contact), None, agent, cause);
    }

    /// Tells what was said, or whether it reached the visitor. No change of the chat: who said it is its author.
    pub(super) fn tell_message(&mut self, kind: Kind, told: MessageTold) {
        let Some(contact) = self.state.chats.get(&told.chat()).map(|chat| chat.contact) else { return };
        let agent = match &told {
            MessageTold::Public(message) => match &message.author {
                Author::Agent(agent) => Some(agent.clone()),
                Author::Visitor | Author::System(_) => None,
            },
            MessageTold::Internal(message) => Some(message.author.clone()),
            MessageTold::Delivery(..) => None,
        };
        self.tell(kind, Subject::Message(Box::new(told)), Some(contact), None, agent, Cause::Normal);
    }

    /// Tells of a message that was left.
    pub(super) fn tell_offline(&mut self, id: OfflineMessageId, queue: &QueueId) {
        let subject = Subject::Offline(id, queue.clone());
        self.tell(Kind::ChatOfflineReceived, subject, None, None, None, Cause::Normal);
    }

    fn seat_of(&self, agent: &AgentId) -> Option<DeviceId> {
        Some(self.state.agents.get(agent)?.registration.as_ref()?.device.clone())
    }

    fn tell(
        &mut self,
        kind: Kind,
        subject: Subject,
        contact: Option<ContactId>,
        device: Option<&DeviceId>,
        agent: Option<AgentId>,
        cause: Cause,
    ) {
        let contact = contact.and_then(|id| {
            let contact = self.state.contacts.get_mut(&id)?;
            contact.seq += 1;
            Some((id, contact.seq))
        });
        let expires = match kind {
            Kind::CallRinging | Kind::CallOffered => Some(self.at + self.state.settings.ringing_expires),
            Kind::ChatOffered | Kind::ChatInvited => match &subject {
                Subject::Offer(chat, offer) => {
                    let chat = self.state.chats.get(chat);
                    chat.and_then(|chat| chat.offer(*offer)).map(|offer| offer.deadline)
                }
                _ => None,
            },
            Kind::RouteRequested => match &subject {
                Subject::Route(id) => self.state.routes.get(id).map(|route| route.deadline),
                _ => None,
            },
            _ => None,
        };
        self.effects.push(Effect::Notify(Notification {
            id: NotificationId(self.ids.make()),
            kind,
            subject,
            contact,
            device: device.cloned(),
            agent,
            cause,
            command: self.command,
            reconstructed: self.reconstructed,
            at: self.at,
            expires,
        }));
    }
}
