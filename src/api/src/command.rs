//! Commands: handed to the engine, waited for, answered once.

use crate::ask::Ask;
use crate::problem::{Failure, problem_response};
use crate::reply::{body_reply, with_location};
use crate::route::Answer;
use crate::state::ApiState;
use bytes::Bytes;
use http::StatusCode;
use schakel_contract::problem::{ProblemKind, RefusalCause};
use schakel_contract::reply;
use schakel_contract::requests::{CustomerReference, Destination, DialString, EntryId};
use schakel_core::command::{Command, CommandRecord, CommandState};
use schakel_core::model::ids::{AgentId, CommandId, DeviceId, ProviderId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::state::State;
use schakel_engine::{Accepted, CommandRequest, Idempotency};
use schakel_register::directory;
use serde_json::Value;
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
    if status == StatusCode::CREATED {
        // Of all commands a visitor's alone makes something with a path.
        let reply: Value = serde_json::from_slice(&body).unwrap_or_default();
        let visit = reply.pointer("/visit/id").and_then(Value::as_str).unwrap_or_default();
        return with_location(body_reply(status, body), &format!("/v1/visits/{visit}"));
    }
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
    number_for(&ask.app, destination).await
}

/// The same, for who asks without a request.
pub(crate) async fn number_for(app: &ApiState, destination: Destination) -> Result<Pii<Str>, Failure> {
    match destination {
        Destination::Number(DialString(number)) => Ok(Pii::new(number.into())),
        Destination::Entry(EntryId(id)) => entry_number(app, &id).await,
        Destination::Customer(CustomerReference(reference)) => customer_number(app, &reference).await,
        Destination::Agent(name) => {
            let agent = AgentId::from(name.0.as_str());
            let seat = app.engine.read(move |state| seat_of(state, &agent)).await?;
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

/// Where an entry of the directory is reached: the device where the colleague sits now, else what the entry has.
async fn entry_number(app: &ApiState, id: &str) -> Result<Pii<Str>, Failure> {
    let directory = app.register.directory();
    let entry = directory.get(id).ok_or_else(|| {
        invalid(
            "there is no such entry in the directory; POST /v1/directory/search finds those that there are",
        )
    })?;
    let seat = match entry.agent.as_deref().map(AgentId::from) {
        Some(agent) => app.engine.read(move |state| seat_of(state, &agent)).await?,
        None => None,
    };
    Ok(Pii::new(match seat {
        Some((_, device)) => device.as_shared().clone(),
        None => directory::dialled(&app.register.plan(), &entry.number).into(),
    }))
}

/// The number of a customer: his own, switched on or not; of one who has several JKC says which.
async fn customer_number(app: &ApiState, reference: &str) -> Result<Pii<Str>, Failure> {
    let customer = app.register.customer(reference).await?;
    let customer = customer.ok_or_else(|| {
        invalid("no numbers are kept of this reference; give the number, and the reference beside it")
    })?;
    let own = customer.numbers.iter().filter(|number| number.representative_of.is_none());
    match own.collect::<Vec<_>>().as_slice() {
        [only] => Ok(Pii::new(app.register.plan().dial(only.number).into())),
        [] => Err(invalid(
            "this customer has no number of his own; give the number, and the reference beside it",
        )),
        several => {
            let count = several.len();
            Err(invalid(format!(
                "this customer has {count} numbers; give one of them, and the reference beside it"
            )))
        }
    }
}

fn invalid(detail: impl Into<String>) -> Failure {
    Failure::new(ProblemKind::InvalidDestination, detail).cause(RefusalCause::InvalidDestination)
}

/// The department that is chosen with a destination (T24): the entry's own, or that of the entry with this number or
/// this user; none where the directory does not know it.
pub(crate) fn department_of(app: &ApiState, destination: &Destination) -> Option<Str> {
    let (directory, plan) = (app.register.directory(), app.register.plan());
    let department = match destination {
        Destination::Entry(EntryId(id)) => directory.get(id).and_then(directory::department_of),
        Destination::Agent(name) => directory.of_agent(&name.0).and_then(directory::department_of),
        Destination::Customer(_) => None,
        Destination::Number(DialString(number)) => {
            directory.of_number(&plan.normalise(number)).find_map(directory::department_of)
        }
    };
    department.map(Into::into)
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
