//! Routeing and agents over real sockets.

use std::net::SocketAddr;

use crate::client::{Client, at};
use schakel_csta_wire as wire;
use schakel_simulator::config::{CstaConfig, SessionPolicy, SimulatorConfig};
use schakel_simulator::deed::Deed;
use schakel_simulator::duration::Span;
use schakel_simulator::sins::Sin;
use schakel_simulator::switch::{AgentRequest, AgentSupport, PointEvents, SwitchConfig};
use schakel_simulator::{RunningSimulator, start};
use wire::{
    DeviceId, Edition, InvokeId, Message, Request, RequestedAgentState, Response, RouteReject, RouteRequest,
    RouteSelect,
};

const POINT: &str = "7100";

async fn pbx(adjust: impl FnOnce(&mut SwitchConfig, &mut CstaConfig)) -> (RunningSimulator, SocketAddr) {
    let mut config = SimulatorConfig::demo().unwrap();
    config.csta.services_permitted = false;
    adjust(&mut config.switch, &mut config.csta);
    let running = start(config).await.unwrap();
    let address = running.csta_address().unwrap();
    (running, address)
}

fn register() -> wire::RouteRegister<'static> {
    wire::RouteRegister { device: Some(DeviceId::new(POINT)) }
}

fn select<'a>(cross_ref: &'a str, to: &'a str) -> Message<'a> {
    let selected = DeviceId::new(to);
    let select = RouteSelect {
        cross_ref: cross_ref.into(),
        selected,
        route_used: Some(true),
        ..RouteSelect::default()
    };
    Request::from(select).into()
}

impl Client {
    /// The next document, and the invoke id that it came with.
    async fn document(&mut self) -> (InvokeId, String) {
        let (invoke, body) = self.frame().await.expect("a link");
        (invoke, String::from_utf8(body).unwrap())
    }

    /// What it is asked: the cross reference and the invoke id of the request, with the request itself looked at.
    async fn is_asked(&mut self, look: impl FnOnce(&RouteRequest<'_>)) -> String {
        let (invoke, text) = self.document().await;
        assert!(!invoke.is_event());
        let Message::Request(Request::RouteRequest(request)) = wire::decode(&text).unwrap().message else {
            panic!("{text}");
        };
        look(&request);
        request.cross_ref.clone().into_owned()
    }

    /// The error of the `RouteEnd` that comes next, as `operation/…`, or nothing.
    async fn route_ends(&mut self) -> String {
        let (_, text) = self.document().await;
        let Message::Request(Request::RouteEnd(end)) = wire::decode(&text).unwrap().message else {
            panic!("{text}");
        };
        end.error.map_or_else(String::new, |error| format!("{}/{}", error.category.name(), error.value))
    }
}

#[tokio::test]
async fn t01_a_call_is_routed_over_the_wire() {
    for edition in [Edition::Ed3, Edition::Ed4, Edition::Ed6] {
        let (pbx, address) = pbx(|_, _| {}).await;
        let mut client = Client::speaking(address, edition).await;
        assert_eq!(client.monitor("2003").await, "MonitorStartResponse");
        assert_eq!(client.asks(register()).await, "RouteRegisterResponse");
        pbx.ring("0612345678", POINT).unwrap();
        let cross_ref = client
            .is_asked(|request| {
                let number = |device: &Option<wire::DeviceRef<'_>>| {
                    device.as_ref().and_then(|device| device.value()).map(str::to_owned)
                };
                assert_eq!(number(&request.calling).as_deref(), Some("0612345678"));
                assert_eq!(number(&request.current).as_deref(), Some(POINT));
                assert_eq!(number(&request.routeing).as_deref(), Some(POINT));
                assert_eq!(request.call, Some(at("1", POINT)));
                assert_eq!(request.reply_timeout, Some(2000));
            })
            .await;
        client.send(select(&cross_ref, "2003")).await;
        assert_eq!(client.event().await, "Delivered 1@2003 alerting redirected", "in {edition}");
        let (_, text) = client.document().await;
        let Message::Request(Request::RouteUsed(used)) = wire::decode(&text).unwrap().message else {
            panic!("{text}");
        };
        assert_eq!(used.used.unwrap().value(), Some("2003"));
        assert_eq!(client.route_ends().await, "");
        pbx.stop().await;
    }
}

#[tokio::test]
async fn t01_answers_that_are_late_wrong_or_another_s() {
    let (pbx, address) = pbx(|switch, _| switch.routing_points[0].reply_timeout = Span::millis(50)).await;
    let mut client = Client::connect(address).await;
    client.asks(register()).await;
    pbx.ring("0612345678", POINT).unwrap();
    let cross_ref = client.is_asked(|_| {}).await;
    assert_eq!(client.route_ends().await, "operation/routeingTimerExpired");
    assert_eq!(pbx.state().switch.calls_ringing_at("2001"), 1, "it went to the default destination");
    let late = client.send(select(&cross_ref, "2003")).await;
    assert_eq!(client.answer_to(late).await, "operation/invalidRouteingCrossRefID");
    pbx.stop().await;

    let (pbx, address) = self::pbx(|_, _| {}).await;
    let mut client = Client::connect(address).await;
    client.asks(register()).await;
    pbx.ring("0612345678", POINT).unwrap();
    let cross_ref = client.is_asked(|_| {}).await;
    let mut other = Client::connect(address).await;
    let meddling = other.send(select(&cross_ref, "2003")).await;
    assert_eq!(other.answer_to(meddling).await, "operation/invalidRouteingCrossRefID");
    assert_eq!(
        other.asks(register()).await,
        "subscribedResourceAvailability/objectRegistrationLimitExceeded"
    );
    let theirs = wire::RouteRegisterCancel { register: "1".into() };
    assert_eq!(other.asks(theirs.clone()).await, "operation/invalidRouteRegistrationCrossRefID");
    client.send(select(&cross_ref, "99")).await;
    assert_eq!(client.route_ends().await, "operation/invalidDestination");
    assert_eq!(client.asks(theirs).await, "RouteRegisterCancelResponse");
    assert_eq!(other.asks(register()).await, "RouteRegisterResponse");
    pbx.stop().await;
}

#[tokio::test]
async fn t01_a_busy_colleague_is_asked_for_again_and_a_call_can_be_rejected() {
    let (pbx, address) = pbx(|_, _| {}).await;
    let mut client = Client::connect(address).await;
    client.asks(register()).await;
    pbx.ring("0612345678", "2003").unwrap();
    pbx.ring("0687654321", POINT).unwrap();
    let cross_ref = client.is_asked(|_| {}).await;
    client.send(select(&cross_ref, "2003")).await;
    let (_, text) = client.document().await;
    let Message::Request(Request::ReRoute(again)) = wire::decode(&text).unwrap().message else {
        panic!("{text}");
    };
    assert_eq!(again.cross_ref, cross_ref);
    let reject = RouteReject { cross_ref: cross_ref.into(), ..RouteReject::default() };
    client.send(Request::from(reject).into()).await;
    assert_eq!(client.route_ends().await, "");
    assert_eq!(pbx.state().switch.calls_ringing_at("2001"), 1);
    pbx.stop().await;
}

#[tokio::test]
async fn t01_an_application_that_is_gone_is_not_asked() {
    let (pbx, address) = pbx(|_, csta| csta.session = SessionPolicy::Optional).await;
    let mut client = Client::connect(address).await;
    client.asks(register()).await;
    pbx.until_routed(POINT).await;
    pbx.perform(&Deed::Ring { from: None, to: POINT.into(), data: Some("4A4B43".into()) }).unwrap();
    let withheld = |request: &RouteRequest<'_>| {
        assert_eq!(request.calling, Some(wire::DeviceRef::Restricted));
        assert_eq!(request.correlator, Some(wire::Octets::Hex("4A4B43".into())));
    };
    client.is_asked(withheld).await;
    drop(client);
    // What it was asked goes on, and the next call at once.
    pbx.until(|state| state.switch.calls_ringing_at("2001") == 1).await;
    pbx.ring("0687654321", POINT).unwrap();
    assert_eq!(pbx.state().switch.calls_ringing_at("2002"), 1);
    assert_eq!(pbx.state().switch.routing_points[0].registration, None);
    let mut client = Client::connect(address).await;
    assert_eq!(client.asks(register()).await, "RouteRegisterResponse");
    assert_eq!(pbx.state().server.links[0].registrations, 1);
    pbx.stop().await;
}

#[tokio::test]
async fn t01_routing_is_aborted_asked_late_and_its_end_lost() {
    let (pbx, address) = pbx(|switch, _| switch.routing_points[0].reply_timeout = Span::millis(100)).await;
    let mut client = Client::connect(address).await;
    client.asks(register()).await;
    pbx.ring("0612345678", POINT).unwrap();
    client.is_asked(|_| {}).await;
    pbx.sin(&Sin::AbortRouting).unwrap();
    assert_eq!(client.next().await.1, "RouteRegisterAbort");
    assert_eq!(pbx.state().switch.calls_ringing_at("2001"), 1);
    assert_eq!(client.asks(register()).await, "RouteRegisterResponse", "it may register again");
    pbx.hang_up("0612345678").unwrap();
    pbx.sin(&Sin::LateRouteRequests { by: Span::millis(200), count: 1 }).unwrap();
    pbx.ring("0612345678", POINT).unwrap();
    assert_eq!(client.route_ends().await, "operation/routeingTimerExpired", "before the question");
    client.is_asked(|_| {}).await;
    pbx.sin(&Sin::LoseRouteEnds { count: 1 }).unwrap();
    pbx.ring("0687654321", POINT).unwrap();
    client.is_asked(|_| {}).await;
    assert!(client.is_silent(200).await);
    assert!(pbx.state().switch.routing_points[0].asking.is_empty());
    pbx.stop().await;
}

#[tokio::test]
async fn monitors_hear_of_a_routing_point_if_it_speaks() {
    let (pbx, address) = pbx(|_, _| {}).await;
    let mut client = Client::monitoring(address, &[POINT]).await;
    pbx.ring("0612345678", POINT).unwrap();
    assert_eq!(
        client.take(2).await,
        ["Delivered 1@7100 alerting enteringDistribution", "Diverted 1@7100 null redirected"]
    );
    pbx.stop().await;
    let (pbx, address) = self::pbx(|switch, _| switch.routing_points[0].events = PointEvents::Nothing).await;
    let mut client = Client::connect(address).await;
    assert_eq!(client.monitor(POINT).await, "operation/requestIncompatibleWithDevice");
    pbx.stop().await;
}

fn log_on() -> wire::SetAgentState<'static> {
    wire::SetAgentState {
        device: DeviceId::new("2001"),
        requested: Some(RequestedAgentState::LoggedOn),
        agent: Some("900".into()),
        group: Some(DeviceId::new("7000")),
        ..Default::default()
    }
}

fn becomes(requested: RequestedAgentState<'static>) -> wire::SetAgentState<'static> {
    wire::SetAgentState { device: DeviceId::new("2001"), requested: Some(requested), ..Default::default() }
}

impl Client {
    /// Every agent at a device or of a queue: id, state and what is pending.
    async fn agents(&mut self, device: &str) -> Vec<(String, String, Option<String>)> {
        let request = wire::GetAgentState { device: DeviceId::new(device), ..Default::default() };
        let own = self.send(Request::from(request).into()).await;
        loop {
            let (invoke, text) = self.document().await;
            if invoke != own {
                continue;
            }
            let Message::Response(Response::GetAgentState(answer)) = wire::decode(&text).unwrap().message
            else {
                panic!("{text}");
            };
            let agents = answer.entries.iter().map(|entry| {
                let info = &entry.info[0];
                let state = info.state.as_ref().unwrap().as_str().to_owned();
                let pending = info.pending.as_ref().map(|pending| pending.as_str().to_owned());
                (entry.agent.as_ref().unwrap().to_string(), state, pending)
            });
            return agents.collect();
        }
    }
}

#[tokio::test]
async fn t02_t11_an_agent_s_states_over_the_wire() {
    let (pbx, address) = pbx(|switch, _| {
        switch.queues[0].agents_only = true;
        switch.queues[0].wrap_up = None;
    })
    .await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    assert_eq!(client.asks(log_on()).await, "SetAgentStateResponse");
    assert_eq!(client.take(2).await, ["AgentLoggedOnEvent", "AgentNotReadyEvent"]);
    assert_eq!(client.asks(log_on()).await, "operation/invalidAgentState");
    pbx.ring("0612345678", "7000").unwrap();
    assert_eq!(client.asks(becomes(RequestedAgentState::Ready)).await, "SetAgentStateResponse");
    assert_eq!(client.take(2).await, ["AgentReadyEvent", "Delivered 1@2001 alerting distributed"]);
    pbx.answer("2001").unwrap();
    assert_eq!(client.take(2).await, ["Established 1@2001 connected normal", "AgentBusyEvent"]);
    client.send(Request::from(becomes(RequestedAgentState::NotReady)).into()).await;
    let (_, text) = client.document().await;
    assert!(text.contains("<pendingAgentState>agentNotReady</pendingAgentState>"), "{text}");
    let busy = [("900".to_owned(), "agentBusy".to_owned(), Some("agentNotReady".to_owned()))];
    assert_eq!(client.agents("2001").await, busy);
    assert_eq!(client.agents("7000").await, busy);
    assert_eq!(client.agents("2002").await, []);
    pbx.hang_up("2001").unwrap();
    assert_eq!(client.take(2).await[1], "AgentNotReadyEvent");
    assert_eq!(client.asks(becomes(RequestedAgentState::LoggedOff)).await, "SetAgentStateResponse");
    assert_eq!(client.event().await, "AgentLoggedOffEvent");
    pbx.stop().await;
}

#[tokio::test]
async fn t02_why_an_agent_is_not_ready_is_told_where_the_switch_does_so() {
    for (reasons, cause) in [(true, "<cause>lunch</cause>"), (false, "<agentID>900</agentID>")] {
        let (pbx, address) = pbx(|_, csta| csta.agent_reasons = reasons).await;
        let mut client = Client::monitoring(address, &["2001"]).await;
        client.asks(log_on()).await;
        client.take(2).await;
        let lunch = Deed::Agent {
            device: "2001".into(),
            request: AgentRequest::NotReady,
            agent: None,
            group: None,
            reason: Some("lunch".into()),
        };
        pbx.perform(&lunch).unwrap();
        let (_, text) = client.document().await;
        assert!(text.contains("AgentNotReadyEvent") && text.contains(cause), "{text}");
        assert_eq!(text.contains("lunch"), reasons, "{text}");
        pbx.stop().await;
    }
}

#[tokio::test]
async fn t02_a_switch_that_must_be_asked_and_one_without_agents() {
    let (pbx, address) = pbx(|switch, _| switch.behaviour.agents = AgentSupport::Polled).await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    assert_eq!(client.asks(log_on()).await, "SetAgentStateResponse");
    pbx.agent("2001", AgentRequest::Ready, None, None).unwrap();
    assert_eq!(client.agents("2001").await, [("900".to_owned(), "agentReady".to_owned(), None)]);
    assert!(client.is_silent(50).await);
    pbx.stop().await;

    let (pbx, address) = self::pbx(|switch, _| switch.behaviour.agents = AgentSupport::None).await;
    let mut client = Client::connect(address).await;
    assert_eq!(client.asks(log_on()).await, "operation/serviceNotSupported");
    let ask = wire::GetAgentState { device: DeviceId::new("2001"), ..Default::default() };
    assert_eq!(client.asks(ask).await, "operation/serviceNotSupported");
    pbx.stop().await;
}

#[tokio::test]
async fn capabilities_say_what_is_supported() {
    for (agents, points) in [(true, true), (false, false)] {
        let (pbx, address) = pbx(|switch, _| {
            if !agents {
                switch.behaviour.agents = AgentSupport::None;
            }
            if !points {
                switch.routing_points.clear();
            }
        })
        .await;
        let mut client = Client::connect(address).await;
        client.send(Request::from(wire::GetSwitchingFunctionCaps {}).into()).await;
        let (_, text) = client.document().await;
        let Message::Response(Response::GetSwitchingFunctionCaps(caps)) =
            wire::decode(&text).unwrap().message
        else {
            panic!("{text}");
        };
        assert_eq!(caps.services.contains(wire::Service::SetAgentState), agents);
        assert_eq!(caps.services.contains(wire::Service::RouteRegister), points);
        assert_eq!(caps.services.contains(wire::Service::RouteSelect), points);
        let expected = if points { "RouteRegisterResponse" } else { "operation/serviceNotSupported" };
        assert_eq!(client.asks(wire::RouteRegister::default()).await, expected);
        pbx.stop().await;
    }
}

#[tokio::test]
async fn t11_hours_pass_at_once() {
    let (pbx, address) = pbx(|switch, _| switch.queues[0].wrap_up = Some(Span::seconds(1800))).await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    client.asks(log_on()).await;
    client.asks(becomes(RequestedAgentState::Ready)).await;
    pbx.ring("0612345678", "7000").unwrap();
    pbx.answer("2001").unwrap();
    pbx.hang_up("2001").unwrap();
    assert_eq!(client.take(8).await.last().unwrap(), "AgentWorkingAfterCallEvent");
    pbx.advance(Span::seconds(1801).0);
    assert_eq!(client.event().await, "AgentReadyEvent");
    pbx.stop().await;
}

#[tokio::test]
async fn agents_and_expectations_are_deeds() {
    let (pbx, _) = pbx(|_, _| {}).await;
    let deed = |text: &str| serde_json::from_str::<Deed>(text).unwrap();
    let log_on =
        r#"{"do": "agent", "device": "2001", "request": "loggedOn", "agent": "900", "group": "7000"}"#;
    pbx.perform(&deed(log_on)).unwrap();
    let rests = r#"{"do": "agent", "device": "2001", "request": "notReady", "reason": "lunch"}"#;
    pbx.perform(&deed(rests)).unwrap();
    pbx.perform(&deed(r#"{"do": "expect-agent", "device": "2001", "state": "notReady"}"#)).unwrap();
    pbx.perform(&deed(r#"{"do": "expect-agent", "device": "2002"}"#)).unwrap();
    pbx.perform(&deed(r#"{"do": "expect-waiting", "queue": "7000", "calls": 0}"#)).unwrap();
    let wrong = pbx.perform(&deed(r#"{"do": "expect-waiting", "queue": "7000", "calls": 3}"#)).unwrap_err();
    assert_eq!(wrong.to_string(), "in queue 7000 3 calls should wait, but 0 do");
    let agent = pbx.state().switch.extensions[0].agent.clone().unwrap();
    assert_eq!(agent.reason.as_deref(), Some("lunch"));
    assert_eq!(serde_json::to_value(&agent).unwrap()["state"], "notReady");
    pbx.stop().await;
}
