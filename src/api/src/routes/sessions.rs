//! Contact sessions: JKC opens, parks, resumes and closes them, and decides on them when a call arrives (T11, T16).

use super::{Slice, read_one, seen};
use crate::ask::Ask;
use crate::command;
use crate::problem::Failure;
use crate::route::{Answer, Route, route};
use axum::response::IntoResponse as _;
use http::{Method, StatusCode};
use schakel_contract::problem::{ProblemKind, RefusalCause};
use schakel_contract::requests::{SessionDecisionRequest, SessionRequest};
use schakel_contract::views::{Scope, SessionState, SessionView};
use schakel_core::command::{Command, SessionChange};
use schakel_core::input::InputBody;
use schakel_core::model::ids::{AgentId, CallId, ContactId, SessionId};
use schakel_core::model::session;
use schakel_core::state::State;
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": crate::router::NAME_MAX });
    let states = json!({ "type": "string", "enum": ["open", "parked", "closed"] });
    let mut routes = vec![
        route(
            Method::POST,
            "/sessions",
            "openSession",
            "Opens a contact session: after-call work lasts as long as it does (T11)",
            open,
        )
        .scope(Scope::SessionsWrite)
        .body::<SessionRequest>()
        .command(),
        route(
            Method::GET,
            "/sessions",
            "listSessions",
            "Contact sessions that are open or parked, and those that were closed a short while ago",
            list,
        )
        .scope(Scope::AgentsRead)
        .gives_page::<SessionView<'static>>()
        .query("agent", "Only those of this user.", name)
        .query("state", "Only those in this state.", states),
        route(Method::GET, "/sessions/{session}", "getSession", "A contact session", read)
            .scope(Scope::AgentsRead)
            .gives::<SessionView<'static>>()
            .versioned(),
        route(
            Method::POST,
            "/sessions/{session}/heartbeat",
            "beatSession",
            "Says that JKC's browser is there: the lease of an open session goes on",
            heartbeat,
        )
        .scope(Scope::SessionsWrite)
        .unrecorded()
        .fails(ProblemKind::UnknownSession)
        .fails(ProblemKind::InvalidSessionState),
        route(
            Method::POST,
            "/sessions/{session}/decisions",
            "decideSession",
            "Keeps or ignores an open session now that a call has arrived; the first decision counts (T16)",
            decide,
        )
        .scope(Scope::SessionsWrite)
        .body::<SessionDecisionRequest>()
        .command()
        .versioned(),
    ];
    routes.extend(CHANGES.map(|(path, id, summary, change)| {
        route(Method::POST, path, id, summary, move |ask| act(ask, change))
            .scope(Scope::SessionsWrite)
            .command()
            .versioned()
    }));
    routes
}

/// What takes no body.
const CHANGES: [(&str, &str, &str, SessionChange); 3] = [
    (
        "/sessions/{session}/park",
        "parkSession",
        "Keeps a contact session for later; after-call work ends (T16)",
        SessionChange::Park,
    ),
    ("/sessions/{session}/resume", "resumeSession", "Goes on with a parked session", SessionChange::Resume),
    (
        "/sessions/{session}/close",
        "closeSession",
        "Ends a contact session: after-call work ends and the user is free (T11)",
        SessionChange::Close,
    ),
];

async fn open(ask: Ask) -> Answer {
    let body: SessionRequest = ask.body()?;
    ask.acts_for(&body.agent.0)?;
    let command = Command::OpenSession {
        agent: body.agent.0.as_str().into(),
        contact: body.contact.map(|contact| ContactId(contact.as_u128())),
        reference: body.reference.map(Into::into),
    };
    command::run(&ask, command).await
}

async fn list(ask: Ask) -> Answer {
    let (mut slice, agent) = (Slice::of(&ask), ask.asked("agent").map(AgentId::from));
    let wanted = ask.asked("state").and_then(|name| serde_json::from_value::<SessionState>(name.into()).ok());
    let look = move |state: &State| {
        for (id, session) in &state.sessions {
            let fits = agent.as_ref().is_none_or(|agent| session.agent == *agent)
                && wanted.is_none_or(|wanted| wanted == session.state.into());
            let id = id.to_string();
            if fits && slice.wants(&id) {
                slice.push(id, &SessionView::of(session));
            }
        }
        slice
    };
    Ok(ask.app.engine.read(look).await?.reply())
}

async fn read(ask: Ask) -> Answer {
    let id = SessionId(ask.id("session")?);
    read_one(&ask.app, "session", move |state| {
        let session = state.sessions.get(&id)?;
        seen(&SessionView::of(session), session.version)
    })
    .await
}

async fn act(ask: Ask, change: SessionChange) -> Answer {
    let session = own(&ask).await?;
    command::run(&ask, Command::ChangeSession { session, change }).await
}

async fn decide(ask: Ask) -> Answer {
    let body: SessionDecisionRequest = ask.body()?;
    let session = own(&ask).await?;
    let change = SessionChange::Decide { call: CallId(body.call.as_u128()), decision: body.decision.into() };
    command::run(&ask, Command::ChangeSession { session, change }).await
}

/// No command: it changes nothing that anybody is told of, and there is one every few seconds.
async fn heartbeat(ask: Ask) -> Answer {
    let session = own(&ask).await?;
    let state = ask.app.engine.read(move |state| state.sessions.get(&session).map(|found| found.state));
    match state.await? {
        Some(session::SessionState::Open) => {}
        Some(_) => {
            let detail = "only an open session has a lease; POST resume here to go on with a parked one";
            return Err(Failure::new(ProblemKind::InvalidSessionState, detail)
                .cause(RefusalCause::InvalidSessionState));
        }
        None => {
            let detail = "there is no such session, or it was closed so long ago that it is not kept";
            return Err(Failure::new(ProblemKind::UnknownSession, detail).cause(RefusalCause::UnknownSession));
        }
    }
    ask.app.engine.input(InputBody::Heartbeat { session }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The session of the path, if the caller may act for its agent.
async fn own(ask: &Ask) -> Result<SessionId, Failure> {
    let id = SessionId(ask.id("session")?);
    if ask.access.token.agent.is_some() {
        // What is not there is refused by the engine, in its own words.
        let of = ask.app.engine.read(move |state| state.sessions.get(&id).map(|found| found.agent.clone()));
        if let Some(agent) = of.await? {
            ask.acts_for(agent.as_str())?;
        }
    }
    Ok(id)
}
