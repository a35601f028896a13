//! What a contact came to, for the reports (T17 to T24): one fact a contact, made when it ends.

use crate::common::*;
use schakel_core::command::Command;
use schakel_core::fact::ContactFact;
use schakel_core::model::call::ConnectionState::{Alerting, Connected};
use schakel_core::model::call::Direction;
use schakel_core::model::cause::Cause;
use schakel_core::model::device::DeviceKind;
use schakel_core::model::pii::Pii;
use schakel_core::model::time::{Millis, Time};
use schakel_core::model::transfer::{TransferKind, TransferState};
use schakel_core::report::CallEvent::*;

/// The one fact of a world.
#[expect(clippy::unwrap_used, reason = "there is one, as was asserted")]
fn only(world: &World) -> ContactFact {
    assert_eq!(world.facts.len(), 1, "{:?}", world.facts);
    world.facts.values().next().cloned().unwrap()
}

#[test]
fn t17_a_contact_is_a_fact_when_it_has_ended_and_not_before() {
    let mut world = World::new();
    world.talks("77");
    let began = world.contact("77").started;
    assert!(world.facts.is_empty());
    world.wait(Millis::seconds(60));
    world.report(report(Held, "77", "2001"));
    world.wait(Millis::seconds(20));
    world.report(report(Retrieved, "77", "2001"));
    world.wait(Millis::seconds(5));
    world.cleared("77", "0612345678");
    let fact = only(&world);
    assert_eq!((fact.direction, fact.received, fact.ended.0), (Direction::Inbound, began, world.now));
    assert_eq!((fact.dialled, fact.queue, fact.caller_digits), (Some("2001".into()), None, Some(10)));
    assert!(!fact.away && !fact.from_jkc && !fact.reconstructed && fact.failed.is_none());
    let [leg] = &fact.legs[..] else { panic!("{:?}", fact.legs) };
    assert_eq!((leg.device.as_str(), leg.kind, leg.through_jkc), ("2001", DeviceKind::Station, true));
    assert_eq!(leg.agent, Some("anna".into()));
    assert_eq!(leg.arrived, began);
    assert_eq!(leg.answered, Some(Time(began.0 + 10)));
    // Held was told ten milliseconds after its tick, and so was the retrieval.
    assert_eq!(leg.held, Millis(20_020));
    assert_eq!(leg.left, fact.ended);
}

#[test]
fn t19_who_gives_up_waiting_left_a_queue_and_a_telephone_that_rang() {
    let mut world = World::new();
    world.report(report(Queued, "77", "8000").from("0612345678").to("8000").cause(Cause::NewCall));
    world.wait(Millis::seconds(30));
    world.report(report(Delivered, "77", "2001").from("0612345678").to("8000").cause(Cause::Distributed));
    world.wait(Millis::seconds(10));
    world.cleared("77", "0612345678");
    let fact = only(&world);
    assert_eq!((fact.dialled, fact.queue), (Some("8000".into()), Some("8000".into())));
    assert!(fact.legs.iter().all(|leg| leg.answered.is_none()), "{:?}", fact.legs);
    assert_eq!(fact.cause, Cause::NormalClearing);
    assert!(!fact.away);
    let kinds: Vec<_> = fact.legs.iter().map(|leg| leg.kind).collect();
    assert_eq!(kinds, [DeviceKind::Queue, DeviceKind::Station]);
}

#[test]
fn t19_who_is_sent_away_is_away_and_nothing_of_it_is_reconstructed() {
    let mut world = World::new();
    world.rings("77");
    world.report(report(Diverted { to: None }, "77", "2001").cause(Cause::ForwardNoAnswer));
    assert!(world.facts.is_empty());
    world.wait(Millis::seconds(31));
    let fact = only(&world);
    assert!(fact.away && !fact.reconstructed);
    assert_eq!(fact.cause, Cause::ForwardNoAnswer);
}

#[test]
fn t21_t24_a_warm_transfer_names_agent_device_and_department_and_its_consultation_is_no_leg() {
    let mut world = World::new();
    world.talks("77");
    let call = world.id("77");
    let to = Pii::new("2002".into());
    let department = Some("Burgerzaken".into());
    let kind = TransferKind::Warm;
    let command = world.command(Command::Transfer { call, device: "2001".into(), to, kind, department });
    world.report(report(Held, "77", "2001").cause(Cause::Consultation));
    world.yes_at(command, "78", "2001");
    let consults = |event| report(event, "78", "2002").from("2001").to("2002").cause(Cause::Consultation);
    world.report(report(Originated, "78", "2001").from("2001").to("2002").cause(Cause::Consultation));
    world.report(consults(Delivered).seen("2002", Alerting));
    world.report(consults(Established));
    world.wait(Millis::seconds(15));
    world.complete();
    world.report(transferred("77", Some("78"), "2001", "2002", "77").by("2001").cause(Cause::Transfer));
    let moved = world.now;
    world.wait(Millis::seconds(60));
    world.cleared("77", "0612345678");
    let fact = only(&world);
    let [transfer] = &fact.transfers[..] else { panic!("{:?}", fact.transfers) };
    assert_eq!((transfer.kind, transfer.state), (TransferKind::Warm, TransferState::Completed));
    assert_eq!(transfer.department.as_deref(), Some("Burgerzaken"));
    assert_eq!((&transfer.agent, &transfer.to_device), (&Some("anna".into()), &Some("2002".into())));
    assert!(!transfer.by_hand);
    // Two legs with the customer: the colleague's begins when he got him, not when he was consulted.
    let legs: Vec<_> = fact.legs.iter().map(|leg| (leg.device.as_str(), leg.spoke())).collect();
    assert_eq!(legs, [("2001", true), ("2002", true)]);
    assert_eq!(fact.legs[0].left, Time(moved));
    assert_eq!((fact.legs[1].arrived, fact.legs[1].answered), (Time(moved), Some(Time(moved))));
}

#[test]
fn t21_taken_back_is_no_transfer() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    let back = world.take_back();
    world.yes(back);
    world.cleared("77", "0612345678");
    let fact = only(&world);
    assert_eq!(fact.transfers[0].state, TransferState::TakenBack);
    assert_eq!(fact.legs.len(), 1, "{:?}", fact.legs);
}

#[test]
fn t23_a_call_dialled_by_jkc_says_so_and_its_conversation_begins_with_the_answer() {
    let mut world = World::new();
    let command = world.dial("anna", "0201234567");
    world.yes_at(command, "80", "2001");
    let calls = |event, at| report(event, "80", at).from("2001").to("0201234567").cause(Cause::MakeCall);
    world.report(calls(Originated, "2001"));
    world.wait(Millis::seconds(12));
    world.report(calls(Established, "0201234567"));
    let answered = world.now;
    world.wait(Millis::seconds(60));
    world.cleared("80", "2001");
    let fact = only(&world);
    assert_eq!((fact.direction, fact.from_jkc, fact.dialled), (Direction::Outbound, true, None));
    let [leg] = &fact.legs[..] else { panic!("{:?}", fact.legs) };
    assert!(leg.dialled);
    assert_eq!(leg.answered, Some(Time(answered)));
    assert_eq!(leg.agent, Some("anna".into()));
}

#[test]
fn a_call_that_goes_on_replaces_its_fact() {
    let mut world = World::new();
    world.rings("77");
    world.cleared("77", "0612345678");
    assert!(only(&world).legs.iter().all(|leg| leg.answered.is_none()));
    // The PBX goes on with the caller whom we had given up.
    world.report(report(Delivered, "77", "2002").from("0612345678").to("2001").cause(Cause::ForwardNoAnswer));
    world.report(report(Established, "77", "2002").seen("2002", Connected));
    world.cleared("77", "0612345678");
    let fact = only(&world);
    let spoke: Vec<_> = fact.legs.iter().map(|leg| (leg.device.as_str(), leg.spoke())).collect();
    assert_eq!(spoke, [("2001", false), ("2002", true)]);
}

#[test]
fn no_number_and_no_name_of_a_customer_is_in_a_fact() {
    let mut world = World::new();
    world.talks("77");
    world.consulting("77", "78");
    world.complete();
    world.report(transferred("77", Some("78"), "2001", "2002", "77").by("2001").cause(Cause::Transfer));
    world.cleared("77", "0612345678");
    let bytes = postcard::to_stdvec(&only(&world)).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("2001") && has("bert"), "what is ours can be read");
    assert!(!has("0612345678") && !has("612345678"));
    let mut fact = only(&world);
    fact.anonymise();
    let bytes = postcard::to_stdvec(&fact).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!has("anna") && !has("bert"));
    assert!(fact.legs.iter().all(|leg| leg.through_jkc), "the counts stay");
}

#[test]
fn a_fact_is_stored_as_it_was_in_every_release() {
    let mut world = World::new();
    world.talks("77");
    world.wait(Millis::seconds(60));
    world.cleared("77", "0612345678");
    let fact = ContactFact { contact: schakel_core::model::ids::ContactId(7), ..only(&world) };
    let bytes = postcard::to_stdvec(&fact).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // If this fails, facts of years cannot be read any more: give what is stored a new format, and keep reading the old.
    assert_eq!(hex, FACT_1);
    assert_eq!(postcard::from_bytes::<ContactFact>(&bytes).unwrap(), fact);
}

/// One fact in the first format.
const FACT_1: &str = "\
    070370627800d0d8c1a28c34ceadc5a28c3401043230303100010a0001043230303100000104616e6e6101d0d8c1a28c\
    3401dad8c1a28c34ceadc5a28c34000e6e6f726d616c436c656172696e670000000e6e6f726d616c436c656172696e67\
    0000";
