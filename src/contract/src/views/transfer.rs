//! Transfers.

use super::action::ActionView;
use crate::Timestamp;
use crate::mirror::mirror;
use schakel_core::model::transfer::{self, Transfer};
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

mirror! {
    /// Warm or cold.
    TransferKind of transfer::TransferKind, "camelCase" {
        /// The agent first speaks to the colleague.
        Warm,
        /// Straight to the colleague.
        Cold,
    }
}

mirror! {
    /// How far a transfer is.
    TransferState of transfer::TransferState, "camelCase" {
        /// Asked of the telephone system.
        Started,
        /// The colleague's telephone rings.
        Ringing,
        /// The colleague has answered, the customer waits.
        Consulting,
        /// The colleague has the customer.
        Completed,
        /// The agent has the customer back.
        TakenBack,
        /// It came to nothing.
        Failed,
    }
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Transfer)]
pub struct TransferView<'a> {
    /// Permanent.
    pub id: Uuid,
    /// The customer's contact.
    pub contact: Uuid,
    /// Warm or cold.
    pub kind: TransferKind,
    /// The device that transfers.
    pub device: Cow<'a, str>,
    /// The customer's call.
    pub call: Uuid,
    /// The call to the colleague, once it exists; warm only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub consultation: Option<Uuid>,
    /// The number or extension that was asked for.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub to: Cow<'a, str>,
    /// The device that received it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub to_device: Option<Cow<'a, str>>,
    /// How far it is.
    pub state: TransferState,
    /// Why it is there: an `EventCause` of ECMA-323.
    pub cause: Cow<'static, str>,
    /// The command that has been sent and not answered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pending: Option<Uuid>,
    /// Take-back has been asked and follows as soon as it is possible.
    pub take_back_asked: bool,
    /// Begun at the telephone itself rather than by a command.
    pub by_hand: bool,
    /// Completing and taking back, allowed or with the reason why not; empty once it has ended.
    pub actions: Vec<ActionView>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<Timestamp>,
    /// Counts changes; the entity tag, for `If-Match`.
    pub version: u64,
}

impl<'a> TransferView<'a> {
    /// A transfer as it is shown.
    pub fn of(state: &'a State, transfer: &'a Transfer) -> Self {
        let under_way = state.calls.get(&transfer.call).filter(|_| !transfer.state.is_terminal());
        Self {
            id: Uuid::from_u128(transfer.id.0),
            contact: Uuid::from_u128(transfer.contact.0),
            kind: transfer.kind.into(),
            device: Cow::Borrowed(transfer.device.as_str()),
            call: Uuid::from_u128(transfer.call.0),
            consultation: transfer.consultation.map(|call| Uuid::from_u128(call.0)),
            to: Cow::Borrowed(transfer.to.expose()),
            to_device: transfer.to_device.as_ref().map(|device| Cow::Borrowed(device.as_str())),
            state: transfer.state.into(),
            cause: transfer.cause.as_str().into(),
            pending: transfer.pending.map(|command| Uuid::from_u128(command.0)),
            take_back_asked: transfer.take_back.is_some(),
            by_hand: transfer.by_hand,
            actions: under_way
                .map(|call| ActionView::of_transfer(state, call, &transfer.device))
                .unwrap_or_default(),
            started_at: transfer.started.into(),
            ended_at: transfer.ended.map(Into::into),
            version: transfer.version,
        }
    }
}
