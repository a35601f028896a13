//! Waiting chats, the order in which they are served, and what the visitor is shown meanwhile (W01, C07 to C10).

use super::Context;
use crate::model::chat::Chat;
use crate::model::ids::{ChatId, QueueId};
use crate::settings::{TextId, WhenBusy};
use crate::state::State;

/// The facts of a queue from which its text follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFacts {
    /// It is within its opening hours.
    pub open: bool,
    /// Agents in the channel with this queue in their profile.
    pub agents: u32,
    /// Those of them who have room for one more chat now.
    pub free: u32,
    /// The last offer of this chat was ignored, and nobody has taken it since.
    pub ignored: bool,
    /// Offline messages can be taken.
    pub offline: bool,
    /// What is shown when all are busy.
    pub when_busy: WhenBusy,
}

/// The facts of a queue now; for a visitor who waits in it, with what became of his own offers. None for a queue that is
/// not configured.
pub fn queue_facts(state: &State, queue: &QueueId, chat: Option<&Chat>) -> Option<QueueFacts> {
    let _ = chat;
    let queue = state.settings.chat.queue(queue)?;
    Some(QueueFacts {
        open: queue.open,
        agents: 0,
        free: 0,
        ignored: false,
        offline: queue.offline,
        when_busy: queue.when_busy,
    })
}

/// The text that follows from the facts: a pure function, and a table in its test.
pub fn text_for(facts: &QueueFacts) -> TextId {
    let _ = facts;
    TextId::Available
}

impl Context<'_> {
    /// A chat waits from now on; one that lost its agent keeps its first moment, and so comes first.
    pub(super) fn enqueue(&mut self, chat: ChatId) {
        let _ = chat;
    }

    /// A chat waits no more.
    pub(super) fn dequeue(&mut self, chat: ChatId) {
        let _ = chat;
    }

    /// Offers waiting chats to who has room; at the end of every input in which somebody or something changed.
    pub(crate) fn distribute(&mut self) {}

    /// A rejecter has cooled down.
    pub(crate) fn distribute_again(&mut self, chat: ChatId) {
        let _ = chat;
    }

    /// A visitor has waited long enough.
    pub(crate) fn waited_too_long(&mut self, chat: ChatId) {
        let _ = chat;
    }
}
