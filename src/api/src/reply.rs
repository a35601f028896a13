//! Responses that are no problems.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;

/// An object as JSON.
pub(crate) fn json_reply(status: StatusCode, object: &impl Serialize) -> Response {
    // Cannot fail: the contract's types have no keys that are not text.
    body_reply(status, serde_json::to_vec(object).unwrap_or_default().into())
}

/// JSON that is written already.
pub(crate) fn body_reply(status: StatusCode, body: Bytes) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// With the object's version as its entity tag.
pub(crate) fn with_version(mut response: Response, version: u64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// With the path of what it is about.
pub(crate) fn with_location(mut response: Response, path: &str) -> Response {
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}

/// A page; `next` is given when there is more.
pub(crate) fn page_reply(items: &[impl Serialize], next: Option<String>) -> Response {
    let page = match next {
        Some(next) => json!({ "items": items, "next": next }),
        None => json!({ "items": items }),
    };
    json_reply(StatusCode::OK, &page)
}

/// A page of items that are written as JSON already.
pub(crate) fn raw_page_reply<'a>(items: impl Iterator<Item = &'a [u8]>, rest: &str) -> Response {
    let mut body = b"{\"items\":[".to_vec();
    for (index, item) in items.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(item);
    }
    body.push(b']');
    body.extend_from_slice(rest.as_bytes());
    body.push(b'}');
    body_reply(StatusCode::OK, body.into())
}
