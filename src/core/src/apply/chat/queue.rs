//! Waiting chats, the order in which they are served, and what the visitor is shown meanwhile (W01, C07 to C10).
//!
//! ```text
//! enqueue ──► waiting, by priority of the queue, then by the moment ──► offered to an agent of the queue who has room ──► dequeue
//!                 │                                                              (offer.rs; not one who cools down)
//!                 └── waited too long, nobody left in the channel ──► C10, unserved
//! ```
//!
//! The agent: first who has not been offered this chat in this round, then who has the fewest chats, then who has waited
//! longest for an offer. When all have been tried the round starts again, but nobody is offered again what he ignored
//! before the queue's cool-down has passed.
//!
//! | facts, first that holds | text |
//! | --- | --- |
//! | nobody in the channel; or closed, for one who does not wait yet | C10, or without the form where no message can be left |
//! | an offer of the chat was ignored, and nobody has taken it since | C09 |
//! | somebody is free | C07 |
//! | all are busy, and he waits already or may wait | C08 |
//! | all are busy otherwise | as for nobody |
//!
//! A waiting visitor is told each text once when it becomes another; C07 only as the first: what is good news at the
//! start is none in between, when the agent says so himself. Whoever waits at closing time is served yet.

use super::Context;
use crate::apply::availability::availability;
use crate::model::agent::Agent;
use crate::model::chat::{Chat, ChatState, EndReason, OfferFor, OfferState};
use crate::model::ids::{AgentId, ChatId, QueueId};
use crate::model::time::{Millis, Time};
use crate::notification::Kind;
use crate::settings::{QueueSettings, TextId, WhenBusy};
use crate::state::{Deadline, State};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The facts of a queue from which its text follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFacts {
    /// It is within its opening hours.
    pub open: bool,
    /// Agents in the channel with this queue in their profile.
    pub agents: u32,
    /// Those of them who have room for one more chat now; of a chat that is offered, its offer counts as room.
    pub free: u32,
    /// The visitor waits already.
    pub waits: bool,
    /// An offer of this chat was ignored, and nobody has taken it since.
    pub ignored: bool,
    /// Offline messages can be taken.
    pub offline: bool,
    /// What is shown when all are busy.
    pub when_busy: WhenBusy,
}

/// The facts of a queue now; for a visitor who waits in it, with what became of his own offers. None for a queue that is
/// not configured.
pub fn queue_facts(state: &State, queue: &QueueId, chat: Option<&Chat>) -> Option<QueueFacts> {
    let settings = state.settings.chat.queue(queue)?;
    let mut facts = bare_facts(settings);
    for agent in state.agents.values() {
        count_in(state, settings, agent, &mut facts);
    }
    Some(match chat {
        Some(chat) => facts_of(&facts, chat),
        None => facts,
    })
}

/// The text that follows from the facts: a pure function, and a table in its test.
pub fn text_for(facts: &QueueFacts) -> TextId {
    let closed = if facts.offline { TextId::Closed } else { TextId::ClosedWithoutForm };
    let may_wait = facts.waits || facts.when_busy == WhenBusy::Queue;
    match facts {
        _ if facts.agents == 0 || (!facts.open && !facts.waits) => closed,
        _ if facts.ignored => TextId::Unresponsive,
        _ if facts.free > 0 => TextId::Available,
        _ if may_wait => TextId::Busy,
        _ => closed,
    }
}

/// What is known of a queue while its chats are given out.
struct Round<'a> {
    settings: &'a QueueSettings,
    /// Who can be offered a chat now.
    takers: Vec<AgentId>,
    /// When the next of those who could but for a rejection has cooled down.
    cools: Option<Time>,
}

impl Context<'_> {
    /// A chat waits from now on; one that lost its agent keeps its first moment, and so comes first.
    pub(super) fn enqueue(&mut self, id: ChatId) {
        let at = self.at;
        let Some(chat) = self.state.chats.get_mut(&id) else { return };
        let queued = *chat.queued.get_or_insert(at);
        chat.state = ChatState::Queued;
        chat.since = at;
        chat.tried.clear();
        if !chat.participants.is_empty() {
            chat.shown = None;
        }
        let queue = chat.queue.clone();
        let limit = self.state.settings.chat.queue(&queue).map_or(Millis(0), |queue| queue.wait_limit);
        self.state.waiting.entry(queue).or_default().insert((queued, id));
        self.arm(Deadline::ChatWait(id), limit);
        self.redistribute = true;
        self.tell_chat(Kind::ChatQueued, id, None, Default::default());
    }

    /// A chat waits no more.
    pub(super) fn dequeue(&mut self, id: ChatId) {
        self.disarm(Deadline::ChatWait(id));
        self.disarm(Deadline::Distribute(id));
        let Some(chat) = self.state.chats.get(&id) else { return };
        let Some(queued) = chat.queued else { return };
        let Some(waiting) = self.state.waiting.get_mut(&chat.queue) else { return };
        // Others may have waited for its turn.
        self.redistribute |= waiting.remove(&(queued, id));
        if waiting.is_empty() {
            self.state.waiting.remove(&chat.queue);
        }
    }

    /// Offers waiting chats to who has room; at the end of every input in which somebody or something changed.
    pub(crate) fn distribute(&mut self) {
        while std::mem::take(&mut self.redistribute) {
            if self.state.waiting.is_empty() {
                return;
            }
            self.give_out();
            self.settle();
            self.show_texts();
        }
    }

    /// A rejecter has cooled down.
    pub(crate) fn distribute_again(&mut self, _chat: ChatId) {
        self.redistribute = true;
    }

    /// A visitor has waited long enough.
    pub(crate) fn waited_too_long(&mut self, chat: ChatId) {
        if self.state.chats.get(&chat).is_some_and(|chat| chat.state.is_waiting()) {
            self.leave_unserved(chat);
        }
    }

    /// Nobody is found for a visitor: he is shown C10, and the chat ends.
    pub(super) fn leave_unserved(&mut self, id: ChatId) {
        let Some(chat) = self.state.chats.get(&id) else { return };
        let offline = self.state.settings.chat.queue(&chat.queue).is_some_and(|queue| queue.offline);
        self.show_text(id, if offline { TextId::Closed } else { TextId::ClosedWithoutForm });
        self.finish_chat(id, EndReason::NotServed, None);
    }

    /// The visitor is shown the text that follows from the facts now.
    pub(super) fn show_now(&mut self, id: ChatId) {
        let Some(chat) = self.state.chats.get(&id) else { return };
        if let Some(facts) = queue_facts(self.state, &chat.queue, Some(chat)) {
            self.show_text(id, text_for(&facts));
        }
    }

    /// The visitor is shown a text of C07 to C10, unless it is what he was shown last.
    pub(super) fn show_text(&mut self, id: ChatId, text: TextId) {
        let Some(chat) = self.state.chats.get_mut(&id) else { return };
        let first = chat.shown.is_none() && chat.participants.is_empty();
        if chat.shown == Some(text) || (text == TextId::Available && !first) {
            return;
        }
        chat.shown = Some(text);
        // What has just been told of is told with it.
        let told = chat.opened == self.at || chat.since == self.at;
        self.say_text(id, text, None);
        if !told {
            self.tell_chat(Kind::ChatUpdated, id, None, Default::default());
        }
    }

    /// The agents of a queue who can be offered a chat now, without these.
    pub(super) fn takers_of(&self, queue: &QueueId, without: &[AgentId]) -> Vec<AgentId> {
        let Some(settings) = self.state.settings.chat.queue(queue) else { return Vec::new() };
        let agents = self.state.agents.values();
        let takers = agents.filter(|agent| {
            !without.contains(&agent.id) && serves(agent, queue) && has_room(self.state, settings, agent)
        });
        takers.filter(|agent| cools_until(agent, self.at).is_none()).map(|agent| agent.id.clone()).collect()
    }

    /// Of several agents the one who is offered a chat: the fewest chats, then the longest without an offer.
    pub(super) fn next_of(&self, agents: &[AgentId]) -> Option<AgentId> {
        let order = |id: &&AgentId| {
            let has = self.state.of_agent.get(*id).map_or(0, |has| has.chats.len() + has.offers.len());
            let service = self.state.agents.get(*id).and_then(|agent| agent.chat.as_ref());
            (has, service.and_then(|service| service.offered), (*id).clone())
        };
        agents.iter().min_by_key(order).cloned()
    }

    /// Offers each waiting chat in its turn.
    fn give_out(&mut self) {
        let mut queues: Vec<QueueSettings> = {
            let all = self.state.settings.chat.queues.iter();
            all.filter(|queue| queue.offers && self.state.waiting.contains_key(&queue.id)).cloned().collect()
        };
        queues.sort_by_key(|queue| Reverse(queue.priority));
        for settings in &queues {
            let takers = self.takers_of(&settings.id, &[]);
            let mut round = Round { settings, takers, cools: self.next_cooled(settings) };
            if round.takers.is_empty() && round.cools.is_none() {
                continue;
            }
            let waiting = self.state.waiting.get(&settings.id).into_iter().flatten();
            let chats: Vec<ChatId> = waiting.map(|(_, chat)| *chat).collect();
            for chat in chats {
                if self.state.chats.get(&chat).is_some_and(|chat| chat.offer.is_some()) {
                    continue;
                }
                if round.takers.is_empty() {
                    // The first in line is looked at when somebody has cooled down, and with it the others.
                    self.look_again(chat, round.cools);
                    break;
                }
                self.offer_next(chat, &mut round);
            }
        }
    }

    /// Offers a chat to whoever comes first for it, if anybody does.
    fn offer_next(&mut self, id: ChatId, round: &mut Round<'_>) {
        let Some(chat) = self.state.chats.get(&id) else { return };
        let fresh: Vec<AgentId> =
            round.takers.iter().filter(|one| !chat.tried.contains(one)).cloned().collect();
        let mut again = None;
        let next = self.next_of(&fresh).or_else(|| {
            // All have been tried: again, but not at once.
            let free_at = |agent: &AgentId| {
                let last = chat.offers.iter().rev().find(|offer| offer.agent == *agent);
                last.and_then(|offer| offer.closed)
                    .map_or(self.at, |closed| closed + round.settings.cool_down)
            };
            again = round.takers.iter().map(free_at).min();
            let rested: Vec<AgentId> =
                round.takers.iter().filter(|agent| free_at(agent) <= self.at).cloned().collect();
            self.next_of(&rested)
        });
        let Some(agent) = next else {
            return self.look_again(id, again.into_iter().chain(round.cools).min());
        };
        if fresh.is_empty()
            && let Some(chat) = self.state.chats.get_mut(&id)
        {
            chat.tried.clear();
        }
        self.make_offer(id, &agent, OfferFor::Owner);
        let full =
            self.state.agents.get(&agent).is_none_or(|agent| !has_room(self.state, round.settings, agent));
        if full {
            round.takers.retain(|one| *one != agent);
        }
    }

    fn look_again(&mut self, chat: ChatId, at: Option<Time>) {
        if let Some(at) = at {
            self.arm(Deadline::Distribute(chat), at - self.at);
        }
    }

    /// When the first of those who could take a chat but for a rejection has cooled down.
    fn next_cooled(&self, settings: &QueueSettings) -> Option<Time> {
        let agents = self.state.agents.values().filter(|agent| serves(agent, &settings.id));
        agents.filter_map(|agent| cools_until(agent, self.at)).min()
    }

    /// Shows waiting visitors what has become of their queue; ends the waiting where nobody is left.
    fn show_texts(&mut self) {
        let queues: BTreeMap<QueueId, Option<QueueFacts>> = {
            let queues = self.state.waiting.keys();
            queues.map(|queue| (queue.clone(), queue_facts(self.state, queue, None))).collect()
        };
        for (queue, facts) in queues {
            let waiting = self.state.waiting.get(&queue).into_iter().flatten();
            let chats: Vec<ChatId> = waiting.map(|(_, chat)| *chat).collect();
            for id in chats {
                let Some(chat) = self.state.chats.get(&id) else { continue };
                match facts.filter(|facts| facts.agents > 0) {
                    Some(facts) => {
                        let text = text_for(&facts_of(&facts, chat));
                        self.show_text(id, text);
                    }
                    None => self.leave_unserved(id),
                }
            }
        }
    }
}

fn bare_facts(settings: &QueueSettings) -> QueueFacts {
    QueueFacts {
        open: settings.open,
        agents: 0,
        free: 0,
        waits: false,
        ignored: false,
        offline: settings.offline,
        when_busy: settings.when_busy,
    }
}

fn count_in(state: &State, settings: &QueueSettings, agent: &Agent, facts: &mut QueueFacts) {
    if serves(agent, &settings.id) {
        facts.agents += 1;
        facts.free += u32::from(has_room(state, settings, agent));
    }
}

/// A queue's facts for one chat of it.
fn facts_of(facts: &QueueFacts, chat: &Chat) -> QueueFacts {
    let joined = chat.participants.iter().map(|one| one.joined).max();
    let mut offers = chat.offers.iter().filter(|offer| offer.what == OfferFor::Owner);
    QueueFacts {
        free: facts.free + u32::from(chat.offer.is_some()),
        waits: chat.queued.is_some(),
        ignored: offers.any(|offer| offer.state == OfferState::Expired && offer.closed > joined),
        ..*facts
    }
}

fn serves(agent: &Agent, queue: &QueueId) -> bool {
    agent.chat.as_ref().is_some_and(|service| service.queues.contains(queue))
}

/// Whether an agent in the channel can take one more chat of a queue, as he is at this moment.
fn has_room(state: &State, settings: &QueueSettings, agent: &Agent) -> bool {
    let at_once = agent.chat.as_ref().and_then(|service| service.chats_max);
    // What was kept of him tells most of them apart; what was offered since then is counted afresh.
    agent.availability.takes_chats && {
        let now = availability(state, agent);
        now.takes_chats && now.room() >= settings.share(at_once)
    }
}

/// Until when one who rejected a chat gets none.
fn cools_until(agent: &Agent, now: Time) -> Option<Time> {
    agent.chat.as_ref().and_then(|service| service.cools_until).filter(|until| *until > now)
}
