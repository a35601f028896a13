//! Chats: a conversation of a visitor with agents, an aggregate of its own.
//!
//! ```text
//! opened ──first message or join──► queued ──► offered ──accept──► connecting ──joined──► active ──► wrapping ──► archived | removed
//!                                     ▲           │ reject: at once to another agent; the rejecter cools down (W02)
//!                                     │           │ expired: to the next (C09); some in a row pause the agent
//!                                     └───────────┘ revoked: the visitor left, the agent's telephone rang
//! queued ──visitor left──► abandoned        queued ──too long, nobody left──► unserved (the offline form)
//! ```
//!
//! The words themselves are not part of the state: each is written where transcripts are kept
//! ([`crate::effect::ChatWrite`]), and a [`MessageRef`] stays here for order, repetition and delivery.

mod message;
mod offer;
mod visitor;

pub use message::{
    Attachment, Audience, Author, Choice, Content, Delivery, MessageRef, NotForVisitors, PrivateMessage,
    PublicMessage, Speaker, Spoken,
};
pub use offer::{Invitee, Offer, OfferFor, OfferState, Revoked};
pub use visitor::{Attribute, Presence, Visitor};

use super::ids::{
    AgentId, ChatId, ContactId, MessageId, OfferId, ProviderChatId, ProviderId, QueueId, SessionId, Str,
};
use super::pii::Pii;
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// One chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    /// Ours, permanent.
    pub id: ChatId,
    /// The customer's contact that it is.
    pub contact: ContactId,
    /// How the visitor is reached.
    pub way: Way,
    /// The queue that it belongs to now.
    pub queue: QueueId,
    /// Who the visitor is, as far as he tells.
    pub visitor: Visitor,
    /// Whether he is there.
    pub presence: Presence,
    /// Since when.
    pub presence_since: Time,
    /// How far it is.
    pub state: ChatState,
    /// Since when it is so.
    pub since: Time,
    /// When it was opened.
    pub opened: Time,
    /// When it began to wait, for the last time; what orders the queue. One that lost its agent keeps the moment at
    /// which it first began to wait, and so comes first in line.
    pub queued: Option<Time>,
    /// When the first agent joined.
    pub answered: Option<Time>,
    /// The offer that is out for an owner.
    pub offer: Option<OfferId>,
    /// The invitation that is out for another agent: one at a time (W07).
    pub invitation: Option<OfferId>,
    /// Every offer and invitation, oldest first, bounded by [`OFFERS_KEPT`].
    pub offers: VecDeque<Offer>,
    /// Agents to whom it was offered in this round, in vain: others come first.
    pub tried: Vec<AgentId>,
    /// Who takes part or took part, in the order in which they joined.
    pub participants: Vec<Participant>,
    /// What was said, in order, without the words.
    pub messages: Vec<MessageRef>,
    /// How many of them the visitor sees: the last `seq` of the public transcript.
    pub public_seq: u64,
    /// Messages for the visitor that the provider has not taken yet, oldest first, with their words.
    pub outgoing: VecDeque<Spoken>,
    /// Since when words of the visitor wait for an answer (O07).
    pub unanswered_since: Option<Time>,
    /// When the visitor or an agent last said something: silence counts from here.
    pub last_word: Time,
    /// The visitor has been warned that the chat ends for silence.
    pub warned: bool,
    /// When the visitor's last messages came, for the limit of a minute.
    pub recent: VecDeque<Time>,
    /// When the visitor was told last that something of his was refused: once a minute at most.
    pub refused: Option<Time>,
    /// The text that the visitor was shown last of C07 to C12 while he waits.
    pub shown: Option<crate::settings::TextId>,
    /// What the agent notes for JKC's record (O09).
    pub fields: Fields,
    /// Why and by whom it ended.
    pub ended: Option<Ended>,
    /// It has ended, and the provider may not know it yet: it is said again when its link is back.
    pub closing: bool,
    /// What the visitor thought of it (O18).
    pub rating: Option<Rating>,
    /// The session of JKC that it is wrapped up in.
    pub session: Option<SessionId>,
    /// Counts changes, for `If-Match`.
    pub version: u64,
}

/// Offers that a chat keeps. Beyond it the oldest are forgotten; the timeline has them all.
pub const OFFERS_KEPT: usize = 50;

/// How a visitor is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Way {
    /// Over a chat provider, in this conversation of its.
    Provider(ProviderId, ProviderChatId),
    /// By a program on the REST API, which fetches what is said.
    Api,
}

/// How far a chat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ChatState {
    /// The visitor is there and has said nothing yet (O06).
    Opened,
    /// Waits for an agent.
    Queued,
    /// Is offered to an agent.
    Offered,
    /// An agent has accepted; he joins the provider's conversation.
    Connecting,
    /// Goes on.
    Active,
    /// The talking is over; JKC's work on it is not (T11).
    Wrapping,
    /// The visitor left before anybody joined. Terminal.
    Abandoned,
    /// Nobody could be found; the visitor was shown the offline form. Terminal.
    Unserved,
    /// Kept. Terminal.
    Archived,
    /// Taken out. Terminal.
    Removed,
}

impl ChatState {
    /// Whether visitor and agents may still talk, now or later.
    pub const fn is_live(self) -> bool {
        matches!(
            self,
            ChatState::Opened
                | ChatState::Queued
                | ChatState::Offered
                | ChatState::Connecting
                | ChatState::Active
        )
    }

    /// Whether it waits for an agent.
    pub const fn is_waiting(self) -> bool {
        matches!(self, ChatState::Opened | ChatState::Queued | ChatState::Offered)
    }

    /// Whether nothing more comes of it.
    pub const fn is_over(self) -> bool {
        matches!(self, ChatState::Abandoned | ChatState::Unserved | ChatState::Archived | ChatState::Removed)
    }
}

/// An agent in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    pub agent: AgentId,
    /// What the visitor sees him called (O10).
    pub nickname: Str,
    /// As what.
    pub role: Role,
    /// When he joined.
    pub joined: Time,
    /// When he left; none while he is there, and for who was there to the end.
    pub left: Option<Time>,
}

/// As what an agent is in a chat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// The chat is his. There is never more than one.
    Owner,
    /// Invited, or joined beside the owner.
    Guest,
    /// Watches unseen for this purpose, with the permission to manage chats (O23): counts for nothing.
    Observer(Str),
}

/// What the agent notes for JKC's record (O09).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fields {
    /// Subject.
    pub subject: Option<Pii<Str>>,
    /// Category.
    pub category: Option<Str>,
    /// Remarks.
    pub remarks: Option<Pii<Str>>,
    /// E-mail address.
    pub email: Option<Pii<Str>>,
}

/// How a chat ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When the talking ended.
    pub at: Time,
    /// Why.
    pub reason: EndReason,
    /// The agent who ended it, where one did.
    pub by: Option<AgentId>,
}

/// Why a chat ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EndReason {
    /// An agent ended it.
    Agent,
    /// The visitor ended it.
    Visitor,
    /// Nobody said anything for too long.
    Inactivity,
    /// The visitor went away and did not come back.
    VisitorGone,
    /// It waited too long, or nobody was left to take it.
    NotServed,
    /// The chat provider ended the conversation.
    Provider,
}

/// What a visitor thought of a chat (O18).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rating {
    /// 1 to 5.
    pub stars: u8,
    /// Why; required with one or two stars.
    pub explanation: Option<Pii<Str>>,
    /// When.
    pub at: Time,
}

impl Chat {
    /// The agents who take part now, observers left out.
    pub fn present(&self) -> impl Iterator<Item = &Participant> {
        self.participants.iter().filter(|one| one.left.is_none() && !matches!(one.role, Role::Observer(_)))
    }

    /// Whose chat it is.
    pub fn owner(&self) -> Option<&Participant> {
        self.present().find(|one| one.role == Role::Owner)
    }

    /// An agent who takes part now, or watches.
    pub fn participant(&self, agent: &AgentId) -> Option<&Participant> {
        self.participants.iter().find(|one| one.left.is_none() && one.agent == *agent)
    }

    /// An offer or invitation.
    pub fn offer(&self, id: OfferId) -> Option<&Offer> {
        self.offers.iter().rev().find(|offer| offer.id == id)
    }

    /// The offers that are out: at most one for an owner, and one invitation.
    pub fn pending(&self) -> impl Iterator<Item = &Offer> {
        self.offer.into_iter().chain(self.invitation).filter_map(|id| self.offer(id))
    }

    /// A message by its id.
    pub fn message(&self, id: MessageId) -> Option<&MessageRef> {
        self.messages.iter().rev().find(|message| message.id == id)
    }

    /// The provider and its conversation, where the visitor comes over one.
    pub fn at_provider(&self) -> Option<(&ProviderId, &ProviderChatId)> {
        match &self.way {
            Way::Provider(provider, chat) => Some((provider, chat)),
            Way::Api => None,
        }
    }
}
