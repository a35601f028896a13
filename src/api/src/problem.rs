//! Problems as responses.

use crate::audit::DENIED;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use schakel_contract::problem::{self, InputError, Problem, ProblemKind};
use schakel_engine::{CommandError, EngineStopped};
use schakel_journal::StoreError;

/// Seconds after which a caller may try again what the house cannot do now: a link's back-off is of this order.
const RETRY_AFTER_SECONDS: u64 = 5;

/// A request that was not answered with what it asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    problem: Box<Problem<'static>>,
    retry_after: Option<u64>,
}

impl Failure {
    /// A problem of a kind, in these words.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let retry_after = (kind.status() == 503).then_some(RETRY_AFTER_SECONDS);
        Self { problem: Box::new(Problem::new(kind, detail.into())), retry_after }
    }

    /// Invalid input, with everything that is wrong with it.
    pub(crate) fn invalid(errors: Vec<InputError>) -> Self {
        Self { problem: Box::new(Problem::invalid(errors)), retry_after: None }
    }

    /// No such object.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(
            ProblemKind::NotFound,
            format!("there is no such {what}, or it ended so long ago that it is not kept"),
        )
    }

    /// When the caller may try again, in whole seconds.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Of a command: what kind of refusal it is like, so that a program sees one kind of answer.
    #[must_use]
    pub(crate) fn cause(mut self, cause: problem::RefusalCause) -> Self {
        self.problem.cause = Some(cause);
        self.problem.can_retry = Some(false);
        self
    }

    /// How the audit log says it.
    pub(crate) fn result(&self) -> String {
        if self.problem.status == 403 {
            return DENIED.to_owned();
        }
        format!("refused:{}", self.problem.kind.rsplit('/').next().unwrap_or_default())
    }

    /// What went wrong, for a log.
    pub(crate) fn detail(&self) -> String {
        self.problem.detail.to_string()
    }

    /// The response, naming the path that it is about.
    pub(crate) fn at(mut self, path: &str) -> Response {
        self.problem.instance = Some(path.to_owned().into());
        self.into_response()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // Cannot fail: a problem has no keys that are not text.
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = problem_response(status, body.into());
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"schakel\""));
        }
        response
    }
}

/// A response whose body is a problem already.
pub(crate) fn problem_response(status: StatusCode, body: bytes::Bytes) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
    }
    response
}

impl From<EngineStopped> for Failure {
    fn from(_: EngineStopped) -> Self {
        Self::new(ProblemKind::Unavailable, "schakel is stopping; try again when it is back")
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the journal failed a request");
        match error {
            StoreError::Busy { .. } | StoreError::Closed | StoreError::Full { .. } => {
                Self::new(ProblemKind::Unavailable, "the journal takes nothing now; try again in a moment")
            }
            _ => Self::new(ProblemKind::Internal, "the journal cannot be read; the log of schakel says why"),
        }
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Stopped(stopped) => stopped.into(),
            CommandError::Store(error) => error.into(),
        }
    }
}
