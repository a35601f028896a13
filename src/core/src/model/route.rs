//! Routing by JKC: a PBX asks where a call shall go (ECMA-269 clause 20, T01).

use super::call::Party;
use super::ids::{CallId, CommandId, ContactId, DeviceId, ProviderId, RouteId, Str};
use super::pii::Pii;
use super::time::{Millis, Time};
use serde::{Deserialize, Serialize};

/// One question of a PBX, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Ours, permanent.
    pub id: RouteId,
    /// Which PBX asks.
    pub provider: ProviderId,
    /// The PBX's own id of the dialogue (`crossRefIdentifier`), opaque.
    pub dialogue: Str,
    /// The routeing device.
    pub device: DeviceId,
    /// The call, where it is known.
    pub call: Option<CallId>,
    /// The customer's contact.
    pub contact: Option<ContactId>,
    /// Who calls.
    pub calling: Party,
    /// Where it would go otherwise, as the PBX tells.
    pub current: Option<Party>,
    /// When the PBX asked; again with each re-route.
    pub asked: Time,
    /// When the fallback is taken.
    pub deadline: Time,
    /// How often the PBX asked: 1, and one more for each re-route.
    pub tries: u32,
    /// The destinations that were decided and could not be had, oldest first: why the PBX asks again.
    pub failed: Vec<Pii<Str>>,
    /// How far it is.
    pub state: RouteState,
    /// Counts changes.
    pub version: u64,
}

/// How far a routing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteState {
    /// JKC is asked.
    Asked,
    /// The PBX was told where.
    Decided {
        /// What was told.
        decision: RouteDecision,
        /// By whom.
        by: RouteBy,
    },
    /// The dialogue is over.
    Ended {
        /// What had been decided last.
        decision: Option<RouteDecision>,
        /// Where the call went, where the PBX tells.
        used: Option<DeviceId>,
        /// What went wrong, in the PBX's words.
        error: Option<Str>,
    },
}

/// Where a call shall go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteDecision {
    /// To this number, extension or queue.
    To(Pii<Str>),
    /// Where the PBX would send it by itself.
    Default,
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteBy {
    /// JKC, by this command.
    Jkc(CommandId),
    /// The configuration, since JKC did not answer in time.
    Fallback,
}

impl Route {
    /// Whether the dialogue goes on.
    pub fn is_live(&self) -> bool {
        !matches!(self.state, RouteState::Ended { .. })
    }

    /// What was decided last.
    pub fn decision(&self) -> Option<&RouteDecision> {
        match &self.state {
            RouteState::Asked => None,
            RouteState::Decided { decision, .. } => Some(decision),
            RouteState::Ended { decision, .. } => decision.as_ref(),
        }
    }
}

/// A routeing device and what happens when JKC does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSettings {
    /// Which PBX.
    pub provider: ProviderId,
    /// The routeing device.
    pub device: DeviceId,
    /// How long JKC may take. The PBX's own limit counts where it is shorter.
    pub limit: Millis,
    /// What then.
    pub fallback: RouteDecision,
}

impl RouteSettings {
    /// How long JKC may take where nothing is configured: ten times what an answer takes, and as long as a caller bears
    /// to hear nothing.
    pub const LIMIT: Millis = Millis::seconds(2);
}
