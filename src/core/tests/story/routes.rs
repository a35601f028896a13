//! Routing by JKC (T01): a PBX asks where a call shall go, JKC says so in time or the configuration does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story that does not hold must stop its test")]

use crate::common::*;
use schakel_core::adapter::Operation;
use schakel_core::command::{Command, RefusalCause};
use schakel_core::input::InputBody;
use schakel_core::model::call::ConnectionState::{Alerting, Connected, Queued as InQueue};
use schakel_core::model::call::{Direction, Party};
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::{CommandId, RouteId};
use schakel_core::model::pii::Pii;
use schakel_core::model::route::{Route, RouteBy, RouteDecision, RouteSettings, RouteState};
use schakel_core::model::time::{Millis, Time};
use schakel_core::notification::Kind;
use schakel_core::report::CallEvent::*;
use schakel_core::report::{EventReport, RouteEvent};

const LIMIT: Millis = Millis::seconds(3);

/// 0612345678 has dialled 14020; the PBX asks at 7100, where JKC may take three seconds and 7000 is the fallback.
fn world() -> World {
    let mut world = World::new();
    let mut settings = settings();
    settings.routes =
        vec![RouteSettings { provider: pbx(), device: "7100".into(), limit: LIMIT, fallback: to("7000") }];
    world.input(InputBody::Configured(Box::new(settings)));
    world.news();
    world
}

fn to(number: &str) -> RouteDecision {
    RouteDecision::To(Pii::new(number.into()))
}

fn asks(world: &mut World, dialogue: &str, call: Option<&str>, limit: Option<Millis>) {
    let event = RouteEvent::Requested {
        device: "7100".into(),
        call: call.map(Into::into),
        calling: Some(party("0612345678")),
        current: Some(party("14020")),
        limit,
        correlator: None,
    };
    says(world, dialogue, event);
}

fn says(world: &mut World, dialogue: &str, event: RouteEvent) {
    let report = EventReport::Route { dialogue: dialogue.into(), event: Box::new(event) };
    world.input(InputBody::Report { provider: pbx(), report });
}

fn the(world: &World) -> &Route {
    world.state.routes.values().next_back().unwrap()
}

fn decides(world: &mut World, decision: RouteDecision) -> CommandId {
    let route = the(world).id;
    world.command(Command::DecideRoute { route, decision })
}

fn ended(world: &World) -> (Option<RouteDecision>, Option<&str>, Option<&str>) {
    match &the(world).state {
        RouteState::Ended { decision, used, error } => {
            (decision.clone(), used.as_ref().map(|used| used.as_str()), error.as_deref())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn t01_jkc_says_where_a_call_goes_and_it_keeps_its_contact() {
    let mut world = world();
    asks(&mut world, "r1", Some("77"), None);
    assert_eq!(world.news(), ["route.requested@7100"]);
    let contact = world.contact("77").id;
    let told = world.last_told(Kind::RouteRequested).clone();
    assert_eq!(told.contact, Some((contact, 1)));
    assert_eq!(told.expires, Some(told.at + LIMIT));
    assert_eq!(world.contact("77").customer, Party::of_number("0612345678"));
    assert_eq!(world.contact("77").dialled, Some(Party::of_number("14020")));
    assert_eq!(world.call("77").direction, Direction::Inbound);
    assert_eq!(the(&world).calling, Party::of_number("0612345678"));

    let command = decides(&mut world, to("2001"));
    let asked = Operation::RouteSelect { dialogue: "r1".into(), destination: Pii::new("2001".into()) };
    assert_eq!(world.last_asked(), &asked);
    world.yes(command);
    assert!(world.succeeded(command));
    assert_eq!(world.news(), ["route.decided@7100", "command.completed@7100"]);
    assert_eq!(the(&world).state, RouteState::Decided { decision: to("2001"), by: RouteBy::Jkc(command) });
    assert_eq!(world.last_told(Kind::RouteDecided).command, Some(command));

    says(&mut world, "r1", RouteEvent::Used(Some("2001".into())));
    says(&mut world, "r1", RouteEvent::Ended(None));
    assert_eq!(ended(&world), (Some(to("2001")), Some("2001"), None));
    world.rings("77");
    assert_eq!(world.news(), ["call.ringing@2001"]);
    assert_eq!(world.last_told(Kind::CallRinging).contact, Some((contact, 4)));
    world.wait(world.state.settings.keep_ended);
    assert!(world.state.routes.is_empty() && world.state.by_dialogue.is_empty());
    assert!(world.call("77").is_live());
}

#[test]
fn t01_jkc_may_leave_it_to_the_pbx() {
    let mut world = world();
    asks(&mut world, "r1", Some("77"), None);
    decides(&mut world, RouteDecision::Default);
    assert_eq!(world.last_asked(), &Operation::RouteReject { dialogue: "r1".into() });
    assert_eq!(world.news(), ["route.requested@7100", "route.decided@7100"]);
}

#[test]
fn t01_a_silent_jkc_is_answered_for_by_the_configuration() {
    let mut world = world();
    asks(&mut world, "r1", Some("77"), None);
    world.wait(LIMIT);
    assert_eq!(world.news(), ["route.requested@7100", "route.fell-back@7100"]);
    let asked = Operation::RouteSelect { dialogue: "r1".into(), destination: Pii::new("7000".into()) };
    assert_eq!(world.last_asked(), &asked);
    let command = world.asked.last().unwrap().0;
    world.yes(command);
    assert!(world.succeeded(command));
    // Too late, and the same as was done.
    let late = decides(&mut world, to("2001"));
    assert_eq!(world.refusal(late), Some((RefusalCause::AlreadyDecided, None)));
    let same = decides(&mut world, to("7000"));
    assert!(world.succeeded(same));
    assert_eq!(world.asked.len(), 1, "the PBX is told once");
}

#[test]
fn t01_the_pbx_limit_counts_where_it_is_shorter_and_leaves_time_for_the_way() {
    for (theirs, span) in [(2_000, 1_500), (600, 300), (0, 1), (60_000, LIMIT.0)] {
        let mut world = world();
        asks(&mut world, "r1", Some("77"), Some(Millis(theirs)));
        assert_eq!(the(&world).deadline - the(&world).asked, Millis(span), "{theirs}");
    }
}

#[test]
fn t01_a_device_without_settings_falls_back_to_the_pbx() {
    let mut world = World::new();
    asks(&mut world, "r1", Some("77"), None);
    assert_eq!(the(&world).deadline - the(&world).asked, RouteSettings::LIMIT);
    world.wait(RouteSettings::LIMIT);
    assert_eq!(world.last_asked(), &Operation::RouteReject { dialogue: "r1".into() });
}

#[test]
fn t01_a_question_is_heard_once_and_a_new_one_ends_the_old() {
    let mut world = world();
    asks(&mut world, "r1", Some("77"), None);
    asks(&mut world, "r1", Some("77"), None);
    decides(&mut world, to("2001"));
    asks(&mut world, "r1", Some("77"), None);
    assert_eq!(world.news(), ["route.requested@7100", "route.decided@7100"]);
    asks(&mut world, "r1", Some("78"), None);
    assert_eq!(world.news(), ["route.requested@7100"]);
    assert_eq!(world.state.routes.len(), 2);
    assert_eq!(world.state.counters.repeated_reports, 2);
}

#[test]
fn t01_the_first_decision_wins_and_a_destination_must_be_one() {
    let mut world = world();
    asks(&mut world, "r1", Some("77"), None);
    let empty = decides(&mut world, to("  "));
    assert_eq!(world.refusal(empty), Some((RefusalCause::InvalidDestination, None)));
    let first = decides(&mut world, to(" 2001 "));
    world.yes(first);
    let same = decides(&mut world, to("2001"));
    let other = decides(&mut world, to("2002"));
    assert!(world.succeeded(first) && world.succeeded(same));
    assert_eq!(world.refusal(other), Some((RefusalCause::AlreadyDecided, None)));
    says(&mut world, "r1", RouteEvent::Ended(None));
    let (same, other) = (decides(&mut world, to("2001")), decides(&mut world, to("2002")));
    assert!(world.succeeded(same));
    assert_eq!(world.refusal(other), Some((RefusalCause::AlreadyDecided, None)));
    let unknown = world.command(Command::DecideRoute { route: RouteId(1), decision: to("2001") });
    assert_eq!(world.refusal(unknown), Some((RefusalCause::UnknownRoute, None)));
    assert_eq!(world.asked.len(), 1);
}

#[test]
fn t01_where_the_destination_cannot_be_had_jkc_is_asked_again_and_not_for_ever() {
    let mut world = world();
    asks(&mut world, "r1", Some("77"), None);
    for (tries, number) in [(1, "2001"), (2, "2002"), (3, "2003")] {
        assert_eq!(the(&world).tries, tries);
        decides(&mut world, to(number));
        says(&mut world, "r1", RouteEvent::Again { limit: Some(Millis::seconds(2)) });
    }
    let failed: Vec<&str> = the(&world).failed.iter().map(|to| &**to.expose()).collect();
    assert_eq!(failed, ["2001", "2002", "2003"]);
    let again = ["route.requested@7100", "route.decided@7100"];
    let told = [&again[..], &again, &again, &["route.fell-back@7100"]].concat();
    assert_eq!(world.news(), told, "the fourth time nobody is asked");
    let fallback = Operation::RouteSelect { dialogue: "r1".into(), destination: Pii::new("7000".into()) };
    assert_eq!(world.last_asked(), &fallback);
    // The fallback cannot be had either: the PBX must know by itself.
    says(&mut world, "r1", RouteEvent::Again { limit: None });
    assert_eq!(world.last_asked(), &Operation::RouteReject { dialogue: "r1".into() });
    assert_eq!(world.news(), ["route.fell-back@7100"]);
}

#[test]
fn t01_a_question_asked_again_has_a_new_limit() {
    let mut world = world();
    asks(&mut world, "r1", Some("77"), None);
    decides(&mut world, to("2001"));
    world.wait(Millis::seconds(20));
    says(&mut world, "r1", RouteEvent::Again { limit: None });
    assert_eq!(the(&world).deadline, Time(world.now) + LIMIT);
    world.news();
    // Asked again before it was answered: heard once.
    says(&mut world, "r1", RouteEvent::Again { limit: None });
    assert_eq!(the(&world).tries, 2);
    world.wait(LIMIT);
    assert_eq!(world.news(), ["route.fell-back@7100"]);
}

#[test]
fn t01_a_caller_who_hangs_up_ends_the_question_and_is_missed() {
    let mut world = world();
    asks(&mut world, "r1", Some("77"), None);
    world.news();
    world.report(report(CallCleared, "77", "7100").cause(Cause::NormalClearing));
    assert_eq!(world.news(), ["call.missed"]);
    says(&mut world, "r1", RouteEvent::Ended(Some("noActiveCall".into())));
    assert_eq!(ended(&world), (None, None, Some("The caller has hung up.")));
    let late = decides(&mut world, to("2001"));
    assert_eq!(world.refusal(late), Some((RefusalCause::PartyGone, None)));
    assert!(world.asked.is_empty());
}

#[test]
fn t01_a_call_that_goes_where_nobody_watches_is_let_go() {
    let mut world = world();
    asks(&mut world, "r1", Some("77"), None);
    let command = decides(&mut world, to("0201234567"));
    world.yes(command);
    says(&mut world, "r1", RouteEvent::Used(Some("0201234567".into())));
    world.news();
    world.wait(LIMIT);
    world.wait(world.state.settings.adrift);
    assert_eq!(world.news(), ["call.ended~"]);
}

#[test]
fn t01_a_lost_link_and_a_restart_end_what_was_asked() {
    for restart in [true, false] {
        let mut world = world();
        asks(&mut world, "r1", Some("77"), None);
        match restart {
            true => world.input(InputBody::Started),
            false => world.lose(),
        }
        let late = decides(&mut world, to("2001"));
        assert_eq!(world.refusal(late).unwrap().0, RefusalCause::PartyGone);
        assert!(ended(&world).2.unwrap().contains(if restart { "restarted" } else { "link" }));
        world.ready();
        world.resynced();
        // The same id is another dialogue on a new link.
        asks(&mut world, "r1", Some("90"), None);
        assert_eq!(the(&world).state, RouteState::Asked);
    }
}

#[test]
fn t01_a_call_in_a_queue_of_ours_is_routed_from_there() {
    let mut world = world();
    let queued = report(Queued, "77", "8000").seen("8000", InQueue).from("0612345678").to("8000");
    world.report(queued.cause(Cause::NewCall));
    let contact = world.contact("77").id;
    asks(&mut world, "r1", Some("77"), None);
    assert_eq!(world.news(), ["call.queued@8000", "route.requested@7100"]);
    assert_eq!(the(&world).contact, Some(contact));
    let command = decides(&mut world, to("2001"));
    world.yes(command);
    world.report(
        report(Delivered, "77", "2001").seen("2001", Alerting).from("0612345678").cause(Cause::Distributed),
    );
    world.report(report(Established, "77", "2001").seen("2001", Connected));
    assert_eq!(world.contact("77").id, contact);
}

#[test]
fn t01_a_question_about_no_call_has_no_contact() {
    let mut world = world();
    asks(&mut world, "r1", None, None);
    assert_eq!((the(&world).call, the(&world).contact), (None, None));
    assert_eq!(world.last_told(Kind::RouteRequested).contact, None);
    assert_eq!(world.live_calls(), 0);
    decides(&mut world, to("2001"));
    // Its end is never told: it is forgotten all the same.
    world.wait(Millis::seconds(300));
    world.wait(world.state.settings.keep_ended);
    assert!(world.state.routes.is_empty());
}

#[test]
fn t01_an_id_that_the_pbx_gave_to_another_caller_is_another_call() {
    let mut world = world();
    world.report(report(Delivered, "77", "2001").seen("2001", Alerting).from("0699999999").to("2001"));
    let old = world.contact("77").id;
    asks(&mut world, "r1", Some("77"), None);
    assert_ne!(world.contact("77").id, old);
    assert_eq!(world.contact("77").customer, Party::of_number("0612345678"));
    assert_eq!(world.state.counters.ids_reused, 1);
}

#[test]
fn t01_a_hidden_caller_stays_hidden_and_is_routed() {
    let mut world = world();
    let event = RouteEvent::Requested {
        device: "7100".into(),
        call: Some("77".into()),
        calling: Some(restricted()),
        current: None,
        limit: None,
        correlator: Some("zaak-7".into()),
    };
    says(&mut world, "r1", event);
    assert!(world.contact("77").customer.restricted && the(&world).calling.restricted);
    assert_eq!(world.call("77").correlator.as_deref(), Some("zaak-7"));
    world.report(report(Delivered, "77", "2001").seen("2001", Alerting).calling(restricted()).to("2001"));
    assert_eq!(world.news(), ["route.requested@7100", "call.ringing@2001"]);
    assert_eq!(world.live_calls(), 1);
}
