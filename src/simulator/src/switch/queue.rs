//! Queues: waiting, distribution to the members, after-call work.

use super::event::EventKind;
use super::model::{AgentState, CallId, Cause, ConnectionId, Forwarding, LocalState, Number};
use super::route::Place;
use super::timer::{Then, Timer};
use super::{Freed, Switch};

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
        let all = self.rings_all(queue);
        let Some(entry) = self.queues.get(queue) else { return Vec::new() };
        let members = &entry.config.members;
        let agents_only = entry.config.agents_only;
        let in_turn = (0..members.len()).map(|i| (entry.turn + i) % members.len());
        let free =
            in_turn.filter(|i| members.get(*i).is_some_and(|m| self.is_available(m, agents_only, call)));
        let chosen: Vec<usize> = free.take(if all { usize::MAX } else { 1 }).collect();
        let numbers = chosen.iter().filter_map(|i| members.get(*i).cloned()).collect();
        if let Some(last) = chosen.last()
            && let Some(entry) = self.queues.get_mut(queue)
        {
            entry.turn = last + 1;
        }
        numbers
    }

    fn is_available(&self, member: &Number, agents_only: bool, call: &CallId) -> bool {
        let Some(extension) = self.extensions.get(member) else { return false };
        let agent = match &extension.agent {
            Some(agent) => agent.state == AgentState::Ready,
            None => !agents_only,
        };
        agent
            && extension.in_service
            && !extension.do_not_disturb
            && !extension.forwarding.contains_key(&Forwarding::Immediate)
            && !self.at.contains_key(member)
            && self.calls.get(call).is_some_and(|c| c.leg(member).is_none())
    }

    /// A member has taken a call of a queue.
    pub(super) fn agent_answered(&mut self, call: &CallId, device: &Number) {
        let served = self.calls.get(call).and_then(|c| c.leg(device)).is_some_and(|leg| leg.queue.is_some());
        if served {
            self.change_agent(device, AgentState::Busy);
        }
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
            for Freed { device, served } in std::mem::take(&mut self.freed) {
                if let Some(queue) = served {
                    self.agent_call_over(&device, &queue);
                }
                let queues = self.extensions.get(&device).map(|e| e.member_of.clone()).unwrap_or_default();
                for queue in queues {
                    self.distribute(&queue);
                }
            }
        }
    }

    /// After-call work begins, if there is any.
    fn agent_call_over(&mut self, device: &Number, queue: &Number) {
        let Some(agent) = self.extensions.get_mut(device).and_then(|e| e.agent.as_mut()) else { return };
        if agent.state != AgentState::Busy {
            return;
        }
        let wrap_up = self.queues.get(queue).and_then(|q| q.config.wrap_up);
        match (agent.pending.take(), wrap_up) {
            (Some(pending), _) => self.change_agent(device, pending),
            (None, Some(after)) if after.0.is_zero() => self.change_agent(device, AgentState::Ready),
            (None, after) => {
                self.change_agent(device, AgentState::WorkingAfterCall);
                if let Some(after) = after {
                    let key = self.timers.set(self.now + after.0, Timer::WrapUp(device.clone()));
                    if let Some(agent) = self.extensions.get_mut(device).and_then(|e| e.agent.as_mut()) {
                        agent.wrap_up = Some(key);
                    }
                }
            }
        }
    }

    pub(super) fn wrap_up_ends(&mut self, device: &Number) {
        if self.agent_state(device) == Some(AgentState::WorkingAfterCall) {
            self.change_agent(device, AgentState::Ready);
        }
    }

    /// The state of the agent at an extension, if one is logged on.
    #[must_use]
    pub fn agent_state(&self, device: &Number) -> Option<AgentState> {
        Some(self.extensions.get(device)?.agent.as_ref()?.state)
    }
}
