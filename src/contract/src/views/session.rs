//! Contact sessions: JKC's own work on a customer's contact (T11, T16).

use crate::Timestamp;
use crate::mirror::mirror;
use schakel_core::model::session::{self, Session};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

mirror! {
    /// The state of a session.
    SessionState of session::SessionState, "camelCase" {
        /// Being worked on; an agent has at most one.
        Open,
        /// Kept for later.
        Parked,
        /// Over.
        Closed,
    }
}

mirror! {
    /// Why a session is as it is.
    SessionCause of session::SessionCause, "camelCase" {
        /// JKC asked for it.
        Asked,
        /// A call arrived and JKC decided.
        Decided,
        /// The browser vanished and did not come back.
        Vanished,
        /// The user logged off, or another took his place.
        LoggedOff,
        /// It was parked for so long that it is not kept any more.
        Expired,
    }
}

mirror! {
    /// What becomes of an open session when a call arrives: "bewaren of negeren".
    SessionDecision of session::Decision, "camelCase" {
        /// It is parked.
        Keep,
        /// It is closed.
        Ignore,
    }
}

/// A contact session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionView<'a> {
    /// Permanent.
    pub id: Uuid,
    /// Whose work it is.
    pub agent: Cow<'a, str>,
    /// The customer's contact that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contact: Option<Uuid>,
    /// JKC's own reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reference: Option<Cow<'a, str>>,
    /// Open, parked or closed.
    pub state: SessionState,
    /// Why it is so.
    pub cause: SessionCause,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Since when it is as it is.
    pub since: Timestamp,
    /// Of an open session: whether JKC's browser is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lease: Option<LeaseView>,
    /// Calls that arrived while it was open, with what was decided.
    pub decisions: Vec<DecisionView>,
    /// The command that opened it.
    pub opened_by: Uuid,
    /// Counts changes; the entity tag, for `If-Match`. A heartbeat is no change.
    pub version: u64,
}

/// Whether JKC's browser is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Lease)]
pub struct LeaseView {
    /// Until when the browser counts as there; a heartbeat moves it.
    pub expires_at: Timestamp,
    /// It has run out: the session is waited for since then, and parked when the grace period is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub vanished_at: Option<Timestamp>,
}

/// A call that arrived while a session was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Decision)]
pub struct DecisionView {
    /// Which call.
    pub call: Uuid,
    /// What was decided; absent while it is still asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decision: Option<SessionDecision>,
}

impl<'a> SessionView<'a> {
    /// A session as it is shown.
    pub fn of(session: &'a Session) -> Self {
        let decision = |(call, decision): (&schakel_core::model::ids::CallId, &Option<session::Decision>)| {
            DecisionView { call: Uuid::from_u128(call.0), decision: decision.map(Into::into) }
        };
        Self {
            id: Uuid::from_u128(session.id.0),
            agent: Cow::Borrowed(session.agent.as_str()),
            contact: session.contact.map(|contact| Uuid::from_u128(contact.0)),
            reference: session.reference.as_deref().map(Cow::Borrowed),
            state: session.state.into(),
            cause: session.why.into(),
            opened_at: session.opened.into(),
            since: session.since.into(),
            lease: session.lease.map(|until| LeaseView {
                expires_at: until.into(),
                vanished_at: session.vanished.map(Into::into),
            }),
            decisions: session.decisions.iter().map(decision).collect(),
            opened_by: Uuid::from_u128(session.opened_by.0),
            version: session.version,
        }
    }
}
