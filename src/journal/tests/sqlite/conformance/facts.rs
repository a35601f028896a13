//! Facts: one row a contact, read by period, anonymised and removed in steps.

use super::Fixture;
use schakel_journal::{Batch, Fact, FactCursor, Reader, Store, StoreError};
use std::ops::ControlFlow;
use std::sync::Arc;

fn fact(contact: u128, received_ms: i64, text: &str) -> Fact {
    Fact { contact, received_ms, bytes: text.to_owned().into() }
}

async fn put(store: &Store, facts: Vec<Fact>) {
    store.append(Batch { facts, ..Batch::default() }).await.expect("appended");
}

/// Facts of a period as `contact:text`, with a `-` where anonymised; at most `limit`.
fn read(
    reader: &Reader,
    period: std::ops::Range<i64>,
    after: Option<FactCursor>,
    limit: usize,
) -> Vec<String> {
    let mut found = Vec::new();
    reader
        .each_fact(period, after, |row| {
            let mark = if row.anonymised { "-" } else { "" };
            found.push(format!("{}:{}{mark}", row.contact, String::from_utf8_lossy(row.bytes)));
            if found.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .expect("read");
    found
}

pub async fn a_fact_takes_the_place_of_an_earlier_one(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    put(&store, vec![fact(7, 100, "missed"), fact(8, 100, "answered")]).await;
    put(&store, vec![fact(7, 100, "answered after all")]).await;
    drop(store);
    let (store, _) = fixture.open();
    let all = read(&store.reader().unwrap(), 0..1_000, None, 9);
    assert_eq!(all, ["7:answered after all", "8:answered"]);
}

pub async fn facts_are_read_by_period_in_pages(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    put(&store, vec![fact(3, 300, "c"), fact(1, 100, "a"), fact(9, 200, "z"), fact(2, 200, "b")]).await;
    let reader = store.reader().unwrap();
    // From the first millisecond of the period up to and without its last.
    assert_eq!(read(&reader, 100..300, None, 9), ["1:a", "2:b", "9:z"]);
    assert_eq!(read(&reader, 101..301, None, 9), ["2:b", "9:z", "3:c"]);
    assert_eq!(read(&reader, 100..301, None, 2), ["1:a", "2:b"]);
    assert_eq!(read(&reader, 100..301, Some((200, 2)), 2), ["9:z", "3:c"]);
    // A cursor from before the period is no way around it.
    assert_eq!(read(&reader, 200..301, Some((1, 1)), 9), ["2:b", "9:z", "3:c"]);
    assert_eq!(read(&reader, std::ops::Range { start: 300, end: 200 }, None, 9), Vec::<String>::new());
}

pub async fn facts_are_anonymised_once_and_come_back_named(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    put(&store, (0..120).map(|n| fact(n, 100 + n as i64, "anna")).collect()).await;
    let nobody: schakel_journal::Anonymise = Arc::new(|_| Some(b"somebody".to_vec()));
    let mut steps = Vec::new();
    loop {
        let step = store.anonymise_facts(200, nobody.clone()).await.expect("anonymised");
        if step == 0 {
            break;
        }
        steps.push(step);
    }
    assert_eq!(steps, [50, 50]);
    let all = read(&store.reader().unwrap(), 0..1_000, None, 999);
    assert_eq!(all.iter().filter(|row| row.ends_with(":somebody-")).count(), 100);
    assert_eq!(all.iter().filter(|row| row.ends_with(":anna")).count(), 20);
    // The contact went on: what it came to is written anew, and is anonymised again in its turn.
    put(&store, vec![fact(5, 105, "bert")]).await;
    assert_eq!(read(&store.reader().unwrap(), 105..106, None, 9), ["5:bert"]);
    assert_eq!(store.anonymise_facts(200, nobody).await.expect("anonymised"), 1);
}

pub async fn a_fact_that_cannot_be_anonymised_is_told(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    put(&store, vec![fact(7, 100, "?")]).await;
    let error = store.anonymise_facts(200, Arc::new(|_| None)).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert_eq!(read(&store.reader().unwrap(), 0..1_000, None, 9), ["7:?"]);
}

pub async fn facts_are_removed_in_steps(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    put(&store, (0..60).map(|n| fact(n, 100 + n as i64, "x")).collect()).await;
    assert_eq!(store.remove_facts(159).await.expect("removed"), 50);
    assert_eq!(store.remove_facts(159).await.expect("removed"), 9);
    assert_eq!(store.remove_facts(159).await.expect("removed"), 0);
    assert_eq!(read(&store.reader().unwrap(), 0..1_000, None, 9), ["59:x"]);
}
