//! The world of [`crate::common`] with a chat provider and queues.

use crate::common::desk::with_agents;
use crate::common::*;
use schakel_core::adapter::ChatOperation;
use schakel_core::command::Command;
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::effect::ChatWrite;
use schakel_core::input::InputBody;
use schakel_core::model::chat::{Audience, Author, Chat, Content, OfferState, Speaker, Visitor};
use schakel_core::model::chat_service::{AgentPresence, ChatService};
use schakel_core::model::ids::{AgentId, ChatId, CommandId, MessageId, OfferId, ProviderChatId, ProviderId};
use schakel_core::model::pii::Pii;
use schakel_core::model::provider::Capabilities;
use schakel_core::model::time::Millis;
use schakel_core::notification::{Kind, Subject};
use schakel_core::report::EventReport;
use schakel_core::report::chat::{ChatEvent, ChatReport, ConversationEvent};
use schakel_core::settings::{ChatSettings, ProviderSettings, QueueSettings, Settings, TextId};

pub const AGENTS: [&str; 3] = ["anna", "bert", "carla"];

pub fn xmpp() -> ProviderId {
    "xmpp".into()
}

pub fn carries_chats() -> Capabilities {
    Capabilities { chat: true, ..Capabilities::default() }
}

/// Offline messages can be left, so that C10 has the documents' words.
pub fn queue(id: &str) -> QueueSettings {
    QueueSettings { offline: true, ..QueueSettings::named(id) }
}

pub fn with_queues(queues: Vec<QueueSettings>) -> Settings {
    let mut settings = settings();
    settings.providers.push(ProviderSettings { id: xmpp(), devices: vec![] });
    settings.chat = ChatSettings { queues, ..ChatSettings::default() };
    settings
}

impl World {
    /// As [`World::acd`], with a chat provider whose link is up and one queue, `balie`. Nobody is in the channel.
    pub fn chat() -> Self {
        Self::chat_with(vec![queue("balie")])
    }

    /// As [`World::chat`], with these queues.
    pub fn chat_with(queues: Vec<QueueSettings>) -> Self {
        let mut world = Self::acd();
        world.input(InputBody::Configured(Box::new(with_queues(queues))));
        world.input(InputBody::LinkReady { provider: xmpp(), capabilities: carries_chats() });
        world.input(InputBody::Resynced { provider: xmpp(), without_snapshot: vec![] });
        assert!(with_agents().agent_states);
        world.chat_news();
        world
    }

    pub fn configure(&mut self, queues: Vec<QueueSettings>) {
        self.input(InputBody::Configured(Box::new(with_queues(queues))));
    }

    pub fn chats(&mut self, command: ChatCommand) -> CommandId {
        self.command(Command::Chat(command))
    }

    /// An agent comes into the channel for these queues.
    pub fn starts(&mut self, agent: &str, queues: &[&str]) -> CommandId {
        self.starts_with(agent, queues, None)
    }

    /// As [`World::starts`], with a number of chats at once.
    pub fn starts_with(&mut self, agent: &str, queues: &[&str], chats_max: Option<u16>) -> CommandId {
        let queues = queues.iter().map(|queue| (*queue).into()).collect();
        self.chats(ChatCommand::Start { agent: agent.into(), queues, nickname: None, chats_max })
    }

    pub fn stops(&mut self, agent: &str) -> CommandId {
        self.chats(ChatCommand::Stop { agent: agent.into() })
    }

    pub fn chat_beats(&mut self, agent: &str) {
        self.input(InputBody::ChatHeartbeat { agent: agent.into() });
    }

    /// Time passes, and the programs of all agents in the channel are there.
    pub fn works(&mut self, seconds: u64) {
        let end = self.now + seconds * 1000;
        while self.now < end {
            if self.now + 40 < end {
                AGENTS.into_iter().for_each(|agent| self.chat_beats(agent));
            }
            // A tick takes ten milliseconds of its own.
            let step = (end - self.now).min(15_000).saturating_sub(10);
            self.wait(Millis(step.min(self.until_next())));
        }
    }

    /// How long until something is due, less the ten milliseconds of the tick.
    fn until_next(&self) -> u64 {
        let next = self.state.next_deadline().map_or(u64::MAX, |next| next.0);
        next.saturating_sub(self.now).saturating_sub(10)
    }

    /// A visitor's program opens a chat.
    pub fn visits(&mut self, queue: &str) -> CommandId {
        let visitor = Visitor { nickname: Some(Pii::new("Jan".into())), ..Visitor::default() };
        self.chats(ChatCommand::Open { queue: queue.into(), visitor: Box::new(visitor) })
    }

    /// The chat that a command made.
    pub fn chat_of(&self, command: CommandId) -> ChatId {
        self.state.commands[&command].chat.expect("a chat was made")
    }

    /// A visitor's program opens a chat and says something: it waits.
    pub fn asks(&mut self, queue: &str) -> ChatId {
        let command = self.visits(queue);
        let chat = self.chat_of(command);
        self.writes(chat, "Goedemorgen");
        chat
    }

    pub fn does(&mut self, chat: ChatId, change: ChatChange) -> CommandId {
        self.chats(ChatCommand::Change { chat, change })
    }

    /// The visitor says something, by his program on the REST API.
    pub fn writes(&mut self, chat: ChatId, text: &str) -> CommandId {
        let message = MessageId(u128::from(self.now));
        let content = Box::new(Content::text(text));
        self.does(
            chat,
            ChatChange::Say { by: Speaker::Visitor, message, audience: Audience::Public, content },
        )
    }

    /// An agent says something to the visitor.
    pub fn answers(&mut self, chat: ChatId, agent: &str, text: &str) -> CommandId {
        let message = MessageId(u128::from(self.now));
        let (by, content) = (Speaker::Agent(agent.into()), Box::new(Content::text(text)));
        self.does(chat, ChatChange::Say { by, message, audience: Audience::Public, content })
    }

    /// The agent takes what is offered to him of a chat.
    pub fn accepts(&mut self, chat: ChatId, agent: &str) -> CommandId {
        let offer = self.offer_to(chat, agent);
        self.does(chat, ChatChange::Accept { offer, agent: agent.into() })
    }

    pub fn rejects(&mut self, chat: ChatId, agent: &str) -> CommandId {
        let offer = self.offer_to(chat, agent);
        self.does(chat, ChatChange::Reject { offer, agent: agent.into() })
    }

    /// A visitor is served: he asks, and whoever is offered his chat takes it. Gives chat and agent.
    pub fn served(&mut self, queue: &str) -> (ChatId, String) {
        let chat = self.asks(queue);
        let agent = self.offered(chat).expect("it is offered to somebody");
        self.accepts(chat, &agent);
        (chat, agent)
    }

    /// What happens in a conversation of the chat provider.
    pub fn happens(&mut self, conversation: &str, event: ConversationEvent) {
        let event = ChatEvent::Chat { chat: conversation.into(), event: Box::new(event) };
        self.chat_reports(event);
    }

    pub fn chat_reports(&mut self, event: ChatEvent) {
        let report = EventReport::Chat(Box::new(ChatReport { event: Some(event), read: None }));
        self.input(InputBody::Report { provider: xmpp(), report });
    }

    /// A visitor comes over the chat provider.
    pub fn comes(&mut self, conversation: &str, queue: &str) -> ChatId {
        let visitor = Visitor { nickname: Some(Pii::new("Jan".into())), ..Visitor::default() };
        self.happens(conversation, ConversationEvent::Opened { queue: queue.into(), visitor });
        let named: ProviderChatId = conversation.into();
        let last = self.state.chats.values().rev();
        let mut last = last.filter(|chat| chat.at_provider().is_some_and(|(_, chat)| *chat == named));
        last.next().expect("it was opened").id
    }

    pub fn the_chat(&self, id: ChatId) -> &Chat {
        &self.state.chats[&id]
    }

    pub fn service(&self, agent: &str) -> &ChatService {
        let agent = &self.state.agents[&AgentId::from(agent)];
        agent.chat.as_ref().expect("he is in the channel")
    }

    /// To whom a chat is offered now.
    pub fn offered(&self, id: ChatId) -> Option<String> {
        let chat = self.the_chat(id);
        Some(chat.offer(chat.offer?)?.agent.as_str().to_owned())
    }

    /// Who is invited into a chat now.
    pub fn invited(&self, id: ChatId) -> Option<String> {
        let chat = self.the_chat(id);
        Some(chat.offer(chat.invitation?)?.agent.as_str().to_owned())
    }

    /// The last offer or invitation of a chat to an agent, whatever came of it.
    pub fn offer_to(&self, id: ChatId, agent: &str) -> OfferId {
        let offers = self.the_chat(id).offers.iter().rev();
        let mut his = offers.filter(|offer| offer.agent.as_str() == agent);
        his.next().expect("it was offered to him").id
    }

    /// What came of the offers of a chat, as `anna: Rejected`.
    pub fn came_of(&self, id: ChatId) -> Vec<String> {
        let offers = self.the_chat(id).offers.iter();
        offers.map(|offer| format!("{}: {:?}", offer.agent.as_str(), offer.state)).collect()
    }

    pub fn last_came_of(&self, id: ChatId) -> OfferState {
        self.the_chat(id).offers.back().expect("it was offered").state
    }

    /// Schakel's own texts that a visitor was shown, in order.
    pub fn texts(&self, id: ChatId) -> Vec<TextId> {
        let public = self.written.iter().filter_map(|write| match write {
            ChatWrite::Public(message) if message.chat == id => Some(message),
            _ => None,
        });
        let texts = public.filter_map(|message| match &message.author {
            Author::System(text) => Some(*text),
            _ => None,
        });
        texts.collect()
    }

    /// What was told since the last time of chats and agents' chatting, as `chat.offered@anna`; without messages,
    /// commands and availability.
    pub fn chat_news(&mut self) -> Vec<String> {
        let left_out =
            [Kind::ChatMessage, Kind::ChatDelivery, Kind::CommandCompleted, Kind::AgentAvailabilityChanged];
        let since = self.news_since();
        let news = since.iter().filter(|told| !left_out.contains(&told.kind));
        let of_chats = news.filter(|told| {
            matches!(
                told.subject,
                Subject::Chat(_) | Subject::Offer(..) | Subject::Agent(_) | Subject::Offline(..)
            )
        });
        let line = |told: &schakel_core::notification::Notification| match &told.agent {
            Some(agent) => format!("{}@{}", told.kind.as_str(), agent.as_str()),
            None => told.kind.as_str().to_owned(),
        };
        of_chats.map(line).collect()
    }

    /// What the chat provider was asked to show of an agent last.
    pub fn shown_of(&self, agent: &str) -> Option<&AgentPresence> {
        let asked = self.conversed.iter().rev().filter_map(|(_, operation)| match operation {
            ChatOperation::Show(presence) => Some(presence),
            _ => None,
        });
        asked.into_iter().find(|presence| presence.agent.as_str() == agent)
    }
}
