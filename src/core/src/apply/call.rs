//! A report finds its call, or begins one.

use super::Context;
use super::parties::{caller_of, customer_of, fill, knows};
use crate::effect::Effect;
use crate::model::action::Action;
use crate::model::call::{Call, ConnectionState, Direction, Party, Purpose};
use crate::model::cause::Cause;
use crate::model::contact::Contact;
use crate::model::device::DeviceKind;
use crate::model::ids::{CallId, CommandId, ContactId, DeviceId, ProviderCallId, ProviderId, Str};
use crate::notification::{Kind, Subject};
use crate::report::{CallEvent, CallReport, ReportedParty};
use crate::state::Deadline;

/// More calls than any PBX has at once, ended ones included: what comes beyond is counted and not kept.
pub(super) const CALLS_MAX: usize = 200_000;

/// What is known of a call when it begins.
#[derive(Default)]
pub(super) struct Beginning {
    pub(super) calling: Option<ReportedParty>,
    pub(super) called: Option<ReportedParty>,
    pub(super) network_called: Option<Party>,
    pub(super) correlator: Option<Str>,
    /// The device that calls.
    pub(super) caller: Option<DeviceId>,
    /// The contact that it belongs to, where it is not a new one.
    pub(super) contact: Option<ContactId>,
    pub(super) dialled_by: Option<CommandId>,
    pub(super) reference: Option<Str>,
    pub(super) reconstructed: bool,
}

impl Context<'_> {
    /// One report about a call.
    pub(super) fn call_report(&mut self, provider: &ProviderId, report: &CallReport) {
        if !self.state.providers.contains_key(provider) {
            self.state.counters.unknown_providers += 1;
            return;
        }
        match &report.event {
            CallEvent::Transferred { secondary, to, moved } => {
                return self.transferred(provider, report, secondary.as_ref(), to.as_ref(), moved);
            }
            CallEvent::Conferenced { secondary, added, moved } => {
                return self.conferenced(provider, report, secondary.as_ref(), added.as_ref(), moved);
            }
            _ => {}
        }
        let known = self.state.calls.len();
        let Some(id) = self.locate(provider, report) else { return };
        let begun = self.state.calls.len() > known;
        let Some(call) = self.state.calls.get(&id) else { return };
        let stale = call.stale.is_some();
        // One that has just begun has learnt it already, and most reports repeat what is known.
        let new = !begun && !knows(call, report);
        let told = self.effects.len();
        if stale {
            self.make_certain(id);
        }
        let learnt = new && self.learn(id, report);
        let moved = self.event(id, report);
        if let Some(Purpose::Consultation { transfer, .. }) =
            self.state.calls.get(&id).map(|call| call.purpose)
        {
            self.take_back_awaited(transfer);
        }
        let learnt = self.learn_permitted(id, report) | learnt;
        self.settle_update(id, told, learnt && !begun, moved || begun, report);
        self.mind_adrift(id);
    }

    /// Tells `call.updated` when something was learnt that no other notification carries; counts what was known.
    pub(super) fn settle_update(
        &mut self,
        id: CallId,
        told: usize,
        learnt: bool,
        moved: bool,
        report: &CallReport,
    ) {
        if !learnt {
            if !moved {
                self.state.counters.repeated_reports += 1;
            }
            return;
        }
        if !self.told_of(id, told) && self.state.calls.get(&id).is_some_and(Call::is_live) {
            let device = report.monitor.as_ref().unwrap_or(&report.connection.device);
            self.tell_call(Kind::CallUpdated, id, Some(device), report.cause);
        }
    }

    /// Whether a notification about this call was pushed after the first `told` effects.
    pub(super) fn told_of(&self, id: CallId, told: usize) -> bool {
        self.effects
            .get(told..)
            .unwrap_or_default()
            .iter()
            .any(|effect| matches!(effect, Effect::Notify(told) if told.subject == Subject::Call(id)))
    }

    /// A provider's word about a call makes it certain again.
    pub(super) fn make_certain(&mut self, id: CallId) -> bool {
        let Some(call) = self.state.calls.get_mut(&id) else { return false };
        if call.stale.take().is_none() {
            return false;
        }
        call.version += 1;
        self.disarm(Deadline::StaleCall(id));
        true
    }

    /// The call that a provider's id means now: the one that it went up in, after a transfer.
    pub(super) fn call_by_id(&self, provider: &ProviderId, named: &ProviderCallId) -> Option<CallId> {
        let id = *self.state.by_provider_call.get(provider)?.get(named)?;
        Some(self.survivor(id))
    }

    /// The call that this one went up in, or itself.
    pub(super) fn survivor(&self, id: CallId) -> CallId {
        let mut at = id;
        // Each merge ends a call in a live one, so a chain is as long as there were transfers of one contact.
        while let Some(next) =
            self.state.calls.get(&at).and_then(|call| call.ended).and_then(|ended| ended.merged_into)
        {
            if next == id {
                break;
            }
            at = next;
        }
        at
    }

    /// Begins a call, in its own contact or in the given one.
    pub(super) fn begin(
        &mut self,
        provider: &ProviderId,
        named: &ProviderCallId,
        begin: Beginning,
    ) -> CallId {
        let id = CallId(self.ids.make());
        let ours =
            |device: Option<&DeviceId>| device.and_then(|device| self.kind_of(provider, device)).is_some();
        let called_device = begin.called.as_ref().and_then(|called| called.device.clone());
        let direction = match (ours(begin.caller.as_ref()), ours(called_device.as_ref())) {
            (false, _) => Direction::Inbound,
            (true, true) => Direction::Internal,
            (true, false) => Direction::Outbound,
        };
        let mut calling = begin.calling.map(|calling| calling.party).unwrap_or_default();
        if let (Some(device), false) = (&begin.caller, calling.is_known()) {
            calling = Party::of_number(device.as_str());
        }
        let call = Call {
            id,
            contact: begin.contact.unwrap_or(ContactId(self.ids.make())),
            provider: provider.clone(),
            provider_call: named.clone(),
            provider_calls: Vec::new(),
            direction,
            purpose: Purpose::Customer,
            calling,
            called: begin.called.map(|called| called.party).unwrap_or_default(),
            calling_device: begin.caller,
            called_device,
            network_called: begin.network_called,
            redirected_by: None,
            queue: None,
            connections: Vec::new(),
            correlator: begin.correlator,
            started: self.at,
            answered: None,
            failed: None,
            ended: None,
            stale: None,
            reconstructed: begin.reconstructed,
            dialled_by: begin.dialled_by,
            version: 0,
        };
        let contact = self.state.contacts.entry(call.contact).or_insert_with(|| Contact {
            chats: Vec::new(),
            id: call.contact,
            customer: Party::default(),
            dialled: None,
            calls: Vec::new(),
            transfers: Vec::new(),
            seq: 0,
            started: self.at,
            ended: None,
            reference: None,
            erased: false,
        });
        if contact.calls.is_empty() {
            fill(&mut contact.customer, customer_of(&call));
            contact.dialled = call.network_called.clone().or_else(|| Some(call.called.clone()));
        }
        if contact.reference.is_none() {
            contact.reference = begin.reference;
        }
        contact.ended = None;
        contact.calls.push(id);
        self.state.calls.insert(id, call);
        self.alias(provider, named, id, true);
        id
    }

    /// Notes that a provider's id means this call; as its current id, or as one of those that it had.
    pub(super) fn alias(&mut self, provider: &ProviderId, named: &ProviderCallId, id: CallId, current: bool) {
        let other = self
            .state
            .call_of(provider, named)
            .filter(|other| other.id != id && other.is_live() && other.provider_call == *named);
        if let Some(other) = other.map(|other| other.id) {
            self.state.counters.ids_reused += 1;
            self.concluding(|context| context.end_call(other, Cause::IdReused, None));
        }
        let Some(call) = self.state.calls.get_mut(&id) else { return };
        if current {
            call.provider_call = named.clone();
        }
        if !call.provider_calls.contains(named) {
            call.provider_calls.push(named.clone());
        }
        let ids = self.state.by_provider_call.entry(provider.clone()).or_default();
        ids.insert(named.clone(), id);
    }

    /// Finds the call of a report, or begins it. None when the report is about nothing that is or begins.
    fn locate(&mut self, provider: &ProviderId, report: &CallReport) -> Option<CallId> {
        let named = &report.connection.call;
        let known = self.state.by_provider_call.get(provider).and_then(|ids| ids.get(named)).copied();
        let Some(mut id) = known else { return self.locate_unknown(provider, report) };
        let mut call = self.state.calls.get(&id)?;
        if call.ended.is_some() {
            id = self.survivor(id);
            call = self.state.calls.get(&id)?;
        }
        if report.event == CallEvent::Retrieved
            && let Some(customer) = self.customer_meant(id, &report.connection.device)
        {
            return Some(customer);
        }
        if !call.is_live() {
            if !starts(&report.event) {
                self.state.counters.repeated_reports += 1;
                return None;
            }
            // The PBX goes on with a caller whom we had given up: the same customer, the same contact.
            let continues = goes_on(report.cause)
                && report.calling.as_ref().and_then(|calling| calling.device.as_ref())
                    == call.calling_device.as_ref();
            let contact = continues.then_some(call.contact);
            return self.begin_reported(provider, report, contact);
        }
        if !starts(&report.event) || !self.contradicts(call, report) {
            return Some(id);
        }
        let alias =
            call.provider_call != *named && !call.live().any(|connection| connection.provider_call == *named);
        if !alias {
            self.state.counters.ids_reused += 1;
            self.concluding(|context| context.end_call(id, Cause::IdReused, None));
        }
        self.begin_reported(provider, report, None)
    }

    fn locate_unknown(&mut self, provider: &ProviderId, report: &CallReport) -> Option<CallId> {
        let named = &report.connection.call;
        if let Some(id) = self.continued(provider, report) {
            self.alias(provider, named, id, false);
            return Some(id);
        }
        if !starts(&report.event) {
            self.state.counters.unexpected_reports += 1;
            let leaves = matches!(
                report.event,
                CallEvent::ConnectionCleared | CallEvent::CallCleared | CallEvent::Diverted { .. }
            );
            let goes_on_here = report.monitor.as_ref() != Some(&report.connection.device)
                && report.local.is_some_and(ConnectionState::is_live);
            // The end of something that we never saw is nothing to tell.
            if leaves && !goes_on_here {
                return None;
            }
        }
        self.begin_reported(provider, report, None)
    }

    /// A live call that goes on under an id that we did not know: the PBX links it, or it is the caller of a cold
    /// transfer or redirection under way.
    fn continued(&self, provider: &ProviderId, report: &CallReport) -> Option<CallId> {
        let caller = report.calling.as_ref().and_then(|calling| calling.device.as_ref());
        if let Some(linked) = &report.linked_call
            && let Some(id) = self.call_by_id(provider, linked)
            && let Some(call) = self.state.calls.get(&id).filter(|call| call.is_live())
        {
            let takes_part = |device: &DeviceId| call.live().any(|at| at.device == *device);
            let same = caller.is_some_and(takes_part) || takes_part(&report.connection.device);
            let own = caller.is_some_and(|caller| self.kind_of(provider, caller).is_some());
            if same && !own {
                return Some(id);
            }
        }
        let caller = caller.filter(|caller| self.kind_of(provider, caller).is_none())?;
        if !goes_on(report.cause) {
            return None;
        }
        self.calls_at(provider, caller).iter().rev().copied().find(|id| {
            let cold = self.active_transfer(*id).is_some();
            let adrift = self.state.armed.contains_key(&Deadline::Adrift(*id));
            cold || adrift
        })
    }

    /// Whether a report that begins a call is about another call than the one that we believe alive under its id.
    fn contradicts(&self, call: &Call, report: &CallReport) -> bool {
        let subject = &report.connection.device;
        if goes_on(report.cause) {
            return false;
        }
        let here = call.live().find(|connection| connection.device == *subject);
        if here.is_some_and(|here| call.stale.is_none() || here.state < ConnectionState::Connected) {
            return false;
        }
        let ours = |device: &DeviceId| self.kind_of(&call.provider, device).is_some();
        let Some(caller) = caller_of(report, ours) else { return false };
        match &call.calling_device {
            Some(known) if *known == caller => here.is_some(),
            Some(_) => call.connection(&caller).is_none() && !self.is_customer_of(call, &caller),
            None => ours(&caller) && call.connection(&caller).is_none(),
        }
    }

    fn begin_reported(
        &mut self,
        provider: &ProviderId,
        report: &CallReport,
        contact: Option<ContactId>,
    ) -> Option<CallId> {
        if self.state.calls.len() >= CALLS_MAX {
            self.state.counters.unexpected_reports += 1;
            return None;
        }
        let caller = caller_of(report, |device| self.kind_of(provider, device).is_some());
        let dialled = caller.as_ref().and_then(|caller| self.dial_at(provider, caller));
        let begins = starts(&report.event);
        if !begins {
            self.state.counters.calls_reconstructed += 1;
        }
        let mut beginning = Beginning {
            calling: report.calling.clone(),
            called: report.called.clone(),
            network_called: report.network_called.as_ref().map(|dialled| dialled.party.clone()),
            correlator: report.correlator.clone(),
            caller: caller.clone(),
            contact,
            reconstructed: !begins,
            ..Beginning::default()
        };
        let consultation = match (&caller, contact) {
            (Some(caller), None) => self.consultation_at(provider, caller, report),
            _ => None,
        };
        if let Some((_, customer)) = consultation {
            beginning.contact = Some(customer);
        } else if let Some(dialled) = dialled {
            self.dialled_parties(dialled, provider, &mut beginning);
        }
        let named = &report.connection.call;
        let id = self.begin(provider, named, beginning);
        // It began with most of what the report tells.
        if self.state.calls.get(&id).is_some_and(|call| !knows(call, report)) {
            self.learn(id, report);
        }
        if let Some((transfer, _)) = consultation {
            self.link_consultation(transfer, id);
        } else if let Some(dialled) = dialled
            && let Some(record) = self.state.commands.get_mut(&dialled)
        {
            record.call = Some(id);
        }
        if let Some(caller) = caller.filter(|caller| *caller != report.connection.device) {
            let state = match (&report.monitor, report.local) {
                (Some(monitor), Some(local)) if *monitor == caller && local.is_live() => local,
                _ => ConnectionState::Connected,
            };
            self.set_connection(id, &caller, Some(named), state, report.cause);
        }
        if !begins {
            self.concluding(|context| context.tell_call(Kind::CallReconstructed, id, None, report.cause));
        }
        Some(id)
    }

    /// A dial under way at a device that has no call yet.
    pub(super) fn dial_at(&self, provider: &ProviderId, device: &DeviceId) -> Option<CommandId> {
        if self.kind_of(provider, device) != Some(DeviceKind::Station) {
            return None;
        }
        self.commands_at(provider, device).iter().copied().find(|id| {
            self.state
                .commands
                .get(id)
                .is_some_and(|record| record.command.action() == Some(Action::Dial) && record.call.is_none())
        })
    }
}

/// Whether an event can be the first of a call.
pub(super) fn starts(event: &CallEvent) -> bool {
    matches!(
        event,
        CallEvent::Initiated
            | CallEvent::Originated
            | CallEvent::Offered
            | CallEvent::Delivered
            | CallEvent::Queued
    )
}

/// Whether a cause says that a call which was there before goes on.
pub(super) fn goes_on(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::ForwardImmediate
            | Cause::ForwardBusy
            | Cause::ForwardNoAnswer
            | Cause::Forward
            | Cause::Redirected
            | Cause::Transfer
            | Cause::SingleStepTransfer
            | Cause::Conference
            | Cause::SingleStepConference
            | Cause::Alternate
            | Cause::CallPickup
            | Cause::Recall
            | Cause::RecallNoAnswer
            | Cause::RecallBusy
            | Cause::RecallForwarded
            | Cause::Distributed
            | Cause::NoAvailableAgents
            | Cause::Overflow
            | Cause::QueueTimeOverflow
            | Cause::AnsweredElsewhere
            | Cause::Park
    )
}
