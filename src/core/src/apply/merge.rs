//! Two calls become one: transfer and conference (ECMA-269 17.2.2 and 17.2.18).

use super::Context;
use super::call::Beginning;
use super::device::state_at;
use crate::model::action::Action;
use crate::model::call::{Call, ConnectionState, Party, Purpose};
use crate::model::cause::Cause;
use crate::model::ids::{CallId, DeviceId, ProviderCallId, ProviderId};
use crate::model::pii::Pii;
use crate::model::transfer::{TransferKind, TransferState};
use crate::notification::Kind;
use crate::report::{CallReport, MovedConnection, ProviderConnection, ReportedParty};

/// How two calls become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joining {
    /// The device in the middle leaves.
    Transfer,
    /// The device in the middle stays.
    Conference,
}

impl Context<'_> {
    /// Transferred: the device hands its party over, to a colleague whom it consulted or straight away.
    pub(super) fn transferred(
        &mut self,
        provider: &ProviderId,
        report: &CallReport,
        secondary: Option<&ProviderConnection>,
        to: Option<&ReportedParty>,
        moved: &[MovedConnection],
    ) {
        let device = &report.connection.device;
        let Some((customer, consultation)) = self.pair(provider, report, secondary, moved) else {
            return self.reconstruct(provider, report, moved);
        };
        let told = self.effects.len();
        self.make_certain(customer);
        match consultation {
            Some(consultation) => {
                self.join(customer, consultation, device, report.cause, Joining::Transfer);
                self.follow_moved(provider, customer, device, moved);
            }
            None => {
                self.follow_moved(provider, customer, device, moved);
                self.moved_on(customer, device, to, report);
            }
        }
        self.join_monitored(customer, report);
        for named in
            [Some(&report.connection.call), secondary.map(|at| &at.call), report.linked_call.as_ref()]
        {
            self.alias_where_free(provider, named, customer);
        }
        if self.told_of(customer, told) {
            self.learn_permitted(customer, report);
        } else {
            self.state.counters.repeated_reports += 1;
        }
        self.mind_adrift(customer);
    }

    /// Conferenced: all parties of both calls are on one.
    pub(super) fn conferenced(
        &mut self,
        provider: &ProviderId,
        report: &CallReport,
        secondary: Option<&ProviderConnection>,
        added: Option<&ReportedParty>,
        moved: &[MovedConnection],
    ) {
        let device = &report.connection.device;
        let Some((customer, consultation)) = self.pair(provider, report, secondary, moved) else {
            return self.reconstruct(provider, report, moved);
        };
        let told = self.effects.len();
        self.make_certain(customer);
        match consultation {
            Some(other) => self.join(customer, other, device, report.cause, Joining::Conference),
            None => {
                let new = added.and_then(|added| added.device.as_ref()).filter(|added| {
                    self.state.calls.get(&customer).is_some_and(|call| !state_at(call, added).is_live())
                });
                if let Some(added) = new.filter(|_| secondary.is_none()) {
                    self.set_connection(customer, added, None, ConnectionState::Connected, report.cause);
                    let actions = [Action::Conference];
                    self.tell_claimed(Kind::CallConferenced, customer, device, report.cause, &actions);
                }
            }
        }
        self.follow_moved(provider, customer, device, moved);
        self.join_monitored(customer, report);
        for named in
            [Some(&report.connection.call), secondary.map(|at| &at.call), report.linked_call.as_ref()]
        {
            self.alias_where_free(provider, named, customer);
        }
        if !self.told_of(customer, told) {
            self.state.counters.repeated_reports += 1;
        }
        self.mind_adrift(customer);
    }

    /// Joins a consultation to its customer's call. The customer's call survives with its id.
    pub(super) fn join(
        &mut self,
        customer: CallId,
        consultation: CallId,
        device: &DeviceId,
        cause: Cause,
        how: Joining,
    ) {
        let Some(consulted) = self.state.calls.get(&consultation) else { return };
        let (provider, answered) = (consulted.provider.clone(), consulted.answered.is_some());
        let ids = consulted.provider_calls.clone();
        let joining: Vec<_> = consulted.live().filter(|at| at.device != *device).cloned().collect();
        let colleague = joining.first().map(|at| at.device.clone());
        let transfer = self.active_transfer(consultation).or_else(|| self.active_transfer(customer));
        let transfer = match transfer {
            None if how == Joining::Transfer => {
                self.transferred_by_hand(customer, consultation, device, cause)
            }
            known => known,
        };
        for connection in joining {
            self.set_connection(consultation, &connection.device, None, ConnectionState::Null, cause);
            let there = self.state.calls.get(&customer).map(|call| state_at(call, &connection.device));
            if there == Some(ConnectionState::Null) {
                self.move_connection(consultation, customer, connection);
            }
        }
        self.set_connection(consultation, device, None, ConnectionState::Null, cause);
        let named = self.state.calls.get(&customer).map(|call| call.provider_call.clone());
        let stays = match how {
            Joining::Transfer => ConnectionState::Null,
            Joining::Conference => ConnectionState::Connected,
        };
        self.set_connection(customer, device, named.as_ref(), stays, cause);
        self.end_call(consultation, cause, Some(customer));
        for named in &ids {
            self.alias(&provider, named, customer, false);
        }
        let kind = match how {
            Joining::Transfer => Kind::CallUpdated,
            Joining::Conference => Kind::CallConferenced,
        };
        let at = match how {
            Joining::Transfer => colleague.as_ref(),
            Joining::Conference => Some(device),
        };
        let pending = transfer.and_then(|id| self.state.transfers.get(&id)).and_then(|known| known.pending);
        let asked = match how {
            Joining::Transfer => pending,
            Joining::Conference => self.claim(&provider, device, None, &[Action::Conference]),
        };
        self.because_of(asked, |context| context.tell_call(kind, customer, at, cause));
        if let Some(id) = transfer {
            if let (Some(known), Some(colleague)) = (self.state.transfers.get_mut(&id), colleague) {
                known.to_device = Some(colleague);
            }
            // While it still rings at the colleague, he does not have the customer yet.
            if answered || how == Joining::Conference {
                self.finish_transfer(id, TransferState::Completed, cause);
            }
        }
        if let (Joining::Conference, Some(command)) = (how, asked) {
            self.fulfil(command);
        }
        self.mind_adrift(customer);
    }

    /// The customer's call of a report, and the other one where both are there and apart still.
    fn pair(
        &self,
        provider: &ProviderId,
        report: &CallReport,
        secondary: Option<&ProviderConnection>,
        moved: &[MovedConnection],
    ) -> Option<(CallId, Option<CallId>)> {
        let live = |named: &ProviderCallId| {
            let id = self.call_by_id(provider, named)?;
            self.state.calls.get(&id).is_some_and(Call::is_live).then_some(id)
        };
        let device = &report.connection.device;
        let primary = live(&report.connection.call);
        let second = secondary.and_then(|secondary| live(&secondary.call));
        match (primary, second) {
            (Some(a), Some(b)) if a != b => {
                let (customer, other) = self.customer_first(a, b);
                Some((customer, Some(other)))
            }
            (Some(one), None) if secondary.is_none() && report.cause != Cause::SingleStepTransfer => {
                // Some PBXs name one of the two calls only: the other is the one that its transfer knows, or the one
                // of this device whose id they have both from now on.
                let transfer = self.active_transfer(one).and_then(|id| self.state.transfers.get(&id));
                let transfer = transfer.filter(|transfer| transfer.device == *device);
                let known = transfer.and_then(|transfer| Some((transfer.call, transfer.consultation?)));
                let known = known.map(|(customer, other)| if one == customer { other } else { customer });
                let here = |id: &CallId| {
                    *id != one
                        && self.state.calls.get(id).is_some_and(|call| state_at(call, device).is_live())
                };
                let joined = moved.iter().filter_map(|at| live(&at.new.call)).find(here);
                let other = known.filter(|id| self.state.calls.get(id).is_some_and(Call::is_live)).or(joined);
                Some(match other {
                    Some(other) => {
                        let (customer, other) = self.customer_first(one, other);
                        (customer, Some(other))
                    }
                    None => (one, None),
                })
            }
            (Some(one), _) | (None, Some(one)) => Some((one, None)),
            (None, None) => {
                let linked = report.linked_call.as_ref().and_then(live);
                linked.or_else(|| moved.iter().find_map(|at| live(&at.new.call))).map(|id| (id, None))
            }
        }
    }

    /// Which of two calls is the customer's: the one that is not the consultation, else the one with an outside party.
    fn customer_first(&self, a: CallId, b: CallId) -> (CallId, CallId) {
        let purpose = |id: CallId| self.state.calls.get(&id).map(|call| call.purpose);
        let outside = |id: CallId| {
            self.state
                .calls
                .get(&id)
                .is_some_and(|call| call.live().any(|at| !at.ours) || super::ending::is_caller_hidden(call))
        };
        match (purpose(a), purpose(b)) {
            (Some(Purpose::Consultation { .. }), Some(Purpose::Customer)) => (b, a),
            (Some(Purpose::Customer), Some(Purpose::Consultation { .. })) => (a, b),
            _ if !outside(a) && outside(b) => (b, a),
            _ => (a, b),
        }
    }

    /// A transfer that was made at the telephones and that nothing linked before.
    fn transferred_by_hand(
        &mut self,
        customer: CallId,
        consultation: CallId,
        device: &DeviceId,
        cause: Cause,
    ) -> Option<crate::model::ids::TransferId> {
        let provider = self.state.calls.get(&customer)?.provider.clone();
        if !self.is_station(&provider, device) {
            return None;
        }
        let to = self.state.calls.get(&consultation).and_then(|call| call.called.number.clone());
        let to = to.unwrap_or_else(|| Pii::new("".into()));
        let id = self.make_transfer(customer, device, to, TransferKind::Warm, None)?;
        if let Some(transfer) = self.state.transfers.get_mut(&id) {
            transfer.consultation = Some(consultation);
            transfer.state = TransferState::Ringing;
            transfer.cause = cause;
        }
        Some(id)
    }

    /// A transfer without consultation: the device is out of it, the call goes on to the next.
    fn moved_on(&mut self, id: CallId, device: &DeviceId, to: Option<&ReportedParty>, report: &CallReport) {
        let Some(call) = self.state.calls.get(&id) else { return };
        if !state_at(call, device).is_live() {
            return;
        }
        let provider = call.provider.clone();
        let to_device = to.and_then(|to| to.device.clone());
        let transfer = match self.active_transfer(id) {
            None if self.is_station(&provider, device) => {
                let number = to.and_then(|to| to.party.number.clone()).unwrap_or_else(|| Pii::new("".into()));
                let made = self.make_transfer(id, device, number, TransferKind::Cold, None);
                if let Some(made) = made {
                    self.tell_transfer(Kind::TransferStarted, made);
                }
                made
            }
            known => known,
        };
        let there =
            to_device.as_ref().and_then(|to| self.state.calls.get(&id)?.connection(to)).map(|at| at.state);
        if let Some(transfer) = transfer.and_then(|transfer| self.state.transfers.get_mut(&transfer)) {
            transfer.to_device = transfer.to_device.take().or(to_device);
        }
        self.set_connection(id, device, None, ConnectionState::Null, report.cause);
        self.tell_claimed(Kind::CallDiverted, id, device, report.cause, &[Action::TransferCold]);
        if let (Some(transfer), Some(ConnectionState::Connected)) = (transfer, there) {
            self.finish_transfer(transfer, TransferState::Completed, report.cause);
        }
    }

    /// Notes where each remaining connection went, and takes in outside parties whom we did not know.
    fn follow_moved(
        &mut self,
        provider: &ProviderId,
        id: CallId,
        device: &DeviceId,
        moved: &[MovedConnection],
    ) {
        for at in moved {
            if self.state.by_provider_call.get(provider).and_then(|ids| ids.get(&at.new.call)) != Some(&id) {
                self.alias(provider, &at.new.call, id, true);
            } else if let Some(call) = self.state.calls.get_mut(&id) {
                call.provider_call = at.new.call.clone();
            }
            let Some(call) = self.state.calls.get_mut(&id) else { return };
            let old = at.old.as_ref().map(|old| &old.device);
            let connection = call.connections.iter_mut().rev().find(|connection| {
                connection.state.is_live()
                    && (connection.device == at.new.device || Some(&connection.device) == old)
            });
            if let Some(connection) = connection {
                connection.provider_call = at.new.call.clone();
                continue;
            }
            let has_outside = call.live().any(|there| !there.ours && there.device != *device);
            if at.new.device != *device && !has_outside && self.kind_of(provider, &at.new.device).is_none() {
                let (named, state) = (&at.new.call, ConnectionState::Connected);
                self.set_connection(id, &at.new.device, Some(named), state, Cause::Transfer);
            }
        }
    }

    /// The receiver's own monitor tells it, and how far he is.
    fn join_monitored(&mut self, id: CallId, report: &CallReport) {
        let (Some(monitor), Some(local)) = (&report.monitor, report.local) else { return };
        let Some(call) = self.state.calls.get(&id) else { return };
        let before = state_at(call, monitor);
        let new = *monitor != report.connection.device
            && self.is_station(&call.provider, monitor)
            && matches!(local, ConnectionState::Alerting | ConnectionState::Connected)
            && before != local
            && before != ConnectionState::Held;
        if !new {
            return;
        }
        self.set_connection(id, monitor, None, local, report.cause);
        match local {
            ConnectionState::Alerting => {
                self.announce(id, monitor, report.cause);
                self.transfer_rings(id, monitor, report.cause);
            }
            _ => self.answered(id, monitor, report.cause),
        }
    }

    fn alias_where_free(&mut self, provider: &ProviderId, named: Option<&ProviderCallId>, id: CallId) {
        let Some(named) = named else { return };
        if self.call_by_id(provider, named).is_none() {
            self.alias(provider, named, id, false);
        }
    }

    /// A transfer of calls that we do not know: what is left of them at the device that tells it.
    fn reconstruct(&mut self, provider: &ProviderId, report: &CallReport, moved: &[MovedConnection]) {
        self.state.counters.unexpected_reports += 1;
        let (Some(monitor), Some(local)) = (&report.monitor, report.local) else { return };
        if !local.is_live() || !self.is_station(provider, monitor) {
            return;
        }
        let named = moved.first().map_or(&report.connection.call, |at| &at.new.call);
        let outside = moved.iter().find(|at| self.kind_of(provider, &at.new.device).is_none());
        let named_by = |at: &MovedConnection| {
            at.endpoint.clone().unwrap_or_else(|| ReportedParty {
                device: Some(at.new.device.clone()),
                party: Party::of_number(at.new.device.as_str()),
            })
        };
        let calling = outside.map(named_by).or_else(|| report.calling.clone());
        self.state.counters.calls_reconstructed += 1;
        let id = self.begin(
            provider,
            named,
            Beginning {
                caller: calling.as_ref().and_then(|calling| calling.device.clone()),
                calling,
                called: report.called.clone(),
                reconstructed: true,
                ..Beginning::default()
            },
        );
        let caller = self.state.calls.get(&id).and_then(|call| call.calling_device.clone());
        if let Some(caller) = caller {
            self.set_connection(id, &caller, None, ConnectionState::Connected, report.cause);
        }
        self.concluding(|context| {
            context.tell_call(Kind::CallReconstructed, id, Some(monitor), report.cause)
        });
        self.join_monitored(id, report);
        if self.state.calls.get(&id).is_some_and(|call| !state_at(call, monitor).is_live()) {
            self.set_connection(id, monitor, None, local, report.cause);
        }
        self.mind_adrift(id);
    }
}
