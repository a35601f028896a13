//! The conformance suite of the test kit, over each dialect, against a scripted PBX.
#![allow(clippy::unwrap_used, clippy::panic)]

use schakel_core::adapter::Operation;
use schakel_core::model::ids::DeviceId;
use schakel_core::model::time::Millis;
use schakel_csta::{Csta, Dialect, SessionSettings, Settings, dialect};
use schakel_csta_wire::*;
use schakel_testkit::conformance::{Answer, Peer, Subject};

/// The adapter of one dialect and the operation that it is tried with, with all that it may be set to do: session, registration, capabilities, heartbeat.
struct OfDialect(&'static Dialect, &'static str);

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
            routeing_devices: vec![DeviceId::from("7100")],
            agent_poll: Millis::seconds(5),
            ..Settings::new(self.0, devices)
        })
    }

    fn peer(&self) -> Pbx {
        Pbx { greets: self.0.greets_with_status, deframer: Deframer::new(MAX_FRAME_BYTES) }
    }

    fn operation(&self) -> Operation {
        schakel_testkit::operation(self.1).unwrap()
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
        let agent = |kind, monitor: &'static str| {
            let data = AgentEventData {
                monitor: monitor.into(),
                device: Some(DeviceRef::known("2001")),
                agent: Some("900".into()),
                ..Default::default()
            };
            frame(InvokeId::EVENT, FeatureEvent::Agent(AgentEvent { kind, data }).into())
        };
        samples.extend(AgentEventKind::ALL.map(|kind| agent(kind, "m2001")));
        let asks = |request: Request<'static>| frame(InvokeId(*b"0044"), request.into());
        let request = |call: &'static str| RouteRequest {
            cross_ref: "r1".into(),
            register: Some("g7100".into()),
            routeing: Some(DeviceRef::known("7100")),
            call: Some(ConnectionId::new(call, "7100")),
            reply_timeout: Some(1000),
            ..Default::default()
        };
        samples.extend([
            asks(request("77").into()),
            asks(request("78").into()),
            asks(ReRoute { cross_ref: "r1".into(), ..Default::default() }.into()),
            asks(RouteUsed { cross_ref: "r1".into(), ..Default::default() }.into()),
            asks(RouteEnd { cross_ref: "r1".into(), ..Default::default() }.into()),
            asks(RouteEnd { cross_ref: "r2".into(), ..Default::default() }.into()),
            asks(RouteRegisterAbort { register: "g7100".into() }.into()),
        ]);
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
        Message::Request(Request::RouteRegister(register)) => {
            let device = register.device.as_ref().map(|device| device.value.to_string()).unwrap_or_default();
            RouteRegisterResponse { register: format!("g{device}").into() }.into()
        }
        Message::Request(Request::RouteSelect(_) | Request::RouteReject(_) | Request::RouteEnd(_)) => {
            return None;
        }
        Message::Request(Request::MonitorStop(_)) => Response::Empty(EmptyResponse::MonitorStop),
        Message::Request(Request::SnapshotDevice(_)) => SnapshotDeviceResponse::default().into(),
        Message::Request(Request::RequestSystemStatus(_)) => {
            RequestSystemStatusResponse { status: Some(SystemStatusValue::Normal) }.into()
        }
        Message::Request(Request::SetAgentState(_)) if operations == Answer::Confirm => {
            SetAgentStateResponse::default().into()
        }
        Message::Request(Request::GetAgentState(_)) => GetAgentStateResponse::default().into(),
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
    schakel_testkit::conformance!(super::OfDialect(&super::dialect::STANDARD, "answer 77@2001"));
}

mod openscape_voice {
    schakel_testkit::conformance!(super::OfDialect(&super::dialect::OPENSCAPE_VOICE, "answer 77@2001"));
}

mod asterisk_csp {
    schakel_testkit::conformance!(super::OfDialect(&super::dialect::ASTERISK_CSP, "answer 77@2001"));
}

mod agents {
    schakel_testkit::conformance!(super::OfDialect(
        &super::dialect::STANDARD,
        "agent 2001 900 logged-on 7000"
    ));
}
