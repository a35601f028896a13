//! Offers of a chat to an agent, and invitations into one.

use crate::model::ids::{AgentId, OfferId, QueueId};
use crate::model::time::Time;
use serde::{Deserialize, Serialize};

/// One offer to one agent, with what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Ours, permanent.
    pub id: OfferId,
    /// To whom.
    pub agent: AgentId,
    /// As what he would join.
    pub what: OfferFor,
    /// When it was made.
    pub offered: Time,
    /// When it expires.
    pub deadline: Time,
    /// What came of it.
    pub state: OfferState,
    /// When it was answered, expired or revoked.
    pub closed: Option<Time>,
}

/// As what an agent would join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferFor {
    /// As the owner: the chat waits in a queue.
    Owner,
    /// Beside the owner, who invited him (O20, W07).
    Guest {
        /// Who invites.
        by: AgentId,
        /// Whom he named: one agent, or any of a queue.
        whom: Invitee,
        /// Whoever invites leaves as the other joins: a transfer in one step (W07, O22).
        leave_on_join: bool,
    },
}

/// Whom an agent invites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Invitee {
    /// This agent.
    Agent(AgentId),
    /// Any agent of this queue: the next is asked when one does not take it.
    Queue(QueueId),
}

/// What came of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OfferState {
    /// Not answered yet.
    Pending,
    /// Taken.
    Accepted,
    /// Declined in so many words (W02).
    Rejected,
    /// Ignored (C03).
    Expired,
    /// Taken away.
    Revoked(Revoked),
}

/// Why an offer was taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Revoked {
    /// The visitor left, or the chat ended.
    ChatEnded,
    /// The agent's telephone rang, or he took up something else (C02).
    AgentBusy,
    /// The agent logged off, stopped chatting, or vanished.
    AgentGone,
    /// Another agent joined the chat (O08).
    Taken,
    /// Whoever invited took it back.
    Withdrawn,
}
