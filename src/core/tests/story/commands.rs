//! Commands: one outcome each, with what was refused and why (T14, T15, rules 5 and 6).

use crate::common::*;
use schakel_core::adapter::Operation;
use schakel_core::command::{Command, Control, RefusalCause};
use schakel_core::input::InputBody;
use schakel_core::model::action::{Action, ActionSet, Reason};
use schakel_core::model::call::ConnectionState::{Alerting, Connected};
use schakel_core::model::cause::Cause;
use schakel_core::model::pii::Pii;
use schakel_core::model::provider::Capabilities;
use schakel_core::model::time::Millis;
use schakel_core::notification::Kind;
use schakel_core::report::CallEvent::*;
use schakel_core::report::{DeviceEvent, EventReport};

#[test]
fn t14_a_user_sits_at_one_extension_and_an_extension_has_one_user() {
    let mut world = World::new();
    let register = |agent: &str, device: &str| Command::Register {
        agent: agent.into(),
        provider: pbx(),
        device: device.into(),
        provider_agent: None,
        queues: vec![],
    };
    // bert takes the place of anna: she sits nowhere, his own place is free.
    let moved = world.command(register("bert", "2001"));
    assert!(world.succeeded(moved));
    assert_eq!(world.news(), ["agent.registered@2001", "agent.registered@2001", "command.completed"]);
    assert_eq!(world.state.agents[&"anna".into()].registration, None);
    assert_eq!(world.state.device(&pbx(), &"2001".into()).unwrap().agent, Some("bert".into()));
    assert_eq!(world.state.device(&pbx(), &"2002".into()).unwrap().agent, None);
    // The same again changes nothing.
    world.command(register("bert", "2001"));
    assert_eq!(world.news(), ["command.completed"]);
    for _ in 0..2 {
        let leave = world.command(Command::Unregister { agent: "bert".into() });
        assert!(world.succeeded(leave));
    }
    assert_eq!(world.news(), ["agent.registered@2001", "command.completed", "command.completed"]);
    let dial = world.dial("bert", "2002");
    assert_eq!(world.refusal(dial), Some((RefusalCause::NotRegistered, Some(Reason::NotRegistered))));
    for (device, cause) in [("2099", RefusalCause::UnknownDevice), ("8000", RefusalCause::UnknownDevice)] {
        let refused = world.command(register("bert", device));
        assert_eq!(world.refusal(refused).unwrap().0, cause);
    }
}

#[test]
fn t15_the_buttons_follow_the_state() {
    let allowed = |world: &World, call: &str, device: &str| -> Vec<&'static str> {
        let device = device.into();
        let all = schakel_core::apply::actions(&world.state, world.call(call), &device);
        assert_eq!(all.len(), Action::OF_CONNECTION.len(), "every action of a connection is listed");
        all.filter(|(_, may)| may.is_ok()).map(|(action, _)| action.as_str()).collect()
    };
    let mut world = World::new();
    world.rings("77");
    assert_eq!(allowed(&world, "77", "2001"), ["answer", "hang-up", "deflect"]);
    assert_eq!(allowed(&world, "77", "2002"), ["pick-up"]);
    assert_eq!(world.may("77", "0612345678", Action::HangUp), Err(Reason::NotOurs));
    world.report(report(Established, "77", "2001"));
    let speaking = ["hold", "hang-up", "dtmf", "consult", "transfer-warm", "transfer-cold"];
    assert_eq!(allowed(&world, "77", "2001"), speaking);
    world.report(report(Held, "77", "2001"));
    assert_eq!(allowed(&world, "77", "2001"), ["retrieve", "hang-up", "transfer-cold"]);
    world.report(report(Retrieved, "77", "2001"));
    world.consults("77", "78");
    assert_eq!(allowed(&world, "77", "2001"), ["retrieve", "hang-up", "alternate", "take-back"]);
    assert_eq!(world.may("77", "2001", Action::CompleteTransfer), Err(Reason::ColleagueNotAnswered));
    assert_eq!(world.may("77", "2001", Action::Conference), Err(Reason::ColleagueNotAnswered));
    assert_eq!(allowed(&world, "78", "2002"), ["answer", "hang-up", "deflect"]);
    world.report(report(Established, "78", "2002"));
    let consulting = ["hold", "hang-up", "dtmf", "conference", "alternate", "complete-transfer", "take-back"];
    assert_eq!(allowed(&world, "78", "2001"), consulting);
    world.lose();
    assert_eq!(allowed(&world, "77", "2001"), Vec::<&str>::new());
    assert_eq!(world.may("77", "2001", Action::Hold), Err(Reason::LinkDown));
}

#[test]
fn t15_what_the_pbx_permits_is_heard() {
    let mut world = World::new();
    world.rings("77");
    let only = ActionSet::EMPTY.with(Action::Answer);
    world.report(report(Information, "77", "2001").by("2001").permitted(only));
    assert_eq!(world.news(), ["call.ringing@2001", "call.updated@2001"]);
    assert_eq!(world.may("77", "2001", Action::Answer), Ok(()));
    assert_eq!(world.may("77", "2001", Action::Deflect), Err(Reason::NotPermitted));
    let deflect = world.control("77", "2001", Control::Deflect(Pii::new("2002".into())));
    assert_eq!(world.refusal(deflect), Some((RefusalCause::NotPermitted, Some(Reason::NotPermitted))));
}

#[test]
fn a_refusal_is_one_outcome_told_within_its_contact_and_nothing_is_asked() {
    let mut world = World::new();
    world.rings("77");
    world.news();
    let hold = world.control("77", "2001", Control::Hold);
    assert_eq!(world.refusal(hold), Some((RefusalCause::InvalidConnectionState, Some(Reason::NotConnected))));
    assert_eq!(world.news(), ["command.completed@2001"]);
    let told = world.last_told(Kind::CommandCompleted);
    assert_eq!((told.command, told.contact.map(|(_, seq)| seq)), (Some(hold), Some(2)));
    assert!(world.asked.is_empty());
    assert_eq!(world.completed.last(), Some(&hold));
}

#[test]
fn unknown_things_are_refused_by_name() {
    let mut world = World::new();
    let call = schakel_core::model::ids::CallId(1);
    let control = |device: &str| Command::Control { call, device: device.into(), control: Control::Answer };
    let refused = world.command(control("2001"));
    assert_eq!(world.refusal(refused).unwrap().0, RefusalCause::UnknownCall);
    let transfer = schakel_core::model::ids::TransferId(1);
    let refused = world.command(Command::TakeBack { transfer });
    assert_eq!(world.refusal(refused).unwrap().0, RefusalCause::UnknownTransfer);
    world.rings("77");
    let refused = world.control("77", "2099", Control::Answer);
    assert_eq!(world.refusal(refused), Some((RefusalCause::UnknownDevice, Some(Reason::NotOurs))));
    let on = Command::SetDoNotDisturb { provider: "other".into(), device: "2001".into(), on: true };
    let refused = world.command(on);
    assert_eq!(world.refusal(refused).unwrap().0, RefusalCause::UnknownProvider);
    let dial = world.dial("anna", "  ");
    assert_eq!(world.refusal(dial).unwrap().0, RefusalCause::InvalidDestination);
}

#[test]
fn a_command_on_an_old_picture_is_refused() {
    let mut world = World::new();
    world.rings("77");
    let (call, version) = (world.id("77"), world.call("77").version);
    world.report(report(Established, "77", "2001"));
    let hang_up = Command::Control { call, device: "2001".into(), control: Control::HangUp };
    let old = world.command_if(hang_up.clone(), Some(version));
    assert_eq!(world.refusal(old).unwrap().0, RefusalCause::VersionMismatch);
    let version = world.call("77").version;
    let new = world.command_if(hang_up, Some(version));
    assert_eq!(world.outcome(new), None);
}

#[test]
fn the_same_command_twice_is_one_under_way() {
    let mut world = World::new();
    world.rings("77");
    let first = world.control("77", "2001", Control::Answer);
    let second = world.control("77", "2001", Control::Answer);
    assert_eq!(world.refusal(second), Some((RefusalCause::ResourceBusy, Some(Reason::UnderWay))));
    assert_eq!(world.asked.len(), 1);
    world.report(report(Established, "77", "2001"));
    assert!(world.succeeded(first));
    assert_eq!(world.last_told(Kind::CallAnswered).command, Some(first));
}

#[test]
fn a_command_without_an_answer_ends_at_its_time_limit() {
    let mut world = World::new();
    world.talks("77");
    let hold = world.control("77", "2001", Control::Hold);
    world.wait(world.state.settings.command_limit);
    assert_eq!(world.refusal(hold).unwrap().0, RefusalCause::Timeout);
    world.yes(hold);
    assert_eq!(world.state.counters.late_replies, 1);
    assert_eq!(world.completed.iter().filter(|id| **id == hold).count(), 1);
}

#[test]
fn the_pbx_refuses_in_its_own_words() {
    let mut world = World::new();
    world.talks("77");
    let hold = world.control("77", "2001", Control::Hold);
    world.no(hold, RefusalCause::NotPermitted);
    assert_eq!(world.refusal(hold), Some((RefusalCause::NotPermitted, None)));
    world.no(hold, RefusalCause::NotPermitted);
    assert_eq!(world.state.counters.late_replies, 1);
}

#[test]
fn what_the_pbx_cannot_do_is_refused_in_one_place() {
    let mut world = World::with(Capabilities {
        operations: ActionSet::EMPTY.with(Action::Answer),
        reconnect: false,
        single_step_transfer: false,
        ..Capabilities::default()
    });
    world.talks("77");
    for control in [Control::Hold, Control::HangUp, Control::Dtmf(Pii::new("1".into()))] {
        let refused = world.control("77", "2001", control);
        assert_eq!(world.refusal(refused), Some((RefusalCause::NotSupported, Some(Reason::NotSupported))));
    }
    let dial = world.dial("anna", "2002");
    assert_eq!(world.refusal(dial), Some((RefusalCause::NotSupported, Some(Reason::NotSupported))));
}

#[test]
fn a_colleagues_ringing_call_is_picked_up() {
    let mut world = World::new();
    world.rings("77");
    let pick_up = world.control("77", "2002", Control::PickUp);
    assert_eq!(*world.last_asked(), Operation::PickUp { alerting: at("77", "2001"), device: "2002".into() });
    world.news();
    world.report(report(Diverted { to: Some("2002".into()) }, "77", "2001").cause(Cause::CallPickup));
    world.report(report(Established, "77", "2002").seen("2002", Connected).cause(Cause::CallPickup));
    assert_eq!(world.news(), ["call.diverted@2001", "call.answered@2002", "command.completed@2002"]);
    assert!(world.succeeded(pick_up));
}

#[test]
fn do_not_disturb_is_set_by_answer_or_by_event() {
    let mut world = World::new();
    let set = |on| Command::SetDoNotDisturb { provider: pbx(), device: "2001".into(), on };
    let by_answer = world.command(set(true));
    world.yes(by_answer);
    assert!(world.succeeded(by_answer));
    let by_event = world.command(set(true));
    let report = EventReport::Device { device: "2001".into(), event: DeviceEvent::DoNotDisturb(true) };
    world.input(InputBody::Report { provider: pbx(), report });
    assert!(world.succeeded(by_event));
    assert!(world.state.device(&pbx(), &"2001".into()).unwrap().do_not_disturb);
}

#[test]
fn a_device_out_of_service_is_not_asked() {
    let mut world = World::new();
    world.rings("77");
    let report = EventReport::Device { device: "2001".into(), event: DeviceEvent::OutOfService(true) };
    world.input(InputBody::Report { provider: pbx(), report });
    let answer = world.control("77", "2001", Control::Answer);
    assert_eq!(world.refusal(answer), Some((RefusalCause::DeviceOutOfService, Some(Reason::OutOfService))));
    let dial = world.dial("anna", "2002");
    assert_eq!(world.refusal(dial), Some((RefusalCause::DeviceOutOfService, Some(Reason::OutOfService))));
}

#[test]
fn a_call_that_ends_ends_what_was_asked_of_it() {
    let mut world = World::new();
    world.talks("77");
    let hold = world.control("77", "2001", Control::Hold);
    world.cleared("77", "0612345678");
    assert_eq!(world.refusal(hold), Some((RefusalCause::PartyGone, None)));
    world.wait(Millis::seconds(60));
    assert_eq!(world.completed.iter().filter(|id| **id == hold).count(), 1);
}

#[test]
fn an_answer_that_comes_with_the_ringing_of_another_call_is_not_taken_for_it() {
    let mut world = World::new();
    world.rings("77");
    world.report(report(Delivered, "80", "2001").seen("2001", Alerting).from("0699999999").to("2001"));
    let answer = world.control("77", "2001", Control::Answer);
    world.report(report(Established, "80", "2001"));
    assert_eq!(world.outcome(answer), None);
    assert_eq!(world.last_told(Kind::CallAnswered).command, None);
}
