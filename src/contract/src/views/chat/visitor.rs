//! Who a visitor is, as agents see him, and what he leaves behind.

use crate::mirror::mirror;
use schakel_core::command::chat::{self as asked, OfflineMessage};
use schakel_core::model::chat::{self, Attribute, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

mirror! {
    /// Whether a visitor is there.
    VisitorPresence of chat::Presence, "camelCase" {
        /// He is.
        There,
        /// His connection is lost, or his page hidden: he is waited for.
        Away,
        /// He has gone.
        Gone,
    }
}

mirror! {
    /// How a visitor wants to be answered.
    PreferredAnswer of asked::AnswerBy, "camelCase" {
        /// By e-mail.
        Email,
        /// By telephone.
        Telephone,
    }
}

/// Who a visitor is, as far as he or his site tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Visitor)]
pub struct VisitorView<'a> {
    /// What he calls himself (O05).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub nickname: Option<Cow<'a, str>>,
    /// His e-mail address, where he gave one (O05).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub email: Option<Cow<'a, str>>,
    /// How his chat provider names him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub address: Option<Cow<'a, str>>,
    /// The language that he reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("nl"))]
    pub language: Option<Cow<'a, str>>,
    /// What is known of him beside.
    #[serde(default)]
    pub attributes: Vec<AttributeView<'a>>,
}

/// Something known of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VisitorAttribute)]
pub struct AttributeView<'a> {
    /// What it is called.
    #[schema(examples("klantnummer"))]
    pub name: Cow<'a, str>,
    /// What it is.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub value: Cow<'a, str>,
    /// Who vouches for it; absent for what the visitor says himself. Shown with a lock only where somebody does (W03).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("digid"))]
    pub verified_by: Option<Cow<'a, str>>,
}

/// What a visitor is typing (O11). It is told as it happens and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VisitorTyping)]
pub struct VisitorTypingView<'a> {
    /// Whether he still does.
    pub typing: bool,
    /// What is in his field, where his program says and the queue allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub text: Option<Cow<'a, str>>,
}

/// A message that was left while nobody could chat (C14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OfflineMessage)]
pub struct OfflineMessageView<'a> {
    /// Permanent.
    pub id: Uuid,
    /// For which queue.
    pub queue: Cow<'a, str>,
    /// The name.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub name: Cow<'a, str>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub email: Option<Cow<'a, str>>,
    /// Telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub telephone: Option<Cow<'a, str>>,
    /// How he prefers to be answered (C15).
    pub preference: PreferredAnswer,
    /// The message.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub text: Cow<'a, str>,
    /// The language that he reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("nl"))]
    pub language: Option<Cow<'a, str>>,
}

impl<'a> VisitorView<'a> {
    /// A visitor as agents see him.
    pub fn of(visitor: &'a Visitor) -> Self {
        Self {
            nickname: visitor.nickname.as_ref().map(|name| Cow::Borrowed(&**name.expose())),
            email: visitor.email.as_ref().map(|email| Cow::Borrowed(&**email.expose())),
            address: visitor.address.as_ref().map(|address| Cow::Borrowed(&**address.expose())),
            language: visitor.language.as_deref().map(Cow::Borrowed),
            attributes: visitor.attributes.iter().map(AttributeView::of).collect(),
        }
    }
}

impl<'a> AttributeView<'a> {
    fn of(attribute: &'a Attribute) -> Self {
        Self {
            name: Cow::Borrowed(&attribute.name),
            value: Cow::Borrowed(attribute.value.expose()),
            verified_by: attribute.verified_by.as_deref().map(Cow::Borrowed),
        }
    }
}

impl<'a> OfflineMessageView<'a> {
    /// An offline message as JKC sees it.
    pub fn of(message: &'a OfflineMessage) -> Self {
        Self {
            id: Uuid::from_u128(message.id.0),
            queue: Cow::Borrowed(message.queue.as_str()),
            name: Cow::Borrowed(message.name.expose()),
            email: message.email.as_ref().map(|email| Cow::Borrowed(&**email.expose())),
            telephone: message.telephone.as_ref().map(|number| Cow::Borrowed(&**number.expose())),
            preference: message.preference.into(),
            text: Cow::Borrowed(message.text.expose()),
            language: message.language.as_deref().map(Cow::Borrowed),
        }
    }
}
