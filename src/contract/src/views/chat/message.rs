//! What is said in a chat, as agents see it. What the visitor sees is another type, [`super::VisitMessageView`], which
//! is made of a public message only.

use super::TextName;
use crate::Timestamp;
use schakel_core::model::chat::{
    self, Attachment, Author, Chat, Choice, Content, MessageRef, PrivateMessage, PublicMessage,
};
use schakel_core::model::ids::{AgentId, ChatId, MessageId, OptionId, Str};
use schakel_core::model::pii::Pii;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// A message of a chat, as agents see it: `audience` says who else does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "audience", rename_all = "camelCase")]
#[schema(as = ChatMessage)]
pub enum ChatMessageView<'a> {
    /// The visitor sees it too.
    Public(PublicMessageView<'a>),
    /// Agents only: never shown to the visitor (W08).
    Agents(InternalMessageView<'a>),
}

/// A message that the visitor sees, as agents see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PublicMessage)]
pub struct PublicMessageView<'a> {
    /// Made by whoever sent it.
    pub id: Uuid,
    /// Of which chat.
    pub chat: Uuid,
    /// 1, 2, 3 … in the public transcript, without a gap.
    pub seq: u64,
    /// 1, 2, 3 … among all messages of the chat, without a gap; a cursor.
    pub order: u64,
    /// When it was said.
    pub at: Timestamp,
    /// By whom.
    pub author: AuthorView<'a>,
    /// What.
    #[serde(flatten)]
    pub content: ContentView<'a>,
    /// It was said while the link to the chat provider was down, and came from the provider's archive.
    #[serde(default)]
    pub late: bool,
    /// The message that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub corrects: Option<Uuid>,
    /// Whether it reached the visitor; absent for what is from him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub delivery: Option<MessageDeliveryView<'a>>,
}

/// A word between agents, which no visitor sees (W08).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InternalMessage)]
pub struct InternalMessageView<'a> {
    /// Made by whoever sent it.
    pub id: Uuid,
    /// Of which chat.
    pub chat: Uuid,
    /// 1, 2, 3 … among all messages of the chat, without a gap; a cursor.
    pub order: u64,
    /// When it was said.
    pub at: Timestamp,
    /// By whom.
    pub author: AuthorView<'a>,
    /// What.
    #[serde(flatten)]
    pub content: ContentView<'a>,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageContent)]
pub struct ContentView<'a> {
    /// The words: plain text, never markup. Empty where there are only files.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub text: Cow<'a, str>,
    /// Files with it (W09).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<AttachmentView<'a>>,
    /// A choice that the visitor is offered (W06).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub choice: Option<ChoiceView<'a>>,
    /// The option that the visitor chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chosen: Option<ChosenView<'a>>,
    /// The canned text that it was made of (W05).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub canned: Option<Cow<'a, str>>,
}

/// Whose words they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Author)]
pub struct AuthorView<'a> {
    /// In one word.
    pub kind: AuthorKind,
    /// The agent, by JKC's name of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<Cow<'a, str>>,
    /// What the visitor sees the agent called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nickname: Option<Cow<'a, str>>,
    /// Of schakel's own words: which of the organisation's texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text_id: Option<TextName>,
}

/// Whose words they are, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AuthorKind {
    /// The visitor's.
    Visitor,
    /// An agent's.
    Agent,
    /// Schakel's own: one of the organisation's texts.
    System,
}

/// A file that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attachment)]
pub struct AttachmentView<'a> {
    /// Permanent.
    pub id: Uuid,
    /// What it is called.
    #[schema(examples("brief.pdf"), extensions(("x-personal" = json!(true))))]
    pub name: Cow<'a, str>,
    /// What it is, by its content.
    #[schema(examples("application/pdf"))]
    pub media_type: Cow<'a, str>,
    /// How large, in bytes.
    pub size: u64,
}

/// A structured choice (W06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Choice)]
pub struct ChoiceView<'a> {
    /// The options, in order.
    pub options: Vec<ChoiceOptionView<'a>>,
}

/// An option of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChoiceOption)]
pub struct ChoiceOptionView<'a> {
    /// Its name, by which it is chosen.
    pub id: Cow<'a, str>,
    /// The words.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub text: Cow<'a, str>,
}

/// An option that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Chosen)]
pub struct ChosenView<'a> {
    /// The message that offered it.
    pub message: Uuid,
    /// The option.
    pub option: Cow<'a, str>,
}

/// Whether a message reached the visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageDelivery)]
pub struct MessageDeliveryView<'a> {
    /// The message.
    pub message: Uuid,
    /// How far it is.
    pub state: MessageDeliveryState,
    /// Why it did not reach him, in the chat provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub reason: Option<Cow<'a, str>>,
}

/// How far a message for the visitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MessageDeliveryState {
    /// The chat provider has not taken it yet.
    Pending,
    /// The chat provider has it, or the visitor's program can fetch it.
    Sent,
    /// The visitor's program has it.
    Delivered,
    /// The visitor has seen it.
    Displayed,
    /// It did not reach him.
    Failed,
}

/// A message without its words: the reply to who said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageReceipt)]
pub struct MessageReceiptView<'a> {
    /// Its id.
    pub id: Uuid,
    /// 1, 2, 3 … among all messages of the chat.
    pub order: u64,
    /// 1, 2, 3 … in the public transcript; absent for a word between agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub seq: Option<u64>,
    /// When it was said.
    pub at: Timestamp,
    /// Whether it reached the visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub delivery: Option<MessageDeliveryView<'a>>,
}

impl<'a> ChatMessageView<'a> {
    /// Its place among all messages of the chat.
    pub fn order(&self) -> u64 {
        match self {
            ChatMessageView::Public(message) => message.order,
            ChatMessageView::Agents(message) => message.order,
        }
    }

    /// The rows of both transcripts in the order in which agents see them. `delivery` says of each public one whether it
    /// reached the visitor, where that is kept beside it.
    pub fn merged(
        chat: &'a Chat,
        public: impl IntoIterator<Item = (&'a PublicMessage, Option<&'a chat::Delivery>)>,
        private: impl IntoIterator<Item = &'a PrivateMessage>,
    ) -> Vec<Self> {
        let public = public
            .into_iter()
            .map(|(message, delivery)| Self::Public(PublicMessageView::of(message, chat, delivery)));
        let private = private.into_iter().map(|message| Self::Agents(InternalMessageView::of(message, chat)));
        let mut all: Vec<_> = public.chain(private).collect();
        all.sort_by_key(Self::order);
        all
    }
}

impl<'a> PublicMessageView<'a> {
    /// A message with what is known of its delivery.
    pub fn of(message: &'a PublicMessage, chat: &'a Chat, delivery: Option<&'a chat::Delivery>) -> Self {
        Self {
            id: uuid_of(message.id),
            chat: uuid_of_chat(message.chat),
            seq: message.seq,
            order: message.order,
            at: message.at.into(),
            author: AuthorView::of(&message.author, chat),
            content: ContentView::of(&message.content),
            late: message.late,
            corrects: message.corrects.map(uuid_of),
            delivery: delivery.and_then(|delivery| MessageDeliveryView::of(message.id, delivery)),
        }
    }
}

impl<'a> InternalMessageView<'a> {
    /// A word between agents.
    pub fn of(message: &'a PrivateMessage, chat: &'a Chat) -> Self {
        Self {
            id: uuid_of(message.id),
            chat: uuid_of_chat(message.chat),
            order: message.order,
            at: message.at.into(),
            author: AuthorView::agent(&message.author, chat),
            content: ContentView::of(message.words.for_agents()),
        }
    }
}

impl<'a> ContentView<'a> {
    /// For agents' eyes only, since both kinds of messages come here: it is private to the views of messages.
    fn of(content: &'a Content) -> Self {
        Self {
            text: Cow::Borrowed(content.text.expose()),
            files: content.files.iter().map(AttachmentView::of).collect(),
            choice: content.choice.as_ref().map(ChoiceView::of),
            chosen: content.chosen.as_ref().map(|(message, option)| ChosenView {
                message: uuid_of(*message),
                option: Cow::Borrowed(option.as_str()),
            }),
            canned: content.canned.as_deref().map(Cow::Borrowed),
        }
    }
}

impl<'a> AuthorView<'a> {
    fn of(author: &'a Author, chat: &'a Chat) -> Self {
        let of = |kind| Self { kind, agent: None, nickname: None, text_id: None };
        match author {
            Author::Visitor => of(AuthorKind::Visitor),
            Author::Agent(agent) => Self::agent(agent, chat),
            Author::System(text) => Self { text_id: Some((*text).into()), ..of(AuthorKind::System) },
        }
    }

    fn agent(agent: &'a AgentId, chat: &'a Chat) -> Self {
        Self {
            kind: AuthorKind::Agent,
            agent: Some(Cow::Borrowed(agent.as_str())),
            nickname: nickname_in(chat, agent).map(Cow::Borrowed),
            text_id: None,
        }
    }
}

impl<'a> AttachmentView<'a> {
    /// A file as it is shown.
    pub fn of(file: &'a Attachment) -> Self {
        Self {
            id: Uuid::from_u128(file.id.0),
            name: Cow::Borrowed(file.name.expose()),
            media_type: Cow::Borrowed(&file.media_type),
            size: file.size,
        }
    }
}

impl<'a> ChoiceView<'a> {
    /// A choice as it is shown.
    pub fn of(choice: &'a Choice) -> Self {
        let option = |(id, text): &'a (OptionId, Pii<Str>)| ChoiceOptionView {
            id: Cow::Borrowed(id.as_str()),
            text: Cow::Borrowed(text.expose()),
        };
        Self { options: choice.options.iter().map(option).collect() }
    }
}

impl<'a> MessageDeliveryView<'a> {
    /// How far a message is; none for one that is not for the visitor.
    pub fn of(message: MessageId, delivery: &'a chat::Delivery) -> Option<Self> {
        use MessageDeliveryState as State;
        let (state, reason) = match delivery {
            chat::Delivery::None => return None,
            chat::Delivery::Pending => (State::Pending, None),
            chat::Delivery::Sent => (State::Sent, None),
            chat::Delivery::Delivered => (State::Delivered, None),
            chat::Delivery::Displayed => (State::Displayed, None),
            chat::Delivery::Failed(why) => (State::Failed, Some(Cow::Borrowed(&**why))),
        };
        Some(Self { message: uuid_of(message), state, reason })
    }
}

impl<'a> MessageReceiptView<'a> {
    /// What the state keeps of a message.
    pub fn of(message: &'a MessageRef) -> Self {
        Self {
            id: uuid_of(message.id),
            order: message.order,
            seq: message.seq,
            at: message.at.into(),
            delivery: MessageDeliveryView::of(message.id, &message.delivery),
        }
    }
}

/// What the visitor sees an agent called in this chat, by the last time that he took part.
pub(super) fn nickname_in<'a>(chat: &'a Chat, agent: &AgentId) -> Option<&'a str> {
    chat.participants.iter().rev().find(|one| one.agent == *agent).map(|one| &*one.nickname)
}

pub(super) fn uuid_of(message: MessageId) -> Uuid {
    Uuid::from_u128(message.0)
}

pub(super) fn uuid_of_chat(chat: ChatId) -> Uuid {
    Uuid::from_u128(chat.0)
}
