//! What a chat provider says happened, freed from its protocol.

use crate::model::chat::{Presence, Visitor};
use crate::model::chat_service::Show;
use crate::model::ids::{AgentId, MessageId, ProviderChatId, QueueId, Str};
use crate::model::pii::Pii;
use crate::model::time::Time;
use serde::{Deserialize, Serialize};

/// One thing that a chat provider says happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatReport {
    /// What, where it means something to us.
    pub event: Option<ChatEvent>,
    /// How far the provider's archive has been read with it: kept in the same transaction, and given back to the
    /// adapter after a restart, so that nothing is fetched too little and nothing is heard twice.
    pub read: Option<ArchivePosition>,
}

/// A place in one of a provider's archives (XEP-0313).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivePosition {
    /// Whose archive: our own account's, or a room's. Empty for our own.
    pub archive: Pii<Str>,
    /// The id of the last entry that was read; opaque. Empty: it will not be read any more, and is forgotten.
    pub id: Str,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChatEvent {
    /// In a conversation.
    Chat {
        /// Which. One that is not known is opened by [`ConversationEvent::Opened`] or [`ConversationEvent::Said`].
        chat: ProviderChatId,
        /// What.
        event: Box<ConversationEvent>,
    },
    /// An agent's own chat program says what he is: a hint.
    AgentShown {
        /// Who.
        agent: AgentId,
        /// What.
        show: Show,
        /// In words.
        status: Option<Str>,
    },
}

/// What happened in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConversationEvent {
    /// A visitor is there. One that is known already says more of himself.
    Opened {
        /// Where he wants to be.
        queue: QueueId,
        /// Who he is.
        visitor: Visitor,
    },
    /// Somebody said something.
    Said(Heard),
    /// The visitor is there, or not.
    Presence(Presence),
    /// The visitor has ended it.
    EndedByVisitor,
    /// The provider has ended it, in its words.
    EndedByProvider(Str),
    /// The provider has taken a message of ours.
    Sent(MessageId),
    /// The visitor's program has it (XEP-0184).
    Delivered(MessageId),
    /// The visitor has seen it (XEP-0333).
    Displayed(MessageId),
    /// It cannot be had by the visitor, in the provider's words.
    NotDelivered(MessageId, Str),
    /// An agent whom we announced is in the provider's conversation.
    AgentJoined(AgentId),
    /// He is not any more.
    AgentLeft(AgentId),
    /// Something of the visitor was refused at the door: too large, forged, not well-formed.
    Refused(Str),
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Where he wants to be, for a conversation that is not known yet; none where it must be known.
    pub queue: Option<QueueId>,
    /// Who the visitor is, for the same.
    pub visitor: Visitor,
    /// By whom.
    pub by: HeardBy,
    /// The names by which the provider may tell it again, the most certain first (XEP-0359 stanza-id with its `by`,
    /// origin-id with the sender). Never empty. The first of several known already: it is a repetition. Another of
    /// them: it is one if the words are the same, since a sender may use an id again.
    pub keys: Vec<Str>,
    /// The words.
    pub text: Pii<Str>,
    /// Files that lie at the provider: name or address, as told (XEP-0066). They are named, not fetched.
    pub links: Vec<Pii<Str>>,
    /// When it was said, where it was kept for us meanwhile (XEP-0203).
    pub said: Option<Time>,
    /// The key of the message that it takes the place of (XEP-0308).
    pub corrects: Option<Str>,
    /// Whoever said it wants to hear that it is kept (XEP-0184).
    pub receipt: bool,
}

/// Who said something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeardBy {
    /// The visitor.
    Visitor,
    /// An agent, with a chat program of his own.
    Agent(AgentId),
    /// An agent, in the agents' own room: a private word (W08).
    AgentPrivately(AgentId),
}
