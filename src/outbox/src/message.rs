//! What one request carries: its body, its id and its headers.

use aws_lc_rs::digest;
use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use schakel_journal::Notification;
use uuid::Uuid;

use crate::settings::Subscription;
use crate::target::Target;
use crate::withhold::Withhold;

const SINGLE: HeaderValue = HeaderValue::from_static("application/cloudevents+json");
const BATCH: HeaderValue = HeaderValue::from_static("application/cloudevents-batch+json");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("schakel/", env!("CARGO_PKG_VERSION")));
const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The type that is a pop-up at the receiver, and the one that it becomes once that would be wrong.
const RINGING: &str = "nl.schakel.call.ringing.v1";
const RANG: &str = "nl.schakel.call.rang.v1";

/// A request, ready to be sent (and sent again over another connection).
#[derive(Debug, Clone)]
pub(crate) struct Message {
    content_type: HeaderValue,
    id: HeaderValue,
    timestamp: HeaderValue,
    signature: HeaderValue,
    body: Bytes,
    /// Notifications in it that were too late to be news.
    pub late: u64,
}

impl Message {
    /// Composes and signs. `None` for no notifications at all.
    pub(crate) fn new(
        notifications: &[Arc<Notification>],
        subscription: &Subscription,
        withhold: &Withhold,
        now_ms: i64,
    ) -> Option<Self> {
        let envelope =
            |notification| envelope(notification, withhold.payload(notification, subscription), now_ms);
        let first = notifications.first()?;
        let late = notifications.iter().filter(|notification| is_late(notification, now_ms)).count() as u64;
        let (content_type, id, body) = if subscription.batch {
            (BATCH, batch_id(notifications), batch_body(notifications, envelope))
        } else {
            let body = match envelope(first) {
                Cow::Borrowed(_) => first.payload.clone(),
                Cow::Owned(edited) => edited.into(),
            };
            (SINGLE, Uuid::from_u128(first.id).to_string(), body)
        };
        let timestamp = now_ms.div_euclid(1_000).to_string();
        let mut signature = String::with_capacity(100);
        subscription.secret.sign(&id, &timestamp, &body, &mut signature);
        if let Some((previous, until_ms)) = &subscription.previous
            && now_ms < *until_ms
        {
            previous.sign(&id, &timestamp, &body, &mut signature);
        }
        Some(Self {
            content_type,
            id: id.try_into().ok()?,
            timestamp: timestamp.try_into().ok()?,
            signature: signature.try_into().ok()?,
            body,
            late,
        })
    }

    /// The request for one connection.
    pub(crate) fn request(&self, target: &Target) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = target.path.clone().into();
        let headers = request.headers_mut();
        headers.reserve(6);
        headers.insert(HOST, target.authority.clone());
        headers.insert(USER_AGENT, AGENT);
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        headers.insert(ID, self.id.clone());
        headers.insert(TIMESTAMP, self.timestamp.clone());
        headers.insert(SIGNATURE, self.signature.clone());
        request
    }
}

/// Of one notification its own id. Of more a digest of theirs: the same batch sent again has the same id.
fn batch_id(notifications: &[Arc<Notification>]) -> String {
    if let [only] = notifications {
        return Uuid::from_u128(only.id).to_string();
    }
    let mut digest = digest::Context::new(&digest::SHA256);
    for notification in notifications {
        digest.update(&notification.id.to_be_bytes());
    }
    let mut half = [0; 16];
    half.iter_mut().zip(digest.finish().as_ref()).for_each(|(to, from)| *to = *from);
    format!("batch_{:032x}", u128::from_be_bytes(half))
}

/// CloudEvents JSON batch format: an array of envelopes.
fn batch_body<'a>(
    notifications: &'a [Arc<Notification>],
    envelope: impl Fn(&'a Notification) -> Cow<'a, [u8]>,
) -> Bytes {
    let size: usize = notifications.iter().map(|notification| notification.payload.len() + 1).sum();
    let mut body = Vec::with_capacity(size + 1);
    for notification in notifications {
        body.push(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(&envelope(notification));
    }
    body.push(b']');
    body.into()
}

/// The envelope as it was given, or, when it is too late to be news, as history.
fn envelope<'a>(notification: &Notification, payload: Cow<'a, [u8]>, now_ms: i64) -> Cow<'a, [u8]> {
    if is_late(notification, now_ms)
        && let Some(edited) = history(&payload)
    {
        return Cow::Owned(edited);
    }
    payload
}

fn is_late(notification: &Notification, now_ms: i64) -> bool {
    notification.expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms)
}

/// `data.delivery` = `late`, and ringing becomes rang. The id stays: it is the same notification. `expirytime` goes,
/// or a receiver that honours it would drop the history as well. `None` when it is no JSON object (never ours).
fn history(payload: &[u8]) -> Option<Vec<u8>> {
    let mut envelope: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(payload).ok()?;
    envelope.remove("expirytime");
    if envelope.get("type").and_then(|kind| kind.as_str()) == Some(RINGING) {
        envelope.insert("type".into(), RANG.into());
    }
    if let Some(data) = envelope.get_mut("data").and_then(|data| data.as_object_mut()) {
        data.insert("delivery".into(), "late".into());
    }
    serde_json::to_vec(&envelope).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn notification(id: u128, expires_ms: Option<i64>, payload: &'static str) -> Arc<Notification> {
        Arc::new(Notification {
            seq: 1,
            input_seq: 1,
            id,
            contact: Some(1),
            contact_seq: 1,
            kind: RINGING.into(),
            at_ms: 0,
            expires_ms,
            payload: Bytes::from_static(payload.as_bytes()),
            deliveries: Arc::default(),
        })
    }

    fn subscription(batch: bool) -> Subscription {
        Subscription {
            id: 1,
            url: String::new(),
            secret: Secret::generate().unwrap(),
            previous: Some((Secret::generate().unwrap(), 10_000)),
            paused: false,
            persons: true,
            batch,
        }
    }

    const CALL: &str = r#"{"id":"1","type":"nl.schakel.call.ringing.v1","expirytime":"2026-01-01T00:00:00Z","data":{"call":7}}"#;

    #[test]
    fn t03_a_ringing_in_time_is_sent_as_it_was_stored() {
        let message = Message::new(
            &[notification(9, Some(5_000), CALL)],
            &subscription(false),
            &Withhold::default(),
            4_999,
        )
        .unwrap();
        assert_eq!((&message.body[..], message.late), (CALL.as_bytes(), 0));
        assert_eq!(message.id, "00000000-0000-0000-0000-000000000009");
        assert_eq!(message.timestamp, "4");
    }

    #[test]
    fn t03_a_ringing_that_is_too_late_is_history() {
        for batch in [false, true] {
            let message = Message::new(
                &[notification(9, Some(5_000), CALL)],
                &subscription(batch),
                &Withhold::default(),
                5_000,
            )
            .unwrap();
            let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
            let envelope = if batch { &body[0] } else { &body };
            let expected = serde_json::json!({
                "id": "1", "type": "nl.schakel.call.rang.v1", "data": {"call": 7, "delivery": "late"}
            });
            assert_eq!((envelope, message.late), (&expected, 1));
            assert_eq!(message.id, "00000000-0000-0000-0000-000000000009");
        }
    }

    #[test]
    fn another_kind_that_is_late_keeps_its_type() {
        let offer = r#"{"type":"nl.schakel.call.offered.v1","data":{}}"#;
        let message =
            Message::new(&[notification(9, Some(1), offer)], &subscription(false), &Withhold::default(), 2)
                .unwrap();
        assert_eq!(message.body, r#"{"data":{"delivery":"late"},"type":"nl.schakel.call.offered.v1"}"#);
    }

    #[test]
    fn a_secret_that_rotates_signs_beside_the_new_one_until_its_time() {
        let subscription = subscription(false);
        let signatures = |now_ms| {
            let message =
                Message::new(&[notification(9, None, "{}")], &subscription, &Withhold::default(), now_ms)
                    .unwrap();
            message.signature.to_str().unwrap().split(' ').count()
        };
        assert_eq!((signatures(9_999), signatures(10_000)), (2, 1));
    }

    #[test]
    fn the_same_batch_has_the_same_id() {
        let id = |ids: &[u128]| {
            let all: Vec<_> = ids.iter().map(|id| notification(*id, None, "{}")).collect();
            let message = Message::new(&all, &subscription(true), &Withhold::default(), 0).unwrap();
            assert_eq!(message.body.iter().filter(|byte| **byte == b'{').count(), ids.len());
            assert!(serde_json::from_slice::<Vec<serde_json::Value>>(&message.body).is_ok());
            message.id.to_str().unwrap().to_owned()
        };
        assert_eq!(id(&[1, 2]), id(&[1, 2]));
        assert_ne!(id(&[1, 2]), id(&[2, 1]));
        assert!(id(&[1, 2]).starts_with("batch_"));
        assert_eq!(id(&[1]), "00000000-0000-0000-0000-000000000001");
        assert!(Message::new(&[], &subscription(true), &Withhold::default(), 0).is_none());
    }

    #[test]
    fn avg_numbers_and_names_go_only_where_they_may() {
        let withhold = Withhold::by(Arc::new(|payload: &[u8]| {
            String::from_utf8_lossy(payload).replace("\"call\":7", "\"call\":0").into_bytes()
        }));
        let body = |persons, batch| {
            let subscription = Subscription { persons, ..subscription(batch) };
            let message =
                Message::new(&[notification(9, Some(5), CALL)], &subscription, &withhold, 1).unwrap();
            String::from_utf8(message.body.to_vec()).unwrap()
        };
        for batch in [false, true] {
            assert!(body(true, batch).contains("\"call\":7"));
            assert!(body(false, batch).contains("\"call\":0"));
        }
        let late = Subscription { persons: false, ..subscription(false) };
        let late = Message::new(&[notification(9, Some(5), CALL)], &late, &withhold, 6).unwrap();
        assert!(String::from_utf8(late.body.to_vec()).unwrap().contains("\"call\":0"), "also as history");
        // Clones share who was erased.
        withhold.clone().erase([1]);
        assert!(body(true, false).contains("\"call\":0"), "the customer was erased meanwhile");
    }
}
