//! Bodies of the agents' requests about chats.
//!
//! The schema says what a body looks like and how much of it there may be. What a schema cannot say is checked when the
//! body is made into what the core takes; all errors together.

use super::AgentName;
use super::check::{line, line_opt, text};
use crate::problem::InputError;
use schakel_core::command::Command;
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::model::chat::{self as core, Content, Fields, Invitee, Speaker};
use schakel_core::model::ids::{AgentId, ChatId, FileId, MessageId, OfferId, OptionId, QueueId};
use schakel_core::model::pii::Pii;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// The name of a chat queue in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(
    min_length = 1,
    max_length = 128,
    pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
    examples("publiekszaken")
)]
pub struct ChatQueueName(pub String);

/// Brings an agent into the chat channel (O02, C01, W01).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentChatRequest {
    /// The queues of his profile.
    #[schema(min_items = 1, max_items = 64)]
    pub queues: Vec<ChatQueueName>,
    /// What visitors see him called; his user name where nothing is said (O10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false,
        examples("Marieke")
    )]
    pub nickname: Option<String>,
    /// Chats at once, where it is another number than his queue's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100, nullable = false)]
    pub chats_max: Option<u16>,
}

/// Something that an agent does in a chat: join, leave, accept, reject, withdraw, end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ByAgentRequest {
    /// Who.
    pub agent: AgentName,
}

/// Watches a chat unseen (O23). It is on the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObserveRequest {
    /// Who watches.
    pub agent: AgentName,
    /// For which purpose.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub purpose: String,
}

/// Says something, as an agent. The id in the path is the message's, made by the sender (UUIDv7): the same body under
/// the same id is the same message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MessageRequest {
    /// Who says it.
    pub agent: AgentName,
    /// For whom.
    #[serde(default)]
    pub audience: MessageAudience,
    /// The words: plain text. May be empty where there are files.
    #[serde(default)]
    #[schema(max_length = 16384, pattern = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$")]
    pub text: String,
    /// Files of this chat, uploaded before (W09).
    #[serde(default)]
    #[schema(max_items = 20)]
    pub files: Vec<Uuid>,
    /// A choice for the visitor (W06).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub choice: Option<ChoiceRequest>,
    /// The canned text that it was made of (W05).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false
    )]
    pub canned: Option<String>,
}

/// For whom an agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MessageAudience {
    /// All, the visitor too.
    #[default]
    Public,
    /// The other agents only (W08).
    Agents,
}

/// A structured choice (W06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChoiceRequest {
    /// The options, in order.
    #[schema(min_items = 1, max_items = 100)]
    pub options: Vec<ChoiceOptionRequest>,
}

/// An option of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChoiceOptionRequest {
    /// Its name, by which it is chosen; another for each.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub id: String,
    /// The words.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub text: String,
}

/// An agent types, or has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentTypingRequest {
    /// Who.
    pub agent: AgentName,
    /// Whether he still does.
    pub typing: bool,
}

/// Invites an agent into a chat, one at a time (O20, W07).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InviteRequest {
    /// Who invites.
    pub agent: AgentName,
    /// Whom.
    pub to: InviteeRequest,
    /// Whoever invites leaves when the other joins: that is a transfer (O22).
    #[serde(default)]
    pub leave_on_join: bool,
}

/// Whom an agent invites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum InviteeRequest {
    /// This agent.
    Agent(AgentName),
    /// Any agent of this queue.
    Queue(ChatQueueName),
}

/// Notes for JKC's record (O09): all of them; one that is not named is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChatFieldsRequest {
    /// Subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false
    )]
    pub subject: Option<String>,
    /// Category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false
    )]
    pub category: Option<String>,
    /// Remarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 4096,
        pattern = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$",
        nullable = false
    )]
    pub remarks: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 3,
        max_length = 254,
        pattern = r"^[^@\s\u0000-\u001f]+@[^@\s\u0000-\u001f]+$",
        nullable = false
    )]
    pub email: Option<String>,
}

/// Takes a chat out (O24). It is on the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveRequest {
    /// For which purpose.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub purpose: String,
}

impl AgentChatRequest {
    /// What the core is asked.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn into_command(self, agent: AgentId) -> Result<Command, Vec<InputError>> {
        let mut errors = Vec::new();
        if self.queues.is_empty() {
            errors.push(InputError::body("/queues", "required", "at least one queue is needed"));
        }
        for (at, queue) in self.queues.iter().enumerate() {
            line(&queue.0, &format!("/queues/{at}"), 128, &mut errors);
        }
        line_opt(self.nickname.as_deref(), "/nickname", 64, &mut errors);
        if self.chats_max.is_some_and(|most| !(1..=100).contains(&most)) {
            errors.push(InputError::body("/chatsMax", "range", "from 1 to 100"));
        }
        let command = ChatCommand::Start {
            agent,
            queues: self.queues.iter().map(|queue| QueueId::from(queue.0.as_str())).collect(),
            nickname: self.nickname.as_deref().map(Into::into),
            chats_max: self.chats_max,
        };
        if errors.is_empty() { Ok(Command::Chat(command)) } else { Err(errors) }
    }
}

impl ByAgentRequest {
    /// Who.
    pub fn agent(&self) -> AgentId {
        self.agent.0.as_str().into()
    }

    /// He takes an offer.
    pub fn accept(&self, chat: ChatId, offer: OfferId) -> Command {
        change(chat, ChatChange::Accept { offer, agent: self.agent() })
    }

    /// He declines an offer.
    pub fn reject(&self, chat: ChatId, offer: OfferId) -> Command {
        change(chat, ChatChange::Reject { offer, agent: self.agent() })
    }

    /// He joins without an offer.
    pub fn join(&self, chat: ChatId) -> Command {
        change(chat, ChatChange::Join { agent: self.agent() })
    }

    /// He leaves.
    pub fn leave(&self, chat: ChatId) -> Command {
        change(chat, ChatChange::Leave { agent: self.agent() })
    }

    /// He takes his invitation back.
    pub fn withdraw(&self, chat: ChatId) -> Command {
        change(chat, ChatChange::Withdraw { by: self.agent() })
    }

    /// He ends the talking.
    pub fn end(&self, chat: ChatId) -> Command {
        change(chat, ChatChange::End { by: Speaker::Agent(self.agent()) })
    }
}

impl ObserveRequest {
    /// What the core is asked.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn into_command(self, chat: ChatId) -> Result<Command, Vec<InputError>> {
        let mut errors = Vec::new();
        line(&self.purpose, "/purpose", 256, &mut errors);
        let asked = ChatChange::Observe {
            agent: self.agent.0.as_str().into(),
            purpose: self.purpose.as_str().into(),
        };
        if errors.is_empty() { Ok(change(chat, asked)) } else { Err(errors) }
    }
}

impl RemoveRequest {
    /// What the core is asked.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn into_command(self, chat: ChatId) -> Result<Command, Vec<InputError>> {
        let mut errors = Vec::new();
        line(&self.purpose, "/purpose", 256, &mut errors);
        let asked = ChatChange::Remove { purpose: self.purpose.as_str().into() };
        if errors.is_empty() { Ok(change(chat, asked)) } else { Err(errors) }
    }
}

impl InviteRequest {
    /// What the core is asked.
    pub fn into_command(self, chat: ChatId) -> Command {
        let whom = match &self.to {
            InviteeRequest::Agent(agent) => Invitee::Agent(agent.0.as_str().into()),
            InviteeRequest::Queue(queue) => Invitee::Queue(queue.0.as_str().into()),
        };
        let by = self.agent.0.as_str().into();
        change(chat, ChatChange::Invite { by, whom, leave_on_join: self.leave_on_join })
    }
}

impl MessageRequest {
    /// What the core is asked. `file` finds a file that was uploaded to this chat.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn into_command(
        self,
        chat: ChatId,
        message: MessageId,
        file: impl FnMut(FileId) -> Option<core::Attachment>,
    ) -> Result<Command, Vec<InputError>> {
        let audience = match self.audience {
            MessageAudience::Public => core::Audience::Public,
            MessageAudience::Agents => core::Audience::Agents,
        };
        let by = Speaker::Agent(self.agent.0.as_str().into());
        let content = Box::new(self.into_content(file)?);
        Ok(change(chat, ChatChange::Say { by, message, audience, content }))
    }

    fn into_content(
        self,
        mut file: impl FnMut(FileId) -> Option<core::Attachment>,
    ) -> Result<Content, Vec<InputError>> {
        let mut errors = Vec::new();
        text(&self.text, "/text", &mut errors);
        line_opt(self.canned.as_deref(), "/canned", 128, &mut errors);
        let mut files = Vec::with_capacity(self.files.len());
        let mut seen = BTreeSet::new();
        for (at, id) in self.files.iter().enumerate() {
            let pointer = format!("/files/{at}");
            if !seen.insert(*id) {
                errors.push(InputError::body(pointer, "twice", "the same file is named twice"));
                continue;
            }
            match file(FileId(id.as_u128())) {
                Some(found) => files.push(found),
                None => errors.push(InputError::body(
                    pointer,
                    "unknown",
                    "there is no such file in this chat; upload it first",
                )),
            }
        }
        let choice = self.choice.map(|choice| choice.into_core(&mut errors));
        if choice.is_some() && self.audience == MessageAudience::Agents {
            let detail = "a choice is for the visitor, and this message is for agents only";
            errors.push(InputError::body("/choice", "audience", detail));
        }
        if self.text.trim().is_empty() && self.files.is_empty() && choice.is_none() {
            errors.push(InputError::body("/text", "required", "a message has words, files or a choice"));
        }
        let canned = self.canned.as_deref().map(Into::into);
        let text = Pii::new(self.text.as_str().into());
        let content = Content { text, files, choice, chosen: None, canned };
        if errors.is_empty() { Ok(content) } else { Err(errors) }
    }
}

impl ChoiceRequest {
    fn into_core(self, errors: &mut Vec<InputError>) -> core::Choice {
        let mut seen = BTreeSet::new();
        for (at, option) in self.options.iter().enumerate() {
            line(&option.id, &format!("/choice/options/{at}/id"), 64, errors);
            line(&option.text, &format!("/choice/options/{at}/text"), 256, errors);
            if !seen.insert(&option.id) {
                let pointer = format!("/choice/options/{at}/id");
                errors.push(InputError::body(pointer, "twice", "another option has the same id"));
            }
        }
        if self.options.is_empty() {
            errors.push(InputError::body("/choice/options", "required", "a choice has at least one option"));
        }
        let option = |option: &ChoiceOptionRequest| {
            (OptionId::from(option.id.as_str()), Pii::new(option.text.as_str().into()))
        };
        core::Choice { options: self.options.iter().map(option).collect() }
    }
}

impl ChatFieldsRequest {
    /// What the core is asked.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn into_command(self, chat: ChatId) -> Result<Command, Vec<InputError>> {
        let mut errors = Vec::new();
        line_opt(self.subject.as_deref(), "/subject", 256, &mut errors);
        line_opt(self.category.as_deref(), "/category", 128, &mut errors);
        if let Some(remarks) = &self.remarks {
            text(remarks, "/remarks", &mut errors);
        }
        line_opt(self.email.as_deref(), "/email", 254, &mut errors);
        let personal = |value: Option<String>| value.map(|value| Pii::new(value.as_str().into()));
        let fields = Fields {
            subject: personal(self.subject),
            category: self.category.as_deref().map(Into::into),
            remarks: personal(self.remarks),
            email: personal(self.email),
        };
        if errors.is_empty() {
            Ok(change(chat, ChatChange::SetFields(Box::new(fields))))
        } else {
            Err(errors)
        }
    }
}

/// Keeps a chat (C06).
pub fn archive(chat: ChatId) -> Command {
    change(chat, ChatChange::Archive)
}

pub(super) fn change(chat: ChatId, change: ChatChange) -> Command {
    Command::Chat(ChatCommand::Change { chat, change })
}
