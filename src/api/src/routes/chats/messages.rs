//! What is said in a chat, as agents see it (O07, W05, W06, W08).

use super::{chat_in, visible};
use crate::ask::Ask;
use crate::chat::files_of;
use crate::chat::words::{AllWords, Line};
use crate::command;
use crate::problem::Failure;
use crate::reply::page_reply;
use crate::route::{Answer, Route, route};
use http::Method;
use schakel_contract::problem::{InputPlace, ProblemKind};
use schakel_contract::requests::chat::MessageRequest;
use schakel_contract::views::{ChatMessageView, InternalMessageView, PublicMessageView, Scope};
use schakel_core::model::chat::Chat;
use schakel_core::model::ids::MessageId;
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let order = json!({ "type": "string", "pattern": "^[0-9]{1,18}$", "examples": ["42"] });
    vec![
        route(
            Method::GET,
            "/chats/{chat}/messages",
            "listMessages",
            "The internal transcript: what was said, words between agents too (W08). The audit log has who read it",
            list,
        )
        .scope(Scope::ChatsRead)
        .gives_rows::<ChatMessageView<'static>>()
        .query("after", "The `next` of the page before, or the `order` of the last message that you have.", order)
        .page_size()
        .recorded()
        .fails(ProblemKind::UnknownChat),
        route(
            Method::PUT,
            "/chats/{chat}/messages/{message}",
            "say",
            "Says something, under an id that you make (a UUIDv7): the same again is no second message, and something \
             else under the same id is 409",
            say,
        )
        .scope(Scope::ChatsControl)
        .body::<MessageRequest>()
        .command(),
    ]
}

async fn list(ask: Ask) -> Answer {
    let chat = visible(&ask).await?;
    let (after, size) = (ask.cursor(ask.asked("after"), InputPlace::Query, "after")?, ask.page_size());
    let page = AllWords::of(&ask.app.store).after(chat.id, after.unwrap_or(0), size).await?;
    let items: Vec<_> = page.lines.iter().map(|line| shown(line, &chat)).collect();
    let next = page.lines.last().filter(|_| page.more).map(|last| last.order().to_string());
    Ok(page_reply(&items, next))
}

/// A line of the internal transcript as agents see it.
pub(super) fn shown<'a>(line: &'a Line, chat: &'a Chat) -> ChatMessageView<'a> {
    match line {
        Line::Public(message, delivery) => {
            ChatMessageView::Public(PublicMessageView::of(message, chat, Some(delivery)))
        }
        Line::Private(message) => ChatMessageView::Agents(InternalMessageView::of(message, chat)),
    }
}

async fn say(ask: Ask) -> Answer {
    let (chat, message) = (chat_in(&ask)?, MessageId(ask.id("message")?));
    let body: MessageRequest = ask.body()?;
    ask.acts_for(&body.agent.0)?;
    let mut files = files_of(&ask.app, chat, &body.files, |_| true).await?;
    let command = body.into_command(chat, message, |file| files.remove(&file)).map_err(Failure::invalid)?;
    command::run(&ask, command).await
}
