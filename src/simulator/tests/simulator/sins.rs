//! Every sin, seen on the wire.

use std::net::SocketAddr;
use std::time::Duration;

use schakel_csta_wire as wire;
use schakel_simulator::config::{DeviceIdStyle, Order, SimulatorConfig};
use schakel_simulator::duration::Span;
use schakel_simulator::scenario::Progress;
use schakel_simulator::sins::{Desync, Sin};
use schakel_simulator::switch::Cause;
use schakel_simulator::{RunningSimulator, start};
use wire::{Edition, InvokeId, Request};

use crate::client::{Client, at, monitor};

async fn pbx() -> (RunningSimulator, SocketAddr) {
    let mut config = SimulatorConfig::demo().unwrap();
    config.csta.services_permitted = false;
    let running = start(config).await.unwrap();
    let address = running.csta_address().unwrap();
    (running, address)
}

fn answer(call: &str) -> wire::AnswerCall<'_> {
    wire::AnswerCall { call: at(call, "2001"), ..Default::default() }
}

#[tokio::test]
async fn the_link_is_cut_refused_and_healed() {
    let (pbx, address) = pbx().await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.ring("0612345678", "2001").unwrap();
    client.event().await;
    pbx.cut();
    assert!(client.is_over().await);
    assert!(Client::connect(address).await.is_over().await, "no new link while it is cut");
    pbx.answer("2001").unwrap();
    pbx.mend();
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.hang_up("2001").unwrap();
    assert_eq!(client.event().await, "ConnectionCleared 1@2001 null normalClearing");
    pbx.stop().await;
}

#[tokio::test]
async fn a_planned_end_of_an_earlier_cut_is_void() {
    let mut config = SimulatorConfig::demo().unwrap();
    config.switch.behaviour.ring_limit = Span::millis(60);
    let pbx = start(config).await.unwrap();
    pbx.sin(&Sin::CutLink { during: Some(Span::millis(30)) }).unwrap();
    pbx.sin(&Sin::Heal).unwrap();
    pbx.sin(&Sin::CutLink { during: None }).unwrap();
    pbx.ring("0612345678", "2001").unwrap();
    // The telephone rings for 60 ms, so the 30 ms are over when it stops.
    pbx.until(|state| state.switch.calls.is_empty()).await;
    assert!(pbx.state().server.refusing);
    pbx.stop().await;
}

#[tokio::test]
async fn a_link_that_is_cut_for_a_while_heals_by_itself() {
    let (pbx, address) = pbx().await;
    pbx.sin(&Sin::CutLink { during: Some(Span::millis(50)) }).unwrap();
    pbx.until(|state| !state.server.refusing).await;
    assert_eq!(Client::connect(address).await.monitor("2001").await, "MonitorStartResponse");
    pbx.stop().await;
}

#[tokio::test]
async fn the_link_stalls_and_nothing_is_lost() {
    let (pbx, address) = pbx().await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.sin(&Sin::StallLink { during: None }).unwrap();
    pbx.ring("0612345678", "2001").unwrap();
    let own = client.send(Request::from(answer("1")).into()).await;
    assert!(client.is_silent(100).await);
    assert_eq!(
        pbx.state().switch.calls[0].connections[1].state.name(),
        "alerting",
        "it does not read either"
    );
    pbx.sin(&Sin::Heal).unwrap();
    assert_eq!(client.answer_to(own).await, "AnswerCallResponse");
    assert_eq!(client.event().await, "Delivered 1@2001 alerting newCall");
    pbx.stop().await;
}

#[tokio::test]
async fn call_ids_come_again() {
    let (pbx, address) = pbx().await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.ring("0612345678", "2001").unwrap();
    pbx.hang_up("2001").unwrap();
    pbx.sin(&Sin::ReuseCallIds { count: 1 }).unwrap();
    pbx.ring("0687654321", "2001").unwrap();
    assert_eq!(
        client.take(3).await,
        [
            "Delivered 1@2001 alerting newCall",
            "ConnectionCleared 1@2001 null normalClearing",
            "Delivered 1@2001 alerting newCall"
        ]
    );
    pbx.stop().await;
}

#[tokio::test]
async fn events_are_doubled_lost_and_late() {
    let (pbx, address) = pbx().await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.sin(&Sin::DuplicateEvents { count: 1 }).unwrap();
    pbx.ring("0612345678", "2001").unwrap();
    assert_eq!(client.take(2).await, ["Delivered 1@2001 alerting newCall"; 2]);
    pbx.sin(&Sin::LoseEvents { count: 1 }).unwrap();
    pbx.answer("2001").unwrap();
    pbx.sin(&Sin::ReorderEvents { count: 1 }).unwrap();
    pbx.hold("2001").unwrap();
    pbx.retrieve("2001").unwrap();
    assert_eq!(
        client.take(2).await,
        ["Retrieved 1@2001 connected normal", "Held 1@2001 hold normal"],
        "Established is lost, Held comes after Retrieved"
    );
    pbx.sin(&Sin::ReorderEvents { count: 1 }).unwrap();
    pbx.hold("2001").unwrap();
    assert_eq!(client.event().await, "Held 1@2001 hold normal", "late, even if nothing follows");
    pbx.stop().await;
}

#[tokio::test]
async fn responses_come_after_the_events_late_or_never() {
    let (pbx, address) = pbx().await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.sin(&Sin::Order { order: Order::EventsFirst }).unwrap();
    pbx.ring("0612345678", "2001").unwrap();
    client.event().await;
    client.send(Request::from(answer("1")).into()).await;
    assert_eq!(client.next().await.1, "Established 1@2001 connected normal");
    assert_eq!(client.next().await.1, "AnswerCallResponse");
    pbx.sin(&Sin::AnswerLate { by: Span::millis(80), count: 1 }).unwrap();
    let asked = tokio::time::Instant::now();
    client.asks(wire::HoldCall { call: at("1", "2001"), ..Default::default() }).await;
    assert!(asked.elapsed() >= Duration::from_millis(80));
    pbx.sin(&Sin::NotAnswer { count: 1 }).unwrap();
    client.send(Request::from(wire::RetrieveCall { call: at("1", "2001") }).into()).await;
    assert_eq!(client.take(2).await, ["Held 1@2001 hold normal", "Retrieved 1@2001 connected normal"]);
    assert!(client.is_silent(50).await);
    pbx.stop().await;
}

#[tokio::test]
async fn causes_are_wrong() {
    let (pbx, address) = pbx().await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.sin(&Sin::WrongCause { cause: Cause::CallPickup, count: 1 }).unwrap();
    pbx.ring("0612345678", "2001").unwrap();
    pbx.answer("2001").unwrap();
    assert_eq!(
        client.take(2).await,
        ["Delivered 1@2001 alerting callPickup", "Established 1@2001 connected normal"]
    );
    pbx.stop().await;
}

#[tokio::test]
async fn a_restart_forgets_calls_or_keeps_them() {
    for keep_calls in [false, true] {
        let (pbx, address) = pbx().await;
        let mut client = Client::monitoring(address, &["2001"]).await;
        pbx.ring("0612345678", "2001").unwrap();
        pbx.sin(&Sin::Restart { keep_calls, during: Some(Span::millis(30)) }).unwrap();
        assert!(client.is_over().await);
        pbx.until(|state| !state.server.refusing).await;
        let mut client = Client::monitoring(address, &["2001"]).await;
        let expected = if keep_calls { "AnswerCallResponse" } else { "operation/invalidCallID" };
        assert_eq!(client.asks(answer("1")).await, expected);
        pbx.stop().await;
    }
}

#[tokio::test]
async fn names_are_not_ascii_and_tcp_cuts_them_anywhere() {
    let (pbx, address) = pbx().await;
    let mut client = Client::monitoring(address, &["2002"]).await;
    pbx.sin(&Sin::DeviceIds { style: DeviceIdStyle::Named }).unwrap();
    pbx.sin(&Sin::Dribble { largest: 7, seed: 42 }).unwrap();
    pbx.ring("0201234567", "2002").unwrap();
    assert_eq!(client.event().await, "Delivered 1@N<2002>Zoë Öztürk alerting newCall");
    pbx.stop().await;
}

#[tokio::test]
async fn messages_are_malformed_and_the_link_lives_on() {
    let (pbx, address) = pbx().await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.sin(&Sin::MalformedEvents { count: 5 }).unwrap();
    pbx.ring("0612345678", "2001").unwrap();
    pbx.answer("2001").unwrap();
    for _ in 0..2 {
        pbx.hold("2001").unwrap();
        pbx.retrieve("2001").unwrap();
    }
    let heard = client.take(6).await;
    assert_eq!(heard[..5], ["not XML", "not XML", "not text", "not XML", "not XML"]);
    assert_eq!(heard[5], "Retrieved 1@2001 connected normal");
    pbx.stop().await;
}

#[tokio::test]
async fn frames_are_lost() {
    for how in [Desync::Garbage, Desync::TooShort, Desync::Soap, Desync::CharactersNotBytes] {
        let (pbx, address) = pbx().await;
        let mut client = Client::monitoring(address, &["2001"]).await;
        pbx.sin(&Sin::Desync { how }).unwrap();
        pbx.ring("0612345678", "2001").unwrap();
        assert!(client.is_over().await, "{how:?}: the client's framing must notice");
        pbx.stop().await;
    }
}

#[tokio::test]
async fn monitors_and_requests_are_refused() {
    let (pbx, address) = pbx().await;
    let mut client = Client::connect(address).await;
    pbx.sin(&Sin::RefuseMonitors { count: 1 }).unwrap();
    assert_eq!(client.monitor("2001").await, "systemResourceAvailibility/overallMonitorLimitExceeded");
    assert_eq!(client.monitor("2001").await, "MonitorStartResponse");
    let errors = |category: &str| Sin::Errors {
        category: category.to_owned(),
        value: "performanceLimitExceeded".to_owned(),
        count: 1,
    };
    pbx.sin(&errors("performanceManagement")).unwrap();
    assert_eq!(client.asks(monitor("2002")).await, "performanceManagement/performanceLimitExceeded");
    assert_eq!(client.asks(wire::RequestSystemStatus::default()).await, "RequestSystemStatusResponse");
    assert!(pbx.sin(&errors("bad luck")).is_err());
    pbx.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_does_not_stop_the_others() {
    let (pbx, address) = pbx().await;
    let mut deaf = Client::monitoring(address, &["2001"]).await;
    let mut client = Client::monitoring(address, &["2001"]).await;
    pbx.ring("0612345678", "2001").unwrap();
    pbx.answer("2001").unwrap();
    client.take(2).await;
    for _ in 0..500 {
        pbx.hold("2001").unwrap();
        pbx.retrieve("2001").unwrap();
        client.take(2).await;
    }
    deaf.send_as(InvokeId::from_number(9), Request::from(monitor("2002")).into()).await;
    assert_eq!(deaf.answer_to(InvokeId::from_number(9)).await, "MonitorStartResponse");
    pbx.stop().await;
}

#[tokio::test]
async fn a_scenario_does_it_all_by_itself() {
    let text = r#"
        [[extensions]]
        numbers = "2001-2003"
        [[steps]]
        at = "20ms"
        do = "ring"
        from = "0201234567"
        to = "2001"
        [[steps]]
        do = "expect"
        device = "2001"
        state = "alerting"
        [[steps]]
        after = "10ms"
        do = "answer"
        device = "2001"
        [[steps]]
        do = "sin"
        what = { sin = "wrong-cause", cause = "busy", count = 1 }
        [[steps]]
        do = "consult"
        device = "2001"
        to = "2002"
        [[steps]]
        do = "expect"
        device = "2003"
        state = "connected"
        within = "20ms"
    "#;
    let pbx = start(SimulatorConfig::from_scenario(text).unwrap()).await.unwrap();
    let Progress::Failed(why) = pbx.scenario().await else { panic!("2003 is in no call") };
    assert!(why.contains("step 6"), "{why}");
    assert!(why.contains("2003 should be connected, but is in no call"), "{why}");
    assert_eq!(pbx.state().switch.calls.len(), 2);
    pbx.stop().await;
}

#[tokio::test]
async fn every_edition_hears_the_same() {
    let (pbx, address) = pbx().await;
    for edition in [Edition::Ed2, Edition::Ed3, Edition::Ed4, Edition::Ed5, Edition::Ed6] {
        let mut client = Client::speaking(address, edition).await;
        client.monitor("2001").await;
        let call = pbx.ring("0612345678", "2001").unwrap();
        assert_eq!(client.event().await, format!("Delivered {call}@2001 alerting newCall"));
        pbx.hang_up("2001").unwrap();
    }
    pbx.stop().await;
}
