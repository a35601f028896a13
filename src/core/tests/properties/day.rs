//! An agent's day in any order: calls, sessions, browsers that vanish, lost links, what is pressed at the telephone. No
//! interleaving frees an agent too early, leaves him in after-call work without an owner, or offers him work while he
//! rings, speaks or is in after-call work (T02, T11, T14, T16, rules 8 and 9).

use crate::common::desk::*;
use crate::common::*;
use proptest::prelude::*;
use schakel_core::command::{Command, CommandState, RefusalCause, SessionChange};
use schakel_core::input::InputBody;
use schakel_core::model::agent::{ProviderAgentState, Readiness, RequestedAgentState};
use schakel_core::model::availability::Availability;
use schakel_core::model::call::{Call, Connection, ConnectionState};
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::{AgentId, CallId, SessionId};
use schakel_core::model::provider::LinkState;
use schakel_core::model::session::{Decision, SessionCause};
use schakel_core::model::time::Millis;
use schakel_core::notification::Kind;
use schakel_core::report::{CallEvent, DeviceEvent, EventReport};
use std::collections::{BTreeMap, BTreeSet};

const AGENTS: [&str; 3] = ["anna", "bert", "carla"];
const DEVICES: [&str; 3] = ["2001", "2002", "2003"];
const CALLS: [&str; 4] = ["1", "2", "3", "4"];

#[derive(Debug, Clone)]
enum Step {
    Rings {
        call: usize,
        device: usize,
    },
    Dials {
        call: usize,
        device: usize,
    },
    Call {
        call: usize,
        device: usize,
        event: CallEvent,
    },
    CustomerLeaves(usize),
    Transferred {
        call: usize,
        other: usize,
        device: usize,
        to: usize,
    },
    Open {
        agent: usize,
        contact: bool,
    },
    Change {
        agent: usize,
        which: usize,
        change: SessionChange,
    },
    Decide {
        agent: usize,
        which: usize,
        decision: Decision,
    },
    Beat(usize),
    /// All browsers are there for this long.
    Work(u64),
    Wait(u64),
    Ready(usize, Readiness),
    Says(usize, ProviderAgentState),
    Answers {
        obeys: bool,
        cause: RefusalCause,
    },
    Register(usize, usize),
    Leave(usize),
    Device(usize, DeviceEvent),
    Lose,
    Back {
        shows: bool,
    },
    Started,
}

fn says() -> impl Strategy<Value = ProviderAgentState> {
    let reason = || proptest::option::of(Just("break".into()));
    prop_oneof![
        1 => Just(ProviderAgentState::LoggedOff),
        3 => reason().prop_map(ProviderAgentState::NotReady),
        3 => Just(ProviderAgentState::Ready),
        2 => Just(ProviderAgentState::Busy),
        2 => Just(ProviderAgentState::WorkingAfterCall),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let (agent, call) = (|| 0..3usize, || 0..4usize);
    let event = || {
        prop_oneof![
            6 => Just(CallEvent::Established),
            1 => Just(CallEvent::Held),
            1 => Just(CallEvent::Retrieved),
            1 => Just(CallEvent::Failed),
            3 => Just(CallEvent::ConnectionCleared),
            1 => Just(CallEvent::Diverted { to: None }),
        ]
    };
    let change = prop_oneof![
        2 => Just(SessionChange::Park),
        3 => Just(SessionChange::Resume),
        2 => Just(SessionChange::Close),
    ];
    let decision = || prop_oneof![Just(Decision::Keep), Just(Decision::Ignore)];
    let readiness = prop_oneof![Just(Readiness::Ready), Just(Readiness::NotReady(Some("lunch".into())))];
    let cause = prop_oneof![Just(RefusalCause::ResourceBusy), Just(RefusalCause::NotPermitted)];
    prop_oneof![
        10 => (call(), agent()).prop_map(|(call, device)| Step::Rings { call, device }),
        2 => (call(), agent()).prop_map(|(call, device)| Step::Dials { call, device }),
        14 => (call(), agent(), event()).prop_map(|(call, device, event)| Step::Call { call, device, event }),
        6 => call().prop_map(Step::CustomerLeaves),
        1 => (call(), call(), agent(), agent())
            .prop_map(|(call, other, device, to)| Step::Transferred { call, other, device, to }),
        10 => (agent(), any::<bool>()).prop_map(|(agent, contact)| Step::Open { agent, contact }),
        4 => (agent(), 0..3usize, change).prop_map(|(agent, which, change)| Step::Change { agent, which, change }),
        3 => (agent(), 0..2usize, decision())
            .prop_map(|(agent, which, decision)| Step::Decide { agent, which, decision }),
        3 => agent().prop_map(Step::Beat),
        3 => (1..300u64).prop_map(Step::Work),
        3 => prop_oneof![Just(1u64), Just(10), Just(30), Just(59), Just(61), Just(119), Just(121), Just(700)]
            .prop_map(Step::Wait),
        2 => (agent(), readiness).prop_map(|(agent, readiness)| Step::Ready(agent, readiness)),
        5 => (agent(), says()).prop_map(|(device, state)| Step::Says(device, state)),
        6 => (proptest::bool::weighted(0.8), cause).prop_map(|(obeys, cause)| Step::Answers { obeys, cause }),
        1 => (agent(), agent()).prop_map(|(agent, device)| Step::Register(agent, device)),
        1 => agent().prop_map(Step::Leave),
        1 => (agent(), prop_oneof![
            any::<bool>().prop_map(DeviceEvent::DoNotDisturb),
            any::<bool>().prop_map(DeviceEvent::Forwarding),
            any::<bool>().prop_map(DeviceEvent::OutOfService),
        ]).prop_map(|(device, event)| Step::Device(device, event)),
        1 => Just(Step::Lose),
        3 => any::<bool>().prop_map(|shows| Step::Back { shows }),
        1 => Just(Step::Started),
    ]
}

/// What is known beside the state: when each browser was heard last.
#[derive(Default)]
struct Day {
    heard: BTreeMap<SessionId, u64>,
    /// The telephone system does at once what it is asked.
    obeys: bool,
}

/// What an agent was before a step.
struct Before {
    agent: AgentId,
    availability: Availability,
    after_call: Option<SessionId>,
    session: Option<SessionId>,
    /// His calls in which he had spoken, wherever he sat.
    spoke: Vec<CallId>,
}

impl World {
    fn live_through(&mut self, step: &Step, day: &mut Day) {
        match step {
            Step::Rings { call, device } => {
                let device = DEVICES[*device];
                let rings = report(CallEvent::Delivered, CALLS[*call], device);
                let rings = rings.seen(device, ConnectionState::Alerting).from("0612345678").to(device);
                self.report(rings.cause(Cause::NewCall));
            }
            Step::Dials { call, device } => {
                let device = DEVICES[*device];
                let dials = report(CallEvent::Originated, CALLS[*call], device);
                self.report(dials.from(device).to("0201234567"));
            }
            Step::Call { call, device, event } => {
                self.report(report(event.clone(), CALLS[*call], DEVICES[*device]));
            }
            Step::CustomerLeaves(call) => self.cleared(CALLS[*call], "0612345678"),
            Step::Transferred { call, other, device, to } => {
                let second = (call != other).then_some(CALLS[*other]);
                self.report(transferred(CALLS[*call], second, DEVICES[*device], DEVICES[*to], CALLS[*call]));
            }
            Step::Open { agent, contact } => {
                let newest = self.state.calls.values().next_back().map(|call| call.contact);
                self.open(AGENTS[*agent], newest.filter(|_| *contact));
            }
            Step::Change { agent, which, change } => {
                let session = self.nth_session(AGENTS[*agent], *which);
                self.change(session, *change);
            }
            Step::Decide { agent, which, decision } => {
                let session = self.agent(AGENTS[*agent]).session.unwrap_or(SessionId(1));
                let asked = self.state.sessions.get(&session);
                let asked = asked.and_then(|asked| asked.decisions.keys().rev().nth(*which).copied());
                self.decide(session, asked.unwrap_or(CallId(1)), *decision);
            }
            Step::Beat(agent) => {
                if let Some(session) = self.agent(AGENTS[*agent]).session {
                    self.beats(session);
                    day.heard.insert(session, self.now);
                }
            }
            Step::Work(seconds) => {
                for _ in 0..seconds.div_ceil(15) {
                    self.wait(Millis::seconds(15));
                    for device in DEVICES.into_iter().filter(|_| day.obeys) {
                        self.obeys(device);
                    }
                    for session in AGENTS.map(|agent| self.agent(agent).session).into_iter().flatten() {
                        self.beats(session);
                        day.heard.insert(session, self.now);
                    }
                }
            }
            Step::Wait(seconds) => self.wait(Millis::seconds(*seconds)),
            Step::Ready(agent, readiness) => {
                self.readiness(AGENTS[*agent], readiness.clone());
            }
            Step::Says(device, state) => self.says(DEVICES[*device], state.clone()),
            Step::Answers { obeys, cause } => {
                let Some(device) = DEVICES.into_iter().find(|device| self.asked_of(device).is_some()) else {
                    return;
                };
                match (obeys, self.asked_of(device)) {
                    (false, Some((command, _))) => self.no(command, *cause),
                    _ => self.obeys(device),
                }
            }
            Step::Register(agent, device) => {
                self.register(AGENTS[*agent], DEVICES[*device]);
            }
            Step::Leave(agent) => {
                self.leaves(AGENTS[*agent]);
            }
            Step::Device(device, event) => {
                let report = EventReport::Device { device: DEVICES[*device].into(), event: event.clone() };
                self.input(InputBody::Report { provider: pbx(), report });
            }
            Step::Lose => self.lose(),
            Step::Back { shows } => self.comes_back(*shows),
            Step::Started => {
                self.input(InputBody::Started);
                for session in AGENTS.map(|agent| self.agent(agent).session).into_iter().flatten() {
                    day.heard.insert(session, self.now);
                }
            }
        }
    }

    /// The link is back; the telephone system shows the calls that were there, or none.
    fn comes_back(&mut self, shows: bool) {
        self.input(InputBody::LinkReady { provider: pbx(), capabilities: with_agents() });
        for device in DEVICES {
            let live = self.state.calls.values().filter(|call| call.is_live());
            let here = live.filter_map(|call| {
                let at = call.live().find(|at| at.device.as_str() == device)?;
                let named = at.provider_call.as_str();
                Some(shown(named, device, at.state, call.calling_device.as_ref()?.as_str(), device))
            });
            let here: Vec<_> = here.collect();
            self.shows(device, if shows { here } else { vec![] });
        }
        self.resynced();
    }

    fn nth_session(&self, agent: &str, which: usize) -> SessionId {
        let own = self.state.sessions.values().rev().filter(|session| session.agent.as_str() == agent);
        own.map(|session| session.id).nth(which).unwrap_or(SessionId(1))
    }

    fn before(&self) -> Vec<Before> {
        let agents = self.state.agents.values();
        agents
            .map(|agent| Before {
                agent: agent.id.clone(),
                availability: agent.availability.clone(),
                after_call: agent.after_call.as_ref().map(|work| work.session),
                session: agent.session,
                spoke: self.calls_of(&agent.id, |_, at| at.connected.is_some()),
            })
            .collect()
    }

    /// The calls that an agent has at a device of ours, as far as the calls themselves tell.
    fn calls_of(&self, agent: &AgentId, is: impl Fn(&Call, &Connection) -> bool) -> Vec<CallId> {
        let his =
            |call: &&Call| call.live().any(|at| at.ours && at.agent.as_ref() == Some(agent) && is(call, at));
        self.state.calls.values().filter(his).map(|call| call.id).collect()
    }

    /// The calls at the device where an agent sits now.
    fn calls_here(&self, agent: &AgentId) -> Vec<&Connection> {
        let Some(seat) = &self.state.agents[agent].registration else { return vec![] };
        let live = self.state.calls.values().flat_map(Call::live);
        live.filter(|at| at.device == seat.device).collect()
    }

    fn check_day(&self, step: &Step, day: &mut Day, before: &[Before], told: usize) {
        let settings = &self.state.settings.sessions;
        let patience = settings.lease.0 + settings.grace.0;
        for session in self.state.sessions.values().filter(|session| session.is_open()) {
            // Opened or resumed: JKC is there.
            let heard = day.heard.entry(session.id).or_insert(0);
            *heard = (*heard).max(session.since.0);
            assert!(self.now < *heard + patience, "{step:?}: nobody is there and it is open: {session:?}");
        }
        for was in before {
            let agent = &self.state.agents[&was.agent];
            let mine = self.state.sessions.values().filter(|session| session.agent == was.agent);
            assert!(mine.filter(|session| session.is_open()).count() <= 1, "{step:?}: one session is open");
            if let Some(session) = was.session.filter(|session| agent.session != Some(*session)) {
                let known = self.state.sessions.get(&session);
                let vanished = known.is_some_and(|known| known.why == SessionCause::Vanished);
                let heard = day.heard.get(&session).copied().unwrap_or(0);
                assert!(
                    !vanished || self.now >= heard + patience,
                    "{step:?}: parked while somebody was there"
                );
            }
            let now = agent.after_call.as_ref().map(|work| work.session);
            if let Some(session) = was.after_call {
                let open = self.state.sessions.get(&session).is_some_and(|session| session.is_open());
                assert!(now == Some(session) || !open, "{step:?}: freed while the session is open");
            }
            let here = self.calls_here(&was.agent);
            let own = |at: &&Connection| at.agent.as_ref() == Some(&was.agent);
            let speaks =
                |at: &Connection| matches!(at.state, ConnectionState::Connected | ConnectionState::Held);
            let begun = was.after_call.is_none() && now.is_some();
            let goes_on = here.iter().copied().filter(own).any(speaks);
            assert!(!(begun && goes_on), "{step:?}: after-call work while he speaks or holds");
            if !here.is_empty() || now.is_some() {
                let is = &agent.availability;
                let room = (is.room(), is.takes_calls, is.takes_chats);
                assert_eq!(room, (0, false, false), "{step:?}: rule 8: {is:?}");
            }
            // He has left a call in which he spoke, and speaks in none: he works, if he had something open.
            let speaks = self.calls_of(&was.agent, |_, at| at.connected.is_some());
            let left = was.spoke.iter().any(|call| !speaks.contains(call));
            let alone =
                here.iter().all(|at| matches!(at.state, ConnectionState::Alerting) && at.connected.is_none());
            if left
                && speaks.is_empty()
                && alone
                && agent.registration.is_some()
                && was.session.is_some()
                && was.session == agent.session
            {
                assert_eq!(now, was.session, "{step:?}: he has work to do");
            }
            let same = Availability { since: was.availability.since, ..agent.availability.clone() };
            if same != was.availability {
                let is_told = self.told[told..].iter().any(|told| {
                    told.kind == Kind::AgentAvailabilityChanged && told.agent.as_ref() == Some(&was.agent)
                });
                assert!(is_told, "{step:?}: a change of availability is told: {same:?}");
            }
            assert!(self.requests_of(&was.agent) <= 1, "{step:?}: one request is under way");
        }
    }

    fn requests_of(&self, agent: &AgentId) -> usize {
        let Some(seat) = &self.state.agents[agent].registration else { return 0 };
        let records = self.state.commands.values();
        let open = records.filter(|record| {
            let about = match &record.command {
                // Of whoever was pushed out and is back already.
                Command::SetAgentState { state: RequestedAgentState::LoggedOff, .. } => return false,
                Command::SetAgentState { agent: about, .. } | Command::GetAgentState { agent: about } => {
                    about
                }
                _ => return false,
            };
            let here = record.device.as_ref().is_some_and(|(_, device)| *device == seat.device);
            about == agent && here && !matches!(record.state, CommandState::Done { .. })
        });
        open.count()
    }

    /// All browsers close, all calls end, and the telephone system does what it is asked.
    fn evening(&mut self) {
        self.lose();
        self.comes_back(false);
        assert_eq!(self.live_calls(), 0);
        for device in DEVICES {
            self.obeys(device);
        }
        let settings = self.state.settings.sessions.clone();
        self.wait(Millis(settings.lease.0 + settings.grace.0));
        for device in DEVICES {
            self.obeys(device);
        }
        for agent in self.state.agents.values() {
            let is = &agent.availability;
            assert!(agent.after_call.is_none() && agent.session.is_none(), "{agent:?}");
            assert!(
                is.room() == 100 || agent.provider_state == Some(ProviderAgentState::WorkingAfterCall),
                "{is:?}"
            );
        }
        self.wait(settings.keep_parked);
        self.wait(settings.keep_closed);
        self.wait(self.state.settings.keep_ended);
        let state = &self.state;
        assert!(state.sessions.is_empty() && state.commands.is_empty(), "{:?}", state.sessions);
        assert!(state.deadlines.is_empty() && state.at_device.is_empty());
    }
}

proptest! {
    #[test]
    fn t11_rule_8_rule_9_no_interleaving_frees_early_or_leaves_without_owner(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut world = World::acd();
        let mut day = Day::default();
        for step in &steps {
            let (before, told) = (world.before(), world.told.len());
            world.live_through(step, &mut day);
            world.check_day(step, &mut day, &before, told);
        }
        world.evening();
        // Rule 5: one outcome each, schakel's own requests too.
        let asked: BTreeSet<_> = world.asked.iter().map(|(id, ..)| *id).collect();
        for id in asked {
            prop_assert_eq!(world.completed.iter().filter(|done| **done == id).count(), 1);
        }
        let told = world.told.iter().filter(|told| told.kind == Kind::CommandCompleted).count();
        prop_assert_eq!(told, world.completed.len());
    }

    #[test]
    fn t11_a_pbx_that_does_what_it_is_asked_has_every_agent_as_he_is(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut world = World::acd();
        let mut day = Day { obeys: true, ..Day::default() };
        for step in steps {
            // Nobody presses anything at the telephone itself.
            if matches!(step, Step::Says(..) | Step::Answers { obeys: false, .. }) {
                continue;
            }
            world.live_through(&step, &mut day);
            for device in DEVICES {
                world.obeys(device);
            }
            let up = world.state.providers[&pbx()].link == LinkState::Up;
            let seated = world.state.agents.values().filter(|agent| up && agent.registration.is_some());
            for agent in seated {
                let wanted = match (&agent.after_call, &agent.readiness) {
                    (Some(_), _) => ProviderAgentState::WorkingAfterCall,
                    (None, Readiness::NotReady(reason)) => ProviderAgentState::NotReady(reason.clone()),
                    (None, Readiness::Ready) => ProviderAgentState::Ready,
                };
                prop_assert_eq!(agent.provider_state.as_ref(), Some(&wanted), "{:?}: {:?}", step, agent);
            }
        }
    }
}
