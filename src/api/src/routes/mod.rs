//! All routes, one file a resource.

mod agents;
mod audit;
mod calls;
mod chat_channel;
mod chats;
mod contacts;
mod devices;
mod directory;
mod events;
mod hours;
mod mails;
mod providers;
mod queues;
mod recognition;
mod register;
mod reports;
mod routing;
mod sessions;
mod tokens;
mod transfers;
mod visits;
mod webhooks;

use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::{json_reply, page_reply};
use crate::route::{Answer, Route, route};
use crate::state::ApiState;
use axum::response::Response;
use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::{HeaderValue, Method, StatusCode};
use schakel_core::state::State;
use serde::Serialize;
use serde_json::json;

/// All of them.
pub(crate) fn all() -> Vec<Route> {
    let mut routes = vec![document()];
    routes.extend(agents::routes());
    routes.extend(calls::routes());
    routes.extend(transfers::routes());
    routes.extend(sessions::routes());
    routes.extend(routing::routes());
    routes.extend(queues::routes());
    routes.extend(hours::routes());
    routes.extend(chats::routes());
    routes.extend(chat_channel::routes());
    routes.extend(visits::routes());
    routes.extend(contacts::routes());
    routes.extend(devices::routes());
    routes.extend(directory::routes());
    routes.extend(recognition::routes());
    routes.extend(providers::routes());
    routes.extend(reports::routes());
    routes.extend(events::routes());
    routes.extend(webhooks::routes());
    routes.extend(mails::routes());
    routes.extend(tokens::routes());
    routes.extend(audit::routes());
    routes
}

fn document() -> Route {
    let content = json!({ "application/json": { "schema": { "type": "object" } } });
    route(Method::GET, "/openapi.json", "getOpenapi", "This document", |ask: Ask| async move {
        let mut response = crate::reply::body_reply(StatusCode::OK, ask.app.document.clone());
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        Ok(response)
    })
    .open()
    .gives_other(content)
}

/// What an object of the state looks like, written while the state is held, with its version.
pub(crate) type Seen = Option<(Vec<u8>, u64)>;

/// One object of the state, with its version as entity tag.
pub(crate) async fn read_one<F>(app: &ApiState, what: &str, look: F) -> Answer
where
    F: FnOnce(&State) -> Seen + Send + 'static,
{
    let (body, version) = app.engine.read(look).await?.ok_or_else(|| Failure::not_found(what))?;
    Ok(crate::reply::with_version(crate::reply::body_reply(StatusCode::OK, body.into()), version))
}

/// As JSON, while the state is held.
pub(crate) fn seen(view: &impl Serialize, version: u64) -> Seen {
    // Cannot fail: the views have no keys that are not text.
    Some((serde_json::to_vec(view).unwrap_or_default(), version))
}

/// A page of the state: items with the text of their ids, of which those after a cursor are given, in order.
pub(crate) struct Slice {
    after: Option<String>,
    size: usize,
    items: Vec<serde_json::Value>,
    last: Option<String>,
    more: bool,
}

impl Slice {
    /// As the query asks for it.
    pub(crate) fn of(ask: &Ask) -> Self {
        let after = ask.asked("after").map(str::to_owned);
        Self { after, size: ask.page_size(), items: Vec::new(), last: None, more: false }
    }

    /// Whether an item with this id belongs to the page. The items must come in the order of their ids.
    pub(crate) fn wants(&mut self, id: &str) -> bool {
        if self.after.as_deref().is_some_and(|after| id <= after) {
            return false;
        }
        self.more |= self.items.len() >= self.size;
        !self.more
    }

    /// The next item.
    pub(crate) fn push(&mut self, id: String, view: &impl Serialize) {
        self.items.push(serde_json::to_value(view).unwrap_or_default());
        self.last = Some(id);
    }

    /// As a response.
    pub(crate) fn reply(self) -> Response {
        page_reply(&self.items, self.last.filter(|_| self.more))
    }
}

/// All items of a small collection.
pub(crate) fn all_reply(items: &[impl Serialize]) -> Response {
    json_reply(StatusCode::OK, &json!({ "items": items }))
}
