//! Monitors and snapshots: one monitor a device, started at a measured pace; a
//! snapshot after each; events that come in between in their right place.
//!
//! ```text
//! Waiting ─► Starting ─► Snapshotting ─► (Settling) ─► Watched
//!               └─► Refused ─ after a while ─► Waiting        ▲ PBX lost messages: snapshot again
//! ```
//!
//! While a device settles (its snapshot lacks parties, or comes in segments), its
//! events are held back, so that what is given out is never older than what went before.

use std::collections::BTreeMap;

use schakel_core::adapter::Output;
use schakel_core::model::call::ConnectionState;
use schakel_core::model::ids::{DeviceId, ProviderCallId, Str};
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::{
    DeviceEvent, DeviceSnapshot, EventReport, ProviderConnection, SnapshotConnection,
};
use schakel_csta_wire::{
    CallState, ConnectionId, CstaError, DeviceRef, ErrorCategory, Message, MonitorObject, MonitorStart,
    MonitorStop, Response, SnapshotCall, SnapshotCallInfo, SnapshotCallResponse, SnapshotDevice,
    SnapshotDeviceInfo,
};

use crate::refusal::is_shortage;
use crate::session::{Awaited, Csta};
use crate::translate::{permitted, state};

/// A PBX that lacked a monitor may have one again soon.
const RETRY_SHORTAGE: Millis = Millis::seconds(60);
/// A device that the PBX does not know may be made in the meantime.
const RETRY_REFUSED: Millis = Millis::seconds(600);
/// A monitor that the PBX stopped is asked for again once it has come to rest.
const RETRY_STOPPED: Millis = Millis::seconds(5);
/// Events held back for one device while its snapshot settles: more than happen in a request's time limit.
const HELD_MAX: usize = 64;
/// Events kept whose monitor has not been answered yet.
const ORPHANS_MAX: usize = 256;

/// Where a device stands.
#[derive(Debug)]
pub(crate) enum Watch {
    /// In the queue.
    Waiting,
    /// `MonitorStart` is sent.
    Starting,
    /// `SnapshotDevice` is sent or in the queue.
    Snapshotting,
    /// The snapshot is there, but for some parties or segments.
    Settling(Box<Settling>),
    /// Watched.
    Watched,
    /// Not watched.
    Refused,
}

/// A snapshot that is not complete.
#[derive(Debug)]
pub(crate) struct Settling {
    snapshot: DeviceSnapshot,
    /// `SnapshotCall`s without an answer.
    calls: usize,
    /// More segments are to come.
    segmented: bool,
    /// Events that came meanwhile, as they came.
    held: Vec<Vec<u8>>,
}

/// A device that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) id: DeviceId,
    pub(crate) watch: Watch,
    monitor: Option<Str>,
    /// A snapshot has been given out since the connection opened.
    shown: bool,
    /// Counted in [`Watches::unsettled`].
    unsettled: bool,
}

/// What waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Monitor(usize),
    Snapshot(usize),
    Parties { device: usize, connection: usize },
}

/// All devices.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    pub(crate) devices: Vec<Watched>,
    by_monitor: BTreeMap<Str, usize>,
    queue: std::collections::VecDeque<Task>,
    retries: std::collections::BTreeSet<(Time, usize)>,
    orphans: std::collections::VecDeque<Vec<u8>>,
    /// Snapshots that come in segments: by their reference, for which device and until when.
    segments: BTreeMap<Str, (usize, Time)>,
    /// `MonitorStart`s that were not answered in time, by invoke number: their answer may still come.
    late: BTreeMap<u16, usize>,
    unsettled: usize,
    starting: usize,
    pub(crate) resynced: bool,
    /// The PBX refused `SnapshotCall` as a service.
    no_parties: bool,
}

impl Watches {
    pub(crate) fn new(devices: &[DeviceId]) -> Self {
        let watched = |id: &DeviceId| Watched {
            id: id.clone(),
            watch: Watch::Waiting,
            monitor: None,
            shown: false,
            unsettled: true,
        };
        let devices: Vec<_> = devices.iter().map(watched).collect();
        Self {
            queue: (0..devices.len()).map(Task::Monitor).collect(),
            unsettled: devices.len(),
            devices,
            ..Self::default()
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let segments = self.segments.values().map(|(_, until)| *until);
        self.retries.first().map(|(at, _)| *at).into_iter().chain(segments).min()
    }

    /// The device whose monitor has this id.
    pub(crate) fn monitored(&self, monitor: &str) -> Option<usize> {
        self.by_monitor.get(monitor).copied()
    }

    /// A number is used for another request: no late answer can come under it any more.
    pub(crate) fn forget_late(&mut self, number: u16) {
        self.late.remove(&number);
    }

    fn is_watched(&self, index: usize) -> bool {
        self.devices.get(index).is_some_and(|device| device.monitor.is_some())
    }
}

impl Csta {
    /// Sends what waits, as long as few enough requests are unanswered.
    pub(crate) fn pump(&mut self, now: Time, output: &mut Vec<Output>) {
        while self.background < self.settings.outstanding_max.max(1) {
            let Some(task) = self.watches.queue.pop_front() else { break };
            match task {
                Task::Monitor(index) => self.start_monitor(index, now, output),
                Task::Snapshot(index) => self.take_snapshot(index, now, output),
                Task::Parties { device, connection } => self.ask_parties(device, connection, now, output),
            }
        }
        if self.watches.unsettled == 0 && !self.watches.resynced {
            self.watches.resynced = true;
            let unseen =
                self.watches.devices.iter().filter(|device| !device.shown).map(|device| device.id.clone());
            output.push(Output::Resynced { without_snapshot: unseen.collect() });
        }
    }

    fn start_monitor(&mut self, index: usize, now: Time, output: &mut Vec<Output>) {
        let Some(device) = self.watches.devices.get_mut(index) else { return };
        device.watch = Watch::Starting;
        self.watches.starting += 1;
        let object = MonitorObject::Device(device.id.as_str().to_owned().into());
        let request = MonitorStart { object, monitor_type: Some("device".into()) };
        self.request(request.into(), Awaited::Monitor(index), self.settings.request_limit, now, output);
    }

    pub(crate) fn monitor_started(
        &mut self,
        index: usize,
        result: Result<Response<'_>, CstaError<'_>>,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        self.watches.starting = self.watches.starting.saturating_sub(1);
        match result {
            Ok(Response::MonitorStart(started)) => self.adopt_monitor(index, &started.monitor, now, output),
            Ok(_) => self.refuse_monitor(
                index,
                "an answer that is none to MonitorStart",
                RETRY_REFUSED,
                now,
                output,
            ),
            Err(error) => {
                let retry = if is_shortage(&error) { RETRY_SHORTAGE } else { RETRY_REFUSED };
                if &*error.value == "overallMonitorLimitExceeded" {
                    self.refuse_waiting(&error, now, output);
                }
                self.refuse_monitor(index, &error.to_string(), retry, now, output);
            }
        }
        if self.watches.starting == 0 {
            self.replay_orphans(now, output);
        }
    }

    /// The monitor of a device runs; also where its answer came too late.
    fn adopt_monitor(&mut self, index: usize, monitor: &str, now: Time, output: &mut Vec<Output>) {
        let monitor = Str::from(monitor);
        let Some(device) = self.watches.devices.get_mut(index) else { return };
        if let Some(older) = device.monitor.replace(monitor.clone()).filter(|older| *older != monitor) {
            // A late answer and a second try gave two; one monitor a device.
            self.watches.by_monitor.remove(&older);
            let stop = MonitorStop { monitor: older.to_string().into() };
            self.request(stop.into(), Awaited::Nothing, self.settings.request_limit, now, output);
        }
        let Some(device) = self.watches.devices.get_mut(index) else { return };
        device.watch = Watch::Snapshotting;
        let id = device.id.clone();
        self.watches.by_monitor.insert(monitor.clone(), index);
        self.watches.retries.retain(|(_, retried)| *retried != index);
        self.watches.queue.push_back(Task::Snapshot(index));
        output.push(Output::Report(EventReport::Device { device: id, event: DeviceEvent::Monitored }));
        self.replay_orphans(now, output);
    }

    /// The answer to a `MonitorStart` that came after its time: the monitor runs, so it is used.
    pub(crate) fn late_monitor(
        &mut self,
        number: u16,
        message: &Message<'_>,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        let Some(index) = self.watches.late.remove(&number) else { return };
        if let Message::Response(Response::MonitorStart(started)) = message
            && !self.watches.is_watched(index)
        {
            self.adopt_monitor(index, &started.monitor, now, output);
        }
    }

    pub(crate) fn monitor_timed_out(
        &mut self,
        index: usize,
        number: u16,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        self.watches.starting = self.watches.starting.saturating_sub(1);
        self.watches.late.insert(number, index);
        self.refuse_monitor(index, "no answer in time", RETRY_SHORTAGE, now, output);
    }

    /// The PBX stopped a monitor.
    pub(crate) fn monitor_stopped(&mut self, monitor: &str, now: Time, output: &mut Vec<Output>) {
        let Some(index) = self.watches.by_monitor.remove(monitor) else {
            self.observed.count("events_without_monitor");
            return;
        };
        self.refuse_monitor(index, "the telephone system stopped the monitor", RETRY_STOPPED, now, output);
    }

    /// The PBX has no monitors left: the devices that wait need not ask.
    fn refuse_waiting(&mut self, error: &CstaError<'_>, now: Time, output: &mut Vec<Output>) {
        let waiting: Vec<_> =
            self.watches.queue.iter().copied().filter(|t| matches!(t, Task::Monitor(_))).collect();
        self.watches.queue.retain(|task| !matches!(task, Task::Monitor(_)));
        for task in waiting {
            if let Task::Monitor(index) = task {
                self.refuse_monitor(index, &error.to_string(), RETRY_SHORTAGE, now, output);
            }
        }
    }

    fn refuse_monitor(
        &mut self,
        index: usize,
        words: &str,
        retry: Millis,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        self.observed.count("monitors_refused");
        self.release_held(index, now, output);
        let Some(device) = self.watches.devices.get_mut(index) else { return };
        device.watch = Watch::Refused;
        device.monitor = None;
        let event = DeviceEvent::MonitorRefused(Str::from(words));
        output.push(Output::Report(EventReport::Device { device: device.id.clone(), event }));
        self.watches.retries.insert((now + retry, index));
        self.settled(index);
    }

    /// Asks again for the monitors whose time has come.
    pub(crate) fn retry_monitors(&mut self, now: Time) {
        while let Some((at, index)) = self.watches.retries.first().copied()
            && at <= now
        {
            self.watches.retries.pop_first();
            if let Some(device) = self.watches.devices.get_mut(index)
                && device.monitor.is_none()
            {
                device.watch = Watch::Waiting;
                self.watches.queue.push_back(Task::Monitor(index));
            }
        }
    }

    /// Takes a snapshot of every device that is watched: the PBX says that it lost messages.
    pub(crate) fn look_again(&mut self) {
        for (index, device) in self.watches.devices.iter_mut().enumerate() {
            if matches!(device.watch, Watch::Watched) {
                device.watch = Watch::Snapshotting;
                self.watches.queue.push_back(Task::Snapshot(index));
            }
        }
    }

    fn take_snapshot(&mut self, index: usize, now: Time, output: &mut Vec<Output>) {
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
                connection: ProviderConnection { call: ProviderCallId(call), device: device.id.clone() },
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

    fn ask_parties(&mut self, index: usize, at: usize, now: Time, output: &mut Vec<Output>) {
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

    pub(crate) fn without_snapshot(&mut self, index: usize, now: Time, output: &mut Vec<Output>) {
        self.observed.count("snapshots_failed");
        self.release_held(index, now, output);
        if let Some(device) = self.watches.devices.get_mut(index) {
            device.watch = Watch::Watched;
        }
        self.settled(index);
    }

    fn release_held(&mut self, index: usize, now: Time, output: &mut Vec<Output>) {
        let Some(device) = self.watches.devices.get_mut(index) else { return };
        if let Watch::Settling(settling) = &mut device.watch {
            let held = std::mem::take(&mut settling.held);
            device.watch = Watch::Watched;
            for body in held {
                self.document(&body, now, output);
            }
        }
    }

    fn settled(&mut self, index: usize) {
        if let Some(device) = self.watches.devices.get_mut(index)
            && device.unsettled
        {
            device.unsettled = false;
            self.watches.unsettled = self.watches.unsettled.saturating_sub(1);
        }
    }

    /// Keeps an event for later if its device settles, or its monitor is not known yet. `true` if it was kept.
    pub(crate) fn keep_for_later(
        &mut self,
        monitor: &str,
        body: &[u8],
        now: Time,
        output: &mut Vec<Output>,
    ) -> bool {
        let Some(index) = self.watches.monitored(monitor) else {
            if monitor.is_empty() || self.watches.starting == 0 {
                return false;
            }
            if self.watches.orphans.len() >= ORPHANS_MAX {
                self.observed.count("events_without_monitor");
                self.watches.orphans.pop_front();
            }
            self.watches.orphans.push_back(body.to_vec());
            return true;
        };
        let Some(device) = self.watches.devices.get_mut(index) else { return false };
        let Watch::Settling(settling) = &mut device.watch else { return false };
        if settling.held.len() < HELD_MAX {
            settling.held.push(body.to_vec());
            return true;
        }
        self.without_snapshot(index, now, output);
        false
    }

    fn replay_orphans(&mut self, now: Time, output: &mut Vec<Output>) {
        // Those that still have no monitor go back into the queue, in their order.
        for body in std::mem::take(&mut self.watches.orphans) {
            self.document(&body, now, output);
        }
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
        CallState::Simple(schakel_csta_wire::SimpleCallState::CallDelivered) => {
            (ConnectionState::Alerting, false)
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
