//! What must hold whatever anybody does, in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::table::{CUSTOMER, config};
use proptest::prelude::*;
use schakel_simulator::duration::Span;
use schakel_simulator::switch::{
    AgentRequest, AgentState, Cause, ClearStyle, Command, ConnectionId, Distribution, EventKind, Forwarding,
    LocalState, MergedCallId, Number, PointEvents, QueueConfig, RegistrationId, Rejected, RouteId, RouteSays,
    RoutingPointConfig, Switch, SwitchConfig, SwitchEvent, Unanswered,
};

const DEVICES: [&str; 10] =
    ["2001", "2002", "2003", "2004", "7000", "7001", "7100", CUSTOMER, "0612345678", "99"];

/// A thing that happens; call ids are chosen among those that live.
#[derive(Clone, Debug)]
enum Happening {
    Command(u8, usize, usize, usize, bool),
    Wait(u64),
    ReuseIds,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        12 => (0..29_u8, 0..10_usize, 0..10_usize, 0..6_usize, any::<bool>())
            .prop_map(|(what, a, b, call, flag)| Happening::Command(what, a, b, call, flag)),
        2 => (0..40_000_u64).prop_map(Happening::Wait),
        1 => Just(Happening::ReuseIds),
    ]
}

fn lawful_config() -> impl Strategy<Value = SwitchConfig> {
    let ids =
        prop_oneof![Just(MergedCallId::Primary), Just(MergedCallId::Secondary), Just(MergedCallId::New)];
    (ids, any::<[bool; 12]>()).prop_map(|(merged, flags)| {
        let mut config = config();
        let behaviour = &mut config.behaviour;
        behaviour.merged_call_id = merged;
        behaviour.clearing = if flags[0] { ClearStyle::EveryParty } else { ClearStyle::OwnOnly };
        behaviour.offered = flags[1];
        behaviour.held_on_consultation = flags[2];
        behaviour.transfer_while_ringing = flags[3];
        config.queues[0].distribution = match (flags[4], flags[8]) {
            (true, true) => Distribution::LongestIdle,
            (true, false) => Distribution::InTurn,
            (false, _) => Distribution::RingAll,
        };
        config.queues[0].wrap_up = Some(Span::seconds(if flags[5] { 5 } else { 0 }));
        if flags[6] {
            config.queues[0].overflow_after = Some(Span::seconds(30));
            config.queues[0].overflow_to = Some("2004".into());
        }
        config.queues[0].unanswered = if flags[9] { Unanswered::NotReady } else { Unanswered::StayReady };
        let mut point = RoutingPointConfig::new("7100", if flags[10] { "7000" } else { "2004" });
        point.events = match (flags[9], flags[11]) {
            (true, true) => PointEvents::Nothing,
            (true, false) => PointEvents::Offered,
            (false, _) => PointEvents::Delivered,
        };
        point.rejected = if flags[8] { Rejected::Default } else { Rejected::GivenBack };
        config.routing_points.push(point);
        let mut agents_only = QueueConfig::new("7001", ["2003"]);
        agents_only.agents_only = true;
        agents_only.wrap_up = None;
        config.queues.push(agents_only);
        config.behaviour.agents_move = flags[11];
        for extension in &mut config.extensions {
            extension.pickup_group = Some("all".into());
            extension.call_waiting = flags[7];
        }
        if flags[10] {
            // Ready from the start, so that after-call work comes about more often.
            config.extensions[0].agent = Some("901".into());
            config.extensions[1].agent = Some("902".into());
        }
        config.extensions[3].answers_after = Some(Span::seconds(2));
        config
    })
}

/// The command that numbers stand for, in the world as it is now.
fn command(switch: &Switch, what: u8, a: usize, b: usize, pick: usize, flag: bool) -> Command {
    let a = Number::from(DEVICES[a % DEVICES.len()]);
    let b = Number::from(DEVICES[b % DEVICES.len()]);
    let state = switch.state();
    let call = state.calls.get(pick % state.calls.len().max(1));
    let connection = call.map_or_else(
        || ConnectionId::new("none", a.clone()),
        |call| {
            let leg = &call.connections[pick % call.connections.len()];
            ConnectionId::new(call.id.clone(), leg.device.clone())
        },
    );
    let with = |wanted: LocalState| {
        let device = &connection.device;
        switch
            .connection_at(device, |state| state == wanted)
            .unwrap_or_else(|_| ConnectionId::new("none", device.clone()))
    };
    let (held, active) = (with(LocalState::Hold), with(LocalState::Connected));
    let correlator = None;
    match what {
        0 => Command::MakeCall { from: a, to: b, prompt: flag, correlator },
        1 | 2 => Command::OutsideCall { from: flag.then(|| CUSTOMER.into()), to: b, correlator },
        3..=5 => Command::Answer(connection),
        6 => Command::Hold(connection),
        7 => Command::Retrieve(connection),
        8 => Command::Alternate { held, active },
        9 => Command::Reconnect { held, active },
        10 | 11 => Command::Consult { existing: connection, to: b, correlator },
        12 | 13 => Command::Transfer { held, active },
        14 => Command::Conference { held, active },
        15 => Command::SingleStepTransfer { active: connection, to: b },
        16 => Command::SingleStepConference { active: connection, to: b, silent: flag },
        17 => Command::Deflect { connection, to: b },
        18 if flag => Command::GroupPickup { by: b },
        18 => Command::DirectedPickup { connection, by: b },
        19 => Command::ClearConnection(connection),
        20 if flag => Command::OutsideBusy(connection),
        20 => Command::ClearCall(connection.call),
        21 if flag => Command::SetOutOfService { device: a, out: pick.is_multiple_of(2) },
        21 => Command::SetDoNotDisturb { device: a, on: pick.is_multiple_of(2) },
        22 => {
            let kind = Forwarding::ALL[pick % 3];
            Command::SetForwarding { device: a, kind, to: flag.then_some(b) }
        }
        23 => Command::RouteRegister { point: flag.then(|| "7100".into()) },
        24 if flag => Command::RouteAbort(None),
        24 => Command::RouteCancel(RegistrationId(u64::try_from(pick).unwrap() + 1)),
        25 | 26 => {
            let route = latest_route(switch, pick);
            Command::RouteSelect { route, to: b, tell_used: flag, correlator }
        }
        27 if flag => Command::RouteReject(latest_route(switch, pick)),
        27 => Command::RouteEnd(latest_route(switch, pick)),
        _ => {
            let request = [
                AgentRequest::LoggedOn,
                AgentRequest::Ready,
                AgentRequest::NotReady,
                AgentRequest::WorkingAfterCall,
                AgentRequest::LoggedOff,
            ][pick % 5];
            let agent = Some(if flag { "900".into() } else { format!("9{a}").into() });
            let group = flag.then(|| if pick.is_multiple_of(2) { "7000".into() } else { "7001".into() });
            Command::SetAgentState { device: a, agent, group, request, reason: None }
        }
    }
}

/// A dialogue that may be open: the ids are given out in order, so one of the last is.
fn latest_route(switch: &Switch, pick: usize) -> RouteId {
    let open = (1..400).rev().map(RouteId).filter(|route| switch.registration_of(*route).is_some());
    open.take(pick + 1).last().unwrap_or(RouteId(0))
}

/// What agents do, from their events alone: a queue may give a call only to one who is ready.
#[derive(Default)]
struct Agents {
    states: BTreeMap<Number, AgentState>,
}

impl Agents {
    fn hear(&mut self, events: &[SwitchEvent]) -> Result<(), String> {
        for event in events {
            match &event.kind {
                EventKind::AgentState { device, state, .. } => {
                    self.states.insert(device.clone(), *state);
                }
                EventKind::AgentLoggedOff { device, .. } => {
                    self.states.remove(device);
                }
                EventKind::Delivered { connection } if event.cause == Some(Cause::Distributed) => {
                    let state = self.states.get(&connection.device);
                    if state.is_some_and(|state| *state != AgentState::Ready) {
                        return Err(format!("{} was given a call while {state:?}", connection.device));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Every route request is followed by exactly one end, from the switch or the application, or an abort.
#[derive(Default)]
struct Dialogues {
    open: BTreeMap<RouteId, RegistrationId>,
}

impl Dialogues {
    fn hear(&mut self, events: &[SwitchEvent], command: Option<&Command>) -> Result<(), String> {
        if let Some(Command::RouteEnd(route)) = command {
            self.open.remove(route);
        }
        for event in events {
            let EventKind::Routeing(message) = &event.kind else { continue };
            match &message.says {
                RouteSays::Request { route, .. } => {
                    if self.open.insert(*route, message.registration).is_some() {
                        return Err(format!("dialogue {route} begins twice"));
                    }
                }
                RouteSays::Again { route, .. } | RouteSays::Used { route, .. } => {
                    if self.open.get(route) != Some(&message.registration) {
                        return Err(format!("dialogue {route} goes on after its end"));
                    }
                }
                RouteSays::End { route, .. } => {
                    if self.open.remove(route) != Some(message.registration) {
                        return Err(format!("dialogue {route} ends twice"));
                    }
                }
                RouteSays::Abort => self.open.retain(|_, of| *of != message.registration),
            }
        }
        Ok(())
    }
}

/// What a monitor on every device believes to exist, from events alone.
#[derive(Default)]
struct Monitors {
    alive: BTreeSet<(Number, String)>,
}

impl Monitors {
    fn hear(&mut self, events: &[SwitchEvent]) {
        for event in events {
            for view in &event.views {
                self.hear_one(event, &view.device, view.local);
            }
        }
    }

    fn hear_one(&mut self, event: &SwitchEvent, device: &Number, local: Option<LocalState>) {
        let Some(facts) = &event.call else { return };
        if let EventKind::Transferred(joined) | EventKind::Conferenced(joined) = &event.kind {
            for old in std::iter::once(&joined.primary).chain(&joined.secondary) {
                self.alive.remove(&(device.clone(), old.call.to_string()));
            }
        }
        let key = (device.clone(), facts.id.to_string());
        match local {
            Some(LocalState::Null) => drop(self.alive.remove(&key)),
            Some(_) => drop(self.alive.insert(key)),
            None => {}
        }
    }
}

/// What really exists at devices that can be monitored.
fn alive(switch: &Switch) -> BTreeSet<(Number, String)> {
    let state = switch.state();
    let legs = state.calls.iter().flat_map(|call| call.connections.iter().map(move |leg| (leg, call)));
    legs.filter(|(leg, _)| switch.is_told(&leg.device))
        .map(|(leg, call)| (leg.device.clone(), call.id.to_string()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(300)))]

    /// Nothing panics, all parts agree, a refusal changes nothing, and monitors see exactly what is there.
    #[test]
    fn whatever_happens_the_switch_stays_consistent(
        config in lawful_config(),
        happenings in prop::collection::vec(happening(), 1..120),
    ) {
        let mut switch = Switch::new(config).unwrap();
        let mut monitors = Monitors::default();
        let (mut agents, mut dialogues) = (Agents::default(), Dialogues::default());
        let mut now = Duration::ZERO;
        for happening in happenings {
            let mut events = Vec::new();
            let mut done = None;
            match happening {
                Happening::Wait(millis) => {
                    now += Duration::from_millis(millis);
                    switch.tick(now, &mut events);
                }
                Happening::ReuseIds => switch.reuse_call_ids(1),
                Happening::Command(what, a, b, pick, flag) => {
                    switch.tick(now, &mut events);
                    monitors.hear(&events);
                    agents.hear(&events).map_err(TestCaseError::fail)?;
                    dialogues.hear(&events, None).map_err(TestCaseError::fail)?;
                    events.clear();
                    let command = command(&switch, what, a, b, pick, flag);
                    let before = switch.state();
                    let deadline = switch.next_deadline();
                    if switch.execute(now, &command, &mut events).is_err() {
                        prop_assert_eq!(before, switch.state(), "refused: {:?}", command);
                        prop_assert_eq!(deadline, switch.next_deadline());
                        prop_assert!(events.is_empty());
                    } else {
                        done = Some(command);
                    }
                }
            }
            monitors.hear(&events);
            agents.hear(&events).map_err(TestCaseError::fail)?;
            dialogues.hear(&events, done.as_ref()).map_err(TestCaseError::fail)?;
            if let Err(wrong) = switch.audit() {
                return Err(TestCaseError::fail(wrong));
            }
            prop_assert_eq!(&monitors.alive, &alive(&switch));
        }
        // A call that is asked about comes to somewhere or ends: no dialogue lasts longer than its time.
        let mut events = Vec::new();
        for _ in 0..12 {
            now += Duration::from_secs(3);
            switch.tick(now, &mut events);
        }
        monitors.hear(&events);
        agents.hear(&events).map_err(TestCaseError::fail)?;
        dialogues.hear(&events, None).map_err(TestCaseError::fail)?;
        prop_assert!(dialogues.open.is_empty());
        prop_assert!(switch.state().routing_points.iter().all(|point| point.asking.is_empty()));
        let calls: Vec<_> = switch.state().calls.into_iter().map(|call| call.id).collect();
        for call in calls {
            let mut events = Vec::new();
            // One of them may already be gone: a party that leaves can end more than its own call.
            let _ = switch.execute(now, &Command::ClearCall(call), &mut events);
            monitors.hear(&events);
        }
        for device in ["2001", "2002", "2003", "2004"] {
            let off = Command::SetOutOfService { device: device.into(), out: true };
            let mut events = Vec::new();
            switch.execute(now, &off, &mut events).unwrap();
            monitors.hear(&events);
        }
        prop_assert_eq!(&monitors.alive, &alive(&switch));
    }
}

/// Ten thousand telephones and two thousand calls are no burden.
#[test]
fn a_large_switch_answers_at_once() {
    let mut config = SwitchConfig::default();
    for n in 0..10_000 {
        let number = Number::from(format!("{}", 20_000 + n));
        config.extensions.push(schakel_simulator::switch::ExtensionConfig::new(number));
    }
    let mut switch = Switch::new(config).unwrap();
    let mut events = Vec::new();
    for n in 0..2_000 {
        let to = Number::from(format!("{}", 20_000 + n));
        let from = Some(CUSTOMER.into());
        let ring = Command::OutsideCall { from, to: to.clone(), correlator: None };
        let outcome = switch.execute(Duration::ZERO, &ring, &mut events).unwrap();
        let call = outcome.connection().unwrap().call.clone();
        switch.execute(Duration::ZERO, &Command::Answer(ConnectionId::new(call, to)), &mut events).unwrap();
    }
    assert_eq!(switch.call_count(), 2_000);
    assert_eq!(events.iter().map(|e| e.views.len()).sum::<usize>(), 4_000);
    switch.audit().unwrap();
}
