//! The door for visitors' programs (scope `chats:visit`): all that a handler of theirs can do.
//!
//! A handler is given a [`Door`] and no [`Ask`]: what agents say among themselves, other people's chats and everything of
//! telephony lie behind it, and it has no way there (rule 10). What it reads of a transcript it reads of the public one.

use super::files::{self, Whose};
use super::stream::{follow_visit, is_visit};
use super::words::PublicWords;
use super::{files_of, found, unknown, unpassed};
use crate::ask::Ask;
use crate::command;
use crate::problem::Failure;
use crate::reply::{body_reply, json_reply, page_reply, with_location};
use crate::route::{Answer, Route, route};
use http::{Method, StatusCode};
use schakel_contract::problem::{InputError, InputPlace, ProblemKind};
use schakel_contract::requests::visit::{
    OfflineMessageRequest, VisitMessageRequest, VisitRequest, VisitTypingRequest,
};
use schakel_contract::views::{AttachmentView, QueueAvailabilityView, VisitMessageView, VisitView};
use schakel_core::command::Command;
use schakel_core::model::chat::Chat;
use schakel_core::model::ids::{ChatId, MessageId, OfflineMessageId, QueueId};
use schakel_core::model::pii::Pii;
use schakel_core::state::State;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// A request of a visitor's program.
pub(crate) struct Door {
    ask: Ask,
}

/// A route whose handler has the door, and nothing else.
pub(crate) fn door<F, Fut>(
    method: Method,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    handler: F,
) -> Route
where
    F: Fn(Door) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    route(method, path, id, summary, move |ask| handler(Door { ask })).for_visitors()
}

impl Door {
    /// The body.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.ask.body()
    }

    /// A parameter of the query.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.ask.asked(name)
    }

    /// The queue of the path.
    pub(crate) fn queue(&self) -> QueueId {
        QueueId::from(self.ask.segment("queue"))
    }

    /// What a visitor who comes now is shown of a queue, and why.
    pub(crate) async fn availability(&self, language: Option<String>) -> Answer {
        let queue = self.queue();
        let look = move |state: &State| {
            let view = QueueAvailabilityView::of(state, &queue, language.as_deref())?;
            serde_json::to_vec(&view).ok()
        };
        let body = self.ask.app.engine.read(look).await?.ok_or_else(|| Failure::not_found("chat queue"))?;
        Ok(body_reply(StatusCode::OK, body.into()))
    }

    /// Opens a chat.
    pub(crate) async fn open(&self, body: VisitRequest) -> Answer {
        self.run(body.into_command().map_err(Failure::invalid)?).await
    }

    /// Takes a message for when somebody is there.
    pub(crate) async fn leave_message(&self, body: OfflineMessageRequest) -> Answer {
        let queue = self.queue();
        let at = queue.clone();
        let look =
            move |state: &State| state.settings.chat.queue(&at).is_some_and(|queue| queue.offline_strict);
        let strict = self.ask.app.engine.read(look).await?;
        let id = OfflineMessageId(Uuid::now_v7().as_u128());
        self.run(body.into_command(id, queue, strict).map_err(Failure::invalid)?).await
    }

    /// The visit of the path.
    pub(crate) async fn view(&self) -> Answer {
        let id = ChatId(self.ask.id("visit")?);
        let look = move |state: &State| state.chats.get(&id).filter(is_visit).map(|chat| shown(state, chat));
        let body = match self.ask.app.engine.read(look).await? {
            Some(body) => body,
            None => {
                let chat = self.visit().await?;
                self.ask.app.engine.read(move |state: &State| shown(state, &chat)).await?
            }
        };
        Ok(body_reply(StatusCode::OK, body.into()))
    }

    /// A page of what the visitor sees.
    pub(crate) async fn messages(&self) -> Answer {
        let chat = self.visit().await?;
        let after = self.ask.cursor(self.ask.asked("after"), InputPlace::Query, "after")?.unwrap_or(0);
        let page = self.words().after(chat.id, after, self.ask.page_size()).await?;
        let items: Vec<_> =
            page.lines.iter().map(|(message, _)| VisitMessageView::of(message, &chat)).collect();
        let next = page.lines.last().filter(|_| page.more).map(|(last, _)| last.seq.to_string());
        Ok(page_reply(&items, next))
    }

    /// Says something as the visitor. Of files he says those that he sent, and no others.
    pub(crate) async fn say(&self, body: VisitMessageRequest) -> Answer {
        let (chat, message) = (self.visit_id().await?, MessageId(self.ask.id("message")?));
        let mut files = files_of(&self.ask.app, chat, &body.files, files::is_visitors).await?;
        let command =
            body.into_command(chat, message, |file| files.remove(&file)).map_err(Failure::invalid)?;
        self.run(command).await
    }

    /// Does something to the visit of the path; how it is then.
    pub(crate) async fn done(
        &self,
        command: impl FnOnce(ChatId) -> Result<Command, Vec<InputError>>,
    ) -> Answer {
        let chat = self.visit_id().await?;
        self.run(command(chat).map_err(Failure::invalid)?).await
    }

    /// Tells the agents that the visitor types.
    pub(crate) async fn types(&self, body: VisitTypingRequest) -> Result<(), Failure> {
        let chat = ChatId(self.ask.id("visit")?);
        // Whether the queue allows it is the engine's to say.
        let text = body.preview(true).map(|text| Pii::new(text.into()));
        self.ask.app.engine.typing_of_visit(chat, body.typing, text).await.map_err(unpassed)
    }

    /// Keeps a file of the visitor's, where his queue takes any.
    pub(crate) async fn keep_file(&self) -> Answer {
        let chat = self.visit().await?;
        let queue = chat.queue.clone();
        let takes =
            move |state: &State| state.settings.chat.queue(&queue).is_some_and(|queue| queue.visitor_files);
        if !self.ask.app.engine.read(takes).await? {
            return Err(files::not_taken("visitors send no files in this queue".into()));
        }
        let name = self.ask.header("content-disposition");
        let file = files::keep(&self.ask.app, &chat, Whose::Visitors, name, self.ask.raw.clone()).await?;
        let path = format!("/v1/visits/{}/files/{}", chat.id, file.id);
        Ok(with_location(json_reply(StatusCode::CREATED, &AttachmentView::of(&file)), &path))
    }

    /// A file that was said to the visitor, or by him.
    pub(crate) async fn file(&self) -> Answer {
        let (chat, file) = (self.visit_id().await?, self.ask.id("file")?);
        if !self.words().has_file(chat, file).await? {
            return Err(Failure::not_found("file"));
        }
        files::given(&self.ask.app, chat, file).await
    }

    /// What happens in the visit, as it happens.
    pub(crate) async fn follow(self) -> Answer {
        let chat = self.visit_id().await?;
        let last = self.ask.cursor(self.ask.header("last-event-id"), InputPlace::Header, "Last-Event-ID")?;
        let after = self.ask.cursor(self.ask.asked("after"), InputPlace::Query, "after")?;
        follow_visit(self.ask.app, self.ask.access, chat, last.or(after).unwrap_or(0)).await
    }

    /// A command of a visitor's is answered at once, with what he may know.
    async fn run(&self, command: Command) -> Answer {
        let answer = command::run(&self.ask, command).await?;
        if answer.status() == StatusCode::ACCEPTED {
            let detail =
                "the journal takes nothing now; whether this was accepted is not known: repeat it as it is";
            return Err(Failure::new(ProblemKind::Unavailable, detail));
        }
        Ok(answer)
    }

    fn words(&self) -> PublicWords {
        PublicWords::of(&self.ask.app.store)
    }

    /// A chat of a program on the REST API. Of another there is nothing here.
    async fn visit(&self) -> Result<Chat, Failure> {
        let chat = found(&self.ask.app, ChatId(self.ask.id("visit")?)).await?;
        Some(chat).filter(|chat| is_visit(&chat)).ok_or_else(unknown)
    }

    /// The same of who needs no more than its id: of a live one nothing is copied.
    async fn visit_id(&self) -> Result<ChatId, Failure> {
        let id = ChatId(self.ask.id("visit")?);
        let is_live = move |state: &State| state.chats.get(&id).is_some_and(|chat| is_visit(&chat));
        if self.ask.app.engine.read(is_live).await? {
            return Ok(id);
        }
        Ok(self.visit().await?.id)
    }
}

fn shown(state: &State, chat: &Chat) -> Vec<u8> {
    // Cannot fail: the view has no keys that are not text.
    serde_json::to_vec(&VisitView::of(state, chat)).unwrap_or_default()
}
