//! Where a call goes: forwarding, busy, do-not-disturb, outside numbers; and what happens when time is over.

use super::event::EventKind;
use super::model::{AgentState, CallId, Cause, ConnectionId, Forwarding, LocalState, Number};
use super::timer::{Then, Timer};
use super::{Switch, SwitchError, Unanswered};

/// A call is forwarded at most so often before it counts as going in a circle.
const MOST_FORWARDS: usize = 5;

/// What a dialled number comes down to.
pub(super) struct Reach {
    pub(super) place: Place,
    /// The device reached in the end.
    pub(super) device: Number,
    /// The forwarding that led there last, and from where.
    forwarded: Option<(Cause, Number)>,
}

/// What stands there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Extension,
    Queue,
    RoutingPoint,
    Outside,
    /// Cannot be reached, for this cause.
    Nowhere(Cause),
}

impl Switch {
    /// Follows forwardings until a device is found that can take `call`. Changes nothing.
    pub(super) fn reach(&self, target: &Number, call: Option<&CallId>) -> Reach {
        let mut device = target.clone();
        let mut forwarded = None;
        for _ in 0..=MOST_FORWARDS {
            let place = match self.extensions.get(&device) {
                Some(extension) => {
                    if let Some(to) = extension.forwarding.get(&Forwarding::Immediate) {
                        forwarded = Some((Cause::CallForwardImmediate, device));
                        device = to.clone();
                        continue;
                    }
                    let busy = self.is_busy(&device, call);
                    if let Some(to) = extension.forwarding.get(&Forwarding::Busy).filter(|_| busy) {
                        forwarded = Some((Cause::CallForwardBusy, device));
                        device = to.clone();
                        continue;
                    }
                    if !extension.in_service {
                        Place::Nowhere(Cause::DestOutOfOrder)
                    } else if extension.do_not_disturb {
                        Place::Nowhere(Cause::DoNotDisturb)
                    } else if busy {
                        Place::Nowhere(Cause::Busy)
                    } else {
                        Place::Extension
                    }
                }
                None if self.is_party(&device, call) => Place::Nowhere(Cause::Busy),
                None if self.queues.contains_key(&device) => Place::Queue,
                None if self.points.contains_key(&device) => Place::RoutingPoint,
                None if !self.is_outside(&device) => Place::Nowhere(Cause::DestNotObtainable),
                None if self.outside.get(&device).is_some_and(|o| o.busy) => Place::Nowhere(Cause::Busy),
                None => Place::Outside,
            };
            return Reach { place, device, forwarded };
        }
        Reach { place: Place::Nowhere(Cause::Busy), device, forwarded }
    }

    /// The same, for services that are refused at once when the number cannot be reached.
    pub(super) fn reach_or_refuse(&self, target: &Number, call: &CallId) -> Result<Reach, SwitchError> {
        let reach = self.reach(target, Some(call));
        match reach.place {
            Place::Nowhere(Cause::DestNotObtainable) => Err(SwitchError::InvalidDestination(target.clone())),
            Place::Nowhere(Cause::DestOutOfOrder) => Err(SwitchError::OutOfService(reach.device)),
            Place::Nowhere(_) => Err(SwitchError::DestinationBusy(reach.device)),
            Place::Extension | Place::Queue | Place::RoutingPoint | Place::Outside => Ok(reach),
        }
    }

    /// Whether the number may be dialled at all.
    pub(super) fn check_dialled(&self, number: &Number) -> Result<(), SwitchError> {
        if self.is_device(number) || self.is_outside(number) {
            Ok(())
        } else {
            Err(SwitchError::InvalidDestination(number.clone()))
        }
    }

    /// Whether the number leads outside.
    #[must_use]
    pub fn is_outside(&self, number: &Number) -> bool {
        if self.outside.contains_key(number) {
            return true;
        }
        let text = number.as_str();
        let digits = text.strip_prefix('+').unwrap_or(text);
        let dialled = digits.len() >= self.behaviour.outside_digits && digits.len() <= 32;
        dialled && digits.bytes().all(|b| b.is_ascii_digit()) && !self.is_device(number)
    }

    fn is_party(&self, device: &Number, call: Option<&CallId>) -> bool {
        call.and_then(|id| self.calls.get(id)).is_some_and(|c| c.leg(device).is_some())
    }

    /// Whether the extension cannot take another call.
    pub(super) fn is_busy(&self, device: &Number, call: Option<&CallId>) -> bool {
        if self.is_party(device, call) {
            return true;
        }
        let waiting = self.extensions.get(device).is_some_and(|e| e.config.call_waiting);
        let mut alerting = 0;
        let mut active = 0;
        for id in self.at.get(device).into_iter().flatten() {
            match self.calls.get(id).and_then(|c| c.leg(device)).map(|leg| leg.state) {
                Some(LocalState::Alerting) => alerting += 1,
                Some(LocalState::Hold) | None => {}
                Some(_) => active += 1,
            }
        }
        if waiting { alerting > 0 || active > 1 } else { alerting + active > 0 }
    }

    /// Brings the call to the number, or lets it fail.
    pub(super) fn route(&mut self, call: &CallId, target: &Number, cause: Cause) {
        let reach = self.reach(target, Some(call));
        self.deliver(call, reach, cause);
    }

    /// Brings the call to what was found.
    pub(super) fn deliver(&mut self, call: &CallId, reach: Reach, cause: Cause) {
        let Reach { place, device, forwarded } = reach;
        let mut cause = cause;
        if let Some((why, from)) = forwarded {
            cause = why;
            if let Some(entry) = self.calls.get_mut(call) {
                entry.last_redirection = Some(from);
            }
        }
        match place {
            Place::Extension => self.ring(call, &device, None, cause),
            Place::Queue => self.enter_queue(call, &device),
            Place::RoutingPoint => self.enter_point(call, &device),
            Place::Outside => self.ring_outside(call, &device, cause),
            Place::Nowhere(why) => self.fail(call, &device, why),
        }
    }

    /// Lets an extension ring, on behalf of a queue if one is given.
    pub(super) fn ring(&mut self, call: &CallId, device: &Number, queue: Option<&Number>, cause: Cause) {
        self.add_queue_leg(call, device, LocalState::Alerting, queue.cloned());
        self.rests(call);
        let connection = ConnectionId::new(call.clone(), device.clone());
        if self.behaviour.offered {
            self.emit(call, EventKind::Offered { connection: connection.clone() }, cause);
        }
        self.emit(call, EventKind::Delivered { connection }, cause);
        let (forwards, answers) = self.extensions.get(device).map_or((false, None), |e| {
            (e.forwarding.contains_key(&Forwarding::NoAnswer), e.config.answers_after)
        });
        let recalls = self.calls.get(call).is_some_and(|c| c.recall_to.is_some());
        let soon = queue.is_some() || forwards || recalls;
        let limit = if soon { self.behaviour.no_answer_after } else { self.behaviour.ring_limit };
        self.set_timer(call, device, limit.0, Then::NoAnswer);
        if let Some(after) = answers {
            self.set_timer(call, device, after.0, Then::AutoAnswer);
        }
    }

    fn ring_outside(&mut self, call: &CallId, number: &Number, cause: Cause) {
        self.add_leg(call, number, LocalState::Alerting);
        self.rests(call);
        let connection = ConnectionId::new(call.clone(), number.clone());
        if self.behaviour.network_reached {
            let kind =
                EventKind::NetworkReached { connection: connection.clone(), trunk: Number::from("T0") };
            self.emit(call, kind, cause);
        }
        self.emit(call, EventKind::Delivered { connection }, cause);
        self.set_timer(call, number, self.behaviour.ring_limit.0, Then::NoAnswer);
        let profile = self.outside.get(number);
        let answers = profile.map_or(self.behaviour.outside_answers_after, |o| o.answers_after);
        if let Some(after) = answers {
            self.set_timer(call, number, after.0, Then::AutoAnswer);
        }
    }

    /// The call did not get to `target`: it goes back to who transferred it, or the caller hears a tone.
    pub(super) fn fail(&mut self, call: &CallId, target: &Number, cause: Cause) {
        if self.calls.get(call).is_some_and(|c| c.recall_to.is_some()) {
            self.recall(call, None, Cause::RecallBusy);
            return;
        }
        let Some(entry) = self.calls.get(call) else { return };
        let [caller] = entry.legs.as_slice() else {
            // Others are still talking; only the new party could not be had.
            let connection = ConnectionId::new(call.clone(), target.clone());
            self.emit(call, EventKind::Failed { connection, failing: target.clone() }, cause);
            return;
        };
        if caller.state == LocalState::Hold {
            // A telephone that is in another call meanwhile does not listen to a tone.
            return self.end_call(call, target, cause);
        }
        let caller = caller.device.clone();
        self.set_state(call, &caller, LocalState::Fail);
        let connection = ConnectionId::new(call.clone(), caller.clone());
        self.emit(call, EventKind::Failed { connection, failing: target.clone() }, cause);
        self.set_timer(call, &caller, self.behaviour.tone.0, Then::ToneEnds);
    }

    /// The call goes back to the device that transferred it; `from` rang in vain.
    pub(super) fn recall(&mut self, call: &CallId, from: Option<&Number>, cause: Cause) {
        let Some(back) = self.calls.get_mut(call).and_then(|c| c.recall_to.take()) else { return };
        if !matches!(self.reach(&back, Some(call)), Reach { place: Place::Extension, ref device, .. } if *device == back)
        {
            let releasing = from.unwrap_or(&back).clone();
            self.end_call(call, &releasing, Cause::CallNotAnswered);
            return;
        }
        if let Some(from) = from {
            self.divert(call, from, &back, cause);
        }
        self.ring(call, &back, None, cause);
    }

    /// A ringing or waiting party is left out, and told where the call went.
    pub(super) fn divert(&mut self, call: &CallId, from: &Number, to: &Number, cause: Cause) {
        // Who takes a call away from a routing point ends the dialogue about it; the call itself goes on.
        if let Some(route) = self.calls.get(call).and_then(|c| c.leg(from)).and_then(|leg| leg.route) {
            self.end_route(route, None);
        }
        self.remove_leg(call, from);
        let connection = ConnectionId::new(call.clone(), from.clone());
        let kind = EventKind::Diverted { connection, new_destination: to.clone() };
        self.emit_leaving(call, kind, cause, from);
        if let Some(entry) = self.calls.get_mut(call) {
            entry.last_redirection = Some(from.clone());
        }
    }

    /// A timer went off.
    pub(super) fn expire(&mut self, timer: Timer) {
        let (call, device, then) = match timer {
            Timer::WrapUp(device) => return self.wrap_up_ends(&device),
            Timer::Leg { call, device, then } => (call, device, then),
        };
        let connection = ConnectionId::new(call.clone(), device.clone());
        match then {
            Then::NoAnswer => self.not_answered(&call, &device),
            // A telephone that answers by itself stays silent while it is in another call.
            Then::AutoAnswer => drop(self.answer(&connection)),
            Then::ToneEnds => self.clear_leg(&call, &device, Cause::NormalClearing),
            Then::PromptEnds => self.clear_leg(&call, &device, Cause::Timeout),
            Then::Overflow => self.overflow(&call, &device),
            Then::RouteReply => self.route_not_answered(&call, &device),
        }
    }

    fn not_answered(&mut self, call: &CallId, device: &Number) {
        let Some(entry) = self.calls.get(call) else { return };
        let Some(leg) = entry.leg(device) else { return };
        if let Some(queue) = leg.queue.clone() {
            self.agent_did_not_answer(call, device, &queue);
            let unanswered = self.queues.get(&queue).map(|q| q.config.unanswered);
            if unanswered == Some(Unanswered::NotReady) && self.agent_state(device) == Some(AgentState::Ready)
            {
                self.change_agent(device, AgentState::NotReady, None);
            }
            return;
        }
        let recalls = entry.recall_to.is_some();
        let forward =
            self.extensions.get(device).and_then(|e| e.forwarding.get(&Forwarding::NoAnswer)).cloned();
        if let Some(to) = forward {
            let reach = self.reach(&to, Some(call));
            if !matches!(reach.place, Place::Nowhere(_)) {
                self.divert(call, device, &to, Cause::CallForwardNoAnswer);
                return self.deliver(call, reach, Cause::CallForwardNoAnswer);
            }
        }
        if recalls {
            self.recall(call, Some(device), Cause::RecallNoAnswer);
        } else {
            self.clear_leg(call, device, Cause::AlertTimeExpired);
        }
    }

    /// When one of several ringing devices has the call, the others stop.
    pub(super) fn stop_other_ringing(&mut self, call: &CallId, except: &Number) {
        let Some(entry) = self.calls.get(call) else { return };
        let others: Vec<Number> = entry
            .legs
            .iter()
            .filter(|leg| leg.state == LocalState::Alerting && leg.queue.is_some() && leg.device != *except)
            .map(|leg| leg.device.clone())
            .collect();
        for other in others {
            // The call itself goes on elsewhere, even if nobody but the caller is left for a moment.
            self.remove_leg(call, &other);
            self.emit_cleared(call, &other, &other, Cause::MultipleAlerting, true);
        }
    }
}
