//! Subscriptions, their secrets, and what was not delivered.

use crate::house::{House, in_house};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn made(house: &House, url: &str) -> Value {
    let reply = house.post("/webhooks", Some(json!({ "url": url, "kinds": ["call."], "batch": true }))).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    assert_eq!(reply.header("location"), format!("/v1/webhooks/{}", reply.body["id"].as_str().unwrap()));
    reply.body
}

fn path(hook: &Value, rest: &str) -> String {
    format!("/webhooks/{}{rest}", hook["id"].as_str().unwrap())
}

#[test]
fn a_subscription_is_made_changed_and_deleted() {
    in_house(async |house| {
        let hook = made(&house, "https://jkc.example.nl/in").await;
        assert!(hook["secret"].as_str().unwrap().starts_with("whsec_"));
        let seen = house.get(&path(&hook, "")).await;
        assert_eq!((&seen.body["state"], &seen.body["secret"]), (&json!("active"), &json!(null)));
        let body = json!({ "url": "https://jkc.example.nl/other" });
        let wrong = house.ask("PUT", &path(&hook, ""), Some(body.clone()), &[("if-match", "\"9\"")]).await;
        assert_eq!((wrong.status.as_u16(), wrong.problem()), (412, "version-mismatch"));
        let changed =
            house.ask("PUT", &path(&hook, ""), Some(body), &[("if-match", seen.header("etag"))]).await;
        assert_eq!(
            (&changed.body["url"], &changed.body["version"]),
            (&json!("https://jkc.example.nl/other"), &json!(2))
        );
        assert_eq!(changed.body["kinds"], json!([]));
        let paused = house.post(&path(&hook, "/pause"), None).await;
        assert_eq!(paused.body["state"], "paused");
        let resumed = house.post(&path(&hook, "/resume"), None).await;
        assert_eq!(resumed.body["paused"], false);
        let all = house.get("/webhooks").await.body;
        assert_eq!(all["items"].as_array().unwrap().len(), 1);
        assert!(!all.to_string().contains("whsec_"));
        assert_eq!(house.send("DELETE", &path(&hook, ""), None).await.status, 204);
        assert_eq!(house.get(&path(&hook, "")).await.status, 404);
    });
}

#[test]
fn a_secret_rotates_and_the_old_one_signs_for_a_day() {
    in_house(async |house| {
        let hook = made(&house, "https://jkc.example.nl/in").await;
        let rotated = house.post(&path(&hook, "/rotate-secret"), None).await.body;
        assert_ne!(rotated["secret"], hook["secret"]);
        assert!(rotated["oldSecretUntil"].is_string());
        let stored = schakel_api::subscriptions::load(&house.store).unwrap();
        let target = stored[0].target().unwrap();
        assert_eq!(target.secret.to_text(), rotated["secret"].as_str().unwrap());
        assert_eq!(target.previous.unwrap().0.to_text(), hook["secret"].as_str().unwrap());
        assert!(!format!("{stored:?}").contains("whsec_"));
    });
}

#[test]
fn a_wrong_address_or_kind_is_refused_with_all_reasons() {
    in_house(async |house| {
        let body =
            json!({ "url": "https://elsewhere.example.nl/", "kinds": ["call.ringing", "call.rings", "x."] });
        let reply = house.post("/webhooks", Some(body)).await;
        assert_eq!((reply.status.as_u16(), reply.problem()), (400, "invalid-request"));
        let errors = reply.body["errors"].as_array().unwrap();
        let places: Vec<_> =
            errors.iter().map(|error| error["location"]["pointer"].as_str().unwrap()).collect();
        assert_eq!(places, ["/url", "/kinds/1", "/kinds/2"]);
    });
}

/// An endpoint that answers every request with one status, and says what it got.
async fn endpoint(status: u16) -> (String, tokio::sync::mpsc::Receiver<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    let (got, gets) = tokio::sync::mpsc::channel(16);
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"}]") && !request.ends_with(b"}}") {
                if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let reply = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(reply.as_bytes()).await.unwrap();
            let _ = got.send(String::from_utf8(request).unwrap()).await;
        }
    });
    (url, gets)
}

#[test]
fn t03_a_ringing_call_reaches_the_subscription() {
    in_house(async |house| {
        let (url, mut gets) = endpoint(200).await;
        let hook = made(&house, &url).await;
        house.rings().await;
        let request = gets.recv().await.unwrap();
        assert!(request.contains("webhook-signature: v1,"), "{request}");
        assert!(request.contains("nl.schakel.call."), "{request}");
        let deliveries = house.get(&path(&hook, "/deliveries")).await;
        assert_eq!(deliveries.status, 200, "{}", deliveries.body);
    });
}

#[test]
fn a_subscription_can_be_tried() {
    in_house(async |house| {
        let (url, mut gets) = endpoint(200).await;
        let hook = made(&house, &url).await;
        let tried = house.post(&path(&hook, "/test"), None).await;
        assert_eq!((tried.status.as_u16(), &tried.body["change"]), (200, &json!("test.ping")));
        let request = gets.recv().await.unwrap();
        assert!(request.contains(tried.body["notification"].as_str().unwrap()), "{request}");
        assert!(request.contains("nl.schakel.test.ping.v1"), "{request}");
        // The stream goes on after it.
        house.rings().await;
        let ringing = gets.recv().await.unwrap();
        assert!(ringing.contains("nl.schakel.call."), "{ringing}");
    });
}

#[test]
fn what_was_given_up_is_listed_and_redriven() {
    in_house(async |house| {
        let (url, mut gets) = endpoint(404).await;
        let hook = made(&house, &url).await;
        house.rings().await;
        // Three tries, and then it is written down.
        for _ in 0..3 {
            gets.recv().await.unwrap();
        }
        let mut letters = Vec::new();
        while letters.is_empty() {
            house.store.append(schakel_journal::Batch::default()).await.unwrap();
            let page = house.get(&path(&hook, "/dead-letters")).await;
            letters = page.body["items"].as_array().unwrap().clone();
        }
        let letter = &letters[0];
        assert!(letter["change"].as_str().unwrap().starts_with("call."), "{letter}");
        let attempts = house.get(&path(&hook, "/deliveries")).await.body["attempts"].clone();
        assert_eq!(attempts[0]["status"], 404);
        let redriven = house.post(&path(&hook, "/redrive"), Some(json!({ "ids": [letter["id"]] }))).await;
        assert_eq!((redriven.status.as_u16(), &redriven.body["redriven"]), (200, &json!(1)));
        let period = json!({ "period": { "from": "2020-01-01T00:00:00Z", "to": "2090-01-01T00:00:00Z" } });
        assert_eq!(house.post(&path(&hook, "/redrive"), Some(period)).await.status, 200);
        for wrong in
            [json!({}), json!({ "ids": [] }), json!({ "ids": ["x"] }), json!({ "ids": [], "period": {} })]
        {
            assert_eq!(house.post(&path(&hook, "/redrive"), Some(wrong)).await.status, 400);
        }
    });
}
