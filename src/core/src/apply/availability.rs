//! One availability for telephone and chat: a pure function of the state (T02, rule 8).

use crate::model::agent::{Agent, Readiness};
use crate::model::availability::{Availability, AvailabilityState, Because};
use crate::model::ids::AgentId;
use crate::model::time::Time;

/// An agent who has just become known: he sits nowhere yet.
pub(super) fn newcomer(id: AgentId, at: Time) -> Agent {
    Agent {
        id,
        registration: None,
        readiness: Readiness::default(),
        provider_state: None,
        asked_state: None,
        rested: None,
        after_call: None,
        session: None,
        availability: Availability {
            state: AvailabilityState::Offline,
            reasons: vec![Because::NotRegistered],
            ledger: Vec::new(),
            takes_calls: false,
            takes_chats: false,
            since: at,
        },
        version: 0,
    }
}
