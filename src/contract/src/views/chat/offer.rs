//! Offers of a chat to an agent, and invitations into one (C03, W02, O20, W07).

use super::ChatActionView;
use super::message::uuid_of_chat;
use crate::Timestamp;
use crate::mirror::mirror;
use schakel_core::model::chat::{self, Chat, Invitee, Offer, OfferFor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

mirror! {
    /// Why an offer was taken away.
    RevokedBecause of chat::Revoked, "camelCase" {
        /// The visitor left, or the chat ended.
        ChatEnded,
        /// The agent's telephone rang, or he took up something else.
        AgentBusy,
        /// The agent logged off, stopped chatting, or vanished.
        AgentGone,
        /// Another agent joined the chat.
        Taken,
        /// Whoever invited took it back.
        Withdrawn,
    }
}

/// An offer of a chat to an agent: the pop-up and the tone (C03).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatOffer)]
pub struct ChatOfferView<'a> {
    /// Permanent.
    pub id: Uuid,
    /// Of which chat.
    pub chat: Uuid,
    /// To whom.
    pub agent: Cow<'a, str>,
    /// As what he would join.
    pub kind: OfferKind,
    /// Of an invitation: who invites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invited_by: Option<Cow<'a, str>>,
    /// Of an invitation: whom he named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invited: Option<InviteeView<'a>>,
    /// Of an invitation: whoever invites leaves as the other joins (O22).
    #[serde(default)]
    pub leave_on_join: bool,
    /// When it was made.
    pub offered_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// What came of it.
    pub state: OfferOutcome,
    /// Why it was taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub revoked: Option<RevokedBecause>,
    /// When it was answered, expired or was taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed_at: Option<Timestamp>,
    /// What its agent can do, or the reason why not.
    pub actions: Vec<ChatActionView>,
}

/// As what an agent would join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum OfferKind {
    /// As the owner: the chat waits in a queue.
    Owner,
    /// Beside the owner, who invited him.
    Guest,
}

/// Whom an agent invites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invitee)]
pub enum InviteeView<'a> {
    /// This agent.
    Agent(Cow<'a, str>),
    /// Any agent of this queue: the next is asked when one does not take it.
    Queue(Cow<'a, str>),
}

/// What came of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum OfferOutcome {
    /// Not answered yet.
    Pending,
    /// Taken.
    Accepted,
    /// Declined in so many words (W02).
    Rejected,
    /// Ignored (C03).
    Expired,
    /// Taken away.
    Revoked,
}

impl<'a> ChatOfferView<'a> {
    /// An offer or invitation of a chat.
    pub fn of(chat: &'a Chat, offer: &'a Offer) -> Self {
        let (kind, invited_by, invited, leave_on_join) = match &offer.what {
            OfferFor::Owner => (OfferKind::Owner, None, None, false),
            OfferFor::Guest { by, whom, leave_on_join } => (
                OfferKind::Guest,
                Some(Cow::Borrowed(by.as_str())),
                Some(InviteeView::of(whom)),
                *leave_on_join,
            ),
        };
        let (state, revoked) = match offer.state {
            chat::OfferState::Pending => (OfferOutcome::Pending, None),
            chat::OfferState::Accepted => (OfferOutcome::Accepted, None),
            chat::OfferState::Rejected => (OfferOutcome::Rejected, None),
            chat::OfferState::Expired => (OfferOutcome::Expired, None),
            chat::OfferState::Revoked(why) => (OfferOutcome::Revoked, Some(why.into())),
        };
        Self {
            id: Uuid::from_u128(offer.id.0),
            chat: uuid_of_chat(chat.id),
            agent: Cow::Borrowed(offer.agent.as_str()),
            kind,
            invited_by,
            invited,
            leave_on_join,
            offered_at: offer.offered.into(),
            expires_at: offer.deadline.into(),
            state,
            revoked,
            closed_at: offer.closed.map(Into::into),
            actions: ChatActionView::of_offer(chat, offer),
        }
    }
}

impl<'a> InviteeView<'a> {
    fn of(whom: &'a Invitee) -> Self {
        match whom {
            Invitee::Agent(agent) => Self::Agent(Cow::Borrowed(agent.as_str())),
            Invitee::Queue(queue) => Self::Queue(Cow::Borrowed(queue.as_str())),
        }
    }
}
