//! Transfers: warm with consultation and take-back, and cold (T07, T08).

use super::cause::Cause;
use super::ids::{CallId, CommandId, ContactId, DeviceId, Str, TransferId};
use super::pii::Pii;
use super::time::Time;
use serde::{Deserialize, Serialize};

/// One transfer of a customer from one device of ours to another destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Ours, permanent.
    pub id: TransferId,
    /// The customer's contact.
    pub contact: ContactId,
    /// Warm or cold.
    pub kind: TransferKind,
    /// The device that transfers.
    pub device: DeviceId,
    /// The customer's call.
    pub call: CallId,
    /// The call to the colleague, once it exists; warm only.
    pub consultation: Option<CallId>,
    /// The number or extension that was asked for.
    pub to: Pii<Str>,
    /// The department that was chosen for it (T24).
    pub department: Option<Str>,
    /// The device that received it, as the PBX names it.
    pub to_device: Option<DeviceId>,
    /// How far it is.
    pub state: TransferState,
    /// Why it is there.
    pub cause: Cause,
    /// The command that has been sent and not answered yet.
    pub pending: Option<CommandId>,
    /// Take-back was asked while it was not possible yet; it follows as soon as it is.
    pub take_back: Option<CommandId>,
    /// Begun at the telephone itself rather than by a command.
    pub by_hand: bool,
    /// When it began.
    pub started: Time,
    /// When it ended.
    pub ended: Option<Time>,
    /// Counts changes, for `If-Match`.
    pub version: u64,
}

/// Warm or cold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferKind {
    /// The agent first speaks to the colleague.
    Warm,
    /// Straight to the colleague.
    Cold,
}

/// How far a transfer is.
///
/// ```text
/// Started ─► Ringing ─► Consulting ─► Completed       warm
///    │          │           │
///    └──────────┴───────────┴──► TakenBack | Failed    from every point before completion
/// Started ─► Ringing ─► Completed | Failed              cold: completed when the colleague answers
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TransferState {
    /// Asked of the PBX.
    Started,
    /// The colleague's telephone rings.
    Ringing,
    /// The colleague has answered; the customer waits on hold. Warm only.
    Consulting,
    /// The colleague has the customer.
    Completed,
    /// The agent has the customer back.
    TakenBack,
    /// It came to nothing: refused, busy, not answered, or somebody hung up.
    Failed,
}

impl TransferState {
    /// Whether it has ended.
    pub const fn is_terminal(self) -> bool {
        matches!(self, TransferState::Completed | TransferState::TakenBack | TransferState::Failed)
    }
}
