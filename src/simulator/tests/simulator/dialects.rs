//! Switches that behave as certain products do.

use schakel_csta_wire as wire;
use schakel_simulator::config::SimulatorConfig;
use schakel_simulator::scenario::{ASTERISK_CSP, OPENSCAPE};
use schakel_simulator::start;
use wire::{DeviceId, Edition, Message, Request};

use crate::client::{Client, at};

#[tokio::test]
async fn t08_openscape_links_a_cold_transfer_by_uid() {
    let mut config = SimulatorConfig::from_scenario(OPENSCAPE).unwrap();
    config.control = None;
    let pbx = start(config).await.unwrap();
    let mut client = Client::speaking(pbx.csta_address().unwrap(), Edition::Ed4).await;
    assert_eq!(client.next().await.1, "SystemStatus");
    client.monitor("N<2001>").await;
    let call = pbx.ring("+17867100000", "2001").unwrap();
    let call = call.as_str();
    assert_eq!(call.len(), 32);
    pbx.answer("2001").unwrap();
    client.take(2).await;
    let transfer = wire::SingleStepTransferCall {
        active: at(call, "N<2001>"),
        to: DeviceId::new("2003"),
        ..Default::default()
    };
    client.send(Request::from(transfer).into()).await;
    client.frame().await.unwrap();
    let (_, body) = client.frame().await.unwrap();
    let text = String::from_utf8(body).unwrap();
    let Message::Call(event) = wire::decode(&text).unwrap().message else { panic!("{text}") };
    assert_eq!(event.connection.call, call);
    let party = &event.connections[0];
    let new = party.new.as_ref().unwrap();
    assert_ne!(new.call, call);
    assert_eq!(new.device.value, format!("N<+17867100000>;uid={call}"));
    assert_eq!(party.old, None);
    pbx.stop().await;
}

#[tokio::test]
async fn t07_asterisk_csp_tells_events_first_and_takes_back_in_its_own_way() {
    let pbx = start(SimulatorConfig::from_scenario(ASTERISK_CSP).unwrap()).await.unwrap();
    let mut client = Client::speaking(pbx.csta_address().unwrap(), Edition::Ed3).await;
    client.send(Request::from(crate::client::monitor("2001")).into()).await;
    let (_, body) = client.frame().await.unwrap();
    assert!(!String::from_utf8(body).unwrap().contains("xmlns"));
    pbx.ring("0612345678", "2001").unwrap();
    pbx.answer("2001").unwrap();
    pbx.consult("2001", "2002").unwrap();
    pbx.answer("2002").unwrap();
    client.take(5).await;
    client
        .send(Request::from(wire::ReconnectCall { held: at("0", "2001"), active: at("1", "2001") }).into())
        .await;
    assert_eq!(client.next().await.1, "ConnectionCleared 1@2001 null normalClearing");
    assert_eq!(client.next().await.1, "Retrieved 1@2001 connected normal");
    assert_eq!(client.next().await.1, "ReconnectCallResponse");
    pbx.stop().await;
}
