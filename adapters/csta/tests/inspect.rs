//! `inspect` on messages in the shapes of real products: `protocol-fixtures/csta/messages`, and the published
//! corpus where it is present. `UPDATE_FIXTURES=1` writes the expectations anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::path::{Path, PathBuf};

use schakel_csta::{Call, Dialect, Verdict, dialect, inspect};
use schakel_csta_wire::{InvokeId, encode_frame};
use support::fixtures;

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn dialect_of(path: &Path) -> &'static Dialect {
    if path.to_string_lossy().contains("openscape-voice") {
        &dialect::OPENSCAPE_VOICE
    } else {
        &dialect::STANDARD
    }
}

#[test]
fn t25_what_is_understood_of_each_message_is_shown() {
    let files = files(&fixtures().join("messages"), "xml");
    assert!(files.len() >= 14);
    for file in files {
        let inspection = inspect(&std::fs::read(&file).unwrap(), dialect_of(&file));
        let shown = serde_json::to_string_pretty(&inspection).unwrap() + "\n";
        let expected = file.with_extension("json");
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&expected, &shown).unwrap();
        }
        assert_eq!(shown, std::fs::read_to_string(&expected).unwrap(), "{}", file.display());
    }
}

#[test]
fn t01_what_is_said_of_routeing_and_agents_is_shown_in_words() {
    for (file, expected) in [
        (
            "route-selected",
            &[
                "asks to be asked where the calls at 7100 go",
                "registered for route requests as g1",
                "dialogue 1: where shall call 77 of 0031201234567 at 7100 go? Otherwise to 7000. Within 5000 ms.",
                "dialogue 1: to 2001",
                "dialogue 1: the call went to 2001",
                "dialogue 1: it is over",
            ][..],
        ),
        ("route-rejected-to-network", &["dialogue 1: back to the network"]),
        ("re-route", &["dialogue 1: that destination cannot be had; where else? Within 3000 ms."]),
        ("route-aborted", &["the telephone system ends registration g1, and every dialogue of it"]),
        ("route-rejected", &["dialogue 2: it is over; operation: routeingTimerExpired"]),
        (
            "agent-day",
            &[
                "agent 900 at 2001 is to be loggedOn in 7000",
                "agent 900 at 2001 is not ready in 7000",
                "agent 900 at 2001 is to be ready",
                "agent 900 at 2001 is ready in 7000",
                "agent 900 at 2001 is busy with a call in 7000",
                "agent 900 at 2001 is in after-call work in 7000",
                "how are the agents at 2001?",
                "agent 900 is ready in 7000",
                "an agent is logged off",
            ],
        ),
    ] {
        let text = std::fs::read_to_string(fixtures().join(format!("standard-ed6/{file}.txt"))).unwrap();
        let units = text.lines().filter(|line| line.starts_with(['<', '>']));
        let said: Vec<String> = units
            .flat_map(|line| {
                inspect(&line.as_bytes()[line.find(" <").unwrap() + 1..], &dialect::STANDARD).messages
            })
            .flat_map(|message| message.says)
            .collect();
        let mut said = said.iter();
        for words in expected {
            assert!(said.any(|line| line == words), "{file}: {words:?} is not said in its place");
        }
    }
}

#[test]
fn a_framed_stream_is_shown_message_by_message() {
    let mut bytes = Vec::new();
    encode_frame(InvokeId::EVENT, b"<HeldEvent><cause>normal</cause></HeldEvent>", &mut bytes).unwrap();
    encode_frame(InvokeId(*b"0001"), b"<keepalive/>", &mut bytes).unwrap();
    encode_frame(InvokeId(*b"0002"), b"<broken", &mut bytes).unwrap();
    let inspection = inspect(&bytes, &dialect::STANDARD);
    assert!(inspection.framed && inspection.stream_problem.is_none() && !inspection.all_understood());
    let verdicts: Vec<_> =
        inspection.messages.iter().map(|m| (m.offset, m.invoke.as_deref(), m.verdict)).collect();
    let expected = [
        (0, Some("9999"), Verdict::Understood),
        (52, Some("0001"), Verdict::Declined),
        (72, Some("0002"), Verdict::Malformed),
    ];
    assert_eq!(verdicts, expected);
    bytes.extend_from_slice(b"\0\0\0\x20abcd<x");
    assert!(inspect(&bytes, &dialect::STANDARD).stream_problem.unwrap().contains("10 bytes at byte 87"));
    bytes.extend_from_slice(&[b'y'; 40]);
    assert!(inspect(&bytes, &dialect::STANDARD).stream_problem.unwrap().contains("out of step"));
}

#[test]
fn documents_ended_by_nul_are_told_apart_and_nothing_is_said_so() {
    let inspection = inspect(b"<MonitorStop/>\0<HoldCall/>\0", &dialect::STANDARD);
    let offsets: Vec<_> = inspection.messages.iter().map(|message| message.offset).collect();
    assert_eq!((inspection.framed, offsets), (false, vec![0, 15]));
    assert!(inspection.all_understood());
    for nothing in [&b""[..], b"  \n"] {
        let inspection = inspect(nothing, &dialect::STANDARD);
        assert!(inspection.stream_problem.is_some() && !inspection.all_understood());
    }
}

#[test]
fn documents_one_after_another_are_told_apart_however_they_are_separated() {
    let prolog = "<?xml version=\"1.0\"?>";
    for between in ["", "\n", "\r\n\r\n", "\0", "\0\r\n", " <!-- next --> "] {
        for prolog in ["", prolog] {
            let text = format!("{prolog}<MonitorStop/>{between}{prolog}<HoldCall></HoldCall>{between}");
            let inspection = inspect(text.as_bytes(), &dialect::STANDARD);
            let names: Vec<_> =
                inspection.messages.iter().map(|m| m.message.as_deref().unwrap_or("?")).collect();
            assert_eq!(names, ["MonitorStop", "HoldCall"], "{text:?}");
            assert!(inspection.all_understood() && !inspection.framed);
        }
    }
}

#[test]
fn each_document_may_be_in_an_encoding_of_its_own() {
    let mut bytes = b"<?xml version='1.0' encoding='ISO-8859-1'?><MonitorStop><monitorCrossRefID>\xe9</monitorCrossRefID></MonitorStop>\n".to_vec();
    let second = bytes.len() as u64;
    bytes.extend("<?xml version='1.0' encoding='UTF-8'?><MonitorStop><monitorCrossRefID>日本</monitorCrossRefID></MonitorStop>".as_bytes());
    let inspection = inspect(&bytes, &dialect::STANDARD);
    let told: Vec<_> = inspection.messages.iter().map(|m| (m.offset, &*m.understood[0].value)).collect();
    assert!(told.last() == Some(&(second, "日本")), "{told:?}");
    let utf16: Vec<u8> = "<MonitorStop/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(inspect(&utf16, &dialect::STANDARD).all_understood());
}

#[test]
fn a_stream_that_cannot_be_cut_says_why_and_is_not_understood() {
    for (bytes, reason) in [
        (&b"\x00\x01\x00\x20<soap/>"[..], "SOAP framing is not supported"),
        (b"\x01\x00\x00\x20<soap/>", "SOAP framing is not supported"),
        (b"\x00\x00\x00\x03abcd", "shorter than its own 8-byte header"),
        (b"\x00\x00\x00\x12", "4 bytes at byte 0 are no whole frame"),
        (b"", "there is nothing in it"),
    ] {
        let inspection = inspect(bytes, &dialect::STANDARD);
        let told = inspection.stream_problem.clone().unwrap_or_default();
        assert!(told.contains(reason), "{told}");
        assert!(!inspection.all_understood());
    }
    assert!(inspect(b"\0<MonitorStop/>\0", &dialect::STANDARD).all_understood());
}

#[test]
fn what_is_malformed_has_the_word_of_a_general_reader_beside_it() {
    let inspection = inspect(b"<HeldEvent><cause></HeldEvent>", &dialect::STANDARD);
    let shown = serde_json::to_value(&inspection).unwrap();
    let opinion = shown["messages"][0]["problem"]["secondOpinion"].as_str().unwrap();
    assert!(opinion.contains("</cause>"), "{opinion}");
}

#[test]
fn a_call_event_without_a_call_says_so() {
    let inspection =
        inspect(b"<HeldEvent><heldConnection/><cause>HOLD</cause></HeldEvent>", &dialect::STANDARD);
    let message = &inspection.messages[0];
    assert_eq!(message.verdict, Verdict::Understood);
    assert!(message.problem.as_ref().unwrap().text.contains("names no call"));
    assert_eq!(message.call.as_ref().unwrap().summary, "Held, cause other");
}

/// The published captures and templates of real products, where they are present.
fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/csta/corpus");
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

fn one(corpus: &Path, file: &str) -> schakel_csta::Inspected {
    let path = corpus.join(file);
    let inspection = inspect(&std::fs::read(&path).unwrap(), dialect_of(&path));
    assert_eq!(inspection.messages.len(), 1, "{file}");
    inspection.messages.into_iter().next().unwrap()
}

fn call(corpus: &Path, file: &str) -> Call {
    one(corpus, file).call.unwrap_or_else(|| panic!("{file} is no call event"))
}

fn number(party: &Option<schakel_csta::Party>) -> Option<&str> {
    party.as_ref().and_then(|party| party.number.as_deref())
}

#[test]
fn every_well_formed_message_of_the_corpus_is_understood_or_declined_by_name() {
    let Some(corpus) = corpus() else { return };
    let files = files(&corpus, "xml");
    assert!(files.len() > 100);
    // What is no CSTA of ours: private services, features of telephones, other protocols in the same stream.
    let not_ours = [
        "AssignDevice",
        "GetDeviceId",
        "HookSwitchStatus",
        "MonitorStartAb",
        "MonitorTrunk",
        "RegisterTerminalRequest",
        "ReleaseDeviceId",
        "SetDisplay",
        "SetHookswitchStatus",
        "SetMicrophoneMute",
        "SetSecurityClass",
        "SetSpeakerVolume",
        "UnregisterTerminalRequest",
        "iq",
        "keepalive",
        "loginRequest",
        "loginResponce",
        "presence",
    ];
    for file in files {
        let inspection = inspect(&std::fs::read(&file).unwrap(), dialect_of(&file));
        for message in inspection.messages {
            let place = file.display();
            match message.verdict {
                Verdict::Understood => assert!(!message.message.unwrap().is_empty()),
                Verdict::Declined => {
                    let root = message.message.unwrap();
                    assert!(not_ours.contains(&&*root), "{place}: {root}");
                    assert!(message.problem.unwrap().text.contains(&root));
                }
                Verdict::Malformed => {
                    assert!(file.ends_with("avaya-dmcc/013-StopApplicationSession.xml"), "{place}")
                }
            }
        }
    }
}

#[test]
fn captures_of_openscape_voice_come_out_as_what_they_say() {
    let Some(corpus) = corpus() else { return };
    let delivered = call(&corpus, "openscape-voice/014-DeliveredEvent.xml");
    assert_eq!(
        (number(&delivered.calling), number(&delivered.called)),
        (Some("7868772298"), Some("3021061290002"))
    );
    assert_eq!(delivered.connection.device, "3021061290002");
    assert_eq!((delivered.local_state, delivered.cause), (Some("alerting"), "enteringDistribution"));
    assert_eq!(number(&delivered.network_called), Some("02911"));
    assert_eq!(delivered.permitted, Some(vec!["clearConnection", "deflectCall"]));
    assert!(delivered.correlator.unwrap().starts_with("urn:nena:uid:callid:"));
    assert_eq!(delivered.calling.unwrap().name.as_deref(), Some("Line71001"));
    let transferred = call(&corpus, "openscape-voice/015-TransferedEvent.xml");
    assert_eq!(transferred.connection.device, "+17867104700");
    assert_eq!(transferred.to.as_deref(), Some("+17867100001"));
    assert_eq!((transferred.local_state, transferred.cause), (Some("null"), "singleStepTransfer"));
    let caller = &transferred.moved[1];
    assert_eq!((&*caller.to.call, &*caller.to.device), ("0300010000000000CFB6706408000000", "+17867100000"));
    assert_eq!(caller.from.as_ref().unwrap().call, "FF00010000000000CFB6706408000000");
    let originated = call(&corpus, "openscape-voice/002-OriginatedEvent.xml");
    assert_eq!(
        (number(&originated.calling), number(&originated.called)),
        (Some("302118840100"), Some("302118840101"))
    );
    assert_eq!((originated.local_state, originated.cause), (Some("connected"), "newCall"));
    let initiated = call(&corpus, "openscape-voice/001-ServiceInitiatedEvent.xml");
    assert_eq!((&*initiated.connection.device, initiated.cause), ("302118840100", "makeCall"));
    let status = one(&corpus, "openscape-voice/009-SystemStatus.xml");
    assert_eq!((status.edition.as_deref(), status.kind), (Some("ed2"), Some("request")));
    let information = call(&corpus, "openscape-voice/013-CallInformationEvent.xml");
    assert_eq!(information.connection.device, "3021061290000");
}

#[test]
fn captures_of_mitel_zultys_snom_and_yealink_come_out_as_what_they_say() {
    let Some(corpus) = corpus() else { return };
    let field = |file: &str, path: &str| {
        let message = one(&corpus, file);
        let field = message.understood.into_iter().find(|field| field.path == path);
        field.unwrap_or_else(|| panic!("{file}: {path}"))
    };
    let refusal = field("mitel-mivoice400-estos/002-CSTAErrorCode.xml", "systemResourceAvailibility");
    assert_eq!(refusal.value, "overallMonitorLimitExceeded");
    let monitor = field("mitel-mivoice400-estos/001-MonitorStart.xml", "monitorObject/deviceObject");
    assert_eq!((&*monitor.value, monitor.number.as_deref()), ("N<123!98>", Some("123")));
    assert_eq!(field("zultys-mx/006-MakeCallResponse.xml", "callingDevice/callID").value, "25");
    assert_eq!(one(&corpus, "zultys-mx/006-MakeCallResponse.xml").unused, ["calledDevice"]);
    assert_eq!(field("zultys-mx/007-CSTAErrorCode.xml", "privateErrorCode").value, "URM Denied");
    let info = "crossRefIDorSnapshotData/snapshotData/snapshotDeviceResponseInfo";
    let device =
        field("snom/010-SnapshotDeviceResponse.xml", &format!("{info}/connectionIdentifier/deviceID"));
    assert_eq!(device.number.as_deref(), Some("455455"));
    let call_id =
        field("snom/010-SnapshotDeviceResponse.xml", &format!("{info}/connectionIdentifier/callID"));
    assert_eq!(call_id.value, "-12");
    let state = format!("{info}/localCallState/compoundCallState/localConnectionState");
    assert_eq!(field("snom/010-SnapshotDeviceResponse.xml", &state).value, "alerting");
    let delivered = call(&corpus, "yealink/012-DeliveredEvent.xml");
    assert_eq!((number(&delivered.calling), number(&delivered.called)), (Some("2000"), Some("1001")));
    let failed = call(&corpus, "yealink/013-FailedEvent.xml");
    assert_eq!((failed.local_state, failed.cause), (Some("null"), "callCancelled"));
    let fault = one(&corpus, "yealink/016-soap-SOAP.xml");
    assert!(fault.soap && fault.kind == Some("error"));
}
