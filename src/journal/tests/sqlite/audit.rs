//! BIO 8.15: nobody changes the audit log without that being seen.

use bytes::Bytes;
use proptest::prelude::*;
use rusqlite::{Connection, params};
use schakel_journal::{
    AuditEntry, AuditFilter, AuditHead, Batch, Options, Reply, Rewrite, Store, audit_head, backup,
    verify_audit,
};

use crate::File;
use crate::conformance::{Fixture, at, batch, fill};

fn entry(n: u64) -> AuditEntry {
    AuditEntry {
        at_ms: at(n),
        token: format!("token{}", n % 3),
        name: n.is_multiple_of(2).then(|| "JKC".to_owned()),
        agent: n.is_multiple_of(3).then(|| "jansen".to_owned()),
        action: if n.is_multiple_of(4) { "call.answer" } else { "contact.read" }.to_owned(),
        object: Some(format!("contacts/{n}")),
        result: "succeeded".to_owned(),
        from: Some("10.0.0.7".to_owned()),
    }
}

fn written(rows: u64) -> File {
    let file = File::new();
    let (store, _) = file.open();
    let entries: Vec<_> = (1..=rows).map(entry).collect();
    for some in entries.chunks(7) {
        drop(store.audit_soon(some.to_vec()));
    }
    drop(store);
    file
}

/// Another with the same content.
fn copied(of: &File) -> File {
    let file = File::new();
    std::fs::copy(of.path(), file.path()).unwrap();
    file
}

fn sabotage(file: &File, sql: &str, values: impl rusqlite::Params) {
    let conn = Connection::open(file.path()).unwrap();
    assert!(conn.execute(sql, values).unwrap() > 0, "{sql}");
}

fn broken(file: &File) -> Option<u64> {
    verify_audit(&file.path(), None).unwrap().broken.map(|broken| broken.seq)
}

#[test]
fn bio_8_15_a_log_that_nobody_touched_is_whole() {
    let file = written(40);
    let verdict = verify_audit(&file.path(), None).unwrap();
    assert_eq!((verdict.rows, verdict.first, verdict.head.seq, verdict.broken), (40, 1, 40, None));
    let empty = written(0);
    assert_eq!((verify_audit(&empty.path(), None).unwrap().rows, broken(&empty)), (0, None));
}

#[test]
fn bio_8_15_each_column_of_each_row_counts() {
    const ROWS: u64 = 12;
    let whole = written(ROWS);
    for column in
        ["at_ms", "token", "name", "agent", "action", "object", "result", "origin", "previous", "hash"]
    {
        for seq in 1..=ROWS {
            let file = copied(&whole);
            let value = match column {
                "at_ms" => "at_ms + 1".to_owned(),
                "previous" | "hash" => "zeroblob(32)".to_owned(),
                // Also where it was absent.
                _ => format!("coalesce({column}, '') || 'x'"),
            };
            let sql = format!("UPDATE audit SET {column} = {value} WHERE seq = ?1");
            sabotage(&file, &sql, [seq as i64]);
            // The first row's `previous` is zeros already: then nothing was changed.
            let expected = if column == "previous" && seq == 1 { None } else { Some(seq) };
            assert_eq!(broken(&file), expected, "{column} of {seq}");
        }
    }
}

#[test]
fn bio_8_15_a_row_taken_away_is_missed_also_the_first_and_the_last() {
    for seq in 1..=12 {
        let file = written(12);
        sabotage(&file, "DELETE FROM audit WHERE seq = ?1", [seq]);
        assert_eq!(broken(&file), Some(seq as u64));
    }
    let file = written(12);
    sabotage(&file, "DELETE FROM audit", []);
    assert_eq!(broken(&file), Some(1));
}

#[test]
fn bio_8_15_a_row_put_in_is_seen_wherever_it_is() {
    for after in 0..=12_i64 {
        let file = written(12);
        // The rows behind it make place, as far as the key allows.
        let conn = Connection::open(file.path()).unwrap();
        conn.execute("UPDATE audit SET seq = -seq - 1 WHERE seq > ?1", [after]).unwrap();
        conn.execute("UPDATE audit SET seq = -seq WHERE seq < 0", []).unwrap();
        let sql = "INSERT INTO audit (seq, at_ms, token, action, result, previous, hash)
                   SELECT ?1, at_ms, token, action, result, previous, hash FROM audit LIMIT 1";
        conn.execute(sql, [after + 1]).unwrap();
        drop(conn);
        assert_eq!(broken(&file), Some(after as u64 + 1));
    }
}

#[test]
fn bio_8_15_a_row_with_a_good_hash_at_the_end_is_seen() {
    // A second log that goes on where the first ends has rows that fit.
    let file = written(5);
    let copy = file.path().with_extension("copy");
    backup(&file.path(), &copy).unwrap();
    let (store, _) = Store::open(&copy, Options::default()).unwrap();
    store.audit(vec![entry(6)]).wait().unwrap();
    let row = store.reader().unwrap().audit(5, 1, &AuditFilter::default()).unwrap().0.pop().unwrap();
    drop(store);
    let sql =
        "INSERT INTO audit (seq, at_ms, token, name, agent, action, object, result, origin, previous, hash)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let e = &row.entry;
    let values = params![
        6,
        e.at_ms,
        e.token,
        e.name,
        e.agent,
        e.action,
        e.object,
        e.result,
        e.from,
        row.previous,
        row.hash
    ];
    sabotage(&file, sql, values);
    assert_eq!(broken(&file), Some(6));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn bio_8_15_rows_that_change_places_are_seen(rows in 2_u64..30, a in 0_u64..30, b in 0_u64..30) {
        let (a, b) = (a % rows + 1, b % rows + 1);
        prop_assume!(a != b);
        let file = written(rows);
        let conn = Connection::open(file.path()).unwrap();
        for (from, to) in [(a as i64, -1), (b as i64, a as i64), (-1, b as i64)] {
            conn.execute("UPDATE audit SET seq = ?2 WHERE seq = ?1", [from, to]).unwrap();
        }
        drop(conn);
        prop_assert_eq!(broken(&file), Some(a.min(b)));
    }

    #[test]
    fn bio_8_15_rows_cut_off_anywhere_are_missed(rows in 1_u64..40, cut in 0_u64..40) {
        let cut = cut % rows;
        let file = written(rows);
        sabotage(&file, "DELETE FROM audit WHERE seq > ?1", [cut as i64]);
        prop_assert_eq!(broken(&file), Some(cut + 1));
    }
}

#[test]
fn bio_8_15_a_log_that_was_written_anew_does_not_fit_a_hash_kept_elsewhere() {
    let file = written(20);
    let kept = audit_head(&file.path()).unwrap();
    let verdict = verify_audit(&file.path(), Some(kept)).unwrap();
    assert_eq!((verdict.compared, verdict.broken), (true, None));
    // Somebody makes the whole chain again without one row.
    let anew = File::new();
    let (store, _) = anew.open();
    store.audit((1..=20).filter(|n| *n != 7).map(entry).collect()).wait().unwrap();
    assert_eq!(broken(&anew), None, "by itself it is whole");
    assert_eq!(verify_audit(&anew.path(), Some(kept)).unwrap().broken.unwrap().seq, 20);
    store.audit(vec![entry(21), entry(22)]).wait().unwrap();
    assert_eq!(verify_audit(&anew.path(), Some(kept)).unwrap().broken.unwrap().seq, 20);
    let other = AuditHead { seq: 20, hash: [9; 32] };
    assert_eq!(verify_audit(&file.path(), Some(other)).unwrap().broken.unwrap().seq, 20);
}

#[tokio::test]
async fn bio_8_15_the_chain_goes_on_after_a_restart_and_beside_a_failure() {
    let file = File::new();
    let (store, _) = file.open();
    store.audit(vec![entry(1)]).await.unwrap();
    // A batch that is refused leaves no row and no hash behind.
    let wrong = Batch { audit: vec![entry(2)], ..batch(9, &[]) };
    store.append(wrong).await.unwrap_err();
    let group = [
        store.append(Batch { audit: vec![entry(3)], ..batch(1, &[]) }),
        store.append(Batch { audit: vec![entry(4)], ..batch(1, &[]) }),
        store.append(Batch { audit: vec![entry(5)], ..batch(2, &[]) }),
    ];
    let mut done = Vec::new();
    for answer in group {
        done.push(answer.await.is_ok());
    }
    assert_eq!(done, [true, false, true]);
    drop(store);
    let (store, _) = file.open();
    store.audit(vec![entry(6)]).await.unwrap();
    let (rows, ..) = store.reader().unwrap().audit(0, 10, &AuditFilter::default()).unwrap();
    assert_eq!(rows.iter().map(|row| row.entry.at_ms - at(0)).collect::<Vec<_>>(), [1, 3, 5, 6]);
    let head = store.reader().unwrap().audit_head().unwrap();
    assert_eq!((head.seq, head.hash), (4, rows[3].hash));
    assert_eq!(broken(&file), None, "also while it is in use");
}

#[tokio::test]
async fn bio_8_15_old_rows_go_from_the_front_and_a_checkpoint_says_so() {
    let file = written(1_200);
    let (store, _) = file.open();
    let mut steps = Vec::new();
    loop {
        match store.prune_audit(at(1_101), at(5_000)).await.unwrap() {
            0 => break,
            went => steps.push(went),
        }
        assert_eq!(broken(&file), None, "after each step");
    }
    assert_eq!(steps, [500, 500, 100]);
    let verdict = verify_audit(&file.path(), None).unwrap();
    assert_eq!((verdict.first, verdict.rows, verdict.head.seq), (1_101, 103, 1_203));
    drop(store);
    // More than the checkpoint says is too much; and so is less of the checkpoint.
    sabotage(&file, "DELETE FROM audit WHERE seq = 1101", []);
    assert_eq!(broken(&file), Some(1_101));
    sabotage(&file, "DELETE FROM audit WHERE action = 'audit.prune'", []);
    assert!(broken(&file).is_some());
}

#[tokio::test]
async fn bio_8_15_the_log_never_becomes_empty_and_numbers_are_never_used_again() {
    let file = written(3);
    let (store, _) = file.open();
    assert_eq!(store.prune_audit(at(900), at(900)).await.unwrap(), 3);
    assert_eq!(store.prune_audit(at(901), at(901)).await.unwrap(), 1, "the checkpoint itself, for a new one");
    let verdict = verify_audit(&file.path(), None).unwrap();
    assert_eq!((verdict.first, verdict.rows, verdict.broken), (5, 1, None));
}

#[tokio::test]
async fn bio_8_15_rows_are_found_by_who_what_and_when() {
    let file = written(24);
    let (store, _) = file.open();
    let found = |filter: AuditFilter| -> Vec<u64> {
        let (rows, ..) = store.reader().unwrap().audit(0, 100, &filter).unwrap();
        rows.iter().map(|row| row.seq).collect()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        found(AuditFilter { action: text("call."), ..AuditFilter::default() }),
        [4, 8, 12, 16, 20, 24]
    );
    assert_eq!(found(AuditFilter { action: text("call"), ..AuditFilter::default() }), [] as [u64; 0]);
    assert_eq!(found(AuditFilter { object: text("contacts/7"), ..AuditFilter::default() }), [7]);
    assert_eq!(found(AuditFilter { object: text("contacts"), ..AuditFilter::default() }).len(), 24);
    let both = AuditFilter { token: text("token1"), action: text("call.answer"), ..AuditFilter::default() };
    assert_eq!(found(both), [4, 16]);
    let day = AuditFilter { from_ms: Some(at(3)), to_ms: Some(at(5)), ..AuditFilter::default() };
    assert_eq!(found(day), [3, 4]);
    let (rows, next, more) = store.reader().unwrap().audit(5, 2, &AuditFilter::default()).unwrap();
    assert_eq!((rows.len(), next, more), (2, 7, true));
    let (rows, next, more) = store.reader().unwrap().audit(22, 2, &AuditFilter::default()).unwrap();
    assert_eq!((rows.len(), next, more), (2, 24, false));
}

/// How often some bytes are in the files of a journal.
fn occurrences(file: &File, needle: &[u8]) -> usize {
    let folder = std::fs::read_dir(file.path().parent().unwrap()).unwrap();
    let count = |bytes: Vec<u8>| bytes.windows(needle.len()).filter(|window| *window == needle).count();
    folder.map(|each| count(std::fs::read(each.unwrap().path()).unwrap())).sum()
}

#[tokio::test]
async fn avg_17_what_is_rewritten_or_removed_is_in_no_file_any_more() {
    const NUMBER: &[u8] = b"0612345678";
    let file = File::new();
    let (store, _) = file.open();
    fill(&store, 1, 20, &[7]).await;
    let mut secret = batch(21, &[7]);
    // Long enough for pages of its own.
    secret.inputs[0].bytes = Bytes::from(NUMBER.repeat(2_000));
    let mut notification = (*secret.notifications[0]).clone();
    notification.payload = Bytes::from([b"{\"number\":\"", NUMBER, b"\"}"].concat());
    secret.notifications = vec![notification.into()];
    store.append(secret).await.unwrap();
    store.put_record("tokens", "a", std::str::from_utf8(NUMBER).unwrap()).await.unwrap();
    store.put_snapshot(20, Bytes::from_static(NUMBER)).await.unwrap();
    fill(&store, 22, 40, &[7]).await;
    assert!(occurrences(&file, NUMBER) > 3);

    let input = store.reader().unwrap().inputs_between(20, 30, 1).unwrap().pop().unwrap();
    assert_eq!(input.seq, 21);
    let early = Rewrite { inputs: vec![(21, Bytes::from_static(b"-"))], ..Rewrite::default() };
    assert_eq!(store.rewrite(early.clone()).await.unwrap(), 0, "no snapshot has it yet");
    store.put_snapshot(40, Bytes::from_static(b"nobody")).await.unwrap();
    let all = Rewrite { notifications: vec![(21, Bytes::from_static(b"{}")), (99, Bytes::new())], ..early };
    assert_eq!(store.rewrite(all).await.unwrap(), 2);
    assert!(store.delete_record("tokens", "a").await.unwrap());
    store.empty_log().await.unwrap();
    assert_eq!(occurrences(&file, NUMBER), 0);
    assert_eq!(store.reader().unwrap().last_of_contact(1).unwrap().unwrap().seq, 39);
}

#[tokio::test]
async fn avg_17_a_kept_reply_is_found_and_rewritten() {
    use schakel_journal::{Finished, Idempotency};
    let file = File::new();
    let (store, _) = file.open();
    let key = |key: &str| Idempotency {
        scope: "token".into(),
        key: key.into(),
        fingerprint: [1; 32],
        command: 1,
        at_ms: at(1),
    };
    let reply = |key: &str, body: &'static str| Finished {
        scope: "token".into(),
        key: key.into(),
        status: 200,
        body: body.into(),
    };
    let batch = Batch {
        idempotency: vec![key("a"), key("b"), key("c")],
        finished: vec![reply("a", "{\"contact\":\"11\"}"), reply("b", "{\"contact\":\"12\"}")],
        ..Batch::default()
    };
    store.append(batch).await.unwrap();
    let found = store.reader().unwrap().replies_with("\"11\"").unwrap();
    assert_eq!(found.iter().map(|reply| reply.key.as_str()).collect::<Vec<_>>(), ["a"]);
    let replies = vec![Reply { body: Bytes::from_static(b"{}"), ..found[0].clone() }];
    assert_eq!(store.rewrite(Rewrite { replies, ..Rewrite::default() }).await.unwrap(), 1);
    let known = store.reader().unwrap().idempotency("token", "a").unwrap().unwrap();
    assert_eq!(known.reply, Some((200, Bytes::from_static(b"{}"))));
}

#[tokio::test]
async fn a_log_that_somebody_reads_in_is_not_emptied_and_says_so() {
    let file = File::new();
    let (store, _) = file.open();
    fill(&store, 1, 5, &[]).await;
    let conn = Connection::open(file.path()).unwrap();
    let reading = conn.unchecked_transaction().unwrap();
    let _: i64 = reading.query_row("SELECT count(*) FROM inputs", [], |row| row.get(0)).unwrap();
    fill(&store, 6, 9, &[]).await;
    let refused = store.empty_log().await.unwrap_err().to_string();
    assert!(refused.contains("somebody reads"), "{refused}");
    drop(reading);
    store.empty_log().await.unwrap();
}
