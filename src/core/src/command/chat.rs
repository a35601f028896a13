//! What JKC, or a visitor's program on the REST API, may ask of chats.

use crate::model::chat::{Audience, Content, Fields, Invitee, Presence, Speaker, Visitor};
use crate::model::ids::{AgentId, ChatId, MessageId, OfferId, OfflineMessageId, QueueId, Str};
use crate::model::pii::Pii;
use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChatCommand {
    /// An agent comes into the chat channel, or says again that he is there (O02, C01, W01). Ends a pause.
    Start {
        /// Who.
        agent: AgentId,
        /// The queues of his profile.
        queues: Vec<QueueId>,
        /// What visitors see him called; his user name where it is none (O10).
        nickname: Option<Str>,
        /// Chats at once, where it is another number than his queue's.
        chats_max: Option<u16>,
    },
    /// An agent leaves the chat channel: no more offers. His chats go on.
    Stop {
        /// Who.
        agent: AgentId,
    },
    /// A visitor opens a chat by a program on the REST API.
    Open {
        /// Where.
        queue: QueueId,
        /// Who he is.
        visitor: Box<Visitor>,
    },
    /// A visitor left a message while nobody could chat (C14, C15).
    LeaveMessage(Box<OfflineMessage>),
    /// Something is done in one chat.
    Change {
        /// Which.
        chat: ChatId,
        /// What.
        change: ChatChange,
    },
}

/// What is done in one chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChatChange {
    /// Takes an offer or an invitation (C03, W02).
    Accept {
        /// Which.
        offer: OfferId,
        /// Who.
        agent: AgentId,
    },
    /// Declines an offer or an invitation (W02).
    Reject {
        /// Which.
        offer: OfferId,
        /// Who.
        agent: AgentId,
    },
    /// Joins without an offer: as the owner where there is none, else beside him (O06, O08).
    Join {
        /// Who.
        agent: AgentId,
    },
    /// Watches unseen (O23). Needs the permission to manage chats, and is on the audit log.
    Observe {
        /// Who.
        agent: AgentId,
        /// For which purpose.
        purpose: Str,
    },
    /// Says something. The same message with the same content again is no second one; with another content it is
    /// refused.
    Say {
        /// Who.
        by: Speaker,
        /// Its id, made by the sender.
        message: MessageId,
        /// For whom; of an agent only.
        audience: Audience,
        /// What.
        content: Box<Content>,
    },
    /// Invites an agent, one at a time (O20, W07).
    Invite {
        /// Who invites.
        by: AgentId,
        /// Whom.
        whom: Invitee,
        /// He who invites leaves when the other joins.
        leave_on_join: bool,
    },
    /// Takes the invitation back.
    Withdraw {
        /// Who.
        by: AgentId,
    },
    /// Leaves. Never the last (O21).
    Leave {
        /// Who.
        agent: AgentId,
    },
    /// Notes for JKC's record (O09).
    SetFields(Box<Fields>),
    /// The visitor's program says whether he is there; of a visitor on the REST API.
    SetPresence(Presence),
    /// Ends the talking (C05, W10, O16).
    End {
        /// Who.
        by: Speaker,
    },
    /// Keeps it (C06, O19, O24).
    Archive,
    /// Takes it out: softly, with permission, and on the audit log (O19, O24).
    Remove {
        /// For which purpose.
        purpose: Str,
    },
    /// The visitor's opinion (O18).
    Rate {
        /// 1 to 5.
        stars: u8,
        /// Why; required with one or two stars.
        explanation: Option<Pii<Str>>,
    },
}

/// A message that was left while nobody could chat (C14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineMessage {
    /// Ours.
    pub id: OfflineMessageId,
    /// For which queue.
    pub queue: QueueId,
    /// The name; required.
    pub name: Pii<Str>,
    /// E-mail address.
    pub email: Option<Pii<Str>>,
    /// Telephone number.
    pub telephone: Option<Pii<Str>>,
    /// How he prefers to be answered (C15).
    pub preference: AnswerBy,
    /// The message; required.
    pub text: Pii<Str>,
    /// The language that he reads.
    pub language: Option<Str>,
}

/// How a visitor wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AnswerBy {
    /// By e-mail.
    Email,
    /// By telephone.
    Telephone,
}
