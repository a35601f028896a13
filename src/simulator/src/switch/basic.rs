//! Making, answering, holding, sending on and ending calls.

use std::sync::Arc;

use super::calls::check_correlator;
use super::command::Outcome;
use super::event::EventKind;
use super::model::{CallId, Caller, Cause, ConnectionId, LocalState, Number};
use super::timer::Then;
use super::{Switch, SwitchError};

impl Switch {
    pub(super) fn make_call(
        &mut self,
        from: &Number,
        to: &Number,
        prompt: bool,
        correlator: Option<Arc<str>>,
    ) -> Result<Outcome, SwitchError> {
        let Some(extension) = self.extensions.get(from) else {
            return Err(SwitchError::UnknownCallingDevice(from.clone()));
        };
        if !extension.in_service {
            return Err(SwitchError::OutOfService(from.clone()));
        }
        self.check_idle(from)?;
        self.check_dialled(to)?;
        let calling = Caller { device: from.clone(), withheld: false };
        let call = self.new_call(calling, to, correlator)?;
        let connection = ConnectionId::new(call.clone(), from.clone());
        self.add_leg(&call, from, LocalState::Initiated);
        if prompt || self.behaviour.service_initiated {
            let kind = EventKind::ServiceInitiated { connection: connection.clone() };
            self.emit(&call, kind, Cause::MakeCall);
        }
        if prompt {
            self.set_timer(&call, from, self.behaviour.prompt.0, Then::PromptEnds);
        } else {
            self.originate(&call, from, Cause::NewCall);
        }
        Ok(Outcome::Connection(connection))
    }

    /// The device has dialled; the call goes to what it dialled.
    pub(super) fn originate(&mut self, call: &CallId, from: &Number, cause: Cause) {
        self.set_state(call, from, LocalState::Connected);
        let connection = ConnectionId::new(call.clone(), from.clone());
        self.emit(call, EventKind::Originated { connection }, cause);
        if let Some(to) = self.calls.get(call).map(|c| c.called.clone()) {
            self.route(call, &to, cause);
        }
    }

    pub(super) fn outside_call(
        &mut self,
        from: Option<&Number>,
        to: &Number,
        correlator: Option<Arc<str>>,
    ) -> Result<Outcome, SwitchError> {
        if let Some(from) = from
            && (self.is_device(from) || from.as_str().is_empty() || from.as_str().len() > 64)
        {
            return Err(SwitchError::NotForThisDevice(from.clone()));
        }
        if !self.is_device(to) {
            return Err(SwitchError::InvalidDestination(to.clone()));
        }
        let device = from.cloned().unwrap_or_else(|| {
            self.withheld += 1;
            Number::from(format!("T{}", self.withheld))
        });
        let calling = Caller { device: device.clone(), withheld: from.is_none() };
        let call = self.new_call(calling, to, correlator)?;
        self.add_leg(&call, &device, LocalState::Connected);
        self.route(&call, to, Cause::NewCall);
        Ok(Outcome::Connection(ConnectionId::new(call, device)))
    }

    pub(super) fn answer(&mut self, connection: &ConnectionId) -> Result<Outcome, SwitchError> {
        let (_, leg) = self.find(connection)?;
        let ConnectionId { call, device } = connection;
        match leg.state {
            LocalState::Initiated => {
                self.originate(call, device, Cause::NewCall);
                Ok(Outcome::Done)
            }
            LocalState::Alerting if self.is_device(device) && !self.extensions.contains_key(device) => {
                Err(SwitchError::NotForThisDevice(device.clone()))
            }
            LocalState::Alerting => {
                self.check_no_other_active(device, call)?;
                self.set_state(call, device, LocalState::Connected);
                if let Some(entry) = self.calls.get_mut(call) {
                    entry.recall_to = None;
                }
                self.emit(call, EventKind::Established { connection: connection.clone() }, Cause::Normal);
                self.agent_answered(call, device);
                self.stop_other_ringing(call, device);
                Ok(Outcome::Done)
            }
            _ => Err(SwitchError::NotRinging(connection.clone())),
        }
    }

    pub(super) fn hold(&mut self, connection: &ConnectionId) -> Result<Outcome, SwitchError> {
        self.check_active(connection)?;
        self.check_extension(&connection.device)?;
        self.put_on_hold(connection, Cause::Normal);
        Ok(Outcome::Done)
    }

    pub(super) fn put_on_hold(&mut self, connection: &ConnectionId, cause: Cause) {
        self.set_state(&connection.call, &connection.device, LocalState::Hold);
        self.emit(&connection.call, EventKind::Held { connection: connection.clone() }, cause);
    }

    pub(super) fn retrieve(&mut self, connection: &ConnectionId) -> Result<Outcome, SwitchError> {
        self.check_held(connection)?;
        self.check_no_other_active(&connection.device, &connection.call)?;
        self.take_from_hold(connection, Cause::Normal);
        Ok(Outcome::Done)
    }

    pub(super) fn take_from_hold(&mut self, connection: &ConnectionId, cause: Cause) {
        self.set_state(&connection.call, &connection.device, LocalState::Connected);
        self.emit(&connection.call, EventKind::Retrieved { connection: connection.clone() }, cause);
    }

    pub(super) fn digits(
        &mut self,
        connection: &ConnectionId,
        digits: &Arc<str>,
    ) -> Result<Outcome, SwitchError> {
        self.check_active(connection)?;
        let valid = |b: u8| b.is_ascii_digit() || matches!(b, b'*' | b'#' | b'A'..=b'D');
        if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(valid) {
            return Err(SwitchError::InvalidDigits);
        }
        let kind = EventKind::DigitsGenerated { connection: connection.clone(), digits: Arc::clone(digits) };
        self.emit(&connection.call, kind, Cause::Normal);
        Ok(Outcome::Done)
    }

    pub(super) fn associate_data(
        &mut self,
        connection: &ConnectionId,
        correlator: &Arc<str>,
    ) -> Result<Outcome, SwitchError> {
        self.find(connection)?;
        check_correlator(Some(correlator))?;
        if let Some(call) = self.calls.get_mut(&connection.call) {
            call.correlator = Some(Arc::clone(correlator));
        }
        let kind = EventKind::CallInformation { connection: connection.clone() };
        self.emit(&connection.call, kind, Cause::Normal);
        Ok(Outcome::Done)
    }

    pub(super) fn clear_connection(&mut self, connection: &ConnectionId) -> Result<Outcome, SwitchError> {
        let (entry, leg) = self.find(connection)?;
        let ConnectionId { call, device } = connection;
        let rings_alone = leg.state == LocalState::Alerting
            && entry.legs.iter().filter(|l| l.state == LocalState::Alerting).count() == 1;
        match leg.queue.clone() {
            // An agent who rejects a call of the queue gives it back.
            Some(queue) if rings_alone => self.agent_did_not_answer(call, device, &queue),
            _ => self.clear_leg(call, device, Cause::NormalClearing),
        }
        Ok(Outcome::Done)
    }

    pub(super) fn clear_whole_call(&mut self, call: &CallId) -> Result<Outcome, SwitchError> {
        let entry = self.calls.get(call).ok_or_else(|| SwitchError::UnknownCall(call.clone()))?;
        if let Some(releasing) = entry.legs.first().map(|leg| leg.device.clone()) {
            self.end_call(call, &releasing, Cause::NormalClearing);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn outside_busy(&mut self, connection: &ConnectionId) -> Result<Outcome, SwitchError> {
        let (_, leg) = self.find(connection)?;
        let ConnectionId { call, device } = connection;
        if self.is_device(device) {
            return Err(SwitchError::NotForThisDevice(device.clone()));
        }
        if leg.state != LocalState::Alerting {
            return Err(SwitchError::NotRinging(connection.clone()));
        }
        self.remove_leg(call, device);
        self.fail(call, device, Cause::Busy);
        Ok(Outcome::Done)
    }

    pub(super) fn deflect(&mut self, connection: &ConnectionId, to: &Number) -> Result<Outcome, SwitchError> {
        let (_, leg) = self.find(connection)?;
        let ConnectionId { call, device } = connection;
        if !matches!(leg.state, LocalState::Alerting | LocalState::Queued) {
            return Err(SwitchError::NotRinging(connection.clone()));
        }
        let reach = self.reach_or_refuse(to, call)?;
        self.divert(call, device, &reach.device, Cause::Redirected);
        self.stop_other_ringing(call, device);
        self.deliver(call, reach, Cause::Redirected);
        Ok(Outcome::Done)
    }

    pub(super) fn pick_up(&mut self, connection: &ConnectionId, by: &Number) -> Result<Outcome, SwitchError> {
        let (entry, leg) = self.find(connection)?;
        let ConnectionId { call, device } = connection;
        if leg.state != LocalState::Alerting {
            return Err(SwitchError::NotRinging(connection.clone()));
        }
        if entry.leg(by).is_some() {
            return Err(SwitchError::AlreadyParty(by.clone()));
        }
        self.check_extension(device)?;
        self.check_extension(by)?;
        self.check_idle(by)?;
        self.divert(call, device, by, Cause::CallPickup);
        self.add_leg(call, by, LocalState::Alerting);
        self.set_state(call, by, LocalState::Connected);
        if let Some(entry) = self.calls.get_mut(call) {
            entry.recall_to = None;
        }
        let picked = ConnectionId::new(call.clone(), by.clone());
        self.emit(call, EventKind::Established { connection: picked.clone() }, Cause::CallPickup);
        self.stop_other_ringing(call, by);
        Ok(Outcome::Connection(picked))
    }

    pub(super) fn group_pickup(&mut self, by: &Number) -> Result<Outcome, SwitchError> {
        self.check_extension(by)?;
        let nothing = || SwitchError::NothingToPickUp(by.clone());
        let group =
            self.extensions.get(by).and_then(|e| e.config.pickup_group.as_ref()).ok_or_else(nothing)?;
        let members = self.pickup_groups.get(group).into_iter().flatten().filter(|member| *member != by);
        let ringing = members.flat_map(|member| {
            let calls = self.at.get(member).into_iter().flatten().filter_map(|id| self.calls.get(id));
            calls
                .filter(|c| c.leg(member).is_some_and(|leg| leg.state == LocalState::Alerting))
                .filter(|c| c.leg(by).is_none())
                .map(move |c| (c.started, ConnectionId::new(c.id.clone(), member.clone())))
        });
        let (_, longest) = ringing.min().ok_or_else(nothing)?;
        self.pick_up(&longest, by)
    }

    /// The connection speaks.
    pub(super) fn check_active(&self, connection: &ConnectionId) -> Result<(), SwitchError> {
        match self.find(connection)?.1.state {
            LocalState::Connected => Ok(()),
            _ => Err(SwitchError::NotActive(connection.clone())),
        }
    }

    /// The connection is on hold.
    pub(super) fn check_held(&self, connection: &ConnectionId) -> Result<(), SwitchError> {
        match self.find(connection)?.1.state {
            LocalState::Hold => Ok(()),
            _ => Err(SwitchError::NotHeld(connection.clone())),
        }
    }

    pub(super) fn check_no_other_active(&self, device: &Number, call: &CallId) -> Result<(), SwitchError> {
        // An outside party is the network's affair: it may be in as many calls as it likes.
        if self.is_device(device) && self.other_calls(device, call).1 > 0 {
            return Err(SwitchError::AlreadyActive(device.clone()));
        }
        Ok(())
    }

    pub(super) fn check_extension(&self, device: &Number) -> Result<(), SwitchError> {
        if self.extensions.contains_key(device) {
            Ok(())
        } else if self.is_device(device) || self.at.contains_key(device) {
            Err(SwitchError::NotForThisDevice(device.clone()))
        } else {
            Err(SwitchError::UnknownDevice(device.clone()))
        }
    }

    /// The extension may begin or take a call: it is in service and in no call that is not on hold.
    fn check_idle(&self, device: &Number) -> Result<(), SwitchError> {
        if self.extensions.get(device).is_some_and(|e| !e.in_service) {
            return Err(SwitchError::OutOfService(device.clone()));
        }
        let idle = self.at.get(device).into_iter().flatten().all(|id| {
            let leg = self.calls.get(id).and_then(|c| c.leg(device));
            leg.is_none_or(|leg| leg.state == LocalState::Hold)
        });
        if idle { Ok(()) } else { Err(SwitchError::AlreadyActive(device.clone())) }
    }
}
