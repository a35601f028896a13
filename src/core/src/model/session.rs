//! Contact sessions: JKC's own work on one contact of a customer (T11, T16).

use super::ids::{AgentId, CallId, CommandId, ContactId, SessionId, Str};
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One contact session. JKC opens, parks, resumes and closes it; schakel never closes open work by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Ours, permanent.
    pub id: SessionId,
    /// Whose work it is.
    pub agent: AgentId,
    /// The customer's contact that it is about, where it is about one.
    pub contact: Option<ContactId>,
    /// JKC's own reference of the session or the customer.
    pub reference: Option<Str>,
    /// Open, parked or closed.
    pub state: SessionState,
    /// Why it is so.
    pub why: SessionCause,
    /// When it was opened.
    pub opened: Time,
    /// Since when it is as it is.
    pub since: Time,
    /// Until when JKC's browser is known to be there; a heartbeat moves it. None unless open.
    pub lease: Option<Time>,
    /// The lease ran out; the grace period runs from then.
    pub vanished: Option<Time>,
    /// Calls that arrived while it was open, with what was decided: none while JKC is still asked.
    pub decisions: BTreeMap<CallId, Option<Decision>>,
    /// The command that opened it.
    pub opened_by: CommandId,
    /// Counts changes, for `If-Match`.
    pub version: u64,
}

impl Session {
    /// Whether it is being worked on.
    pub fn is_open(&self) -> bool {
        self.state == SessionState::Open
    }
}

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SessionState {
    /// Being worked on. An agent has at most one.
    Open,
    /// Kept for later.
    Parked,
    /// Over.
    Closed,
}

/// Why a session is parked or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SessionCause {
    /// JKC asked for it.
    Asked,
    /// A call arrived and JKC decided: keep (parked) or ignore (closed).
    Decided,
    /// The browser vanished and did not come back (parked).
    Vanished,
    /// The user logged off, or another took his place (parked).
    LoggedOff,
    /// It was parked for so long that it is not kept any more (closed).
    Expired,
}

/// What becomes of an open session when a call arrives: "bewaren of negeren" (T16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Decision {
    /// Keep it: it is parked.
    Keep,
    /// Ignore it: it is closed.
    Ignore,
}
