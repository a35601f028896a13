//! Notifications as JKC receives them.

use crate::world::{CALL, COMMAND, CONTACT, TRANSFER, notification, state};
use schakel_contract::Timestamp;
use schakel_contract::event::{self, CloudEvent, Event, EventMeta, Observation};
use schakel_core::command::{CommandOutcome, CommandState, Refusal, RefusalCause};
use schakel_core::model::action::Reason;
use schakel_core::notification::{Kind, Notification, Subject};
use schakel_core::state::State;

const SOURCE: &str = "urn:nld:oin:00000001823288444000:systeem:schakel";

fn json(state: &State, notification: &Notification) -> String {
    let meta =
        EventMeta { source: SOURCE, sequence: 42, recorded: Timestamp::from_millis(1_795_339_800_123) };
    let mut out = Vec::new();
    event::render(state, notification, &meta, &mut out);
    String::from_utf8(out).unwrap()
}

fn received(state: &State, notification: &Notification) -> Event {
    serde_json::from_str(&json(state, notification)).unwrap()
}

#[test]
fn t03_a_ringing_call_is_a_cloud_event_of_the_government_profile() {
    let event = received(&state(), &notification(Kind::CallRinging, Subject::Call(CALL)));
    assert_eq!(event.specversion, "1.0");
    assert_eq!(event.source, SOURCE);
    assert_eq!(event.kind, "nl.schakel.call.ringing.v1");
    assert_eq!(event.subject, format!("contacts/{CONTACT}"));
    assert_eq!(event.partitionkey, CONTACT.to_string());
    assert_eq!(event.sequence, "00000000000000000042");
    assert_eq!(event.contactseq, Some(7));
    assert_eq!(event.time.to_string(), "2026-11-22T09:30:00.123Z");
    assert_eq!(event.expirytime.unwrap().to_string(), "2026-11-22T09:31:00.000Z");
    assert_eq!(event.traceparent, "00-01900000000070008000000000000005-8000000000000005-01");
    assert_eq!(event.data.change, "call.ringing");
    assert_eq!(event.data.observation, Observation::Observed);
}

#[test]
fn t07_a_call_that_is_being_transferred_carries_its_transfer_and_the_original_caller() {
    let event = received(&state(), &notification(Kind::CallHeld, Subject::Call(CALL)));
    let customer = event.data.contact.unwrap().customer;
    assert_eq!(customer.number.as_deref(), Some("0201234567"));
    assert_eq!(customer.name.as_deref(), Some("J. de Vries"));
    assert_eq!(event.data.transfer.unwrap().id.as_u128(), TRANSFER.0);
}

#[test]
fn t14_an_agent_has_the_place_where_he_sits() {
    let mut about = notification(Kind::AgentRegistered, Subject::Agent("jansen".into()));
    (about.contact, about.expires) = (None, None);
    let event = received(&state(), &about);
    assert_eq!(event.subject, "agents/jansen");
    assert_eq!(event.partitionkey, "agents/jansen");
    assert_eq!(event.contactseq, None);
    assert_eq!(event.data.agent.unwrap().registration.unwrap().device, "2001");
}

#[test]
fn a_refused_command_says_why_and_who_asked() {
    let mut state = state();
    let refusal = Refusal::not_allowed(RefusalCause::InvalidConnectionState, Reason::NotConnected);
    let outcome = CommandOutcome::Refused(refusal);
    state.commands.get_mut(&COMMAND).unwrap().state = CommandState::Done { at: crate::world::AT, outcome };
    let mut about = notification(Kind::CommandCompleted, Subject::Command(COMMAND));
    about.command = Some(COMMAND);
    let event = received(&state, &about);
    assert_eq!(event.traceparent, "00-01900000000070008000000000000004-8000000000000005-01");
    let command = event.data.command.unwrap();
    assert_eq!(command.kind, "hold");
    assert_eq!(command.by.token, "jkc");
    let refusal = command.refusal.unwrap();
    assert_eq!(refusal.reason.unwrap().nl, "Het gesprek is hier niet verbonden.");
    assert!(!refusal.can_retry);
}

#[test]
fn every_kind_and_subject_is_written_read_and_written_the_same() {
    let state = state();
    let subjects = [
        Subject::Call(CALL),
        Subject::Transfer(TRANSFER),
        Subject::Command(COMMAND),
        Subject::Agent("jansen".into()),
        Subject::Provider("centrale".into()),
    ];
    for kind in Kind::ALL {
        for subject in &subjects {
            for command in [None, Some(COMMAND)] {
                let about = Notification { command, ..notification(*kind, subject.clone()) };
                let text = json(&state, &about);
                let event: Event = serde_json::from_str(&text).unwrap();
                assert_eq!(text, serde_json::to_string(&event).unwrap());
                let meta = EventMeta { source: SOURCE, sequence: 42, recorded: event.time };
                assert_eq!(event, CloudEvent::of(&state, &about, &meta));
            }
        }
    }
}

#[test]
fn an_id_of_the_telephone_system_never_goes_out() {
    let subjects = [Subject::Call(CALL), Subject::Transfer(TRANSFER), Subject::Command(COMMAND)];
    for subject in subjects {
        let text = json(&state(), &notification(Kind::CallRinging, subject));
        assert!(!text.contains("secret-pbx-id"), "{text}");
    }
}

#[test]
fn an_object_that_is_forgotten_is_left_out() {
    let empty = State::new("voorbeeld".into());
    let event = received(&empty, &notification(Kind::CallEnded, Subject::Call(CALL)));
    assert!(event.data.call.is_none() && event.data.contact.is_none());
}

#[test]
fn what_is_received_is_what_was_sent() {
    let (state, about) = (state(), notification(Kind::CallRinging, Subject::Call(CALL)));
    let meta = EventMeta { source: SOURCE, sequence: 42, recorded: Timestamp::from_millis(1) };
    let sent = CloudEvent::of(&state, &about, &meta);
    let back: Event = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
    assert_eq!(back, sent);
}

#[test]
fn a_gap_names_both_ends_and_the_snapshot() {
    let event = Event::stream_gap(SOURCE, 10, 500, Timestamp::from_millis(1));
    let gap = event.data.gap.clone().unwrap();
    assert_eq!(
        (gap.after.as_str(), gap.resumes_at.as_str()),
        ("00000000000000000010", "00000000000000000500")
    );
    assert_eq!(gap.snapshot, "/v1/snapshot");
    assert_eq!(event.id.get_version_num(), 8);
    assert_eq!(event.sequence, "00000000000000000499");
}
