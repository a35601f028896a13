//! The HTTP control: people at telephones and outside, by hand or by script.
//!
//! | route | body | what |
//! | --- | --- | --- |
//! | `POST /calls` | `{"from": "0201234567", "to": "2001"}` | someone calls: an outside number (absent: withheld) or an extension |
//! | `POST /calls/{id}/hang-up` | | the call ends for everybody |
//! | `POST /devices/{ext}/{deed}` | what the [`Deed`] needs | someone at that telephone does it |
//! | `POST /devices/{ext}/agent` | `{"request": "loggedOn", "agent": "900", "group": "7000"}` | then `ready`, `notReady` (with a `reason`), `workingAfterCall`, `loggedOff` |
//! | `PUT /devices/{ext}/do-not-disturb` | `{"on": true}` | |
//! | `PUT /devices/{ext}/forwarding` | `{"kind": "forwardBusy", "to": "2002"}` | without `to` it ends |
//! | `PUT /devices/{ext}/out-of-service` | `{"out": true}` | |
//! | `POST /outside/{number}/answer`, `busy`, `hang-up` | | someone outside does it |
//! | `POST /link/cut`, `stall`, `heal` | `{"for": "2s"}` or nothing | |
//! | `POST /sins` | a [`Sin`]: `{"sin": "abort-routing"}` | the PBX misbehaves |
//! | `POST /restart` | `{"keep_calls": true, "for": "1s"}` or nothing | |
//! | `GET /state` | | everything |
//! | `GET /log` | | the last messages as text; `?format=json` as JSON |
//!
//! A refusal is `{"error": "…", "csta": "stateIncompatibility/noActiveCall"}` with 404 (no such device or call),
//! 409 (not now) or 422 (not understood).

use std::fmt::Write;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::deed::{Deed, DeedError};
use crate::running::Simulator;
use crate::sins::{Sin, SinError};
use crate::switch::{Number, SwitchError};

/// Serves the control until stopped.
pub(crate) async fn serve(simulator: Simulator, listener: TcpListener, stop: CancellationToken) {
    let served =
        axum::serve(listener, router(simulator)).with_graceful_shutdown(stop.clone().cancelled_owned());
    // A client that keeps its connection open must not keep the simulator from stopping.
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    tokio::select! {
        result = async { served.await } => {
            if let Err(error) = result {
                tracing::error!(%error, "the HTTP control has ended");
            }
        }
        () = stopped => {}
    }
}

/// The routes, for those who serve them elsewhere.
pub fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/calls", post(new_call))
        .route("/calls/{id}/hang-up", post(end_call))
        .route("/devices/{device}/{deed}", post(at_telephone).merge(put(at_telephone)))
        .route("/outside/{number}/{deed}", post(outside))
        .route("/link/{what}", post(link))
        .route("/sins", post(sin))
        .route("/restart", post(restart))
        .route("/state", get(state))
        .route("/log", get(log))
        .fallback(nowhere)
        .with_state(simulator)
}

/// Why a request was not carried out.
enum Refusal {
    Deed(DeedError),
    Body(String),
}

impl From<DeedError> for Refusal {
    fn from(error: DeedError) -> Self {
        Self::Deed(error)
    }
}

impl From<SinError> for Refusal {
    fn from(error: SinError) -> Self {
        Self::Deed(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::Body(error) => (StatusCode::UNPROCESSABLE_ENTITY, json!({ "error": error })),
            Self::Deed(DeedError::Refused(refused)) => {
                let (category, value) = refused.csta();
                let csta = format!("{}/{value}", category.element());
                (status_of(&refused), json!({ "error": refused.to_string(), "csta": csta }))
            }
            Self::Deed(DeedError::Sin(error)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, json!({ "error": error.to_string() }))
            }
            Self::Deed(error) => (StatusCode::CONFLICT, json!({ "error": error.to_string() })),
        };
        (status, Json(body)).into_response()
    }
}

const fn status_of(refused: &SwitchError) -> StatusCode {
    match refused {
        SwitchError::UnknownDevice(_)
        | SwitchError::UnknownCallingDevice(_)
        | SwitchError::UnknownCall(_)
        | SwitchError::UnknownConnection(_)
        | SwitchError::InvalidDestination(_) => StatusCode::NOT_FOUND,
        _ => StatusCode::CONFLICT,
    }
}

type Answer = Result<Response, Refusal>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCall {
    from: Option<Number>,
    to: Number,
    #[serde(default)]
    data: Option<std::sync::Arc<str>>,
}

async fn new_call(State(simulator): State<Simulator>, body: Bytes) -> Answer {
    let NewCall { from, to, data } = parse(Value::Object(object(&body)?))?;
    let inside = from.as_ref().is_some_and(|from| simulator.is_device(from));
    let deed = match from {
        Some(device) if inside => Deed::Call { device, to, prompt: false },
        from => Deed::Ring { from, to, data },
    };
    done(&simulator, &deed)
}

async fn end_call(State(simulator): State<Simulator>, Path(id): Path<String>) -> Answer {
    done(&simulator, &Deed::EndCall { call: id.into() })
}

async fn at_telephone(
    State(simulator): State<Simulator>,
    Path((device, deed)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    const NOT_AT_A_TELEPHONE: [&str; 3] = ["ring", "end-call", "sin"];
    let elsewhere = deed.starts_with("outside-") || deed.starts_with("expect");
    if elsewhere || NOT_AT_A_TELEPHONE.contains(&deed.as_str()) {
        return Err(Refusal::Body(format!("{deed} is nothing that one does at a telephone")));
    }
    let mut fields = object(&body)?;
    fields.insert("do".to_owned(), Value::String(deed));
    fields.insert("device".to_owned(), Value::String(device));
    done(&simulator, &parse(Value::Object(fields))?)
}

async fn outside(State(simulator): State<Simulator>, Path((number, deed)): Path<(String, String)>) -> Answer {
    let deed = json!({ "do": format!("outside-{deed}"), "number": number });
    done(&simulator, &parse(deed)?)
}

async fn link(State(simulator): State<Simulator>, Path(what): Path<String>, body: Bytes) -> Answer {
    let name = match what.as_str() {
        "cut" => "cut-link",
        "stall" => "stall-link",
        "heal" => "heal",
        other => return Err(Refusal::Body(format!("{other} is none of cut, stall and heal"))),
    };
    let mut fields = object(&body)?;
    fields.insert("sin".to_owned(), Value::String(name.to_owned()));
    committed(&simulator, &parse(Value::Object(fields))?)
}

async fn sin(State(simulator): State<Simulator>, body: Bytes) -> Answer {
    committed(&simulator, &parse(Value::Object(object(&body)?))?)
}

async fn restart(State(simulator): State<Simulator>, body: Bytes) -> Answer {
    let mut fields = object(&body)?;
    fields.insert("sin".to_owned(), Value::String("restart".to_owned()));
    committed(&simulator, &parse(Value::Object(fields))?)
}

async fn state(State(simulator): State<Simulator>) -> Response {
    Json(simulator.state()).into_response()
}

#[derive(Deserialize)]
struct LogQuery {
    format: Option<String>,
}

async fn log(State(simulator): State<Simulator>, Query(query): Query<LogQuery>) -> Response {
    let entries = simulator.log();
    if query.format.as_deref() == Some("json") {
        return Json(entries).into_response();
    }
    let mut text = String::new();
    for entry in entries {
        let (at, link) = (entry.at, entry.link);
        let _ = writeln!(text, "{at:>8} {link:>3} {} {:4} {}", entry.direction, entry.invoke, entry.text);
    }
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

async fn nowhere() -> Response {
    let error = "there is no such route; see GET /state, GET /log, POST /calls, POST /devices/{ext}/{deed}, \
                 POST /outside/{number}/{deed}, POST /link/{cut|stall|heal}, POST /sins, POST /restart";
    (StatusCode::NOT_FOUND, Json(json!({ "error": error }))).into_response()
}

fn done(simulator: &Simulator, deed: &Deed) -> Answer {
    let call = simulator.perform(deed)?;
    Ok(match call {
        Some(call) => (StatusCode::OK, Json(json!({ "call": call }))).into_response(),
        None => (StatusCode::OK, Json(json!({}))).into_response(),
    })
}

fn committed(simulator: &Simulator, sin: &Sin) -> Answer {
    simulator.sin(sin)?;
    Ok((StatusCode::OK, Json(json!({}))).into_response())
}

/// A body is a JSON object or nothing.
fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    serde_json::from_slice(body)
        .map_err(|error| Refusal::Body(format!("the body is no JSON object: {error}")))
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(|error| Refusal::Body(error.to_string()))
}
