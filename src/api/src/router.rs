//! From a request to its route's function and back: who asks, what is wrong with it, the answer, what the audit log
//! has of it, what of it is shown, the headers.

use crate::ask::{Ask, lacks};
use crate::audit::{self, Audited};
use crate::document::path_schema;
use crate::problem::Failure;
use crate::route::{Answer, Route};
use crate::serve::Remote;
use crate::state::ApiState;
use crate::tokens::Access;
use crate::upload;
use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use bytes::Bytes;
use futures_util::FutureExt as _;
use governor::clock::{Clock as _, DefaultClock};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::BodyExt as _;
use schakel_contract::problem::{InputError, InputPlace, ProblemKind};
use schakel_contract::views::{Scope, TokenView};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The version of the API, in every response.
pub(crate) const API_VERSION: &str = "1.0.0";

/// The REST API under `/v1`.
pub fn router(app: ApiState) -> Router {
    let mut router = Router::new();
    for index in 0..app.routes.len() {
        let route = &app.routes[index];
        let (path, method, shared) = (route.path, filter(&route.method), app.clone());
        let handler = on(method, move |request: Request| answer(shared.clone(), index, request));
        router = router.route(&format!("/v1{path}"), handler);
    }
    let (missing, refused) = (app.clone(), app);
    router
        .fallback(move |request: Request| elsewhere(missing.clone(), request, ProblemKind::NotFound))
        .method_not_allowed_fallback(move |request: Request| {
            elsewhere(refused.clone(), request, ProblemKind::MethodNotAllowed)
        })
}

fn filter(method: &Method) -> MethodFilter {
    match *method {
        Method::POST => MethodFilter::POST,
        Method::PUT => MethodFilter::PUT,
        Method::DELETE => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    }
}

async fn elsewhere(app: ApiState, request: Request, kind: ProblemKind) -> Response {
    let path = request.uri().path().to_owned();
    let detail = match kind {
        ProblemKind::MethodNotAllowed => {
            format!("{} is not possible here; see the Allow header", request.method())
        }
        _ => "there is nothing at this path; /v1/openapi.json says what there is".to_owned(),
    };
    let response = Failure::new(kind, detail).at(&path);
    app.requests.count("other", response.status().as_u16(), None);
    with_headers(response)
}

/// One request to one route.
async fn answer(app: ApiState, index: usize, request: Request) -> Response {
    let (started, path) = (Instant::now(), request.uri().path().to_owned());
    let route = &app.routes[index];
    let result = guarded(route.id, handle(app.clone(), index, request)).await;
    let response = result.unwrap_or_else(|failure| failure.at(&path));
    app.requests.count(route.id, response.status().as_u16(), Some(started.elapsed()));
    with_headers(response)
}

/// A panic is a bug of ours, and ends one request alone.
async fn guarded(route: &'static str, request: impl Future<Output = Answer>) -> Answer {
    AssertUnwindSafe(request).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(route, "a request ended in a panic: this is a bug of schakel");
        Err(Failure::new(ProblemKind::Internal, "this is a bug of schakel; its log has the place"))
    })
}

async fn handle(app: ApiState, index: usize, request: Request) -> Result<Response, Failure> {
    let (shared, route) = (app.clone(), &app.clone().routes[index]);
    let (mut parts, body) = request.into_parts();
    let from = parts.extensions.get::<Remote>().map(|remote| remote.0.clone());
    let access = access(&app, route, &parts.headers, from.as_deref())?;
    let other = route.or_scope.is_some_and(|scope| access.has(scope));
    if let Some(scope) = route.scope.filter(|scope| !other && !access.has(*scope)) {
        let path = path_parameters(&mut parts).await.unwrap_or_default();
        return recorded(&app, index, &access, from.as_deref(), &path, Err(lacks(scope))).await;
    }
    acceptable(route, &parts.headers)?;
    let path = path_parameters(&mut parts).await?;
    let mut errors = Vec::new();
    check_path(&app, &path, &mut errors);
    let query = query_parameters(&app, route, &parts, &mut errors);
    check_headers(&app, route, &parts.headers, &mut errors);
    let (mut raw, mut given, mut upload) = (Bytes::new(), Value::Null, None);
    let mut held = None;
    if route.is_attachment {
        let (bytes, permit) = upload::attachment(&app, body).await?;
        (raw, held) = (bytes, Some(permit));
    } else if route.is_import {
        let format = upload::format_of(&parts.headers)?;
        if errors.is_empty() {
            upload = Some(upload::receive(&app, format, body).await?);
        }
    } else {
        raw = upload::whole(body, app.settings.body_bytes_max, app.settings.header_timeout).await?;
        given = body_of(&app, route, &parts.headers, &raw, &mut errors)?;
    }
    if !errors.is_empty() {
        return Err(Failure::invalid(errors));
    }
    let Parts { method, uri, headers, .. } = parts;
    let uri = uri.path().to_owned();
    let (who, at, whence) = (access.clone(), path.clone(), from.clone());
    let ask = Ask { app, access, method, uri, path, query, headers, from, body: given, raw, upload };
    let limit = time_for(route, &ask);
    let (house, by) = (shared.clone(), who.clone());
    let answering = guarded(route.id, async move {
        let answer = (house.routes[index].handler)(ask).await;
        drop(held);
        recorded(&house, index, &by, whence.as_deref(), &at, answer).await
    });
    let answered = match shared.audited[index] {
        // Who does not wait for the answer takes neither the change back nor what the audit log has of it.
        Audited::Change(_) => {
            let ended = tokio::time::timeout(limit, tokio::spawn(answering)).await;
            ended.map(|ended| ended.unwrap_or_else(|_| Err(unanswered(route))))
        }
        _ => tokio::time::timeout(limit, answering).await,
    };
    let answer = answered.unwrap_or_else(|_| Err(unanswered(route)))?;
    Ok(shown(&shared, index, &who, answer).await)
}

/// How long the house may take.
fn time_for(route: &Route, ask: &Ask) -> Duration {
    let settings = &ask.app.settings;
    if route.is_import {
        return settings.import_timeout;
    }
    if route.is_report {
        return settings.report_timeout;
    }
    settings.answer_timeout + if route.is_command { ask.wait() } else { Duration::ZERO }
}

/// An answer when the audit log has what it must have of it.
async fn recorded(
    app: &ApiState,
    index: usize,
    access: &Access,
    from: Option<&str>,
    path: &BTreeMap<String, String>,
    answer: Answer,
) -> Answer {
    let (route, audited) = (&app.routes[index], &app.audited[index]);
    let Some(action) = audited.action() else { return answer };
    let result = answer.as_ref().map_or_else(Failure::result, |_| "succeeded".to_owned());
    let denied = result == audit::DENIED;
    let object = audit::object_of(route, path).or_else(|| audit::object_in(answer.as_ref().ok()?));
    let entry = audit::entry(access, from, action, object, result);
    match audited {
        Audited::Change(_) if !denied => {
            // Whoever is told that it is done can find in the log who did it.
            let written = tokio::time::timeout(app.settings.answer_timeout, app.audit.changed(entry)).await;
            written.map_err(|_| unanswered(route))??;
        }
        Audited::Look(_) if answer.is_ok() => app.audit.looked(entry),
        _ if denied => app.audit.looked(entry),
        _ => {}
    }
    answer
}

/// An answer without numbers and names, for who may not see them.
async fn shown(app: &ApiState, index: usize, access: &Access, mut answer: Response) -> Response {
    let Some(schema) = app.personal[index].as_ref().filter(|_| !access.has(Scope::PersonsRead)) else {
        return answer;
    };
    let json = answer.headers().get(CONTENT_TYPE).is_some_and(|media| media == "application/json");
    // A problem tells the caller of his own request; an event stream takes out of each notification what it must.
    if !json {
        return answer;
    }
    let body = std::mem::take(answer.body_mut()).collect().await.map(|body| body.to_bytes());
    // Cannot fail: it was in memory.
    *answer.body_mut() = app.persons.withhold(schema, &body.unwrap_or_default()).into();
    answer
}

/// The engine does not answer while the journal takes nothing, as when its disk is full.
fn unanswered(route: &Route) -> Failure {
    let detail = if route.is_command {
        "the journal takes nothing now; whether the command was accepted is not known: repeat it with the same Idempotency-Key"
    } else if route.is_report {
        "this takes longer than a report may, or too many are asked for at once; ask for a shorter period, or again later"
    } else {
        "the journal takes nothing now; the log says why"
    };
    Failure::new(ProblemKind::Unavailable, detail)
}

/// Who asks, and whether he asks too often.
fn access(app: &ApiState, route: &Route, headers: &HeaderMap, from: Option<&str>) -> Result<Access, Failure> {
    if route.scope.is_none() {
        return Ok(nobody());
    }
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let unauthenticated = |token: Option<&str>, detail: &str| {
        // Of one that is not ours nothing is written: it may be anything.
        app.audit.refused(token.filter(|id| app.tokens.knows(id)), from);
        Failure::new(ProblemKind::Unauthenticated, detail)
    };
    let (_, token) = bearer.ok_or_else(|| {
        let how = "give an access token: Authorization: Bearer <token>; `schakel token create` makes one";
        unauthenticated(None, how)
    })?;
    let access = app.tokens.check(token.trim()).ok_or_else(|| {
        let id = token.trim().split_once('.').map(|(id, _)| id);
        unauthenticated(id, "this access token is unknown, has expired or was revoked")
    })?;
    if let Err(not_until) = app.limiter.check_key(&access.token.id) {
        // Whole seconds, rounded up: never early.
        let wait = not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
        let detail = format!("more than {} requests a second", app.settings.requests_per_second_max);
        return Err(Failure::new(ProblemKind::TooManyRequests, detail).retry_after(wait));
    }
    Ok(access)
}

/// Of a route that needs no token.
fn nobody() -> Access {
    let token = TokenView {
        id: String::new(),
        name: String::new(),
        scopes: Vec::new(),
        agent: None,
        created_at: crate::time::now(),
        expires_at: None,
    };
    Access { token: Arc::new(token) }
}

/// Whether the caller takes what the route gives.
fn acceptable(route: &Route, headers: &HeaderMap) -> Result<(), Failure> {
    let given = route.media_types();
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if accepted.peek().is_none() {
        return Ok(());
    }
    let takes = |range: &str| {
        let range = range.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        range == "*/*" || given.iter().any(|media| range == *media || range == family(media))
    };
    if accepted.any(|list| list.split(',').any(takes)) {
        return Ok(());
    }
    Err(Failure::new(ProblemKind::NotAcceptable, format!("this gives {}", given.join(" or "))))
}

fn family(media: &str) -> String {
    format!("{}/*", media.split('/').next().unwrap_or(""))
}

async fn path_parameters(parts: &mut Parts) -> Result<BTreeMap<String, String>, Failure> {
    let wrong =
        || InputError::parameter(InputPlace::Path, "path", "encoding", "the path is not UTF-8 when decoded");
    let raw = RawPathParams::from_request_parts(parts, &());
    let raw = raw.await.map_err(|_| Failure::invalid(vec![wrong()]))?;
    Ok(raw.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn check_path(app: &ApiState, path: &BTreeMap<String, String>, errors: &mut Vec<InputError>) {
    for (name, value) in path {
        for found in app.checker.check(&path_schema(name), &Value::from(value.as_str())) {
            let detail = format!("{name}: {}", found.detail);
            errors.push(InputError::parameter(InputPlace::Path, name, found.code, detail));
        }
    }
}

/// The longest name of an agent, a device or a provider.
pub(crate) const NAME_MAX: usize = 128;

fn query_parameters(
    app: &ApiState,
    route: &Route,
    parts: &Parts,
    errors: &mut Vec<InputError>,
) -> BTreeMap<String, String> {
    let mut query = BTreeMap::new();
    let mut wrong = |name: &str, code, detail| {
        errors.push(InputError::parameter(InputPlace::Query, name, code, detail));
    };
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()) {
        let Some(parameter) = route.parameters.iter().find(|each| each.place == "query" && each.name == name)
        else {
            wrong(&name, "unknown", format!("{name} is not known here"));
            continue;
        };
        let given = app.checker.value_of(&parameter.schema, &value);
        for found in app.checker.check(&parameter.schema, &given) {
            wrong(&name, found.code, format!("{name}: {}", found.detail));
        }
        if query.insert(name.to_string(), value.into_owned()).is_some() {
            wrong(&name, "repeated", format!("{name} is given more than once"));
        }
    }
    for parameter in route.parameters.iter().filter(|each| each.place == "query" && each.required) {
        if !query.contains_key(parameter.name) {
            wrong(parameter.name, "required", format!("{} is missing", parameter.name));
        }
    }
    query
}

fn check_headers(app: &ApiState, route: &Route, headers: &HeaderMap, errors: &mut Vec<InputError>) {
    for parameter in route.parameters.iter().filter(|each| each.place == "header") {
        for value in headers.get_all(parameter.name) {
            let text = value.to_str().map(Value::from).unwrap_or(json!(null));
            for found in app.checker.check(&parameter.schema, &text) {
                let detail = format!("{}: {}", parameter.name, found.detail);
                errors.push(InputError::parameter(InputPlace::Header, parameter.name, found.code, detail));
            }
        }
    }
}

/// The body as JSON, after its schema had a look at it.
fn body_of(
    app: &ApiState,
    route: &Route,
    headers: &HeaderMap,
    raw: &Bytes,
    errors: &mut Vec<InputError>,
) -> Result<Value, Failure> {
    let Some(shape) = route.body else {
        if !raw.is_empty() && serde_json::from_slice::<Value>(raw).ok() != Some(json!({})) {
            errors.push(InputError::body("", "unknown", "nothing is expected here: no body, or {}"));
        }
        return Ok(Value::Null);
    };
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json")) {
        let detail = "a body is application/json; say so in Content-Type";
        return Err(Failure::new(ProblemKind::UnsupportedMediaType, detail));
    }
    let body = match serde_json::from_slice(raw) {
        Ok(body) => body,
        Err(error) => {
            errors.push(InputError::body("", "json", format!("not JSON: {error}")));
            return Ok(Value::Null);
        }
    };
    let schema = json!({ "$ref": format!("#/components/schemas/{}", (shape.name)()) });
    let found = app.checker.check(&schema, &body).into_iter();
    errors.extend(found.map(|found| InputError::body(found.pointer, found.code, found.detail)));
    Ok(body)
}

/// What every response carries (REST API Design Rules, `/core/version-header` and the rules on security headers).
fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        ("api-version", API_VERSION),
        ("cache-control", "no-store"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // A page has one of its own, as strict.
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(nothing);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;

    #[tokio::test]
    async fn a_panic_ends_one_request_alone() {
        let bug = guarded("test", async { panic!("a bug") }).await;
        assert_eq!(bug.unwrap_err().into_response().status(), 500);
    }
}
