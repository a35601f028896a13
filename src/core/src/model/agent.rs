//! Agents: users of JKC, where they sit (T14), and whether they can take work (T02).

use super::availability::Availability;
use super::chat_service::ChatService;
use super::ids::{AgentId, DeviceId, ProviderId, SessionId, Str};
use super::time::Time;
use serde::{Deserialize, Serialize};

/// A user of JKC who has registered at least once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// JKC's name of the user.
    pub id: AgentId,
    /// Where he sits now.
    pub registration: Option<Registration>,
    /// Whether he wants calls, as JKC set it.
    pub readiness: Readiness,
    /// What the PBX says of him as an agent; none where it has no agents or has not said anything.
    pub provider_state: Option<ProviderAgentState>,
    /// What the PBX was asked last to make of him; none before it was asked to log him on here.
    pub asked_state: Option<Asked>,
    /// The not-ready, with its reason, that was pressed at the telephone: it lasts through calls, and is restored after
    /// after-call work, until JKC or the PBX says ready.
    pub rested: Option<Option<Str>>,
    /// After-call work under way.
    pub after_call: Option<AfterCall>,
    /// The one session that is open.
    pub session: Option<SessionId>,
    /// He is in the chat channel.
    pub chat: Option<ChatService>,
    /// What follows from all of it.
    pub availability: Availability,
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
    /// The queues that he serves, by JKC's word.
    pub queues: Vec<DeviceId>,
    /// Since when.
    pub since: Time,
}

/// Whether an agent wants calls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Readiness {
    /// Yes.
    #[default]
    Ready,
    /// No, for this reason of JKC's: a break, a meeting.
    NotReady(Option<Str>),
}

/// What a PBX says of an agent (ECMA-269 6.1.6: agentNull, NotReady, Ready, Busy, WorkingAfterCall).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProviderAgentState {
    /// Not logged on.
    LoggedOff,
    /// Logged on, wants no calls.
    NotReady(Option<Str>),
    /// Waits for a call.
    Ready,
    /// Has a call.
    Busy,
    /// After-call work.
    WorkingAfterCall,
}

/// What a PBX is asked to make of an agent (ECMA-269 SetAgentState).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestedAgentState {
    /// Log on.
    LoggedOn,
    /// Log off.
    LoggedOff,
    /// No calls, for this reason.
    NotReady(Option<Str>),
    /// Calls again.
    Ready,
    /// After-call work.
    WorkingAfterCall,
}

/// What a PBX was asked to make of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What.
    pub state: RequestedAgentState,
    /// It has said something new of him since.
    pub heard: bool,
    /// What it was asked before and has not told of, oldest first: its events may come after its answers.
    pub late: Vec<RequestedAgentState>,
}

impl Asked {
    /// Nothing is awaited.
    pub const fn settled(state: RequestedAgentState) -> Self {
        Self { state, heard: true, late: Vec::new() }
    }

    /// Asked now, after something else.
    #[must_use]
    pub fn after(before: Option<Asked>, state: RequestedAgentState) -> Self {
        // More are not under way at once: a PBX that tells of none of them is not waited for.
        const LATE_MAX: usize = 4;
        let Asked { state: previous, heard, mut late } =
            before.unwrap_or(Asked::settled(RequestedAgentState::LoggedOn));
        if !heard {
            late.push(previous);
        }
        if late.len() > LATE_MAX {
            late.remove(0);
        }
        Self { state, heard: false, late }
    }
}

/// After-call work: it lasts as long as its session (T11, rule 9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterCall {
    /// The session that owns it.
    pub session: SessionId,
    /// Since when.
    pub since: Time,
}
