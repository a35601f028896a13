//! Transcripts: the visitor's and the agents', as JSON and as a page (C06, W08).

use super::messages::shown;
use super::visible;
use crate::ask::{Ask, lacks};
use crate::chat::transcript::{self, Head, Look};
use crate::chat::words::{AllWords, PublicWords};
use crate::problem::Failure;
use crate::reply::json_reply;
use crate::route::{Answer, Route, route};
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use schakel_contract::problem::ProblemKind;
use schakel_contract::views::{ChatView, InternalTranscriptView, PublicTranscriptView, Scope};
use schakel_core::model::chat::Chat;
use schakel_core::state::State;
use schakel_reports::Language;
use serde_json::json;

/// The media type of a page.
const HTML: &str = "text/html";

pub(super) fn routes() -> Vec<Route> {
    let audience = json!({ "type": "string", "enum": ["public", "internal"], "default": "public" });
    let language = json!({ "type": "string", "enum": ["nl", "en"] });
    let content = json!({
        "application/json": { "schema": { "anyOf": [
            { "$ref": "#/components/schemas/PublicTranscript" },
            { "$ref": "#/components/schemas/InternalTranscript" },
        ] } },
        HTML: { "schema": { "type": "string", "description":
            "One page, to be read or printed: no script, nothing from elsewhere. Needs the scope `persons:read`." } },
    });
    vec![
        route(
            Method::GET,
            "/chats/{chat}/transcript",
            "getTranscript",
            "What was said in a chat: what the visitor saw, or with `audience=internal` the words between agents too, \
             which the audit log has",
            read,
        )
        .scope(Scope::ChatsRead)
        .gives_other(content)
        .also_shows::<PublicTranscriptView<'static>>()
        .also_shows::<InternalTranscriptView<'static>>()
        .query("audience", "Whose transcript.", audience)
        .query("language", "Of the page's headings; the visitor's, where it is not said.", language)
        .recorded()
        .report()
        .fails(ProblemKind::UnknownChat),
    ]
}

async fn read(ask: Ask) -> Answer {
    let chat = visible(&ask).await?;
    // A long one takes memory; few are made at once. Nobody closes this semaphore.
    let _turn = ask.app.reporting.acquire().await;
    let page = ask.header(ACCEPT.as_str()).is_some_and(|accept| accept.contains(HTML));
    if page && !ask.access.has(Scope::PersonsRead) {
        // A page without words is no use, and what is withheld is withheld from JSON.
        return Err(lacks(Scope::PersonsRead));
    }
    match ask.asked("audience") {
        Some("internal") => {
            let at = crate::time::now().into();
            let entry = schakel_engine::transcript_read(&ask.actor(), chat.id, None, at);
            ask.app.audit.looked(entry);
            internal(&ask, chat, page).await
        }
        _ => public(&ask, chat, page).await,
    }
}

async fn public(ask: &Ask, chat: Chat, page: bool) -> Answer {
    let words = PublicWords::of(&ask.app.store).all(chat.id).await?;
    let messages: Vec<_> = words.into_iter().map(|(message, _)| message).collect();
    if page {
        let look = look(ask, &chat);
        let head = head_of(ask, chat).await?;
        return Ok(page_reply(transcript::public(&head, &messages, &look)));
    }
    let body = ask.app.engine.read(move |state: &State| {
        serde_json::to_vec(&PublicTranscriptView::of(state, &chat, &messages)).unwrap_or_default()
    });
    Ok(crate::reply::body_reply(StatusCode::OK, body.await?.into()))
}

async fn internal(ask: &Ask, chat: Chat, page: bool) -> Answer {
    let lines = AllWords::of(&ask.app.store).all(chat.id).await?;
    if page {
        let look = look(ask, &chat);
        let head = head_of(ask, chat.clone()).await?;
        return Ok(page_reply(transcript::internal(&chat, &head, &lines, &look)));
    }
    let of = chat.clone();
    let view =
        ask.app.engine.read(move |state: &State| serde_json::to_value(ChatView::of(state, &of))).await?;
    let chat_view: ChatView<'static> = view.and_then(serde_json::from_value).map_err(|_| {
        Failure::new(ProblemKind::Internal, "the chat cannot be shown; this is a bug of schakel")
    })?;
    let messages = lines.iter().map(|line| shown(line, &chat)).collect();
    Ok(json_reply(StatusCode::OK, &InternalTranscriptView { chat: chat_view, messages }))
}

async fn head_of(ask: &Ask, chat: Chat) -> Result<Head, Failure> {
    Ok(ask.app.engine.read(move |state| Head::of(&chat, &state.settings)).await?)
}

fn look(ask: &Ask, chat: &Chat) -> Look {
    let language = ask.asked("language").or(chat.visitor.language.as_deref());
    let language = match language {
        Some(language) if language.starts_with("en") => Language::English,
        _ => Language::Dutch,
    };
    Look { language, rules: ask.app.settings.reports.clone() }
}

fn page_reply(page: String) -> Response {
    let mut response = page.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // Cannot fail: all of it is printable ASCII.
    if let Ok(policy) = HeaderValue::from_str(&transcript::policy()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}
