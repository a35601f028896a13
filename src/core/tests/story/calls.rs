//! Calls in and out (T03, T04, T05, T06, T09, T12).

use crate::common::*;
use schakel_core::command::Control;
use schakel_core::model::call::ConnectionState::{self, Alerting, Connected, Null};
use schakel_core::model::call::{Direction, Party};
use schakel_core::model::cause::Cause;
use schakel_core::model::time::Millis;
use schakel_core::notification::Kind;
use schakel_core::report::CallEvent::*;

#[test]
fn t03_an_incoming_call_is_told_at_once_with_its_caller() {
    let mut world = World::new();
    world.rings("77");
    assert_eq!(world.news(), ["call.ringing@2001"]);
    let told = world.last_told(Kind::CallRinging).clone();
    assert_eq!(told.agent, Some("anna".into()));
    assert_eq!(told.contact.map(|(_, seq)| seq), Some(1));
    assert_eq!(told.expires.unwrap() - told.at, Millis::seconds(60));
    assert_eq!(told.cause, Cause::NewCall);
    let contact = world.contact("77");
    assert_eq!(contact.customer, Party::of_number("0612345678"));
    assert_eq!(contact.dialled, Some(Party::of_number("2001")));
    assert_eq!(world.call("77").direction, Direction::Inbound);
}

#[test]
fn t04_answering_is_told_once_however_often_the_pbx_says_so() {
    let mut world = World::new();
    world.talks("77");
    assert_eq!(world.news(), ["call.ringing@2001", "call.answered@2001"]);
    assert!(world.call("77").answered.is_some());
    // Yealink tells a second time when the other party has changed: an update, no second pop-up.
    world.report(report(Established, "77", "2001"));
    assert_eq!(world.news(), Vec::<String>::new());
    assert_eq!(world.state.counters.repeated_reports, 1);
    world.report(report(Established, "77", "2001").dialled("14020"));
    assert_eq!(world.news(), ["call.updated@2001"]);
}

#[test]
fn t05_t06_hold_and_retrieve() {
    let mut world = World::new();
    world.talks("77");
    world.news();
    let hold = world.control("77", "2001", Control::Hold);
    world.yes(hold);
    assert_eq!(world.news(), ["command.completed@2001"]);
    world.report(report(Held, "77", "2001"));
    assert_eq!(world.news(), ["call.held@2001"]);
    assert_eq!(world.last_told(Kind::CallHeld).command, Some(hold));
    let retrieve = world.control("77", "2001", Control::Retrieve);
    // The event comes before the answer: the outcome does not wait for the answer.
    world.report(report(Retrieved, "77", "2001"));
    assert_eq!(world.news(), ["call.retrieved@2001", "command.completed@2001"]);
    assert_eq!(world.last_told(Kind::CallRetrieved).command, Some(retrieve));
    world.yes(retrieve);
    assert_eq!(world.news(), Vec::<String>::new());
    assert_eq!(world.state.counters.late_replies, 0);
}

#[test]
fn t09_the_agent_ends_the_call() {
    let mut world = World::new();
    world.talks("77");
    world.news();
    let hang_up = world.control("77", "2001", Control::HangUp);
    world.yes(hang_up);
    world.cleared("77", "2001");
    assert_eq!(world.news(), ["command.completed@2001", "call.ended@2001"]);
    assert_eq!(world.last_told(Kind::CallEnded).command, Some(hang_up));
    // The far end's clearing follows and ends nothing twice.
    world.cleared("77", "0612345678");
    assert_eq!(world.news(), Vec::<String>::new());
}

#[test]
fn t09_the_caller_ends_the_call_whatever_the_dialect_tells() {
    let far = || report(ConnectionCleared, "77", "0612345678").cause(Cause::NormalClearing);
    let near = || report(ConnectionCleared, "77", "2001").cause(Cause::NormalClearing);
    let whole = || report(CallCleared, "77", "2001").cause(Cause::NormalClearing);
    let trunk = || report(ConnectionCleared, "77", "trunk 3").cause(Cause::NormalClearing);
    let flows = [
        vec![far()],
        vec![near()],
        vec![far().seen("2001", Connected), near().seen("2001", Null)],
        vec![near().seen("2001", Null), far()],
        vec![far().seen("2001", Null)],
        vec![whole()],
        vec![far(), near(), whole()],
        vec![trunk()],
    ];
    for (at, flow) in flows.into_iter().enumerate() {
        let mut world = World::new();
        world.talks("77");
        world.news();
        for event in flow {
            world.report(event);
        }
        assert_eq!(world.news(), ["call.ended@2001"], "flow {at}");
    }
}

#[test]
fn t09_the_hidden_caller_ends_the_call() {
    for flow in [vec!["2001"], vec!["trunk 3"], vec!["trunk 3", "2001"]] {
        let mut world = World::new();
        world.report(report(Delivered, "77", "2001").calling(restricted()).to("2001").cause(Cause::NewCall));
        world.report(report(Established, "77", "2001"));
        assert!(world.contact("77").customer.restricted);
        world.news();
        for device in flow {
            world.cleared("77", device);
        }
        assert_eq!(world.news(), ["call.ended@2001"]);
    }
}

#[test]
fn a_caller_who_gives_up_is_missed() {
    for device in ["2001", "0612345678"] {
        let mut world = World::new();
        world.rings("77");
        world.news();
        world.report(report(ConnectionCleared, "77", device).cause(Cause::CallCancelled));
        world.cleared("77", "2001");
        assert_eq!(world.news(), ["call.missed@2001"]);
    }
    // Yealink tells it as a failure.
    let mut world = World::new();
    world.rings("77");
    world.news();
    world.report(report(Failed, "77", "2001").seen("2001", Null).cause(Cause::CallCancelled));
    assert_eq!(world.news(), ["call.missed@2001"]);
}

#[test]
fn t12_a_dialled_call_from_command_to_end() {
    let mut world = World::new();
    let dial = world.dial("anna", "0687654321");
    world.yes_at(dial, "90", "2001");
    assert_eq!(world.news(), ["command.completed@2001"]);
    let call = world.call("90");
    assert_eq!((call.direction, call.dialled_by), (Direction::Outbound, Some(dial)));
    assert_eq!(world.contact("90").customer, Party::of_number("0687654321"));
    assert_eq!(world.contact("90").reference, Some("klant-1".into()));
    world.report(
        report(Initiated, "90", "2001").seen("2001", ConnectionState::Initiated).cause(Cause::MakeCall),
    );
    world.report(report(Originated, "90", "2001").from("2001").to("0687654321").cause(Cause::NewCall));
    world.report(report(Delivered, "90", "0687654321").seen("2001", Connected).from("2001").to("0687654321"));
    world.report(report(Established, "90", "0687654321").seen("2001", Connected));
    assert_eq!(world.news(), ["call.dialling@2001", "call.alerting-remote@2001", "call.answered@2001"]);
    assert_eq!(world.last_told(Kind::CallDialling).command, Some(dial));
    world.cleared("90", "0687654321");
    assert_eq!(world.news(), ["call.ended@2001"]);
}

#[test]
fn t12_the_events_of_a_dial_may_come_before_its_answer() {
    let mut world = World::new();
    let dial = world.dial("anna", "0687654321");
    world.report(report(Originated, "90", "2001").from("2001").to("0687654321").cause(Cause::NewCall));
    assert_eq!(world.news(), ["call.dialling@2001", "command.completed@2001"]);
    assert_eq!(world.call("90").dialled_by, Some(dial));
    world.yes_at(dial, "90", "2001");
    assert_eq!((world.live_calls(), world.state.counters.late_replies), (1, 0));
}

#[test]
fn t12_a_dialled_number_that_is_busy_fails_and_ends() {
    let mut world = World::new();
    let dial = world.dial("anna", "0687654321");
    world.yes_at(dial, "90", "2001");
    world.report(report(Originated, "90", "2001").from("2001").to("0687654321"));
    world.news();
    world.report(report(Failed, "90", "0687654321").seen("2001", Connected).cause(Cause::Busy));
    assert_eq!(world.news(), ["call.failed@2001"]);
    world.cleared("90", "2001");
    assert_eq!(world.news(), ["call.ended@2001"]);
}

#[test]
fn an_internal_call_rings_at_the_colleague_and_is_told_to_the_caller() {
    let mut world = World::new();
    world.report(report(Originated, "5", "2001").from("2001").to("2002").cause(Cause::NewCall));
    let rings = || report(Delivered, "5", "2002").from("2001").to("2002").cause(Cause::NewCall);
    world.report(rings().seen("2001", Connected));
    world.report(rings().seen("2002", Alerting));
    assert_eq!(world.news(), ["call.dialling@2001", "call.ringing@2002", "call.alerting-remote@2001"]);
    assert_eq!(world.call("5").direction, Direction::Internal);
    world.report(report(Established, "5", "2002").seen("2002", Connected));
    world.report(report(Established, "5", "2002").seen("2001", Connected));
    assert_eq!(world.news(), ["call.answered@2002"]);
    world.cleared("5", "2001");
    assert_eq!(world.news(), ["call.ended@2001"]);
}

#[test]
fn off_hook_and_on_hook_again_is_nobodys_business() {
    let mut world = World::new();
    world.report(report(Initiated, "5", "2001").cause(Cause::Normal));
    world.cleared("5", "2001");
    assert_eq!(world.news(), Vec::<String>::new());
    assert_eq!(world.live_calls(), 0);
}

#[test]
fn two_monitors_of_one_call_are_heard_once() {
    let mut once = World::new();
    let mut twice = World::new();
    let flow = || {
        [
            report(Originated, "5", "2001").from("2001").to("2002").cause(Cause::NewCall),
            report(Delivered, "5", "2002").from("2001").to("2002").cause(Cause::NewCall),
            report(Established, "5", "2002"),
            report(Held, "5", "2001"),
            report(Retrieved, "5", "2001"),
            report(ConnectionCleared, "5", "2002").cause(Cause::NormalClearing),
        ]
    };
    for event in flow() {
        once.report(event);
    }
    for (first, second) in flow().into_iter().zip(flow()) {
        twice.report(first.by("2001"));
        twice.report(second.by("2002"));
    }
    assert_eq!(once.news(), twice.news());
    assert_eq!(twice.state.counters.repeated_reports, 6);
    assert_eq!(twice.state.counters.unexpected_reports, 0);
}

#[test]
fn a_call_rings_at_two_devices_and_is_answered_at_one() {
    let mut world = World::new();
    world.rings("77");
    world.report(report(Delivered, "77", "2002").from("0612345678").to("2001").cause(Cause::NewCall));
    world.report(report(Established, "77", "2002"));
    assert_eq!(world.news(), ["call.ringing@2001", "call.ringing@2002", "call.answered@2002"]);
    // The PBX forgets to say that 2001 rings no more.
    world.wait(Millis::seconds(2));
    assert_eq!(world.news(), ["call.answered-elsewhere@2001~"]);
    world.cleared("77", "2001");
    assert_eq!(world.news(), Vec::<String>::new());
    world.cleared("77", "0612345678");
    assert_eq!(world.news(), ["call.ended@2002"]);
}

#[test]
fn a_device_that_stops_ringing_after_the_answer_was_answered_elsewhere() {
    let mut world = World::new();
    world.rings("77");
    world.report(report(Delivered, "77", "2002").from("0612345678").to("2001").cause(Cause::NewCall));
    world.report(report(Established, "77", "2002"));
    world.news();
    world.cleared("77", "2001");
    assert_eq!(world.news(), ["call.answered-elsewhere@2001"]);
    world.wait(Millis::seconds(2));
    assert_eq!(world.news(), Vec::<String>::new());
}

#[test]
fn a_forwarded_call_is_diverted_and_lives_on() {
    let mut world = World::new();
    world.rings("77");
    world.report(report(Diverted { to: Some("2002".into()) }, "77", "2001").cause(Cause::ForwardNoAnswer));
    world.report(
        report(Delivered, "77", "2002")
            .from("0612345678")
            .to("2001")
            .via("2001")
            .cause(Cause::ForwardNoAnswer),
    );
    assert_eq!(world.news(), ["call.ringing@2001", "call.diverted@2001", "call.ringing@2002"]);
    world.report(report(ConnectionCleared, "77", "0612345678").cause(Cause::CallCancelled));
    assert_eq!(world.news(), ["call.missed@2002"]);
}

#[test]
fn a_call_forwarded_out_of_sight_is_given_up_and_not_missed() {
    let mut world = World::new();
    world.rings("77");
    world.report(report(Diverted { to: None }, "77", "2001").cause(Cause::ForwardImmediate));
    world.news();
    world.wait(world.state.settings.adrift);
    assert_eq!(world.news(), ["call.ended@2001~"]);
}

#[test]
fn an_id_that_the_pbx_gives_to_another_call_ends_the_one_it_had() {
    let mut world = World::new();
    world.talks("77");
    let first = world.id("77");
    world.news();
    // The end of 77 was never told.
    world.report(report(Delivered, "77", "2002").from("0699999999").to("2002").cause(Cause::NewCall));
    assert_eq!(world.news(), ["call.ended@2001~", "call.ringing@2002"]);
    assert_ne!(world.id("77"), first);
    assert_eq!(world.state.calls[&first].ended.unwrap().cause, Cause::IdReused);
    assert_eq!(world.state.counters.ids_reused, 1);
}

#[test]
fn an_id_of_an_ended_call_is_a_new_call_of_a_new_contact() {
    let mut world = World::new();
    world.talks("77");
    world.cleared("77", "2001");
    let (first, contact) = (world.id("77"), world.contact("77").id);
    world.cleared("77", "2001");
    assert_eq!(world.id("77"), first);
    world.rings("77");
    assert_ne!(world.id("77"), first);
    assert_ne!(world.contact("77").id, contact);
}

#[test]
fn the_caller_is_as_first_told_and_what_was_unknown_is_filled_in_once() {
    let mut world = World::new();
    world.report(report(Delivered, "77", "2001").to("2001").cause(Cause::NewCall));
    assert!(!world.contact("77").customer.is_known());
    world.news();
    world.report(report(Established, "77", "2001").from("0612345678"));
    assert_eq!(world.contact("77").customer, Party::of_number("0612345678"));
    world.report(report(Information, "77", "2001").from("2003"));
    world.report(report(Information, "77", "2001").from("0699999999"));
    assert_eq!(world.call("77").calling, Party::of_number("0612345678"));
    assert_eq!(world.contact("77").customer, Party::of_number("0612345678"));
}

#[test]
fn a_colleague_never_becomes_the_customer_of_an_unknown_caller() {
    let mut world = World::new();
    world.report(report(Delivered, "77", "2001").to("2001").cause(Cause::NewCall));
    world.report(report(Established, "77", "2001"));
    world.consulting("77", "78");
    // After the transfer the PBX lets the colleague who transferred "call".
    world.report(transferred("77", Some("78"), "2001", "2002", "77").cause(Cause::Transfer));
    world.report(report(Information, "77", "2002").from("2001"));
    assert!(!world.contact("77").customer.is_known() && !world.call("77").calling.is_known());
    world.report(report(Information, "77", "2002").from("0612345678"));
    assert_eq!(world.contact("77").customer, Party::of_number("0612345678"));
}

#[test]
fn all_is_forgotten_in_the_end() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    let complete = world.complete();
    world.yes(complete);
    world.report(transferred("77", Some("78"), "2001", "2002", "77").cause(Cause::Transfer));
    let dial = world.dial("anna", "0687654321");
    world.yes_at(dial, "90", "2001");
    world.cleared("90", "2001");
    world.cleared("77", "0612345678");
    assert_eq!(world.live_calls(), 0);
    world.wait(world.state.settings.keep_ended);
    let state = &world.state;
    assert!(state.calls.is_empty() && state.contacts.is_empty() && state.transfers.is_empty());
    assert!(state.commands.is_empty() && state.by_provider_call.is_empty() && state.at_device.is_empty());
    assert!(state.deadlines.is_empty() && state.armed.is_empty());
}
