//! The stream of notifications by cursor, as pages and as server-sent events; and the snapshot to begin with.

use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::{body_reply, raw_page_reply};
use crate::route::{Answer, Route, route};
use crate::sse::{GREETING, HEARTBEAT, SILENCE, STREAM, frame, stream_reply};
use crate::state::ApiState;
use crate::tokens::Access;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT, LINK};
use http::{HeaderValue, Method, StatusCode};
use schakel_contract::event::Event;
use schakel_contract::problem::{InputPlace, ProblemKind};
use schakel_contract::views::{EventPage, Scope, SnapshotView};
use schakel_core::state::State;
use serde_json::json;
use std::collections::VecDeque;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// Notifications read at once for a stream: some 100 KB.
const STREAM_PAGE: usize = 32;

pub(super) fn routes() -> Vec<Route> {
    let cursor =
        || json!({ "type": "string", "pattern": "^[0-9]{1,20}$", "examples": ["00000000000000000042"] });
    let content = json!({
        "application/json": { "schema": { "$ref": "#/components/schemas/EventPage" } },
        STREAM: { "schema": { "type": "string",
            "description": "One `data:` a notification, with its `sequence` as `id:` and its `type` as `event:`." } },
    });
    vec![
        route(
            Method::GET,
            "/events",
            "listEvents",
            "Notifications after a cursor: a page, or with `Accept: text/event-stream` a stream. Without a cursor a page \
             begins with the oldest that is kept, and a stream with the next that happens",
            events,
        )
        .scope(Scope::EventsRead)
        .gives::<EventPage>()
        .gives_other(content)
        .query("after", "The last cursor that you have.", cursor())
        .page_size()
        .header("Last-Event-ID", "The last cursor that you have, as a browser sends it again; goes before `after`.", cursor())
        .fails(ProblemKind::CursorGone),
        route(Method::GET, "/snapshot", "getSnapshot", "Everything that is live now, with the cursor it belongs to", snapshot)
            .scope(Scope::EventsRead)
            .gives::<SnapshotView<'static>>(),
    ]
}

async fn snapshot(ask: Ask) -> Answer {
    // The cursor first: what becomes durable between the two is told again after it, and never missed.
    let cursor = *ask.app.engine.cursor().borrow();
    let register = ask.app.register.clone();
    let look = move |state: &State| {
        serde_json::to_vec(&SnapshotView::of(state, cursor, crate::time::now(), &register))
            .unwrap_or_default()
    };
    Ok(body_reply(StatusCode::OK, ask.app.engine.read(look).await?.into()))
}

async fn events(ask: Ask) -> Answer {
    let last = ask.cursor(ask.header("last-event-id"), InputPlace::Header, "Last-Event-ID")?;
    let after = last.or(ask.cursor(ask.asked("after"), InputPlace::Query, "after")?);
    let streams = ask.header(ACCEPT.as_str()).is_some_and(|accept| accept.contains(STREAM));
    if let Some(after) = after
        && let Some(gone) = gone(&ask.app, after).await?
    {
        return Ok(gone.at_snapshot(&ask.uri));
    }
    if streams { stream_of(ask, after).await } else { page(ask, after.unwrap_or(0)).await }
}

async fn page(ask: Ask, after: u64) -> Answer {
    let size = ask.page_size();
    let page = ask.app.store.read(move |reader| reader.notifications(after, size, |_| true)).await?;
    let rest = format!(",\"next\":\"{:020}\",\"more\":{}", page.next, page.more);
    Ok(raw_page_reply(page.rows.iter().map(|row| &row.payload[..]), &rest))
}

/// Why a cursor cannot be gone on from, if it cannot.
async fn gone(app: &ApiState, after: u64) -> Result<Option<Failure>, Failure> {
    let (earliest, latest) = app.store.read(|reader| Ok((reader.earliest()?, reader.latest()?))).await?;
    let detail = if earliest.is_some_and(|earliest| after + 1 < earliest) {
        "this cursor is older than what is kept: take /v1/snapshot and go on from its cursor"
    } else if after > latest {
        "this cursor is not of this stream: take /v1/snapshot and go on from its cursor"
    } else {
        return Ok(None);
    };
    Ok(Some(Failure::new(ProblemKind::CursorGone, detail)))
}

impl Failure {
    /// With the way to the snapshot.
    fn at_snapshot(self, path: &str) -> Response {
        let mut response = self.at(path);
        let link = HeaderValue::from_static("</v1/snapshot>; rel=\"alternate\"");
        response.headers_mut().insert(LINK, link);
        response
    }
}

async fn stream_of(ask: Ask, after: Option<u64>) -> Answer {
    let permit = ask.app.streams.clone().try_acquire_owned().map_err(|_| {
        Failure::new(ProblemKind::Unavailable, "as many event streams are open as are allowed; close one")
    })?;
    let cursor = ask.app.engine.cursor();
    let after = after.unwrap_or_else(|| *cursor.borrow());
    let follower = Follower {
        stopping: ask.app.stopping.clone(),
        app: ask.app,
        access: ask.access,
        cursor,
        after,
        ready: VecDeque::from([GREETING]),
        _permit: permit,
    };
    let frames = stream::unfold(follower, |mut follower| async move {
        let frame = follower.next().await?;
        Some((frame, follower))
    });
    Ok(stream_reply(frames))
}

/// One who follows the stream.
struct Follower {
    app: ApiState,
    access: Access,
    cursor: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    after: u64,
    ready: VecDeque<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    /// The next piece of the stream; none when it ends: the daemon stops, the journal fails, or the token is no good any more.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            if *self.stopping.borrow() || !self.app.tokens.is_still_good(&self.access) {
                return None;
            }
            self.cursor.borrow_and_update();
            self.read().await?;
            if self.ready.is_empty() {
                tokio::select! {
                    changed = self.cursor.changed() => changed.ok()?,
                    _ = self.stopping.changed() => return None,
                    () = tokio::time::sleep(HEARTBEAT) => return Some(SILENCE),
                }
            }
        }
    }

    async fn read(&mut self) -> Option<()> {
        let after = self.after;
        let read = move |reader: &schakel_journal::Reader| {
            let page = reader.notifications(after, STREAM_PAGE, |_| true)?;
            Ok((reader.earliest()?, page))
        };
        let (earliest, page) = match self.app.store.read(read).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "an event stream ended: the journal cannot be read");
                return None;
            }
        };
        if let Some(earliest) = earliest.filter(|earliest| after + 1 < *earliest) {
            // Retention has passed a slow reader.
            let gap = Event::stream_gap(&self.app.source, after, earliest, crate::time::now());
            let payload = serde_json::to_vec(&gap).unwrap_or_default();
            self.ready.push_back(told(earliest - 1, &gap.kind, &payload));
        }
        for row in &page.rows {
            let kind = format!("nl.schakel.{}.v1", row.kind);
            let withheld = (!self.access.has(Scope::PersonsRead))
                .then(|| Bytes::from(self.app.persons.withhold_event(&row.payload)));
            self.ready.push_back(told(row.seq, &kind, withheld.as_ref().unwrap_or(&row.payload)));
        }
        self.after = page.next;
        Some(())
    }
}

/// A notification, by its place in the stream.
fn told(seq: u64, kind: &str, payload: &[u8]) -> Bytes {
    frame(Some(&format!("{seq:020}")), kind, payload)
}
