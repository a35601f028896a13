//! Delivery over real sockets: api.md's rules, one test a rule.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod answers;
mod batches;
mod endpoints;
mod failures;
mod journal;
mod receiver;
mod tls;

use std::sync::atomic::{AtomicU64, Ordering};

use receiver::{Receiver, Sender, assert_in_order, notification, now_ms, settings, status};
use schakel_outbox::{Secret, Settings};

#[tokio::test]
async fn t03_a_notification_arrives_signed_and_with_its_id() {
    let mut receiver = Receiver::new(|_| status(204)).await;
    let sender = Sender::new(&receiver.url, settings());
    sender.tell(1, 1, 1).await;
    let hit = receiver.hit().await;
    assert_eq!(hit.headers["content-type"], "application/cloudevents+json");
    assert_eq!(hit.headers["host"], format!("localhost:{}", receiver.address.port()));
    assert_eq!(hit.headers["webhook-id"], hit.json()["id"]);
    assert!((hit.headers["webhook-timestamp"].parse::<i64>().unwrap() - now_ms() / 1_000).abs() <= 30);
    assert!(hit.is_signed_with(&sender.subscription.secret));
    assert!(!hit.is_signed_with(&Secret::generate().unwrap()));
    assert_eq!(sender.left().await, (vec![], vec![]));
}

#[tokio::test]
async fn order_is_kept_per_contact_whatever_fails() {
    // Two of five requests fail, in a pattern that falls differently on every contact.
    let count = AtomicU64::new(0);
    let mut receiver = Receiver::new(move |_| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        status(if matches!(n * 7 % 5, 1 | 3) { 503 } else { 200 })
    })
    .await;
    let sender = Sender::new(&receiver.url, settings());
    for first in (1..=300).step_by(50) {
        sender.tell(first, first + 49, 7).await;
    }
    let hits = receiver.delivered(300).await;
    assert_in_order(&hits, 1, 300);
    assert!(hits.len() > 400, "{} requests: failures were tried again", hits.len());
    assert_eq!(sender.left().await, (vec![], vec![]));
}

#[tokio::test]
async fn contacts_go_in_parallel_up_to_the_limit() {
    // Nobody is answered before six are there; the others have to wait for them.
    let mut receiver =
        Receiver::new(|_| receiver::Reply { status: 200, when_concurrent: 6, ..Default::default() }).await;
    let sender = Sender::new(&receiver.url, Settings { lanes_max: 6, ..settings() });
    sender.tell(1, 12, 12).await;
    let hits = receiver.delivered(12).await;
    assert!(hits.iter().take(6).all(|hit| hit.concurrent <= 6));
    assert_eq!(receiver.connections(), 6, "connections are used again");
}

#[tokio::test]
async fn both_secrets_sign_while_one_rotates() {
    let mut receiver = Receiver::new(|_| status(200)).await;
    let old = Secret::generate().unwrap();
    let previous = Some((old.clone(), now_ms() + 60_000));
    let sender = Sender::with(&receiver.url, settings(), |subscription| subscription.previous = previous);
    sender.tell(1, 1, 1).await;
    let hit = receiver.hit().await;
    assert!(hit.is_signed_with(&old) && hit.is_signed_with(&sender.subscription.secret));
    // The rotation is over.
    let mut subscription = sender.subscription.clone();
    subscription.previous = Some((old.clone(), now_ms() - 1));
    sender.outbox.set_subscriptions(vec![subscription]);
    sender.tell(2, 2, 1).await;
    let hit = receiver.hit().await;
    assert!(!hit.is_signed_with(&old) && hit.is_signed_with(&sender.subscription.secret));
}

#[tokio::test]
async fn t03_a_ringing_that_is_too_old_arrives_as_history() {
    let mut receiver = Receiver::new(|_| status(200)).await;
    let sender = Sender::new(&receiver.url, settings());
    let rows = [notification(1, 1, Some(now_ms() + 60_000)), notification(2, 2, Some(now_ms() - 1))];
    sender.append(&rows).await;
    sender.outbox.notify(&rows);
    let mut hits = receiver.delivered(2).await;
    hits.sort_by_key(receiver::Hit::seqs);
    let [fresh, late] = [hits[0].json(), hits[1].json()];
    assert_eq!(
        (fresh["type"].as_str(), fresh["data"].get("delivery")),
        (Some("nl.schakel.call.ringing.v1"), None)
    );
    assert_eq!(late["type"], "nl.schakel.call.rang.v1");
    assert_eq!(late["data"]["delivery"], "late");
    assert_eq!(hits[1].headers["webhook-id"], late["id"]);
    assert!(hits[1].is_signed_with(&sender.subscription.secret));
    assert_eq!(sender.until(|status| status.delivered == 2).await.late, 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_costs_nothing() {
    let mut receiver =
        Receiver::new(|_| receiver::Reply { status: 200, hang_up: true, ..Default::default() }).await;
    let sender = Sender::new(&receiver.url, settings());
    sender.tell(1, 20, 1).await;
    assert_in_order(&receiver.delivered(20).await, 1, 20);
    assert_eq!(sender.left().await, (vec![], vec![]));
}
