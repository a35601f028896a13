//! What arrives from the network and should not: each is refused with a place
//! and a reason, or politely declined; nothing panics.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use schakel_csta_wire::*;

const DELIVERED: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    "<DeliveredEvent xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed4\">",
    "<monitorCrossRefID>1173673890</monitorCrossRefID>",
    "<connection><callID>FF00010000000000EC61</callID><deviceID>3021061290002</deviceID></connection>",
    "<alertingDevice><deviceIdentifier>N&lt;3021061290002&gt;;noa=nk</deviceIdentifier></alertingDevice>",
    "<callingDevice><deviceIdentifier typeOfNumber=\"dialingNumber\">N&lt;7868772298&gt;Line 1</deviceIdentifier></callingDevice>",
    "<calledDevice><notKnown/></calledDevice><lastRedirectionDevice><notRequired/></lastRedirectionDevice>",
    "<localConnectionInfo>alerting</localConnectionInfo><cause>newCall</cause>",
    "<servicesPermitted><callControlServices><answerCall>true</answerCall></callControlServices></servicesPermitted>",
    "<extensions><privateData><private><scx:x xmlns:scx=\"http://www.siemens.com/schema/csta\">1</scx:x></private></privateData></extensions>",
    "</DeliveredEvent>"
);

fn refused(text: &str) -> DecodeError {
    decode(text).map(|d| panic!("accepted as {:?}", d.message)).unwrap_err()
}

fn call(text: &str) -> CallEvent<'_> {
    match decode(text).unwrap_or_else(|e| panic!("{e}")).message {
        Message::Call(event) => *event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_cut_anywhere_is_refused() {
    for end in 0..DELIVERED.len() {
        if let Some(text) = DELIVERED.get(..end) {
            let error = refused(text);
            assert!(error.offset <= end, "{error}");
        }
    }
    assert!(decode(DELIVERED).is_ok());
}

#[test]
fn a_truncated_document_says_which_element_is_open() {
    let error = refused("<HeldEvent><monitorCrossRefID>1</monitorCrossRefID><heldConnection><callID>7");
    assert_eq!(error.path, "HeldEvent/heldConnection/callID");
    assert!(matches!(error.problem, Problem::Truncated(_)), "{error}");
}

#[test]
fn deep_nesting_is_refused_long_before_the_stack_ends() {
    for start in ["", "<HeldEvent><heldConnection><callID>", "<Envelope><Body>", "<Envelope><Body><Fault>"] {
        let text = format!("{start}{}", "<Fault>".repeat(200_000));
        assert_eq!(refused(&text).problem, Problem::TooDeep(MAX_DEPTH), "{start}");
    }
    let fits = format!("{}{}", "<a>".repeat(MAX_DEPTH), "</a>".repeat(MAX_DEPTH));
    assert!(decode(&fits).is_ok());
}

#[test]
fn an_entity_bomb_does_not_go_off() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;\">]><HeldEvent>&b;</HeldEvent>";
    assert_eq!(refused(bomb).problem, Problem::Doctype);
    assert_eq!(refused("<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>").problem, Problem::Doctype);
    assert_eq!(refused("<!DOCTYPE x").problem, Problem::Doctype);
    assert_eq!(refused("<x>&b;</x>").problem, Problem::UnknownEntity("b".into()));
    assert_eq!(
        refused("<HeldEvent><cause>&b;</cause></HeldEvent>").problem,
        Problem::UnknownEntity("b".into())
    );
}

#[test]
fn a_wrong_end_tag_is_refused_where_it_stands() {
    let error = refused("<HeldEvent><cause>normal</cause><heldConnection></HeldEvent>");
    assert_eq!(error.path, "HeldEvent/heldConnection");
    assert!(error.to_string().contains("byte 48"), "{error}");
}

#[test]
fn a_lone_ampersand_is_refused() {
    for text in [
        "<a>Jansen & Zn</a>",
        "<HeldEvent><cause>a&b</cause></HeldEvent>",
        "<a>&",
        "<a>&#xffffffff;</a>",
        "<a>&#0;</a>",
    ] {
        refused(text);
    }
}

#[test]
fn invalid_utf8_is_refused_before_it_is_read() {
    let mut bytes = DELIVERED.as_bytes().to_vec();
    bytes[200] = 0xff;
    let error = text_of(&bytes).unwrap_err();
    assert_eq!((error.offset, error.problem), (200, Problem::NotInEncoding("UTF-8")));
}

#[test]
fn a_huge_attribute_is_just_a_long_attribute() {
    let text = format!("<HeldEvent a=\"{}\"><cause>normal</cause></HeldEvent>", "x".repeat(60_000));
    assert_eq!(call(&text).cause, Some(EventCause::Normal));
    let many = format!("<HeldEvent {}><cause>normal</cause></HeldEvent>", "a='1' ".repeat(10_000));
    assert_eq!(call(&many).cause, Some(EventCause::Normal));
}

#[test]
fn an_unclosed_attribute_or_tag_is_refused() {
    for text in
        ["<a b=\"", "<a b='>", "<a", "<", "</a>", "<>", "< a/>", "<a></a", "<![CDATA[", "<!--", "<?xml"]
    {
        refused(text);
    }
}

#[test]
fn nothing_may_follow_the_root_or_precede_it() {
    assert_eq!(refused("<a/><b/>").problem, Problem::AfterEnd);
    assert_eq!(refused("<a/>text").problem, Problem::AfterEnd);
    assert!(matches!(refused("text<a/>").problem, Problem::Malformed(_)));
    assert_eq!(refused("").problem, Problem::Empty);
    assert_eq!(refused("  <!-- nothing -->  ").problem, Problem::Empty);
    assert!(decode(" <a/> <!-- done --> \n").is_ok());
}

#[test]
fn an_unknown_message_is_declined_by_name() {
    let decoded = decode("<x:presence xmlns:x='urn:x' from='0'><a><b/></a></x:presence>").unwrap();
    assert_eq!(decoded.message, Message::Declined(Declined { root: "presence".into() }));
    assert_eq!((decoded.edition, decoded.namespace.as_deref()), (Edition::Other, Some("urn:x")));
}

#[test]
fn deviations_that_real_products_make_are_read() {
    // A nested deviceIdentifier (asterisk-csp), deviceID before callID (OpenScape Voice), bare text (FreeSWITCH),
    // no namespace, unknown and private children, CDATA, white space, repeated prefixes.
    let text = "<x:TransferredEvent xmlns:x='http://www.ecma.ch/standards/ecma-323/csta/ed6'>
        <x:transferringDevice>1000</x:transferringDevice> <cad/>
        <x:primaryOldCall><deviceID> <deviceIdentifier typeOfNumber='dialingNumber'>212700</deviceIdentifier> </deviceID>
            <callID><![CDATA[ 0 ]]></callID><globalCallID>9</globalCallID></x:primaryOldCall>
        <localConnectionInfo> null </localConnectionInfo><cause>ringing</cause></x:TransferredEvent>";
    let event = call(text);
    assert_eq!(event.kind, CallEventKind::Transferred);
    assert_eq!(event.connection, ConnectionId::new("0", "212700"));
    assert_eq!(event.subject, Some(DeviceRef::known("1000")));
    assert_eq!(event.local_state, Some(LocalConnectionState::Null));
    assert_eq!(event.cause, Some(EventCause::Other("ringing".into())));
    assert_eq!(decode(text).unwrap().edition, Edition::Ed6);
}

#[test]
fn a_refusal_inside_a_soap_fault_is_found() {
    let text = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns:c='http://www.ecma-international.org/standards/ecma-323/csta/ed4'>
        <s:Header><a/></s:Header><s:Body><s:Fault><faultcode>s:Client</faultcode><detail>
        <c:CSTAErrorCode><c:operation>Invalid CallID for this command</c:operation></c:CSTAErrorCode></detail></s:Fault></s:Body></s:Envelope>";
    let decoded = decode(text).unwrap();
    assert!(decoded.soap);
    assert_eq!(decoded.edition, Edition::Ed4);
    let error = CstaError::new(ErrorCategory::Operation, "Invalid CallID for this command");
    assert_eq!(decoded.message, Message::Error(error));
    let empty = decode("<Envelope><Body/></Envelope>").unwrap();
    assert_eq!(empty.message, Message::Declined(Declined { root: "Envelope".into() }));
}

#[test]
fn both_shapes_of_a_deflection_are_read_and_each_edition_gets_its_own() {
    let text = "<DeflectCall><callToBeDiverted><callID>7</callID></callToBeDiverted><newDestination>20</newDestination></DeflectCall>";
    let list = text.replace("20", "<device>20</device>");
    let message = decode(text).unwrap().message;
    assert_eq!(decode(&list).unwrap().message, message);
    let ed3 = Encoder::new(Edition::Ed3).with_namespace(false).with_prolog(false).to_vec(&message);
    let ed5 = Encoder::new(Edition::Ed5).with_namespace(false).with_prolog(false).to_vec(&message);
    assert_eq!(String::from_utf8(ed3).unwrap(), text);
    assert_eq!(String::from_utf8(ed5).unwrap(), list);
}

#[test]
fn a_snapshot_without_its_wrapper_is_read() {
    let text = "<SnapshotDeviceResponse><serviceCrossRefID>0</serviceCrossRefID></SnapshotDeviceResponse>";
    let Message::Response(Response::SnapshotDevice(response)) = decode(text).unwrap().message else {
        panic!()
    };
    assert_eq!(response.cross_ref.as_deref(), Some("0"));
}

#[test]
fn session_messages_are_written_and_read_the_same() {
    let login = SessionLogin {
        namespace: "http://www.avaya.com/csta".into(),
        user: "u".into(),
        password: "p<".into(),
        cleanup_delay: Some(60),
        session: Some("0".into()),
    };
    let version = Edition::Ed4.namespace().unwrap();
    let messages = [
        Session::Start(StartApplicationSession {
            application: "schakel".into(),
            login: Some(login),
            versions: vec![version.into(), "3.0".into()],
            duration: Some(180),
        }),
        Session::Start(StartApplicationSession { application: "a".into(), ..Default::default() }),
        Session::Started(StartApplicationSessionPosResponse {
            session: "0".into(),
            version: version.into(),
            duration: Some(600),
        }),
        Session::StartRefused(SessionRefusal { error: SessionReason::defined("invalidApplicationInfo") }),
        Session::Reset(ResetApplicationSessionTimer { session: "0".into(), duration: Some(180) }),
        Session::ResetDone(ResetApplicationSessionTimerPosResponse { duration: Some(180) }),
        Session::ResetRefused(SessionRefusal { error: SessionReason::own("no") }),
        Session::Stop(StopApplicationSession { session: "0".into(), reason: SessionReason::own("bye") }),
        Session::Stopped(StopApplicationSessionPosResponse {}),
        Session::StopRefused(SessionRefusal { error: SessionReason::own("no") }),
        Session::Terminated(ApplicationSessionTerminated {
            session: "0".into(),
            reason: SessionReason::defined("sessionTimerExpired"),
        }),
    ];
    for session in messages {
        let message = Message::Session(session);
        let text = String::from_utf8(Encoder::new(Edition::Ed4).to_vec(&message)).unwrap();
        let decoded = decode(&text).unwrap();
        assert_eq!(decoded.message, message, "{text}");
        assert_eq!(decoded.edition, Edition::Session);
    }
}

#[test]
fn snapshot_call_data_is_written_and_read_the_same() {
    let data = SnapshotCallData {
        cross_ref: "9".into(),
        segment: Some(1),
        last: true,
        parties: vec![SnapshotCallInfo {
            device: Some(DeviceRef::known("2001")),
            connection: ConnectionId::new("77", "2001"),
            state: Some(LocalConnectionState::Hold),
            services: Some(ServiceSet::of(&[Service::RetrieveCall])),
        }],
    };
    let message = Message::Request(data.into());
    let text = String::from_utf8(Encoder::new(Edition::Ed6).to_vec(&message)).unwrap();
    assert_eq!(decode(&text).unwrap().message, message);
}

/// Whether a general XML reader finds the document well formed.
fn quick_xml_accepts(text: &str) -> bool {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut depth = 0;
    let mut roots = 0;
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Start(_)) => {
                roots += usize::from(depth == 0);
                depth += 1;
            }
            Ok(quick_xml::events::Event::Empty(_)) => roots += usize::from(depth == 0),
            Ok(quick_xml::events::Event::End(_)) => depth -= 1,
            Ok(quick_xml::events::Event::Eof) => return depth == 0 && roots == 1,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(3000)))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(text) = text_of(&bytes) {
            let _ = decode(&text);
        }
    }

    #[test]
    fn random_markup_never_panics(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "<", ">", "/", "</", "/>", "a", "DeliveredEvent", "callID", " ", "=", "\"", "'", "&", "&lt;", "&#x", ";",
                "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "<!DOCTYPE", "xmlns", ":", "é", "\0", "connection", "<a>", "</a>",
            ]),
            0..60,
        ),
    ) {
        let text = pieces.concat();
        prop_assert!(decode(&text).is_err() || quick_xml_accepts(&text), "{text}");
    }

    #[test]
    fn a_message_with_a_few_wrong_bytes_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
    ) {
        let mut bytes = DELIVERED.as_bytes().to_vec();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        if let Ok(text) = text_of(&bytes) {
            match decode(&text) {
                Ok(decoded) => {
                    prop_assert!(quick_xml_accepts(&text), "{}", text);
                    let written = Encoder::new(Edition::Ed6).to_vec(&decoded.message);
                    prop_assert!(decode(&text_of(&written).unwrap()).is_ok());
                }
                Err(error) => prop_assert!(error.offset <= text.len() && !error.to_string().is_empty()),
            }
        }
    }
}

#[test]
fn what_is_refused_has_the_word_of_a_general_reader_too() {
    let text = "<DeliveredEvent><connection></DeliveredEvent>";
    let error = decode(text).unwrap_err();
    assert!(matches!(error.second_opinion, Some(SecondOpinion::Refused(_))), "{error}");
    assert!(error.to_string().contains("quick-xml says"), "{error}");
}
