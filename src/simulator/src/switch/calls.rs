//! Calls and their connections: the only place where they are made, moved and removed, and where events about
//! them are composed.

use std::sync::Arc;
use std::time::Duration;

use super::event::{CallFacts, EventKind, RouteFailure, SwitchEvent, View};
use super::model::{CallId, Caller, Cause, ConnectionId, LocalState, Number, RouteId};
use super::services::Services;
use super::timer::{Then, Timer, TimerKey};
use super::{ClearStyle, PointEvents, Switch, SwitchError};

/// A call.
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) calling: Caller,
    pub(super) called: Number,
    pub(super) last_redirection: Option<Number>,
    pub(super) correlator: Option<Arc<str>>,
    pub(super) legs: Vec<Leg>,
    /// Who gets the call back when nobody answers a transfer.
    pub(super) recall_to: Option<Number>,
    pub(super) started: Duration,
    /// How often it has come to a routing point without having rung or waited anywhere else since.
    pub(super) points: u8,
    /// When it began to ring or to wait after its last routing point.
    pub(super) rests_since: Option<Duration>,
}

/// A connection of a call.
pub(super) struct Leg {
    pub(super) device: Number,
    pub(super) state: LocalState,
    /// The queue that gave the call to this device.
    pub(super) queue: Option<Number>,
    /// The routeing dialogue about it, at a routing point.
    pub(super) route: Option<RouteId>,
    /// It has been answered at this device.
    pub(super) answered: bool,
    pub(super) timers: Vec<TimerKey>,
}

impl Call {
    pub(super) fn leg(&self, device: &Number) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.device == *device)
    }

    pub(super) fn facts(&self) -> CallFacts {
        CallFacts {
            id: self.id.clone(),
            calling: self.calling.clone(),
            called: self.called.clone(),
            last_redirection: self.last_redirection.clone(),
            correlator: self.correlator.clone(),
        }
    }

    /// Whether it goes on without a further party: two sides of which one speaks or holds, or a tone or prompt.
    fn lives(&self) -> bool {
        match self.legs.as_slice() {
            [] => false,
            [only] => matches!(only.state, LocalState::Fail | LocalState::Initiated),
            legs => legs.iter().any(|leg| matches!(leg.state, LocalState::Connected | LocalState::Hold)),
        }
    }
}

impl Switch {
    /// The leg that a request names.
    pub(super) fn find(&self, connection: &ConnectionId) -> Result<(&Call, &Leg), SwitchError> {
        let call = self
            .calls
            .get(&connection.call)
            .ok_or_else(|| SwitchError::UnknownCall(connection.call.clone()))?;
        let leg =
            call.leg(&connection.device).ok_or_else(|| SwitchError::UnknownConnection(connection.clone()))?;
        Ok((call, leg))
    }

    /// A new call without parties.
    pub(super) fn new_call(
        &mut self,
        calling: Caller,
        called: &Number,
        correlator: Option<Arc<str>>,
    ) -> Result<CallId, SwitchError> {
        check_correlator(correlator.as_deref())?;
        if self.calls.len() >= self.behaviour.max_calls {
            return Err(SwitchError::TooManyCalls);
        }
        let id = self.new_call_id();
        let call = Call {
            id: id.clone(),
            calling,
            called: called.clone(),
            last_redirection: None,
            correlator,
            legs: Vec::with_capacity(2),
            recall_to: None,
            started: self.now,
            points: 0,
            rests_since: None,
        };
        self.calls.insert(id.clone(), call);
        Ok(id)
    }

    pub(super) fn new_call_id(&mut self) -> CallId {
        let calls = &self.calls;
        self.ids.allocate(|id| calls.contains_key(id))
    }

    /// `device` becomes a party.
    pub(super) fn add_leg(&mut self, call: &CallId, device: &Number, state: LocalState) {
        self.add_queue_leg(call, device, state, None);
    }

    /// `device` becomes a party on behalf of a queue.
    pub(super) fn add_queue_leg(
        &mut self,
        call: &CallId,
        device: &Number,
        state: LocalState,
        queue: Option<Number>,
    ) {
        if let Some(entry) = self.calls.get_mut(call) {
            entry.legs.push(Leg {
                device: device.clone(),
                state,
                queue,
                route: None,
                answered: false,
                timers: Vec::new(),
            });
            self.at.entry(device.clone()).or_default().push(call.clone());
        }
    }

    /// `device` is no party any more; its timers are stopped and its place in a queue is given up.
    pub(super) fn remove_leg(&mut self, call: &CallId, device: &Number) -> Option<Leg> {
        let entry = self.calls.get_mut(call)?;
        let place = entry.legs.iter().position(|leg| leg.device == *device)?;
        let leg = entry.legs.remove(place);
        for key in &leg.timers {
            self.timers.cancel(*key);
        }
        if let Some(calls) = self.at.get_mut(device) {
            calls.retain(|id| id != call);
            if calls.is_empty() {
                self.at.remove(device);
            }
        }
        if let Some(queue) = self.queues.get_mut(device) {
            queue.waiting.retain(|id| id != call);
        }
        if let Some(route) = leg.route {
            self.end_route(route, Some(RouteFailure::CallGone));
        }
        if let Some(extension) = self.extensions.get_mut(device) {
            extension.idle_since = self.now;
            self.freed.push(device.clone());
        }
        Some(leg)
    }

    /// Changes the state of a leg; whatever was timed for the old state is stopped.
    pub(super) fn set_state(&mut self, call: &CallId, device: &Number, state: LocalState) {
        let Some(leg) = self.leg_mut(call, device) else { return };
        leg.state = state;
        leg.answered |= state == LocalState::Connected;
        let timers = std::mem::take(&mut leg.timers);
        for key in timers {
            self.timers.cancel(key);
        }
    }

    pub(super) fn leg_mut(&mut self, call: &CallId, device: &Number) -> Option<&mut Leg> {
        self.calls.get_mut(call)?.legs.iter_mut().find(|leg| leg.device == *device)
    }

    /// Lets something happen to a leg later, unless its state changes first.
    pub(super) fn set_timer(&mut self, call: &CallId, device: &Number, after: Duration, then: Then) {
        let timer = Timer::Leg { call: call.clone(), device: device.clone(), then };
        let key = self.timers.set(self.now + after, timer);
        match self.leg_mut(call, device) {
            Some(leg) => leg.timers.push(key),
            None => self.timers.cancel(key),
        }
    }

    /// The call rings or waits: it has come to somewhere.
    pub(super) fn rests(&mut self, call: &CallId) {
        if let Some(entry) = self.calls.get_mut(call) {
            entry.rests_since = Some(self.now);
        }
    }

    /// Ends a call that has no parties left.
    pub(super) fn remove_call(&mut self, call: &CallId) {
        if let Some(gone) = self.calls.remove(call) {
            self.ids.freed(gone.id);
        }
    }

    /// The call goes on under another id.
    pub(super) fn rename_call(&mut self, old: &CallId, new: &CallId) {
        let Some(mut call) = self.calls.remove(old) else { return };
        for leg in &call.legs {
            self.move_leg(leg, old, new);
        }
        call.id = new.clone();
        self.calls.insert(new.clone(), call);
        self.ids.freed(old.clone());
    }

    /// What belongs to a leg follows it from one call id to another.
    pub(super) fn move_leg(&mut self, leg: &Leg, old: &CallId, new: &CallId) {
        for id in self.at.get_mut(&leg.device).into_iter().flatten().filter(|id| *id == old) {
            *id = new.clone();
        }
        for key in &leg.timers {
            self.timers.rename(*key, new);
        }
        if let Some(queue) = self.queues.get_mut(&leg.device) {
            for id in queue.waiting.iter_mut().filter(|id| *id == old) {
                *id = new.clone();
            }
        }
        if let Some(dialogue) = leg.route.and_then(|route| self.routes.get_mut(&route)) {
            dialogue.call = new.clone();
        }
    }

    /// A party leaves; if the rest cannot go on, the call ends for everybody.
    pub(super) fn clear_leg(&mut self, call: &CallId, device: &Number, cause: Cause) {
        if self.remove_leg(call, device).is_none() {
            return;
        }
        let lives = self.calls.get(call).is_some_and(Call::lives);
        self.emit_cleared(call, device, device, cause, lives);
        if !lives {
            self.end_call(call, device, cause);
        }
    }

    /// The call ends for everybody who is still in it.
    pub(super) fn end_call(&mut self, call: &CallId, releasing: &Number, cause: Cause) {
        while let Some(device) = self.calls.get(call).and_then(|c| c.legs.first()).map(|l| l.device.clone()) {
            self.remove_leg(call, &device);
            self.emit_cleared(call, &device, releasing, cause, false);
        }
        self.remove_call(call);
    }

    /// `ConnectionCleared` of a party that has been removed already.
    pub(super) fn emit_cleared(
        &mut self,
        call: &CallId,
        device: &Number,
        releasing: &Number,
        cause: Cause,
        lives: bool,
    ) {
        let connection = ConnectionId::new(call.clone(), device.clone());
        let kind = EventKind::ConnectionCleared { connection, releasing: releasing.clone() };
        let own_only = !lives && self.behaviour.clearing == ClearStyle::OwnOnly;
        let gone = (device, LocalState::Null);
        self.emit_to(call, kind, cause, Some(gone), !own_only);
    }

    /// Tells every party.
    pub(super) fn emit(&mut self, call: &CallId, kind: EventKind, cause: Cause) {
        self.emit_to(call, kind, cause, None, true);
    }

    /// Tells every party, and first `device`, which is no party any more.
    pub(super) fn emit_leaving(&mut self, call: &CallId, kind: EventKind, cause: Cause, device: &Number) {
        self.emit_to(call, kind, cause, Some((device, LocalState::Null)), true);
    }

    fn emit_to(
        &mut self,
        call: &CallId,
        kind: EventKind,
        cause: Cause,
        also: Option<(&Number, LocalState)>,
        parties: bool,
    ) {
        let Some(entry) = self.calls.get(call) else { return };
        let legs = entry.legs.iter().filter(|_| parties).map(|leg| (&leg.device, leg.state));
        let views: Vec<View> = also
            .into_iter()
            .chain(legs)
            .filter(|(device, _)| self.is_told(device))
            .map(|(device, state)| self.view(call, device, state))
            .collect();
        let call = Some(entry.facts());
        self.events.push(SwitchEvent { kind, call, cause: Some(cause), views });
    }

    /// How `device` sees the call.
    fn view(&self, call: &CallId, device: &Number, state: LocalState) -> View {
        let (held, active) = self.other_calls(device, call);
        View { device: device.clone(), local: Some(state), services: Services::of(state, held, active) }
    }

    /// How many calls other than `call` the device holds, and in how many it is active.
    pub(super) fn other_calls(&self, device: &Number, call: &CallId) -> (usize, usize) {
        if !self.extensions.contains_key(device) && self.is_device(device) {
            return (0, 0);
        }
        let mut counts = (0, 0);
        for other in self.at.get(device).into_iter().flatten().filter(|id| *id != call) {
            match self.calls.get(other).and_then(|c| c.leg(device)).map(|leg| leg.state) {
                Some(LocalState::Hold) => counts.0 += 1,
                Some(LocalState::Connected | LocalState::Initiated | LocalState::Fail) => counts.1 += 1,
                _ => {}
            }
        }
        counts
    }

    /// Whether the number is an extension, a queue or a routing point of this switch.
    #[must_use]
    pub fn is_device(&self, number: &Number) -> bool {
        self.extensions.contains_key(number)
            || self.queues.contains_key(number)
            || self.points.contains_key(number)
    }

    /// Whether a monitor of this device hears of its calls.
    #[must_use]
    pub fn is_told(&self, number: &Number) -> bool {
        let point = self.points.get(number);
        point.map_or_else(|| self.is_device(number), |point| point.config.events != PointEvents::Nothing)
    }
}

/// Every event of a call carries its data, so it must fit a message many times over.
pub(super) fn check_correlator(data: Option<&str>) -> Result<(), SwitchError> {
    match data {
        Some(data) if data.len() > 1024 || !data.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Err(SwitchError::InvalidCorrelator)
        }
        _ => Ok(()),
    }
}
