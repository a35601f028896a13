//! A chat as its visitor sees it: public things only (rule 10).
//!
//! These are structs of their own, and what agents say among themselves does not fit in. There is no agent's id but his
//! nickname, no observer, no offer, no order among all messages (he could count private words by it), no version (it
//! counts them too). A message is made of a [`PublicMessage`]; of a private one none can be:
//!
//! ```compile_fail,E0308
//! fn leak<'a>(
//!     word: &'a schakel_core::model::chat::PrivateMessage,
//!     chat: &'a schakel_core::model::chat::Chat,
//! ) -> schakel_contract::views::VisitMessageView<'a> {
//!     schakel_contract::views::VisitMessageView::of(word, chat)
//! }
//! ```
//!
//! while one that is public is:
//!
//! ```
//! fn show<'a>(
//!     message: &'a schakel_core::model::chat::PublicMessage,
//!     chat: &'a schakel_core::model::chat::Chat,
//! ) -> schakel_contract::views::VisitMessageView<'a> {
//!     schakel_contract::views::VisitMessageView::of(message, chat)
//! }
//! ```

use super::message::{nickname_in, uuid_of, uuid_of_chat};
use super::{AttachmentView, ChoiceView, ChosenView, EndReason, TextName};
use crate::Timestamp;
use schakel_core::model::chat::{Author, Chat, ChatState, MessageRef, PublicMessage};
use schakel_core::settings::TextId;
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// A chat as its visitor sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Visit)]
pub struct VisitView<'a> {
    /// The chat's.
    pub id: Uuid,
    /// The queue that it belongs to.
    pub queue: Cow<'a, str>,
    /// What people call the queue.
    pub queue_name: Cow<'a, str>,
    /// How far it is.
    pub state: VisitState,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// What the visitor calls himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub nickname: Option<Cow<'a, str>>,
    /// The agents who take part now.
    pub agents: Vec<VisitAgentView<'a>>,
    /// The `seq` of the last message; 0 where nothing was said.
    pub last_seq: u64,
    /// The text that is shown while he waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text_id: Option<TextName>,
    /// The same, in words of his language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<Cow<'a, str>>,
    /// That agents see what he types before he sends it, in words; absent where they do not (O11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub preview_notice: Option<Cow<'a, str>>,
    /// He may send files.
    pub visitor_files: bool,
    /// How it ended; absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended: Option<VisitEndedView>,
    /// His rating: 1 to 5 (O18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 5)]
    pub stars: Option<u8>,
}

/// How far a chat is, for its visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum VisitState {
    /// He has said nothing yet, and nobody has joined.
    Opened,
    /// He waits for an agent.
    Waiting,
    /// An agent takes part.
    Active,
    /// It has ended.
    Ended,
}

/// An agent, as the visitor sees him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VisitAgent)]
pub struct VisitAgentView<'a> {
    /// What he is called.
    pub nickname: Cow<'a, str>,
}

/// How a chat ended, for its visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VisitEnded)]
pub struct VisitEndedView {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// A message as the visitor sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VisitMessage)]
pub struct VisitMessageView<'a> {
    /// Made by whoever sent it.
    pub id: Uuid,
    /// 1, 2, 3 … without a gap; a cursor.
    pub seq: u64,
    /// When it was said.
    pub at: Timestamp,
    /// By whom.
    pub author: VisitAuthorView<'a>,
    /// The words: plain text, never markup.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub text: Cow<'a, str>,
    /// Files with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<AttachmentView<'a>>,
    /// A choice that he is offered: answered by one of its options (W06).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub choice: Option<ChoiceView<'a>>,
    /// The option that he chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chosen: Option<ChosenView<'a>>,
    /// The message that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub corrects: Option<Uuid>,
}

/// Whose words they are, for the visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VisitAuthor)]
pub struct VisitAuthorView<'a> {
    /// In one word.
    pub kind: super::AuthorKind,
    /// What the agent is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nickname: Option<Cow<'a, str>>,
    /// Of schakel's own words: which of the organisation's texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text_id: Option<TextName>,
}

/// What became of a message that the visitor sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VisitReceipt)]
pub struct VisitReceiptView {
    /// Its id.
    pub id: Uuid,
    /// Its place.
    pub seq: u64,
    /// When it was said.
    pub at: Timestamp,
}

/// An agent types. It is told as it happens and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VisitTyping)]
pub struct VisitTypingView<'a> {
    /// What the agent is called.
    pub nickname: Cow<'a, str>,
    /// Whether he still does.
    pub typing: bool,
}

/// The public transcript: what the visitor saw, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PublicTranscript)]
pub struct PublicTranscriptView<'a> {
    /// The chat.
    pub visit: VisitView<'a>,
    /// What was said, in order.
    pub messages: Vec<VisitMessageView<'a>>,
}

impl<'a> VisitView<'a> {
    /// A chat as its visitor sees it: one of the state, or a record of one that is over.
    pub fn of(state: &'a State, chat: &'a Chat) -> Self {
        let settings = &state.settings.chat;
        let queue = settings.queue(&chat.queue);
        let words = |text| String::from(&*settings.text(text, chat.visitor.language.as_deref())).into();
        let shown = chat.shown.filter(|_| chat.state.is_waiting() || chat.state == ChatState::Unserved);
        let preview = queue.is_some_and(|queue| queue.typing_preview) && chat.state.is_live();
        Self {
            id: uuid_of_chat(chat.id),
            queue: Cow::Borrowed(chat.queue.as_str()),
            queue_name: Cow::Borrowed(queue.map_or(chat.queue.as_str(), |queue| &*queue.name)),
            state: VisitState::of(chat.state),
            opened_at: chat.opened.into(),
            nickname: chat.visitor.nickname.as_ref().map(|name| Cow::Borrowed(&**name.expose())),
            agents: chat
                .present()
                .map(|one| VisitAgentView { nickname: Cow::Borrowed(&one.nickname) })
                .collect(),
            last_seq: chat.public_seq,
            text_id: shown.map(Into::into),
            text: shown.map(words),
            preview_notice: preview.then(|| words(TextId::PreviewNotice)),
            visitor_files: queue.is_some_and(|queue| queue.visitor_files),
            ended: chat
                .ended
                .as_ref()
                .map(|ended| VisitEndedView { at: ended.at.into(), reason: ended.reason.into() }),
            stars: chat.rating.as_ref().map(|rating| rating.stars),
        }
    }
}

impl VisitState {
    const fn of(state: ChatState) -> Self {
        match state {
            ChatState::Opened => Self::Opened,
            ChatState::Queued | ChatState::Offered | ChatState::Connecting => Self::Waiting,
            ChatState::Active => Self::Active,
            ChatState::Wrapping
            | ChatState::Abandoned
            | ChatState::Unserved
            | ChatState::Archived
            | ChatState::Removed => Self::Ended,
        }
    }
}

impl<'a> VisitMessageView<'a> {
    /// A message as the visitor sees it.
    pub fn of(message: &'a PublicMessage, chat: &'a Chat) -> Self {
        let content = &message.content;
        Self {
            id: uuid_of(message.id),
            seq: message.seq,
            at: message.at.into(),
            author: VisitAuthorView::of(&message.author, chat),
            text: Cow::Borrowed(content.text.expose()),
            files: content.files.iter().map(AttachmentView::of).collect(),
            choice: content.choice.as_ref().map(ChoiceView::of),
            chosen: content.chosen.as_ref().map(|(message, option)| ChosenView {
                message: uuid_of(*message),
                option: Cow::Borrowed(option.as_str()),
            }),
            corrects: message.corrects.map(uuid_of),
        }
    }
}

impl<'a> VisitAuthorView<'a> {
    fn of(author: &'a Author, chat: &'a Chat) -> Self {
        use super::AuthorKind;
        match author {
            Author::Visitor => Self { kind: AuthorKind::Visitor, nickname: None, text_id: None },
            Author::Agent(agent) => Self {
                kind: AuthorKind::Agent,
                nickname: nickname_in(chat, agent).map(Cow::Borrowed),
                text_id: None,
            },
            Author::System(text) => {
                Self { kind: AuthorKind::System, nickname: None, text_id: Some((*text).into()) }
            }
        }
    }
}

impl VisitReceiptView {
    /// What became of a message; none for a word between agents, of which no visitor hears.
    pub fn of(message: &MessageRef) -> Option<Self> {
        Some(Self { id: uuid_of(message.id), seq: message.seq?, at: message.at.into() })
    }
}

impl<'a> PublicTranscriptView<'a> {
    /// The rows of the public transcript, in order.
    pub fn of(
        state: &'a State,
        chat: &'a Chat,
        messages: impl IntoIterator<Item = &'a PublicMessage>,
    ) -> Self {
        let messages = messages.into_iter().map(|message| VisitMessageView::of(message, chat));
        Self { visit: VisitView::of(state, chat), messages: messages.collect() }
    }
}
