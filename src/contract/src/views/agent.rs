//! Agents: where they sit (T14), and what they can take (T02).

use super::{
    AgentChatView, AvailabilityView, CallView, ChatOfferView, ChatView, DeviceView, ProviderAgentStateView,
    ReadinessView,
};
use crate::Timestamp;
use schakel_core::model::agent::{Agent, Registration};
use schakel_core::model::call::Call;
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// A user of JKC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Agent)]
pub struct AgentView<'a> {
    /// JKC's name of the user.
    pub id: Cow<'a, str>,
    /// Where he sits; absent when nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub registration: Option<RegistrationView<'a>>,
    /// Whether he wants calls, as JKC set it.
    pub readiness: ReadinessView<'a>,
    /// What the telephone system says of him as its agent; absent where it has no agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub provider_state: Option<ProviderAgentStateView<'a>>,
    /// After-call work under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub after_call: Option<AfterCallView>,
    /// The session that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<Uuid>,
    /// His part in the chat channel; absent when he is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chat: Option<AgentChatView<'a>>,
    /// What follows from all of it.
    pub availability: AvailabilityView<'a>,
    /// Counts changes; the entity tag, for `If-Match`.
    pub version: u64,
}

/// After-call work: it lasts as long as its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AfterCall)]
pub struct AfterCallView {
    /// The session that it belongs to.
    pub session: Uuid,
    /// Since when.
    pub since: Timestamp,
}

/// A user at an extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Registration)]
pub struct RegistrationView<'a> {
    /// At which telephone system.
    pub provider: Cow<'a, str>,
    /// At which extension.
    pub device: Cow<'a, str>,
    /// The telephone system's own agent id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent_id: Option<Cow<'a, str>>,
    /// The queues that he serves.
    #[serde(default)]
    pub queues: Vec<Cow<'a, str>>,
    /// Since when.
    pub since: Timestamp,
}

/// A user with his device and his calls of this moment (T02).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentState)]
pub struct AgentStateView<'a> {
    /// The user.
    pub agent: AgentView<'a>,
    /// The device where he sits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device: Option<DeviceView<'a>>,
    /// The calls at that device that go on.
    pub calls: Vec<CallView<'a>>,
    /// The chats in which he takes part.
    #[serde(default)]
    pub chats: Vec<ChatView<'a>>,
    /// The chats that are offered to him.
    #[serde(default)]
    pub offers: Vec<ChatOfferView<'a>>,
}

impl<'a> AgentView<'a> {
    /// An agent as it is shown.
    pub fn of(agent: &'a Agent) -> Self {
        Self {
            id: Cow::Borrowed(agent.id.as_str()),
            registration: agent.registration.as_ref().map(RegistrationView::of),
            readiness: ReadinessView::of(&agent.readiness),
            provider_state: agent.provider_state.as_ref().map(ProviderAgentStateView::of),
            after_call: agent.after_call.as_ref().map(|after| AfterCallView {
                session: Uuid::from_u128(after.session.0),
                since: after.since.into(),
            }),
            session: agent.session.map(|session| Uuid::from_u128(session.0)),
            chat: agent.chat.as_ref().map(AgentChatView::of),
            availability: AvailabilityView::of(&agent.availability),
            version: agent.version,
        }
    }
}

impl<'a> RegistrationView<'a> {
    /// A registration as it is shown.
    pub fn of(registration: &'a Registration) -> Self {
        Self {
            provider: Cow::Borrowed(registration.provider.as_str()),
            device: Cow::Borrowed(registration.device.as_str()),
            agent_id: registration.provider_agent.as_deref().map(Cow::Borrowed),
            queues: registration.queues.iter().map(|queue| Cow::Borrowed(queue.as_str())).collect(),
            since: registration.since.into(),
        }
    }
}

impl<'a> AgentStateView<'a> {
    /// A user with his device, his calls and his chats.
    pub fn of(state: &'a State, agent: &'a Agent) -> Self {
        let seat = agent.registration.as_ref();
        let device = seat.and_then(|seat| {
            Some(DeviceView::of(&seat.provider, &seat.device, state.device(&seat.provider, &seat.device)?))
        });
        let here = |call: &&Call| {
            let seat = seat.filter(|seat| seat.provider == call.provider && call.is_live());
            seat.is_some_and(|seat| call.live().any(|each| each.device == seat.device))
        };
        let of_chats = state.of_agent.get(&agent.id);
        let chats = of_chats.iter().flat_map(|of| &of.chats).filter_map(|id| state.chats.get(id));
        let offers = of_chats.iter().flat_map(|of| &of.offers).filter_map(|(offer, chat)| {
            let chat = state.chats.get(chat)?;
            Some(ChatOfferView::of(chat, chat.offer(*offer)?))
        });
        Self {
            agent: AgentView::of(agent),
            device,
            calls: state.calls.values().filter(here).map(|call| CallView::of(state, call)).collect(),
            chats: chats.map(|chat| ChatView::of(state, chat)).collect(),
            offers: offers.collect(),
        }
    }
}
