//! The SQLite back end: the suite that every back end runs, and what only a file has.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::PathBuf;

use bytes::Bytes;
use rusqlite::Connection;
use schakel_journal::{Batch, Fact, Options, Reader, Recovery, Store, StoreError, backup, check, restore};

mod audit;
mod conformance;
mod kill;
use conformance::{Fixture, batch, fill, pending};

struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }
}

impl Fixture for File {
    fn open_with(&self, options: Options) -> (Store, Recovery) {
        Store::open(self.path(), options).expect("opens")
    }
}

conformance!(File::new());

fn refusal(path: PathBuf) -> String {
    match Store::open(path, Options::default()) {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_newer_schema_is_refused() {
    let file = File::new();
    drop(file.open());
    Connection::open(file.path()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let text = refusal(file.path());
    assert!(text.contains("schema 99") && text.contains("newer release"), "{text}");
}

#[test]
fn a_reader_of_its_own_stands_beside_the_daemon_and_without_one() {
    let file = File::new();
    let (store, _) = file.open();
    let fact = Fact { contact: 7, received_ms: 100, bytes: "x".into() };
    store.append(Batch { facts: vec![fact], ..Batch::default() }).wait().unwrap();
    let count = || {
        let mut count = 0;
        let counts = |_: schakel_journal::FactRow<'_>| {
            count += 1;
            std::ops::ControlFlow::Continue(())
        };
        Reader::open(&file.path()).unwrap().each_fact(0..i64::MAX, None, counts).unwrap();
        count
    };
    assert_eq!(count(), 1, "while it runs");
    drop(store);
    assert_eq!(count(), 1, "after it has stopped");
    Connection::open(file.path()).unwrap().pragma_update(None, "user_version", 1).unwrap();
    let text = Reader::open(&file.path()).unwrap_err().to_string();
    assert!(text.contains("start the daemon"), "{text}");
}

#[test]
fn another_file_is_refused() {
    let file = File::new();
    std::fs::write(file.path(), "a letter to the mayor, which is quite long for a header of a database")
        .unwrap();
    assert!(refusal(file.path()).contains("not a journal"));
    let other = File::new();
    Connection::open(other.path()).unwrap().execute_batch("CREATE TABLE t (n)").unwrap();
    assert!(refusal(other.path()).contains("not a journal"));
    let text = refusal(file.folder.path().join("no-such-folder").join("journal.db"));
    assert!(text.contains("check that the folder exists"), "{text}");
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    let file = File::new();
    let (store, _) = file.open();
    let also = store.clone();
    drop(store);
    assert!(refusal(file.path()).contains("in use by another process"));
    drop(also);
    drop(file.open());
}

#[tokio::test]
async fn a_full_disk_is_an_answer_and_not_the_end() {
    let file = File::new();
    let options = Options { max_bytes: Some(400 * 1024), ..Options::default() };
    let (store, _) = Store::open(file.path(), options).expect("opens");
    let large = |seq| {
        let mut batch = batch(seq, &[7]);
        batch.inputs[0].bytes = Bytes::from(vec![7; 50_000]);
        batch
    };
    let mut seq = 1;
    let error = loop {
        match store.append(large(seq)).await {
            Ok(()) => seq += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(seq > 3);
    assert!(matches!(store.append(large(seq)).await, Err(StoreError::Full { .. })));
    // What is small still fits, the thread lives, and nothing of the large one was kept.
    store.append(batch(seq, &[7])).await.expect("there is room for this");
    assert_eq!(pending(&store, 7), (1..=seq).collect::<Vec<_>>());
    drop(store);
    assert_eq!(file.open().1.last_input, seq);
    check(&file.path()).expect("sound");
}

#[tokio::test]
async fn an_answer_that_nobody_awaits_is_written_all_the_same() {
    let file = File::new();
    let (store, _) = file.open();
    for seq in 1..=100 {
        drop(store.append(batch(seq, &[])));
    }
    drop(store);
    assert_eq!(file.open().1.last_notification, 100);
}

#[tokio::test]
async fn a_half_written_snapshot_does_not_count() {
    let file = File::new();
    let (store, _) = file.open();
    fill(&store, 1, 3, &[]).await;
    store.put_snapshot(2, Bytes::from_static(b"good")).await.unwrap();
    drop(store);
    let sql = "INSERT INTO snapshot_parts (seq, part, bytes) VALUES (3, 0, x'00')";
    Connection::open(file.path()).unwrap().execute(sql, []).unwrap();
    let (store, recovery) = file.open();
    assert_eq!(recovery.snapshot.expect("the one before").bytes, "good");
    drop(recovery.inputs);
    drop(store);
    let sql = "SELECT count(*) FROM snapshot_parts";
    let parts: i64 = Connection::open(file.path()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(parts, 1);
}

#[tokio::test]
async fn a_backup_of_a_running_journal_can_be_restored() {
    let file = File::new();
    let (store, _) = file.open();
    fill(&store, 1, 200, &[7]).await;
    let copy = file.folder.path().join("copy.db");
    backup(&file.path(), &copy).expect("while it runs");
    assert!(backup(&file.path(), &copy).unwrap_err().to_string().contains("not overwritten"));
    fill(&store, 201, 210, &[7]).await;
    assert!(restore(&copy, &file.path()).is_err(), "it is in use");
    drop(store);
    assert!(restore(&copy, &file.path()).unwrap_err().to_string().contains("not overwritten"));
    let new = file.folder.path().join("new.db");
    let checked = restore(&copy, &new).expect("sound");
    assert_eq!((checked.inputs, checked.last_notification), (200, 200));
    let (store, recovery) = Store::open(&new, Options::default()).expect("opens");
    assert_eq!(recovery.last_input, 200);
    assert_eq!(pending(&store, 7).len(), 200);
    fill(&store, 201, 202, &[7]).await;
}

#[tokio::test]
async fn damage_is_found() {
    let file = File::new();
    let (store, _) = file.open();
    fill(&store, 1, 500, &[]).await;
    drop(store);
    check(&file.path()).expect("sound");
    Connection::open(file.path()).unwrap().execute("DELETE FROM notifications WHERE seq = 100", []).unwrap();
    let text = check(&file.path()).unwrap_err().to_string();
    assert!(text.contains("notifications 1 to 500 should be 500 rows and are 499"), "{text}");
    let mut bytes = std::fs::read(file.path()).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 2_000].fill(0xA5);
    std::fs::write(file.path(), bytes).unwrap();
    assert!(matches!(check(&file.path()), Err(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn reading_goes_on_beside_writing() {
    let file = File::new();
    let (store, _) = file.open();
    fill(&store, 1, 100, &[]).await;
    let reader = store.reader().unwrap();
    let answers: Vec<_> = (101..=600).map(|seq| store.append(batch(seq, &[]))).collect();
    let rows = store.read(|reader| Ok(reader.notifications(0, 100, |_| true)?.rows.len())).await;
    assert_eq!(rows.unwrap(), 100);
    assert!(reader.latest().unwrap() >= 100);
    for answer in answers {
        answer.await.unwrap();
    }
    assert_eq!(reader.latest().unwrap(), 600, "what was answered can be read at once");
    store.append(Batch::default()).await.expect("an empty batch is a barrier");
}

#[tokio::test]
async fn what_a_crash_left_of_files_goes_and_nothing_else() {
    let file = File::new();
    let (store, recovery) = file.open();
    store.files().put(conformance::chats::file(1, 5, b"kept")).await.unwrap();
    let folder = store.files().path(5).parent().unwrap().to_owned();
    drop((store, recovery));
    let without_row = folder.join(format!("{:032x}", 6));
    let half = folder.join(format!("{:032x}.part", 5));
    let strange = folder.join("README");
    for path in [&without_row, &half, &strange] {
        std::fs::write(path, b"x").unwrap();
    }
    let (store, _) = file.open();
    assert_eq!([&without_row, &half, &strange].map(|path| path.exists()), [false, false, true]);
    assert!(store.files().content(1, 5).await.unwrap().is_some());
}

#[tokio::test]
async fn a_backup_has_the_files_of_chats() {
    let file = File::new();
    let (store, _) = file.open();
    store.files().put(conformance::chats::file(1, 5, b"kept")).await.unwrap();
    let (copy, new) = (file.folder.path().join("copy.db"), file.folder.path().join("new.db"));
    backup(&file.path(), &copy).unwrap();
    store.files().remove_of(1).await.unwrap();
    restore(&copy, &new).unwrap();
    let (store, _) = Store::open(&new, Options::default()).unwrap();
    let (row, content) = store.files().content(1, 5).await.unwrap().expect("it is there");
    assert_eq!((row.name.as_str(), &content[..]), ("brief.pdf", &b"kept"[..]));
}

#[tokio::test]
async fn erased_words_of_a_chat_are_in_no_file_any_more() {
    let file = File::new();
    let (store, recovery) = file.open();
    drop(recovery);
    let word = "Wachtwoordvergeten";
    let said = Batch { chat: vec![conformance::chats::public(1, 1, 1, word)], ..Batch::default() };
    store.append(said).await.unwrap();
    store.files().put(conformance::chats::file(1, 5, b"Wachtwoordvergeten")).await.unwrap();
    let in_files = || {
        let mut found = 0;
        let mut folders = vec![file.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(path).unwrap();
                    found += bytes.windows(word.len()).filter(|some| *some == word.as_bytes()).count();
                }
            }
        }
        found
    };
    assert!(in_files() >= 2, "the row and the file");
    store.erase_chats(&[1], conformance::chats::words()).await.unwrap();
    store.empty_log().await.unwrap();
    assert_eq!(in_files(), 0);
}
