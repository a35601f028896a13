//! Whole days in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use schakel_simulator::config::SimulatorConfig;
use schakel_simulator::duration::Span;
use schakel_simulator::rehearsal::{Reaction, Rehearsal};
use schakel_simulator::scenario::ACD_DAY;
use schakel_simulator::switch::{
    AgentState, Command, EventKind, Number, RouteSays, SwitchError, SwitchEvent,
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
