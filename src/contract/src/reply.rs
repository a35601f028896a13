//! The answer to a command: the same bytes for who waited and for who asks again under the same idempotency key.

use crate::problem::{Problem, ProblemKind};
use crate::views::{AgentView, CallView, CommandView, DeviceView, RouteView, SessionView, TransferView};
use crate::views::{allowed_now, refusal_of};
use schakel_core::command::{Command, CommandRecord};
use schakel_core::model::ids::{AgentId, DeviceId, ProviderId};
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
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
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<AgentView<'a>>,
    /// Its device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device: Option<DeviceView<'a>>,
}

impl<'a> CommandReply<'a> {
    /// A command with what it concerns, as it is now.
    pub fn of(state: &'a State, record: &'a CommandRecord) -> Self {
        let transfer = record.transfer.and_then(|id| state.transfers.get(&id));
        let call = record.call.or(transfer.map(|transfer| transfer.call));
        let session = record.session.and_then(|id| state.sessions.get(&id));
        let route = record.route.and_then(|id| state.routes.get(&id));
        let agent = agent_of(&record.command).or(session.map(|session| &session.agent));
        let agent = agent.and_then(|id| state.agents.get(id));
        Self {
            command: CommandView::of(state, record),
            call: call.and_then(|id| state.calls.get(&id)).map(|call| CallView::of(state, call)),
            transfer: transfer.map(|transfer| TransferView::of(state, transfer)),
            session: session.map(SessionView::of),
            route: route.map(RouteView::of),
            agent: agent.map(AgentView::of),
            device: device_of(&record.command).and_then(|(provider, device)| {
                Some(DeviceView::of(provider, device, state.device(provider, device)?))
            }),
        }
    }
}

/// Appends the reply to a command as JSON and gives its HTTP status: 200 with the new state when it succeeded, 202
/// with what is known while it is under way, else the problem ([`crate::problem`] has the table of statuses).
pub fn render(state: &State, record: &CommandRecord, out: &mut Vec<u8>) -> u16 {
    let written = match refusal_of(record) {
        Some(refusal) => {
            let id = Some(Uuid::from_u128(record.id.0));
            let problem = Problem::refused(refusal, id, allowed_now(state, record));
            serde_json::to_writer(out, &problem).map(|()| ProblemKind::from(refusal.cause).status())
        }
        None => {
            let reply = CommandReply::of(state, record);
            let status = if reply.command.state.is_terminal() { 200 } else { 202 };
            serde_json::to_writer(out, &reply).map(|()| status)
        }
    };
    // Cannot fail: the views have no keys that are not text, and memory takes every write.
    written.unwrap_or(500)
}

fn agent_of(command: &Command) -> Option<&AgentId> {
    match command {
        Command::Register { agent, .. }
        | Command::Unregister { agent }
        | Command::SetReadiness { agent, .. }
        | Command::SetAgentState { agent, .. }
        | Command::OpenSession { agent, .. } => Some(agent),
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
