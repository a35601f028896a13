//! The customer's contact.

use super::{CallView, ChatView, PartyView, RecognitionView, TransferView};
use crate::{Recognise, Timestamp};
use schakel_core::model::contact::Contact;
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// A customer's contact. Its id and its customer never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Contact)]
pub struct ContactView<'a> {
    /// Permanent: survives consultation, transfer, conference and restart.
    pub id: Uuid,
    /// Who called in the first place; of an outbound call, who was called.
    pub customer: PartyView<'a>,
    /// Whose number that is, as far as JKC switched it on, at the moment of telling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub recognition: Option<RecognitionView<'a>>,
    /// The number that the customer dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dialled: Option<PartyView<'a>>,
    /// Its calls, oldest first.
    pub calls: Vec<Uuid>,
    /// Its transfers, oldest first.
    pub transfers: Vec<Uuid>,
    /// Its chats.
    #[serde(default)]
    pub chats: Vec<Uuid>,
    /// JKC's own reference, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reference: Option<Cow<'a, str>>,
    /// When it began.
    pub started_at: Timestamp,
    /// When its last call ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<Timestamp>,
}

/// A customer's contact with the objects that belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactDetail)]
pub struct ContactDetailView<'a> {
    /// The contact.
    pub contact: ContactView<'a>,
    /// Its calls that are still kept, oldest first.
    pub calls: Vec<CallView<'a>>,
    /// Its transfers that are still kept, oldest first.
    pub transfers: Vec<TransferView<'a>>,
    /// Its chats that are still kept.
    #[serde(default)]
    pub chats: Vec<ChatView<'a>>,
    /// The number of its last notification.
    pub last_contact_seq: u64,
}

impl<'a> ContactView<'a> {
    /// A contact as it is shown.
    pub fn of(contact: &'a Contact, recognise: &dyn Recognise) -> Self {
        let recognition = recognise.recognise(&contact.customer);
        Self {
            id: Uuid::from_u128(contact.id.0),
            customer: PartyView { e164: recognition.number.e164, ..PartyView::of(&contact.customer) },
            recognition: Some(recognition),
            dialled: contact.dialled.as_ref().map(PartyView::of),
            calls: contact.calls.iter().map(|call| Uuid::from_u128(call.0)).collect(),
            transfers: contact.transfers.iter().map(|transfer| Uuid::from_u128(transfer.0)).collect(),
            chats: contact.chats.iter().map(|chat| Uuid::from_u128(chat.0)).collect(),
            reference: contact.reference.as_deref().map(Cow::Borrowed),
            started_at: contact.started.into(),
            ended_at: contact.ended.map(Into::into),
        }
    }
}

impl<'a> ContactDetailView<'a> {
    /// A contact with what belongs to it.
    pub fn of(state: &'a State, contact: &'a Contact, recognise: &dyn Recognise) -> Self {
        let calls = contact.calls.iter().filter_map(|id| state.calls.get(id));
        let chats = contact.chats.iter().filter_map(|id| state.chats.get(id));
        let transfers = contact.transfers.iter().filter_map(|id| state.transfers.get(id));
        Self {
            contact: ContactView::of(contact, recognise),
            calls: calls.map(|call| CallView::of(state, call)).collect(),
            transfers: transfers.map(|transfer| TransferView::of(state, transfer)).collect(),
            chats: chats.map(|chat| ChatView::of(state, chat)).collect(),
            last_contact_seq: contact.seq,
        }
    }
}
