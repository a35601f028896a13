//! What the API is given, and what it keeps.

use crate::answers::Answers;
use crate::audit::{Audit, Audited};
use crate::metrics::Requests;
use crate::persons::Persons;
use crate::routes;
use crate::schema::Checker;
use crate::subscriptions::{SubscriptionError, Subscriptions};
use crate::tokens::{TokenError, Tokens};
use crate::upload::{ATTACHMENTS_MAX, UPLOADS_MAX};
use crate::{document, route::Route};
use bytes::Bytes;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use schakel_contract::RouteGuide;
use schakel_core::adapter::Observations;
use schakel_engine::EngineHandle;
use schakel_journal::Store;
use schakel_outbox::Outbox;
use schakel_outbox::mail::Mailer;
use schakel_register::Register;
use serde_json::Value;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Limits and defaults.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Largest body in bytes.
    pub body_bytes_max: usize,
    /// A client that has not sent its headers by then is disconnected; one that has not sent its body, refused.
    pub header_timeout: Duration,
    /// Connections at the same time.
    pub connections_max: usize,
    /// Requests a second for each token; a burst may be as large.
    pub requests_per_second_max: u32,
    /// How long a command waits for its outcome, where the caller says nothing.
    pub command_wait: Duration,
    /// A request that the house has not answered by then, beside what it was asked to wait, is 503.
    pub answer_timeout: Duration,
    /// Event streams at the same time.
    pub streams_max: usize,
    /// Subscriptions at most.
    pub subscriptions_max: usize,
    /// Access tokens at most.
    pub tokens_max: usize,
    /// How reports count.
    pub reports: schakel_reports::Rules,
    /// Reports that are made at the same time; others wait.
    pub reports_max: usize,
    /// A report that is not made by then is 503.
    pub report_timeout: Duration,
    /// Largest file that is imported, in bytes.
    pub import_bytes_max: u64,
    /// A file that is imported must have arrived, and been read, by then.
    pub import_timeout: Duration,
    /// A file of a chat must have arrived by then.
    pub attachment_timeout: Duration,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 * 1024,
            header_timeout: Duration::from_secs(5),
            connections_max: 1000,
            requests_per_second_max: 1000,
            command_wait: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(10),
            streams_max: 500,
            subscriptions_max: 100,
            tokens_max: 10_000,
            reports: schakel_reports::Rules::default(),
            // Each takes a processor, of which the calls need one.
            reports_max: 2,
            report_timeout: Duration::from_secs(60),
            import_bytes_max: 256 * 1024 * 1024,
            // A million rows over a slow line; reading them takes seconds.
            import_timeout: Duration::from_secs(10 * 60),
            // 20 MB over a slow line.
            attachment_timeout: Duration::from_secs(60),
        }
    }
}

/// What the API asks of the links. Whoever runs them implements it.
pub trait Providers: Send + Sync + 'static {
    /// Drops a provider's connection and makes it again at once; whether there is such a provider.
    fn reconnect(&self, provider: &str) -> bool;

    /// What a provider's link has seen; `None` where there is no such provider.
    fn observations(&self, provider: &str) -> Option<Observations>;
}

/// What the API is made of.
pub struct Parts {
    /// The engine.
    pub engine: EngineHandle,
    /// The journal.
    pub store: Store,
    /// Webhook delivery.
    pub outbox: Outbox,
    /// Mails with messages of visitors.
    pub mailer: Mailer,
    /// Recognised numbers and the directory.
    pub register: Register,
    /// The links.
    pub providers: Arc<dyn Providers>,
    /// Routeing devices and opening hours.
    pub guide: Arc<dyn RouteGuide>,
    /// Limits.
    pub settings: ApiSettings,
    /// The CloudEvents source, for notices that the API itself makes.
    pub source: String,
    /// Becomes true when the daemon stops: event streams end.
    pub stopping: watch::Receiver<bool>,
}

/// The API cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The tokens.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// The subscriptions.
    #[error(transparent)]
    Subscriptions(#[from] SubscriptionError),
    /// The OpenAPI document is wrong in itself.
    #[error("the OpenAPI document cannot be used: {0}")]
    Document(String),
}

/// The API of one organisation. Cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<App>);

impl Deref for ApiState {
    type Target = App;
    fn deref(&self) -> &App {
        &self.0
    }
}

/// What all requests share.
pub struct App {
    pub(crate) engine: EngineHandle,
    pub(crate) store: Store,
    pub(crate) outbox: Outbox,
    pub(crate) mailer: Mailer,
    pub(crate) register: Register,
    pub(crate) providers: Arc<dyn Providers>,
    pub(crate) guide: Arc<dyn RouteGuide>,
    pub(crate) settings: ApiSettings,
    pub(crate) source: String,
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) tokens: Tokens,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) limiter: DefaultKeyedRateLimiter<String>,
    pub(crate) streams: Arc<tokio::sync::Semaphore>,
    pub(crate) reporting: Arc<tokio::sync::Semaphore>,
    pub(crate) uploads: Arc<tokio::sync::Semaphore>,
    pub(crate) attachments: Arc<tokio::sync::Semaphore>,
    /// Streams of visitors: apart, so that they cannot take JKC's.
    pub(crate) visitor_streams: Arc<tokio::sync::Semaphore>,
    pub(crate) routes: Vec<Route>,
    pub(crate) checker: Checker,
    pub(crate) document: Bytes,
    pub(crate) requests: Requests,
    pub(crate) answers: Answers,
    /// What the audit log has of each route.
    pub(crate) audited: Vec<Audited>,
    pub(crate) audit: Audit,
    pub(crate) persons: Persons,
    /// One customer at a time is erased.
    pub(crate) erasing: tokio::sync::Mutex<()>,
    /// The schema of what each route gives, where something of it is personal.
    pub(crate) personal: Vec<Option<Value>>,
}

impl ApiState {
    /// Reads tokens and subscriptions from the journal. Blocks for a look-up.
    ///
    /// # Errors
    /// When the journal cannot be read or a record in it is not one of ours.
    pub fn new(parts: Parts) -> Result<Self, ApiError> {
        let routes = routes::all();
        let document: Value = serde_json::from_str(document::COMMITTED)
            .map_err(|error| ApiError::Document(error.to_string()))?;
        let in_paths = std::iter::once(&document["paths"]);
        let checker = Checker::new(document["components"]["schemas"].clone(), in_paths)
            .map_err(|error| ApiError::Document(error.to_string()))?;
        let persons = Persons::new(document["components"]["schemas"].clone());
        let burst = NonZeroU32::new(parts.settings.requests_per_second_max).unwrap_or(NonZeroU32::MIN);
        Ok(Self(Arc::new(App {
            tokens: Tokens::load(parts.store.clone())?,
            subscriptions: Subscriptions::load(&parts.store)?,
            limiter: RateLimiter::keyed(Quota::per_second(burst)),
            streams: Arc::new(tokio::sync::Semaphore::new(parts.settings.streams_max)),
            reporting: Arc::new(tokio::sync::Semaphore::new(parts.settings.reports_max)),
            uploads: Arc::new(tokio::sync::Semaphore::new(UPLOADS_MAX)),
            attachments: Arc::new(tokio::sync::Semaphore::new(ATTACHMENTS_MAX)),
            visitor_streams: Arc::new(tokio::sync::Semaphore::new(parts.settings.streams_max)),
            document: Bytes::from_static(document::COMMITTED.as_bytes()),
            requests: Requests::default(),
            answers: Answers::default(),
            audited: routes.iter().map(|route| Audited::of(route, &persons)).collect(),
            audit: Audit::new(parts.store.clone()),
            personal: routes.iter().map(|route| persons.withheld_of(route)).collect(),
            persons,
            erasing: tokio::sync::Mutex::default(),
            engine: parts.engine,
            store: parts.store,
            outbox: parts.outbox,
            mailer: parts.mailer,
            register: parts.register,
            providers: parts.providers,
            guide: parts.guide,
            settings: parts.settings,
            source: parts.source,
            stopping: parts.stopping,
            routes,
            checker,
        })))
    }

    /// Erases what was told of customers after they were erased, of contacts that have ended since; how many. For
    /// whoever keeps house: nothing else has it done.
    pub async fn finish_erasures(&self) -> usize {
        // A failure has said why, and the next time goes on with what is left.
        crate::erase::finish(self).await.unwrap_or_default()
    }

    /// Takes numbers and names out of what was recorded before a moment and has a snapshot after it; how many rows.
    pub async fn withhold_before(&self, before_ms: i64) -> u64 {
        // As above.
        crate::retention::withhold_before(self, before_ms).await.unwrap_or_default()
    }

    /// The access tokens, for whoever makes one beside the API.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}
