//! The calls, transfers, contacts and sessions of this moment, as a receiver of notifications keeps them.
//!
//! Every notification carries the whole object after the change, and an object's `version` says which of two is newer,
//! so that notifications that arrive twice or late can never turn the picture back.

use schakel_contract::event::Event;
use schakel_contract::reply::CommandReply;
use schakel_contract::views::{
    AgentView, CallView, ChatState, ChatView, CommandView, ConnectionState, ConnectionView, ContactView,
    ProviderView, SessionState, SessionView, SnapshotView, TransferState, TransferView,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Ended objects are kept for a look back, so many of each kind.
const ENDED_MAX: usize = 1000;

/// What is known.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    calls: BTreeMap<Uuid, CallView<'static>>,
    transfers: BTreeMap<Uuid, TransferView<'static>>,
    contacts: BTreeMap<Uuid, ContactView<'static>>,
    sessions: BTreeMap<Uuid, SessionView<'static>>,
    chats: BTreeMap<Uuid, ChatView<'static>>,
    commands: BTreeMap<Uuid, CommandView<'static>>,
    agents: BTreeMap<String, AgentView<'static>>,
    providers: BTreeMap<String, ProviderView<'static>>,
    /// Calls and transfers of other telephone systems are left out.
    only: Option<String>,
}

impl Picture {
    /// What a snapshot says.
    pub fn of(snapshot: SnapshotView<'static>) -> Self {
        Self {
            calls: snapshot.calls.into_iter().map(|call| (call.id, call)).collect(),
            transfers: snapshot.transfers.into_iter().map(|transfer| (transfer.id, transfer)).collect(),
            contacts: snapshot.contacts.into_iter().map(|contact| (contact.id, contact)).collect(),
            sessions: snapshot.sessions.into_iter().map(|session| (session.id, session)).collect(),
            chats: snapshot.chats.into_iter().map(|chat| (chat.id, chat)).collect(),
            commands: snapshot.commands.into_iter().map(|command| (command.id, command)).collect(),
            agents: snapshot.agents.into_iter().map(|agent| (agent.id.to_string(), agent)).collect(),
            providers: snapshot
                .providers
                .into_iter()
                .map(|provider| (provider.id.to_string(), provider))
                .collect(),
            only: None,
        }
    }

    /// With the calls and transfers of one telephone system only: another may have the same extensions.
    pub fn keeping_to(mut self, provider: &str) -> Self {
        self.only = Some(provider.to_owned());
        self.calls.retain(|_, call| call.provider == provider);
        self.transfers.retain(|_, transfer| self.calls.contains_key(&transfer.call));
        self
    }

    /// What a newer snapshot says, of the same telephone systems.
    pub fn renewed(&self, snapshot: SnapshotView<'static>) -> Self {
        let renewed = Self::of(snapshot);
        match &self.only {
            Some(provider) => renewed.keeping_to(provider),
            None => renewed,
        }
    }

    /// Takes over what a notification carries, where it is newer than what is known.
    pub fn apply(&mut self, event: &Event) {
        let data = &event.data;
        if let Some(call) = &data.call {
            self.see_call(call);
        }
        if let Some(transfer) = &data.transfer {
            self.see_transfer(transfer);
        }
        if let Some(contact) = &data.contact {
            self.contacts.insert(contact.id, contact.clone());
        }
        if let Some(session) = &data.session {
            self.see_session(session);
        }
        if let Some(chat) = &data.chat {
            self.see_chat(chat);
        }
        if let Some(command) = &data.command {
            self.see_command(command);
        }
        if let Some(agent) = &data.agent {
            self.see_agent(agent);
        }
        if let Some(provider) = &data.provider {
            self.providers.insert(provider.id.to_string(), provider.clone());
        }
        self.forget();
    }

    /// Takes over a call, where it is newer than what is known.
    pub fn see_call(&mut self, call: &CallView<'static>) {
        if self.only.as_deref().is_some_and(|only| call.provider != only) {
            return;
        }
        let known = self.calls.get(&call.id).map_or(0, |known| known.version);
        if call.version >= known {
            self.calls.insert(call.id, call.clone());
        }
    }

    /// Takes over what the reply to a command carries, where it is newer than what is known.
    pub fn see_reply(&mut self, reply: &CommandReply<'static>) {
        self.see_command(&reply.command);
        if let Some(call) = &reply.call {
            self.see_call(call);
        }
        if let Some(transfer) = &reply.transfer {
            self.see_transfer(transfer);
        }
        if let Some(session) = &reply.session {
            self.see_session(session);
        }
        if let Some(chat) = &reply.chat {
            self.see_chat(chat);
        }
        if let Some(agent) = &reply.agent {
            self.see_agent(agent);
        }
    }

    /// Takes over a chat, where it is newer than what is known.
    pub fn see_chat(&mut self, chat: &ChatView<'static>) {
        let known = self.chats.get(&chat.id).map_or(0, |known| known.version);
        if chat.version >= known {
            self.chats.insert(chat.id, chat.clone());
        }
    }

    /// Takes over a contact session, where it is newer than what is known.
    pub fn see_session(&mut self, session: &SessionView<'static>) {
        let known = self.sessions.get(&session.id).map_or(0, |known| known.version);
        if session.version >= known {
            self.sessions.insert(session.id, session.clone());
        }
    }

    /// Takes over an agent, where he is newer than what is known.
    pub fn see_agent(&mut self, agent: &AgentView<'static>) {
        let known = self.agents.get(&*agent.id).map_or(0, |known| known.version);
        if agent.version >= known {
            self.agents.insert(agent.id.to_string(), agent.clone());
        }
    }

    /// A call.
    pub fn call(&self, id: Uuid) -> Option<&CallView<'static>> {
        self.calls.get(&id)
    }

    /// The calls that go on, oldest first.
    pub fn live_calls(&self) -> impl Iterator<Item = &CallView<'static>> {
        self.calls.values().filter(|call| call.ended.is_none())
    }

    /// The calls that go on at a device, oldest first, each with its connection there.
    pub fn calls_at<'a>(
        &'a self,
        device: &'a str,
    ) -> impl Iterator<Item = (&'a CallView<'static>, &'a ConnectionView<'static>)> {
        self.live_calls().filter_map(move |call| {
            let here = call.connection(device).filter(|here| here.state != ConnectionState::Null)?;
            Some((call, here))
        })
    }

    /// A transfer.
    pub fn transfer(&self, id: Uuid) -> Option<&TransferView<'static>> {
        self.transfers.get(&id)
    }

    /// The transfers of a device, oldest first, also ended ones.
    pub fn transfers_of<'a>(
        &'a self,
        device: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a TransferView<'static>> {
        self.transfers.values().filter(move |transfer| transfer.device == device)
    }

    /// The transfer that a device has under way.
    pub fn transfer_under_way<'a>(&'a self, device: &'a str) -> Option<&'a TransferView<'static>> {
        self.transfers_of(device).rev().find(|transfer| !is_over(transfer.state))
    }

    /// A contact.
    pub fn contact(&self, id: Uuid) -> Option<&ContactView<'static>> {
        self.contacts.get(&id)
    }

    /// A contact session.
    pub fn session(&self, id: Uuid) -> Option<&SessionView<'static>> {
        self.sessions.get(&id)
    }

    /// The contact sessions of an agent, oldest first, also closed ones.
    pub fn sessions_of<'a>(
        &'a self,
        agent: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a SessionView<'static>> {
        self.sessions.values().filter(move |session| session.agent == agent)
    }

    /// A chat.
    pub fn chat(&self, id: Uuid) -> Option<&ChatView<'static>> {
        self.chats.get(&id)
    }

    /// The chats, oldest first, also those that are over.
    pub fn chats(&self) -> impl DoubleEndedIterator<Item = &ChatView<'static>> {
        self.chats.values()
    }

    /// A command.
    pub fn command(&self, id: Uuid) -> Option<&CommandView<'static>> {
        self.commands.get(&id)
    }

    /// An agent.
    pub fn agent(&self, id: &str) -> Option<&AgentView<'static>> {
        self.agents.get(id)
    }

    /// All agents, by name.
    pub fn agents(&self) -> impl Iterator<Item = &AgentView<'static>> {
        self.agents.values()
    }

    /// A telephone system.
    pub fn provider(&self, id: &str) -> Option<&ProviderView<'static>> {
        self.providers.get(id)
    }

    fn see_transfer(&mut self, transfer: &TransferView<'static>) {
        if self.only.is_some() && !self.calls.contains_key(&transfer.call) {
            return;
        }
        let known = self.transfers.get(&transfer.id).map_or(0, |known| known.version);
        if transfer.version >= known {
            self.transfers.insert(transfer.id, transfer.clone());
        }
    }

    fn see_command(&mut self, command: &CommandView<'static>) {
        let finished = self.commands.get(&command.id).is_some_and(|known| known.state.is_terminal());
        if !finished {
            self.commands.insert(command.id, command.clone());
        }
    }

    /// Ids are time-ordered, so the first that has ended is the oldest.
    fn forget(&mut self) {
        drop_oldest(&mut self.calls, |call| call.ended.is_some());
        drop_oldest(&mut self.transfers, |transfer| is_over(transfer.state));
        drop_oldest(&mut self.contacts, |contact| contact.ended_at.is_some());
        drop_oldest(&mut self.sessions, |session| session.state == SessionState::Closed);
        drop_oldest(&mut self.chats, |chat| is_closed(chat.state));
        drop_oldest(&mut self.commands, |command| command.state.is_terminal());
    }
}

/// Whether a transfer has ended.
pub const fn is_over(state: TransferState) -> bool {
    matches!(state, TransferState::Completed | TransferState::TakenBack | TransferState::Failed)
}

/// Whether nothing more comes of a chat.
pub const fn is_closed(state: ChatState) -> bool {
    matches!(state, ChatState::Abandoned | ChatState::Unserved | ChatState::Archived | ChatState::Removed)
}

fn drop_oldest<T>(all: &mut BTreeMap<Uuid, T>, has_ended: impl Fn(&T) -> bool) {
    if all.len() > ENDED_MAX
        && let Some(oldest) = all.iter().find(|(_, each)| has_ended(each)).map(|(id, _)| *id)
    {
        all.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::screen::tests::ringing;

    #[test]
    fn an_older_notification_does_not_turn_the_picture_back() {
        let mut picture = Picture::default();
        let first = ringing();
        let mut second = first.clone();
        if let Some(call) = &mut second.data.call {
            call.version += 1;
            call.connections[0].state = ConnectionState::Connected;
        }
        for event in [&first, &second, &first] {
            picture.apply(event);
        }
        let at: Vec<_> = picture.calls_at("2001").map(|(_, here)| here.state).collect();
        assert_eq!(at, [ConnectionState::Connected]);
        assert_eq!(picture.calls_at("2002").count(), 0);
    }

    #[test]
    fn ended_calls_are_forgotten_beyond_the_limit_and_live_ones_never() {
        let mut picture = Picture::default();
        picture.apply(&ringing());
        let live = ringing().data.call.map(|call| call.id).unwrap_or_default();
        for number in 0..ENDED_MAX as u128 + 10 {
            let mut event = ringing();
            if let Some(call) = &mut event.data.call {
                call.id = Uuid::from_u128(live.as_u128() + 1 + number);
                call.ended = Some(schakel_contract::views::EndedView {
                    at: schakel_contract::Timestamp::from_millis(1),
                    cause: "normalClearing".into(),
                    merged_into: None,
                });
            }
            picture.apply(&event);
        }
        assert_eq!(picture.calls.len(), ENDED_MAX);
        assert!(picture.call(live).is_some());
    }
}
