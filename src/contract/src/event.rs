//! Notifications as they go out: one envelope for webhooks and the event stream.
//!
//! CloudEvents 1.0 structured JSON in the profile of the Dutch government (NL GOV profile for CloudEvents):
//!
//! | attribute | value |
//! | --- | --- |
//! | `id` | UUIDv7, the same over all retries |
//! | `source` | `urn:nld:oin:<OIN>:systeem:<name>` |
//! | `type` | `nl.schakel.call.ringing.v1` |
//! | `subject` | `contacts/<id>`; without a contact `agents/<id>`, `sessions/<id>`, `routes/<id>`, `commands/<id>`, `providers/<id>` or `offline-messages/<id>` |
//! | `time` | when it was recorded; when it happened is `data.occurredAt` |
//! | `partitionkey` | the contact; without one the subject |
//! | `sequence` | place in the stream, 20 digits, so that text order is stream order |
//! | `contactseq` | 1, 2, 3 … within the contact, without a gap |
//! | `traceparent` | W3C trace context: the trace is the command that caused it, else the notification itself |
//! | `expirytime` | after this it is history and no pop-up |

use crate::views::{
    AgentView, CallView, ChatMessageView, ChatOfferView, ChatQueueView, ChatView, CommandView, ContactView,
    InternalMessageView, MessageDeliveryView, OfflineMessageView, ProviderView, PublicMessageView, RouteView,
    SessionView, SituationView, TransferView,
};
use crate::{Recognise, RouteGuide, Timestamp};
use schakel_core::command::chat::ChatCommand;
use schakel_core::command::{Command, CommandRecord};
use schakel_core::model::ids::{CallId, ChatId, TransferId};
use schakel_core::model::session::Session;
use schakel_core::model::transfer::Transfer;
use schakel_core::notification::{Kind, MessageTold, Notification, Subject};
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// The media type of one notification.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// The media type of several notifications in one request.
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// A notification as a receiver has it.
pub type Event = CloudEvent<'static>;

/// What the journal knows of a notification beside the notification itself.
#[derive(Debug, Clone, Copy)]
pub struct EventMeta<'a> {
    /// The CloudEvents `source`: `urn:nld:oin:<OIN>:systeem:<name>`.
    pub source: &'a str,
    /// Its place in the stream.
    pub sequence: u64,
    /// When it was recorded, in milliseconds since 1970.
    pub recorded: Timestamp,
    /// By whom the customer's number is looked up.
    pub recognise: &'a dyn Recognise,
    /// By whom a routeing device's department and opening hours are looked up.
    pub guide: &'a dyn RouteGuide,
}

/// A notification: CloudEvents 1.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CloudEvent<'a> {
    /// `1.0`.
    #[schema(pattern = r"^1\.0$", examples("1.0"))]
    pub specversion: Cow<'a, str>,
    /// The same over all retries.
    pub id: Uuid,
    /// Whose it is.
    #[schema(examples("urn:nld:oin:00000001823288444000:systeem:schakel"))]
    pub source: Cow<'a, str>,
    /// What happened, with prefix and version.
    #[serde(rename = "type")]
    #[schema(examples("nl.schakel.call.ringing.v1"))]
    pub kind: Cow<'a, str>,
    /// About what.
    #[schema(examples("contacts/01890a5d-ac96-774b-bcce-b302099a8057"))]
    pub subject: Cow<'a, str>,
    /// When it was recorded.
    pub time: Timestamp,
    /// `application/json`.
    pub datacontenttype: Cow<'a, str>,
    /// Order is kept within it.
    pub partitionkey: Cow<'a, str>,
    /// Place in the stream; a cursor.
    #[schema(pattern = "^[0-9]{20}$", examples("00000000000000000042"))]
    pub sequence: Cow<'a, str>,
    /// Place within the contact: 1, 2, 3 … without a gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contactseq: Option<u64>,
    /// W3C trace context.
    #[schema(examples("00-01890a5dac96774bbcceb302099a8057-bcceb302099a8057-01"))]
    pub traceparent: Cow<'a, str>,
    /// After this it is history and no pop-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expirytime: Option<Timestamp>,
    /// What happened and to what.
    pub data: EventData<'a>,
}

/// The data of a notification: the change, and the whole object after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventData<'a> {
    /// What happened, without prefix and version.
    #[schema(examples("call.ringing"))]
    pub change: Cow<'a, str>,
    /// Why: an `EventCause` of ECMA-323.
    #[schema(examples("newCall"))]
    pub cause: Cow<'a, str>,
    /// Whether it was seen to happen.
    pub observation: Observation,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// At which device, where it is about one connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("2001"), extensions(("x-personal" = json!("unlessOurs"))))]
    pub device: Option<Cow<'a, str>>,
    /// The agent who sits there, or whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<AgentView<'a>>,
    /// The customer's contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contact: Option<ContactView<'a>>,
    /// The call it is about, or whose transfer it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub call: Option<CallView<'a>>,
    /// The transfer it is about, or that the call is part of while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub transfer: Option<TransferView<'a>>,
    /// The contact session it is about, or to which after-call work belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<SessionView<'a>>,
    /// The routing it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub route: Option<RouteView<'a>>,
    /// Of `route.requested`: what may matter for the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub situation: Option<SituationView<'a>>,
    /// The chat it is about. Of `chat.archived`: all that the record needs; the words are in its transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chat: Option<ChatView<'a>>,
    /// The offer or invitation it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offer: Option<ChatOfferView<'a>>,
    /// Of `chat.message`: what was said, and for whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<ChatMessageView<'a>>,
    /// Of `chat.delivery`: whether a message reached the visitor. `delivery` by itself is how a webhook says that it comes
    /// late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message_delivery: Option<MessageDeliveryView<'a>>,
    /// Of `chat.offline-received`: the message that was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offline_message: Option<OfflineMessageView<'a>>,
    /// Of `chat.opened`, `chat.queued` and `chat.offline-received`: the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub queue: Option<ChatQueueView<'a>>,
    /// The command it is about, or that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub command: Option<CommandView<'a>>,
    /// The telephone system it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub provider: Option<ProviderView<'a>>,
    /// Of `stream.gap`: what is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gap: Option<Gap>,
}

/// Whether a change was seen to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Observation {
    /// The telephone system told it as it happened.
    Observed,
    /// Concluded afterwards, from a snapshot or a deadline.
    Reconstructed,
}

/// Notifications that are not kept any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The last cursor that the receiver had.
    pub after: String,
    /// The first cursor that is still kept.
    pub resumes_at: String,
    /// Where everything that is live now can be had.
    #[schema(examples("/v1/snapshot"))]
    pub snapshot: String,
}

/// Appends a notification as JSON. `state` is the state right after the input that caused it; an object that is not
/// in it any more is left out.
pub fn render(state: &State, notification: &Notification, meta: &EventMeta<'_>, out: &mut Vec<u8>) {
    let event = CloudEvent::of(state, notification, meta);
    let written = serde_json::to_writer(out, &event);
    // Cannot fail: a buffer takes everything, and a notification has no keys that are not text (each kind is tested).
    debug_assert!(written.is_ok(), "{written:?}");
}

impl<'a> CloudEvent<'a> {
    /// A notification with the objects that it names, as they are in `state`.
    pub fn of(state: &'a State, notification: &'a Notification, meta: &EventMeta<'a>) -> Self {
        let id = Uuid::from_u128(notification.id.0);
        let (subject, partitionkey) = match notification.contact {
            Some((contact, _)) => (named("contacts/", contact.0), named("", contact.0)),
            None => (subject_of(&notification.subject), subject_of(&notification.subject)),
        };
        let trace = notification.command.map_or(id, |command| Uuid::from_u128(command.0));
        Self {
            specversion: "1.0".into(),
            id,
            source: meta.source.into(),
            kind: notification.kind.event_type().into(),
            partitionkey: partitionkey.into(),
            subject: subject.into(),
            time: meta.recorded,
            datacontenttype: "application/json".into(),
            sequence: cursor(meta.sequence).into(),
            contactseq: notification.contact.map(|(_, seq)| seq),
            traceparent: traceparent(trace, id).into(),
            expirytime: notification.expires.map(Into::into),
            data: EventData::of(state, notification, meta),
        }
    }
}

impl CloudEvent<'static> {
    /// The notice that notifications between two cursors are not kept any more: `stream.gap`. It belongs to a
    /// stream and not to the journal, so its id is that of the place where the stream goes on.
    pub fn stream_gap(source: &str, after: u64, resumes_at: u64, now: Timestamp) -> Self {
        let place = u128::from(after) << 64 | u128::from(resumes_at);
        // RFC 9562 section 5.8: version 8 is free for own layouts.
        let id = uuid::Builder::from_custom_bytes(place.to_be_bytes()).into_uuid();
        Self {
            specversion: "1.0".into(),
            id,
            source: source.to_owned().into(),
            kind: STREAM_GAP.into(),
            subject: "stream".into(),
            time: now,
            datacontenttype: "application/json".into(),
            partitionkey: "stream".into(),
            sequence: cursor(resumes_at.saturating_sub(1)).into(),
            contactseq: None,
            traceparent: traceparent(id, id).into(),
            expirytime: None,
            data: EventData {
                gap: Some(Gap {
                    after: cursor(after),
                    resumes_at: cursor(resumes_at),
                    snapshot: "/v1/snapshot".into(),
                }),
                ..EventData::empty("stream.gap", now)
            },
        }
    }

    /// A notification that means nothing, for trying a subscription.
    fn test(source: &str, id: Uuid, sequence: u64, subscription: Uuid, now: Timestamp) -> Self {
        Self {
            specversion: "1.0".into(),
            id,
            source: source.to_owned().into(),
            kind: TEST_PING.into(),
            subject: format!("webhooks/{subscription}").into(),
            time: now,
            datacontenttype: "application/json".into(),
            partitionkey: format!("webhooks/{subscription}").into(),
            sequence: cursor(sequence).into(),
            contactseq: None,
            traceparent: traceparent(id, id).into(),
            expirytime: None,
            data: EventData::empty(TEST_CHANGE, now),
        }
    }
}

/// A notification for trying a subscription, as JSON.
pub fn render_test(source: &str, id: u128, sequence: u64, subscription: u128, now: Timestamp) -> Vec<u8> {
    let (id, subscription) = (Uuid::from_u128(id), Uuid::from_u128(subscription));
    // Cannot fail: an event has no keys that are not text.
    serde_json::to_vec(&Event::test(source, id, sequence, subscription, now)).unwrap_or_default()
}

/// The name of a notification for trying a subscription, without prefix and version.
pub const TEST_CHANGE: &str = "test.ping";

/// The type of the notice that a stream has a gap.
pub const STREAM_GAP: &str = "nl.schakel.stream.gap.v1";

/// The type of a notification for trying a subscription.
pub const TEST_PING: &str = "nl.schakel.test.ping.v1";

impl<'a> EventData<'a> {
    fn of(state: &'a State, notification: &'a Notification, meta: &EventMeta<'_>) -> Self {
        let mut data = Self {
            cause: notification.cause.as_str().into(),
            observation: if notification.reconstructed {
                Observation::Reconstructed
            } else {
                Observation::Observed
            },
            device: notification.device.as_ref().map(|device| Cow::Borrowed(device.as_str())),
            agent: notification.agent.as_ref().and_then(|id| state.agents.get(id)).map(AgentView::of),
            contact: notification
                .contact
                .and_then(|(id, _)| state.contacts.get(&id))
                .map(|contact| ContactView::of(contact, meta.recognise)),
            command: notification
                .command
                .and_then(|id| state.commands.get(&id))
                .map(|record| CommandView::of(state, record)),
            ..Self::empty(notification.kind.as_str(), notification.at.into())
        };
        match &notification.subject {
            Subject::Call(id) => {
                data.call = call(state, id);
                data.transfer = transfer_under_way(state, id);
            }
            Subject::Transfer(id) => {
                let found = state.transfers.get(id);
                data.call = found.and_then(|found| call(state, &found.call));
                data.transfer = found.map(|found| TransferView::of(state, found));
            }
            Subject::Agent(id) => {
                let found = state.agents.get(id);
                let after = found.and_then(|agent| agent.after_call.as_ref()).map(|after| after.session);
                data.session = after.and_then(|id| state.sessions.get(&id)).map(SessionView::of);
                data.agent = found.map(AgentView::of);
            }
            Subject::Session(id) => {
                let found = state.sessions.get(id);
                let asked = found.filter(|_| notification.kind == Kind::SessionDecisionAsked);
                data.call = asked.and_then(call_asked_about).and_then(|id| call(state, &id));
                data.session = found.map(SessionView::of);
            }
            Subject::Route(id) => {
                let found = state.routes.get(id);
                data.call = found.and_then(|found| found.call).and_then(|id| call(state, &id));
                data.route = found.map(RouteView::of);
                data.situation = found
                    .filter(|_| notification.kind == Kind::RouteRequested)
                    .map(|found| SituationView::of(state, found, meta.guide, meta.recognise));
            }
            Subject::Command(id) => {
                let record = state.commands.get(id);
                data.chat = record.and_then(|record| record.chat).and_then(|id| chat(state, &id));
                data.call = record.and_then(|record| record.call).and_then(|id| call(state, &id));
                data.transfer = record.and_then(|record| record.transfer).and_then(|id| transfer(state, &id));
                let session = record.and_then(|record| record.session);
                data.session = session.and_then(|id| state.sessions.get(&id)).map(SessionView::of);
                let route = record.and_then(|record| record.route);
                data.route = route.and_then(|id| state.routes.get(&id)).map(RouteView::of);
                data.command = record.map(|record| CommandView::of(state, record));
            }
            Subject::Provider(id) => data.provider = state.providers.get(id).map(ProviderView::of),
            Subject::Chat(id) => {
                let waits = matches!(notification.kind, Kind::ChatOpened | Kind::ChatQueued);
                let found = state.chats.get(id).filter(|_| waits);
                data.queue = found.and_then(|chat| ChatQueueView::of(state, &chat.queue));
                data.chat = chat(state, id);
            }
            Subject::Offer(id, offer) => {
                let found = state.chats.get(id);
                data.chat = chat(state, id);
                data.offer =
                    found.and_then(|chat| chat.offer(*offer).map(|offer| ChatOfferView::of(chat, offer)));
            }
            Subject::Message(told) => {
                data.chat = chat(state, &told.chat());
                data.tell_message(state, told);
            }
            Subject::Offline(_, id) => {
                data.queue = ChatQueueView::of(state, id);
                let record = notification.command.and_then(|id| state.commands.get(&id));
                data.offline_message = record.and_then(left_by);
            }
            // A subject of a later version.
            _ => {}
        }
        data
    }

    fn tell_message(&mut self, state: &'a State, told: &'a MessageTold) {
        match told {
            MessageTold::Public(message) => {
                // Without its chat, which is forgotten, nobody is told of a word in it.
                let Some(chat) = state.chats.get(&message.chat) else { return };
                let delivery = chat.message(message.id).map(|kept| &kept.delivery);
                self.message = Some(ChatMessageView::Public(PublicMessageView::of(message, chat, delivery)));
            }
            MessageTold::Internal(message) => {
                let chat = state.chats.get(&message.chat);
                self.message =
                    chat.map(|chat| ChatMessageView::Agents(InternalMessageView::of(message, chat)));
            }
            MessageTold::Delivery(_, message, delivery) => {
                self.message_delivery = MessageDeliveryView::of(*message, delivery);
            }
        }
    }

    fn empty(change: &'static str, occurred_at: Timestamp) -> Self {
        Self {
            change: change.into(),
            cause: "normal".into(),
            observation: Observation::Observed,
            occurred_at,
            device: None,
            agent: None,
            contact: None,
            call: None,
            transfer: None,
            session: None,
            route: None,
            situation: None,
            chat: None,
            offer: None,
            message: None,
            message_delivery: None,
            offline_message: None,
            queue: None,
            command: None,
            provider: None,
            gap: None,
        }
    }
}

fn call<'a>(state: &'a State, id: &CallId) -> Option<CallView<'a>> {
    state.calls.get(id).map(|call| CallView::of(state, call))
}

fn chat<'a>(state: &'a State, id: &ChatId) -> Option<ChatView<'a>> {
    state.chats.get(id).map(|chat| ChatView::of(state, chat))
}

/// The offline message that a command left.
fn left_by(record: &CommandRecord) -> Option<OfflineMessageView<'_>> {
    match &record.command {
        Command::Chat(ChatCommand::LeaveMessage(message)) => Some(OfflineMessageView::of(message)),
        _ => None,
    }
}

fn transfer<'a>(state: &'a State, id: &TransferId) -> Option<TransferView<'a>> {
    state.transfers.get(id).map(|transfer| TransferView::of(state, transfer))
}

/// The call that arrived last while a session is open, and of which nothing was decided yet.
fn call_asked_about(session: &Session) -> Option<CallId> {
    session.decisions.iter().rev().find(|(_, decision)| decision.is_none()).map(|(id, _)| *id)
}

/// The transfer that a call is part of now, so that its buttons can name it.
fn transfer_under_way<'a>(state: &'a State, id: &CallId) -> Option<TransferView<'a>> {
    let contact = state.contacts.get(&state.calls.get(id)?.contact)?;
    let part_of = |transfer: &&Transfer| {
        !transfer.state.is_terminal() && (transfer.call == *id || transfer.consultation == Some(*id))
    };
    let mut transfers = contact.transfers.iter().rev().filter_map(|id| state.transfers.get(id));
    transfers.find(part_of).map(|transfer| TransferView::of(state, transfer))
}

fn subject_of(subject: &Subject) -> String {
    match subject {
        Subject::Agent(id) => ["agents/", id.as_str()].concat(),
        Subject::Provider(id) => ["providers/", id.as_str()].concat(),
        Subject::Command(id) => named("commands/", id.0),
        Subject::Call(id) => named("calls/", id.0),
        Subject::Transfer(id) => named("transfers/", id.0),
        Subject::Session(id) => named("sessions/", id.0),
        Subject::Route(id) => named("routes/", id.0),
        Subject::Chat(id) | Subject::Offer(id, _) => named("chats/", id.0),
        Subject::Message(told) => named("chats/", told.chat().0),
        Subject::Offline(id, _) => named("offline-messages/", id.0),
        _ => "organisation".to_owned(),
    }
}

// By hand, because every notification has these: a fifth of the cost of `format!`.

/// The place of an object: its collection and its id.
fn named(collection: &str, id: u128) -> String {
    [collection, Uuid::from_u128(id).hyphenated().encode_lower(&mut Uuid::encode_buffer())].concat()
}

/// A place in the stream: 20 digits, as many as there can be.
fn cursor(mut sequence: u64) -> String {
    let mut digits = [b'0'; 20];
    for digit in digits.iter_mut().rev() {
        *digit += (sequence % 10) as u8;
        sequence /= 10;
    }
    // Digits only.
    std::str::from_utf8(&digits).unwrap_or_default().to_owned()
}

/// W3C trace context, sampled. The lower half of a UUIDv7 is random and has a set bit, so it is never the forbidden
/// all-zero span.
fn traceparent(trace: Uuid, span: Uuid) -> String {
    let (mut of_trace, mut of_span) = ([0; 32], [0; 32]);
    let trace: &str = trace.simple().encode_lower(&mut of_trace);
    let span: &str = span.simple().encode_lower(&mut of_span);
    ["00-", trace, "-", span.get(16..).unwrap_or_default(), "-01"].concat()
}
