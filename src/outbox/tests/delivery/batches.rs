//! Several notifications in one request.

use schakel_outbox::Settings;

use crate::receiver::{Receiver, Reply, Sender, assert_in_order, settings, status};

fn sender(url: &str, settings: Settings) -> Sender {
    Sender::with(url, settings, |subscription| subscription.batch = true)
}

#[tokio::test]
async fn batches_fill_keep_the_order_and_never_split_a_contact_over_two_requests() {
    // The receiver itself asserts that no contact is in two requests at once.
    let mut receiver = Receiver::new(|_| status(200)).await;
    let sender = sender(&receiver.url, Settings { batch_max: 16, ..settings() });
    for first in (1..=600).step_by(200) {
        sender.tell(first, first + 199, 9).await;
    }
    let hits = receiver.delivered(600).await;
    assert_in_order(&hits, 1, 600);
    assert!(hits.iter().all(|hit| hit.events.len() <= 16));
    assert!(hits.len() < 300, "{} requests for 600 notifications", hits.len());
    let full = hits.iter().find(|hit| hit.events.len() > 1).unwrap();
    assert_eq!(full.headers["content-type"], "application/cloudevents-batch+json");
    assert!(full.is_signed_with(&sender.subscription.secret));
    assert!(full.headers["webhook-id"].starts_with("batch_"));
    assert_eq!(sender.left().await, (vec![], vec![]));
}

#[tokio::test]
async fn one_bad_notification_does_not_take_its_batch_along() {
    let mut receiver = Receiver::new(|hit| status(if hit.seqs().contains(&5) { 422 } else { 200 })).await;
    let sender = sender(&receiver.url, settings());
    sender.tell(1, 20, 3).await;
    let hits = receiver.delivered(19).await;
    let mut arrived: Vec<_> =
        hits.iter().filter(|hit| hit.status == 200).flat_map(|hit| hit.seqs()).collect();
    arrived.sort_unstable();
    assert_eq!(arrived, (1..=20).filter(|seq| *seq != 5).collect::<Vec<_>>());
    let (waiting, dead) = sender.left().await;
    assert_eq!((waiting, dead.len(), dead[0].0), (vec![], 1, 5));
}

#[tokio::test]
async fn a_batch_that_failed_is_tried_again() {
    let count = std::sync::atomic::AtomicU64::new(0);
    let mut receiver = Receiver::new(move |_| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Reply { status: if n.is_multiple_of(3) { 503 } else { 200 }, ..Reply::default() }
    })
    .await;
    let sender = sender(&receiver.url, Settings { batch_max: 8, ..settings() });
    sender.tell(1, 200, 5).await;
    assert_in_order(&receiver.delivered(200).await, 1, 200);
    assert_eq!(sender.left().await, (vec![], vec![]));
}

#[tokio::test]
async fn a_batch_is_limited_in_bytes() {
    let mut receiver = Receiver::new(|_| status(200)).await;
    // A notification is about 150 bytes.
    let sender = sender(&receiver.url, Settings { batch_bytes_max: 500, ..settings() });
    sender.tell(1, 50, 50).await;
    let hits = receiver.delivered(50).await;
    assert_in_order(&hits, 1, 50);
    assert!(hits.iter().all(|hit| hit.body.len() <= 502));
    assert!(hits.iter().any(|hit| hit.events.len() > 1));
}
