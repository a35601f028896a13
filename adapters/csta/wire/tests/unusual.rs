//! Unusual but legal: the same message in every dress that XML allows, and with
//! everything in it that the standard has, is the same message.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
mod structure;

use schakel_csta_wire::*;
use structure::{EDITIONS, Full};

/// More than the largest choice.
const ALTERNATIVES: usize = 9;

/// A piece of a plain document: `<name>`, `</name>`, `<name/>` or text.
enum Piece<'a> {
    Open(&'a str),
    Close(&'a str),
    Empty(&'a str),
    Text(&'a str),
}

fn pieces(document: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    for tag in document.split('<').skip(1) {
        let (name, text) = tag.split_once('>').unwrap();
        found.push(match (name.strip_prefix('/'), name.strip_suffix('/')) {
            (Some(name), _) => Piece::Close(name),
            (_, Some(name)) => Piece::Empty(name),
            _ => Piece::Open(name),
        });
        if !text.is_empty() {
            found.push(Piece::Text(text));
        }
    }
    found
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">")
}

type Dress = fn(&Piece<'_>, bool) -> String;

fn tag(piece: &Piece<'_>, prefix: &str, attributes: &str, space: &str) -> String {
    match piece {
        Piece::Open(name) => format!("<{prefix}{name}{attributes}{space}>"),
        Piece::Close(name) => format!("</{prefix}{name}{space}>"),
        Piece::Empty(name) => format!("<{prefix}{name}{attributes}{space}/>"),
        Piece::Text(text) => (*text).to_owned(),
    }
}

/// Each takes a piece, and whether it is the root.
const DRESSES: [(&str, Dress); 8] = [
    ("a prefix on everything", |piece, root| {
        let namespace = " xmlns:x=\"http://www.ecma-international.org/standards/ecma-323/csta/ed5\"";
        tag(piece, "x:", if root { namespace } else { "" }, "")
    }),
    ("the default namespace anew on every element", |piece, _| {
        tag(piece, "", " xmlns='http://www.ecma-international.org/standards/ecma-323/csta/ed4'", "")
    }),
    ("prefixed attributes and the standard's defaults", |piece, _| {
        let attributes = " mediaClass=\"notKnown\"  bitRate = 'constant' xsi:type=\"a:b\" xml:lang='nl' note='a > b &amp; c'";
        tag(piece, "", attributes, "")
    }),
    ("comments and processing instructions everywhere", |piece, _| {
        let told = "<!-- <cause>busy</cause> --><?vendor <callID>0</callID> ?>";
        match piece {
            Piece::Text(text) => {
                let half = text.find(|c: char| c != '&').map_or(0, |at| at + 1);
                let half = if text.is_char_boundary(half) && !text.starts_with('&') { half } else { 0 };
                format!("{}{told}{}{told}", &text[..half], &text[half..])
            }
            _ => format!("{}{told}", tag(piece, "", "", "")),
        }
    }),
    ("text in CDATA sections", |piece, _| match piece {
        Piece::Text(text) => {
            let text = plain(text);
            let half = text.len() / 2;
            let half = (half..).find(|at| text.is_char_boundary(*at)).unwrap();
            format!("<![CDATA[{}]]><![CDATA[{}]]>", &text[..half], &text[half..])
        }
        _ => tag(piece, "", "", ""),
    }),
    ("every character as a reference", |piece, _| match piece {
        Piece::Text(text) => {
            plain(text)
                .chars()
                .map(|c| {
                    if c.is_ascii_digit() {
                        format!("&#{};", c as u32)
                    } else {
                        format!("&#x{:X};", c as u32)
                    }
                })
                .collect()
        }
        _ => tag(piece, "", "", ""),
    }),
    ("lines, tabs and blanks wherever they may be", |piece, _| match piece {
        Piece::Text(text) => format!("\r\n\t {text} \r\n"),
        _ => format!("\r\n\t{}", tag(piece, "", "", " \n")),
    }),
    ("empty elements written long, with a vendor's elements between", |piece, root| match piece {
        Piece::Empty(name) => format!("<{name}></{name}>"),
        Piece::Open(_) if root => {
            format!("{}<v:own xmlns:v='urn:vendor'><v:a><b/></v:a>text</v:own>", tag(piece, "", "", ""))
        }
        _ => tag(piece, "", "", ""),
    }),
];

#[test]
fn a_message_is_the_same_in_every_dress() {
    for (_, name) in EDITIONS {
        let structure = structure::fixture(name);
        for message in &structure.messages {
            for k in 0..ALTERNATIVES {
                let document = structure::document(message, &structure.words, &mut Full { k, count: 0 });
                let told = decode(&document).unwrap().message;
                for (what, dress) in DRESSES {
                    let dressed: String = pieces(&document)
                        .iter()
                        .enumerate()
                        .map(|(at, piece)| dress(piece, at == 0))
                        .collect();
                    let dressed = format!("<?xml version='1.0' standalone='yes'?>\n<!-- sent -->{dressed}");
                    let read = decode(&dressed).unwrap_or_else(|e| panic!("{what}: {dressed}: {e}"));
                    assert_eq!(read.message, told, "{what}: {dressed}");
                }
            }
        }
    }
}

#[test]
fn everything_that_the_standard_has_in_a_message_at_once_is_read_and_kept() {
    for (edition, name) in EDITIONS {
        let Some(published) = structure::published(name) else { return };
        for message in &published.messages {
            for k in 0..ALTERNATIVES {
                let document = structure::document(message, &published.words, &mut Full { k, count: 0 });
                let first = decode(&document).unwrap_or_else(|e| panic!("{document}: {e}"));
                assert_eq!(first.message.root(), message.name);
                let written = Encoder::new(edition).to_vec(&first.message);
                let written = String::from_utf8(written).unwrap();
                assert_eq!(decode(&written).unwrap().message, first.message, "{name} {}", message.name);
            }
        }
    }
}

fn call(text: &str) -> CallEvent<'_> {
    match decode(text).unwrap_or_else(|e| panic!("{e}")).message {
        Message::Call(event) => *event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_cause_and_every_state_comes_through_an_event() {
    for cause in EventCause::ALL {
        let text = format!("<FailedEvent><cause>{cause}</cause></FailedEvent>");
        assert_eq!(call(&text).cause.as_ref(), Some(cause));
    }
    for state in LocalConnectionState::ALL {
        let text = format!("<FailedEvent><localConnectionInfo>{state}</localConnectionInfo></FailedEvent>");
        assert_eq!(call(&text).local_state.as_ref(), Some(state));
    }
}

#[test]
fn connections_without_parts_with_bare_text_and_in_another_case_are_read() {
    let of = |inside: &str| {
        let text = format!("<HeldEvent><heldConnection>{inside}</heldConnection></HeldEvent>");
        call(&text).connection.call.into_owned()
    };
    assert_eq!(of(""), "");
    assert_eq!(of("<deviceID/><callID/>"), "");
    assert_eq!(of(" 77 "), "77");
    assert_eq!(of("<![CDATA[7&7]]>"), "7&7");
    assert_eq!(of("<callId>77</callId><deviceId>2001</deviceId>"), "77");
    assert_eq!(of("<callID>77</callID>noise"), "77");
    assert_eq!(call("<HeldEvent><heldConnection/></HeldEvent>").connection, ConnectionId::default());
}

#[test]
fn a_name_as_long_as_a_frame_is_a_name() {
    let name = "é".repeat(30_000);
    let text = format!("<DeliveredEvent><callingDevice>{name}</callingDevice></DeliveredEvent>");
    assert_eq!(call(&text).calling, Some(DeviceRef::known(name.as_str())));
    let text = format!("<DeliveredEvent><callingDisplayName>{name}</callingDisplayName></DeliveredEvent>");
    let event = call(&text);
    assert_eq!(event.calling_name.as_deref(), Some(&*name));
    let message = Message::from(event);
    let written = Encoder::new(Edition::Ed6).to_vec(&message);
    assert_eq!(decode(&text_of(&written).unwrap()).unwrap().message, message);
}

#[test]
fn a_simple_call_state_names_this_end_first() {
    let local = |word: &str| CallState::Simple(SimpleCallState::from_word(word.to_owned().into())).local();
    use LocalConnectionState as State;
    for (word, state) in [
        ("callPending", State::Initiated),
        ("callOriginated", State::Connected),
        ("callDelivered", State::Connected),
        ("callDeliveredHeld", State::Hold),
        ("callReceived", State::Alerting),
        ("callReceivedOnHold", State::Alerting),
        ("callEstablished", State::Connected),
        ("callEstablishedHeld", State::Hold),
        ("callEstablishedOnHold", State::Connected),
        ("callQueuedHeld", State::Hold),
    ] {
        assert_eq!(local(word), Some(state), "{word}");
    }
}

#[test]
fn refusals_in_a_vendors_words_are_refusals() {
    let error = |text: &str| match decode(text).unwrap_or_else(|e| panic!("{e}")).message {
        Message::Error(error) => (error.category, error.value.into_owned()),
        other => panic!("{other:?}"),
    };
    let words = |words: &str| (ErrorCategory::PrivateErrorCode, words.to_owned());
    assert_eq!(error("<errorResponse Error=\"Unknown call\" />"), words("Unknown call"));
    assert_eq!(error("<errorResponse Error=\" Unknown call\n\" />"), words("Unknown call"));
    assert_eq!(error("<errorResponse>no &amp; no</errorResponse>"), words("no & no"));
    let fault = "<Envelope><Body><Fault><faultcode>x</faultcode><faultstring>No licence</faultstring></Fault></Body></Envelope>";
    assert_eq!(error(fault), words("No licence"));
    let fault = "<e:Envelope xmlns:e='urn:e'><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code><e:Reason><e:Text>No</e:Text></e:Reason><e:Detail><own/></e:Detail></e:Fault></e:Body></e:Envelope>";
    assert_eq!(error(fault), words("No"));
}

#[test]
fn what_quick_xml_leaves_to_its_caller_is_no_fault_of_ours() {
    assert_eq!(decode("no element").unwrap_err().second_opinion, None);
    assert!(matches!(decode("<a><b></a>").unwrap_err().second_opinion, Some(SecondOpinion::Refused(_))));
}

#[test]
fn a_root_in_another_case_is_the_message_that_is_meant() {
    for (text, root) in [
        ("<SnapShotDeviceResponse/>", "SnapshotDeviceResponse"),
        ("<heldevent/>", "HeldEvent"),
        ("<MONITORSTART/>", "MonitorStart"),
        ("<agentReadyEvent/>", "AgentReadyEvent"),
        ("<holdcallresponse/>", "HoldCallResponse"),
        ("<CstaErrorCode><operation>generic</operation></CstaErrorCode>", "CSTAErrorCode"),
    ] {
        let message = decode(text).unwrap().message;
        assert!(!matches!(message, Message::Declined(_)), "{text}");
        assert_eq!(message.root(), root);
    }
}

#[test]
fn children_in_another_case_are_read() {
    let event = call(
        "<HeldEvent><MonitorCrossRefId>7</MonitorCrossRefId><HeldConnection><CallID/></HeldConnection><Cause>normal</Cause></HeldEvent>",
    );
    assert_eq!((&*event.monitor, event.cause), ("7", Some(EventCause::Normal)));
}

#[test]
fn a_snapshot_with_reference_and_calls_has_told_the_calls() {
    let text = "<SnapShotDeviceResponse><serviceCrossRefID>u-1-200</serviceCrossRefID><snapshotData><snapshotDeviceResponseInfo/></snapshotData></SnapShotDeviceResponse>";
    let Message::Response(Response::SnapshotDevice(response)) = decode(text).unwrap().message else {
        panic!()
    };
    assert_eq!((response.cross_ref, response.calls.len()), (None, 1));
}
