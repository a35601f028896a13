//! Files of a chat as agents send and get them (W09).

use super::{acts_in, visible};
use crate::ask::{Ask, lacks};
use crate::chat::files::{self, Whose};
use crate::reply::json_reply;
use crate::route::{Answer, Route, route};
use http::{Method, StatusCode};
use schakel_contract::problem::ProblemKind;
use schakel_contract::views::{AttachmentView, Scope};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(
            Method::POST,
            "/chats/{chat}/files",
            "sendFile",
            "Keeps a file of a chat, to be said in a message: text, PDF or a picture, by its content (W09)",
            send,
        )
        .scope(Scope::ChatsControl)
        .takes_attachment()
        .gives::<AttachmentView<'static>>()
        .created()
        .fails(ProblemKind::UnknownChat)
        .fails(ProblemKind::InvalidChatState),
        route(
            Method::GET,
            "/chats/{chat}/files/{file}",
            "getFile",
            "A file of a chat, to be saved. Needs the scope `persons:read` too",
            get,
        )
        .scope(Scope::ChatsRead)
        .gives_other(files::content())
        .recorded()
        .fails(ProblemKind::UnknownChat),
    ]
}

async fn send(ask: Ask) -> Answer {
    let chat = visible(&ask).await?;
    acts_in(&ask, chat.id).await?;
    let file =
        files::keep(&ask.app, &chat, Whose::Agents, ask.header("content-disposition"), ask.raw.clone())
            .await?;
    let path = format!("/v1/chats/{}/files/{}", chat.id, file.id);
    Ok(crate::reply::with_location(json_reply(StatusCode::CREATED, &AttachmentView::of(&file)), &path))
}

async fn get(ask: Ask) -> Answer {
    if !ask.access.has(Scope::PersonsRead) {
        return Err(lacks(Scope::PersonsRead));
    }
    let chat = visible(&ask).await?;
    files::given(&ask.app, chat.id, ask.id("file")?).await
}
