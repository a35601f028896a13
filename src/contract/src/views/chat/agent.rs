//! An agent in the chat channel (O02, C01, W01).

use crate::Timestamp;
use crate::mirror::mirror;
use schakel_core::model::chat_service::{self, ChatService, Shown};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

mirror! {
    /// What an agent's own chat program says of him.
    ProgramShow of chat_service::Show, "camelCase" {
        /// Wants to chat.
        Chat,
        /// There.
        Available,
        /// Away for a short time.
        Away,
        /// Away for longer.
        ExtendedAway,
        /// Busy.
        DoNotDisturb,
        /// Not connected.
        Unavailable,
    }
}

/// An agent who is in the chat channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentChat)]
pub struct AgentChatView<'a> {
    /// Since when.
    pub since: Timestamp,
    /// The queues of his profile (W01).
    pub queues: Vec<Cow<'a, str>>,
    /// What visitors see him called (O10).
    pub nickname: Cow<'a, str>,
    /// Chats at once, where it is another number than his queue's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chats_max: Option<u16>,
    /// Until when JKC is known to be there; a heartbeat moves it.
    pub lease_expires_at: Timestamp,
    /// It has run out: he is waited for since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub vanished_at: Option<Timestamp>,
    /// Offers that he ignored in a row.
    pub ignored: u16,
    /// He gets no offers because he ignored too many, until he comes into the channel again or is set ready.
    pub paused: bool,
    /// He rejected a chat and gets none before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cools_until: Option<Timestamp>,
    /// When he was offered a chat last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offered_at: Option<Timestamp>,
    /// What his own chat program says of him: a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shown: Option<ShownView<'a>>,
}

/// What an agent's chat program said, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentShown)]
pub struct ShownView<'a> {
    /// What.
    pub show: ProgramShow,
    /// In his own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub status: Option<Cow<'a, str>>,
    /// When.
    pub at: Timestamp,
}

impl<'a> AgentChatView<'a> {
    /// An agent's part in the chat channel.
    pub fn of(service: &'a ChatService) -> Self {
        Self {
            since: service.since.into(),
            queues: service.queues.iter().map(|queue| Cow::Borrowed(queue.as_str())).collect(),
            nickname: Cow::Borrowed(&service.nickname),
            chats_max: service.chats_max,
            lease_expires_at: service.lease.into(),
            vanished_at: service.vanished.map(Into::into),
            ignored: service.ignored,
            paused: service.paused,
            cools_until: service.cools_until.map(Into::into),
            offered_at: service.offered.map(Into::into),
            shown: service.shown.as_ref().map(ShownView::of),
        }
    }
}

impl<'a> ShownView<'a> {
    fn of(shown: &'a Shown) -> Self {
        Self {
            show: shown.show.into(),
            status: shown.status.as_deref().map(Cow::Borrowed),
            at: shown.at.into(),
        }
    }
}
