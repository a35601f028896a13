//! Whatever the PBX asks and JKC answers, in any order and at any time: each question is answered once, in time, and
//! nobody who is late is believed (T01).

use crate::common::*;
use proptest::prelude::*;
use schakel_core::adapter::Operation;
use schakel_core::command::Command;
use schakel_core::input::InputBody;
use schakel_core::model::ids::{CommandId, RouteId};
use schakel_core::model::pii::Pii;
use schakel_core::model::route::{RouteBy, RouteDecision, RouteSettings, RouteState};
use schakel_core::model::time::{Millis, Time};
use schakel_core::notification::{Kind, Subject};
use schakel_core::report::{CallEvent, EventReport, RouteEvent};
use std::collections::BTreeMap;

const NUMBERS: [&str; 3] = ["2001", "2002", "7000"];

#[derive(Debug, Clone)]
enum Step {
    Asks { dialogue: usize, call: Option<usize>, limit: Option<u64> },
    Again(usize),
    Used(usize),
    Ended(usize),
    Decides { which: usize, to: Option<usize> },
    Confirms(bool),
    HangsUp(usize),
    Rings(usize),
    Lost,
    Waits(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let limit = || proptest::option::of(prop_oneof![Just(0u64), 1..3_000u64, Just(60_000)]);
    prop_oneof![
        8 => (0..4usize, proptest::option::weighted(0.9, 0..3usize), limit())
            .prop_map(|(dialogue, call, limit)| Step::Asks { dialogue, call, limit }),
        6 => (0..4usize).prop_map(Step::Again),
        2 => (0..4usize).prop_map(Step::Used),
        2 => (0..4usize).prop_map(Step::Ended),
        10 => (0..4usize, proptest::option::weighted(0.8, 0..3usize))
            .prop_map(|(which, to)| Step::Decides { which, to }),
        4 => any::<bool>().prop_map(Step::Confirms),
        2 => (0..3usize).prop_map(Step::HangsUp),
        2 => (0..3usize).prop_map(Step::Rings),
        1 => Just(Step::Lost),
        8 => prop_oneof![1..500u64, Just(2_000), Just(40_000), Just(700_000)].prop_map(Step::Waits),
    ]
}

fn world() -> World {
    let mut world = World::new();
    let mut settings = settings();
    let fallback = RouteDecision::To(Pii::new("7000".into()));
    settings.routes =
        vec![RouteSettings { provider: pbx(), device: "7100".into(), limit: Millis(1_500), fallback }];
    world.input(InputBody::Configured(Box::new(settings)));
    world
}

fn says(world: &mut World, dialogue: usize, event: RouteEvent) {
    let dialogue = format!("r{dialogue}").as_str().into();
    let report = EventReport::Route { dialogue, event: Box::new(event) };
    world.input(InputBody::Report { provider: pbx(), report });
}

fn does(world: &mut World, step: &Step) {
    let call = |at: usize| format!("{at}");
    match step {
        Step::Asks { dialogue, call: named, limit } => {
            let event = RouteEvent::Requested {
                device: "7100".into(),
                call: named.map(|at| call(at).as_str().into()),
                calling: Some(party("0612345678")),
                current: None,
                limit: limit.map(Millis),
                correlator: None,
            };
            says(world, *dialogue, event);
        }
        Step::Again(dialogue) => says(world, *dialogue, RouteEvent::Again { limit: None }),
        Step::Used(dialogue) => says(world, *dialogue, RouteEvent::Used(Some("2001".into()))),
        Step::Ended(dialogue) => says(world, *dialogue, RouteEvent::Ended(None)),
        Step::Decides { which, to } => {
            let route = world.state.routes.keys().rev().nth(*which).copied().unwrap_or(RouteId(1));
            let decision =
                to.map_or(RouteDecision::Default, |to| RouteDecision::To(Pii::new(NUMBERS[to].into())));
            world.command(Command::DecideRoute { route, decision });
        }
        Step::Confirms(yes) => {
            let Some(command) = world.asked.last().map(|(command, ..)| *command) else { return };
            match yes {
                true => world.yes(command),
                false => world.no(command, schakel_core::command::RefusalCause::PartyGone),
            }
        }
        Step::HangsUp(at) => world.report(report(CallEvent::CallCleared, &call(*at), "7100")),
        Step::Rings(at) => {
            let rings = report(CallEvent::Delivered, &call(*at), "2001").from("0612345678").to("2001");
            world.report(rings.cause(schakel_core::model::cause::Cause::Redirected));
        }
        Step::Lost => {
            world.lose();
            world.ready();
            world.resynced();
        }
        Step::Waits(span) => world.wait(Millis(*span)),
    }
}

/// How often each routing was asked and answered, by what was told and by what was sent.
fn answers(world: &World) -> BTreeMap<RouteId, (usize, usize)> {
    let mut counted: BTreeMap<RouteId, (usize, usize)> = BTreeMap::new();
    for told in &world.told {
        let Subject::Route(id) = told.subject else { continue };
        let of = counted.entry(id).or_default();
        match told.kind {
            Kind::RouteRequested => of.0 += 1,
            _ => of.1 += 1,
        }
    }
    counted
}

proptest! {
    #[test]
    fn t01_each_question_is_answered_once_and_in_time(steps in proptest::collection::vec(step(), 1..80)) {
        let mut world = world();
        let mut decided: BTreeMap<RouteId, (CommandId, u32)> = BTreeMap::new();
        for step in &steps {
            does(&mut world, step);
            let now = Time(world.now);
            for (id, route) in &world.state.routes {
                prop_assert!(route.tries <= 5, "asked on and on: {route:?}");
                if route.state == RouteState::Asked {
                    prop_assert!(route.deadline > now, "asked beyond its limit: {route:?}");
                    prop_assert!(route.deadline - route.asked <= Millis(1_500));
                }
                // Whoever decided a question stays who decided it.
                if let RouteState::Decided { by: RouteBy::Jkc(command), .. } = route.state {
                    let first = decided.entry(*id).or_insert((command, route.tries));
                    prop_assert!(*first == (command, route.tries) || first.1 < route.tries);
                    *first = (command, route.tries);
                }
            }
            for (id, (asked, answered)) in answers(&world) {
                // At once where it was asked too often; otherwise one answer a question at most.
                let extra = world.state.routes.get(&id).map_or(2, |route| route.tries.saturating_sub(3) as usize);
                prop_assert!(asked <= 3 && answered <= asked + extra, "{id}: {asked} {answered}");
            }
        }
        // What was told as an answer was sent to the PBX, and nothing else.
        let sent = world.asked.iter().filter(|(_, _, operation)| {
            matches!(operation, Operation::RouteSelect { .. } | Operation::RouteReject { .. })
        });
        let told = world.told.iter().filter(|told| matches!(told.kind, Kind::RouteDecided | Kind::RouteFellBack));
        prop_assert_eq!(sent.count(), told.count());
        // Nobody is asked any more, and nothing is kept.
        world.wait(Millis(1_500));
        prop_assert!(world.state.routes.values().all(|route| route.state != RouteState::Asked));
        world.wait(Millis::seconds(300));
        world.wait(world.state.settings.keep_ended);
        prop_assert!(world.state.routes.is_empty() && world.state.by_dialogue.is_empty());
    }
}
