//! What visitors and chat programs say in these stories, and what became of it.

use crate::common::*;
use crate::world::*;
use schakel_core::adapter::ChatOperation;
use schakel_core::command::RefusalCause;
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::effect::ChatWrite;
use schakel_core::input::InputBody;
use schakel_core::model::chat::{
    Audience, Chat, ChatState, Content, Delivery, MessageRef, PrivateMessage, PublicMessage, Speaker, Visitor,
};
use schakel_core::model::ids::{ChatId, CommandId, MessageId, ProviderChatId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::Time;
use schakel_core::notification::{Kind, Notification};
use schakel_core::report::chat::{ConversationEvent, Heard, HeardBy};

/// What a provider tells that the visitor says, under one name.
pub fn line(text: &str, key: &str) -> Heard {
    Heard {
        queue: Some("balie".into()),
        visitor: jan("jan@example.org"),
        by: HeardBy::Visitor,
        keys: vec![key.into()],
        text: Pii::new(text.into()),
        links: vec![],
        said: None,
        corrects: None,
        receipt: false,
    }
}

pub fn jan(address: &str) -> Visitor {
    Visitor {
        nickname: Some(Pii::new("Jan".into())),
        address: Some(Pii::new(address.into())),
        ..Visitor::default()
    }
}

pub fn by(agent: &str) -> Speaker {
    Speaker::Agent(agent.into())
}

impl World {
    /// The chat provider tells what was said.
    pub fn hears(&mut self, conversation: &str, heard: Heard) {
        self.happens(conversation, ConversationEvent::Said(heard));
    }

    /// As [`World::hears`], of the visitor, in his own words and under one name.
    pub fn writes_at(&mut self, conversation: &str, text: &str, key: &str) {
        self.hears(conversation, line(text, key));
    }

    /// The last chat of a conversation.
    pub fn at_conversation(&self, conversation: &str) -> &Chat {
        let named: ProviderChatId = conversation.into();
        self.state.chat_of(&xmpp(), &named).expect("the conversation is known")
    }

    /// A visitor comes over the chat provider and is served by anna.
    pub fn served_at(&mut self, conversation: &str) -> ChatId {
        self.writes_at(conversation, "Goedemorgen", &format!("{conversation}-first"));
        let chat = self.at_conversation(conversation).id;
        let agent = self.offered(chat).expect("it is offered to somebody");
        self.accepts(chat, &agent);
        self.happens(conversation, ConversationEvent::AgentJoined(agent.as_str().into()));
        assert_eq!(self.the_chat(chat).state, ChatState::Active);
        chat
    }

    pub fn utters(
        &mut self,
        chat: ChatId,
        by: Speaker,
        message: u128,
        audience: Audience,
        content: Content,
    ) -> CommandId {
        let (message, content) = (MessageId(message), Box::new(content));
        self.does(chat, ChatChange::Say { by, message, audience, content })
    }

    pub fn ends(&mut self, chat: ChatId, by: Speaker) -> CommandId {
        self.does(chat, ChatChange::End { by })
    }

    pub fn state_of(&self, chat: ChatId) -> ChatState {
        self.the_chat(chat).state
    }

    /// Why a command was refused.
    pub fn refused(&self, command: CommandId) -> RefusalCause {
        self.refusal(command).expect("it was refused").0
    }

    /// The public transcript.
    pub fn public(&self, chat: ChatId) -> Vec<&PublicMessage> {
        let written = self.written.iter().filter_map(|write| match write {
            ChatWrite::Public(message) if message.chat == chat => Some(&**message),
            _ => None,
        });
        written.collect()
    }

    /// The words of the public transcript, schakel's own left out.
    pub fn words(&self, chat: ChatId) -> Vec<String> {
        let public = self.public(chat).into_iter();
        let said = public.filter(|said| !matches!(said.author, schakel_core::model::chat::Author::System(_)));
        said.map(|message| message.content.text.expose().to_string()).collect()
    }

    /// The internal transcript.
    pub fn internal(&self, chat: ChatId) -> Vec<&PrivateMessage> {
        let written = self.written.iter().filter_map(|write| match write {
            ChatWrite::Internal(message) if message.chat == chat => Some(&**message),
            _ => None,
        });
        written.collect()
    }

    /// The records of a chat, oldest first.
    pub fn records(&self, chat: ChatId) -> Vec<&Chat> {
        let written = self.written.iter().filter_map(|write| match write {
            ChatWrite::Record(record) if record.id == chat => Some(&**record),
            _ => None,
        });
        written.collect()
    }

    /// What was written of the delivery of a message.
    pub fn deliveries(&self, message: MessageId) -> Vec<Delivery> {
        let written = self.written.iter().filter_map(|write| match write {
            ChatWrite::Delivery { message: of, delivery, .. } if *of == message => Some(delivery.clone()),
            _ => None,
        });
        written.collect()
    }

    /// What the chat provider was asked of a conversation since the last time: `say Goedemorgen`, `join anna`, `end`.
    pub fn asked_at(&mut self, conversation: &str) -> Vec<String> {
        let named: ProviderChatId = conversation.into();
        let asked = std::mem::take(&mut self.conversed).into_iter();
        let here = asked.filter(|(_, operation)| operation.chat() == Some(&named));
        here.map(|(_, operation)| match operation {
            ChatOperation::Say { spoken, .. } => format!("say {}", spoken.message().content.text.expose()),
            ChatOperation::SayPrivately { message, nickname, .. } => {
                format!("{nickname} says privately {}", message.words.for_agents().text.expose())
            }
            ChatOperation::Join { agent, nickname, .. } => format!("join {} as {nickname}", agent.as_str()),
            ChatOperation::Leave { agent, .. } => format!("leave {}", agent.as_str()),
            ChatOperation::End { .. } => "end".to_owned(),
            ChatOperation::Kept { keys, .. } => format!("kept {}", keys.join(" ")),
            ChatOperation::Refuse { text, can_retry, .. } => format!("refuse {text} {can_retry}"),
            _ => "something else".to_owned(),
        })
        .collect()
    }

    pub fn last_said(&self, chat: ChatId) -> &MessageRef {
        self.the_chat(chat).messages.last().expect("something was said")
    }

    pub fn loses_chat_link(&mut self) {
        self.input(InputBody::LinkLost { provider: xmpp(), reason: "cut".into() });
    }

    pub fn has_chat_link(&mut self) {
        self.input(InputBody::LinkReady { provider: xmpp(), capabilities: carries_chats() });
        self.input(InputBody::Resynced { provider: xmpp(), without_snapshot: vec![] });
    }

    /// All that was told of one kind.
    pub fn told_of_kind(&self, kind: Kind) -> Vec<&Notification> {
        self.told.iter().filter(|told| told.kind == kind).collect()
    }

    /// Opens a chat for this visitor by a program on the REST API.
    pub fn visits_as(&mut self, queue: &str, visitor: Visitor) -> CommandId {
        self.chats(ChatCommand::Open { queue: queue.into(), visitor: Box::new(visitor) })
    }

    pub fn clock(&self) -> Time {
        Time(self.now)
    }
}

pub fn text(text: &str) -> Str {
    text.into()
}
