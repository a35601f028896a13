//! After-call work lasts as long as the contact session, in the telephone system too (T11, rule 9).

use crate::common::desk::*;
use crate::common::*;
use schakel_core::command::{Control, RefusalCause};
use schakel_core::model::agent::ProviderAgentState as Pbx;
use schakel_core::model::agent::{Readiness, RequestedAgentState as Asked};
use schakel_core::model::availability::{AvailabilityState as Is, Because};
use schakel_core::model::call::ConnectionState::{Alerting, Failed};
use schakel_core::model::cause::Cause;
use schakel_core::model::session::Decision;
use schakel_core::model::time::Millis;
use schakel_core::notification::{Kind, Subject};
use schakel_core::report::CallEvent;
use schakel_core::report::CallEvent::{Delivered, Established, Initiated, Originated};

/// anna has spoken with 0612345678, with a session open about it.
fn spoken(world: &mut World) -> schakel_core::model::ids::SessionId {
    world.talks("77");
    let session = world.opened("anna", Some(world.contact("77").id));
    world.cleared("77", "0612345678");
    session
}

#[test]
fn t11_after_call_work_begins_with_the_end_of_the_call_and_ends_with_the_session() {
    let mut world = World::acd();
    world.talks("77");
    let contact = world.contact("77").id;
    let session = world.opened("anna", Some(contact));
    world.all_news();
    let hang_up = world.control("77", "2001", Control::HangUp);
    world.cleared("77", "2001");
    let told = [
        "call.ended@2001",
        "command.completed@2001",
        "agent.after-call-started@2001",
        "agent.availability-changed@2001",
    ];
    assert_eq!(world.all_news(), told);
    let started = world.last_told(Kind::AgentAfterCallStarted).clone();
    assert_eq!((started.command, started.cause), (Some(hang_up), Cause::NormalClearing));
    assert_eq!(started.contact.map(|(contact, _)| contact), Some(contact));
    assert_eq!((started.subject, started.reconstructed), (Subject::Agent("anna".into()), false));
    let now = world.availability("anna");
    assert_eq!((now.state, now.takes_calls, now.takes_chats, now.room()), (Is::AfterCall, false, false, 0));
    assert_eq!(now.reasons, [Because::AfterCall(Some(session)), Because::Session(session)]);
    assert_eq!(world.states_asked("2001"), [Asked::WorkingAfterCall]);
    world.obeys("2001");
    // As long as the session lasts, and however long that is.
    world.works_for(session, Millis::seconds(3_600));
    assert_eq!(world.availability("anna").state, Is::AfterCall);
    world.all_news();
    let close = world.close(session);
    let told = [
        "session.closed@2001",
        "agent.after-call-ended@2001",
        "command.completed",
        "agent.availability-changed@2001",
    ];
    assert_eq!(world.all_news(), told);
    assert_eq!(world.last_told(Kind::AgentAfterCallEnded).command, Some(close));
    assert_eq!(world.last_told(Kind::AgentAvailabilityChanged).command, Some(close));
    world.obeys("2001");
    assert_eq!(world.states_asked("2001"), [Asked::WorkingAfterCall, Asked::Ready]);
    assert_eq!(world.availability("anna").state, Is::Available);
}

#[test]
fn t11_without_agents_in_the_pbx_schakels_own_availability_covers_it() {
    let mut world = World::new();
    let session = spoken(&mut world);
    assert_eq!(world.availability("anna").state, Is::AfterCall);
    world.park(session);
    assert_eq!(world.availability("anna").state, Is::Available);
    assert!(world.asked.is_empty());
}

#[test]
fn t11_without_a_session_there_is_none() {
    let mut world = World::acd();
    world.talked("77");
    assert_eq!(world.availability("anna").state, Is::Available);
    // A session that is opened when the call is over is work, and no after-call work.
    world.opened("anna", None);
    assert_eq!(world.availability("anna").state, Is::InSession);
    assert!(world.asked.is_empty());
}

#[test]
fn t11_a_call_that_was_never_answered_leaves_no_work() {
    let mut world = World::acd();
    world.opened("anna", None);
    world.rings("77");
    world.cleared("77", "0612345678");
    assert_eq!(world.availability("anna").state, Is::InSession);
    assert!(world.agent("anna").after_call.is_none());
}

#[test]
fn t11_a_dialled_call_that_fails_leaves_work_too() {
    let mut world = World::acd();
    world.opened("anna", None);
    let dial = world.dial("anna", "0201234567");
    world.yes_at(dial, "77", "2001");
    world.report(report(Originated, "77", "2001").from("2001").to("0201234567"));
    world.report(report(CallEvent::Failed, "77", "2001").seen("2001", Failed).cause(Cause::Busy));
    assert_eq!(world.availability("anna").state, Is::OnCall);
    world.cleared("77", "2001");
    assert_eq!(world.availability("anna").state, Is::AfterCall);
}

#[test]
fn t11_a_dialled_call_of_which_only_the_failure_is_told_leaves_work_too() {
    let mut world = World::acd();
    world.opened("anna", None);
    let dial = world.dial("anna", "0201234567");
    world.yes_at(dial, "77", "2001");
    assert!(world.succeeded(dial));
    world.report(report(CallEvent::Failed, "77", "2001").seen("2001", Failed).cause(Cause::Busy));
    world.cleared("77", "2001");
    assert_eq!(world.availability("anna").state, Is::AfterCall);
    // Off hook and on again is no call.
    let mut world = World::acd();
    world.opened("anna", None);
    world.report(report(Initiated, "79", "2001").from("2001"));
    world.cleared("79", "2001");
    assert_eq!(world.availability("anna").state, Is::InSession);
}

#[test]
fn t11_a_consultation_is_no_end_and_a_completed_transfer_is() {
    let mut world = World::acd();
    world.talks("77");
    let session = world.opened("anna", Some(world.contact("77").id));
    world.consulting("77", "78");
    let take_back = world.take_back();
    world.yes(take_back);
    assert!(world.agent("anna").after_call.is_none(), "the customer is still there");
    world.consulting("77", "79");
    world.all_news();
    world.complete();
    world.report(transferred("77", Some("79"), "2001", "2002", "77").cause(Cause::Transfer));
    assert_eq!(world.agent("anna").after_call.as_ref().map(|work| work.session), Some(session));
    assert!(world.agent("bert").after_call.is_none(), "he has the customer, and no session");
    assert_eq!(world.availability("bert").state, Is::OnCall);
}

#[test]
fn t11_a_call_that_rings_meanwhile_does_not_put_it_off() {
    let mut world = World::acd();
    world.talks("77");
    let session = world.opened("anna", Some(world.contact("77").id));
    world.report(report(Delivered, "78", "2001").seen("2001", Alerting).from("0699999999").to("2001"));
    world.cleared("77", "0612345678");
    assert_eq!(world.availability("anna").state, Is::OnCall);
    assert!(world.agent("anna").after_call.is_some());
    world.cleared("78", "0699999999");
    assert_eq!(world.availability("anna").state, Is::AfterCall, "the work is not done yet");
    // A new call is answered during it, and it goes on afterwards.
    world.report(report(Delivered, "79", "2001").seen("2001", Alerting).from("0699999999").to("2001"));
    world.report(report(Established, "79", "2001"));
    world.all_news();
    assert_eq!(world.availability("anna").state, Is::OnCall);
    world.cleared("79", "0699999999");
    assert_eq!(world.all_news(), ["call.ended@2001", "agent.availability-changed@2001"]);
    assert_eq!(world.availability("anna").reasons[0], Because::AfterCall(Some(session)));
    assert_eq!(world.states_asked("2001"), [Asked::WorkingAfterCall]);
}

#[test]
fn t11_the_break_of_before_is_restored() {
    let mut world = World::acd();
    world.says("2001", Pbx::NotReady(reason("break")));
    world.says("2001", Pbx::Busy);
    let session = spoken(&mut world);
    world.obeys("2001");
    assert_eq!(world.availability("anna").state, Is::AfterCall);
    world.close(session);
    world.obeys("2001");
    assert_eq!(world.states_asked("2001"), [Asked::WorkingAfterCall, Asked::NotReady(reason("break"))]);
    assert_eq!(world.availability("anna").reasons, [Because::ProviderNotReady(reason("break"))]);
}

#[test]
fn t11_a_break_pressed_during_it_begins_when_it_ends() {
    let mut world = World::acd();
    let session = spoken(&mut world);
    world.obeys("2001");
    world.says("2001", Pbx::NotReady(reason("break")));
    let reasons = [
        Because::AfterCall(Some(session)),
        Because::ProviderNotReady(reason("break")),
        Because::Session(session),
    ];
    assert_eq!(world.availability("anna").reasons, reasons);
    world.close(session);
    assert_eq!(world.states_asked("2001"), [Asked::WorkingAfterCall], "it is so already");
    assert_eq!(world.availability("anna").reasons, [Because::ProviderNotReady(reason("break"))]);
}

#[test]
fn t11_a_pbx_that_knows_after_call_work_as_not_ready_is_made_ready_again() {
    let mut world = World::acd();
    world.says("2001", Pbx::Busy);
    let session = spoken(&mut world);
    // It makes her ready when the call ends, and only then does what it is asked, in its own way.
    world.says("2001", Pbx::Ready);
    world.says("2001", Pbx::NotReady(reason("acw")));
    let (asked, _) = world.asked_of("2001").unwrap();
    world.yes(asked);
    world.close(session);
    assert_eq!(world.states_asked("2001"), [Asked::WorkingAfterCall, Asked::Ready]);
}

#[test]
fn t11_readiness_that_jkc_sets_during_it_counts_when_it_ends() {
    let mut world = World::acd();
    let session = spoken(&mut world);
    world.obeys("2001");
    world.readiness("anna", Readiness::NotReady(reason("lunch")));
    assert_eq!(world.states_asked("2001"), [Asked::WorkingAfterCall]);
    world.close(session);
    world.obeys("2001");
    assert_eq!(world.states_asked("2001"), [Asked::WorkingAfterCall, Asked::NotReady(reason("lunch"))]);
}

#[test]
fn t11_a_pbx_that_cannot_leaves_schakel_to_it() {
    let mut world = World::acd();
    let session = spoken(&mut world);
    let (asked, _) = world.asked_of("2001").unwrap();
    world.no(asked, RefusalCause::NotSupported);
    assert_eq!(world.availability("anna").state, Is::AfterCall);
    world.close(session);
    assert_eq!(
        world.states_asked("2001"),
        [Asked::WorkingAfterCall],
        "it says ready, and that is what is wanted"
    );
    assert_eq!(world.availability("anna").state, Is::Available);
}

#[test]
fn t11_keep_or_ignore_ends_it_and_the_new_call_is_hers() {
    let mut world = World::acd();
    let session = spoken(&mut world);
    world.report(report(Delivered, "78", "2001").seen("2001", Alerting).from("0699999999").to("2001"));
    let keep = world.decide(session, world.id("78"), Decision::Keep);
    assert!(world.succeeded(keep));
    let ended = world.last_told(Kind::AgentAfterCallEnded);
    assert_eq!(ended.command, Some(keep));
    world.report(report(Established, "78", "2001"));
    let next = world.opened("anna", Some(world.contact("78").id));
    world.cleared("78", "0699999999");
    assert_eq!(world.agent("anna").after_call.as_ref().map(|work| work.session), Some(next));
}

#[test]
fn rule_9_a_vanished_browser_frees_nobody_early_and_nobody_waits_for_ever() {
    let mut world = World::acd();
    let session = spoken(&mut world);
    world.obeys("2001");
    world.works_for(session, Millis::seconds(60));
    world.wait(world.state.settings.sessions.lease);
    assert_eq!(world.availability("anna").state, Is::AfterCall, "it is waited for");
    world.all_news();
    world.wait(world.state.settings.sessions.grace);
    let told = ["session.parked@2001", "agent.after-call-ended@2001", "agent.availability-changed@2001"];
    assert_eq!(world.all_news(), told);
    assert_eq!(world.last_told(Kind::AgentAfterCallEnded).cause, Cause::Timeout);
    world.obeys("2001");
    assert_eq!(world.states_asked("2001"), [Asked::WorkingAfterCall, Asked::NotReady(reason("vanished"))]);
}

#[test]
fn t11_a_call_that_ended_while_the_link_was_down_leaves_its_work() {
    let mut world = World::new();
    world.talks("77");
    world.opened("anna", None);
    world.lose();
    assert!(world.agent("anna").after_call.is_none(), "a lost link ends no call");
    world.ready();
    world.shows("2001", vec![]);
    world.resynced();
    assert_eq!(world.availability("anna").state, Is::AfterCall);
    assert!(world.last_told(Kind::AgentAfterCallStarted).reconstructed);
}

#[test]
fn t11_the_work_is_of_who_spoke() {
    let mut world = World::new();
    world.talks("77");
    world.opened("anna", None);
    // She sits down at another telephone while the call goes on, and bert at hers.
    world.leaves("carla");
    world.register("anna", "2003");
    world.register("bert", "2001");
    world.opened("bert", None);
    world.cleared("77", "0612345678");
    assert_eq!(world.availability("anna").state, Is::AfterCall);
    assert_eq!(world.availability("bert").state, Is::InSession);
}
