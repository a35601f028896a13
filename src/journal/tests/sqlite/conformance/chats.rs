//! Chats: two transcripts, records, files, mails; one transaction with the input, pages, retention, erasing.

use std::sync::Arc;

use schakel_journal::{
    Batch, ChatBytes, ChatRecord, ChatRow, EraseWords, Mail, MailCounts, MailSettled, NewFile, Said, Store,
};

use super::{Fixture, at, batch, fill, input};

pub fn public(chat: u128, seq: u64, ord: u64, text: &str) -> ChatRow {
    ChatRow::Public {
        chat,
        contact: Some(chat + 100),
        seq,
        ord,
        message: u128::from(ord) + (chat << 32),
        at_ms: at(ord),
        delivery: "pending".into(),
        bytes: text.to_owned().into(),
    }
}

fn internal(chat: u128, ord: u64, text: &str) -> ChatRow {
    ChatRow::Internal {
        chat,
        contact: Some(chat + 100),
        ord,
        message: u128::from(ord) + (chat << 32),
        at_ms: at(ord),
        bytes: text.to_owned().into(),
    }
}

fn record(chat: u128, ended: u64, open: bool) -> ChatRecord {
    ChatRecord {
        chat,
        contact: chat + 100,
        queue: "Belastingen".into(),
        opened_ms: at(chat as u64),
        ended_ms: at(ended),
        open,
        removed: false,
        bytes: format!("record {chat}").into(),
    }
}

async fn put(store: &Store, chat: Vec<ChatRow>) {
    store.append(Batch { chat, ..Batch::default() }).await.expect("appended");
}

async fn seen(store: &Store, chat: u128, after: u64) -> Vec<String> {
    let page = store.public_chats().page(chat, after, 100).await.expect("read");
    page.rows.iter().map(|row| format!("{}:{}", row.seq, text(&row.bytes))).collect()
}

/// The agents' view as `ord:text`, what visitors do not see with a `-`.
async fn all(store: &Store, chat: u128, after: u64) -> Vec<String> {
    let page = store.internal_chats().page(chat, after, 1_000).await.expect("read");
    let told = page.rows.iter().map(|row| match &row.said {
        Said::Public(said) => format!("{}:{}", row.ord, text(&said.bytes)),
        Said::Private(said) => format!("{}:{}-", row.ord, text(&said.bytes)),
    });
    told.collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub async fn w08_what_agents_say_among_themselves_is_in_their_view_only(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    let rows = vec![public(1, 1, 1, "hello"), internal(1, 2, "who is this?"), public(1, 2, 3, "good day")];
    put(&store, rows).await;
    put(&store, vec![public(2, 1, 1, "elsewhere")]).await;
    drop(store);
    let (store, _) = fixture.open();
    assert_eq!(seen(&store, 1, 0).await, ["1:hello", "2:good day"]);
    assert_eq!(seen(&store, 1, 1).await, ["2:good day"]);
    assert_eq!(all(&store, 1, 0).await, ["1:hello", "2:who is this?-", "3:good day"]);
    assert_eq!(all(&store, 1, 2).await, ["3:good day"]);
    assert_eq!(all(&store, 3, 0).await, Vec::<String>::new());
    assert_eq!(store.internal_chats().of_contacts(vec![101, 102, 7]).await.unwrap(), [1, 2]);
}

pub async fn o14_a_message_is_there_with_its_input_or_not_at_all(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    let said = |seq| Batch {
        chat: vec![public(1, seq, seq, "x")],
        mails: vec![Mail { id: seq.into(), at_ms: at(seq), bytes: "m".into() }],
        ..batch(seq, &[7])
    };
    store.append(said(1)).await.expect("appended");
    store.append(said(3)).await.expect_err("a gap");
    assert_eq!(seen(&store, 1, 0).await, ["1:x"]);
    assert_eq!(
        store.reader().unwrap().mail_counts().unwrap(),
        MailCounts { waiting: 1, dead: 0, oldest_ms: Some(at(1)) }
    );
    store.append(said(2)).await.expect("appended");
    assert_eq!(seen(&store, 1, 1).await, ["2:x"]);
}

pub async fn a_number_that_is_given_twice_does_not_stop_the_house(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    put(&store, vec![public(1, 1, 1, "first"), internal(1, 2, "aside")]).await;
    let again = Batch {
        inputs: vec![input(1)],
        chat: vec![public(1, 1, 9, "second"), internal(1, 2, "other")],
        ..Batch::default()
    };
    store.append(again).await.expect("appended");
    assert_eq!(all(&store, 1, 0).await, ["1:first", "2:aside-"], "what was told stays");
}

pub async fn a_page_ends_at_its_limit_and_says_whether_there_is_more(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    put(&store, (1..=5).map(|n| public(1, n, n, "x")).collect()).await;
    let page = store.public_chats().page(1, 0, 4).await.unwrap();
    assert_eq!((page.rows.len(), page.more), (4, true));
    let page = store.public_chats().page(1, 4, 4).await.unwrap();
    assert_eq!((page.rows.len(), page.more), (1, false));
    let large = "x".repeat(3 * 1024 * 1024);
    put(&store, (6..=9).map(|n| public(1, n, n, &large)).collect()).await;
    let page = store.internal_chats().page(1, 5, 100).await.unwrap();
    assert_eq!((page.rows.len(), page.more), (2, true), "bytes end it too");
}

pub async fn whether_a_message_arrived_is_kept_beside_it(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    put(&store, vec![public(1, 1, 1, "x")]).await;
    let message = 1 + (1 << 32);
    put(&store, vec![ChatRow::Delivery { chat: 1, message, delivery: "seen".into() }]).await;
    put(&store, vec![ChatRow::Delivery { chat: 9, message, delivery: "seen".into() }]).await;
    let page = store.public_chats().page(1, 0, 9).await.unwrap();
    assert_eq!((text(&page.rows[0].delivery), page.rows[0].message), ("seen".into(), message));
}

pub async fn o24_a_record_takes_the_place_of_the_one_before(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    let records: Vec<_> = (1..=4).map(|chat| ChatRow::Record(record(chat, chat as u64, chat > 2))).collect();
    put(&store, records).await;
    let chats = store.internal_chats();
    let open = |rows: Vec<ChatRecord>| rows.iter().map(|row| row.chat).collect::<Vec<_>>();
    assert_eq!(open(chats.open_records(9).await.unwrap()), [3, 4]);
    let archived = ChatRecord { bytes: "archived".into(), ..record(3, 3, false) };
    put(&store, vec![ChatRow::Record(archived.clone())]).await;
    assert_eq!(open(chats.open_records(9).await.unwrap()), [4]);
    assert_eq!(chats.record(3).await.unwrap(), Some(archived));
    assert_eq!(chats.record(9).await.unwrap(), None);
    assert_eq!(open(chats.records(at(1)..at(4), None, 2).await.unwrap()), [1, 2]);
    assert_eq!(open(chats.records(at(1)..at(4), Some((at(2), 2)), 2).await.unwrap()), [3]);
}

pub async fn a_chat_goes_with_all_that_is_of_it(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    for chat in 1..=3 {
        put(&store, (1..=60).map(|n| public(chat, n, n, "x")).collect()).await;
        put(&store, vec![internal(chat, 61, "y")]).await;
        store.files().put(file(chat, chat, b"content")).await.expect("kept");
        put(&store, vec![ChatRow::Record(record(chat, chat as u64, chat == 2))]).await;
    }
    let gone = store.remove_chats(at(3), 10).await.unwrap();
    assert_eq!((gone.chats, gone.messages, gone.files), (1, 61, 1), "2 waits for its agent, 3 is too young");
    assert_eq!(all(&store, 1, 0).await, Vec::<String>::new());
    assert_eq!(store.internal_chats().record(1).await.unwrap(), None);
    assert!(store.files().content(1, 1).await.unwrap().is_none());
    assert!(!store.files().path(1).exists());
    assert_eq!(store.internal_chats().of_contacts(vec![101, 102, 103]).await.unwrap(), [2, 3]);
    assert_eq!(all(&store, 3, 0).await.len(), 61);
    assert_eq!(store.remove_chats(at(3), 10).await.unwrap().chats, 0);
}

pub fn words() -> EraseWords {
    Arc::new(|kind, bytes| match kind {
        ChatBytes::Record => Some(b"nobody".to_vec()),
        ChatBytes::Delivery => Some(bytes.to_vec()),
        _ => (bytes != b"?").then(|| b"...".to_vec()),
    })
}

pub async fn erased_words_are_gone_and_the_order_stays(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    let mut rows: Vec<_> = (1..=120).map(|n| public(1, n, n, "my name is Vries")).collect();
    rows.push(internal(1, 121, "it is Vries"));
    rows.push(public(1, 121, 122, "?"));
    rows.push(ChatRow::Record(record(1, 9, false)));
    put(&store, rows).await;
    put(&store, vec![public(2, 1, 1, "somebody else")]).await;
    store.files().put(file(1, 1, b"passport of Vries")).await.expect("kept");
    let gone = store.erase_chats(&[1], words()).await.unwrap();
    assert_eq!((gone.chats, gone.messages, gone.files), (1, 122, 1));
    let left = all(&store, 1, 0).await;
    assert_eq!((left.len(), &*left[0], &*left[120]), (121, "1:...", "121:...-"), "what is unreadable goes");
    assert_eq!(store.internal_chats().record(1).await.unwrap().unwrap().bytes, "nobody");
    assert_eq!(store.files().of_chat(1).await.unwrap(), []);
    assert_eq!(seen(&store, 2, 0).await, ["1:somebody else"]);
    let again = store.erase_chats(&[1], words()).await.unwrap();
    assert_eq!((again.messages, again.files), (0, 0), "asked again it finds nothing more");
}

pub fn file(chat: u128, file: u128, content: &'static [u8]) -> NewFile {
    NewFile {
        file,
        chat,
        name: "brief.pdf".into(),
        media_type: "application/pdf".into(),
        at_ms: at(1),
        content: content.into(),
    }
}

pub async fn w09_a_file_comes_back_and_only_to_its_chat(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    let row = store.files().put(file(1, 5, b"%PDF")).await.expect("kept");
    assert_eq!((row.size, row.sha256[..2].to_vec()), (4, vec![0x31, 0x5d]));
    drop(store);
    let (store, _) = fixture.open();
    let (found, content) = store.files().content(1, 5).await.unwrap().expect("it is there");
    assert_eq!((found, &content[..]), (row, &b"%PDF"[..]));
    assert!(store.files().content(2, 5).await.unwrap().is_none(), "of another chat");
    assert!(store.files().content(1, 6).await.unwrap().is_none());
    std::fs::write(store.files().path(5), b"%PDX").unwrap();
    let error = store.files().content(1, 5).await.unwrap_err().to_string();
    assert!(error.contains("is not what was kept"), "{error}");
}

pub async fn c15_a_mail_waits_until_it_is_taken_or_given_up(fixture: &impl Fixture) {
    let (store, _) = fixture.open();
    let mail = |id: u64| Mail { id: id.into(), at_ms: at(id), bytes: format!("mail {id}").into() };
    store.append(Batch { mails: (1..=3).map(mail).collect(), ..Batch::default() }).await.unwrap();
    // A batch that is offered again after a failure whose answer was lost.
    store.append(Batch { mails: vec![mail(1)], ..Batch::default() }).await.unwrap();
    let failed = MailSettled::Failed { due_ms: at(9), error: "451 later".into() };
    store.settle_mail(1, failed).await.unwrap();
    store.settle_mail(2, MailSettled::Dead { error: "550 nobody".into() }).await.unwrap();
    store.settle_mail(3, MailSettled::Sent).await.unwrap();
    drop(store);
    let (store, _) = fixture.open();
    let reader = store.reader().unwrap();
    let waiting = reader.mails(9).unwrap();
    assert_eq!(waiting.len(), 1);
    let told = (waiting[0].mail.clone(), waiting[0].due_ms, waiting[0].attempts, waiting[0].error.as_str());
    assert_eq!(told, (mail(1), at(9), 1, "451 later"));
    assert_eq!(reader.dead_mails(9).unwrap()[0].error, "550 nobody");
    assert_eq!(reader.mail_counts().unwrap(), MailCounts { waiting: 1, dead: 1, oldest_ms: Some(at(1)) });
    assert_eq!(store.redrive_mails(at(20)).await.unwrap(), 1);
    assert_eq!(reader.mail_counts().unwrap(), MailCounts { waiting: 2, dead: 0, oldest_ms: Some(at(1)) });
    store.settle_mail(2, MailSettled::Dead { error: "550 nobody".into() }).await.unwrap();
    let all: Vec<_> = reader.all_mails(0, 9).unwrap().iter().map(|row| (row.mail.id, row.dead)).collect();
    assert_eq!(all, [(1, false), (2, true)]);
    assert_eq!(reader.all_mails(0, 1).unwrap().len(), 1);
    assert_eq!(reader.all_mails(2, 9).unwrap(), []);
    let again = store.redrive_mail(2, at(20)).await.unwrap().expect("it is there");
    assert_eq!((again.due_ms, again.mail.at_ms, again.attempts, again.dead), (at(20), at(20), 0, false));
    let at_once = store.redrive_mail(1, at(8)).await.unwrap().expect("it is there");
    assert_eq!((at_once.due_ms, at_once.mail.at_ms, at_once.attempts), (at(8), at(1), 1), "it goes on");
    assert_eq!(store.redrive_mail(3, at(20)).await.unwrap(), None);
    store.settle_mail(2, MailSettled::Dead { error: "550 nobody".into() }).await.unwrap();
    assert_eq!(store.remove_mails(at(20)).await.unwrap(), 0, "its time began anew");
    assert_eq!(store.remove_mails(at(21)).await.unwrap(), 1);
    fill(&store, 1, 1, &[]).await;
}
