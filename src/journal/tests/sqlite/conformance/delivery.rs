//! The outbox's rows.

use schakel_journal::{Attempt, PruneBefore, Redrive, Settled, Store};

use super::{Fixture, at, fill, pending};

async fn give_up(store: &Store, subscription: u128, seqs: impl IntoIterator<Item = u64>) {
    let dead = seqs.into_iter().map(|seq| (seq, format!("400 for {seq}"))).collect();
    let settled = Settled { subscription, at_ms: at(5_000), dead, ..Settled::default() };
    store.settle(settled).await.expect("settled");
}

pub async fn deliveries_wait_until_settled(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 6, &[7]).await;
    assert_eq!(pending(&store, 7), [1, 2, 3, 4, 5, 6]);
    assert_eq!(store.reader().unwrap().pending_count(7).unwrap(), 6);
    let settled = Settled { subscription: 7, delivered: vec![1, 2, 5], ..Settled::default() };
    assert!(!settled.is_empty());
    store.settle(settled).await.expect("settled");
    drop(store);
    let (store, _) = journal.open();
    assert_eq!(pending(&store, 7), [3, 4, 6]);
    let reader = store.reader().unwrap();
    let page = reader.pending(7, 3, 1).unwrap();
    assert_eq!((page.len(), page[0].notification.seq, page[0].since_ms), (1, 4, at(4)));
    let some = reader.pending_among(7, &[6, 5, 3]).unwrap();
    assert_eq!(some.iter().map(|row| row.notification.seq).collect::<Vec<_>>(), [6, 3]);
}

pub async fn subscriptions_do_not_see_each_other(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 2, &[7, 8]).await;
    fill(&store, 3, 4, &[8]).await;
    let settled = Settled { subscription: 8, delivered: vec![1], ..Settled::default() };
    store.settle(settled).await.expect("settled");
    assert_eq!((pending(&store, 7), pending(&store, 8)), (vec![1, 2], vec![2, 3, 4]));
}

pub async fn a_dead_letter_is_listed_and_redriven_by_id(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 4, &[7, 8]).await;
    give_up(&store, 7, [2, 3]).await;
    assert_eq!(pending(&store, 7), [1, 4]);
    let dead = store.reader().unwrap().dead_letters(7, 0, 10).unwrap();
    assert_eq!(dead.iter().map(|dead| dead.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((dead[0].id, dead[0].contact, dead[0].kind.as_str()), (0x1002, Some(3), "ringing"));
    assert_eq!((dead[0].at_ms, dead[0].dead_ms, dead[0].reason.as_str()), (at(2), at(5_000), "400 for 2"));
    assert_eq!(store.reader().unwrap().dead_letters(8, 0, 10).unwrap(), []);
    // One that is dead, one that is not, one that never was.
    let ids = Redrive::Ids(vec![0x1003, 0x1001, 0x9999]);
    assert_eq!(store.redrive(7, ids, at(6_000)).await.unwrap(), [3]);
    assert_eq!(pending(&store, 7), [1, 3, 4]);
    let redriven = store.reader().unwrap().pending_among(7, &[3]).unwrap();
    assert_eq!(redriven[0].since_ms, at(6_000));
    assert_eq!(store.reader().unwrap().dead_letters(7, 0, 10).unwrap().len(), 1);
}

pub async fn dead_letters_are_redriven_by_period(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    // More than one step.
    fill(&store, 1, 1_200, &[7]).await;
    give_up(&store, 7, 1..=1_200).await;
    let which = Redrive::Period { from_ms: at(101), to_ms: at(1_101) };
    let moved = store.redrive(7, which.clone(), at(6_000)).await.unwrap();
    assert_eq!(moved, (101..=1_100).collect::<Vec<_>>());
    assert_eq!(pending(&store, 7), moved);
    assert_eq!(store.reader().unwrap().dead_letters(7, 0, 1_000).unwrap().len(), 200);
    assert_eq!(store.redrive(7, which, at(6_000)).await.unwrap(), [] as [u64; 0]);
}

pub async fn attempts_are_kept_newest_first(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    let attempt = |subscription, seq, status| Attempt {
        subscription,
        seq,
        at_ms: at(seq),
        status,
        error: format!("attempt {seq}"),
    };
    let all = vec![attempt(7, 1, None), attempt(8, 2, Some(500)), attempt(7, 3, Some(503))];
    store.settle(Settled { subscription: 7, attempts: all.clone(), ..Settled::default() }).await.unwrap();
    let kept = store.reader().unwrap().attempts(7, 10).unwrap();
    assert_eq!(kept, [all[2].clone(), all[0].clone()]);
    // The bound over all: the oldest go.
    for first in (0..12_000).step_by(1_000) {
        let attempts = (first..first + 1_000).map(|seq| attempt(7, seq, Some(500))).collect();
        store.settle(Settled { subscription: 7, attempts, ..Settled::default() }).await.unwrap();
    }
    let kept = store.reader().unwrap().attempts(7, 20_000).unwrap();
    assert_eq!((kept.len(), kept[0].seq), (10_000, 11_999));
    assert_eq!(store.reader().unwrap().attempts(8, 10).unwrap(), []);
}

pub async fn pruning_takes_deliveries_along(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 10, &[7, 8]).await;
    give_up(&store, 7, [1, 2, 9]).await;
    let pruned = store.prune(PruneBefore { rows_ms: at(6), idempotency_ms: 0 }).await.unwrap();
    assert_eq!((pruned.notifications, pruned.undelivered), (5, 3 + 5));
    assert_eq!((pending(&store, 7), pending(&store, 8)), (vec![6, 7, 8, 10], vec![6, 7, 8, 9, 10]));
    let dead = store.reader().unwrap().dead_letters(7, 0, 10).unwrap();
    assert_eq!(dead.iter().map(|dead| dead.seq).collect::<Vec<_>>(), [9]);
}

pub async fn a_subscription_is_forgotten(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 1_100, &[7, 8]).await;
    give_up(&store, 7, [3]).await;
    store.forget_subscription(7).await.expect("forgotten");
    assert_eq!(pending(&store, 7), [] as [u64; 0]);
    assert_eq!(store.reader().unwrap().dead_letters(7, 0, 10).unwrap(), []);
    assert_eq!(store.reader().unwrap().pending_count(8).unwrap(), 1_100);
}
