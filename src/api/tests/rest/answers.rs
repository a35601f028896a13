//! Webhooks that answer a `route.requested` with a decision (T01).

use crate::house::{House, in_house};
use schakel_api::{ANSWERED_KIND, decide_by_answers};
use schakel_journal::Notification;
use schakel_outbox::Answer;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc;

const SUBSCRIPTION: u128 = 0x0190_0000_0000_7000_8000_0000_0000_0042;

/// A webhook answers a notification whose data are these; returns when what it said was dealt with.
async fn answers(house: &House, data: serde_json::Value, body: &str) {
    let (heard, answers) = mpsc::channel(1);
    let notification = Notification {
        seq: 1,
        input_seq: 1,
        id: 1,
        contact: None,
        contact_seq: 0,
        kind: ANSWERED_KIND.into(),
        at_ms: 0,
        expires_ms: None,
        payload: json!({ "data": data }).to_string().into(),
        deliveries: Arc::default(),
    };
    let body = body.to_owned().into();
    heard
        .send(Answer { subscription: SUBSCRIPTION, notification: Arc::new(notification), body })
        .await
        .unwrap();
    drop(heard);
    decide_by_answers(house.app.clone(), answers).await;
}

async fn counted(house: &House, result: &str) -> bool {
    let metrics = crate::admin::metrics(house).await;
    metrics.contains(&format!("schakel_route_answers_total{{result=\"{result}\"}} 1"))
}

#[test]
fn t01_an_answer_decides_by_the_subscription_s_name() {
    in_house(async |house| {
        for (dialogue, body, decision) in [
            (
                "d1",
                r#"{"decision":{"destination":{"agent":"pieters"}}}"#,
                json!({ "number": "2002", "default": false }),
            ),
            ("d2", r#"{"decision":{"default":true},"extra":1}"#, json!({ "default": true })),
        ] {
            let id = house.asks(dialogue).await;
            answers(&house, json!({ "route": { "id": id } }), body).await;
            let route = house.get(&format!("/routes/{id}")).await.body;
            assert_eq!((&route["decision"], &route["decidedBy"]), (&decision, &json!("jkc")), "{route}");
            let command = route["command"].as_str().unwrap();
            let command = house.get(&format!("/commands/{command}")).await.body;
            let by = format!("webhook:{}", uuid::Uuid::from_u128(SUBSCRIPTION));
            assert_eq!(command["command"]["by"]["token"], by.as_str());
        }
    });
}

#[test]
fn t01_what_is_no_decision_is_counted_and_the_routing_stays_asked() {
    in_house(async |house| {
        let id = house.asks("d1").await;
        let about = json!({ "route": { "id": id } });
        for body in [
            "ok",
            "[]",
            r#"{"decision":{"default":false}}"#,
            r#"{"decision":{"destination":{"number":"a b"}}}"#,
            r#"{"decision":{"destination":{"agent":"nobody"}}}"#,
        ] {
            answers(&house, about.clone(), body).await;
        }
        answers(&house, json!({}), r#"{"decision":{"default":true}}"#).await;
        let metrics = crate::admin::metrics(&house).await;
        assert!(metrics.contains("schakel_route_answers_total{result=\"unusable\"} 6"), "{metrics}");
        // JKC that will say it by a request says nothing here.
        answers(&house, about.clone(), r#"{"decision":null}"#).await;
        assert!(counted(&house, "nothing").await);
        assert_eq!(house.get(&format!("/routes/{id}")).await.body["state"], "asked");
        answers(&house, about, r#"{"decision":{"default":true}}"#).await;
        assert!(counted(&house, "decided").await);
        assert_eq!(house.get(&format!("/routes/{id}")).await.body["state"], "decided");
    });
}
