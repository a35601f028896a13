//! Who left, and when a call is over: ended, missed, failed, forgotten.

use super::Context;
use super::call::goes_on;
use super::device::state_at;
use super::table::Edge;
use crate::model::action::Action;
use crate::model::call::{Call, Connection, ConnectionState, Direction, Ended, Purpose};
use crate::model::cause::Cause;
use crate::model::device::DeviceKind;
use crate::model::ids::{CallId, DeviceId, ProviderCallId};
use crate::notification::Kind;
use crate::report::CallReport;
use crate::state::Deadline;

impl Context<'_> {
    /// A party left the call.
    pub(super) fn on_cleared(&mut self, id: CallId, subject: &DeviceId, report: &CallReport) -> bool {
        let Some(call) = self.state.calls.get(&id) else { return false };
        let provider = call.provider.clone();
        let mut moved = false;
        match call.connection(subject) {
            Some(at) if at.state.is_live() => {
                // The leg under an id that the connection had before a transfer is gone, not the connection.
                if !is_named(call, at, &report.connection.call) {
                    return false;
                }
                moved |= self.part(id, subject, report.cause);
            }
            Some(_) => {}
            // Somebody whom we never saw: the hidden caller, where there is one.
            None if self.kind_of(&provider, subject).is_none() && is_caller_hidden(call) => {
                if let Some(call) = self.state.calls.get_mut(&id) {
                    call.calling_device = Some(subject.clone());
                    call.version += 1;
                }
                moved = true;
            }
            None => {}
        }
        moved |= self.part_monitored(id, subject, report);
        if moved {
            self.end_if_over(id, report.cause);
        }
        moved
    }

    /// The whole call is over.
    pub(super) fn on_call_cleared(&mut self, id: CallId, report: &CallReport) -> bool {
        let named = &report.connection.call;
        let Some(call) = self.state.calls.get(&id) else { return false };
        let current = call.provider_call == *named;
        if !current && !call.live().any(|at| at.provider_call == *named) {
            return false;
        }
        self.end_call(id, report.cause, None);
        true
    }

    /// The call left a device for another destination.
    pub(super) fn on_diverted(
        &mut self,
        id: CallId,
        subject: &DeviceId,
        step: Edge,
        report: &CallReport,
    ) -> bool {
        if !matches!(step, Edge::Moves(_) | Edge::Unexpected(_)) {
            return false;
        }
        self.part_diverted(id, subject, report.cause);
        self.mind_adrift(id);
        true
    }

    /// The call could not be completed at a device.
    pub(super) fn on_failed(
        &mut self,
        id: CallId,
        subject: &DeviceId,
        step: Edge,
        report: &CallReport,
    ) -> bool {
        let Some(call) = self.state.calls.get(&id) else { return false };
        let cause = report.cause;
        // Yealink tells a caller who gives up as a failure.
        let gave_up = matches!(cause, Cause::CallCancelled | Cause::NormalClearing);
        if gave_up && report.local == Some(ConnectionState::Null) {
            return self.on_cleared(id, subject, report);
        }
        let Edge::Moves(_) = step else { return false };
        if call.failed.is_some()
            && state_at(call, subject) == ConnectionState::Null
            && call.connection(subject).is_some()
        {
            return false;
        }
        let first = call.failed.is_none();
        let provider = call.provider.clone();
        let dialling = call.calling_device.clone().filter(|caller| self.is_station(&provider, caller));
        self.set_connection(id, subject, Some(&report.connection.call), ConnectionState::Failed, cause);
        if let Some(call) = self.state.calls.get_mut(&id) {
            call.failed.get_or_insert(cause);
            call.version += 1;
        }
        if first {
            let device = dialling.unwrap_or_else(|| subject.clone());
            let dialled = self.state.calls.get(&id).and_then(|call| call.dialled_by);
            self.because_of(dialled, |context| context.tell_call(Kind::CallFailed, id, Some(&device), cause));
        }
        self.transfer_call_failed(id, subject, cause);
        if self.part_monitored(id, subject, report) {
            self.end_if_over(id, cause);
        }
        true
    }

    /// A device's connection is gone; tells what that means there, unless the call ends with it.
    pub(super) fn part(&mut self, id: CallId, device: &DeviceId, cause: Cause) -> bool {
        let Some(call) = self.state.calls.get(&id) else { return false };
        if !state_at(call, device).is_live() {
            return false;
        }
        let provider = call.provider.clone();
        let rang = state_at(call, device) == ConnectionState::Alerting;
        let station = self.is_station(&provider, device);
        let hung_up = self.claim(&provider, device, Some(id), &[Action::HangUp]);
        // It does not leave: the PBX says "cleared" where it means "diverted".
        if station && (goes_on(cause) || self.hands_over_cold(id, device)) {
            self.part_diverted(id, device, cause);
            return true;
        }
        self.set_connection(id, device, None, ConnectionState::Null, cause);
        if let Some(call) = self.state.calls.get_mut(&id) {
            call.version += 1;
        }
        let Some(call) = self.state.calls.get(&id) else { return true };
        let over = is_over(call) && !self.waits_for_recall(id, cause);
        if station && rang && !over {
            let elsewhere = call
                .live()
                .any(|at| at.ours && matches!(at.state, ConnectionState::Connected | ConnectionState::Held));
            let kind = if elsewhere { Kind::CallAnsweredElsewhere } else { Kind::CallDiverted };
            self.because_of(hung_up, |context| context.tell_call(kind, id, Some(device), cause));
        } else if !over {
            self.because_of(hung_up, |context| {
                context.tell_call(Kind::CallUpdated, id, Some(device), cause);
            });
        }
        self.consultation_left(id, device, cause);
        true
    }

    /// Ends the call where nobody is left who speaks, or nobody of ours.
    pub(super) fn end_if_over(&mut self, id: CallId, cause: Cause) {
        let Some(call) = self.state.calls.get(&id).filter(|call| call.is_live()) else { return };
        if !is_over(call) {
            self.hang_ups_done(id);
            return self.mind_adrift(id);
        }
        let customer_waits = call.live().any(|at| !at.ours) || is_caller_hidden(call);
        let gone_on = self.state.armed.contains_key(&Deadline::Adrift(id)) || goes_on(cause);
        let ours = call.live().any(|at| at.ours);
        if customer_waits && !ours && (gone_on || self.waits_for_recall(id, cause)) {
            self.hang_ups_done(id);
            return self.mind_adrift(id);
        }
        self.end_call(id, cause, None);
    }

    /// Ends a call and whatever hangs on it. Once.
    pub(super) fn end_call(&mut self, id: CallId, cause: Cause, merged_into: Option<CallId>) {
        // One that was sent away from us is nobody's miss here; one whose routing goes on has not left yet.
        let away = self.state.armed.contains_key(&Deadline::Adrift(id)) && !self.is_routed(id);
        let missable = merged_into.is_none() && !away;
        self.end_as(id, cause, merged_into, missable);
    }

    /// As [`Context::end_call`]; `missable` says that it is told as missed if nobody answered it.
    pub(super) fn end_as(&mut self, id: CallId, cause: Cause, merged_into: Option<CallId>, missable: bool) {
        let Some(call) = self.state.calls.get(&id).filter(|call| call.is_live()) else { return };
        let provider = call.provider.clone();
        let devices: Vec<DeviceId> = call.live().map(|at| at.device.clone()).collect();
        let device = self.ended_at(call);
        let away = merged_into.is_none() && !missable;
        let missed = missable
            && call.direction == Direction::Inbound
            && call.answered.is_none()
            && call.failed.is_none();
        for device in &devices {
            self.set_connection(id, device, None, ConnectionState::Null, cause);
        }
        let reconstructed = self.reconstructed;
        let Some(call) = self.state.calls.get_mut(&id) else { return };
        call.ended = Some(Ended { at: self.at, cause, merged_into, away });
        call.stale = None;
        // That one who was sent away is not seen any more is how it should be.
        call.reconstructed |= reconstructed && !away;
        let contact = call.contact;
        let untold = self.state.contacts.get(&contact).is_none_or(|contact| contact.seq == 0);
        for deadline in [Deadline::StaleCall(id), Deadline::AnsweredElsewhere(id), Deadline::Adrift(id)] {
            self.disarm(deadline);
        }
        let hung_up = devices
            .iter()
            .chain(&device)
            .find_map(|device| self.claim(&provider, device, Some(id), &[Action::HangUp]));
        // Off hook and on hook again, without a call: nobody's business.
        if !untold {
            let kind = if missed { Kind::CallMissed } else { Kind::CallEnded };
            self.because_of(hung_up, |context| context.tell_call(kind, id, device.as_ref(), cause));
        }
        self.commands_of_ended(id, &provider);
        self.routes_of_ended(id, merged_into);
        self.transfers_of_ended(id, cause);
        self.close_contact(id);
        self.drop_left(id);
    }

    /// Forgets an ended call, and with the last of its contact the contact and its transfers.
    pub(super) fn forget_call(&mut self, id: CallId) {
        let Some(call) = self.state.calls.get(&id) else { return };
        let contact = call.contact;
        // The contact came alive again: all of it is kept until it has ended anew.
        if self.state.contacts.get(&contact).is_some_and(|contact| contact.ended.is_none()) {
            return;
        }
        if let Some(call) = self.state.calls.remove(&id)
            && let Some(ids) = self.state.by_provider_call.get_mut(&call.provider)
        {
            for named in &call.provider_calls {
                if ids.get(named) == Some(&id) {
                    ids.remove(named);
                }
            }
            if ids.is_empty() {
                self.state.by_provider_call.remove(&call.provider);
            }
        }
        let Some(known) = self.state.contacts.get_mut(&contact) else { return };
        known.calls.retain(|call| *call != id);
        if known.calls.is_empty()
            && known.chats.is_empty()
            && let Some(forgotten) = self.state.contacts.remove(&contact)
        {
            for id in forgotten.transfers {
                self.disarm(Deadline::HeldReturn(id));
                let transfer = self.state.transfers.remove(&id);
                // A call that became its consultation late has a contact of its own, and may live on.
                let consultation = transfer.and_then(|transfer| transfer.consultation);
                if let Some(call) = consultation.and_then(|call| self.state.calls.get_mut(&call))
                    && matches!(call.purpose, Purpose::Consultation { transfer, .. } if transfer == id)
                {
                    call.purpose = Purpose::Customer;
                }
            }
        }
    }

    /// A call without a device of ours gets its last deadline; one with, none.
    pub(super) fn mind_adrift(&mut self, id: CallId) {
        let Some(call) = self.state.calls.get(&id).filter(|call| call.is_live()) else { return };
        if call.live().any(|at| at.ours) {
            self.disarm(Deadline::Adrift(id));
        } else if !self.state.armed.contains_key(&Deadline::Adrift(id)) {
            self.arm(Deadline::Adrift(id), self.state.settings.adrift);
        }
    }

    /// Where the end of a call is told: at the device of ours that was on it until now, the one that was there first.
    fn ended_at(&self, call: &Call) -> Option<DeviceId> {
        let now = |at: &&Connection| at.ours && (at.state.is_live() || at.since == self.at);
        let station = |at: &&Connection| self.is_station(&call.provider, &at.device);
        let ours = || call.connections.iter().filter(|at| at.ours);
        let found =
            ours().filter(now).find(station).or_else(|| ours().find(now)).or_else(|| ours().next_back());
        found.map(|at| at.device.clone())
    }

    /// Devices that are not configured any more go when they have left their last call.
    fn drop_left(&mut self, id: CallId) {
        if self.state.unconfigured.is_empty() {
            return;
        }
        let Some(call) = self.state.calls.get(&id) else { return };
        let provider = call.provider.clone();
        let devices: Vec<DeviceId> = call.connections.iter().map(|at| at.device.clone()).collect();
        for device in devices {
            self.drop_unconfigured(&provider, &device);
        }
    }

    /// The devices that have left a call which goes on have what they asked for.
    fn hang_ups_done(&mut self, id: CallId) {
        let Some(call) = self.state.calls.get(&id) else { return };
        let provider = call.provider.clone();
        let left = call.connections.iter().filter(|at| at.ours && !at.state.is_live());
        let asked: Vec<_> =
            left.filter_map(|at| self.claim(&provider, &at.device, Some(id), &[Action::HangUp])).collect();
        for command in asked {
            self.fulfil(command);
        }
        self.drop_left(id);
    }

    fn part_diverted(&mut self, id: CallId, device: &DeviceId, cause: Cause) {
        let Some(call) = self.state.calls.get(&id) else { return };
        let provider = call.provider.clone();
        let elsewhere = call.live().any(|at| at.ours && at.state == ConnectionState::Connected)
            && state_at(call, device) == ConnectionState::Alerting;
        self.set_connection(id, device, None, ConnectionState::Null, cause);
        match self.kind_of(&provider, device) {
            Some(DeviceKind::Station) => {
                let kind = if elsewhere { Kind::CallAnsweredElsewhere } else { Kind::CallDiverted };
                let actions = [Action::Deflect, Action::TransferCold, Action::HangUp];
                self.tell_claimed(kind, id, device, cause, &actions);
            }
            // Leaving a queue is told by the ringing at the agent.
            _ => {
                if let Some(call) = self.state.calls.get_mut(&id) {
                    call.version += 1;
                }
            }
        }
        self.consultation_left(id, device, cause);
    }

    /// The monitored device's own connection is gone, says a report about another one.
    fn part_monitored(&mut self, id: CallId, subject: &DeviceId, report: &CallReport) -> bool {
        match (&report.monitor, report.local) {
            (Some(monitor), Some(ConnectionState::Null)) if monitor != subject => {
                let named = &report.connection.call;
                let call = self.state.calls.get(&id);
                let here = call.and_then(|call| call.connection(monitor));
                let left = call.zip(here).is_some_and(|(call, at)| is_named(call, at, named));
                left && self.part(id, monitor, report.cause)
            }
            (Some(monitor), Some(ConnectionState::Null)) => self.part(id, monitor, report.cause),
            _ => false,
        }
    }

    /// When the last call of a contact has ended, the time until it is forgotten begins.
    fn close_contact(&mut self, id: CallId) {
        let Some(contact) = self.state.calls.get(&id).map(|call| call.contact) else { return };
        let Some(known) = self.state.contacts.get_mut(&contact) else { return };
        if known.calls.iter().any(|call| self.state.calls.get(call).is_some_and(Call::is_live)) {
            return;
        }
        known.ended = Some(self.at);
        for call in known.calls.clone() {
            self.arm(Deadline::ForgetCall(call), self.state.settings.keep_ended);
        }
        self.tell_fact(contact);
    }
}

/// Whether a provider's id means a connection now: the call's own id does, and the one that it was named under last.
fn is_named(call: &Call, at: &Connection, named: &ProviderCallId) -> bool {
    at.provider_call == *named || call.provider_call == *named
}

/// Whether the caller is on the call without a connection that we know.
pub(super) fn is_caller_hidden(call: &Call) -> bool {
    call.direction == Direction::Inbound && call.calling_device.is_none()
}

/// Whether a call is over for us, by who is left. Asked after somebody left.
pub(super) fn is_over(call: &Call) -> bool {
    let (mut ours, mut speaks, mut waits, mut failed) = (0, usize::from(is_caller_hidden(call)), 0, 0);
    for connection in call.live() {
        ours += usize::from(connection.ours);
        match connection.state {
            ConnectionState::Connected | ConnectionState::Held | ConnectionState::Initiated => speaks += 1,
            ConnectionState::Alerting | ConnectionState::Queued => waits += 1,
            ConnectionState::Failed => failed += 1,
            ConnectionState::Null => {}
        }
    }
    if ours == 0 {
        return true;
    }
    match (speaks, waits, failed) {
        // Ringing for nobody; a busy tone is the caller's until he hangs up.
        (0, _, 0) => true,
        (0, _, _) => !call.live().any(|at| at.ours && Some(&at.device) == call.calling_device.as_ref()),
        // Alone: over, unless he has yet to dial.
        (1, 0, 0) => {
            let dials =
                call.live().all(|at| at.ours) && call.connections.len() == 1 && call.answered.is_none();
            !(dials && call.direction != Direction::Inbound)
        }
        _ => false,
    }
}
