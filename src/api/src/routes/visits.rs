//! What visitors' programs do (scope `chats:visit`): a website's plug-in, an app. They see what their visitor may see.

use crate::chat::door::{Door, door};
use crate::chat::files;
use crate::route::{Answer, Route};
use crate::sse::STREAM;
use axum::response::IntoResponse as _;
use http::{Method, StatusCode};
use schakel_contract::problem::ProblemKind;
use schakel_contract::reply::VisitReply;
use schakel_contract::requests::visit::{
    self, OfflineMessageRequest, RatingRequest, VisitMessageRequest, VisitPresenceRequest, VisitRequest,
    VisitTypingRequest,
};
use schakel_contract::views::{
    AttachmentView, QueueAvailabilityView, VisitMessageView, VisitTypingView, VisitView,
};
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let seq = || json!({ "type": "string", "pattern": "^[0-9]{1,18}$", "examples": ["42"] });
    let language = json!({ "type": "string", "minLength": 2, "maxLength": 35, "examples": ["nl"] });
    let content = json!({ STREAM: { "schema": { "type": "string", "description":
        "`event: message` with a VisitMessage as `data:` and its `seq` as `id:`; `event: visit` with a Visit as it is now; \
         `event: typing` with a VisitTyping. It ends when nothing more comes of the chat." } } });
    let mut routes = vec![
        door(
            Method::GET,
            "/chat-queues/{queue}/availability",
            "getAvailabilityOfQueue",
            "What a visitor who comes now is shown, and the facts that made it so (C07 to C10)",
            |door: Door| async move { door.availability(door.asked("language").map(str::to_owned)).await },
        )
        .gives::<QueueAvailabilityView<'static>>()
        .query("language", "The language that the visitor reads; the organisation's, where it is not known.", language),
        door(
            Method::POST,
            "/chat-queues/{queue}/offline-messages",
            "leaveMessage",
            "Leaves a message for when somebody is there (C12, C14, C15)",
            leave_message,
        )
        .body::<OfflineMessageRequest>()
        .command_giving::<VisitReply<'static>>()
        .idempotent(),
        door(Method::POST, "/visits", "openVisit", "A visitor opens a chat (O05, O06)", open)
            .body::<VisitRequest>()
            .command_giving::<VisitReply<'static>>()
            .created()
            .idempotent(),
        door(Method::GET, "/visits/{visit}", "getVisit", "A chat as its visitor sees it", |door: Door| async move {
            door.view().await
        })
        .gives::<VisitView<'static>>(),
        door(
            Method::GET,
            "/visits/{visit}/messages",
            "listVisitMessages",
            "What was said, as the visitor sees it",
            |door: Door| async move { door.messages().await },
        )
        .gives_rows::<VisitMessageView<'static>>()
        .query("after", "The `next` of the page before, or the `seq` of the last message that you have.", seq())
        .page_size(),
        door(
            Method::PUT,
            "/visits/{visit}/messages/{message}",
            "visitorSays",
            "The visitor says something, under an id that you make (a UUIDv7): the same again is no second message, and \
             something else under the same id is 409",
            say,
        )
        .body::<VisitMessageRequest>()
        .command_giving::<VisitReply<'static>>(),
        door(
            Method::POST,
            "/visits/{visit}/typing",
            "visitorTypes",
            "The visitor types, or does so no more (O11). It is passed on and kept nowhere; `text` is shown to agents \
             where the queue allows it, of which the visitor must be told",
            types,
        )
        .body::<VisitTypingRequest>()
        .unrecorded(),
        door(
            Method::POST,
            "/visits/{visit}/presence",
            "setVisitPresence",
            "The visitor's connection is lost, or back, or he is gone",
            presence,
        )
        .body::<VisitPresenceRequest>()
        .command_giving::<VisitReply<'static>>()
        .idempotent(),
        door(Method::POST, "/visits/{visit}/end", "endVisit", "The visitor ends the chat (O16)", |door: Door| async move {
            door.done(|chat| Ok(visit::end(chat))).await
        })
        .command_giving::<VisitReply<'static>>()
        .idempotent(),
        door(
            Method::POST,
            "/visits/{visit}/rating",
            "rateVisit",
            "What the visitor thought of it: one to five stars, with the reason where they are one or two (O18)",
            rate,
        )
        .body::<RatingRequest>()
        .command_giving::<VisitReply<'static>>()
        .idempotent(),
        door(
            Method::GET,
            "/visits/{visit}/events",
            "followVisit",
            "What happens in the chat, as the visitor sees it, as it happens; goes on after `Last-Event-ID`",
            |door: Door| async move { door.follow().await },
        )
        .gives_other(content)
        .also_shows::<VisitTypingView<'static>>()
        .query("after", "The `seq` of the last message that you have.", seq())
        .header("Last-Event-ID", "The same, as a browser sends it again; goes before `after`.", seq()),
        door(
            Method::POST,
            "/visits/{visit}/files",
            "sendVisitFile",
            "Keeps a file of the visitor's, to be said in a message; where the queue takes files of visitors (W09)",
            |door: Door| async move { door.keep_file().await },
        )
        .takes_attachment()
        .gives::<AttachmentView<'static>>()
        .created()
        .fails(ProblemKind::InvalidChatState),
        door(
            Method::GET,
            "/visits/{visit}/files/{file}",
            "getVisitFile",
            "A file that was said in the chat, to be saved",
            |door: Door| async move { door.file().await },
        )
        .gives_other(files::content()),
    ];
    for route in routes.iter_mut().filter(|route| route.path.starts_with("/visits/")) {
        route.failures.push(ProblemKind::UnknownChat);
    }
    routes
}

async fn leave_message(door: Door) -> Answer {
    door.leave_message(door.body()?).await
}

async fn open(door: Door) -> Answer {
    door.open(door.body()?).await
}

async fn say(door: Door) -> Answer {
    door.say(door.body()?).await
}

async fn types(door: Door) -> Answer {
    door.types(door.body()?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn presence(door: Door) -> Answer {
    let body: VisitPresenceRequest = door.body()?;
    door.done(|visit| Ok(body.into_command(visit))).await
}

async fn rate(door: Door) -> Answer {
    let body: RatingRequest = door.body()?;
    door.done(|visit| body.into_command(visit)).await
}
