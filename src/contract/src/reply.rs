//! The answer to a command: the same bytes for who waited and for who asks again under the same idempotency key.
//!
//! What a visitor's program asks is answered in a visitor's words, by a struct of its own: there is nothing in it that a
//! visitor may not see (rule 10).

use crate::problem::{Problem, ProblemKind};
use crate::views::{
    AgentView, CallView, ChatOfferView, ChatView, CommandView, DeviceView, MessageReceiptView,
    QueueAvailabilityView, RouteView, SessionView, TextName, TransferView, VisitReceiptView, VisitView,
};
use crate::views::{agent_of_chat, allowed_now, is_visitors, refusal_of};
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::command::{Command, CommandRecord, Refusal, RefusalCause};
use schakel_core::model::chat::{Chat, MessageRef};
use schakel_core::model::ids::{AgentId, DeviceId, ProviderId};
use schakel_core::settings::TextId;
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// A command with the new state of what it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CommandReply)]
pub struct CommandReply<'a> {
    /// The command.
    pub command: CommandView<'a>,
    /// Its call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub call: Option<CallView<'a>>,
    /// Its transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub transfer: Option<TransferView<'a>>,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<SessionView<'a>>,
    /// Its routing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub route: Option<RouteView<'a>>,
    /// Its chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chat: Option<ChatView<'a>>,
    /// Its offer or invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offer: Option<ChatOfferView<'a>>,
    /// What became of the message that it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<MessageReceiptView<'a>>,
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<AgentView<'a>>,
    /// Its device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device: Option<DeviceView<'a>>,
}

/// The answer to what a visitor's program asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VisitReply)]
pub struct VisitReply<'a> {
    /// The command's id.
    pub command: Uuid,
    /// The chat, as the visitor sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub visit: Option<VisitView<'a>>,
    /// What became of the message that he sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<VisitReceiptView>,
    /// The message that he left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offline_message: Option<Uuid>,
    /// What he is shown after that (C12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<Cow<'a, str>>,
    /// Which of the texts that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text_id: Option<TextName>,
}

impl<'a> CommandReply<'a> {
    /// A command with what it concerns, as it is now.
    pub fn of(state: &'a State, record: &'a CommandRecord) -> Self {
        let transfer = record.transfer.and_then(|id| state.transfers.get(&id));
        let call = record.call.or(transfer.map(|transfer| transfer.call));
        let session = record.session.and_then(|id| state.sessions.get(&id));
        let route = record.route.and_then(|id| state.routes.get(&id));
        let chat = chat_of(state, record);
        let offer = chat.zip(record.offer).and_then(|(chat, id)| Some((chat, chat.offer(id)?)));
        let agent = agent_of(&record.command).or(session.map(|session| &session.agent));
        let agent = agent.and_then(|id| state.agents.get(id));
        Self {
            command: CommandView::of(state, record),
            call: call.and_then(|id| state.calls.get(&id)).map(|call| CallView::of(state, call)),
            transfer: transfer.map(|transfer| TransferView::of(state, transfer)),
            session: session.map(SessionView::of),
            route: route.map(RouteView::of),
            chat: chat.map(|chat| ChatView::of(state, chat)),
            offer: offer.map(|(chat, offer)| ChatOfferView::of(chat, offer)),
            message: said(chat, &record.command).map(MessageReceiptView::of),
            agent: agent.map(AgentView::of),
            device: device_of(&record.command).and_then(|(provider, device)| {
                Some(DeviceView::of(provider, device, state.device(provider, device)?))
            }),
        }
    }
}

impl<'a> VisitReply<'a> {
    /// A command of a visitor's program with what he may see of it.
    pub fn of(state: &'a State, record: &'a CommandRecord) -> Self {
        let chat = chat_of(state, record);
        let left = match &record.command {
            Command::Chat(ChatCommand::LeaveMessage(message)) => Some(message),
            _ => None,
        };
        let words = |language| String::from(&*state.settings.chat.text(TextId::OfflineReceived, language));
        Self {
            command: Uuid::from_u128(record.id.0),
            visit: chat.map(|chat| VisitView::of(state, chat)),
            message: said(chat, &record.command).and_then(VisitReceiptView::of),
            offline_message: left.map(|message| Uuid::from_u128(message.id.0)),
            text: left.map(|message| words(message.language.as_deref()).into()),
            text_id: left.map(|_| TextName::OfflineReceived),
        }
    }
}

/// Appends the reply to a command as JSON and gives its HTTP status: 200 with the new state when it succeeded (201 for a
/// chat that a visitor opened), 202 with what is known while it is under way, else the problem ([`crate::problem`] has
/// the table of statuses).
pub fn render(state: &State, record: &CommandRecord, out: &mut Vec<u8>) -> u16 {
    let under_way = !matches!(record.state, schakel_core::command::CommandState::Done { .. });
    let written = match refusal_of(record) {
        Some(refusal) => {
            let id = Some(Uuid::from_u128(record.id.0));
            let mut problem = Problem::refused(refusal, id, allowed_now(state, record));
            problem.availability = availability_of(state, record, refusal);
            serde_json::to_writer(out, &problem).map(|()| ProblemKind::from(refusal.cause).status())
        }
        None if is_visitors(&record.command) => {
            let opened = matches!(record.command, Command::Chat(ChatCommand::Open { .. }));
            let status = if opened { 201 } else { 200 };
            serde_json::to_writer(out, &VisitReply::of(state, record))
                .map(|()| if under_way { 202 } else { status })
        }
        None => serde_json::to_writer(out, &CommandReply::of(state, record))
            .map(|()| if under_way { 202 } else { 200 }),
    };
    // Cannot fail: the views have no keys that are not text, and memory takes every write.
    written.unwrap_or(500)
}

/// The chat that a command concerns: known of its record, or named in it.
fn chat_of<'a>(state: &'a State, record: &CommandRecord) -> Option<&'a Chat> {
    let named = match &record.command {
        Command::Chat(ChatCommand::Change { chat, .. }) => Some(*chat),
        _ => None,
    };
    state.chats.get(&record.chat.or(named)?)
}

/// The message that a command said.
fn said<'a>(chat: Option<&'a Chat>, command: &Command) -> Option<&'a MessageRef> {
    match command {
        Command::Chat(ChatCommand::Change { change: ChatChange::Say { message, .. }, .. }) => {
            chat?.message(*message)
        }
        _ => None,
    }
}

/// Why a chat could not be opened, for the visitor.
fn availability_of<'a>(
    state: &'a State,
    record: &CommandRecord,
    refusal: &Refusal,
) -> Option<Box<QueueAvailabilityView<'a>>> {
    match &record.command {
        Command::Chat(ChatCommand::Open { queue, visitor })
            if refusal.cause == RefusalCause::AgentNotAvailable =>
        {
            QueueAvailabilityView::of(state, queue, visitor.language.as_deref()).map(Box::new)
        }
        _ => None,
    }
}

fn agent_of(command: &Command) -> Option<&AgentId> {
    match command {
        Command::Register { agent, .. }
        | Command::Unregister { agent }
        | Command::SetReadiness { agent, .. }
        | Command::SetAgentState { agent, .. }
        | Command::OpenSession { agent, .. } => Some(agent),
        Command::Chat(command) => agent_of_chat(command),
        _ => None,
    }
}

fn device_of(command: &Command) -> Option<(&ProviderId, &DeviceId)> {
    match command {
        Command::SetDoNotDisturb { provider, device, .. }
        | Command::SetForwarding { provider, device, .. } => Some((provider, device)),
        _ => None,
    }
}
