//! Queues: waiting, and distribution to the members and agents.

use super::event::EventKind;
use super::model::{CallId, Cause, ConnectionId, Forwarding, LocalState, Number};
use super::route::Place;
use super::timer::Then;
use super::{Distribution, Extension, Switch};

impl Switch {
    /// The call enters a queue; a free member gets it at once.
    pub(super) fn enter_queue(&mut self, call: &CallId, queue: &Number) {
        self.add_leg(call, queue, LocalState::Alerting);
        let connection = ConnectionId::new(call.clone(), queue.clone());
        self.emit(call, EventKind::Delivered { connection }, Cause::EnteringDistribution);
        if let Some(entry) = self.queues.get_mut(queue) {
            entry.waiting.push_back(call.clone());
        }
        self.distribute(queue);
        self.wait(call, queue);
    }

    /// If the call is still at the queue, it waits there from now on.
    fn wait(&mut self, call: &CallId, queue: &Number) {
        let Some(entry) = self.queues.get(queue) else { return };
        let Some(calls_in_front) = entry.waiting.iter().position(|id| id == call) else { return };
        let number_queued = entry.waiting.len();
        let overflow = entry.config.overflow_after;
        self.set_state(call, queue, LocalState::Queued);
        self.rests(call);
        let connection = ConnectionId::new(call.clone(), queue.clone());
        let kind = EventKind::Queued { connection, number_queued, calls_in_front };
        self.emit(call, kind, Cause::NoAvailableAgents);
        if let Some(after) = overflow {
            self.set_timer(call, queue, after.0, Then::Overflow);
        }
    }

    /// Gives waiting calls to free members until one of them runs out.
    pub(super) fn distribute(&mut self, queue: &Number) {
        loop {
            let Some(call) = self.queues.get(queue).and_then(|q| q.waiting.front()).cloned() else { return };
            let members = self.choose(queue, &call);
            let Some(first) = members.first() else { return };
            self.divert(&call, queue, first, Cause::Distributed);
            for member in &members {
                self.ring(&call, member, Some(queue), Cause::Distributed);
            }
        }
    }

    /// The members whose turn it is: one, or all that are free if the queue rings all.
    fn choose(&mut self, queue: &Number, call: &CallId) -> Vec<Number> {
        let Some(entry) = self.queues.get(queue) else { return Vec::new() };
        let (members, agents_only) = (&entry.config.members, entry.config.agents_only);
        let logged_on = entry.agents.iter().filter(|device| !members.contains(*device));
        let candidates: Vec<&Number> = members.iter().chain(logged_on).collect();
        let in_turn = (0..candidates.len()).map(|i| (entry.turn + i) % candidates.len());
        let mut free = in_turn.filter_map(|place| {
            let device = candidates.get(place)?;
            let extension = self.extensions.get(*device)?;
            self.is_available(extension, queue, agents_only, call).then_some((place, extension))
        });
        let chosen: Vec<(usize, &Extension)> = match entry.config.distribution {
            Distribution::InTurn => free.next().into_iter().collect(),
            Distribution::RingAll => free.collect(),
            Distribution::LongestIdle => free.min_by_key(|(_, e)| e.idle_since).into_iter().collect(),
        };
        let turn = chosen.last().map(|(place, _)| place + 1);
        let numbers = chosen.iter().map(|(_, extension)| extension.config.number.clone()).collect();
        if let Some(turn) = turn
            && let Some(entry) = self.queues.get_mut(queue)
        {
            entry.turn = turn;
        }
        numbers
    }

    fn is_available(&self, extension: &Extension, queue: &Number, agents_only: bool, call: &CallId) -> bool {
        let number = &extension.config.number;
        self.agent_takes_calls(extension, queue, agents_only)
            && extension.in_service
            && !extension.do_not_disturb
            && !extension.forwarding.contains_key(&Forwarding::Immediate)
            && !self.at.contains_key(number)
            && self.calls.get(call).is_some_and(|c| c.leg(number).is_none())
    }

    /// A member let a call of the queue ring, or rejected it: it goes back to the head of the queue.
    pub(super) fn agent_did_not_answer(&mut self, call: &CallId, device: &Number, queue: &Number) {
        let others = self.calls.get(call).is_some_and(|c| {
            c.legs.iter().any(|leg| leg.state == LocalState::Alerting && leg.device != *device)
        });
        if others {
            return self.clear_leg(call, device, Cause::CallNotAnswered);
        }
        self.divert(call, device, queue, Cause::RecallNoAnswer);
        self.add_leg(call, queue, LocalState::Alerting);
        if let Some(entry) = self.queues.get_mut(queue) {
            entry.waiting.push_front(call.clone());
        }
        self.wait(call, queue);
    }

    /// It waited too long.
    pub(super) fn overflow(&mut self, call: &CallId, queue: &Number) {
        let Some(config) = self.queues.get(queue).map(|q| &q.config) else { return };
        let (Some(after), Some(to)) = (config.overflow_after, config.overflow_to.clone()) else { return };
        let reach = self.reach(&to, Some(call));
        if matches!(reach.place, Place::Nowhere(_)) || reach.device == *queue {
            self.set_timer(call, queue, after.0, Then::Overflow);
        } else {
            self.divert(call, queue, &to, Cause::QueueTimeOverflow);
            self.deliver(call, reach, Cause::QueueTimeOverflow);
        }
    }

    /// Looks again at the queues of every device that has become free.
    pub(super) fn settle(&mut self) {
        while !self.freed.is_empty() {
            for device in std::mem::take(&mut self.freed) {
                self.agent_may_be_free(&device);
                for queue in self.queues_of(&device) {
                    self.distribute(&queue);
                }
            }
        }
    }
}
