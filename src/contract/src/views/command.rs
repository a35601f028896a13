//! Commands with their one outcome.

use super::{ActionName, ActionView};
use crate::Timestamp;
use crate::problem::RefusalView;
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::command::{self, Command, CommandOutcome, CommandRecord, Refusal, SessionChange};
use schakel_core::model::action::Action;
use schakel_core::model::chat::Speaker;
use schakel_core::model::ids::{AgentId, DeviceId};
use schakel_core::model::transfer::TransferKind;
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// The life of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CommandState {
    /// Durable, waits for something before it can be sent.
    Accepted,
    /// Sent to the telephone system.
    Sent,
    /// Done.
    Succeeded,
    /// Refused; `refusal` says why.
    Refused,
}

impl CommandState {
    /// Whether it has its outcome.
    pub const fn is_terminal(self) -> bool {
        matches!(self, CommandState::Succeeded | CommandState::Refused)
    }
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Command)]
pub struct CommandView<'a> {
    /// Permanent.
    pub id: Uuid,
    /// What was asked: an action's name, or `register`, `unregister`, `set-readiness`, `open-session`, `park-session`,
    /// `resume-session`, `close-session`, `decide-session`; of chats `start-chatting`, `stop-chatting`, `open-chat`,
    /// `leave-message`, `accept-chat`, `reject-chat`, `join-chat`, `observe-chat`, `say`, `invite`, `withdraw-invitation`,
    /// `leave-chat`, `set-chat-fields`, `set-visitor-presence`, `end-chat`, `archive-chat`, `remove-chat`, `rate-chat`.
    #[schema(examples("hold"))]
    pub kind: Cow<'static, str>,
    /// Its life.
    pub state: CommandState,
    /// Who asked.
    pub by: ActorView<'a>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it had its outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub finished_at: Option<Timestamp>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refusal: Option<RefusalView<'a>>,
    /// The agent that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<Cow<'a, str>>,
    /// The device that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device: Option<Cow<'a, str>>,
    /// The chat that it concerns or made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chat: Option<Uuid>,
    /// The offer or invitation that it concerns or made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offer: Option<Uuid>,
    /// The offline message that it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offline_message: Option<Uuid>,
    /// The call that it concerns or made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub call: Option<Uuid>,
    /// The transfer that it concerns or made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub transfer: Option<Uuid>,
    /// The session that it concerns or made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<Uuid>,
    /// The routing that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub route: Option<Uuid>,
    /// Where to look.
    pub links: CommandLinks,
}

/// Who asked for a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Actor)]
pub struct ActorView<'a> {
    /// The id of the access token, never its secret.
    pub token: Cow<'a, str>,
    /// The agent that the token is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<Cow<'a, str>>,
}

/// Paths of what a command concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandLinks {
    /// The command itself.
    #[serde(rename = "self")]
    #[schema(examples("/v1/commands/01890a5d-ac96-774b-bcce-b302099a8057"))]
    pub this: String,
    /// Its chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chat: Option<String>,
    /// Its call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub call: Option<String>,
    /// Its transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub transfer: Option<String>,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<String>,
    /// Its routing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub route: Option<String>,
}

impl<'a> CommandView<'a> {
    /// A command as it is shown, with what is allowed now if it was refused.
    pub fn of(state: &State, record: &'a CommandRecord) -> Self {
        let (life, finished_at) = match &record.state {
            command::CommandState::Accepted => (CommandState::Accepted, None),
            command::CommandState::Sent => (CommandState::Sent, None),
            command::CommandState::Done { at, outcome: CommandOutcome::Succeeded } => {
                (CommandState::Succeeded, Some(*at))
            }
            command::CommandState::Done { at, outcome: CommandOutcome::Refused(_) } => {
                (CommandState::Refused, Some(*at))
            }
        };
        let (call, transfer) = (record.call, record.transfer);
        Self {
            id: Uuid::from_u128(record.id.0),
            kind: kind_of(&record.command).into(),
            state: life,
            by: ActorView {
                token: Cow::Borrowed(&record.by.token),
                agent: record.by.agent.as_ref().map(|agent| Cow::Borrowed(agent.as_str())),
            },
            accepted_at: record.accepted.into(),
            finished_at: finished_at.map(Into::into),
            refusal: refusal_of(record).map(|refusal| RefusalView::of(refusal, allowed_now(state, record))),
            agent: agent_of(&record.command).map(Cow::Borrowed),
            device: device_of(&record.command).map(|device| Cow::Borrowed(device.as_str())),
            chat: record.chat.map(|chat| Uuid::from_u128(chat.0)),
            offer: record.offer.map(|offer| Uuid::from_u128(offer.0)),
            offline_message: record.offline.map(|message| Uuid::from_u128(message.0)),
            call: call.map(|call| Uuid::from_u128(call.0)),
            transfer: transfer.map(|transfer| Uuid::from_u128(transfer.0)),
            session: record.session.map(|session| Uuid::from_u128(session.0)),
            route: record.route.map(|route| Uuid::from_u128(route.0)),
            links: CommandLinks {
                this: format!("/v1/commands/{}", record.id),
                chat: record.chat.map(|chat| format!("/v1/chats/{chat}")),
                call: call.map(|call| format!("/v1/calls/{call}")),
                transfer: transfer.map(|transfer| format!("/v1/transfers/{transfer}")),
                session: record.session.map(|session| format!("/v1/sessions/{session}")),
                route: record.route.map(|route| format!("/v1/routes/{route}")),
            },
        }
    }
}

/// Why a command was refused, if it was.
pub(crate) fn refusal_of(record: &CommandRecord) -> Option<&Refusal> {
    match &record.state {
        command::CommandState::Done { outcome: CommandOutcome::Refused(refusal), .. } => Some(refusal),
        _ => None,
    }
}

/// What may be done now where a command was to do something.
pub(crate) fn allowed_now(state: &State, record: &CommandRecord) -> Vec<ActionName> {
    let transfer = record.transfer.and_then(|id| state.transfers.get(&id));
    let call = record.call.or(transfer.map(|transfer| transfer.call));
    let device = device_of(&record.command).or(transfer.map(|transfer| &transfer.device));
    let call = call.and_then(|id| state.calls.get(&id));
    call.zip(device).map(|(call, device)| ActionView::allowed(state, call, device)).unwrap_or_default()
}

/// The outward name of what was asked.
pub(crate) fn kind_of(command: &Command) -> &'static str {
    match command {
        Command::Register { .. } => "register",
        Command::Unregister { .. } => "unregister",
        Command::SetReadiness { .. } => "set-readiness",
        Command::SetAgentState { .. } => Action::SetAgentState.as_str(),
        Command::GetAgentState { .. } => "get-agent-state",
        Command::OpenSession { .. } => "open-session",
        Command::ChangeSession { change, .. } => match change {
            SessionChange::Park => "park-session",
            SessionChange::Resume => "resume-session",
            SessionChange::Close => "close-session",
            SessionChange::Decide { .. } => "decide-session",
        },
        Command::DecideRoute { .. } => Action::DecideRoute.as_str(),
        Command::Dial { .. } => Action::Dial.as_str(),
        Command::Control { control, .. } => control.action().as_str(),
        Command::Transfer { kind: TransferKind::Warm, .. } => Action::TransferWarm.as_str(),
        Command::Transfer { kind: TransferKind::Cold, .. } => Action::TransferCold.as_str(),
        Command::CompleteTransfer { .. } => Action::CompleteTransfer.as_str(),
        Command::TakeBack { .. } => Action::TakeBack.as_str(),
        Command::SetDoNotDisturb { .. } => Action::SetDoNotDisturb.as_str(),
        Command::SetForwarding { .. } => Action::SetForwarding.as_str(),
        Command::Chat(command) => kind_of_chat(command),
        _ => "other",
    }
}

fn kind_of_chat(command: &ChatCommand) -> &'static str {
    match command {
        ChatCommand::Start { .. } => "start-chatting",
        ChatCommand::Stop { .. } => "stop-chatting",
        ChatCommand::Open { .. } => "open-chat",
        ChatCommand::LeaveMessage(_) => "leave-message",
        ChatCommand::Change { change, .. } => match change {
            ChatChange::Accept { .. } => "accept-chat",
            ChatChange::Reject { .. } => "reject-chat",
            ChatChange::Join { .. } => "join-chat",
            ChatChange::Observe { .. } => "observe-chat",
            ChatChange::Say { .. } => "say",
            ChatChange::Invite { .. } => "invite",
            ChatChange::Withdraw { .. } => "withdraw-invitation",
            ChatChange::Leave { .. } => "leave-chat",
            ChatChange::SetFields(_) => "set-chat-fields",
            ChatChange::SetPresence(_) => "set-visitor-presence",
            ChatChange::End { .. } => "end-chat",
            ChatChange::Archive => "archive-chat",
            ChatChange::Remove { .. } => "remove-chat",
            ChatChange::Rate { .. } => "rate-chat",
        },
    }
}

/// The agent who does something in a chat; none for what a visitor or nobody in particular does.
pub(crate) fn agent_of_chat(command: &ChatCommand) -> Option<&AgentId> {
    match command {
        ChatCommand::Start { agent, .. } | ChatCommand::Stop { agent } => Some(agent),
        ChatCommand::Open { .. } | ChatCommand::LeaveMessage(_) => None,
        ChatCommand::Change { change, .. } => match change {
            ChatChange::Accept { agent, .. }
            | ChatChange::Reject { agent, .. }
            | ChatChange::Join { agent }
            | ChatChange::Observe { agent, .. }
            | ChatChange::Say { by: Speaker::Agent(agent), .. }
            | ChatChange::Invite { by: agent, .. }
            | ChatChange::Withdraw { by: agent }
            | ChatChange::Leave { agent }
            | ChatChange::End { by: Speaker::Agent(agent) } => Some(agent),
            ChatChange::Say { by: Speaker::Visitor, .. }
            | ChatChange::SetFields(_)
            | ChatChange::SetPresence(_)
            | ChatChange::End { by: Speaker::Visitor }
            | ChatChange::Archive
            | ChatChange::Remove { .. }
            | ChatChange::Rate { .. } => None,
        },
    }
}

/// Whether a visitor's program asks it: then the answer is in a visitor's words (rule 10).
pub(crate) fn is_visitors(command: &Command) -> bool {
    let Command::Chat(command) = command else { return false };
    match command {
        ChatCommand::Open { .. } | ChatCommand::LeaveMessage(_) => true,
        ChatCommand::Start { .. } | ChatCommand::Stop { .. } => false,
        ChatCommand::Change { change, .. } => matches!(
            change,
            ChatChange::Say { by: Speaker::Visitor, .. }
                | ChatChange::SetPresence(_)
                | ChatChange::End { by: Speaker::Visitor }
                | ChatChange::Rate { .. }
        ),
    }
}

fn agent_of(command: &Command) -> Option<&str> {
    match command {
        Command::Register { agent, .. }
        | Command::Unregister { agent }
        | Command::SetReadiness { agent, .. }
        | Command::SetAgentState { agent, .. }
        | Command::OpenSession { agent, .. }
        | Command::Dial { agent, .. } => Some(agent.as_str()),
        Command::Chat(command) => agent_of_chat(command).map(AgentId::as_str),
        _ => None,
    }
}

fn device_of(command: &Command) -> Option<&DeviceId> {
    match command {
        Command::Register { device, .. }
        | Command::Control { device, .. }
        | Command::Transfer { device, .. }
        | Command::SetDoNotDisturb { device, .. }
        | Command::SetForwarding { device, .. } => Some(device),
        _ => None,
    }
}
