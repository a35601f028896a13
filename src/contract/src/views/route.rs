//! Routing by JKC: a telephone system asks where a call shall go (T01).

use super::PartyView;
use crate::Timestamp;
use schakel_core::model::route::{self, Route, RouteBy, RouteDecision};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// How far a routing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RouteState {
    /// JKC is asked.
    Asked,
    /// The telephone system was told where.
    Decided,
    /// It is over.
    Ended,
}

/// A telephone system's question where a call shall go, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Route)]
pub struct RouteView<'a> {
    /// Permanent.
    pub id: Uuid,
    /// How far it is.
    pub state: RouteState,
    /// Which telephone system asks.
    pub provider: Cow<'a, str>,
    /// The routeing device.
    pub device: Cow<'a, str>,
    /// The call, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub call: Option<Uuid>,
    /// The customer's contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contact: Option<Uuid>,
    /// Who calls.
    pub calling: PartyView<'a>,
    /// Where it would go otherwise, as the telephone system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub current: Option<PartyView<'a>>,
    /// When the telephone system asked; again with each try.
    pub asked_at: Timestamp,
    /// When the configuration's fallback is taken.
    pub deadline: Timestamp,
    /// How often the telephone system asked: 1, and one more each time that the destination could not be had.
    pub tries: u32,
    /// Destinations that were decided and could not be had, oldest first: why the telephone system asks again.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub failed: Vec<Cow<'a, str>>,
    /// What the telephone system was told last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decision: Option<RouteDecisionView<'a>>,
    /// Who decided; absent once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_by: Option<DecidedBy>,
    /// JKC's command that decided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub command: Option<Uuid>,
    /// Where the call went, where the telephone system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub used_device: Option<Cow<'a, str>>,
    /// What went wrong, in the telephone system's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<Cow<'a, str>>,
    /// Counts changes; the entity tag, for `If-Match`.
    pub version: u64,
}

/// Where a call shall go: a number, or where the telephone system would send it by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RouteDecision)]
pub struct RouteDecisionView<'a> {
    /// The number, extension or queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("2002"), extensions(("x-personal" = json!(true))))]
    pub number: Option<Cow<'a, str>>,
    /// Where the telephone system would send it by itself.
    pub default: bool,
}

/// Who decided where a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DecidedBy {
    /// JKC.
    Jkc,
    /// The configuration, since JKC did not answer in time.
    Fallback,
}

impl<'a> RouteView<'a> {
    /// A routing as it is shown. The telephone system's own id of the dialogue never goes out.
    pub fn of(route: &'a Route) -> Self {
        let (state, decision, by, used, error) = match &route.state {
            route::RouteState::Asked => (RouteState::Asked, None, None, None, None),
            route::RouteState::Decided { decision, by } => {
                (RouteState::Decided, Some(decision), Some(*by), None, None)
            }
            route::RouteState::Ended { decision, used, error } => {
                (RouteState::Ended, decision.as_ref(), None, used.as_ref(), error.as_deref())
            }
        };
        let command = match by {
            Some(RouteBy::Jkc(command)) => Some(Uuid::from_u128(command.0)),
            _ => None,
        };
        Self {
            id: Uuid::from_u128(route.id.0),
            state,
            provider: Cow::Borrowed(route.provider.as_str()),
            device: Cow::Borrowed(route.device.as_str()),
            call: route.call.map(|call| Uuid::from_u128(call.0)),
            contact: route.contact.map(|contact| Uuid::from_u128(contact.0)),
            calling: PartyView::of(&route.calling),
            current: route.current.as_ref().map(PartyView::of),
            asked_at: route.asked.into(),
            deadline: route.deadline.into(),
            tries: route.tries,
            failed: route.failed.iter().map(|number| Cow::Borrowed(&**number.expose())).collect(),
            decision: decision.map(RouteDecisionView::of),
            decided_by: by.map(|by| match by {
                RouteBy::Jkc(_) => DecidedBy::Jkc,
                RouteBy::Fallback => DecidedBy::Fallback,
            }),
            command,
            used_device: used.map(|device| Cow::Borrowed(device.as_str())),
            error: error.map(Cow::Borrowed),
            version: route.version,
        }
    }
}

impl<'a> RouteDecisionView<'a> {
    fn of(decision: &'a RouteDecision) -> Self {
        match decision {
            RouteDecision::To(number) => {
                Self { number: Some(Cow::Borrowed(number.expose())), default: false }
            }
            RouteDecision::Default => Self { number: None, default: true },
        }
    }
}
