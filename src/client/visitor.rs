//! A visitor's program: what a website does for one visitor, with a token of scope `chats:visit`.

use super::rest::{Api, ApiError};
use super::stream::Messages;
use reqwest::Method;
use schakel_contract::reply::VisitReply;
use schakel_contract::requests::chat::ChatQueueName;
use schakel_contract::requests::visit::{
    OfflineMessageRequest, RatingRequest, VisitMessageRequest, VisitPresenceRequest, VisitRequest,
    VisitTypingRequest, VisitorRequest,
};
use schakel_contract::views::{Page, QueueAvailabilityView, VisitMessageView, VisitView, VisitorPresence};
use uuid::Uuid;

/// One visitor in one chat.
#[derive(Debug, Clone)]
pub struct Visitor {
    api: Api,
    visit: Uuid,
    id: String,
}

impl Visitor {
    /// What a visitor of a queue is shown before he opens a chat, in his language.
    ///
    /// # Errors
    /// When the API is not there, or there is no such queue.
    pub async fn availability(
        api: &Api,
        queue: &str,
        language: &str,
    ) -> Result<QueueAvailabilityView<'static>, ApiError> {
        let path = ["chat-queues", queue, "availability"];
        let text = api.read(&path, &[("language", language)], "application/json").await?;
        serde_json::from_str(&text).map_err(|error| ApiError::Unexpected {
            url: api.base().to_owned(),
            status: 200,
            detail: error.to_string(),
        })
    }

    /// Opens a chat.
    ///
    /// # Errors
    /// When the API is not there or refuses; a refusal says what the visitor is to be shown.
    pub async fn open(
        api: Api,
        queue: &str,
        nickname: &str,
        language: &str,
    ) -> Result<(Self, VisitView<'static>), ApiError> {
        let visitor = VisitorRequest {
            nickname: Some(nickname.to_owned()),
            language: Some(language.to_owned()),
            ..VisitorRequest::default()
        };
        let request = VisitRequest { queue: ChatQueueName(queue.to_owned()), visitor };
        let reply: VisitReply<'static> =
            api.command_giving(Method::POST, &["visits"], Some(&request)).await?;
        let visit = reply.visit.ok_or_else(|| ApiError::Unexpected {
            url: format!("{}/visits", api.base()),
            status: 201,
            detail: "there is no visit in the reply".into(),
        })?;
        Ok((Self { api, visit: visit.id, id: visit.id.to_string() }, visit))
    }

    /// Leaves a message while nobody can chat.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn leave_message(
        api: &Api,
        queue: &str,
        message: &OfflineMessageRequest,
    ) -> Result<VisitReply<'static>, ApiError> {
        api.command_giving(Method::POST, &["chat-queues", queue, "offline-messages"], Some(message)).await
    }

    /// The same visitor at another connection, as after a page was loaded again.
    pub fn again(&self, api: Api) -> Self {
        Self { api, ..self.clone() }
    }

    /// The chat.
    pub const fn id(&self) -> Uuid {
        self.visit
    }

    /// Says something under a new id.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn say(&self, text: &str) -> Result<VisitReply<'static>, ApiError> {
        self.say_as(Uuid::now_v7(), text).await
    }

    /// Says something under this id: the same again is no second message.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn say_as(&self, message: Uuid, text: &str) -> Result<VisitReply<'static>, ApiError> {
        let request = VisitMessageRequest { text: text.to_owned(), files: Vec::new(), chosen: None };
        let message = message.to_string();
        self.api.send(Method::PUT, &["visits", &self.id, "messages", &message], &request).await
    }

    /// What is in his field, before he sends it; nothing: he types no more.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn types(&self, text: Option<&str>) -> Result<(), ApiError> {
        let request = VisitTypingRequest { typing: text.is_some(), text: text.map(str::to_owned) };
        self.api.tell_so(&["visits", &self.id, "typing"], &request).await
    }

    /// The chat as he sees it.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn look(&self) -> Result<VisitView<'static>, ApiError> {
        self.api.get(&["visits", &self.id]).await
    }

    /// All that he was told and said, in order.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn messages(&self) -> Result<Vec<VisitMessageView<'static>>, ApiError> {
        let (mut all, mut after) = (Vec::new(), "0".to_owned());
        loop {
            let path = ["visits", &self.id, "messages"];
            let text = self.api.read(&path, &[("after", &after)], "application/json").await?;
            let page: Page<VisitMessageView<'static>> =
                serde_json::from_str(&text).map_err(|error| ApiError::Unexpected {
                    url: format!("{}/visits/{}/messages", self.api.base(), self.id),
                    status: 200,
                    detail: error.to_string(),
                })?;
            all.extend(page.items);
            match page.next {
                Some(next) => after = next,
                None => return Ok(all),
            }
        }
    }

    /// The bytes of everything that he can read of his chat, to search in.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn everything(&self) -> Result<String, ApiError> {
        let visit = self.api.read(&["visits", &self.id], &[], "application/json").await?;
        let messages = self.api.read(&["visits", &self.id, "messages"], &[], "application/json").await?;
        Ok(visit + &messages)
    }

    /// What happens, as it happens.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn follow(&self) -> Result<Messages, ApiError> {
        self.api.follow(&["visits", &self.id, "events"]).await
    }

    /// His program is there, away or gone.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn is(&self, presence: VisitorPresence) -> Result<VisitReply<'static>, ApiError> {
        let request = VisitPresenceRequest { presence };
        self.api.command_giving(Method::POST, &["visits", &self.id, "presence"], Some(&request)).await
    }

    /// Ends the chat.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn end(&self) -> Result<VisitReply<'static>, ApiError> {
        self.api.command_giving(Method::POST, &["visits", &self.id, "end"], None::<&()>).await
    }

    /// Says what he thought of it.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn rate(&self, stars: u8, explanation: Option<&str>) -> Result<VisitReply<'static>, ApiError> {
        let request = RatingRequest { stars, explanation: explanation.map(str::to_owned) };
        self.api.command_giving(Method::POST, &["visits", &self.id, "rating"], Some(&request)).await
    }
}
