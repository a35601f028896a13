//! The orders and oddities of real dialects.

use crate::common::*;
use schakel_core::model::call::ConnectionState::{Alerting, Connected, Null};
use schakel_core::model::cause::Cause;
use schakel_core::model::transfer::{TransferKind, TransferState};
use schakel_core::notification::Kind;
use schakel_core::report::CallEvent::*;

#[test]
fn asterisk_csp_consults_without_hold_and_names_the_consultation_when_it_retrieves() {
    let mut world = World::new();
    world.talks("77");
    world.news();
    let consult = world.transfer("77", "2001", "2002", TransferKind::Warm);
    // No Held, cause newCall, and the events before the answer.
    world.report(report(Originated, "78", "2001").from("2001").to("2002").cause(Cause::NewCall));
    world.report(report(Delivered, "78", "2002").from("2001").to("2002").cause(Cause::NewCall));
    world.yes_at(consult, "78", "2001");
    world.report(report(Established, "78", "2002").from("2001").to("2002").cause(Cause::NewCall));
    assert_eq!(
        world.news(),
        [
            "transfer.started@2001",
            "command.completed@2001",
            "call.dialling@2001",
            "call.ringing@2002",
            "call.alerting-remote@2001",
            "transfer.ringing@2001",
            "call.held@2001~",
            "call.answered@2002",
            "transfer.consulting@2001",
        ]
    );
    let back = world.take_back();
    world.cleared("78", "2002");
    world.cleared("78", "2001");
    world.report(report(Retrieved, "78", "2001"));
    world.yes(back);
    assert_eq!(
        world.news(),
        ["call.ended@2001", "call.retrieved@2001", "transfer.taken-back@2001", "command.completed@2001"]
    );
    assert_eq!(world.at("77", "2001"), Connected);
    let hold = world.control("77", "2001", schakel_core::command::Control::Hold);
    assert_eq!(*world.last_asked(), schakel_core::adapter::Operation::Hold(at("77", "2001")));
    assert_eq!(world.outcome(hold), None);
}

#[test]
fn asterisk_csp_clears_each_leg_after_a_transfer() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    let complete = world.complete();
    world.news();
    world.report(transferred("77", Some("78"), "2001", "2002", "77").cause(Cause::Transfer));
    for (call, device) in [("77", "2001"), ("78", "2001"), ("78", "2002")] {
        world.cleared(call, device);
    }
    world.yes(complete);
    assert_eq!(
        world.news(),
        ["call.ended@2001", "call.updated@2002", "transfer.completed@2001", "command.completed@2001"]
    );
    assert_eq!((world.at("77", "2002"), world.live_calls()), (Connected, 1));
}

#[test]
fn openscape_gives_a_transferred_call_a_new_id_and_links_it() {
    let mut world = World::new();
    world.talks("FF00");
    let (customer, contact) = (world.id("FF00"), world.contact("FF00").id);
    world.transfer("FF00", "2001", "2002", TransferKind::Cold);
    world.news();
    // The receiver's telephone rings under the new id before the transfer itself is told.
    world.report(
        report(Delivered, "0300", "2002")
            .seen("2002", Alerting)
            .from("0612345678")
            .to("2002")
            .linked("FF00")
            .cause(Cause::NewCall),
    );
    world.report(
        transferred("FF00", None, "2001", "2002", "0300").seen("2001", Null).cause(Cause::SingleStepTransfer),
    );
    world.report(report(Established, "0300", "2002").seen("2002", Connected));
    assert_eq!(
        world.news(),
        [
            "call.ringing@2002",
            "transfer.ringing@2001",
            "command.completed@2001",
            "call.diverted@2001",
            "call.answered@2002",
            "transfer.completed@2001",
        ]
    );
    assert_eq!((world.id("0300"), world.call("0300").contact), (customer, contact));
    world.cleared("0300", "2002");
    assert_eq!(world.news(), ["call.ended@2002"]);
}

#[test]
fn a_new_id_without_a_link_is_recognised_by_the_caller_of_the_transfer_under_way() {
    let mut world = World::new();
    world.talks("77");
    let customer = world.id("77");
    world.transfer("77", "2001", "2002", TransferKind::Cold);
    world.report(
        report(Delivered, "91", "2002").from("0612345678").to("2002").cause(Cause::SingleStepTransfer),
    );
    assert_eq!(world.id("91"), customer);
    assert_eq!(world.last_transfer().state, TransferState::Ringing);
}

#[test]
fn a_queue_does_not_ring_and_stays_known_at_the_agent() {
    let mut world = World::new();
    let to_queue = || report(Delivered, "77", "8000").from("0612345678").to("8000").dialled("14020");
    world.report(to_queue().seen("8000", Alerting).cause(Cause::EnteringDistribution));
    world.report(report(Queued, "77", "8000").cause(Cause::NoAvailableAgents));
    assert_eq!(world.news(), ["call.queued@8000"]);
    assert_eq!(world.contact("77").dialled.clone().unwrap(), party("14020").party);
    world.report(report(Diverted { to: Some("2001".into()) }, "77", "8000").cause(Cause::Distributed));
    world.report(
        report(Delivered, "77", "2001").from("0612345678").to("8000").via("8000").cause(Cause::Distributed),
    );
    assert_eq!(world.news(), ["call.ringing@2001"]);
    // Nobody answers at 2001; the queue tries the next.
    world.report(report(Diverted { to: Some("2002".into()) }, "77", "2001").cause(Cause::NoAnswer));
    world.report(
        report(Delivered, "77", "2002").from("0612345678").to("8000").via("8000").cause(Cause::Distributed),
    );
    world.report(report(Established, "77", "2002"));
    assert_eq!(world.news(), ["call.diverted@2001", "call.ringing@2002", "call.answered@2002"]);
    assert_eq!(world.call("77").queue, Some("8000".into()));
    world.cleared("77", "2002");
    assert_eq!(world.news(), ["call.ended@2002"]);
}

#[test]
fn a_caller_who_gives_up_in_the_queue_is_missed() {
    for cleared in ["8000", "0612345678"] {
        let mut world = World::new();
        world.report(
            report(Delivered, "77", "8000").from("0612345678").to("8000").cause(Cause::EnteringDistribution),
        );
        world.report(report(Queued, "77", "8000").cause(Cause::NoAvailableAgents));
        world.news();
        world.report(report(ConnectionCleared, "77", cleared).cause(Cause::CallCancelled));
        world.report(report(CallCleared, "77", "8000").cause(Cause::NormalClearing));
        assert_eq!(world.news(), ["call.missed@8000"], "cleared {cleared}");
    }
}

#[test]
fn a_queue_that_answers_for_the_agent_is_the_agents_answer() {
    let mut world = World::new();
    world.report(report(Delivered, "77", "8000").from("0612345678").to("8000").cause(Cause::NewCall));
    world.report(report(Delivered, "77", "2001").seen("2001", Alerting).from("0612345678").to("8000"));
    world.news();
    world.report(report(Established, "77", "8000").seen("2001", Connected));
    assert_eq!(world.news(), ["call.answered@2001"]);
}

#[test]
fn a_call_that_rings_on_while_the_old_number_is_still_on_it_keeps_its_parts() {
    // A ring-back on a trunk's own device name: the answer comes under the number.
    let mut world = World::new();
    world.report(report(Originated, "90", "2001").from("2001").to("0687654321").cause(Cause::NewCall));
    world.report(report(Delivered, "90", "trunk 3").seen("2001", Connected).from("2001").to("0687654321"));
    world.report(report(Established, "90", "0687654321").seen("2001", Connected));
    world.cleared("90", "0687654321");
    assert_eq!(
        world.news(),
        ["call.dialling@2001", "call.alerting-remote@2001", "call.answered@2001", "call.ended@2001"]
    );
}

#[test]
fn a_transfer_of_calls_that_we_never_saw_is_reconstructed_at_the_receiver() {
    let mut world = World::new();
    world.report(
        transferred("10", Some("11"), "2099", "2002", "10").seen("2002", Connected).cause(Cause::Transfer),
    );
    assert_eq!(world.news(), ["call.reconstructed@2002~", "call.answered@2002"]);
    assert_eq!(world.call("10").calling, party("0612345678").party);
}

#[test]
fn a_receiver_whose_colleague_is_not_watched_keeps_his_call_and_gets_its_customer() {
    let mut world = World::new();
    world.report(report(Delivered, "11", "2002").from("2099").to("2002").cause(Cause::NewCall));
    world.report(report(Established, "11", "2002"));
    let call = world.id("11");
    world.report(
        transferred("10", Some("11"), "2099", "2002", "10").seen("2002", Connected).cause(Cause::Transfer),
    );
    assert_eq!(world.id("10"), call);
    world.cleared("10", "0612345678");
    assert!(!world.state.calls[&call].is_live());
    assert_eq!(world.told.iter().filter(|told| told.kind == Kind::CallEnded).count(), 1);
}
