//! Agents: who sits where (T14), what goes on there (T02), and dialling (T12).

use super::{Slice, read_one, seen};
use crate::ask::Ask;
use crate::command;
use crate::problem::Failure;
use crate::route::{Answer, Route, route};
use http::Method;
use schakel_contract::problem::ProblemKind;
use schakel_contract::requests::{DialRequest, RegistrationRequest};
use schakel_contract::views::{AgentStateView, AgentView, RegistrationView, Scope};
use schakel_core::command::Command;
use schakel_core::model::ids::AgentId;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "/agents", "listAgents", "Users who have registered", list)
            .scope(Scope::AgentsRead)
            .gives_page::<AgentView<'static>>(),
        route(Method::GET, "/agents/{agent}", "getAgent", "A user and where he sits", read)
            .scope(Scope::AgentsRead)
            .gives::<AgentView<'static>>()
            .versioned(),
        route(Method::GET, "/agents/{agent}/registration", "getRegistration", "Where a user sits", seat)
            .scope(Scope::AgentsRead)
            .gives::<RegistrationView<'static>>()
            .versioned(),
        route(
            Method::PUT,
            "/agents/{agent}/registration",
            "register",
            "Seats a user at an extension (T14)",
            register,
        )
        .scope(Scope::AgentsWrite)
        .body::<RegistrationRequest>()
        .command()
        .versioned(),
        route(
            Method::DELETE,
            "/agents/{agent}/registration",
            "unregister",
            "A user leaves his extension",
            unregister,
        )
        .scope(Scope::AgentsWrite)
        .command()
        .versioned(),
        route(
            Method::GET,
            "/agents/{agent}/state",
            "getAgentState",
            "A user's device and calls (T02)",
            state,
        )
        .scope(Scope::AgentsRead)
        .gives::<AgentStateView<'static>>(),
        route(
            Method::POST,
            "/agents/{agent}/calls",
            "dial",
            "Starts a call from a user's device (T12)",
            dial,
        )
        .scope(Scope::CallsControl)
        .body::<DialRequest>()
        .command(),
    ]
}

async fn list(ask: Ask) -> Answer {
    let mut slice = Slice::of(&ask);
    let look = move |state: &schakel_core::state::State| {
        for (id, agent) in &state.agents {
            if slice.wants(id.as_str()) {
                slice.push(id.as_str().to_owned(), &AgentView::of(agent));
            }
        }
        slice
    };
    Ok(ask.app.engine.read(look).await?.reply())
}

async fn read(ask: Ask) -> Answer {
    let id = agent(&ask);
    read_one(&ask.app, "agent", move |state| {
        let agent = state.agents.get(&id)?;
        seen(&AgentView::of(agent), agent.version)
    })
    .await
}

async fn seat(ask: Ask) -> Answer {
    let id = agent(&ask);
    let there = ask.app.engine.read(move |state| {
        let agent = state.agents.get(&id)?;
        seen(&RegistrationView::of(agent.registration.as_ref()?), agent.version)
    });
    let (body, version) = there.await?.ok_or_else(|| {
        Failure::new(
            ProblemKind::NotFound,
            "this user is not registered at a device; PUT a registration here",
        )
    })?;
    let reply = crate::reply::body_reply(http::StatusCode::OK, body.into());
    Ok(crate::reply::with_version(reply, version))
}

async fn state(ask: Ask) -> Answer {
    let id = agent(&ask);
    let look = move |state: &schakel_core::state::State| {
        let agent = state.agents.get(&id)?;
        seen(&AgentStateView::of(state, agent), 0)
    };
    let (body, _) = ask.app.engine.read(look).await?.ok_or_else(|| Failure::not_found("agent"))?;
    Ok(crate::reply::body_reply(http::StatusCode::OK, body.into()))
}

async fn register(ask: Ask) -> Answer {
    ask.acts_for(ask.segment("agent"))?;
    let body: RegistrationRequest = ask.body()?;
    let command = Command::Register {
        agent: agent(&ask),
        provider: body.provider.as_str().into(),
        device: body.device.as_str().into(),
        provider_agent: body.agent_id.map(Into::into),
        queues: body.queues.iter().map(|queue| queue.as_str().into()).collect(),
    };
    command::run(&ask, command).await
}

async fn unregister(ask: Ask) -> Answer {
    ask.acts_for(ask.segment("agent"))?;
    command::run(&ask, Command::Unregister { agent: agent(&ask) }).await
}

async fn dial(ask: Ask) -> Answer {
    ask.acts_for(ask.segment("agent"))?;
    let body: DialRequest = ask.body()?;
    let destination = command::number_of(&ask, body.destination).await?;
    let reference = body.reference.map(Into::into);
    command::run(&ask, Command::Dial { agent: agent(&ask), destination, reference }).await
}

fn agent(ask: &Ask) -> AgentId {
    ask.segment("agent").into()
}
