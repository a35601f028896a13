//! Bodies of the requests of visitors' programs.

use super::chat::{ChatQueueName, change};
use super::check::{line, line_opt, text};
use crate::problem::InputError;
use crate::views::{PreferredAnswer, VisitorPresence};
use schakel_core::command::Command;
use schakel_core::command::chat::{AnswerBy, ChatChange, ChatCommand, OfflineMessage};
use schakel_core::model::chat::{Attachment, Attribute, Audience, Content, Speaker, Visitor};
use schakel_core::model::ids::{ChatId, FileId, MessageId, OfflineMessageId, QueueId};
use schakel_core::model::pii::Pii;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// Opens a chat for a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VisitRequest {
    /// Where.
    pub queue: ChatQueueName,
    /// Who he is.
    #[serde(default)]
    pub visitor: VisitorRequest,
}

/// Who a visitor is, as far as he or his site tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VisitorRequest {
    /// What he calls himself (O05).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false,
        examples("Kim")
    )]
    pub nickname: Option<String>,
    /// His e-mail address (O05).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 3,
        max_length = 254,
        pattern = r"^[^@\s\u0000-\u001f]+@[^@\s\u0000-\u001f]+$",
        nullable = false
    )]
    pub email: Option<String>,
    /// The language that he reads, as in BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 2,
        max_length = 35,
        pattern = r"^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$",
        nullable = false,
        examples("nl")
    )]
    pub language: Option<String>,
    /// What is known of him beside.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub attributes: Vec<AttributeRequest>,
}

/// Something known of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributeRequest {
    /// What it is called; another for each.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        examples("klantnummer")
    )]
    pub name: String,
    /// What it is.
    #[schema(min_length = 1, max_length = 1024, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub value: String,
    /// Who vouches for it; absent for what the visitor says himself (W03).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false,
        examples("digid")
    )]
    pub verified_by: Option<String>,
}

/// Says something, as the visitor. The id in the path is the message's, made by the sender (UUIDv7): the same body
/// under the same id is the same message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VisitMessageRequest {
    /// The words: plain text. May be empty where an option is chosen.
    #[serde(default)]
    #[schema(max_length = 16384, pattern = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$")]
    pub text: String,
    /// Files of this chat, uploaded before, where visitors may.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub files: Vec<Uuid>,
    /// The option that he chooses (W06).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chosen: Option<ChosenRequest>,
}

/// An option that a visitor chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChosenRequest {
    /// The message that offered it.
    pub message: Uuid,
    /// The option.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub option: String,
}

/// The visitor types, or has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VisitTypingRequest {
    /// Whether he still does.
    pub typing: bool,
    /// What is in his field, where the queue lets agents read along (O11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 16384,
        pattern = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$",
        nullable = false
    )]
    pub text: Option<String>,
}

/// Whether the visitor is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VisitPresenceRequest {
    /// Whether.
    pub presence: VisitorPresence,
}

/// What the visitor thought of it (O18).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RatingRequest {
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub stars: u8,
    /// Why; required with one or two stars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 4096,
        pattern = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$",
        nullable = false
    )]
    pub explanation: Option<String>,
}

/// Leaves a message while nobody can chat (C14, C15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfflineMessageRequest {
    /// The name.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub name: String,
    /// E-mail address. It or a telephone number is needed, unless the queue's form is strict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 3,
        max_length = 254,
        pattern = r"^[^@\s\u0000-\u001f]+@[^@\s\u0000-\u001f]+$",
        nullable = false
    )]
    pub email: Option<String>,
    /// Telephone number, in any way of writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 3,
        max_length = 64,
        pattern = r"^[0-9+*#(][0-9 +*#()./-]{0,63}$",
        nullable = false,
        examples("020-1234567")
    )]
    pub telephone: Option<String>,
    /// How he prefers to be answered; by what he gives, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub preference: Option<PreferredAnswer>,
    /// The message.
    #[schema(min_length = 1, max_length = 16384, pattern = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$")]
    pub text: String,
    /// The language that he reads, as in BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 2,
        max_length = 35,
        pattern = r"^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$",
        nullable = false,
        examples("nl")
    )]
    pub language: Option<String>,
}

impl VisitRequest {
    /// What the core is asked.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn into_command(self) -> Result<Command, Vec<InputError>> {
        let mut errors = Vec::new();
        line(&self.queue.0, "/queue", 128, &mut errors);
        let visitor = Box::new(self.visitor.into_core(&mut errors));
        let command = ChatCommand::Open { queue: self.queue.0.as_str().into(), visitor };
        if errors.is_empty() { Ok(Command::Chat(command)) } else { Err(errors) }
    }
}

impl VisitorRequest {
    fn into_core(self, errors: &mut Vec<InputError>) -> Visitor {
        line_opt(self.nickname.as_deref(), "/visitor/nickname", 128, errors);
        line_opt(self.email.as_deref(), "/visitor/email", 254, errors);
        line_opt(self.language.as_deref(), "/visitor/language", 35, errors);
        if self.attributes.len() > ATTRIBUTES_MAX {
            let detail = format!("at most {ATTRIBUTES_MAX}");
            errors.push(InputError::body("/visitor/attributes", "maxItems", detail));
        }
        let mut seen = BTreeSet::new();
        for (at, attribute) in self.attributes.iter().take(ATTRIBUTES_MAX).enumerate() {
            let pointer = |property| format!("/visitor/attributes/{at}/{property}");
            line(&attribute.name, &pointer("name"), 64, errors);
            line(&attribute.value, &pointer("value"), 1024, errors);
            line_opt(attribute.verified_by.as_deref(), &pointer("verifiedBy"), 64, errors);
            if !seen.insert(&attribute.name) {
                errors.push(InputError::body(
                    pointer("name"),
                    "twice",
                    "another attribute has the same name",
                ));
            }
        }
        let attribute = |attribute: &AttributeRequest| Attribute {
            name: attribute.name.as_str().into(),
            value: Pii::new(attribute.value.as_str().into()),
            verified_by: attribute.verified_by.as_deref().map(Into::into),
        };
        Visitor {
            attributes: self.attributes.iter().map(attribute).collect(),
            nickname: self.nickname.map(|name| Pii::new(name.as_str().into())),
            email: self.email.map(|email| Pii::new(email.as_str().into())),
            address: None,
            language: self.language.as_deref().map(Into::into),
        }
    }
}

const ATTRIBUTES_MAX: usize = 50;

impl VisitMessageRequest {
    /// What the core is asked. `file` finds a file that was uploaded to this chat.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn into_command(
        self,
        chat: ChatId,
        message: MessageId,
        mut file: impl FnMut(FileId) -> Option<Attachment>,
    ) -> Result<Command, Vec<InputError>> {
        let mut errors = Vec::new();
        text(&self.text, "/text", &mut errors);
        let mut files = Vec::with_capacity(self.files.len());
        for (at, id) in self.files.iter().enumerate() {
            match file(FileId(id.as_u128())) {
                Some(found) => files.push(found),
                None => errors.push(InputError::body(
                    format!("/files/{at}"),
                    "unknown",
                    "there is no such file in this chat; upload it first",
                )),
            }
        }
        if let Some(chosen) = &self.chosen {
            line(&chosen.option, "/chosen/option", 64, &mut errors);
        }
        if self.text.trim().is_empty() && self.files.is_empty() && self.chosen.is_none() {
            let detail = "a message has words, files or an option that is chosen";
            errors.push(InputError::body("/text", "required", detail));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let chosen =
            self.chosen.map(|chosen| (MessageId(chosen.message.as_u128()), chosen.option.as_str().into()));
        let content =
            Content { text: Pii::new(self.text.as_str().into()), files, choice: None, chosen, canned: None };
        let say = ChatChange::Say {
            by: Speaker::Visitor,
            message,
            audience: Audience::Public,
            content: Box::new(content),
        };
        Ok(change(chat, say))
    }
}

impl VisitTypingRequest {
    /// What agents are told, as it is: nothing of it is kept. The text is none where the queue does not let them read
    /// along.
    pub fn preview(&self, allowed: bool) -> Option<&str> {
        self.text.as_deref().filter(|_| allowed && self.typing)
    }
}

impl VisitPresenceRequest {
    /// What the core is asked.
    pub fn into_command(self, chat: ChatId) -> Command {
        change(chat, ChatChange::SetPresence(self.presence.into()))
    }
}

impl RatingRequest {
    /// What the core is asked.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn into_command(self, chat: ChatId) -> Result<Command, Vec<InputError>> {
        let mut errors = Vec::new();
        if !(1..=5).contains(&self.stars) {
            errors.push(InputError::body("/stars", "range", "from 1 to 5"));
        }
        let explanation = self.explanation.filter(|words| !words.trim().is_empty());
        if let Some(words) = &explanation {
            text(words, "/explanation", &mut errors);
        }
        if self.stars <= 2 && explanation.is_none() {
            let detail = "one or two stars need an explanation";
            errors.push(InputError::body("/explanation", "required", detail));
        }
        let explanation = explanation.map(|words| Pii::new(words.as_str().into()));
        let asked = ChatChange::Rate { stars: self.stars, explanation };
        if errors.is_empty() { Ok(change(chat, asked)) } else { Err(errors) }
    }
}

impl OfflineMessageRequest {
    /// What the core is asked. A `strict` form asks for exactly what the documents ask for: a name and a message.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn into_command(
        self,
        id: OfflineMessageId,
        queue: QueueId,
        strict: bool,
    ) -> Result<Command, Vec<InputError>> {
        let mut errors = Vec::new();
        line(&self.name, "/name", 256, &mut errors);
        line_opt(self.email.as_deref(), "/email", 254, &mut errors);
        line_opt(self.telephone.as_deref(), "/telephone", 64, &mut errors);
        line_opt(self.language.as_deref(), "/language", 35, &mut errors);
        text(&self.text, "/text", &mut errors);
        if self.text.trim().is_empty() {
            errors.push(InputError::body("/text", "required", "may not be empty"));
        }
        if !strict && self.email.is_none() && self.telephone.is_none() {
            let detail = "an e-mail address or a telephone number is needed";
            errors.push(InputError::body("/email", "required", detail));
        }
        match self.preference {
            Some(PreferredAnswer::Email) if self.email.is_none() && self.telephone.is_some() => {
                errors.push(InputError::body("/email", "required", "he prefers to be answered by e-mail"));
            }
            Some(PreferredAnswer::Telephone) if self.telephone.is_none() && self.email.is_some() => {
                errors.push(InputError::body("/telephone", "required", "he prefers to be called"));
            }
            _ => {}
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let by_what_he_gives = if self.email.is_none() && self.telephone.is_some() {
            AnswerBy::Telephone
        } else {
            AnswerBy::Email
        };
        let personal = |value: String| Pii::new(value.as_str().into());
        Ok(Command::Chat(ChatCommand::LeaveMessage(Box::new(OfflineMessage {
            id,
            queue,
            name: personal(self.name),
            email: self.email.map(personal),
            telephone: self.telephone.map(personal),
            preference: self.preference.map_or(by_what_he_gives, Into::into),
            text: personal(self.text),
            language: self.language.as_deref().map(Into::into),
        }))))
    }
}

/// The visitor ends the chat (O16).
pub fn end(chat: ChatId) -> Command {
    change(chat, ChatChange::End { by: Speaker::Visitor })
}
