//! Agents: logging on and off, their states, and after-call work (ECMA-269 clause 6.1.6 and 22).
//!
//! ```text
//!             logs on                   answers a call of a queue
//!   (nobody) ────────► not ready ◄──► ready ────────────────────► busy
//!                          ▲            ▲                           │ the telephone is free again
//!                          │            │ its time is over, or told │
//!                          └────────────┴───── after-call work ◄────┘
//! ```
//!
//! What an agent asks for while busy is pending: it applies when the telephone is free. Not ready waits until the
//! after-call work of the queue is over too, if that has a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::command::Outcome;
use super::event::EventKind;
use super::model::{AgentRequest, AgentState, CallId, Number};
use super::timer::{Timer, TimerKey};
use super::{AgentSupport, Extension, Switch, SwitchError};

/// An agent who is logged on at an extension.
pub(super) struct Agent {
    pub(super) id: Arc<str>,
    /// The queues that the agent is logged on to; none: every queue that the extension is a member of.
    pub(super) groups: BTreeSet<Number>,
    pub(super) state: AgentState,
    /// Why not ready.
    pub(super) reason: Option<Arc<str>>,
    pub(super) pending: Option<Pending>,
    /// The queue whose call makes the agent busy.
    serving: Option<Number>,
    /// When after-call work ends by itself.
    pub(super) wrap_up: Option<TimerKey>,
}

/// What an agent has asked for, to happen later.
#[derive(Clone)]
pub(super) struct Pending {
    pub(super) request: AgentRequest,
    reason: Option<Arc<str>>,
}

impl Agent {
    pub(super) const fn new(id: Arc<str>, state: AgentState) -> Self {
        let groups = BTreeSet::new();
        Self { id, groups, state, reason: None, pending: None, serving: None, wrap_up: None }
    }

    /// The queue that an event of a state names: the only one.
    fn group(&self) -> Option<Number> {
        self.groups.first().filter(|_| self.groups.len() == 1).cloned()
    }

    /// What is left of an agent when the switch starts again.
    pub(super) fn restart(&mut self) {
        self.wrap_up = None;
        self.pending = None;
        self.serving = None;
        if matches!(self.state, AgentState::Busy | AgentState::WorkingAfterCall) {
            self.state = AgentState::Ready;
        }
    }
}

impl Switch {
    pub(super) fn set_agent_state(
        &mut self,
        device: &Number,
        id: Option<&Arc<str>>,
        group: Option<&Number>,
        request: AgentRequest,
        reason: Option<&Arc<str>>,
    ) -> Result<Outcome, SwitchError> {
        if self.behaviour.agents == AgentSupport::None {
            return Err(SwitchError::NotSupported("agents"));
        }
        if reason.is_some_and(|reason| reason.len() > 64) {
            return Err(SwitchError::InvalidAgentState(device.clone()));
        }
        let extension = self.extension_mut(device)?;
        if request == AgentRequest::LoggedOn {
            return self.log_on(device, id, group, reason);
        }
        let Some(agent) = &mut extension.agent else {
            return Err(SwitchError::InvalidAgentState(device.clone()));
        };
        if id.is_some_and(|id| **id != *agent.id) {
            return Err(SwitchError::InvalidAgent(device.clone()));
        }
        if request == AgentRequest::LoggedOff
            && let Some(group) = group.filter(|_| !agent.groups.is_empty())
        {
            if !agent.groups.contains(group) {
                return Err(SwitchError::InvalidAgentGroup(group.clone()));
            }
            if agent.groups.len() > 1 {
                self.leave_group(device, group);
                return Ok(Outcome::Done);
            }
        }
        let Some(agent) = self.extensions.get_mut(device).and_then(|e| e.agent.as_mut()) else {
            return Err(SwitchError::InvalidAgentState(device.clone()));
        };
        let reason = reason.filter(|_| request == AgentRequest::NotReady).cloned();
        if agent.state == AgentState::Busy {
            agent.pending = Some(Pending { request, reason });
            return Ok(Outcome::Pending(request));
        }
        match request {
            AgentRequest::NotReady if agent.state == AgentState::NotReady && agent.reason == reason => {}
            AgentRequest::NotReady => self.change_agent(device, AgentState::NotReady, reason),
            AgentRequest::Ready if agent.state == AgentState::Ready => {}
            AgentRequest::Ready => self.change_agent(device, AgentState::Ready, None),
            AgentRequest::WorkingAfterCall if agent.state == AgentState::WorkingAfterCall => {
                // Told so, it lasts until told otherwise.
                agent.pending = None;
                if let Some(key) = agent.wrap_up.take() {
                    self.timers.cancel(key);
                }
            }
            AgentRequest::WorkingAfterCall => self.change_agent(device, AgentState::WorkingAfterCall, None),
            AgentRequest::LoggedOn | AgentRequest::LoggedOff => self.log_off(device),
        }
        Ok(Outcome::Done)
    }

    fn log_on(
        &mut self,
        device: &Number,
        id: Option<&Arc<str>>,
        group: Option<&Number>,
        reason: Option<&Arc<str>>,
    ) -> Result<Outcome, SwitchError> {
        let id = id.filter(|id| id.len() <= 64).ok_or_else(|| SwitchError::InvalidAgent(device.clone()))?;
        if let Some(group) = group.filter(|group| !self.queues.contains_key(*group)) {
            return Err(SwitchError::InvalidAgentGroup(group.clone()));
        }
        match self.extensions.get(device).and_then(|extension| extension.agent.as_ref()) {
            Some(agent) if agent.id != *id => return Err(SwitchError::InvalidAgent(device.clone())),
            Some(agent) => {
                // One queue more.
                let more = group.filter(|group| !agent.groups.is_empty() && !agent.groups.contains(*group));
                let more = more.ok_or_else(|| SwitchError::InvalidAgentState(device.clone()))?;
                self.join_group(device, more);
                self.tell_logged(device, Some(more.clone()), true);
                self.tell_state(device);
                self.look_at_queues_of(device);
                return Ok(Outcome::Done);
            }
            None => {}
        }
        if let Some((at, state)) = self.agent_elsewhere(id) {
            if !self.behaviour.agents_move || state == AgentState::Busy {
                return Err(SwitchError::AgentElsewhere { agent: Arc::clone(id), at });
            }
            self.log_off(&at);
        }
        self.extension_mut(device)?.agent = Some(Agent::new(Arc::clone(id), AgentState::NotReady));
        if let Some(group) = group {
            self.join_group(device, group);
        }
        self.tell_logged(device, group.cloned(), true);
        self.change_agent(device, AgentState::NotReady, reason.cloned());
        Ok(Outcome::Done)
    }

    /// Where else the agent is logged on.
    fn agent_elsewhere(&self, id: &Arc<str>) -> Option<(Number, AgentState)> {
        self.extensions.values().find_map(|extension| {
            let agent = extension.agent.as_ref().filter(|agent| agent.id == *id)?;
            Some((extension.config.number.clone(), agent.state))
        })
    }

    fn join_group(&mut self, device: &Number, group: &Number) {
        if let Some(agent) = self.extensions.get_mut(device).and_then(|e| e.agent.as_mut()) {
            agent.groups.insert(group.clone());
        }
        if let Some(queue) = self.queues.get_mut(group) {
            queue.agents.insert(device.clone());
        }
    }

    /// The agent takes no more calls of this queue, but goes on with others.
    fn leave_group(&mut self, device: &Number, group: &Number) {
        if let Some(agent) = self.extensions.get_mut(device).and_then(|e| e.agent.as_mut()) {
            agent.groups.remove(group);
        }
        if let Some(queue) = self.queues.get_mut(group) {
            queue.agents.remove(device);
        }
        self.tell_logged(device, Some(group.clone()), false);
        self.tell_state(device);
    }

    fn log_off(&mut self, device: &Number) {
        let logged_on = self.extensions.get(device).and_then(|e| e.agent.as_ref());
        let groups = logged_on.map(|agent| agent.groups.clone()).unwrap_or_default();
        if groups.is_empty() {
            self.tell_logged(device, None, false);
        }
        for group in groups {
            self.tell_logged(device, Some(group), false);
        }
        let agent = self.extensions.get_mut(device).and_then(|extension| extension.agent.take());
        let Some(agent) = agent else { return };
        if let Some(key) = agent.wrap_up {
            self.timers.cancel(key);
        }
        for group in agent.groups {
            if let Some(queue) = self.queues.get_mut(&group) {
                queue.agents.remove(device);
            }
        }
        self.look_at_queues_of(device);
    }

    /// The agent goes to another state, and everybody hears of it. Nothing is pending any more.
    pub(super) fn change_agent(&mut self, device: &Number, state: AgentState, reason: Option<Arc<str>>) {
        self.change_agent_until(device, state, reason, None);
    }

    fn change_agent_until(
        &mut self,
        device: &Number,
        state: AgentState,
        reason: Option<Arc<str>>,
        pending: Option<Pending>,
    ) {
        let now = self.now;
        let Some(extension) = self.extensions.get_mut(device) else { return };
        let Some(agent) = &mut extension.agent else { return };
        agent.state = state;
        agent.reason = reason;
        agent.pending = pending;
        if state == AgentState::Ready {
            extension.idle_since = now;
        }
        if let Some(key) = agent.wrap_up.take() {
            self.timers.cancel(key);
        }
        self.tell_state(device);
        self.look_at_queues_of(device);
    }

    fn tell_state(&mut self, device: &Number) {
        let Some(agent) = self.extensions.get(device).and_then(|e| e.agent.as_ref()) else { return };
        let kind = EventKind::AgentState {
            device: device.clone(),
            agent: Arc::clone(&agent.id),
            group: agent.group(),
            state: agent.state,
            pending: agent.pending.as_ref().map(|pending| pending.request),
            reason: agent.reason.clone(),
        };
        self.tell_of_agent(device, kind);
    }

    fn tell_logged(&mut self, device: &Number, group: Option<Number>, on: bool) {
        let Some(found) = self.extensions.get(device).and_then(|e| e.agent.as_ref()) else { return };
        let (device, agent) = (device.clone(), Arc::clone(&found.id));
        let kind = if on {
            EventKind::AgentLoggedOn { device: device.clone(), agent, group }
        } else {
            EventKind::AgentLoggedOff { device: device.clone(), agent, group }
        };
        self.tell_of_agent(&device, kind);
    }

    fn tell_of_agent(&mut self, device: &Number, kind: EventKind) {
        if self.behaviour.agents == AgentSupport::Reported {
            self.tell(device, kind);
        }
    }

    /// A member has taken a call of a queue.
    pub(super) fn agent_answered(&mut self, call: &CallId, device: &Number) {
        let leg = self.calls.get(call).and_then(|c| c.leg(device));
        let Some(queue) = leg.and_then(|leg| leg.queue.clone()) else { return };
        let Some(agent) = self.extensions.get_mut(device).and_then(|e| e.agent.as_mut()) else { return };
        agent.serving = Some(queue);
        if agent.state == AgentState::Busy {
            return;
        }
        // Who became not ready while the telephone rang is so again afterwards.
        let pending = (agent.state == AgentState::NotReady)
            .then(|| Pending { request: AgentRequest::NotReady, reason: agent.reason.clone() });
        self.change_agent_until(device, AgentState::Busy, None, pending);
    }

    /// When the telephone of a busy agent is free, after-call work begins, if there is any.
    pub(super) fn agent_may_be_free(&mut self, device: &Number) {
        if self.at.contains_key(device) {
            return;
        }
        let Some(agent) = self.extensions.get_mut(device).and_then(|e| e.agent.as_mut()) else { return };
        if agent.state != AgentState::Busy {
            return;
        }
        let pending = agent.pending.take();
        let queue = agent.serving.take().and_then(|queue| self.queues.get(&queue));
        let wrap_up = queue.map_or(Some(Duration::ZERO), |queue| queue.config.wrap_up.map(|after| after.0));
        match (pending, wrap_up) {
            (Some(Pending { request: AgentRequest::LoggedOff, .. }), _) => self.log_off(device),
            (Some(Pending { request: AgentRequest::WorkingAfterCall, .. }), _) => {
                self.change_agent(device, AgentState::WorkingAfterCall, None);
            }
            (Some(Pending { request: AgentRequest::Ready, .. }), _) => {
                self.change_agent(device, AgentState::Ready, None);
            }
            (Some(pending), Some(after)) if !after.is_zero() => {
                self.change_agent_until(device, AgentState::WorkingAfterCall, None, Some(pending));
                self.end_wrap_up_after(device, after);
            }
            (Some(Pending { reason, .. }), _) => self.change_agent(device, AgentState::NotReady, reason),
            (None, Some(Duration::ZERO)) => self.change_agent(device, AgentState::Ready, None),
            (None, after) => {
                self.change_agent(device, AgentState::WorkingAfterCall, None);
                if let Some(after) = after {
                    self.end_wrap_up_after(device, after);
                }
            }
        }
    }

    fn end_wrap_up_after(&mut self, device: &Number, after: Duration) {
        let key = self.timers.set(self.now + after, Timer::WrapUp(device.clone()));
        match self.extensions.get_mut(device).and_then(|e| e.agent.as_mut()) {
            Some(agent) => agent.wrap_up = Some(key),
            None => self.timers.cancel(key),
        }
    }

    /// The time for after-call work is over.
    pub(super) fn wrap_up_ends(&mut self, device: &Number) {
        let Some(agent) = self.extensions.get_mut(device).and_then(|e| e.agent.as_mut()) else { return };
        if agent.state != AgentState::WorkingAfterCall {
            return;
        }
        match agent.pending.take() {
            Some(Pending { reason, .. }) => self.change_agent(device, AgentState::NotReady, reason),
            None => self.change_agent(device, AgentState::Ready, None),
        }
    }

    /// The state of the agent at an extension, if one is logged on.
    #[must_use]
    pub fn agent_state(&self, device: &Number) -> Option<AgentState> {
        Some(self.extensions.get(device)?.agent.as_ref()?.state)
    }

    /// The extensions at which an agent is logged on who serves this queue, in the order of their numbers.
    #[must_use]
    pub fn agents_of(&self, queue: &Number) -> Vec<Number> {
        let Some(entry) = self.queues.get(queue) else { return Vec::new() };
        let serves = |member: &&Number| self.serves(member, queue);
        let mut devices: Vec<Number> = entry.config.members.iter().filter(serves).cloned().collect();
        devices.extend(entry.agents.iter().cloned());
        devices.sort();
        devices.dedup();
        devices
    }

    /// An agent is logged on there, and takes calls of this queue.
    fn serves(&self, device: &Number, queue: &Number) -> bool {
        let agent = self.extensions.get(device).and_then(|extension| extension.agent.as_ref());
        agent.is_some_and(|agent| agent.groups.is_empty() || agent.groups.contains(queue))
    }

    /// Whether a queue may give a call to this extension as far as its agent is concerned.
    pub(super) fn agent_takes_calls(&self, device: &Extension, queue: &Number, agents_only: bool) -> bool {
        match &device.agent {
            Some(agent) => agent.state == AgentState::Ready && self.serves(&device.config.number, queue),
            None => !agents_only,
        }
    }

    /// The queues that an extension may get calls from.
    pub(super) fn queues_of(&self, device: &Number) -> Vec<Number> {
        let Some(extension) = self.extensions.get(device) else { return Vec::new() };
        let mut queues = extension.member_of.clone();
        let groups = extension.agent.iter().flat_map(|agent| &agent.groups);
        queues.extend(groups.filter(|group| !extension.member_of.contains(group)).cloned());
        queues
    }
}
