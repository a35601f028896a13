//! The admin listener: `/livez`, `/readyz`, `/metrics`. No token; for loopback or a management network.

use crate::metrics::{self, Text};
use crate::problem::Failure;
use crate::state::ApiState;
use crate::time::{now, now_ms};
use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode, Uri};
use schakel_contract::problem::ProblemKind;
use std::time::Duration;

/// An engine that has not answered by then waits for its disk, or is gone.
const PATIENCE: Duration = Duration::from_secs(1);

/// Health and figures.
///
/// * `/livez`: 200 while the process answers at all.
/// * `/readyz`: 200 while the engine answers, which it does not while the journal takes nothing. JKC, a telephone
///   system or the mail server being down is not unready: no restart mends that.
/// * `/metrics`: Prometheus text.
pub fn admin_router(app: ApiState) -> Router {
    let (ready, figures) = (app.clone(), app);
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(async move || is_ready(&ready).await))
        .route("/metrics", get(async move || all(&figures).await))
        .fallback(async |uri: Uri| {
            let detail = "here are /livez, /readyz and /metrics; the API is on its own listener";
            Failure::new(ProblemKind::NotFound, detail).at(uri.path())
        })
}

async fn is_ready(app: &ApiState) -> Response {
    match tokio::time::timeout(PATIENCE, app.engine.read(|_| ())).await {
        Ok(Ok(())) => format!("ready\n{}", of_mail(app).await).into_response(),
        Ok(Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, "the engine has stopped\n").into_response(),
        Err(_) => {
            let detail = "the engine does not answer: see the log, and the disk of the journal\n";
            (StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
        }
    }
}

/// A line about mails where somebody should look at them, and nothing otherwise: no restart mends that either.
async fn of_mail(app: &ApiState) -> String {
    match tokio::time::timeout(PATIENCE, app.mailer.status()).await {
        Ok(Ok(status)) if status.dead > 0 || status.server_fails => {
            let (waiting, dead) = (status.waiting, status.dead);
            let server = if status.server_fails { "; the mail server fails" } else { "" };
            format!("mail: {waiting} waiting, {dead} given up{server}\n")
        }
        _ => String::new(),
    }
}

async fn all(app: &ApiState) -> Response {
    let mut out = Text::default();
    let now = now().as_millis();
    let of_state = app.engine.read(move |state| {
        let mut out = Text::default();
        metrics::of_state(state, &mut out);
        metrics::of_chats(state, now, &mut out);
        (out.0, state.providers.keys().cloned().collect::<Vec<_>>())
    });
    // Without the engine the other figures are wanted most.
    if let Ok(Ok((text, providers))) = tokio::time::timeout(PATIENCE, of_state).await {
        out.0.push_str(&text);
        let seen = providers.iter().filter_map(|id| Some((id, app.providers.observations(id.as_str())?)));
        metrics::of_links(seen, &mut out);
    }
    metrics::of_journal(&app.store.counters(), &mut out);
    if let Ok(status) = tokio::time::timeout(PATIENCE, app.outbox.status()).await {
        metrics::of_outbox(&status, &mut out);
    }
    metrics::of_orders(app.engine.orders_left_out(), &mut out);
    if let Ok(Ok(status)) = tokio::time::timeout(PATIENCE, app.mailer.status()).await {
        metrics::of_mail(&status, now_ms(), &mut out);
    }
    let open = app.settings.streams_max.saturating_sub(app.streams.available_permits());
    out.one("schakel_event_streams", "gauge", "Event streams that are open.", open);
    let lost = "Rows of the audit log that could not be written.";
    out.one("schakel_audit_lost_total", "counter", lost, app.audit.lost());
    metrics::of_register(&app.register.figures(), &mut out);
    metrics::of_answers(&app.answers, &mut out);
    app.requests.write(&mut out);
    metrics::of_process(&mut out);
    let mut response = out.0.into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}
