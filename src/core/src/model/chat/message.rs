//! What is said in a chat. What the visitor may see and what he may not are two types: there is no way from the second
//! to a visitor (rule 10).

use crate::model::ids::{AgentId, ChatId, FileId, MessageId, OptionId, Str};
use crate::model::pii::Pii;
use crate::model::time::Time;
use crate::settings::TextId;
use serde::{Deserialize, Serialize};

/// A message that the visitor sees. A row of the public transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicMessage {
    /// Its id, made by whoever sent it.
    pub id: MessageId,
    /// Of which chat.
    pub chat: ChatId,
    /// 1, 2, 3 … in the public transcript, without a gap.
    pub seq: u64,
    /// 1, 2, 3 … among all messages of the chat, without a gap: the order in which agents see them. Never told to a
    /// visitor, who could count private words by it.
    pub order: u64,
    /// When it was said.
    pub at: Time,
    /// By whom.
    pub author: Author,
    /// What.
    pub content: Content,
    /// It was said while we were away and came from the provider's archive.
    pub late: bool,
    /// The message that it takes the place of (XEP-0308).
    pub corrects: Option<MessageId>,
}

/// A word between agents (W08). A row of the internal transcript, and of nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateMessage {
    /// Its id, made by whoever sent it.
    pub id: MessageId,
    /// Of which chat.
    pub chat: ChatId,
    /// As [`PublicMessage::order`].
    pub order: u64,
    /// When it was said.
    pub at: Time,
    /// By which agent.
    pub author: AgentId,
    /// What.
    pub words: NotForVisitors,
}

/// Content that no visitor may see. It is neither a [`Content`] nor made into one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotForVisitors(Content);

impl NotForVisitors {
    /// Marks what agents say among themselves.
    pub fn new(content: Content) -> Self {
        Self(content)
    }

    /// For the agents' eyes: the internal transcript, the agents' own room.
    pub fn for_agents(&self) -> &Content {
        &self.0
    }
}

/// What is sent to a visitor over a provider. Made of a [`PublicMessage`] only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    message: PublicMessage,
    nickname: Option<Str>,
}

impl Spoken {
    /// What the visitor gets, under the nickname of the agent who says it.
    pub fn new(message: PublicMessage, nickname: Option<Str>) -> Self {
        Self { message, nickname }
    }

    /// The message.
    pub fn message(&self) -> &PublicMessage {
        &self.message
    }

    /// What the visitor sees the author called; none for schakel's own texts.
    pub fn nickname(&self) -> Option<&Str> {
        self.nickname.as_ref()
    }
}

/// Whose words they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Author {
    /// The visitor's.
    Visitor,
    /// An agent's.
    Agent(AgentId),
    /// Schakel's own: one of the organisation's texts.
    System(TextId),
}

/// Who speaks, of those who can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Speaker {
    /// The visitor.
    Visitor,
    /// An agent.
    Agent(AgentId),
}

/// For whom an agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Audience {
    /// All, the visitor too.
    Public,
    /// The other agents only (W08).
    Agents,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The words; may be empty where there are files.
    pub text: Pii<Str>,
    /// Files with it (W09).
    pub files: Vec<Attachment>,
    /// A choice that the visitor is offered (W06).
    pub choice: Option<Choice>,
    /// The option that the visitor chose, of the message that offered it.
    pub chosen: Option<(MessageId, OptionId)>,
    /// The canned text that it was made of (W05).
    pub canned: Option<Str>,
}

impl Content {
    /// Words and nothing else.
    pub fn text(text: &str) -> Self {
        Self { text: Pii::new(text.into()), files: Vec::new(), choice: None, chosen: None, canned: None }
    }
}

/// A structured choice (W06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The options, in order.
    pub options: Vec<(OptionId, Pii<Str>)>,
}

/// A file that is kept in the house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Ours.
    pub id: FileId,
    /// What it is called.
    pub name: Pii<Str>,
    /// What it is, by its content: `application/pdf`.
    pub media_type: Str,
    /// How large, in bytes.
    pub size: u64,
}

/// A message without its words: what the state keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRef {
    /// Its id.
    pub id: MessageId,
    /// 1, 2, 3 … among all messages of the chat.
    pub order: u64,
    /// 1, 2, 3 … in the public transcript; none for a private word.
    pub seq: Option<u64>,
    /// When it was said.
    pub at: Time,
    /// By whom.
    pub author: Author,
    /// Tells whether a repetition says the same: FNV-1a of everything that was said.
    pub fingerprint: u64,
    /// What the provider calls it, where it came from one; the others' names for it follow.
    pub keys: Vec<Str>,
    /// The options that it offers, while none is chosen.
    pub options: Vec<OptionId>,
    /// Whether it reached the visitor.
    pub delivery: Delivery,
}

/// Whether a message reached the visitor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Delivery {
    /// Not for him, or from him.
    None,
    /// The provider has not taken it yet.
    Pending,
    /// The provider has it; a program on the REST API can fetch it.
    Sent,
    /// His program has it (XEP-0184).
    Delivered,
    /// He has seen it (XEP-0333).
    Displayed,
    /// It did not reach him, in the provider's words.
    Failed(Str),
}
