//! Everything that is live now.

use super::{
    AgentView, CallView, ChatQueueView, ChatView, CommandView, ContactView, ProviderView, QueueView,
    RouteView, SessionView, TransferView,
};
use crate::{Recognise, Timestamp};
use schakel_core::command::CommandState;
use schakel_core::model::agent::Agent;
use schakel_core::model::route::RouteState;
use schakel_core::model::session::SessionState;
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Everything that is live now, with the cursor from which the stream goes on.
///
/// What the stream tells after the cursor may be in it already: an object's `version` says which is newer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Snapshot)]
pub struct SnapshotView<'a> {
    /// Give this as `after` to the event stream.
    #[schema(examples("00000000000000000042"))]
    pub cursor: String,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The telephone systems.
    pub providers: Vec<ProviderView<'a>>,
    /// The users who sit somewhere or are in the chat channel.
    pub agents: Vec<AgentView<'a>>,
    /// The contacts that go on.
    pub contacts: Vec<ContactView<'a>>,
    /// The calls that go on.
    pub calls: Vec<CallView<'a>>,
    /// The transfers that go on.
    pub transfers: Vec<TransferView<'a>>,
    /// The contact sessions that are open or parked.
    pub sessions: Vec<SessionView<'a>>,
    /// The routings under way.
    pub routes: Vec<RouteView<'a>>,
    /// The queues.
    pub queues: Vec<QueueView<'a>>,
    /// The chats that are not over: those that go on, and those that are wrapped up.
    #[serde(default)]
    pub chats: Vec<ChatView<'a>>,
    /// The chat queues.
    #[serde(default)]
    pub chat_queues: Vec<ChatQueueView<'a>>,
    /// The commands under way.
    pub commands: Vec<CommandView<'a>>,
}

impl<'a> SnapshotView<'a> {
    /// What is live in a state; the cursor must have been read before the state.
    pub fn of(state: &'a State, cursor: u64, taken_at: Timestamp, recognise: &dyn Recognise) -> Self {
        let under_way = |state: &CommandState| !matches!(state, CommandState::Done { .. });
        let there = |agent: &&Agent| agent.registration.is_some() || agent.chat.is_some();
        let agents = state.agents.values().filter(there);
        let chats = state.chats.values().filter(|chat| !chat.state.is_over());
        let contacts = state.contacts.values().filter(|contact| contact.ended.is_none());
        let calls = state.calls.values().filter(|call| call.is_live());
        let transfers = state.transfers.values().filter(|transfer| !transfer.state.is_terminal());
        let commands = state.commands.values().filter(|record| under_way(&record.state));
        let sessions = state.sessions.values().filter(|session| session.state != SessionState::Closed);
        let routes = state.routes.values().filter(|route| !matches!(route.state, RouteState::Ended { .. }));
        Self {
            cursor: format!("{cursor:020}"),
            taken_at,
            providers: state.providers.values().map(ProviderView::of).collect(),
            agents: agents.map(AgentView::of).collect(),
            contacts: contacts.map(|contact| ContactView::of(contact, recognise)).collect(),
            calls: calls.map(|call| CallView::of(state, call)).collect(),
            transfers: transfers.map(|transfer| TransferView::of(state, transfer)).collect(),
            sessions: sessions.map(SessionView::of).collect(),
            routes: routes.map(RouteView::of).collect(),
            queues: QueueView::all(state),
            chats: chats.map(|chat| ChatView::of(state, chat)).collect(),
            chat_queues: ChatQueueView::all(state),
            commands: commands.map(|record| CommandView::of(state, record)).collect(),
        }
    }
}
