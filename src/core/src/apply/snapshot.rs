//! A snapshot of one device decides what is over there, what goes on, and what was missed (rule 2).

use super::Context;
use super::call::Beginning;
use super::device::state_at;
use crate::model::call::{Call, ConnectionState};
use crate::model::cause::Cause;
use crate::model::device::DeviceKind;
use crate::model::ids::{CallId, DeviceId, ProviderId};
use crate::notification::Kind;
use crate::report::{DeviceSnapshot, SnapshotConnection};

impl Context<'_> {
    /// What one device looks like. All that follows from it is reconstructed.
    pub(super) fn snapshot(&mut self, provider: &ProviderId, snapshot: &DeviceSnapshot) {
        if !self.state.providers.contains_key(provider) {
            self.state.counters.unknown_providers += 1;
            return;
        }
        if self.kind_of(provider, &snapshot.device).is_none() {
            self.state.counters.unexpected_reports += 1;
            return;
        }
        self.concluding(|context| {
            let device = &snapshot.device;
            let shown: Vec<CallId> =
                snapshot.connections.iter().filter_map(|at| context.shown(provider, device, at)).collect();
            for id in context.calls_at(provider, device).to_vec() {
                if !shown.contains(&id) {
                    context.not_shown(id, device);
                }
            }
        });
    }

    /// A connection that the snapshot shows. Gives its call.
    fn shown(&mut self, provider: &ProviderId, device: &DeviceId, at: &SnapshotConnection) -> Option<CallId> {
        if !at.state.is_live() {
            return None;
        }
        let named = &at.connection.call;
        let known = self.call_by_id(provider, named).and_then(|id| self.state.calls.get(&id));
        let known = known.filter(|call| call.is_live()).map(|call| (call.id, self.is_other(call, at)));
        let id = match known {
            Some((id, false)) => id,
            Some((id, true)) => {
                self.state.counters.ids_reused += 1;
                self.end_call(id, Cause::IdReused, None);
                self.reconstruct_call(provider, device, at)
            }
            None => self.reconstruct_call(provider, device, at),
        };
        let told = self.effects.len();
        let certain = self.make_certain(id);
        self.settle_state(id, device, at);
        if let (Some(permitted), Some(call)) = (at.permitted, self.state.calls.get_mut(&id))
            && let Some(connection) = call.connection_mut(device)
        {
            connection.permitted = Some(permitted);
        }
        if certain && !self.told_of(id, told) {
            self.tell_call(Kind::CallUpdated, id, Some(device), Cause::LinkRestored);
        }
        self.mind_adrift(id);
        Some(id)
    }

    /// A connection that we knew is not there any more.
    fn not_shown(&mut self, id: CallId, device: &DeviceId) {
        let Some(call) = self.state.calls.get(&id) else { return };
        if call.stale.is_some() {
            // The call may have moved on to a device that is looked at later; the end of the resynchronisation tells.
            self.set_connection(id, device, None, ConnectionState::Null, Cause::LinkRestored);
            return;
        }
        if self.part(id, device, Cause::LinkRestored) {
            self.end_if_over(id, Cause::LinkRestored);
        }
    }

    fn reconstruct_call(
        &mut self,
        provider: &ProviderId,
        device: &DeviceId,
        at: &SnapshotConnection,
    ) -> CallId {
        self.state.counters.calls_reconstructed += 1;
        let told = at.calling.as_ref().and_then(|calling| calling.device.clone());
        let others = at.others.iter().filter_map(|(party, state)| Some((party.device.clone()?, *state)));
        let others: Vec<(DeviceId, ConnectionState)> =
            others.filter(|(other, state)| other != device && state.is_live()).collect();
        // A device that is not ringing and of whose caller nothing is known may be the caller itself: the one whom
        // the snapshot shows ringing is called.
        let calls_out = at.calling.is_none()
            && others.iter().any(|(_, state)| *state == ConnectionState::Alerting)
            && at.state != ConnectionState::Alerting;
        let caller =
            told.or_else(|| (calls_out || at.state == ConnectionState::Initiated).then(|| device.clone()));
        let id = self.begin(
            provider,
            &at.connection.call,
            Beginning {
                calling: at.calling.clone(),
                called: at.called.clone(),
                caller: caller.clone(),
                reconstructed: true,
                ..Beginning::default()
            },
        );
        for (other, state) in others {
            self.set_connection(id, &other, None, state, Cause::LinkRestored);
        }
        if let Some(caller) = caller.filter(|caller| caller != device) {
            let here = self.state.calls.get(&id).map(|call| state_at(call, &caller));
            if here == Some(ConnectionState::Null) {
                self.set_connection(id, &caller, None, ConnectionState::Connected, Cause::LinkRestored);
            }
        }
        self.tell_call(Kind::CallReconstructed, id, Some(device), Cause::LinkRestored);
        id
    }

    /// Brings the device's connection into the state that the snapshot shows, and tells what that means.
    fn settle_state(&mut self, id: CallId, device: &DeviceId, at: &SnapshotConnection) {
        let Some(call) = self.state.calls.get(&id) else { return };
        let provider = call.provider.clone();
        let calls = call.calling_device.as_ref() == Some(device);
        let cause = Cause::LinkRestored;
        let before = self.set_connection(id, device, Some(&at.connection.call), at.state, cause);
        if before == at.state {
            return;
        }
        let queue = self.kind_of(&provider, device) == Some(DeviceKind::Queue);
        match at.state {
            ConnectionState::Alerting | ConnectionState::Queued
                if queue || at.state == ConnectionState::Alerting =>
            {
                self.announce(id, device, cause);
            }
            ConnectionState::Connected if before == ConnectionState::Held => {
                self.retrieved(id, device, cause)
            }
            ConnectionState::Connected if calls => self.settle_answer(id, device, at),
            ConnectionState::Connected => self.answered(id, device, cause),
            ConnectionState::Held => {
                self.set_answered(id);
                self.held(id, device, cause);
            }
            _ => {}
        }
    }

    /// The device that dialled speaks: whether the other side answered is told by the others of the snapshot.
    fn settle_answer(&mut self, id: CallId, device: &DeviceId, at: &SnapshotConnection) {
        let speaks = |(_, state): &(_, ConnectionState)| *state == ConnectionState::Connected;
        if at.others.iter().any(speaks) {
            self.set_answered(id);
            self.tell_call(Kind::CallAnswered, id, Some(device), Cause::LinkRestored);
        }
    }

    /// Whether a snapshot shows another call than the one that we believed alive under its id.
    fn is_other(&self, call: &Call, at: &SnapshotConnection) -> bool {
        let told = at.calling.as_ref().and_then(|calling| calling.device.as_ref());
        match (&call.calling_device, told) {
            (Some(known), Some(told)) => {
                known != told && call.connection(told).is_none() && !self.is_customer_of(call, told)
            }
            _ => false,
        }
    }
}
