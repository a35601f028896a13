//! The customer's contact.

use super::call::Party;
use super::ids::{CallId, ChatId, ContactId, Str, TransferId};
use super::time::Time;
use serde::{Deserialize, Serialize};

/// One contact of a customer with the organisation. Its id and its original caller never change (rule 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The permanent id.
    pub id: ContactId,
    /// Who called in the first place; for an outbound call, who was called.
    pub customer: Party,
    /// The number the customer dialled first, where the PBX tells.
    pub dialled: Option<Party>,
    /// The calls of this contact, oldest first.
    pub calls: Vec<CallId>,
    /// The chats of this contact, oldest first.
    pub chats: Vec<ChatId>,
    /// The transfers of this contact, oldest first.
    pub transfers: Vec<TransferId>,
    /// The last notification's number; the next has one more. Never a gap.
    pub seq: u64,
    /// When it began.
    pub started: Time,
    /// When its last call ended; none while one lives.
    pub ended: Option<Time>,
    /// JKC's own reference, where JKC gave one with a dial.
    pub reference: Option<Str>,
    /// Who the customer was has been erased at his request: nothing that is shown says it any more.
    pub erased: bool,
}
