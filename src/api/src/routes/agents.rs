//! Agents: who sits where (T14), what goes on there (T02), and dialling (T12).

use super::{Slice, read_one, seen};
use crate::ask::Ask;
use crate::command;
use crate::problem::Failure;
use crate::route::{Answer, Route, route};
use http::Method;
use schakel_contract::problem::ProblemKind;
use schakel_contract::requests::{AvailabilityRequest, Destination, DialRequest, RegistrationRequest};
use schakel_contract::views::{
    AgentStateView, AgentView, AvailabilityState, AvailabilityView, RegistrationView, Scope,
};
use schakel_core::command::Command;
use schakel_core::model::agent::{Agent, Readiness};
use schakel_core::model::ids::{AgentId, DeviceId, ProviderId};
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let name = || json!({ "type": "string", "minLength": 1, "maxLength": crate::router::NAME_MAX });
    let states = json!({ "type": "string", "enum":
        ["offline", "unreachable", "onCall", "afterCall", "notReady", "inSession", "available"] });
    vec![
        route(
            Method::GET,
            "/agents",
            "listAgents",
            "Users who have registered, each with his availability of this moment (T02)",
            list,
        )
        .scope(Scope::AgentsRead)
        .gives_page::<AgentView<'static>>()
        .query("state", "Only those whose availability is this.", states)
        .query("queue", "Only those who serve this queue.", name())
        .query("provider", "Only those who sit at this telephone system.", name()),
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
            "/agents/{agent}/availability",
            "getAvailability",
            "What a user can take now, by telephone and by chat, with every reason (T02)",
            availability,
        )
        .scope(Scope::AgentsRead)
        .gives::<AvailabilityView<'static>>()
        .versioned(),
        route(
            Method::PUT,
            "/agents/{agent}/availability",
            "setAvailability",
            "Says whether a user wants calls, or why not (T02)",
            set_availability,
        )
        .scope(Scope::AgentsWrite)
        .body::<AvailabilityRequest>()
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

/// What a list of users asks for.
struct Filter {
    state: Option<AvailabilityState>,
    queue: Option<DeviceId>,
    provider: Option<ProviderId>,
}

impl Filter {
    fn of(ask: &Ask) -> Self {
        let state = ask.asked("state").and_then(|name| serde_json::from_value(name.into()).ok());
        let (queue, provider) = (ask.asked("queue").map(Into::into), ask.asked("provider").map(Into::into));
        Self { state, queue, provider }
    }

    fn wants(&self, agent: &Agent) -> bool {
        let seat = agent.registration.as_ref();
        let serves = |queue| seat.is_some_and(|seat| seat.queues.contains(queue));
        let sits = |provider: &ProviderId| seat.is_some_and(|seat| seat.provider == *provider);
        self.state.is_none_or(|state| state == agent.availability.state.into())
            && self.queue.as_ref().is_none_or(serves)
            && self.provider.as_ref().is_none_or(sits)
    }
}

async fn list(ask: Ask) -> Answer {
    let (mut slice, filter) = (Slice::of(&ask), Filter::of(&ask));
    let look = move |state: &schakel_core::state::State| {
        for (id, agent) in state.agents.iter().filter(|(_, agent)| filter.wants(agent)) {
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

async fn availability(ask: Ask) -> Answer {
    let id = agent(&ask);
    read_one(&ask.app, "agent", move |state| {
        let agent = state.agents.get(&id)?;
        seen(&AvailabilityView::of(&agent.availability), agent.version)
    })
    .await
}

async fn set_availability(ask: Ask) -> Answer {
    ask.acts_for(ask.segment("agent"))?;
    let body: AvailabilityRequest = ask.body()?;
    let readiness =
        if body.ready { Readiness::Ready } else { Readiness::NotReady(body.reason.map(Into::into)) };
    command::run(&ask, Command::SetReadiness { agent: agent(&ask), readiness }).await
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
    let customer = match &body.destination {
        Destination::Customer(customer) => Some(customer.0.clone()),
        _ => None,
    };
    let destination = command::number_of(&ask, body.destination).await?;
    let reference = body.reference.or(customer).map(Into::into);
    command::run(&ask, Command::Dial { agent: agent(&ask), destination, reference }).await
}

fn agent(ask: &Ask) -> AgentId {
    ask.segment("agent").into()
}
