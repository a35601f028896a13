//! Anything may be said in any order: the state stays sound, no command has two outcomes, no contact loses its number
//! or its customer, and nothing lives for ever (rules 1, 2, 3, 5, 7 and 11).

use crate::common::desk::*;
use crate::common::*;
use proptest::prelude::*;
use schakel_core::adapter::Done;
use schakel_core::apply::{actions, apply};
use schakel_core::command::{Command, Control, Refusal, RefusalCause, SessionChange};
use schakel_core::effect::Effect;
use schakel_core::input::{Input, InputBody};
use schakel_core::model::agent::{ProviderAgentState, Readiness};
use schakel_core::model::call::{ConnectionState, Party};
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::{CallId, RouteId, SessionId, TransferId};
use schakel_core::model::pii::Pii;
use schakel_core::model::route::RouteDecision;
use schakel_core::model::session::Decision;
use schakel_core::model::time::{Millis, Time};
use schakel_core::model::transfer::TransferKind;
use schakel_core::notification::Kind;
use schakel_core::report::{
    CallEvent, CallReport, DeviceEvent, EventReport, MovedConnection, ReportedParty, RouteEvent,
    SnapshotConnection,
};
use schakel_core::state::State;

const DEVICES: [&str; 8] = ["2001", "2002", "2003", "8000", "0612345678", "0699999999", "trunk 3", "2099"];
const CALLS: [&str; 5] = ["1", "2", "3", "4", "5"];
const STATES: [ConnectionState; 7] = [
    ConnectionState::Null,
    ConnectionState::Initiated,
    ConnectionState::Alerting,
    ConnectionState::Connected,
    ConnectionState::Held,
    ConnectionState::Queued,
    ConnectionState::Failed,
];

/// One step of a story. Numbers choose among what is there when it comes to it.
#[derive(Debug, Clone)]
enum Step {
    Report(Box<CallReport>),
    Device(usize, DeviceEvent),
    Control {
        call: usize,
        device: usize,
        control: Control,
        old: bool,
    },
    Transfer {
        call: usize,
        device: usize,
        to: usize,
        kind: TransferKind,
    },
    Complete(usize),
    TakeBack(usize),
    Dial(usize, usize),
    Route(usize, RouteEvent),
    Decide(usize, RouteDecision),
    Register(usize, usize),
    Open(usize, bool),
    Change(usize, SessionChange),
    DecideSession(usize, usize, Decision),
    Heartbeat(usize),
    Readiness(usize, Readiness),
    Agent(usize, ProviderAgentState),
    Reply {
        which: usize,
        step: Option<u8>,
        call: Option<usize>,
        refused: bool,
    },
    Lose,
    /// With agents in the telephone system, or without.
    Ready(bool),
    Connecting,
    Snapshot(usize, Vec<SnapshotConnection>),
    Resynced(Vec<usize>),
    Started,
    Fewer(bool),
    Wait(u64),
}

fn device() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => 0..3usize, 1 => 3..4usize, 3 => 4..8usize].prop_map(|at| DEVICES[at])
}

fn state() -> impl Strategy<Value = ConnectionState> {
    proptest::sample::select(&STATES[..])
}

fn cause() -> impl Strategy<Value = Cause> {
    proptest::sample::select(Cause::ALL)
}

fn reported() -> impl Strategy<Value = Option<ReportedParty>> {
    prop_oneof![
        3 => Just(None),
        6 => device().prop_map(|device| Some(party(device))),
        1 => Just(Some(restricted())),
        1 => Just(Some(ReportedParty { device: None, party: Party::default() })),
    ]
}

fn connection() -> impl Strategy<Value = schakel_core::report::ProviderConnection> {
    (proptest::sample::select(&CALLS[..]), device()).prop_map(|(call, device)| at(call, device))
}

fn event() -> impl Strategy<Value = CallEvent> {
    let moved = || {
        proptest::collection::vec(
            (connection(), proptest::option::of(connection()), reported())
                .prop_map(|(new, old, endpoint)| MovedConnection { new, old, endpoint }),
            0..3,
        )
    };
    prop_oneof![
        1 => Just(CallEvent::Initiated),
        2 => Just(CallEvent::Originated),
        1 => Just(CallEvent::NetworkReached),
        1 => Just(CallEvent::Offered),
        4 => Just(CallEvent::Delivered),
        4 => Just(CallEvent::Established),
        2 => Just(CallEvent::Held),
        2 => Just(CallEvent::Retrieved),
        3 => Just(CallEvent::ConnectionCleared),
        1 => Just(CallEvent::CallCleared),
        1 => Just(CallEvent::Queued),
        1 => Just(CallEvent::Diverted { to: None }),
        1 => Just(CallEvent::Failed),
        1 => Just(CallEvent::Information),
        2 => (proptest::option::of(connection()), reported(), moved())
            .prop_map(|(secondary, to, moved)| CallEvent::Transferred { secondary, to, moved }),
        1 => (proptest::option::of(connection()), reported(), moved())
            .prop_map(|(secondary, added, moved)| CallEvent::Conferenced { secondary, added, moved }),
    ]
}

fn call_report() -> impl Strategy<Value = CallReport> {
    let monitored = (proptest::option::of(device()), proptest::option::of(state()));
    let parties = (reported(), reported(), reported(), reported());
    let linked = proptest::option::weighted(0.1, proptest::sample::select(&CALLS[..]));
    (event(), connection(), monitored, cause(), parties, linked).prop_map(
        |(event, connection, (monitor, local), cause, parties, linked)| CallReport {
            event,
            connection,
            monitor: monitor.map(Into::into),
            local,
            cause,
            calling: parties.0,
            called: parties.1,
            last_redirection: parties.2,
            network_called: parties.3,
            permitted: None,
            correlator: None,
            linked_call: linked.map(Into::into),
        },
    )
}

fn control() -> impl Strategy<Value = Control> {
    let number = || Pii::new("2003".into());
    prop_oneof![
        Just(Control::Answer),
        Just(Control::Hold),
        Just(Control::Retrieve),
        Just(Control::HangUp),
        Just(Control::Dtmf(number())),
        Just(Control::Deflect(number())),
        Just(Control::PickUp),
        Just(Control::Consult(number())),
        Just(Control::Conference),
        Just(Control::Alternate),
    ]
}

fn snapshot_connection() -> impl Strategy<Value = SnapshotConnection> {
    let others = proptest::collection::vec((device().prop_map(party), state()), 0..3);
    (connection(), state(), reported(), reported(), others).prop_map(
        |(connection, state, calling, called, others)| SnapshotConnection {
            connection,
            state,
            calling,
            called,
            others,
            permitted: None,
        },
    )
}

fn route_event() -> impl Strategy<Value = RouteEvent> {
    let limit = || proptest::option::of((0..5_000u64).prop_map(Millis));
    let call = proptest::option::of(proptest::sample::select(&CALLS[..]));
    let asked = (device(), call, reported(), reported(), limit());
    prop_oneof![
        4 => asked.prop_map(|(device, call, calling, current, limit)| RouteEvent::Requested {
            device: device.into(),
            call: call.map(Into::into),
            calling,
            current,
            limit,
            correlator: None,
        }),
        2 => limit().prop_map(|limit| RouteEvent::Again { limit }),
        1 => proptest::option::of(device()).prop_map(|device| RouteEvent::Used(device.map(Into::into))),
        1 => proptest::option::of(Just("no".into())).prop_map(RouteEvent::Ended),
    ]
}

fn route_decision() -> impl Strategy<Value = RouteDecision> {
    let to = device().prop_map(|device| RouteDecision::To(Pii::new(device.into())));
    prop_oneof![3 => to, 1 => Just(RouteDecision::Default)]
}

fn session_change() -> impl Strategy<Value = SessionChange> {
    prop_oneof![Just(SessionChange::Park), Just(SessionChange::Resume), Just(SessionChange::Close)]
}

fn readiness() -> impl Strategy<Value = Readiness> {
    prop_oneof![Just(Readiness::Ready), Just(Readiness::NotReady(Some("lunch".into())))]
}

fn agent_state() -> impl Strategy<Value = ProviderAgentState> {
    prop_oneof![
        Just(ProviderAgentState::LoggedOff),
        Just(ProviderAgentState::NotReady(None)),
        Just(ProviderAgentState::Ready),
        Just(ProviderAgentState::Busy),
        Just(ProviderAgentState::WorkingAfterCall),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let kind = || proptest::sample::select(&[TransferKind::Warm, TransferKind::Cold][..]);
    prop_oneof![
        40 => call_report().prop_map(|report| Step::Report(Box::new(report))),
        1 => (0..8usize, prop_oneof![
            any::<bool>().prop_map(DeviceEvent::DoNotDisturb),
            any::<bool>().prop_map(DeviceEvent::OutOfService),
            Just(DeviceEvent::Monitored),
            Just(DeviceEvent::MonitorRefused("no".into())),
        ]).prop_map(|(device, event)| Step::Device(device, event)),
        8 => (0..8usize, 0..3usize, control(), proptest::bool::weighted(0.05))
            .prop_map(|(call, device, control, old)| Step::Control { call, device, control, old }),
        5 => (0..8usize, 0..3usize, 0..8usize, kind())
            .prop_map(|(call, device, to, kind)| Step::Transfer { call, device, to, kind }),
        3 => (0..4usize).prop_map(Step::Complete),
        3 => (0..4usize).prop_map(Step::TakeBack),
        2 => (0..3usize, 0..8usize).prop_map(|(agent, to)| Step::Dial(agent, to)),
        5 => (0..3usize, route_event()).prop_map(|(dialogue, event)| Step::Route(dialogue, event)),
        4 => (0..3usize, route_decision()).prop_map(|(which, decision)| Step::Decide(which, decision)),
        1 => (0..3usize, 0..4usize).prop_map(|(agent, device)| Step::Register(agent, device)),
        3 => (0..3usize, any::<bool>()).prop_map(|(agent, contact)| Step::Open(agent, contact)),
        2 => (0..3usize, session_change()).prop_map(|(which, change)| Step::Change(which, change)),
        2 => (0..3usize, 0..8usize, proptest::sample::select(&[Decision::Keep, Decision::Ignore][..]))
            .prop_map(|(which, call, decision)| Step::DecideSession(which, call, decision)),
        1 => (0..3usize).prop_map(Step::Heartbeat),
        1 => (0..3usize, readiness()).prop_map(|(agent, readiness)| Step::Readiness(agent, readiness)),
        3 => (0..8usize, agent_state()).prop_map(|(device, state)| Step::Agent(device, state)),
        10 => (0..4usize, proptest::option::weighted(0.1, 0..3u8), proptest::option::of(0..5usize), proptest::bool::weighted(0.3))
            .prop_map(|(which, step, call, refused)| Step::Reply { which, step, call, refused }),
        1 => Just(Step::Lose),
        1 => any::<bool>().prop_map(Step::Ready),
        1 => Just(Step::Connecting),
        2 => (0..4usize, proptest::collection::vec(snapshot_connection(), 0..3))
            .prop_map(|(device, connections)| Step::Snapshot(device, connections)),
        1 => proptest::collection::vec(0..4usize, 0..2).prop_map(Step::Resynced),
        1 => Just(Step::Started),
        1 => any::<bool>().prop_map(Step::Fewer),
        4 => prop_oneof![Just(1u64), Just(3_000), Just(12_000), Just(40_000), Just(2_000_000)].prop_map(Step::Wait),
    ]
}

impl World {
    fn do_step(&mut self, step: &Step) {
        match step {
            Step::Report(report) => self.report(report.as_ref().clone()),
            Step::Device(device, event) => {
                let report = EventReport::Device { device: DEVICES[*device].into(), event: event.clone() };
                self.input(InputBody::Report { provider: pbx(), report });
            }
            Step::Control { call, device, control, old } => {
                let call = self.nth_call(*call);
                let device = DEVICES[*device].into();
                let command = Command::Control { call, device, control: control.clone() };
                self.command_if(command, old.then_some(0));
            }
            Step::Transfer { call, device, to, kind } => {
                let (call, device) = (self.nth_call(*call), DEVICES[*device].into());
                let to = Pii::new(DEVICES[*to].into());
                self.command(Command::Transfer { call, device, to, kind: *kind, department: None });
            }
            Step::Complete(which) => {
                let transfer = self.nth_transfer(*which);
                self.command(Command::CompleteTransfer { transfer });
            }
            Step::TakeBack(which) => {
                let transfer = self.nth_transfer(*which);
                self.command(Command::TakeBack { transfer });
            }
            Step::Dial(agent, to) => {
                self.dial(["anna", "bert", "carla"][*agent], DEVICES[*to]);
            }
            Step::Route(dialogue, event) => {
                let dialogue = ["r1", "r2", "r3"][*dialogue].into();
                let report = EventReport::Route { dialogue, event: Box::new(event.clone()) };
                self.input(InputBody::Report { provider: pbx(), report });
            }
            Step::Decide(which, decision) => {
                let route = self.state.routes.keys().rev().nth(*which).copied().unwrap_or(RouteId(1));
                self.command(Command::DecideRoute { route, decision: decision.clone() });
            }
            Step::Register(agent, device) => {
                let agent = ["anna", "bert", "carla"][*agent].into();
                let command = match DEVICES.get(*device).filter(|_| *device < 3) {
                    Some(device) => Command::Register {
                        agent,
                        provider: pbx(),
                        device: (*device).into(),
                        provider_agent: None,
                        queues: vec![],
                    },
                    None => Command::Unregister { agent },
                };
                self.command(command);
            }
            Step::Open(agent, contact) => {
                let contact = self.state.contacts.keys().next_back().copied().filter(|_| *contact);
                self.open(["anna", "bert", "carla"][*agent], contact);
            }
            Step::Change(which, change) => {
                let session = self.nth_of_sessions(*which);
                self.change(session, *change);
            }
            Step::DecideSession(which, call, decision) => {
                let (session, call) = (self.nth_of_sessions(*which), self.nth_call(*call));
                self.decide(session, call, *decision);
            }
            Step::Heartbeat(which) => {
                let session = self.nth_of_sessions(*which);
                self.beats(session);
            }
            Step::Readiness(agent, readiness) => {
                self.readiness(["anna", "bert", "carla"][*agent], readiness.clone());
            }
            Step::Agent(device, state) => self.says(DEVICES[*device], state.clone()),
            Step::Reply { which, step, call, refused } => {
                let Some((command, sent, _)) = self.asked.iter().rev().nth(*which).cloned() else { return };
                let connection = call.map(|call| at(CALLS[call], "2001"));
                let result = match refused {
                    true => Err(Refusal::new(RefusalCause::InvalidConnectionState, "no")),
                    false => Ok(Done { connection }),
                };
                let step = step.unwrap_or(sent);
                self.input(InputBody::Reply { provider: pbx(), command, step, result });
            }
            Step::Lose => self.lose(),
            Step::Ready(false) => self.ready(),
            Step::Ready(true) => {
                self.input(InputBody::LinkReady { provider: pbx(), capabilities: with_agents() });
            }
            Step::Connecting => self.input(InputBody::LinkConnecting { provider: pbx(), reason: None }),
            Step::Snapshot(device, connections) => self.shows(DEVICES[*device], connections.clone()),
            Step::Resynced(without) => {
                let without_snapshot = without.iter().map(|at| DEVICES[*at].into()).collect();
                self.input(InputBody::Resynced { provider: pbx(), without_snapshot });
            }
            Step::Started => self.input(InputBody::Started),
            Step::Fewer(fewer) => {
                let mut settings = settings();
                if *fewer {
                    settings.providers[0].devices.remove(1);
                }
                self.input(InputBody::Configured(Box::new(settings)));
            }
            Step::Wait(span) => self.wait(Millis(*span)),
        }
        // Buttons are asked of whatever is there, and must never fall over it.
        for call in self.state.calls.values() {
            for device in DEVICES {
                actions(&self.state, call, &device.into()).for_each(drop);
            }
        }
    }

    fn nth_call(&self, which: usize) -> CallId {
        self.state.calls.keys().rev().nth(which).copied().unwrap_or(CallId(1))
    }

    fn nth_of_sessions(&self, which: usize) -> SessionId {
        self.state.sessions.keys().rev().nth(which).copied().unwrap_or(SessionId(1))
    }

    fn nth_transfer(&self, which: usize) -> TransferId {
        self.state.transfers.keys().rev().nth(which).copied().unwrap_or(TransferId(1))
    }

    /// The link is lost and comes back to a switch without any call; then everything is forgotten in time.
    fn end_of_the_world(&mut self) {
        self.input(InputBody::Configured(Box::new(settings())));
        self.lose();
        self.ready();
        for device in ["2001", "2002", "2003", "8000"] {
            self.shows(device, vec![]);
        }
        self.resynced();
        assert_eq!(self.live_calls(), 0, "rule 2: no ghost calls");
        self.wait(self.state.settings.keep_ended);
        let sessions = self.state.settings.sessions.clone();
        for agent in self.state.agents.values() {
            assert!(agent.session.is_none() && agent.after_call.is_none(), "rule 9: {agent:?}");
        }
        self.wait(sessions.keep_parked);
        self.wait(sessions.keep_closed);
        self.wait(self.state.settings.keep_ended);
        let state = &self.state;
        assert!(state.calls.is_empty() && state.contacts.is_empty() && state.transfers.is_empty());
        assert!(state.commands.is_empty() && state.by_provider_call.is_empty(), "{:?}", state.commands);
        assert!(state.sessions.is_empty(), "{:?}", state.sessions);
        assert!(state.routes.is_empty() && state.by_dialogue.is_empty(), "{:?}", state.routes);
        assert!(state.at_device.is_empty() && state.deadlines.is_empty() && state.armed.is_empty());
    }
}

/// Rule 7: one ringing a connection. A call that rings anew at a device must have stopped ringing there before.
fn rings_once(world: &World) {
    use std::collections::BTreeSet;
    let mut ringing = BTreeSet::new();
    for told in &world.told {
        let schakel_core::notification::Subject::Call(call) = told.subject else { continue };
        let at = (call, told.device.clone());
        match told.kind {
            Kind::CallRinging => {
                assert!(ringing.insert(at), "rule 7: {call} rings twice at {:?}", told.device);
            }
            // Anything else about this connection, or the end of the call, ends its ringing.
            Kind::CallEnded | Kind::CallMissed => ringing.retain(|(ended, _)| *ended != call),
            _ => {
                ringing.remove(&at);
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_said_the_state_stays_sound(
        acd in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut world = if acd { World::with(with_agents()) } else { World::new() };
        for step in &steps {
            world.do_step(step);
        }
        for (id, ..) in &world.asked {
            prop_assert!(world.completed.iter().filter(|done| *done == id).count() <= 1);
        }
        world.end_of_the_world();
        // Rule 5: every command that was asked of the switch has had its one outcome by now.
        for (id, ..) in &world.asked {
            prop_assert_eq!(world.completed.iter().filter(|done| *done == id).count(), 1);
        }
        let told = world.told.iter().filter(|told| told.kind == Kind::CommandCompleted).count();
        prop_assert_eq!(told, world.completed.len());
    }

    #[test]
    fn what_is_replayed_from_a_snapshot_of_the_state_comes_out_the_same(
        steps in proptest::collection::vec(call_report(), 1..60),
        cut in 0..60usize,
    ) {
        let world = World::new();
        let (mut straight, mut restored) = (world.state.clone(), world.state);
        for (at, report) in steps.into_iter().enumerate() {
            if at == cut {
                let bytes = postcard::to_allocvec(&restored).unwrap();
                restored = postcard::from_bytes::<State>(&bytes).unwrap();
                prop_assert_eq!(&restored, &straight);
            }
            let seed = at as u64;
            let report = EventReport::Call(Box::new(report));
            let body = InputBody::Report { provider: pbx(), report };
            let input = Input { at: Time(1_790_000_100_000 + 500 * seed), seed, body };
            let (mut one, mut other): (Vec<Effect>, Vec<Effect>) = (vec![], vec![]);
            apply(&mut straight, &input, &mut one);
            apply(&mut restored, &input, &mut other);
            prop_assert_eq!(one, other);
        }
        prop_assert_eq!(straight, restored);
    }

    #[test]
    fn a_story_told_twice_by_two_monitors_is_told_once(
        steps in proptest::collection::vec(call_report(), 1..30),
    ) {
        let (mut once, mut twice) = (World::new(), World::new());
        for mut report in steps {
            // What a second monitor tells is the same event about the same subject.
            report.local = None;
            report.monitor = None;
            if matches!(report.event, CallEvent::Transferred { .. } | CallEvent::Conferenced { .. }) {
                continue;
            }
            once.report(report.clone());
            twice.report(report.clone());
            let subject = report.connection.device.as_str();
            report.monitor = Some(if subject == "2003" { "2002" } else { "2003" }.into());
            let kinds = twice.told.len();
            twice.report(report);
            prop_assert_eq!(twice.told.len(), kinds, "heard twice: {:?}", twice.told.last());
        }
        prop_assert_eq!(once.news(), twice.news());
        rings_once(&once);
    }
}
