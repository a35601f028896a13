//! Settings of a telephone and of the agent at it.

use std::sync::Arc;

use super::command::Outcome;
use super::event::{EventKind, SwitchEvent, View};
use super::model::{AgentRequest, AgentState, Cause, Forwarding, Number};
use super::services::Services;
use super::{Agent, Extension, Freed, Switch, SwitchError};

impl Switch {
    pub(super) fn set_do_not_disturb(&mut self, device: &Number, on: bool) -> Result<Outcome, SwitchError> {
        self.extension_mut(device)?.do_not_disturb = on;
        self.tell(device, EventKind::DoNotDisturb { device: device.clone(), on });
        self.look_at_queues_of(device);
        Ok(Outcome::Done)
    }

    pub(super) fn set_forwarding(
        &mut self,
        device: &Number,
        kind: Forwarding,
        to: Option<&Number>,
    ) -> Result<Outcome, SwitchError> {
        if let Some(to) = to
            && (to == device || self.check_dialled(to).is_err())
        {
            return Err(SwitchError::InvalidForwardingDestination(to.clone()));
        }
        let forwarding = &mut self.extension_mut(device)?.forwarding;
        let before = match to {
            Some(to) => forwarding.insert(kind, to.clone()),
            None => forwarding.remove(&kind),
        };
        let active = to.is_some();
        self.tell(
            device,
            EventKind::Forwarding { device: device.clone(), kind, active, to: to.cloned().or(before) },
        );
        self.look_at_queues_of(device);
        Ok(Outcome::Done)
    }

    pub(super) fn set_out_of_service(&mut self, device: &Number, out: bool) -> Result<Outcome, SwitchError> {
        let extension = self.extension_mut(device)?;
        if extension.in_service != out {
            return Ok(Outcome::Done);
        }
        extension.in_service = !out;
        if out {
            for call in self.at.get(device).cloned().unwrap_or_default() {
                self.clear_leg(&call, device, Cause::DestOutOfOrder);
            }
            self.tell(device, EventKind::OutOfService { device: device.clone() });
        } else {
            self.tell(device, EventKind::BackInService { device: device.clone() });
            self.look_at_queues_of(device);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn set_agent_state(
        &mut self,
        device: &Number,
        id: Option<&Arc<str>>,
        group: Option<&Number>,
        request: AgentRequest,
    ) -> Result<Outcome, SwitchError> {
        let extension = self.extension_mut(device)?;
        if request == AgentRequest::LoggedOn {
            return log_on(extension, id, group).map(|()| {
                self.tell_logged(device, true);
                self.change_agent(device, AgentState::NotReady);
                Outcome::Done
            });
        }
        let Some(agent) = &mut extension.agent else {
            return Err(SwitchError::InvalidAgentState(device.clone()));
        };
        if id.is_some_and(|id| **id != *agent.id) {
            return Err(SwitchError::InvalidAgent(device.clone()));
        }
        let wanted = match request {
            AgentRequest::NotReady => AgentState::NotReady,
            AgentRequest::Ready => AgentState::Ready,
            AgentRequest::WorkingAfterCall => AgentState::WorkingAfterCall,
            AgentRequest::LoggedOn | AgentRequest::LoggedOff => {
                return self.log_off(device);
            }
        };
        if agent.state == AgentState::Busy {
            agent.pending = Some(wanted);
            return Ok(Outcome::Pending(wanted));
        }
        self.change_agent(device, wanted);
        Ok(Outcome::Done)
    }

    fn log_off(&mut self, device: &Number) -> Result<Outcome, SwitchError> {
        if self.agent_state(device) == Some(AgentState::Busy) {
            return Err(SwitchError::InvalidAgentState(device.clone()));
        }
        self.tell_logged(device, false);
        let agent = self.extension_mut(device)?.agent.take();
        if let Some(key) = agent.and_then(|a| a.wrap_up) {
            self.timers.cancel(key);
        }
        self.look_at_queues_of(device);
        Ok(Outcome::Done)
    }

    /// The agent goes to another state, and everybody hears of it.
    pub(super) fn change_agent(&mut self, device: &Number, state: AgentState) {
        let Some(agent) = self.extensions.get_mut(device).and_then(|e| e.agent.as_mut()) else { return };
        agent.state = state;
        let wrap_up = agent.wrap_up.take();
        let kind = EventKind::AgentState {
            device: device.clone(),
            agent: Arc::clone(&agent.id),
            group: agent.group.clone(),
            state,
        };
        if let Some(key) = wrap_up {
            self.timers.cancel(key);
        }
        self.tell(device, kind);
        self.look_at_queues_of(device);
    }

    fn tell_logged(&mut self, device: &Number, on: bool) {
        let Some(found) = self.extensions.get(device).and_then(|e| e.agent.as_ref()) else { return };
        let (device, agent, group) = (device.clone(), Arc::clone(&found.id), found.group.clone());
        let kind = if on {
            EventKind::AgentLoggedOn { device: device.clone(), agent, group }
        } else {
            EventKind::AgentLoggedOff { device: device.clone(), agent, group }
        };
        self.tell(&device, kind);
    }

    /// An event of a device, without a call.
    fn tell(&mut self, device: &Number, kind: EventKind) {
        let view = View { device: device.clone(), local: None, services: Services::default() };
        self.events.push(SwitchEvent { kind, call: None, cause: None, views: vec![view] });
    }

    fn look_at_queues_of(&mut self, device: &Number) {
        self.freed.push(Freed { device: device.clone(), served: None });
    }

    fn extension_mut(&mut self, device: &Number) -> Result<&mut Extension, SwitchError> {
        self.check_extension(device)?;
        self.extensions.get_mut(device).ok_or_else(|| SwitchError::UnknownDevice(device.clone()))
    }
}

fn log_on(
    extension: &mut Extension,
    id: Option<&Arc<str>>,
    group: Option<&Number>,
) -> Result<(), SwitchError> {
    let device = &extension.config.number;
    match (&extension.agent, id) {
        (Some(agent), Some(id)) if **id != *agent.id => Err(SwitchError::InvalidAgent(device.clone())),
        (Some(_), _) => Err(SwitchError::InvalidAgentState(device.clone())),
        (None, Some(id)) if id.len() > 64 => Err(SwitchError::InvalidAgent(device.clone())),
        (None, None) => Err(SwitchError::InvalidAgent(device.clone())),
        (None, Some(id)) => {
            let (id, group) = (Arc::clone(id), group.cloned());
            let state = AgentState::NotReady;
            extension.agent = Some(Agent { id, group, state, pending: None, wrap_up: None });
            Ok(())
        }
    }
}
