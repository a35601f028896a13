//! What must hold of the adapter whatever comes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use proptest::prelude::*;
use schakel_core::adapter::{Adapter, Input, Output, ProviderCommand};
use schakel_core::model::ids::{CommandId, DeviceId};
use schakel_core::model::time::{Millis, Time};
use schakel_csta::{Csta, Settings, dialect};
use schakel_csta_wire::*;
use schakel_testkit::{Wire, operation};
use support::{CstaWire, DIALECTS, adapter, fixtures};

const NOW: Time = Time(1_000_000);

fn settings(devices: usize) -> Settings {
    let devices = (0..devices).map(|n| DeviceId::from(format!("{}", 2000 + n).as_str())).collect();
    Settings { get_capabilities: false, heartbeat: Millis(0), ..Settings::new(&dialect::STANDARD, devices) }
}

fn frame(invoke: InvokeId, message: Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_frame(invoke, &Encoder::new(Edition::Ed4).to_vec(&message), &mut bytes).unwrap();
    bytes
}

fn sent(outputs: &[Output]) -> Vec<(InvokeId, String)> {
    let mut wire = Deframer::new(MAX_FRAME_BYTES);
    for output in outputs {
        if let Output::Transmit(bytes) = output {
            wire.push(bytes);
        }
    }
    let mut units = Vec::new();
    while let Some(frame) = wire.next_frame().unwrap() {
        units.push((frame.invoke, std::str::from_utf8(frame.body).unwrap().to_owned()));
    }
    units
}

/// A PBX that answers everything at once, in the order it was asked.
fn answer_all(csta: &mut Csta, mut outputs: Vec<Output>) -> (Vec<Output>, usize) {
    let mut all = Vec::new();
    let mut most = 0;
    loop {
        let asked = sent(&outputs);
        most = most.max(asked.len());
        all.append(&mut outputs);
        if asked.is_empty() {
            return (all, most);
        }
        for (invoke, xml) in asked {
            let response: Response = match decode(&xml).unwrap().message {
                Message::Request(Request::MonitorStart(start)) => {
                    let MonitorObject::Device(device) = start.object else { panic!() };
                    MonitorStartResponse {
                        monitor: format!("m{}", device.value).into(),
                        existing_calls: None,
                    }
                    .into()
                }
                Message::Request(Request::SnapshotDevice(_)) => SnapshotDeviceResponse::default().into(),
                other => panic!("{other:?}"),
            };
            csta.handle(Input::Received(&frame(invoke, response.into())), NOW, &mut outputs);
        }
    }
}

fn opened(settings: Settings) -> (Csta, Vec<Output>) {
    let mut csta = Csta::new(settings);
    let mut outputs = Vec::new();
    csta.handle(Input::Opened, NOW, &mut outputs);
    (csta, outputs)
}

fn up(devices: usize) -> Csta {
    let (mut csta, outputs) = opened(settings(devices));
    answer_all(&mut csta, outputs);
    csta
}

#[test]
fn p01_monitors_are_started_at_a_measured_pace_and_each_device_once() {
    let (mut csta, outputs) = opened(Settings { outstanding_max: 7, ..settings(500) });
    assert_eq!(sent(&outputs).len(), 7);
    let (all, _) = answer_all(&mut csta, outputs);
    let units = sent(&all);
    assert_eq!(units.iter().filter(|(_, xml)| xml.contains("<MonitorStart ")).count(), 500);
    assert_eq!(units.iter().filter(|(_, xml)| xml.contains("<SnapshotDevice ")).count(), 500);
    assert_eq!(all.iter().filter(|output| matches!(output, Output::Resynced { without_snapshot } if without_snapshot.is_empty())).count(), 1);
    assert_eq!(csta.next_deadline(), None);
}

#[test]
fn invoke_ids_wrap_before_9999_and_skip_those_without_an_answer() {
    let mut csta = up(1);
    let mut seen = Vec::new();
    let command = |n: u128| ProviderCommand {
        command: CommandId(n),
        step: 0,
        limit: Millis::seconds(10),
        operation: operation("answer 77@2000").unwrap(),
    };
    let mut outputs = Vec::new();
    // The first one is never answered.
    csta.handle(Input::Execute(&command(0)), NOW, &mut outputs);
    let kept = sent(&outputs)[0].0;
    for n in 1..12_000 {
        outputs.clear();
        csta.handle(Input::Execute(&command(n)), NOW, &mut outputs);
        let invoke = sent(&outputs)[0].0;
        assert!(invoke != kept && invoke != InvokeId::EVENT && invoke.number() != Some(0));
        seen.push(invoke);
        outputs.clear();
        let response = Response::Empty(EmptyResponse::AnswerCall);
        csta.handle(Input::Received(&frame(invoke, response.into())), NOW, &mut outputs);
        assert!(
            matches!(&outputs[..], [Output::Reply { command: CommandId(id), result: Ok(_), .. }] if *id == n)
        );
    }
    assert!(seen.contains(&InvokeId(*b"9998")) && seen.contains(&InvokeId(*b"0001")));
}

#[test]
fn a_pbx_that_answers_nothing_is_asked_no_more_than_it_has_ids() {
    let mut csta = up(1);
    let mut outputs = Vec::new();
    for n in 0..10_100 {
        let command = ProviderCommand {
            command: CommandId(n),
            step: 0,
            limit: Millis::seconds(10),
            operation: operation("hold 77@2000").unwrap(),
        };
        csta.handle(Input::Execute(&command), NOW, &mut outputs);
    }
    assert!(outputs.iter().any(|output| matches!(output, Output::Close(_))));
    // After the close, commands are refused at once.
    assert!(matches!(outputs.last(), Some(Output::Reply { result: Err(_), .. })));
}

#[test]
fn a_monitor_that_is_answered_too_late_is_used_and_a_second_one_given_back() {
    let (mut csta, outputs) = opened(settings(1));
    let first = sent(&outputs)[0].0;
    let mut outputs = Vec::new();
    csta.handle(Input::Tick, NOW + Millis::seconds(10), &mut outputs);
    assert!(outputs.iter().any(
        |output| matches!(output, Output::Resynced { without_snapshot } if without_snapshot.len() == 1)
    ));
    let retry = csta.next_deadline().unwrap();
    outputs.clear();
    csta.handle(Input::Tick, retry, &mut outputs);
    let second = sent(&outputs)[0].0;
    let started = |monitor: &'static str| {
        Message::from(Response::from(MonitorStartResponse { monitor: monitor.into(), existing_calls: None }))
    };
    outputs.clear();
    csta.handle(Input::Received(&frame(first, started("late"))), retry, &mut outputs);
    csta.handle(Input::Received(&frame(second, started("second"))), retry, &mut outputs);
    let stops: Vec<_> = sent(&outputs).into_iter().filter(|(_, xml)| xml.contains("<MonitorStop")).collect();
    assert_eq!(stops.len(), 1);
    assert!(stops[0].1.contains("late"));
}

/// More events than are kept for a device whose snapshot is awaited.
const FLOOD: usize = 1030;

/// A device whose monitor runs, and the snapshot that it asks for.
fn looked_at() -> (Csta, InvokeId) {
    let (mut csta, outputs) = opened(settings(1));
    let started = MonitorStartResponse { monitor: "m".into(), existing_calls: None };
    let mut next = Vec::new();
    let first = sent(&outputs)[0].0;
    csta.handle(Input::Received(&frame(first, Response::from(started).into())), NOW, &mut next);
    let snapshot = sent(&next)[0].0;
    (csta, snapshot)
}

#[test]
fn a_snapshot_whose_parties_are_awaited_too_long_is_given_out_without_them_before_what_came_meanwhile() {
    let (mut csta, snapshot) = looked_at();
    let mut outputs = Vec::new();
    let call = SnapshotDeviceInfo {
        connection: ConnectionId::new("7", "2000"),
        state: CallState::Compound(vec![LocalConnectionState::Queued]),
        ..SnapshotDeviceInfo::default()
    };
    let response = SnapshotDeviceResponse { cross_ref: None, calls: vec![call] };
    csta.handle(Input::Received(&frame(snapshot, Response::from(response).into())), NOW, &mut outputs);
    let (parties, xml) = sent(&outputs)[0].clone();
    assert!(xml.contains("<SnapshotCall"), "its parties are asked for: {xml}");
    outputs.clear();
    let held = CallEvent::new(CallEventKind::Held, "m", ConnectionId::new("7", "2000"));
    for _ in 0..FLOOD {
        csta.handle(Input::Received(&frame(InvokeId::EVENT, held.clone().into())), NOW, &mut outputs);
    }
    // Which calls are over is known by it: without it they would be uncertain for half an hour.
    assert!(matches!(&outputs[0], Output::Snapshot(snapshot) if snapshot.connections.len() == 1));
    assert_eq!(outputs.iter().filter(|output| matches!(output, Output::Report(_))).count(), FLOOD);
    outputs.clear();
    let answer = Response::from(SnapshotCallResponse::default());
    csta.handle(Input::Received(&frame(parties, answer.into())), NOW, &mut outputs);
    assert_eq!(outputs, [Output::Resynced { without_snapshot: Vec::new() }]);
}

#[test]
fn a_device_whose_snapshot_never_ends_gives_out_what_came_meanwhile_however_much_it_is() {
    let (mut csta, snapshot) = looked_at();
    let mut outputs = Vec::new();
    let segments = SnapshotDeviceResponse { cross_ref: Some("s".into()), calls: Vec::new() };
    csta.handle(Input::Received(&frame(snapshot, Response::from(segments).into())), NOW, &mut outputs);
    let held = CallEvent::new(CallEventKind::Held, "m", ConnectionId::new("7", "2000"));
    for _ in 0..FLOOD {
        csta.handle(Input::Received(&frame(InvokeId::EVENT, held.clone().into())), NOW, &mut outputs);
    }
    // More than can be kept: the snapshot is given up, nothing of the events is lost.
    assert_eq!(outputs.iter().filter(|output| matches!(output, Output::Report(_))).count(), FLOOD);
    assert!(matches!(outputs.last(), Some(Output::Report(_) | Output::Resynced { .. })));
}

#[test]
fn p06_a_connection_is_named_to_the_pbx_as_the_pbx_named_it() {
    let mut csta = up(1);
    let mut outputs = Vec::new();
    let event = CallEvent {
        subject: Some(DeviceRef::known("sip:2000@10.0.0.1:5060")),
        local_state: Some(LocalConnectionState::Alerting),
        ..CallEvent::new(
            CallEventKind::Delivered,
            "m2000",
            ConnectionId::new("-12", "sip:2000@10.0.0.1:5060;x=1"),
        )
    };
    csta.handle(Input::Received(&frame(InvokeId::EVENT, event.into())), NOW, &mut outputs);
    let command = ProviderCommand {
        command: CommandId(1),
        step: 0,
        limit: Millis::seconds(10),
        operation: operation("answer -12@2000").unwrap(),
    };
    outputs.clear();
    csta.handle(Input::Execute(&command), NOW, &mut outputs);
    assert!(sent(&outputs)[0].1.contains("<deviceID>sip:2000@10.0.0.1:5060;x=1</deviceID>"));
}

#[test]
fn a_refused_message_is_kept_with_its_bytes_and_only_so_many_are() {
    let mut csta = Csta::new(Settings { refused_kept_max: 2, ..settings(0) });
    let mut outputs = Vec::new();
    csta.handle(Input::Opened, NOW, &mut outputs);
    for n in 0..5 {
        let mut bytes = Vec::new();
        encode_frame(InvokeId::EVENT, format!("<HeldEvent>{n}").as_bytes(), &mut bytes).unwrap();
        csta.handle(Input::Received(&bytes), NOW, &mut outputs);
    }
    let seen = csta.observations();
    assert_eq!(seen.refused.len(), 2);
    assert_eq!(seen.refused[1].message.expose(), b"<HeldEvent>4");
    assert!(seen.counters.contains(&("messages_refused", 5)));
    assert_eq!(outputs.iter().filter(|output| matches!(output, Output::Fault(_))).count(), 5);
}

#[test]
fn transcripts_come_out_the_same_wherever_tcp_cuts_them() {
    for dialect in DIALECTS {
        let text = std::fs::read_to_string(fixtures().join(dialect).join("warm-transfer.txt")).unwrap();
        let mut stream = Vec::new();
        for unit in units(&text) {
            stream.extend(CstaWire::default().encode(&unit).unwrap());
        }
        let keys = [("dialect", dialect_name(dialect)), ("devices", "2001,2002")];
        let keys = keys.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let run = |cut: usize| {
            let mut csta = adapter(&keys).unwrap();
            let mut outputs = Vec::new();
            csta.handle(Input::Opened, NOW, &mut outputs);
            for piece in stream.chunks(cut) {
                csta.handle(Input::Received(piece), NOW, &mut outputs);
            }
            outputs
        };
        let whole = run(stream.len());
        assert!(whole.len() > 10);
        for cut in [1, 2, 7, 8, 9, 100, 1460] {
            assert_eq!(run(cut), whole, "{dialect} cut at every {cut} bytes");
        }
    }
}

/// The units that the PBX sends in a transcript.
fn units(text: &str) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some(unit) = line.strip_prefix("< ") {
            units.push(unit.to_owned());
        } else if let (Some(more), Some(unit)) = (line.strip_prefix("  "), units.last_mut()) {
            unit.push_str(more.trim_start());
        }
    }
    units
}

fn dialect_name(folder: &str) -> &str {
    if folder.starts_with("standard") { "standard" } else { folder }
}

fn all_units() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for dialect in DIALECTS {
        for path in schakel_testkit::transcripts(&fixtures().join(dialect)) {
            let text = std::fs::read_to_string(path).unwrap();
            found.extend(units(&text).iter().filter_map(|unit| CstaWire::default().encode(unit).ok()));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(300)))]

    /// Messages of any transcript in any order, duplicated, with bytes changed, with time passing: no panic, every
    /// command answered once, and what is sent can be read.
    #[test]
    fn whatever_comes_in_whatever_order_every_command_is_answered_once(
        picks in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..12, any::<u8>()), 1..80),
    ) {
        thread_local! { static UNITS: Vec<Vec<u8>> = all_units(); }
        let mut csta = up(3);
        let mut outputs = Vec::new();
        let mut now = NOW;
        let mut asked = 0;
        for (pick, what, byte) in picks {
            match what {
                0 => {
                    asked += 1;
                    let command = ProviderCommand {
                        command: CommandId(asked),
                        step: 0,
                        limit: Millis::seconds(5),
                        operation: operation(["answer 77@2001", "consult 77@2001 2002", "dial 2001 1"][usize::from(byte) % 3]).unwrap(),
                    };
                    csta.handle(Input::Execute(&command), now, &mut outputs);
                }
                1 => {
                    now = now + Millis(u64::from(byte) * 100);
                    csta.handle(Input::Tick, now, &mut outputs);
                }
                _ => {
                    let mut unit = UNITS.with(|units| pick.get(units).clone());
                    if what == 2 {
                        let at = 8 + pick.index(unit.len() - 8);
                        unit[at] = byte;
                    }
                    csta.handle(Input::Received(&unit), now, &mut outputs);
                }
            }
        }
        let closed = outputs.iter().any(|output| matches!(output, Output::Close(_)));
        csta.handle(Input::Tick, now + Millis::seconds(3600), &mut outputs);
        for command in 1..=asked {
            let replies = outputs.iter().filter(|o| matches!(o, Output::Reply { command: id, .. } if id.0 == command)).count();
            prop_assert!(replies == 1 || (closed && replies == 0), "{command} has {replies} answers");
        }
        for (_, xml) in sent(&outputs) {
            prop_assert!(decode(&xml).is_ok());
        }
    }

    #[test]
    fn random_bytes_close_the_link_at_worst(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 1_usize..40) {
        let mut csta = up(1);
        let mut outputs = Vec::new();
        for piece in bytes.chunks(cut) {
            csta.handle(Input::Received(piece), NOW, &mut outputs);
        }
        prop_assert!(outputs.iter().filter(|output| matches!(output, Output::Close(_))).count() <= 1);
    }
}
