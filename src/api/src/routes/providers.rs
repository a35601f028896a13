//! Telephone systems with their links.

use super::{all_reply, seen};
use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::{body_reply, json_reply};
use crate::route::{Answer, Route, route};
use http::{Method, StatusCode};
use schakel_contract::problem::ProblemKind;
use schakel_contract::views::{ObservationsView, ProviderView, Scope};
use schakel_core::model::ids::ProviderId;
use schakel_core::state::State;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "/providers", "listProviders", "The telephone systems with their links", list)
            .scope(Scope::ProvidersRead)
            .gives_all::<ProviderView<'static>>(),
        route(Method::GET, "/providers/{provider}", "getProvider", "A telephone system with its link", read)
            .scope(Scope::ProvidersRead)
            .gives::<ProviderView<'static>>(),
        route(
            Method::GET,
            "/providers/{provider}/observations",
            "getObservations",
            "What its link has counted, and the last messages that were refused",
            observations,
        )
        .scope(Scope::ProvidersManage)
        .gives::<ObservationsView<'static>>(),
        route(
            Method::POST,
            "/providers/{provider}/reconnect",
            "reconnect",
            "Makes the link again, now",
            reconnect,
        )
        .scope(Scope::ProvidersManage)
        .gives::<ProviderView<'static>>()
        .fails(ProblemKind::NotFound),
    ]
}

async fn list(ask: Ask) -> Answer {
    let look = |state: &State| {
        let views = state.providers.values().map(|each| serde_json::to_value(ProviderView::of(each)));
        views.filter_map(Result::ok).collect::<Vec<_>>()
    };
    Ok(all_reply(&ask.app.engine.read(look).await?))
}

async fn read(ask: Ask) -> Answer {
    let id = ProviderId::from(ask.segment("provider"));
    let look = move |state: &State| seen(&ProviderView::of(state.providers.get(&id)?), 0);
    let (body, _) = ask.app.engine.read(look).await?.ok_or_else(|| Failure::not_found("telephone system"))?;
    Ok(body_reply(StatusCode::OK, body.into()))
}

async fn observations(ask: Ask) -> Answer {
    let seen = ask.app.providers.observations(ask.segment("provider"));
    let seen = seen.ok_or_else(|| Failure::not_found("telephone system"))?;
    Ok(json_reply(StatusCode::OK, &ObservationsView::of(&seen)))
}

async fn reconnect(ask: Ask) -> Answer {
    if !ask.app.providers.reconnect(ask.segment("provider")) {
        return Err(Failure::not_found("telephone system"));
    }
    read(ask).await
}
