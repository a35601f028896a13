//! Who calls whom: as first told, and never replaced by a colleague (rule 3).

use super::Context;
use crate::model::call::{Call, ConnectionState, Direction, Party};
use crate::model::cause::Cause;
use crate::model::device::DeviceKind;
use crate::model::ids::{CallId, DeviceId};
use crate::report::{CallEvent, CallReport, ReportedParty};

impl Context<'_> {
    /// Takes in what a report says about the parties and data of a known call. Gives whether anything was new.
    pub(super) fn learn(&mut self, id: CallId, report: &CallReport) -> bool {
        let mut changed = false;
        if let Some(calling) = &report.calling {
            changed |= self.learn_calling(id, calling);
        }
        if let Some(called) = &report.called {
            changed |= self.learn_called(id, called);
        }
        if changed {
            self.learn_customer(id);
        }
        let through = report.last_redirection.as_ref().and_then(|through| through.device.as_ref());
        let queue = self.state.calls.get(&id).and_then(|call| {
            let through = through?;
            (self.kind_of(&call.provider, through) == Some(DeviceKind::Queue)).then(|| through.clone())
        });
        let Some(call) = self.state.calls.get_mut(&id) else { return changed };
        if let Some(through) = &report.last_redirection
            && through.party.is_known()
            && call.redirected_by.as_ref() != Some(&through.party)
        {
            call.redirected_by = Some(through.party.clone());
            changed = true;
        }
        // Where it waits now is what a Queued event itself says.
        if queue.is_some() && call.queue != queue && report.event != CallEvent::Queued {
            call.queue = queue;
            changed = true;
        }
        if let Some(dialled) = &report.network_called
            && call.network_called.is_none()
            && dialled.party.is_known()
        {
            call.network_called = Some(dialled.party.clone());
            changed = true;
        }
        if report.correlator.is_some() && call.correlator != report.correlator {
            call.correlator.clone_from(&report.correlator);
            changed = true;
        }
        changed
    }

    /// Takes in what may be done to the monitored device's connection now. Gives whether that is new.
    pub(super) fn learn_permitted(&mut self, id: CallId, report: &CallReport) -> bool {
        let Some(permitted) = report.permitted else { return false };
        let device = report.monitor.as_ref().unwrap_or(&report.connection.device);
        let connection = self.state.calls.get_mut(&id).and_then(|call| call.connection_mut(device));
        match connection {
            Some(connection) if connection.state.is_live() && connection.permitted != Some(permitted) => {
                connection.permitted = Some(permitted);
                true
            }
            _ => false,
        }
    }

    /// Fills in the customer of a contact from its first call, where the PBX tells more than it did.
    pub(super) fn learn_customer(&mut self, id: CallId) {
        let Some(call) = self.state.calls.get(&id) else { return };
        let Some(contact) = self.state.contacts.get_mut(&call.contact) else { return };
        if contact.calls.first() == Some(&id) {
            fill(&mut contact.customer, customer_of(call));
        }
    }

    fn learn_calling(&mut self, id: CallId, told: &ReportedParty) -> bool {
        let Some(call) = self.state.calls.get(&id) else { return false };
        let new_device = told.device.as_ref().filter(|_| call.calling_device.is_none());
        if new_device.is_none() {
            // The common case first: it is who was told before, or somebody else, who does not count.
            let same = told.device.is_none() || told.device == call.calling_device;
            return same
                && self.state.calls.get_mut(&id).is_some_and(|call| fill(&mut call.calling, &told.party));
        }
        let ours = new_device.is_some_and(|device| self.kind_of(&call.provider, device).is_some());
        // After a transfer the colleague "calls"; the customer stays who he is.
        if call.direction == Direction::Inbound && ours {
            return false;
        }
        let new_device = new_device.cloned();
        let Some(call) = self.state.calls.get_mut(&id) else { return false };
        fill(&mut call.calling, &told.party);
        call.calling_device.clone_from(&new_device);
        if let Some(device) = new_device
            && call.connection(&device).is_none()
        {
            self.set_connection(id, &device, None, ConnectionState::Connected, Cause::Normal);
        }
        true
    }

    fn learn_called(&mut self, id: CallId, told: &ReportedParty) -> bool {
        let Some(call) = self.state.calls.get(&id) else { return false };
        let new_device = told.device.as_ref().filter(|_| call.called_device.is_none());
        let ours = new_device.is_some_and(|device| self.kind_of(&call.provider, device).is_some());
        let same = told.device.is_none() || new_device.is_some() || told.device == call.called_device;
        let Some(call) = self.state.calls.get_mut(&id).filter(|_| same) else { return false };
        let changed = fill(&mut call.called, &told.party);
        let Some(device) = new_device else { return changed };
        call.called_device = Some(device.clone());
        if call.direction == Direction::Outbound && ours {
            call.direction = Direction::Internal;
        }
        true
    }
}

/// Whether a report tells nothing of the parties and data of a call that is not known.
pub(super) fn knows(call: &Call, report: &CallReport) -> bool {
    let is = |told: &Option<ReportedParty>, device: &Option<DeviceId>, party: &Party| {
        told.as_ref().is_none_or(|told| told.device == *device && told.party == *party)
    };
    is(&report.calling, &call.calling_device, &call.calling)
        && is(&report.called, &call.called_device, &call.called)
        && report.last_redirection.is_none()
        && (report.network_called.is_none() || call.network_called.is_some())
        && (report.correlator.is_none() || report.correlator == call.correlator)
}

/// Who the customer of a contact is, by its first call.
pub(super) fn customer_of(call: &Call) -> &Party {
    match call.direction {
        Direction::Outbound => &call.called,
        Direction::Inbound | Direction::Internal => &call.calling,
    }
}

/// The device that calls, as far as a report tells.
pub(super) fn caller_of(report: &CallReport, is_ours: impl Fn(&DeviceId) -> bool) -> Option<DeviceId> {
    let subject = &report.connection.device;
    if matches!(report.event, CallEvent::Initiated | CallEvent::Originated) {
        return Some(subject.clone());
    }
    if let Some(device) = report.calling.as_ref().and_then(|calling| calling.device.as_ref()) {
        return Some(device.clone());
    }
    // It rings at the other side while we are connected: we call.
    let monitor = report.monitor.as_ref().filter(|monitor| *monitor != subject && is_ours(monitor))?;
    let goes_out = matches!(
        report.event,
        CallEvent::Delivered | CallEvent::Established | CallEvent::NetworkReached | CallEvent::Failed
    );
    let speaks = matches!(report.local, Some(ConnectionState::Connected | ConnectionState::Initiated));
    (goes_out && speaks && !is_ours(subject)).then(|| monitor.clone())
}

/// Adds what was not known. What was told first stays; who asked not to be shown stays hidden.
pub(super) fn fill(known: &mut Party, told: &Party) -> bool {
    if known.restricted {
        return false;
    }
    let mut changed = false;
    if told.restricted && !known.is_known() {
        known.restricted = true;
        return true;
    }
    let same = known.number.is_none() || told.number.is_none() || known.number == told.number;
    if known.number.is_none() && told.number.is_some() {
        known.number.clone_from(&told.number);
        changed = true;
    }
    if known.name.is_none() && told.name.is_some() && same {
        known.name.clone_from(&told.name);
        changed = true;
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pii::Pii;

    #[test]
    fn what_was_told_first_stays_and_the_hidden_stay_hidden() {
        let mut unknown = Party::default();
        assert!(fill(&mut unknown, &Party::of_number("0612345678")));
        assert!(!fill(&mut unknown, &Party::of_number("2001")));
        assert_eq!(unknown, Party::of_number("0612345678"));

        let name = Party { name: Some(Pii::new("Jansen".into())), ..Party::of_number("0612345678") };
        assert!(fill(&mut unknown, &name));
        let colleague = Party { name: Some(Pii::new("Collega".into())), ..Party::of_number("2001") };
        let mut nameless = Party::of_number("0612345678");
        assert!(!fill(&mut nameless, &colleague));

        let mut hidden = Party { restricted: true, ..Party::default() };
        assert!(!fill(&mut hidden, &Party::of_number("0612345678")));
        assert!(hidden.number.is_none());
    }
}
