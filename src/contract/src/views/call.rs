//! Calls and their connections.

use super::action::ActionView;
use super::party::PartyView;
use crate::Timestamp;
use crate::mirror::mirror;
use schakel_core::model::call::{self, Call, Connection, Purpose};
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

mirror! {
    /// Which way a call went when it began.
    Direction of call::Direction, "camelCase" {
        /// From outside.
        Inbound,
        /// To outside.
        Outbound,
        /// Between two devices of the organisation.
        Internal,
    }
}

mirror! {
    /// The state of a connection (ECMA-269 6.1.5).
    ConnectionState of call::ConnectionState, "camelCase" {
        /// Not, or no longer, part of the call.
        Null,
        /// Off hook, nothing dialled yet.
        Initiated,
        /// Rings.
        Alerting,
        /// Speaks.
        Connected,
        /// On hold by this device.
        Held,
        /// Waits.
        Queued,
        /// Could not be: busy, unobtainable.
        Failed,
    }
}

/// A call in one word, for a list; the connections say it precisely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CallState {
    /// Rings at a device of ours.
    Ringing,
    /// Waits in a queue.
    Queued,
    /// We dial and nobody has answered yet.
    Dialling,
    /// Somebody of ours speaks.
    Active,
    /// Somebody of ours has it on hold, and nobody speaks.
    Held,
    /// None of our devices takes part (any more), the others go on.
    Remote,
    /// The link is lost: shown as it was last known.
    Stale,
    /// It has ended.
    Ended,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Call)]
pub struct CallView<'a> {
    /// Permanent.
    pub id: Uuid,
    /// The contact that it belongs to.
    pub contact: Uuid,
    /// The telephone system.
    pub provider: Cow<'a, str>,
    /// In one word.
    pub state: CallState,
    /// Which way it went.
    pub direction: Direction,
    /// What it is for.
    pub purpose: PurposeView,
    /// Who called.
    pub calling: PartyView<'a>,
    /// Who was called.
    pub called: PartyView<'a>,
    /// The number dialled in the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub network_called: Option<PartyView<'a>>,
    /// Through whom it came here last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub redirected_by: Option<PartyView<'a>>,
    /// The queue where it waits or through which it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub queue: Option<Cow<'a, str>>,
    /// Its appearances at devices, in order of arrival.
    pub connections: Vec<ConnectionView<'a>>,
    /// Data that the telephone system carries along with the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub correlator: Option<Cow<'a, str>>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was first answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub answered_at: Option<Timestamp>,
    /// How it ended; absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended: Option<EndedView>,
    /// Since when the link is lost, so that this is how it was last known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stale_since: Option<Timestamp>,
    /// Built from a snapshot rather than observed.
    pub reconstructed: bool,
    /// The command that dialled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dialled_by: Option<Uuid>,
    /// Counts changes; the entity tag, for `If-Match`.
    pub version: u64,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Ended)]
pub struct EndedView {
    /// When.
    pub at: Timestamp,
    /// Why: an `EventCause` of ECMA-323.
    #[schema(examples("normalClearing"))]
    pub cause: Cow<'static, str>,
    /// The call that it went up in, after a transfer or a conference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub merged_into: Option<Uuid>,
}

/// What a call is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Purpose)]
pub struct PurposeView {
    /// The customer's own call, or a consultation about one.
    pub kind: PurposeKind,
    /// The customer's call, of a consultation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub call: Option<Uuid>,
    /// The transfer, of a consultation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub transfer: Option<Uuid>,
}

/// What a call is for, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PurposeKind {
    /// The customer speaks on it.
    Customer,
    /// A colleague is consulted about the customer of another call.
    Consultation,
}

/// A call's appearance at a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Connection)]
pub struct ConnectionView<'a> {
    /// The device; an outside party's is the number as the telephone system names it.
    #[schema(examples("2001"), extensions(("x-personal" = json!("unlessOurs"))))]
    pub device: Cow<'a, str>,
    /// Whether it is a device of ours, at which something can be asked.
    pub ours: bool,
    /// Its state.
    pub state: ConnectionState,
    /// Since when.
    pub since: Timestamp,
    /// When it was first connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub connected_at: Option<Timestamp>,
    /// The agent who sat there when it rang or dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<Cow<'a, str>>,
    /// Why it is in this state: an `EventCause` of ECMA-323.
    #[schema(examples("newCall"))]
    pub cause: Cow<'static, str>,
    /// Every action, allowed or with the reason why not; empty at a device that is not ours or has left the call,
    /// where nothing can be asked.
    pub actions: Vec<ActionView>,
}

impl<'a> CallView<'a> {
    /// A call as it is shown.
    pub fn of(state: &'a State, call: &'a Call) -> Self {
        Self {
            id: Uuid::from_u128(call.id.0),
            contact: Uuid::from_u128(call.contact.0),
            provider: Cow::Borrowed(call.provider.as_str()),
            state: CallState::of(call),
            direction: call.direction.into(),
            purpose: PurposeView::of(&call.purpose),
            calling: PartyView::of(&call.calling),
            called: PartyView::of(&call.called),
            network_called: call.network_called.as_ref().map(PartyView::of),
            redirected_by: call.redirected_by.as_ref().map(PartyView::of),
            queue: call.queue.as_ref().map(|queue| Cow::Borrowed(queue.as_str())),
            connections: call.connections.iter().map(|each| ConnectionView::of(state, call, each)).collect(),
            correlator: call.correlator.as_deref().map(Cow::Borrowed),
            started_at: call.started.into(),
            answered_at: call.answered.map(Into::into),
            ended: call.ended.map(|ended| EndedView {
                at: ended.at.into(),
                cause: ended.cause.as_str().into(),
                merged_into: ended.merged_into.map(|into| Uuid::from_u128(into.0)),
            }),
            stale_since: call.stale.map(Into::into),
            reconstructed: call.reconstructed,
            dialled_by: call.dialled_by.map(|command| Uuid::from_u128(command.0)),
            version: call.version,
        }
    }

    /// The connection at a device.
    pub fn connection(&self, device: &str) -> Option<&ConnectionView<'a>> {
        self.connections.iter().rev().find(|connection| connection.device == device)
    }
}

impl ConnectionView<'_> {
    /// Whether an action can be asked here now.
    pub fn allows(&self, action: super::ActionName) -> bool {
        self.actions.iter().any(|each| each.action == action && each.allowed)
    }
}

impl CallState {
    /// A call in one word.
    pub fn of(call: &Call) -> Self {
        use call::ConnectionState::{Alerting, Connected, Held, Initiated, Queued};
        let ours = |state| call.live().any(|each| each.ours && each.state == state);
        if call.ended.is_some() {
            CallState::Ended
        } else if call.stale.is_some() {
            CallState::Stale
        } else if ours(Initiated) || call.direction == call::Direction::Outbound && call.answered.is_none() {
            CallState::Dialling
        } else if ours(Connected) {
            CallState::Active
        } else if ours(Held) {
            CallState::Held
        } else if ours(Alerting) {
            CallState::Ringing
        } else if ours(Queued) {
            CallState::Queued
        } else {
            CallState::Remote
        }
    }
}

impl PurposeView {
    fn of(purpose: &Purpose) -> Self {
        match purpose {
            Purpose::Customer => Self { kind: PurposeKind::Customer, call: None, transfer: None },
            Purpose::Consultation { of, transfer } => Self {
                kind: PurposeKind::Consultation,
                call: Some(Uuid::from_u128(of.0)),
                transfer: Some(Uuid::from_u128(transfer.0)),
            },
        }
    }
}

impl<'a> ConnectionView<'a> {
    fn of(state: &'a State, call: &'a Call, connection: &'a Connection) -> Self {
        let can_be_asked = connection.ours && connection.state.is_live();
        // Of a customer who was erased while his call goes on, the number is not shown any more.
        let erased =
            !connection.ours && state.contacts.get(&call.contact).is_some_and(|contact| contact.erased);
        Self {
            device: Cow::Borrowed(if erased { "" } else { connection.device.as_str() }),
            ours: connection.ours,
            state: connection.state.into(),
            since: connection.since.into(),
            connected_at: connection.connected.map(Into::into),
            agent: connection.agent.as_ref().map(|agent| Cow::Borrowed(agent.as_str())),
            cause: connection.cause.as_str().into(),
            actions: if can_be_asked {
                ActionView::of_connection(state, call, &connection.device)
            } else {
                Vec::new()
            },
        }
    }
}
