//! Who types (O11): passed on at once and kept nowhere, neither in the journal nor on the audit log.

use super::chat_in;
use crate::ask::Ask;
use crate::chat::stream::follow_visitor;
use crate::chat::unpassed;
use crate::route::{Answer, Route, route};
use crate::sse::STREAM;
use axum::response::IntoResponse as _;
use http::{Method, StatusCode};
use schakel_contract::problem::ProblemKind;
use schakel_contract::requests::chat::AgentTypingRequest;
use schakel_contract::views::{Scope, VisitorTypingView};
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let content = json!({ STREAM: { "schema": { "type": "string",
        "description": "`event: typing` with a VisitorTyping as `data:`, as it happens. It cannot be gone on from." } } });
    vec![
        route(
            Method::POST,
            "/chats/{chat}/typing",
            "agentTypes",
            "Tells the visitor that an agent types, or does so no more; ask again every few seconds",
            tell,
        )
        .scope(Scope::ChatsControl)
        .body::<AgentTypingRequest>()
        .unrecorded()
        .fails(ProblemKind::UnknownChat)
        .fails(ProblemKind::NotParticipant),
        route(
            Method::GET,
            "/chats/{chat}/typing",
            "followTyping",
            "What the visitor types before he sends it, where his queue allows it and he was told so (O11). What is in \
             his field is shown with the scope `persons:read` only",
            follow,
        )
        .scope(Scope::ChatsRead)
        .gives_other(content)
        .also_shows::<VisitorTypingView<'static>>()
        .recorded()
        .fails(ProblemKind::UnknownChat),
    ]
}

async fn tell(ask: Ask) -> Answer {
    let chat = chat_in(&ask)?;
    let body: AgentTypingRequest = ask.body()?;
    ask.acts_for(&body.agent.0)?;
    let agent = body.agent.0.as_str().into();
    ask.app.engine.typing_of_agent(chat, agent, body.typing).await.map_err(unpassed)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn follow(ask: Ask) -> Answer {
    let chat = chat_in(&ask)?;
    follow_visitor(ask.app, ask.access, chat).await
}
