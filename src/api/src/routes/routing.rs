//! Routing by JKC: telephone systems ask where calls go, and JKC decides (T01).

use super::{Slice, read_one, seen};
use crate::ask::Ask;
use crate::command;
use crate::route::{Answer, Route, route};
use http::Method;
use schakel_contract::problem::ProblemKind;
use schakel_contract::requests::RouteDecisionRequest;
use schakel_contract::views::{RouteState, RouteView, Scope};
use schakel_core::command::Command;
use schakel_core::model::ids::RouteId;
use schakel_core::model::route::RouteDecision;
use schakel_core::state::State;
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let states = json!({ "type": "string", "enum": ["asked", "decided", "ended"] });
    vec![
        route(
            Method::GET,
            "/routes",
            "listRoutes",
            "Routings under way, and those that ended a short while ago",
            list,
        )
        .scope(Scope::CallsRead)
        .gives_page::<RouteView<'static>>()
        .query("state", "Only those in this state.", states),
        route(Method::GET, "/routes/{route}", "getRoute", "A routing", read)
            .scope(Scope::CallsRead)
            .gives::<RouteView<'static>>()
            .versioned(),
        route(
            Method::POST,
            "/routes/{route}/decision",
            "decideRoute",
            "Says where a call goes (T01); the first decision counts",
            decide,
        )
        .scope(Scope::RoutesDecide)
        .body::<RouteDecisionRequest>()
        .command()
        .versioned()
        .fails(ProblemKind::NotRegistered),
    ]
}

async fn list(ask: Ask) -> Answer {
    let mut slice = Slice::of(&ask);
    let wanted = ask.asked("state").and_then(|name| serde_json::from_value::<RouteState>(name.into()).ok());
    let look = move |state: &State| {
        for (id, route) in &state.routes {
            let (id, view) = (id.to_string(), RouteView::of(route));
            if wanted.is_none_or(|wanted| wanted == view.state) && slice.wants(&id) {
                slice.push(id, &view);
            }
        }
        slice
    };
    Ok(ask.app.engine.read(look).await?.reply())
}

async fn read(ask: Ask) -> Answer {
    let id = RouteId(ask.id("route")?);
    read_one(&ask.app, "routing", move |state| {
        let route = state.routes.get(&id)?;
        seen(&RouteView::of(route), route.version)
    })
    .await
}

async fn decide(ask: Ask) -> Answer {
    let route = RouteId(ask.id("route")?);
    let decision = match ask.body()? {
        RouteDecisionRequest::Destination(to) => RouteDecision::To(command::number_of(&ask, to).await?),
        RouteDecisionRequest::Default(_) => RouteDecision::Default,
    };
    command::run(&ask, Command::DecideRoute { route, decision }).await
}
