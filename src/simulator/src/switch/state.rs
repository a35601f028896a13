//! Looking at the switch: what stands where now, and whether it all agrees.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::calls::{Call, Leg};
use super::model::{
    AgentRequest, AgentState, CallId, ConnectionId, Forwarding, LocalState, Number, RegistrationId,
};
use super::services::Services;
use super::timer::Timer;
use super::{Extension, Switch, SwitchError};

/// Everything, as a person would want to see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchState {
    /// Every extension.
    pub extensions: Vec<ExtensionView>,
    /// Every queue.
    pub queues: Vec<QueueView>,
    /// Every routing point.
    pub routing_points: Vec<RoutingPointView>,
    /// Every call.
    pub calls: Vec<CallView>,
}

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionView {
    /// Its number.
    pub number: Number,
    /// Who sits there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// It works.
    pub in_service: bool,
    /// It does not want to be disturbed.
    pub do_not_disturb: bool,
    /// Its forwardings.
    pub forwarding: BTreeMap<Forwarding, Number>,
    /// The agent who is logged on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentView>,
    /// The calls at it, oldest first.
    pub calls: Vec<CallId>,
}

/// The agent at an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentView {
    /// Who.
    pub id: Arc<str>,
    /// The queues that the agent logged on to; none: every queue that the extension is a member of.
    pub groups: Vec<Number>,
    /// What the agent does.
    pub state: AgentState,
    /// Why not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// What is to follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<AgentRequest>,
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueView {
    /// Its number.
    pub number: Number,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// Its members.
    pub members: Vec<Number>,
    /// The extensions at which an agent is logged on who takes its calls.
    pub agents: Vec<Number>,
    /// The calls that wait, the next one first.
    pub waiting: Vec<CallId>,
}

/// One routing point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoutingPointView {
    /// Its number.
    pub number: Number,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// Where calls go when nobody says otherwise.
    pub default_to: Number,
    /// Who is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationId>,
    /// The calls about which it has asked and waits, oldest first.
    pub asking: Vec<CallId>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallView {
    /// Its id.
    pub id: CallId,
    /// Who called.
    pub calling: Number,
    /// The caller withholds the number.
    pub withheld: bool,
    /// What was dialled.
    pub called: Number,
    /// Its parties.
    pub connections: Vec<LegView>,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LegView {
    /// The device.
    pub device: Number,
    /// Its state there.
    pub state: LocalState,
    /// What the device may do.
    pub services: Services,
}

impl SwitchState {
    /// How many calls ring at a device.
    #[must_use]
    pub fn calls_ringing_at(&self, device: &str) -> usize {
        let legs = self.calls.iter().flat_map(|call| &call.connections);
        legs.filter(|leg| leg.device.as_str() == device && leg.state == LocalState::Alerting).count()
    }
}

impl Switch {
    /// Everything.
    #[must_use]
    pub fn state(&self) -> SwitchState {
        SwitchState {
            extensions: self.extensions.values().map(|e| self.extension_view(e)).collect(),
            queues: self
                .queues
                .values()
                .map(|q| QueueView {
                    number: q.config.number.clone(),
                    name: q.config.name.clone(),
                    members: q.config.members.clone(),
                    agents: self.agents_of(&q.config.number),
                    waiting: q.waiting.iter().cloned().collect(),
                })
                .collect(),
            routing_points: self
                .points
                .values()
                .map(|p| RoutingPointView {
                    number: p.config.number.clone(),
                    name: p.config.name.clone(),
                    default_to: p.config.default_to.clone(),
                    registration: self.asks(&p.config.number),
                    asking: self.at.get(&p.config.number).cloned().unwrap_or_default(),
                })
                .collect(),
            calls: self.calls.values().map(|c| self.call_view(c)).collect(),
        }
    }

    /// One extension.
    #[must_use]
    pub fn extension(&self, number: &Number) -> Option<ExtensionView> {
        self.extensions.get(number).map(|e| self.extension_view(e))
    }

    /// One call.
    #[must_use]
    pub fn call(&self, id: &CallId) -> Option<CallView> {
        self.calls.get(id).map(|c| self.call_view(c))
    }

    /// The calls at a device, oldest first, in full.
    #[must_use]
    pub fn calls_at(&self, device: &Number) -> Vec<CallView> {
        let ids = self.at.get(device).into_iter().flatten();
        ids.filter_map(|id| self.call(id)).collect()
    }

    /// The latest connection of `device` that `wanted` fits, for people who do not know call ids.
    ///
    /// # Errors
    /// When there is none, or no device.
    pub fn connection_at(
        &self,
        device: &Number,
        wanted: impl Fn(LocalState) -> bool,
    ) -> Result<ConnectionId, SwitchError> {
        let mut ids = self.at.get(device).into_iter().flatten();
        let fits =
            |id: &&CallId| self.calls.get(*id).and_then(|c| c.leg(device)).is_some_and(|l| wanted(l.state));
        let found = ids.rfind(fits);
        match found {
            Some(call) => Ok(ConnectionId::new(call.clone(), device.clone())),
            None if self.is_device(device) || self.is_outside(device) => {
                Err(SwitchError::UnknownConnection(ConnectionId::new("(any)", device.clone())))
            }
            None => Err(SwitchError::UnknownDevice(device.clone())),
        }
    }

    /// The numbers of all extensions.
    pub fn extension_numbers(&self) -> impl Iterator<Item = &Number> {
        self.extensions.keys()
    }

    /// The numbers of all queues.
    pub fn queue_numbers(&self) -> impl Iterator<Item = &Number> {
        self.queues.keys()
    }

    /// How many calls wait in a queue.
    #[must_use]
    pub fn waiting_in(&self, queue: &Number) -> usize {
        self.queues.get(queue).map_or(0, |queue| queue.waiting.len())
    }

    /// The numbers of all routing points.
    pub fn routing_point_numbers(&self) -> impl Iterator<Item = &Number> {
        self.points.keys()
    }

    /// Whether the number is a routing point.
    #[must_use]
    pub fn is_routing_point(&self, number: &Number) -> bool {
        self.points.contains_key(number)
    }

    /// The name that belongs to a number: of an extension, a queue, a routing point or an outside party.
    #[must_use]
    pub fn name_of(&self, number: &Number) -> Option<&Arc<str>> {
        if let Some(extension) = self.extensions.get(number) {
            return extension.config.name.as_ref();
        }
        if let Some(queue) = self.queues.get(number) {
            return queue.config.name.as_ref();
        }
        if let Some(point) = self.points.get(number) {
            return point.config.name.as_ref();
        }
        self.outside.get(number).and_then(|o| o.name.as_ref())
    }

    /// How many calls there are.
    #[must_use]
    pub fn call_count(&self) -> usize {
        self.calls.len()
    }

    /// Checks that all parts of the switch agree with each other; for tests.
    ///
    /// # Errors
    /// What does not agree.
    pub fn audit(&self) -> Result<(), String> {
        for call in self.calls.values() {
            self.audit_call(call)?;
        }
        for (device, calls) in &self.at {
            if calls.is_empty() {
                return Err(format!("{device} keeps an empty list of calls"));
            }
            for id in calls {
                if self.calls.get(id).and_then(|c| c.leg(device)).is_none() {
                    return Err(format!("{device} remembers call {id}, which does not know it"));
                }
            }
        }
        for queue in self.queues.values() {
            for id in &queue.waiting {
                if self.calls.get(id).and_then(|c| c.leg(&queue.config.number)).is_none() {
                    return Err(format!("queue {} keeps call {id}, which is gone", queue.config.number));
                }
            }
        }
        for (route, dialogue) in &self.routes {
            let leg = self.calls.get(&dialogue.call).and_then(|c| c.leg(&dialogue.point));
            if leg.is_none_or(|leg| leg.route != Some(*route)) {
                return Err(format!("route {route} asks about call {}, which is gone", dialogue.call));
            }
        }
        for (key, timer) in self.timers.all() {
            let owned = match timer {
                Timer::Leg { call, device, .. } => {
                    let leg = self.calls.get(call).and_then(|c| c.leg(device));
                    leg.is_some_and(|leg| leg.timers.contains(key))
                }
                Timer::WrapUp(device) => {
                    let agent = self.extensions.get(device).and_then(|e| e.agent.as_ref());
                    agent.is_some_and(|a| a.wrap_up == Some(*key))
                }
            };
            if !owned {
                return Err(format!("the timer {timer:?} belongs to nothing"));
            }
        }
        Ok(())
    }

    fn audit_call(&self, call: &Call) -> Result<(), String> {
        let id = &call.id;
        let speaking =
            call.legs.iter().any(|leg| matches!(leg.state, LocalState::Connected | LocalState::Hold));
        match call.legs.as_slice() {
            [] => return Err(format!("call {id} has no party")),
            [only] if !matches!(only.state, LocalState::Fail | LocalState::Initiated) => {
                return Err(format!("call {id} goes on with {} alone, {:?}", only.device, only.state));
            }
            [_] => {}
            _ if !speaking => return Err(format!("call {id} rings without a caller")),
            _ => {}
        }
        for leg in &call.legs {
            let same = call.legs.iter().filter(|other| other.device == leg.device).count();
            if same != 1 {
                return Err(format!("{} is {same} times in call {id}", leg.device));
            }
            self.audit_leg(id, leg)?;
        }
        Ok(())
    }

    fn audit_leg(&self, id: &CallId, leg: &Leg) -> Result<(), String> {
        if !self.at.get(&leg.device).is_some_and(|calls| calls.contains(id)) {
            return Err(format!("{} does not know of its call {id}", leg.device));
        }
        let waits = self.queues.get(&leg.device).is_some_and(|q| q.waiting.contains(id));
        if waits != self.queues.contains_key(&leg.device) {
            return Err(format!("call {id} stands at queue {} without waiting in it", leg.device));
        }
        if self.points.contains_key(&leg.device) && leg.route.is_none_or(|r| !self.routes.contains_key(&r)) {
            return Err(format!("call {id} stands at routing point {} and nobody is asked", leg.device));
        }
        let needs_an_end =
            matches!(leg.state, LocalState::Alerting | LocalState::Fail | LocalState::Initiated);
        if needs_an_end && !waits && leg.timers.is_empty() {
            return Err(format!("call {id} can stay {:?} at {} for ever", leg.state, leg.device));
        }
        if leg.state == LocalState::Connected && self.extensions.contains_key(&leg.device) {
            let (_, active) = self.other_calls(&leg.device, id);
            if active > 0 {
                return Err(format!("{} speaks in two calls", leg.device));
            }
        }
        Ok(())
    }

    fn extension_view(&self, extension: &Extension) -> ExtensionView {
        let number = extension.config.number.clone();
        ExtensionView {
            name: extension.config.name.clone(),
            in_service: extension.in_service,
            do_not_disturb: extension.do_not_disturb,
            forwarding: extension.forwarding.clone(),
            agent: extension.agent.as_ref().map(|agent| AgentView {
                id: Arc::clone(&agent.id),
                groups: agent.groups.iter().cloned().collect(),
                state: agent.state,
                reason: agent.reason.clone(),
                pending: agent.pending.as_ref().map(|pending| pending.request),
            }),
            calls: self.at.get(&number).cloned().unwrap_or_default(),
            number,
        }
    }

    fn call_view(&self, call: &Call) -> CallView {
        CallView {
            id: call.id.clone(),
            calling: call.calling.device.clone(),
            withheld: call.calling.withheld,
            called: call.called.clone(),
            connections: call
                .legs
                .iter()
                .map(|leg| {
                    let (held, active) = self.other_calls(&leg.device, &call.id);
                    let services = Services::of(leg.state, held, active);
                    LegView { device: leg.device.clone(), state: leg.state, services }
                })
                .collect(),
        }
    }
}
