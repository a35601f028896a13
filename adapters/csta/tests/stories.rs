//! The transcripts through adapter and core: in every dialect, a flow comes out as the same story for JKC.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use schakel_core::adapter::Output;
use schakel_core::apply::apply;
use schakel_core::effect::Effect;
use schakel_core::input::{Input, InputBody};
use schakel_core::model::device::DeviceKind;
use schakel_core::model::ids::{DeviceId, OrganisationId, ProviderId};
use schakel_core::model::time::Time;
use schakel_core::settings::{DeviceSettings, ProviderSettings, Settings};
use schakel_core::state::State;
use support::{CstaWire, DIALECTS, adapter, fixtures};

/// What JKC is told of a flow, and how the house stands after it.
struct Story {
    kinds: Vec<&'static str>,
    state: State,
}

fn tell(dialect: &str, flow: &str) -> Story {
    let provider = ProviderId::from("pbx");
    let device = |id: &str, kind| DeviceSettings { id: DeviceId::from(id), kind, name: None };
    let settings = Settings {
        providers: vec![ProviderSettings {
            id: provider.clone(),
            devices: vec![
                device("2001", DeviceKind::Station),
                device("2002", DeviceKind::Station),
                device("7000", DeviceKind::Queue),
            ],
        }],
        ..Settings::default()
    };
    let mut state = State::new(OrganisationId::from("org"));
    let mut kinds = Vec::new();
    let mut seed = 0;
    let mut input = |at: Time, body: InputBody| {
        seed += 1;
        let mut effects = Vec::new();
        apply(&mut state, &Input { at, seed, body }, &mut effects);
        kinds.extend(effects.iter().filter_map(|effect| match effect {
            Effect::Notify(told) => Some(told.kind.as_str()),
            _ => None,
        }));
    };
    input(Time(1), InputBody::Configured(Box::new(settings)));
    let path = fixtures().join(dialect).join(format!("{flow}.txt"));
    let mut watch = |at: Time, output: &Output| {
        let provider = provider.clone();
        let body = match output.clone() {
            Output::Ready(capabilities) => InputBody::LinkReady { provider, capabilities },
            Output::Snapshot(snapshot) => InputBody::Snapshot { provider, snapshot },
            Output::Resynced { without_snapshot } => InputBody::Resynced { provider, without_snapshot },
            Output::Report(report) => InputBody::Report { provider, report },
            Output::Close(reason) => InputBody::LinkLost { provider, reason: reason.text },
            // The commands are the transcript's own, the core did not ask for them.
            _ => return,
        };
        input(at, body);
    };
    let replayed = schakel_testkit::replay_and_watch(&path, &mut CstaWire::default(), &adapter, &mut watch);
    replayed.unwrap_or_else(|mismatch| panic!("{mismatch}"));
    Story { kinds, state }
}

/// Every dialect tells these kinds in this order; others may come in between.
fn check(flow: &str, expected: &[&str], never: &[&str]) {
    for dialect in DIALECTS {
        let story = tell(dialect, flow);
        let mut told = story.kinds.iter();
        for kind in expected {
            assert!(told.any(|t| t == kind), "{dialect} {flow}: no {kind} in its place in {:?}", story.kinds);
        }
        for kind in never {
            assert!(!story.kinds.contains(kind), "{dialect} {flow}: {kind} in {:?}", story.kinds);
        }
        assert_eq!(story.state.counters.unexpected_reports, 0, "{dialect} {flow}: {:?}", story.kinds);
    }
}

/// One contact of one customer, whatever happened to his calls.
fn check_one_contact(flow: &str) {
    for dialect in DIALECTS {
        let story = tell(dialect, flow);
        let customers: Vec<_> = story.state.contacts.values().map(|contact| &contact.customer).collect();
        let number = |at: usize| customers[at].number.as_ref().map(|number| number.expose().to_string());
        assert_eq!(customers.len(), 1, "{dialect} {flow}: {:?}", story.kinds);
        assert_eq!(number(0).as_deref(), Some("0031201234567"), "{dialect} {flow}");
    }
}

#[test]
fn t03_t04_t09_a_call_rings_is_answered_and_ends() {
    check("inbound", &["call.ringing", "call.answered", "call.ended"], &["call.missed"]);
    check_one_contact("inbound");
}

#[test]
fn t12_a_dialled_call_rings_there_and_is_answered() {
    let story = ["call.dialling", "call.alerting-remote", "call.answered", "call.ended"];
    check("outbound", &story, &["call.ringing", "call.missed"]);
}

#[test]
fn t05_t06_hold_and_retrieve() {
    check(
        "hold-retrieve",
        &["call.ringing", "call.answered", "call.held", "call.retrieved"],
        &["call.ended"],
    );
}

#[test]
fn t07_a_warm_transfer_keeps_the_contact() {
    let story = ["call.held", "transfer.consulting", "transfer.completed", "call.ended"];
    check("warm-transfer", &story, &["transfer.failed", "transfer.taken-back"]);
    check_one_contact("warm-transfer");
}

#[test]
fn t07_warm_transfer_take_back() {
    // The transcript's command is not the core's own: to the core, somebody presses a key at the telephone.
    let story = ["call.held", "transfer.consulting", "call.ended", "call.retrieved"];
    check("take-back", &story, &["transfer.completed", "call.missed"]);
    check_one_contact("take-back");
}

#[test]
fn t08_a_cold_transfer_keeps_the_contact() {
    check(
        "cold-transfer",
        &["call.answered", "call.ringing", "call.answered"],
        &["call.missed", "transfer.failed"],
    );
    check_one_contact("cold-transfer");
}

#[test]
fn t15_a_call_is_deflected_and_picked_up() {
    check(
        "deflect",
        &["call.ringing", "call.diverted", "call.ringing", "call.answered"],
        &["call.missed", "call.ended"],
    );
    check_one_contact("deflect");
}

#[test]
fn t01_a_call_waits_in_a_queue_and_reaches_an_agent() {
    check("queue", &["call.queued", "call.ringing", "call.answered", "call.ended"], &["call.missed"]);
    check_one_contact("queue");
}

#[test]
fn t03_callers_who_give_up_are_missed_calls() {
    check(
        "abandoned",
        &["call.ringing", "call.missed", "call.queued", "call.missed", "call.failed"],
        &["call.answered"],
    );
}

#[test]
fn t15_a_conference_has_everybody() {
    check("conference", &["call.held", "call.conferenced"], &["call.missed", "transfer.failed"]);
}

#[test]
fn t01_a_question_where_a_call_goes_begins_its_contact() {
    check("route-selected", &["route.requested", "call.ringing", "route.requested"], &["call.updated"]);
    for dialect in DIALECTS {
        let story = tell(dialect, "route-selected");
        // Two callers: the first one rings where he was sent, under the contact of the question.
        assert_eq!(story.state.contacts.len(), 2, "{dialect}: {:?}", story.kinds);
        let ringing = story.state.calls.values().find(|call| call.live().any(|at| at.ours)).unwrap();
        let route = story.state.routes.values().find(|route| route.call == Some(ringing.id)).unwrap();
        assert_eq!(route.contact, Some(ringing.contact), "{dialect}");
    }
}

#[test]
fn t01_a_caller_who_hangs_up_while_he_is_routed_is_missed() {
    let story = ["route.requested", "route.requested", "route.requested", "call.missed"];
    check("route-rejected", &story, &["call.ringing", "call.ended"]);
}
