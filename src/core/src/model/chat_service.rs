//! An agent in the chat channel (O02, C01, W01).

use super::ids::{AgentId, ChatServiceId, QueueId, Str};
use super::time::Time;
use serde::{Deserialize, Serialize};

/// An agent who is in the chat channel. JKC starts and stops it, for who has the privilege; while JKC is heard of it
/// goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatService {
    /// This time.
    pub id: ChatServiceId,
    /// Since when.
    pub since: Time,
    /// The queues of his profile (W01).
    pub queues: Vec<QueueId>,
    /// What visitors see him called (O10).
    pub nickname: Str,
    /// Chats at once, where it is another number than his queue's.
    pub chats_max: Option<u16>,
    /// Until when JKC is known to be there.
    pub lease: Time,
    /// The lease ran out; the grace period runs from then.
    pub vanished: Option<Time>,
    /// Offers that he ignored in a row.
    pub ignored: u16,
    /// He gets no offers because he ignored too many in a row, until JKC says that he is back.
    pub paused: bool,
    /// He rejected a chat and gets none before this moment.
    pub cools_until: Option<Time>,
    /// When he was offered a chat last: who waits longest comes first.
    pub offered: Option<Time>,
    /// What his own chat program says of him; a hint, valid while it is heard.
    pub shown: Option<Shown>,
    /// What chat providers were told last to show of him.
    pub announced: Option<AgentPresence>,
}

/// What a chat program says of its user (RFC 6121 section 4.7.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Show {
    /// Wants to chat.
    Chat,
    /// There.
    Available,
    /// Away for a short time.
    Away,
    /// Away for longer.
    ExtendedAway,
    /// Busy.
    DoNotDisturb,
    /// Not connected.
    Unavailable,
}

/// What an agent's chat program said, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// What.
    pub show: Show,
    /// In words, as his program has them.
    pub status: Option<Str>,
    /// When.
    pub at: Time,
}

/// What chat providers are to show of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentPresence {
    /// Who.
    pub agent: AgentId,
    /// What visitors see him called.
    pub nickname: Str,
    /// What he is.
    pub show: Show,
    /// Chats that he has now.
    pub chats: u16,
    /// Chats that he takes at once.
    pub chats_max: u16,
}
