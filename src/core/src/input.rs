//! Everything that happens.

use crate::adapter::Done;
use crate::command::{Actor, Command, Refusal};
use crate::model::ids::{AgentId, CommandId, ContactId, DeviceId, ProviderId, SessionId, Str};
use crate::model::provider::Capabilities;
use crate::model::time::Time;
use crate::report::{DeviceSnapshot, EventReport};
use crate::settings::Settings;
use serde::{Deserialize, Serialize};

/// One thing that happened: a row of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// When it reached us.
    pub at: Time,
    /// Entropy for the ids that it needs.
    pub seed: u64,
    /// What.
    pub body: InputBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum InputBody {
    /// The daemon started, for the first time or again. Every link is down; commands under way are interrupted.
    Started,
    /// The configuration, at start-up and after each reload that changed it.
    Configured(Box<Settings>),
    /// A provider says something happened.
    Report {
        /// Which.
        provider: ProviderId,
        /// What.
        report: EventReport,
    },
    /// A link is being made.
    LinkConnecting {
        /// Which.
        provider: ProviderId,
        /// Why the last try failed.
        reason: Option<Str>,
    },
    /// A link is made; monitors and snapshots are under way.
    LinkReady {
        /// Which.
        provider: ProviderId,
        /// What it can do.
        capabilities: Capabilities,
    },
    /// What one device looks like.
    Snapshot {
        /// Which provider.
        provider: ProviderId,
        /// The device.
        snapshot: DeviceSnapshot,
    },
    /// All devices have been looked at.
    Resynced {
        /// Which.
        provider: ProviderId,
        /// Devices of which no snapshot could be had.
        without_snapshot: Vec<DeviceId>,
    },
    /// A link is lost.
    LinkLost {
        /// Which.
        provider: ProviderId,
        /// Why, and what the operator should do.
        reason: Str,
    },
    /// A provider's answer to a step of a command.
    Reply {
        /// Which provider.
        provider: ProviderId,
        /// Which command.
        command: CommandId,
        /// Which step.
        step: u8,
        /// What came of it.
        result: Result<Done, Refusal>,
    },
    /// JKC asks.
    Command {
        /// Its id, given by the engine.
        id: CommandId,
        /// What.
        command: Command,
        /// By whom.
        by: Actor,
        /// Only if the call (or transfer) still has this version.
        if_version: Option<u64>,
    },
    /// JKC's browser is there: a session's lease goes on.
    Heartbeat {
        /// Which.
        session: SessionId,
    },
    /// JKC is there, for an agent in the chat channel.
    ChatHeartbeat {
        /// Which.
        agent: AgentId,
    },
    /// A deadline has come ([`crate::state::State::next_deadline`]).
    Tick,
    /// Who a customer was is forgotten.
    Erase {
        /// His contacts.
        contacts: Vec<ContactId>,
        /// Sessions that name him, also those about no contact, or about one that is gone.
        sessions: Vec<SessionId>,
    },
    /// Something that the journal does not hold any more: its place is kept, its content was erased.
    Erased,
}
