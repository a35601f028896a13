//! Chats as agents see them: offers, who takes part, fields, the end (O06 to O25, W02, W07, W10).

mod files;
mod messages;
mod transcript;
mod typing;

use super::{Slice, seen};
use crate::ask::{Ask, lacks};
use crate::command;
use crate::problem::Failure;
use crate::reply::{body_reply, with_version};
use crate::route::{Answer, Route, route};
use http::{Method, StatusCode};
use schakel_contract::problem::ProblemKind;
use schakel_contract::requests::chat::{
    ByAgentRequest, ChatFieldsRequest, InviteRequest, ObserveRequest, RemoveRequest,
};
use schakel_contract::views::{ChatState, ChatView, Scope};
use schakel_core::command::Command;
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::model::chat::{self, Chat};
use schakel_core::model::ids::{AgentId, ChatId, OfferId, QueueId};
use schakel_core::state::State;
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let name = || json!({ "type": "string", "minLength": 1, "maxLength": crate::router::NAME_MAX });
    let mut routes = vec![
        route(
            Method::GET,
            "/chats",
            "listChats",
            "Chats that go on, and those that ended a short while ago; `open=true` for those that wait for their record (O24)",
            list,
        )
        .scope(Scope::ChatsRead)
        .gives_page::<ChatView<'static>>()
        .query("state", "Only those in this state.", json!({ "$ref": "#/components/schemas/ChatState" }))
        .query("queue", "Only those of this queue.", name())
        .query("agent", "Only those in which this user takes or took part, or that are offered to him.", name())
        .query("open", "Only those that ended and wait to be archived or removed, or, with false, the others.",
            json!({ "type": "boolean" })),
        route(Method::GET, "/chats/{chat}", "getChat", "A chat; of one that is over, its record", read)
            .scope(Scope::ChatsRead)
            .gives::<ChatView<'static>>()
            .versioned(),
        change("/chats/{chat}/offers/{offer}/accept", "acceptOffer",
            "Takes an offer or an invitation (C03, O20)", accept).body::<ByAgentRequest>(),
        change("/chats/{chat}/offers/{offer}/reject", "rejectOffer",
            "Declines an offer or an invitation: another is asked at once (W02)", reject).body::<ByAgentRequest>(),
        change("/chats/{chat}/join", "joinChat",
            "Joins without an offer: as the owner where there is none, else beside him (O06, O08)", join)
            .body::<ByAgentRequest>(),
        change("/chats/{chat}/observe", "observeChat",
            "Watches unseen, for a purpose, which the audit log has (O23)", observe)
            .scope(Scope::ChatsManage)
            .body::<ObserveRequest>(),
        change("/chats/{chat}/leave", "leaveChat", "Leaves; never the last (O21)", leave).body::<ByAgentRequest>(),
        change("/chats/{chat}/invite", "inviteToChat",
            "Invites a user, or anyone of a queue; one at a time (O20, O22, W07)", invite)
            .body::<InviteRequest>(),
        change("/chats/{chat}/withdraw", "withdrawInvitation", "Takes the invitation back", withdraw)
            .body::<ByAgentRequest>(),
        change("/chats/{chat}/end", "endChat", "Ends the talking; the record is open until it is archived (C05, W10)", end)
            .body::<ByAgentRequest>(),
        change("/chats/{chat}/archive", "archiveChat", "Keeps an ended chat (C06, O19, O24)", archive),
        change("/chats/{chat}/remove", "removeChat",
            "Takes a chat out, for a purpose, which the audit log has (O19, O24)", remove)
            .scope(Scope::ChatsManage)
            .body::<RemoveRequest>(),
    ];
    routes.push(
        route(
            Method::PUT,
            "/chats/{chat}/fields",
            "setChatFields",
            "What JKC's record has of it (O09)",
            fields,
        )
        .scope(Scope::ChatsControl)
        .body::<ChatFieldsRequest>()
        .command()
        .versioned(),
    );
    routes.extend(messages::routes());
    routes.extend(typing::routes());
    routes.extend(transcript::routes());
    routes.extend(files::routes());
    routes
}

fn change<F, Fut>(path: &'static str, id: &'static str, summary: &'static str, handler: F) -> Route
where
    F: Fn(Ask) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    route(Method::POST, path, id, summary, handler).scope(Scope::ChatsControl).command().versioned()
}

/// The chat of a path.
fn chat_in(ask: &Ask) -> Result<ChatId, Failure> {
    ask.id("chat").map(ChatId)
}

struct Filter {
    state: Option<ChatState>,
    queue: Option<QueueId>,
    agent: Option<AgentId>,
    open: Option<bool>,
    removed: bool,
}

impl Filter {
    fn of(ask: &Ask) -> Self {
        Self {
            state: ask.asked("state").and_then(|name| serde_json::from_value(name.into()).ok()),
            queue: ask.asked("queue").map(QueueId::from),
            agent: ask.asked("agent").map(AgentId::from),
            open: ask.asked("open").map(|open| open == "true"),
            removed: ask.access.has(Scope::ChatsManage),
        }
    }

    fn wants(&self, chat: &Chat) -> bool {
        self.state.is_none_or(|state| state == chat.state.into())
            && self.queue.as_ref().is_none_or(|queue| chat.queue == *queue)
            && self.agent.as_ref().is_none_or(|agent| is_of(chat, agent))
            && self.open.is_none_or(|open| open == (chat.state == chat::ChatState::Wrapping))
            && (self.removed || chat.state != chat::ChatState::Removed)
    }
}

/// Of a user are the chats in which he takes or took part, and those that are offered to him.
fn is_of(chat: &Chat, agent: &AgentId) -> bool {
    chat.participants.iter().any(|one| one.agent == *agent)
        || chat.pending().any(|offer| offer.agent == *agent)
}

async fn list(ask: Ask) -> Answer {
    let (mut slice, filter) = (Slice::of(&ask), Filter::of(&ask));
    let look = move |state: &State| {
        for (id, chat) in state.chats.iter().filter(|(_, chat)| filter.wants(chat)) {
            let id = id.to_string();
            if slice.wants(&id) {
                slice.push(id, &ChatView::of(state, chat));
            }
        }
        slice
    };
    Ok(ask.app.engine.read(look).await?.reply())
}

async fn read(ask: Ask) -> Answer {
    let id = chat_in(&ask)?;
    let manages = ask.access.has(Scope::ChatsManage);
    let chat = crate::chat::found(&ask.app, id).await?;
    may_see(&chat, manages)?;
    let look = move |state: &State| seen(&ChatView::of(state, &chat), chat.version);
    let (body, version) = ask.app.engine.read(look).await?.ok_or_else(|| Failure::not_found("chat"))?;
    Ok(with_version(body_reply(StatusCode::OK, body.into()), version))
}

/// What was taken out is there for who may take out.
fn may_see(chat: &Chat, manages: bool) -> Result<(), Failure> {
    match chat.state {
        chat::ChatState::Removed if !manages => Err(lacks(Scope::ChatsManage)),
        _ => Ok(()),
    }
}

/// A chat that the caller may see: live, or its record.
async fn visible(ask: &Ask) -> Result<Chat, Failure> {
    let chat = crate::chat::found(&ask.app, chat_in(ask)?).await?;
    may_see(&chat, ask.access.has(Scope::ChatsManage))?;
    Ok(chat)
}

/// A token of one agent may act in the chats in which he takes or took part, or that are offered to him.
async fn acts_in(ask: &Ask, id: ChatId) -> Result<(), Failure> {
    let Some(agent) = ask.access.token.agent.clone() else { return Ok(()) };
    let own = AgentId::from(agent.as_str());
    // What is not there is refused by the engine, in its own words.
    let allowed = move |state: &State| state.chats.get(&id).is_none_or(|chat| is_of(chat, &own));
    if ask.app.engine.read(allowed).await? {
        return Ok(());
    }
    let detail =
        format!("this token is bound to agent {agent} and acts only in chats in which he takes part");
    Err(Failure::new(ProblemKind::Forbidden, detail))
}

/// What an agent does whom the caller may act for.
async fn by_agent(ask: &Ask, command: impl FnOnce(&ByAgentRequest, ChatId) -> Command) -> Answer {
    let (body, chat): (ByAgentRequest, _) = (ask.body()?, chat_in(ask)?);
    ask.acts_for(&body.agent.0)?;
    command::run(ask, command(&body, chat)).await
}

async fn accept(ask: Ask) -> Answer {
    let offer = OfferId(ask.id("offer")?);
    by_agent(&ask, |body, chat| body.accept(chat, offer)).await
}

async fn reject(ask: Ask) -> Answer {
    let offer = OfferId(ask.id("offer")?);
    by_agent(&ask, |body, chat| body.reject(chat, offer)).await
}

async fn join(ask: Ask) -> Answer {
    by_agent(&ask, ByAgentRequest::join).await
}

async fn leave(ask: Ask) -> Answer {
    by_agent(&ask, ByAgentRequest::leave).await
}

async fn withdraw(ask: Ask) -> Answer {
    by_agent(&ask, ByAgentRequest::withdraw).await
}

async fn end(ask: Ask) -> Answer {
    by_agent(&ask, ByAgentRequest::end).await
}

async fn observe(ask: Ask) -> Answer {
    let body: ObserveRequest = ask.body()?;
    ask.acts_for(&body.agent.0)?;
    let command = body.into_command(chat_in(&ask)?).map_err(Failure::invalid)?;
    command::run(&ask, command).await
}

async fn invite(ask: Ask) -> Answer {
    let body: InviteRequest = ask.body()?;
    ask.acts_for(&body.agent.0)?;
    command::run(&ask, body.into_command(chat_in(&ask)?)).await
}

async fn archive(ask: Ask) -> Answer {
    let chat = chat_in(&ask)?;
    acts_in(&ask, chat).await?;
    command::run(&ask, Command::Chat(ChatCommand::Change { chat, change: ChatChange::Archive })).await
}

async fn remove(ask: Ask) -> Answer {
    let body: RemoveRequest = ask.body()?;
    let chat = chat_in(&ask)?;
    acts_in(&ask, chat).await?;
    command::run(&ask, body.into_command(chat).map_err(Failure::invalid)?).await
}

async fn fields(ask: Ask) -> Answer {
    let body: ChatFieldsRequest = ask.body()?;
    let chat = chat_in(&ask)?;
    acts_in(&ask, chat).await?;
    command::run(&ask, body.into_command(chat).map_err(Failure::invalid)?).await
}
