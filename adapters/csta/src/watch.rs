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
use schakel_core::model::ids::{DeviceId, Str};
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::{DeviceEvent, DeviceSnapshot, EventReport};
use schakel_csta_wire::{CstaError, Message, MonitorObject, MonitorStart, MonitorStop, Response};

use crate::refusal::is_shortage;
use crate::session::{Awaited, Csta};

/// A PBX that lacked a monitor may have one again soon.
const RETRY_SHORTAGE: Millis = Millis::seconds(60);
/// A device that the PBX does not know may be made in the meantime.
const RETRY_REFUSED: Millis = Millis::seconds(600);
/// A monitor that the PBX stopped is asked for again once it has come to rest.
const RETRY_STOPPED: Millis = Millis::seconds(5);
/// Events held back for one device while its snapshot settles: more than happen at a queue in a request's time limit.
const HELD_MAX: usize = 1024;
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
    pub(crate) snapshot: DeviceSnapshot,
    /// `SnapshotCall`s without an answer.
    pub(crate) calls: usize,
    /// More segments are to come.
    pub(crate) segmented: bool,
    /// Events that came meanwhile, as they came.
    pub(crate) held: Vec<Vec<u8>>,
}

/// A device that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) id: DeviceId,
    pub(crate) watch: Watch,
    pub(crate) monitor: Option<Str>,
    /// A snapshot has been given out since the connection opened.
    pub(crate) shown: bool,
    /// Counted in [`Watches::unsettled`].
    unsettled: bool,
}

/// What waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Monitor(usize),
    Snapshot(usize),
    Parties { device: usize, connection: usize },
}

/// All devices.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    pub(crate) devices: Vec<Watched>,
    by_monitor: BTreeMap<Str, usize>,
    pub(crate) queue: std::collections::VecDeque<Task>,
    retries: std::collections::BTreeSet<(Time, usize)>,
    orphans: std::collections::VecDeque<Vec<u8>>,
    /// Snapshots that come in segments: by their reference, for which device and until when.
    pub(crate) segments: BTreeMap<Str, (usize, Time)>,
    /// `MonitorStart`s that were not answered in time, by invoke number: their answer may still come.
    late: BTreeMap<u16, usize>,
    unsettled: usize,
    starting: usize,
    pub(crate) resynced: bool,
    /// The PBX refused `SnapshotCall` as a service.
    pub(crate) no_parties: bool,
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
        while self.may_ask() {
            let Some(task) = self.watches.queue.pop_front() else { break };
            match task {
                Task::Monitor(index) => self.start_monitor(index, now, output),
                Task::Snapshot(index) => self.take_snapshot(index, now, output),
                Task::Parties { device, connection } => self.ask_parties(device, connection, now, output),
            }
        }
        self.poll_agents(now, output);
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

    pub(crate) fn release_held(&mut self, index: usize, now: Time, output: &mut Vec<Output>) {
        let Some(device) = self.watches.devices.get_mut(index) else { return };
        if let Watch::Settling(settling) = &mut device.watch {
            let held = std::mem::take(&mut settling.held);
            device.watch = Watch::Watched;
            for body in held {
                self.document(&body, now, output);
            }
        }
    }

    /// A device stands where it stays for now.
    pub(crate) fn settled(&mut self, index: usize) {
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
        // What is known of the calls without their parties says still which of them are over.
        self.settle_for_less(index, now, output);
        false
    }

    fn replay_orphans(&mut self, now: Time, output: &mut Vec<Output>) {
        // Those that still have no monitor go back into the queue, in their order.
        for body in std::mem::take(&mut self.watches.orphans) {
            self.document(&body, now, output);
        }
    }
}
