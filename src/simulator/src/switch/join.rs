//! Consultation and what can come of it: swap, take back, transfer, conference; and their single-step kin.

use std::sync::Arc;

use super::calls::Leg;
use super::command::Outcome;
use super::event::{EventKind, Joined, Moved};
use super::model::{CallId, Caller, Cause, ConnectionId, LocalState, Number};
use super::route::Place;
use super::timer::Then;
use super::{MergedCallId, Switch, SwitchError};

impl Switch {
    pub(super) fn consult(
        &mut self,
        existing: &ConnectionId,
        to: &Number,
        correlator: Option<Arc<str>>,
    ) -> Result<Outcome, SwitchError> {
        self.check_active(existing)?;
        let device = &existing.device;
        self.check_extension(device)?;
        self.check_dialled(to)?;
        if device == to {
            return Err(SwitchError::InvalidDestination(to.clone()));
        }
        let calling = Caller { device: device.clone(), withheld: false };
        let call = self.new_call(calling, to, correlator)?;
        if self.behaviour.held_on_consultation {
            self.put_on_hold(existing, Cause::Consultation);
        } else {
            self.set_state(&existing.call, device, LocalState::Hold);
        }
        let cause =
            if self.behaviour.consultation_is_new_call { Cause::NewCall } else { Cause::Consultation };
        let initiated = ConnectionId::new(call.clone(), device.clone());
        self.add_leg(&call, device, LocalState::Initiated);
        if self.behaviour.service_initiated {
            self.emit(&call, EventKind::ServiceInitiated { connection: initiated.clone() }, cause);
        }
        self.originate(&call, device, cause);
        Ok(Outcome::Connection(initiated))
    }

    pub(super) fn alternate(
        &mut self,
        held: &ConnectionId,
        active: &ConnectionId,
    ) -> Result<Outcome, SwitchError> {
        self.check_pair(held, active)?;
        self.put_on_hold(active, Cause::Alternate);
        self.take_from_hold(held, Cause::Alternate);
        Ok(Outcome::Done)
    }

    pub(super) fn reconnect(
        &mut self,
        held: &ConnectionId,
        active: &ConnectionId,
    ) -> Result<Outcome, SwitchError> {
        // Also from a consultation that failed: busy tone is no reason to lose the customer.
        match self.check_pair(held, active) {
            Err(SwitchError::NotActive(_)) if self.find(active)?.1.state == LocalState::Fail => {}
            checked => checked?,
        }
        self.clear_leg(&active.call, &active.device, Cause::NormalClearing);
        self.set_state(&held.call, &held.device, LocalState::Connected);
        let named = if self.behaviour.reconnect_names_consultation { active } else { held };
        self.emit(&held.call, EventKind::Retrieved { connection: named.clone() }, Cause::Normal);
        Ok(Outcome::Done)
    }

    pub(super) fn transfer(
        &mut self,
        held: &ConnectionId,
        active: &ConnectionId,
    ) -> Result<Outcome, SwitchError> {
        self.check_pair(held, active)?;
        self.check_strangers(held, active)?;
        let device = &held.device;
        let speaks = |connection| -> Result<bool, SwitchError> {
            let legs = &self.find(connection)?.0.legs;
            Ok(legs.iter().any(|leg| leg.device != *device && is_speaking(leg.state)))
        };
        let (first, second) = (speaks(held)?, speaks(active)?);
        let answered = first && second;
        if !answered && !((first || second) && self.behaviour.transfer_while_ringing) {
            return Err(SwitchError::NotAnswered);
        }
        self.remove_leg(&held.call, device);
        self.remove_leg(&active.call, device);
        let (call, parties) = self.merge(&held.call, &active.call);
        let other = self.party_from(&active.call, &parties).unwrap_or_else(|| device.clone());
        self.hand_over(&call, device, (!answered).then_some(device));
        self.tell_transfer(&call, held, Some(active), &other, parties.clone(), Cause::Transfer);
        if self.behaviour.cleared_after_transfer {
            for old in [held, active] {
                let kind =
                    EventKind::ConnectionCleared { connection: old.clone(), releasing: device.clone() };
                self.emit_leaving(&call, kind, Cause::Transfer, device);
            }
        }
        Ok(Outcome::Joined { connection: ConnectionId::new(call, other), parties })
    }

    pub(super) fn single_step_transfer(
        &mut self,
        active: &ConnectionId,
        to: &Number,
    ) -> Result<Outcome, SwitchError> {
        self.check_active(active)?;
        let ConnectionId { call, device } = active;
        self.check_extension(device)?;
        self.check_dialled(to)?;
        let entry = self.find(active)?.0;
        if device == to || entry.leg(to).is_some() {
            return Err(SwitchError::AlreadyParty(to.clone()));
        }
        if !entry.legs.iter().any(|leg| leg.device != *device && is_speaking(leg.state)) {
            return Err(SwitchError::NotAnswered);
        }
        self.remove_leg(call, device);
        let new = match self.behaviour.merged_call_id {
            MergedCallId::Primary => call.clone(),
            MergedCallId::Secondary | MergedCallId::New => {
                let new = self.new_call_id();
                self.rename_call(call, &new);
                new
            }
        };
        let mut parties: Vec<Moved> =
            self.parties(&new, |leg| ConnectionId::new(call.clone(), leg.device.clone()));
        parties.push(Moved { new: ConnectionId::new(new.clone(), to.clone()), old: None });
        self.hand_over(&new, device, Some(device));
        self.tell_transfer(&new, active, None, to, parties.clone(), Cause::SingleStepTransfer);
        self.route(&new, to, Cause::SingleStepTransfer);
        Ok(Outcome::Joined { connection: ConnectionId::new(new, to.clone()), parties })
    }

    pub(super) fn conference(
        &mut self,
        held: &ConnectionId,
        active: &ConnectionId,
    ) -> Result<Outcome, SwitchError> {
        self.check_pair(held, active)?;
        self.check_strangers(held, active)?;
        let device = &held.device;
        let (first, second) = (self.find(held)?.0, self.find(active)?.0);
        let others = |leg: &&Leg| leg.device != *device;
        if !first.legs.iter().chain(&second.legs).filter(others).all(|leg| is_speaking(leg.state)) {
            return Err(SwitchError::NotAnswered);
        }
        self.check_room(first.legs.len() + second.legs.len() - 1)?;
        self.remove_leg(&active.call, device);
        let (call, parties) = self.merge(&held.call, &active.call);
        self.set_state(&call, device, LocalState::Connected);
        let other = self.party_from(&active.call, &parties).unwrap_or_else(|| device.clone());
        let connection = ConnectionId::new(call.clone(), device.clone());
        let joined = Joined {
            primary: held.clone(),
            secondary: Some(active.clone()),
            by: device.clone(),
            other,
            parties: parties.clone(),
        };
        self.emit(&call, EventKind::Conferenced(Box::new(joined)), Cause::Conference);
        Ok(Outcome::Joined { connection, parties })
    }

    pub(super) fn single_step_conference(
        &mut self,
        active: &ConnectionId,
        to: &Number,
        silent: bool,
    ) -> Result<Outcome, SwitchError> {
        self.check_active(active)?;
        let ConnectionId { call, device } = active;
        self.check_extension(device)?;
        let entry = self.find(active)?.0;
        if entry.leg(to).is_some() {
            return Err(SwitchError::AlreadyParty(to.clone()));
        }
        self.check_room(entry.legs.len() + 1)?;
        let reach = self.reach_or_refuse(to, call)?;
        if matches!(reach.place, Place::Queue | Place::RoutingPoint) {
            return Err(SwitchError::InvalidDestination(to.clone()));
        }
        let added = ConnectionId::new(call.clone(), reach.device.clone());
        let mut parties = self.parties(call, |leg| ConnectionId::new(call.clone(), leg.device.clone()));
        parties.push(Moved { new: added.clone(), old: None });
        let joined = Joined {
            primary: active.clone(),
            secondary: None,
            by: device.clone(),
            other: reach.device.clone(),
            parties: parties.clone(),
        };
        let cause = if silent { Cause::SilentParticipation } else { Cause::SingleStepConference };
        self.emit(call, EventKind::Conferenced(Box::new(joined)), cause);
        self.deliver(call, reach, cause);
        Ok(Outcome::Joined { connection: added, parties })
    }

    /// Both connections are of one extension, one on hold and one active, in different calls.
    fn check_pair(&self, held: &ConnectionId, active: &ConnectionId) -> Result<(), SwitchError> {
        if held.device != active.device || held.call == active.call {
            return Err(SwitchError::NotSameDevice(held.device.clone()));
        }
        self.check_held(held)?;
        self.check_extension(&held.device)?;
        self.check_active(active)
    }

    /// The two calls have nobody in common but the device itself.
    fn check_strangers(&self, held: &ConnectionId, active: &ConnectionId) -> Result<(), SwitchError> {
        let (first, second) = (self.find(held)?.0, self.find(active)?.0);
        let common = second.legs.iter().find(|l| l.device != held.device && first.leg(&l.device).is_some());
        common.map_or(Ok(()), |leg| Err(SwitchError::AlreadyParty(leg.device.clone())))
    }

    fn check_room(&self, parties: usize) -> Result<(), SwitchError> {
        let most = self.behaviour.conference_parties;
        if parties > most { Err(SwitchError::ConferenceFull(most)) } else { Ok(()) }
    }

    /// Every party of the second call moves to the first, and the whole gets its id.
    fn merge(&mut self, first: &CallId, second: &CallId) -> (CallId, Vec<Moved>) {
        let legs = self.calls.get_mut(second).map(|c| std::mem::take(&mut c.legs)).unwrap_or_default();
        let moved: Vec<Number> = legs.iter().map(|leg| leg.device.clone()).collect();
        for leg in &legs {
            self.move_leg(leg, second, first);
        }
        if let Some(call) = self.calls.get_mut(first) {
            call.legs.extend(legs);
        }
        self.remove_call(second);
        let id = match self.behaviour.merged_call_id {
            MergedCallId::Primary => first.clone(),
            MergedCallId::Secondary => second.clone(),
            MergedCallId::New => self.new_call_id(),
        };
        if id != *first {
            self.rename_call(first, &id);
        }
        let parties = self.parties(&id, |leg| {
            let was = if moved.contains(&leg.device) { second } else { first };
            ConnectionId::new(was.clone(), leg.device.clone())
        });
        (id, parties)
    }

    fn parties(&self, call: &CallId, old: impl Fn(&Leg) -> ConnectionId) -> Vec<Moved> {
        let legs = self.calls.get(call).map(|c| c.legs.as_slice()).unwrap_or_default();
        legs.iter()
            .map(|leg| Moved {
                new: ConnectionId::new(call.clone(), leg.device.clone()),
                old: Some(old(leg)),
            })
            .collect()
    }

    fn party_from(&self, call: &CallId, parties: &[Moved]) -> Option<Number> {
        let from = parties.iter().find(|p| p.old.as_ref().is_some_and(|old| old.call == *call))?;
        Some(from.new.device.clone())
    }

    /// What remains to be arranged when `device` has given a call away.
    fn hand_over(&mut self, call: &CallId, device: &Number, recall_to: Option<&Number>) {
        let no_answer_after = self.behaviour.no_answer_after.0;
        let Some(entry) = self.calls.get_mut(call) else { return };
        entry.last_redirection = Some(device.clone());
        entry.recall_to = recall_to.cloned();
        // Who sees the call from now on must see the customer, not the agent who dialled him.
        if entry.calling.device == *device
            && let Some(customer) = entry.legs.first()
        {
            entry.calling = Caller { device: customer.device.clone(), withheld: false };
        }
        let ringing: Vec<Number> = entry
            .legs
            .iter()
            .filter(|leg| leg.state == LocalState::Alerting && leg.route.is_none())
            .map(|leg| leg.device.clone())
            .collect();
        for device in ringing {
            self.set_timer(call, &device, no_answer_after, Then::NoAnswer);
        }
    }

    fn tell_transfer(
        &mut self,
        call: &CallId,
        primary: &ConnectionId,
        secondary: Option<&ConnectionId>,
        to: &Number,
        parties: Vec<Moved>,
        cause: Cause,
    ) {
        let joined = Joined {
            primary: primary.clone(),
            secondary: secondary.cloned(),
            by: primary.device.clone(),
            other: to.clone(),
            parties,
        };
        self.emit_leaving(call, EventKind::Transferred(Box::new(joined)), cause, &primary.device);
    }
}

const fn is_speaking(state: LocalState) -> bool {
    matches!(state, LocalState::Connected | LocalState::Hold)
}
