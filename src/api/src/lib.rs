//! The REST control API, the event stream and the admin listener.
//!
//! ```text
//! accept loop ─► route ─► token ─► rate ─► scope ─► schema of path, query, headers, body ─► handler ─► headers
//!   (serve)     (router)                            (schema: what the document says)       (routes/*)
//! ```
//!
//! * A route is written down once ([`routes`](crate) one file a resource): path, scope, parameters, body, reply and function. The
//!   router *and* the OpenAPI document are made from it, and the document's own schemas check what comes in, so the
//!   document cannot say what is not so.
//! * A handler parses, asks the engine, and gives a status. It decides nothing: what is allowed is the core's business.
//! * Everything that fails is a problem (RFC 9457), also what axum or hyper would answer by themselves, and a panic.
//! * Commands go through [`schakel_contract::reply`], so who waits, who asks again with the same idempotency key and
//!   who reads the command later are told the same.
//! * What a webhook's receiver answers to a question becomes the same command as its request would
//!   ([`decide_by_answers`]).
//! * The rules are those of the Dutch government's REST API Design Rules.
//!
//! What is deliberately absent: state of its own beside tokens, subscriptions and limits; sessions; retries; CORS for
//! anything but the document; HTTP/2 without TLS.
//!
//! ```no_run
//! # async fn example(parts: schakel_api::Parts, listener: tokio::net::TcpListener) -> Result<(), schakel_api::ApiError> {
//! let stopping = parts.stopping.clone();
//! let app = schakel_api::ApiState::new(parts)?;
//! schakel_api::serve(listener, None, app, stopping).await;
//! # Ok(())
//! # }
//! ```

mod admin;
mod answers;
mod ask;
mod audit;
mod chat;
mod command;
mod document;
mod erase;
mod metrics;
mod persons;
mod problem;
mod reply;
mod retention;
mod route;
mod router;
mod routes;
mod schema;
mod serve;
mod sse;
mod state;
pub mod subscriptions;
pub mod telephony;
mod time;
pub mod tokens;
mod upload;

pub use admin::admin_router;
pub use answers::{ANSWERED_KIND, decide_by_answers};
pub use router::router;
pub use serve::{serve, serve_admin};
pub use state::{ApiError, ApiSettings, ApiState, Parts, Providers};

/// Takes numbers and names out of a notification's JSON: for a subscription that does not get them.
///
/// # Errors
/// When the document that says what is personal cannot be used.
pub fn withholder() -> Result<Withhold, ApiError> {
    let persons = persons::Persons::committed().map_err(|error| ApiError::Document(error.to_string()))?;
    Ok(std::sync::Arc::new(move |payload: &[u8]| persons.withhold_event(payload)))
}

/// Gives a notification's JSON without numbers and names.
pub type Withhold = std::sync::Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// The OpenAPI document (3.1), as `schakel openapi` prints it and `/v1/openapi.json` gives it.
pub fn openapi_json() -> String {
    // Cannot fail: a document has no keys that are not text.
    serde_json::to_string_pretty(&document::build(&routes::all())).unwrap_or_default()
}
