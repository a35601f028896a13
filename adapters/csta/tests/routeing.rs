//! Routeing where a transcript says too little: many dialogues, several registrations, PBXs that leave things out.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use schakel_core::adapter::{Adapter, Input, Operation, Output, ProviderCommand};
use schakel_core::command::RefusalCause;
use schakel_core::model::ids::{CommandId, DeviceId};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::{EventReport, RouteEvent};
use schakel_csta::{Csta, Settings, dialect};
use schakel_csta_wire::*;

const NOW: Time = Time(1_000_000);

fn frame(message: Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_frame(InvokeId(*b"0042"), &Encoder::new(Edition::Ed4).to_vec(&message), &mut bytes).unwrap();
    bytes
}

/// An adapter without telephones that is registered for these routeing devices, as `g1`, `g2` …
fn registered(devices: &[&str]) -> Csta {
    let routeing_devices = devices.iter().map(|device| DeviceId::from(*device)).collect();
    let settings = Settings::new(&dialect::STANDARD, Vec::new());
    let mut csta =
        Csta::new(Settings { get_capabilities: false, heartbeat: Millis(0), routeing_devices, ..settings });
    let mut outputs = Vec::new();
    csta.handle(Input::Opened, NOW, &mut outputs);
    for at in 1..=devices.len() {
        let response = Response::from(RouteRegisterResponse { register: format!("g{at}").into() });
        let mut bytes = Vec::new();
        let invoke = InvokeId(format!("{at:04}").as_bytes().try_into().unwrap());
        encode_frame(invoke, &Encoder::new(Edition::Ed4).to_vec(&response.into()), &mut bytes).unwrap();
        csta.handle(Input::Received(&bytes), NOW, &mut outputs);
    }
    csta
}

fn says(csta: &mut Csta, request: Request<'_>) -> Vec<Output> {
    let mut outputs = Vec::new();
    csta.handle(Input::Received(&frame(request.into())), NOW, &mut outputs);
    outputs
}

fn asks(csta: &mut Csta, cross_ref: &str, register: Option<&'static str>) -> (String, RouteEvent) {
    let request = RouteRequest {
        cross_ref: cross_ref.to_owned().into(),
        register: register.map(Into::into),
        call: Some(ConnectionId::new("77", "7100")),
        ..Default::default()
    };
    match &says(csta, request.into())[..] {
        [Output::Report(EventReport::Route { dialogue, event })] => (dialogue.to_string(), (**event).clone()),
        other => panic!("{other:?}"),
    }
}

fn select(csta: &mut Csta, dialogue: &str) -> Vec<Output> {
    let operation =
        Operation::RouteSelect { dialogue: dialogue.into(), destination: Pii::new("2001".into()) };
    let command = ProviderCommand { command: CommandId(1), step: 0, limit: Millis::seconds(10), operation };
    let mut outputs = Vec::new();
    csta.handle(Input::Execute(&command), NOW, &mut outputs);
    outputs
}

fn sent(outputs: &[Output]) -> String {
    let bytes = outputs.iter().filter_map(|output| match output {
        Output::Transmit(bytes) => Some(String::from_utf8_lossy(&bytes[HEADER_BYTES..]).into_owned()),
        _ => None,
    });
    bytes.collect()
}

#[test]
fn t01_the_same_number_in_two_registrations_is_two_dialogues() {
    let mut csta = registered(&["7100", "7200"]);
    let (one, event) = asks(&mut csta, "1", Some("g1"));
    assert!(matches!(event, RouteEvent::Requested { device, .. } if device.as_str() == "7100"));
    let (other, event) = asks(&mut csta, "1", Some("g2"));
    assert!(matches!(event, RouteEvent::Requested { device, .. } if device.as_str() == "7200"));
    assert_ne!(one, other);
    let answer = sent(&select(&mut csta, &other));
    assert!(
        answer.contains("<crossRefIdentifier>1<") && answer.contains("<routeRegisterReqID>g2<"),
        "{answer}"
    );
    // The registration ends, and its dialogues with it: no other.
    let ended = says(&mut csta, RouteRegisterAbort { register: "g2".into() }.into());
    assert!(
        matches!(&ended[..], [Output::Report(EventReport::Route { dialogue, .. })] if **dialogue == *other)
    );
    assert!(sent(&select(&mut csta, &one)).contains("<RouteSelect "));
}

#[test]
fn t01_a_pbx_with_one_routeing_device_need_not_name_it_nor_the_registration() {
    let mut csta = registered(&["7100"]);
    let (dialogue, event) = asks(&mut csta, "1", None);
    assert!(matches!(event, RouteEvent::Requested { device, .. } if device.as_str() == "7100"));
    let answer = sent(&select(&mut csta, &dialogue));
    assert!(answer.contains("<RouteSelect ") && !answer.contains("routeRegisterReqID"), "{answer}");
}

#[test]
fn t01_dialogues_that_are_never_ended_do_not_fill_the_memory() {
    let mut csta = registered(&["7100"]);
    for at in 0..2_000 {
        asks(&mut csta, &at.to_string(), Some("g1"));
    }
    let oldest = select(&mut csta, "0");
    let refused = |output: &Output| matches!(output, Output::Reply { result: Err(refusal), .. } if refusal.cause == RefusalCause::PartyGone);
    assert!(matches!(&oldest[..], [output] if refused(output)), "{oldest:?}");
    assert!(sent(&select(&mut csta, "1999")).contains("<RouteSelect "));
}

#[test]
fn t01_a_pbx_that_asks_who_never_registered_is_told_that_we_do_not_route() {
    let mut csta = registered(&[]);
    let request = RouteRequest { cross_ref: "1".into(), ..Default::default() };
    assert!(sent(&says(&mut csta, request.into())).contains("serviceNotSupported"));
}

#[test]
fn t01_what_is_sent_in_a_dialogue_and_not_answered_is_no_fault() {
    let mut csta = registered(&["7100"]);
    let (dialogue, _) = asks(&mut csta, "1", Some("g1"));
    select(&mut csta, &dialogue);
    let mut outputs = Vec::new();
    let at = csta.next_deadline().unwrap();
    csta.handle(Input::Tick, at, &mut outputs);
    assert_eq!((outputs.len(), csta.next_deadline()), (0, None));
    assert!(!csta.observations().counters.iter().any(|(name, _)| *name == "requests_timed_out"));
}
