//! Warm transfers at a PBX that is slower than the time limit: what it makes after all belongs to the customer (T07).

use crate::common::*;
use schakel_core::adapter::{Done, Operation};
use schakel_core::command::RefusalCause;
use schakel_core::input::InputBody;
use schakel_core::model::call::ConnectionState::{Connected, Held, Null};
use schakel_core::model::call::Purpose;
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::CommandId;
use schakel_core::model::transfer::{TransferKind, TransferState};
use schakel_core::report::CallEvent::*;

/// A consultation of 2001 that rings at 2002, without a word of the customer or of a cause.
fn calls_colleague(world: &mut World, consultation: &str) {
    world.report(report(Originated, consultation, "2001").from("2001").to("2002"));
}

fn rings_colleague(world: &mut World, consultation: &str) {
    world.report(report(Delivered, consultation, "2002").from("2001").to("2002"));
}

/// The answer to a request whose outcome JKC may have had by now.
fn answers(world: &mut World, command: CommandId, consultation: &str) {
    let result = Ok(Done { connection: Some(at(consultation, "2001")) });
    world.input(InputBody::Reply { provider: pbx(), command, step: 0, result });
}

/// The colleague hangs up 78, and the agent takes the customer from hold at the telephone.
fn comes_back_by_hand(world: &mut World) {
    world.cleared("78", "2001");
    world.cleared("78", "2002");
    world.report(report(Retrieved, "77", "2001"));
    assert_eq!(world.at("77", "2001"), Connected);
}

/// A consultation that was answered too late, and another that JKC asked meanwhile. The PBX makes both, one after the
/// other; what it tells arrives in one go.
fn asked_twice() -> (World, CommandId, CommandId) {
    let mut world = World::new();
    world.talks("77");
    let first = world.transfer("77", "2001", "2002", TransferKind::Warm);
    world.wait(world.state.settings.command_limit);
    assert_eq!(world.refusal(first).map(|(cause, _)| cause), Some(RefusalCause::Timeout));
    let second = world.transfer("77", "2001", "2002", TransferKind::Warm);
    (world, first, second)
}

fn consults_at_79(world: &World) {
    assert_eq!(world.contact("79").id, world.contact("77").id);
    assert_eq!((world.at("77", "2001"), world.at("79", "2001")), (Held, Connected));
    let transfer = world.last_transfer();
    assert_eq!((transfer.state, transfer.consultation), (TransferState::Ringing, Some(world.id("79"))));
    let purpose = Purpose::Consultation { of: world.id("77"), transfer: transfer.id };
    assert_eq!(world.call("79").purpose, purpose);
}

#[test]
fn t07_a_consultation_after_one_that_was_answered_late_holds_the_customer_too() {
    let (mut world, first, second) = asked_twice();
    answers(&mut world, first, "78");
    calls_colleague(&mut world, "78");
    rings_colleague(&mut world, "78");
    // The customer waits for whichever consultation there is.
    assert_eq!(world.at("77", "2001"), Held);
    assert!(world.succeeded(second));
    comes_back_by_hand(&mut world);
    answers(&mut world, second, "79");
    calls_colleague(&mut world, "79");
    rings_colleague(&mut world, "79");
    consults_at_79(&world);
}

#[test]
fn t07_a_consultation_after_one_that_was_answered_late_holds_the_customer_too_where_events_come_first() {
    let (mut world, first, second) = asked_twice();
    calls_colleague(&mut world, "78");
    answers(&mut world, first, "78");
    rings_colleague(&mut world, "78");
    comes_back_by_hand(&mut world);
    calls_colleague(&mut world, "79");
    rings_colleague(&mut world, "79");
    answers(&mut world, second, "79");
    consults_at_79(&world);
}

#[test]
fn t07_two_consultations_that_were_both_answered_late_belong_to_the_customer() {
    let (mut world, first, second) = asked_twice();
    world.wait(world.state.settings.command_limit);
    assert_eq!(world.refusal(second).map(|(cause, _)| cause), Some(RefusalCause::Timeout));
    calls_colleague(&mut world, "78");
    answers(&mut world, first, "78");
    rings_colleague(&mut world, "78");
    comes_back_by_hand(&mut world);
    calls_colleague(&mut world, "79");
    rings_colleague(&mut world, "79");
    answers(&mut world, second, "79");
    consults_at_79(&world);
}

#[test]
fn t07_a_late_answer_alone_tells_that_the_customer_is_consulted_for() {
    let mut world = World::new();
    world.talks("77");
    let consult = world.transfer("77", "2001", "2002", TransferKind::Warm);
    world.wait(world.state.settings.command_limit);
    answers(&mut world, consult, "79");
    assert_eq!(world.contact("79").id, world.contact("77").id);
    assert_eq!(world.last_transfer().state, TransferState::Started);
    calls_colleague(&mut world, "79");
    rings_colleague(&mut world, "79");
    consults_at_79(&world);
}

#[test]
fn t07_a_late_answer_about_a_consultation_that_has_ended_begins_nothing() {
    let mut world = World::new();
    world.talks("77");
    let consult = world.transfer("77", "2001", "2002", TransferKind::Warm);
    world.wait(world.state.settings.command_limit);
    calls_colleague(&mut world, "78");
    rings_colleague(&mut world, "78");
    comes_back_by_hand(&mut world);
    let transfers = world.state.transfers.len();
    answers(&mut world, consult, "78");
    assert_eq!((world.live_calls(), world.state.transfers.len()), (1, transfers));
    assert_eq!(world.at("77", "2001"), Connected);
}

#[test]
fn t07_take_back_before_the_consultation_exists_goes_on_where_events_come_first() {
    let mut world = World::new();
    world.talks("77");
    let consult = world.transfer("77", "2001", "2002", TransferKind::Warm);
    let back = world.take_back();
    world.report(report(Originated, "78", "2001").from("2001").to("2002").cause(Cause::Consultation));
    assert_eq!(*world.last_asked(), Operation::Clear(at("78", "2001")));
    answers(&mut world, consult, "78");
    assert_eq!(world.asked.len(), 2, "what follows the event asks for nothing more");
    world.yes(back);
    world.yes(back);
    assert!(world.succeeded(back));
    assert_eq!((world.at("77", "2001"), world.live_calls()), (Connected, 1));
}

#[test]
fn t07_an_answer_with_the_id_of_a_call_elsewhere_means_a_new_consultation() {
    let mut world = World::new();
    world.talks("77");
    // 2003 calls somebody; the PBX forgot to tell its end and gives the id away again.
    world.report(report(Originated, "78", "2003").from("2003").to("0699999999"));
    let elsewhere = world.id("78");
    let consult = world.transfer("77", "2001", "2002", TransferKind::Warm);
    answers(&mut world, consult, "78");
    assert!(!world.state.calls[&elsewhere].is_live());
    assert_eq!(world.contact("78").id, world.contact("77").id);
    assert_eq!(world.at("78", "2003"), Null);
    assert_eq!(world.state.counters.ids_reused, 1);
}

#[test]
fn t07_a_call_that_became_a_consultation_outlives_the_customer_whom_it_was_for() {
    let mut world = World::new();
    world.talks("77");
    // The agent calls the colleague; nothing says that it is for the customer until the answer names it.
    world.report(report(Originated, "78", "2001").from("2001").to("2002"));
    let consult = world.transfer("77", "2001", "2002", TransferKind::Warm);
    answers(&mut world, consult, "78");
    assert!(matches!(world.call("78").purpose, Purpose::Consultation { .. }));
    world.report(report(Delivered, "78", "2002").from("2001").to("2002"));
    world.report(report(Established, "78", "2002"));
    world.report(report(CallCleared, "77", "2001"));
    world.wait(world.state.settings.keep_ended);
    assert_eq!((world.live_calls(), world.state.transfers.len()), (1, 0));
    assert_eq!(world.call("78").purpose, Purpose::Customer);
}
