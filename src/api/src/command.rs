//! Commands: handed to the engine, waited for, answered once.

use crate::ask::Ask;
use crate::problem::{Failure, problem_response};
use crate::reply::{body_reply, with_location};
use crate::route::Answer;
use bytes::Bytes;
use http::StatusCode;
use schakel_contract::problem::{ProblemKind, RefusalCause};
use schakel_contract::reply;
use schakel_contract::requests::{Destination, DialString};
use schakel_core::command::{Command, CommandRecord, CommandState};
use schakel_core::model::ids::{AgentId, CommandId, DeviceId, ProviderId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::state::State;
use schakel_engine::{Accepted, CommandRequest, Idempotency};
use sha2::{Digest as _, Sha256};

/// Hands in a command, waits for its outcome, and answers.
pub(crate) async fn run(ask: &Ask, command: Command) -> Answer {
    let request = CommandRequest {
        command,
        by: ask.actor(),
        if_version: ask.if_version(),
        idempotency: ask.header("idempotency-key").map(|key| Idempotency {
            scope: ask.access.token.id.clone(),
            key: key.to_owned(),
            fingerprint: fingerprint(ask),
        }),
    };
    match ask.app.engine.command(request).await? {
        Accepted::New { id, done } => {
            let done = tokio::time::timeout(ask.wait(), done).await;
            match done {
                Ok(Ok(record)) => answer(ask, id, move |_| Some(record)).await,
                // Not yet; or the engine stops, and the next question says so.
                _ => answer(ask, id, move |state| state.commands.get(&id).cloned()).await,
            }
        }
        Accepted::Repeated { reply: Some(stored), .. } => Ok(respond(stored.status, stored.body)),
        Accepted::Repeated { id, reply: None } => repeated(ask, id).await,
        Accepted::KeyReused => Err(Failure::new(
            ProblemKind::KeyReused,
            "this Idempotency-Key was used for another request in the last 24 hours; take a new key",
        )),
    }
}

/// The command that a key was used for before, whose reply is not in the journal (yet).
async fn repeated(ask: &Ask, id: CommandId) -> Answer {
    let known = ask.app.engine.read(move |state| state.commands.get(&id).cloned()).await?;
    match known {
        Some(record) if matches!(record.state, CommandState::Done { .. }) => {
            answer(ask, id, move |_| Some(record)).await
        }
        Some(_) => Err(Failure::new(
            ProblemKind::StillRunning,
            format!("the request with this key is still running; see /v1/commands/{id}"),
        )),
        // Its end was a restart of the daemon, and that was a while ago.
        None => Err(Failure::new(
            ProblemKind::Gone,
            format!(
                "the request with this key became command {id}, whose reply is not kept; its contact's timeline has it"
            ),
        )),
    }
}

async fn answer<F>(ask: &Ask, id: CommandId, find: F) -> Answer
where
    F: FnOnce(&State) -> Option<CommandRecord> + Send + 'static,
{
    let (status, body) = render(ask, find).await?.ok_or_else(|| Failure::not_found("command"))?;
    let response = respond(status, body);
    Ok(if status == 202 { with_location(response, &format!("/v1/commands/{id}")) } else { response })
}

async fn render<F>(ask: &Ask, find: F) -> Result<Option<(u16, Bytes)>, Failure>
where
    F: FnOnce(&State) -> Option<CommandRecord> + Send + 'static,
{
    let look = move |state: &State| {
        let record = find(state)?;
        let mut body = Vec::new();
        let status = reply::render(state, &record, &mut body);
        Some((status, Bytes::from(body)))
    };
    Ok(ask.app.engine.read(look).await?)
}

fn respond(status: u16, body: Bytes) -> axum::response::Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_success() { body_reply(status, body) } else { problem_response(status, body) }
}

/// SHA-256 of what was asked: method, path, what makes it conditional, and body. Not how long the caller waits.
fn fingerprint(ask: &Ask) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [ask.method.as_str(), &ask.uri, ask.header("if-match").unwrap_or("")] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(&ask.raw);
    hash.finalize().into()
}

/// The number to dial: as given, or the device where a colleague sits.
pub(crate) async fn number_of(ask: &Ask, destination: Destination) -> Result<Pii<Str>, Failure> {
    match destination {
        Destination::Number(DialString(number)) => Ok(Pii::new(number.into())),
        Destination::Agent(name) => {
            let agent = AgentId::from(name.0.as_str());
            let seat = ask.app.engine.read(move |state| seat_of(state, &agent)).await?;
            let (_, device) = seat.ok_or_else(|| {
                Failure::new(
                    ProblemKind::NotRegistered,
                    format!("agent {} is not registered at a device", name.0),
                )
                .cause(RefusalCause::NotRegistered)
            })?;
            Ok(Pii::new(device.as_shared().clone()))
        }
    }
}

/// A token of one agent may act at that agent's device alone.
pub(crate) async fn acts_at<F>(ask: &Ask, place: F) -> Result<(), Failure>
where
    F: FnOnce(&State) -> Option<(ProviderId, DeviceId)> + Send + 'static,
{
    let Some(agent) = ask.access.token.agent.clone() else { return Ok(()) };
    let id = AgentId::from(agent.as_str());
    // What is not there is refused by the engine, in its own words.
    let allowed = move |state: &State| {
        let seat = seat_of(state, &id);
        place(state).is_none_or(|place| Some(place) == seat)
    };
    if ask.app.engine.read(allowed).await? {
        return Ok(());
    }
    let detail =
        format!("this token is bound to agent {agent} and acts only at the device where he is registered");
    Err(Failure::new(ProblemKind::Forbidden, detail))
}

fn seat_of(state: &State, agent: &AgentId) -> Option<(ProviderId, DeviceId)> {
    let seat = state.agents.get(agent)?.registration.as_ref()?;
    Some((seat.provider.clone(), seat.device.clone()))
}
