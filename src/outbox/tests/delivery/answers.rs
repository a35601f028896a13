//! What receivers answer, heard by who listens.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schakel_journal::Notification;
use schakel_outbox::{Answer, Circuit, Listener, Retry, Settings};
use tokio::sync::mpsc;

use crate::receiver::{Receiver, Reply, Sender, notification, now_ms, settings, status};

const KIND: &str = "route.requested";

fn listening(room: usize) -> (Settings, mpsc::Receiver<Answer>) {
    let (answers, heard) = mpsc::channel(room);
    (Settings { listener: Some(Listener { kind: KIND, answers }), ..settings() }, heard)
}

fn question(seq: u64, contact: Option<u64>, expires_ms: Option<i64>) -> Arc<Notification> {
    let row = notification(seq, contact.unwrap_or(0), expires_ms);
    Arc::new(Notification { kind: KIND.into(), contact: contact.map(Into::into), ..(*row).clone() })
}

fn says(body: &'static str) -> Reply {
    Reply { status: 200, body: Bytes::from_static(body.as_bytes()), ..Reply::default() }
}

async fn tell(sender: &Sender, rows: &[Arc<Notification>]) {
    sender.append(rows).await;
    sender.outbox.notify(rows);
}

#[tokio::test]
async fn t01_a_question_is_answered_with_its_delivery_and_nothing_else_is_heard() {
    let mut receiver = Receiver::new(|hit| match hit.seqs().as_slice() {
        [1] => says(r#"{"decision":{"default":true}}"#),
        [2] => says("an answer to another kind"),
        [3] => status(204),
        _ => says("the last"),
    })
    .await;
    let (settings, mut heard) = listening(8);
    let sender = Sender::new(&receiver.url, settings);
    let rows = [
        question(1, Some(1), None),
        notification(2, 1, None),
        question(3, Some(1), None),
        question(4, Some(1), None),
    ];
    tell(&sender, &rows).await;
    receiver.delivered(4).await;
    let first = heard.recv().await.unwrap();
    assert_eq!((first.subscription, first.notification.seq), (sender.subscription.id, 1));
    assert_eq!(first.body, r#"{"decision":{"default":true}}"#);
    let last = heard.recv().await.unwrap();
    assert_eq!((last.notification.seq, &last.body[..]), (4, &b"the last"[..]));
    assert_eq!(sender.left().await, (vec![], vec![]), "whatever was answered, it was delivered");
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn t01_an_answer_with_an_error_a_late_one_and_one_to_a_batch_are_not_heard() {
    let refusal = Bytes::from_static(b"no");
    let mut receiver = Receiver::new(move |hit| Reply {
        status: if hit.seqs() == [1] && !hit.headers["content-type"].contains("batch") { 422 } else { 200 },
        body: refusal.clone(),
        ..Reply::default()
    })
    .await;
    let (settings, mut heard) = listening(8);
    let sender = Sender::new(&receiver.url, settings.clone());
    tell(&sender, &[question(1, Some(1), None), question(2, Some(1), Some(now_ms() - 1))]).await;
    let hits = receiver.delivered(1).await;
    assert_eq!(hits.last().unwrap().json()["data"]["delivery"], "late");
    assert_eq!(sender.left().await.0, [] as [u64; 0]);
    let batches = Sender::with(&receiver.url, settings, |subscription| subscription.batch = true);
    tell(&batches, &[question(1, Some(1), None)]).await;
    receiver.delivered(1).await;
    assert_eq!(batches.left().await, (vec![], vec![]));
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn t01_a_question_does_not_wait_behind_what_belongs_to_no_contact() {
    let mut receiver = Receiver::new(|hit| if hit.seqs() == [1] { status(503) } else { says("2002") }).await;
    let (settings, mut heard) = listening(8);
    let sender = Sender::new(&receiver.url, settings);
    let other = Arc::new(Notification { contact: None, ..(*notification(1, 7, None)).clone() });
    tell(&sender, &[other, question(2, None, None)]).await;
    receiver.delivered(1).await;
    assert_eq!(heard.recv().await.unwrap().notification.seq, 2);
    assert_eq!(sender.left().await.0, [1]);
}

#[tokio::test]
async fn t01_a_question_that_is_not_answered_in_its_time_holds_up_its_contact_no_longer() {
    // Whoever waits for the whole request, for a pause, or for the circuit, waits longer than the test.
    let retry = Retry { pauses: vec![Duration::from_secs(60)], circuit_failures: 1, ..settings().retry };
    let mut receiver = Receiver::new(|hit| match hit.seqs().as_slice() {
        [1] if hit.json()["data"].get("delivery").is_none() => Reply { silent: true, ..Reply::default() },
        _ => status(204),
    })
    .await;
    let (settings, mut heard) = listening(8);
    let sender = Sender::new(&receiver.url, Settings { retry, ..settings });
    let expires_ms = now_ms() + 500;
    let rows = [question(1, Some(1), Some(expires_ms)), notification(2, 1, None), notification(3, 1, None)];
    tell(&sender, &rows).await;
    let hits = receiver.delivered(3).await;
    let told: Vec<_> =
        hits.iter().map(|hit| (hit.seqs()[0], hit.json()["data"]["delivery"] == "late")).collect();
    assert_eq!(
        told,
        [(1, false), (1, true), (2, false), (3, false)],
        "in order, and the question as history"
    );
    assert!(now_ms() >= expires_ms, "it had its time");
    let status = sender.until(|status| status.delivered == 3).await;
    assert_eq!((status.failed, status.late, status.circuit), (1, 1, Circuit::Closed));
    assert!(status.last_error.unwrap().text.contains("the question's time"));
    assert_eq!(sender.left().await, (vec![], vec![]));
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn t01_answers_that_nobody_reads_hold_up_no_delivery() {
    let mut receiver = Receiver::new(|_| says("{}")).await;
    let (settings, mut heard) = listening(1);
    let sender = Sender::new(&receiver.url, settings);
    let rows: Vec<_> = (1..=5).map(|seq| question(seq, Some(seq), None)).collect();
    tell(&sender, &rows).await;
    receiver.delivered(5).await;
    assert_eq!(sender.left().await, (vec![], vec![]));
    assert!(heard.try_recv().is_ok());
    assert!(heard.try_recv().is_err(), "there was room for one");
}
