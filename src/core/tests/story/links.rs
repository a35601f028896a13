//! Links lost and mended (rule 2), restarts and configuration.

use crate::common::*;
use schakel_core::command::{Control, RefusalCause};
use schakel_core::input::InputBody;
use schakel_core::model::call::ConnectionState::{self, Alerting, Connected};
use schakel_core::model::call::Direction;
use schakel_core::model::cause::Cause;
use schakel_core::model::provider::LinkState;
use schakel_core::model::transfer::{TransferKind, TransferState};
use schakel_core::report::CallEvent::*;
use schakel_core::report::{DeviceEvent, EventReport};

const HELD: ConnectionState = ConnectionState::Held;

#[test]
fn a_lost_link_makes_its_calls_stale_and_a_snapshot_makes_them_certain() {
    let mut world = World::new();
    world.talks("77");
    let (id, contact) = (world.id("77"), world.contact("77").id);
    world.news();
    world.lose();
    assert_eq!(world.news(), ["provider.down", "call.stale"]);
    assert!(world.call("77").stale.is_some());
    world.ready();
    world.shows("2001", vec![shown("77", "2001", Connected, "0612345678", "2001")]);
    world.shows("2002", vec![]);
    assert_eq!(world.news(), ["call.updated@2001~"]);
    world.resynced();
    assert_eq!(world.news(), ["provider.up", "provider.resynced"]);
    assert_eq!((world.id("77"), world.call("77").contact), (id, contact));
    assert_eq!(world.call("77").stale, None);
    world.cleared("77", "2001");
    assert_eq!(world.news(), ["call.ended@2001"]);
}

#[test]
fn what_happened_while_the_link_was_down_is_told_as_reconstructed() {
    let mut world = World::new();
    world.rings("77");
    world.report(report(Delivered, "80", "2002").from("0699999999").to("2002").cause(Cause::NewCall));
    world.report(report(Delivered, "81", "2003").from("0688888888").to("2003").cause(Cause::NewCall));
    world.report(report(Established, "81", "2003"));
    world.lose();
    world.news();
    world.ready();
    // 77 was answered meanwhile, 80 was given up, 81 ended, 90 is new and rings.
    world.shows("2001", vec![shown("77", "2001", Connected, "0612345678", "2001")]);
    world.shows("2002", vec![shown("90", "2002", Alerting, "0677777777", "2002")]);
    world.shows("2003", vec![]);
    world.resynced();
    assert_eq!(
        world.news(),
        [
            "call.answered@2001~",
            "call.reconstructed@2002~",
            "call.ringing@2002~",
            "call.missed@2002~",
            "call.ended@2003~",
            "provider.up",
            "provider.resynced",
        ]
    );
    assert_eq!(world.state.counters.calls_reconstructed, 1);
    assert_eq!(world.live_calls(), 2);
    assert_eq!(world.call("90").direction, Direction::Inbound);
}

#[test]
fn a_stale_call_that_no_snapshot_can_show_has_a_last_deadline() {
    let mut world = World::new();
    world.talks("77");
    world.lose();
    world.ready();
    world.input(InputBody::Resynced { provider: pbx(), without_snapshot: vec!["2001".into()] });
    assert!(world.call("77").is_live());
    world.news();
    world.wait(world.state.settings.stale_limit);
    assert_eq!(world.news(), ["call.ended@2001~"]);
    assert_eq!(world.call("77").ended.unwrap().cause, Cause::StaleExpired);
}

#[test]
fn an_id_that_means_another_call_after_the_link_is_back_is_another_call() {
    let mut world = World::new();
    world.talks("77");
    let first = world.id("77");
    world.lose();
    world.ready();
    world.news();
    world.shows("2001", vec![shown("77", "2001", Alerting, "0699999999", "2001")]);
    world.resynced();
    assert_eq!(
        world.news(),
        [
            "call.ended@2001~",
            "call.reconstructed@2001~",
            "call.ringing@2001~",
            "provider.up",
            "provider.resynced"
        ]
    );
    assert_ne!(world.id("77"), first);
    assert_eq!(world.state.counters.ids_reused, 1);
}

#[test]
fn a_new_call_under_a_stale_id_is_told_even_from_the_same_caller() {
    let mut world = World::new();
    world.talks("77");
    let first = world.id("77");
    world.lose();
    world.ready();
    world.rings("77");
    assert_ne!(world.id("77"), first);
    assert_eq!(world.state.counters.ids_reused, 1);
}

#[test]
fn commands_under_way_end_with_the_link() {
    let mut world = World::new();
    world.talks("77");
    let hold = world.control("77", "2001", Control::Hold);
    world.lose();
    assert_eq!(world.refusal(hold).unwrap().0, RefusalCause::LinkDown);
    let again = world.control("77", "2001", Control::Hold);
    assert_eq!(world.refusal(again).unwrap().0, RefusalCause::LinkDown);
    world.ready();
    world.resynced();
    let dial = world.dial("anna", "2002");
    world.input(InputBody::Started);
    assert_eq!(world.refusal(dial).unwrap().0, RefusalCause::Interrupted);
}

#[test]
fn a_restart_in_the_middle_of_a_call_keeps_it() {
    let mut world = World::new();
    world.talks("77");
    let id = world.id("77");
    world.news();
    world.input(InputBody::Started);
    assert_eq!(world.news(), ["provider.down", "call.stale"]);
    world.ready();
    world.shows("2001", vec![shown("77", "2001", HELD, "0612345678", "2001")]);
    world.resynced();
    assert_eq!(world.news(), ["call.held@2001~", "provider.up", "provider.resynced"]);
    assert_eq!(world.id("77"), id);
}

#[test]
fn t07_a_transfer_completed_while_the_link_was_down_is_found_complete() {
    // The colleague has the customer under the customer's id, or under the consultation's.
    for id in ["77", "78"] {
        let mut world = World::new();
        world.talks("77");
        world.consulting("77", "78");
        let (customer, contact) = (world.id("77"), world.contact("77").id);
        world.complete();
        world.lose();
        world.ready();
        world.shows("2001", vec![]);
        world.shows("2002", vec![shown(id, "2002", Connected, "0612345678", "2002")]);
        world.resynced();
        assert_eq!(world.last_transfer().state, TransferState::Completed, "{id}");
        assert_eq!((world.id(id), world.call(id).contact), (customer, contact));
        assert_eq!((world.at(id, "2002"), world.live_calls()), (Connected, 1));
    }
}

#[test]
fn t07_a_consultation_that_ended_while_the_link_was_down_leaves_no_forgotten_customer() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    world.lose();
    world.ready();
    world.shows("2001", vec![shown("77", "2001", HELD, "0612345678", "2001")]);
    world.shows("2002", vec![]);
    world.resynced();
    assert_eq!(world.last_transfer().state, TransferState::Failed);
    let asked = world.asked.len();
    world.wait(world.state.settings.held_return);
    assert_eq!(world.asked.len(), asked + 1);
}

#[test]
fn t07_a_transfer_that_goes_on_after_the_link_is_back() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    world.lose();
    world.ready();
    world.shows(
        "2001",
        vec![shown("77", "2001", HELD, "0612345678", "2001"), shown("78", "2001", Connected, "2001", "2002")],
    );
    world.shows("2002", vec![shown("78", "2002", Connected, "2001", "2002")]);
    world.resynced();
    assert_eq!(world.last_transfer().state, TransferState::Consulting);
    let back = world.take_back();
    world.yes(back);
    assert!(world.succeeded(back));
}

#[test]
fn t08_a_cold_transfer_lost_from_sight_ends_with_the_resynchronisation() {
    let mut world = World::new();
    world.talks("77");
    world.transfer("77", "2001", "2002", TransferKind::Cold);
    world.lose();
    world.ready();
    for device in ["2001", "2002", "2003", "8000"] {
        world.shows(device, vec![]);
    }
    world.resynced();
    assert_eq!(world.live_calls(), 0);
    assert_eq!(world.last_transfer().state, TransferState::Failed);
}

#[test]
fn a_device_that_is_not_configured_any_more_stays_while_a_call_is_on_it() {
    let mut world = World::new();
    world.talks("77");
    let mut less = settings();
    less.providers[0].devices.remove(0);
    world.news();
    world.input(InputBody::Configured(Box::new(less)));
    assert!(world.state.device(&pbx(), &"2001".into()).is_some());
    world.cleared("77", "2001");
    assert_eq!(world.news(), ["call.ended@2001", "agent.registered@2001"]);
    assert!(world.state.device(&pbx(), &"2001".into()).is_none());
    let mut none = settings();
    none.providers.clear();
    world.input(InputBody::Configured(Box::new(none)));
    assert!(world.state.providers.is_empty() && world.state.devices.is_empty());
    world.rings("99");
    assert_eq!(world.state.counters.unknown_providers, 1);
}

#[test]
fn monitors_are_counted_and_gone_with_the_link() {
    let mut world = World::new();
    let mut event = |device: &str, event| {
        let report = EventReport::Device { device: device.into(), event };
        world.input(InputBody::Report { provider: pbx(), report });
    };
    event("2001", DeviceEvent::Monitored);
    event("2001", DeviceEvent::Monitored);
    event("2002", DeviceEvent::MonitorRefused("overallMonitorLimitExceeded".into()));
    let counts = |world: &World| {
        let provider = &world.state.providers[&pbx()];
        (provider.link, provider.monitors_active, provider.monitors_refused)
    };
    assert_eq!(counts(&world), (LinkState::Up, 1, 1));
    world.lose();
    assert_eq!(counts(&world), (LinkState::Down, 0, 0));
}

#[test]
fn t12_a_call_from_a_telephone_that_may_not_be_watched_does_not_haunt() {
    let mut world = World::new();
    let refused = |world: &mut World| {
        let event = DeviceEvent::MonitorRefused("overallMonitorLimitExceeded".into());
        let report = EventReport::Device { device: "2001".into(), event };
        world.input(InputBody::Report { provider: pbx(), report });
    };
    refused(&mut world);
    let dial = world.dial("anna", "0612345678");
    world.yes_at(dial, "900", "2001");
    assert!(world.call("900").stale.is_some(), "nobody would tell that it ended");
    world.wait(world.state.settings.stale_limit);
    assert_eq!(world.live_calls(), 0);

    let mut world = World::new();
    world.talks("99");
    refused(&mut world);
    assert!(world.call("99").stale.is_some(), "nor of a call that was there when the monitor went");
    world.shows("2001", vec![shown("99", "2001", Connected, "0612345678", "2001")]);
    assert!(world.call("99").stale.is_none(), "it is watched again");
}

#[test]
fn the_end_of_something_never_seen_is_not_told() {
    let mut world = World::new();
    world.cleared("500", "2001");
    world.report(report(CallCleared, "501", "2001"));
    assert_eq!(world.news(), Vec::<String>::new());
    assert_eq!(world.state.counters.unexpected_reports, 2);
    assert!(world.state.calls.is_empty());
}

#[test]
fn a_call_whose_beginning_was_missed_is_believed_and_marked() {
    let mut world = World::new();
    world.report(report(Established, "77", "2001").seen("2001", Connected).from("0612345678").to("2001"));
    assert_eq!(world.news(), ["call.reconstructed~", "call.answered@2001"]);
    assert!(world.call("77").reconstructed);
}
