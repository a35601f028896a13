//! Inputs, notifications, snapshots, retention.

use bytes::Bytes;
use schakel_journal::{Batch, Options, PruneBefore, Pruned, StoreError};

use super::{Fixture, at, batch, fill, input, notification};

pub async fn an_empty_journal_starts_at_one(journal: &dyn Fixture) {
    let (store, recovery) = journal.open();
    assert_eq!((recovery.last_input, recovery.last_notification), (0, 0));
    assert!(recovery.snapshot.is_none());
    assert_eq!(recovery.inputs.count(), 0);
    assert_eq!(store.reader().unwrap().earliest().unwrap(), None);
    store.append(batch(1, &[])).await.expect("1 is the first");
    assert_eq!(store.reader().unwrap().earliest().unwrap(), Some(1));
}

pub async fn everything_comes_back_after_a_restart(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 1_300, &[7]).await;
    drop(store);
    let (store, recovery) = journal.open();
    assert_eq!((recovery.last_input, recovery.last_notification), (1_300, 1_300));
    let inputs: Vec<_> = recovery.inputs.map(|input| input.expect("read")).collect();
    assert_eq!(inputs, (1..=1_300).map(input).collect::<Vec<_>>());
    let page = store.reader().unwrap().notifications(1_299, 10, |_| true).unwrap();
    // Who must get it is in the outbox, no longer in the row.
    assert_eq!(page.rows, [notification(1_300, &[])]);
}

pub async fn a_gap_is_refused(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 3, &[]).await;
    for seq in [3, 5] {
        let inputs = Batch { inputs: vec![input(seq)], ..Batch::default() };
        let error = store.append(inputs).await.expect_err("a gap or a repetition");
        assert!(matches!(error, StoreError::OutOfOrder { what: "input", expected: 4, .. }), "{error}");
        let told = Batch { notifications: vec![notification(seq, &[])], ..Batch::default() };
        let error = store.append(told).await.expect_err("a gap or a repetition");
        assert!(matches!(error, StoreError::OutOfOrder { what: "notification", expected: 4, .. }), "{error}");
    }
    store.append(batch(4, &[])).await.expect("the next one");
}

pub async fn a_failed_submission_holds_up_those_behind_it_only_until_it_is_offered_again(
    journal: &dyn Fixture,
) {
    let (store, _) = journal.open();
    let wrong = Batch { notifications: vec![notification(9, &[])], ..batch(1, &[]) };
    let answers = [store.append(wrong), store.append(batch(2, &[])), store.append(batch(3, &[]))];
    for answer in answers {
        assert!(matches!(answer.await, Err(StoreError::OutOfOrder { .. })));
    }
    fill(&store, 1, 3, &[]).await;
    assert_eq!(store.counters().failures, 3);
}

pub async fn submissions_are_committed_in_order_and_share_commits(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    let before = store.counters();
    // Order is checked by the store itself: any other order of these would be a gap.
    fill(&store, 1, 2_000, &[]).await;
    let after = store.counters();
    assert_eq!(after.submissions - before.submissions, 2_000);
    let commits = after.commits - before.commits;
    assert!((8..=1_000).contains(&commits), "2,000 submissions at once took {commits} commits");
    assert_eq!((after.queue_depth, after.notifications, after.last_notification), (0, 2_000, 2_000));
    assert!(after.last_commit_micros > 0);
}

pub async fn a_batch_is_all_or_nothing(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    let notifications = vec![notification(1, &[7]), notification(3, &[7])];
    let broken = Batch { inputs: vec![input(1)], notifications, ..Batch::default() };
    store.append(broken).await.expect_err("notification 2 is missing");
    assert_eq!(super::pending(&store, 7), [] as [u64; 0]);
    drop(store);
    let (_store, recovery) = journal.open();
    assert_eq!((recovery.last_input, recovery.last_notification), (0, 0));
}

pub async fn a_snapshot_bounds_the_replay(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 10, &[]).await;
    // Larger than a part, and then a smaller one in its place.
    let large = Bytes::from((0..700_000_u32).map(|n| n as u8).collect::<Vec<_>>());
    store.put_snapshot(4, large.clone()).await.expect("stored");
    assert_eq!(store.reader().unwrap().snapshot().unwrap().unwrap().bytes, large);
    store.put_snapshot(8, Bytes::from_static(b"state after 8")).await.expect("stored");
    drop(store);
    let (store, recovery) = journal.open();
    let snapshot = recovery.snapshot.expect("there is one");
    assert_eq!((snapshot.seq, &snapshot.bytes[..]), (8, &b"state after 8"[..]));
    assert_eq!(recovery.inputs.map(|input| input.unwrap().seq).collect::<Vec<_>>(), [9, 10]);
    // The same state again, as at a stop without any input since.
    store.put_snapshot(8, large.clone()).await.expect("replaced");
    store.put_snapshot(8, Bytes::from_static(b"smaller")).await.expect("replaced");
    assert_eq!(store.reader().unwrap().snapshot().unwrap().unwrap().bytes, "smaller");
}

pub async fn a_snapshot_of_the_future_is_refused(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 3, &[]).await;
    let error = store.put_snapshot(4, Bytes::from_static(b"x")).await.expect_err("input 4 is not there");
    assert!(matches!(error, StoreError::OutOfOrder { what: "snapshot", .. }), "{error}");
    drop(store);
    assert!(journal.open().1.snapshot.is_none());
}

pub async fn a_page_goes_on_where_it_ended(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 25, &[]).await;
    let reader = store.reader().unwrap();
    let (mut cursor, mut seen, mut pages) = (0, Vec::new(), 0);
    loop {
        let page = reader.notifications(cursor, 10, |_| true).unwrap();
        seen.extend(page.rows.iter().map(|row| row.seq));
        cursor = page.next;
        pages += 1;
        if !page.more {
            break;
        }
    }
    assert_eq!((seen, pages), ((1..=25).collect(), 3));
    let page = reader.notifications(25, 10, |_| true).unwrap();
    assert_eq!((page.rows.len(), page.next, page.more), (0, 25, false));
    assert_eq!(reader.latest().unwrap(), 25);
}

pub async fn a_filter_lets_the_cursor_move(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 20, &[]).await;
    let reader = store.reader().unwrap();
    let page = reader.notifications(0, 3, |kind| kind == "ringing").unwrap();
    assert_eq!(page.rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [2, 4, 6]);
    assert_eq!((page.next, page.more), (6, true));
    let page = reader.notifications(0, 3, |_| false).unwrap();
    assert_eq!((page.rows.len(), page.next, page.more), (0, 20, false));
}

pub async fn a_contact_has_a_timeline(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 12, &[]).await;
    let reader = store.reader().unwrap();
    // Contact 2 has 1, 4, 7 and 10.
    let rows = reader.of_contact(2, 1, 2).unwrap();
    assert_eq!(rows.iter().map(|row| (row.seq, row.contact_seq)).collect::<Vec<_>>(), [(4, 2), (7, 3)]);
    assert_eq!(reader.last_of_contact(2).unwrap(), Some(notification(10, &[])));
    assert_eq!(reader.last_of_contact(99).unwrap(), None);
}

pub async fn pruning_goes_from_the_front_in_steps(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 120, &[]).await;
    store.put_snapshot(110, Bytes::from_static(b"s")).await.unwrap();
    let before = PruneBefore { rows_ms: at(71), idempotency_ms: 0 };
    let first = store.prune(before).await.unwrap();
    assert_eq!(first, Pruned { notifications: 50, more: true, ..Pruned::default() });
    let mut total = first.notifications + first.inputs;
    loop {
        let step = store.prune(before).await.unwrap();
        assert!(step.notifications + step.inputs <= 50);
        total += step.notifications + step.inputs;
        if !step.more {
            break;
        }
    }
    assert_eq!(total, 70 + 70);
    assert_eq!(store.reader().unwrap().earliest().unwrap(), Some(71));
    assert_eq!(store.counters().notifications, 50);
}

pub async fn pruning_keeps_the_numbers(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 5, &[]).await;
    store.put_snapshot(5, Bytes::from_static(b"s")).await.unwrap();
    let pruned = store.prune(PruneBefore { rows_ms: i64::MAX, idempotency_ms: 0 }).await.unwrap();
    assert_eq!((pruned.notifications, pruned.inputs, pruned.more), (4, 4, false));
    drop(store);
    let (store, recovery) = journal.open();
    assert_eq!((recovery.last_input, recovery.last_notification), (5, 5));
    store.append(batch(6, &[])).await.expect("goes on");
}

pub async fn inputs_without_a_snapshot_are_not_pruned(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    fill(&store, 1, 5, &[]).await;
    let pruned = store.prune(PruneBefore { rows_ms: i64::MAX, idempotency_ms: 0 }).await.unwrap();
    assert_eq!((pruned.notifications, pruned.inputs), (4, 0));
    drop(store);
    assert_eq!(journal.open().1.inputs.count(), 5);
}

pub async fn too_many_waiting_are_refused(journal: &dyn Fixture) {
    let (store, _) = journal.open_with(Options { queue_max: 0, ..Options::default() });
    let error = store.append(batch(1, &[])).await.expect_err("nothing may wait");
    assert!(matches!(error, StoreError::Busy { waiting: 0 }), "{error}");
    store.put_record("tokens", "a", "{}").await.expect("only batches are refused");
    drop(store);
    let (store, recovery) = journal.open();
    assert_eq!(recovery.last_input, 0);
    fill(&store, 1, 1, &[]).await;
}
