//! Snapshots: what a device looks like now (ECMA-269 clause 16), whole or in
//! segments, with the parties asked for where the PBX left them out.

use schakel_core::adapter::Output;
use schakel_core::model::call::ConnectionState;
use schakel_core::model::ids::{DeviceId, ProviderCallId, Str};
use schakel_core::model::time::Time;
use schakel_core::report::{DeviceSnapshot, ProviderConnection, SnapshotConnection};
use schakel_csta_wire::{
    CallState, ConnectionId, CstaError, DeviceRef, ErrorCategory, Response, SimpleCallState, SnapshotCall,
    SnapshotCallInfo, SnapshotCallResponse, SnapshotDevice, SnapshotDeviceInfo,
};

use crate::session::{Awaited, Csta};
use crate::translate::{permitted, state};
use crate::watch::{Settling, Task, Watch};

impl Csta {
    /// Takes a snapshot of the devices that are wanted and watched: the PBX says that it lost messages, or refuses what
    /// our picture of a device allows.
    pub(crate) fn look_again(&mut self, is_wanted: impl Fn(&DeviceId) -> bool) {
        for (index, device) in self.watches.devices.iter_mut().enumerate() {
            if matches!(device.watch, Watch::Watched) && is_wanted(&device.id) {
                device.watch = Watch::Snapshotting;
                self.watches.queue.push_back(Task::Snapshot(index));
            }
        }
    }

    pub(crate) fn take_snapshot(&mut self, index: usize, now: Time, output: &mut Vec<Output>) {
        let Some(device) = self.watches.devices.get(index).filter(|device| device.monitor.is_some()) else {
            return;
        };
        let request = SnapshotDevice { device: device.id.as_str().to_owned().into() };
        self.request(request.into(), Awaited::Snapshot(index), self.settings.request_limit, now, output);
    }

    pub(crate) fn snapshot_taken(
        &mut self,
        index: usize,
        result: Result<Response<'_>, CstaError<'_>>,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        let Some(device) = self.watches.devices.get_mut(index).filter(|device| device.monitor.is_some())
        else {
            return;
        };
        let Ok(Response::SnapshotDevice(response)) = result else {
            return self.without_snapshot(index, now, output);
        };
        let snapshot = DeviceSnapshot { device: device.id.clone(), connections: Vec::new() };
        let segmented = response.cross_ref.is_some();
        device.watch =
            Watch::Settling(Box::new(Settling { snapshot, calls: 0, segmented, held: Vec::new() }));
        if let Some(reference) = &response.cross_ref {
            let until = now + self.settings.request_limit;
            self.watches.segments.insert(Str::from(&**reference), (index, until));
        }
        self.add_calls(index, &response.calls);
        self.complete(index, now, output);
    }

    /// One segment of a snapshot.
    pub(crate) fn segment(
        &mut self,
        reference: &str,
        calls: &[SnapshotDeviceInfo<'_>],
        last: bool,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        let Some((index, _)) = self.watches.segments.get(reference).copied() else {
            return self.observed.count("late_responses");
        };
        self.add_calls(index, calls);
        if last {
            self.watches.segments.remove(reference);
            if let Some(Watch::Settling(settling)) = self.watches.devices.get_mut(index).map(|d| &mut d.watch)
            {
                settling.segmented = false;
            }
            self.complete(index, now, output);
        }
    }

    /// Gives up on segments that did not come in time.
    pub(crate) fn expire_segments(&mut self, now: Time, output: &mut Vec<Output>) {
        let late: Vec<_> = self.watches.segments.iter().filter(|(_, (_, until))| *until <= now).collect();
        let late: Vec<_> =
            late.into_iter().map(|(reference, (index, _))| (reference.clone(), *index)).collect();
        for (reference, index) in late {
            self.watches.segments.remove(&reference);
            let settles = self.watches.devices.get(index).map(|device| &device.watch);
            if matches!(settles, Some(Watch::Settling(settling)) if settling.segmented) {
                self.without_snapshot(index, now, output);
            }
        }
    }

    /// Puts calls into a settling snapshot; asks for the parties of those that do not tell them.
    fn add_calls(&mut self, index: usize, calls: &[SnapshotDeviceInfo<'_>]) {
        let Some(device) = self.watches.devices.get_mut(index) else { return };
        let Watch::Settling(settling) = &mut device.watch else { return };
        for info in calls {
            // One product tells that there is no call by a call with nothing in it.
            if info.connection.call.is_empty() && info.connection.device.is_empty() {
                continue;
            }
            let call = Str::from(&*info.connection.call);
            self.memory.remember(&call, &device.id, &info.connection.device.value);
            let local = info.state.local().as_ref().and_then(state);
            if local == Some(ConnectionState::Null) {
                continue;
            }
            let endpoint = info.endpoint.as_ref().filter(|endpoint| endpoint.value().is_some());
            let (far, many) = far_state(&info.state);
            let lacks = local.is_none() || endpoint.is_none() || many;
            let state = local.unwrap_or(ConnectionState::Connected);
            let party = endpoint.map(|endpoint| self.own.party(endpoint));
            let own = self.own.party(&DeviceRef::known(device.id.as_str()));
            let rings_there = far == ConnectionState::Alerting && state == ConnectionState::Connected;
            let connection = SnapshotConnection {
                connection: ProviderConnection {
                    call: ProviderCallId::from(call),
                    device: device.id.clone(),
                },
                state,
                calling: match state {
                    ConnectionState::Alerting => party.clone(),
                    _ if rings_there => Some(own),
                    _ => None,
                },
                called: party.clone().filter(|_| rings_there),
                others: party.into_iter().map(|party| (party, far)).collect(),
                permitted: info.services.map(permitted),
            };
            settling.snapshot.connections.push(connection);
            if lacks && !self.watches.no_parties {
                settling.calls += 1;
                let connection = settling.snapshot.connections.len() - 1;
                self.watches.queue.push_front(Task::Parties { device: index, connection });
            }
        }
    }

    pub(crate) fn ask_parties(&mut self, index: usize, at: usize, now: Time, output: &mut Vec<Output>) {
        let Some(Watch::Settling(settling)) = self.watches.devices.get(index).map(|d| &d.watch) else {
            return;
        };
        let Some(asked) = settling.snapshot.connections.get(at) else { return };
        let call = self.connection_id(&asked.connection);
        let awaited = Awaited::Parties { device: index, connection: at };
        self.request(SnapshotCall { call }.into(), awaited, self.settings.request_limit, now, output);
    }

    pub(crate) fn parties_told(
        &mut self,
        (index, at): (usize, usize),
        result: Result<Response<'_>, CstaError<'_>>,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        if let Err(error) = &result
            && error.category == ErrorCategory::Operation
            && error.value == "serviceNotSupported"
        {
            self.watches.no_parties = true;
        }
        let Some(device) = self.watches.devices.get_mut(index) else { return };
        let Watch::Settling(settling) = &mut device.watch else { return };
        settling.calls = settling.calls.saturating_sub(1);
        if let Ok(Response::SnapshotCall(response)) = result
            && let Some(connection) = settling.snapshot.connections.get_mut(at)
        {
            let party = |device: &DeviceRef<'_>| self.own.party(device);
            let told = |device: &Option<DeviceRef<'_>>| {
                device.as_ref().filter(|device| device.value().is_some()).map(party)
            };
            let SnapshotCallResponse { parties, calling, called, .. } = &response;
            connection.calling = told(calling).or(connection.calling.take());
            connection.called = told(called).or(connection.called.take());
            let mut others = Vec::new();
            for info in parties {
                let there = info.state.as_ref().and_then(state).unwrap_or(ConnectionState::Connected);
                let Some(party) = party_of(info).map(|device| party(&device)) else { continue };
                if party.device.as_ref() == Some(&device.id) {
                    connection.state = there;
                } else if there.is_live() {
                    others.push((party, there));
                }
            }
            if !others.is_empty() {
                connection.others = others;
            }
        }
        self.complete(index, now, output);
    }

    /// Gives a snapshot out once nothing of it is missing, then what happened meanwhile.
    fn complete(&mut self, index: usize, now: Time, output: &mut Vec<Output>) {
        let Some(device) = self.watches.devices.get_mut(index) else { return };
        match &device.watch {
            Watch::Settling(settling) if settling.calls == 0 && !settling.segmented => {}
            _ => return,
        }
        let Watch::Settling(settling) = std::mem::replace(&mut device.watch, Watch::Watched) else { return };
        device.shown = true;
        output.push(Output::Snapshot(settling.snapshot));
        for body in settling.held {
            self.document(&body, now, output);
        }
        self.settled(index);
    }

    /// Gives a snapshot out as far as it goes: its calls are known, and no more is waited for. One whose calls are not
    /// all known yet is none.
    pub(crate) fn settle_for_less(&mut self, index: usize, now: Time, output: &mut Vec<Output>) {
        let Some(device) = self.watches.devices.get_mut(index) else { return };
        let Watch::Settling(settling) = &mut device.watch else { return };
        if settling.segmented {
            return self.without_snapshot(index, now, output);
        }
        settling.calls = 0;
        self.complete(index, now, output);
    }

    pub(crate) fn without_snapshot(&mut self, index: usize, now: Time, output: &mut Vec<Output>) {
        self.observed.count("snapshots_failed");
        self.release_held(index, now, output);
        if let Some(device) = self.watches.devices.get_mut(index) {
            device.watch = Watch::Watched;
        }
        self.settled(index);
    }

    /// A connection as the PBX spells it.
    pub(crate) fn connection_id(&self, connection: &ProviderConnection) -> ConnectionId<'static> {
        let spelt = self.memory.spelling(&connection.call, &connection.device);
        let device = spelt.unwrap_or(connection.device.as_str());
        ConnectionId::new(connection.call.as_str().to_owned(), device.to_owned())
    }
}

/// The state at the far end, and whether there are more ends than one.
fn far_state(state: &CallState<'_>) -> (ConnectionState, bool) {
    match state {
        CallState::Compound(states) => {
            let far = states.get(1).and_then(self::state).unwrap_or(ConnectionState::Connected);
            (far, states.len() > 2)
        }
        CallState::Simple(SimpleCallState::CallDelivered | SimpleCallState::CallDeliveredHeld) => {
            (ConnectionState::Alerting, false)
        }
        CallState::Simple(SimpleCallState::CallEstablishedOnHold | SimpleCallState::CallReceivedOnHold) => {
            (ConnectionState::Held, false)
        }
        _ => (ConnectionState::Connected, false),
    }
}

fn party_of<'a>(info: &SnapshotCallInfo<'a>) -> Option<DeviceRef<'a>> {
    let known = info.device.clone().filter(|device| device.value().is_some());
    known.or_else(|| {
        (!info.connection.device.is_empty()).then(|| DeviceRef::Identifier(info.connection.device.clone()))
    })
}
