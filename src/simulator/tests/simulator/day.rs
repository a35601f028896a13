//! Whole days in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use schakel_simulator::config::SimulatorConfig;
use schakel_simulator::duration::Span;
use schakel_simulator::rehearsal::{Reaction, Rehearsal};
use schakel_simulator::scenario::ACD_DAY;
use schakel_simulator::switch::{
    AgentRequest, AgentState, Cause, Command, EventKind, Number, RouteSays, SwitchError, SwitchEvent,
};

/// Answers every route request with `to` after so long; counts what it is told.
struct Router {
    after: Duration,
    to: Option<&'static str>,
    told: BTreeMap<&'static str, usize>,
}

impl Router {
    fn new(after: Span, to: Option<&'static str>) -> Self {
        Self { after: after.0, to, told: BTreeMap::new() }
    }

    fn hears(&mut self, event: &SwitchEvent) -> Vec<Reaction> {
        let EventKind::Routeing(message) = &event.kind else { return Vec::new() };
        *self.told.entry(event.kind.name()).or_default() += 1;
        let (RouteSays::Request { route, .. }, Some(to)) = (&message.says, self.to) else {
            return Vec::new();
        };
        let select = Command::RouteSelect { route: *route, to: to.into(), tell_used: true, correlator: None };
        vec![(self.after, select)]
    }

    fn was_told(&self, name: &str) -> usize {
        self.told.get(name).copied().unwrap_or(0)
    }
}

fn day(router: &mut Router) -> Rehearsal {
    let config = SimulatorConfig::from_scenario(ACD_DAY).unwrap();
    let mut day = Rehearsal::new(config.switch).unwrap();
    day.execute(&Command::RouteRegister { point: None }).unwrap();
    day.play(&config.steps, |_, event| router.hears(event)).unwrap();
    day.switch().audit().unwrap();
    day
}

#[test]
fn t02_t11_a_working_day_of_agents() {
    let config = SimulatorConfig::from_scenario(ACD_DAY).unwrap();
    let mut day = Rehearsal::new(config.switch).unwrap();
    let mut spoken = BTreeMap::<Number, usize>::new();
    day.play(&config.steps, |_, event| {
        if let EventKind::AgentState { device, state: AgentState::Busy, .. } = &event.kind {
            *spoken.entry(device.clone()).or_default() += 1;
        }
        Vec::new()
    })
    .unwrap();
    assert!(day.now() >= Span::seconds(9 * 3600).0);
    assert_eq!(day.switch().call_count(), 0, "nothing is left when the lights go out");
    let spoken: Vec<(&str, usize)> = spoken.iter().map(|(device, calls)| (device.as_str(), *calls)).collect();
    assert_eq!(spoken, [("2001", 2), ("2002", 2), ("2003", 2), ("2004", 1)]);
}

#[test]
fn t01_the_same_day_with_an_application_that_routes() {
    let mut router = Router::new(Span::millis(300), Some("2010"));
    let day = day(&mut router);
    assert_eq!(day.refused(), []);
    let told = ["RouteRequest", "RouteUsed", "RouteEnd", "ReRoute"].map(|name| router.was_told(name));
    assert_eq!(told, [1, 1, 1, 0]);
}

#[test]
fn t01_the_same_day_with_one_that_is_late_absent_or_wrong() {
    let mut late = Router::new(Span::seconds(4), Some("2010"));
    let refused = day(&mut late).refused().to_vec();
    assert!(matches!(refused.as_slice(), [(_, _, SwitchError::UnknownRoute(_))]), "{refused:?}");
    assert_eq!((late.was_told("RouteUsed"), late.was_told("RouteEnd")), (0, 1));
    let mut absent = Router::new(Span::seconds(0), None);
    assert_eq!(day(&mut absent).refused(), []);
    assert_eq!((absent.was_told("RouteRequest"), absent.was_told("RouteEnd")), (1, 1));
    let mut wrong = Router::new(Span::millis(1), Some("99"));
    day(&mut wrong);
    assert_eq!((wrong.was_told("RouteUsed"), wrong.was_told("RouteEnd")), (0, 1));
}

#[test]
fn a_day_that_does_not_go_as_planned_says_where() {
    let text = r#"
        [[extensions]]
        number = "2001"
        [[steps]]
        at = "9h05m"
        do = "expect-agent"
        device = "2001"
        state = "ready"
        within = "10s"
    "#;
    let config = SimulatorConfig::from_scenario(text).unwrap();
    let mut day = Rehearsal::new(config.switch).unwrap();
    let wrong = day.play(&config.steps, |_, _| Vec::new()).unwrap_err();
    assert_eq!((wrong.step, wrong.at), (1, Span::seconds(32_700).0));
    assert!(wrong.to_string().contains("should be agentReady, but is logged off"), "{wrong}");
}

/// Somebody who calls at a random moment of a day, and the day's chances.
#[derive(Clone, Debug)]
struct Customer {
    at: u64,
    to: &'static str,
    /// Hangs up after so many seconds without an answer.
    patience: u64,
    /// Speaks for so many seconds.
    speaks: u64,
}

/// What an application makes of a route request.
#[derive(Clone, Copy, Debug)]
enum Decision {
    Select(&'static str),
    Reject,
    End,
    Nothing,
}

fn customer() -> impl Strategy<Value = Customer> {
    let to = prop_oneof![Just("7000"), Just("7001"), Just("7100"), Just("7100"), Just("2010")];
    (0..8_u64 * 3600, to, 5..600_u64, 1..400_u64).prop_map(|(at, to, patience, speaks)| Customer {
        at,
        to,
        patience,
        speaks,
    })
}

fn decision() -> impl Strategy<Value = (u64, Decision)> {
    let to = prop_oneof![Just("7000"), Just("7001"), Just("2001"), Just("2010"), Just("99"), Just("7100")];
    let what = prop_oneof![
        6 => to.prop_map(Decision::Select),
        1 => Just(Decision::Reject),
        1 => Just(Decision::End),
        1 => Just(Decision::Nothing),
    ];
    (0..3_000_u64, what)
}

/// What one agent does when a telephone rings or a state changes.
#[derive(Clone, Copy, Debug)]
struct Habits {
    /// Picks up after so many seconds; 20 is too late.
    picks_up: u64,
    /// Takes a break of so many minutes after every so many calls.
    breaks: (u64, u64),
}

fn habits() -> impl Strategy<Value = Habits> {
    (1..24_u64, (1..5_u64, 1..40_u64)).prop_map(|(picks_up, breaks)| Habits { picks_up, breaks })
}

/// The people of a generated day, who act on what happens.
struct People {
    habits: BTreeMap<&'static str, Habits>,
    customers: BTreeMap<Number, Customer>,
    decisions: Vec<(u64, Decision)>,
    asked: usize,
    calls: BTreeMap<&'static str, u64>,
    agents: BTreeMap<Number, AgentState>,
    fates: BTreeMap<Number, Fate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    OnItsWay,
    Answered,
}

impl People {
    fn hear(&mut self, event: &SwitchEvent) -> Vec<Reaction> {
        let caller = event.call.as_ref().map(|call| call.calling.device.clone());
        match &event.kind {
            EventKind::Routeing(message) => {
                let (RouteSays::Request { route, .. } | RouteSays::Again { route, .. }) = &message.says
                else {
                    return Vec::new();
                };
                let (after, decision) = self.decisions[self.asked % self.decisions.len()];
                self.asked += 1;
                let command = match decision {
                    Decision::Select(to) => Command::RouteSelect {
                        route: *route,
                        to: to.into(),
                        tell_used: true,
                        correlator: None,
                    },
                    Decision::Reject => Command::RouteReject(*route),
                    Decision::End => Command::RouteEnd(*route),
                    Decision::Nothing => return Vec::new(),
                };
                vec![(Duration::from_millis(after), command)]
            }
            EventKind::Delivered { connection } => {
                let Some((_, habits)) = self.habits.get_key_value(connection.device.as_str()) else {
                    return Vec::new();
                };
                if event.cause == Some(Cause::Distributed) {
                    let state = self.agents.get(&connection.device);
                    assert_eq!(state, Some(&AgentState::Ready), "{} got a call", connection.device);
                }
                vec![(Duration::from_secs(habits.picks_up), Command::Answer(connection.clone()))]
            }
            EventKind::Established { connection } => {
                let Some(customer) = caller.and_then(|caller| {
                    self.fates.insert(caller.clone(), Fate::Answered);
                    self.customers.get(&caller)
                }) else {
                    return Vec::new();
                };
                vec![(Duration::from_secs(customer.speaks), Command::ClearConnection(connection.clone()))]
            }
            EventKind::AgentLoggedOff { device, .. } => {
                self.agents.remove(device);
                Vec::new()
            }
            EventKind::AgentState { device, state, .. } => {
                self.agents.insert(device.clone(), *state);
                self.agent_is(device, *state)
            }
            _ => Vec::new(),
        }
    }

    /// An agent ends after-call work, comes back to the desk, and takes a break now and then.
    fn agent_is(&mut self, device: &Number, state: AgentState) -> Vec<Reaction> {
        let Some((name, habits)) = self.habits.get_key_value(device.as_str()) else { return Vec::new() };
        let asks = |request| Command::SetAgentState {
            device: device.clone(),
            agent: None,
            group: None,
            request,
            reason: None,
        };
        let (calls, minutes) = habits.breaks;
        match state {
            AgentState::Busy => {
                let answered = self.calls.entry(name).or_default();
                *answered += 1;
                let tired = answered.is_multiple_of(calls);
                tired.then(|| (Duration::ZERO, asks(AgentRequest::NotReady))).into_iter().collect()
            }
            AgentState::NotReady => vec![(Duration::from_secs(minutes * 60), asks(AgentRequest::Ready))],
            AgentState::WorkingAfterCall => vec![(Duration::from_secs(45), asks(AgentRequest::Ready))],
            AgentState::Ready => Vec::new(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.min(64)))]

    /// Whatever an application says and however agents work: every call of the day is answered, given up by its
    /// caller, or refused; none is lost, and none is left when the day is over.
    #[test]
    fn t01_t02_no_call_of_a_generated_day_is_lost(
        customers in prop::collection::vec(customer(), 1..120),
        decisions in prop::collection::vec(decision(), 1..20),
        habits in prop::collection::vec(habits(), 4),
        reroutes in 0..3_u32,
    ) {
        let mut config = SimulatorConfig::from_scenario(ACD_DAY).unwrap().switch;
        config.routing_points[0].reroutes = reroutes;
        let mut day = Rehearsal::new(config).unwrap();
        let desks = [("2001", Some("7000")), ("2002", Some("7000")), ("2003", Some("7001")), ("2004", None)];
        let habits = desks.iter().zip(habits).map(|((desk, _), habits)| (*desk, habits)).collect();
        let (customers, calls) = callers(customers);
        let mut people = People {
            habits,
            customers: customers.clone(),
            decisions,
            asked: 0,
            calls: BTreeMap::new(),
            agents: BTreeMap::new(),
            fates: BTreeMap::new(),
        };
        day.execute(&Command::RouteRegister { point: Some("7100".into()) }).unwrap();
        for (device, group) in desks {
            let log_on = Command::SetAgentState {
                device: device.into(),
                agent: Some(device.into()),
                group: group.map(Number::from),
                request: AgentRequest::LoggedOn,
                reason: None,
            };
            day.execute(&log_on).unwrap();
        }
        for (at, number, calls) in calls {
            day.wait_until(Duration::from_secs(at), |_, event| people.hear(event));
            let customer = &customers[&number];
            if calls {
                let (from, to) = (Some(number.clone()), customer.to.into());
                day.execute(&Command::OutsideCall { from, to, correlator: None }).unwrap();
                people.fates.entry(number).or_insert(Fate::OnItsWay);
            } else if people.fates.get(&number) == Some(&Fate::OnItsWay)
                && let Ok(connection) = day.switch().connection_at(&number, |_| true)
            {
                day.execute(&Command::ClearConnection(connection)).unwrap();
            }
            day.switch().audit().map_err(TestCaseError::fail)?;
        }
        // An hour later everybody has spoken, given up or heard a tone.
        let over = day.now() + Duration::from_secs(3600);
        day.wait_until(over, |_, event| people.hear(event));
        day.switch().audit().map_err(TestCaseError::fail)?;
        prop_assert_eq!(day.switch().state().calls, vec![]);
        prop_assert_eq!(people.fates.len(), customers.len());
        for (_, command, error) in day.refused() {
            let late = matches!(
                error,
                SwitchError::UnknownRoute(_) | SwitchError::UnknownCall(_) | SwitchError::UnknownConnection(_)
                    | SwitchError::NotRinging(_) | SwitchError::AlreadyActive(_)
            );
            prop_assert!(late, "{:?}: {}", command, error);
        }
    }
}

/// At this second of the day somebody begins to call (`true`), or has waited long enough.
type Moment = (u64, Number, bool);

/// Who calls and when, and when each of them loses patience: `true` begins a call.
fn callers(customers: Vec<Customer>) -> (BTreeMap<Number, Customer>, Vec<Moment>) {
    let named = customers.into_iter().enumerate();
    let named: BTreeMap<Number, Customer> =
        named.map(|(place, customer)| (Number::from(format!("06{:08}", place + 1)), customer)).collect();
    let mut calls = Vec::new();
    for (number, customer) in &named {
        calls.push((customer.at, number.clone(), true));
        calls.push((customer.at + customer.patience, number.clone(), false));
    }
    calls.sort();
    (named, calls)
}
