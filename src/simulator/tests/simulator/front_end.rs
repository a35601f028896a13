//! The CSTA server over real sockets.

use std::net::SocketAddr;

use crate::client::{Client, at, says};
use schakel_csta_wire as wire;
use schakel_simulator::config::{
    CstaConfig, DeviceIdStyle, Order, SessionPolicy, SimulatorConfig, TlsConfig,
};
use schakel_simulator::duration::Span;
use schakel_simulator::{RunningSimulator, start};
use wire::{DeviceId, Edition, EmptyResponse, InvokeId, Message, Request, Response, Session};

async fn demo(adjust: impl FnOnce(&mut CstaConfig)) -> (RunningSimulator, SocketAddr) {
    let mut config = SimulatorConfig::demo().unwrap();
    config.csta.services_permitted = false;
    adjust(&mut config.csta);
    let running = start(config).await.unwrap();
    let address = running.csta_address().unwrap();
    (running, address)
}

#[tokio::test]
async fn t03_t09_a_call_from_ring_to_end() {
    let (pbx, address) = demo(|_| {}).await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.ring("0612345678", "2001").unwrap();
    assert_eq!(client.event().await, "Delivered 1@2001 alerting newCall");
    assert_eq!(
        client.asks(wire::AnswerCall { call: at("1", "2001"), ..Default::default() }).await,
        "AnswerCallResponse"
    );
    assert_eq!(client.event().await, "Established 1@2001 connected normal");
    assert_eq!(
        client.asks(wire::HoldCall { call: at("1", "2001"), ..Default::default() }).await,
        "HoldCallResponse"
    );
    assert_eq!(client.event().await, "Held 1@2001 hold normal");
    assert_eq!(client.asks(wire::RetrieveCall { call: at("1", "2001") }).await, "RetrieveCallResponse");
    assert_eq!(client.event().await, "Retrieved 1@2001 connected normal");
    let clear = wire::ClearConnection { connection: at("1", "2001"), ..Default::default() };
    assert_eq!(client.asks(clear).await, "ClearConnectionResponse");
    assert_eq!(client.event().await, "ConnectionCleared 1@2001 null normalClearing");
    pbx.stop().await;
}

#[tokio::test]
async fn t07_warm_transfer_and_take_back_over_the_wire() {
    let (pbx, address) = demo(|_| {}).await;
    let mut client = Client::monitoring(address, &["2001", "2003"]).await;
    pbx.ring("0612345678", "2001").unwrap();
    pbx.answer("2001").unwrap();
    client.take(2).await;
    let consult = || wire::ConsultationCall {
        existing: at("1", "2001"),
        consulted: DeviceId::new("2003"),
        ..Default::default()
    };
    assert_eq!(client.asks(consult()).await, "ConsultationCall 2@2001");
    assert_eq!(client.take(5).await.last().unwrap(), "Delivered 2@2003 alerting consultation");
    let reconnect = wire::ReconnectCall { active: at("2", "2001"), held: at("1", "2001") };
    assert_eq!(client.asks(reconnect).await, "ReconnectCallResponse");
    assert_eq!(client.take(4).await.last().unwrap(), "Retrieved 1@2001 connected normal");
    assert_eq!(client.asks(consult()).await, "ConsultationCall 3@2001");
    pbx.answer("2003").unwrap();
    client.take(7).await;
    let transfer = wire::TransferCall { held: at("1", "2001"), active: at("3", "2001") };
    assert_eq!(client.asks(transfer).await, "TransferCall 1@2003");
    assert_eq!(
        client.take(2).await,
        ["Transfered 1@2001 3@2001 null transfer", "Transfered 1@2001 3@2001 connected transfer"]
    );
    pbx.stop().await;
}

#[tokio::test]
async fn t08_cold_transfer_over_the_wire() {
    let (pbx, address) = demo(|_| {}).await;
    let mut client = Client::monitoring(address, &["2001", "2002"]).await;
    pbx.ring("0612345678", "2001").unwrap();
    pbx.answer("2001").unwrap();
    client.take(2).await;
    let transfer = wire::SingleStepTransferCall {
        active: at("1", "2001"),
        to: DeviceId::new("2002"),
        ..Default::default()
    };
    assert_eq!(client.asks(transfer).await, "SingleStepTransferCall 1@2002");
    assert_eq!(
        client.take(2).await,
        ["Transfered 1@2001 null singleStepTransfer", "Delivered 1@2002 alerting singleStepTransfer"]
    );
    pbx.stop().await;
}

#[tokio::test]
async fn t12_an_outbound_call_over_the_wire() {
    let (pbx, address) = demo(|_| {}).await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    let call = wire::MakeCall {
        calling: DeviceId::new("2001"),
        called: DeviceId::new("0612345678"),
        ..Default::default()
    };
    assert_eq!(client.asks(call).await, "MakeCall 1@2001");
    assert_eq!(client.take(4).await.last().unwrap(), "Delivered 1@0612345678 connected newCall");
    pbx.answer("0612345678").unwrap();
    assert_eq!(client.event().await, "Established 1@0612345678 connected normal");
    pbx.stop().await;
}

/// Point 2 of what the server must do: every service has its response or a refusal, with the invoke id of the request.
#[tokio::test]
async fn every_service_is_answered() {
    let (pbx, address) = demo(|_| {}).await;
    for edition in [Edition::Ed3, Edition::Ed4, Edition::Ed6] {
        let mut client = Client::speaking(address, edition).await;
        let nobody = || at("none", "2001");
        let device = || DeviceId::new("2001");
        let requests: Vec<(Request<'_>, &str)> = vec![
            (wire::RequestSystemStatus::default().into(), "RequestSystemStatusResponse"),
            (wire::SystemRegister::default().into(), "SystemRegisterResponse"),
            (wire::SystemStatus::default().into(), "SystemStatusResponse"),
            (wire::GetSwitchingFunctionCaps {}.into(), "GetSwitchingFunctionCapsResponse"),
            (wire::GetCSTAFeatures {}.into(), "GetCSTAFeaturesResponse"),
            (
                wire::GetLogicalDeviceInformation { device: device() }.into(),
                "GetLogicalDeviceInformationResponse",
            ),
            (
                wire::GetPhysicalDeviceInformation { device: device() }.into(),
                "GetPhysicalDeviceInformationResponse",
            ),
            (crate::client::monitor("2001").into(), "MonitorStartResponse"),
            (crate::client::monitor("none").into(), "operation/invalidDeviceID"),
            (wire::MonitorStop { monitor: "none".into() }.into(), "operation/invalidMonitorCrossRefID"),
            (wire::SnapshotDevice { device: device() }.into(), "SnapshotDeviceResponse"),
            (wire::SnapshotCall { call: nobody() }.into(), "operation/invalidCallID"),
            (wire::SetDoNotDisturb { device: device(), on: false }.into(), "SetDoNotDisturbResponse"),
            (wire::GetDoNotDisturb { device: device() }.into(), "GetDoNotDisturbResponse"),
            (
                wire::SetForwarding {
                    device: device(),
                    activate: true,
                    to: Some(DeviceId::new("2002")),
                    ..Default::default()
                }
                .into(),
                "SetForwardingResponse",
            ),
            (wire::SetForwarding { device: device(), ..Default::default() }.into(), "SetForwardingResponse"),
            (wire::GetForwarding { device: device() }.into(), "GetForwardingResponse"),
            (
                wire::SetAgentState {
                    device: device(),
                    requested: Some(wire::RequestedAgentState::Ready),
                    ..Default::default()
                }
                .into(),
                "operation/invalidAgentState",
            ),
            (wire::GetAgentState { device: device(), ..Default::default() }.into(), "GetAgentStateResponse"),
            (wire::AnswerCall { call: nobody(), ..Default::default() }.into(), "operation/invalidCallID"),
            (wire::HoldCall { call: nobody(), ..Default::default() }.into(), "operation/invalidCallID"),
            (wire::RetrieveCall { call: nobody() }.into(), "operation/invalidCallID"),
            (
                wire::AlternateCall { held: nobody(), active: at("x", "2001") }.into(),
                "operation/invalidCallID",
            ),
            (wire::ReconnectCall { held: nobody(), active: nobody() }.into(), "operation/notSameDevice"),
            (wire::DeflectCall::new(nobody(), "2002").into(), "operation/invalidCallID"),
            (
                wire::GenerateDigits { connection: nobody(), ..Default::default() }.into(),
                "operation/invalidCallID",
            ),
            (wire::ClearCall { call: nobody(), ..Default::default() }.into(), "operation/invalidCallID"),
            (
                wire::GroupPickupCall { destination: device(), ..Default::default() }.into(),
                "stateIncompatibility/noCallToAnswer",
            ),
            (wire::ParkCall { call: nobody(), ..Default::default() }.into(), "operation/serviceNotSupported"),
            (wire::RouteRegister { device: Some(DeviceId::new("none")) }.into(), "operation/invalidDeviceID"),
            (
                wire::RouteRegisterCancel { register: "none".into() }.into(),
                "operation/invalidRouteRegistrationCrossRefID",
            ),
        ];
        for (request, expected) in requests {
            let asked = request.root();
            assert_eq!(client.asks(request).await, expected, "{asked} in {edition}");
        }
        client.send_raw(InvokeId::from_number(500), b"<GetVoiceMail/>").await;
        assert_eq!(client.answer_to(InvokeId::from_number(500)).await, "operation/serviceNotSupported");
    }
    pbx.stop().await;
}

#[tokio::test]
async fn the_client_is_answered_in_its_own_edition() {
    let (pbx, address) = demo(|csta| csta.edition = schakel_simulator::config::SpokenEdition::Ed4).await;
    for (edition, tag) in
        [(Edition::Ed3, "csta/ed3"), (Edition::Ed6, "csta/ed6"), (Edition::None, "csta/ed4")]
    {
        let mut client = Client::speaking(address, edition).await;
        client.send(Request::from(wire::RequestSystemStatus::default()).into()).await;
        let (_, body) = client.frame().await.unwrap();
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains(tag), "{edition}: {text}");
    }
    pbx.stop().await;
}

#[tokio::test]
async fn several_clients_each_have_their_own_monitors() {
    let (pbx, address) = demo(|_| {}).await;
    let mut first = Client::monitoring(address, &["2001"]).await;
    let mut second = Client::monitoring(address, &["2001", "2002"]).await;
    let mut third = Client::monitoring(address, &["2003"]).await;
    pbx.ring("0612345678", "2001").unwrap();
    assert_eq!(first.event().await, "Delivered 1@2001 alerting newCall");
    assert_eq!(second.event().await, "Delivered 1@2001 alerting newCall");
    let answer = wire::AnswerCall { call: at("1", "2001"), ..Default::default() };
    assert_eq!(second.asks(answer.clone()).await, "AnswerCallResponse");
    assert_eq!(first.event().await, "Established 1@2001 connected normal");
    assert_eq!(first.asks(answer).await, "stateIncompatibility/noCallToAnswer");
    drop(second);
    pbx.until(|state| state.server.links.len() == 2).await;
    pbx.hang_up("2001").unwrap();
    assert_eq!(first.event().await, "ConnectionCleared 1@2001 null normalClearing");
    assert!(third.is_silent(50).await);
    pbx.stop().await;
}

#[tokio::test]
async fn monitors_have_a_limit_and_an_end() {
    let (pbx, address) = demo(|csta| csta.monitor_limit = 1).await;
    let mut client = Client::connect(address).await;
    client.send(Request::from(crate::client::monitor("2001")).into()).await;
    let (_, body) = client.frame().await.unwrap();
    let text = String::from_utf8(body).unwrap();
    let Message::Response(Response::MonitorStart(started)) = wire::decode(&text).unwrap().message else {
        panic!("{text}");
    };
    assert_eq!(client.monitor("2002").await, "systemResourceAvailibility/overallMonitorLimitExceeded");
    assert_eq!(client.asks(wire::MonitorStop { monitor: started.monitor }).await, "MonitorStopResponse");
    pbx.ring("0612345678", "2001").unwrap();
    assert_eq!(client.monitor("2002").await, "MonitorStartResponse");
    assert!(client.is_silent(50).await);
    pbx.stop().await;
}

#[tokio::test]
async fn the_devices_come_in_segments() {
    let mut config = SimulatorConfig::from_scenario("[[extensions]]\nnumbers = \"3000-3119\"").unwrap();
    config.csta.device_ids = DeviceIdStyle::Bracketed;
    let pbx = start(config).await.unwrap();
    let mut client = Client::connect(pbx.csta_address().unwrap()).await;
    let answer = client.asks(wire::GetSwitchingFunctionDevices::default()).await;
    assert_eq!(answer, "GetSwitchingFunctionDevicesResponse");
    let mut devices = Vec::new();
    loop {
        let (_, body) = client.frame().await.unwrap();
        let text = String::from_utf8(body).unwrap();
        let Message::Request(Request::SwitchingFunctionDevices(segment)) =
            wire::decode(&text).unwrap().message
        else {
            panic!("{text}");
        };
        devices.extend(segment.devices.iter().map(|listed| listed.device.value.to_string()));
        if segment.last {
            break;
        }
    }
    assert_eq!(devices.len(), 120);
    assert_eq!(devices[0], "N<3000>");
    pbx.stop().await;
}

#[tokio::test]
async fn snapshots_tell_what_goes_on() {
    let (pbx, address) = demo(|csta| csta.services_permitted = true).await;
    let mut client = Client::connect(address).await;
    pbx.ring("0612345678", "2001").unwrap();
    pbx.answer("2001").unwrap();
    client.send(Request::from(wire::SnapshotDevice { device: DeviceId::new("2001") }).into()).await;
    let (_, body) = client.frame().await.unwrap();
    let text = String::from_utf8(body).unwrap();
    let Message::Response(Response::SnapshotDevice(snapshot)) = wire::decode(&text).unwrap().message else {
        panic!("{text}");
    };
    let call = &snapshot.calls[0];
    assert_eq!(call.connection, at("1", "2001"));
    assert_eq!(call.endpoint.as_ref().unwrap().value(), Some("0612345678"));
    assert_eq!(call.state.local(), Some(wire::LocalConnectionState::Connected));
    assert!(call.services.unwrap().contains(wire::Service::HoldCall));
    client.send(Request::from(wire::SnapshotCall { call: at("1", "2001") }).into()).await;
    let (_, body) = client.frame().await.unwrap();
    let text = String::from_utf8(body).unwrap();
    let Message::Response(Response::SnapshotCall(snapshot)) = wire::decode(&text).unwrap().message else {
        panic!("{text}");
    };
    assert_eq!(snapshot.parties.len(), 2);
    pbx.stop().await;
}

#[tokio::test]
async fn t15_events_tell_what_may_be_done_now() {
    let (pbx, address) = demo(|csta| csta.services_permitted = true).await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.ring("0612345678", "2001").unwrap();
    let (_, body) = client.frame().await.unwrap();
    let text = String::from_utf8(body).unwrap();
    let Message::Call(event) = wire::decode(&text).unwrap().message else { panic!("{text}") };
    let services = event.services.unwrap();
    assert!(services.contains(wire::Service::AnswerCall));
    assert!(!services.contains(wire::Service::HoldCall));
    assert_eq!(event.calling.as_ref().and_then(|c| c.value()), Some("0612345678"));
    pbx.stop().await;
}

#[tokio::test]
async fn a_session_begins_is_kept_alive_and_ends() {
    let (pbx, address) = demo(|csta| {
        csta.session = SessionPolicy::Required;
        csta.session_limit = Span::millis(300);
    })
    .await;
    let mut client = Client::connect(address).await;
    assert_eq!(client.monitor("2001").await, "operation/securityViolation");
    let start = wire::StartApplicationSession {
        application: "test".into(),
        duration: Some(600),
        ..Default::default()
    };
    client.send(Session::Start(start).into()).await;
    let (_, body) = client.frame().await.unwrap();
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains("ecma-354/appl_session"), "{text}");
    let Message::Session(Session::Started(started)) = wire::decode(&text).unwrap().message else {
        panic!("{text}");
    };
    assert_eq!(client.monitor("2001").await, "MonitorStartResponse");
    let reset = wire::ResetApplicationSessionTimer { session: started.session.clone(), duration: Some(1) };
    client.send(Session::Reset(reset).into()).await;
    assert_eq!(client.next().await.1, "ResetApplicationSessionTimerPosResponse");
    assert_eq!(client.next().await.1, "ApplicationSessionTerminated");
    assert_eq!(client.monitor("2001").await, "operation/securityViolation");
    let stop = wire::StopApplicationSession { session: started.session, ..Default::default() };
    client.send(Session::Stop(stop).into()).await;
    assert_eq!(client.next().await.1, "StopApplicationSessionNegResponse");
    pbx.stop().await;
}

#[tokio::test]
async fn the_switch_says_how_it_is_and_wants_an_answer() {
    let (pbx, address) = demo(|csta| {
        csta.status_on_connect = true;
        csta.status_every = Some(Span::millis(20));
    })
    .await;
    let mut client = Client::connect(address).await;
    let (invoke, said) = client.next().await;
    assert_eq!(said, "SystemStatus");
    assert!(!invoke.is_event());
    client.send_as(invoke, Response::Empty(EmptyResponse::SystemStatus).into()).await;
    pbx.until(|state| state.server.links[0].unanswered_status == 0).await;
    pbx.until(|state| state.server.links[0].unanswered_status > 2).await;
    pbx.stop().await;
}

#[tokio::test]
async fn events_may_come_before_the_response() {
    let (pbx, address) = demo(|csta| csta.order = Order::EventsFirst).await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.ring("0612345678", "2001").unwrap();
    client.event().await;
    client.send(Request::from(wire::AnswerCall { call: at("1", "2001"), ..Default::default() }).into()).await;
    assert_eq!(client.next().await.1, "Established 1@2001 connected normal");
    assert_eq!(client.next().await.1, "AnswerCallResponse");
    pbx.stop().await;
}

#[tokio::test]
async fn one_bad_message_is_refused_and_a_lost_frame_ends_the_link() {
    let (pbx, address) = demo(|_| {}).await;
    let mut client = Client::connect(address).await;
    for bad in [&b"<AnswerCall><callToBe"[..], b"\xff\xfe", b"<!DOCTYPE x><x/>", b""] {
        client.send_raw(InvokeId::from_number(77), bad).await;
        assert_eq!(client.answer_to(InvokeId::from_number(77)).await, "operation/generic");
    }
    assert_eq!(client.monitor("2001").await, "MonitorStartResponse");
    client.send_bytes(b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(client.is_over().await);
    pbx.stop().await;
}

#[tokio::test]
async fn names_and_styles_of_device_ids() {
    let (pbx, address) = demo(|csta| csta.device_ids = DeviceIdStyle::Named).await;
    let mut client = Client::monitoring(address, &["N<2002>"]).await;
    pbx.ring("0201234567", "2002").unwrap();
    assert_eq!(client.event().await, "Delivered 1@N<2002>Zoë Öztürk alerting newCall");
    let answer = wire::AnswerCall { call: at("1", "tel:2002"), ..Default::default() };
    assert_eq!(client.asks(answer).await, "AnswerCallResponse");
    pbx.stop().await;
}

#[tokio::test]
async fn half_a_connection_id_is_enough_where_it_is_clear() {
    let (pbx, address) = demo(|_| {}).await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.ring("0612345678", "2001").unwrap();
    assert_eq!(
        client.asks(wire::AnswerCall { call: at("1", ""), ..Default::default() }).await,
        "AnswerCallResponse"
    );
    assert_eq!(
        client.asks(wire::HoldCall { call: at("", "2001"), ..Default::default() }).await,
        "HoldCallResponse"
    );
    pbx.stop().await;
}

#[tokio::test]
async fn a_pbx_can_come_to_the_application() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = SimulatorConfig::demo().unwrap();
    config.csta.listen = None;
    config.csta.push_to = Some(listener.local_addr().unwrap().to_string());
    let pbx = start(config).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut client = Client::over(Box::new(stream), Edition::Ed4);
    assert_eq!(client.monitor("2001").await, "MonitorStartResponse");
    pbx.ring("0612345678", "2001").unwrap();
    assert_eq!(client.event().await, "Delivered 1@2001 alerting newCall");
    drop(client);
    assert!(listener.accept().await.is_ok(), "it comes again");
    pbx.stop().await;
}

#[tokio::test]
async fn clients_can_come_by_tls() {
    use std::sync::Arc;
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (pbx, address) = demo(|csta| csta.tls = Some(TlsConfig { certificate, key })).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let trusting = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(trusting));
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let mut client = Client::over(Box::new(stream), Edition::Ed6);
    assert_eq!(client.monitor("2001").await, "MonitorStartResponse");
    pbx.ring("0612345678", "2001").unwrap();
    assert_eq!(client.event().await, "Delivered 1@2001 alerting newCall");
    pbx.stop().await;
}

#[tokio::test]
async fn a_withheld_number_is_not_told() {
    let (pbx, address) = demo(|_| {}).await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.perform(&schakel_simulator::deed::Deed::Ring {
        from: None,
        to: "2001".into(),
        data: Some("4A4B43".into()),
    })
    .unwrap();
    let (_, body) = client.frame().await.unwrap();
    let text = String::from_utf8(body.clone()).unwrap();
    assert_eq!(says(&body), "Delivered 1@2001 alerting newCall");
    assert!(text.contains("<callingDevice><restricted/></callingDevice>"), "{text}");
    assert!(text.contains("4A4B43"), "{text}");
    pbx.stop().await;
}

#[tokio::test]
async fn nothing_is_left_running_after_a_stop() {
    let (pbx, address) = demo(|_| {}).await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.stop().await;
    assert!(client.is_over().await);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

/// Whole documents with one byte changed: whatever they mean now, the link lives on and the next request is answered.
#[tokio::test]
async fn nothing_that_a_client_sends_stops_the_server() {
    let (pbx, address) = demo(|csta| csta.log_messages = 0).await;
    let mut client = Client::connect(address).await;
    let device = || DeviceId::new("2001");
    let requests: [Request<'_>; 6] = [
        wire::MakeCall { calling: device(), called: DeviceId::new("2002"), ..Default::default() }.into(),
        wire::DeflectCall::new(at("1", "2001"), "2002").into(),
        wire::SetForwarding { device: device(), to: Some(DeviceId::new("2002")), ..Default::default() }
            .into(),
        wire::ClearCall { call: at("1", "2001"), ..Default::default() }.into(),
        wire::TransferCall { held: at("1", "2001"), active: at("2", "2001") }.into(),
        crate::client::monitor("2001").into(),
    ];
    for request in requests {
        let whole = wire::Encoder::new(Edition::Ed4).to_vec(&request.into());
        for (place, byte) in (0..whole.len()).zip([0, b'<', b'>', b'"', 0xC3, b'9'].into_iter().cycle()) {
            let mut changed = whole.clone();
            changed[place] = byte;
            let own = InvokeId::from_number(u16::try_from(place + 1).unwrap());
            client.send_raw(own, &changed).await;
            // What has become a response, or the id of another call, may go unanswered; the next request may not.
            let ask = InvokeId::from_number(9000);
            client.send_as(ask, Request::from(wire::RequestSystemStatus::default()).into()).await;
            assert_eq!(client.answer_to(ask).await, "RequestSystemStatusResponse");
        }
    }
    assert_eq!(pbx.state().server.links.len(), 1);
    pbx.stop().await;
}
