//! Queues, live: callers waiting, longest wait, users by availability. The telephone system does the queueing.

use super::{all_reply, seen};
use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::body_reply;
use crate::route::{Answer, Route, route};
use http::{Method, StatusCode};
use schakel_contract::views::{QueueView, Scope};
use schakel_core::model::ids::{DeviceId, ProviderId};
use schakel_core::state::State;
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": crate::router::NAME_MAX });
    vec![
        route(
            Method::GET,
            "/queues",
            "listQueues",
            "The queues with who waits in them and who serves them",
            list,
        )
        .scope(Scope::CallsRead)
        .gives_all::<QueueView<'static>>()
        .query("provider", "Only those of this telephone system.", name),
        route(
            Method::GET,
            "/queues/{provider}/{device}",
            "getQueue",
            "A queue with who waits in it and who serves it",
            read,
        )
        .scope(Scope::CallsRead)
        .gives::<QueueView<'static>>(),
    ]
}

async fn list(ask: Ask) -> Answer {
    let wanted = ask.asked("provider").map(str::to_owned);
    let look = move |state: &State| {
        let of =
            |queue: &QueueView<'_>| wanted.as_ref().is_none_or(|wanted| queue.summary.provider == *wanted);
        let queues = QueueView::all(state).into_iter().filter(of);
        queues.filter_map(|queue| serde_json::to_value(queue).ok()).collect::<Vec<_>>()
    };
    Ok(all_reply(&ask.app.engine.read(look).await?))
}

async fn read(ask: Ask) -> Answer {
    let (provider, device) =
        (ProviderId::from(ask.segment("provider")), DeviceId::from(ask.segment("device")));
    let look = move |state: &State| seen(&QueueView::of(state, &provider, &device)?, 0);
    let (body, _) = ask.app.engine.read(look).await?.ok_or_else(|| Failure::not_found("queue"))?;
    Ok(body_reply(StatusCode::OK, body.into()))
}
