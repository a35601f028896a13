//! Erasing a customer by JKC's reference (GDPR article 17): what is kept of him has no number and no name any more.
//!
//! ```text
//! register ─► live state (an input of its own) ─► waiting webhooks ─► a fresh snapshot ─► notifications · inputs · replies
//!                                                                                        ─► the journal's log emptied
//! ```
//!
//! Facts hold neither number nor name, and stay: the reports do not change. Backups are the operator's.

use crate::problem::Failure;
use crate::state::ApiState;
use bytes::Bytes;
use schakel_contract::problem::ProblemKind;
use schakel_contract::views::ErasureView;
use schakel_core::model::ids::ContactId;
use schakel_core::state::State;
use schakel_engine::{CommandError, erased_input};
use schakel_journal::{Notification, Reply, Rewrite, StoreError};
use schakel_register::RegisterError;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

/// Rows that are rewritten in one step, so that no commit waits long for them.
const STEP: usize = 50;

/// Rows that are looked at in one step.
const PAGE: usize = 2_000;

/// A number or a name that is shorter is not looked for in the inputs: an extension is in thousands of them.
const NEEDLE_MIN: usize = 6;

/// How often, and how long between, the journal's log is tried to be emptied: a reader is done in milliseconds.
const EMPTY_TRIES: u32 = 100;
const EMPTY_PAUSE: Duration = Duration::from_millis(50);

/// The journal's table of contacts that were erased while they went on: what is told of them meanwhile is erased when
/// they have ended.
const TABLE: &str = "erasing";

/// Erases all that is known of a customer. Asked again it finds nothing more, and goes on where it was interrupted.
pub(crate) async fn customer(app: &ApiState, reference: &str) -> Result<ErasureView, Failure> {
    let _alone = app.erasing.lock().await;
    // Before they are gone: a number that was switched off, or on later, was told without the reference.
    let numbers = app.register.numbers_of(reference).await.map_err(|error| unreadable(&error))?;
    let mut view = ErasureView { recognised: recognised(app, reference).await?, ..ErasureView::default() };
    let mut known = known_by(app, Sought::Reference(reference.to_owned())).await?;
    for number in numbers.iter().map(ToString::to_string) {
        known.contacts.extend(known_by(app, Sought::Number(number)).await?.contacts);
    }
    let his = known.contacts.into_iter().map(ContactId).collect();
    contacts(app, reference, his, &mut view).await?;
    if !known.sessions.is_empty() {
        // Last, because they lead to his contacts.
        view.notifications += sessions(app, reference, &known.sessions).await?;
        empty_log(app).await?;
    }
    Ok(view)
}

/// Erases what was told of contacts since they were erased, as far as they have ended now; how many.
pub(crate) async fn finish(app: &ApiState) -> Result<usize, Failure> {
    let _alone = app.erasing.lock().await;
    let records = app.store.read(|reader| reader.records(TABLE)).await?;
    let begun = records.iter().filter_map(|record| Uuid::try_parse(&record.id).ok());
    let begun: Vec<ContactId> = begun.map(|id| ContactId(id.as_u128())).collect();
    if begun.is_empty() {
        return Ok(0);
    }
    let over = move |state: &State| -> Vec<ContactId> {
        let goes_on = |id: &ContactId| state.contacts.get(id).is_some_and(|contact| contact.ended.is_none());
        begun.into_iter().filter(|id| !goes_on(id)).collect()
    };
    let over = app.engine.read(over).await?;
    for contact in &over {
        // One at a time: who is interrupted goes on with the next.
        contacts(app, "", vec![*contact], &mut ErasureView::default()).await?;
        app.store.delete_record(TABLE, &Uuid::from_u128(contact.0).to_string()).await?;
    }
    Ok(over.len())
}

async fn contacts(
    app: &ApiState,
    reference: &str,
    known: Vec<ContactId>,
    view: &mut ErasureView,
) -> Result<(), Failure> {
    let erased = app.engine.erase(reference, known).await?;
    view.contacts = erased.contacts.len() as u64;
    view.going_on = erased.going_on.len() as u64;
    for contact in &erased.going_on {
        app.store.put_record(TABLE, &Uuid::from_u128(contact.0).to_string(), "{}").await?;
    }
    app.outbox.erase(erased.contacts.iter().map(|contact| contact.0));
    let snapshot = app.engine.snapshot().await.map_err(|error| match error {
        CommandError::Stopped(stopped) => stopped.into(),
        CommandError::Store(error) => Failure::from(error),
    })?;
    let mut found = Found::default();
    for contact in &erased.contacts {
        view.notifications += notifications(app, contact.0, &mut found).await?;
        view.replies += replies(app, contact.0).await?;
    }
    if !found.inputs.is_empty() {
        view.inputs = inputs(app, found, snapshot).await?;
    }
    Ok(empty_log(app).await?)
}

/// What was not brought to its end can be asked again.
pub(crate) fn interrupted() -> Failure {
    Failure::new(ProblemKind::Internal, "the erasing was interrupted; ask again, it goes on where it was")
}

/// What the notifications of a customer say of where else he is.
#[derive(Debug, Default)]
struct Found {
    /// His numbers and names.
    needles: BTreeSet<Vec<u8>>,
    /// The inputs that his notifications came from.
    inputs: BTreeSet<u64>,
}

/// Numbers that are not recognised any more.
async fn recognised(app: &ApiState, reference: &str) -> Result<u64, Failure> {
    app.register.erase(reference).await.map_err(|error| unreadable(&error))
}

fn unreadable(error: &RegisterError) -> Failure {
    tracing::error!(%error, "a customer could not be erased from the register");
    Failure::new(
        ProblemKind::Internal,
        "the recognised numbers could not be erased; the log of schakel says why",
    )
}

/// By what a customer is looked for in the journal.
#[derive(Debug, Clone)]
enum Sought {
    /// JKC's reference.
    Reference(String),
    /// A number, in E.164.
    Number(String),
}

/// What the journal has of a customer.
#[derive(Debug, Default)]
struct Known {
    contacts: BTreeSet<u128>,
    /// Notifications with a session that has his reference.
    sessions: Vec<u64>,
}

async fn known_by(app: &ApiState, sought: Sought) -> Result<Known, StoreError> {
    let mut known = Known::default();
    let mut after = 0;
    loop {
        let sought = sought.clone();
        let page = move |reader: &schakel_journal::Reader| {
            let (Sought::Reference(text) | Sought::Number(text)) = &sought;
            let (rows, next, more) = reader.notifications_with(&in_json(text), after, PAGE)?;
            let mut found = Known::default();
            rows.iter().for_each(|row| found.add(row, &sought));
            Ok((found, next, more))
        };
        let (found, next, more) = app.store.read(page).await?;
        known.contacts.extend(found.contacts);
        known.sessions.extend(found.sessions);
        if !more {
            return Ok(known);
        }
        after = next;
    }
}

impl Known {
    fn add(&mut self, row: &Notification, sought: &Sought) {
        let Ok(event) = serde_json::from_slice::<Value>(&row.payload) else { return };
        let (contact, session) = (&event["data"]["contact"], &event["data"]["session"]);
        let reference = match sought {
            Sought::Number(number) => {
                self.contacts.extend(row.contact.filter(|_| contact["customer"]["e164"] == *number));
                return;
            }
            Sought::Reference(reference) => reference,
        };
        let mut recognised = contact["recognition"]["matches"].as_array().into_iter().flatten();
        let is_his = contact["reference"] == *reference
            || recognised.any(|each| each["reference"] == *reference || each["of"] == *reference);
        self.contacts.extend(row.contact.filter(|_| is_his));
        if session["reference"] == *reference {
            // Not the contact of the notification: a call that arrives is told with the session that was open.
            let about = session["contact"].as_str().and_then(|id| Uuid::try_parse(id).ok());
            self.contacts.extend(about.map(|id| id.as_u128()));
            self.sessions.push(row.seq);
        }
    }
}

/// A text as it is written in JSON.
fn in_json(text: &str) -> String {
    Value::from(text).to_string()
}

/// Takes the reference from the sessions in these notifications; how many were changed.
async fn sessions(app: &ApiState, reference: &str, told: &[u64]) -> Result<u64, StoreError> {
    let mut changed = 0;
    for some in told.chunks(STEP) {
        let (some, text) = (some.to_vec(), in_json(reference));
        let page = move |reader: &schakel_journal::Reader| {
            let mut rewrite = Rewrite::default();
            for seq in some {
                let (rows, ..) = reader.notifications_with(&text, seq.saturating_sub(1), 1)?;
                let erased = |row: &Notification| without(&row.payload, &[("session", "reference")]).into();
                rewrite.notifications.extend(rows.iter().map(|row| (row.seq, erased(row))));
            }
            Ok(rewrite)
        };
        changed += app.store.rewrite(app.store.read(page).await?).await? as u64;
    }
    Ok(changed)
}

async fn notifications(app: &ApiState, contact: u128, found: &mut Found) -> Result<u64, StoreError> {
    let (mut after, mut changed) = (0, 0);
    loop {
        let rows = app.store.read(move |reader| reader.of_contact(contact, after, STEP)).await?;
        let Some(last) = rows.last() else { return Ok(changed) };
        after = last.contact_seq;
        let mut rewrite = Rewrite::default();
        for row in &rows {
            found.inputs.insert(row.input_seq);
            needles(&row.payload, &mut found.needles);
            let erased = without_customer(&app.persons.withhold_event(&row.payload));
            if erased != row.payload {
                rewrite.notifications.push((row.seq, erased.into()));
            }
        }
        changed += app.store.rewrite(rewrite).await? as u64;
    }
}

/// Without JKC's references as well: nothing leads back to the customer.
fn without_customer(payload: &[u8]) -> Vec<u8> {
    without(payload, &[("contact", "reference"), ("contact", "recognition"), ("situation", "caller")])
}

/// A notification without these properties of objects in it.
fn without(payload: &[u8], properties: &[(&str, &str)]) -> Vec<u8> {
    let Ok(mut event) = serde_json::from_slice::<Value>(payload) else { return Vec::new() };
    for (object, property) in properties {
        let found =
            event.get_mut("data").and_then(|data| data.get_mut(object)).and_then(Value::as_object_mut);
        found.and_then(|found| found.remove(*property));
    }
    // Cannot fail: it was JSON before.
    serde_json::to_vec(&event).unwrap_or_default()
}

/// The customer's numbers and names: what is told of him, and the devices that are not ours.
fn needles(payload: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    let Ok(event) = serde_json::from_slice::<Value>(payload) else { return };
    let data = &event["data"];
    let customer = &data["contact"]["customer"];
    let told = ["number", "e164", "name"].map(|name| customer[name].as_str());
    let connections = data["call"]["connections"].as_array().into_iter().flatten();
    let outside = connections.filter(|each| each["ours"] == false).map(|each| each["device"].as_str());
    let texts = told.into_iter().chain(outside).flatten();
    found.extend(texts.filter(|text| text.len() >= NEEDLE_MIN).map(|text| text.as_bytes().to_vec()));
}

/// Erases the inputs that the notifications came from, and all others with a number or a name of the customer in them.
async fn inputs(app: &ApiState, found: Found, last: u64) -> Result<u64, StoreError> {
    let found = std::sync::Arc::new(found);
    let (mut after, mut changed) = (0, 0);
    loop {
        let sought = found.clone();
        let page = move |reader: &schakel_journal::Reader| {
            let rows = reader.inputs_between(after, last, PAGE)?;
            let end = rows.last().map(|row| row.seq);
            let concerns = |row: &schakel_journal::Input| {
                sought.inputs.contains(&row.seq)
                    || sought.needles.iter().any(|needle| has(&row.bytes, needle))
            };
            let theirs = rows.into_iter().filter(concerns);
            let erased = |row: schakel_journal::Input| {
                let erased = erased_input(&row.bytes)?;
                (erased != row.bytes).then_some((row.seq, erased))
            };
            Ok((end, theirs.filter_map(erased).collect::<Vec<_>>()))
        };
        let (end, erased) = app.store.read(page).await?;
        for some in erased.chunks(STEP) {
            let rewrite = Rewrite { inputs: some.to_vec(), ..Rewrite::default() };
            changed += app.store.rewrite(rewrite).await? as u64;
        }
        let Some(end) = end else { return Ok(changed) };
        after = end;
    }
}

fn has(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Replies to commands are kept for a day, to answer a repetition with.
async fn replies(app: &ApiState, contact: u128) -> Result<u64, StoreError> {
    let text = Uuid::from_u128(contact).to_string();
    let found = app.store.read(move |reader| reader.replies_with(&text)).await?;
    let schema = json!({ "$ref": "#/components/schemas/CommandReply" });
    let erased = |reply: Reply| {
        let body = Bytes::from(app.persons.withhold(&schema, &reply.body));
        (body != reply.body).then_some(Reply { body, ..reply })
    };
    let replies: Vec<Reply> = found.into_iter().filter_map(erased).collect();
    Ok(app.store.rewrite(Rewrite { replies, ..Rewrite::default() }).await? as u64)
}

async fn empty_log(app: &ApiState) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        match app.store.empty_log().await {
            Err(StoreError::Reading) if tries < EMPTY_TRIES => tries += 1,
            other => return other,
        }
        tokio::time::sleep(EMPTY_PAUSE).await;
    }
}
