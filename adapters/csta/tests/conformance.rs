//! The conformance suite of the test kit, over each dialect, against a scripted PBX.
#![allow(clippy::unwrap_used, clippy::panic)]

use schakel_core::adapter::Operation;
use schakel_core::model::ids::DeviceId;
use schakel_csta::{Csta, Dialect, SessionSettings, Settings, dialect};
use schakel_csta_wire::*;
use schakel_testkit::conformance::{Answer, Peer, Subject};

/// The adapter of one dialect, with all that it may be set to do: session, registration, capabilities, heartbeat.
struct OfDialect(&'static Dialect);

impl Subject for OfDialect {
    type Adapter = Csta;
    type Peer = Pbx;

    fn adapter(&self) -> Csta {
        let session = SessionSettings {
            user: "schakel".into(),
            password: "geheim".into(),
            login_namespace: String::new(),
            duration_seconds: 180,
        };
        let devices = ["2001", "2002", "2003"].map(DeviceId::from).to_vec();
        Csta::new(Settings {
            session: Some(session),
            system_register: true,
            outstanding_max: 2,
            ..Settings::new(self.0, devices)
        })
    }

    fn peer(&self) -> Pbx {
        Pbx { greets: self.0.greets_with_status, deframer: Deframer::new(MAX_FRAME_BYTES) }
    }

    fn operation(&self) -> Operation {
        schakel_testkit::operation("answer 77@2001").unwrap()
    }

    fn samples(&self) -> Vec<Vec<u8>> {
        let event = |kind, monitor, device: &'static str| {
            let event = CallEvent {
                subject: Some(DeviceRef::known(device)),
                local_state: Some(LocalConnectionState::Alerting),
                ..CallEvent::new(kind, monitor, ConnectionId::new("77", device))
            };
            frame(InvokeId::EVENT, event.into())
        };
        let mut samples = vec![
            event(CallEventKind::Delivered, "m2001", "2001"),
            event(CallEventKind::Established, "m2001", "2001"),
            event(CallEventKind::Held, "m2002", "2002"),
            event(CallEventKind::ConnectionCleared, "nobody's", "2001"),
            frame(InvokeId(*b"0001"), Response::Empty(EmptyResponse::AnswerCall).into()),
            frame(InvokeId(*b"0007"), CstaError::service_not_supported().into()),
            frame(InvokeId::EVENT, Request::from(MonitorStop { monitor: "m2003".into() }).into()),
            frame(InvokeId(*b"0042"), Request::from(RequestSystemStatus::default()).into()),
        ];
        for status in [
            SystemStatusValue::Normal,
            SystemStatusValue::MessagesLost,
            SystemStatusValue::Initializing,
            SystemStatusValue::Enabled,
        ] {
            samples.push(frame(InvokeId(*b"0043"), Request::from(of_status(status)).into()));
        }
        samples
    }
}

/// A PBX that is content with everything, and asks nothing.
struct Pbx {
    greets: bool,
    deframer: Deframer,
}

impl Peer for Pbx {
    fn greeting(&mut self) -> Vec<u8> {
        let status = Request::from(of_status(SystemStatusValue::Enabled));
        if self.greets { frame(InvokeId(*b"0001"), status.into()) } else { Vec::new() }
    }

    fn answer(&mut self, bytes: &[u8], operations: Answer) -> Vec<u8> {
        self.deframer.push(bytes);
        let mut answers = Vec::new();
        while let Some(asked) = self.deframer.next_frame().unwrap() {
            let text = std::str::from_utf8(asked.body).unwrap();
            if let Some(answer) = answer(&decode(text).unwrap().message, operations) {
                answers.extend(frame(asked.invoke, answer));
            }
        }
        answers
    }
}

fn answer(message: &Message<'_>, operations: Answer) -> Option<Message<'static>> {
    let response: Response<'static> = match message {
        Message::Session(Session::Start(_)) => {
            let duration = Some(180);
            let started =
                StartApplicationSessionPosResponse { session: "s1".into(), duration, ..Default::default() };
            return Some(Message::Session(Session::Started(started)));
        }
        Message::Session(Session::Reset(_)) => {
            let done = ResetApplicationSessionTimerPosResponse { duration: Some(180) };
            return Some(Message::Session(Session::ResetDone(done)));
        }
        Message::Request(Request::MonitorStart(start)) => {
            let MonitorObject::Device(device) = &start.object else { panic!("{start:?}") };
            MonitorStartResponse { monitor: format!("m{}", device.value).into(), existing_calls: None }.into()
        }
        Message::Request(Request::MonitorStop(_)) => Response::Empty(EmptyResponse::MonitorStop),
        Message::Request(Request::SnapshotDevice(_)) => SnapshotDeviceResponse::default().into(),
        Message::Request(Request::RequestSystemStatus(_)) => {
            RequestSystemStatusResponse { status: Some(SystemStatusValue::Normal) }.into()
        }
        Message::Request(Request::AnswerCall(_)) if operations == Answer::Confirm => {
            Response::Empty(EmptyResponse::AnswerCall)
        }
        // Registration, capabilities, lists: what a PBX need not know. And operations, where they are to be refused.
        Message::Request(_) => return Some(CstaError::service_not_supported().into()),
        _ => return None,
    };
    Some(response.into())
}

fn of_status(status: SystemStatusValue<'static>) -> SystemStatus<'static> {
    SystemStatus { status: Some(status), ..Default::default() }
}

fn frame(invoke: InvokeId, message: Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_frame(invoke, &Encoder::new(Edition::Ed4).to_vec(&message), &mut bytes).unwrap();
    bytes
}

mod standard {
    schakel_testkit::conformance!(super::OfDialect(&super::dialect::STANDARD));
}

mod openscape_voice {
    schakel_testkit::conformance!(super::OfDialect(&super::dialect::OPENSCAPE_VOICE));
}

mod asterisk_csp {
    schakel_testkit::conformance!(super::OfDialect(&super::dialect::ASTERISK_CSP));
}
