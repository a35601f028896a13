//! The REST API from the caller's side.

use super::stream::Messages;
use clap::Args;
use reqwest::{Certificate, Method, Response, StatusCode, Url};
use schakel_contract::problem::Problem;
use schakel_contract::reply::CommandReply;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The daemon itself answers a command within its `command_wait_seconds`; a minute of silence is a dead one.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A million rows over a slow line, and the daemon's work on them.
const IMPORT_LIMIT: Duration = Duration::from_secs(20 * 60);

/// The first connection of a machine that is there takes milliseconds.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// With what right somebody uses the API.
#[derive(Debug, Clone, Default, Args)]
pub struct AccessArgs {
    /// The access token.
    #[arg(long, env = "SCHAKEL_TOKEN", hide_env_values = true, allow_hyphen_values = true)]
    pub token: Option<String>,
    /// A file with the access token, which keeps it out of the list of processes.
    #[arg(long, conflicts_with = "token")]
    pub token_file: Option<PathBuf>,
    /// The CA of the API's certificate, PEM; without it the certificates that this machine trusts.
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
}

/// Something went wrong between us and the API.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// It refused.
    #[error("{}", describe(.0))]
    Problem(Box<Problem<'static>>),
    /// It is not there, or the connection broke.
    #[error(
        "{url} cannot be reached: {detail}. Is `schakel serve` running there, and is --ca-file the CA of its certificate?"
    )]
    Unreachable {
        /// What was asked.
        url: String,
        /// What went wrong.
        detail: String,
    },
    /// It answered with what is not of the contract.
    #[error(
        "{url} answered {status} with something else than the contract says: {detail}. Is that address really schakel's API?"
    )]
    Unexpected {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        detail: String,
    },
    /// What was given to reach it with is wrong.
    #[error("{0}")]
    Setup(String),
}

impl ApiError {
    /// The problem, if it is one.
    pub fn problem(&self) -> Option<&Problem<'static>> {
        match self {
            ApiError::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether asking again later can help without anybody doing anything.
    pub fn is_temporary(&self) -> bool {
        match self {
            ApiError::Unreachable { .. } => true,
            ApiError::Problem(problem) => problem.status == 429 || problem.status >= 500,
            ApiError::Unexpected { status, .. } => *status >= 500,
            ApiError::Setup(_) => false,
        }
    }
}

/// The API at one address with one token. Clones share their connections.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: Url,
    token: Arc<str>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Api({})", self.base)
    }
}

impl Api {
    /// The API at an address such as `https://127.0.0.1:8443`, with or without `/v1`.
    ///
    /// # Errors
    /// When the address, the token or the CA file is wrong, with how to mend it.
    pub fn new(url: &str, access: &AccessArgs) -> Result<Self, ApiError> {
        let wrong = || {
            ApiError::Setup(format!("\"{url}\" is not an address such as https://schakel.voorbeeld.nl:8443"))
        };
        let mut base: Url = url.parse().map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(wrong());
        }
        base.set_path("/v1");
        base.set_query(None);
        let token = token(access)?;
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_LIMIT)
            .no_proxy();
        if let Some(file) = &access.ca_file {
            builder = builder.tls_certs_only(certificates(file)?);
        }
        let http =
            builder.build().map_err(|error| ApiError::Setup(format!("HTTP cannot be set up: {error}")))?;
        Ok(Self { http, base, token: token.into() })
    }

    /// Where it is, with `/v1`.
    pub fn base(&self) -> &str {
        self.base.as_str()
    }

    /// Reads an object. `path` is in segments, which are escaped where necessary.
    ///
    /// # Errors
    /// As [`ApiError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, ApiError> {
        self.ask(Method::GET, path, None::<&()>).await
    }

    /// Makes or changes an object that is no call control, and reads what came of it.
    ///
    /// # Errors
    /// As [`ApiError`].
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        self.ask(method, path, Some(body)).await
    }

    /// Sends a file to be imported, however large, and reads what came of it.
    ///
    /// # Errors
    /// As [`ApiError`]; what is wrong with the file is a [`Problem`] with its lines.
    pub async fn send_file<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        media_type: &str,
        file: tokio::fs::File,
    ) -> Result<T, ApiError> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        let request = self.request(Method::POST, url.clone()).timeout(IMPORT_LIMIT);
        let request = request.header("content-type", media_type).body(file);
        let response = succeeded(self.exchange(request, &url).await?, &url).await?;
        decode(response, &url).await
    }

    /// Says something to which there is nothing to read.
    ///
    /// # Errors
    /// As [`ApiError`].
    pub async fn tell(&self, path: &[&str]) -> Result<(), ApiError> {
        let url = self.url(path);
        let response = self.exchange(self.request(Method::POST, url.clone()), &url).await?;
        succeeded(response, &url).await.map(drop)
    }

    /// Says something with a body, to which there is nothing to read.
    ///
    /// # Errors
    /// As [`ApiError`].
    pub async fn tell_so(&self, path: &[&str], body: &impl Serialize) -> Result<(), ApiError> {
        let url = self.url(path);
        let response = self.exchange(self.request(Method::POST, url.clone()).json(body), &url).await?;
        succeeded(response, &url).await.map(drop)
    }

    /// Reads an object as it was written, in the media type that is asked for.
    ///
    /// # Errors
    /// As [`ApiError`].
    pub async fn read(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        media_type: &str,
    ) -> Result<String, ApiError> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        let request = self.request(Method::GET, url.clone()).header("accept", media_type);
        let response = succeeded(self.exchange(request, &url).await?, &url).await?;
        response.text().await.map_err(|error| unreachable_at(&url, &error))
    }

    /// Opens a stream of messages that is not the event stream.
    ///
    /// # Errors
    /// As [`ApiError`].
    pub async fn follow(&self, path: &[&str]) -> Result<Messages, ApiError> {
        let url = self.url(path);
        let request =
            self.http.get(url.clone()).bearer_auth(&self.token).header("accept", "text/event-stream");
        succeeded(self.exchange(request, &url).await?, &url).await.map(Messages::of)
    }

    /// Removes an object.
    ///
    /// # Errors
    /// As [`ApiError`].
    pub async fn delete(&self, path: &[&str]) -> Result<(), ApiError> {
        let url = self.url(path);
        let response = self.exchange(self.request(Method::DELETE, url.clone()), &url).await?;
        succeeded(response, &url).await.map(drop)
    }

    /// Gives a command under a fresh idempotency key. The reply's command may still be under way (202).
    ///
    /// # Errors
    /// As [`ApiError`]; a refusal is a [`Problem`] with what is allowed now.
    pub async fn command(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&impl Serialize>,
    ) -> Result<CommandReply<'static>, ApiError> {
        self.command_giving(method, path, body).await
    }

    /// As [`Api::command`], of a command that gives something else, as those of visitors do.
    ///
    /// # Errors
    /// As [`Api::command`].
    pub async fn command_giving<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&impl Serialize>,
    ) -> Result<T, ApiError> {
        let url = self.url(path);
        let mut request =
            self.request(method, url.clone()).header("idempotency-key", Uuid::now_v7().to_string());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = succeeded(self.exchange(request, &url).await?, &url).await?;
        decode(response, &url).await
    }

    /// Opens the event stream after a cursor.
    pub(super) async fn open_stream(&self, after: &str) -> Result<Response, ApiError> {
        let url = self.url(&["events"]);
        let request = self
            .http
            .get(url.clone())
            .bearer_auth(&self.token)
            .header("accept", "text/event-stream")
            .header("last-event-id", after);
        succeeded(self.exchange(request, &url).await?, &url).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&impl Serialize>,
    ) -> Result<T, ApiError> {
        let url = self.url(path);
        let mut request = self.request(method, url.clone());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = succeeded(self.exchange(request, &url).await?, &url).await?;
        decode(response, &url).await
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // An http address can always be a base; `new` has refused the others.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        url
    }

    fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.http.request(method, url).bearer_auth(&self.token).timeout(ANSWER_LIMIT)
    }

    async fn exchange(&self, request: reqwest::RequestBuilder, url: &Url) -> Result<Response, ApiError> {
        request.send().await.map_err(|error| unreachable_at(url, &error))
    }
}

/// A problem for a person: title, detail, everything that is wrong, and what is allowed now.
pub fn describe(problem: &Problem<'_>) -> String {
    let mut text = format!("{} ({}): {}", problem.title, problem.status, problem.detail);
    // With one error the detail is that error.
    if problem.errors.len() > 1 {
        for error in &problem.errors {
            text.push_str("\n  - ");
            text.push_str(&error.detail);
        }
    }
    if let Some(allowed) = &problem.allowed_actions {
        let names: Vec<_> = allowed.iter().map(|action| name_of(*action)).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        text.push_str("\n  allowed now: ");
        text.push_str(&names);
    }
    text
}

/// An action's outward name.
pub fn name_of(action: schakel_contract::views::ActionName) -> String {
    serde_json::to_value(action).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn token(access: &AccessArgs) -> Result<String, ApiError> {
    let text = match (&access.token, &access.token_file) {
        (Some(token), _) => token.clone(),
        (None, Some(file)) => std::fs::read_to_string(file)
            .map_err(|error| ApiError::Setup(format!("--token-file {}: {error}", file.display())))?,
        (None, None) => {
            return Err(ApiError::Setup(
                "an access token is needed: give --token-file FILE or set SCHAKEL_TOKEN; \
                 `schakel token create` makes one"
                    .into(),
            ));
        }
    };
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ApiError::Setup(
            "the access token must be one word, as `schakel token create` printed it".into(),
        ));
    }
    Ok(token.to_owned())
}

fn certificates(file: &Path) -> Result<Vec<Certificate>, ApiError> {
    let failed = |detail: String| {
        ApiError::Setup(format!(
            "--ca-file {}: {detail}; expected a PEM file with certificates",
            file.display()
        ))
    };
    let pem = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| failed(error.to_string()))?;
    if found.is_empty() { Err(failed("there is none in it".into())) } else { Ok(found) }
}

async fn succeeded(response: Response, url: &Url) -> Result<Response, ApiError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let text = response.text().await.map_err(|error| unreachable_at(url, &error))?;
    match serde_json::from_str::<Problem<'static>>(&text) {
        Ok(problem) => Err(ApiError::Problem(Box::new(problem))),
        Err(_) => Err(unexpected(url, status, format!("{:?}", text.chars().take(200).collect::<String>()))),
    }
}

async fn decode<T: DeserializeOwned>(response: Response, url: &Url) -> Result<T, ApiError> {
    let status = response.status();
    let body = response.bytes().await.map_err(|error| unreachable_at(url, &error))?;
    serde_json::from_slice(&body).map_err(|error| unexpected(url, status, error.to_string()))
}

fn unexpected(url: &Url, status: StatusCode, detail: String) -> ApiError {
    ApiError::Unexpected { url: url.to_string(), status: status.as_u16(), detail }
}

/// The innermost cause says what a person can act on ("connection refused"), the outer ones only that it failed.
pub(super) fn unreachable_at(url: &Url, error: &reqwest::Error) -> ApiError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let mut detail = if error.is_body() || error.is_decode() {
        format!("the connection broke: {cause}")
    } else {
        cause.to_string()
    };
    // What rustls says when the other side answers in plain text.
    if url.scheme() == "https" && detail.contains("InvalidContentType") {
        detail = "it answers, but not in TLS: without a certificate in [api] it speaks plain HTTP, so say http:// in --url".into();
    }
    ApiError::Unreachable { url: url.to_string(), detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schakel_contract::problem::ProblemKind;
    use schakel_contract::views::ActionName;

    fn access() -> AccessArgs {
        AccessArgs { token: Some("id.secret".into()), ..AccessArgs::default() }
    }

    #[test]
    fn an_address_is_taken_with_and_without_the_version() {
        for url in ["http://127.0.0.1:8443", "http://127.0.0.1:8443/", "http://127.0.0.1:8443/v1"] {
            let api = Api::new(url, &access()).unwrap();
            assert_eq!(
                api.url(&["calls", "a/b", "2 1#"]).as_str(),
                "http://127.0.0.1:8443/v1/calls/a%2Fb/2%201%23"
            );
        }
    }

    #[test]
    fn what_is_wrong_with_the_arguments_is_said_with_the_mend() {
        for url in ["schakel", "ftp://x", "127.0.0.1:8443"] {
            let text = Api::new(url, &access()).unwrap_err().to_string();
            assert!(text.contains("https://schakel.voorbeeld.nl:8443"), "{url}: {text}");
        }
        let none = Api::new("http://127.0.0.1", &AccessArgs::default()).unwrap_err().to_string();
        assert!(none.contains("schakel token create"), "{none}");
        let missing = AccessArgs { token_file: Some("no/such/file".into()), ..AccessArgs::default() };
        let text = Api::new("http://127.0.0.1", &missing).unwrap_err().to_string();
        assert!(text.contains("no/such/file"), "{text}");
    }

    #[test]
    fn t15_a_refusal_shows_title_detail_and_what_is_allowed_now() {
        let mut problem = Problem::new(ProblemKind::InvalidConnectionState, "The call does not ring here.");
        problem.allowed_actions = Some(vec![ActionName::Hold, ActionName::HangUp]);
        let text = describe(&problem);
        assert!(
            text.ends_with("(409): The call does not ring here.\n  allowed now: hold, hang-up"),
            "{text}"
        );
    }
}
