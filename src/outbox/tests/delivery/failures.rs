//! What the receiver's answers do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use schakel_journal::Redrive;
use schakel_outbox::{AlarmKind, Circuit, HoldKind, Settings};

use crate::receiver::{Receiver, Reply, Sender, assert_in_order, settings, status};

#[tokio::test]
async fn a_refused_one_is_tried_three_times_and_the_lane_goes_on() {
    for refusal in [400, 404, 413, 415, 422] {
        let mut receiver =
            Receiver::new(move |hit| status(if hit.seqs() == [2] { refusal } else { 200 })).await;
        let sender = Sender::new(&receiver.url, settings());
        sender.tell(1, 3, 1).await;
        let hits = receiver.delivered(2).await;
        assert_eq!(hits.iter().flat_map(|hit| hit.seqs()).collect::<Vec<_>>(), [1, 2, 2, 2, 3], "{refusal}");
        let (waiting, dead) = sender.left().await;
        assert_eq!((waiting, dead.len(), dead[0].0), (vec![], 1, 2));
        assert!(dead[0].1.starts_with(&refusal.to_string()), "{dead:?}");
        let attempts = sender.store.reader().unwrap().attempts(sender.subscription.id, 10).unwrap();
        assert_eq!(
            attempts.iter().map(|row| (row.seq, row.status)).collect::<Vec<_>>(),
            [(2, Some(refusal)); 3]
        );
    }
}

#[tokio::test]
async fn anything_else_is_tried_again_until_it_arrives() {
    for failure in [302, 402, 408, 425, 429, 500, 502, 503, 504] {
        let left = AtomicU64::new(3);
        let mut receiver = Receiver::new(move |_| {
            let failing = left.try_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
            status(if failing { failure } else { 200 })
        })
        .await;
        let sender = Sender::new(&receiver.url, settings());
        sender.tell(1, 1, 1).await;
        let hits = receiver.delivered(1).await;
        assert_eq!(hits.iter().map(|hit| hit.status).collect::<Vec<_>>(), [failure, failure, failure, 200]);
        let ids: Vec<_> = hits.iter().map(|hit| &hit.headers["webhook-id"]).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "the id is the same over retries");
        assert_eq!(sender.until(|status| status.delivered == 1).await.failed, 3);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mut elsewhere = Receiver::new(|_| status(200)).await;
    let location = elsewhere.url.clone();
    let receiver = Receiver::new(move |_| Reply {
        status: 307,
        headers: vec![("location", location.clone())],
        ..Reply::default()
    })
    .await;
    let sender = Sender::new(&receiver.url, settings());
    sender.tell(1, 1, 1).await;
    let error = sender.until(|status| status.failed >= 3).await.last_error.unwrap();
    assert!(error.text.contains("redirects are not followed"), "{}", error.text);
    assert_eq!((elsewhere.rest(), elsewhere.connections()), (0, 0));
    assert_eq!(sender.left().await.0, [1]);
}

#[tokio::test]
async fn a_large_answer_is_no_success() {
    let large = Bytes::from(vec![b'x'; 16 * 1024 + 1]);
    let left = AtomicU64::new(2);
    let mut receiver = Receiver::new(move |_| {
        let failing = left.try_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
        let body = if failing { large.clone() } else { large.slice(1..) };
        Reply { status: 200, body, ..Reply::default() }
    })
    .await;
    let sender = Sender::new(&receiver.url, settings());
    sender.tell(1, 1, 1).await;
    let status = sender.until(|status| status.delivered == 1).await;
    assert_eq!(status.failed, 2);
    assert!(status.last_error.unwrap().text.contains("over 16 KB"));
    assert_eq!(receiver.delivered(3).await.len(), 3);
}

#[tokio::test]
async fn unauthorised_pauses_with_an_alarm_until_somebody_resumes_also_over_a_restart() {
    for refusal in [401, 403] {
        let known = Arc::new(AtomicBool::new(false));
        let knows = Arc::clone(&known);
        let mut receiver =
            Receiver::new(move |_| status(if knows.load(Ordering::Relaxed) { 200 } else { refusal })).await;
        let sender = Sender::new(&receiver.url, settings());
        let mut alarms = sender.outbox.alarms();
        sender.tell(1, 1, 1).await;
        let alarm = alarms.recv().await.unwrap();
        assert_eq!((alarm.kind, alarm.subscription), (AlarmKind::Paused, sender.subscription.id));
        assert!(alarm.reason.starts_with(&refusal.to_string()), "{}", alarm.reason);
        sender.tell(2, 3, 1).await;
        let url = receiver.url.clone();
        let sender = sender.restart(&url, settings()).await;
        let status = sender.until(|status| status.hold.is_some() && status.pending == 3).await;
        assert_eq!(status.hold.unwrap().kind, HoldKind::Paused);
        assert_eq!(receiver.hit().await.seqs(), [1]);
        assert_eq!(receiver.rest(), 0, "one request, and no more");
        known.store(true, Ordering::Relaxed);
        sender.outbox.resume(sender.subscription.id).await.unwrap();
        assert_in_order(&receiver.delivered(3).await, 1, 3);
        assert_eq!(sender.until(|status| status.pending == 0).await.hold, None);
    }
}

#[tokio::test]
async fn gone_disables() {
    let mut receiver = Receiver::new(|_| status(410)).await;
    let sender = Sender::new(&receiver.url, settings());
    let mut alarms = sender.outbox.alarms();
    sender.tell(1, 1, 1).await;
    assert_eq!(alarms.recv().await.unwrap().kind, AlarmKind::Disabled);
    assert_eq!(sender.status().await.hold.unwrap().kind, HoldKind::Disabled);
    sender.tell(2, 2, 2).await;
    assert_eq!(sender.left().await, (vec![1, 2], vec![]));
    assert_eq!(receiver.hit().await.seqs(), [1]);
    assert_eq!(receiver.rest(), 0);
}

#[tokio::test]
async fn the_circuit_opens_probes_one_at_a_time_and_closes() {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    let mut receiver =
        Receiver::new(move |_| status(if is_well.load(Ordering::Relaxed) { 200 } else { 500 })).await;
    let sender = Sender::new(&receiver.url, Settings { lanes_max: 4, ..settings() });
    let mut alarms = sender.outbox.alarms();
    sender.tell(1, 40, 20).await;
    assert_eq!(alarms.recv().await.unwrap().kind, AlarmKind::CircuitOpened);
    assert_eq!(sender.status().await.circuit, Circuit::Open);
    // Those that were in flight when it opened (at most four, and five made it open), then one at a time.
    for _ in 0..9 {
        receiver.hit().await;
    }
    for _ in 0..10 {
        assert_eq!(receiver.hit().await.concurrent, 1);
    }
    well.store(true, Ordering::Relaxed);
    assert_eq!(alarms.recv().await.unwrap().kind, AlarmKind::CircuitClosed);
    assert_in_order(&receiver.delivered(40).await, 1, 40);
    assert_eq!(sender.status().await.circuit, Circuit::Closed);
    assert_eq!(sender.left().await, (vec![], vec![]));
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let left = AtomicU64::new(1);
    let mut receiver = Receiver::new(move |_| {
        let failing = left.try_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
        let headers = vec![("retry-after", "1".to_owned())];
        if failing { Reply { status: 503, headers, ..Reply::default() } } else { status(200) }
    })
    .await;
    let sender = Sender::new(&receiver.url, Settings { lanes_max: 1, ..settings() });
    // Also the other contact waits: the endpoint asked for a pause, not the contact.
    sender.tell(1, 2, 2).await;
    let hits = receiver.delivered(2).await;
    assert_eq!(hits.len(), 3);
    assert!(hits[1].at - hits[0].at >= Duration::from_millis(995), "{:?}", hits[1].at - hits[0].at);
}

#[tokio::test]
async fn silence_is_a_failure_after_the_time_limit() {
    let left = AtomicU64::new(1);
    let mut receiver = Receiver::new(move |_| {
        let silent = left.try_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
        Reply { status: 200, silent, ..Reply::default() }
    })
    .await;
    let sender =
        Sender::new(&receiver.url, Settings { request_timeout: Duration::from_millis(300), ..settings() });
    sender.tell(1, 1, 1).await;
    let status = sender.until(|status| status.delivered == 1).await;
    assert_eq!(status.last_error.unwrap().text, "no answer within 300 ms");
    assert_eq!(receiver.delivered(2).await.len(), 2);
}

#[tokio::test]
async fn what_fails_for_too_long_is_a_dead_letter_and_can_be_redriven() {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    let mut receiver =
        Receiver::new(move |_| status(if is_well.load(Ordering::Relaxed) { 200 } else { 500 })).await;
    let mut impatient = settings();
    impatient.retry.give_up_after = Duration::from_millis(20);
    let sender = Sender::new(&receiver.url, impatient);
    sender.tell(1, 6, 2).await;
    sender.until(|status| status.dead == 6).await;
    well.store(true, Ordering::Relaxed);
    // Settling is not awaited by the outbox: an append is behind it.
    let started = tokio::time::Instant::now();
    let reader = sender.store.reader().unwrap();
    while reader.dead_letters(sender.subscription.id, 0, 10).unwrap().len() < 6 {
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::task::yield_now().await;
    }
    receiver.rest();
    let dead = reader.dead_letters(sender.subscription.id, 0, 10).unwrap();
    assert!(dead[0].reason.contains("tried for too long; at last: 500"), "{}", dead[0].reason);
    let id = sender.subscription.id;
    assert_eq!(sender.outbox.redrive(id, Redrive::Ids(vec![dead[3].id])).await.unwrap(), 1);
    assert_eq!(receiver.delivered(1).await[0].seqs(), [4]);
    let all = Redrive::Period { from_ms: 0, to_ms: i64::MAX };
    assert_eq!(sender.outbox.redrive(id, all).await.unwrap(), 5);
    let hits = receiver.delivered(5).await;
    let of_one: Vec<_> = hits.iter().flat_map(|hit| hit.seqs()).filter(|seq| seq % 2 == 1).collect();
    assert_eq!(of_one, [1, 3, 5]);
    assert_eq!(sender.left().await, (vec![], vec![]));
}
