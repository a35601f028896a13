//! The PBX end of the link: it answers what a client asks when it connects, then sends events as fast as it is told
//! to. It knows nothing of telephony beyond that, so that its own cost stays out of the figures.

use crate::Result;
use crate::calls::{self, Calls};
use crate::messages::EDITION;
use crate::meter::Meter;
use crate::route::goes_on;
use schakel_csta_wire::{
    CallState, ConnectionId, CstaError, Deframer, DeviceRef, Encoder, GetSwitchingFunctionCapsResponse,
    InvokeId, LocalConnectionState, MAX_FRAME_BYTES, Message, MonitorObject, MonitorStartResponse, Request,
    RequestSystemStatusResponse, Response, RouteEnd, RouteRegisterResponse, Service, ServiceSet,
    SnapshotCallInfo, SnapshotCallResponse, SnapshotDeviceInfo, SnapshotDeviceResponse, SystemStatusValue,
    decode, encode_frame, text_of,
};
use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Frames in one write when going at full speed: what a busy PBX coalesces.
const BURST: u64 = 32;

/// A PBX that one client at a time connects to.
#[derive(Debug)]
pub struct Pump {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    link: Option<TcpStream>,
    links: u64,
    monitored: HashSet<String>,
    /// Live calls by device: told to whoever takes a snapshot.
    live: HashMap<String, u64>,
    devices_of: HashMap<String, String>,
    snapshots: u64,
    commands: u64,
    registered: bool,
    /// Where calls were routed to: the number of the dialogue, the device, and when it was told.
    selected: Vec<(u64, String, Instant)>,
    refuse: bool,
    problem: Option<String>,
}

impl Pump {
    /// Listens on a port of its own.
    ///
    /// # Errors
    /// If there is none.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("pump".to_owned()).spawn(move || accept(&listener, &for_thread))?;
        Ok(Self { address, shared })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the calls that live at devices, as snapshots tell them.
    pub fn set_live(&self, live: impl IntoIterator<Item = (String, u64)>) {
        let mut state = self.lock();
        state.live = live.into_iter().collect();
        state.devices_of =
            state.live.iter().map(|(device, call)| (calls::call_id(*call), device.clone())).collect();
    }

    /// Waits for the client's link.
    ///
    /// # Errors
    /// If it does not come in time.
    pub fn wait_for_link(&self, within: Duration) -> Result<()> {
        self.wait(within, "no client connected", |state| state.link.is_some())
    }

    /// Waits until this many devices are monitored.
    ///
    /// # Errors
    /// If they are not in time.
    pub fn wait_for_monitors(&self, count: usize, within: Duration) -> Result<()> {
        self.wait(within, "not every device was monitored", |state| state.monitored.len() >= count)
    }

    /// Waits until this many snapshots of devices or calls were taken over this link.
    ///
    /// # Errors
    /// If they are not in time.
    pub fn wait_for_snapshots(&self, count: u64, within: Duration) -> Result<()> {
        self.wait(within, "not every device was looked at", |state| state.snapshots >= count)
    }

    /// Snapshots taken over this link.
    #[must_use]
    pub fn snapshots(&self) -> u64 {
        self.lock().snapshots
    }

    /// Commands (`GenerateDigits`, `HoldCall` and so on) that came over all links.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.lock().commands
    }

    /// Waits until the client has registered for a routeing device.
    ///
    /// # Errors
    /// If it has not in time.
    pub fn wait_for_registration(&self, within: Duration) -> Result<()> {
        self.wait(within, "nobody registered for the routeing device", |state| state.registered)
    }

    /// Waits for so many `RouteSelect`, and takes them: the number of the dialogue, the device, and when it was told.
    ///
    /// # Errors
    /// If they have not come in time.
    pub fn take_selected(&self, count: usize, within: Duration) -> Result<Vec<(u64, String, Instant)>> {
        self.wait(within, "not every call was routed", |state| state.selected.len() >= count)?;
        Ok(std::mem::take(&mut self.lock().selected))
    }

    /// Breaks the link; with `refuse`, new ones are broken at once too.
    pub fn cut(&self, refuse: bool) {
        let mut state = self.lock();
        state.refuse = refuse;
        if let Some(link) = state.link.take() {
            let _ = link.shutdown(Shutdown::Both);
        }
        state.monitored.clear();
        state.snapshots = 0;
    }

    /// Lets clients connect again.
    pub fn mend(&self) {
        self.lock().refuse = false;
    }

    /// Sends `count` events with never more than `window` on their way, as fast as that allows. Ends early after
    /// `at_most`.
    ///
    /// # Errors
    /// If the link breaks, or nothing moves any more.
    pub fn send_windowed(
        &self,
        calls: &mut Calls,
        meter: &Meter,
        window: u64,
        count: u64,
        at_most: Duration,
    ) -> Result<()> {
        let mut link = self.writer()?;
        let mut out = Vec::with_capacity(BURST as usize * 2048);
        let (begin, mut sent, mut moved) = (Instant::now(), 0, Instant::now());
        while sent < count && begin.elapsed() < at_most {
            let room = window.saturating_sub(meter.outstanding()).min(BURST).min(count - sent);
            if room < BURST.min(count - sent) {
                if moved.elapsed() > Duration::from_secs(20) {
                    return Err(format!("nothing moves: {} events never arrived", meter.outstanding()).into());
                }
                std::thread::sleep(Duration::from_micros(100));
                continue;
            }
            moved = Instant::now();
            out.clear();
            for _ in 0..room {
                let event = calls.next(&mut out);
                meter.sends(event.call, event.step, moved);
            }
            link.write_all(&out).map_err(|error| format!("the client left: {error}"))?;
            sent += room;
        }
        Ok(())
    }

    /// Sends at a rate for a time, whatever arrives: each event at its own moment (open loop). The time of an event
    /// counts from when it was due.
    ///
    /// # Errors
    /// If the link breaks.
    pub fn send_at(&self, calls: &mut Calls, meter: &Meter, rate: f64, time: Duration) -> Result<()> {
        let mut link = self.writer()?;
        let mut out = Vec::new();
        let begin = Instant::now();
        let count = (rate * time.as_secs_f64()) as u64;
        // Above this one write an event is not what a PBX does, and the sender would need a core of its own.
        let together = (rate / 2000.0).ceil().max(1.0) as u64;
        let mut sent = 0;
        while sent < count {
            let due = begin + Duration::from_secs_f64(sent as f64 / rate);
            sleep_until(due);
            out.clear();
            for _ in 0..together.min(count - sent) {
                let event = calls.next(&mut out);
                meter.sends(event.call, event.step, due);
                sent += 1;
            }
            link.write_all(&out).map_err(|error| format!("the client left: {error}"))?;
        }
        Ok(())
    }

    /// Sends what remains of the calls that are under way, so that the next measurement begins with none.
    ///
    /// # Errors
    /// If the link breaks.
    pub fn finish_round(&self, calls: &mut Calls, meter: &Meter) -> Result<()> {
        while !calls.between_rounds() {
            self.send_windowed(calls, meter, u64::MAX, 1, Duration::from_secs(10))?;
        }
        Ok(())
    }

    /// Sends one message as an event.
    ///
    /// # Errors
    /// If the link breaks.
    pub fn send(&self, message: &Message<'_>) -> Result<()> {
        let mut out = Vec::new();
        encode_frame(InvokeId::EVENT, &crate::messages::xml(message), &mut out)
            .map_err(|error| error.to_string())?;
        Ok(self.writer()?.write_all(&out)?)
    }

    fn writer(&self) -> Result<TcpStream> {
        Ok(self.lock().link.as_ref().ok_or("there is no link")?.try_clone()?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().expect("not poisoned")
    }

    fn wait(&self, within: Duration, what: &str, done: impl Fn(&State) -> bool) -> Result<()> {
        let (state, timeout) = self
            .shared
            .changed
            .wait_timeout_while(self.lock(), within, |state| !done(state) && state.problem.is_none())
            .expect("not poisoned");
        if let Some(problem) = &state.problem {
            return Err(problem.clone().into());
        }
        if timeout.timed_out() {
            let State { monitored, snapshots, selected, .. } = &*state;
            let (monitored, selected) = (monitored.len(), selected.len());
            let seen = format!("{monitored} monitored, {snapshots} snapshots, {selected} routed");
            return Err(format!("{what} within {within:?}: {seen}").into());
        }
        Ok(())
    }
}

/// Sleeps almost until then, and spins the rest: a timer alone is 50 µs and more late.
fn sleep_until(due: Instant) {
    if let Some(rest) = due.checked_duration_since(Instant::now() + Duration::from_micros(70)) {
        std::thread::sleep(rest);
    }
    while Instant::now() < due {
        std::hint::spin_loop();
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for link in listener.incoming().flatten() {
        let mut state = shared.state.lock().expect("not poisoned");
        if state.refuse {
            continue;
        }
        let _ = link.set_nodelay(true);
        let Ok(reader) = link.try_clone() else { continue };
        state.link = Some(link);
        state.links += 1;
        state.monitored.clear();
        state.snapshots = 0;
        drop(state);
        shared.changed.notify_all();
        let shared = Arc::clone(shared);
        let run = move || {
            if let Err(error) = answer_all(reader, &shared) {
                shared.state.lock().expect("not poisoned").problem = Some(format!("the pump: {error}"));
                shared.changed.notify_all();
            }
        };
        std::thread::Builder::new().name("pump-answers".to_owned()).spawn(run).expect("a thread");
    }
}

fn answer_all(mut link: TcpStream, shared: &Shared) -> Result<()> {
    let mut deframer = Deframer::new(MAX_FRAME_BYTES);
    let mut chunk = vec![0; 64 * 1024];
    let (mut xml, mut out) = (Vec::new(), Vec::new());
    loop {
        let read = match link.read(&mut chunk) {
            Ok(0) | Err(_) => return Ok(()),
            Ok(read) => read,
        };
        let now = Instant::now();
        deframer.push(&chunk[..read]);
        out.clear();
        while let Some(frame) = deframer.next_frame().map_err(|error| error.to_string())? {
            let text = text_of(frame.body).map_err(|error| error.to_string())?;
            let decoded = decode(&text).map_err(|error| error.to_string())?;
            let mut state = shared.state.lock().expect("not poisoned");
            if let Some(answer) = answer(&decoded.message, &mut state) {
                xml.clear();
                Encoder::new(EDITION).with_namespace(true).encode(&answer, &mut xml);
                encode_frame(frame.invoke, &xml, &mut out).map_err(|error| error.to_string())?;
            }
            if let Message::Request(Request::RouteSelect(select)) = &decoded.message {
                let number = select.cross_ref.parse()?;
                goes_on(number, &select.selected.value, &mut out);
                state.selected.push((number, select.selected.value.to_string(), now));
            }
        }
        shared.changed.notify_all();
        if !out.is_empty() && link.write_all(&out).is_err() {
            return Ok(());
        }
    }
}

fn answer<'a>(message: &'a Message<'a>, state: &mut State) -> Option<Message<'a>> {
    let Message::Request(request) = message else { return None };
    let response: Response<'a> = match request {
        Request::MonitorStart(start) => {
            let device = match &start.object {
                MonitorObject::Device(device) => device.value.to_string(),
                MonitorObject::Call(call) => call.call.to_string(),
            };
            let monitor = calls::monitor_of(&device).into();
            state.monitored.insert(device);
            MonitorStartResponse { monitor, ..Default::default() }.into()
        }
        Request::SnapshotDevice(of) => {
            state.snapshots += 1;
            let device = of.device.value.to_string();
            let live = state.live.get(&device).copied();
            let calls = live.map(|call| SnapshotDeviceInfo {
                connection: ConnectionId::new(calls::call_id(call), device),
                endpoint: Some(DeviceRef::known(calls::caller_of(call))),
                state: CallState::Compound(vec![
                    LocalConnectionState::Connected,
                    LocalConnectionState::Connected,
                ]),
                ..Default::default()
            });
            SnapshotDeviceResponse { calls: calls.into_iter().collect(), ..Default::default() }.into()
        }
        Request::SnapshotCall(of) => snapshot_call(&of.call, state)?,
        Request::RouteRegister(_) => {
            state.registered = true;
            RouteRegisterResponse { register: "1".into() }.into()
        }
        Request::RouteSelect(select) => {
            let end = RouteEnd { cross_ref: select.cross_ref.clone(), ..RouteEnd::default() };
            return Some(Request::from(end).into());
        }
        Request::GetSwitchingFunctionCaps(_) => GetSwitchingFunctionCapsResponse {
            sub_domain: "bench".into(),
            manufacturer: "bench".into(),
            services: ServiceSet::of(Service::ALL),
        }
        .into(),
        Request::RequestSystemStatus(_) => {
            RequestSystemStatusResponse { status: Some(SystemStatusValue::Normal) }.into()
        }
        other => return empty_answer(other, state),
    };
    Some(response.into())
}

/// The answer to a service whose response has nothing in it: the root alone.
fn empty_answer<'a>(request: &'a Request<'a>, state: &mut State) -> Option<Message<'a>> {
    use schakel_csta_wire::EmptyResponse as Empty;
    let empty = match request {
        Request::SystemStatus(_) => Empty::SystemStatus,
        Request::MonitorStop(_) => Empty::MonitorStop,
        Request::AnswerCall(_) => Empty::AnswerCall,
        Request::HoldCall(_) => Empty::HoldCall,
        Request::RetrieveCall(_) => Empty::RetrieveCall,
        Request::ClearConnection(_) => Empty::ClearConnection,
        Request::GenerateDigits(_) => Empty::GenerateDigits,
        other => {
            return other.response_root().map(|_| CstaError::service_not_supported().into());
        }
    };
    if !matches!(request, Request::SystemStatus(_) | Request::MonitorStop(_)) {
        state.commands += 1;
    }
    Some(Response::Empty(empty).into())
}

fn snapshot_call<'a>(of: &ConnectionId<'a>, state: &mut State) -> Option<Response<'a>> {
    let device = state.devices_of.get(&*of.call).cloned()?;
    let caller = calls::caller_of(*state.live.get(&device)?);
    let party = |value: &str| SnapshotCallInfo {
        device: Some(DeviceRef::known(value.to_owned())),
        connection: ConnectionId::new(of.call.clone(), value.to_owned()),
        state: Some(LocalConnectionState::Connected),
        services: None,
    };
    let response = SnapshotCallResponse {
        parties: vec![party(&device), party(&caller)],
        calling: Some(DeviceRef::known(caller.clone())),
        called: Some(DeviceRef::known(device.clone())),
        ..Default::default()
    };
    Some(response.into())
}
