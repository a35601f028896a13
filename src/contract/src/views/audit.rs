//! The audit log and the erasing of customers, as they are shown.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A row of the audit log: who did what to which object, with what result, from where and when (BIO 8.15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditRow)]
pub struct AuditRowView {
    /// 1, 2, 3 … without a gap.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: AuditActorView,
    /// What.
    #[schema(examples("call.answer"))]
    pub action: String,
    /// To which object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("calls/01890a5d-ac96-774b-bcce-b302099a8057"))]
    pub object: Option<String>,
    /// `succeeded`, `refused:` with the cause, or `denied`.
    #[schema(examples("succeeded"))]
    pub result: String,
    /// From which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("10.0.0.7"))]
    pub from: Option<String>,
    /// SHA-256 of this row and the hash of the row before it, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditActor)]
pub struct AuditActorView {
    /// The id of the access token, never its secret; `cli` or `schakel` itself; empty where nobody was known.
    pub token: String,
    /// What the token is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("JKC productie"))]
    pub name: Option<String>,
    /// The agent that the token is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<String>,
}

/// What was erased of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Erasure)]
pub struct ErasureView {
    /// Contacts of the customer.
    pub contacts: u64,
    /// How many of them still go on: what the telephone system tells of them meanwhile is erased when they have ended.
    pub going_on: u64,
    /// Notifications from which numbers and names were taken out; also what still waits for a webhook.
    pub notifications: u64,
    /// Messages of telephone systems and commands whose content was erased.
    pub inputs: u64,
    /// Replies, kept under idempotency keys, from which numbers and names were taken out.
    pub replies: u64,
    /// Messages of chats whose words were erased.
    #[serde(default)]
    pub messages: u64,
    /// Files of chats that were removed.
    #[serde(default)]
    pub files: u64,
    /// Numbers that are not recognised any more.
    pub recognised: u64,
}
