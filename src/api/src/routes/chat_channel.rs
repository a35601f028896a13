//! The chat channel: who is in it, its queues, the overview, canned texts (C01, O02, O25, W01, W05).

use super::{all_reply, read_one, seen};
use crate::ask::Ask;
use crate::command;
use crate::problem::Failure;
use crate::reply::body_reply;
use crate::route::{Answer, Route, route};
use axum::response::IntoResponse as _;
use http::{Method, StatusCode};
use schakel_contract::problem::{ProblemKind, RefusalCause};
use schakel_contract::requests::chat::AgentChatRequest;
use schakel_contract::views::{AgentChatView, CannedTextView, ChatOverviewView, ChatQueueView, Scope};
use schakel_core::command::Command;
use schakel_core::command::chat::ChatCommand;
use schakel_core::input::InputBody;
use schakel_core::model::ids::{AgentId, QueueId};
use schakel_core::state::State;
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": crate::router::NAME_MAX });
    let language = json!({ "type": "string", "minLength": 2, "maxLength": 35, "examples": ["nl"] });
    vec![
        route(
            Method::GET,
            "/chat-overview",
            "getChatOverview",
            "How many chats there are and can be, unanswered ones, and those of each user (O25)",
            overview,
        )
        .scope(Scope::ChatsRead)
        .gives::<ChatOverviewView<'static>>(),
        route(
            Method::GET,
            "/chat-queues",
            "listChatQueues",
            "The chat queues, with who waits in them and who serves them (W01)",
            queues,
        )
        .scope(Scope::ChatsRead)
        .gives_all::<ChatQueueView<'static>>(),
        route(
            Method::GET,
            "/canned-texts",
            "listCannedTexts",
            "Texts that agents need often; each can be changed before it is sent (W05)",
            canned,
        )
        .scope(Scope::ChatsRead)
        .gives_all::<CannedTextView<'static>>()
        .query("queue", "Only those for agents of this queue.", name)
        .query("language", "Only those in this language.", language),
        route(
            Method::GET,
            "/agents/{agent}/chat",
            "getAgentChat",
            "A user in the chat channel; 404 when he is not in it",
            read,
        )
        .scope(Scope::ChatsRead)
        .gives::<AgentChatView<'static>>(),
        route(
            Method::PUT,
            "/agents/{agent}/chat",
            "startAgentChat",
            "A user comes into the chat channel, or is back in it: he is offered chats (C01, O02, W01)",
            start,
        )
        .scope(Scope::ChatsControl)
        .body::<AgentChatRequest>()
        .command(),
        route(
            Method::DELETE,
            "/agents/{agent}/chat",
            "stopAgentChat",
            "A user leaves the chat channel: no more offers; his chats go on",
            stop,
        )
        .scope(Scope::ChatsControl)
        .command(),
        route(
            Method::POST,
            "/agents/{agent}/chat/heartbeat",
            "beatAgentChat",
            "Says that JKC is there for a user in the chat channel: his lease goes on",
            heartbeat,
        )
        .scope(Scope::ChatsControl)
        .unrecorded()
        .fails(ProblemKind::NotInChannel),
    ]
}

async fn overview(ask: Ask) -> Answer {
    let look = |state: &State| serde_json::to_vec(&ChatOverviewView::of(state)).unwrap_or_default();
    Ok(body_reply(StatusCode::OK, ask.app.engine.read(look).await?.into()))
}

async fn queues(ask: Ask) -> Answer {
    let look = |state: &State| {
        let all = ChatQueueView::all(state).into_iter();
        all.filter_map(|queue| serde_json::to_value(queue).ok()).collect::<Vec<_>>()
    };
    Ok(all_reply(&ask.app.engine.read(look).await?))
}

async fn canned(ask: Ask) -> Answer {
    let queue = ask.asked("queue").map(QueueId::from);
    let language = ask.asked("language").map(str::to_owned);
    let look = move |state: &State| {
        let all = CannedTextView::all(state, queue.as_ref(), language.as_deref()).into_iter();
        all.filter_map(|text| serde_json::to_value(text).ok()).collect::<Vec<_>>()
    };
    Ok(all_reply(&ask.app.engine.read(look).await?))
}

async fn read(ask: Ask) -> Answer {
    let agent = AgentId::from(ask.segment("agent"));
    read_one(&ask.app, "user in the chat channel", move |state| {
        let agent = state.agents.get(&agent)?;
        seen(&AgentChatView::of(agent.chat.as_ref()?), 0)
    })
    .await
}

async fn start(ask: Ask) -> Answer {
    let body: AgentChatRequest = ask.body()?;
    let agent = own(&ask)?;
    command::run(&ask, body.into_command(agent).map_err(Failure::invalid)?).await
}

async fn stop(ask: Ask) -> Answer {
    let agent = own(&ask)?;
    command::run(&ask, Command::Chat(ChatCommand::Stop { agent })).await
}

/// No command: it changes nothing that anybody is told of, and there is one every few seconds.
async fn heartbeat(ask: Ask) -> Answer {
    let agent = own(&ask)?;
    let id = agent.clone();
    let look = move |state: &State| state.agents.get(&id).is_some_and(|agent| agent.chat.is_some());
    if !ask.app.engine.read(look).await? {
        let detail = "this user is not in the chat channel; PUT /agents/{agent}/chat brings him there";
        return Err(Failure::new(ProblemKind::NotInChannel, detail).cause(RefusalCause::NotInChannel));
    }
    ask.app.engine.input(InputBody::ChatHeartbeat { agent }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The agent of the path, if the caller may act for him.
fn own(ask: &Ask) -> Result<AgentId, Failure> {
    let agent = ask.segment("agent");
    ask.acts_for(agent)?;
    Ok(agent.into())
}
