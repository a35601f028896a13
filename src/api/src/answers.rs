//! What receivers answer to a `route.requested`: where the call goes, at once, without a request of their own (T01).
//!
//! ```text
//! webhook's 2xx { "decision": … } ─► outbox ─► schema ─► destination's number ─► Command::DecideRoute
//! ```
//!
//! An answer is a decision like any other: the first counts, and what becomes of it is notified. Whatever is wrong with
//! it, the notification was delivered: it is logged and counted, and the routing waits for its time limit.

use crate::command::number_for;
use crate::problem::Failure;
use crate::state::ApiState;
use futures_util::future::join_all;
use schakel_contract::requests::{RouteAnswer, RouteDecisionRequest};
use schakel_core::command::{Actor, Command};
use schakel_core::model::ids::RouteId;
use schakel_core::model::route::RouteDecision;
use schakel_core::notification::Kind;
use schakel_engine::CommandRequest;
use schakel_outbox::Answer;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc;
use uuid::Uuid;

/// The kind of notification whose answers are decisions.
pub const ANSWERED_KIND: &str = Kind::RouteRequested.as_str();

/// Answers that are dealt with together, so that they share a commit: one after the other each would wait for one of its
/// own, and on a slow disk the last for longer than its caller does.
const TOGETHER_MAX: usize = 64;

/// Answers by what became of them.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<BTreeMap<&'static str, u64>>);

impl Answers {
    fn count(&self, result: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(result).or_default() += 1;
    }

    /// What has been counted, by result.
    pub(crate) fn counted(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why an answer is no decision.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    /// It is not what may be answered. Never text of it: a destination is somebody's number.
    #[error(
        "it is not of the form {{\"decision\": {{\"destination\": …}}}} or {{\"decision\": {{\"default\": true}}}}: {0}"
    )]
    Form(String),
    /// The notification names no routing: not one of ours.
    #[error("the notification names no routing")]
    NoRoute,
    /// The destination has no number now.
    #[error("its destination has no number: {0}")]
    Destination(String),
    /// The daemon stops, or the journal takes nothing.
    #[error("{0}")]
    Engine(#[from] schakel_engine::CommandError),
}

/// Turns answers into decisions until nobody hears any more.
pub async fn decide_by_answers(app: ApiState, mut heard: mpsc::Receiver<Answer>) {
    let mut waiting = Vec::new();
    while heard.recv_many(&mut waiting, TOGETHER_MAX).await > 0 {
        join_all(waiting.drain(..).map(|answer| decide_by_answer(&app, answer))).await;
    }
}

async fn decide_by_answer(app: &ApiState, answer: Answer) {
    let webhook = Uuid::from_u128(answer.subscription);
    match decide(app, &answer).await {
        Ok(true) => app.answers.count("decided"),
        Ok(false) => app.answers.count("nothing"),
        Err(why) => {
            app.answers.count("unusable");
            tracing::warn!(%webhook, "the answer to a {ANSWERED_KIND} decides nothing: {why}");
        }
    }
}

/// Whether it said where. What the engine thinks of it is the command's outcome.
async fn decide(app: &ApiState, answer: &Answer) -> Result<bool, Unusable> {
    let Some(decision) = read(app, &answer.body)? else { return Ok(false) };
    let route = route_of(&answer.notification.payload).ok_or(Unusable::NoRoute)?;
    let decision = match decision {
        RouteDecisionRequest::Destination(to) => {
            let number = number_for(app, to).await;
            RouteDecision::To(number.map_err(|failure: Failure| Unusable::Destination(failure.detail()))?)
        }
        RouteDecisionRequest::Default(_) => RouteDecision::Default,
    };
    let by = Actor::named(&format!("webhook:{}", Uuid::from_u128(answer.subscription)));
    let command = Command::DecideRoute { route, decision };
    // Its outcome is notified; nobody waits here.
    app.engine.command(CommandRequest { command, by, if_version: None, idempotency: None }).await?;
    Ok(true)
}

fn read(app: &ApiState, body: &[u8]) -> Result<Option<RouteDecisionRequest>, Unusable> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Unusable::Form(format!("not JSON, at column {}", error.column())))?;
    let findings = app.checker.check(&json!({ "$ref": "#/components/schemas/RouteAnswer" }), &body);
    if !findings.is_empty() {
        let findings: Vec<_> =
            findings.into_iter().map(|found| format!("{} {}", found.pointer, found.code)).collect();
        return Err(Unusable::Form(findings.join(", ")));
    }
    let answer: Result<RouteAnswer, _> = serde_json::from_value(body);
    Ok(answer.map_err(|_| Unusable::Form("/decision".into()))?.decision)
}

fn route_of(payload: &[u8]) -> Option<RouteId> {
    let event: Value = serde_json::from_slice(payload).ok()?;
    let id = event.pointer("/data/route/id")?.as_str()?;
    Some(RouteId(Uuid::try_parse(id).ok()?.as_u128()))
}
