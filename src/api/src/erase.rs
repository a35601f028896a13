//! Erasing a customer by JKC's reference (GDPR article 17): what is kept of him has no number and no name any more.
//!
//! ```text
//! live state (an input of its own) ─► waiting webhooks ─► a fresh snapshot ─► chats · inputs · replies · notifications
//!     ─► the journal's log emptied ─► register ─► once more what was told meanwhile
//! ```
//!
//! What leads to the rest goes last: the notifications lead to the inputs, the register to the notifications. So whoever
//! was interrupted, at whatever place, asks again and finds what is left.
//!
//! A number that others have too is not his alone: a contact with it goes only when it names him. Of one that stays,
//! what says that the number can be his goes.
//!
//! Facts hold neither number nor name, and stay: the reports do not change. Backups are the operator's.

use crate::problem::Failure;
use crate::state::ApiState;
use bytes::Bytes;
use schakel_contract::E164;
use schakel_contract::problem::ProblemKind;
use schakel_contract::views::{ErasureView, MatchView, RecognitionStatus};
use schakel_core::model::ids::ContactId;
use schakel_core::state::State;
use schakel_engine::{CommandError, Erased, erase_words, erased_input, names_customer};
use schakel_journal::{Notification, Reply, Rewrite, StoreError};
use schakel_register::RegisterError;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
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
    let begin = app.store.read(|reader| reader.latest()).await?;
    let numbers = app.register.numbers_of(reference).await.map_err(|error| unreadable(&error))?;
    let shared = app.register.shared_numbers(reference).await.map_err(|error| unreadable(&error))?;
    let whose = Whose { reference: reference.to_owned(), shared };
    let own: Vec<E164> = numbers.into_iter().filter(|number| !whose.shared.contains(number)).collect();
    let mut view = ErasureView::default();
    let known = look(app, &whose, &own, 0).await?;
    let done = known.contacts.clone();
    erase(app, &whose, known, &mut view).await?;
    view.recognised = recognised(app, reference).await?;
    // Until now he was recognised.
    let mut meanwhile = look(app, &whose, &own, begin).await?;
    meanwhile.contacts.retain(|contact| !done.contains(contact));
    if !meanwhile.contacts.is_empty() || !meanwhile.mentions.is_empty() {
        erase(app, &whose, meanwhile, &mut view).await?;
    }
    Ok(view)
}

/// Who is erased.
#[derive(Debug, Default)]
struct Whose {
    /// JKC's reference; empty where it is not known any more.
    reference: String,
    /// Those of his numbers that others have too.
    shared: Vec<E164>,
}

/// What the journal has of him after a notification.
async fn look(app: &ApiState, whose: &Whose, own: &[E164], after: u64) -> Result<Known, StoreError> {
    let mut known = known_by(app, Sought::Reference(whose.reference.clone()), after).await?;
    for number in own {
        // One that is switched off, or was switched on later, is told without the reference.
        known.contacts.extend(known_by(app, Sought::Number(number.to_string()), after).await?.contacts);
    }
    Ok(known)
}

async fn erase(app: &ApiState, whose: &Whose, known: Known, view: &mut ErasureView) -> Result<(), Failure> {
    let his = known.contacts.into_iter().map(ContactId).collect();
    contacts(app, whose, his, view).await?;
    if !known.mentions.is_empty() {
        // Last, because the sessions lead to his contacts.
        view.notifications += mentions(app, &whose.reference, &known.mentions).await?;
        empty_log(app).await?;
    }
    Ok(())
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
        contacts(app, &Whose::default(), vec![*contact], &mut ErasureView::default()).await?;
        app.store.delete_record(TABLE, &Uuid::from_u128(contact.0).to_string()).await?;
    }
    Ok(over.len())
}

async fn contacts(
    app: &ApiState,
    whose: &Whose,
    known: Vec<ContactId>,
    view: &mut ErasureView,
) -> Result<(), Failure> {
    let erased = app.engine.erase(&whose.reference, known).await?;
    view.contacts += erased.contacts.len() as u64;
    view.going_on += erased.going_on.len() as u64;
    for contact in &erased.going_on {
        app.store.put_record(TABLE, &Uuid::from_u128(contact.0).to_string(), "{}").await?;
    }
    app.outbox.erase(erased.contacts.iter().map(|contact| contact.0));
    let snapshot = app.engine.snapshot().await.map_err(|error| match error {
        CommandError::Stopped(stopped) => stopped.into(),
        CommandError::Store(error) => Failure::from(error),
    })?;
    let mut found = Found { reference: whose.reference.clone(), ..Found::default() };
    for contact in &erased.contacts {
        gather(app, contact.0, &mut found).await?;
    }
    found.needles.retain(|text| !is_others(app, whose, text));
    let chats = chats(app, &erased, view).await?;
    view.inputs += inputs(app, found, snapshot).await?;
    for contact in &erased.contacts {
        view.replies += replies(app, contact.0).await?;
    }
    for chat in &chats {
        // A visitor's reply names his chat, and no contact.
        view.replies += replies(app, *chat).await?;
    }
    for contact in &erased.contacts {
        view.notifications += notifications(app, contact.0).await?;
    }
    Ok(empty_log(app).await?)
}

/// Erases what was said in the contacts' chats, and removes their files; which chats these are.
async fn chats(app: &ApiState, erased: &Erased, view: &mut ErasureView) -> Result<Vec<u128>, Failure> {
    let contacts = erased.contacts.iter().map(|contact| contact.0).collect();
    let kept = app.store.internal_chats().of_contacts(contacts).await?;
    let all: BTreeSet<u128> = kept.into_iter().chain(erased.chats.iter().map(|chat| chat.0)).collect();
    let all: Vec<u128> = all.into_iter().collect();
    let gone = app.store.erase_chats(&all, Arc::new(erase_words)).await?;
    view.messages += gone.messages;
    view.files += gone.files;
    Ok(all)
}

/// Whether a text is a number that somebody else has too: then it says nothing of whose an input is.
fn is_others(app: &ApiState, whose: &Whose, text: &str) -> bool {
    let found = app.register.look_up(text);
    let of_him = |each: &MatchView<'_>| {
        each.reference == whose.reference || each.of.as_deref() == Some(&*whose.reference)
    };
    found.number.e164.is_some_and(|number| whose.shared.contains(&number))
        || !found.matches.iter().all(of_him)
}

/// What was not brought to its end can be asked again.
pub(crate) fn interrupted() -> Failure {
    Failure::new(ProblemKind::Internal, "the erasing was interrupted; ask again, it goes on where it was")
}

/// What the notifications of a customer say of where else he is.
#[derive(Debug, Default)]
struct Found {
    /// His numbers and names.
    needles: BTreeSet<String>,
    /// The inputs that his notifications came from.
    inputs: BTreeSet<u64>,
    /// JKC's reference, which JKC's commands have; empty where it is not known any more.
    reference: String,
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
    /// Notifications with a session that has his reference, or with a number that can be his among others.
    mentions: Vec<u64>,
}

async fn known_by(app: &ApiState, sought: Sought, mut after: u64) -> Result<Known, StoreError> {
    let mut known = Known::default();
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
        known.mentions.extend(found.mentions);
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
        let recognised = contact["recognition"]["matches"].as_array();
        let only_him = recognised.is_some_and(|matches| {
            !matches.is_empty() && matches.iter().all(|each| concerns(each, reference))
        });
        self.contacts.extend(row.contact.filter(|_| only_him || contact["reference"] == **reference));
        if session["reference"] == **reference {
            // Not the contact of the notification: a call that arrives is told with the session that was open.
            let about = session["contact"].as_str().and_then(|id| Uuid::try_parse(id).ok());
            self.contacts.extend(about.map(|id| id.as_u128()));
        }
        if unnamed(&row.payload, reference).is_some() {
            self.mentions.push(row.seq);
        }
    }
}

/// A text as it is written in JSON.
fn in_json(text: &str) -> String {
    Value::from(text).to_string()
}

/// Whether one whom a number can mean is the customer, or speaks for him.
fn concerns(each: &Value, reference: &str) -> bool {
    each["reference"] == *reference || each["of"] == *reference
}

/// Takes him from notifications that mention him; how many were changed.
async fn mentions(app: &ApiState, reference: &str, told: &[u64]) -> Result<u64, StoreError> {
    let mut changed = 0;
    for some in told.chunks(STEP) {
        let (some, reference) = (some.to_vec(), reference.to_owned());
        let page = move |reader: &schakel_journal::Reader| {
            let (mut rewrite, text) = (Rewrite::default(), in_json(&reference));
            for seq in some {
                let (rows, ..) = reader.notifications_with(&text, seq.saturating_sub(1), 1)?;
                let erased =
                    |row: &Arc<Notification>| Some((row.seq, unnamed(&row.payload, &reference)?.into()));
                rewrite.notifications.extend(rows.iter().filter_map(erased));
            }
            Ok(rewrite)
        };
        changed += app.store.rewrite(app.store.read(page).await?).await? as u64;
    }
    Ok(changed)
}

/// A notification whose session does not name the customer, and in which no number can be his; none where it is so
/// already.
fn unnamed(payload: &[u8], reference: &str) -> Option<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(payload).ok()?;
    let data = event.get_mut("data")?;
    let mut changed = false;
    if data["session"]["reference"] == *reference {
        data["session"].as_object_mut()?.remove("reference");
        changed = true;
    }
    for recognition in ["/contact/recognition", "/situation/caller"] {
        let Some(recognition) = data.pointer_mut(recognition) else { continue };
        let Some(matches) = recognition.get_mut("matches").and_then(Value::as_array_mut) else { continue };
        let before = matches.len();
        matches.retain(|each| !concerns(each, reference));
        let status = match matches.len() {
            after if after == before => continue,
            0 => RecognitionStatus::None,
            1 => RecognitionStatus::One,
            _ => RecognitionStatus::Several,
        };
        recognition["status"] = json!(status);
        changed = true;
    }
    // Cannot fail: it was JSON before.
    changed.then(|| serde_json::to_vec(&event).unwrap_or_default())
}

/// What a contact's notifications say of where else he is.
async fn gather(app: &ApiState, contact: u128, found: &mut Found) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let rows = app.store.read(move |reader| reader.of_contact(contact, after, STEP)).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.contact_seq;
        for row in &rows {
            found.inputs.insert(row.input_seq);
            needles(&row.payload, &mut found.needles);
        }
    }
}

async fn notifications(app: &ApiState, contact: u128) -> Result<u64, StoreError> {
    let (mut after, mut changed) = (0, 0);
    loop {
        let rows = app.store.read(move |reader| reader.of_contact(contact, after, STEP)).await?;
        let Some(last) = rows.last() else { return Ok(changed) };
        after = last.contact_seq;
        let mut rewrite = Rewrite::default();
        for row in &rows {
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
fn needles(payload: &[u8], found: &mut BTreeSet<String>) {
    let Ok(event) = serde_json::from_slice::<Value>(payload) else { return };
    let data = &event["data"];
    let customer = &data["contact"]["customer"];
    let told = ["number", "e164", "name"].map(|name| customer[name].as_str());
    let connections = data["call"]["connections"].as_array().into_iter().flatten();
    let outside = connections.filter(|each| each["ours"] == false).map(|each| each["device"].as_str());
    let visitor = &data["chat"]["visitor"];
    let chats = ["nickname", "email", "address"].map(|name| visitor[name].as_str());
    let texts = told.into_iter().chain(chats).chain(outside).flatten();
    found.extend(texts.filter(|text| text.len() >= NEEDLE_MIN).map(str::to_owned));
}

/// Erases the inputs that the notifications came from, and all others with a number, a name or the reference of the
/// customer in them.
async fn inputs(app: &ApiState, found: Found, last: u64) -> Result<u64, StoreError> {
    if found.inputs.is_empty() && found.reference.is_empty() {
        return Ok(0);
    }
    let found = Arc::new(found);
    let (mut after, mut changed) = (0, 0);
    loop {
        let sought = found.clone();
        let page = move |reader: &schakel_journal::Reader| {
            let rows = reader.inputs_between(after, last, PAGE)?;
            let end = rows.last().map(|row| row.seq);
            let concerns = |row: &schakel_journal::Input| {
                sought.inputs.contains(&row.seq)
                    || sought.needles.iter().any(|needle| has(&row.bytes, needle))
                    || is_named(&row.bytes, &sought.reference)
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

fn has(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

fn is_named(bytes: &[u8], reference: &str) -> bool {
    // Few inputs are worth decoding.
    !reference.is_empty() && has(bytes, reference) && names_customer(bytes, reference)
}

/// Replies to commands are kept for a day, to answer a repetition with.
async fn replies(app: &ApiState, about: u128) -> Result<u64, StoreError> {
    let text = Uuid::from_u128(about).to_string();
    let found = app.store.read(move |reader| reader.replies_with(&text)).await?;
    let either =
        ["CommandReply", "VisitReply"].map(|name| json!({ "$ref": format!("#/components/schemas/{name}") }));
    let schema = json!({ "anyOf": either });
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
