//! The customer's contact, and its story.

use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::{body_reply, json_reply, raw_page_reply};
use crate::route::{Answer, Route, route};
use crate::state::ApiState;
use crate::subscriptions::StoredSubscription;
use crate::time::at;
use http::{Method, StatusCode};
use schakel_contract::event::Event;
use schakel_contract::problem::InputPlace;
use schakel_contract::views::{
    ContactDetailView, ContactView, DeliveryState, DeliveryView, OriginView, Scope, TimelineView,
};
use schakel_core::model::ids::ContactId;
use schakel_core::state::State;
use schakel_engine::{Origin, origin};
use schakel_journal::{Notification, Reader, StoreError};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    let after = json!({ "type": "string", "pattern": "^[0-9]{1,20}$" });
    vec![
        route(
            Method::GET,
            "/contacts/{contact}",
            "getContact",
            "A customer's contact with its calls and transfers",
            read,
        )
        .scope(Scope::CallsRead)
        .gives::<ContactDetailView<'static>>(),
        route(
            Method::GET,
            "/contacts/{contact}/timeline",
            "getTimeline",
            "The story of a contact: what happened, by whose command, and what was delivered where",
            timeline,
        )
        .scope(Scope::CallsRead)
        .gives::<TimelineView>()
        .query("after", "The `next` of the page before.", after)
        .page_size(),
    ]
}

async fn read(ask: Ask) -> Answer {
    let id = ContactId(ask.id("contact")?);
    let register = ask.app.register.clone();
    let look = move |state: &State| {
        let contact = state.contacts.get(&id)?;
        serde_json::to_vec(&ContactDetailView::of(state, contact, &register)).ok()
    };
    if let Some(body) = ask.app.engine.read(look).await? {
        return Ok(body_reply(StatusCode::OK, body.into()));
    }
    // It has left the live picture: as its last notification told it.
    let last = ask.app.store.read(move |reader| reader.last_of_contact(id.0)).await?;
    let event = last.and_then(|last| serde_json::from_slice::<Event>(&last.payload).ok());
    let contact = event.and_then(|event| {
        let contact: ContactView<'static> = event.data.contact?;
        Some(ContactDetailView {
            last_contact_seq: event.contactseq.unwrap_or(0),
            calls: event.data.call.into_iter().collect(),
            transfers: event.data.transfer.into_iter().collect(),
            chats: event.data.chat.into_iter().collect(),
            contact,
        })
    });
    Ok(json_reply(StatusCode::OK, &contact.ok_or_else(|| Failure::not_found("contact"))?))
}

async fn timeline(ask: Ask) -> Answer {
    let id = ask.id("contact")?;
    let after = ask.cursor(ask.asked("after"), InputPlace::Query, "after")?.unwrap_or(0);
    let (size, subscriptions) = (ask.page_size(), ask.app.subscriptions.all());
    let page = ask.app.store.read(move |reader| {
        let mut rows = reader.of_contact(id, after, size + 1)?;
        let more = rows.len() > size;
        rows.truncate(size);
        let mut deliveries = deliveries_of(reader, &subscriptions, &rows)?;
        let mut entries: Vec<Vec<u8>> = Vec::with_capacity(rows.len());
        for row in &rows {
            let origin = reader.input(row.input_seq)?.and_then(|input| origin(&input.bytes)).map(origin_view);
            entries.push(entry(row, origin, deliveries.remove(&row.seq).unwrap_or_default()));
        }
        Ok((entries, rows.last().map(|row| row.contact_seq).filter(|_| more), rows.is_empty() && after == 0))
    });
    let (entries, next, nothing) = page.await?;
    if nothing && !is_live(&ask.app, ContactId(id)).await? {
        return Err(Failure::not_found("contact"));
    }
    let next = next.map(|next| format!(",\"next\":\"{next:020}\"")).unwrap_or_default();
    Ok(raw_page_reply(entries.iter().map(Vec::as_slice), &next))
}

async fn is_live(app: &ApiState, id: ContactId) -> Result<bool, Failure> {
    Ok(app.engine.read(move |state| state.contacts.contains_key(&id)).await?)
}

fn origin_view(origin: Origin) -> OriginView {
    let (provider_call, device) = origin.connection.unzip();
    OriginView {
        kind: origin.kind.into(),
        at: origin.at.into(),
        event: origin.event,
        provider: origin.provider,
        monitor: origin.monitor,
        provider_call,
        device,
        cause: origin.cause.map(Into::into),
    }
}

fn entry(row: &Notification, origin: Option<OriginView>, deliveries: Vec<DeliveryView>) -> Vec<u8> {
    let mut entry = b"{\"notification\":".to_vec();
    entry.extend_from_slice(&row.payload);
    if let Some(origin) = origin {
        entry.extend_from_slice(b",\"origin\":");
        // Cannot fail: as below.
        entry.extend(serde_json::to_vec(&origin).unwrap_or_default());
    }
    entry.extend_from_slice(b",\"deliveries\":");
    // Cannot fail: a delivery has no keys that are not text.
    entry.extend(serde_json::to_vec(&deliveries).unwrap_or_default());
    entry.push(b'}');
    entry
}

/// Where each notification had to go, by its place in the stream: what does not wait and was not given up has
/// arrived, if the subscription was there and wanted it.
fn deliveries_of(
    reader: &Reader,
    subscriptions: &[StoredSubscription],
    rows: &[Arc<Notification>],
) -> Result<BTreeMap<u64, Vec<DeliveryView>>, StoreError> {
    let mut found: BTreeMap<u64, Vec<DeliveryView>> = BTreeMap::new();
    let seqs: Vec<u64> = rows.iter().map(|row| row.seq).collect();
    for subscription in subscriptions {
        let id = subscription.id.as_u128();
        let pending = reader.pending_among(id, &seqs)?;
        for row in rows {
            let waits = pending.iter().find(|each| each.notification.seq == row.seq);
            let dead = reader.dead_letters(id, row.seq - 1, 1)?.pop().filter(|dead| dead.seq == row.seq);
            let wanted = subscription.wants(&row.kind) && subscription.created_at <= at(row.at_ms);
            let (state, since, reason) = match (waits, dead) {
                (Some(waits), _) => (DeliveryState::Pending, Some(at(waits.since_ms)), None),
                (None, Some(dead)) => (DeliveryState::Dead, None, Some(dead.reason)),
                (None, None) if wanted => (DeliveryState::Delivered, None, None),
                (None, None) => continue,
            };
            found.entry(row.seq).or_default().push(DeliveryView {
                subscription: subscription.id,
                notification: Uuid::from_u128(row.id),
                sequence: format!("{:020}", row.seq),
                change: row.kind.to_string(),
                state,
                since,
                reason,
            });
        }
    }
    Ok(found)
}
