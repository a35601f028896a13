//! The HTTP control.

use reqwest::{Client, StatusCode};
use schakel_simulator::config::SimulatorConfig;
use schakel_simulator::{RunningSimulator, start};
use serde_json::{Value, json};

struct Desk {
    pbx: RunningSimulator,
    http: Client,
    base: String,
}

impl Desk {
    async fn new() -> Self {
        let pbx = start(SimulatorConfig::demo().unwrap()).await.unwrap();
        let base = format!("http://{}", pbx.control_address().unwrap());
        let http = Client::builder().no_proxy().build().unwrap();
        Self { pbx, http, base }
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.http.post(format!("{}{path}", self.base)).body(body.to_string());
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    async fn ok(&self, path: &str, body: Value) -> Value {
        let (status, said) = self.post(path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {said}");
        said
    }

    async fn get(&self, path: &str) -> String {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap().text().await.unwrap()
    }

    async fn states_of(&self, device: &str) -> Vec<String> {
        let state: Value = serde_json::from_str(&self.get("/state").await).unwrap();
        let calls = state["calls"].as_array().unwrap().iter();
        let legs = calls.flat_map(|call| call["connections"].as_array().unwrap());
        legs.filter(|leg| leg["device"] == device)
            .map(|leg| leg["state"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[tokio::test]
async fn t07_people_do_it_all_by_hand() {
    let desk = Desk::new().await;
    let call = desk.ok("/calls", json!({"from": "0612345678", "to": "2001"})).await;
    assert_eq!(call, json!({"call": "1"}));
    desk.ok("/devices/2001/answer", json!({})).await;
    desk.ok("/devices/2001/hold", json!({})).await;
    assert_eq!(desk.states_of("2001").await, ["hold"]);
    desk.ok("/devices/2001/retrieve", json!({})).await;
    desk.ok("/devices/2001/consult", json!({"to": "2003"})).await;
    desk.ok("/devices/2001/take-back", json!({})).await;
    desk.ok("/devices/2001/consult", json!({"to": "2003"})).await;
    desk.ok("/devices/2003/answer", json!({})).await;
    desk.ok("/devices/2001/swap", json!({})).await;
    desk.ok("/devices/2001/transfer", json!({})).await;
    assert_eq!(desk.states_of("2003").await, ["connected"]);
    desk.ok("/devices/2003/cold-transfer", json!({"to": "2002"})).await;
    desk.ok("/devices/2002/deflect", json!({"to": "2001"})).await;
    desk.ok("/devices/2002/pick-up", json!({"from": "2001"})).await;
    desk.ok("/devices/2002/digits", json!({"digits": "12#"})).await;
    desk.ok("/outside/0612345678/hang-up", json!({})).await;
    assert_eq!(desk.pbx.state().switch.calls, []);
    desk.pbx.stop().await;
}

#[tokio::test]
async fn t12_calls_from_inside_and_what_outside_does() {
    let desk = Desk::new().await;
    desk.ok("/calls", json!({"from": "2001", "to": "0699999999"})).await;
    desk.ok("/outside/0699999999/answer", json!({})).await;
    assert_eq!(desk.states_of("0699999999").await, ["connected"]);
    desk.ok("/devices/2001/hang-up", json!({})).await;
    desk.ok("/calls", json!({"from": "2001", "to": "0699999999"})).await;
    desk.ok("/outside/0699999999/busy", json!({})).await;
    assert_eq!(desk.states_of("2001").await, ["fail"]);
    desk.ok("/calls/2/hang-up", json!({})).await;
    desk.ok("/calls", json!({"to": "7000"})).await;
    assert_eq!(desk.states_of("2001").await, ["alerting"], "the queue gave it out");
    desk.pbx.stop().await;
}

#[tokio::test]
async fn telephones_and_the_link_are_set() {
    let desk = Desk::new().await;
    let put =
        |path: &str, body: Value| desk.http.put(format!("{}{path}", desk.base)).body(body.to_string()).send();
    for (path, body) in [
        ("/devices/2001/do-not-disturb", json!({"on": true})),
        ("/devices/2001/forwarding", json!({"kind": "forwardBusy", "to": "2003"})),
        ("/devices/2002/out-of-service", json!({"out": true})),
    ] {
        assert_eq!(put(path, body).await.unwrap().status(), StatusCode::OK, "{path}");
    }
    let state = desk.pbx.state();
    assert!(state.switch.extensions[0].do_not_disturb);
    assert!(!state.switch.extensions[1].in_service);
    desk.ok("/link/stall", json!({})).await;
    desk.ok("/link/cut", json!({"for": "1h"})).await;
    assert!(desk.pbx.state().server.stalled && desk.pbx.state().server.refusing);
    desk.ok("/link/heal", json!({})).await;
    assert!(!desk.pbx.state().server.stalled && !desk.pbx.state().server.refusing);
    desk.ok("/sins", json!({"sin": "duplicate-events", "count": 2})).await;
    desk.ok("/calls", json!({"from": "0612345678", "to": "2003"})).await;
    desk.ok("/restart", json!({})).await;
    assert_eq!(desk.pbx.state().switch.calls, []);
    let log = desk.get("/log").await;
    assert!(log.contains("DuplicateEvents"), "{log}");
    assert!(desk.get("/log?format=json").await.starts_with('['));
    desk.pbx.stop().await;
}

#[tokio::test]
async fn mistakes_are_answered_in_plain_words() {
    let desk = Desk::new().await;
    let cases = [
        ("/devices/2001/answer", json!({}), StatusCode::CONFLICT, "2001 has no call that is ringing"),
        ("/devices/9999/answer", json!({}), StatusCode::NOT_FOUND, "there is no device 9999"),
        ("/devices/2001/dance", json!({}), StatusCode::UNPROCESSABLE_ENTITY, "unknown variant `dance`"),
        ("/devices/2001/consult", json!({}), StatusCode::UNPROCESSABLE_ENTITY, "missing field `to`"),
        (
            "/devices/2001/sin",
            json!({}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "nothing that one does at a telephone",
        ),
        ("/devices/2001/answer", json!([1]), StatusCode::UNPROCESSABLE_ENTITY, "no JSON object"),
        ("/calls", json!({"from": "06", "to": "99"}), StatusCode::NOT_FOUND, "99 is neither"),
        (
            "/calls",
            json!({"from": "06", "to": "2001", "x": 1}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "unknown field `x`",
        ),
        ("/calls/77/hang-up", json!({}), StatusCode::NOT_FOUND, "there is no call 77"),
        ("/link/burn", json!({}), StatusCode::UNPROCESSABLE_ENTITY, "none of cut, stall and heal"),
        ("/sins", json!({"sin": "sloth"}), StatusCode::UNPROCESSABLE_ENTITY, "unknown variant `sloth`"),
        ("/nowhere", json!({}), StatusCode::NOT_FOUND, "there is no such route"),
    ];
    for (path, body, status, says) in cases {
        let (answered, said) = desk.post(path, body).await;
        assert_eq!(answered, status, "{path}: {said}");
        assert!(said["error"].as_str().unwrap().contains(says), "{path}: {said}");
    }
    let (_, said) = desk.post("/devices/9999/answer", json!({})).await;
    assert_eq!(said["csta"], "operation/invalidDeviceID");
    desk.pbx.stop().await;
}
