//! The outbox and the journal: restarts, backlogs, pauses, the end.

use std::time::Duration;

use schakel_outbox::Settings;

use crate::receiver::{Receiver, Reply, Sender, assert_in_order, notification, settings, status};

#[tokio::test]
async fn a_restart_goes_on_in_order() {
    let gone = Receiver::new(|_| status(200)).await;
    let dead_url = gone.url.clone();
    drop(gone);
    let sender = Sender::new(&dead_url, settings());
    sender.tell(1, 50, 4).await;
    let error = sender.until(|status| status.failed > 0).await.last_error.unwrap().text;
    assert!(error.contains("refused"), "{error}");
    let mut receiver = Receiver::new(|_| status(200)).await;
    let sender = sender.restart(&receiver.url, settings()).await;
    sender.tell(51, 60, 4).await;
    assert_in_order(&receiver.delivered(60).await, 1, 60);
    assert_eq!(sender.left().await, (vec![], vec![]));
}

#[tokio::test]
async fn what_was_committed_before_the_outbox_knew_is_delivered() {
    let mut receiver = Receiver::new(|_| status(200)).await;
    let sender = Sender::new(&receiver.url, settings());
    sender.until(|status| status.pending == 0).await;
    // Committed, and never handed over: as after a crash between the two.
    sender.commit(1, 10, 3).await;
    let url = receiver.url.clone();
    let sender = sender.restart(&url, settings()).await;
    assert_in_order(&receiver.delivered(10).await, 1, 10);
    assert_eq!(sender.left().await, (vec![], vec![]));
}

#[tokio::test]
async fn a_backlog_larger_than_the_window_is_read_page_by_page() {
    let mut receiver = Receiver::new(|_| status(200)).await;
    let sender = Sender::with(&receiver.url, Settings { window_max: 10, ..settings() }, |subscription| {
        subscription.paused = true;
    });
    sender.tell(1, 250, 7).await;
    sender.tell(251, 500, 7).await;
    assert_eq!(sender.until(|status| status.pending == 500).await.in_flight, 0);
    let mut subscription = sender.subscription.clone();
    subscription.paused = false;
    sender.outbox.set_subscriptions(vec![subscription]);
    // While it catches up, more comes in.
    sender.tell(501, 600, 7).await;
    assert_in_order(&receiver.delivered(600).await, 1, 600);
    sender.tell(601, 603, 7).await;
    assert_in_order(&receiver.delivered(3).await, 601, 603);
    assert_eq!(sender.left().await, (vec![], vec![]));
    assert_eq!(receiver.rest(), 0);
}

#[tokio::test]
async fn too_many_calls_of_notify_are_made_up_for_from_the_journal() {
    let mut receiver = Receiver::new(|_| status(200)).await;
    let sender = Sender::with(&receiver.url, settings(), |subscription| subscription.batch = true);
    let rows = sender.commit(1, 3_000, 11).await;
    // No await between these: the task cannot take any, and only some fit.
    rows.chunks(1).for_each(|row| sender.outbox.notify(row));
    assert_in_order(&receiver.delivered(3_000).await, 1, 3_000);
    assert_eq!(sender.left().await, (vec![], vec![]));
}

#[tokio::test]
async fn other_subscriptions_are_not_held_up() {
    let mut receiver = Receiver::new(|_| status(200)).await;
    let stuck = Receiver::new(|_| Reply { status: 200, silent: true, ..Reply::default() }).await;
    let sender = Sender::new(&receiver.url, settings());
    let mut other = sender.subscription.clone();
    other.id = 0xB2;
    other.url.clone_from(&stuck.url);
    sender.outbox.set_subscriptions(vec![sender.subscription.clone(), other]);
    let both: Vec<_> = (1..=100)
        .map(|seq| {
            let mut row = (*notification(seq, seq % 5, None)).clone();
            row.deliveries = [sender.subscription.id, 0xB2, 0xC3].into();
            std::sync::Arc::new(row)
        })
        .collect();
    sender.append(&both).await;
    sender.outbox.notify(&both);
    assert_in_order(&receiver.delivered(100).await, 1, 100);
    // The stuck ones are left behind at the deadline, and still wait in the journal.
    assert_eq!(sender.outbox.drain(Duration::from_millis(50)).await, 5);
    let reader = sender.store.reader().unwrap();
    let waiting = |id| reader.pending_count(id).unwrap();
    assert_eq!((waiting(sender.subscription.id), waiting(0xB2), waiting(0xC3)), (0, 100, 100));
}
