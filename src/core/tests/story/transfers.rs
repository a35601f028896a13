//! Transfers, warm and cold, and taking back (T07, T08).

use crate::common::*;
use schakel_core::adapter::Operation;
use schakel_core::command::{Control, RefusalCause};
use schakel_core::model::action::{Action, Reason};
use schakel_core::model::call::ConnectionState::{self, Alerting, Connected, Null};
use schakel_core::model::call::{Party, Purpose};
use schakel_core::model::cause::Cause;
use schakel_core::model::provider::Capabilities;
use schakel_core::model::transfer::{TransferKind, TransferState};
use schakel_core::notification::Kind;
use schakel_core::report::CallEvent::*;

const HELD: ConnectionState = ConnectionState::Held;

#[test]
fn t07_warm_transfer_from_consultation_to_completion() {
    let mut world = World::new();
    world.talks("77");
    let (customer, contact) = (world.id("77"), world.contact("77").id);
    world.news();
    let consult = world.consulting("77", "78");
    assert_eq!(
        world.news(),
        [
            "transfer.started@2001",
            "call.held@2001",
            "command.completed@2001",
            "call.dialling@2001",
            "call.ringing@2002",
            "call.alerting-remote@2001",
            "transfer.ringing@2001",
            "call.answered@2002",
            "transfer.consulting@2001",
        ]
    );
    assert!(world.succeeded(consult));
    assert_eq!(world.last_told(Kind::CallHeld).command, Some(consult));
    // Rule 3: the colleague's first notification carries the customer's contact with the original caller.
    let ringing = world.last_told(Kind::CallRinging);
    assert_eq!(ringing.agent, Some("bert".into()));
    assert_eq!(ringing.contact.map(|(id, _)| id), Some(contact));
    assert_eq!(world.state.contacts[&contact].customer, Party::of_number("0612345678"));
    assert!(matches!(world.call("78").purpose, Purpose::Consultation { of, .. } if of == customer));

    let complete = world.complete();
    assert_eq!(*world.last_asked(), Operation::Transfer { held: at("77", "2001"), active: at("78", "2001") });
    world.report(transferred("77", Some("78"), "2001", "2002", "77").by("2001").cause(Cause::Transfer));
    assert_eq!(
        world.news(),
        ["call.ended@2001", "call.updated@2002", "transfer.completed@2001", "command.completed@2001"]
    );
    assert_eq!(world.last_told(Kind::TransferCompleted).command, Some(complete));
    world.yes(complete);
    world.report(
        transferred("77", Some("78"), "2001", "2002", "77").seen("2002", Connected).cause(Cause::Transfer),
    );
    assert_eq!(world.news(), Vec::<String>::new());
    assert_eq!(world.id("77"), customer);
    assert_eq!(world.id("78"), customer);
    assert_eq!((world.at("77", "2001"), world.at("77", "2002")), (Null, Connected));
    assert_eq!(world.live_calls(), 1);
    // The colleague has the customer now and can do with him what he likes.
    assert_eq!(world.may("77", "2002", Action::Hold), Ok(()));
    assert_eq!(world.may("77", "2001", Action::Hold), Err(Reason::NotHere));
    world.cleared("77", "0612345678");
    assert_eq!(world.news(), ["call.ended@2002"]);
    assert_eq!(world.told.iter().filter(|told| told.contact.is_some_and(|(id, _)| id != contact)).count(), 0);
}

#[test]
fn t07_the_answer_alone_completes_and_the_event_may_follow() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    world.news();
    let complete = world.complete();
    world.yes_at(complete, "99", "2002");
    assert_eq!(
        world.news(),
        ["call.ended@2001", "call.updated@2002", "transfer.completed@2001", "command.completed@2001"]
    );
    world.report(transferred("77", Some("78"), "2001", "2002", "99").by("2001").cause(Cause::Transfer));
    // Each leg is cleared as well, under either id (asterisk-csp).
    world.cleared("77", "2001");
    world.cleared("78", "2001");
    world.report(report(CallCleared, "78", "2001").cause(Cause::NormalClearing));
    assert_eq!(world.news(), Vec::<String>::new());
    assert_eq!(world.id("99"), world.id("77"));
    let hang_up = world.control("77", "2002", Control::HangUp);
    assert_eq!(*world.last_asked(), Operation::Clear(at("99", "2002")));
    world.yes(hang_up);
    world.cleared("99", "2002");
    assert_eq!(world.news(), ["command.completed@2002", "call.ended@2002"]);
}

#[test]
fn t07_warm_transfer_take_back_in_one_step() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    world.news();
    let back = world.take_back();
    assert_eq!(
        *world.last_asked(),
        Operation::Reconnect { active: at("78", "2001"), held: at("77", "2001") }
    );
    world.cleared("78", "2002");
    world.report(report(Retrieved, "77", "2001"));
    world.yes(back);
    assert_eq!(
        world.news(),
        ["call.ended@2001", "call.retrieved@2001", "transfer.taken-back@2001", "command.completed@2001"]
    );
    assert_eq!(world.last_told(Kind::TransferTakenBack).command, Some(back));
    assert_eq!((world.at("77", "2001"), world.live_calls()), (Connected, 1));
    // Idempotent.
    let again = world.take_back();
    assert!(world.succeeded(again));
    assert_eq!(world.last_transfer().state, TransferState::TakenBack);
}

#[test]
fn t07_take_back_by_the_answer_alone() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    world.news();
    let back = world.take_back();
    world.yes(back);
    assert_eq!(
        world.news(),
        ["call.ended@2001", "call.retrieved@2001", "transfer.taken-back@2001", "command.completed@2001"]
    );
    world.cleared("78", "2002");
    world.cleared("78", "2001");
    world.report(report(Retrieved, "77", "2001"));
    assert_eq!(world.news(), Vec::<String>::new());
    assert_eq!(world.asked.len(), 2);
}

#[test]
fn t07_take_back_in_two_steps_where_the_pbx_cannot_reconnect() {
    let simple = Capabilities { reconnect: false, ..capabilities() };
    for event_first in [false, true] {
        let mut world = World::with(simple.clone());
        world.talks("77");
        world.consulting("77", "78");
        world.news();
        let back = world.take_back();
        assert_eq!(*world.last_asked(), Operation::Clear(at("78", "2001")));
        if event_first {
            world.cleared("78", "2001");
        } else {
            world.yes(back);
        }
        assert_eq!(*world.last_asked(), Operation::Retrieve(at("77", "2001")));
        assert_eq!(world.news(), ["call.ended@2001"]);
        world.yes(back);
        assert_eq!(
            world.news(),
            ["call.retrieved@2001", "transfer.taken-back@2001", "command.completed@2001"]
        );
        assert_eq!(world.live_calls(), 1);
    }
}

#[test]
fn t07_take_back_while_the_colleague_rings() {
    let mut world = World::new();
    world.talks("77");
    world.consults("77", "78");
    let back = world.take_back();
    world.no(back, RefusalCause::InvalidConnectionState);
    // What ReconnectCall cannot, clearing and retrieving can.
    assert_eq!(*world.last_asked(), Operation::Clear(at("78", "2001")));
    world.yes(back);
    world.yes(back);
    assert!(world.succeeded(back));
    assert_eq!((world.at("77", "2001"), world.live_calls()), (Connected, 1));
}

#[test]
fn t07_take_back_before_the_consultation_exists_waits_for_it() {
    let mut world = World::new();
    world.talks("77");
    let consult = world.transfer("77", "2001", "2002", TransferKind::Warm);
    let back = world.take_back();
    assert_eq!(world.outcome(back), None);
    assert_eq!(world.asked.len(), 1);
    world.report(report(Held, "77", "2001").cause(Cause::Consultation));
    world.yes_at(consult, "78", "2001");
    assert_eq!(*world.last_asked(), Operation::Clear(at("78", "2001")));
    world.yes(back);
    assert_eq!(*world.last_asked(), Operation::Retrieve(at("77", "2001")));
    world.yes(back);
    assert!(world.succeeded(back));
    assert_eq!(world.last_transfer().state, TransferState::TakenBack);
}

#[test]
fn t07_take_back_when_the_consultation_was_refused() {
    let mut world = World::new();
    world.talks("77");
    let consult = world.transfer("77", "2001", "2002", TransferKind::Warm);
    let back = world.take_back();
    world.no(consult, RefusalCause::ResourceBusy);
    assert!(world.succeeded(back));
    assert_eq!(world.refusal(consult).map(|(cause, _)| cause), Some(RefusalCause::ResourceBusy));
    assert_eq!(world.last_transfer().state, TransferState::TakenBack);
}

#[test]
fn t07_take_back_is_refused_when_it_is_too_late() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    let complete = world.complete();
    let under_way = world.take_back();
    assert_eq!(world.refusal(under_way), Some((RefusalCause::ResourceBusy, Some(Reason::UnderWay))));
    world.yes(complete);
    let late = world.take_back();
    assert_eq!(
        world.refusal(late),
        Some((RefusalCause::InvalidConnectionState, Some(Reason::TransferEnded)))
    );

    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    let back = world.take_back();
    world.report(report(ConnectionCleared, "77", "0612345678").cause(Cause::NormalClearing));
    assert_eq!(world.refusal(back), Some((RefusalCause::PartyGone, None)));
    let again = world.take_back();
    assert_eq!(world.refusal(again), Some((RefusalCause::PartyGone, None)));
}

#[test]
fn t07_a_customer_retrieved_by_hand_is_taken_back() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    world.news();
    world.cleared("78", "2001");
    assert_eq!(world.news(), ["call.ended@2001", "transfer.failed@2001"]);
    world.report(report(Retrieved, "77", "2001"));
    assert_eq!(world.news(), ["call.retrieved@2001"]);
    let back = world.take_back();
    assert!(world.succeeded(back));
    // Nobody fetches him once more.
    world.wait(world.state.settings.held_return);
    assert_eq!(world.asked.len(), 1);
}

#[test]
fn t07_a_swap_is_no_take_back_and_does_not_confuse_the_completion() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    world.news();
    let swap = world.control("77", "2001", Control::Alternate);
    assert_eq!(
        *world.last_asked(),
        Operation::Alternate { held: at("77", "2001"), active: at("78", "2001") }
    );
    world.report(report(Held, "78", "2001").cause(Cause::Alternate));
    world.report(report(Retrieved, "77", "2001").cause(Cause::Alternate));
    assert_eq!(world.news(), ["call.held@2001", "call.retrieved@2001", "command.completed@2001"]);
    assert!(world.succeeded(swap));
    assert_eq!(world.last_transfer().state, TransferState::Consulting);
    world.complete();
    assert_eq!(*world.last_asked(), Operation::Transfer { held: at("78", "2001"), active: at("77", "2001") });
}

#[test]
fn t07_a_colleague_who_does_not_answer_leaves_the_customer_on_hold_for_a_while_only() {
    let mut world = World::new();
    world.talks("77");
    world.consults("77", "78");
    world.news();
    world.report(report(ConnectionCleared, "78", "2002").cause(Cause::NoAnswer));
    assert_eq!(world.news(), ["call.ended@2001", "transfer.failed@2001"]);
    assert_eq!(world.at("77", "2001"), HELD);
    // Rule 4: nobody fetches him, so schakel does, and again while the PBX refuses.
    world.wait(world.state.settings.held_return);
    let (first, _, operation) = world.asked.last().unwrap().clone();
    assert_eq!(operation, Operation::Retrieve(at("77", "2001")));
    world.no(first, RefusalCause::ResourceBusy);
    world.wait(world.state.settings.held_return);
    let (second, ..) = world.asked.last().unwrap().clone();
    assert_ne!(first, second);
    world.report(report(Retrieved, "77", "2001"));
    assert_eq!(world.news(), ["command.completed@2001", "call.retrieved@2001", "command.completed@2001"]);
    assert_eq!(world.state.commands[&second].by.token.as_ref(), "schakel");
    world.wait(world.state.settings.held_return);
    assert_eq!(world.asked.last().unwrap().0, second);
}

#[test]
fn t07_a_busy_colleague_fails_the_transfer_and_the_tone_is_cleared() {
    let mut world = World::new();
    world.talks("77");
    let consult = world.transfer("77", "2001", "2002", TransferKind::Warm);
    world.report(report(Held, "77", "2001").cause(Cause::Consultation));
    world.yes_at(consult, "78", "2001");
    world.news();
    world.report(report(Failed, "78", "2002").seen("2001", ConnectionState::Failed).cause(Cause::Busy));
    assert_eq!(world.news(), ["call.failed@2001", "transfer.failed@2001"]);
    let (clear, _, operation) = world.asked.last().unwrap().clone();
    assert_eq!(operation, Operation::Clear(at("78", "2001")));
    world.yes(clear);
    world.cleared("78", "2001");
    assert_eq!(world.news(), ["command.completed@2001", "call.ended@2001"]);
    let back = world.take_back();
    assert_eq!(*world.last_asked(), Operation::Retrieve(at("77", "2001")));
    world.yes(back);
    assert_eq!(world.news(), ["call.retrieved@2001", "command.completed@2001"]);
    assert_eq!(world.last_transfer().state, TransferState::Failed);
}

#[test]
fn t07_a_customer_who_hangs_up_ends_the_transfer_and_not_the_consultation() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    world.news();
    world.cleared("77", "0612345678");
    assert_eq!(world.news(), ["call.ended@2001", "transfer.failed@2001"]);
    assert!(world.call("78").is_live());
    let complete = world.complete();
    assert_eq!(
        world.refusal(complete),
        Some((RefusalCause::InvalidConnectionState, Some(Reason::TransferEnded)))
    );
    world.cleared("78", "2002");
    assert_eq!(world.news(), ["command.completed@2001", "call.ended@2001"]);
}

#[test]
fn t07_a_transfer_by_hand_is_recognised_from_its_consultation() {
    let mut world = World::new();
    world.talks("77");
    let contact = world.contact("77").id;
    world.news();
    world.report(report(Held, "77", "2001").cause(Cause::Consultation));
    world.report(report(Initiated, "78", "2001").cause(Cause::Consultation));
    world.report(report(Originated, "78", "2001").from("2001").to("2002").cause(Cause::Consultation));
    world.report(report(Delivered, "78", "2002").from("2001").to("2002").cause(Cause::Consultation));
    assert_eq!(world.last_told(Kind::CallRinging).contact.map(|(id, _)| id), Some(contact));
    world.report(report(Established, "78", "2002"));
    world.report(transferred("78", Some("77"), "2001", "2002", "80").cause(Cause::Transfer));
    assert_eq!(
        world.news(),
        [
            "call.held@2001",
            "transfer.started@2001",
            "call.dialling@2001",
            "call.ringing@2002",
            "call.alerting-remote@2001",
            "transfer.ringing@2001",
            "call.answered@2002",
            "transfer.consulting@2001",
            "call.ended@2001",
            "call.updated@2002",
            "transfer.completed@2001",
        ]
    );
    assert!(world.last_transfer().by_hand);
    assert_eq!(world.id("80"), world.id("77"));
    assert_eq!(world.call("80").contact, contact);
}

#[test]
fn t07_two_calls_that_nothing_linked_are_joined_when_the_pbx_says_so() {
    let mut world = World::new();
    world.talks("77");
    world.report(report(Held, "77", "2001").cause(Cause::KeyOperation));
    world.report(report(Originated, "78", "2001").from("2001").to("2002").cause(Cause::NewCall));
    world.report(report(Delivered, "78", "2002").from("2001").to("2002").cause(Cause::NewCall));
    world.report(report(Established, "78", "2002"));
    let contact = world.contact("77").id;
    world.news();
    // The customer is the secondary call here.
    world.report(transferred("78", Some("77"), "2001", "2002", "78").cause(Cause::Transfer));
    assert_eq!(world.news(), ["call.ended@2001", "call.updated@2002", "transfer.completed@2001"]);
    assert_eq!(world.call("78").contact, contact);
    assert_eq!(world.last_transfer().state, TransferState::Completed);
}

#[test]
fn t07_a_transfer_while_it_rings_is_complete_when_the_colleague_answers() {
    let mut world = World::new();
    world.talks("77");
    world.consults("77", "78");
    world.news();
    world.report(transferred("77", Some("78"), "2001", "2002", "77").cause(Cause::Transfer));
    assert_eq!(world.news(), ["call.ended@2001", "call.updated@2002"]);
    world.report(report(Established, "77", "2002"));
    assert_eq!(world.news(), ["call.answered@2002", "transfer.completed@2001"]);
}

#[test]
fn t07_a_consultation_may_become_a_conference() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    world.news();
    let join = world.control("77", "2001", Control::Conference);
    assert_eq!(
        *world.last_asked(),
        Operation::Conference { held: at("77", "2001"), active: at("78", "2001") }
    );
    let secondary = Some(at("78", "2001"));
    world.report(
        report(Conferenced { secondary, added: None, moved: vec![] }, "77", "2001").cause(Cause::Conference),
    );
    assert_eq!(
        world.news(),
        ["call.ended@2001", "call.conferenced@2001", "transfer.completed@2001", "command.completed@2001"]
    );
    assert!(world.succeeded(join));
    assert_eq!((world.at("77", "2001"), world.at("77", "2002")), (Connected, Connected));
    world.cleared("77", "2001");
    assert_eq!(world.news(), ["call.updated@2001"]);
    world.cleared("77", "2002");
    assert_eq!(world.news(), ["call.ended@2002"]);
}

#[test]
fn t08_cold_transfer_is_complete_when_the_colleague_answers() {
    let mut world = World::new();
    world.talks("77");
    let (customer, contact) = (world.id("77"), world.contact("77").id);
    world.news();
    let cold = world.transfer("77", "2001", "2002", TransferKind::Cold);
    let destination = schakel_core::model::pii::Pii::new("2002".into());
    assert_eq!(*world.last_asked(), Operation::SingleStepTransfer { active: at("77", "2001"), destination });
    world.yes(cold);
    world.report(
        transferred("77", None, "2001", "2002", "80").seen("2001", Null).cause(Cause::SingleStepTransfer),
    );
    world.report(
        report(Delivered, "80", "2002")
            .seen("2002", Alerting)
            .from("0612345678")
            .to("2002")
            .cause(Cause::Transfer),
    );
    world.report(report(Established, "80", "2002"));
    assert_eq!(
        world.news(),
        [
            "transfer.started@2001",
            "command.completed@2001",
            "call.diverted@2001",
            "call.ringing@2002",
            "transfer.ringing@2001",
            "call.answered@2002",
            "transfer.completed@2001",
        ]
    );
    assert_eq!(world.last_told(Kind::CallRinging).contact.map(|(id, _)| id), Some(contact));
    assert_eq!(world.id("80"), customer);
    world.cleared("80", "0612345678");
    assert_eq!(world.news(), ["call.ended@2002"]);
}

#[test]
fn t08_cold_transfer_that_nobody_answers_rings_again_where_it_came_from() {
    let mut world = World::new();
    world.talks("77");
    let contact = world.contact("77").id;
    world.transfer("77", "2001", "2002", TransferKind::Cold);
    world.report(transferred("77", None, "2001", "2002", "77").cause(Cause::SingleStepTransfer));
    world.report(report(Delivered, "77", "2002").from("0612345678").to("2002").cause(Cause::Transfer));
    world.news();
    world.report(report(ConnectionCleared, "77", "2002").cause(Cause::NoAnswer));
    world.report(report(Delivered, "77", "2001").from("0612345678").to("2001").cause(Cause::RecallNoAnswer));
    assert_eq!(world.news(), ["call.diverted@2002", "transfer.failed@2001", "call.ringing@2001"]);
    world.report(report(Established, "77", "2001"));
    assert_eq!(world.news(), ["call.answered@2001"]);
    assert_eq!(world.call("77").contact, contact);
    assert_eq!(world.may("77", "2001", Action::TransferCold), Ok(()));
}

#[test]
fn t08_cold_transfer_is_refused_where_the_pbx_cannot() {
    let mut world = World::with(Capabilities { single_step_transfer: false, ..capabilities() });
    world.talks("77");
    let cold = world.transfer("77", "2001", "2002", TransferKind::Cold);
    assert_eq!(world.refusal(cold), Some((RefusalCause::NotSupported, Some(Reason::NotSupported))));
    assert!(world.asked.is_empty() && world.state.transfers.is_empty());
}

#[test]
fn t08_cold_transfer_out_of_sight_is_complete_when_it_does_not_come_back() {
    let mut world = World::new();
    world.talks("77");
    world.transfer("77", "2001", "0201234567", TransferKind::Cold);
    world.report(transferred("77", None, "2001", "0201234567", "77").cause(Cause::SingleStepTransfer));
    world.news();
    world.wait(world.state.settings.adrift);
    assert_eq!(world.news(), ["transfer.completed@2001~", "call.ended@2001~"]);
}

#[test]
fn t08_a_ringing_call_is_deflected() {
    let mut world = World::new();
    world.rings("77");
    world.news();
    let deflect =
        world.control("77", "2001", Control::Deflect(schakel_core::model::pii::Pii::new("2003".into())));
    world.report(report(Diverted { to: Some("2003".into()) }, "77", "2001").cause(Cause::Redirected));
    world.report(report(Delivered, "77", "2003").from("0612345678").to("2003").cause(Cause::Redirected));
    world.yes(deflect);
    assert_eq!(world.news(), ["call.diverted@2001", "command.completed@2001", "call.ringing@2003"]);
    assert_eq!(world.last_told(Kind::CallDiverted).command, Some(deflect));
}

#[test]
fn the_original_caller_and_the_contact_survive_two_transfers() {
    let mut world = World::new();
    world.talks("77");
    let (contact, customer) = (world.contact("77").id, world.contact("77").customer.clone());
    world.consulting("77", "78");
    let complete = world.complete();
    world.yes(complete);
    world.report(transferred("77", Some("78"), "2001", "2002", "77").cause(Cause::Transfer));
    let consult = world.transfer("77", "2002", "2003", TransferKind::Warm);
    world.report(report(Held, "77", "2002").cause(Cause::Consultation));
    world.yes_at(consult, "79", "2002");
    world.report(report(Delivered, "79", "2003").from("2002").to("2003").cause(Cause::Consultation));
    world.report(report(Established, "79", "2003"));
    let complete = world.complete();
    world.yes(complete);
    assert_eq!(world.call("77").contact, contact);
    assert_eq!(world.contact("77").customer, customer);
    let seqs: Vec<u64> = world.told.iter().filter_map(|told| told.contact).map(|(_, seq)| seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
}

#[test]
fn t07_a_consultation_that_the_pbx_makes_after_its_time_belongs_to_the_customer_all_the_same() {
    let mut world = World::new();
    world.talks("77");
    let contact = world.contact("77").id;
    let consult = world.transfer("77", "2001", "2002", TransferKind::Warm);
    let back = world.take_back();
    world.wait(world.state.settings.command_limit);
    // Nobody can say whether the consultation exists: neither command has succeeded.
    for command in [consult, back] {
        assert_eq!(world.refusal(command).unwrap().0, RefusalCause::Timeout);
    }
    assert_eq!(world.last_transfer().state, TransferState::Failed);
    world.report(report(Originated, "78", "2001").from("2001").to("2002").cause(Cause::NewCall));
    world.report(report(Delivered, "78", "2002").from("2001").to("2002").cause(Cause::NewCall));
    assert_eq!(world.call("78").contact, contact);
    assert_eq!(world.at("77", "2001"), HELD);
    assert_eq!(world.last_transfer().state, TransferState::Ringing);
}
