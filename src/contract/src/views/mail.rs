//! Mails that carry what visitors leave (C15), for who watches over them: without words, names and addresses.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A mail that no server has taken yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Mail)]
pub struct MailView {
    /// The id of the message that was left.
    pub id: Uuid,
    /// What becomes of it.
    pub state: MailState,
    /// The queue that it was left for; absent where this release cannot read the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("tax"))]
    pub queue: Option<String>,
    /// When it was left, or sent anew by hand.
    pub since: Timestamp,
    /// When it is tried next; absent where it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub due_at: Option<Timestamp>,
    /// Tries that failed.
    pub attempts: u32,
    /// Why the last of them did, as the mail server or the network said it; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MailState {
    /// It is tried until a server takes it.
    Waiting,
    /// It was given up: nobody tries it again until somebody asks for it.
    Dead,
}
