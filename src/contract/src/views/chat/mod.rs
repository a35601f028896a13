//! Chats, as agents see them.
//!
//! What a visitor's program sees is [`VisitView`] and what belongs to it: structs of its own, made of public things only (rule 10).

mod action;
mod agent;
mod message;
mod offer;
mod overview;
mod queue;
mod visit;
mod visitor;

pub use action::{ChatActionName, ChatActionView, ChatReasonCode, ChatReasonView};
pub use agent::{AgentChatView, ProgramShow, ShownView};
pub use message::{
    AttachmentView, AuthorKind, AuthorView, ChatMessageView, ChoiceOptionView, ChoiceView, ChosenView,
    ContentView, InternalMessageView, MessageDeliveryState, MessageDeliveryView, MessageReceiptView,
    PublicMessageView,
};
pub use offer::{ChatOfferView, InviteeView, OfferKind, OfferOutcome, RevokedBecause};
pub use overview::{AgentChatsView, ChatOverviewView};
pub use queue::{
    BusyPolicy, CannedTextView, ChatQueueView, QueueAvailabilityView, QueueFact, QueueFactView,
    QueueFactsView, TextName,
};
pub use visit::{
    PublicTranscriptView, VisitAgentView, VisitAuthorView, VisitEndedView, VisitMessageView,
    VisitReceiptView, VisitState, VisitTypingView, VisitView,
};
pub use visitor::{
    AttributeView, OfflineMessageView, PreferredAnswer, VisitorPresence, VisitorTypingView, VisitorView,
};

use crate::Timestamp;
use crate::mirror::mirror;
use message::uuid_of_chat;
use schakel_core::model::chat::{self, Chat, Participant, Way};
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

mirror! {
    /// How far a chat is.
    ChatState of chat::ChatState, "camelCase" {
        /// The visitor is there and has said nothing yet.
        Opened,
        /// Waits for an agent.
        Queued,
        /// Is offered to an agent.
        Offered,
        /// An agent has taken it and joins the conversation.
        Connecting,
        /// Goes on.
        Active,
        /// The talking is over; JKC's work on it is not.
        Wrapping,
        /// The visitor left before anybody joined.
        Abandoned,
        /// Nobody could be found; the visitor was shown the offline form.
        Unserved,
        /// Kept.
        Archived,
        /// Taken out.
        Removed,
    }
}

mirror! {
    /// Why a chat ended.
    EndReason of chat::EndReason, "camelCase" {
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
}

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Chat)]
pub struct ChatView<'a> {
    /// Permanent.
    pub id: Uuid,
    /// The customer's contact that it is.
    pub contact: Uuid,
    /// The chat provider over which the visitor comes; absent for a program on the REST API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub provider: Option<Cow<'a, str>>,
    /// The queue that it belongs to now.
    pub queue: Cow<'a, str>,
    /// How far it is.
    pub state: ChatState,
    /// Since when.
    pub since: Timestamp,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it began to wait, for the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub queued_at: Option<Timestamp>,
    /// When the first agent joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub answered_at: Option<Timestamp>,
    /// Who the visitor is, as far as he or his site tells.
    pub visitor: VisitorView<'a>,
    /// Whether he is there.
    pub presence: VisitorPresence,
    /// Since when.
    pub presence_since: Timestamp,
    /// Who takes part or took part, in the order in which they joined; observers too, whom the visitor never sees.
    pub participants: Vec<ParticipantView<'a>>,
    /// The offer that is out for an owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offer: Option<ChatOfferView<'a>>,
    /// The invitation that is out for another agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invitation: Option<ChatOfferView<'a>>,
    /// Messages: the `order` of the last.
    pub messages: u64,
    /// Those of them that the visitor sees: the `seq` of the last.
    pub public_messages: u64,
    /// When the visitor or an agent last said something.
    pub last_word_at: Timestamp,
    /// Since when words of the visitor wait for an answer (O07).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub unanswered_since: Option<Timestamp>,
    /// The visitor has been warned that it ends for silence.
    #[serde(default)]
    pub warned: bool,
    /// The text that the visitor was shown last while he waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shown: Option<TextName>,
    /// What the agent notes for JKC's record (O09).
    pub fields: ChatFieldsView<'a>,
    /// How it ended; absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended: Option<ChatEndedView<'a>>,
    /// What the visitor thought of it (O18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rating: Option<ChatRatingView<'a>>,
    /// The session that it is wrapped up in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<Uuid>,
    /// What can be done now by whoever may, or the reason why not; what only a participant can do stands with him.
    pub actions: Vec<ChatActionView>,
    /// Counts changes; the entity tag, for `If-Match`.
    pub version: u64,
}

/// An agent in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatParticipant)]
pub struct ParticipantView<'a> {
    /// By JKC's name of the user.
    pub agent: Cow<'a, str>,
    /// What the visitor sees him called.
    pub nickname: Cow<'a, str>,
    /// As what.
    pub role: ChatRole,
    /// When he joined.
    pub joined_at: Timestamp,
    /// When he left; absent while he is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub left_at: Option<Timestamp>,
    /// What he can do now, or the reason why not; empty for who has left.
    pub actions: Vec<ChatActionView>,
}

/// As what an agent is in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChatRole {
    /// The chat is his.
    Owner,
    /// Invited, or joined beside the owner.
    Guest,
    /// Watches unseen, and counts for nothing (O23).
    Observer,
}

/// What the agent notes for JKC's record (O09).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatFields)]
pub struct ChatFieldsView<'a> {
    /// Subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub subject: Option<Cow<'a, str>>,
    /// Category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub category: Option<Cow<'a, str>>,
    /// Remarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub remarks: Option<Cow<'a, str>>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub email: Option<Cow<'a, str>>,
}

/// How a chat ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatEnded)]
pub struct ChatEndedView<'a> {
    /// When the talking ended.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
    /// The agent who ended it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub by: Option<Cow<'a, str>>,
}

/// What a visitor thought of a chat (O18).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatRating)]
pub struct ChatRatingView<'a> {
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub stars: u8,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub explanation: Option<Cow<'a, str>>,
    /// When he said so.
    pub at: Timestamp,
}

/// The internal transcript: everything that was said, for agents' eyes only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InternalTranscript)]
pub struct InternalTranscriptView<'a> {
    /// The chat.
    pub chat: ChatView<'a>,
    /// What was said, in order.
    pub messages: Vec<ChatMessageView<'a>>,
}

impl<'a> ChatView<'a> {
    /// A chat as agents see it: one of the state, or a record of one that is over.
    pub fn of(state: &'a State, chat: &'a Chat) -> Self {
        let offer = |id| chat.offer(id).map(|offer| ChatOfferView::of(chat, offer));
        Self {
            id: uuid_of_chat(chat.id),
            contact: Uuid::from_u128(chat.contact.0),
            provider: match &chat.way {
                Way::Provider(provider, _) => Some(Cow::Borrowed(provider.as_str())),
                Way::Api => None,
            },
            queue: Cow::Borrowed(chat.queue.as_str()),
            state: chat.state.into(),
            since: chat.since.into(),
            opened_at: chat.opened.into(),
            queued_at: chat.queued.map(Into::into),
            answered_at: chat.answered.map(Into::into),
            visitor: VisitorView::of(&chat.visitor),
            presence: chat.presence.into(),
            presence_since: chat.presence_since.into(),
            participants: chat.participants.iter().map(|one| ParticipantView::of(chat, one)).collect(),
            offer: chat.offer.and_then(offer),
            invitation: chat.invitation.and_then(offer),
            messages: chat.messages.last().map_or(0, |last| last.order),
            public_messages: chat.public_seq,
            last_word_at: chat.last_word.into(),
            unanswered_since: chat.unanswered_since.map(Into::into),
            warned: chat.warned,
            shown: chat.shown.map(Into::into),
            fields: ChatFieldsView::of(&chat.fields),
            ended: chat.ended.as_ref().map(ChatEndedView::of),
            rating: chat.rating.as_ref().map(ChatRatingView::of),
            session: chat.session.map(|session| Uuid::from_u128(session.0)),
            actions: ChatActionView::of_chat(&state.settings.chat.limits, chat),
            version: chat.version,
        }
    }

    /// An agent who takes part now, or watches.
    pub fn participant(&self, agent: &str) -> Option<&ParticipantView<'a>> {
        self.participants.iter().find(|one| one.left_at.is_none() && one.agent == agent)
    }
}

impl<'a> ParticipantView<'a> {
    fn of(chat: &'a Chat, one: &'a Participant) -> Self {
        Self {
            agent: Cow::Borrowed(one.agent.as_str()),
            nickname: Cow::Borrowed(&one.nickname),
            role: match one.role {
                chat::Role::Owner => ChatRole::Owner,
                chat::Role::Guest => ChatRole::Guest,
                // For which purpose is on the audit log, and nowhere else.
                chat::Role::Observer(_) => ChatRole::Observer,
            },
            joined_at: one.joined.into(),
            left_at: one.left.map(Into::into),
            actions: ChatActionView::of_participant(chat, one),
        }
    }

    /// Whether he can do something now.
    pub fn allows(&self, action: ChatActionName) -> bool {
        self.actions.iter().any(|each| each.action == action && each.allowed)
    }
}

impl<'a> ChatFieldsView<'a> {
    fn of(fields: &'a chat::Fields) -> Self {
        Self {
            subject: fields.subject.as_ref().map(|subject| Cow::Borrowed(&**subject.expose())),
            category: fields.category.as_deref().map(Cow::Borrowed),
            remarks: fields.remarks.as_ref().map(|remarks| Cow::Borrowed(&**remarks.expose())),
            email: fields.email.as_ref().map(|email| Cow::Borrowed(&**email.expose())),
        }
    }
}

impl<'a> ChatEndedView<'a> {
    fn of(ended: &'a chat::Ended) -> Self {
        Self {
            at: ended.at.into(),
            reason: ended.reason.into(),
            by: ended.by.as_ref().map(|by| Cow::Borrowed(by.as_str())),
        }
    }
}

impl<'a> ChatRatingView<'a> {
    fn of(rating: &'a chat::Rating) -> Self {
        Self {
            stars: rating.stars,
            explanation: rating.explanation.as_ref().map(|why| Cow::Borrowed(&**why.expose())),
            at: rating.at.into(),
        }
    }
}
