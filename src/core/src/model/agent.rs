//! Agents: users of JKC and where they sit (T14).

use super::ids::{AgentId, DeviceId, ProviderId, Str};
use super::time::Time;
use serde::{Deserialize, Serialize};

/// A user of JKC who has registered at least once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// JKC's name of the user.
    pub id: AgentId,
    /// Where he sits now.
    pub registration: Option<Registration>,
    /// Counts changes, for `If-Match`.
    pub version: u64,
}

/// A user at an extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Who.
    pub agent: AgentId,
    /// At which PBX.
    pub provider: ProviderId,
    /// At which extension.
    pub device: DeviceId,
    /// The PBX's own agent id, where it has ACD agents.
    pub provider_agent: Option<Str>,
    /// Since when.
    pub since: Time,
}
