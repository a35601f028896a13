//! Idempotency keys and the records of other rooms.

use schakel_journal::{Batch, Finished, Idempotency, PruneBefore};

use super::{Fixture, at};

fn accepted(key: &str, seq: u64) -> Idempotency {
    Idempotency {
        scope: "token".into(),
        key: key.into(),
        fingerprint: [seq as u8; 32],
        command: u128::from(seq),
        at_ms: at(seq),
    }
}

pub async fn a_key_is_known_from_acceptance_to_reply(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    let known =
        |store: &schakel_journal::Store, scope| store.reader().unwrap().idempotency(scope, "k").unwrap();
    assert_eq!(known(&store, "token"), None);
    let idempotency = vec![accepted("k", 5)];
    store.append(Batch { idempotency, ..Batch::default() }).await.unwrap();
    let running = known(&store, "token").expect("accepted");
    assert_eq!((running.fingerprint, running.command, running.at_ms), ([5; 32], 5, at(5)));
    assert_eq!(running.reply, None);
    assert_eq!(known(&store, "another token"), None);
    let reply = Finished { scope: "token".into(), key: "k".into(), status: 200, body: "{}".into() };
    let unknown = Finished { key: "pruned meanwhile".into(), ..reply.clone() };
    store.append(Batch { finished: vec![reply, unknown], ..Batch::default() }).await.unwrap();
    drop(store);
    let (store, _) = journal.open();
    assert_eq!(known(&store, "token").unwrap().reply, Some((200, "{}".into())));
    // A key used again after its day starts anew.
    store.append(Batch { idempotency: vec![accepted("k", 9)], ..Batch::default() }).await.unwrap();
    let anew = known(&store, "token").unwrap();
    assert_eq!((anew.command, anew.reply), (9, None));
}

pub async fn old_keys_are_pruned(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    let idempotency = (1..=60).map(|n| accepted(&format!("k{n}"), n)).collect();
    store.append(Batch { idempotency, ..Batch::default() }).await.unwrap();
    let before = PruneBefore { rows_ms: 0, idempotency_ms: at(56) };
    let first = store.prune(before).await.unwrap();
    assert_eq!((first.idempotency, first.more), (50, true));
    let second = store.prune(before).await.unwrap();
    assert_eq!((second.idempotency, second.more), (5, false));
    let reader = store.reader().unwrap();
    assert!(reader.idempotency("token", "k55").unwrap().is_none());
    assert!(reader.idempotency("token", "k56").unwrap().is_some());
}

pub async fn records_are_created_replaced_deleted(journal: &dyn Fixture) {
    let (store, _) = journal.open();
    store.put_record("tokens", "b", "{\"n\":1}").await.unwrap();
    store.put_record("tokens", "a", "{}").await.unwrap();
    store.put_record("webhooks", "b", "[]").await.unwrap();
    store.put_record("tokens", "b", "{\"n\":2}").await.unwrap();
    drop(store);
    let (store, _) = journal.open();
    let tokens = store.reader().unwrap().records("tokens").unwrap();
    let tokens: Vec<_> = tokens.iter().map(|row| (row.id.as_str(), row.json.as_str())).collect();
    assert_eq!(tokens, [("a", "{}"), ("b", "{\"n\":2}")]);
    assert_eq!(store.reader().unwrap().record("webhooks", "b").unwrap().as_deref(), Some("[]"));
    assert!(store.delete_record("tokens", "b").await.unwrap());
    assert!(!store.delete_record("tokens", "b").await.unwrap());
    assert_eq!(store.reader().unwrap().record("tokens", "b").unwrap(), None);
}
