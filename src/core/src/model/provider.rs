//! Providers: one PBX or chat server each, with its link and what it can do.

use super::action::ActionSet;
use super::ids::{ProviderId, Str};
use super::time::Time;
use serde::{Deserialize, Serialize};

/// One PBX or chat server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its name in the configuration.
    pub id: ProviderId,
    /// The link.
    pub link: LinkState,
    /// Since when the link is so.
    pub since: Time,
    /// Why it is down, in the adapter's or the socket's words; what the operator should do.
    pub reason: Option<Str>,
    /// What it can do, once it has told.
    pub capabilities: Capabilities,
    /// Monitors that run.
    pub monitors_active: u32,
    /// Monitors that the PBX refused.
    pub monitors_refused: u32,
}

/// A provider's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LinkState {
    /// No connection.
    #[default]
    Down,
    /// A connection is being made, or waits for its next try.
    Connecting,
    /// Connected; monitors and snapshots are under way.
    Resyncing,
    /// Everything that is known of it is current.
    Up,
}

/// What a provider can do. The core refuses what it cannot, in one place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Capabilities {
    /// The operations that it takes.
    pub operations: ActionSet,
    /// Maker and product, where it tells.
    pub product: Option<Str>,
    /// ReconnectCall (ECMA-269 17.1.24) is there: take-back in one step.
    pub reconnect: bool,
    /// SingleStepTransferCall (17.1.26) is there: cold transfer.
    pub single_step_transfer: bool,
    /// The PBX has agents whose state can be set (SetAgentState).
    pub agent_states: bool,
    /// The PBX asks where calls go (RouteRequest).
    pub routeing: bool,
    /// It carries chats.
    pub chat: bool,
    /// Snapshots of devices are there; without them a lost link leaves calls stale until their deadline.
    pub snapshot_device: bool,
}

impl LinkState {
    /// Whether something can be asked of the provider. While it is looked over that is so too: a call that a snapshot
    /// has shown is certain again, and its buttons must not wait for the last telephone of a thousand.
    pub const fn is_open(self) -> bool {
        matches!(self, LinkState::Up | LinkState::Resyncing)
    }
}
