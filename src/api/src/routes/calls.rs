//! Calls, what can be done to their connections (T05, T06, T09, T15), and commands.

use super::{Slice, read_one, seen};
use crate::ask::Ask;
use crate::command;
use crate::problem::Failure;
use crate::reply::body_reply;
use crate::route::{Answer, Route, route};
use http::{Method, StatusCode};
use schakel_contract::problem::ProblemKind;
use schakel_contract::reply::CommandReply;
use schakel_contract::requests::{DestinationRequest, DtmfRequest};
use schakel_contract::views::{CallState, CallView, Scope};
use schakel_core::command::{Command, CommandRecord, Control};
use schakel_core::model::call::Call;
use schakel_core::model::ids::{AgentId, CallId, CommandId, DeviceId, ProviderId};
use schakel_core::model::pii::Pii;
use schakel_core::state::State;
use serde_json::{Value, json};

pub(super) fn routes() -> Vec<Route> {
    let name = || json!({ "type": "string", "minLength": 1, "maxLength": crate::router::NAME_MAX });
    let states = json!({ "type": "string",
        "enum": ["ringing", "queued", "dialling", "active", "held", "remote", "stale", "ended"] });
    let mut routes = vec![
        route(
            Method::GET,
            "/calls",
            "listCalls",
            "Calls that go on, and those that ended a short while ago",
            list,
        )
        .scope(Scope::CallsRead)
        .gives_page::<CallView<'static>>()
        .query("state", "Only those in this state.", states)
        .query("device", "Only those in which this extension takes part.", name())
        .query("agent", "Only those of this user.", name())
        .query("provider", "Only those of this telephone system.", name()),
        route(
            Method::GET,
            "/calls/{call}",
            "getCall",
            "A call with every action of its connections (T15)",
            read,
        )
        .scope(Scope::CallsRead)
        .gives::<CallView<'static>>()
        .versioned(),
        route(
            Method::GET,
            "/commands/{command}",
            "getCommand",
            "A command and its outcome; with the scope `chats:read` one about chats",
            outcome,
        )
        .scope(Scope::CallsRead)
        .or_scope(Scope::ChatsRead)
        .gives::<CommandReply<'static>>(),
    ];
    routes.extend(CONTROLS.map(|(path, id, summary, control)| {
        route(Method::POST, path, id, summary, move |ask| act(ask, control.clone()))
            .scope(Scope::CallsControl)
            .command()
            .versioned()
    }));
    routes.extend([
        route(Method::POST, "/calls/{call}/connections/{device}/dtmf", "dtmf", "Sends tones", dtmf)
            .scope(Scope::CallsControl)
            .body::<DtmfRequest>()
            .command()
            .versioned(),
        route(
            Method::POST,
            "/calls/{call}/connections/{device}/deflect",
            "deflect",
            "Sends a ringing call elsewhere",
            deflect,
        )
        .scope(Scope::CallsControl)
        .body::<DestinationRequest>()
        .command()
        .versioned(),
        route(
            Method::POST,
            "/calls/{call}/connections/{device}/consult",
            "consult",
            "Calls a colleague while the customer holds",
            consult,
        )
        .scope(Scope::CallsControl)
        .body::<DestinationRequest>()
        .command()
        .versioned(),
    ]);
    routes
}

/// What takes no body.
const CONTROLS: [(&str, &str, &str, Control); 7] = [
    ("/calls/{call}/connections/{device}/answer", "answer", "Takes a ringing call", Control::Answer),
    ("/calls/{call}/connections/{device}/hold", "hold", "Puts on hold (T05)", Control::Hold),
    ("/calls/{call}/connections/{device}/retrieve", "retrieve", "Takes from hold (T06)", Control::Retrieve),
    ("/calls/{call}/connections/{device}/hang-up", "hangUp", "Leaves the call (T09)", Control::HangUp),
    (
        "/calls/{call}/connections/{device}/pick-up",
        "pickUp",
        "Takes, at this device, a call that rings elsewhere",
        Control::PickUp,
    ),
    (
        "/calls/{call}/connections/{device}/conference",
        "conference",
        "Joins the held and the active call",
        Control::Conference,
    ),
    (
        "/calls/{call}/connections/{device}/alternate",
        "alternate",
        "Swaps the held and the active call",
        Control::Alternate,
    ),
];

struct Filter {
    state: Option<Value>,
    device: Option<String>,
    agent: Option<AgentId>,
    provider: Option<String>,
}

impl Filter {
    fn of(ask: &Ask) -> Self {
        let text = |name| ask.asked(name).map(str::to_owned);
        Self {
            state: ask.asked("state").map(Value::from),
            device: text("device"),
            agent: ask.asked("agent").map(AgentId::from),
            provider: text("provider"),
        }
    }

    fn wants(&self, state: &State, call: &Call) -> bool {
        let in_state =
            |wanted: &Value| serde_json::to_value(CallState::of(call)).is_ok_and(|is| is == *wanted);
        let at = |device: &String| call.live().any(|each| each.device.as_str() == device);
        self.state.as_ref().is_none_or(in_state)
            && self.provider.as_ref().is_none_or(|provider| call.provider.as_str() == provider)
            && self.device.as_ref().is_none_or(at)
            && self.agent.as_ref().is_none_or(|agent| self.is_of(state, call, agent))
    }

    /// Of a user are the calls that rang for him, and what goes on where he sits now.
    fn is_of(&self, state: &State, call: &Call, agent: &AgentId) -> bool {
        let seat = state.agents.get(agent).and_then(|agent| agent.registration.as_ref());
        let seat = seat.filter(|seat| seat.provider == call.provider);
        call.connections.iter().any(|each| each.agent.as_ref() == Some(agent))
            || seat.is_some_and(|seat| call.live().any(|each| each.device == seat.device))
    }
}

async fn list(ask: Ask) -> Answer {
    let (mut slice, filter) = (Slice::of(&ask), Filter::of(&ask));
    let look = move |state: &State| {
        for (id, call) in state.calls.iter().filter(|(_, call)| filter.wants(state, call)) {
            let id = id.to_string();
            if slice.wants(&id) {
                slice.push(id, &CallView::of(state, call));
            }
        }
        slice
    };
    Ok(ask.app.engine.read(look).await?.reply())
}

async fn read(ask: Ask) -> Answer {
    let id = CallId(ask.id("call")?);
    read_one(&ask.app, "call", move |state| {
        let call = state.calls.get(&id)?;
        seen(&CallView::of(state, call), call.version)
    })
    .await
}

async fn outcome(ask: Ask) -> Answer {
    let id = CommandId(ask.id("command")?);
    let all = ask.access.has(Scope::CallsRead);
    let look = move |state: &State| {
        let shown = |record: &&CommandRecord| all || matches!(record.command, Command::Chat(_));
        let record = state.commands.get(&id).filter(shown)?;
        seen(&CommandReply::of(state, record), 0)
    };
    let (body, _) = ask.app.engine.read(look).await?.ok_or_else(|| {
        let detail =
            "there is no such command, or it ended so long ago that only its contact's timeline has it";
        Failure::new(ProblemKind::NotFound, detail)
    })?;
    Ok(body_reply(StatusCode::OK, body.into()))
}

async fn act(ask: Ask, control: Control) -> Answer {
    let (call, device) = (CallId(ask.id("call")?), DeviceId::from(ask.segment("device")));
    let at = device.clone();
    command::acts_at(&ask, move |state| Some((provider_of(state, call)?, at))).await?;
    command::run(&ask, Command::Control { call, device, control }).await
}

async fn dtmf(ask: Ask) -> Answer {
    let body: DtmfRequest = ask.body()?;
    act(ask, Control::Dtmf(Pii::new(body.digits.into()))).await
}

async fn deflect(ask: Ask) -> Answer {
    let body: DestinationRequest = ask.body()?;
    let number = command::number_of(&ask, body.destination).await?;
    act(ask, Control::Deflect(number)).await
}

async fn consult(ask: Ask) -> Answer {
    let body: DestinationRequest = ask.body()?;
    let number = command::number_of(&ask, body.destination).await?;
    act(ask, Control::Consult(number)).await
}

/// The telephone system of a call.
pub(super) fn provider_of(state: &State, call: CallId) -> Option<ProviderId> {
    Some(state.calls.get(&call)?.provider.clone())
}
