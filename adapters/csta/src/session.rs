//! The conversation with one PBX: greeting, session, registration, capabilities,
//! heartbeat, and which answer belongs to which request.
//!
//! ```text
//! Closed ─ Opened ─► Greeting ─► Session ─► Register ─► Capabilities ─► Watching
//!                    (a moment)  (if set)   (if set)     (if set)        monitors, snapshots, commands
//! ```

use std::collections::BTreeMap;

use schakel_core::adapter::{Adapter, CloseReason, Input, Observations, Output, ProviderCommand};
use schakel_core::command::{Refusal, RefusalCause};
use schakel_core::model::ids::{DeviceId, Str};
use schakel_core::model::provider::Capabilities;
use schakel_core::model::time::{Millis, Time};
use schakel_csta_wire as wire;
use schakel_csta_wire::{CstaError, Deframer, Encoder, InvokeId, Message, Request, Session, encode_frame};

use crate::agents::Polls;
use crate::command::{Reconnected, reply};
use crate::memory::Memory;
use crate::observe::Observed;
use crate::routeing::Routeing;
use crate::settings::Settings;
use crate::translate::{OwnDevices, operations};
use crate::watch::Watches;

/// How long a PBX that greets may take before we begin without its greeting.
const GREETING_LIMIT: Millis = Millis::seconds(2);
/// A PBX that does not know the request should refuse it; some say nothing, and each reconnection waits for that.
const CAPABILITIES_LIMIT: Millis = Millis::seconds(3);
/// Invoke ids of requests: 9999 is for events, and 0000 means "none" to some.
const INVOKE_MAX: u16 = 9998;

/// What a request was sent for.
#[derive(Debug)]
pub(crate) enum Awaited {
    SessionStart,
    SessionReset,
    Register,
    Capabilities,
    Devices,
    Heartbeat,
    /// Whatever the answer is.
    Nothing,
    Monitor(usize),
    Snapshot(usize),
    Parties {
        device: usize,
        connection: usize,
    },
    Command(Box<ProviderCommand>),
    /// The registration of a routeing device, by its place.
    RouteRegister(usize),
    /// What was told to the PBX in a routeing dialogue: it answers only what it refuses.
    Route(Str),
    /// The agents at a device.
    Agents(DeviceId),
}

impl Awaited {
    /// Whether it counts towards the limit of requests that we send by ourselves.
    fn is_background(&self) -> bool {
        matches!(self, Self::Monitor(_) | Self::Snapshot(_) | Self::Parties { .. } | Self::Agents(_))
    }
}

/// A request without an answer.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) awaited: Awaited,
    pub(crate) service: &'static str,
    sent: Time,
    pub(crate) deadline: Time,
}

/// How far the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Closed,
    Greeting(Time),
    Session,
    Register,
    Capabilities,
    Watching,
}

/// An application session.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) id: Str,
    pub(crate) reset_at: Option<Time>,
}

/// The CSTA adapter of one PBX.
#[derive(Debug)]
pub struct Csta {
    pub(crate) settings: Settings,
    pub(crate) own: OwnDevices,
    pub(crate) watches: Watches,
    pub(crate) memory: Memory,
    pub(crate) observed: Observed,
    pub(crate) routeing: Routeing,
    pub(crate) polls: Polls,
    pub(crate) reconnects: Vec<Reconnected>,
    /// Requests of our own making without an answer.
    pub(crate) background: usize,
    encoder: Encoder,
    pub(crate) deframer: Deframer,
    pub(crate) phase: Phase,
    pub(crate) session: Option<Running>,
    pub(crate) capabilities: Capabilities,
    pending: BTreeMap<u16, Pending>,
    next_invoke: u16,
    pub(crate) last_received: Time,
    /// The PBX said that it starts anew.
    pub(crate) restarting: bool,
    buffer: Vec<u8>,
}

impl Csta {
    /// An adapter that has no connection yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            own: OwnDevices::new(&settings.devices),
            watches: Watches::new(&settings.devices),
            memory: Memory::new(),
            observed: Observed::new(settings.refused_kept_max),
            routeing: Routeing::new(&settings.routeing_devices),
            polls: Polls::default(),
            reconnects: Vec::new(),
            background: 0,
            encoder: Encoder::new(settings.edition).with_namespace(settings.dialect.namespace),
            deframer: Deframer::new(settings.frame_max_bytes),
            phase: Phase::Closed,
            session: None,
            capabilities: Capabilities::default(),
            pending: BTreeMap::new(),
            next_invoke: 1,
            last_received: Time::default(),
            restarting: false,
            buffer: Vec::new(),
            settings,
        }
    }

    /// Whether commands may be sent.
    pub(crate) fn is_ready(&self) -> bool {
        self.phase == Phase::Watching
    }

    fn open(&mut self, now: Time, output: &mut Vec<Output>) {
        self.forget_connection();
        self.last_received = now;
        self.phase = Phase::Greeting(now + GREETING_LIMIT);
        if !self.settings.dialect.greets_with_status {
            self.go_on(now, output);
        }
    }

    /// Everything of a connection that is void without it.
    fn forget_connection(&mut self) {
        self.watches = Watches::new(&self.settings.devices);
        self.memory = Memory::new();
        self.routeing = Routeing::new(&self.settings.routeing_devices);
        self.polls = Polls::default();
        self.reconnects.clear();
        self.background = 0;
        self.deframer = Deframer::new(self.settings.frame_max_bytes);
        self.phase = Phase::Closed;
        self.session = None;
        self.pending.clear();
        self.restarting = false;
    }

    pub(crate) fn close(&mut self, text: impl Into<Str>, fatal: bool, output: &mut Vec<Output>) {
        if self.phase != Phase::Closed {
            self.forget_connection();
            output.push(Output::Close(CloseReason { text: text.into(), fatal }));
        }
    }

    /// From one phase to the next that has something to wait for.
    pub(crate) fn go_on(&mut self, now: Time, output: &mut Vec<Output>) {
        let limit = self.settings.request_limit;
        if matches!(self.phase, Phase::Greeting(_)) {
            self.phase = Phase::Session;
            if let Some(start) = self.session_start() {
                return self.send_request(Message::Session(start), Awaited::SessionStart, limit, now, output);
            }
        }
        if self.phase == Phase::Session {
            self.phase = Phase::Register;
            if self.settings.system_register {
                let types = wire::RequestTypes { system_status: Some(true), ..Default::default() };
                return self.request(
                    wire::SystemRegister { types }.into(),
                    Awaited::Register,
                    limit,
                    now,
                    output,
                );
            }
        }
        if self.phase == Phase::Register {
            self.phase = Phase::Capabilities;
            self.capabilities = assumed();
            if self.settings.get_capabilities {
                let limit = limit.min(CAPABILITIES_LIMIT);
                let request = wire::GetSwitchingFunctionCaps {};
                return self.request(request.into(), Awaited::Capabilities, limit, now, output);
            }
        }
        if self.phase == Phase::Capabilities {
            self.phase = Phase::Watching;
            output.push(Output::Ready(self.capabilities.clone()));
            if self.settings.get_capabilities {
                let request = wire::GetSwitchingFunctionDevices::default();
                self.request(request.into(), Awaited::Devices, limit, now, output);
            }
            self.register_routes(now, output);
            self.pump(now, output);
        }
    }

    fn session_start(&self) -> Option<Session<'static>> {
        let session = self.settings.session.as_ref()?;
        let login = (!session.user.is_empty()).then(|| wire::SessionLogin {
            namespace: session.login_namespace.clone().into(),
            user: session.user.clone().into(),
            password: session.password.clone().into(),
            cleanup_delay: None,
            session: None,
        });
        Some(Session::Start(wire::StartApplicationSession {
            application: "schakel".into(),
            login,
            versions: self.settings.edition.namespace().map(Into::into).into_iter().collect(),
            duration: Some(session.duration_seconds),
        }))
    }

    /// Sends a request and notes what for.
    pub(crate) fn request(
        &mut self,
        request: Request<'_>,
        awaited: Awaited,
        limit: Millis,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        self.send_request(Message::Request(request), awaited, limit, now, output);
    }

    fn send_request(
        &mut self,
        message: Message<'_>,
        awaited: Awaited,
        limit: Millis,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        let service = match &message {
            Message::Request(request) => request.root(),
            Message::Session(session) => session.root(),
            _ => "a request",
        };
        let Some(number) = self.free_invoke() else {
            // 9998 unanswered requests: the PBX has stopped answering.
            return self.close("the telephone system answers no requests any more", false, output);
        };
        self.watches.forget_late(number);
        self.background += usize::from(awaited.is_background());
        self.pending.insert(number, Pending { awaited, service, sent: now, deadline: now + limit });
        self.transmit(InvokeId::from_number(number), &message, output);
    }

    /// The next invoke id that no unanswered request has.
    fn free_invoke(&mut self) -> Option<u16> {
        for _ in 0..INVOKE_MAX {
            let number = self.next_invoke;
            self.next_invoke = if number >= INVOKE_MAX { 1 } else { number + 1 };
            if !self.pending.contains_key(&number) {
                return Some(number);
            }
        }
        None
    }

    /// Whether few enough requests of our own making are unanswered for one more.
    pub(crate) fn may_ask(&self) -> bool {
        self.background < self.settings.outstanding_max.max(1)
    }

    /// Whether a command with this root is waiting for its answer under this id.
    pub(crate) fn awaits(&self, invoke: InvokeId, root: &str) -> bool {
        let pending =
            invoke.number().filter(|_| !invoke.is_event()).and_then(|number| self.pending.get(&number));
        pending
            .is_some_and(|pending| matches!(pending.awaited, Awaited::Command(_)) && pending.service == root)
    }

    /// Takes the request that an invoke id names.
    pub(crate) fn take_pending(&mut self, invoke: InvokeId) -> Option<Pending> {
        let pending = self.pending.remove(&invoke.number().filter(|_| !invoke.is_event())?)?;
        self.background = self.background.saturating_sub(usize::from(pending.awaited.is_background()));
        Some(pending)
    }

    /// Takes the one request of a kind that is sent once; sessions are answered under wrong ids at times.
    pub(crate) fn take_only(&mut self, invoke: InvokeId, is_it: fn(&Awaited) -> bool) -> Option<Pending> {
        let number =
            invoke.number().filter(|number| self.pending.get(number).is_some_and(|p| is_it(&p.awaited)));
        let any =
            || self.pending.iter().find(|(_, pending)| is_it(&pending.awaited)).map(|(number, _)| *number);
        let number = number.or_else(any)?;
        self.take_pending(InvokeId::from_number(number))
    }

    pub(crate) fn transmit(&mut self, invoke: InvokeId, message: &Message<'_>, output: &mut Vec<Output>) {
        self.buffer.clear();
        self.encoder.encode(message, &mut self.buffer);
        let mut frame = Vec::with_capacity(self.buffer.len() + wire::HEADER_BYTES);
        match encode_frame(invoke, &self.buffer, &mut frame) {
            Ok(()) => {
                self.observed.count("messages_sent");
                output.push(Output::Transmit(frame));
            }
            // Its time limit will answer for it: only a destination of 60 KB makes a request so long.
            Err(_) => self.observed.count("messages_too_long"),
        }
    }

    fn tick(&mut self, now: Time, output: &mut Vec<Output>) {
        if let Phase::Greeting(until) = self.phase
            && until <= now
        {
            self.go_on(now, output);
        }
        self.expire(now, output);
        self.prolong_session(now, output);
        if self.phase == Phase::Watching {
            self.expire_segments(now, output);
            self.retry_monitors(now);
            self.register_routes(now, output);
            self.pump(now, output);
            self.beat(now, output);
        }
    }

    fn expire(&mut self, now: Time, output: &mut Vec<Output>) {
        let late: Vec<u16> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.deadline <= now)
            .map(|(number, _)| *number)
            .collect();
        for number in late {
            let Some(pending) = self.take_pending(InvokeId::from_number(number)) else { continue };
            if !matches!(pending.awaited, Awaited::Route(_)) {
                self.observed.count("requests_timed_out");
            }
            match pending.awaited {
                Awaited::Heartbeat if self.last_received <= pending.sent => {
                    let limit = self.settings.request_limit.0 / 1000;
                    let text =
                        format!("the telephone system has said nothing for {limit} s after a heartbeat");
                    self.close(text, false, output);
                }
                Awaited::Heartbeat | Awaited::Devices | Awaited::Nothing | Awaited::Route(_) => {}
                Awaited::RouteRegister(index) => self.route_register_timed_out(index, now, output),
                Awaited::Agents(device) => {
                    self.agents_polled(&device, Err(CstaError::default()), now, output);
                }
                Awaited::Register | Awaited::Capabilities => self.go_on(now, output),
                Awaited::SessionStart => {
                    self.close("the telephone system did not answer the session request", false, output);
                }
                Awaited::SessionReset => {
                    self.close("the telephone system did not prolong the session in time", false, output);
                }
                Awaited::Monitor(index) => self.monitor_timed_out(index, number, now, output),
                Awaited::Snapshot(index) => self.without_snapshot(index, now, output),
                Awaited::Parties { device, connection } => {
                    self.parties_told((device, connection), Err(CstaError::default()), now, output);
                }
                Awaited::Command(command) => {
                    let seconds = command.limit.0 / 1000;
                    let words =
                        format!("the telephone system did not answer {} within {seconds} s", pending.service);
                    reply(&command, Err(Refusal::new(RefusalCause::Timeout, words)), output);
                }
            }
        }
    }

    fn prolong_session(&mut self, now: Time, output: &mut Vec<Output>) {
        let Some(running) = &mut self.session else { return };
        if running.reset_at.is_none_or(|at| at > now) {
            return;
        }
        running.reset_at = None;
        let session = running.id.to_string().into();
        let duration = self.settings.session.as_ref().map(|session| session.duration_seconds);
        let message =
            Message::Session(Session::Reset(wire::ResetApplicationSessionTimer { session, duration }));
        self.send_request(message, Awaited::SessionReset, self.settings.request_limit, now, output);
    }

    /// When the PBX is to be asked for a sign of life.
    fn beat_at(&self) -> Option<Time> {
        let beats = |pending: &Pending| matches!(pending.awaited, Awaited::Heartbeat);
        let asked = self.settings.heartbeat.0 == 0 || self.pending.values().any(beats);
        (!asked && self.phase == Phase::Watching).then(|| self.last_received + self.settings.heartbeat)
    }

    fn beat(&mut self, now: Time, output: &mut Vec<Output>) {
        if self.beat_at().is_some_and(|at| at <= now) {
            let request = wire::RequestSystemStatus::default();
            self.request(request.into(), Awaited::Heartbeat, self.settings.request_limit, now, output);
        }
    }
}

impl Adapter for Csta {
    fn handle(&mut self, input: Input<'_>, now: Time, output: &mut Vec<Output>) {
        match input {
            Input::Opened => self.open(now, output),
            Input::Received(bytes) if self.phase != Phase::Closed => self.received(bytes, now, output),
            Input::Closed(_) => self.forget_connection(),
            Input::Execute(command) => self.execute(command, now, output),
            Input::Tick if self.phase != Phase::Closed => self.tick(now, output),
            _ => {}
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        if self.phase == Phase::Closed {
            return None;
        }
        let greeting = match self.phase {
            Phase::Greeting(until) => Some(until),
            _ => None,
        };
        let pending = self.pending.values().map(|pending| pending.deadline).min();
        let session = self.session.as_ref().and_then(|running| running.reset_at);
        let watching = self.phase == Phase::Watching;
        let watches = if watching { self.watches.next_deadline() } else { None };
        let routes = if watching { self.routeing.next_deadline() } else { None };
        let agents = if watching && self.may_ask() { self.polls.next_deadline() } else { None };
        [greeting, pending, session, watches, routes, agents, self.beat_at()].into_iter().flatten().min()
    }

    fn observations(&self) -> Observations {
        self.observed.observations()
    }
}

/// What a PBX is taken to be able to do that does not tell: everything; it will refuse what it cannot.
fn assumed() -> Capabilities {
    Capabilities {
        operations: schakel_core::model::action::ActionSet::all(),
        product: None,
        reconnect: true,
        single_step_transfer: true,
        agent_states: true,
        routeing: true,
        chat: false,
        snapshot_device: true,
    }
}

/// What a PBX tells that it can do.
pub(crate) fn capabilities(caps: &wire::GetSwitchingFunctionCapsResponse<'_>) -> Capabilities {
    let told = [&caps.manufacturer, &caps.sub_domain].into_iter().filter(|name| !name.is_empty());
    let product = told.map(|name| &**name).collect::<Vec<_>>().join(" ");
    let product = (!product.is_empty()).then(|| Str::from(product));
    if caps.services.is_empty() {
        return Capabilities { product, ..assumed() };
    }
    Capabilities {
        operations: operations(caps.services),
        product,
        reconnect: caps.services.contains(wire::Service::ReconnectCall),
        single_step_transfer: caps.services.contains(wire::Service::SingleStepTransfer),
        agent_states: caps.services.contains(wire::Service::SetAgentState),
        routeing: caps.services.contains(wire::Service::RouteRequest),
        chat: false,
        snapshot_device: caps.services.contains(wire::Service::SnapshotDevice),
    }
}
